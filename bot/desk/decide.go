package desk

import (
	"cmp"
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
	"aeobot/knowledge/curate"
)

// Errors of proposing and deciding.
var (
	// ErrUnknown means that there is no such proposal.
	ErrUnknown = errors.New("desk: no such proposal")
	// ErrJudging means that the gate is at it, or has to be at it again.
	ErrJudging = errors.New("desk: the gate has not been through")
	// ErrNotices means that there is something to be seen first.
	ErrNotices = errors.New("desk: there are notices to be seen first")
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
	p.From, p.At = origin(seed), d.o.Now().UTC()
	changes, err := d.prepare(ctx, state, &p)
	if err != nil {
		return Proposal{}, err
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

// prepare fills in what a proposal comes to in a state, and gives what it changes there.
func (d *Desk) prepare(ctx context.Context, state State, p *Proposal) ([]knowledge.Change, error) {
	files, library, err := d.outcome(state, p)
	if err != nil {
		return nil, err
	}
	changes := knowledge.Diff(state.Library, library)
	if len(changes) == 0 && sameFiles(state.Files, files) {
		return nil, ErrNothing
	}
	p.Base, p.Judged, p.Worse, p.Trouble, p.Findings = state.Number, false, nil, "", newFindings(state.Library, library)
	if refused := Refused(state.Library, library); len(refused) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrNotes, strings.Join(refused, "; "))
	}
	if len(p.Findings) > 0 && onlyNotes(p.Changes) {
		return nil, fmt.Errorf("%w: %s", ErrNotes, strings.Join(p.Findings, "; "))
	}
	if len(library.Passages()) > reviewedAtOnce || len(newLessons(state.Library, library)) > lessonsAtOnce {
		return changes, nil // the gate reviews it
	}
	review, err := ReviewOf(ctx, d.publisher, state.Library, State{Files: files, Library: library}, p.Question)
	p.Notices, p.Seen, p.Answered = review.Notices, nil, review.Answered
	if len(p.Notices) > 0 {
		p.Seen = []string{p.Author} // who reads them in reply
	}
	return changes, err
}

const (
	// reviewedAtOnce is up to how many passages a proposal is reviewed while its author
	// waits, and lessonsAtOnce up to how many ways to ask: a part of a second.
	reviewedAtOnce = 500
	lessonsAtOnce  = 20
)

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
	// judgeAlive is how long a gate counts as being at work after it last said so: whoever
	// ran it may be gone. The gate itself has no limit: on a busy machine it takes longer.
	judgeAlive = 2 * time.Minute
	// progressEvery is how often it is said how far the gate is.
	progressEvery = 500 * time.Millisecond
)

