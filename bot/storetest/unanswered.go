package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
)

// day is when the questions of these tests are asked. Stores that expire entries by
// their own clock would drop much older ones.
var day = time.Now().Truncate(time.Millisecond)

func miss(t *testing.T, s Store, question, message string, at time.Time) {
	t.Helper()
	if err := s.Miss(t.Context(), bot.NewMiss(question, "aibot", "near/1", message, at)); err != nil {
		t.Fatalf("miss %q: %v", question, err)
	}
}

func unanswered(t *testing.T, s Store) []bot.Unanswered {
	t.Helper()
	list, err := s.Unanswered(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		list[i].Messages = nil // how a store keeps them is its own affair
	}
	return list
}

func missesCount(t *testing.T, s Store) {
	if got := unanswered(t, s); len(got) != 0 {
		t.Fatalf("an empty store lists %+v", got)
	}
	miss(t, s, "认证费多少钱", "m1", day)
	miss(t, s, "认证费 多少钱？", "m2", day.Add(time.Minute)) // the same question
	miss(t, s, "认证费多少钱", "m2", day.Add(time.Minute))   // redelivered
	miss(t, s, "要多久", "", day)
	miss(t, s, "要多久", "", day.Add(time.Second)) // no message id: counts each time
	miss(t, s, "要多久", "", day.Add(2*time.Second))
	if err := s.Miss(t.Context(), bot.NewMiss("要多久", "app", "", "m9", day.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	got := unanswered(t, s)
	if len(got) != 2 {
		t.Fatalf("got %+v, want two questions", got)
	}
	first, second := got[0], got[1]
	if first.Question != "要多久" || first.Count != 4 || !first.First.Equal(day) || !first.Last.Equal(day.Add(time.Hour)) ||
		!slices.Equal(first.Channels, []string{"aibot", "app"}) {
		t.Errorf("got %+v", first)
	}
	if second.Question != "认证费 多少钱？" || second.Count != 2 || second.Nearest != "near/1" || !second.Last.Equal(day.Add(time.Minute)) {
		t.Errorf("got %+v", second)
	}
}

func missesAtOnce(t *testing.T, s Store) {
	const askers, times = 8, 20
	var all sync.WaitGroup
	for a := range askers {
		all.Go(func() {
			for i := range times {
				question := fmt.Sprint("问题", i%4)
				if err := s.Miss(context.Background(), bot.NewMiss(question, "aibot", "", fmt.Sprint(a, "-", i), day)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	got := unanswered(t, s)
	if len(got) != 4 {
		t.Fatalf("got %d questions, want 4", len(got))
	}
	for _, u := range got {
		if u.Count != askers*times/4 {
			t.Errorf("%s: counted %d, want %d", u.Question, u.Count, askers*times/4)
		}
	}
}

func missesBounded(t *testing.T, s Store) {
	miss(t, s, strings.Repeat("长", 5000)+"\x00\xff", strings.Repeat("id ", 2000), day)
	if got := unanswered(t, s); len(got) != 1 || len([]rune(got[0].Question)) != 500 {
		t.Errorf("got %d characters of the question", len([]rune(got[0].Question)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Miss(ctx, bot.NewMiss("x", "", "", "", day)); err == nil {
		t.Error("a question was counted after its context had ended")
	}
	if _, err := s.Unanswered(ctx); err == nil {
		t.Error("the list was read after its context had ended")
	}
}

func missesExpire(t *testing.T, s Store) {
	miss(t, s, "认证费多少钱", "", time.Now())
	if got := unanswered(t, s); len(got) != 1 {
		t.Fatalf("got %+v", got)
	}
	Eventually(t, "the question to expire", func() bool { return len(unanswered(t, s)) == 0 })
}
