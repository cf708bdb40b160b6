package bot

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"aeobot/index"
	"aeobot/knowledge"
)

// maxRunes bounds a message that is read; the platform allows far more.
const maxRunes = 2000

// turn is one message being answered.
type turn struct {
	ctx     context.Context
	index   *index.Generation
	library *knowledge.Library
	message Message
	before  Session
	after   Session
	away    bool // the memory cannot be read
	alone   bool // nothing is remembered: a reply may offer no follow-up
	forget  bool

	now time.Time
	// today is the day in China; day the one that the answer is for, and dayAsked
	// tells that the message names it.
	today, day string
	dayAsked   bool
	// text is the message without the day it names and without what people write
	// around a question.
	text string
	// asked is the question that the message asks, when it asks one.
	asked string
	// quoting tells that an answer was quoted along, or that a button under it was
	// pressed; quote is that answer, as far as it was recognised.
	quoting bool
	quote   View
	// lead is said before anything that is referred to.
	lead string

	searcher   Searcher
	searcherOf func(*index.Generation) Searcher
	editionsOf Editions
	editions   map[string]Edition // by day; see edition
	failed     error              // why no edition could be found
	until      time.Time          // when there has been enough searching; zero: never
	again      bool               // it was tried again after that

	unanswered interface {
		Miss(ctx context.Context, m Miss) error
	}
	wishes   Wishes
	handover Handover
	desk     Desk
	log      *slog.Logger
}

// handlers say what each kind of message gets.
var handlers = map[IntentKind]func(*turn, Intent) (Reply, error){
	IntentAsk:      (*turn).ask,
	IntentMore:     (*turn).more,
	IntentOthers:   (*turn).others,
	IntentPrevious: (*turn).previous,
	IntentReturn:   (*turn).back,
	IntentItem:     (*turn).item,
	IntentThis:     (*turn).this,
	IntentThese:    (*turn).these,
	IntentNarrow:   (*turn).narrow,
	IntentCorrect:  (*turn).correct,
	IntentWrong:    (*turn).wrong,
	IntentForward:  (*turn).forward,
	IntentYes:      (*turn).yes,
	IntentWish:     (*turn).wish,
	IntentAmount:   (*turn).amount,
	IntentFraction: (*turn).fraction,
	IntentPerson:   (*turn).person,
	IntentMarkup:   (*turn).markup,
	IntentIdle:     phrase(ActHelp, textIdle, textIdle),
	IntentOrigin:   (*turn).origin,
	IntentCount:    (*turn).count,
	IntentRanking:  (*turn).ranking,
	IntentRude:     phrase(ActHelp, textRude, textRude),
	IntentGreet:    phrase(ActGreet, textGreet, textGreet),
	IntentThanks:   phrase(ActThanks, textThanks, textThanks),
	IntentHelp: func(t *turn, in Intent) (Reply, error) {
		if t.outside() {
			return phrase(ActHelp, textOutsideHelp, textAloneHelp)(t, in)
		}
		return phrase(ActHelp, TextHelp, textAloneHelp)(t, in)
	},
	IntentCommand: phrase(ActHelp, textNoCommand, textAloneCommand),
	IntentEmpty:   phrase(ActHelp, textEmpty, textEmpty),
	IntentClear: func(t *turn, _ Intent) (Reply, error) {
		t.forget = true
		return t.say(ActCommand, textCleared), nil
	},
}

// phrase says the same each time, alone where nothing is remembered, and leaves what was
// talked of as it is.
func phrase(act, text, alone string) func(*turn, Intent) (Reply, error) {
	return func(t *turn, _ Intent) (Reply, error) {
		t.after.Wanted = t.before.Wanted
		if t.alone {
			return t.say(act, alone), nil
		}
		return t.say(act, text), nil
	}
}

func (t *turn) respond() (Reply, error) {
	if utf8.RuneCountInString(t.message.Text) > maxRunes {
		return t.say(ActClarify, textLong), nil
	}
	t.clean()
	if t.desk != nil && !t.message.Relayed {
		if text, next, ours := t.desk.Command(t.ctx, t.index, t.message); ours {
			r := t.say(ActCommand, text)
			r.Next = next
			return r, nil
		}
	}
	dayOnly, impossible := t.open()
	if impossible != "" {
		return t.say(ActClarify, fmt.Sprintf(textNoDay, impossible)), nil
	}
	t.quotedOn()
	if _, referred := t.current(); dayOnly && (referred || !t.readsAlone()) {
		return t.asOf()
	}
	t.on(t.day)
	intent := t.read()
	if t.message.Relayed && orders(t.text, intent) {
		return t.say(ActHelp, textRelayed), nil
	}
	if t.message.Quote != "" && len(t.quote.Shown) == 0 && asksOfQuote(intent) {
		return t.askQuoted()
	}
	if intent.Kind == IntentAsk || intent.Kind == IntentNarrow {
		t.asked = t.text
	}
	return handlers[intent.Kind](t, intent)
}

