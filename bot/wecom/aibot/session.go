package aibot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
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

	open context.Context // ends with the session

	mu        sync.Mutex
	displaced bool // the platform said so, maybe after the connection ended for another reason
	draining  bool
	inHand    map[string]struct{} // by task id
}

// subscribe logs in. Ready means that the answer has no error, not that the socket
// is open.
func (s *session) subscribe(ctx context.Context) error {
	body := map[string]string{"bot_id": s.o.BotID, "secret": s.o.Secret}
	answer, err := s.call(ctx, cmdSubscribe, newRequestID(cmdSubscribe), body, 2*s.o.Times.Ack, 1)
	switch {
	case err != nil && context.Cause(ctx) != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case answer.ErrCode == codeRefused:
		return errRefused
	case answer.ErrCode == codeRateLimited:
		return errLimited
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
		if code, err := s.send(ctx, cmdPing, newRequestID(cmdPing), nil, 1); err == nil && code == 0 {
			missed = 0
			continue
		}
		if missed++; missed == 2 {
			s.end(errSilent)
			return
		}
	}
}

// renew keeps the lease, and the promises that are open; it ends the session when
// another replica has the lease.
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
		for _, p := range s.promised.all() {
			s.note(ctx, p, s.o.Times.Lease)
		}
		s.takeOver(ctx)
	}
}

// handle takes a command of the platform. It must not wait: the answers to our own
// frames come the same way.
func (s *session) handle(ctx context.Context, f frame) {
	in, err := parse(f.Body)
	if err != nil {
		s.unreadable(f.Body, err)
		return
	}
	noteLost(in, s.log, s.o.Count)
	event := in.MsgType == "event"
	if event && in.Event.EventType == eventDisconnected {
		s.mu.Lock()
		s.displaced = true
		s.mu.Unlock()
		s.end(errDisplaced)
		return
	}
	p := &promise{RequestID: f.Headers.RequestID, Message: f.Body, in: in, made: s.o.Now()}
	if !s.admit(p) {
		return
	}
	taken := s.inTurn(ctx, p, func() bool { return s.arrives(ctx, p) }, func() {
		if event {
			s.event(ctx, p)
		} else {
			s.keep(ctx, p)
		}
	})
	if !taken && !event {
		s.leave(ctx, p)
	}
	if !taken {
		s.release(p)
	}
}

// unreadable counts a frame that cannot be read, and names its fields.
func (s *session) unreadable(data []byte, why error) {
	s.o.Count(OutcomeUnreadable)
	s.log.Error("frame ignored", slog.Any("error", why), slog.Any("fields", keysOf(data)))
}

// inTurn does something after what came before in the same conversation, unless first,
// which does not wait for its turn, gives false. It gives false itself, and does
// nothing, when the session is ending.
func (s *session) inTurn(ctx context.Context, p *promise, first func() bool, do func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	turn := s.order.Queue(chat(p.in) + "\x00" + p.in.From.UserID)
	s.answers.Go(func() {
		defer s.release(p)
		defer turn.Leave()
		if !first() || turn.Wait(context.WithoutCancel(ctx)) != nil { // which has no end, and so no error
			return
		}
		do()
	})
	return true
}

// always lets something wait for its turn.
func always() bool { return true }

// answerWithin bounds making one answer.
const answerWithin = 10 * time.Second

// arrives notes a message, or a button that was pressed, so that a crash at any moment
// leaves it to another replica or to the next start. It tells whether there is something
// to be done.
func (s *session) arrives(ctx context.Context, p *promise) bool {
	if p.in.MsgType == "event" {
		s.o.Count(OutcomeEvent)
		if !s.mayAnswer(ctx) {
			return false
		}
		if p.in.Event.EventType != eventCard {
			return true
		}
	} else {
		s.o.Count(OutcomeMessage)
		if ctx.Err() != nil || !s.mayAnswer(ctx) {
			s.leave(ctx, p)
			s.end(errNotOwner)
			return false
		}
	}
	if !s.accept(ctx, p, s.o.Times.Lease) || !s.promised.add(p) {
		s.o.Count(OutcomeRepeated)
		return false
	}
	return true
}

// noteWithin bounds a call of the store, also when the session has ended.
const noteWithin = time.Second

// leave notes a message that came although it is not ours to answer: this replica was
// frozen and has been replaced, or is ending. Whoever has the connection takes it over;
// when it cannot be noted, we do once we have the connection again.
func (s *session) leave(ctx context.Context, p *promise) {
	switch {
	case s.o.Journal == nil || p.unnoted:
		s.promised.add(p)
	case s.accept(ctx, p, 0) && p.unnoted:
		s.promised.add(p)
		s.log.Warn("message not left to the replica that has the connection now")
	default:
		s.o.Count(OutcomeLeft)
	}
}