// judge runs the gate for a proposal against the state in force, and keeps what it found.
func (d *Desk) judge(p Proposal) {
	d.judging.Lock()
	defer d.judging.Unlock()
	ctx := d.ctx
	state, err := d.publisher.InForce()
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
	if err := d.save(context.WithoutCancel(ctx), &p, proposalKeep); err != nil && !errors.Is(err, bot.ErrStale) {
		d.o.Log.Warn("proposal's judgement not kept", slog.String("proposal", p.ID), slog.Any("error", err))
	}
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

// Judging reports whether a gate is at a proposal: it has just been made, or somebody said
// lately how far it is.
func (d *Desk) Judging(ctx context.Context, p Proposal) bool {
	if p.Judged || p.Trouble != "" {
		return false
	}
	_, all := d.Progress(ctx, p.ID)
	return all > 0 || d.o.Now().Sub(p.At) < judgeAlive
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

// Approval is how somebody confirms a proposal.
type Approval struct {
	Who string
	Way Way
	// Override is why although something gets worse, or empty.
	Override string
	// Seen reports that the notices stood where it was confirmed.
	Seen bool
}

// Approve publishes a proposal. It fails with ErrUnknown, ErrSelf, ErrJudging, ErrWorse,
// and once for each person with ErrNotices when there are some that they have not seen; one
// that is published already is given as it is.
func (d *Desk) Approve(ctx context.Context, id string, by Approval) (Proposal, error) {
	p, err := d.Proposal(ctx, id)
	switch {
	case err != nil:
		return p, err
	case p.ID == "":
		return p, ErrUnknown
	case p.Published > 0 && (d.o.People == 1 || !samePerson(p.Author, by.Who)):
		return p, nil
	}
	publication := p.publication(by)
	if err := d.May(publication, nil); err != nil {
		return p, err
	}
	state, err := d.publisher.InForce()
	if err != nil {
		return p, err
	}
	switch {
	case d.Judging(ctx, p):
		return p, ErrJudging
	case !p.Judged || p.Trouble != "" || p.Base != state.Number:
		d.work.Go(func() { d.judge(p) })
		return p, ErrJudging
	}
	if err := d.May(publication, p.Worse); err != nil {
		return p, err
	}
	if len(p.Notices) > 0 && !by.Seen && !slices.Contains(p.Seen, by.Who) {
		p.Seen = append(p.Seen, by.Who)
		return p, cmp.Or(d.save(ctx, &p, proposalKeep), ErrNotices)
	}
	return d.publish(ctx, p, publication, state)
}

// publication is what a proposal is when somebody confirms it.
func (p Proposal) publication(by Approval) Publication {
	publication := Publication{Author: p.Author, Reason: p.Title, Override: by.Override, Back: p.Back, Of: p.Of, Way: by.Way, Proposal: p.ID}
	if p.Reason != "" {
		publication.Reason += "：" + p.Reason
	}
	if !samePerson(by.Who, p.Author) {
		publication.Approver = by.Who
	}
	return publication
}

func (d *Desk) publish(ctx context.Context, p Proposal, publication Publication, state State) (Proposal, error) {
	if err := d.Open(ctx, &p); err != nil {
		return p, err
	}
	files, _, err := d.outcome(state, &p)
	if err != nil {
		return p, err
	}
	err = d.Release(ctx, state.Number+1, publication, p.Worse, files)
	if errors.Is(err, ErrStale) {
		d.work.Go(func() { d.judge(p) })
		return p, ErrJudging
	}
	if err != nil {
		return p, err
	}
	p.Published, p.Approver = state.Number+1, publication.Approver
	// What is in force stays in force when the lists cannot be tidied.
	err = errors.Join(d.save(ctx, &p, publishedKeep), d.closeQuestion(ctx, p, cmp.Or(publication.Approver, publication.Author)))
	if err != nil {
		d.o.Log.Warn("published, but the lists still have it", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	return p, nil
}

// closeQuestion says what became of the question that a published proposal is about: solved is
// what is answered. What was given to a topic outside will not be; anything else stays as
// it is.
func (d *Desk) closeQuestion(ctx context.Context, p Proposal, who string) error {
	m := Mark{State: Solved, By: who, Note: fmt.Sprintf("版本 %d", p.Published)}
	switch topic := p.topic(); {
	case p.Question == "":
		return nil
	case topic != "":
		m.State, m.Note = Rejected, fmt.Sprintf("归入没有写的话题“%s”（版本 %d）", topic, p.Published)
	case !p.Answered:
		return nil
	}
	return d.mark(ctx, p.Question, m)
}

// topic is the topic outside that a proposal adds a way to ask to, or empty.
func (p Proposal) topic() string {
	for _, c := range p.Changes {
		if c.Edit != nil && c.Edit.Topic != "" && !c.Edit.Remove {
			return c.Edit.Topic
		}
	}
	return ""
}

// Clear takes out of the way what keeps a proposal's ways to ask from being answered. It
// becomes part of the proposal, which is judged anew and counts as this person's, so that
// where it takes two people another sees all of it. It fails with ErrUnknown, or ErrNothing
// when nothing can be taken out.
func (d *Desk) Clear(ctx context.Context, id, who string) (Proposal, error) {
	p, err := d.Proposal(ctx, id)
	switch {
	case err != nil:
		return p, err
	case p.ID == "", p.Published > 0:
		return p, ErrUnknown
	case !p.Clearable():
		return p, ErrNothing
	}
	state, err := d.publisher.InForce()
	if err != nil {
		return p, err
	}
	if err := d.Open(ctx, &p); err != nil {
		return p, err
	}
	p.Changes, p.Author, p.At = append(p.Changes, p.clears()...), who, d.o.Now().UTC()
	if _, err := d.prepare(ctx, state, &p); err != nil {
		return p, err
	}
	if err := d.save(ctx, &p, proposalKeep); err != nil {
		return p, err
	}
	d.did(ctx, who, "amend", p.ID+" "+p.Title)
	d.work.Go(func() { d.judge(p) })
	return p, nil
}

// clears are the edits that the notices offer, each once.
func (p Proposal) clears() (all []Change) {
	seen := map[string]bool{}
	for _, n := range p.Notices {
		for _, c := range n.Clear {
			key := c.File + "\x00" + c.Clears()
			if !seen[key] {
				seen[key] = true
				all = append(all, c)
			}
		}
	}
	return all
}

// Clearable reports whether something can be taken out of the way of a proposal.
func (p Proposal) Clearable() bool { return len(p.clears()) > 0 }

// Clears says what an edit takes out, and out of what.
func (c Change) Clears() string {
	e := c.Edit
	place := e.Section
	switch {
	case e.Topic != "":
		place = "没有写的话题“" + e.Topic + "”"
	case e.Starts != "":
		place = "“" + shorten(e.Starts, 20) + "”"
	case e.Number > 0:
		place = fmt.Sprintf("%s第%d条", e.Section, e.Number)
	}
	return fmt.Sprintf("%s的问法“%s”", place, e.Ask)
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
