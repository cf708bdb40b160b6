package aibot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"aeobot/bot"
)

// session is a Connection while it is open.
type session struct {
	*Connection
	*link
	end     context.CancelCauseFunc
	order   *bot.Lanes
	answers sync.WaitGroup

	mu       sync.Mutex
	draining bool
}

// Error codes of the platform that mean something to us (page 101463 and the
// official SDK).
const (
	codeRefused      = 853000 // wrong bot id or secret
	codeBadRequestID = 846605 // of an event, too old, or of another connection
	codeStreamTooOld = 846608
	codeRateLimited  = 45009
)

// subscribe logs in. Ready means that the answer has no error, not that the socket
// is open.
func (s *session) subscribe(ctx context.Context) error {
	body := map[string]string{"bot_id": s.o.BotID, "secret": s.o.Secret}
	answer, err := s.call(ctx, cmdSubscribe, newRequestID(cmdSubscribe), body, 2*s.o.Times.Ack)
	switch {
	case err != nil && context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case answer.ErrCode == codeRefused:
		return errRefused
	case answer.ErrCode != 0:
		return codeError(cmdSubscribe, answer.ErrCode)
	}
	return nil
}

// heartbeat notices a connection that is dead without having been closed.
func (s *session) heartbeat(ctx context.Context) {
	missed := 0
	for {
		sleep(ctx, s.o.Times.Heartbeat)
		if ctx.Err() != nil {
			return
		}
		if _, err := s.call(ctx, cmdPing, newRequestID(cmdPing), nil, s.o.Times.Ack); err == nil {
			missed = 0
			continue
		}
		if missed++; missed == 2 {
			s.end(errSilent)
			return
		}
	}
}

// renew keeps the lease, and ends the session when another replica has it.
func (s *session) renew(ctx context.Context) {
	for {
		sleep(ctx, s.o.Times.Lease/3)
		if ctx.Err() != nil {
			return
		}
		if !s.own(ctx) {
			s.end(errNotOwner)
			return
		}
	}
}

// handle takes a command of the platform. It must not wait: the answers to our own
// frames come the same way.
func (s *session) handle(ctx context.Context, f frame) {
	switch f.Command {
	case cmdMessage, cmdEvent:
	default:
		s.o.Count(OutcomeUnreadable)
		s.log.Warn("frame not understood")
		return
	}
	in, err := parse(f.Body)
	if err != nil {
		s.o.Count(OutcomeUnreadable)
		s.log.Error("frame ignored", slog.Any("error", err))
		return
	}
	if f.Command == cmdEvent && in.Event.EventType == "disconnected_event" {
		s.end(errDisplaced)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return // said to nobody: the next connection gets what the platform sends again
	}
	turn := s.order.Queue(chat(in) + "\x00" + in.From.UserID)
	s.answers.Go(func() {
		defer turn.Leave()
		if turn.Wait(context.WithoutCancel(ctx)) != nil {
			return // it has no end, and so no error
		}
		if f.Command == cmdEvent {
			s.event(ctx, f.Headers.RequestID, in)
		} else {
			s.message(ctx, f.Headers.RequestID, in)
		}
	})
}

// answerWithin bounds making one answer.
const answerWithin = 10 * time.Second

func (s *session) message(ctx context.Context, requestID string, in incoming) {
	s.o.Count(OutcomeMessage)
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	if !s.mayAnswer(work) {
		s.end(errNotOwner)
		return
	}
	said, err := s.answer(work, in)
	if err != nil {
		s.log.Warn("the message is answered by another replica", slog.Any("error", err))
		return
	}
	if len(said) > MaxContentBytes {
		s.log.Error("reply cut", slog.Int("bytes", len(said)), slog.Int("max_bytes", MaxContentBytes))
		said = clip(said, MaxContentBytes)
	}
	p := &promise{requestID: requestID, streamID: streamID(in.MsgID), chatID: in.ChatID, group: in.ChatType == "group", text: said, made: time.Now()}
	if p.chatID == "" {
		p.chatID = in.From.UserID
	}
	s.promised.add(p)
	s.deliver(ctx, p)
}

// event welcomes who opens the chat. Other events take no reply (a stream reply to
// one fails with 846605).
func (s *session) event(ctx context.Context, requestID string, in incoming) {
	s.o.Count(OutcomeEvent)
	if in.Event.EventType != "enter_chat" || !s.mayAnswer(ctx) {
		return
	}
	body := map[string]any{"msgtype": "text", "text": text{s.engine.Welcome(ctx)}}
	if answer, err := s.call(ctx, cmdWelcome, requestID, body, s.o.Times.Ack); err != nil || answer.ErrCode != 0 {
		s.log.Warn("welcome not taken", slog.Any("error", err), slog.Int("errcode", answer.ErrCode))
	}
}

// stopTaking ends the taking of messages.
func (s *session) stopTaking() {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
}

// drain waits for the answers in hand.
func (s *session) drain(within time.Duration) {
	done := make(chan struct{})
	go func() {
		s.answers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(within):
		s.log.Warn("stopped before all answers were taken", slog.Int("open", s.promised.count()))
	}
}

// deliverPromised delivers what the connection before could not.
func (s *session) deliverPromised(ctx context.Context) {
	for _, p := range s.promised.all() {
		s.deliver(ctx, p)
	}
}

// tries bounds how often one answer is sent on one connection.
const tries = 3

// deliver sends an answer until the platform has taken it. What a lost connection
// leaves open stays promised for the next one. The same stream id with the same
// content does no harm when it arrives twice.
func (s *session) deliver(ctx context.Context, p *promise) {
	if err := s.limits.wait(ctx, p.chatID); err != nil {
		return
	}
	for range tries {
		if ctx.Err() != nil || !s.mayAnswer(ctx) {
			return
		}
		answer, err := s.call(ctx, cmdRespond, p.requestID, p.stream(), s.o.Times.Ack)
		switch {
		case errors.Is(err, errNoAck):
			continue
		case err != nil:
			return
		case answer.ErrCode == 0:
			s.settle(p, OutcomeDelivered)
			return
		case answer.ErrCode == codeBadRequestID || answer.ErrCode == codeStreamTooOld:
			s.push(ctx, p)
			return
		case answer.ErrCode == codeRateLimited:
			sleep(ctx, jitter(rateLimitedFor))
		default:
			s.log.Error("answer refused", slog.Int("errcode", answer.ErrCode))
			s.settle(p, OutcomeGivenUp)
			return
		}
	}
}

// rateLimitedFor is how long the platform's limit of messages a minute lasts.
const rateLimitedFor = time.Minute

// push sends an answer as a message of its own, when its reply is not taken any more.
func (s *session) push(ctx context.Context, p *promise) {
	answer, err := s.call(ctx, cmdSend, newRequestID(cmdSend), p.message(), s.o.Times.Ack)
	switch {
	case err != nil:
		// It stays promised: pushed twice is worse than late only when the platform took
		// the first, which without its word nobody knows.
		s.log.Warn("push not acknowledged", slog.Any("error", err))
	case answer.ErrCode == 0:
		s.settle(p, OutcomePushed)
	default:
		s.log.Error("push refused", slog.Int("errcode", answer.ErrCode))
		s.settle(p, OutcomeGivenUp)
	}
}

func (s *session) settle(p *promise, outcome string) {
	s.promised.remove(p)
	s.o.Count(outcome)
}

// codeError is an error code of the platform. Its text is left out: it carries the
// caller's address.
func codeError(command string, code int) error {
	return fmt.Errorf("aibot: %s: errcode %d", command, code)
}