// accept notes a message in the journal. It tells whether this is its first delivery, or
// whether nobody can tell.
func (s *session) accept(ctx context.Context, p *promise, lease time.Duration) bool {
	if s.promised.has(p.taskID()) {
		return false
	}
	if s.o.Journal == nil {
		return true
	}
	data, err := json.Marshal(p)
	if err != nil {
		s.log.Error("message not noted", slog.Any("error", err))
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
	defer cancel()
	fresh, err := s.o.Journal.Enter(ctx, bot.Task{Queue: s.queue(), ID: p.taskID(), Data: data}, s.holder, lease, promisedFor)
	if err != nil {
		s.log.Warn("message not noted; a crash would lose its answer", slog.Any("error", err))
		p.unnoted = true
		return true
	}
	return fresh
}

func (c *Connection) queue() string { return "aibot:" + c.o.BotID }

// keep answers and delivers what is promised.
func (s *session) keep(ctx context.Context, p *promise) {
	if ctx.Err() != nil || p.said == nil && !s.make(ctx, p) {
		return // it stays promised, or another attempt is making it
	}
	s.deliver(ctx, p)
}

// make makes the answer, and says that it is being looked for when that takes long. It
// tells whether there is one.
func (s *session) make(ctx context.Context, p *promise) bool {
	work, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	made := make(chan struct{})
	var said spoken
	var err error
	go func() {
		defer close(made)
		said, err = s.safely(work, p.in)
	}()
	select {
	case <-made:
	case <-time.After(s.o.Times.Place):
		s.place(ctx, p)
		<-made // bounded by work
	}
	if err != nil {
		s.log.Warn("the message is being answered by another replica", slog.Any("error", err))
		s.note(ctx, p, 0)
		s.promised.remove(p)
		return false
	}
	p.said, p.doubt = &said, p.doubt || said.replayed
	return true
}

// safely answers without letting a panic end the process.
func (s *session) safely(ctx context.Context, in incoming) (said spoken, err error) {
	defer func() {
		if v := recover(); v != nil { // its value may quote the question
			s.log.Error("panic while answering", slog.String("value", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
			said, err = spoken{text: bot.Apology(errPanic)}, nil
		}
	}()
	if in.MsgType == "event" { // a button's, taken over: the card was another's to update
		_, said, err = s.press(ctx, in)
		return said, err
	}
	return s.answer(ctx, in)
}

// place says that the answer is being looked for, which is noted before: whoever says the
// answer must know. It may fail: the answer says it all.
func (s *session) place(ctx context.Context, p *promise) {
	if !s.mayAnswer(ctx) || !p.onRequest() {
		return
	}
	p.Placed = s.o.Now()
	if !s.note(ctx, p, s.o.Times.Lease) {
		p.Placed = time.Time{}
		return
	}
	code, err := s.send(ctx, cmdRespond, p.RequestID, unfinished(streamID(p.in.MsgID), s.wording.Searching), 1)
	if err != nil || code != 0 {
		s.log.Debug("placeholder not taken", slog.Any("error", err), slog.Int("errcode", code))
	}
	p.unanswered = errors.Is(err, errNoAck)
	if code != 0 {
		p.Placed = time.Time{}
	}
}

// note keeps a promise in the journal as ours, or gives it up with a lease of 0. It
// tells whether the promise is still ours, as far as anybody can tell.
func (s *session) note(ctx context.Context, p *promise, lease time.Duration) bool {
	if s.o.Journal == nil {
		return true
	}
	data, err := json.Marshal(p)
	if err == nil {
		err = s.o.Journal.Note(ctx, s.queue(), p.taskID(), s.holder, data, lease)
	}
	if errors.Is(err, bot.ErrClaimLost) && !p.unnoted {
		s.promised.remove(p) // another replica has it
		return false
	}
	if err != nil {
		s.log.Debug("promise not noted", slog.Any("error", err))
	}
	return true
}

// claimAtOnce bounds the promises taken over in one go.
const claimAtOnce = 32

// takeOver keeps what a replica promised that is gone, or this one before it was
// started again.
func (s *session) takeOver(ctx context.Context) {
	if s.o.Journal == nil || !s.mayAnswer(ctx) {
		return
	}
	tasks, err := s.o.Journal.Claim(ctx, s.queue(), s.holder, claimAtOnce, s.o.Times.Lease)
	if err != nil {
		s.log.Debug("promises not looked for", slog.Any("error", err))
		return
	}
	for _, t := range tasks {
		p := &promise{made: t.Entered}
		err := json.Unmarshal(t.Data, p)
		if err == nil {
			p.in, err = parse(p.Message)
		}
		if err != nil {
			s.log.Error("promise not understood", slog.Any("error", err))
			s.forget(ctx, t.ID)
			continue
		}
		if s.kept.has(p.taskID()) || s.promised.has(p.taskID()) {
			continue // ours: it was said, or it is being said
		}
		s.log.Info("promise taken over", slog.Int("holders", t.Holders))
		if s.promised.add(p) {
			s.inTurn(ctx, p, always, func() { s.keep(ctx, p) })
		}
	}
}

// event welcomes who opens the chat, does what a button says, and keeps opinions. Other
// events take no reply (a stream reply to one fails with 846605).
func (s *session) event(ctx context.Context, p *promise) {
	switch p.in.Event.EventType {
	case eventEnter:
		s.welcome(ctx, p)
	case eventFeedback:
		s.rate(ctx, p.in)
	case eventCard:
		s.button(ctx, p)
	}
}

// welcome welcomes who opens the chat. When the reply is refused it is a message of its own,
// since the event does not come again that day.
func (s *session) welcome(ctx context.Context, p *promise) {
	p.said = &spoken{text: s.engine.Welcome(ctx)}
	if s.reply(ctx, cmdWelcome, p.RequestID, map[string]any{"msgtype": "text", "text": text{p.said.text}}) {
		return
	}
	p.unnoted = true
	if s.promised.add(p) {
		s.deliver(ctx, p)
	}
}

// button does what a card's button says: the card is changed in place, and what is to
// be said is a message of its own.
func (s *session) button(ctx context.Context, p *promise) {
	update, said, err := s.press(ctx, p.in)
	if err != nil { // it is being done by another attempt
		s.note(ctx, p, 0)
		s.promised.remove(p)
		return
	}
	if update != nil {
		s.reply(ctx, cmdUpdate, p.RequestID, update)
	}
	p.said = &said
	s.deliver(ctx, p)
}

// reply answers an event, for which there are 5 s. It gives false when the platform has
// refused it; what was not acknowledged may have arrived.
func (s *session) reply(ctx context.Context, command, requestID string, body any) bool {
	code, err := s.send(ctx, command, requestID, body, 1)
	for try := 1; try < tries && err == nil && classOf(code) == classAgain; try++ {
		s.o.Sleep(ctx, s.o.Times.Again)
		code, err = s.send(ctx, command, requestID, body, 1)
	}
	if err != nil || code != 0 {
		s.log.Warn("reply to an event not taken", slog.String("command", command), slog.Any("error", err), slog.Int("errcode", code))
	}
	return code == 0 && !errors.Is(err, errUnsubscribed)
}

// cause is why the session ended. Being displaced counts whenever it was said: a frame of
// ours may have been refused before that was read.
func (s *session) cause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.displaced {
		return errDisplaced
	}
	return context.Cause(s.open)
}

// stopTaking ends the taking of messages.
func (s *session) stopTaking() {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
}

// Reading what is left ends when nothing came for a while.
const (
	restIdle   = 300 * time.Millisecond
	restWithin = 3 * time.Second
)

// readRest lets messages be read that arrived before the session ended: a replica that
// was frozen has many, and learns at the same moment that it is not the owner any more.
func (s *session) readRest(read <-chan struct{}) {
	for end, seen := time.Now().Add(restWithin), int64(-1); time.Now().Before(end) && seen != s.frames.Load(); {
		seen = s.frames.Load()
		select {
		case <-read:
			return
		case <-time.After(restIdle):
		}
	}
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

// giveUp leaves to others what could not be delivered before the end.
func (s *session) giveUp(ctx context.Context) {
	if s.o.Journal == nil {
		return // it is kept for the next connection
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*noteWithin)
	defer cancel()
	for _, p := range s.promised.all() {
		s.promised.remove(p)
		if p.unnoted {
			p.unnoted = false
			s.leave(ctx, p)
		} else {
			s.note(ctx, p, 0)
		}
	}
}

// deliverPromised delivers what the connection before could not.
func (s *session) deliverPromised(ctx context.Context) {
	for _, p := range s.promised.all() {
		s.inTurn(ctx, p, always, func() {
			if s.note(ctx, p, s.o.Times.Lease) && (p.said != nil || s.make(ctx, p)) {
				s.deliver(ctx, p)
			}
		})
	}
	s.takeOver(ctx)
}

// codeError is an error code of the platform. Its text is left out: it carries the
// caller's address.
func codeError(command string, code int) error {
	return fmt.Errorf("aibot: %s: errcode %d", command, code)
}
