package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"aeobot/bot"
	"aeobot/knowledge"
)

// Errors of proposing and deciding.
var (
	// ErrUnknown means that there is no such proposal.
	ErrUnknown = errors.New("desk: no such proposal")
	// ErrSelf means that it takes another person.
	ErrSelf = errors.New("desk: it takes another person")
	// ErrJudging means that the gate is at it, or has to be at it again.
	ErrJudging = errors.New("desk: the gate has not been through")
	// ErrWorse means that something got worse and no reason was given.
	ErrWorse = errors.New("desk: something gets worse")
	// ErrNothing means that a proposal changes nothing.
	ErrNothing = errors.New("desk: nothing would change")
	// ErrNotes means that the new notes are not right.
	ErrNotes = errors.New("desk: the notes are not right")
)

// Propose keeps a proposal and starts the gate. seed names what made it; the same seed
// again gives the proposal of before, and does nothing. It fails as the edits do, with
// ErrNothing, ErrMoved, ErrFiles, or ErrNotes with what is wrong with them.
func (d *Desk) Propose(ctx context.Context, seed string, p Proposal) (Proposal, error) {
	state, err := d.publisher.InForce()
	if err != nil {
		return Proposal{}, err
	}
	p.From, p.At, p.Base = origin(seed), d.o.Now().UTC(), state.Number
	files, library, err := d.outcome(state, &p)
	if err != nil {
		return Proposal{}, err
	}
	changes := knowledge.Diff(state.Library, library)
	if len(changes) == 0 && sameFiles(state.Files, files) {
		return Proposal{}, ErrNothing
	}
	p.Findings = newFindings(state.Library, library)
	if len(p.Findings) > 0 && onlyNotes(p.Changes) {
		return Proposal{}, fmt.Errorf("%w: %s", ErrNotes, strings.Join(p.Findings, "; "))
	}
	if err := d.keepFiles(ctx, &p); err != nil {
		return Proposal{}, err
	}
	known, err := d.enter(ctx, &p)
	if err != nil || known {
		return p, err
	}
	if err := d.keepDiff(ctx, p.ID, changes); err != nil { // the gate will keep it
		d.o.Log.Warn("proposal's changes not kept", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	d.did(ctx, p.Author, "propose", p.ID+" "+p.Title)
	d.work.Go(func() { d.judge(p) })
	return p, nil
}

// maxNames is how many names are tried for a proposal: they are short enough to be typed,
// so that another may have one.
const maxNames = 8

// enter keeps a new proposal under a name that is free. known tells that the same was
// proposed before; then p is as it was.
func (d *Desk) enter(ctx context.Context, p *Proposal) (known bool, err error) {
	for try := range maxNames {
		p.ID = proposalID(p.From, try)
		err = d.save(ctx, p, proposalKeep)
		if !errors.Is(err, bot.ErrStale) {
			return false, err
		}
		there, err := d.Proposal(ctx, p.ID)
		if err != nil {
			return false, err
		}
		if there.From == p.From {
			*p = there
			return true, nil
		}
	}
	return false, err
}

// outcome is what a state becomes by a proposal.
func (d *Desk) outcome(s State, p *Proposal) (map[string][]byte, *knowledge.Library, error) {
	if p.Back {
		old, err := d.publisher.At(p.Of)
		return old.Files, old.Library, err
	}
	files, err := p.apply(s)
	if err != nil {
		return nil, nil, err
	}
	library, err := d.publisher.Read(files)
	return files, library, err
}

func sameFiles(a, b map[string][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for name, data := range a {
		if other, ok := b[name]; !ok || string(other) != string(data) {
			return false
		}
	}
	return true
}

// onlyNotes tells that nothing but notes is changed, by hand.
func onlyNotes(changes []Change) bool {
	return len(changes) > 0 && !slices.ContainsFunc(changes, func(c Change) bool { return !strings.HasSuffix(c.File, knowledge.NotesSuffix) })
}

const (
	// judgeWithin bounds a gate.
	judgeWithin = 2 * time.Minute
	// progressEvery is how often it is said how far the gate is.
	progressEvery = 500 * time.Millisecond
)

// judge runs the gate for a proposal against the state in force, and keeps what it found.
func (d *Desk) judge(p Proposal) {
	d.judging.Lock()
	defer d.judging.Unlock()
	ctx, cancel := context.WithTimeout(d.ctx, judgeWithin)
	defer cancel()
	state, err := d.publisher.InForce()
	if err == nil {
		p.Base, p.Judged, p.Worse, p.Trouble = state.Number, true, nil, ""
		p.Worse, err = d.gate(ctx, state, &p)
	}
	if err != nil {
		p.Trouble = "评测没有做成"
		switch {
		case errors.Is(err, ErrMoved):
			p.Trouble = "要改的文件在这期间被改过，请重新提议"
		case errors.Is(err, ErrQuestions):
			p.Trouble = "评测没有做成：读不到大家问过的问题"
		}
		d.o.Log.Warn("proposal not judged", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	if err := d.save(context.WithoutCancel(ctx), &p, proposalKeep); err != nil && !errors.Is(err, bot.ErrStale) {
		d.o.Log.Warn("proposal's judgement not kept", slog.String("proposal", p.ID), slog.Any("error", err))
	}
}

func (d *Desk) gate(ctx context.Context, s State, p *Proposal) ([]Difference, error) {
	if err := d.Open(ctx, p); err != nil {
		return nil, err
	}
	_, library, err := d.outcome(s, p)
	if err != nil {
		return nil, err
	}
	if err := d.keepDiff(ctx, p.ID, knowledge.Diff(s.Library, library)); err != nil {
		return nil, err
	}
	var last time.Time
	return d.publisher.Gate(ctx, s.Library, library, func(asked, all int) {
		if now := time.Now(); now.Sub(last) >= progressEvery {
			last = now
			d.tell(ctx, p.ID, asked, all)
		}
	})
}

// tell keeps how far a gate is, for whoever looks, at whichever replica. It is no loss
// when that cannot be kept.
func (d *Desk) tell(ctx context.Context, id string, asked, all int) {
	item, err := d.store.Get(ctx, progresses, id)
	if err == nil {
		err = d.store.Put(ctx, progresses, id, fmt.Appendf(nil, "%d/%d", asked, all), item.Version, judgeWithin)
	}
	if err != nil {
		d.o.Log.Debug("gate's progress not kept", slog.Any("error", err))
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

// Judging tells that the gate is at a proposal.
func (d *Desk) Judging(p Proposal) bool {
	return !p.Judged && p.Trouble == "" && d.o.Now().Sub(p.At) < judgeWithin
}

// Rejudge runs the gate again.
func (d *Desk) Rejudge(ctx context.Context, id string) error {
	p, err := d.Proposal(ctx, id)
	if err != nil {
		return err
	}
	if p.ID == "" || p.Published > 0 {
		return ErrUnknown
	}
	d.work.Go(func() { d.judge(p) })
	return nil
}

// Approve publishes a proposal. reason is why although something gets worse, or empty. It
// fails with ErrUnknown, ErrSelf, ErrJudging, ErrWorse; one that is published already is
// given as it is.
func (d *Desk) Approve(ctx context.Context, id, who, reason string) (Proposal, error) {
	p, err := d.Proposal(ctx, id)
	if err != nil {
		return p, err
	}
	if p.ID == "" {
		return p, ErrUnknown
	}
	if p.Published > 0 && (d.o.People == 1 || p.Author != who) {
		return p, nil
	}
	if d.o.People > 1 && p.Author == who {
		return p, ErrSelf
	}
	state, err := d.publisher.InForce()
	if err != nil {
		return p, err
	}
	switch {
	case d.Judging(p):
		return p, ErrJudging
	case !p.Judged || p.Trouble != "" || p.Base != state.Number:
		d.work.Go(func() { d.judge(p) })
		return p, ErrJudging
	case len(p.Worse) > 0 && !p.Back && reason == "":
		return p, ErrWorse
	case len(p.Worse) > 0 && !p.Back && p.Author == who:
		return p, ErrSelf
	}
	return d.publish(ctx, p, who, state, reason)
}

func (d *Desk) publish(ctx context.Context, p Proposal, who string, state State, override string) (Proposal, error) {
	if err := d.Open(ctx, &p); err != nil {
		return p, err
	}
	files, _, err := d.outcome(state, &p)
	if err != nil {
		return p, err
	}
	publication := Publication{Author: p.Author, Reason: p.Title, Of: p.Of}
	if p.Reason != "" {
		publication.Reason += "：" + p.Reason
	}
	if who != p.Author {
		publication.Approver = who
	}
	if len(p.Worse) > 0 && !p.Back {
		publication.Override = override
	}
	err = d.publisher.Publish(ctx, state.Number+1, publication, files)
	if errors.Is(err, ErrStale) {
		d.work.Go(func() { d.judge(p) })
		return p, ErrJudging
	}
	if err != nil {
		return p, err
	}
	p.Published, p.Approver = state.Number+1, publication.Approver
	what := "publish"
	if publication.Override != "" {
		what = "publish although worse"
	}
	d.did(ctx, who, what, strings.TrimSpace(fmt.Sprintf("%s %s → 版本 %d %s", p.ID, p.Title, p.Published, publication.Override)))
	// What is in force stays in force when the lists cannot be tidied.
	err = d.save(ctx, &p, publishedKeep)
	if p.Question != "" {
		err = errors.Join(err, d.mark(ctx, p.Question, Mark{State: Solved, By: who, Note: fmt.Sprintf("版本 %d", p.Published)}))
	}
	if err != nil {
		d.o.Log.Warn("published, but the lists still have it", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	return p, nil
}

// Reject takes a proposal away.
func (d *Desk) Reject(ctx context.Context, id, who string) (Proposal, error) {
	p, err := d.Proposal(ctx, id)
	switch {
	case err != nil:
		return p, err
	case p.ID == "", p.Published > 0:
		return p, ErrUnknown
	}
	if err := d.save(ctx, &p, 0); err != nil {
		return p, err
	}
	d.did(ctx, who, "reject", p.ID+" "+p.Title)
	return p, nil
}
