package desk

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
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

// TakeBack looks what a published version took back and who was given it, and makes a
// Recall of that, unless there is one. Every replica may call it for every version: the
// first makes it. of is the digest of the version's record, at when it was published; what
// was given before is to be written down by then.
func (d *Desk) TakeBack(ctx context.Context, version int, of string, at time.Time) error {
	return d.takeBack(ctx, Recall{Version: version, Of: of, At: at.UTC()}, d.fill)
}

// TakeBackAside is TakeBack for a version that was set aside: what it said is taken back by
// the one in force. was is its words, at when it was set aside.
func (d *Desk) TakeBackAside(ctx context.Context, version int, of string, at time.Time, was *knowledge.Library) error {
	return d.takeBack(ctx, Recall{Version: version, Of: of, At: at.UTC(), Aside: true}, func(ctx context.Context, r *Recall) error {
		is, err := d.publisher.InForce()
		if err != nil {
			return err
		}
		return d.between(ctx, r, was, is.Library)
	})
}

func (d *Desk) takeBack(ctx context.Context, r Recall, fill func(context.Context, *Recall) error) error {
	if d.o.RecallWithin <= 0 || d.o.Given == nil || r.Version <= 0 {
		return nil
	}
	known, err := d.nameRecall(ctx, &r)
	if err != nil || known {
		return err
	}
	r.State = RecallNone
	if err := fill(ctx, &r); err != nil {
		return err
	}
	if len(r.Chats) > 0 {
		r.State = RecallOpen
	}
	switch err := d.saveRecall(ctx, &r); {
	case errors.Is(err, bot.ErrStale):
		return nil // another replica was first
	case err != nil:
		return err
	}
	if r.State == RecallOpen {
		d.o.Log.Info("words that were given do not stand any more", slog.Int("version", r.Version), slog.Bool("aside", r.Aside), slog.Int("passages", r.Changed), slog.Int("chats", len(r.Chats)))
	}
	return nil
}

// nameRecall gives a recall its ID, or reports that there is one of the same already: the
// version's number, unless a version of another chain has it.
func (d *Desk) nameRecall(ctx context.Context, r *Recall) (known bool, err error) {
	number := strconv.Itoa(r.Version)
	for _, r.ID = range []string{number, number + "-" + r.Of[:min(len(r.Of), 8)], number + "-" + r.Of[:min(len(r.Of), 8)] + "-aside"} {
		item, err := d.store.Get(ctx, recalls, r.ID)
		if err != nil {
			return false, err
		}
		if item.Version == 0 {
			return false, nil
		}
		if was, err := readRecall(item); err != nil || was.Aside == r.Aside && (was.Of == r.Of || was.Of == "") {
			return true, err
		}
	}
	return true, nil
}

// fill finds what has changed and who was given it.
func (d *Desk) fill(ctx context.Context, r *Recall) error {
	was, err := d.publisher.At(r.Version - 1)
	if err != nil {
		return err
	}
	is, err := d.publisher.At(r.Version)
	if err != nil {
		return err
	}
	return d.between(ctx, r, was.Library, is.Library)
}

// between finds what is not in the second state as in the first, and who was given it.
func (d *Desk) between(ctx context.Context, r *Recall, was, is *knowledge.Library) error {
	day := r.At.In(china).Format(time.DateOnly)
	r.Passages = changed(was, is, day)
	r.Changed = len(r.Passages)
	if r.Changed == 0 {
		r.Chats = nil
		return nil
	}
	chats, err := d.givenTo(ctx, r, was, is, day)
	if err != nil {
		return err
	}
	r.Chats = chats
	r.trim()
	return nil
}

// changed are the passages of a state that do not stand in the next as they did, on a day.
// One that stands elsewhere with the same words is as it was.
func changed(was, is *knowledge.Library, day string) (all []RecallPassage) {
	stands := standing(is, day)
	for _, old := range was.Passages() {
		if stands[old.Text+"\x00"+noteOf(old, day)] {
			continue
		}
		p := RecallPassage{ID: old.ID, Place: PlaceOf(old), Before: old.Text, NoteBefore: noteOf(old, day)}
		if now, there := is.Passage(old.ID); there {
			p.After, p.NoteAfter, p.Source = now.Text, noteOf(now, day), sourceOf(now)
		} else {
			p.Gone = true
		}
		all = append(all, p)
	}
	return all
}

// noteOf is what is said beside a passage on a day.
func noteOf(p knowledge.Passage, day string) string { return p.Notes.On(day).Note }

// standing are the words of a state, with what is said beside them on a day.
func standing(l *knowledge.Library, day string) map[string]bool {
	all := map[string]bool{}
	for _, p := range l.Passages() {
		all[p.Text+"\x00"+noteOf(p, day)] = true
	}
	return all
}

func sourceOf(p knowledge.Passage) string {
	text := "《" + p.Document.Title + "》"
	if p.Document.Date != "" {
		text += "，" + p.Document.Date
	}
	return text
}

