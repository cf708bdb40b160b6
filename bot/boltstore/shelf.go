package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"

	"aeobot/bot"
)

func shelfKey(kind, id string) string { return kind + "\x00" + id }

// item reads what is on the shelf; its value is the version, then the data.
func (s *Store) item(tx *bbolt.Tx, key, id string) bot.Item {
	value, ok := s.get(tx, shelf, key)
	if !ok || len(value) < 8 {
		return bot.Item{ID: id}
	}
	return bot.Item{ID: id, Data: value[8:], Version: binary.BigEndian.Uint64(value)}
}

// Put keeps an item; see bot.Shelf.
func (s *Store) Put(ctx context.Context, kind, id string, data []byte, was uint64, keep time.Duration) error {
	key := shelfKey(kind, id)
	return s.w.do(ctx, func(tx *bbolt.Tx) error {
		if s.item(tx, key, id).Version != was {
			return bot.ErrStale
		}
		if keep <= 0 {
			return tx.Bucket(shelf).Delete([]byte(key))
		}
		value := append(binary.BigEndian.AppendUint64(nil, was+1), data...)
		return tx.Bucket(shelf).Put([]byte(key), seal(s.o.Now().Add(keep), value))
	})
}

// Get gives an item; see bot.Shelf.
func (s *Store) Get(ctx context.Context, kind, id string) (i bot.Item, err error) {
	if err := ctx.Err(); err != nil {
		return i, err
	}
	err = s.view(func(tx *bbolt.Tx) error {
		i = s.item(tx, shelfKey(kind, id), id)
		return nil
	})
	return i, err
}

// Items lists a kind; see bot.Shelf.
func (s *Store) Items(ctx context.Context, kind string) (all []bot.Item, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	prefix := []byte(shelfKey(kind, ""))
	err = s.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(shelf).Cursor()
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			if i := s.item(tx, string(k), string(k[len(prefix):])); i.Version > 0 {
				all = append(all, i)
			}
		}
		return nil
	})
	return all, err
}
