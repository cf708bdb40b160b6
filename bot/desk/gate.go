package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"aeobot/bot"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

const (
	// judgeAlive is how long a gate counts as being at work after it last said so: whoever
	// ran it may be gone. The gate itself has no limit: on a busy machine it takes longer.
	judgeAlive = 2 * time.Minute
	// progressEvery is how often it is said how far the gate is.
	progressEvery = 500 * time.Millisecond
	// maxQueue is how many proposals may wait for this replica's gate.
	maxQueue = 8
)

// gates are the proposals that this replica judges: one at a time, since a gate takes all
// there is of a core. The zero value is ready.
type gates struct {
	mu      sync.Mutex
	running bool     // somebody is at the queue
	now     string   // the proposal being judged; what is changed from here on is looked at
	waiting []string // each once
}

// add puts a proposal into the queue and gives how many gates come before its own. start
// is set when nobody is at the queue. It fails with ErrBusy.
func (g *gates) add(id string) (ahead int, start bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.now == id {
		return 0, false, nil
	}
	at := slices.Index(g.waiting, id)
	if at < 0 {
		if len(g.waiting) >= maxQueue {
			return 0, false, ErrBusy
		}
		at = len(g.waiting)
		g.waiting = append(g.waiting, id)
	}
	if ahead = at; g.running {
		ahead++
	}
	start, g.running = !g.running, true
	return ahead, start, nil
}

// next takes the first one out of the queue; empty: there is none, and nobody is at it any
// more.
func (g *gates) next() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running = len(g.waiting) > 0; !g.running {
		g.now = ""
		return ""
	}
	g.now, g.waiting = g.waiting[0], g.waiting[1:]
	return g.now
}

// through says that a proposal has been judged as it was: it may wait again.
func (g *gates) through() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = ""
}

// full reports whether no other proposal can wait.
func (g *gates) full() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting) >= maxQueue
}

// has reports whether a proposal is being judged here or waits for it.
func (g *gates) has(id string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now == id || slices.Contains(g.waiting, id)
}

// queue has a proposal judged when its turn comes, once however often it is asked for. It
// fails with ErrBusy when too many wait; the proposal is kept all the same.
func (d *Desk) queue(p *Proposal) error {
	ahead, start, err := d.gates.add(p.ID)
	if err != nil {
		p.ahead = -1
		return err
	}
	p.ahead = ahead
	if start {
		d.work.Go(func() {
			for id := d.gates.next(); id != ""; id = d.gates.next() {
				for d.ctx.Err() == nil && d.judge(id) { // again: it was changed meanwhile
				}
			}
		})
	}
	return nil
}

