// Package redisstore keeps conversations, answered messages and tokens in Redis, so
// that several replicas share them: a single server, Sentinel or Cluster. It keeps
// the contract of package storetest and knows nothing of what it stores.
//
// Redis may be slow or gone at any time: every call is bounded, nothing is retried
// here, and a breaker keeps a dead server from costing each message its wait.
//
// Read store.go first (State and Tokens), then scripts.go, unanswered.go (Misses), url.go, client.go.
package redisstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"aeobot/bot"
)

// Options of a Store. The zero value works.
type Options struct {
	// SessionTTL is how long a conversation is remembered after its last turn.
	//
	// default: 30 minutes
	SessionTTL time.Duration
	// RecordTTL is how long a message counts as answered.
	//
	// default: 2 hours
	RecordTTL time.Duration
	// UnansweredTTL is how long a question without an answer is kept after it was
	// asked last.
	//
	// default: 90 days
	UnansweredTTL time.Duration
	// KeyPrefix begins every key.
	//
	// default: "aeobot:"
	KeyPrefix string
	// StepTimeout bounds one call to Redis.
	//
	// default: 100 milliseconds
	StepTimeout time.Duration
	// AllowInsecure permits a plain connection without password to another host.
	AllowInsecure bool
	// Log is told of damaged values and of a Redis that is set up to lose data.
	//
	// default: discard
	Log *slog.Logger
}

func (o *Options) setDefaults() {
	if o.SessionTTL <= 0 {
		o.SessionTTL = 30 * time.Minute
	}
	if o.RecordTTL <= 0 {
		o.RecordTTL = 2 * time.Hour
	}
	if o.UnansweredTTL <= 0 {
		o.UnansweredTTL = 90 * 24 * time.Hour
	}
	if o.KeyPrefix == "" {
		o.KeyPrefix = "aeobot:"
	}
	if o.StepTimeout <= 0 {
		o.StepTimeout = 100 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Store is a client of Redis. It may be used by many at once.
type Store struct {
	o       Options
	client  redis.UniversalClient
	advised atomic.Bool // the server's own settings were looked at
}

// Open makes a client from a URL. It does not dial: Redis may come later.
func Open(url string, o Options) (*Store, error) {
	o.setDefaults()
	target, err := readURL(url, o.AllowInsecure)
	if err != nil {
		return nil, err
	}
	return &Store{o: o, client: target.client(o.StepTimeout)}, nil
}

// Kind names the store for people.
func (*Store) Kind() string { return "redis" }

// Close ends the connections.
func (s *Store) Close() error {
	if err := s.client.Close(); err != nil {
		return fmt.Errorf("redisstore: close: %w", err)
	}
	return nil
}

// The keys of one conversation share a hash tag, so that in a Cluster they lie in
// one slot and one script can touch them all.
func (s *Store) sessionKey(c bot.Conversation) string {
	return s.o.KeyPrefix + "{" + c.Key() + "}:session"
}

func (s *Store) messageKey(c bot.Conversation, id string) string {
	return s.o.KeyPrefix + "{" + c.Key() + "}:message:" + id
}

// step bounds one call.
func (s *Store) step(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, s.o.StepTimeout)
}

// maxValueBytes bounds what is read back: whoever else writes to this Redis must
// not be able to fill our memory.
const maxValueBytes = 256 << 10

var errDamaged = errors.New("redisstore: value is damaged")

// Begin claims the message and loads the session, in one round trip; see bot.State.
func (s *Store) Begin(ctx context.Context, c bot.Conversation, id, attempt string, lease time.Duration) (bot.Turn, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	keys := []string{s.sessionKey(c)}
	if id != "" {
		keys = append(keys, s.messageKey(c, id))
	}
	answer, err := beginScript.Run(ctx, s.client, keys, attempt, lease.Milliseconds()).StringSlice()
	if err != nil {
		return bot.Turn{}, s.failed("begin", err)
	}
	if len(answer) != 3 {
		return bot.Turn{}, fmt.Errorf("redisstore: begin: %w", errDamaged)
	}
	return s.turn(answer[0], answer[1], answer[2])
}

// turn reads the script's answer: who may answer, the record, the session.
func (s *Store) turn(claim, record, session string) (bot.Turn, error) {
	var t bot.Turn
	switch claim {
	case "mine":
	case "running":
		t.Claim = bot.Running
	case "answered":
		t.Claim, t.Record = bot.Answered, []byte(record)
	default:
		return bot.Turn{}, fmt.Errorf("redisstore: begin: %w", errDamaged)
	}
	if session == "" {
		return t, nil
	}
	version, decoded, err := decodeSession(session)
	if err != nil {
		s.o.Log.Warn("stored session is damaged and counts as absent", slog.Any("error", err))
	}
	// The version stays, damaged or not: the next save must replace this value.
	t.Session, t.Version = decoded, version
	return t, nil
}

// maxVersionDigits is what numbers in Redis's scripts hold exactly.
const maxVersionDigits = 15

// A session is stored as version ":" JSON.
func decodeSession(value string) (version uint64, session bot.Session, err error) {
	number, data, ok := strings.Cut(value, ":")
	version, err = strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || len(number) > maxVersionDigits || len(data) > maxValueBytes {
		return 0, bot.Session{}, errDamaged
	}
	if err := json.Unmarshal([]byte(data), &session); err != nil {
		return version, bot.Session{}, errDamaged
	}
	return version, session, nil
}

// Commit saves the session and marks the message answered, in one atomic round
// trip; see bot.State.
func (s *Store) Commit(ctx context.Context, c bot.Conversation, id, attempt string, version uint64, session *bot.Session, record []byte) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	keys := []string{s.sessionKey(c)}
	if id != "" {
		keys = append(keys, s.messageKey(c, id))
	}
	value := ""
	if session != nil {
		data, err := json.Marshal(session)
		if err != nil {
			return fmt.Errorf("redisstore: commit: %w", err)
		}
		value = strconv.FormatUint(version+1, 10) + ":" + string(data)
	}
	answer, err := commitScript.Run(ctx, s.client, keys, attempt, strconv.FormatUint(version, 10), value,
		s.o.SessionTTL.Milliseconds(), record, s.o.RecordTTL.Milliseconds()).Text()
	if err != nil {
		return s.failed("commit", err)
	}
	switch answer {
	case "ok":
		return nil
	case "stale":
		return bot.ErrStale
	case "lost":
		return bot.ErrClaimLost
	}
	return fmt.Errorf("redisstore: commit: %w", errDamaged)
}

