package aibot

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"aeobot/bot"
	"aeobot/bot/wecom/envelope"
)

// Answerer is the engine as this channel needs it.
type Answerer interface {
	Answer(ctx context.Context, m bot.Message) (bot.Reply, error)
	// Welcome is what a person reads who opens the chat, or only mentions the bot.
	Welcome(ctx context.Context) string
}

// Wording is what the asker reads when there is no text to answer. It may not be
// blank: a stream that ends without visible text goes on showing its animation.
type Wording struct {
	Media   string // a picture, a file, a video; default: bot.TextMedia
	Unknown string // a kind of message the platform added since; default: bot.TextUnknown
	Expired string // a stream that nobody remembers; default: bot.TextExpired
}

// Options of a callback. The zero value works.
type Options struct {
	// Name is the bot's display name, taken off the front of a group message.
	//
	// default: one leading @word is taken off in groups
	Name string
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
	// Count is told the outcome of each callback (envelope.Outcome…).
	//
	// default: nobody
	Count func(outcome string)
	// Wording is in the askers' language.
	//
	// default: each sentence has its own
	Wording Wording
}

// remembered bounds the finished streams whose text can be given once more; at
// most 20 MB. The platform polls a stream for six minutes.
const remembered = 1000

// callback answers messages and events.
type callback struct {
	engine  Answerer
	o       Options
	streams *lru.Cache[string, string] // stream id → text
}

// NewCallback is the handler for /wecom/aibot.
func NewCallback(a Answerer, c *envelope.Codec, o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Wording.Media = cmp.Or(o.Wording.Media, bot.TextMedia)
	o.Wording.Unknown = cmp.Or(o.Wording.Unknown, bot.TextUnknown)
	o.Wording.Expired = cmp.Or(o.Wording.Expired, bot.TextExpired)
	streams, err := lru.New[string, string](remembered)
	if err != nil {
		panic(err) // only for a size below 1
	}
	b := &callback{a, o, streams}
	return &envelope.Receiver{Codec: c, MaxSkew: o.MaxSkew, Now: o.Now, Log: o.Log, Count: o.Count,
		Unwrap: unwrap, Handle: b.handle, Wrap: wrap}
}

// handle gives the plaintext reply to a plaintext callback; nil is an empty body.
func (b *callback) handle(ctx context.Context, data []byte) ([]byte, error) {
	in, err := parse(data)
	if err != nil {
		// Signed by the platform, yet not understood: another delivery would be the
		// same, so it is accepted, and logged for us.
		b.o.Log.Error("callback ignored", slog.Any("error", err))
		return nil, nil
	}
	switch in.MsgType {
	case "event":
		return b.event(ctx, in)
	case "stream":
		return b.refresh(in)
	}
	said, err := b.answer(ctx, in)
	if err != nil {
		return nil, err
	}
	return b.finish(streamID(in.MsgID), said)
}

// event welcomes who opens the chat. Other events take no reply.
func (b *callback) event(ctx context.Context, in incoming) ([]byte, error) {
	if in.Event.EventType == "enter_chat" {
		return plain(b.engine.Welcome(ctx))
	}
	return nil, nil
}

// refresh answers the platform's poll for a stream. Ours are finished at once, so
// it only comes when the first answer was lost on the way.
func (b *callback) refresh(in incoming) ([]byte, error) {
	if text, ok := b.streams.Get(in.Stream.ID); ok {
		return stream(in.Stream.ID, text)
	}
	return stream(in.Stream.ID, b.o.Wording.Expired)
}

// finish says everything at once and remembers it for a refresh.
func (b *callback) finish(id, said string) ([]byte, error) {
	if len(said) > MaxContentBytes {
		b.o.Log.Error("reply cut", slog.Int("bytes", len(said)), slog.Int("max_bytes", MaxContentBytes))
		said = clip(said, MaxContentBytes)
	}
	b.streams.Add(id, said)
	return stream(id, said)
}

// answer gives what the asker reads in return for a message.
func (b *callback) answer(ctx context.Context, in incoming) (string, error) {
	switch in.MsgType {
	case "text", "mixed", "voice":
	case "image", "file", "video":
		return b.o.Wording.Media, nil
	default:
		b.o.Log.Warn("message of unknown kind") // the kind's name is foreign text
		return b.o.Wording.Unknown, nil
	}
	m, wordless := b.question(in)
	switch {
	case m.Text != "":
		return b.ask(ctx, m)
	case wordless:
		return b.o.Wording.Media, nil
	default:
		return b.engine.Welcome(ctx), nil
	}
}

// question makes a bot.Message of what was said. After nothing but a mention the
// quotation is the question. When there is no question, wordless says whether a
// picture or a file came instead.
func (b *callback) question(in incoming) (m bot.Message, wordless bool) {
	group := in.ChatType == "group"
	text := withoutMention(in.words(), b.o.Name, group)
	quote := strings.TrimSpace(in.Quote.words())
	if text == "" {
		text = withoutMention(quote, b.o.Name, group) // a colleague's question to the bot
	}
	return bot.Message{
		ID: "aibot:" + in.AIBotID + ":" + in.MsgID, Chat: chat(in), Asker: bot.Asker(in.From.UserID),
		Text: text, Quote: quote, Surface: Surface,
	}, in.MsgType == "mixed" || in.Quote != nil && quote == ""
}

// ask puts the question to the engine. Its failure is said to the asker, except
// when another attempt at the same message is running.
func (b *callback) ask(ctx context.Context, m bot.Message) (string, error) {
	reply, err := b.engine.Answer(ctx, m)
	if errors.Is(err, bot.ErrElsewhere) {
		return "", err // 500: the next delivery gets the reply of the attempt that runs
	}
	if err != nil {
		b.o.Log.Error("no answer", slog.Any("asker", m.Asker), slog.Any("error", err))
		return bot.Apology(err), nil
	}
	return reply.Text, nil
}

// chat keeps the talks of different bots in one group apart.
func chat(in incoming) string {
	if in.ChatID == "" {
		return ""
	}
	return in.AIBotID + "/" + in.ChatID
}
