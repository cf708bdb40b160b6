package aibot

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"aeobot/bot"
	"aeobot/bot/wecom/envelope"
)

// Options of a Callback. The zero value works.
type Options struct {
	// Name is the bot's display name. It tells where a mention of the bot ends when the name
	// has blanks, or none follows it.
	//
	// default: a name ends at the first blank
	Name string
	// Names keeps what else the bot is called, which is learnt from people who mention it.
	//
	// default: it is learnt anew by each process
	Names bot.Shelf
	// Cards puts buttons under answers.
	Cards bool
	// MaxSkew is how far a callback's timestamp may be off.
	//
	// default: no check
	MaxSkew time.Duration
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log names what failed, never a person or a text.
	//
	// default: discard
	Log *slog.Logger
	// Count is told the outcome of each callback (envelope.Outcome…, Outcome…).
	//
	// default: nobody
	Count func(outcome string)
	// Refused as in ConnectionOptions, of late answers.
	//
	// default: nobody
	Refused func(code int, done string)
	// Wording is in the askers' language.
	//
	// default: each sentence has its own
	Wording Wording
	// Journal keeps answers that take long, through a crash and for every replica.
	//
	// default: such an answer is lost with the process
	Journal bot.Journal
	// Late posts answers that the platform does not poll for any more.
	//
	// default: nobody; a button's answer then has to be asked for by typing
	Late Late
	// Patience is how long an answer may take before the asker is told that it is being
	// looked for.
	//
	// default: 3 seconds, of the 5 that the platform waits: a little longer than the engine
	// waits for a store that is away
	Patience time.Duration
	// PollLife is how long the platform polls for an answer that takes long.
	//
	// default: 5 minutes 30 seconds; the platform ends it after 6 minutes
	PollLife time.Duration
}

// Late posts an answer to a message's response_url; see api.Late.
type Late interface {
	Post(ctx context.Context, responseURL string, body any, text string) error
}

// remembered bounds the finished streams whose text can be given once more; at
// most 20 MB. The platform polls a stream for six minutes.
const remembered = 1000

// Callback answers messages and events that come over HTTP.
type Callback struct {
	responder
	o        Options
	receiver *envelope.Receiver
	streams  *lru.Cache[string, spoken] // by stream id
	backlog  *backlog
}

// NewCallback makes the handler for /wecom/aibot.
func NewCallback(a Answerer, c *envelope.Codec, o Options) *Callback {
	streams, err := lru.New[string, spoken](remembered)
	if err != nil {
		panic(err) // only for a size below 1
	}
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	if o.PollLife == 0 {
		o.PollLife = 5*time.Minute + 30*time.Second
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	if o.Refused == nil {
		o.Refused = func(int, string) {}
	}
	b := &Callback{responder: newResponder(a, o.Name, o.Cards, o.Wording, o.Log), o: o, streams: streams}
	b.names.shelf = o.Names
	b.backlog = newBacklog(b)
	b.receiver = &envelope.Receiver{Codec: c, MaxSkew: o.MaxSkew, Now: o.Now, Log: b.log, Count: o.Count,
		Unwrap: unwrap, Handle: b.handle, Wrap: wrap}
	return b
}

// ClockOff is by how much the platform's time and ours are apart, when that is too much.
func (b *Callback) ClockOff() time.Duration { return b.receiver.ClockOff() }

// ServeHTTP answers one request of the platform.
func (b *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) { b.receiver.ServeHTTP(w, r) }

// Run sends late what a replica promised that is gone, until ctx ends.
func (b *Callback) Run(ctx context.Context) { b.backlog.run(ctx) }

// Close leaves what is not made yet to others. No request may come any more.
func (b *Callback) Close() { b.backlog.close() }

// handle gives the plaintext reply to a plaintext callback; nil is an empty body.
func (b *Callback) handle(ctx context.Context, data []byte) ([]byte, error) {
	in, err := parse(data)
	if err != nil {
		// Signed by the platform, yet not understood: another delivery would be the
		// same, so it is accepted, and logged for us.
		b.o.Count(OutcomeUnreadable)
		b.log.Error("callback ignored", slog.Any("error", err), slog.Any("fields", keysOf(data)))
		return nil, nil
	}
	noteLost(in, b.log, b.o.Count)
	switch in.MsgType {
	case "event":
		return b.event(ctx, in)
	case "stream":
		return b.refresh(ctx, in)
	}
	return b.message(ctx, in, data)
}

// message answers at once when it can, else says that it is being looked for.
func (b *Callback) message(ctx context.Context, in incoming, data []byte) ([]byte, error) {
	id := streamID(in.MsgID)
	answer, err := b.backlog.begin(in)
	if err != nil {
		return nil, err
	}
	patience := time.NewTimer(b.o.Patience)
	defer patience.Stop()
	select {
	case <-answer.made:
		if answer.err != nil {
			return nil, answer.err // 500: the next delivery gets the reply of the attempt that runs
		}
		answer.collect()
		if answer.said.quiet {
			return nil, nil
		}
		b.streams.Add(id, answer.said)
		if answer.said.replayed {
			b.backlog.done(id) // another replica may have promised it
		}
		return encode(finished(id, answer.said, true))
	case <-patience.C:
	case <-ctx.Done():
	}
	b.backlog.promise(ctx, id, data)
	return encode(unfinished(id, b.wording.Searching))
}

// refresh answers the platform's poll for a stream.
func (b *Callback) refresh(ctx context.Context, in incoming) ([]byte, error) {
	id := in.Stream.ID
	if said, ok := b.streams.Get(id); ok {
		return encode(finished(id, said, false))
	}
	said, state := b.backlog.poll(ctx, id)
	switch state {
	case pollMade:
		b.streams.Add(id, said)
		return encode(finished(id, said, false))
	case pollRunning:
		return encode(unfinished(id, b.wording.Searching))
	}
	return encode(finished(id, spoken{text: b.wording.Expired}, false))
}

// event welcomes who opens the chat, does what a button says, and keeps opinions. Other
// events take no reply.
func (b *Callback) event(ctx context.Context, in incoming) ([]byte, error) {
	switch in.Event.EventType {
	case eventEnter:
		return plain(b.engine.Welcome(ctx))
	case eventFeedback:
		b.rate(ctx, in)
	case eventCard:
		update, said, err := b.press(ctx, in)
		if err != nil {
			return nil, err
		}
		if said.text != "" {
			b.backlog.sayLate(ctx, in, said)
		}
		if update != nil {
			return encode(update)
		}
	}
	return nil, nil
}
