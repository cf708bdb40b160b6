package aibot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"aeobot/bot"
)

// Reach tells that over callbacks nobody can be spoken to first; see bot.Pusher. A
// response_url takes one answer to a question, within the hour.
func (b *Callback) Reach(bot.Address) (bot.Surface, bool) { return Surface, false }

// Push fails: see Reach.
func (b *Callback) Push(context.Context, string, bot.Address, []string) (fresh, over bool, err error) {
	return false, false, bot.ErrCannot
}

// pushed is what the journal keeps of a push.
type pushed struct {
	To   bot.Address `json:"to"`
	Text string      `json:"t"`
	// Begun tells that it was handed to a connection, so that it may have arrived.
	Begun bool `json:"b,omitempty"`
	// Refused is how often the platform refused it with a code after which it is tried again.
	Refused int `json:"n,omitempty"`
}

const (
	// pushKeep is how long a push is tried, and for how long its id is known.
	pushKeep = 72 * time.Hour
	// pushEvery is how often the replica that has the connection looks for pushes, and
	// pushAtOnce how many it takes.
	pushEvery  = time.Second
	pushAtOnce = 16
)

func (c *Connection) pushQueue() string { return "aibot-push:" + c.o.BotID }

// chatOf is a conversation as the platform names it; false: it is none.
func chatOf(to bot.Address) (chat string, group, ok bool) {
	if to.Chat == "" {
		return string(to.Asker), false, to.Asker != ""
	}
	// Before the stroke is the bot's id as messages have it, which no page says to be the
	// one that the connection is opened with.
	_, chat, ok = strings.Cut(to.Chat, "/")
	return chat, true, ok
}

// Reach tells that people and groups that have written to this bot can be spoken to first
// (page 101463); see bot.Pusher.
func (c *Connection) Reach(to bot.Address) (bot.Surface, bool) {
	_, _, ok := chatOf(to)
	return Surface, c.o.Journal != nil && to.Channel == Surface.Name && ok
}

// Push leaves something to be said to the replica that has the connection; see bot.Pusher.
func (c *Connection) Push(ctx context.Context, id string, to bot.Address, pages []string) (fresh, over bool, err error) {
	if _, ok := c.Reach(to); !ok {
		return false, false, bot.ErrCannot
	}
	data, err := json.Marshal(pushed{To: to, Text: clip(strings.Join(pages, "\n\n"), MaxContentBytes)})
	if err != nil {
		return false, false, fmt.Errorf("aibot: push: %w", err)
	}
	return bot.EnterPush(ctx, c.o.Journal, bot.Task{Queue: c.pushQueue(), ID: id, Data: data}, c.holder, 0, pushKeep)
}

// pushes says what is left to be said first, until ctx or the connection ends.
func (s *session) pushes(ctx, open context.Context) {
	if s.o.Journal == nil {
		return
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(open, stop)()
	for {
		sleep(ctx, jitter(min(pushEvery, s.o.Times.Lease/3)))
		if ctx.Err() != nil || !s.mayAnswer(ctx) {
			return
		}
		tasks, err := s.o.Journal.Claim(ctx, s.pushQueue(), s.holder, pushAtOnce, s.o.Times.Lease)
		if err != nil {
			s.log.Debug("pushes not looked for", slog.Any("error", err))
		}
		for _, t := range tasks {
			s.push(ctx, open, t)
		}
	}
}

// push says one thing, or puts it off.
func (s *session) push(ctx, open context.Context, t bot.Task) {
	if s.kept.has(t.ID) {
		return
	}
	var p pushed
	err := json.Unmarshal(t.Data, &p)
	chat, group, ok := chatOf(p.To)
	if err != nil || !ok {
		s.log.Error("push not understood", slog.Any("error", err))
		s.pushOver(open, t.ID, bot.ErrCannot)
		return
	}
	if wait := time.Until(s.limits.free(chat, time.Now())); wait > 0 || ctx.Err() != nil {
		s.notePush(ctx, t.ID, p, max(wait, 0)) // answers go first, and other chats meanwhile
		return
	}
	if !s.mayAnswer(ctx) || s.limits.wait(open, chat) != nil {
		return // another takes it when the lease is over
	}
	text, again := p.Text, p.Begun
	if again {
		text = clip(s.wording.Again+"\n\n"+text, MaxContentBytes)
		s.o.Count(OutcomeAgain)
	}
	p.Begun = true
	if !s.notePush(ctx, t.ID, p, s.o.Times.Lease) {
		return
	}
	body := markdownReply{ChatID: chat, ChatType: 1, MsgType: "markdown", Markdown: markdown{Content: text}}
	if group {
		body.ChatType = 2
	}
	code, err := s.send(open, cmdSend, newRequestID(cmdSend), body, 1)
	switch {
	case errors.Is(err, errUnsubscribed):
		p.Begun = again
		s.notePush(open, t.ID, p, 0) // for the next connection
	case err != nil:
		s.log.Warn("push not acknowledged", slog.Any("error", err)) // it is tried again, with the remark
	case code == 0:
		s.o.Count(OutcomePushed)
		s.pushOver(open, t.ID, nil)
	default:
		p.Begun = again
		s.pushRefused(open, t.ID, p, code)
	}
}

// pushRefused puts a push off that the platform refused, or gives it up. There is no other
// way to say it.
func (s *session) pushRefused(ctx context.Context, id string, p pushed, code int) {
	c := classOf(code)
	p.Refused++
	switch {
	case c == classWait:
		s.notePush(ctx, id, p, jitter(s.o.Times.RateLimited))
	case c == classAgain && p.Refused < tries, c == classUnknown && p.Refused == 1:
		s.notePush(ctx, id, p, s.o.Times.Again)
	default:
		s.o.Refused(code, givenUp)
		s.log.Error("push given up: the platform refuses it", slog.Int("errcode", code))
		s.o.Count(OutcomeGivenUp)
		s.pushOver(ctx, id, codeError(cmdSend, code))
	}
}

// notePush keeps a push as ours for a lease; it tells whether it is noted so.
func (s *session) notePush(ctx context.Context, id string, p pushed, lease time.Duration) bool {
	data, err := json.Marshal(p)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
		defer cancel()
		err = s.o.Journal.Note(ctx, s.pushQueue(), id, s.holder, data, lease)
	}
	if err != nil && !errors.Is(err, bot.ErrClaimLost) {
		s.log.Warn("push not noted, and so not made", slog.Any("error", err))
	}
	return err == nil
}

// pushOver ends a push and tells what became of it.
func (s *session) pushOver(ctx context.Context, id string, err error) {
	s.forgetIn(ctx, s.pushQueue(), id)
	if s.o.Pushed != nil {
		s.o.Pushed(bot.Outcome{ID: id, Err: err, At: time.Now()})
	}
}
