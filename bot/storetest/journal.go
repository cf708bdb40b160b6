package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
)

// keep is longer than any test.
const keep = time.Hour

func enter(t *testing.T, s Store, queue, id, data, holder string, lease time.Duration) bool {
	t.Helper()
	fresh, err := s.Enter(t.Context(), bot.Task{Queue: queue, ID: id, Data: []byte(data)}, holder, lease, keep)
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func claimTasks(t *testing.T, s Store, queue, holder string, n int) []string {
	t.Helper()
	tasks, err := s.Claim(t.Context(), queue, holder, n, lease)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, len(tasks))
	for i, k := range tasks {
		got[i] = k.ID + "=" + string(k.Data)
		if k.Queue != queue || time.Since(k.Entered) > keep || k.Holders < 2 {
			t.Errorf("claimed task %+v", k)
		}
	}
	return got
}

func look(t *testing.T, s Store, queue, id string) (string, bool) {
	t.Helper()
	task, open, err := s.Look(t.Context(), queue, id)
	if err != nil {
		t.Fatal(err)
	}
	return string(task.Data), open
}

func taskOnce(t *testing.T, s Store) {
	if !enter(t, s, "app", "m1", "a", "one", lease) || enter(t, s, "app", "m1", "b", "two", lease) {
		t.Error("a task is not entered exactly once")
	}
	if !enter(t, s, "other", "m1", "c", "one", lease) {
		t.Error("two queues are not apart")
	}
	if got, open := look(t, s, "app", "m1"); !open || got != "a" {
		t.Errorf("open %v with %q, want the first data", open, got)
	}
	if got := claimTasks(t, s, "app", "two", 9); len(got) != 0 {
		t.Errorf("claimed %q while its holder has it", got)
	}
	for range 2 { // done twice is no error
		if err := s.Done(t.Context(), "app", "m1", "one"); err != nil {
			t.Fatal(err)
		}
	}
	if enter(t, s, "app", "m1", "d", "one", lease) {
		t.Error("a task that is done was entered again")
	}
	if _, open := look(t, s, "app", "m1"); open {
		t.Error("a task that is done is open")
	}
	if err := s.Note(t.Context(), "app", "m1", "one", []byte("e"), lease); !errors.Is(err, bot.ErrClaimLost) {
		t.Errorf("noting a task that is done: %v", err)
	}
	if got, open := look(t, s, "other", "m1"); !open || got != "c" {
		t.Errorf("the other queue's task: %v %q", open, got)
	}
}

func taskClaimed(t *testing.T, s Store) {
	for i := range 5 {
		enter(t, s, "app", fmt.Sprint("m", i), fmt.Sprint(i), "one", short)
		time.Sleep(2 * time.Millisecond) // entered one after the other
	}
	var got []string
	Eventually(t, "claimed", func() bool { got = append(got, claimTasks(t, s, "app", "two", 2)...); return len(got) >= 5 })
	slices.Sort(got)
	if want := []string{"m0=0", "m1=1", "m2=2", "m3=3", "m4=4"}; !slices.Equal(got, want) {
		t.Errorf("claimed %q, want %q", got, want)
	}
	if err := s.Done(t.Context(), "app", "m0", "one"); !errors.Is(err, bot.ErrClaimLost) {
		t.Errorf("the one whose lease ran out ends the task: %v", err)
	}
	if err := s.Note(t.Context(), "app", "m0", "one", nil, lease); !errors.Is(err, bot.ErrClaimLost) {
		t.Errorf("the one whose lease ran out notes the task: %v", err)
	}
	if err := s.Done(t.Context(), "app", "m0", "two"); err != nil {
		t.Error(err)
	}
}

