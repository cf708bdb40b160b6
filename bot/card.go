package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// Card is what stands under a reply: buttons for what can also be typed.
type Card struct {
	Title   string
	Buttons []Button
}

// Button is one of a card's.
type Button struct {
	Text string
	// Key comes back when it is pressed. It says all that is needed: nothing about a card
	// is remembered.
	Key string
}

// Limits of a card (page 101032).
const (
	maxButtonRunes = 10
	maxKeyBytes    = 1024
	maxChoices     = 4
)

// What a button does: the first word of its key, before the dot.
const (
	pressMore = "more" // and the handle of the answer
	pressPass = "pass"
	pressYes  = "yes"
	pressNo   = "no"
	pressAsk  = "ask"  // and what is asked
	pressWish = "wish" // and the key of the question
	pressDesk = "desk" // and a coordinator's command, done as whoever presses
)

// Card gives the card of a reply, or false when there is nothing to press.
func (r Reply) Card() (Card, bool) {
	if r.View != "" {
		return answerCard(textCardAnswer, r.View, r.Remaining, true), true
	}
	c := Card{Title: textCardNext, Buttons: r.Next}
	if len(r.Next) > 0 {
		return c, true
	}
	for _, s := range r.Suggestions {
		if key := pressAsk + "." + s; len(key) <= maxKeyBytes && len(c.Buttons) < maxChoices {
			c.Buttons = append(c.Buttons, Button{shorten(s, maxButtonRunes), key})
		}
	}
	c.Title = textCardChoices
	if r.Wish != "" {
		if len(c.Buttons) == 0 {
			c.Title = textCardWish
		}
		c.Buttons = append(c.Buttons, Button{textButtonWish, pressWish + "." + r.Wish})
	}
	return c, len(c.Buttons) > 0
}

// CommandButton is a button that says a coordinator's command, as whoever presses it.
func CommandButton(text, command string) Button {
	return Button{shorten(text, maxButtonRunes), pressDesk + "." + command}
}

// answerCard is the card of an answer that can be gone on with.
func answerCard(title, view string, remaining int, rate bool) Card {
	c := Card{Title: title}
	add := func(text, does string) { c.Buttons = append(c.Buttons, Button{text, does + "." + view}) }
	if remaining > 0 {
		add(fmt.Sprintf(textButtonMore, remaining), pressMore)
	}
	add(textButtonPass, pressPass)
	if rate {
		add(textButtonYes, pressYes)
		add(textButtonNo, pressNo)
	}
	return c
}

// Press is a button that somebody pressed.
type Press struct {
	// ID is the platform's id of the event, the same on every redelivery.
	ID      string
	Chat    string
	Asker   Asker
	Key     string
	Answer  string // names the answer the card stands under
	Surface Surface
}

// Pressed is what comes of it.
type Pressed struct {
	// Reply is what is to be said, unless it has no pages: then the card says all.
	Reply Reply
	// Card takes the place of the one that was pressed, unless it has no buttons.
	Card Card
}

// ErrKey means that a key is none of ours.
var ErrKey = errors.New("engine: button unknown")

// Press does what a button says. It fails as Answer does, and with ErrKey.
func (e *Engine) Press(ctx context.Context, p Press) (Pressed, error) {
	does, about, _ := strings.Cut(p.Key, ".")
	m := Message{ID: p.ID, Chat: p.Chat, Asker: p.Asker, Surface: p.Surface}
	switch does {
	case pressYes:
		return e.rate(ctx, p, about, Useful)
	case pressNo:
		return e.rate(ctx, p, about, Useless)
	case pressAsk:
		m.Text, m.Relayed = about, true // words of the knowledge
	case pressWish:
		return e.pressWish(ctx, p, about)
	case pressDesk:
		if e.o.Desk == nil || !strings.HasPrefix(about, "/") {
			return Pressed{}, ErrKey
		}
		m.Text = about
	case pressMore:
		m.Text, m.View = "更多", about
	case pressPass:
		m.Text, m.View = "转发", about
	default:
		return Pressed{}, ErrKey
	}
	r, err := e.Answer(ctx, m)
	if err != nil {
		return Pressed{}, err
	}
	if r.Quiet() || r.Act == ActWait {
		return Pressed{Reply: r}, nil // the card stays as it is
	}
	if does == pressPass && len(r.Shown) > 0 {
		_, remaining := e.shownBy(about)
		return Pressed{r, answerCard(textCardPassed, about, remaining, true)}, nil
	}
	card, _ := r.Card()
	return Pressed{r, card}, nil
}

// rate keeps what a reader thinks of the answer with that handle.
func (e *Engine) rate(ctx context.Context, p Press, view string, r Rating) (Pressed, error) {
	shown, remaining := e.shownBy(view)
	f := NewFeedback(p.Answer, p.Asker, r, e.o.Now())
	f.Channel, f.Shown = p.Surface.Name, shown
	title := textCardRated
	if r == Useless {
		title = textCardUseless
	}
	rated := e.keepFeedback(ctx, f)
	if !rated {
		title = textCardUnrated
	}
	return Pressed{Card: answerCard(title, view, remaining, !rated)}, nil
}

// keepFeedback tells whether the opinion was kept.
func (e *Engine) keepFeedback(ctx context.Context, f Feedback) bool {
	if e.o.Feedback == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, noteTimeout)
	defer cancel()
	if err := e.o.Feedback.Rate(ctx, f); err != nil {
		e.o.Log.Warn("feedback not kept", slog.Any("error", err))
		return false
	}
	return true
}

// shownBy gives what an answer quoted, by its handle, and how much was left.
func (e *Engine) shownBy(handle string) (shown []string, remaining int) {
	g, release, err := e.index.Acquire()
	if err != nil {
		return nil, 0
	}
	defer release()
	v := readHandle(g.Library(), handle)
	return v.Shown, len(v.Pending)
}

// maxFeedbackID is the platform's limit of a feedback id, in bytes (page 101031).
const maxFeedbackID = 256

// FeedbackID names an answer to those who rate it: id and, as far as there is room, what
// was shown.
func (e *Engine) FeedbackID(id string, r Reply) string {
	if r.View == "" {
		return id
	}
	g, release, err := e.index.Acquire()
	if err != nil {
		return id
	}
	defer release()
	short := shortHandle(g.Library(), readHandle(g.Library(), r.View), maxFeedbackID-len(id)-1)
	if short == "" {
		return id
	}
	return id + "." + short
}

// Rate keeps what a reader thinks of the answer with that FeedbackID, from the
// platform's own way to rate.
func (e *Engine) Rate(ctx context.Context, id, channel string, reader Asker, r Rating, reasons []int, comment string) {
	answer, handle, _ := strings.Cut(id, ".")
	f := NewFeedback(answer, reader, r, e.o.Now()).WithComment(comment)
	f.Shown, _ = e.shownBy(handle)
	f.Channel, f.Reasons = channel, reasons
	e.keepFeedback(ctx, f)
}