// givenTo finds the chats that were given words which do not stand any more, the latest
// first.
func (d *Desk) givenTo(ctx context.Context, r *Recall, was, is *knowledge.Library, day string) ([]RecallChat, error) {
	at := map[string]int{}
	for i, p := range r.Passages {
		at[p.ID] = i
	}
	type words struct {
		id     string
		clause int
	}
	old := map[words]bot.Words{} // what was given before, of that which is not given any more
	stale := func(w bot.Words) bool {
		key := words{w.ID, w.Clause}
		before, known := old[key]
		if !known {
			before = takenBack(was, is, w, day)
			old[key] = before
		}
		return before.ID != "" && before.Text == w.Text && (before.Note == "" || before.Note == w.Note)
	}
	chats := map[string]*RecallChat{}
	since := d.o.Now().Add(-d.o.RecallWithin)
	err := d.o.Given.Each(ctx, since, func(when time.Time, g bot.Given) {
		for _, w := range g.Words {
			i, touched := at[w.ID]
			if !touched || !stale(w) {
				continue
			}
			c := chats[g.To.Key()]
			if c == nil {
				c = &RecallChat{ID: rand.Text(), To: g.To, State: ChatWaiting}
				chats[g.To.Key()] = c
			}
			if when.After(c.Last) {
				c.Last = when.UTC()
			}
			if !slices.Contains(c.Passages, i) {
				c.Passages = append(c.Passages, i)
				r.Passages[i].Given++
			}
		}
	})
	if err != nil {
		return nil, err
	}
	var list []RecallChat
	for _, c := range chats {
		slices.Sort(c.Passages)
		list = append(list, *c)
	}
	slices.SortFunc(list, func(x, y RecallChat) int {
		return cmp.Or(y.Last.Compare(x.Last), strings.Compare(x.To.Key(), y.To.Key()))
	})
	return list, nil
}

// takenBack names the words that a state gave of a passage, when the next does not give
// them any more; without Note, when whatever the note was they do not stand.
func takenBack(was, is *knowledge.Library, w bot.Words, day string) bot.Words {
	old, there := was.Passage(w.ID)
	if !there {
		return bot.Words{}
	}
	before := bot.WordsOf(old, w.Clause, day)
	now, there := is.Passage(w.ID)
	text := old.Text
	if w.Clause > 0 && w.Clause <= len(old.Clauses) {
		text = old.Clauses[w.Clause-1].Text
	}
	if !there || !strings.Contains(now.Text, text) || w.Clause == 0 && now.Text != text {
		before.Note = ""
		return before
	}
	if bot.WordsOf(now, 0, day).Note != before.Note {
		return before
	}
	return bot.Words{} // these very words stand
}

// join adds the chats that another look at the same version found, and what it found more
// of those that are known.
func (r *Recall) join(o Recall) {
	place := map[string]int{}
	for i, p := range r.Passages {
		place[p.ID] = i
	}
	known := map[string]int{}
	for i, c := range r.Chats {
		known[c.To.Key()] = i
	}
	for _, c := range o.Chats {
		i, there := known[c.To.Key()]
		if !there {
			i = len(r.Chats)
			r.Chats = append(r.Chats, RecallChat{ID: c.ID, To: c.To, Last: c.Last, State: ChatWaiting})
		}
		for _, n := range c.Passages {
			if at, ok := place[o.Passages[n].ID]; ok && !slices.Contains(r.Chats[i].Passages, at) {
				r.Chats[i].Passages = append(r.Chats[i].Passages, at)
				r.Passages[at].Given++
			}
		}
	}
	r.Chats = slices.DeleteFunc(r.Chats, func(c RecallChat) bool { return len(c.Passages) == 0 })
}

// trim leaves out passages beyond maxRecallPassages, those first that nobody was given.
func (r *Recall) trim() {
	if len(r.Passages) <= maxRecallPassages {
		return
	}
	order := make([]int, len(r.Passages))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(r.Passages[y].Given, r.Passages[x].Given) })
	place := map[int]int{}
	var kept []RecallPassage
	for _, i := range order[:maxRecallPassages] {
		place[i] = len(kept)
		kept = append(kept, r.Passages[i])
	}
	r.Passages = kept
	for c := range r.Chats {
		var left []int
		for _, i := range r.Chats[c].Passages {
			if at, ok := place[i]; ok {
				left = append(left, at)
			}
		}
		r.Chats[c].Passages = left
	}
	r.Chats = slices.DeleteFunc(r.Chats, func(c RecallChat) bool { return len(c.Passages) == 0 })
}

// pushRecall names the correction of a recall for a chat.
const pushRecall = "recall:"

func pushID(r Recall, c RecallChat) string { return pushRecall + r.ID + ":" + c.name() }

