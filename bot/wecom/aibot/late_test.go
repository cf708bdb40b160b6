package aibot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/storetest"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/platform"
)

// posted are late answers, one for each response_url, as the platform takes them.
type posted struct {
	mu    sync.Mutex
	texts map[string]string // response_url → text
	fail  []error           // for the next calls
	calls int
}

func (p *posted) Post(_ context.Context, url string, body any, _ string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	if len(p.fail) > 0 {
		err := p.fail[0]
		p.fail = p.fail[1:]
		if err != nil && !errors.Is(err, errLost) {
			return err
		}
		if err != nil {
			p.keep(url, body)
			return err
		}
	}
	return p.keep(url, body)
}

// errLost is a call that was carried out and whose answer was lost.
var errLost = errors.New("connection reset")

func (p *posted) keep(url string, body any) error {
	if p.texts == nil {
		p.texts = map[string]string{}
	}
	if _, used := p.texts[url]; used {
		return &api.APIError{Code: 60140, API: "aibot/response"}
	}
	p.texts[url] = body.(markdownReply).Markdown.Content
	return nil
}

func (p *posted) text(url string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.texts[url]
}

// patient answers when it is told to.
type patient struct {
	mu      sync.Mutex
	gate    chan struct{}
	asked   int
	rated   []string
	pressed []bot.Press
}

func (p *patient) Answer(ctx context.Context, m bot.Message) (bot.Reply, error) {
	p.mu.Lock()
	p.asked++
	gate := p.gate
	p.mu.Unlock()
	if gate != nil && strings.HasPrefix(m.Text, "慢") {
		select {
		case <-gate:
		case <-ctx.Done():
			return bot.Reply{}, ctx.Err()
		}
	}
	if strings.HasSuffix(m.Text, "太快") {
		return bot.Reply{Act: bot.ActQuiet}, nil
	}
	return bot.Reply{Text: "答：" + m.Text, Answered: true, View: "handle", Remaining: 2}, nil
}

func (*patient) Welcome(context.Context) string { return "欢迎" }

func (p *patient) FeedbackID(id string, _ bot.Reply) string { return id + ".h" }

func (p *patient) Rate(_ context.Context, id, channel string, reader bot.Asker, r bot.Rating, reasons []int, comment string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rated = append(p.rated, fmt.Sprint(id, " ", channel, " ", string(reader), " ", r, " ", reasons, " ", comment))
}

func (p *patient) Press(_ context.Context, b bot.Press) (bot.Pressed, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pressed = append(p.pressed, b)
	card := bot.Card{Title: "接着看", Buttons: []bot.Button{{Text: "转发版", Key: "pass.h"}}}
	switch b.Key {
	case "yes.h":
		return bot.Pressed{Card: card}, nil
	case "more.h":
		return bot.Pressed{Card: card, Reply: bot.Reply{Text: "后面的", Pages: []string{"后面的"}, Answered: true}}, nil
	}
	return bot.Pressed{}, bot.ErrKey
}

func newJournal(t *testing.T) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "state.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// replica is a callback with buttons and the late way. Its waits are short: the tests run in
// synctest, where no machine is slow.
func replica(t *testing.T, a Answerer, j bot.Journal, l Late) (*bench, *Callback) {
	t.Helper()
	codec, err := envelope.New("tokenB2026", "oOYVIYqLimZBtYmFuzUmq5zgrdObL4mY0mCUCb9CKZL", "")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, codec: codec}
	c := NewCallback(a, codec, Options{Name: "小知", Cards: true, Journal: j, Late: l, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Patience: 30 * time.Millisecond, PollLife: 400 * time.Millisecond})
	b.handler = c
	t.Cleanup(c.Close)
	return b, c
}

// reply is what the platform reads of a reply.
func read(t *testing.T, body string) (r struct {
	MsgType string `json:"msgtype"`
	Type    string `json:"response_type"`
	Stream  struct {
		ID       string
		Finish   bool
		Content  string
		Feedback *feedbackID
	}
	Card struct {
		TaskID  string                       `json:"task_id"`
		Buttons []struct{ Text, Key string } `json:"button_list"`
	} `json:"template_card"`
	Users []string `json:"userids"`
}) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return r
}

