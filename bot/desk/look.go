package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/knowledge"
)

// Unfinished tells that somebody has still to look after a row.
func (r Row) Unfinished() bool { return r.Mark.State == Open || r.Mark.State == Assigned }

// Name is what a row is about, in a line.
func (r Row) Name() string {
	switch {
	case r.Question != "":
		return r.Question
	case len(r.Shown) == 0:
		return "读者说回答不对（不知引用了哪条）"
	}
	return "读者说回答不对：" + strings.Join(r.Shown, "、")
}

// Row gives the row of a key, be it the row's own or one of its ways'. It fails with
// ErrQuestion.
func (d *Desk) Row(ctx context.Context, g *index.Generation, key string) (Row, error) {
	rows, err := d.Rows(ctx, g)
	if err != nil {
		return Row{}, err
	}
	r, ok := find(rows, key)
	if !ok { // it may be newer than the list
		if rows, err = d.rowsNow(ctx, g); err != nil {
			return Row{}, err
		}
		if r, ok = find(rows, key); !ok {
			return Row{}, ErrQuestion
		}
	}
	return r, nil
}

func find(rows []Row, key string) (Row, bool) {
	i := slices.IndexFunc(rows, func(r Row) bool { return r.has(key) })
	if i < 0 {
		return Row{}, false
	}
	return rows[i], true
}

// has tells that a key is the row's or one of its ways'.
func (r Row) has(key string) bool {
	return r.Key == key || slices.ContainsFunc(r.Ways, func(u bot.Unanswered) bool { return u.Key == key })
}

// Describe is one line on the state in force.
func (d *Desk) Describe() (string, error) { return d.publisher.Describe() }

// InForce is the state that is answered from; see Publisher.
func (d *Desk) InForce() (State, error) { return d.publisher.InForce() }

// At is the state of a number; see Publisher.
func (d *Desk) At(number int) (State, error) { return d.publisher.At(number) }

// Changes are what a proposal would change in the state that is in force now, and what is
// doubtful afterwards.
func (d *Desk) Changes(ctx context.Context, p Proposal) ([]knowledge.Change, []string, error) {
	state, err := d.publisher.InForce()
	if err != nil {
		return nil, nil, err
	}
	if err := d.Open(ctx, &p); err != nil {
		return nil, nil, err
	}
	_, library, err := d.outcome(state, &p)
	if err != nil {
		return nil, nil, err
	}
	return knowledge.Diff(state.Library, library), NewFindings(state.Library, library), nil
}

// Topics are the topics that the knowledge is known to have nothing on, with the file of
// notes each stands in.
func Topics(l *knowledge.Library) []TopicOf {
	var all []TopicOf
	for _, doc := range l.Documents {
		for _, t := range doc.Outside {
			all = append(all, TopicOf{doc.ID + knowledge.NotesSuffix, t.Name})
		}
	}
	return all
}

// TopicOf is a topic and the file of notes it stands in.
type TopicOf struct{ File, Name string }

// ID names it in a form.
func (t TopicOf) ID() string { return fmt.Sprintf("%s/%s", t.File, t.Name) }
