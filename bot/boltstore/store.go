// Package boltstore keeps conversations, answered messages, tokens and unanswered questions
// in one bbolt file: the store of a single replica, with no server to run. It keeps the
// contract of package storetest and knows nothing of what it stores.
//
// Read store.go first (State and Tokens), then unanswered.go (Misses), write.go (group
// commit), open.go (what is checked before a file is trusted), value.go, sweep.go.
package boltstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"aeobot/bot"
)

// Options of a Store. The zero value works.
type Options struct {
	// NoSync leaves it to the system when what was written reaches the disk: for tests, which
	// lose nothing with the power.
	NoSync bool
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
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log is told of damaged values and of a full disk.
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
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

var (
	sessions = []byte("sessions") // conversation key → version, session
	records  = []byte("records")  // conversation key/message id → attempt, record
	tokens   = []byte("tokens")   // name → token

	unanswered = []byte("unanswered") // question key → bot.Unanswered
	journal    = []byte("journal")    // queue, 0, task id → entered
	cursors    = []byte("cursors")    // name → cursor
	feedback   = []byte("feedback")   // feedback key → bot.Feedback
	shelf      = []byte("shelf")      // kind, 0, id → version, data
	members    = []byte("members")    // "epoch" → number

	buckets = [][]byte{sessions, records, tokens, unanswered, journal, cursors, feedback, shelf, members}
)

// Store is a bbolt file in use. It may be used by many at once.
type Store struct {
	o    Options
	path string
	db   *bbolt.DB
	w    *writer
	// broken is set once the file was found to be damaged while in use. bbolt is then left
	// alone: a panic can leave its locks taken for ever.
	broken atomic.Bool

	mu     sync.Mutex
	claims map[string]claim // message key → who answers it; only one process owns the file
	leases map[string]claim // name → who has it
	tasks  map[string]claim // task key → who holds it
	ended  chan struct{}    // closed by Close
	swept  sync.WaitGroup
	once   sync.Once
}

type claim struct {
	attempt string
	until   time.Time
}

// Kind names the store for people.
func (*Store) Kind() string { return "bbolt" }

func messageKey(c bot.Conversation, id string) string { return c.Key() + "/" + id }

// Begin claims the message and loads the session; see bot.State.
func (s *Store) Begin(ctx context.Context, c bot.Conversation, id, attempt string, lease time.Duration) (bot.Turn, error) {
	if err := ctx.Err(); err != nil {
		return bot.Turn{}, err
	}
	var turn bot.Turn
	// The claim is made before the record is looked for: otherwise the owner could
	// answer and let go in between, and the message would be answered twice.
	if id != "" {
		turn.Claim = s.claim(messageKey(c, id), attempt, lease)
	}
	err := s.view(func(tx *bbolt.Tx) error {
		if session, version, ok := s.session(tx, c); ok {
			turn.Session, turn.Version = session, version
		}
		if id == "" {
			return nil
		}
		if r, ok := s.record(tx, messageKey(c, id)); ok {
			turn.Claim, turn.Record = bot.Answered, r.data
		}
		return nil
	})
	if err != nil || turn.Claim == bot.Answered {
		s.release(messageKey(c, id), attempt)
	}
	return turn, err
}

// claim takes a message unless another attempt holds an unexpired lease on it.
func (s *Store) claim(key, attempt string, lease time.Duration) bot.Claim {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	if held, ok := s.claims[key]; ok && held.attempt != attempt && now.Before(held.until) {
		return bot.Running
	}
	s.claims[key] = claim{attempt, now.Add(lease)}
	return bot.Mine
}

// owns tells whether attempt still holds the claim. A lease that ran out while
// nobody else took over does no harm.
func (s *Store) owns(key, attempt string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.claims[key].attempt == attempt
}

func (s *Store) release(key, attempt string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.claims[key].attempt == attempt {
		delete(s.claims, key)
	}
}

// Commit saves the session and marks the message answered, in one durable
// transaction; see bot.State.
func (s *Store) Commit(ctx context.Context, c bot.Conversation, id, attempt string, version uint64, session *bot.Session, record []byte) error {
	err := s.w.do(ctx, func(tx *bbolt.Tx) error {
		if id != "" {
			switch done, ok := s.record(tx, messageKey(c, id)); {
			case ok && done.attempt == attempt:
				return nil // said again by an attempt that did not hear the answer
			case ok, !s.owns(messageKey(c, id), attempt):
				return bot.ErrClaimLost
			}
		}
		if _, stored, _ := s.session(tx, c); stored != version {
			return bot.ErrStale
		}
		return s.put(tx, c, id, attempt, version, session, record)
	})
	if err == nil && id != "" {
		s.release(messageKey(c, id), attempt)
	}
	return err
}

// put writes both halves of a commit.
func (s *Store) put(tx *bbolt.Tx, c bot.Conversation, id, attempt string, version uint64, session *bot.Session, record []byte) error {
	key := []byte(c.Key())
	if session == nil {
		if err := tx.Bucket(sessions).Delete(key); err != nil {
			return err
		}
	} else {
		value, err := encodeSession(version+1, session)
		if err != nil {
			return err
		}
		if err := tx.Bucket(sessions).Put(key, seal(s.o.Now().Add(s.o.SessionTTL), value)); err != nil {
			return err
		}
	}
	if id == "" {
		return nil
	}
	value := encodeAttempt(attempt, record)
	return tx.Bucket(records).Put([]byte(messageKey(c, id)), seal(s.o.Now().Add(s.o.RecordTTL), value))
}

// session reads a conversation; a damaged or expired one counts as absent.
func (s *Store) session(tx *bbolt.Tx, c bot.Conversation) (bot.Session, uint64, bool) {
	value, ok := s.get(tx, sessions, c.Key())
	if !ok {
		return bot.Session{}, 0, false
	}
	session, version, err := decodeSession(value)
	if err != nil {
		s.o.Log.Warn("stored session is damaged and counts as absent", slog.Any("error", err))
		return bot.Session{}, 0, false
	}
	return session, version, true
}

func (s *Store) record(tx *bbolt.Tx, key string) (attempted, bool) {
	value, ok := s.get(tx, records, key)
	if !ok {
		return attempted{}, false
	}
	r, err := decodeAttempt(value)
	if err != nil {
		s.o.Log.Warn("stored reply is damaged and counts as absent", slog.Any("error", err))
		return attempted{}, false
	}
	return r, true
}

// get opens a value. The bytes are a copy: bbolt's own are gone with the transaction.
func (s *Store) get(tx *bbolt.Tx, bucket []byte, key string) ([]byte, bool) {
	raw := tx.Bucket(bucket).Get([]byte(key))
	if raw == nil {
		return nil, false
	}
	value, expires, err := unseal(raw)
	if err != nil {
		s.o.Log.Warn("stored value is damaged and counts as absent", slog.String("bucket", string(bucket)), slog.Any("error", err))
		return nil, false
	}
	if !s.o.Now().Before(expires) {
		return nil, false
	}
	return append([]byte(nil), value...), true
}

// Token gives a shared credential; see bot.Tokens.
func (s *Store) Token(ctx context.Context, name string) (token string, expires time.Time, err error) {
	if err := ctx.Err(); err != nil {
		return "", time.Time{}, err
	}
	err = s.view(func(tx *bbolt.Tx) error {
		raw := tx.Bucket(tokens).Get([]byte(name))
		value, ok := s.get(tx, tokens, name)
		if ok {
			token = string(value)
			_, expires, _ = unseal(raw) // get has just opened it
		}
		return nil
	})
	return token, expires, err
}

// SaveToken replaces what is stored; see bot.Tokens.
func (s *Store) SaveToken(ctx context.Context, name, token string, expires time.Time) error {
	return s.w.do(ctx, func(tx *bbolt.Tx) error { return tx.Bucket(tokens).Put([]byte(name), seal(expires, []byte(token))) })
}

// DropToken removes the token only if it is still that one; see bot.Tokens.
func (s *Store) DropToken(ctx context.Context, name, token string) error {
	return s.w.do(ctx, func(tx *bbolt.Tx) error {
		if value, ok := s.get(tx, tokens, name); !ok || string(value) != token {
			return nil
		}
		return tx.Bucket(tokens).Delete([]byte(name))
	})
}

// Check is nil when reading and writing work.
func (s *Store) Check(ctx context.Context) error {
	if err := s.view(func(*bbolt.Tx) error { return nil }); err != nil {
		return err
	}
	if err := s.w.failed(); err != nil {
		return s.w.do(ctx, func(*bbolt.Tx) error { return nil }) // it may work again
	}
	return nil
}

// view reads under the guards.
func (s *Store) view(read func(*bbolt.Tx) error) error {
	return s.guard(func() error { return s.db.View(read) })
}

// guard does something with the file, unless it is known to be damaged.
func (s *Store) guard(do func() error) error {
	if s.broken.Load() {
		return fmt.Errorf("boltstore: %s: %w", s.path, ErrDamaged)
	}
	err := guarded(do)
	if errors.Is(err, ErrDamaged) && s.broken.CompareAndSwap(false, true) {
		s.o.Log.Error("the store was damaged while in use; nothing is remembered until it is mended: stop, move the file away, start",
			slog.String("file", s.path), slog.Any("error", err))
	}
	return err
}

// Close ends the sweeper and the file.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		close(s.ended)
		s.swept.Wait()
		err = errors.Join(s.guard(s.db.Close), removeBallast(s.path))
	})
	return err
}