func said(id, text string) string {
	return fmt.Sprintf(`{"msgid":%q,"aibotid":"aibKz3","chatid":"wrT9","chattype":"group","from":{"userid":"lin.yue"},"response_url":"late-%s","msgtype":"text","text":{"content":%q}}`, id, id, text)
}

func refresh(stream string) string {
	return fmt.Sprintf(`{"msgid":"r","aibotid":"aibKz3","chatid":"wrT9","chattype":"group","from":{"userid":"lin.yue"},"msgtype":"stream","stream":{"id":%q}}`, stream)
}

func TestAnswerWithButtons(t *testing.T) { synctest.Test(t, answerWithButtons) }

func answerWithButtons(t *testing.T) {
	b, _ := replica(t, &patient{}, newJournal(t), &posted{})
	r := read(t, b.send(said("m1", "@小知 问")))
	if r.MsgType != "stream_with_template_card" || !r.Stream.Finish || r.Stream.Content != "答：问" || r.Stream.Feedback.ID != r.Stream.ID+".h" {
		t.Errorf("reply %+v", r)
	}
	var keys []string
	for _, k := range r.Card.Buttons {
		keys = append(keys, k.Text+" "+k.Key)
	}
	if want := []string{"更多（2条） more.handle", "转发版 pass.handle", "有用 yes.handle", "没用 no.handle"}; !slices.Equal(keys, want) || r.Card.TaskID != r.Stream.ID {
		t.Errorf("buttons %q of card %q", keys, r.Card.TaskID)
	}
	if again := b.send(said("m1", "@小知 问")); read(t, again).Stream.ID != r.Stream.ID {
		t.Errorf("redelivered: %s", again)
	}
}

// TestSlowAnswerIsPolled: the asker is told that it is being looked for, the platform
// polls, also at another replica, and reads it once it is made. It is not posted late.
func TestSlowAnswerIsPolled(t *testing.T) { synctest.Test(t, slowAnswerIsPolled) }

func slowAnswerIsPolled(t *testing.T) {
	p, journal, late := &patient{gate: make(chan struct{})}, newJournal(t), &posted{}
	one, _ := replica(t, p, journal, late)
	two, _ := replica(t, p, journal, late)
	first := read(t, one.send(said("m1", "慢")))
	if first.Stream.Finish || first.Stream.Content != bot.TextSearching || first.Stream.Feedback == nil {
		t.Fatalf("first reply %+v", first)
	}
	if again := read(t, one.send(said("m1", "慢"))); again.Stream.ID != first.Stream.ID || again.Stream.Finish {
		t.Errorf("redelivered: %+v", again)
	}
	for _, b := range []*bench{one, two} {
		if r := read(t, b.send(refresh(first.Stream.ID))); r.Stream.Finish || r.Stream.Content != bot.TextSearching {
			t.Errorf("polled too early: %+v", r)
		}
	}
	close(p.gate)
	for _, b := range []*bench{two, one, two} {
		if r := read(t, b.send(refresh(first.Stream.ID))); !r.Stream.Finish || r.Stream.Content != "答：慢" {
			t.Errorf("polled: %+v", r)
		}
	}
	time.Sleep(600 * time.Millisecond) // longer than the platform polls
	if late.calls != 0 {
		t.Errorf("posted late %d times although it was polled", late.calls)
	}
	if r := read(t, one.send(refresh("unknown"))); !r.Stream.Finish || r.Stream.Content != bot.TextExpired {
		t.Errorf("an unknown stream: %+v", r)
	}
}

// TestSlowAnswerIsPostedLate: nobody polls any more. The first try's answer is lost, and
// the platform refuses the second: it had arrived.
func TestSlowAnswerIsPostedLate(t *testing.T) { synctest.Test(t, slowAnswerIsPostedLate) }

func slowAnswerIsPostedLate(t *testing.T) {
	p, late := &patient{gate: make(chan struct{})}, &posted{fail: []error{errLost}}
	b, _ := replica(t, p, newJournal(t), late)
	b.send(said("m1", "慢"))
	time.Sleep(500 * time.Millisecond)
	close(p.gate)
	waitUntil(t, func() bool { return late.text("late-m1") == "答：慢" })
	time.Sleep(400 * time.Millisecond)
	late.mu.Lock()
	defer late.mu.Unlock()
	if late.calls != 2 {
		t.Errorf("posted %d times, want twice", late.calls)
	}
}

