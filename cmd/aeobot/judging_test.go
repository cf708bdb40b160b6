package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/index/eval"
)

// hourly stands for a search on a machine so busy that it takes an hour: one that must be
// over before is given up, at once.
type hourly struct{ *index.Generation }

func (h hourly) Search(ctx context.Context, text string) (index.Decision, error) {
	if until, limited := ctx.Deadline(); limited && time.Until(until) < time.Hour {
		return index.Decision{}, context.DeadlineExceeded
	}
	return h.Generation.Search(ctx, text)
}

// TestJudgingHasNoLimit: a search that takes long ends neither an evaluation nor a gate;
// whoever calls it off does.
func TestJudgingHasNoLimit(t *testing.T) {
	before := judging
	t.Cleanup(func() { judging = before })
	judging.Searcher = func(g *index.Generation) bot.Searcher { return hourly{g} }

	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetArgs([]string{"eval", "--data", t.TempDir(), "--single", filepath.Join("..", "..", "index", "eval", "questions", "given-single.jsonl")})
	if err := root.ExecuteContext(t.Context()); err != nil || !strings.Contains(out.String(), "hit@1") {
		t.Errorf("eval: %v\n%s", err, out.String())
	}

	l := shippedLibrary(t)
	exam := eval.Exam{Single: []eval.Question{{ID: "a", Question: "能免担保吗", Answerable: true, Expect: []string{"direct/5"}}}}
	asked := 0
	v, err := judgeState(t.Context(), exam, l, func() { asked++ })
	if err != nil || asked != 1 || !v.Answerable[0].Hit {
		t.Errorf("the gate's judged questions: %v, %d asked, %+v", err, asked, v)
	}
	real := []realQuestion{{key: "00000000", text: "能免担保吗"}}
	if worse, err := realWorse(t.Context(), real, l, l, func() {}); err != nil || len(worse) > 0 {
		t.Errorf("the gate's real questions: %v, %v", err, worse)
	}
	gone, cancel := context.WithCancel(t.Context())
	_, err = judgeState(gone, eval.Exam{Single: append(exam.Single, exam.Single...)}, l, cancel)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("called off after the first question: %v", err)
	}
}

// TestProgressIsSaid: what takes long says how far it is, once a second and at the end.
func TestProgressIsSaid(t *testing.T) {
	now := time.Unix(0, 0)
	var out strings.Builder
	progress := progressAt(&out, func() time.Time { return now })
	for i := range 4 {
		progress(i+1, 4)
		now = now.Add(700 * time.Millisecond)
	}
	if want := "评测 3/4\n评测 4/4\n"; out.String() != want {
		t.Errorf("said %q, want %q", out.String(), want)
	}
	out.Reset()
	quick := progressAt(&out, func() time.Time { return now })
	for i := range 4 {
		quick(i+1, 4)
	}
	if out.Len() > 0 {
		t.Errorf("what is over at once said %q", out.String())
	}
}
