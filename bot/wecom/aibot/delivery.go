package aibot

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
)

// tries bounds how often one answer is sent in one way.
const tries = 3

// way is how an answer can be said.
type way int

const (
	asStream   way = iota // the reply that finishes the stream
	asMarkdown            // another reply to the same request
	byURL                 // to the message's response_url, which shows the question it belongs to
	asPush                // a message of its own
	noWay
)

// taken is what Count is told when the platform took an answer said in that way.
var taken = map[way]string{asStream: OutcomeDelivered, asMarkdown: OutcomeDelivered, byURL: OutcomeLate, asPush: OutcomePushed}

// deliver sends an answer until the platform has taken it. What a lost connection
// leaves open stays promised for the next one.
func (s *session) deliver(ctx context.Context, p *promise) {
	if p.said.text == "" || p.said.quiet && p.Placed.IsZero() { // a button that only changes its card; a flood
		s.promised.remove(p)
		s.forget(ctx, p.taskID())
		return
	}
	if err := s.limits.wait(ctx, p.chatID()); err != nil {
		return
	}
	if s.since(p.made) > s.o.Times.Lease && !s.note(ctx, p, s.o.Times.Lease) {
		return
	}
	outcome := s.say(ctx, p)
	if outcome == "" {
		return
	}
	s.settle(ctx, p, outcome)
	if outcome == OutcomeDelivered {
		s.offer(ctx, p)
	}
}

// saying is how far the saying of one answer has got.
type saying struct {
	*promise
	way   way
	tried map[way]int
	// bare leaves out what is not needed: it may be what the platform does not take.
	bare bool
}

// say says an answer in the first way that the platform takes. It gives what came of it,
// or "" when the connection ended before.
func (s *session) say(ctx context.Context, p *promise) (outcome string) {
	a := &saying{promise: p, tried: map[way]int{}}
	if s.o.Late == nil || p.in.ResponseURL == "" {
		a.tried[byURL] = 1
	}
	if !p.onRequest() {
		a.way = a.apart()
	}
	for a.way != noWay {
		if a.way == asStream && s.outdated(p) {
			a.way = a.apart()
		}
		if ctx.Err() != nil || !s.mayAnswer(ctx) {
			return ""
		}
		a.tried[a.way]++
		code, err := s.sayBy(ctx, a)
		switch {
		case err == nil && code == 0:
			return taken[a.way]
		case errors.Is(err, errNoAck):
			if p.doubt = true; !a.unanswered() {
				s.end(errSilent)
				return ""
			}
		case err != nil:
			return ""
		default:
			s.refused(ctx, a, code)
		}
	}
	return OutcomeGivenUp
}

// outdated reports whether the placeholder of an answer is so old that what finishes its
// stream would be acknowledged and not shown.
func (s *session) outdated(p *promise) bool {
	return !p.Placed.IsZero() && s.since(p.Placed) > placeholderLife
}

// placeholderLife is how long after a placeholder its stream can be finished: the platform
// ends a stream after 10 minutes, and shows nothing more after 6 silent ones.
const placeholderLife = 5*time.Minute + 30*time.Second

// sayBy says an answer once. It gives the code with which it was refused; errNoAck means
// that it may have arrived.
func (s *session) sayBy(ctx context.Context, a *saying) (code int, err error) {
	said := *a.said
	if a.doubt && a.way != asStream && !a.busy { // the same stream does no harm when it arrives twice
		said.text = clip(s.wording.Again+"\n\n"+said.text, MaxContentBytes)
		s.o.Count(OutcomeAgain)
	}
	if a.bare {
		said.feedback = ""
	}
	said.card = nil // offered apart
	switch a.way {
	case asStream:
		return s.send(ctx, cmdRespond, a.RequestID, finished(streamID(a.in.MsgID), said, a.Placed.IsZero()), a.acks())
	case asMarkdown:
		return s.send(ctx, cmdRespond, a.RequestID, late(said), a.acks())
	case byURL:
		return s.sayLate(ctx, a.in.ResponseURL, said)
	}
	return s.send(ctx, cmdSend, newRequestID(cmdSend), a.message(said), 1)
}

