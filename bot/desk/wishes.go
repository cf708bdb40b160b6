package desk

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"aeobot/bot"
	"aeobot/index"
)

const wishes = "wishes"

// Reaches tells whether somebody can be told an answer that comes later. Customers of an
// account can be spoken to for two days only: too short for a promise.
func (d *Desk) Reaches(to bot.Address) bool {
	p := d.pusher(to.Channel)
	if p == nil || to.Account != "" || to.Asker == "" {
		return false
	}
	_, ok := p.Reach(to)
	return ok
}

// Wish keeps that somebody wants to know the answer to a question; see bot.Wishes. A person
// has one wish for a question.
func (d *Desk) Wish(ctx context.Context, w bot.Wish) error {
	data, err := json.Marshal(w)
	if err != nil {
		return fmt.Errorf("desk: wish: %w", err)
	}
	name, err := d.o.Name(ctx, w.Key())
	if err != nil {
		return err
	}
	err = d.store.Put(ctx, wishes, name, data, 0, d.o.Keep)
	if err != nil && !errors.Is(err, bot.ErrStale) {
		return err
	}
	d.grants.wake() // a replica that lags behind may have refused what is answered by now
	return nil
}

// grants is what Grant has tried.
type grants struct {
	mu   sync.Mutex
	due  bool
	of   string          // the knowledge that was tried
	vain map[string]bool // questions that it has no answer to
}

func (g *grants) wake() {
	g.mu.Lock()
	g.due = true
	g.mu.Unlock()
}

// begin tells whether there is something to try, and gives what was tried in vain.
func (g *grants) begin(of string) (vain map[string]bool, due bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of != of {
		g.of, g.vain, g.due = of, map[string]bool{}, true
	}
	due, g.due = g.due, false
	return g.vain, due
}

// kept is a wish and what it was read from.
type kept struct {
	bot.Wish
	item bot.Item
}

// LookAgain has the next Grant look although nothing new is known here: another process
// may have called a question solved.
func (d *Desk) LookAgain() { d.grants.wake() }

// Grant tells those who wanted to know what the knowledge in force answers now: each once,
// whichever replica does it, and then the wish is forgotten. It is called often, by one at
// a time, and looks when there is something new: other knowledge, a wish, a question that
// was called solved.
func (d *Desk) Grant(ctx context.Context, g *index.Generation) error {
	vain, due := d.grants.begin(g.Library().Fingerprint)
	if !due {
		return nil
	}
	err := d.grant(ctx, g, vain)
	if err != nil {
		d.grants.wake()
	}
	return err
}

func (d *Desk) grant(ctx context.Context, g *index.Generation, vain map[string]bool) error {
	all, err := d.wishes(ctx)
	if err != nil || len(all) == 0 || d.o.Compose == nil {
		return err
	}
	rows, err := d.rowsNow(ctx, g)
	if err != nil {
		return err
	}
	questions := map[string][]string{} // by key: what to ask, the asker's own words first
	for _, r := range rows {
		for _, w := range r.Ways {
			questions[w.Key] = []string{w.Question}
			if r.Mark.State == Solved && w.Question != r.Question {
				questions[w.Key] = append(questions[w.Key], r.Question)
			}
		}
	}
	// Those of a group are granted by one answer, under the name of the first.
	groups := map[string][]kept{}
	for _, w := range all {
		key := w.To.Place().Key() + ":" + w.Question
		groups[key] = append(groups[key], w)
	}
	for key, group := range groups {
		if err := d.grantGroup(ctx, key, group, questions[group[0].Question], vain); err != nil {
			return err
		}
	}
	return nil
}

// wishes are all that are kept, the oldest first.
func (d *Desk) wishes(ctx context.Context) ([]kept, error) {
	items, err := d.store.Items(ctx, wishes)
	if err != nil {
		return nil, err
	}
	var all []kept
	for _, i := range items {
		k := kept{item: i}
		if err := json.Unmarshal(i.Data, &k.Wish); err != nil {
			d.o.Log.Warn("wish not readable", slog.Any("error", err))
			continue
		}
		all = append(all, k)
	}
	slices.SortFunc(all, func(x, y kept) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.item.ID, y.item.ID)) })
	return all, nil
}

