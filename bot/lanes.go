package bot

import (
	"context"
	"sync"
)

// Lanes let what belongs together happen one after the other, in the order it came,
// while lanes do not wait for each other.
type Lanes struct {
	mu   sync.Mutex
	last map[string]*Ticket // the latest of each lane that has anybody in it
}

// NewLanes makes empty lanes.
func NewLanes() *Lanes { return &Lanes{last: map[string]*Ticket{}} }

// Ticket is a place in a lane.
type Ticket struct {
	lanes  *Lanes
	lane   string
	before *Ticket // nil: nobody
	left   chan struct{}
}

// Queue takes the next place in a lane. It does not wait. The ticket's Leave must be
// called.
func (l *Lanes) Queue(lane string) *Ticket {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &Ticket{lanes: l, lane: lane, before: l.last[lane], left: make(chan struct{})}
	l.last[lane] = t
	return t
}

// Wait returns when all before have left, or with ctx's error.
func (t *Ticket) Wait(ctx context.Context) error {
	if t.before == nil {
		return nil
	}
	select {
	case <-t.before.left:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Leave gives the place up. Who leaves before their turn does not let those behind
// go ahead of those in front.
func (t *Ticket) Leave() {
	if t.before != nil {
		select {
		case <-t.before.left:
		default:
			go func() {
				<-t.before.left // ends when the one in front leaves
				t.leave()
			}()
			return
		}
	}
	t.leave()
}

func (t *Ticket) leave() {
	t.lanes.mu.Lock()
	if t.lanes.last[t.lane] == t {
		delete(t.lanes.last, t.lane)
	}
	t.before = nil // a long lane must not keep all its tickets
	t.lanes.mu.Unlock()
	close(t.left)
}
