package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"aeobot/index"
)

// Retriever gives the index in force. The function gives it back.
type Retriever interface {
	Acquire() (*index.Generation, func(), error)
}

// Options of an Engine. The zero value works.
type Options struct {
	// Lease is how long one attempt may take before another may answer the same
	// message. It is shorter than the 5 s after which WeCom delivers again.
	//
	// default: 4 seconds
	Lease time.Duration
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Unanswered takes the questions the knowledge has no answer to.
	//
	// default: nobody, and no reply says that a question was kept
	Unanswered interface {
		Miss(ctx context.Context, m Miss) error
	}
	// Feedback takes what readers think of an answer.
	//
	// default: nobody
	Feedback interface {
		Rate(ctx context.Context, f Feedback) error
	}
	// Wishes keeps what people want to know once there is an answer.
	//
	// default: nobody, and no refusal offers it
	Wishes Wishes
	// Handover says how to reach a person.
	//
	// default: that the bot is a program, and that the wish was noted where Unanswered is set
	Handover Handover
	// Questions takes what is really asked, without who asked it. It may not wait.
	//
	// default: nobody
	Questions interface{ Add(q Question) }
	// Given takes what was shown where. It may not wait.
	//
	// default: nobody
	Given interface{ Add(g Given) }
	// SearchWithin is how long may be searched for one message whose asker waits. Then
	// the asker reads an apology, and the question is kept with those without an answer.
	//
	// default: no limit, as for questions that are judged in bulk
	SearchWithin time.Duration
	// Searcher decides what a question gets.
	//
	// default: the generation in force
	Searcher func(*index.Generation) Searcher
	// Editions finds the texts that were in force on another day.
	//
	// default: what is in force now answers for every day
	Editions Editions
	// Limits are how many messages a minute get a reply.
	//
	// default: all
	Limits Limits
	// Log gets one info line a turn, without a word of what was said.
	//
	// default: discard
	Log *slog.Logger
	// Desk does what coordinators say.
	//
	// default: nobody can say anything
	Desk Desk
	// Observe is told of every turn, for metrics.
	//
	// default: nobody
	Observe func(Event)

	// Membership is of the replicas that share the state.
	//
	// default: this engine is the only one
	Membership Membership
	// Mark remembers through a crash that something was answered without memory.
	//
	// default: a crash makes that forgotten
	Mark *Mark
	// StoreWait is how long a message that means nothing without what was said before
	// waits for a state that is away.
	//
	// default: 2.5 seconds
	StoreWait time.Duration
}

// Event is one turn as metrics see it. No field can hold what a person wrote.
type Event struct {
	Channel  string
	Act      string // one of the Act constants, or "error"
	Answered bool
	Replayed bool // a redelivery got the reply of before
	Degraded bool // the state could not be read or written
	Panicked bool // making the reply did; the act is "error"
	// Limited is whose limit it was beyond, one of the Limited constants; or empty.
	Limited string
	// Handover is set when the asker wants a person.
	Handover bool
	Shown    int
	Took     time.Duration
	// Quoted is what of the sources stood in the reply.
	Quoted []Shown

	giveBack func() // see taken
}

// Desk is where coordinators' commands are done: messages that begin with a stroke.
type Desk interface {
	// Command gives what is said in return, and buttons for what may be said next; ours is
	// false for what is none of its commands.
	Command(ctx context.Context, g *index.Generation, m Message) (text string, next []Button, ours bool)
}

// Engine answers messages. It may be used by many at once.
type Engine struct {
	index   Retriever
	state   State
	o       Options
	once    *once
	lanes   *Lanes
	floods  *floods
	member  *member
	unsaved *unsaved
	// versions are of the sessions that were loaded or saved last, by conversation.
	versions  *lru.Cache[string, uint64]
	handover  *atomic.Pointer[Handover]
	succeeded bool // the replica that was here before has left nothing behind
}

// Variables for tests that are not about time: no machine is too slow for those.
var (
	defaultLease = 4 * time.Second
	// secondWind is what a message gets to search once more whose time is over.
	secondWind = 500 * time.Millisecond
)

