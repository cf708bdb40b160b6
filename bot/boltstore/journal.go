package boltstore

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"aeobot/bot"
)

// entered is a task as it is stored. Who holds it is in memory, since only one process
// can have the file open: after a restart nobody does.
type entered struct {
	Data    []byte    `json:"d,omitempty"`
	At      time.Time `json:"t"`
	Holders int       `json:"h"`
	Done    bool      `json:"x,omitempty"`
}

func taskKey(queue, id string) string { return queue + "\x00" + id }

// task reads a stored task; a damaged one counts as never entered.
func (s *Store) task(tx *bbolt.Tx, key string) (e entered, ok bool) {
	value, ok := s.get(tx, journal, key)
	if !ok {
		return e, false
	}
	if err := json.Unmarshal(value, &e); err != nil {
		s.o.Log.Warn("stored task is damaged and counts as absent", slog.Any("error", err))
		return entered{}, false
	}
	return e, true
}

// putTask stores a task until expires.
func putTask(tx *bbolt.Tx, key string, e entered, expires time.Time) error {
	value, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return tx.Bucket(journal).Put([]byte(key), seal(expires, value))
}

// changeTask stores an open task anew with the expiry it had.
func changeTask(tx *bbolt.Tx, key string, e entered) error {
	_, expires, err := unseal(tx.Bucket(journal).Get([]byte(key)))
	if err != nil {
		return err
	}
	return putTask(tx, key, e, expires)
}

// Enter notes a task; see bot.Journal.
func (s *Store) Enter(ctx context.Context, t bot.Task, holder string, lease, keep time.Duration) (fresh bool, err error) {
	key := taskKey(t.Queue, t.ID)
	err = s.w.do(ctx, func(tx *bbolt.Tx) error {
		if _, known := s.task(tx, key); known {
			return nil
		}
		fresh = true
		s.hold(key, holder, lease)
		return putTask(tx, key, entered{Data: t.Data, At: s.o.Now(), Holders: 1}, s.o.Now().Add(keep))
	})
	return fresh && err == nil, err
}

// hold makes holder the one who has the task.
func (s *Store) hold(key, holder string, lease time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks[key] = claim{holder, s.o.Now().Add(lease)}
}

// heldBy tells whether somebody holds the task, and whether it is holder.
func (s *Store) heldBy(key, holder string) (mine, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.tasks[key]
	return ok && c.attempt == holder, ok && s.o.Now().Before(c.until)
}

func opened(queue, id string, e entered) bot.Task {
	return bot.Task{Queue: queue, ID: id, Data: e.Data, Entered: e.At, Holders: e.Holders}
}

// Look gives an open task; see bot.Journal.
func (s *Store) Look(ctx context.Context, queue, id string) (t bot.Task, ok bool, err error) {
	if err := ctx.Err(); err != nil {
		return t, false, err
	}
	err = s.view(func(tx *bbolt.Tx) error {
		if e, known := s.task(tx, taskKey(queue, id)); known && !e.Done {
			t, ok = opened(queue, id, e), true
		}
		return nil
	})
	return t, ok, err
}

// Claim holds tasks that nobody holds; see bot.Journal.
func (s *Store) Claim(ctx context.Context, queue, holder string, n int, lease time.Duration) ([]bot.Task, error) {
	free, err := s.free(ctx, queue)
	if err != nil || len(free) == 0 {
		return nil, err
	}
	slices.SortFunc(free, func(x, y bot.Task) int { return x.Entered.Compare(y.Entered) })
	free = free[:min(n, len(free))]
	var mine []bot.Task
	err = s.w.do(ctx, func(tx *bbolt.Tx) error {
		for _, t := range free {
			key := taskKey(queue, t.ID)
			e, ok := s.task(tx, key)
			if _, held := s.heldBy(key, holder); !ok || e.Done || held {
				continue // somebody was quicker
			}
			e.Holders++
			s.hold(key, holder, lease)
			if err := changeTask(tx, key, e); err != nil {
				return err
			}
			mine = append(mine, opened(queue, t.ID, e))
		}
		return nil
	})
	return mine, err
}

