package app

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/wecom/platform"
)

func newJournal(t *testing.T) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "state.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// hurry shortens the waits of a callback, but for what would be taken from it while it works
// on it.
func (b *bench) hurry() {
	b.callback.pushes.lease, b.callback.pushes.every = time.Minute, 20*time.Millisecond
}

// dies is hurry for one that leaves its work to others.
func (b *bench) dies() {
	b.hurry()
	b.callback.pushes.lease = 100 * time.Millisecond
	b.callback.pushes.headStart = time.Hour // and in that hour it dies
}

// run looks for what others left undone until the test ends.
func (b *bench) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.callback.Run(ctx)
	}()
	b.t.Cleanup(func() {
		cancel()
		<-ended
		b.callback.Close(context.Background())
	})
}

// TestPagesOutliveTheProcess: the second page was taken, but the process died before it
// could note so, and before the third. The next one sends both; the platform shows the
// second once.
func TestPagesOutliveTheProcess(t *testing.T) {
	c, journal := newCorp(t), newJournal(t)
	with := func(o *Options) { o.Journal = journal }
	first := newBench(t, c.sender(t), with)
	first.dies()
	c.SetFaults(platform.APIFaults{LoseAnswers: 1})
	first.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("一", "二", "三"), nil }
	first.deliver(question("1", "海关有何激励？"))
	job := push{To: "lin.yue", Items: first.callback.items([]string{"二", "三"}), id: "app:" + testCorp + ":" + testAgent + ":1"}
	if err := first.callback.pushes.sendItem(job); err == nil {
		t.Fatal("the answer to the second page was not lost")
	}

	second := newBench(t, c.sender(t), with)
	second.hurry()
	second.run()
	waitFor(t, "both pages", func() bool { return second.counts.of(OutcomePushSent) == 2 })
	if got, want := c.texts(), []string{"二", "三"}; !slices.Equal(got, want) {
		t.Errorf("people read %q, want %q", got, want)
	}
	if got := first.deliver(question("1", "海关有何激励？")); got["Content"] != "一" {
		t.Errorf("redelivered: %q", got)
	}
	waitFor(t, "the redelivery is known", func() bool { return first.counts.of(OutcomePushRepeated) == 1 })
}

// TestPagesWaitForThePlatform: it is down, then well again.
func TestPagesWaitForThePlatform(t *testing.T) {
	c := newCorp(t)
	b := newBench(t, c.sender(t), func(o *Options) { o.Journal = newJournal(t) })
	c.SetFaults(platform.APIFaults{Codes: map[string][]int{"message/send": {60020}}})
	b.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("一", "二"), nil }
	b.deliver(question("1", "海关有何激励？"))
	waitFor(t, "the page is put off", func() bool { return b.counts.of(OutcomePushPutOff) == 1 })
	if strings.Contains(b.log.String(), "lin.yue") || !strings.Contains(b.log.String(), "203.0.113.7") {
		t.Errorf("log: %s", b.log.String())
	}
}

// awayJournal is one that can be away.
type awayJournal struct {
	bot.Journal
	away atomic.Bool
}

var errAway = errors.New("the journal is away")

func (j *awayJournal) Enter(ctx context.Context, t bot.Task, holder string, lease, keep time.Duration) (bool, error) {
	if j.away.Load() {
		return false, errAway
	}
	return j.Journal.Enter(ctx, t, holder, lease, keep)
}

func (j *awayJournal) Note(ctx context.Context, queue, id, holder string, data []byte, lease time.Duration) error {
	if j.away.Load() {
		return errAway
	}
	return j.Journal.Note(ctx, queue, id, holder, data, lease)
}

// TestPagesAreNotedWhenTheJournalIsBack: it was away when they were promised, and comes
// back before the process dies.
func TestPagesAreNotedWhenTheJournalIsBack(t *testing.T) {
	c, journal := newCorp(t), &awayJournal{Journal: newJournal(t)}
	with := func(o *Options) { o.Journal = journal }
	first := newBench(t, c.sender(t), with)
	first.dies()
	first.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("一", "二", "三"), nil }
	journal.away.Store(true)
	first.deliver(question("1", "海关有何激励？"))
	if !strings.Contains(first.log.String(), "pages not noted") {
		t.Fatalf("log: %s", first.log.String())
	}
	journal.away.Store(false)
	second := newBench(t, c.sender(t), with)
	second.hurry()
	second.run()
	waitFor(t, "the pages are sent", func() bool { return len(c.texts()) == 2 })
	if texts, want := c.texts(), []string{"二", "三"}; !slices.Equal(texts, want) {
		t.Errorf("read %q, want %q", texts, want)
	}
}

// TestPagesNotedLateAreSentOnce: the journal is back while they are sent, and what was
// noted is done with them.
func TestPagesNotedLateAreSentOnce(t *testing.T) {
	c, journal := newCorp(t), &awayJournal{Journal: newJournal(t)}
	b := newBench(t, c.sender(t), func(o *Options) { o.Journal = journal })
	b.callback.pushes.headStart = 3 * enterEvery
	b.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("一", "二", "三"), nil }
	journal.away.Store(true)
	b.deliver(question("1", "海关有何激励？"))
	journal.away.Store(false)
	waitFor(t, "the pages are sent", func() bool { return b.counts.of(OutcomePushSent) == 2 })
	id := "app:" + testCorp + ":" + testAgent + ":1"
	waitFor(t, "the promise is over", func() bool {
		_, open, err := journal.Look(t.Context(), b.callback.pushes.queue, id)
		return err == nil && !open
	})
	if texts, want := c.texts(), []string{"二", "三"}; !slices.Equal(texts, want) {
		t.Errorf("read %q, want %q", texts, want)
	}
	if fresh, err := journal.Enter(t.Context(), bot.Task{Queue: b.callback.pushes.queue, ID: id}, "x", time.Second, time.Minute); fresh || err != nil {
		t.Errorf("it was never noted: fresh %v, %v", fresh, err)
	}
}

