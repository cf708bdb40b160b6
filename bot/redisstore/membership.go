package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"aeobot/bot"
)

func (s *Store) membersKey() string { return s.o.KeyPrefix + "members" }

// Fields of the members' hash that name none; ids are longer.
const (
	epochField = "epoch"
	beganField = "began"
)

// errLate means that Redis took so long that the call may not be executed any more.
var errLate = errors.New("redisstore: executed too late, and so not done")

// Members gives the replicas, and confirms one of them; see bot.Membership.
func (s *Store) Members(ctx context.Context, id string, before time.Time) (bot.Members, error) {
	ctx, cancel := s.step(ctx)
	defer cancel()
	answer, err := membersScript.Run(ctx, s.client, []string{s.membersKey()}, id, millis(before)).StringSlice()
	if err != nil {
		return bot.Members{}, s.failed("members", err)
	}
	if len(answer) < 2 || len(answer)%2 != 0 {
		return bot.Members{}, fmt.Errorf("redisstore: members: %w", errDamaged)
	}
	known := bot.Members{Noted: answer[1] == "1", Confirmed: map[string]time.Time{}}
	answer[0], answer[1] = "", answer[0] // so that all are names with numbers
	for i := 0; i < len(answer); i += 2 {
		n, err := strconv.ParseUint(answer[i+1], 10, 63)
		if err != nil {
			return bot.Members{}, fmt.Errorf("redisstore: members: %w", errDamaged)
		}
		at := time.UnixMilli(int64(n))
		switch answer[i] {
		case "":
			known.Now = at
		case epochField:
			known.Epoch = n
		case beganField:
			known.Began = at
		default:
			known.Confirmed[answer[i]] = at
		}
	}
	return known, nil
}

// millis is a time as the scripts have it; 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Expel removes a replica that is gone; see bot.Membership.
func (s *Store) Expel(ctx context.Context, id string, confirmed time.Time, doubt bool, before time.Time) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	last, doubted := "", 0
	if !confirmed.IsZero() {
		last = strconv.FormatInt(confirmed.UnixMilli(), 10)
	}
	if doubt {
		doubted = 1
	}
	done, err := expelScript.Run(ctx, s.client, []string{s.membersKey()}, id, last, doubted, millis(before)).Bool()
	if err == nil && !done {
		err = errLate
	}
	return s.failed("expel", err)
}

// Leave removes a replica that ends; see bot.Membership.
func (s *Store) Leave(ctx context.Context, id string) error {
	ctx, cancel := s.step(ctx)
	defer cancel()
	return s.failed("leave", s.client.HDel(ctx, s.membersKey(), id).Err())
}
