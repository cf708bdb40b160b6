package aibot

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
)

// promise is a message to be answered, and the answer that the platform has not
// acknowledged yet.
type promise struct {
	// Kept in the journal.
	RequestID string          `json:"r"` // of the message it answers
	Message   json.RawMessage `json:"m"`
	// Placed is when the asker was told that it is being looked for; zero: was not.
	Placed time.Time `json:"p,omitzero"`

	in   incoming
	made time.Time
	said *spoken // nil: not answered yet
	busy bool    // said is that there was no room; others wait to be told so
	// doubt tells that the platform may have the answer although it did not say so.
	doubt bool
	// unanswered tells that the placeholder was not acknowledged, which may still come.
	unanswered bool
	// unnoted tells that the journal was away when the message came.
	unnoted bool
}

// taskID names the promise in the journal.
func (p *promise) taskID() string { return "m:" + p.in.MsgID }

// onRequest reports whether the answer may be a reply to its request: an event takes none.
func (p *promise) onRequest() bool { return p.in.MsgType != "event" && p.RequestID != "" }

// acks is how many acknowledgements are to come of what is sent on its request next.
func (p *promise) acks() int {
	if p.unanswered {
		return 2
	}
	return 1
}

// chatID is where the answer goes.
func (p *promise) chatID() string {
	if p.in.ChatID == "" {
		return p.in.From.UserID
	}
	return p.in.ChatID
}

// message is the answer as a message of its own.
func (p *promise) message(s spoken) markdownReply {
	m := late(s)
	m.ChatID, m.ChatType = p.chatID(), 1
	if p.in.ChatID != "" {
		m.ChatType = 2
	}
	return m
}

const (
	// maxPromised bounds the answers that wait for a connection, and promisedFor how
	// long one waits: replies are possible for a day.
	maxPromised = 1000
	promisedFor = 24 * time.Hour
)

// promises are the open ones, oldest first.
type promises struct {
	mu   sync.Mutex
	open []*promise
}

// add takes one in, and gives false when that message is among them.
func (l *promises) add(p *promise) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.open, func(o *promise) bool { return o != p && o.taskID() == p.taskID() }) {
		return false
	}
	if !slices.Contains(l.open, p) {
		l.open = append(l.open, p)
		l.open = l.open[max(0, len(l.open)-maxPromised):]
	}
	return true
}

func (l *promises) remove(p *promise) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = slices.DeleteFunc(l.open, func(o *promise) bool { return o == p })
}

// all are the open ones that are not too old to be of use.
func (l *promises) all() []*promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = slices.DeleteFunc(l.open, func(p *promise) bool { return time.Since(p.made) > promisedFor })
	return slices.Clone(l.open)
}

func (l *promises) count() int { return len(l.all()) }

// has tells whether a message is among the open ones.
func (l *promises) has(taskID string) bool {
	return slices.ContainsFunc(l.all(), func(p *promise) bool { return p.taskID() == taskID })
}

// limits keep to the platform's 30 messages a minute and 1,000 an hour in one
// conversation (page 101463), whichever minute or hour one looks at.
type limits struct {
	mu    sync.Mutex
	chats *expirable.LRU[string, []time.Time] // when the messages of the last hour went, and will go
}

const (
	perMinute = 30
	perHour   = 1000
	// maxLimited bounds the conversations whose pace is remembered.
	maxLimited = 10_000
)

func newLimits() *limits {
	return &limits{chats: expirable.NewLRU[string, []time.Time](maxLimited, nil, 2*time.Hour)}
}

// wait returns when one more message may be sent; who came first goes first.
func (l *limits) wait(ctx context.Context, chat string) error {
	delay := time.Until(l.reserve(chat, time.Now()))
	if delay <= 0 {
		return ctx.Err()
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(delay):
		return nil
	}
}

// reserve gives the moment at which one more message may be sent, and counts it.
func (l *limits) reserve(chat string, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	times, _ := l.chats.Get(chat)
	at := next(times, now)
	times = append(times, at)
	l.chats.Add(chat, slices.Clone(times[max(0, len(times)-perHour):]))
	return at
}

// free gives that moment without counting anything.
func (l *limits) free(chat string, now time.Time) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	times, _ := l.chats.Get(chat)
	return next(times, now)
}

// next gives the moment at which one more message may be sent after those.
func next(times []time.Time, now time.Time) time.Time {
	at := now
	for _, limit := range []struct {
		most   int
		within time.Duration
	}{{perMinute, time.Minute}, {perHour, time.Hour}} {
		if n := len(times); n >= limit.most {
			if free := times[n-limit.most].Add(limit.within); free.After(at) {
				at = free
			}
		}
	}
	return at
}
