package aibot

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"aeobot/bot"
)

// ConnectionOptions of a Connection. URL, BotID and Secret must be set; the rest has
// defaults.
type ConnectionOptions struct {
	URL    string // wss://…
	BotID  string
	Secret string
	// Name, Names, Cards, Log, Wording and Late as in Options.
	Name    string
	Names   bot.Shelf
	Cards   bool
	Log     *slog.Logger
	Wording Wording
	Late    Late
	// Journal keeps what was promised through a crash and for the next owner.
	//
	// default: what is in hand is lost with the process
	Journal bot.Journal
	// Count is told what happens (Outcome…).
	//
	// default: nobody
	Count func(outcome string)
	// Refused is told the code of each frame and late answer that the platform refused, and
	// what is done about it: a class of the table in codes.go, or given_up.
	//
	// default: nobody
	Refused func(code int, done string)
	// Pushed is told what became of each push. It may not wait for long.
	//
	// default: nobody
	Pushed func(bot.Outcome)
	Times  Times
	// Now is the clock, and Sleep waits for the platform: before connecting again, and before
	// saying again what it refused.
	//
	// default: time.Now, and a timer
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration)
}

// Times are the waits of a Connection. The zero value is right; tests shorten them.
type Times struct {
	// Heartbeat is the time between pings. After two without an answer the
	// connection counts as dead.
	//
	// default: 30 seconds (page 101463)
	Heartbeat time.Duration
	// Ack is how long an answer to a frame may take. The official SDK waits as long.
	//
	// default: 5 seconds
	Ack time.Duration
	// RetryMin and RetryMax bound the growing wait before connecting again. It starts anew
	// after a connection that was Steady: a gateway may close right after each login.
	//
	// default: 1 and 30 seconds, and 1 minute
	RetryMin, RetryMax, Steady time.Duration
	// LimitedMin and LimitedMax bound the growing wait when there were too many logins.
	//
	// default: 1 and 15 minutes
	LimitedMin, LimitedMax time.Duration
	// Displaced is how long to stay away after another connection took the place.
	//
	// default: 2 minutes
	Displaced time.Duration
	// Refused is how long to stay away after wrong credentials.
	//
	// default: 5 minutes
	Refused time.Duration
	// Lease is how long one replica owns the connection without renewing.
	//
	// default: 15 seconds
	Lease time.Duration
	// Place is when the asker is told that the answer is being looked for.
	//
	// default: 2 seconds
	Place time.Duration
	// Again is the wait before something is sent again that met a bad moment; it doubles.
	//
	// default: 300 milliseconds
	Again time.Duration
	// RateLimited is how long to wait when the platform says that there were too many.
	//
	// default: 1 minute, the platform's unit
	RateLimited time.Duration
	// Drain is how long a stop waits for answers in hand.
	//
	// default: 5 seconds
	Drain time.Duration
}

func (t *Times) setDefaults() {
	t.Heartbeat = cmp.Or(t.Heartbeat, 30*time.Second)
	t.Ack = cmp.Or(t.Ack, 5*time.Second)
	t.RetryMin = cmp.Or(t.RetryMin, time.Second)
	t.RetryMax = cmp.Or(t.RetryMax, 30*time.Second)
	t.Steady = cmp.Or(t.Steady, time.Minute)
	t.LimitedMin = cmp.Or(t.LimitedMin, time.Minute)
	t.LimitedMax = cmp.Or(t.LimitedMax, 15*time.Minute)
	t.Place = cmp.Or(t.Place, 2*time.Second)
	t.Again = cmp.Or(t.Again, 300*time.Millisecond)
	t.Displaced = cmp.Or(t.Displaced, 2*time.Minute)
	t.Refused = cmp.Or(t.Refused, 5*time.Minute)
	t.Lease = cmp.Or(t.Lease, 15*time.Second)
	t.RateLimited = cmp.Or(t.RateLimited, time.Minute)
	t.Drain = cmp.Or(t.Drain, 5*time.Second)
}

// What Count is told.
const (
	OutcomeConnected  = "connected"
	OutcomeLost       = "lost"      // the connection ended or fell silent
	OutcomeDisplaced  = "displaced" // another connection of the same bot took the place
	OutcomeRefused    = "refused"   // wrong bot id or secret
	OutcomeLimited    = "limited"   // too many logins
	OutcomeMessage    = "message"
	OutcomeBusy       = "busy" // came when there was no room, and was told to ask again
	OutcomeEvent      = "event"
	OutcomeUnreadable = "unreadable"
	OutcomePartly     = "partly_read" // a field was not what it should be, the rest was read
	OutcomeDelivered  = "delivered"
	OutcomePushed     = "pushed" // delivered as a message of its own, not as a reply
	OutcomeLate       = "late"   // delivered through the message's response_url
	OutcomeAgain      = "again"  // delivered with the remark that it may have arrived before
	OutcomeLeft       = "left"   // noted for the replica that has the connection now
	OutcomeRepeated   = "repeated"
	OutcomeGivenUp    = "given_up"
)