func TestMenuEntryAsks(t *testing.T) {
	b := newBench(t, nil)
	got := b.deliver(event("click", "<EventKey><![CDATA[优先通关如何实现]]></EventKey><AgentID>"+testAgent+"</AgentID>"))
	if got["Content"] != "答：优先通关如何实现" {
		t.Errorf("menu entry: %q", got)
	}
	again := b.deliver(event("click", "<EventKey><![CDATA[优先通关如何实现]]></EventKey>"))
	b.deliver(event("click", "<EventKey><![CDATA[更多]]></EventKey>"))
	ids := []string{b.answerer.got[0].ID, b.answerer.got[1].ID, b.answerer.got[2].ID}
	if ids[0] != ids[1] || ids[1] == ids[2] || again["Content"] == "" {
		t.Errorf("ids of menu events: %q", ids)
	}
}

func TestCardsAndButtons(t *testing.T) {
	c := newCorp(t)
	b := newBench(t, c.sender(t), func(o *Options) { o.Cards = true })
	b.answerer.hook = func(bot.Message) (bot.Reply, error) {
		r := reply("一")
		r.View, r.Remaining = "handle", 3
		return r, nil
	}
	b.deliver(question("1", "海关有何激励？"))
	waitFor(t, "the card", func() bool { return len(c.Sent()) == 1 })
	var card struct {
		Kind    string `json:"card_type"`
		TaskID  string `json:"task_id"`
		Buttons []struct {
			Type      *int
			Text, Key string
		} `json:"button_list"`
	}
	if err := json.Unmarshal(c.Sent()[0].Card, &card); err != nil {
		t.Fatal(err)
	}
	if card.Kind != "button_interaction" || card.TaskID == "" || len(card.Buttons) != 4 || card.Buttons[0].Text != "更多（3条）" || *card.Buttons[0].Type != 0 {
		t.Fatalf("card %s", c.Sent()[0].Card)
	}

	b.answerer.press = bot.Pressed{Reply: reply("二", "三"), Card: bot.Card{Title: "接着看", Buttons: []bot.Button{{Text: "转发版", Key: "pass.x"}}}}
	code := c.NewResponseCode()
	pressed := event("template_card_event", "<EventKey><![CDATA["+card.Buttons[0].Key+"]]></EventKey><TaskId>"+card.TaskID+"</TaskId><ResponseCode>"+code+"</ResponseCode>")
	for range 2 {
		if got := b.deliver(pressed); len(got) != 0 {
			t.Errorf("a button's event is answered in its response: %q", got)
		}
	}
	waitFor(t, "card and pages", func() bool { return len(c.Sent()) == 4 })
	var seen []string
	for _, s := range c.Sent()[1:] {
		seen = append(seen, s.Via+" "+s.Text)
	}
	if want := []string{"message/update_template_card ", "message/send 二", "message/send 三"}; !slices.Equal(seen, want) {
		t.Errorf("after the button %q, want %q", seen, want)
	}
	if p := b.answerer.pressed[0]; p.Key != "more.handle" || p.Answer != card.TaskID || p.Asker != "lin.yue" || p.ID == "" {
		t.Errorf("the engine was told %+v", p)
	}
	if got := b.deliver(event("template_card_event", "<EventKey>strange</EventKey><TaskId>t</TaskId>")); len(got) != 0 {
		t.Errorf("a foreign button: %q", got)
	}
	b.callback.Close(context.Background())
	checkNoPeople(t, b.log.String())
}

func TestMarkdownGoesOutAsMessages(t *testing.T) {
	c := newCorp(t)
	b := newBench(t, c.sender(t), func(o *Options) { o.Markdown = true })
	b.answerer.hook = func(m bot.Message) (bot.Reply, error) {
		if !m.Surface.Markdown {
			t.Error("the engine is not told that the screen shows Markdown")
		}
		return reply("**一**", "二"), nil
	}
	if got := b.deliver(question("1", "海关有何激励？")); len(got) != 0 {
		t.Errorf("the response says %q", got)
	}
	waitFor(t, "both pages", func() bool { return len(c.Sent()) == 2 })
	if s := c.Sent(); s[0].Kind != "markdown" || s[0].Text != "**一**" || s[1].Text != "二" {
		t.Errorf("sent %+v", s)
	}
}

// TestMarkdownThatIsNotAcceptedGoesOutAsText, as it is then.
func TestMarkdownThatIsNotAcceptedGoesOutAsText(t *testing.T) {
	for _, code := range []int{40008, 40058} {
		c := newCorp(t)
		b := newBench(t, c.sender(t), func(o *Options) { o.Markdown = true })
		b.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("**一**", "二"), nil }
		c.SetFaults(platform.APIFaults{Codes: map[string][]int{"message/send": {code}}})
		b.deliver(question("1", "海关有何激励？"))
		waitFor(t, "both pages", func() bool { return len(c.Sent()) == 2 })
		if s := c.Sent(); s[0].Kind != "text" || s[0].Text != "**一**" || s[1].Kind != "markdown" {
			t.Errorf("%d: sent %+v", code, s)
		}
	}
}
