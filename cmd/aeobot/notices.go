package main

import (
	"context"

	"aeobot/bot"
	"aeobot/bot/ledger"
)

// notices is what serve keeps in order to say something later: what people asked, for the
// gate, and who was shown what.
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
}
