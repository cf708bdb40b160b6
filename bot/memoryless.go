package bot

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Run keeps this replica a member until ctx ends, and saves what was answered while the
// store was away. It is to be run where the options name a Membership.
func (e *Engine) Run(ctx context.Context) {
	for ctx.Err() == nil {
		next := confirmEvery
		if err := e.beat(ctx); err != nil && ctx.Err() == nil {
			e.o.Log.Debug("not confirmed as a replica", slog.Any("error", err))
			next = pollEvery
		}
		select {
		case <-ctx.Done():
		case <-time.After(next):
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	saved, err := e.saveAll(end)
	if saved && err == nil && e.member.store != nil {
		err = e.member.store.Leave(end, e.member.id)
	}
	if err != nil || !saved {
		e.o.Log.Warn("not left as a replica in good order: what was saved last of conversations counts as doubtful", slog.Any("error", err))
	}
}

// Join is the first step of Run: what the replica that was here before left is in doubt
// before anything is answered, if the store is there.
func (e *Engine) Join(ctx context.Context) {
	if err := e.beat(ctx); err != nil {
		e.o.Log.Warn("not a member of the replicas yet", slog.Any("error", err))
	}
}

// beat saves what can be saved and only then has this replica confirmed.
func (e *Engine) beat(ctx context.Context) error {
	if err := e.succeed(ctx); err != nil {
		return err
	}
	saved, err := e.saveAll(ctx)
	if err != nil || !saved || e.member.store == nil {
		return err
	}
	return e.member.confirm(ctx)
}

// succeed takes the place of the replica that used the same data folder before.
func (e *Engine) succeed(ctx context.Context) error {
	mark := e.o.Mark
	if e.succeeded || mark == nil || e.member.store == nil {
		return nil
	}
	if mark.Before != "" || mark.Unsaved {
		if err := e.member.expel(ctx, mark.Before, mark.Unsaved); err != nil {
			return err
		}
	}
	if err := e.unsaved.own(e.member.id); err != nil {
		return err
	}
	e.succeeded = true
	return nil
}

// saveAll gives the store what it has not taken; it reports whether there is nothing left.
func (e *Engine) saveAll(ctx context.Context) (bool, error) {
	if e.state == nil {
		return true, nil
	}
	for _, key := range e.unsaved.keys() {
		if err := e.unsaved.save(ctx, key, e.state, e.o.Log); err != nil {
			e.member.reached(err)
			return false, err
		}
	}
	if e.unsaved.isBeyond() && e.member.store != nil {
		if err := e.member.expel(ctx, e.member.id, true); err != nil {
			return false, err
		}
		e.unsaved.doubted()
	}
	return e.unsaved.settle()
}

// patience is how a message waits for a store that is away, or for the other replicas to be
// heard of.
type patience struct {
	engine  *Engine
	message Message
	came    time.Time
	needs   *bool  // whether the message means something only after what was said before
	apart   func() // set while this replica must not be confirmed
}

// memory reports whether the message needs memory.
func (p *patience) memory() bool {
	if p.needs == nil {
		needs := p.engine.needsMemory(p.message)
		p.needs = &needs
	}
	return *p.needs
}

// left is how long a message that needs memory goes on waiting.
func (p *patience) left() time.Duration {
	wait := p.engine.o.StoreWait
	if p.engine.member.awayFor() > wait { // for long; but it may be back, and a breaker not have noticed
		wait = min(wait, breakerWait)
	}
	return time.Until(p.came.Add(wait))
}

// goOn waits a moment for the store; it gives false when there is no time for that any more,
// which is not before the other replicas must have noticed that this one cannot reach it.
func (p *patience) goOn(ctx context.Context) bool {
	if p.apart == nil {
		p.apart = p.engine.member.stayApart()
	}
	return p.engine.member.silentFor() > 0 && pause(ctx)
}

// goOnForMemory is goOn, and longer for a message that needs memory.
func (p *patience) goOnForMemory(ctx context.Context) bool {
	return p.goOn(ctx) || p.memory() && p.left() > 0 && pause(ctx)
}

// hear waits a moment for the other replicas, unless the message needs no memory.
func (p *patience) hear(ctx context.Context) bool {
	return p.memory() && p.left() > 0 && pause(ctx)
}

// end lets this replica be confirmed again, after what it answered has been saved.
func (p *patience) end() {
	if p.apart != nil {
		p.apart()
		p.apart = nil
	}
}

// pause waits a moment; it gives false when ctx ends first.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(pollEvery):
		return true
	}
}

