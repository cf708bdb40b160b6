package bot

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"
)

// Wish is that somebody whose question had no answer wants to know it once there is one.
type Wish struct {
	// ID names the wish at random, so that what is told does not show to whom.
	ID string `json:"id,omitempty"`
	// Question is its key; see Miss.
	Question string    `json:"q"`
	To       Address   `json:"to"`
	At       time.Time `json:"t"`
}

func newWish(question string, to Address, at time.Time) Wish {
	return Wish{ID: rand.Text(), Question: question, To: to, At: at.UTC()}
}

// Key names a wish: a person has one for a question. It is a plain digest; see Address.Key.
func (w Wish) Key() string { return digest(w.Question + "\x00" + w.To.Key()) }

// Wishes keeps what people want to know. Every method may be called from many goroutines.
type Wishes interface {
	// Reaches tells whether somebody at an address can be told later.
	Reaches(to Address) bool
	// Wish keeps a wish; the same again changes nothing.
	Wish(ctx context.Context, w Wish) error
}

// offerWish says how to be told later, under a refusal that was noted under that key,
// where that is possible.
func (t *turn) offerWish(key string) string {
	if t.wishes == nil || t.away || t.alone || !t.wishes.Reaches(t.message.Address()) {
		return ""
	}
	t.after.Wanted = key
	return textWish
}

// wish keeps that the asker wants to know what was just refused, or says why that cannot be.
func (t *turn) wish(Intent) (Reply, error) {
	switch {
	case t.away:
		return t.nothing(), nil
	case t.wishes == nil || t.alone || !t.wishes.Reaches(t.message.Address()):
		return t.say(ActCommand, textNoWish), nil
	case t.before.Wanted == "":
		return t.say(ActCommand, textNothingWished), nil
	}
	t.after.Wanted = t.before.Wanted
	return t.say(ActCommand, keepWish(t.ctx, t.wishes, newWish(t.before.Wanted, t.message.Address(), t.now), t.log)), nil
}

// keepWish keeps a wish and gives what is said of it.
func keepWish(ctx context.Context, w Wishes, wish Wish, log *slog.Logger) string {
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	if err := w.Wish(ctx, wish); err != nil {
		log.Warn("wish not kept", slog.Any("error", err))
		return textNotWished
	}
	return textWished
}

// pressWish keeps that whoever pressed the button wants to know.
func (e *Engine) pressWish(ctx context.Context, p Press, key string) (Pressed, error) {
	m := Message{Chat: p.Chat, Asker: p.Asker, Surface: p.Surface}
	if e.o.Wishes == nil || len(key) != len(questionKey("")) || !e.o.Wishes.Reaches(m.Address()) {
		return Pressed{}, ErrKey
	}
	t := &turn{message: m}
	return Pressed{Reply: t.say(ActCommand, keepWish(ctx, e.o.Wishes, newWish(key, m.Address(), e.o.Now()), e.o.Log))}, nil
}

// Compose answers a question that was asked before, with a lead above the answer, as the
// knowledge in force does. Nothing is remembered, and nothing noted; since nobody waits, the
// search has no limit.
func (e *Engine) Compose(ctx context.Context, m Message, lead string) (Reply, error) {
	quiet := *e
	quiet.state, quiet.o.SearchWithin = nil, 0
	quiet.o.Unanswered, quiet.o.Wishes, quiet.o.Desk = nil, nil, nil
	m.lead = lead
	r, _, err := quiet.respond(ctx, m, &Session{})
	return r, err
}
