package main

import (
	"context"
	"errors"
	"fmt"

	"aeobot/bot/audit"
)

// settle does what a new state of the knowledge asks for: open questions that it answers
// are called solved. It also keeps this replica's audit log whole.
func (s *server) settle() func(context.Context) error {
	settled := "" // the fingerprint of the state that was settled with
	return func(ctx context.Context) error {
		parted := s.audit.Sync(ctx)
		if parted != nil && !errors.Is(parted, audit.ErrParted) {
			return parted
		}
		g, release, err := s.live.Acquire()
		if err != nil {
			return err
		}
		defer release()
		now := g.Library().Fingerprint
		if now == settled {
			return parted
		}
		if err := s.desk.Settle(ctx, g, fmt.Sprintf("版本 %d", s.version.Load())); err != nil {
			return err
		}
		settled = now
		return parted
	}
}
