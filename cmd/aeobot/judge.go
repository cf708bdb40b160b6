package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/index/eval"
	"aeobot/knowledge"
)

// gate asks the judged questions, and what people asked, of both states and gives those
// that came out worse. It tells progress how many of all were asked.
func gate(ctx context.Context, was, is *knowledge.Library, questions []realQuestion, known *verdicts, progress func(asked, all int)) ([]eval.Difference, error) {
	exam, err := eval.Known()
	if err != nil {
		return nil, err
	}
	before, judged := known.of(was)
	asked, all := 0, 2*(exam.Len()+len(questions))
	if judged {
		all -= exam.Len()
	}
	tick := func() {
		asked++
		progress(asked, all)
	}
	if !judged {
		if before, err = judgeState(ctx, exam, was, tick); err != nil {
			return nil, err
		}
		known.keep(was, before)
	}
	after, err := judgeState(ctx, exam, is, tick)
	if err != nil {
		return nil, err
	}
	worse, err := realWorse(ctx, questions, was, is, tick)
	if err != nil {
		return nil, err
	}
	worse = append(after.WorseThan(before), worse...)
	placesOf(was, is).sayDifferences(worse)
	return worse, nil
}

// verdicts are those of the state that was judged last: the one in force is compared with
// every proposal.
type verdicts struct {
	mu          sync.Mutex
	fingerprint string
	all         eval.Verdicts
}

func (v *verdicts) of(l *knowledge.Library) (eval.Verdicts, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.all, v.fingerprint == l.Fingerprint
}

func (v *verdicts) keep(l *knowledge.Library, all eval.Verdicts) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fingerprint, v.all = l.Fingerprint, all
}

// sayProgress writes how far the questions are, once a second; what takes less is
// silent. It may be told by many at once.
func sayProgress(out io.Writer) func(asked, all int) { return progressAt(out, time.Now) }

func progressAt(out io.Writer, now func() time.Time) func(asked, all int) {
	var mu sync.Mutex
	last, said := now(), false
	return func(asked, all int) {
		mu.Lock()
		defer mu.Unlock()
		if now().Sub(last) > time.Second || said && asked == all {
			last, said = now(), true
			fmt.Fprintf(out, "评测 %d/%d\n", asked, all)
		}
	}
}

func judgeState(ctx context.Context, exam eval.Exam, l *knowledge.Library, tick func()) (v eval.Verdicts, err error) {
	live := &index.Live{}
	if err := swapIn(ctx, live, l, index.Options{}); err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, live.Swap(nil)) }()
	answer := answerer(bot.New(live, bot.NewMemory(), judging), l)
	return exam.Judge(ctx, namesOf(l), func(ctx context.Context, user, text, quote string) (eval.Answer, error) {
		tick()
		return answer(ctx, user, text, quote)
	})
}
