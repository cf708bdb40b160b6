package bot

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"
)

// Membership lets the replicas that share a State know of each other, so that none goes
// on from a session that another has made out of date without being able to save it.
// Every method may be called from many goroutines and returns soon after ctx ends.
type Membership interface {
	// Members gives who the members are, and confirms id as one of them unless before is
	// zero. A request can lie in the buffers of a stalled store for seconds: one that is
	// executed when the store's clock is past before changes nothing.
	Members(ctx context.Context, id string, before time.Time) (Members, error)
	// Expel removes a member that was confirmed last at that time, zero for one that is
	// none; with doubt it begins a new epoch. Nothing changes when the member was
	// confirmed since, or past before.
	Expel(ctx context.Context, id string, confirmed time.Time, doubt bool, before time.Time) error
	// Leave removes a member that ends.
	Leave(ctx context.Context, id string) error
}

// Members is what a store knows of the replicas.
type Members struct {
	// Now is the store's clock, in whole milliseconds.
	Now time.Time
	// Epoch counts how often sessions saved before may have been out of date.
	Epoch uint64
	// Began is when the epoch did; zero for the first.
	Began time.Time
	// Confirmed is when each member was confirmed last, before this call.
	Confirmed map[string]time.Time
	// Noted reports whether this call confirmed the one who called.
	Noted bool
	// Exclusive: the store belongs to one process, and nobody else can be a member.
	Exclusive bool
}

// turnstile is a lock that is held during calls of the store. It is a channel so that a model
// of many replicas sees that whoever waits for it waits.
type turnstile chan struct{}

func newTurnstile() turnstile { return make(turnstile, 1) }
func (t turnstile) Lock()     { t <- struct{}{} }
func (t turnstile) Unlock()   { <-t }

// How replicas watch each other. Whoever cannot reach the store says nothing for trustFor
// after it was confirmed last, and for trustFor after the store was first away, and only
// then answers without memory. So whoever was confirmed within trustFor has not. What a
// member answered without memory it saves before it is confirmed again.
const (
	confirmEvery  = 250 * time.Millisecond
	confirmWithin = 200 * time.Millisecond // beyond a call's timeout
	trustFor      = 2500 * time.Millisecond
	// unbroken is the longest gap of a member that has been in touch with the store all
	// the time: less than the store is away when somebody answers without memory, who may
	// have asked it last half a second before (the stores' breaker) and two calls' timeouts.
	unbroken = trustFor - 800*time.Millisecond
	// storeWait is how long a message waits for memory: about as long as the channels wait
	// before they say that an answer takes long.
	storeWait = trustFor
	// breakerWait is how long a store that is back may still not be asked.
	breakerWait = 750 * time.Millisecond
	// missingAfter is when a member that is not confirmed any more counts as gone, so that
	// a message of any moment before need not wait longer to know.
	missingAfter = trustFor + storeWait
)

// member is this replica among the others.
type member struct {
	store Membership
	id    string
	log   *slog.Logger

	// confirming is held while the store is told that all is saved, and to begin to answer
	// without memory, of which there is one at a time.
	confirming turnstile
	apart      int // messages that may be answered without memory

	mu       sync.Mutex
	known    Members
	sent     time.Time // when what is known was asked for
	received time.Time
	failed   bool      // the last call did
	away     time.Time // since when nothing but errors came of the store; zero: it is there
	silent   time.Time // nothing may be answered without memory before
	contact  time.Time // when any call of the store came back last
	since    time.Time // by the store's clock: begin of the unbroken contact; zero: broken
}

func newMember(store Membership, log *slog.Logger) *member {
	m := &member{store: store, id: rand.Text(), log: log, confirming: newTurnstile()}
	m.known.Exclusive = store == nil
	m.silent = time.Now().Add(trustFor)
	return m
}

// before is until when, by the store's clock, a call may be executed; zero when that clock
// is not known. known.Now had come when the answer was received, or earlier.
func (m *member) before(now time.Time) time.Time {
	if m.received.IsZero() {
		return time.Time{}
	}
	return m.known.Now.Add(now.Sub(m.received) + confirmWithin)
}

// reached notes whether the store could be.
func (m *member) reached(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case err == nil:
		if time.Since(m.contact) > unbroken {
			m.since = time.Time{}
		}
		m.away, m.contact = time.Time{}, time.Now()
	case m.away.IsZero():
		m.away = time.Now()
	}
}

