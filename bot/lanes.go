package bot

import (
	"context"
	"sync"
)

// lanes let the messages of one conversation through one after the other, in the
// order they came, while conversations do not wait for each other.
type lanes struct {
	mu   sync.Mutex
	last map[string]chan struct{} // closed when the latest message of the lane is through
}

func newLanes() *lanes { return &lanes{last: map[string]chan struct{}{}} }

// enter waits for those before. A caller whose ctx ends first has left already; its
// place is kept until those before it are through.
func (l *lanes) enter(ctx context.Context, lane string) (leave func(), err error) {
	mine := make(chan struct{})
	l.mu.Lock()
	before := l.last[lane]
	l.last[lane] = mine
	l.mu.Unlock()
	leave = func() {
		l.mu.Lock()
		if l.last[lane] == mine {
			delete(l.last, lane)
		}
		l.mu.Unlock()
		close(mine)
	}
	if before == nil {
		return leave, nil
	}
	select {
	case <-before:
		return leave, nil
	case <-ctx.Done():
		go func() {
			<-before // ends when the turn before does, which its own deadline bounds
			leave()
		}()
		return nil, ctx.Err()
	}
}
