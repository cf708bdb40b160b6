package main

import (
	"context"
	"log/slog"
	"time"

	"aeobot/bot"
	"aeobot/bot/ledger"
)

// notices is what serve keeps in order to say something later: what people asked, for the
// gate, and who was shown what, for corrections.
type notices struct {
	questions *ledger.Ledger[bot.Question]
	given     *ledger.Ledger[bot.Given]
}

func (s *server) openNotices() notices {
	return notices{
		questions: questionsKept(s.settings, s.store, s.log),
		given:     ledger.New[bot.Given](s.store, "given", s.settings.Corrections.TTL, s.log),
	}
}

// runNotices runs what the notices need until ctx ends.
func (s *server) runNotices(ctx context.Context) {
	s.running.Go(func() { s.questions.Run(ctx) })
	s.running.Go(func() { s.given.Run(ctx) })
	s.running.Go(func() { s.correct(ctx) })
}

// pusher speaks first on a channel; nil: nobody can.
func (s *server) pusher(channel string) bot.Pusher {
	switch {
	case channel == "aibot" && s.long != nil:
		return s.long
	case channel == "aibot" && s.aibot != nil:
		return s.aibot
	case channel == "app" && s.app != nil:
		return s.app
	case channel == "kf" && s.kf != nil:
		return s.kf
	}
	return nil
}

const (
	// correctEvery is how often it is looked whether a version took something back.
	correctEvery = 2 * time.Second
	// settledAfter is how long after its publication a version is looked at: by then every
	// replica answers from it and has written down what it gave before.
	settledAfter = 8 * time.Second
	// tendEvery is how often it is looked for corrections that a replica which is gone was
	// to send.
	tendEvery = 5
)

// correct finds what published versions took back, and sees to it that people are told who
// are to be, until ctx ends.
func (s *server) correct(ctx context.Context) {
	if s.settings.Corrections.TTL <= 0 {
		return
	}
	seen, trouble := 0, ""
	for ticks := 0; ; ticks++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(correctEvery):
		}
		var err error
		if seen, err = s.takeBack(ctx, seen); err == nil && ticks%tendEvery == 0 {
			err = s.desk.Tend(ctx)
		}
		switch {
		case ctx.Err() != nil:
		case err == nil:
			trouble = ""
		case err.Error() != trouble: // said once, not every two seconds
			trouble = err.Error()
			s.log.Warn("corrections not looked after, trying again", slog.Any("error", err))
		}
	}
}

// takeBack looks at the versions since seen that are neither too young nor too old, and
// gives the last one it has looked at.
func (s *server) takeBack(ctx context.Context, seen int) (int, error) {
	folder, head := published(s.settings), int(s.version.Load())
	from := head
	for ; from > seen; from-- {
		v, err := folder.Get(from)
		if err != nil {
			return seen, err
		}
		if time.Since(v.At) > s.settings.Corrections.TTL {
			break
		}
	}
	for n := from + 1; n <= head; n++ {
		v, err := folder.Get(n)
		if err != nil {
			return seen, err
		}
		if time.Since(v.At) < settledAfter {
			return n - 1, nil
		}
		if err := s.desk.TakeBack(ctx, n, v.At); err != nil {
			return n - 1, err
		}
	}
	return head, nil
}
