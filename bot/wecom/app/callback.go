package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/cards"
	"aeobot/bot/wecom/envelope"
)

// Answerer answers what people write. It is *bot.Engine.
type Answerer interface {
	// Answer gives the reply to one message, the same one to the same message id.
	// Its pages fit the message's surface.
	Answer(ctx context.Context, m bot.Message) (bot.Reply, error)
	// Welcome is what a person reads who opens the application; empty: nothing.
	Welcome(ctx context.Context) string
	// Press does what a card's button says.
	Press(ctx context.Context, p bot.Press) (bot.Pressed, error)
}

// Outcomes given to Options.Count, besides those of envelope.Receiver. They are a
// closed set, fit for a metric's label.
const (
	OutcomeAnswered     = "answered"      // a question got its reply
	OutcomeApology      = "apology"       // a question got an apology
	OutcomeWelcome      = "welcome"       // an event got the welcome text
	OutcomeUnsupported  = "unsupported"   // a picture or the like got a sentence
	OutcomeIgnored      = "ignored"       // an event that needs no reply
	OutcomeQuiet        = "quiet"         // one of too many questions got no reply
	OutcomeUnreadable   = "unreadable"    // authentic, but not a message we can read
	OutcomePartly       = "partly_read"   // a field was not what it should be, the rest was read
	OutcomeForeign      = "foreign"       // authentic, but for another corp or application
	OutcomePassedOn     = "passed_on"     // an event of customer service
	OutcomeNoService    = "no_service"    // the same, where customer service is not configured
	OutcomePushSent     = "push_sent"     // a further page was sent
	OutcomePushFailed   = "push_failed"   // a further page was refused; the rest was not sent
	OutcomePushPutOff   = "push_put_off"  // a further page waits in the journal
	OutcomePushRefused  = "push_refused"  // too many replies in hand, or shutting down
	OutcomePushRepeated = "push_repeated" // a redelivery, whose pages are already in hand
)

// maxPages is how many messages one reply may take when there is a Sender. Five of
// the 30 a minute one member may get, beyond which the platform drops silently
// (90236).
const maxPages = 5

// Wording is what the asker reads where no question can be answered.
type Wording struct {
	// Unheard answers a voice message that came without its words.
	//
	// default: bot.TextUnheard
	Unheard string
	// Media answers a picture, video,
	// file, location or link.
	//
	// default: bot.TextMedia
	Media string
	// Unknown answers a type of message unknown to us.
	//
	// default: bot.TextUnknown
	Unknown string
}

// Options of a Callback. CorpID is needed.
type Options struct {
	// CorpID is whom messages must be for.
	CorpID string
	// AgentID is the application messages must be for, in decimal.
	//
	// default: any
	AgentID string
	// Markdown sends replies as Markdown messages instead of texts in the callback's
	// response. Only the platform's own client shows them.
	Markdown bool
	// Cards sends a card with buttons after an answer.
	Cards bool
	// Journal keeps what is still to be sent, through a crash.
	//
	// default: it is lost with the process
	Journal bot.Journal
	// Greeted keeps whom the application has greeted today.
	//
	// default: everybody is greeted whenever they come in
	Greeted bot.Shelf
	// CustomerService is given customer service's events: since December 2023 its API is
	// called through an application, whose callback they then come to.
	//
	// default: they are ignored, with a warning
	CustomerService func(ctx context.Context, event []byte) error
	// MaxSkew is how far a callback's timestamp may be off.
	//
	// default: 0, not checked
	MaxSkew time.Duration
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log gets no word of what people write.
	//
	// default: discard
	Log *slog.Logger
	// Count is told how each callback and each page ended.
	//
	// default: nobody
	Count func(outcome string)
	// Pushed is told what became of each Push. It may not wait for long.
	//
	// default: nobody
	Pushed func(bot.Outcome)
	// Wording is what the asker reads where no question can be answered.
	Wording Wording
	// Apology is what the asker reads when Answer failed.
	//
	// default: bot.Apology
	Apology func(error) string
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	if o.Wording.Unheard == "" {
		o.Wording.Unheard = bot.TextUnheard
	}
	if o.Wording.Media == "" {
		o.Wording.Media = bot.TextMedia
	}
	if o.Wording.Unknown == "" {
		o.Wording.Unknown = bot.TextUnknown
	}
	if o.Apology == nil {
		o.Apology = bot.Apology
	}
	return o
}

