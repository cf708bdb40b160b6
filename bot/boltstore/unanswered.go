package boltstore

import (
	"context"
	"encoding/json"
	"log/slog"

	"go.etcd.io/bbolt"

	"aeobot/bot"
)

// missed is an unanswered question as it is stored.
type missed struct {
	bot.Unanswered
	Messages []string `json:"messages"`
}

// Miss counts a question without an answer; see bot.Misses.
func (s *Store) Miss(ctx context.Context, m bot.Miss) error {
	return s.w.do(ctx, func(tx *bbolt.Tx) error {
		var u bot.Unanswered
		if value, ok := s.get(tx, unanswered, m.Key); ok {
			u = s.missed(value)
		}
		if !u.Add(m) {
			return nil
		}
		value, err := json.Marshal(missed{u, u.Messages})
		if err != nil {
			return err
		}
		return tx.Bucket(unanswered).Put([]byte(m.Key), seal(s.o.Now().Add(s.o.UnansweredTTL), value))
	})
}

// missed reads a stored question; a damaged one counts as never asked.
func (s *Store) missed(value []byte) bot.Unanswered {
	var k missed
	if err := json.Unmarshal(value, &k); err != nil {
		s.o.Log.Warn("stored unanswered question is damaged and counts as absent", slog.Any("error", err))
		return bot.Unanswered{}
	}
	k.Unanswered.Messages = k.Messages
	return k.Unanswered
}

// Unanswered lists the questions without an answer; see bot.Misses.
func (s *Store) Unanswered(ctx context.Context) ([]bot.Unanswered, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []bot.Unanswered
	err := s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(unanswered).ForEach(func(key, _ []byte) error {
			if value, ok := s.get(tx, unanswered, string(key)); ok {
				if u := s.missed(value); u.Count > 0 {
					list = append(list, u)
				}
			}
			return ctx.Err()
		})
	})
	bot.SortUnanswered(list)
	return list, err
}