// grantGroup tells one person or group the answer to one question, if there is one.
func (d *Desk) grantGroup(ctx context.Context, key string, group []kept, questions []string, vain map[string]bool) error {
	first := group[0]
	to := first.To.Place()
	p := d.pusher(to.Channel)
	if p == nil {
		return nil // the channel is not open here, at the moment
	}
	surface, ok := p.Reach(first.To)
	if !ok {
		return nil
	}
	reply, err := d.answerOf(ctx, questions, first.To, surface, vain)
	if err != nil || !reply.Answered {
		return err
	}
	id := "wish:" + first.ID
	if first.ID == "" { // of an earlier release
		id = fmt.Sprintf("wish:%s:%d", key, first.At.UnixMilli())
	}
	if _, _, err := p.Push(ctx, id, to, reply.Pages); err != nil && !errors.Is(err, bot.ErrCannot) {
		return err
	} else if err != nil {
		d.o.Log.Warn("a wish cannot be granted", slog.Any("error", err))
	}
	// The latest first: as long as there is one, the first of them names the push.
	for _, k := range slices.Backward(group) {
		if err := d.store.Put(ctx, wishes, k.item.ID, nil, k.item.Version, 0); err != nil && !errors.Is(err, bot.ErrStale) {
			return err
		}
	}
	return nil
}

// answerOf is the first whole answer that there is to one of the questions.
func (d *Desk) answerOf(ctx context.Context, questions []string, to bot.Address, s bot.Surface, vain map[string]bool) (bot.Reply, error) {
	for _, q := range questions {
		if vain[q] {
			continue
		}
		r, err := d.o.Compose(ctx, q, fmt.Sprintf(bot.TextGranted, shorten(questions[0], 60)), to, s)
		if err != nil {
			return bot.Reply{}, err
		}
		if r.Answered && !slices.ContainsFunc(r.Parts, func(p bot.Part) bool { return !p.Answered }) {
			return r, nil
		}
		vain[q] = true
	}
	return bot.Reply{}, nil
}

// Forget removes what is kept of a person apart from conversations: what they want to know,
// and what they were shown one-to-one. It gives how many things that were.
func (d *Desk) Forget(ctx context.Context, person bot.Asker) (int, error) {
	all, err := d.wishes(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, k := range all {
		if !k.To.Is(person) {
			continue
		}
		if err := d.store.Put(ctx, wishes, k.item.ID, nil, k.item.Version, 0); err != nil && !errors.Is(err, bot.ErrStale) {
			return n, err
		}
		n++
	}
	m, err := d.forgetRecalls(ctx, person)
	if n += m; err != nil || d.o.Given == nil {
		return n, err
	}
	m, err = d.o.Given.Remove(ctx, func(g bot.Given) bool { return g.To.Is(person) })
	return n + m, err
}

// forgetOutcomes removes what became of corrections.
func (d *Desk) forgetOutcomes(ctx context.Context, recall string, chats []string) error {
	for _, chat := range chats {
		i, err := d.store.Get(ctx, recallOutcomes+recall, chat)
		if err == nil && i.Version > 0 {
			err = d.store.Put(ctx, recallOutcomes+recall, chat, nil, i.Version, 0)
		}
		if err != nil && !errors.Is(err, bot.ErrStale) {
			return err
		}
	}
	return nil
}

// forgetTries bounds how often a recall is read again that changes meanwhile.
const forgetTries = 5

// forgetRecalls takes a person out of the recalls.
func (d *Desk) forgetRecalls(ctx context.Context, person bot.Asker) (int, error) {
	items, err := d.store.Items(ctx, recalls)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, i := range items {
		for range forgetTries {
			r, err := readRecall(i)
			if err != nil {
				return n, err
			}
			before := len(r.Chats)
			var theirs []string
			r.Chats = slices.DeleteFunc(r.Chats, func(c RecallChat) bool {
				if c.To.Is(person) {
					theirs = append(theirs, c.name())
				}
				return c.To.Is(person)
			})
			if len(theirs) == 0 {
				break
			}
			err = d.saveRecall(ctx, &r)
			if err == nil {
				n += before - len(r.Chats)
				if err := d.forgetOutcomes(ctx, r.ID, theirs); err != nil {
					return n, err
				}
				break
			}
			if !errors.Is(err, bot.ErrStale) {
				return n, err
			}
			if i, err = d.store.Get(ctx, recalls, i.ID); err != nil || i.Version == 0 {
				return n, err
			}
		}
	}
	return n, nil
}
