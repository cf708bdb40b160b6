package aibot

import (
	"context"
	"log/slog"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Bounds of what comes over the long connection, all of which may come at once.
const (
	// maxInHand is how many messages and events are in hand at once: being noted, answered
	// or delivered. Each costs some 40 kB. It is less than maxPromised, with room for what
	// was promised on a connection before.
	maxInHand = 512
	// maxBusy is how many more may wait to be told to ask again, of which busyAtOnce are
	// told at a time.
	maxBusy    = 20_000
	busyAtOnce = 8
)

// busy are the messages that there was no room for. Whoever asked is told so, once.
type busy struct {
	waiting []*promise
	tellers int
	// refused are the ids of messages that were told so, or will be: another delivery of
	// one must not be answered.
	refused *lru.Cache[string, struct{}]
}

func newBusy() *busy {
	refused, err := lru.New[string, struct{}](maxBusy)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return &busy{refused: refused}
}

// admit takes a message or an event in hand. It gives false when there is no room, or when
// that message has been taken in hand or refused before.
func (s *session) admit(p *promise) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := p.taskID()
	if _, again := s.inHand[id]; again || s.busy.refused.Contains(id) {
		s.o.Count(OutcomeRepeated)
		return false
	}
	if len(s.inHand) < maxInHand || s.draining { // which leaves it to others
		s.inHand[id] = struct{}{}
		return true
	}
	s.o.Count(OutcomeBusy)
	s.busy.refused.Add(id, struct{}{})
	if p.in.MsgType == "event" && p.in.Event.EventType != eventCard || len(s.busy.waiting) >= maxBusy {
		s.log.Warn("too much came at once; dropped", slog.String("type", p.in.MsgType))
		return false
	}
	s.busy.waiting = append(s.busy.waiting, p)
	if s.busy.tellers < busyAtOnce {
		s.busy.tellers++
		s.answers.Go(s.tellBusy)
	}
	return false
}

// release makes room for another message.
func (s *session) release(p *promise) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.inHand, p.taskID())
}

// tellBusy tells who waits, until nobody does.
func (s *session) tellBusy() {
	for {
		s.mu.Lock()
		if len(s.busy.waiting) == 0 {
			s.busy.tellers--
			s.busy.waiting = nil // the room of many is given back
			s.mu.Unlock()
			return
		}
		p := s.busy.waiting[0]
		s.busy.waiting = s.busy.waiting[1:]
		s.mu.Unlock()
		s.refuse(s.open, p)
	}
}

// refuse tells one asker to ask again. When the connection has ended, or is another
// replica's, the message is left to be answered.
func (s *session) refuse(ctx context.Context, p *promise) {
	if now := time.Now(); s.limits.free(p.chatID(), now).After(now) {
		s.log.Warn("not told that too much came at once: too many messages to that conversation")
		s.o.Count(OutcomeGivenUp) // the platform takes no more there
		return
	}
	s.limits.reserve(p.chatID(), time.Now())
	p.busy, p.said = true, &spoken{text: s.wording.Busy}
	if outcome := s.say(ctx, p); outcome != "" {
		s.o.Count(outcome)
		return
	}
	p.busy, p.said, p.doubt = false, nil, false
	s.busy.refused.Remove(p.taskID())
	s.leave(ctx, p)
}
