package redisstore

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// leaseScript takes or renews a lease. KEYS: lease. ARGV: holder, life in milliseconds.
var leaseScript = redis.NewScript(`
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'string' and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

// releaseScript gives a lease up. KEYS: lease. ARGV: holder.
var releaseScript = redis.NewScript(`
if redis.pcall('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
`)

func (s *Store) leaseKey(name string) string { return s.o.KeyPrefix + "lease:" + name }

// Lease takes or renews a lease; see bot.Leases.
func (s *Store) Lease(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	held, err := leaseScript.Run(ctx, s.client, []string{s.leaseKey(name)}, holder, life.Milliseconds()).Bool()
	if err != nil {
		return false, s.failed("lease", err)
	}
	return held, nil
}

// Release gives a lease up; see bot.Leases.
func (s *Store) Release(ctx context.Context, name, holder string) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	return s.failed("release", releaseScript.Run(ctx, s.client, []string{s.leaseKey(name)}, holder).Err())
}
