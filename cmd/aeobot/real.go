package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/ledger"
	"aeobot/bot/terminal"
	"aeobot/configs"
	"aeobot/index"
	"aeobot/index/eval"
	"aeobot/knowledge"
)

// maxReal is how many of the questions that people asked the gate asks: those asked most
// often. Some four seconds for both states.
const maxReal = 2000

// questionsKept is the ledger of what people ask.
func questionsKept(c configs.Config, s bot.Shelf, log *slog.Logger) *ledger.Ledger[bot.Question] {
	return ledger.New[bot.Question](s, "questions", c.Questions.TTL, log)
}

// realQuestion is one that people asked, however they spaced it.
type realQuestion struct {
	key, text string
	count     int
	last      time.Time
}

// id names it among the judged questions.
func (q realQuestion) id() string { return "real-" + q.key[:8] }

// distinct are the questions of a ledger, those asked most often first, then the latest; at
// most maxReal.
func distinct(ctx context.Context, l *ledger.Ledger[bot.Question]) ([]realQuestion, error) {
	known := map[string]realQuestion{}
	err := l.Each(ctx, time.Time{}, func(at time.Time, asked bot.Question) {
		q := realQuestion{key: asked.Key(), text: asked.Text}
		if before, there := known[q.key]; there {
			q = before
		}
		q.count++
		if at.After(q.last) {
			q.last, q.text = at, asked.Text
		}
		known[q.key] = q
	})
	if err != nil {
		return nil, err
	}
	all := slices.SortedFunc(maps.Values(known), func(x, y realQuestion) int {
		return cmp.Or(cmp.Compare(y.count, x.count), y.last.Compare(x.last), cmp.Compare(x.key, y.key))
	})
	return all[:min(len(all), maxReal)], nil
}

// askedByPeople reads what people asked, from the command line. Without a shared store it is a
// running serve that has them: then it fails with boltstore.ErrInUse.
func askedByPeople(ctx context.Context, c configs.Config) (all []realQuestion, err error) {
	if c.Questions.TTL == 0 {
		return nil, nil
	}
	if c.Redis.URL.Reveal() == "" {
		if _, err := os.Stat(filepath.Join(c.DataDir, "aeobot.db")); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	s, err := openStore(c, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return distinct(ctx, questionsKept(c, s, nil))
}

// notAsked says why the questions people asked are left out, or gives the error back.
func notAsked(err error) (string, error) {
	if errors.Is(err, boltstore.ErrInUse) {
		return "没有评测大家真实问过的问题：内置存储由运行中的 serve 占用。要评测它们，在群里或控制台提议，或先停下 serve。", nil
	}
	return "", fmt.Errorf("the questions people asked cannot be read, so nothing was judged: %w", err)
}

// realWorse asks what people asked of both states and gives what came out worse: what was
// answered and is not any more, or whose leading measure is not shown any more. What the
// new state teaches is judged by whoever teaches it.
func realWorse(ctx context.Context, questions []realQuestion, was, is *knowledge.Library, tick func()) (worse []eval.Difference, err error) {
	if len(questions) == 0 {
		return nil, nil
	}
	before, err := askReal(ctx, questions, was, tick)
	if err != nil {
		return nil, err
	}
	after, err := askReal(ctx, questions, is, tick)
	if err != nil {
		return nil, err
	}
	taught := newAsks(was, is)
	for i, q := range questions {
		b, a := before[i], after[i]
		if len(b.Shown) == 0 || taught[q.key] || slices.ContainsFunc(a.Shown, func(s bot.Shown) bool {
			return s.ID == b.Shown[0].ID || s.Text == b.Shown[0].Text // it may stand elsewhere now
		}) {
			continue
		}
		worse = append(worse, eval.Difference{ID: q.id(), Question: q.text, Before: names(b, was), After: names(a, is)})
	}
	return worse, nil
}

// askReal gives the replies of a state to questions, each asked by somebody new.
func askReal(ctx context.Context, questions []realQuestion, l *knowledge.Library, tick func()) (all []bot.Reply, err error) {
	live := &index.Live{}
	if err := swapIn(ctx, live, l, index.Options{}); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, live.Swap(nil)) }()
	engine := bot.New(live, nil, judging)
	for _, q := range questions {
		tick()
		r, err := engine.Answer(ctx, bot.Message{Text: q.text, Surface: terminal.Surface})
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// newAsks are the ways to ask that a state has and another had not, by key.
func newAsks(was, is *knowledge.Library) map[string]bool {
	asks := map[string]bool{}
	each := func(l *knowledge.Library, f func(key string)) {
		for _, d := range l.Documents {
			for _, s := range d.Sections {
				for _, a := range s.Ask {
					f(bot.Question{Text: a}.Key())
				}
			}
		}
		for _, p := range l.Passages() {
			for _, a := range p.Notes.Ask {
				f(bot.Question{Text: a}.Key())
			}
		}
	}
	each(is, func(key string) { asks[key] = true })
	each(was, func(key string) { delete(asks, key) })
	return asks
}

// names are what judged questions call what a reply shows.
func names(r bot.Reply, l *knowledge.Library) (all []string) {
	for _, s := range r.Shown {
		name := s.ID
		if p, ok := l.Passage(s.ID); ok && p.Name != "" {
			name = p.Name
		}
		all = append(all, name)
	}
	return all
}