// New makes an engine over an index and a state. With a nil state every message
// stands alone.
func New(r Retriever, s State, o Options) *Engine {
	if o.Lease <= 0 {
		o.Lease = defaultLease
	}
	if o.Searcher == nil {
		o.Searcher = func(g *index.Generation) Searcher { return g }
	}
	if o.Editions == nil {
		o.Editions = presentOnly{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	if o.StoreWait <= 0 {
		o.StoreWait = storeWait
	}
	e := &Engine{index: r, state: s, o: o, once: newOnce(), lanes: NewLanes(), floods: newFloods(o.Limits),
		member: newMember(o.Membership, o.Log), unsaved: newUnsaved(o.Mark), versions: newCache[uint64](knownVersions), handover: &atomic.Pointer[Handover]{}}
	e.SetHandover(o.Handover)
	return e
}

// SetHandover changes how to reach a person, from the next message on.
func (e *Engine) SetHandover(h Handover) { e.handover.Store(&h) }

// knownVersions bounds the conversations whose version is known.
const knownVersions = 10_000

// pollEvery is how often a redelivery looks whether the attempt that runs elsewhere has
// ended, and how often a store that is away is tried again.
const pollEvery = 50 * time.Millisecond

// maxTries bounds how often a turn is begun again because another turn of the
// same conversation was saved first.
const maxTries = 8

// ErrElsewhere means that another attempt at the same message still ran when ctx
// ended. Its reply is on the way: the channel should let the platform deliver
// again rather than say something else.
var ErrElsewhere = errors.New("engine: the message is being answered by another attempt")

// Answer gives the reply to one message. The same message again gets the same
// reply and changes nothing. When the state is away it answers without memory.
//
// Messages of one conversation are answered one after the other, in the order they
// came to this process; conversations do not wait for each other.
//
// It fails only when ctx ends (ErrElsewhere), no knowledge is loaded, or the search
// breaks; the caller then says Apology(err).
func (e *Engine) Answer(ctx context.Context, m Message) (Reply, error) {
	start := e.o.Now()
	ev := Event{Channel: m.Surface.Name}
	// A reply repeats words of the message, and must be characters whatever came.
	m.Text, m.Quote = strings.ToValidUTF8(m.Text, "\uFFFD"), strings.ToValidUTF8(m.Quote, "\uFFFD")
	r, err := e.once.do(ctx, m.ID, func() (Reply, error) { return e.paced(ctx, m, &ev) })
	ev.Act, ev.Answered, ev.Shown, ev.Took = r.Act, r.Answered, len(r.Shown), e.o.Now().Sub(start)
	ev.Quoted, ev.Handover = r.Shown, r.WantsPerson
	switch {
	case err != nil:
		ev.Act, ev.Panicked = "error", errors.Is(err, ErrPanic) || errors.Is(err, index.ErrPanic)
	case !ev.Replayed:
		e.record(m, r)
	}
	e.o.Observe(ev)
	level := slog.LevelInfo
	if r.Quiet() {
		level = slog.LevelDebug // a flood must not flood the log
	}
	e.o.Log.LogAttrs(ctx, level, "turn", slog.String("channel", ev.Channel), slog.Any("asker", m.Asker),
		slog.String("act", ev.Act), slog.Bool("answered", ev.Answered), slog.Int("shown", ev.Shown),
		slog.Bool("replayed", ev.Replayed), slog.Bool("degraded", ev.Degraded),
		slog.Float64("took_ms", float64(ev.Took.Microseconds())/1000))
	return r, err
}

// Welcome is what a person reads who opens the chat.
func (e *Engine) Welcome(context.Context) string { return TextWelcome }

// paced answers a message, after those before it in its conversation, if the limits let it
// pass.
func (e *Engine) paced(ctx context.Context, m Message, ev *Event) (Reply, error) {
	came := time.Now()
	if record, ok := e.once.given(m.ID); ok {
		return e.replay(record, ev)
	}
	t := e.floods.take(m, e.o.Now())
	ev.giveBack = t.giveBack
	if t.pace != paceFine {
		ev.Limited = t.whose
	}
	if t.pace == paceQuiet {
		return e.hush(ctx, m, ev)
	}
	m.notice = t.pace == paceNotice
	if e.state == nil {
		return e.answer(ctx, m, came, ev)
	}
	turn := e.lanes.Queue(m.Conversation().Key())
	defer turn.Leave()
	if err := turn.Wait(ctx); err != nil {
		return Reply{}, fmt.Errorf("engine: waiting for the message before: %w", err)
	}
	return e.answer(ctx, m, came, ev)
}

// hush gives a message no reply, unless another replica has given one. It waits for
// nothing and leaves nothing behind, so that a flood costs as little as can be.
func (e *Engine) hush(ctx context.Context, m Message, ev *Event) (Reply, error) {
	if e.state != nil && m.ID != "" {
		const look = time.Millisecond // a claim that is over at once
		if turn, err := e.state.Begin(ctx, m.Conversation(), m.ID, newAttempt(), look); err == nil && turn.Claim == Answered {
			if r, err := e.replay(turn.Record, ev); err == nil {
				return r, nil
			}
		}
	}
	return Reply{Act: ActQuiet, Parts: []Part{}, Shown: []Shown{}, Suggestions: []string{}}, nil
}

// replay gives the reply of before.
func (e *Engine) replay(record []byte, ev *Event) (Reply, error) {
	r, err := decodeRecord(record, e.index)
	if err != nil {
		return Reply{}, fmt.Errorf("engine: stored reply: %w", err)
	}
	ev.Replayed, ev.Limited = true, ""
	if ev.giveBack != nil {
		ev.giveBack()
	}
	return r, nil
}

// respond makes the reply and the session after it. A nil session means that the
// memory is away. A nil session returned means that it is to be forgotten.
func (e *Engine) respond(ctx context.Context, m Message, s *Session) (Reply, *Session, error) {
	g, release, err := e.index.Acquire()
	if err != nil {
		return Reply{}, nil, fmt.Errorf("engine: %w", err)
	}
	defer release()
	t := e.newTurn(ctx, g, m, s)
	if m.notice {
		return t.say(ActWait, TextWait), &t.before, nil
	}
	defer t.release()
	reply, err := t.safely()
	if err != nil {
		return Reply{}, nil, fmt.Errorf("engine: %w", t.broken(err))
	}
	t.offerPerson(&reply)
	t.after.Aside = len(reply.Shown) == 0
	if n := len(t.after.Views); n > 0 && len(reply.Shown) > 0 && reply.Act != ActCommand {
		reply.View = writeHandle(t.library, t.after.Views[n-1])
	}
	reply.asked, reply.past = t.asked, t.past()
	if t.forget {
		return reply, nil, nil
	}
	return reply, &t.after, nil
}

// china is where an answer's day is counted. A fixed zone needs no zone files.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

// newTurn begins a turn that goes on with a session; nil: the memory is away.
func (e *Engine) newTurn(ctx context.Context, g *index.Generation, m Message, s *Session) *turn {
	now := e.o.Now()
	t := &turn{ctx: ctx, index: g, library: g.Library(), message: m, away: s == nil, alone: e.state == nil,
		searcher: e.o.Searcher(g), searcherOf: e.o.Searcher, editionsOf: e.o.Editions, editions: map[string]Edition{},
		now: now, today: now.In(china).Format(time.DateOnly), unanswered: e.o.Unanswered, wishes: e.o.Wishes, handover: *e.handover.Load(), lead: m.lead, desk: e.o.Desk, log: e.o.Log}
	if e.o.SearchWithin > 0 {
		t.until = time.Now().Add(e.o.SearchWithin)
	}
	if s != nil {
		t.before = *s
	}
	t.after = t.before
	t.after.Near, t.after.Choices, t.after.Wanted, t.after.Refused = nil, nil, "", 0
	t.after.Unknown = t.after.Unknown || s == nil
	return t
}
