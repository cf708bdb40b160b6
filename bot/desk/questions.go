package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"aeobot/bot"
	"aeobot/index"
)

// Standing is what became of a question.
type Standing string

// Standings. A solved question that is asked in vain again is open again.
const (
	Open     Standing = "open"
	Assigned Standing = "assigned"
	Solved   Standing = "solved"
	Rejected Standing = "rejected"
)

// Mark is what somebody made of a question.
type Mark struct {
	State Standing  `json:"state"`
	By    string    `json:"by"`
	To    string    `json:"to,omitempty"` // whose it is now
	Note  string    `json:"note,omitempty"`
	At    time.Time `json:"at"`
}

// Row is one question without an answer, however it was asked; or answers that readers
// found wrong.
type Row struct {
	Key string
	// Question is the way it was asked most often; Ways are all, that one first.
	Question    string
	Ways        []bot.Unanswered
	Count       int
	First, Last time.Time
	Channels    []string
	Nearest     string // the passage that came closest
	Mark        Mark
	// Opinions are what readers said against answers that quoted Shown; of such a row
	// there are no Ways.
	Opinions []bot.Feedback
	Shown    []string
}

const marks = "question-marks"

// alike is from which likeness on two questions are one asked differently.
const alike = 0.6

const (
	// freshFor is how long a list is good enough to be shown again.
	freshFor = 2 * time.Second
	// patience is how long a reader waits for a list to be put together anew before the
	// last one is good enough: a hundred thousand questions take seconds.
	patience = 100 * time.Millisecond
)

// questions is the list as it was last put together.
type questions struct {
	one sync.Mutex // held by whoever puts the list together

	mu      sync.Mutex
	rows    []Row
	at      time.Time
	marks   int  // counts marks, so that a list begun before one is not kept
	working bool // somebody puts the list together in the background

	topics map[string]index.Topic // by key; q.one is held
	of     string                 // the knowledge that topics were read with
}

// Rows are the questions without an answer and the answers found wrong, those asked most
// often first. A list that is at most two seconds old is given as it is, and a long list
// that has to be put together anew may be given as it was before; then the next has it.
func (d *Desk) Rows(ctx context.Context, g *index.Generation) ([]Row, error) {
	q := &d.questions
	q.mu.Lock()
	rows, fresh := q.rows, q.rows != nil && d.o.Now().Sub(q.at) < freshFor
	q.mu.Unlock()
	switch {
	case fresh:
		return rows, nil
	case rows == nil || d.o.Index == nil:
		return d.rowsNow(ctx, g)
	}
	select {
	case <-d.refresh():
	case <-time.After(patience):
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.rows, nil
}

// refresh has the list put together in the background, by one at a time; the channel ends
// when that is over.
func (d *Desk) refresh() <-chan struct{} {
	q := &d.questions
	over := make(chan struct{})
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.working {
		return over // never: the last list is good enough
	}
	q.working = true
	d.work.Go(func() {
		defer close(over)
		defer func() {
			q.mu.Lock()
			q.working = false
			q.mu.Unlock()
		}()
		g, release, err := d.o.Index.Acquire()
		if err == nil {
			defer release()
			_, err = d.rowsNow(d.ctx, g)
		}
		if err != nil && d.ctx.Err() == nil {
			d.o.Log.Warn("questions without an answer not read", slog.Any("error", err))
		}
	})
	return over
}

// rowsNow puts the list together.
func (d *Desk) rowsNow(ctx context.Context, g *index.Generation) ([]Row, error) {
	q := &d.questions
	q.one.Lock()
	defer q.one.Unlock()
	q.mu.Lock()
	marks := q.marks
	q.mu.Unlock()
	rows, err := d.rows(ctx, g)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.marks == marks || q.rows == nil {
		q.rows, q.at = rows, d.o.Now()
	}
	return rows, nil
}

// marked puts a mark into the list that is shown, so that whoever made it sees it.
func (d *Desk) marked(key string, m Mark) {
	q := &d.questions
	q.mu.Lock()
	defer q.mu.Unlock()
	q.marks++
	i := slices.IndexFunc(q.rows, func(r Row) bool { return r.has(key) })
	if i >= 0 {
		q.rows = slices.Clone(q.rows) // others read it
		q.rows[i].Mark = m
		q.rows[i].settle()
	}
}

func (d *Desk) rows(ctx context.Context, g *index.Generation) ([]Row, error) {
	list, err := d.store.Unanswered(ctx)
	if err != nil {
		return nil, err
	}
	marked, err := d.marks(ctx)
	if err != nil {
		return nil, err
	}
	opinions, err := d.store.Feedback(ctx)
	if err != nil {
		return nil, err
	}
	rows := []Row{}
	for _, group := range index.Group(d.topics(list, g), alike) {
		rows = append(rows, rowOf(list, group, marked))
	}
	rows = append(rows, complaints(opinions, marked)...)
	slices.SortStableFunc(rows, func(x, y Row) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), y.Last.Compare(x.Last), strings.Compare(x.Key, y.Key))
	})
	return rows, nil
}

// topics reads what the questions are about, those seen before from memory.
func (d *Desk) topics(list []bot.Unanswered, g *index.Generation) []index.Topic {
	q := &d.questions
	known := q.topics
	if of := g.Library().Fingerprint; of != q.of {
		known, q.of = nil, of
	}
	q.topics = make(map[string]index.Topic, len(list))
	all := make([]index.Topic, len(list))
	for i, u := range list {
		t, ok := known[u.Key]
		if !ok {
			t = g.Topic(u.Question)
		}
		all[i], q.topics[u.Key] = t, t
	}
	return all
}

