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
)

const (
	// judgeAlive is how long a gate counts as being at work after it last said so: whoever
	// ran it may be gone. The gate itself has no limit: on a busy machine it takes longer.
	judgeAlive = 30 * time.Second
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

// add puts a proposal into the queue, once. start is set when nobody is at the queue. It
// fails with ErrBusy.
func (g *gates) add(id string) (start bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.now == id || slices.Contains(g.waiting, id) {
		return false, nil
	}
	if len(g.waiting) >= maxQueue {
		return false, ErrBusy
	}
	g.waiting = append(g.waiting, id)
	start, g.running = !g.running, true
	return start, nil
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

// place is how many gates come before a proposal's own; -1: it does not wait here. judging
// is set when it is being judged here.
func (g *gates) place(id string) (ahead int, judging bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ahead = slices.Index(g.waiting, id); ahead >= 0 && g.now != "" {
		ahead++
	}
	return ahead, g.now == id
}

// queue has a proposal judged when its turn comes, once however often it is asked for. It
// fails with ErrBusy when too many wait; the proposal is kept all the same.
func (d *Desk) queue(p *Proposal) error {
	start, err := d.gates.add(p.ID)
	if err != nil {
		return err
	}
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
// asks for another run when the proposal was changed in the meantime. When it is called off
// it keeps nothing: another will judge it.
func (d *Desk) judge(id string) (again bool) {
	ctx := d.ctx
	p, err := d.stored(ctx, id)
	if err != nil {
		d.o.Log.Warn("proposal not judged", slog.String("proposal", id), slog.Any("error", err))
		return false
	}
	state, err := d.publisher.InForce()
	if p.ID == "" || err == nil && !p.due(state, d.o.Now()) || !d.beginGate(ctx, id) {
		return false
	}
	lasting := context.WithoutCancel(ctx)
	defer d.endGate(lasting, id)
	if err == nil {
		p.Base, p.Judged, p.Worse = state.Number, true, nil
		err = d.gate(ctx, state, &p)
	}
	if d.ctx.Err() != nil {
		return false
	}
	p.JudgedAt = d.o.Now().UTC()
	if err != nil {
		p.Trouble = obsolete(err)
		switch p.Dead = p.Trouble != ""; {
		case errors.Is(err, ErrQuestions):
			p.Trouble = "评测没有做成：读不到大家问过的问题"
		case !p.Dead:
			p.Trouble = "评测没有做成"
		}
		d.o.Log.Warn("proposal not judged", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	d.gates.through()
	err = d.save(lasting, &p, proposalKeep)
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
	var far progressOf
	defer d.saying(p.ID, &far)()
	if p.Worse, err = d.publisher.Gate(ctx, s.Library, library, far.set); err != nil {
		return err
	}
	review, err := d.review(ctx, s, State{Files: files, Library: library}, p)
	if err != nil {
		return err
	}
	p.Notices, p.Answered = review.Notices, review.Answered
	return d.keepDiff(ctx, p.ID, newDiff(s.Number, knowledge.Diff(s.Library, library), review.Answers))
}

// progressOf is how far a gate is.
type progressOf struct {
	mu         sync.Mutex
	asked, all int
}

func (f *progressOf) set(asked, all int) {
	f.mu.Lock()
	f.asked, f.all = asked, all
	f.mu.Unlock()
}

func (f *progressOf) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("%d/%d", f.asked, max(1, f.all))
}

// saying says how far a gate is again and again, also while it asks nothing, until the
// function is called that it gives: who is silent for judgeAlive counts as gone.
func (d *Desk) saying(id string, far *progressOf) (end func()) {
	ctx, cancel := context.WithCancel(d.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			d.tell(ctx, id, far.String())
			select {
			case <-ctx.Done():
			case <-time.After(progressEvery):
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// tell keeps how far a gate is, for whoever looks, at whichever replica. It is no loss
// when that cannot be kept.
func (d *Desk) tell(ctx context.Context, id, far string) {
	item, err := d.store.Get(ctx, progresses, id)
	if err == nil {
		err = d.store.Put(ctx, progresses, id, []byte(far), item.Version, judgeAlive)
	}
	if err != nil && ctx.Err() == nil {
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

// progress is how many of all questions the gate has asked for a proposal; 0 of 0 when
// that is not known.
func (d *Desk) progress(ctx context.Context, id string) (asked, all int) {
	item, err := d.store.Get(ctx, progresses, id)
	if err != nil {
		return 0, 0
	}
	a, b, _ := strings.Cut(string(item.Data), "/")
	asked, _ = strconv.Atoi(a)
	all, _ = strconv.Atoi(b)
	return asked, all
}

// Rejudge has the gate run again for a proposal that it could not be run for. Others are
// judged by themselves; for them it does nothing. It fails with ErrUnknown, ErrTaken,
// ErrDead and ErrBusy.
func (d *Desk) Rejudge(ctx context.Context, id string) (Proposal, error) {
	return d.decide(ctx, id, func(p *Proposal) error { return d.rejudge(ctx, p) })
}

func (d *Desk) rejudge(ctx context.Context, p *Proposal) error {
	state, err := d.publisher.InForce()
	switch {
	case err != nil:
		return err
	case p.Dead:
		return ErrDead
	case p.Trouble != "":
		p.Judged, p.Trouble = false, ""
		if err := d.save(ctx, p, proposalKeep); err != nil {
			return err
		}
	case !p.due(state, d.o.Now()):
		return nil
	}
	if _, all := d.progress(ctx, p.ID); all > 0 {
		return nil // another is at it
	}
	return d.queue(p)
}
