package redisstore

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aeobot/bot"
)

// All keys of a kind share a hash tag: a set of its ids, and a hash each.
func (s *Store) shelfIDs(kind string) string { return s.o.KeyPrefix + "{shelf:" + kind + "}:ids" }
func (s *Store) shelfKey(kind, id string) string {
	return s.o.KeyPrefix + "{shelf:" + kind + "}:" + "item:" + id
}

// putScript keeps an item if its version is the one that was looked at.
//
// KEYS: item, ids. ARGV: id, data, version looked at, life in milliseconds (0: away).
var putScript = redis.NewScript(`
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then redis.call('DEL', KEYS[1]) end
local version = redis.call('HGET', KEYS[1], 'v') or '0'
if version ~= ARGV[3] then return 'stale' end
if ARGV[4] == '0' then
  redis.call('DEL', KEYS[1])
  redis.call('SREM', KEYS[2], ARGV[1])
  return 'ok'
end
redis.call('HSET', KEYS[1], 'v', string.format('%.0f', tonumber(version) + 1), 'd', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('SADD', KEYS[2], ARGV[1])
return 'ok'
`)

// itemsScript lists a kind, and forgets ids whose items have expired.
//
// KEYS: ids. ARGV: prefix of items. Returns id, version, data of each.
var itemsScript = redis.NewScript(`
local got = {}
for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local f = redis.pcall('HMGET', ARGV[1] .. id, 'v', 'd')
  if f.err or not f[1] then
    redis.call('SREM', KEYS[1], id)
  else
    got[#got + 1] = id
    got[#got + 1] = f[1]
    got[#got + 1] = f[2] or ''
  end
end
return got
`)

// Put keeps an item; see bot.Shelf.
func (s *Store) Put(ctx context.Context, kind, id string, data []byte, was uint64, keep time.Duration) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	answer, err := putScript.Run(ctx, s.client, []string{s.shelfKey(kind, id), s.shelfIDs(kind)},
		id, data, strconv.FormatUint(was, 10), max(keep.Milliseconds(), 0)).Text()
	if err != nil {
		return s.failed("put", err)
	}
	if answer == "stale" {
		return bot.ErrStale
	}
	return nil
}

// Get gives an item; see bot.Shelf.
func (s *Store) Get(ctx context.Context, kind, id string) (bot.Item, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	f, err := s.client.HMGet(ctx, s.shelfKey(kind, id), "v", "d").Result()
	if err != nil {
		if redis.HasErrorPrefix(err, "WRONGTYPE") {
			return bot.Item{ID: id}, nil // a foreign value counts as absent
		}
		return bot.Item{}, s.failed("get", err)
	}
	version, _ := f[0].(string)
	data, _ := f[1].(string)
	return item(id, version, data), nil
}

func item(id, version, data string) bot.Item {
	v, err := strconv.ParseUint(version, 10, 64)
	if err != nil {
		return bot.Item{ID: id}
	}
	return bot.Item{ID: id, Data: []byte(data), Version: v}
}

// Items lists a kind; see bot.Shelf.
func (s *Store) Items(ctx context.Context, kind string) ([]bot.Item, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	got, err := itemsScript.Run(ctx, s.client, []string{s.shelfIDs(kind)}, s.shelfKey(kind, "")).StringSlice()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, s.failed("items", err)
	}
	var all []bot.Item
	for f := range slices.Chunk(got, 3) {
		if len(f) == 3 {
			if i := item(f[0], f[1], f[2]); i.Version > 0 {
				all = append(all, i)
			}
		}
	}
	slices.SortFunc(all, func(x, y bot.Item) int { return strings.Compare(x.ID, y.ID) })
	return all, nil
}
