package boltstore_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
)

// TestEverythingExpires: whatever is kept of people is there until its life is over, and not
// after it.
func TestEverythingExpires(t *testing.T) {
	var later atomic.Int64 // nanoseconds
	now := func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "s.db"), boltstore.Options{NoSync: true, Now: now,
		SessionTTL: time.Hour, RecordTTL: 2 * time.Hour, UnansweredTTL: 3 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	begin := func(id string) bot.Turn {
		turn, err := s.Begin(ctx, someone, id, "a", time.Minute)
		must(err)
		return turn
	}
	begin("m")
	must(s.Commit(ctx, someone, "m", "a", 0, &bot.Session{Seen: []string{"节"}}, []byte("reply")))
	must(s.Miss(ctx, bot.NewMiss("多少钱", "aibot", "", "m", now())))
	must(s.Rate(ctx, bot.NewFeedback("answer", "lin", bot.Useless, now())))
	must(s.Put(ctx, "wishes", "w", []byte("lin"), 0, 4*time.Hour))
	_, err = s.Enter(ctx, bot.Task{Queue: "q", ID: "t", Data: []byte("lin")}, "one", time.Minute, 5*time.Hour)
	must(err)
	must(s.SaveToken(ctx, "corp", "token", now().Add(6*time.Hour)))
	must(s.SaveCursor(ctx, "kf", "c"))
	for _, kept := range []struct {
		what  string
		life  time.Duration
		there func() bool
	}{
		{"session", time.Hour, func() bool { return begin("").Version > 0 }},
		{"reply", 2 * time.Hour, func() bool {
			turn, err := s.Begin(ctx, someone, "m", "b", time.Nanosecond)
			must(err)
			return turn.Claim == bot.Answered
		}},
		{"question", 3 * time.Hour, func() bool { all, err := s.Unanswered(ctx); must(err); return len(all) > 0 }},
		{"opinion", 3 * time.Hour, func() bool { all, err := s.Feedback(ctx); must(err); return len(all) > 0 }},
		{"item", 4 * time.Hour, func() bool { all, err := s.Items(ctx, "wishes"); must(err); return len(all) > 0 }},
		{"task", 5 * time.Hour, func() bool { _, open, err := s.Look(ctx, "q", "t"); must(err); return open }},
		{"token", 6 * time.Hour, func() bool { token, _, err := s.Token(ctx, "corp"); must(err); return token != "" }},
		{"cursor", 90 * 24 * time.Hour, func() bool { cursor, err := s.Cursor(ctx, "kf"); must(err); return cursor != "" }},
	} {
		later.Store(int64(kept.life - time.Minute))
		if !kept.there() {
			t.Errorf("the %s is gone before its time", kept.what)
		}
		later.Store(int64(kept.life + time.Minute))
		if kept.there() {
			t.Errorf("the %s is there after its time", kept.what)
		}
	}
}
