package aibot

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"

	"aeobot/bot"
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

// responder gives what the asker reads in return for a message, whichever way the
// message came.
type responder struct {
	engine  Answerer
	name    string
	wording Wording
	log     *slog.Logger
}

func newResponder(a Answerer, name string, w Wording, log *slog.Logger) responder {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	w.Media = cmp.Or(w.Media, bot.TextMedia)
	w.Unknown = cmp.Or(w.Unknown, bot.TextUnknown)
	w.Expired = cmp.Or(w.Expired, bot.TextExpired)
	return responder{a, name, w, log}
}

// answer gives what the asker reads in return for a message.
func (r *responder) answer(ctx context.Context, in incoming) (string, error) {
	switch in.MsgType {
	case "text", "mixed", "voice":
	case "image", "file", "video":
		return r.wording.Media, nil
	default:
		r.log.Warn("message of unknown kind") // the kind's name is foreign text
		return r.wording.Unknown, nil
	}
	m, wordless := r.question(in)
	switch {
	case m.Text != "":
		return r.ask(ctx, m)
	case wordless:
		return r.wording.Media, nil
	default:
		return r.engine.Welcome(ctx), nil
	}
}

// question makes a bot.Message of what was said. After nothing but a mention the
// quotation is the question. When there is no question, wordless says whether a
// picture or a file came instead.
func (r *responder) question(in incoming) (m bot.Message, wordless bool) {
	group := in.ChatType == "group"
	text := withoutMention(in.words(), r.name, group)
	quote := strings.TrimSpace(in.Quote.words())
	if text == "" {
		text = withoutMention(quote, r.name, group) // a colleague's question to the bot
	}
	return bot.Message{
		ID: "aibot:" + in.AIBotID + ":" + in.MsgID, Chat: chat(in), Asker: bot.Asker(in.From.UserID),
		Text: text, Quote: quote, Surface: Surface,
	}, in.MsgType == "mixed" || in.Quote != nil && quote == ""
}

// ask puts the question to the engine. Its failure is said to the asker, except
// when another attempt at the same message is running.
func (r *responder) ask(ctx context.Context, m bot.Message) (string, error) {
	reply, err := r.engine.Answer(ctx, m)
	if errors.Is(err, bot.ErrElsewhere) {
		return "", err // 500: the next delivery gets the reply of the attempt that runs
	}
	if err != nil {
		r.log.Error("no answer", slog.Any("asker", m.Asker), slog.Any("error", err))
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
