package console

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"aeobot/index/eval"
	"aeobot/knowledge"
)

// examinations are the judged questions asked of the knowledge in force, when somebody
// wants to see how it stands. One runs at a time.
type examinations struct {
	mu         sync.Mutex
	running    bool
	asked, all int
	done       examination
}

// examination is one run's outcome.
type examination struct {
	Report      eval.Report
	Fingerprint string
	At          time.Time
	Took        time.Duration
	Trouble     string
}

// evaluationPage is how the knowledge stands.
type evaluationPage struct {
	Running    bool
	Asked, All int
	Done       examination
	Current    bool // it is of the knowledge in force
	Misses     []eval.Verdict
	At         paging
	Waiting    int // proposals that have been through the gate
}

func (c *Console) showEvaluation(p *page) error {
	e := &c.exams
	e.mu.Lock()
	v := evaluationPage{Running: e.running, Asked: e.asked, All: max(e.all, 1), Done: e.done}
	e.mu.Unlock()
	v.Current = v.Done.Fingerprint == p.index.Library().Fingerprint
	v.Misses, v.At = cut(p, v.Done.Report.Misses, pageSize)
	f := frame{Title: "评测", Active: "evaluation", Data: v}
	if v.Running {
		f.Refresh = lookAgain
	}
	return p.write(http.StatusOK, "evaluation", f)
}

// evaluate starts a run.
func (c *Console) evaluate(p *page) error {
	e := &c.exams
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.running {
		e.running, e.asked, e.all = true, 0, 0
		l := p.index.Library()
		c.work.Go(func() { c.examine(l) })
	}
	return p.redirect("/console/evaluation", "evaluated")
}

// examine runs until it is done: on a busy machine that takes as long as it takes, and the
// page shows how far it is.
func (c *Console) examine(l *knowledge.Library) {
	e, start := &c.exams, time.Now()
	report, err := c.o.Examine(c.ctx, l, func(asked, all int) {
		e.mu.Lock()
		e.asked, e.all = asked, all
		e.mu.Unlock()
	})
	done := examination{Report: report, Fingerprint: l.Fingerprint, At: c.o.Now(), Took: time.Since(start)}
	if err != nil {
		done.Trouble = "没有做成，日志里有原因。"
		c.o.Log.Warn("evaluation failed", slog.Any("error", err))
	}
	e.mu.Lock()
	e.running, e.done = false, done
	e.mu.Unlock()
}
