package aibot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"aeobot/bot"
	"aeobot/bot/wecom/cards"
)

// Answerer is the engine as this channel needs it.
type Answerer interface {
	Answer(ctx context.Context, m bot.Message) (bot.Reply, error)
	// Welcome is what a person reads who opens the chat, or only mentions the bot.
	Welcome(ctx context.Context) string
	// Press does what a card's button says.
	Press(ctx context.Context, p bot.Press) (bot.Pressed, error)
	// FeedbackID names an answer to those who rate it, and Rate keeps what they think.
	FeedbackID(id string, r bot.Reply) string
	Rate(ctx context.Context, id, channel string, reader bot.Asker, r bot.Rating, reasons []int, comment string)
}

// Wording is what the asker reads when there is no text to answer. It may not be
// blank: a stream that ends without visible text goes on showing its animation.
type Wording struct {
	Media     string // a picture, a file, a video; default: bot.TextMedia
	Unheard   string // a voice message without a transcript; default: bot.TextUnheard
	Unknown   string // a kind of message the platform added since; default: bot.TextUnknown
	Expired   string // a stream that nobody remembers; default: bot.TextExpired
	Searching string // an answer that takes long; default: bot.TextSearching
	Busy      string // too much came at once; default: bot.TextBusy
	Again     string // above an answer that may have arrived before; default: bot.TextAgain
}

// responder gives what the asker reads in return for a message, whichever way the
// message came.
type responder struct {
	engine  Answerer
	names   *botNames
	cards   bool
	wording Wording
	log     *slog.Logger
}

func newResponder(a Answerer, name string, cards bool, w Wording, log *slog.Logger) responder {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	w.Media = cmp.Or(w.Media, bot.TextMedia)
	w.Unheard = cmp.Or(w.Unheard, bot.TextUnheard)
	w.Unknown = cmp.Or(w.Unknown, bot.TextUnknown)
	w.Expired = cmp.Or(w.Expired, bot.TextExpired)
	w.Searching = cmp.Or(w.Searching, bot.TextSearching)
	w.Busy = cmp.Or(w.Busy, bot.TextBusy)
	w.Again = cmp.Or(w.Again, bot.TextAgain)
	return responder{a, &botNames{own: name, log: log}, cards, w, log}
}

// spoken is what the asker reads, with the card under it (nil: none).
type spoken struct {
	text     string
	card     json.RawMessage
	feedback string // names the answer to those who rate it; empty: it cannot be rated
	// replayed tells that the answer was made before, so that it may have arrived.
	replayed bool
	// quiet asks to say nothing; text is for where something has to be said, since the
	// asker was told that an answer is being looked for.
	quiet bool
}

// answer gives what the asker reads in return for a message.
func (r *responder) answer(ctx context.Context, in incoming) (spoken, error) {
	switch {
	case slices.Contains([]string{"image", "file", "video"}, in.MsgType):
		return spoken{text: r.wording.Media}, nil
	case !written[in.MsgType]:
		r.log.Warn("message of unknown kind", slog.Bool("words", in.Words != "")) // the kind's name is foreign text
		if in.Words == "" {
			return spoken{text: r.wording.Unknown}, nil
		}
	}
	m, wordless := r.question(ctx, in)
	switch {
	case m.Text != "", m.Quote != "":
		return r.ask(ctx, m, streamID(in.MsgID))
	case len(in.lost) > 0:
		return spoken{text: r.wording.Unknown}, nil
	case in.MsgType == "voice":
		return spoken{text: r.wording.Unheard}, nil
	case wordless:
		return spoken{text: r.wording.Media}, nil
	default:
		return spoken{text: r.engine.Welcome(ctx)}, nil
	}
}

// written are the kinds of messages that hold what somebody says; of all but mixed, the
// asker's own words.
var written = map[string]bool{"text": true, "voice": true, "mixed": true}

// question makes a bot.Message of what was said. What others wrote stays the quotation,
// which the engine asks when nothing else was said. A message of pictures and words may be
// a record of what others said, and one of a kind that is not known as well. When there is no question, wordless says whether a picture
// or a file came instead.
func (r *responder) question(ctx context.Context, in incoming) (m bot.Message, wordless bool) {
	text := r.names.text(ctx, in)
	quote := strings.TrimSpace(in.Quote.words())
	wordless = in.MsgType == "mixed" || in.Quote != nil && quote == ""
	if text == "" {
		quote = bot.WithoutMentions(quote, r.names.known(ctx, in.AIBotID)...) // a colleague's question to the bot
	}
	return bot.Message{
		ID: messageID(in), Chat: chat(in), Asker: bot.Asker(in.From.UserID),
		Text: text, Relayed: in.MsgType == "mixed" || !written[in.MsgType], Quote: quote, Surface: Surface,
	}, wordless
}