// TestPromiseOutlivesTheReplica: it promised an answer and is gone; another posts it.
func TestPromiseOutlivesTheReplica(t *testing.T) { synctest.Test(t, promiseOutlivesTheReplica) }

func promiseOutlivesTheReplica(t *testing.T) {
	p, journal, late := &patient{gate: make(chan struct{})}, newJournal(t), &posted{}
	one, dying := replica(t, p, journal, late)
	one.send(said("m1", "慢"))
	dying.Close()
	close(p.gate)
	_, two := replica(t, p, journal, late)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); two.Run(ctx) }()
	waitUntil(t, func() bool { return late.text("late-m1") == "答：慢" })
	cancel()
	<-ended
}

// TestOneOfTooMany gets an empty response, and leaves nothing behind; only who was told
// that it is being looked for is told why nothing comes of it.
func TestOneOfTooMany(t *testing.T) { synctest.Test(t, oneOfTooMany) }

func oneOfTooMany(t *testing.T) {
	p, journal, late := &patient{gate: make(chan struct{})}, newJournal(t), &posted{}
	b, _ := replica(t, p, journal, late)
	for range 3 {
		if got := b.send(said("m1", "太快")); got != "" {
			t.Errorf("got %q", got)
		}
	}
	first := read(t, b.send(said("m2", "慢太快")))
	close(p.gate)
	waitUntil(t, func() bool { return read(t, b.send(refresh(first.Stream.ID))).Stream.Finish })
	if r := read(t, b.send(refresh(first.Stream.ID))); r.Stream.Content != bot.TextWait {
		t.Errorf("polled: %+v", r)
	}
	if open, err := journal.Claim(t.Context(), "aibot-late", "me", 10, time.Second); err != nil || len(open) != 0 {
		t.Errorf("%d promises open, %v", len(open), err)
	}
	if strings.Contains(b.log.String(), "ERROR") || late.calls != 0 {
		t.Errorf("%d posted late; log %s", late.calls, b.log.String())
	}
}

func TestOneOfTooManyOverTheConnection(t *testing.T) {
	b, journal := newGatewayBench(t), newJournal(t)
	c, _ := b.run(&patient{}, func(o *ConnectionOptions) { o.Journal = journal })
	b.wait("login", func() bool { return c.State() == StateReady })
	b.say("m1", "u1", "太快")
	b.say("m2", "u1", "问")
	b.wait("the other's answer", func() bool { return b.count(OutcomeDelivered, 0) == 1 })
	if ids, texts := b.replies(); len(texts) != 1 || ids[0] != streamID("m2") {
		t.Errorf("said %q", texts)
	}
	b.wait("the promises to be kept", func() bool { return c.promised.count() == 0 })
	if open, err := journal.Claim(t.Context(), c.queue(), "me", 10, time.Second); err != nil || len(open) != 0 {
		t.Errorf("%d promises open, %v", len(open), err)
	}
}

func waitUntil(t *testing.T, reached func() bool) {
	t.Helper()
	storetest.Eventually(t, "reached", reached)
}

func pressed(id, key, task string) string {
	return fmt.Sprintf(`{"msgid":%q,"aibotid":"aibKz3","chatid":"wrT9","chattype":"group","from":{"userid":"lin.yue"},"response_url":"late-%s","msgtype":"event","event":{"eventtype":"template_card_event","template_card_event":{"card_type":"button_interaction","event_key":%q,"task_id":%q}}}`, id, id, key, task)
}

func TestButtons(t *testing.T) { synctest.Test(t, buttonsAreAnswered) }

func buttonsAreAnswered(t *testing.T) {
	p, late := &patient{}, &posted{}
	b, _ := replica(t, p, newJournal(t), late)
	r := read(t, b.send(pressed("e1", "yes.h", "task-1")))
	if r.Type != "update_template_card" || r.Card.TaskID != "task-1" || !slices.Equal(r.Users, []string{"lin.yue"}) {
		t.Errorf("an opinion: %+v", r)
	}
	r = read(t, b.send(pressed("e2", "more.h", "task-1")))
	if r.Type != "update_template_card" || r.Users != nil {
		t.Errorf("more: %+v", r)
	}
	waitUntil(t, func() bool { return late.text("late-e2") == "后面的" })
	b.send(pressed("e2", "more.h", "task-1")) // delivered again
	if got := b.send(pressed("e3", "strange", "task-1")); got != "" {
		t.Errorf("a foreign button: %q", got)
	}
	if got := p.pressed[0]; got.Answer != "task-1" || got.Asker != "lin.yue" || got.Chat != "aibKz3/wrT9" || got.ID != "aibot:aibKz3:e1" {
		t.Errorf("the engine was told %+v", got)
	}
	time.Sleep(50 * time.Millisecond)
	if late.calls != 1 {
		t.Errorf("posted %d times", late.calls)
	}
}