// needsMemory reads a message without doing anything.
func (e *Engine) needsMemory(m Message) bool {
	g, release, err := e.index.Acquire()
	if err != nil {
		return false
	}
	defer release()
	return e.newTurn(context.Background(), g, m, nil).refersBack()
}

// sessionOf is the session that a turn goes on with; nil: it is not known what the asker saw
// last. wait reports whether that may be known soon.
func (e *Engine) sessionOf(t *Turn, came time.Time) (s *Session, epoch uint64, wait bool) {
	epoch, ok := e.member.trusts(came)
	switch {
	case !ok:
		return nil, epoch, true
	case t.Session.Lost || t.Version == 0 && e.member.newEpoch():
		return nil, epoch, false
	case t.Version > 0 && t.Session.Epoch != epoch:
		return nil, epoch, t.Session.Epoch > epoch // saved by somebody who has heard of a later one
	}
	return &t.Session, epoch, false
}

// changes reports whether a turn that knew nothing of before changes what a follow-up means.
func changes(r Reply, after *Session) bool {
	return after == nil || len(r.Shown) > 0 || len(after.Choices) > 0 || len(after.Near) > 0 || after.Wanted != ""
}

// withoutMemory answers when the state is away: from what this replica knows, if nobody
// else can know better.
func (e *Engine) withoutMemory(ctx context.Context, m Message, attempt string, p *patience, ev *Event, why error) (Reply, error) {
	ev.Degraded = true
	e.o.Log.Warn("answering without memory", slog.Any("error", why))
	key := m.Conversation().Key()
	epoch, trusted := e.member.trusts(p.came)
	session, known := e.unsaved.latest(key)
	if !trusted || !known {
		session = nil
	}
	if !e.member.alone() {
		m.lead = textUnremembered // the others may be there, and not know for long that this one is
	}
	reply, after, err := e.respond(ctx, m, session)
	if err != nil {
		return reply, err
	}
	record := encodeRecord(m, reply)
	if session != nil || changes(reply, after) {
		version, known := e.versions.Get(key)
		e.keep(m, version, known, commit{m.ID, attempt, stamped(after, epoch), record})
	}
	e.once.remember(m.ID, record)
	return reply, nil
}

// keep keeps what the store has not taken.
func (e *Engine) keep(m Message, version uint64, known bool, k commit) {
	if err := e.unsaved.add(m.Conversation(), version, known, k); err != nil {
		e.o.Log.Error("a crash now would make a follow-up go on from an older answer: the data folder cannot be written", slog.Any("error", err))
	}
}

// stamped is a session as it is saved in an epoch.
func stamped(s *Session, epoch uint64) *Session {
	if s == nil {
		return nil
	}
	after := *s
	after.Epoch, after.Lost = epoch, false
	return &after
}

// load saves what the store lacks of the conversation, claims the message and loads the
// session, waiting while another attempt holds it.
func (e *Engine) load(ctx context.Context, m Message, attempt string) (Turn, error) {
	key := m.Conversation().Key()
	for {
		err := e.unsaved.save(ctx, key, e.state, e.o.Log)
		var turn Turn
		if err == nil {
			turn, err = e.state.Begin(ctx, m.Conversation(), m.ID, attempt, e.o.Lease)
		}
		e.member.reached(err)
		switch {
		case err != nil:
			return turn, err
		case turn.Claim != Running:
			if v, ok := e.versions.Get(key); ok && 0 < turn.Version && turn.Version < v {
				turn.Session.Lost = true // by the store, as in a failover
			}
			e.versions.Add(key, turn.Version)
			return turn, nil
		case !pause(ctx):
			return Turn{}, ErrElsewhere
		}
	}
}