func (s *Store) tokenKey(name string) string { return s.o.KeyPrefix + "token:" + name }

// Token gives a shared credential; see bot.Tokens.
func (s *Store) Token(ctx context.Context, name string) (string, time.Time, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	value, err := s.client.Get(ctx, s.tokenKey(name)).Result()
	if errors.Is(err, redis.Nil) {
		return "", time.Time{}, nil
	}
	if err != nil {
		return "", time.Time{}, s.failed("token", err)
	}
	millis, token, ok := strings.Cut(value, ":")
	expires, err := strconv.ParseInt(millis, 10, 64)
	if !ok || err != nil || len(token) > maxValueBytes {
		s.o.Log.Warn("stored token is damaged and counts as absent")
		return "", time.Time{}, nil
	}
	return token, time.UnixMilli(expires), nil
}

// SaveToken replaces what is stored; see bot.Tokens.
func (s *Store) SaveToken(ctx context.Context, name, token string, expires time.Time) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	life := time.Until(expires)
	if life <= 0 {
		return s.failed("save token", s.client.Del(ctx, s.tokenKey(name)).Err())
	}
	return s.failed("save token", s.client.Set(ctx, s.tokenKey(name), tokenValue(token, expires), life).Err())
}

func tokenValue(token string, expires time.Time) string {
	return strconv.FormatInt(expires.UnixMilli(), 10) + ":" + token
}

// DropToken removes the token only if it is still that one; see bot.Tokens.
func (s *Store) DropToken(ctx context.Context, name, token string) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	return s.failed("drop token", dropScript.Run(ctx, s.client, []string{s.tokenKey(name)}, token).Err())
}

// Check is nil when reading and writing work. It writes, because a replica that is
// read-only or a memory that is full still reads.
func (s *Store) Check(ctx context.Context) error {
	step, cancel := s.step(ctx)
	defer cancel()
	if err := s.client.Set(step, s.o.KeyPrefix+"check", 1, time.Minute).Err(); err != nil {
		return s.failed("check", err)
	}
	s.advise(ctx)
	return nil
}

// failed names the step. Errors of go-redis hold addresses, never passwords.
func (s *Store) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	s.reload(err)
	return fmt.Errorf("redisstore: %s: %w", what, err)
}

// advise looks once at the server's own settings and warns of those that lose what
// is stored.
func (s *Store) advise(ctx context.Context) {
	if !s.advised.CompareAndSwap(false, true) {
		return
	}
	settings := map[string]string{}
	for _, name := range []string{"appendonly", "maxmemory-policy"} {
		step, cancel := s.step(ctx)
		values, err := s.client.ConfigGet(step, name).Result()
		cancel()
		if err != nil {
			return // hosted servers forbid CONFIG; then there is nothing to say
		}
		settings[name] = values[name]
	}
	if settings["appendonly"] == "no" {
		s.o.Log.Warn("Redis keeps no append-only file: a restart forgets conversations and answered messages; set appendonly yes")
	}
	if strings.HasPrefix(settings["maxmemory-policy"], "allkeys-") {
		s.o.Log.Warn("Redis may evict what must be kept; set maxmemory-policy noeviction", slog.String("policy", settings["maxmemory-policy"]))
	}
}