// awayFor is for how long the store has given nothing but errors.
func (m *member) awayFor() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away.IsZero() {
		return 0
	}
	return time.Since(m.away)
}

// confirm tells the store that this replica is there and has saved all that it answered,
// unless something is being answered without memory.
func (m *member) confirm(ctx context.Context) error {
	m.confirming.Lock()
	defer m.confirming.Unlock()
	if m.apart > 0 {
		return nil
	}
	// After a failure the store is first asked what time it is: a call that may be executed
	// later would oblige to silence until then.
	if m.mustAsk() {
		if err := m.call(ctx, time.Time{}); err != nil {
			return err
		}
	}
	m.mu.Lock()
	now := time.Now()
	before := m.before(now)
	m.silent = now.Add(confirmWithin + trustFor)
	m.mu.Unlock()
	if err := m.call(ctx, before); err != nil {
		return err
	}
	return m.expelMissing(ctx)
}

func (m *member) mustAsk() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed || m.received.IsZero()
}

func (m *member) call(ctx context.Context, before time.Time) error {
	sent := time.Now()
	known, err := m.store.Members(ctx, m.id, before)
	m.reached(err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failed = err != nil; err != nil {
		return err
	}
	m.known, m.sent, m.received = known, sent, time.Now()
	if m.since.IsZero() {
		m.since = known.Now
	}
	return nil
}

// expelMissing removes members that are gone. One who was in touch with the store ever
// since knows that it was there, so that the missing one cannot have had to answer without
// memory. Anybody else gives such a one time to come back, and then doubts what was saved.
func (m *member) expelMissing(ctx context.Context) error {
	m.mu.Lock()
	known, since, before := m.known, m.since, m.before(time.Now())
	m.mu.Unlock()
	for id, at := range known.Confirmed {
		witness := since.Sub(at) <= unbroken // the missing one was in touch with it before
		awaited := known.Now.Sub(at)
		if !witness {
			awaited = known.Now.Sub(since) - 2*confirmEvery // a witness goes first
		}
		if id == m.id || awaited <= missingAfter {
			continue
		}
		m.log.Warn("a replica is gone", slog.Bool("conversations_in_doubt", !witness))
		if err := m.store.Expel(ctx, id, at, !witness, before); err != nil {
			return err
		}
	}
	return nil
}

// expel removes a member of which it is known whether all that it answered without memory
// is saved.
func (m *member) expel(ctx context.Context, id string, doubt bool) error {
	if m.mustAsk() {
		if err := m.call(ctx, time.Time{}); err != nil {
			return err
		}
	}
	m.mu.Lock()
	at, before := m.known.Confirmed[id], m.before(time.Now())
	m.mu.Unlock()
	return m.store.Expel(ctx, id, at, doubt, before)
}

// trusts reports whether no other replica can have answered without memory before a
// message came, and gives the epoch in which a session must have been saved.
func (m *member) trusts(came time.Time) (epoch uint64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.received.IsZero() && !m.known.Exclusive {
		return m.known.Epoch, false
	}
	oldest := m.known.Now
	for id, at := range m.known.Confirmed {
		if id != m.id && at.Before(oldest) {
			oldest = at
		}
	}
	until := m.sent.Add(oldest.Add(trustFor).Sub(m.known.Now))
	return m.known.Epoch, m.known.Exclusive || came.Before(until)
}

// stayApart keeps this replica from being confirmed until the function it gives is called.
func (m *member) stayApart() (done func()) {
	m.confirming.Lock()
	defer m.confirming.Unlock()
	m.apart++
	return func() {
		m.confirming.Lock()
		defer m.confirming.Unlock()
		m.apart--
	}
}

// newEpoch reports whether the epoch is so young that a conversation of which nothing is
// stored may have had something that was not.
func (m *member) newEpoch() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.known.Began.IsZero() && m.known.Now.Sub(m.known.Began) < newFor
}

// newFor is about as long as a conversation is remembered.
const newFor = 30 * time.Minute

// silentFor is how long nothing may be answered without memory yet.
func (m *member) silentFor() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known.Exclusive {
		return 0
	}
	until := m.silent
	if away := m.away.Add(trustFor); !m.away.IsZero() && away.After(until) {
		until = away
	}
	return time.Until(until)
}

// alone reports whether there can be no other replica.
func (m *member) alone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known.Exclusive
}