// sayLate posts an answer to its message's response_url.
func (s *session) sayLate(ctx context.Context, responseURL string, said spoken) (code int, err error) {
	err = postLate(ctx, s.o.Late, responseURL, said)
	var refused *api.APIError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &refused):
		s.o.Refused(int(refused.Code), string(classApart))
		s.log.Warn("late answer refused, pushing it", slog.Any("error", err))
		return int(refused.Code), nil
	case errors.Is(err, api.ErrLateURL):
		s.log.Warn("late answer not posted, pushing it", slog.Any("error", err))
		return notPosted, nil
	}
	s.log.Warn("late answer not acknowledged, pushing it", slog.Any("error", err))
	return 0, errNoAck
}

// notPosted stands for a code of the platform where the answer did not leave.
const notPosted = -2

// unanswered goes on after an answer was not acknowledged. It gives false when that cannot
// go on over this connection.
func (a *saying) unanswered() bool {
	switch {
	case (a.way == asStream || a.way == asPush) && a.tried[a.way] < tries: // a second Markdown reply would stand beside the first
	case a.way == asPush:
		return false
	default:
		a.way = a.apart()
	}
	return true
}

// refused goes on by what the table says of a code, waiting if need be.
func (s *session) refused(ctx context.Context, a *saying, code int) {
	c, before := classOf(code), a.way
	again := a.way != byURL && a.tried[a.way] < tries
	switch {
	case c == classAgain && again:
		s.o.Sleep(ctx, s.o.Times.Again<<(a.tried[a.way]-1))
		return
	case c == classWait && !a.busy && (again || a.way == asPush && s.since(a.made) < promisedFor):
		s.o.Sleep(ctx, jitter(s.o.Times.RateLimited))
		return
	case c == classMarkdown && a.tried[asMarkdown] == 0 && a.onRequest():
		a.way, a.bare = asMarkdown, true
	default:
		a.way, a.bare = a.apart(), a.bare || c != classApart
	}
	if a.way == noWay {
		s.o.Refused(code, givenUp)
		s.log.Error("answer given up: the platform refuses it in every way", slog.Int("errcode", code))
		return
	}
	if before != byURL { // which has been logged
		s.log.Warn("answer refused, saying it in another way", slog.Int("errcode", code), slog.String("class", string(c)))
	}
}

// apart is the next way to say an answer that its request does not take.
func (a *saying) apart() way {
	for _, w := range []way{byURL, asPush} {
		if a.tried[w] == 0 {
			return w
		}
	}
	return noWay
}

// send sends a frame and gives the code with which it was refused. That we are not logged
// in any more ends the connection, and is an error like any other loss of it.
func (s *session) send(ctx context.Context, command, requestID string, body any, acks int) (code int, err error) {
	answer, err := s.call(ctx, command, requestID, body, s.o.Times.Ack, acks)
	if err != nil || answer.ErrCode == 0 {
		return 0, err
	}
	c := classOf(answer.ErrCode)
	s.o.Refused(answer.ErrCode, string(c))
	if c == classReconnect {
		s.end(errUnsubscribed)
		return 0, errUnsubscribed
	}
	return answer.ErrCode, nil
}

// offer puts the card under an answer: a reply of its own on the same request, since
// the platform's pages contradict each other on cards within a stream here.
func (s *session) offer(ctx context.Context, p *promise) {
	if p.said.card == nil || s.limits.wait(ctx, p.chatID()) != nil {
		return
	}
	body := map[string]any{"msgtype": "template_card", "template_card": p.said.card}
	if code, err := s.send(ctx, cmdRespond, p.RequestID, body, 1); err != nil || code != 0 {
		s.log.Debug("card not taken", slog.Any("error", err), slog.Int("errcode", code)) // all on it can be typed
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