// clean parts what the asker wrote from what is quoted in it and from the names called.
func (t *turn) clean() {
	if t.message.Quote == "" {
		t.message.Quote, t.message.Text = cutQuote(t.message.Text)
	}
	t.message.Text = WithoutMentions(t.message.Text)
}

// open reads the day and the quotation of a message. It reports whether there is nothing
// beside the day; impossible is a day that no calendar has.
func (t *turn) open() (dayOnly bool, impossible string) {
	t.day = t.message.Day
	if t.day == "" {
		t.day = t.today
	}
	day, text, dated, impossible := readDay(t.message.Text, t.now.In(china))
	if dated {
		t.day, t.dayAsked = day, true
	}
	switch {
	case t.message.View != "":
		t.quote = t.readQuotation(t.library)
		t.quoting = !t.latest(t.quote)
	case t.message.Quote != "":
		t.quote, t.quoting = t.readQuotation(t.library), true
	}
	t.text = text
	return dated && text == "", impossible
}

// refersBack reports whether the message means something only after what was said before.
func (t *turn) refersBack() bool {
	if utf8.RuneCountInString(t.message.Text) > maxRunes {
		return false
	}
	if t.clean(); strings.HasPrefix(strings.TrimSpace(t.message.Text), "/") {
		return false
	}
	switch dayOnly, impossible := t.open(); {
	case t.quoting || impossible != "":
		return false // what is quoted says what is meant
	case dayOnly || ReadIntent(t.text).Kind == IntentWish:
		return true
	}
	switch intent := t.read(); intent.Kind {
	case IntentAsk, IntentOrigin, IntentAmount, IntentFraction, IntentPerson, IntentIdle, IntentRude, IntentMarkup,
		IntentGreet, IntentThanks, IntentHelp, IntentClear, IntentCommand, IntentEmpty:
		return false
	case IntentItem:
		return intent.Within == "" || answerBefore.MatchString(intent.Within)
	}
	return true
}

// latest tells that v is what the asker saw last, so that pressing a button under it
// is the same as typing.
func (t *turn) latest(v View) bool {
	n := len(t.before.Views)
	return n > 0 && slices.Equal(t.before.Views[n-1].Shown, v.Shown) && slices.Equal(t.before.Views[n-1].Pending, v.Pending)
}

// read tells what the message wants, with what people write around it and, when
// that says nothing, without. It keeps in t.text what is to be asked.
func (t *turn) read() Intent {
	intent := ReadIntent(t.text)
	switch intent.Kind {
	case IntentAsk, IntentNarrow, IntentThis, IntentReturn, IntentItem:
		if plain := withoutNoise(t.text); plain != t.text {
			t.text = plain
			intent = ReadIntent(plain)
		}
	}
	if intent.Kind == IntentEmpty && t.message.Quote != "" {
		return Intent{Kind: IntentThese}
	}
	return intent
}

// asksOfQuote tells that a message says nothing by itself, so that what it quotes
// is the question: somebody quotes a colleague's question and calls the bot.
func asksOfQuote(in Intent) bool {
	return slices.Contains([]IntentKind{IntentThis, IntentThese, IntentYes}, in.Kind) && in.About == ""
}

// askQuoted answers the question that is quoted, of a message that says nothing by itself.
// What is no question gets no more than that: somebody else wrote it.
func (t *turn) askQuoted() (Reply, error) {
	if utf8.RuneCountInString(t.message.Quote) > maxRunes {
		return t.say(ActClarify, textLong), nil
	}
	day, text, dated, impossible := readDay(withoutNoise(t.message.Quote), t.now.In(china))
	if impossible != "" {
		return t.say(ActClarify, fmt.Sprintf(textNoDay, impossible)), nil
	}
	if dated && !t.dayAsked {
		t.on(day)
		t.dayAsked = true
	}
	switch intent := ReadIntent(text); {
	case orders(text, intent):
		return t.say(ActHelp, textRelayed), nil
	case slices.Contains([]IntentKind{IntentGreet, IntentThanks, IntentHelp, IntentIdle, IntentRude, IntentMarkup, IntentEmpty}, intent.Kind):
		return t.say(ActClarify, textQuoteUnknown), nil
	}
	t.asked = text
	return t.askText(text)
}

// orders reports whether a text wants something done rather than answered: only what the
// asker wrote may.
func orders(text string, in Intent) bool {
	return strings.HasPrefix(text, "/") || strings.HasPrefix(text, "／") || slices.Contains([]IntentKind{IntentCommand, IntentClear, IntentPerson, IntentWish, IntentYes}, in.Kind)
}

// fingerprint names the state of the knowledge.
func (t *turn) fingerprint() string {
	return t.library.Fingerprint[:min(len(t.library.Fingerprint), fingerprintLen)]
}

// say is a reply that quotes nothing.
func (t *turn) say(act, text string, suggestions ...string) Reply {
	w := &writer{}
	for line := range strings.SplitSeq(text, "\n") {
		w.line(line)
	}
	pages := w.pages(t.message.Surface.MaxBytes)
	return Reply{Act: act, Text: joinPages(pages), Pages: pages, Parts: []Part{}, Shown: []Shown{}, Suggestions: orEmpty(suggestions)}
}