// answer is one attempt at a message: claim and load, respond, save and mark done.
func (e *Engine) answer(ctx context.Context, m Message, came time.Time, ev *Event) (Reply, error) {
	if e.state == nil {
		reply, _, err := e.respond(ctx, m, &Session{})
		return reply, err
	}
	p := &patience{engine: e, message: m, came: came}
	defer p.end()
	attempt := newAttempt()
	for stale := 0; stale < maxTries; {
		turn, err := e.load(ctx, m, attempt)
		switch {
		case err != nil && (errors.Is(err, ErrElsewhere) || ctx.Err() != nil):
			return Reply{}, errors.Join(err, ctx.Err())
		case err != nil && p.goOnForMemory(ctx):
			continue
		case err != nil && ctx.Err() != nil:
			return Reply{}, errors.Join(err, ctx.Err())
		case err != nil:
			return e.withoutMemory(ctx, m, attempt, p, ev, err)
		case turn.Claim == Answered:
			return e.again(ctx, m, turn.Record, ev)
		}
		p.end()
		session, epoch, wait := e.sessionOf(&turn, came)
		if wait && p.hear(ctx) {
			continue
		}
		reply, after, err := e.respond(ctx, m, session)
		if err != nil {
			return Reply{}, err
		}
		if session == nil && !changes(reply, after) {
			after = &turn.Session // what is there may be right
		} else {
			after = stamped(after, epoch)
		}
		k := commit{m.ID, attempt, after, encodeRecord(m, reply)}
		switch again, err := e.commit(ctx, m, turn.Version, k, p, ev); {
		case err != nil:
			return Reply{}, err
		case !again:
			e.once.remember(m.ID, k.record)
			return reply, nil
		}
		stale++
	}
	for p.goOn(ctx) {
	}
	return e.withoutMemory(ctx, m, attempt, p, ev, ErrStale)
}

// again gives the reply of before, or makes it again when it cannot be read.
func (e *Engine) again(ctx context.Context, m Message, record []byte, ev *Event) (Reply, error) {
	r, err := e.replay(record, ev)
	if err == nil {
		return r, nil
	}
	ev.Degraded = true
	e.o.Log.Warn("answering again", slog.Any("error", err))
	if r, _, err = e.respond(ctx, m, nil); err == nil {
		e.once.remember(m.ID, encodeRecord(m, r))
	}
	return r, err
}

// commit saves a turn, now or when the store is back. It reports whether the turn has to be
// begun again, because another one was saved first.
func (e *Engine) commit(ctx context.Context, m Message, version uint64, k commit, p *patience, ev *Event) (again bool, err error) {
	for {
		err := e.state.Commit(ctx, m.Conversation(), k.id, k.attempt, version, k.session, k.record)
		switch {
		case errors.Is(err, ErrStale) || errors.Is(err, ErrClaimLost):
			return true, nil
		case err == nil:
			e.member.reached(nil)
			e.versions.Add(m.Conversation().Key(), nextVersion(version, k.session))
			return false, nil
		}
		e.member.reached(err)
		if p.goOn(ctx) {
			continue
		}
		if p.engine.member.silentFor() > 0 { // ctx has ended, and the reply is not given
			return false, errors.Join(ErrElsewhere, ctx.Err())
		}
		ev.Degraded = true
		e.o.Log.Warn("reply given but not saved yet", slog.Any("error", err))
		e.keep(m, version, true, k)
		return false, nil
	}
}