// Callback answers the application's callbacks: the URL check and the messages.
//
// What is authentic gets 200, even when nothing can be made of it: on any other
// status the platform delivers it again, three times in all.
type Callback struct {
	answerer Answerer
	o        Options
	surface  bot.Surface
	receiver *envelope.Receiver
	pushes   *pushes // nil: without an API secret a reply is one message
}

// NewCallback makes the handler for one application. Without a Sender a reply has
// one page and the rest stays behind 更多.
func NewCallback(a Answerer, codec *envelope.Codec, s *Sender, o Options) *Callback {
	o = o.withDefaults()
	c := &Callback{answerer: a, o: o, surface: bot.Surface{Name: "app", MaxBytes: MaxBytes, MaxPages: 1}}
	if s != nil {
		c.surface.MaxPages, c.surface.Markdown = maxPages, o.Markdown
		c.pushes = newPushes(s, o.Journal, "app:"+o.CorpID+":"+o.AgentID, o.Log, o.Count)
		c.pushes.pushed = o.Pushed
	}
	c.receiver = &envelope.Receiver{Codec: codec, MaxSkew: o.MaxSkew, Now: o.Now, Log: o.Log,
		Unwrap: envelope.UnwrapXML, Handle: c.handle, Wrap: envelope.WrapXML, Count: o.Count}
	return c
}

// restKey is the context key of what is sent after the response.
type restKey struct{}

// ClockOff is by how much the platform's time and ours are apart, when that is too much.
func (c *Callback) ClockOff() time.Duration { return c.receiver.ClockOff() }

// ServeHTTP answers one request of the platform. Further pages are sent only after
// the response with the first one was written.
func (c *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var rest push
	c.receiver.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), restKey{}, &rest)))
	if len(rest.Items) > 0 {
		c.pushes.start(rest, c.pushes.headStart)
	}
}

// Run sends what was left undone by a replica that is gone, until ctx ends.
func (c *Callback) Run(ctx context.Context) {
	if c.pushes != nil {
		c.pushes.run(ctx)
	}
}

// Close takes no further pages into hand and waits until those in hand are sent,
// at most until ctx ends.
func (c *Callback) Close(ctx context.Context) error {
	if c.pushes == nil {
		return nil
	}
	return c.pushes.close(ctx)
}

// handle answers one decrypted message; nil is an empty 200.
func (c *Callback) handle(ctx context.Context, plaintext []byte) ([]byte, error) {
	in, err := readIncoming(plaintext)
	if err != nil {
		c.ignore(OutcomeUnreadable, err, slog.Any("fields", envelope.Names(plaintext)))
		return nil, nil
	}
	if len(in.lost) > 0 {
		c.o.Log.Warn("some fields of a message were not understood", slog.Any("fields", in.lost))
		c.o.Count(OutcomePartly)
	}
	if in.customerService() {
		return nil, c.passOn(ctx, plaintext)
	}
	if err := in.addressed(c.o.CorpID, c.o.AgentID); err != nil {
		c.ignore(OutcomeForeign, err)
		return nil, nil
	}
	text, outcome, err := c.reply(ctx, in)
	if err != nil {
		return nil, err
	}
	c.o.Count(outcome)
	if text == "" {
		return nil, nil
	}
	at := in.created // the message's own time, so that a redelivery gets the same bytes
	if at.IsZero() {
		at = c.o.Now()
	}
	return writeReply(in.from, c.o.CorpID, text, at)
}

// errNoService means that nobody is there to take customer service's events.
var errNoService = errors.New("customer service's event; set wecom.kf.corp_id and wecom.kf.secret to have customers answered")

