package kf

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"aeobot/bot"
)

// TestPushes: within the platform's count a customer is told once, beyond it that is said.
func TestPushes(t *testing.T) {
	b := newBench(t)
	var mu sync.Mutex
	got := map[string]error{}
	b.pushed = func(o bot.Outcome) {
		mu.Lock()
		defer mu.Unlock()
		got[o.ID] = o.Err
	}
	k, _ := b.replica()
	over := func(id string) bool {
		mu.Lock()
		defer mu.Unlock()
		_, ok := got[id]
		return ok
	}
	b.corp.SetDuty(account, "zhou.min", false) // there is such an account
	to := bot.Address{Channel: "kf", Account: account, Asker: "wmCustomer"}
	if _, _, err := k.Push(t.Context(), "early", to, []string{"x"}); err != nil {
		t.Fatal(err)
	}
	b.wait("a customer who never wrote", func() bool { return over("early") })
	b.says("wmCustomer", "m1", "免担保吗")
	b.nudge(k)
	b.wait("the answer", func() bool { return len(b.seen()) == 1 })
	for range 3 {
		if _, _, err := k.Push(t.Context(), "p", to, []string{"更正"}); err != nil {
			t.Fatal(err)
		}
	}
	b.wait("the push", func() bool { return over("p") })
	if seen, want := b.seen(), []string{"wmCustomer 答：免担保吗", "wmCustomer 更正"}; !slices.Equal(seen, want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
	if !errors.Is(got["early"], bot.ErrCannot) || got["p"] != nil {
		t.Errorf("outcomes %v", got)
	}
	if _, _, err := k.Push(t.Context(), "q", bot.Address{Channel: "app", Asker: "u"}, []string{"x"}); !errors.Is(err, bot.ErrCannot) {
		t.Errorf("elsewhere: %v", err)
	}
	if strings.Contains(b.log.String(), "wmCustomer") || strings.Contains(b.log.String(), "更正") {
		t.Errorf("the log holds a person or a text:\n%s", b.log.String())
	}
}
