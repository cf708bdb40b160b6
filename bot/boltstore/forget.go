package boltstore

import (
	"bytes"
	"context"

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