// judge runs the gate for a proposal against the state in force, and keeps what it found.
// One that was judged meanwhile, or that another replica is judging, it leaves alone. It
// asks for another run when the proposal was changed in the meantime.
func (d *Desk) judge(id string) (again bool) {
	ctx := d.ctx
	p, err := d.Proposal(ctx, id)
	if err != nil {
		d.o.Log.Warn("proposal not judged", slog.String("proposal", id), slog.Any("error", err))
		return false
	}
	state, err := d.publisher.InForce()
	if p.ID == "" || !p.Waits() || err == nil && p.judgedIn(state) || !d.beginGate(ctx, id) {
		return false
	}
	defer d.endGate(context.WithoutCancel(ctx), id)
	if err == nil {
		p.Base, p.Judged, p.Worse, p.Trouble = state.Number, true, nil, ""
		err = d.gate(ctx, state, &p)
	}
	if err != nil {
		p.Trouble = "评测没有做成"
		switch {
		case errors.Is(err, ErrMoved), errors.Is(err, curate.ErrThere), errors.Is(err, curate.ErrGone), errors.Is(err, curate.ErrPlace):
			p.Trouble = "要改的文件在这期间被改过，请重新提议"
		case errors.Is(err, ErrQuestions):
			p.Trouble = "评测没有做成：读不到大家问过的问题"
		}
		d.o.Log.Warn("proposal not judged", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	d.gates.through()
	err = d.save(context.WithoutCancel(ctx), &p, proposalKeep)
	if err != nil && !errors.Is(err, bot.ErrStale) {
		d.o.Log.Warn("proposal's judgement not kept", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	return errors.Is(err, bot.ErrStale)
}

// gate finds what gets worse by a proposal, and whether what it teaches is learnt.
func (d *Desk) gate(ctx context.Context, s State, p *Proposal) error {
	if err := d.Open(ctx, p); err != nil {
		return err
	}
	files, library, err := d.outcome(s, p)
	if err != nil {
		return err
	}
	if err := d.keepDiff(ctx, p.ID, knowledge.Diff(s.Library, library)); err != nil {
		return err
	}
	var last time.Time
	p.Worse, err = d.publisher.Gate(ctx, s.Library, library, func(asked, all int) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			d.tell(ctx, p.ID, asked, all)
		}
	})
	if err != nil {
		return err
	}
	review, err := ReviewOf(ctx, d.publisher, s.Library, State{Files: files, Library: library}, p.Question)
	if !slices.EqualFunc(review.Notices, p.Notices, func(x, y Notice) bool { return x.Text == y.Text }) {
		p.Seen = nil
	}
	p.Notices, p.Answered = review.Notices, review.Answered
	return err
}

// tell keeps how far a gate is, for whoever looks, at whichever replica. It is no loss
// when that cannot be kept.
func (d *Desk) tell(ctx context.Context, id string, asked, all int) {
	item, err := d.store.Get(ctx, progresses, id)
	if err == nil {
		err = d.store.Put(ctx, progresses, id, fmt.Appendf(nil, "%d/%d", asked, all), item.Version, judgeAlive)
	}
	if err != nil {
		d.o.Log.Debug("gate's progress not kept", slog.Any("error", err))
	}
}

// beginGate says to all replicas that the gate of a proposal is at work; false: another is at
// it already.
func (d *Desk) beginGate(ctx context.Context, id string) bool {
	err := d.store.Put(ctx, progresses, id, []byte("0/1"), 0, judgeAlive)
	if err != nil && !errors.Is(err, bot.ErrStale) {
		d.o.Log.Warn("proposal not judged", slog.String("proposal", id), slog.Any("error", err))
	}
	return err == nil
}

// endGate says that the gate has been through.
func (d *Desk) endGate(ctx context.Context, id string) {
	if err := d.remove(ctx, progresses, id); err != nil {
		d.o.Log.Debug("gate's end not kept", slog.Any("error", err))
	}
}

// Progress is how many of all questions the gate has asked for a proposal; 0 of 0 when
// that is not known.
func (d *Desk) Progress(ctx context.Context, id string) (asked, all int) {
	item, err := d.store.Get(ctx, progresses, id)
	if err != nil {
		return 0, 0
	}
	a, b, _ := strings.Cut(string(item.Data), "/")
	asked, _ = strconv.Atoi(a)
	all, _ = strconv.Atoi(b)
	return asked, all
}

// Judging reports whether a gate is at a proposal or about to be: it has just been made,
// waits here, or somebody said lately how far its gate is.
func (d *Desk) Judging(ctx context.Context, p Proposal) bool {
	if p.Judged || p.Trouble != "" {
		return false
	}
	_, all := d.Progress(ctx, p.ID)
	return all > 0 || d.gates.has(p.ID) || p.ahead >= 0 && d.o.Now().Sub(p.At) < judgeAlive
}

// Rejudge has the gate run again. It fails with ErrUnknown, ErrTaken, ErrJudging when it
// is at it, and ErrBusy.
func (d *Desk) Rejudge(ctx context.Context, id string) (Proposal, error) {
	return d.decide(ctx, id, func(p *Proposal) error {
		if _, all := d.Progress(ctx, p.ID); all > 0 || d.gates.has(p.ID) {
			return ErrJudging
		}
		if d.gates.full() {
			return ErrBusy
		}
		p.Judged, p.Trouble = false, ""
		if err := d.save(ctx, p, proposalKeep); err != nil {
			return err
		}
		return d.queue(p)
	})
}
