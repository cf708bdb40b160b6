package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"

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
	unsaved *expirable.LRU[string, unsaved] // by conversation
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
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Observe == nil {
		o.Observe = func(Event) {}
	}
	return &Engine{index: r, state: s, o: o, once: newOnce(), lanes: NewLanes(), floods: newFloods(o.Limits),
		unsaved: expirable.NewLRU[string, unsaved](keptReplies, nil, unsavedFor)}
}

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
	ev.Quoted, ev.Handover = r.Shown, r.handover
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
	if record, ok := e.once.kept.Get(m.ID); ok {
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
		return e.answer(ctx, m, ev)
	}
	turn := e.lanes.Queue(m.Conversation().Key())
	defer turn.Leave()
	if err := turn.Wait(ctx); err != nil {
		return Reply{}, fmt.Errorf("engine: waiting for the message before: %w", err)
	}
	return e.answer(ctx, m, ev)
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

// answer is one attempt at a message: claim and load, respond, save and mark done.
func (e *Engine) answer(ctx context.Context, m Message, ev *Event) (Reply, error) {
	if e.state == nil {
		reply, _, err := e.respond(ctx, m, &Session{})
		return reply, err
	}
	attempt := newAttempt()
	for range maxTries {
		turn, err := e.begin(ctx, m, attempt)
		if err != nil {
			if errors.Is(err, ErrElsewhere) || ctx.Err() != nil {
				return Reply{}, errors.Join(err, ctx.Err())
			}
			return e.withoutMemory(ctx, m, ev, err)
		}
		if turn.Claim == Answered {
			r, err := e.replay(turn.Record, ev)
			if err != nil {
				return e.withoutMemory(ctx, m, ev, err)
			}
			return r, nil
		}
		reply, session, err := e.respond(ctx, m, e.latest(m, &turn))
		if err != nil {
			return Reply{}, err
		}
		record := encodeRecord(m, reply)
		err = e.state.Commit(ctx, m.Conversation(), m.ID, attempt, turn.Version, session, record)
		if errors.Is(err, ErrStale) || errors.Is(err, ErrClaimLost) {
			continue
		}
		if err != nil {
			ev.Degraded = true
			e.o.Log.Warn("reply given but not remembered", slog.Any("error", err))
			e.unsaved.Add(m.Conversation().Key(), unsaved{turn.Version, session, false})
		} else {
			e.unsaved.Remove(m.Conversation().Key())
		}
		e.once.remember(m.ID, record)
		return reply, nil
	}
	return e.withoutMemory(ctx, m, ev, ErrStale)
}

// unsaved is what the store has not taken of a conversation: what it still has is not what
// the asker saw last, and 第3条 must not count in that.
type unsaved struct {
	version uint64   // of what the store has
	session *Session // nil: forgotten
	away    bool     // the session of before could not even be read
}

// unsavedFor is how long that is known: about as long as a conversation is remembered.
const unsavedFor = 30 * time.Minute

// latest is the session that a turn goes on with; nil: it cannot be read.
func (e *Engine) latest(m Message, t *Turn) *Session {
	u, ok := e.unsaved.Get(m.Conversation().Key())
	switch {
	case !ok, !u.away && u.version != t.Version: // saved since, or although it seemed not
		return &t.Session
	case u.away:
		return nil
	case u.session == nil:
		return &Session{}
	}
	return u.session
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

// pollEvery is how often a redelivery looks whether the attempt that runs
// elsewhere has ended.
const pollEvery = 50 * time.Millisecond

// begin claims the message, waiting while another attempt holds it.
func (e *Engine) begin(ctx context.Context, m Message, attempt string) (Turn, error) {
	for {
		turn, err := e.state.Begin(ctx, m.Conversation(), m.ID, attempt, e.o.Lease)
		if err != nil || turn.Claim != Running {
			return turn, err
		}
		select {
		case <-ctx.Done():
			return Turn{}, ErrElsewhere
		case <-time.After(pollEvery):
		}
	}
}

// withoutMemory answers when the state is away, remembering the reply in this
// process only.
func (e *Engine) withoutMemory(ctx context.Context, m Message, ev *Event, why error) (Reply, error) {
	ev.Degraded = true
	e.o.Log.Warn("answering without memory", slog.Any("error", why))
	reply, _, err := e.respond(ctx, m, nil)
	if err == nil {
		e.unsaved.Add(m.Conversation().Key(), unsaved{away: true})
		e.once.remember(m.ID, encodeRecord(m, reply))
	}
	return reply, err
}

// respond makes the reply and the session after it. A nil session means that the
// memory is away. A nil session returned means that it is to be forgotten.
func (e *Engine) respond(ctx context.Context, m Message, s *Session) (Reply, *Session, error) {
	g, release, err := e.index.Acquire()
	if err != nil {
		return Reply{}, nil, fmt.Errorf("engine: %w", err)
	}
	defer release()
	now := e.o.Now()
	t := &turn{ctx: ctx, index: g, library: g.Library(), message: m, away: s == nil, alone: e.state == nil,
		searcher: e.o.Searcher(g),
		now:      now, today: now.In(china).Format(time.DateOnly), unanswered: e.o.Unanswered, wishes: e.o.Wishes, handover: e.o.Handover, lead: m.lead, desk: e.o.Desk, log: e.o.Log}
	if e.o.SearchWithin > 0 {
		t.until = time.Now().Add(e.o.SearchWithin)
	}
	if s != nil {
		t.before = *s
	}
	t.after = t.before
	t.after.Near, t.after.Choices, t.after.Wanted = nil, nil, ""
	if m.notice {
		return t.say(ActWait, TextWait), &t.before, nil
	}
	reply, err := t.safely()
	if err != nil {
		return Reply{}, nil, fmt.Errorf("engine: %w", t.broken(err))
	}
	t.after.Aside = len(reply.Shown) == 0
	if n := len(t.after.Views); n > 0 && len(reply.Shown) > 0 && reply.Act != ActCommand {
		reply.View = writeHandle(t.library, t.after.Views[n-1])
	}
	reply.asked = t.asked
	if t.forget {
		return reply, nil, nil
	}
	return reply, &t.after, nil
}

// china is where an answer's day is counted. A fixed zone needs no zone files.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)