func taskNoted(t *testing.T, s Store) {
	enter(t, s, "app", "m", "0", "one", lease)
	if err := s.Note(t.Context(), "app", "m", "one", []byte("1"), lease); err != nil {
		t.Fatal(err)
	}
	if got := claimTasks(t, s, "app", "two", 9); len(got) != 0 {
		t.Errorf("claimed %q while it is held on", got)
	}
	if err := s.Note(t.Context(), "app", "m", "one", []byte("2"), 0); err != nil {
		t.Fatal(err)
	}
	var got []string
	Eventually(t, "claimed", func() bool { got = claimTasks(t, s, "app", "two", 9); return len(got) > 0 })
	if !slices.Equal(got, []string{"m=2"}) {
		t.Errorf("claimed %q, want what was noted last", got)
	}
	if err := s.Done(t.Context(), "app", "m", ""); err != nil {
		t.Errorf("ending a task whoever holds it: %v", err)
	}
	if _, open := look(t, s, "app", "m"); open {
		t.Error("a task ended by somebody else is open")
	}
	if err := s.Note(t.Context(), "app", "never entered", "one", nil, lease); !errors.Is(err, bot.ErrClaimLost) {
		t.Errorf("noting a task that was never entered: %v", err)
	}
	if err := s.Done(t.Context(), "app", "never entered", "one"); err != nil {
		t.Errorf("ending a task that was never entered: %v", err)
	}
}

func tasksAtOnce(t *testing.T, s Store) {
	const n = 60
	for i := range n {
		enter(t, s, "app", fmt.Sprint("m", i), "x", "one", short)
	}
	time.Sleep(2 * short)
	var mu sync.Mutex
	owners := map[string]int{}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 20 {
				tasks, err := s.Claim(context.Background(), "app", fmt.Sprint("h", i), 3, lease)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, k := range tasks {
					owners[k.ID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for id, times := range owners {
		if times != 1 {
			t.Errorf("task %s was claimed %d times at once", id, times)
		}
	}
	if len(owners) != n {
		t.Errorf("%d of %d tasks were claimed", len(owners), n)
	}
}

func taskForgotten(t *testing.T, s Store) {
	fresh, err := s.Enter(t.Context(), bot.Task{Queue: "app", ID: "m", Data: []byte("x")}, "one", short, 300*time.Millisecond)
	if err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	Eventually(t, "forgotten", func() bool { _, open := look(t, s, "app", "m"); return !open })
	if got := claimTasks(t, s, "app", "two", 9); len(got) != 0 {
		t.Errorf("claimed %q after its keep", got)
	}
}

func cursorsTest(t *testing.T, s Store) {
	get := func(name string) string {
		t.Helper()
		c, err := s.Cursor(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if got := get("kf"); got != "" {
		t.Errorf("unknown cursor is %q", got)
	}
	for _, want := range []string{"c-1", "c-2"} {
		if err := s.SaveCursor(t.Context(), "kf", want); err != nil {
			t.Fatal(err)
		}
		if got := get("kf"); got != want {
			t.Errorf("cursor %q, want %q", got, want)
		}
	}
	if got := get("other"); got != "" {
		t.Errorf("another cursor is %q", got)
	}
}

func feedbackTest(t *testing.T, s Store) {
	rate := func(answer string, reader bot.Asker, r bot.Rating, comment string, at time.Time) {
		t.Helper()
		f := bot.NewFeedback(answer, reader, r, at).WithComment(comment)
		f.Channel, f.Shown, f.Reasons = "aibot", []string{"d/s/1"}, []int{2}
		if err := s.Rate(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	list := func() (got []string) {
		t.Helper()
		all, err := s.Feedback(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			got = append(got, fmt.Sprintf("%s %d %s %v %v %s", f.Answer, f.Rating, f.Comment, f.Shown, f.Reasons, f.Channel))
		}
		return got
	}
	if got := list(); len(got) != 0 {
		t.Fatalf("an empty store lists %q", got)
	}
	rate("a1", "lin", bot.Useful, "", day)
	rate("a1", "wang", bot.Useless, "没有写审批人", day.Add(time.Second))
	rate("a1", "lin", bot.Useless, "", day.Add(2*time.Second))
	rate("a2", "lin", bot.Useful, "", day.Add(3*time.Second))
	want := []string{"a2 1  [d/s/1] [2] aibot", "a1 2  [d/s/1] [2] aibot", "a1 2 没有写审批人 [d/s/1] [2] aibot"}
	if got := list(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	rate("a1", "lin", bot.Withdrawn, "", day.Add(4*time.Second))
	if got := list(); !slices.Equal(got, []string{want[0], want[2]}) {
		t.Errorf("after it was withdrawn: %q", got)
	}
}
