package app

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/storetest"
	"aeobot/bot/wecom/platform"
)

// TestPushesOutliveTheProcess: a push was taken, but the process died before it could note
// so; the next one's is swallowed by the platform's duplicate check, and it is told once
// that it is done.
func TestPushesOutliveTheProcess(t *testing.T) {
	c, journal := newCorp(t), newJournal(t)
	var mu sync.Mutex
	got := map[string][]error{}
	with := func(o *Options) {
		o.Journal = journal
		o.Pushed = func(out bot.Outcome) {
			mu.Lock()
			defer mu.Unlock()
			got[out.ID] = append(got[out.ID], out.Err)
		}
	}
	to := bot.Address{Channel: "app", Asker: "lin.yue"}
	first := newBench(t, c.sender(t), with)
	data, err := json.Marshal(push{To: to.Asker, Items: first.callback.items([]string{"更正一", "更正二"}), Said: true})
	if err != nil {
		t.Fatal(err)
	}
	task := bot.Task{Queue: first.callback.pushes.queue, ID: "recall:1:a", Data: data}
	if fresh, _, err := bot.EnterPush(t.Context(), journal, task, "one that died", 50*time.Millisecond, saidKeep); !fresh || err != nil {
		t.Fatalf("fresh %v, %v", fresh, err)
	}
	if err := c.sender(t).SendText(context.Background(), "lin.yue", "更正一", 0); err != nil {
		t.Fatal(err) // as far as the platform knows it did
	}
	second := newBench(t, c.sender(t), with)
	second.hurry()
	second.run()
	for range 2 {
		if fresh, _, err := second.callback.Push(t.Context(), "recall:1:a", to, []string{"更正一", "更正二"}); fresh || err != nil {
			t.Fatalf("fresh %v, %v", fresh, err)
		}
	}
	over := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(got["recall:1:a"]) > 0
	}
	waitFor(t, "the outcome", over)
	if texts, want := c.texts(), []string{"更正一", "更正二"}; !slices.Equal(texts, want) {
		t.Errorf("read %q, want %q", texts, want)
	}
	if _, over, err := second.callback.Push(t.Context(), "recall:1:a", to, nil); !over || err != nil {
		t.Errorf("over %v, %v", over, err)
	}
	if strings.Contains(second.log.String()+first.log.String(), "lin.yue") {
		t.Error("the log holds a person")
	}
}

// TestPushesToWhoeverIsGone are not made, and that is told.
func TestPushesToWhoeverIsGone(t *testing.T) {
	c := newCorp(t)
	out := make(chan bot.Outcome, 1)
	b := newBench(t, c.sender(t), func(o *Options) {
		o.Journal = newJournal(t)
		o.Pushed = func(o bot.Outcome) { out <- o }
	})
	c.SetFaults(platform.APIFaults{Codes: map[string][]int{"message/send": {81013}}})
	if _, _, err := b.callback.Push(t.Context(), "p", bot.Address{Channel: "app", Asker: "gone"}, []string{"x"}); err != nil {
		t.Fatal(err)
	}
	select {
	case o := <-out:
		if !errors.Is(o.Err, bot.ErrCannot) {
			t.Errorf("got %v", o.Err)
		}
	case <-time.After(storetest.Patience):
		t.Fatal("nothing was told")
	}
	plain := newBench(t, nil)
	if _, _, err := plain.callback.Push(t.Context(), "p", bot.Address{Channel: "app", Asker: "u"}, nil); !errors.Is(err, bot.ErrCannot) {
		t.Errorf("without a sender: %v", err)
	}
}
