package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// settleEvery is how often it is looked whether other knowledge is in force, and what
// other replicas took down.
const settleEvery = 2 * time.Second

// settle does what a new state of the knowledge asks for, until ctx ends: open questions
// that it answers are called solved. It also keeps this replica's audit log whole.
func (s *server) settle(ctx context.Context) {
	settled, trouble := "", ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(settleEvery):
		}
		err := s.audit.Sync(ctx)
		if err == nil {
			settled, err = s.settleOnce(ctx, settled)
		}
		switch {
		case ctx.Err() != nil:
		case err == nil:
			trouble = ""
		case err.Error() != trouble: // said once, not every two seconds
			trouble = err.Error()
			s.log.Warn("questions not settled, trying again", slog.Any("error", err))
		}
	}
}

// settleOnce settles the questions unless that was done with this state, and gives the
// fingerprint of the state they are settled with.
func (s *server) settleOnce(ctx context.Context, settled string) (string, error) {
	g, release, err := s.live.Acquire()
	if err != nil {
		return settled, err
	}
	defer release()
	now := g.Library().Fingerprint
	if now == settled {
		return settled, nil
	}
	note := fmt.Sprintf("版本 %d", s.version.Load())
	if err := s.desk.Settle(ctx, g, note); err != nil {
		return settled, err
	}
	return now, nil
}