// passOn hands an event on to customer service.
func (c *Callback) passOn(ctx context.Context, event []byte) error {
	if c.o.CustomerService == nil {
		c.ignore(OutcomeNoService, errNoService)
		return nil
	}
	c.o.Count(OutcomePassedOn)
	return c.o.CustomerService(ctx, event)
}

// ignore is for what a wrong setting causes as well: an operator has to see it.
func (c *Callback) ignore(outcome string, err error, attrs ...any) {
	c.o.Log.Warn("callback ignored", append(attrs, slog.Any("error", err))...)
	c.o.Count(outcome)
}

// reply is the text for a message and how it ended; "" for no reply. An error asks
// the platform to deliver again.
func (c *Callback) reply(ctx context.Context, in incoming) (text, outcome string, err error) {
	switch in.kind {
	case "text":
		if slices.Contains(in.lost, "Content") {
			return c.o.Wording.Unknown, OutcomeUnsupported, nil
		}
		return c.answer(ctx, in, in.content)
	case "voice":
		if in.recognition != "" {
			return c.answer(ctx, in, in.recognition)
		}
		return c.o.Wording.Unheard, OutcomeUnsupported, nil
	case "image", "video", "file", "location", "link":
		return c.o.Wording.Media, OutcomeUnsupported, nil
	case "event":
		return c.event(ctx, in)
	}
	return c.o.Wording.Unknown, OutcomeUnsupported, nil
}

// event greets whoever opens the application or may use it from now on (which needs no
// record: delivered again it gives the same text), answers a menu entry, whose key is
// what it asks, and does what a card's button says.
func (c *Callback) event(ctx context.Context, in incoming) (text, outcome string, err error) {
	switch in.event {
	case "enter_agent", "subscribe":
		if c.greeted(ctx, in) {
			return "", OutcomeIgnored, nil
		}
		return c.answerer.Welcome(ctx), OutcomeWelcome, nil
	case "click":
		if in.eventKey != "" {
			return c.answer(ctx, in, in.eventKey)
		}
	case "template_card_event":
		return c.press(ctx, in)
	}
	return "", OutcomeIgnored, nil
}

const (
	// greetings are kept by person and day: the platform says so each time somebody opens
	// the application.
	greetings    = "app-greetings"
	greetingKept = 25 * time.Hour
)

// greeted reports whether somebody was greeted before on that day, for another event than
// this one, which may come twice. Who cannot be known is greeted.
func (c *Callback) greeted(ctx context.Context, in incoming) bool {
	if c.o.Greeted == nil {
		return false
	}
	day := c.o.Now().In(china).Format(time.DateOnly)
	sum := sha256.Sum256([]byte(day + "\x00" + bot.FoldPerson(string(in.from))))
	id, event := hex.EncodeToString(sum[:16]), strconv.FormatInt(in.created.Unix(), 10)+in.event
	err := c.o.Greeted.Put(ctx, greetings, id, []byte(event), 0, greetingKept)
	if !errors.Is(err, bot.ErrStale) {
		return false
	}
	before, err := c.o.Greeted.Get(ctx, greetings, id)
	return err == nil && string(before.Data) != event
}

var china = time.FixedZone("Asia/Shanghai", 8*60*60)

// press does what a card's button says. Both the card's change and what is to be said
// are sent: the response has no room for them.
func (c *Callback) press(ctx context.Context, in incoming) (text, outcome string, err error) {
	if c.pushes == nil {
		return "", OutcomeIgnored, nil
	}
	m := c.message(in, "")
	var p bot.Pressed
	err = safely(func() (err error) {
		p, err = c.answerer.Press(ctx, bot.Press{ID: m.ID, Asker: m.Asker, Key: in.eventKey, Answer: in.taskID, Surface: c.surface})
		return err
	})
	switch {
	case errors.Is(err, bot.ErrElsewhere):
		return "", "", err
	case errors.Is(err, bot.ErrKey):
		c.o.Log.Warn("button unknown; is it of another version or program?")
		return "", OutcomeIgnored, nil
	case err != nil:
		c.o.Log.Error("button not answered", slog.Any("asker", m.Asker), slog.Any("error", err))
		c.sendLater(ctx, m, []item{{Kind: itemText, Text: c.o.Apology(err)}})
		return "", OutcomeApology, nil
	}
	var items []item
	if len(p.Card.Buttons) > 0 && in.code != "" {
		items = append(items, item{Kind: itemUpdate, Code: in.code, Card: cards.ForApp(p.Card, in.taskID)})
	}
	c.sendLater(ctx, m, append(items, c.items(p.Reply.Pages)...))
	return "", OutcomeAnswered, nil
}