// free lists open tasks that nobody holds.
func (s *Store) free(ctx context.Context, queue string) (free []bot.Task, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	prefix := queue + "\x00"
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(journal).Cursor()
		for k, _ := cursor.Seek([]byte(prefix)); k != nil && strings.HasPrefix(string(k), prefix); k, _ = cursor.Next() {
			e, ok := s.task(tx, string(k))
			if _, held := s.heldBy(string(k), ""); ok && !e.Done && !held {
				free = append(free, opened(queue, strings.TrimPrefix(string(k), prefix), e))
			}
		}
		return nil
	})
	return free, err
}

// Note replaces an open task's data; see bot.Journal.
func (s *Store) Note(ctx context.Context, queue, id, holder string, data []byte, lease time.Duration) error {
	key := taskKey(queue, id)
	return s.w.do(ctx, func(tx *bbolt.Tx) error {
		e, ok := s.task(tx, key)
		if mine, _ := s.heldBy(key, holder); !ok || e.Done || !mine {
			return bot.ErrClaimLost
		}
		e.Data = data
		s.hold(key, holder, lease)
		return changeTask(tx, key, e)
	})
}

// Done ends a task; see bot.Journal.
func (s *Store) Done(ctx context.Context, queue, id, holder string) error {
	key := taskKey(queue, id)
	return s.w.do(ctx, func(tx *bbolt.Tx) error {
		e, ok := s.task(tx, key)
		if !ok || e.Done {
			return nil
		}
		if mine, _ := s.heldBy(key, holder); !mine && holder != "" {
			return bot.ErrClaimLost
		}
		s.mu.Lock()
		delete(s.tasks, key)
		s.mu.Unlock()
		e.Data, e.Done = nil, true
		return changeTask(tx, key, e)
	})
}

// cursorLife is how long a cursor is kept after it was saved last: far longer than the
// platform keeps what it points into.
const cursorLife = 90 * 24 * time.Hour

// Cursor gives how far something was read; see bot.Cursors.
func (s *Store) Cursor(ctx context.Context, name string) (cursor string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	err = s.view(func(tx *bbolt.Tx) error {
		if value, ok := s.get(tx, cursors, name); ok {
			cursor = string(value)
		}
		return nil
	})
	return cursor, err
}

// SaveCursor keeps how far something was read; see bot.Cursors.
func (s *Store) SaveCursor(ctx context.Context, name, cursor string) error {
	return s.w.do(ctx, func(tx *bbolt.Tx) error {
		return tx.Bucket(cursors).Put([]byte(name), seal(s.o.Now().Add(cursorLife), []byte(cursor)))
	})
}

// Rate keeps a reader's opinion; see bot.Feedbacks.
func (s *Store) Rate(ctx context.Context, f bot.Feedback) error {
	return s.w.do(ctx, func(tx *bbolt.Tx) error {
		if f.Rating == bot.Withdrawn {
			return tx.Bucket(feedback).Delete([]byte(f.Key()))
		}
		value, err := json.Marshal(f)
		if err != nil {
			return err
		}
		return tx.Bucket(feedback).Put([]byte(f.Key()), seal(s.o.Now().Add(s.o.UnansweredTTL), value))
	})
}

// Feedback lists readers' opinions; see bot.Feedbacks.
func (s *Store) Feedback(ctx context.Context) ([]bot.Feedback, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []bot.Feedback
	err := s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(feedback).ForEach(func(key, _ []byte) error {
			value, ok := s.get(tx, feedback, string(key))
			var f bot.Feedback
			if ok && json.Unmarshal(value, &f) == nil {
				list = append(list, f)
			}
			return ctx.Err()
		})
	})
	bot.SortFeedback(list)
	return list, err
}
