package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"aeobot/bot"
	"aeobot/knowledge"
)

// Errors of proposing and deciding.
var (
	// ErrUnknown means that there is no such proposal.
	ErrUnknown = errors.New("desk: no such proposal")
	// ErrJudging means that the gate is at it, or has to be at it again.
	ErrJudging = errors.New("desk: the gate has not been through")
	// ErrBusy means that too many proposals wait for the gate.
	ErrBusy = errors.New("desk: too many proposals wait for the gate")
	// ErrTaken means that somebody else has decided on a proposal, or is about to.
	ErrTaken = errors.New("desk: somebody else has decided on the proposal")
	// ErrDead means that what a proposal would change is not there any more.
	ErrDead = errors.New("desk: what the proposal would change is not there any more")
	// ErrReason means that a reason is needed.
	ErrReason = errors.New("desk: a reason is needed")
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
	p.From, p.At, p.Tell = origin(seed), d.o.Now().UTC(), true
	diff, err := d.prepare(ctx, state, &p)
	if err != nil {
		return Proposal{}, err
	}
	if err := d.keepFiles(ctx, &p); err != nil {
		return Proposal{}, err
	}
	known, err := d.enter(ctx, &p)
	if err != nil || known {
		d.locate(ctx, &p)
		return p, err
	}
	if err := d.keepDiff(ctx, p.ID, diff); err != nil { // the gate will keep it
		d.o.Log.Warn("proposal's changes not kept", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	d.did(ctx, p.Author, "propose", p.ID+" "+p.Title)
	err = d.queue(&p)
	d.locate(ctx, &p)
	if errors.Is(err, ErrBusy) { // Tend will find it room
		err = nil
	}
	return p, err
}

// prepare fills in what a proposal comes to in a state, and gives what it changes there.
func (d *Desk) prepare(ctx context.Context, state State, p *Proposal) (Diff, error) {
	files, library, err := d.outcome(state, p)
	if err != nil {
		return Diff{}, err
	}
	changes := knowledge.Diff(state.Library, library)
	if len(changes) == 0 && sameFiles(state.Files, files) {
		return Diff{}, ErrNothing
	}
	diff := newDiff(state.Number, changes, nil)
	p.Base, p.Judged, p.Worse, p.Trouble, p.Shown, p.Findings = state.Number, false, nil, "", nil, NewFindings(state.Library, library)
	if refused := Refused(state.Library, library); len(refused) > 0 {
		return diff, fmt.Errorf("%w: %s", ErrNotes, strings.Join(refused, "; "))
	}
	if len(p.Findings) > 0 && onlyNotes(p.Changes) {
		return diff, fmt.Errorf("%w: %s", ErrNotes, strings.Join(p.Findings, "; "))
	}
	if len(library.Passages()) > reviewedAtOnce || len(newLessons(state.Library, library)) > lessonsAtOnce {
		return diff, nil // the gate reviews it
	}
	review, err := d.review(ctx, state, State{Files: files, Library: library}, p)
	p.Notices, p.Answered, diff.Answers = review.Notices, review.Answered, review.Answers
	p.show(p.Author, state) // who reads them in reply
	return diff, err
}

// review is ReviewOf for a proposal. What brings a state back teaches nothing.
func (d *Desk) review(ctx context.Context, was, is State, p *Proposal) (Review, error) {
	if p.Back {
		return Review{}, nil
	}
	return ReviewOf(ctx, d.publisher, was.Library, is, p.Question)
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

// Approval is how somebody confirms a proposal.
type Approval struct {
	Who string
	Way Way
	// Override is why although something gets worse, or empty.
	Override string
	// Shown is the View.Key of what stood where it was confirmed in the console.
	Shown string
}

// maxTries is how often a decision is begun again because the proposal was changed
// meanwhile.
const maxTries = 8

// decide reads a proposal that waits for a decision and does something to it, again when
// somebody changed it at the same moment. It fails with ErrUnknown, or with ErrTaken when
// the proposal does not wait any more; p.Outcome then says what became of it.
func (d *Desk) decide(ctx context.Context, id string, do func(p *Proposal) error) (p Proposal, err error) {
	defer func() {
		if p.ID != "" {
			d.locate(ctx, &p)
		}
	}()
	for range maxTries {
		if p, err = d.settled(ctx, id); err != nil {
			return p, err
		}
		switch {
		case p.ID == "":
			return p, ErrUnknown
		case !p.Waits() || p.Claim != nil:
			return p, ErrTaken
		}
		if err = do(&p); !errors.Is(err, bot.ErrStale) {
			return p, err
		}
	}
	return p, err
}

const (
	// settledWithin is how long a decision waits for another that is under way, and
	// settledEvery how often it looks.
	settledWithin = 2 * time.Second
	settledEvery  = 20 * time.Millisecond
)

// settled reads a proposal, after the decision on it that is under way. When that takes too
// long, the proposal has its Claim.
func (d *Desk) settled(ctx context.Context, id string) (Proposal, error) {
	for end := time.Now().Add(settledWithin); ; {
		p, err := d.stored(ctx, id)
		if err != nil || !p.Waits() {
			return p, err
		}
		held, err := d.store.Get(ctx, claims, p.ID)
		switch {
		case err != nil:
			return p, err
		case held.Version == 0 && p.Claim != nil:
			return p, d.resolve(ctx, &p)
		case held.Version == 0:
			return p, nil
		case time.Now().After(end):
			if p.Claim == nil {
				p.Claim = &Claim{Who: string(held.Data)}
			}
			return p, nil
		}
		select {
		case <-ctx.Done():
			return p, ctx.Err()
		case <-time.After(settledEvery):
		}
	}
}

// resolve finds out what came of a claim that nobody holds any more, whose owner may have
// died: published or not.
func (d *Desk) resolve(ctx context.Context, p *Proposal) error {
	state, err := d.publisher.InForce()
	if err != nil {
		return err
	}
	claim, keep := *p.Claim, proposalKeep
	p.Claim = nil
	if state.Number >= claim.Number {
		made, err := d.publisher.At(claim.Number)
		if err != nil {
			return err
		}
		if digestFiles(made.Files) == claim.Sum {
			p.Published, p.Approver, keep = claim.Number, claim.Approver, decidedKeep
		}
	}
	if err := d.save(ctx, p, keep); err != nil && !errors.Is(err, bot.ErrStale) { // stale: another found out
		return err
	}
	return nil
}

// Approve publishes a proposal. It fails with ErrUnknown, ErrTaken, ErrSelf, ErrDead,
// ErrJudging, ErrBusy, ErrWorse, and with ErrShown when whoever confirms has not been shown
// what they confirm; one that is published already is given as it is. Bringing a state back
// waits for no gate.
func (d *Desk) Approve(ctx context.Context, id string, by Approval) (Proposal, error) {
	p, err := d.decide(ctx, id, func(p *Proposal) error { return d.confirm(ctx, p, by) })
	if errors.Is(err, ErrTaken) && p.Published > 0 {
		return p, nil
	}
	return p, err
}

// confirm is one try to publish a proposal.
func (d *Desk) confirm(ctx context.Context, p *Proposal, by Approval) error {
	publication := p.publication(by)
	if err := d.May(publication, nil); err != nil {
		return err
	}
	state, err := d.publisher.InForce()
	if err != nil {
		return err
	}
	switch {
	case p.Dead:
		return ErrDead
	case !p.Back && !p.judgedIn(state):
		// Published a moment ago, it is not to be judged once more.
		if now, err := d.stored(ctx, p.ID); err != nil || now.version != p.version {
			return cmp.Or(err, bot.ErrStale)
		}
		return cmp.Or(d.rejudge(ctx, p), ErrJudging)
	}
	if err := d.May(publication, p.Worse); err != nil {
		if errors.Is(err, ErrWorse) && by.Way != ByConsole { // who reads them in reply
			p.show(by.Who, state)
			err = cmp.Or(d.save(ctx, p, proposalKeep), err)
		}
		return err
	}
	if !p.seen(by, state) {
		return d.unseen(ctx, p, by, state)
	}
	return d.publish(ctx, p, by.Who, publication, state)
}

// publication is what a proposal is when somebody confirms it.
func (p Proposal) publication(by Approval) Publication {
	publication := Publication{Author: p.Author, Reason: p.Title, Override: by.Override, Back: p.Back, Of: p.Of, Way: by.Way, Proposal: p.ID}
	if p.Reason != "" {
		publication.Reason += "：" + p.Reason
	}
	if !bot.SamePerson(by.Who, p.Author) {
		publication.Approver = by.Who
	}
	return publication
}

const (
	// claims are held by those who publish a proposal, by its id.
	claims = "proposal-claims"
	// claimAlive is how long a claim holds, and publishWithin bounds what is done under it.
	claimAlive    = time.Minute
	publishWithin = claimAlive / 2
)

// publish claims a proposal for this decision, so that no other comes between, and puts it
// in force. It fails with bot.ErrStale when somebody else was first.
func (d *Desk) publish(ctx context.Context, p *Proposal, who string, publication Publication, state State) error {
	if err := d.Open(ctx, p); err != nil {
		return err
	}
	files, _, err := d.outcome(state, p)
	if err != nil {
		return err
	}
	if err := d.store.Put(ctx, claims, p.ID, []byte(who), 0, claimAlive); err != nil {
		return err
	}
	lasting := context.WithoutCancel(ctx)
	defer func() {
		if err := d.remove(lasting, claims, p.ID); err != nil {
			d.o.Log.Warn("claim on a proposal not given back", slog.String("proposal", p.ID), slog.Any("error", err))
		}
	}()
	p.Claim = &Claim{Who: who, Approver: publication.Approver, Number: state.Number + 1, Sum: digestFiles(files)}
	if err := d.save(ctx, p, proposalKeep); err != nil {
		return err
	}
	within, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	err = d.Release(within, p.Claim.Number, publication, p.Worse, files)
	if errors.Is(err, ErrStale) {
		p.Claim = nil
		return cmp.Or(d.save(lasting, p, proposalKeep), d.movedOn(p))
	}
	if err != nil { // whether it went out all the same is to be seen
		if lost := d.resolve(lasting, p); lost != nil || p.Published == 0 {
			return errors.Join(err, lost)
		}
		return nil
	}
	p.Published, p.Approver, p.Claim = p.Claim.Number, p.Claim.Approver, nil
	// What is in force stays in force when the lists cannot be tidied.
	if err := errors.Join(d.save(lasting, p, decidedKeep), d.closeQuestion(lasting, *p, who)); err != nil {
		d.o.Log.Warn("published, but the lists still have it", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	return nil
}

// movedOn is why a proposal was not published when another was at the same moment.
func (d *Desk) movedOn(p *Proposal) error {
	if p.Back {
		return ErrShown
	}
	return cmp.Or(d.queue(p), ErrJudging)
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
// where it takes two people another sees all of it. It fails with ErrUnknown, ErrTaken, or
// ErrNothing when nothing can be taken out.
func (d *Desk) Clear(ctx context.Context, id, who string) (Proposal, error) {
	return d.decide(ctx, id, func(p *Proposal) error {
		if !p.Clearable() {
			return ErrNothing
		}
		state, err := d.publisher.InForce()
		if err != nil {
			return err
		}
		if err := d.Open(ctx, p); err != nil {
			return err
		}
		p.Changes, p.Author, p.At = append(p.Changes, p.clears()...), who, d.o.Now().UTC()
		diff, err := d.prepare(ctx, state, p)
		if err != nil {
			return err
		}
		if err := cmp.Or(d.save(ctx, p, proposalKeep), d.keepDiff(ctx, p.ID, diff)); err != nil {
			return err
		}
		d.did(ctx, who, "amend", p.ID+" "+p.Title)
		if err := d.queue(p); err != nil && !errors.Is(err, ErrBusy) {
			return err
		}
		return nil
	})
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

// Reject takes a proposal away. It stays to be read, with who did and why, and its author is
// told. It fails with ErrUnknown, ErrTaken, or ErrReason when another's is taken away without
// one.
func (d *Desk) Reject(ctx context.Context, id, who, why string) (Proposal, error) {
	return d.decide(ctx, id, func(p *Proposal) error {
		if why == "" && !bot.SamePerson(who, p.Author) {
			return ErrReason
		}
		p.Rejected, p.Why, p.Claim = who, why, nil
		if err := d.save(ctx, p, decidedKeep); err != nil {
			return err
		}
		d.did(ctx, who, "reject", strings.TrimSpace(p.ID+" "+p.Title+" "+why))
		return nil
	})
}
