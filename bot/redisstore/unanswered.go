package redisstore

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aeobot/bot"
)

// maxUnanswered bounds the list: beyond it the question asked longest ago goes.
const maxUnanswered = 10_000

// All keys of the list share a hash tag, so that in a Cluster one script can touch
// them: a sorted set of the questions by when they were asked last, and a hash each.
func (s *Store) missesKey() string         { return s.o.KeyPrefix + "{unanswered}:last" }
func (s *Store) missKey(key string) string { return s.o.KeyPrefix + "{unanswered}:" + key }

// missScript counts a question.
//
// KEYS: question, list. ARGV: prefix of questions, key, now, life (milliseconds),
// message or "", words, channel, nearest, most questions kept, most messages kept.
// Returns how many questions were dropped because the list is full.
var missScript = redis.NewScript(`
local function field(name)
  local value = redis.pcall('HGET', KEYS[1], name)
  if type(value) == 'string' then return value end
  return ''
end
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then redis.call('DEL', KEYS[1]) end
local messages = field('messages')
if ARGV[5] ~= '' then
  if string.find(' ' .. messages .. ' ', ' ' .. ARGV[5] .. ' ', 1, true) then return 0 end
  local kept, n = ARGV[5], 1
  for m in string.gmatch(messages, '%S+') do
    if n >= tonumber(ARGV[10]) then break end
    kept = kept .. ' ' .. m
    n = n + 1
  end
  messages = kept
end
local channels = field('channels')
if not string.find('\n' .. channels .. '\n', '\n' .. ARGV[7] .. '\n', 1, true) then
  if channels ~= '' then channels = channels .. '\n' end
  channels = channels .. ARGV[7]
end
local count = (tonumber(field('count')) or 0) + 1
local first, last = tonumber(field('first')), tonumber(field('last'))
local now = tonumber(ARGV[3])
if not first or now < first then first = now end
if not last or now > last then last = now end
redis.call('HSET', KEYS[1], 'question', ARGV[6], 'nearest', ARGV[8], 'channels', channels, 'messages', messages,
  'count', string.format('%.0f', count), 'first', string.format('%.0f', first), 'last', string.format('%.0f', last))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], last, ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[4]))
local over = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[9])
if over <= 0 then return 0 end
local oldest = redis.call('ZRANGE', KEYS[2], 0, over - 1)
for _, key in ipairs(oldest) do redis.call('DEL', ARGV[1] .. key) end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, over - 1)
return over
`)

// maxMessages is how many messages of one question are remembered.
const maxMessages = 16

// Miss counts a question without an answer, in one round trip; see bot.Misses.
func (s *Store) Miss(ctx context.Context, m bot.Miss) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	dropped, err := missScript.Run(ctx, s.client, []string{s.missKey(m.Key), s.missesKey()}, s.missKey(""), m.Key, m.At.UnixMilli(),
		s.o.UnansweredTTL.Milliseconds(), m.Message, m.Question, m.Channel, m.Nearest, maxUnanswered, maxMessages).Int()
	if err != nil {
		return s.failed("miss", err)
	}
	if dropped > 0 {
		s.o.Log.Warn("the list of unanswered questions is full; the oldest went", slog.Int("dropped", dropped), slog.Int("kept", maxUnanswered))
	}
	return nil
}

// listTimeout bounds reading the whole list, which no reply waits for.
const listTimeout = 5 * time.Second

// Unanswered lists the questions without an answer; see bot.Misses.
func (s *Store) Unanswered(ctx context.Context) ([]bot.Unanswered, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	keys, err := s.client.ZRange(ctx, s.missesKey(), 0, -1).Result()
	if err != nil {
		return nil, s.failed("unanswered", err)
	}
	var rows []*redis.MapStringStringCmd
	_, err = s.client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			rows = append(rows, p.HGetAll(ctx, s.missKey(key)))
		}
		return nil
	})
	if err != nil && len(rows) == 0 {
		return nil, s.failed("unanswered", err)
	}
	var list []bot.Unanswered
	for i, row := range rows {
		fields, err := row.Result()
		switch {
		case redis.HasErrorPrefix(err, "WRONGTYPE"):
			s.o.Log.Warn("stored unanswered question is damaged and counts as absent")
			continue
		case err != nil:
			return nil, s.failed("unanswered", err)
		}
		if u, ok := readUnanswered(keys[i], fields); ok {
			list = append(list, u)
		}
	}
	bot.SortUnanswered(list)
	return list, nil
}

// readUnanswered reads a question's hash; one that has expired or is damaged is none.
func readUnanswered(key string, fields map[string]string) (bot.Unanswered, bool) {
	count, err := strconv.Atoi(fields["count"])
	first, ferr := strconv.ParseInt(fields["first"], 10, 64)
	last, lerr := strconv.ParseInt(fields["last"], 10, 64)
	if err != nil || ferr != nil || lerr != nil || count < 1 || len(fields["question"]) > maxValueBytes {
		return bot.Unanswered{}, false
	}
	u := bot.Unanswered{Key: key, Question: fields["question"], Count: count, First: time.UnixMilli(first), Last: time.UnixMilli(last), Nearest: fields["nearest"]}
	if c := fields["channels"]; c != "" {
		u.Channels = sortedLines(c)
	}
	return u, true
}

func sortedLines(s string) []string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return lines
}