const (
	// recallTried is for how long a correction that the platform does not take is tried.
	recallTried = 24 * time.Hour
	reasonLate  = "平台一天之内没有收下"
	reasonHere  = "平台不允许机器人在这里先开口"
	reasonThere = "平台没有收下（对方已不在，或超过了时限、条数）"
	reasonError = "平台拒绝了，日志里有原因"
	reasonMoot  = "后来又改回来了，不用更正"
)

// TendRecalls has the corrections of approved recalls said that are not promised yet, by whichever
// replica: one that was killed may have left some.
func (d *Desk) TendRecalls(ctx context.Context) error {
	all, err := d.Recalls(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.State == RecallApproved && r.Count(ChatWaiting) > 0 {
			if err := d.correct(ctx, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// correct promises the corrections of a recall that are waiting.
func (d *Desk) correct(ctx context.Context, r Recall) error {
	state, err := d.publisher.InForce()
	if err != nil {
		return err
	}
	day := d.o.Now().In(china).Format(time.DateOnly)
	stands := standing(state.Library, day)
	current := make([]*bot.Correction, len(r.Passages))
	for i, p := range r.Passages {
		if !stands[p.Before+"\x00"+p.NoteBefore] { // else it was brought back
			current[i] = correction(p, state.Library, day)
		}
	}
	for _, c := range r.Chats {
		if c.State != ChatWaiting {
			continue
		}
		if err := d.correctChat(ctx, r, c, current); err != nil {
			return err
		}
	}
	return nil
}

// correction is what is to be said of a passage now.
func correction(p RecallPassage, l *knowledge.Library, day string) *bot.Correction {
	c := &bot.Correction{Place: p.Place, Before: p.Before, NoteBefore: p.NoteBefore, Gone: true}
	if now, there := l.Passage(p.ID); there {
		c.Gone, c.After, c.NoteAfter, c.Source = false, now.Text, noteOf(now, day), sourceOf(now)
	}
	return c
}

func (d *Desk) correctChat(ctx context.Context, r Recall, c RecallChat, current []*bot.Correction) error {
	to := d.pusher(c.To.Channel)
	surface, ok := bot.Surface{}, false
	if to != nil {
		surface, ok = to.Reach(c.To)
	}
	if !ok {
		return d.concluded(ctx, r.ID, c.name(), ChatCannot, reasonHere)
	}
	var list []bot.Correction
	for _, i := range c.Passages {
		if i < len(current) && current[i] != nil {
			list = append(list, *current[i])
		}
	}
	if len(list) == 0 {
		return d.concluded(ctx, r.ID, c.name(), ChatCannot, reasonMoot)
	}
	_, over, err := to.Push(ctx, pushID(r, c), c.To, bot.WriteCorrections(surface, list))
	switch {
	case errors.Is(err, bot.ErrCannot):
		return d.concluded(ctx, r.ID, c.name(), ChatCannot, reasonHere)
	case err != nil:
		return err
	case over: // said, and whoever said it could not note so
		return d.concluded(ctx, r.ID, c.name(), ChatSent, "")
	case d.o.Now().Sub(r.Decided) > recallTried:
		return d.concluded(ctx, r.ID, c.name(), ChatFailed, reasonLate)
	}
	return nil
}

func (d *Desk) pusher(channel string) bot.Pusher {
	if d.o.Pusher == nil {
		return nil
	}
	return d.o.Pusher(channel)
}

// concluded keeps what became of a chat's correction; what was kept first stays.
func (d *Desk) concluded(ctx context.Context, recall, chat string, s ChatState, reason string) error {
	data, err := json.Marshal(outcome{s, reason, d.o.Now().UTC()})
	if err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	err = d.store.Put(ctx, recallOutcomes+recall, chat, data, 0, d.recallKeep())
	if errors.Is(err, bot.ErrStale) {
		return nil
	}
	return err
}

const (
	// concludeTries and concludeEvery are for how long it is tried to keep an outcome:
	// later TendRecalls finds it out.
	concludeTries = 10
	concludeEvery = 500 * time.Millisecond
)

// Pushed takes what became of a push, whoever it was for. It does not wait.
func (d *Desk) Pushed(o bot.Outcome) {
	id, chat, ok := strings.Cut(strings.TrimPrefix(o.ID, pushRecall), ":")
	if !ok || !strings.HasPrefix(o.ID, pushRecall) {
		if o.Err != nil {
			d.o.Log.Warn("somebody who was to be told was not", slog.Any("error", o.Err))
		}
		return
	}
	state, reason := ChatSent, ""
	switch {
	case errors.Is(o.Err, bot.ErrCannot):
		state, reason = ChatCannot, reasonThere
	case o.Err != nil:
		state, reason = ChatFailed, reasonError
	}
	d.work.Go(func() {
		for range concludeTries {
			if d.concluded(context.WithoutCancel(d.ctx), id, chat, state, reason) == nil {
				return
			}
			select {
			case <-d.ctx.Done():
				return
			case <-time.After(concludeEvery):
			}
		}
	})
}