// Conditions of a Connection.
const (
	StateStandby    = "standby" // another replica has the connection
	StateConnecting = "connecting"
	StateReady      = "ready"
	StateDisplaced  = "displaced"
	StateRefused    = "refused"
	StateLimited    = "limited" // too many logins; the next comes in minutes
)

var (
	errRefused   = errors.New("aibot: bot id or secret refused (853000)")
	errDisplaced = errors.New("aibot: another connection of this bot took the place")
	errLimited   = errors.New("aibot: too many logins (45009)")
	errNotOwner  = errors.New("aibot: another replica has the connection")
	errSilent    = errors.New("aibot: two heartbeats without an answer")
	errStopped   = errors.New("aibot: stopped")

	errUnsubscribed = errors.New("aibot: the platform says that this connection is not logged in (846609)")
)

// Leases elect the one replica that has the connection: the platform allows one per
// bot and lets a second one displace the first.
type Leases interface {
	Lease(ctx context.Context, name, holder string, life time.Duration) (bool, error)
	Release(ctx context.Context, name, holder string) error
}

// Connection is the AI bot's long connection: no public address is needed. It
// connects while it owns the lease, answers what comes, and delivers an answer until
// the platform has acknowledged it.
type Connection struct {
	responder
	o        ConnectionOptions
	leases   Leases
	holder   string
	limits   *limits
	promised *promises
	kept     kept
	noting   sync.WaitGroup
	over     chan struct{} // closed when Run ends
	busy     *busy         // guarded by the session's lock
	state    atomic.Value  // string

	mu      sync.Mutex
	owned   time.Time // until when the lease is ours
	lastErr error     // of the last renewal
	away    time.Time // since when the store has given nothing but errors
}

// NewConnection makes a connection; Run opens it.
func NewConnection(a Answerer, l Leases, o ConnectionOptions) *Connection {
	o.Times.setDefaults()
	if o.Count == nil {
		o.Count = func(string) {}
	}
	if o.Refused == nil {
		o.Refused = func(int, string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	c := &Connection{responder: newResponder(a, o.Name, o.Cards, o.Wording, o.Log), o: o, leases: l, holder: rand.Text(),
		limits: newLimits(), promised: &promises{}, over: make(chan struct{}), busy: newBusy()}
	c.names.shelf = o.Names
	c.state.Store(StateConnecting)
	return c
}

// State tells how the connection is: one of the State constants.
func (c *Connection) State() string { return c.state.Load().(string) }

func (c *Connection) leaseName() string { return "aibot:" + c.o.BotID }

// Reach tells whether the gateway of the long connection can be reached. It does not
// log in, since that would displace the connection in use.
func Reach(ctx context.Context, url string) error {
	socket, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return fmt.Errorf("aibot: dial: %w", err)
	}
	return socket.CloseNow()
}

// Run keeps the connection until ctx ends, then finishes the answers in hand. It is
// called once.
func (c *Connection) Run(ctx context.Context) {
	defer func() {
		close(c.over)
		c.noting.Wait()
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := c.leases.Release(end, c.leaseName(), c.holder); err != nil {
			c.log.Warn("lease of the long connection not given up", slog.Any("error", err))
		}
	}()
	delay, limited := c.o.Times.RetryMin, c.o.Times.LimitedMin
	for ctx.Err() == nil {
		if !c.own(ctx) {
			c.become(StateStandby)
			sleep(ctx, jitter(c.o.Times.Lease/3))
			continue
		}
		c.become(StateConnecting)
		began := c.o.Now()
		loggedIn, err := c.session(ctx)
		if loggedIn {
			limited = c.o.Times.LimitedMin
		}
		if loggedIn && c.since(began) >= c.o.Times.Steady {
			delay = c.o.Times.RetryMin
		}
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errRefused):
			c.o.Count(OutcomeRefused)
			c.become(StateRefused)
			c.log.Error("the platform refuses the bot id or the secret of the long connection; check wecom.aibot.bot_id and wecom.aibot.secret")
			c.keepAway(ctx, c.o.Times.Refused)
		case errors.Is(err, errDisplaced):
			c.o.Count(OutcomeDisplaced)
			c.become(StateDisplaced)
			c.log.Error("another program connected as this bot; not fighting for the place", slog.Duration("wait", c.o.Times.Displaced))
			c.keepAway(ctx, c.o.Times.Displaced)
		case errors.Is(err, errLimited):
			c.o.Count(OutcomeLimited)
			c.become(StateLimited)
			c.log.Error("too many logins of the long connection (45009); is another program connecting as this bot?", slog.Duration("wait", limited))
			c.stayAway(ctx, jitter(limited))
			limited = min(2*limited, c.o.Times.LimitedMax)
		case errors.Is(err, errNotOwner):
			c.log.Warn("long connection handed over: the lease is another replica's")
		default:
			c.o.Count(OutcomeLost)
			c.log.Warn("long connection lost", slog.Any("error", err), slog.Duration("retry_in", delay))
			c.o.Sleep(ctx, jitter(delay))
			delay = min(2*delay, c.o.Times.RetryMax)
		}
	}
}

