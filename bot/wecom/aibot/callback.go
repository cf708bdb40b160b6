package aibot

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"aeobot/bot/wecom/envelope"
)

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
	responder
	streams *lru.Cache[string, string] // stream id → text
}

// NewCallback is the handler for /wecom/aibot.
func NewCallback(a Answerer, c *envelope.Codec, o Options) http.Handler {
	streams, err := lru.New[string, string](remembered)
	if err != nil {
		panic(err) // only for a size below 1
	}
	b := &callback{newResponder(a, o.Name, o.Wording, o.Log), streams}
	return &envelope.Receiver{Codec: c, MaxSkew: o.MaxSkew, Now: o.Now, Log: b.log, Count: o.Count,
		Unwrap: unwrap, Handle: b.handle, Wrap: wrap}
}

// handle gives the plaintext reply to a plaintext callback; nil is an empty body.
func (b *callback) handle(ctx context.Context, data []byte) ([]byte, error) {
	in, err := parse(data)
	if err != nil {
		// Signed by the platform, yet not understood: another delivery would be the
		// same, so it is accepted, and logged for us.
		b.log.Error("callback ignored", slog.Any("error", err))
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
	return stream(in.Stream.ID, b.wording.Expired)
}

// finish says everything at once and remembers it for a refresh.
func (b *callback) finish(id, said string) ([]byte, error) {
	if len(said) > MaxContentBytes {
		b.log.Error("reply cut", slog.Int("bytes", len(said)), slog.Int("max_bytes", MaxContentBytes))
		said = clip(said, MaxContentBytes)
	}
	b.streams.Add(id, said)
	return stream(id, said)
}
