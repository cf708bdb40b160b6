package redisstore

import (
	"context"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"

	"aeobot/bot"
)

// scanned is how many keys are looked at in one call.
const scanned = 1000

// Forget removes conversations and their replies; see bot.Forgetter. The replies are looked
// for among all keys.
func (s *Store) Forget(ctx context.Context, all []bot.Conversation) (int, error) {
	mine := map[string]bool{}
	var gone atomic.Int64
	remove := func(key string) error {
		n, err := s.client.Del(ctx, key).Result()
		gone.Add(n)
		return err
	}
	for _, c := range all {
		mine[c.Key()] = true
		if err := remove(s.sessionKey(c)); err != nil {
			return int(gone.Load()), s.failed("forget", err)
		}
	}
	sweep := func(ctx context.Context, node redis.UniversalClient) error {
		for cursor := uint64(0); ; {
			keys, next, err := node.Scan(ctx, cursor, literally(s.o.KeyPrefix)+"{*}:message:*", scanned).Result()
			if err != nil {
				return err
			}
			for _, key := range keys {
				tag, _, _ := strings.Cut(strings.TrimPrefix(key, s.o.KeyPrefix+"{"), "}")
				if !mine[tag] {
					continue
				}
				if err := remove(key); err != nil {
					return err
				}
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	}
	var err error
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return sweep(ctx, node) })
	} else {
		err = sweep(ctx, s.client)
	}
	return int(gone.Load()), s.failed("forget", err)
}

// literally is a pattern that only a text itself fits.
func literally(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}
