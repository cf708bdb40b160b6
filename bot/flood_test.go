package bot_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
)

// clock is a clock that tests turn.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) forward(d time.Duration) { c.nanos.Add(int64(d)) }

// commits counts what is saved.
type commits struct {
	bot.State
	n atomic.Int32
}

func (c *commits) Commit(ctx context.Context, v bot.Conversation, id, attempt string, version uint64, s *bot.Session, r []byte) error {
	c.n.Add(1)
	return c.State.Commit(ctx, v, id, attempt, version, s, r)
}

// acts tells in short what was said: an answer, the notice, or nothing.
func acts(r bot.Reply) string {
	switch {
	case r.Quiet() && r.Text == "" && len(r.Pages) == 0:
		return "-"
	case r.Act == bot.ActWait && r.Text == bot.TextWait:
		return "!"
	case r.Answered:
		return "a"
	}
	return "?"
}

// TestFloodOfOnePerson gets one notice, then nothing until it is calm; what was answered
// is answered again, and does not count.
func TestFloodOfOnePerson(t *testing.T) {
	l, time0 := live(t), newClock()
	s := &commits{State: store(t)}
	limited := map[string]int{}
	e := bot.New(l, s, bot.Options{Limits: bot.Limits{Person: 5}, Now: time0.now, Observe: func(e bot.Event) { limited[e.Limited]++ }})
	n, got := 0, ""
	ask := func() string {
		n++
		return acts(answer(t, e, message(fmt.Sprint("m", n), "u", "能免担保吗")))
	}
	first := answer(t, e, message("m0", "u", "能免担保吗"))
	for range 9 { // the first of all counts, too
		got += ask()
	}
	if want := "aaaa!----"; got != want {
		t.Fatalf("ten questions at once: %s, want %s", got, want)
	}
	if s.n.Load() != 6 {
		t.Errorf("%d replies saved; a flood is to leave nothing behind", s.n.Load())
	}
	for range 20 {
		if again := answer(t, e, message("m0", "u", "能免担保吗")); again.Text != first.Text || !again.Replayed {
			t.Fatalf("delivered again in a flood: %q", again.Text)
		}
	}
	other := bot.New(l, s, bot.Options{Limits: bot.Limits{Person: 5}, Now: time0.now})
	for range 20 {
		if again := answer(t, other, message("m0", "u", "能免担保吗")); again.Text != first.Text {
			t.Fatalf("delivered again to another replica: %q", again.Text)
		}
	}
	if got := acts(answer(t, other, message("m-other", "u", "能免担保吗"))); got != "a" {
		t.Errorf("redeliveries counted as questions: %s", got)
	}
	if got := acts(answer(t, e, message("m5", "u", "能免担保吗"))); got != "!" {
		t.Errorf("the notice delivered again: %s", got)
	}
	time0.forward(10 * time.Second)
	if got := ask(); got != "-" {
		t.Errorf("after ten seconds: %s", got)
	}
	time0.forward(24 * time.Second)
	if got := ask(); got != "a" {
		t.Errorf("when it was calm: %s", got)
	}
	if got := acts(answer(t, e, message("m7", "u", "能免担保吗"))); got != "-" {
		t.Errorf("a message that got no reply, delivered again: %s", got)
	}
	got = ""
	for range 40 { // at twice the pace
		time0.forward(6 * time.Second)
		got += ask()
	}
	if strings.Count(got, "!") != 1 || !strings.HasSuffix(got, "--------") {
		t.Errorf("who goes on at twice the pace: %s", got)
	}
	if limited[bot.LimitedPerson] == 0 || limited[bot.LimitedChat] != 0 {
		t.Errorf("counted %v", limited)
	}
}

// TestFloodHurtsNobodyElse: one floods a group of others, who read what they read without.
func TestFloodHurtsNobodyElse(t *testing.T) {
	const people, turns = 4, 20
	l := live(t)
	talk := func(e *bot.Engine, person int) (read []string) {
		for i, text := range script(person, turns) {
			r, err := e.Answer(context.Background(), message(fmt.Sprintf("%d-%d", person, i), fmt.Sprint("u", person), text))
			if err != nil {
				t.Error(err)
			}
			read = append(read, r.Text)
		}
		return read
	}
	var calm [people][]string
	e := bot.New(l, store(t), bot.Options{})
	for p := range people {
		calm[p] = talk(e, p)
	}
	e = bot.New(l, store(t), bot.Options{Limits: bot.Limits{Person: 30, Chat: 150}})
	ctx, stop := context.WithCancel(t.Context())
	var floods, talks sync.WaitGroup
	var notices, quiet atomic.Int32
	for w := range 4 {
		floods.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				r, err := e.Answer(context.Background(), message(fmt.Sprintf("flood-%d-%d", w, i), "flooder", "海关直接激励措施"))
				switch {
				case err != nil:
					t.Error(err)
				case r.Act == bot.ActWait:
					notices.Add(1)
				case r.Quiet():
					quiet.Add(1)
				}
			}
		})
	}
	var flooded [people][]string
	for p := range people {
		talks.Go(func() { flooded[p] = talk(e, p) })
	}
	talks.Wait()
	for quiet.Load() < 100 {
		time.Sleep(time.Millisecond)
	}
	stop()
	floods.Wait()
	for p := range people {
		if !slices.Equal(calm[p], flooded[p]) {
			t.Errorf("person %d reads other answers beside a flood", p)
		}
	}
	if notices.Load() != 1 {
		t.Errorf("%d notices of one flood", notices.Load())
	}
}

func TestFloodOfAGroup(t *testing.T) {
	time0 := newClock()
	e := bot.New(live(t), store(t), bot.Options{Limits: bot.Limits{Chat: 5}, Now: time0.now})
	say := func(chat, account string, i int) string {
		m := message(fmt.Sprint(chat, account, i), fmt.Sprint("u", i), "能免担保吗")
		m.Chat, m.Account = chat, account
		return acts(answer(t, e, m))
	}
	for _, tt := range []struct{ chat, account, want string }{
		{"g1", "", "aaaaa!--"}, {"g2", "", "aaaaa!--"},
		{"", "", "aaaaaaaa"},         // one-to-one
		{"kf/a", "kf/a", "aaaaaaaa"}, // the bot's own account, no group
	} {
		got := ""
		for i := range 8 {
			got += say(tt.chat, tt.account, i)
		}
		if got != tt.want {
			t.Errorf("chat %q, account %q: %s, want %s", tt.chat, tt.account, got, tt.want)
		}
	}
}

// TestFloodOfButtons leaves the cards alone.
func TestFloodOfButtons(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{Limits: bot.Limits{Person: 2}, Now: newClock().now})
	view := answer(t, e, message("m", "u", "海关直接激励措施")).View
	for i, want := range []string{"a", "!", "-"} {
		p, err := e.Press(t.Context(), bot.Press{ID: fmt.Sprint("p", i), Chat: "g", Asker: "u", Key: "pass." + view, Surface: screen})
		if err != nil || acts(p.Reply) != want || (len(p.Card.Buttons) > 0) != (want == "a") {
			t.Errorf("press %d: %s, card %+v, %v; want %s", i, acts(p.Reply), p.Card, err, want)
		}
	}
}

// TestNoLimits is what everything but serve has.
func TestNoLimits(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{Now: newClock().now})
	for i := range 400 {
		if got := acts(answer(t, e, message(fmt.Sprint(i), "u", "能免担保吗"))); got != "a" {
			t.Fatalf("question %d: %s", i, got)
		}
	}
}
