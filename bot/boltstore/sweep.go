package boltstore

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"go.etcd.io/bbolt"
)

const (
	sweepEvery = time.Minute
	// sweepStep bounds the entries looked at in one transaction, so that a sweep
	// never holds up a reply.
	sweepStep = 500
)

// sweep removes what has expired, a step at a time, until Close.
func (s *Store) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ended:
			return
		case <-tick.C:
			s.sweepAll()
		}
	}
}

func (s *Store) sweepAll() {
	s.sweepClaims()
	for _, bucket := range buckets {
		var from []byte
		for more := true; more; {
			err := s.w.do(context.Background(), func(tx *bbolt.Tx) (err error) {
				from, more, err = s.sweepSome(tx.Bucket(bucket), from)
				return err
			})
			if err != nil {
				s.o.Log.Warn("expired entries not removed", slog.Any("error", err))
				return
			}
		}
	}
}

// sweepSome looks at some entries from a key on and returns where to go on.
func (s *Store) sweepSome(b *bbolt.Bucket, from []byte) (next []byte, more bool, err error) {
	var expired [][]byte
	cursor := b.Cursor()
	key, value := cursor.Seek(from)
	for n := 0; key != nil && n < sweepStep; n++ {
		if _, expires, err := unseal(value); err != nil || !s.o.Now().Before(expires) {
			expired = append(expired, bytes.Clone(key))
		}
		key, value = cursor.Next()
	}
	next = bytes.Clone(key)
	for _, k := range expired {
		if err := b.Delete(k); err != nil {
			return nil, false, err
		}
	}
	return next, next != nil, nil
}

// sweepClaims forgets claims of attempts that never came back.
func (s *Store) sweepClaims() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, c := range s.claims {
		if s.o.Now().Sub(c.until) > s.o.RecordTTL {
			delete(s.claims, key)
		}
	}
}
