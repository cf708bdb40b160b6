package boltstore

import (
	"context"
	"time"
)

// Lease takes or renews a lease; see bot.Leases. Only one process can have the file
// open, so that it is enough to keep leases in memory.
func (s *Store) Lease(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if held, ok := s.leases[name]; ok && held.attempt != holder && now.Before(held.until) {
		return false, nil
	}
	s.leases[name] = claim{holder, now.Add(life)}
	return true, nil
}

// Release gives a lease up; see bot.Leases.
func (s *Store) Release(ctx context.Context, name, holder string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[name].attempt == holder {
		delete(s.leases, name)
	}
	return ctx.Err()
}