func (c *Connection) become(state string) { c.state.Store(state) }

// keepAway gives the lease up and waits, so that another replica may try at once.
func (c *Connection) keepAway(ctx context.Context, wait time.Duration) {
	if err := c.leases.Release(ctx, c.leaseName(), c.holder); err != nil {
		c.log.Warn("lease of the long connection not given up", slog.Any("error", err))
	}
	c.o.Sleep(ctx, jitter(wait))
}

// stayAway waits and keeps the lease: another replica's login would be one too many as well.
func (c *Connection) stayAway(ctx context.Context, wait time.Duration) {
	for step := c.o.Times.Lease / 3; wait > 0 && ctx.Err() == nil && c.own(ctx); wait -= step {
		c.o.Sleep(ctx, min(step, wait))
	}
}

// since is how long ago a moment was.
func (c *Connection) since(t time.Time) time.Duration { return c.o.Now().Sub(t) }

// own takes or renews the lease. When the store is away the owner stays owner, since
// nobody else can become it there, and the platform displaces one of two anyway;
// who is not owner waits a while.
func (c *Connection) own(ctx context.Context) bool {
	asked := time.Now()
	held, err := c.leases.Lease(ctx, c.leaseName(), c.holder, c.o.Times.Lease)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastErr = err
	switch {
	case err != nil:
		if c.away.IsZero() {
			c.away = asked
		}
		c.log.Warn("lease of the long connection not renewed", slog.Any("error", err))
		return !c.owned.IsZero() || time.Since(c.away) > storeAway*c.o.Times.Lease
	case held:
		c.owned = asked.Add(c.o.Times.Lease)
	default:
		c.owned = time.Time{}
	}
	c.away = time.Time{}
	return held
}

// storeAway is how many leases the store may be away before who owns nothing tries
// all the same: an unanswered company is worse than two replicas of which the
// platform keeps one, and the displaced one stays away.
const storeAway = 4

// mayAnswer tells whether this replica is still the owner. One that was frozen
// asks the store before it says anything.
func (c *Connection) mayAnswer(ctx context.Context) bool {
	c.mu.Lock()
	fresh := time.Now().Before(c.owned) || c.lastErr != nil
	c.mu.Unlock()
	if fresh {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteWithin)
	defer cancel()
	return c.own(ctx)
}

// session is one connection from dialling to its end. It tells whether it got as
// far as a login, and why it ended.
func (c *Connection) session(ctx context.Context) (loggedIn bool, err error) {
	dial, cancelDial := context.WithTimeout(ctx, 2*c.o.Times.Ack)
	defer cancelDial()
	socket, _, err := websocket.Dial(dial, c.o.URL, nil)
	if err != nil {
		return false, fmt.Errorf("aibot: dial: %w", err)
	}
	defer socket.CloseNow()
	// The connection outlives ctx by the answers in hand.
	open, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	s := &session{Connection: c, link: newLink(socket), end: end, order: bot.NewLanes(), open: open, inHand: map[string]struct{}{}}
	// Reading outlives the session: what has arrived when it ends is left to others.
	reading, stopReading := context.WithCancel(context.WithoutCancel(ctx))
	defer stopReading()
	read := make(chan struct{})
	go func() {
		defer close(read)
		end(s.read(reading, func(f frame) { s.handle(open, f) }, s.unreadable))
	}()
	if err := s.subscribe(open); err != nil {
		return false, err
	}
	c.become(StateReady)
	c.o.Count(OutcomeConnected)
	c.log.Info("long connection ready")
	go s.heartbeat(open)
	go s.renew(open)
	s.answers.Go(func() { s.deliverPromised(open) })
	s.answers.Go(func() { s.pushes(ctx, open) })
	select {
	case <-open.Done():
		s.stopTaking()
		s.readRest(read)
		if cause := s.cause(); errors.Is(cause, errDisplaced) || errors.Is(cause, errNotOwner) {
			s.answers.Wait()
			s.giveUp(ctx) // another has the connection
		}
	case <-ctx.Done():
		s.stopTaking()
		s.drain(c.o.Times.Drain)
		s.giveUp(open)
		end(errStopped)
		_ = socket.Close(websocket.StatusNormalClosure, "") // the platform may have gone first
	}
	s.answers.Wait()
	return true, s.cause()
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// jitter spreads a wait over three quarters to five quarters of it.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(mathrand.Int64N(int64(d/2)+1))
}