func TestFeedbackIsKept(t *testing.T) {
	p := &patient{}
	b, _ := replica(t, p, nil, nil)
	feedback := `{"msgid":"e-12","aibotid":"aibKz3","from":{"userid":"lin.yue"},"msgtype":"event","event":{"eventtype":"feedback_event","feedback_event":{"id":"ans.h","type":2,"content":"没有写审批人","inaccurate_reason_list":[2]}}}`
	if got := b.send(feedback); got != "" {
		t.Errorf("a feedback event is answered: %q", got)
	}
	b.send(strings.Replace(feedback, `"type":2`, `"type":7`, 1))
	if want := []string{"ans.h aibot lin.yue 2 [2] 没有写审批人"}; !slices.Equal(p.rated, want) {
		t.Errorf("kept %q, want %q", p.rated, want)
	}
}

// TestConnectionButtons: the same over the long connection.
func TestConnectionButtons(t *testing.T) {
	b := newGatewayBench(t)
	p := &patient{}
	c, _ := b.run(p, func(o *ConnectionOptions) { o.Cards, o.Journal = true, newJournal(t) })
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.Deliver(t.Context(), "aibot_msg_callback", "cb-1", said("m1", "@小知 问"))
	b.wait("answer and card", func() bool { return len(b.gateway.Received("aibot_respond_msg")) == 2 })
	card := b.gateway.Received("aibot_respond_msg")[1]
	if card.RequestID != "cb-1" || read(t, string(card.Body)).MsgType != "template_card" {
		t.Errorf("card %+v", card)
	}
	for range 2 { // delivered twice
		b.gateway.Deliver(t.Context(), "aibot_event_callback", "ev-1", pressed("e1", "more.h", "task-1"))
	}
	b.wait("what the button asks for", func() bool { return b.count(OutcomePushed, 0) == 1 && b.count(OutcomeRepeated, 0) == 1 })
	if got := b.gateway.Received("aibot_respond_update_msg"); len(got) != 1 || got[0].RequestID != "ev-1" {
		t.Errorf("updates %+v", got)
	}
	if got := b.gateway.Received("aibot_send_msg"); len(got) != 1 || !strings.Contains(string(got[0].Body), "后面的") {
		t.Errorf("pushes %+v", got)
	}
}

// TestPromisesOutliveTheConnection: a replica notes a message and dies before it
// answers; the next owner answers it, once. Then one dies after it answered: the next
// says that it may have arrived.
func TestPromisesOutliveTheConnection(t *testing.T) {
	b := newGatewayBench(t)
	journal := newJournal(t)
	with := func(o *ConnectionOptions) { o.Journal = journal }
	p := &patient{gate: make(chan struct{})}
	one, stop := b.run(p, with, func(o *ConnectionOptions) { o.Times.Drain = 10 * time.Millisecond })
	b.wait("login", func() bool { return one.State() == StateReady })
	b.gateway.Deliver(t.Context(), "aibot_msg_callback", "cb-1", said("m1", "慢"))
	b.wait("the message", func() bool { return b.count(OutcomeMessage, 0) == 1 })
	go stop()
	close(p.gate)
	two, _ := b.run(p, with)
	b.wait("second login", func() bool { return two.State() == StateReady })
	b.wait("the answer", func() bool {
		return b.count(OutcomeDelivered, 0)+b.count(OutcomePushed, 0) == 1
	})
	time.Sleep(300 * time.Millisecond)
	if n := b.count(OutcomeDelivered, 0) + b.count(OutcomePushed, 0); n != 1 {
		t.Errorf("answered %d times", n)
	}
	b.gateway.SetFaults(platform.Faults{})
}