// items are pages as they are sent.
func (c *Callback) items(pages []string) []item {
	var items []item
	kind := itemText
	if c.surface.Markdown {
		kind = itemMarkdown
	}
	for _, page := range pages {
		items = append(items, item{Kind: kind, Text: page})
	}
	return items
}

// sendLater takes what is to be sent after the response into hand.
func (c *Callback) sendLater(ctx context.Context, m bot.Message, items []item) {
	rest, ok := ctx.Value(restKey{}).(*push)
	if !ok || c.pushes == nil || len(items) == 0 {
		return
	}
	job := push{id: m.ID, To: m.Asker, Items: items}
	if c.pushes.promise(ctx, &job) {
		*rest = job
	}
}

// message is what was said, as the engine takes it.
func (c *Callback) message(in incoming, text string) bot.Message {
	return bot.Message{ID: c.messageID(in), Asker: bot.Asker(in.from), Text: text, Surface: c.surface}
}

// answer gives the reply's first page and leaves the others, and the card, to be sent.
func (c *Callback) answer(ctx context.Context, in incoming, text string) (page, outcome string, err error) {
	m := c.message(in, text)
	reply, err := c.answerSafely(ctx, m)
	if errors.Is(err, bot.ErrElsewhere) {
		return "", "", err // the next delivery gets the reply of the attempt that runs
	}
	if err != nil {
		c.o.Log.Error("question not answered", slog.Any("asker", m.Asker), slog.Any("error", err))
		return c.o.Apology(err), OutcomeApology, nil
	}
	if reply.Quiet() {
		return "", OutcomeQuiet, nil
	}
	items := c.items(reply.Pages)
	if card, ok := reply.Card(); ok && c.o.Cards {
		items = append(items, item{Kind: itemCard, Card: cards.ForApp(card, taskID(m.ID))})
	}
	if !c.surface.Markdown {
		page, items = reply.Pages[0], items[1:]
	}
	c.sendLater(ctx, m, items)
	return page, OutcomeAnswered, nil
}

// taskID names a card by the message it belongs to; it may have letters and digits, and
// is used once.
func taskID(messageID string) string {
	sum := sha256.Sum256([]byte("card\x00" + messageID))
	return hex.EncodeToString(sum[:16])
}

// messageID names a message among all channels' messages: MsgId is unique within
// one application only.
func (c *Callback) messageID(in incoming) string {
	agent := c.o.AgentID
	if agent == "" {
		agent = in.agentID
	}
	id := in.id
	if in.kind == "event" { // events have no id; these tell them apart (90240), and are not to be found out from a store
		id = c.receiver.Codec.Name(fmt.Sprintf("%s/%d/%s/%s/%s", in.from, in.created.Unix(), in.event, in.eventKey, in.taskID))
	}
	return fmt.Sprintf("app:%s:%s:%s", in.to, agent, id)
}

// errPanic stands for a panic while answering, whose value may quote the question.
var errPanic = errors.New("app: panic while answering")

// errNoPage is for a reply the Answerer left empty.
var errNoPage = errors.New("app: reply without a page")

func (c *Callback) answerSafely(ctx context.Context, m bot.Message) (reply bot.Reply, err error) {
	err = safely(func() (err error) {
		reply, err = c.answerer.Answer(ctx, m)
		return err
	})
	if err == nil && len(reply.Pages) == 0 && !reply.Quiet() {
		err = errNoPage
	}
	return reply, err
}

func safely(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%T)", errPanic, p)
		}
	}()
	return do()
}
