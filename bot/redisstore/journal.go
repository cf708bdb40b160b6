package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"aeobot/bot"
)

// All keys of a queue share a hash tag: a sorted set of its open tasks by until when
// they are held, and a hash each. Leases run by Redis's clock, the only one that all
// replicas share.
func (s *Store) openKey(queue string) string { return s.o.KeyPrefix + "{journal:" + queue + "}:open" }
func (s *Store) taskKey(queue, id string) string {
	return s.o.KeyPrefix + "{journal:" + queue + "}:task:" + id
}

const luaNow = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`

// enterScript notes a task.
//
// KEYS: task, open tasks. ARGV: id, data, holder, lease, keep (milliseconds).
// Returns 1 when the task is new.
var enterScript = redis.NewScript(luaNow + `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' then return 0 end
if kind ~= 'none' then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'data', ARGV[2], 'holder', ARGV[3], 'holders', 1, 'at', string.format('%.0f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[4]), ARGV[1])
redis.call('PEXPIRE', KEYS[2], math.max(tonumber(ARGV[5]), redis.call('PTTL', KEYS[2])))
return 1
`)

// claimScript holds tasks that nobody holds.
//
// KEYS: open tasks. ARGV: prefix of tasks, holder, lease in milliseconds, most tasks.
// Returns id, data, at, holders of each.
var claimScript = redis.NewScript(luaNow + `
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[4])
local got = {}
for _, id in ipairs(ids) do
  local key = ARGV[1] .. id
  local f = redis.pcall('HMGET', key, 'data', 'at')
  if f.err or not f[1] then
    redis.call('ZREM', KEYS[1], id)
  else
    redis.call('HSET', key, 'holder', ARGV[2])
    local holders = redis.call('HINCRBY', key, 'holders', 1)
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), id)
    for _, v in ipairs({id, f[1], f[2] or '0', tostring(holders)}) do got[#got + 1] = v end
  end
end
return got
`)

// noteScript replaces an open task's data and holds it on.
//
// KEYS: task, open tasks. ARGV: id, data, holder, lease in milliseconds (0: give up).
var noteScript = redis.NewScript(luaNow + `
local f = redis.pcall('HMGET', KEYS[1], 'data', 'holder')
if f.err or not f[1] or f[2] ~= ARGV[3] then return 'lost' end
redis.call('HSET', KEYS[1], 'data', ARGV[2])
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[4]), ARGV[1])
return 'ok'
`)

// doneScript ends a task. KEYS: task, open tasks. ARGV: id, holder or "" for any.
var doneScript = redis.NewScript(`
local f = redis.pcall('HMGET', KEYS[1], 'data', 'holder')
if f.err or not f[1] then
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 'ok'
end
if f[2] ~= ARGV[2] and ARGV[2] ~= '' then return 'lost' end
redis.call('HDEL', KEYS[1], 'data', 'holder')
redis.call('ZREM', KEYS[2], ARGV[1])
return 'ok'
`)

// Enter notes a task; see bot.Journal.
func (s *Store) Enter(ctx context.Context, t bot.Task, holder string, lease, keep time.Duration) (bool, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	fresh, err := enterScript.Run(ctx, s.client, []string{s.taskKey(t.Queue, t.ID), s.openKey(t.Queue)},
		t.ID, t.Data, holder, lease.Milliseconds(), keep.Milliseconds()).Bool()
	return fresh, s.failed("enter", err)
}

// Look gives an open task; see bot.Journal.
func (s *Store) Look(ctx context.Context, queue, id string) (bot.Task, bool, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	fields, err := s.client.HGetAll(ctx, s.taskKey(queue, id)).Result()
	if err != nil {
		return bot.Task{}, false, s.failed("look", err)
	}
	data, open := fields["data"]
	return task(queue, id, data, fields["at"], fields["holders"]), open, nil
}

func task(queue, id, data, at, holders string) bot.Task {
	millis, _ := strconv.ParseInt(at, 10, 64) // a damaged time makes the task old, which is harmless
	n, _ := strconv.Atoi(holders)
	return bot.Task{Queue: queue, ID: id, Data: []byte(data), Entered: time.UnixMilli(millis), Holders: n}
}

// Claim holds tasks that nobody holds; see bot.Journal.
func (s *Store) Claim(ctx context.Context, queue, holder string, n int, lease time.Duration) ([]bot.Task, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	got, err := claimScript.Run(ctx, s.client, []string{s.openKey(queue)}, s.taskKey(queue, ""), holder, lease.Milliseconds(), n).StringSlice()
	if err != nil {
		return nil, s.failed("claim", err)
	}
	var tasks []bot.Task
	for f := range slices.Chunk(got, 4) {
		if len(f) == 4 {
			tasks = append(tasks, task(queue, f[0], f[1], f[2], f[3]))
		}
	}
	slices.SortStableFunc(tasks, func(x, y bot.Task) int { return x.Entered.Compare(y.Entered) })
	return tasks, nil
}

// Note replaces an open task's data; see bot.Journal.
func (s *Store) Note(ctx context.Context, queue, id, holder string, data []byte, lease time.Duration) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	answer, err := noteScript.Run(ctx, s.client, []string{s.taskKey(queue, id), s.openKey(queue)}, id, data, holder, lease.Milliseconds()).Text()
	return s.kept("note", answer, err)
}

// Done ends a task; see bot.Journal.
func (s *Store) Done(ctx context.Context, queue, id, holder string) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	answer, err := doneScript.Run(ctx, s.client, []string{s.taskKey(queue, id), s.openKey(queue)}, id, holder).Text()
	return s.kept("done", answer, err)
}

func (s *Store) kept(what, answer string, err error) error {
	if err == nil && answer == "lost" {
		return bot.ErrClaimLost
	}
	return s.failed(what, err)
}

func (s *Store) cursorKey(name string) string { return s.o.KeyPrefix + "cursor:" + name }

// cursorLife is how long a cursor is kept after it was saved last: far longer than the
// platform keeps what it points into.
const cursorLife = 90 * 24 * time.Hour

// Cursor gives how far something was read; see bot.Cursors.
func (s *Store) Cursor(ctx context.Context, name string) (string, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	cursor, err := s.client.Get(ctx, s.cursorKey(name)).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return cursor, s.failed("cursor", err)
}

// SaveCursor keeps how far something was read; see bot.Cursors.
func (s *Store) SaveCursor(ctx context.Context, name, cursor string) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	return s.failed("save cursor", s.client.Set(ctx, s.cursorKey(name), cursor, cursorLife).Err())
}

func (s *Store) ratedKey() string          { return s.o.KeyPrefix + "{feedback}:last" }
func (s *Store) rateKey(key string) string { return s.o.KeyPrefix + "{feedback}:" + key }

// maxFeedback bounds the opinions kept: beyond it the oldest go.
const maxFeedback = 10_000

// rateScript keeps or forgets an opinion.
//
// KEYS: opinion, list. ARGV: prefix of opinions, key, value or "" to forget, time,
// life (milliseconds), most opinions kept.
var rateScript = redis.NewScript(`
if ARGV[3] == '' then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[2])
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[5])
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', tonumber(ARGV[4]) - tonumber(ARGV[5]))
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[6])
if over > 0 then
  for _, key in ipairs(redis.call('ZRANGE', KEYS[2], 0, over - 1)) do redis.call('DEL', ARGV[1] .. key) end
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, over - 1)
end
return 0
`)

// Rate keeps a reader's opinion; see bot.Feedbacks.
func (s *Store) Rate(ctx context.Context, f bot.Feedback) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	value := []byte{}
	if f.Rating != bot.Withdrawn {
		data, err := json.Marshal(f)
		if err != nil {
			return s.failed("rate", err)
		}
		value = data
	}
	return s.failed("rate", rateScript.Run(ctx, s.client, []string{s.rateKey(f.Key()), s.ratedKey()}, s.rateKey(""), f.Key(), value,
		f.At.UnixMilli(), s.o.UnansweredTTL.Milliseconds(), maxFeedback).Err())
}

// Feedback lists readers' opinions; see bot.Feedbacks.
func (s *Store) Feedback(ctx context.Context) ([]bot.Feedback, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	keys, err := s.client.ZRange(ctx, s.ratedKey(), 0, -1).Result()
	if err != nil {
		return nil, s.failed("feedback", err)
	}
	var rows []*redis.StringCmd
	_, err = s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			rows = append(rows, p.Get(ctx, s.rateKey(key)))
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return nil, s.failed("feedback", err)
	}
	var list []bot.Feedback
	for _, row := range rows {
		var f bot.Feedback
		data, err := row.Bytes()
		if err != nil {
			continue // expired
		}
		if err := json.Unmarshal(data, &f); err != nil {
			s.o.Log.Warn("stored feedback is damaged and counts as absent", slog.Any("error", err))
			continue
		}
		list = append(list, f)
	}
	bot.SortFeedback(list)
	return list, nil
}
