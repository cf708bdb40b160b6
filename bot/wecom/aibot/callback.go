package aibot

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
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

// Wording is what the asker reads when there is no text to answer.
type Wording struct {
	Media   string // a picture, a file, a video
	Unknown string // a kind of message the platform added since
	Expired string // a stream that nobody remembers
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
	Wording Wording
}

// remembered bounds the finished streams whose text can be given once more.
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
		b.o.Log.Error("callback not understood", slog.Any("error", err))
		return nil, nil
	}
	switch in.MsgType {
	case "event":
		return b.event(ctx, in)
	case "stream":
		return b.refresh(in)
	case "text", "mixed", "voice":
		return b.message(ctx, in)
	case "image", "file", "video":
		return stream(streamID(in.MsgID), b.o.Wording.Media)
	}
	b.o.Log.Warn("message of unknown kind")
	return stream(streamID(in.MsgID), b.o.Wording.Unknown)
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

func (b *callback) message(ctx context.Context, in incoming) ([]byte, error) {
	text, err := b.answer(ctx, in)
	if err != nil {
		return nil, err
	}
	id := streamID(in.MsgID)
	b.streams.Add(id, text)
	return stream(id, text)
}

// answer gives what the asker reads.
func (b *callback) answer(ctx context.Context, in incoming) (string, error) {
	quote := ""
	if in.Quote != nil {
		quote = in.Quote.words()
	}
	question := withoutMention(in.words(), b.o.Name, in.ChatType == "group")
	switch {
	case question != "":
	case quote != "":
		question = quote // nothing but a mention: the quotation is what is asked
	case in.MsgType == "mixed":
		return b.o.Wording.Media, nil // a picture and a mention
	default:
		return b.engine.Welcome(ctx), nil
	}
	reply, err := b.engine.Answer(ctx, bot.Message{
		ID: "aibot:" + in.AIBotID + ":" + in.MsgID, Chat: chat(in), Asker: bot.Asker(in.From.UserID),
		Text: question, Quote: quote, Surface: Surface,
	})
	if errors.Is(err, bot.ErrElsewhere) {
		return "", err // 500: the next delivery gets the reply of the attempt that runs
	}
	if err != nil {
		b.o.Log.Error("no answer", slog.Any("error", err))
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
