package bot_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/index"
)

// hourly stands for a search on a machine so busy that it takes an hour: one that must be
// over before is given up, at once.
type hourly struct{ *index.Generation }

func (h hourly) Search(ctx context.Context, text string) (index.Decision, error) {
	if until, limited := ctx.Deadline(); limited && time.Until(until) < time.Hour {
		return index.Decision{}, context.DeadlineExceeded
	}
	return h.Generation.Search(ctx, text)
}

// TestOnlyWhoWaitsHasALimit: without SearchWithin a search takes as long as it takes, and
// ends when whoever wants it gives up.
func TestOnlyWhoWaitsHasALimit(t *testing.T) {
	slow := bot.Options{}.WithSearcher(func(g *index.Generation) bot.Searcher { return hourly{g} })
	l := live(t)
	if r := answer(t, bot.New(l, nil, slow), bot.Message{Text: "能免担保吗"}); !r.Answered {
		t.Errorf("without a limit: %q", r.Text)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bot.New(l, nil, slow).Answer(gone, bot.Message{Text: "能免担保吗"}); !errors.Is(err, context.Canceled) {
		t.Errorf("after it was called off: %v", err)
	}
	slow.SearchWithin = time.Minute
	if _, err := bot.New(l, nil, slow).Answer(t.Context(), bot.Message{Text: "能免担保吗"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a limit: %v", err)
	}
	if r, err := bot.New(l, nil, slow).Compose(t.Context(), bot.Message{Text: "能免担保吗"}, "之前问的："); err != nil || !r.Answered {
		t.Errorf("an answer that comes later: %v, %q", err, r.Text)
	}
}
