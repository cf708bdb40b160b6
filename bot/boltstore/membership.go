package boltstore

import (
	"context"
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"

	"aeobot/bot"
)

// epochKey is the one key of the members' bucket: only one process owns the file.
const epochKey = "epoch"

// Members gives the epoch; see bot.Membership.
func (s *Store) Members(ctx context.Context, _ string, before time.Time) (bot.Members, error) {
	known := bot.Members{Now: s.o.Now().Truncate(time.Millisecond), Exclusive: true, Noted: !before.IsZero()}
	if err := ctx.Err(); err != nil {
		return known, err
	}
	return known, s.view(func(tx *bbolt.Tx) error {
		known.Epoch, known.Began = s.epoch(tx)
		return nil
	})
}

// epoch is stored with the millisecond it began at.
func (s *Store) epoch(tx *bbolt.Tx) (number uint64, began time.Time) {
	v, ok := s.get(tx, members, epochKey)
	if !ok || len(v) != 16 {
		return 0, time.Time{}
	}
	return binary.BigEndian.Uint64(v), time.UnixMilli(int64(binary.BigEndian.Uint64(v[8:])))
}

// epochLife is longer than anything else is kept.
const epochLife = 100 * 365 * 24 * time.Hour

// Expel begins a new epoch, with doubt; see bot.Membership.
func (s *Store) Expel(ctx context.Context, _ string, _ time.Time, doubt bool, _ time.Time) error {
	if !doubt {
		return ctx.Err()
	}
	return s.w.do(ctx, func(tx *bbolt.Tx) error {
		last, _ := s.epoch(tx)
		next := binary.BigEndian.AppendUint64(nil, last+1)
		next = binary.BigEndian.AppendUint64(next, uint64(s.o.Now().UnixMilli()))
		return tx.Bucket(members).Put([]byte(epochKey), seal(s.o.Now().Add(epochLife), next))
	})
}

// Leave does nothing: there is nobody else.
func (s *Store) Leave(context.Context, string) error { return nil }
