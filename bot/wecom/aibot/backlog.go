package aibot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
)

// backlog makes answers apart from the requests that ask for them, so that one that
// takes long can be polled for, here or at another replica, or be posted late.
//
// An answer that was promised ("being looked for") stands in the journal until the
// platform has collected it by polling or taken it late. What a replica that is gone
// promised, another claims when the platform has ended its polling.
type backlog struct {
	*Callback
	holder string

	mu      sync.Mutex
	running map[string]*making // by stream id
	work    sync.WaitGroup
	posts   chan struct{}   // a slot for each answer to a button that is being posted
	ctx     context.Context // ends when the answers being made have no more time
	end     context.CancelFunc
}

// making is an answer being made. said and err are set before made is closed.
type making struct {
	made      chan struct{}
	said      spoken
	err       error
	once      sync.Once
	collected chan struct{} // closed when the platform has it
}

func (m *making) collect() { m.once.Do(func() { close(m.collected) }) }

func newBacklog(b *Callback) *backlog {
	s := &backlog{Callback: b, holder: rand.Text(), running: map[string]*making{}, posts: make(chan struct{}, maxMaking)}
	s.ctx, s.end = context.WithCancel(context.Background())
	return s
}

// Bounds of answers being made.
const (
	// maxMaking is how many may be under way; more are refused, and the platform delivers
	// them again.
	maxMaking = 1024
	// makeWithin bounds one.
	makeWithin = time.Minute
)

var (
	errOverloaded = errors.New("aibot: too many answers under way")
	errPanic      = errors.New("aibot: panic while answering")
)

