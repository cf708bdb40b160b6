package redisstore

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

func (s *Store) publishedKey(number int) string {
	return s.o.KeyPrefix + "{published}:" + strconv.Itoa(number)
}

func (s *Store) latestKey() string { return s.o.KeyPrefix + "{published}:latest" }

// announceScript keeps a state under its number unless that is taken.
//
// KEYS: state, latest. ARGV: data, number. Returns 1 when it is the one that is kept.
var announceScript = redis.NewScript(`
local have = redis.pcall('GET', KEYS[1])
if type(have) == 'string' then return have == ARGV[1] and 1 or 0 end
redis.call('SET', KEYS[1], ARGV[1])
local latest = tonumber(redis.call('GET', KEYS[2]) or '0') or 0
if tonumber(ARGV[2]) > latest then redis.call('SET', KEYS[2], ARGV[2]) end
return 1
`)

// publishTimeout bounds a call that carries a whole state: some hundred kilobytes.
const publishTimeout = 5 * time.Second

// Announce makes a state known to all replicas; see bot.Publications.
func (s *Store) Announce(ctx context.Context, number int, state []byte) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	kept, err := announceScript.Run(ctx, s.client, []string{s.publishedKey(number), s.latestKey()}, state, number).Bool()
	return kept, s.failed("announce", err)
}

// Announced gives a state; see bot.Publications.
func (s *Store) Announced(ctx context.Context, number int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	data, err := s.client.Get(ctx, s.publishedKey(number)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return data, s.failed("announced", err)
}

// Latest is the highest number announced; see bot.Publications.
func (s *Store) Latest(ctx context.Context) (int, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	n, err := s.client.Get(ctx, s.latestKey()).Int()
	if errors.Is(err, redis.Nil) {
		return 0, nil
	}
	if number := (*strconv.NumError)(nil); errors.As(err, &number) {
		return 0, nil // a foreign value: announcing puts it right
	}
	return n, s.failed("latest", err)
}
