package desk

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"aeobot/bot"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// View is a proposal as somebody sees it who decides on it.
type View struct {
	Proposal
	Diff Diff
	// Key names what is shown. It is another when the proposal, what it changes in the
	// state in force, or what is said against it has become another.
	Key string
}

// View shows a proposal. It fails with ErrUnknown.
func (d *Desk) View(ctx context.Context, id string) (View, error) {
	p, err := d.Proposal(ctx, id)
	if err != nil {
		return View{}, err
	}
	if p.ID == "" {
		return View{}, ErrUnknown
	}
	v := View{Proposal: p}
	if v.Diff, err = d.Diff(ctx, p.ID); err != nil || !p.Waits() {
		return v, err
	}
	state, err := d.publisher.InForce()
	if err != nil {
		return v, err
	}
	if v.Diff.Base != state.Number && !p.Dead {
		if err := d.diffAnew(ctx, state, &v); err != nil {
			return v, err
		}
	}
	v.Key = p.key(state)
	return v, nil
}

// diffAnew finds what a proposal changes in another state than the one it was judged
// against. What comes to nothing there stays as it was shown: its stage will say so.
func (d *Desk) diffAnew(ctx context.Context, s State, v *View) error {
	err := d.Open(ctx, &v.Proposal)
	if err != nil {
		return err
	}
	_, library, err := d.outcome(s, &v.Proposal)
	if err != nil {
		if obsolete(err) != "" {
			return nil
		}
		return err
	}
	v.Diff = newDiff(s.Number, knowledge.Diff(s.Library, library), v.Diff.Answers)
	return d.keepDiff(ctx, v.ID, v.Diff)
}

// key names what somebody sees of a proposal in a state. What the gate finds does not hold up
// bringing a state back.
func (p Proposal) key(s State) string {
	seen := []any{s.Number, p.Changes, p.Back, p.Of}
	if !p.Back {
		for _, n := range p.Notices {
			seen = append(seen, n.Text)
		}
		seen = append(seen, p.Worse)
	}
	data, err := json.Marshal(seen)
	if err != nil {
		panic("desk: " + err.Error()) // strings and numbers only
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// said reports whether the line that the chat has of a proposal says all that it does.
func (p Proposal) said() bool {
	return !p.Back && len(p.Notices)+len(p.Worse) == 0 &&
		!slices.ContainsFunc(p.Changes, func(c Change) bool { return c.Edit == nil || c.Edit.Remove })
}

// seen reports whether whoever confirms has been shown what they confirm.
func (p Proposal) seen(by Approval, s State) bool {
	switch {
	case by.Way == ByConsole:
		return by.Shown == p.key(s)
	case p.said():
		return true
	}
	return p.Shown[bot.FoldPerson(by.Who)] == p.key(s)
}

// show keeps that somebody is shown a proposal as it is in a state.
func (p *Proposal) show(who string, s State) {
	if p.Shown == nil {
		p.Shown = map[string]string{}
	}
	p.Shown[bot.FoldPerson(who)] = p.key(s)
}

// ErrShown means that whoever confirms has not seen what they confirm, be it that it has
// become another meanwhile.
var ErrShown = errors.New("desk: what is confirmed is to be shown first")

// unseen keeps what somebody is shown now, and is ErrShown.
func (d *Desk) unseen(ctx context.Context, p *Proposal, by Approval, s State) error {
	if by.Way == ByConsole {
		return ErrShown // the page brings along what it shows
	}
	p.show(by.Who, s)
	return cmp.Or(d.save(ctx, p, proposalKeep), ErrShown)
}

// Placed is something that a proposal edits the notes of, with its own words.
type Placed struct{ Place, Words string }

// Places are what a proposal's edits are about, word for word, each once.
func (d *Desk) Places(p Proposal) (all []Placed, err error) {
	if !p.Waits() {
		return nil, nil
	}
	state, err := d.publisher.InForce()
	if err != nil {
		return nil, err
	}
	for _, c := range p.Changes {
		if c.Edit == nil || c.Edit.Topic != "" {
			continue
		}
		for _, q := range state.Library.Passages() {
			at := Placed{PlaceOf(q), q.Text}
			if q.Document.ID+knowledge.NotesSuffix == c.File && edits(c.Edit, q) && !slices.Contains(all, at) {
				all = append(all, at)
			}
		}
	}
	return all, nil
}

// edits reports whether an edit is of a passage's notes.
func edits(e *curate.Edit, p knowledge.Passage) bool {
	if e.Starts != "" {
		return p.Section == nil && strings.HasPrefix(p.Text, e.Starts)
	}
	return p.Section != nil && p.Section.Heading == e.Section && (e.Number == 0 || p.Number == e.Number)
}
