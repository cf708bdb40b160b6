package boltstore

import (
	"bytes"
	"context"
	"strings"

	"go.etcd.io/bbolt"

	"aeobot/bot"
)

// Forget removes conversations and their replies; see bot.Forgetter.
func (s *Store) Forget(ctx context.Context, all []bot.Conversation) (n int, err error) {
	err = s.w.do(ctx, func(tx *bbolt.Tx) error {
		n = 0
		for _, c := range all {
			removed, err := forget(tx, c)
			if n += removed; err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

// Conversations reports whether there are any, or replies.
func (s *Store) Conversations(ctx context.Context) (some bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err = s.view(func(tx *bbolt.Tx) error {
		for _, b := range [][]byte{sessions, records} {
			if k, _ := tx.Bucket(b).Cursor().First(); k != nil {
				some = true
			}
		}
		return nil
	})
	return some, err
}

// ForgetTasks removes tasks; see bot.Forgetter.
func (s *Store) ForgetTasks(ctx context.Context, gone func(bot.Task) bool) (n int, err error) {
	err = s.w.do(ctx, func(tx *bbolt.Tx) error {
		n = 0
		var theirs []string
		cursor := tx.Bucket(journal).Cursor()
		for k, _ := cursor.First(); k != nil; k, _ = cursor.Next() {
			queue, id, _ := strings.Cut(string(k), "\x00")
			if e, ok := s.task(tx, string(k)); ok && gone(opened(queue, id, e)) {
				theirs = append(theirs, string(k))
			}
		}
		for _, key := range theirs {
			if err := tx.Bucket(journal).Delete([]byte(key)); err != nil {
				return err
			}
			s.mu.Lock()
			delete(s.tasks, key)
			s.mu.Unlock()
			n++
		}
		return nil
	})
	return n, err
}

func forget(tx *bbolt.Tx, c bot.Conversation) (n int, err error) {
	var replies [][]byte
	prefix := []byte(messageKey(c, ""))
	cursor := tx.Bucket(records).Cursor()
	for k, _ := cursor.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = cursor.Next() {
		replies = append(replies, bytes.Clone(k))
	}
	for _, k := range replies {
		if err := tx.Bucket(records).Delete(k); err != nil {
			return n, err
		}
		n++
	}
	key := []byte(c.Key())
	if tx.Bucket(sessions).Get(key) == nil {
		return n, nil
	}
	return n + 1, tx.Bucket(sessions).Delete(key)
}