// messageID names a message or an event among all channels'.
func messageID(in incoming) string { return "aibot:" + in.AIBotID + ":" + in.MsgID }

// ask puts the question to the engine. Its failure is said to the asker, except
// when another attempt at the same message is running.
func (r *responder) ask(ctx context.Context, m bot.Message, id string) (spoken, error) {
	reply, err := r.engine.Answer(ctx, m)
	if errors.Is(err, bot.ErrElsewhere) {
		return spoken{}, err // the attempt that runs will say it
	}
	if err != nil {
		r.log.Error("no answer", slog.Any("asker", m.Asker), slog.Any("error", err))
		return spoken{text: bot.Apology(err)}, nil
	}
	return r.speak(id, reply), nil
}

// speak is a reply as this channel says it. id names the answer and its card.
func (r *responder) speak(id string, reply bot.Reply) spoken {
	if reply.Quiet() {
		return spoken{text: bot.TextWait, quiet: true}
	}
	s := spoken{text: r.fits(reply.Text), replayed: reply.Replayed}
	if reply.Answered {
		s.feedback = r.engine.FeedbackID(id, reply)
	}
	// An answer that is whole can be rated by the platform's own means, and forwarded by
	// typing; a card under each would only be in the way.
	if c, ok := reply.Card(); ok && r.cards && (reply.Remaining > 0 || len(reply.Suggestions) > 0 || reply.Wish != "" || len(reply.Next) > 0) {
		s.card = cards.ForAIBot(c, id)
	}
	return s
}

// fits keeps to what the platform takes.
func (r *responder) fits(text string) string {
	if len(text) > MaxContentBytes {
		r.log.Error("reply cut", slog.Int("bytes", len(text)), slog.Int("max_bytes", MaxContentBytes))
	}
	return clip(text, MaxContentBytes)
}

// press does what a button says: the card in its place, or nil, and what is to be said,
// or nothing.
func (r *responder) press(ctx context.Context, in incoming) (*cardUpdate, spoken, error) {
	answer, _, _ := strings.Cut(in.Event.Card.TaskID, ".")
	p, err := r.engine.Press(ctx, bot.Press{ID: messageID(in), Chat: chat(in), Asker: bot.Asker(in.From.UserID),
		Key: in.Event.Card.EventKey, Answer: answer, Surface: Surface})
	if errors.Is(err, bot.ErrKey) {
		r.log.Warn("button unknown; is it of another version or program?")
		return nil, spoken{}, nil
	}
	if err != nil {
		r.log.Error("button not answered", slog.Any("error", err))
		return nil, spoken{text: bot.Apology(err)}, nil
	}
	var update *cardUpdate
	if len(p.Card.Buttons) > 0 {
		update = &cardUpdate{ResponseType: "update_template_card", Card: cards.ForAIBot(p.Card, in.Event.Card.TaskID)}
		if len(p.Reply.Pages) == 0 {
			update.Users = []string{in.From.UserID} // an opinion is the reader's own
		}
	}
	if len(p.Reply.Pages) == 0 {
		return update, spoken{}, nil
	}
	said := r.speak(streamID(in.MsgID), p.Reply)
	said.card = nil // it has taken the other's place
	return update, said, nil
}

// rate keeps what a reader thinks of an answer.
func (r *responder) rate(ctx context.Context, in incoming) {
	f := in.Event.Feedback
	rating := bot.Rating(f.Type)
	if f.ID == "" || rating != bot.Useful && rating != bot.Useless && rating != bot.Withdrawn {
		r.log.Warn("feedback not understood")
		return
	}
	r.engine.Rate(ctx, f.ID, Surface.Name, bot.Asker(in.From.UserID), rating, f.Reasons, f.Content)
}

// chat keeps the talks of different bots in one group apart.
func chat(in incoming) string {
	if in.ChatID == "" {
		return ""
	}
	return in.AIBotID + "/" + in.ChatID
}
