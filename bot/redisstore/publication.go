package redisstore

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"aeobot/bot"
)

func (s *Store) publishedKey(number int) string {
	return s.o.KeyPrefix + "{published}:" + strconv.Itoa(number)
}

func (s *Store) latestKey() string { return s.o.KeyPrefix + "{published}:latest" }

// digestsKey is a hash of the states' digests by number. Releases that do not know it
// announce states without.
func (s *Store) digestsKey() string { return s.o.KeyPrefix + "{published}:digests" }

func (s *Store) stagedKey(digest string) string {
	return s.o.KeyPrefix + "{published}:staged:" + digest
}

// announceScript keeps a state under its number unless that is taken, or the state before
// is another one. What is there without a digest gets it.
//
// KEYS: state, latest, digests. ARGV: data, number, digest, digest of the state before.
// Returns 1 when it is the one that is kept.
var announceScript = redis.NewScript(`
local n = tonumber(ARGV[2])
local known = redis.call('HGET', KEYS[3], ARGV[2])
if known and known ~= ARGV[3] then return 0 end
local have = redis.pcall('GET', KEYS[1])
if type(have) ~= 'string' then
  if n > 1 and redis.call('HGET', KEYS[3], tostring(n - 1)) ~= ARGV[4] then return 0 end
  redis.call('SET', KEYS[1], ARGV[1])
elseif not known and have ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[3], ARGV[2], ARGV[3])
local latest = tonumber(redis.call('GET', KEYS[2]) or '0') or 0
if n > latest then redis.call('SET', KEYS[2], ARGV[2]) end
return 1
`)

// replaceScript puts staged states in the place of the announced ones when the last of
// these is the expected one.
//
// KEYS: latest, digests, the state after the expected last one, then each new state and
// where it is staged, then each state that goes. ARGV: number and digest of the expected last state, number before the first new
// state, then the new digests. Returns 1 when it was done, 0 when others have announced
// meanwhile, -1 when a staged state is gone.
var replaceScript = redis.NewScript(`
local was = tonumber(ARGV[1])
if (redis.call('HGET', KEYS[2], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if redis.call('EXISTS', KEYS[3]) == 1 then return 0 end
local n = #ARGV - 3
for i = 1, n do
  if redis.call('EXISTS', KEYS[3 + 2 * i]) == 0 then return -1 end
end
for i = 4 + 2 * n, #KEYS do redis.call('DEL', KEYS[i]) end
for i = tonumber(ARGV[3]) + 1, was do redis.call('HDEL', KEYS[2], tostring(i)) end
for i = 1, n do
  redis.call('RENAME', KEYS[3 + 2 * i], KEYS[2 + 2 * i])
  redis.call('PERSIST', KEYS[2 + 2 * i])
  redis.call('HSET', KEYS[2], tostring(ARGV[3] + i), ARGV[3 + i])
end
redis.call('SET', KEYS[1], tostring(ARGV[3] + n))
return 1
`)

// digestsScript gives the digests by number, empty ones for states without. The digest of a
// state that is lost goes, so that the state can be announced again.
//
// KEYS: latest, digests. ARGV: prefix of states.
var digestsScript = redis.NewScript(`
local known, last = {}, tonumber(redis.call('GET', KEYS[1]) or '0') or 0
if redis.call('EXISTS', ARGV[1] .. string.format('%.0f', last)) == 0 then last = 0 end
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  local n = tonumber(all[i]) or 0
  if n > 0 and redis.call('EXISTS', ARGV[1] .. all[i]) == 1 then
    known[n] = all[i + 1]
  else
    redis.call('HDEL', KEYS[2], all[i])
  end
  if n > last then last = n end
end
for n = 1, last do known[n] = known[n] or '' end
return known
`)

const (
	// publishTimeout bounds a call that carries a whole state: some hundred kilobytes.
	publishTimeout = 5 * time.Second
	// stagedFor is how long states wait that are to take the place of others.
	stagedFor = time.Hour
)

// Announce makes a state known to all replicas; see bot.Publications.
func (s *Store) Announce(ctx context.Context, a bot.Announcement) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	keys := []string{s.publishedKey(a.Number), s.latestKey(), s.digestsKey()}
	kept, err := announceScript.Run(ctx, s.client, keys, a.State, a.Number, a.Digest, a.Before).Bool()
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

// Digests are those of the announced states; see bot.Publications. A foreign value under
// one of the keys counts as none: announcing puts it right.
func (s *Store) Digests(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	all, err := digestsScript.Run(ctx, s.client, []string{s.latestKey(), s.digestsKey()}, s.o.KeyPrefix+"{published}:").StringSlice()
	return all, s.failed("digests", err)
}

// Replace puts states in the place of the announced ones; see bot.Publications. They are
// staged first, one after the other, so that all change places in one moment.
func (s *Store) Replace(ctx context.Context, was []string, states []bot.Announcement) (bool, error) {
	if len(states) == 0 || len(was) == 0 {
		return false, errors.New("redisstore: replace: nothing to replace, or nothing to put there")
	}
	keys, from := []string{s.latestKey(), s.digestsKey(), s.publishedKey(len(was) + 1)}, states[0].Number
	args := []any{len(was), was[len(was)-1], from - 1}
	for _, a := range states {
		if err := s.stage(ctx, a); err != nil {
			return false, err
		}
		keys = append(keys, s.publishedKey(a.Number), s.stagedKey(a.Digest))
		args = append(args, a.Digest)
	}
	for n := from; n <= len(was); n++ {
		keys = append(keys, s.publishedKey(n))
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	done, err := replaceScript.Run(ctx, s.client, keys, args...).Int()
	if done < 0 {
		return false, errors.New("redisstore: replace: Redis has lost what was staged; see that it has memory, and try again")
	}
	return done == 1, s.failed("replace", err)
}

func (s *Store) stage(ctx context.Context, a bot.Announcement) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	return s.failed("stage", s.client.Set(ctx, s.stagedKey(a.Digest), a.State, stagedFor).Err())
}
