package redisstore

import (
	"context"
	"errors"
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
	err := s.each(ctx, "{*}:message:*", func(key string) error {
		if tag, _, _ := strings.Cut(strings.TrimPrefix(key, s.o.KeyPrefix+"{"), "}"); !mine[tag] {
			return nil
		}
		return remove(key)
	})
	return int(gone.Load()), s.failed("forget", err)
}

// errFound ends a search.
var errFound = errors.New("found")

// Conversations reports whether there are any, or replies.
func (s *Store) Conversations(ctx context.Context) (bool, error) {
	for _, pattern := range []string{"{*}:session", "{*}:message:*"} {
		err := s.each(ctx, pattern, func(string) error { return errFound })
		if err != nil {
			if errors.Is(err, errFound) {
				return true, nil
			}
			return false, s.failed("conversations", err)
		}
	}
	return false, nil
}

// ForgetTasks removes tasks; see bot.Forgetter. They are looked for among all keys.
func (s *Store) ForgetTasks(ctx context.Context, gone func(bot.Task) bool) (int, error) {
	var n atomic.Int64
	err := s.each(ctx, "{journal:*}:task:*", func(key string) error {
		queue, id, ok := strings.Cut(strings.TrimPrefix(key, s.o.KeyPrefix+"{journal:"), "}:task:")
		if !ok {
			return nil
		}
		f, err := s.client.HGetAll(ctx, key).Result()
		if err != nil && !redis.HasErrorPrefix(err, "WRONGTYPE") {
			return err
		}
		if !gone(task(queue, id, f["data"], f["at"], f["holders"])) {
			return nil
		}
		n.Add(1)
		if err := s.client.Del(ctx, key).Err(); err != nil {
			return err
		}
		return s.client.ZRem(ctx, s.openKey(queue), id).Err()
	})
	return int(n.Load()), s.failed("forget", err)
}

// each calls do with the keys that fit a pattern, of all nodes of a Cluster at once.
func (s *Store) each(ctx context.Context, pattern string, do func(key string) error) error {
	sweep := func(ctx context.Context, node redis.UniversalClient) error {
		for cursor := uint64(0); ; {
			keys, next, err := node.Scan(ctx, cursor, literally(s.o.KeyPrefix)+pattern, scanned).Result()
			if err != nil {
				return err
			}
			for _, key := range keys {
				if err := do(key); err != nil {
					return err
				}
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	}
	if cluster, ok := s.client.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return sweep(ctx, node) })
	}
	return sweep(ctx, s.client)
}

// literally is a pattern that only a text itself fits.
func literally(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(text)
}
