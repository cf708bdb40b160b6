package aibot

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"aeobot/bot"
)

// tries bounds how often one answer is sent on one connection.
const tries = 3

// deliver sends an answer until the platform has taken it. What a lost connection
// leaves open stays promised for the next one. The same stream id with the same
// content does no harm when it arrives twice.
func (s *session) deliver(ctx context.Context, p *promise) {
	if p.said.text == "" || p.said.quiet && !p.placed { // a button that only changes its card; a flood
		s.promised.remove(p)
		s.forget(ctx, p.taskID())
		return
	}
	if err := s.limits.wait(ctx, p.chatID()); err != nil {
		return
	}
	if time.Since(p.made) > s.o.Times.Lease && !s.note(ctx, p, s.o.Times.Lease) {
		return
	}
	if p.in.MsgType == "event" {
		s.sayApart(ctx, p)
		return
	}
	body := finished(streamID(p.in.MsgID), spoken{text: p.said.text, feedback: p.said.feedback}, !p.placed)
	for range tries {
		if ctx.Err() != nil || !s.mayAnswer(ctx) {
			return
		}
		answer, err := s.call(ctx, cmdRespond, p.RequestID, body, s.o.Times.Ack)
		switch {
		case errors.Is(err, errNoAck):
			p.doubt = true // it may have arrived, and only its acknowledgement not
			continue
		case err != nil:
			return
		case answer.ErrCode == 0:
			s.settle(ctx, p, OutcomeDelivered)
			s.offer(ctx, p)
			return
		case answer.ErrCode == codeBadRequestID || answer.ErrCode == codeStreamTooOld:
			s.sayApart(ctx, p)
			return
		case answer.ErrCode == codeRateLimited:
			sleep(ctx, jitter(s.o.Times.RateLimited))
		default:
			s.log.Error("answer refused", slog.Int("errcode", answer.ErrCode))
			s.settle(ctx, p, OutcomeGivenUp)
			return
		}
	}
	s.sayApart(ctx, p)
}

// offer puts the card under an answer: a reply of its own on the same request, since
// the platform's pages contradict each other on cards within a stream here.
func (s *session) offer(ctx context.Context, p *promise) {
	if p.said.card == nil || s.limits.wait(ctx, p.chatID()) != nil {
		return
	}
	body := map[string]any{"msgtype": "template_card", "template_card": p.said.card}
	if answer, err := s.call(ctx, cmdRespond, p.RequestID, body, s.o.Times.Ack); err != nil || answer.ErrCode != 0 {
		s.log.Debug("card not taken", slog.Any("error", err), slog.Int("errcode", answer.ErrCode)) // all on it can be typed
	}
}

// sayApart delivers an answer whose reply is not taken any more: late, which shows the
// question it belongs to, else as a message of its own. When it may have arrived before,
// it says so.
func (s *session) sayApart(ctx context.Context, p *promise) {
	said := *p.said
	if p.doubt {
		said.text = clip(s.wording.Again+"\n\n"+said.text, MaxContentBytes)
		s.o.Count(OutcomeAgain)
	}
	if s.o.Late != nil && p.in.ResponseURL != "" {
		err := postLate(ctx, s.o.Late, p.in.ResponseURL, said)
		if err == nil {
			s.settle(ctx, p, OutcomeLate)
			return
		}
		s.log.Warn("late answer not taken, pushing it", slog.Any("error", err))
	}
	if !s.mayAnswer(ctx) {
		return
	}
	answer, err := s.call(ctx, cmdSend, newRequestID(cmdSend), p.message(said), s.o.Times.Ack)
	switch {
	case err != nil:
		p.doubt = true // and it stays promised
		s.log.Warn("push not acknowledged", slog.Any("error", err))
	case answer.ErrCode == 0:
		s.settle(ctx, p, OutcomePushed)
	default:
		s.log.Error("push refused", slog.Int("errcode", answer.ErrCode))
		s.settle(ctx, p, OutcomeGivenUp)
	}
}

// settle ends a promise.
func (s *session) settle(ctx context.Context, p *promise, outcome string) {
	s.promised.remove(p)
	s.forget(ctx, p.taskID())
	s.o.Count(outcome) // last: who sees the count knows that it is noted
}

// Noting that a promise was kept.
const (
	forgetWithin = time.Second
	forgetEvery  = 200 * time.Millisecond
	// forgetFor is how long it is tried while the store is away, after which the next owner
	// may say an answer again.
	forgetFor = 5 * time.Minute
)

// forget notes that a promise was kept.
func (c *Connection) forget(ctx context.Context, taskID string) { c.forgetIn(ctx, c.queue(), taskID) }

// forgetIn notes that a task of a queue is done. While the store is away it goes on trying,
// so that nobody takes up what has been said.
func (c *Connection) forgetIn(ctx context.Context, queue, taskID string) {
	if c.o.Journal == nil {
		return
	}
	if c.done(ctx, queue, taskID) {
		return
	}
	c.log.Warn("promise kept but not noted so; trying on")
	c.kept.add(taskID, queue, func() { c.noting.Go(func() { c.noteKept(context.WithoutCancel(ctx)) }) })
}

// noteKept notes what was kept until all of it is noted, or Run ends.
func (c *Connection) noteKept(ctx context.Context) {
	for {
		select {
		case <-c.over:
			return
		case <-time.After(forgetEvery):
		}
		if c.kept.note(func(queue, taskID string) bool { return c.done(ctx, queue, taskID) }) {
			return
		}
	}
}

// kept are the promises that were kept and are not noted so yet.
type kept struct {
	mu     sync.Mutex
	open   map[string]keptPromise // by task id
	noting bool
}

type keptPromise struct {
	queue string
	since time.Time
}

// add takes one in, and starts the noting unless it goes on already.
func (k *kept) add(taskID, queue string, start func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open == nil {
		k.open = map[string]keptPromise{}
	}
	k.open[taskID] = keptPromise{queue, time.Now()}
	if !k.noting {
		k.noting = true
		start()
	}
}

func (k *kept) has(taskID string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, ok := k.open[taskID]
	return ok
}

// note tries each, until one fails that is not too old; it reports whether there is none
// left.
func (k *kept) note(done func(queue, taskID string) bool) bool {
	k.mu.Lock()
	all := maps.Clone(k.open)
	k.mu.Unlock()
	for taskID, p := range all {
		if !done(p.queue, taskID) && time.Since(p.since) < forgetFor {
			return false
		}
		k.mu.Lock()
		delete(k.open, taskID)
		k.mu.Unlock()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.noting = len(k.open) > 0
	return !k.noting
}

// done tells whether the journal knows that a promise was kept, or that it is another's.
func (c *Connection) done(ctx context.Context, queue, taskID string) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetWithin)
	defer cancel()
	err := c.o.Journal.Done(ctx, queue, taskID, "")
	return err == nil || errors.Is(err, bot.ErrClaimLost)
}
