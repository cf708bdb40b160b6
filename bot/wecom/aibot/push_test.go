package aibot

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/platform"
)

// outcomes are what became of pushes.
type outcomes struct {
	mu  sync.Mutex
	got []bot.Outcome
}

func (o *outcomes) take(got bot.Outcome) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, got)
}

// of is the outcome of an id, or false.
func (o *outcomes) of(id string) (bot.Outcome, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.got, func(g bot.Outcome) bool { return g.ID == id })
	if i < 0 {
		return bot.Outcome{}, false
	}
	return o.got[i], true
}

// said are the messages that were not asked for, as chat, kind and text.
func (b *gatewayBench) said() (all []string) {
	for _, f := range b.gateway.Received(cmdSend) {
		var m markdownReply
		if err := json.Unmarshal(f.Body, &m); err != nil {
			b.t.Fatal(err)
		}
		if f.Code == 0 {
			all = append(all, m.ChatID+" "+string(rune('0'+m.ChatType))+" "+m.Markdown.Content)
		}
	}
	slices.Sort(all)
	return all
}

var (
	aGroup  = bot.Address{Channel: "aibot", Chat: "aibKz3/wrT9group"}
	aPerson = bot.Address{Channel: "aibot", Asker: "lin.yue"}
	nowhere = bot.Address{Channel: "aibot", Chat: "wrT9group"}
)

// TestPushesGoOutOnce: whichever replica is asked, the one that has the connection speaks.
func TestPushesGoOutOnce(t *testing.T) {
	b, journal, got := newGatewayBench(t), newJournal(t), &outcomes{}
	with := func(o *ConnectionOptions) { o.Journal, o.Pushed = journal, got.take }
	first, _ := b.run(&sluggish{}, with)
	b.wait("login", func() bool { return first.State() == StateReady })
	b.gateway.Meet("wrT9group", "lin.yue")
	second, _ := b.run(&sluggish{}, with)
	for _, c := range []*Connection{second, first, second} {
		for id, to := range map[string]bot.Address{"p1": aGroup, "p2": aPerson} {
			if _, _, err := c.Push(t.Context(), id, to, []string{"更正：" + id}); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.wait("both outcomes", func() bool { _, one := got.of("p1"); _, two := got.of("p2"); return one && two })
	if fresh, over, err := first.Push(t.Context(), "p1", aGroup, []string{"更正：p1"}); fresh || !over || err != nil {
		t.Errorf("the same again: fresh %v, over %v, %v", fresh, over, err)
	}
	if said, want := b.said(), []string{"lin.yue 1 更正：p2", "wrT9group 2 更正：p1"}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
	if _, _, err := first.Push(t.Context(), "p3", nowhere, []string{"x"}); !errors.Is(err, bot.ErrCannot) {
		t.Errorf("to no conversation: %v", err)
	}
	if strings.Contains(b.log.String(), "lin.yue") || strings.Contains(b.log.String(), "更正") {
		t.Errorf("the log holds a person or a text:\n%s", b.log.String())
	}
}

// TestAPushInDoubtComesAgainAndSaysSo: its acknowledgement was lost with the connection.
func TestAPushInDoubtComesAgainAndSaysSo(t *testing.T) {
	b, journal, got := newGatewayBench(t), newJournal(t), &outcomes{}
	c, _ := b.run(&sluggish{}, func(o *ConnectionOptions) { o.Journal, o.Pushed = journal, got.take }, func(o *ConnectionOptions) { o.Times.Heartbeat = time.Hour }) // which would notice it first
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.Meet("wrT9group", "lin.yue")
	b.gateway.SetFaults(platform.Faults{Silent: true})
	if _, _, err := c.Push(t.Context(), "p", aGroup, []string{"更正"}); err != nil {
		t.Fatal(err)
	}
	b.wait("the push", func() bool { return len(b.said()) > 0 })
	b.gateway.SetFaults(platform.Faults{})
	b.gateway.Cut()
	b.wait("the outcome", func() bool { _, ok := got.of("p"); return ok })
	if said := b.said(); len(said) < 2 || !strings.Contains(said[len(said)-1], bot.TextAgain) {
		t.Errorf("said %q", said)
	}
}

// TestPushesWaitForTheirPace and for the platform's, and a refusal is told.
func TestPushesWaitForThePlatform(t *testing.T) {
	b, journal, got := newGatewayBench(t), newJournal(t), &outcomes{}
	c, _ := b.run(&sluggish{}, func(o *ConnectionOptions) { o.Journal, o.Pushed = journal, got.take })
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.Meet("wrT9group", "lin.yue")
	b.gateway.SetFaults(platform.Faults{Codes: map[string][]int{cmdSend: {codeRateLimited, 0, 40058}}})
	if _, _, err := c.Push(t.Context(), "p1", aGroup, []string{"一"}); err != nil {
		t.Fatal(err)
	}
	b.wait("the first", func() bool { _, ok := got.of("p1"); return ok })
	if said, want := b.said(), []string{"wrT9group 2 一"}; !slices.Equal(said, want) {
		t.Errorf("said %q, want %q", said, want)
	}
	if _, _, err := c.Push(t.Context(), "p2", aGroup, []string{"二"}); err != nil {
		t.Fatal(err)
	}
	b.wait("the second", func() bool { _, ok := got.of("p2"); return ok })
	if o, _ := got.of("p2"); o.Err == nil {
		t.Error("a refusal is no error")
	}
}

func TestPaceIsLookedAtWithoutCounting(t *testing.T) {
	l, now := newLimits(), time.Now()
	for range perMinute {
		l.reserve("g", now)
	}
	for range 3 {
		if at := l.free("g", now); at.Sub(now) != time.Minute {
			t.Fatalf("free in %v", at.Sub(now))
		}
	}
	if at := l.free("another", now); !at.Equal(now) {
		t.Errorf("another is free at %v", at)
	}
}

// TestNobodyIsSpokenToFirstOverCallbacks.
func TestNobodyIsSpokenToFirstOverCallbacks(t *testing.T) {
	var b Callback
	if _, ok := b.Reach(aPerson); ok {
		t.Error("reached")
	}
	if _, _, err := b.Push(t.Context(), "p", aPerson, []string{"x"}); !errors.Is(err, bot.ErrCannot) {
		t.Errorf("got %v", err)
	}
}
