package console

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// lately is something that takes long to put together and may be a little old: it is made
// by one at a time, and whoever looks meanwhile gets what was made before.
type lately[T any] struct {
	good time.Duration // how long it is good enough

	mu      sync.Mutex
	value   T
	at      time.Time
	working chan struct{} // ends when the work under way does; nil: none is
	err     error
}

// patience is how long a reader waits for what is made anew when there is an old one.
const patience = 50 * time.Millisecond

// get gives the value. load runs under the console's own time, since it may outlive the
// request.
func (l *lately[T]) get(ctx context.Context, c *Console, load func(ctx context.Context) (T, error)) (T, error) {
	l.mu.Lock()
	now, had := c.o.Now(), !l.at.IsZero()
	if had && now.Sub(l.at) < l.good {
		defer l.mu.Unlock()
		return l.value, nil
	}
	if l.working == nil {
		l.start(c, load)
	}
	working := l.working
	l.mu.Unlock()
	var enough <-chan time.Time
	if had {
		enough = time.After(patience)
	}
	select {
	case <-working:
	case <-enough:
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value, l.err
}

// start makes the value anew; l.mu is held.
func (l *lately[T]) start(c *Console, load func(ctx context.Context) (T, error)) {
	done := make(chan struct{})
	l.working = done
	c.work.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, requestTime)
		defer cancel()
		value, err := load(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.err, l.working = err, nil; err == nil {
			l.value, l.at = value, c.o.Now()
		} else {
			c.o.Log.Warn("console figures not put together", slog.Any("error", err))
		}
		close(done)
	})
}