// begin makes the answer to a message, or joins who is making it.
func (s *backlog) begin(in incoming) (*making, error) {
	id := streamID(in.MsgID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if m, ok := s.running[id]; ok && !m.over() {
		return m, nil
	}
	if len(s.running) >= maxMaking {
		return nil, errOverloaded
	}
	m := &making{made: make(chan struct{}), collected: make(chan struct{})}
	s.running[id] = m
	s.work.Go(func() {
		s.make(m, in)
		s.linger(m)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.running[id] == m {
			delete(s.running, id)
		}
	})
	return m, nil
}

// over tells that there is nothing to join: the platform has the answer, or there is
// none.
func (m *making) over() bool {
	select {
	case <-m.made:
	default:
		return false
	}
	select {
	case <-m.collected:
		return true
	default:
		return m.err != nil
	}
}

func (s *backlog) make(m *making, in incoming) {
	ctx, cancel := context.WithTimeout(s.ctx, makeWithin)
	defer cancel()
	defer close(m.made)
	defer func() {
		if p := recover(); p != nil { // its value may quote the question
			s.log.Error("panic while answering", slog.String("value", fmt.Sprintf("%T", p)), slog.String("stack", string(debug.Stack())))
			m.said = spoken{text: bot.Apology(errPanic)}
		}
	}()
	m.said, m.err = s.answer(ctx, in)
}

// linger keeps an answer until the platform has it.
func (s *backlog) linger(m *making) {
	if m.err != nil {
		return
	}
	select {
	case <-m.collected:
	case <-time.After(s.o.PollLife):
	case <-s.ctx.Done():
	}
}

// promised is what the journal keeps of an answer: the message that asks for it, or
// what is to be said, with where to post it.
type promised struct {
	Message     json.RawMessage `json:"m,omitempty"`
	ResponseURL string          `json:"u,omitempty"`
	Text        string          `json:"t,omitempty"`
	Feedback    string          `json:"f,omitempty"`
}

func (s *backlog) queue() string { return "aibot-late" }

// lateKeep is how long a promise is of use: a response_url lives an hour.
const lateKeep = time.Hour

// promise notes that an answer is owed, and looks after it until the platform has it.
func (s *backlog) promise(ctx context.Context, id string, message []byte) {
	data, err := json.Marshal(promised{Message: message})
	if err != nil {
		s.log.Error("promise not noted", slog.Any("error", err))
		return
	}
	if s.enter(ctx, id, data, s.o.PollLife) {
		s.work.Go(func() { s.lookAfter(id, message, time.Now()) })
	}
}

// enter notes a task; it tells whether the task is new, or whether nobody can tell.
func (s *backlog) enter(ctx context.Context, id string, data []byte, lease time.Duration) bool {
	if s.o.Journal == nil {
		return true
	}
	fresh, err := s.o.Journal.Enter(ctx, bot.Task{Queue: s.queue(), ID: id, Data: data}, s.holder, lease, lateKeep)
	if err != nil {
		s.log.Warn("promise not noted; a crash would lose it", slog.Any("error", err))
	}
	return fresh || err != nil
}

// lookAfter posts an answer late when the platform has not collected it while it
// polled.
func (s *backlog) lookAfter(id string, message []byte, since time.Time) {
	in, err := parse(message)
	if err != nil {
		return // it was parsed before
	}
	m, err := s.begin(in)
	if err != nil {
		s.giveUp(id, message)
		return
	}
	select {
	case <-m.collected:
		s.done(id)
		return
	case <-time.After(time.Until(since.Add(s.o.PollLife))):
	case <-s.ctx.Done():
		s.giveUp(id, message)
		return
	}
	select {
	case <-m.made:
	case <-s.ctx.Done():
		s.giveUp(id, message)
		return
	}
	if m.err == nil && s.mine(id, message) {
		s.post(s.ctx, id, in.ResponseURL, m.said)
	}
}

// mine tells whether the promise is still ours to keep: another replica may have been
// polled for it.
func (s *backlog) mine(id string, message []byte) bool {
	if s.o.Journal == nil {
		return true
	}
	data, err := json.Marshal(promised{Message: message})
	if err == nil {
		err = s.o.Journal.Note(s.ctx, s.queue(), id, s.holder, data, claimLease)
	}
	return !errors.Is(err, bot.ErrClaimLost)
}

// giveUp lets another replica keep the promise.
func (s *backlog) giveUp(id string, message []byte) {
	if s.o.Journal == nil {
		return
	}
	data, err := json.Marshal(promised{Message: message})
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err == nil {
		err = s.o.Journal.Note(ctx, s.queue(), id, s.holder, data, 0)
	}
	if err != nil {
		s.log.Warn("promise not given up", slog.Any("error", err))
	}
}

func (s *backlog) done(id string) {
	if s.o.Journal == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.o.Journal.Done(ctx, s.queue(), id, ""); err != nil {
		s.log.Warn("promise kept but not noted so", slog.Any("error", err))
	}
}

// What a poll finds.
type pollState int

const (
	pollUnknown pollState = iota
	pollRunning
	pollMade
)

// poll looks for the answer of a stream: here, or in the journal, from where it is
// made again (the engine gives the same one).
func (s *backlog) poll(ctx context.Context, id string) (spoken, pollState) {
	s.mu.Lock()
	m := s.running[id]
	s.mu.Unlock()
	if m == nil {
		var err error
		switch m, err = s.takeOver(ctx, id); {
		case err != nil:
			return spoken{}, pollRunning // another poll may find it, here or elsewhere
		case m == nil:
			return spoken{}, pollUnknown
		}
	}
	patience := time.NewTimer(s.o.Patience)
	defer patience.Stop()
	select {
	case <-m.made:
	case <-patience.C:
		return spoken{}, pollRunning
	case <-ctx.Done():
		return spoken{}, pollRunning
	}
	if m.err != nil {
		return spoken{}, pollRunning
	}
	m.collect()
	s.done(id)
	return m.said, pollMade
}

// takeOver makes the answer that another replica promised; nil: nobody has. It fails when
// that cannot be known now.
func (s *backlog) takeOver(ctx context.Context, id string) (*making, error) {
	if s.o.Journal == nil {
		return nil, nil
	}
	task, open, err := s.o.Journal.Look(ctx, s.queue(), id)
	if err != nil || !open {
		return nil, err
	}
	var p promised
	if json.Unmarshal(task.Data, &p) != nil {
		return nil, nil
	}
	in, err := parse(p.Message)
	if err != nil {
		return nil, nil
	}
	return s.begin(in)
}

// sayLate posts what a button's event is answered with, whose own reply can only
// be a card.
func (s *backlog) sayLate(ctx context.Context, in incoming, said spoken) {
	if s.o.Late == nil || in.ResponseURL == "" {
		s.log.Warn("a button's answer cannot be posted: no response_url")
		s.o.Count(OutcomeGivenUp)
		return
	}
	id := "press:" + in.MsgID
	data, err := json.Marshal(promised{ResponseURL: in.ResponseURL, Text: said.text, Feedback: said.feedback})
	if err != nil {
		s.log.Error("promise not noted", slog.Any("error", err))
		return
	}
	if !s.enter(ctx, id, data, claimLease) {
		return
	}
	select {
	case s.posts <- struct{}{}:
		s.work.Go(func() {
			defer func() { <-s.posts }()
			s.post(s.ctx, id, in.ResponseURL, said)
		})
	default:
		s.log.Warn("too many answers to buttons at once; this one waits in the journal, if there is one")
		if s.o.Journal == nil {
			s.o.Count(OutcomeGivenUp)
		}
	}
}

// Times of posting late.
const (
	lateTries   = 4
	lateDelay   = 300 * time.Millisecond // before the second; it doubles
	lateTimeout = 5 * time.Second
	// lateWait is how long too many wait, and lateWaits how often within the hour that a
	// response_url lives.
	lateWait   = time.Minute
	lateWaits  = 40
	claimLease = 30 * time.Second
	claimEvery = 5 * time.Second
)

// post delivers an answer by the message's response_url. It may be tried again: the
// platform takes one, so that a second is refused when the first had arrived.
func (s *backlog) post(ctx context.Context, id, responseURL string, said spoken) {
	if s.o.Late == nil || responseURL == "" {
		s.o.Count(OutcomeGivenUp)
		s.log.Error("answer not delivered: it took long, and there is no late way")
		s.done(id)
		return
	}
	for try := 1; ; try++ {
		err := postLate(ctx, s.o.Late, responseURL, said)
		switch {
		case err == nil:
			s.o.Count(OutcomeLate)
		case ctx.Err() != nil:
			return // it stays promised
		case s.postAgain(ctx, err, try):
			said.feedback = "" // it may be what is not taken
			continue
		default:
			s.o.Count(OutcomeGivenUp)
			s.log.Error("late answer not taken", slog.Any("error", err))
		}
		s.done(id)
		return
	}
}

// postAgain waits, if need be, before a late answer that was refused is posted once more;
// false: that is of no use. There is no other way to say it.
func (s *backlog) postAgain(ctx context.Context, err error, try int) bool {
	var refused *api.APIError
	if !errors.As(err, &refused) {
		return false
	}
	code := int(refused.Code)
	c, again := classOf(code), false
	switch {
	case errors.Is(err, api.ErrSpent):
	case c == classWait && try < lateWaits:
		again = true
		sleep(ctx, jitter(lateWait))
	case c != classWait && try < tries:
		again = true
		sleep(ctx, lateDelay)
	}
	if !again {
		c = givenUp
	}
	s.o.Refused(code, string(c))
	return again
}

// postLate posts until the platform has taken or refused it.
func postLate(ctx context.Context, l Late, responseURL string, said spoken) error {
	delay := lateDelay
	for try := 1; ; try++ {
		step, cancel := context.WithTimeout(ctx, lateTimeout)
		err := l.Post(step, responseURL, late(said), said.text)
		cancel()
		var refused *api.APIError
		switch {
		case err == nil:
			return nil
		case errors.Is(err, api.ErrSpent) && try > 1:
			return nil // the one before had arrived
		case errors.As(err, &refused) && !errors.Is(err, api.ErrBusy), errors.Is(err, api.ErrLateURL), try == lateTries, ctx.Err() != nil:
			return err
		}
		sleep(ctx, delay)
		delay *= 2
	}
}

// run keeps the promises of replicas that are gone.
func (s *backlog) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.claim(ctx)
		sleep(ctx, jitter(claimEvery))
	}
}

// close gives up what is not made yet, to be taken over by another replica or after a
// restart, and waits for that.
func (s *backlog) close() {
	s.end()
	s.work.Wait()
}

func (s *backlog) claim(ctx context.Context) {
	if s.o.Journal == nil {
		return
	}
	tasks, err := s.o.Journal.Claim(ctx, s.queue(), s.holder, 16, claimLease)
	if err != nil {
		s.log.Debug("promises not looked for", slog.Any("error", err))
		return
	}
	for _, t := range tasks {
		var p promised
		if err := json.Unmarshal(t.Data, &p); err != nil {
			s.log.Error("promise not understood", slog.Any("error", err))
			s.done(t.ID)
			continue
		}
		if p.Message != nil {
			s.work.Go(func() { s.lookAfter(t.ID, p.Message, t.Entered) })
		} else {
			s.work.Go(func() { s.post(s.ctx, t.ID, p.ResponseURL, spoken{text: p.Text, feedback: p.Feedback}) })
		}
	}
}