func rowOf(list []bot.Unanswered, group []int, marked map[string]Mark) Row {
	lead := list[group[0]]
	r := Row{Key: lead.Key, Question: lead.Question, Nearest: lead.Nearest, First: lead.First}
	for _, i := range group {
		u := list[i]
		r.Ways = append(r.Ways, u)
		r.Count += u.Count
		r.Channels = append(r.Channels, u.Channels...)
		if u.First.Before(r.First) {
			r.First = u.First
		}
		if u.Last.After(r.Last) {
			r.Last = u.Last
		}
		if m := marked[u.Key]; m.At.After(r.Mark.At) {
			r.Mark = m
		}
	}
	slices.Sort(r.Channels)
	r.Channels = slices.Compact(r.Channels)
	r.settle()
	return r
}

// settle says how a row stands: nobody has looked at it, or it was asked again.
func (r *Row) settle() {
	if r.Mark.State == "" || r.Mark.State == Solved && r.Last.After(r.Mark.At) {
		r.Mark.State = Open
	}
}

// complaints are the answers that readers found wrong, a row for what they quoted; where
// that is not known they share one.
func complaints(all []bot.Feedback, marked map[string]Mark) []Row {
	rows := map[string]*Row{}
	for _, f := range all {
		if f.Rating != bot.Useless {
			continue
		}
		key := "f-" + Digest([]byte(strings.Join(f.Shown, "\x00")))[:22]
		r := rows[key]
		if r == nil {
			r = &Row{Key: key, Shown: f.Shown, Mark: marked[key], First: f.At}
			if len(f.Shown) > 0 {
				r.Nearest = f.Shown[0]
			}
			rows[key] = r
		}
		r.Opinions = append(r.Opinions, f)
		r.Count++
		if f.At.Before(r.First) {
			r.First = f.At
		}
		if f.At.After(r.Last) {
			r.Last = f.At
		}
		if !slices.Contains(r.Channels, f.Channel) {
			r.Channels = append(r.Channels, f.Channel)
		}
	}
	var list []Row
	for _, r := range rows {
		r.settle()
		list = append(list, *r)
	}
	slices.SortFunc(list, func(x, y Row) int { return strings.Compare(x.Key, y.Key) })
	return list
}

func (d *Desk) marks(ctx context.Context) (map[string]Mark, error) {
	items, err := d.store.Items(ctx, marks)
	if err != nil {
		return nil, err
	}
	all := map[string]Mark{}
	for _, i := range items {
		var m Mark
		if err := json.Unmarshal(i.Data, &m); err != nil {
			d.o.Log.Warn("mark of a question not readable", slog.Any("error", err))
			continue
		}
		all[i.ID] = m
	}
	return all, nil
}

// ErrQuestion means that there is no such question.
var ErrQuestion = errors.New("desk: no such question")

// Standings are all there are, for those who choose one.
var Standings = []Standing{Open, Assigned, Solved, Rejected}

// Mark says how a row stands from now on, for all its ways to ask.
func (d *Desk) Mark(ctx context.Context, r Row, m Mark) error {
	if !slices.Contains(Standings, m.State) {
		return fmt.Errorf("desk: %q is no standing of a question", m.State)
	}
	keys := []string{r.Key}
	for _, w := range r.Ways[min(1, len(r.Ways)):] {
		keys = append(keys, w.Key)
	}
	for _, key := range keys {
		if err := d.put(ctx, key, m); err != nil {
			return err
		}
	}
	d.did(ctx, m.By, "question "+string(m.State), strings.TrimSpace(r.Key+" "+m.To+" "+m.Note))
	return nil
}

// mark says how one way to ask stands.
func (d *Desk) mark(ctx context.Context, question string, m Mark) error {
	return d.put(ctx, bot.NewMiss(question, "", "", "", d.o.Now()).Key, m)
}

// put keeps a mark, in the place of any before.
func (d *Desk) put(ctx context.Context, key string, m Mark) error {
	m.At = d.o.Now().UTC()
	defer d.grants.wake()
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	for {
		item, err := d.store.Get(ctx, marks, key)
		if err != nil {
			return err
		}
		err = d.store.Put(ctx, marks, key, data, item.Version, d.o.Keep)
		if err == nil {
			d.marked(key, m)
		}
		if !errors.Is(err, bot.ErrStale) {
			return err
		}
	}
}

// answered reports whether a generation answers a row in all its ways to ask.
func (r Row) answered(ctx context.Context, g *index.Generation) (bool, error) {
	for _, w := range r.Ways {
		if yes, err := answersAll(ctx, g, w.Question); !yes || err != nil {
			return false, err
		}
	}
	return true, nil
}

// Settle looks which open questions the knowledge answers now, however they were asked, and
// calls them solved. It is run when a new state is in force.
func (d *Desk) Settle(ctx context.Context, g *index.Generation, note string) error {
	rows, err := d.rowsNow(ctx, g)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if !r.Unfinished() || len(r.Ways) == 0 {
			continue
		}
		answered, err := r.answered(ctx, g)
		if err != nil {
			return err
		}
		if !answered {
			continue
		}
		m := Mark{State: Solved, By: "aeobot", Note: note}
		if err := d.Mark(ctx, r, m); err != nil {
			return err
		}
		d.o.Log.Info("question answered by the new version", slog.String("key", r.Key))
	}
	return nil
}
