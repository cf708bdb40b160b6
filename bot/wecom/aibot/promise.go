package aibot

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"golang.org/x/time/rate"
)

// promise is an answer that the platform has not acknowledged yet.
type promise struct {
	requestID string // of the message it answers
	streamID  string
	chatID    string
	group     bool
	text      string
	made      time.Time
}

// stream is the finished stream that answers the message.
func (p *promise) stream() any {
	r := streamReply{MsgType: "stream"}
	r.Stream.ID, r.Stream.Finish, r.Stream.Content = p.streamID, true, p.text
	return r
}

// message is the answer as a message of its own.
func (p *promise) message() any {
	kind := 1
	if p.group {
		kind = 2
	}
	return map[string]any{"chatid": p.chatID, "chat_type": kind, "msgtype": "markdown", "markdown": text{p.text}}
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

func (l *promises) add(p *promise) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = append(l.open, p)
	l.open = l.open[max(0, len(l.open)-maxPromised):]
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

// limits keep to the platform's 30 messages a minute and 1,000 an hour in one
// conversation (page 101463).
type limits struct {
	mu    sync.Mutex
	chats *expirable.LRU[string, [2]*rate.Limiter]
}

// maxLimited bounds the conversations whose pace is remembered.
const maxLimited = 10_000

func newLimits() *limits {
	return &limits{chats: expirable.NewLRU[string, [2]*rate.Limiter](maxLimited, nil, time.Hour)}
}

// wait returns when one more message may be sent.
func (l *limits) wait(ctx context.Context, chat string) error {
	l.mu.Lock()
	pace, ok := l.chats.Get(chat)
	if !ok {
		pace = [2]*rate.Limiter{rate.NewLimiter(rate.Every(2*time.Second), 30), rate.NewLimiter(rate.Every(3600*time.Millisecond), 1000)}
		l.chats.Add(chat, pace)
	}
	l.mu.Unlock()
	for _, p := range pace {
		if err := p.Wait(ctx); err != nil {
			return err
		}
	}
	return nil
}
