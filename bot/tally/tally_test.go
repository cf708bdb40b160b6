package tally

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
)

func event(channel, act string, took time.Duration, ids ...string) bot.Event {
	e := bot.Event{Channel: channel, Act: act, Answered: len(ids) > 0, Took: took}
	for _, id := range ids {
		e.Quoted = append(e.Quoted, bot.Shown{ID: id})
	}
	return e
}

// away is a shelf whose next Put does its work and says that it did not.
type away struct {
	bot.Shelf
	fails bool
}

func (a *away) Put(ctx context.Context, kind, id string, data []byte, was uint64, keep time.Duration) error {
	err := a.Shelf.Put(ctx, kind, id, data, was, keep)
	if a.fails {
		a.fails = false
		return errors.New("cut off")
	}
	return err
}

// TestTwoProcessesAreAddedUp, nothing is counted twice when a write's answer is lost, and
// greetings and redeliveries are not counted.
func TestTwoProcessesAreAddedUp(t *testing.T) {
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "s.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	shelf := &away{Shelf: s}
	day := time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC) // the 24th in China
	a, b := New(shelf, nil), New(shelf, nil)
	a.now, b.now = func() time.Time { return day }, func() time.Time { return day }
	a.Observe(event("aibot", bot.ActAnswer, 2*time.Millisecond, "m1", "m2"))
	a.Observe(event("aibot", bot.ActRefuse, 3*time.Millisecond))
	a.Observe(event("aibot", bot.ActGreet, time.Second))
	again := event("aibot", bot.ActAnswer, time.Second, "m1")
	again.Replayed = true
	a.Observe(again)
	b.Observe(event("app", bot.ActMore, 100*time.Millisecond, "m1"))
	b.Observe(event("app", "error", 5*time.Second))
	shelf.fails = true
	if err := a.Flush(t.Context()); err == nil {
		t.Fatal("a write that failed was called done")
	}
	for range 2 {
		a.Observe(event("aibot", bot.ActClarify, time.Millisecond))
		for _, p := range []*Tally{a, b} {
			if err := p.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	days, err := Days(t.Context(), s)
	if err != nil || len(days) != 1 {
		t.Fatalf("%v, %v", days, err)
	}
	d := days[0]
	want := Counts{Asked: 6, Answered: 2, Failed: 1}
	if got := d.Total(); got != want || d.Date != "2026-11-24" || d.Measures["m1"] != 2 || d.Channels["app"].Asked != 2 {
		t.Errorf("got %+v, %+v, want %+v", got, d, want)
	}
	if top := d.Top(1); len(top) != 1 || top[0] != "m1" {
		t.Errorf("top %v", top)
	}
}

// TestQuantiles are at most a tenth too high, and never too low.
func TestQuantiles(t *testing.T) {
	d := newDay("")
	for i := 1; i <= 100; i++ {
		d.Took[bucketOf(time.Duration(i)*time.Millisecond)]++
	}
	for share, want := range map[float64]time.Duration{0.5: 50 * time.Millisecond, 0.99: 99 * time.Millisecond, 0.01: time.Millisecond} {
		if got := d.Quantile(share); got < want-time.Microsecond || got > want*110/100 {
			t.Errorf("%v: got %v, want %v", share, got, want)
		}
	}
	if got := newDay("").Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
}
