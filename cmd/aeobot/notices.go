package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"aeobot/bot"
	"aeobot/bot/ledger"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/versions"
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
	s.running.Go(func() { s.every(ctx, "corrections", s.correct()) })
	s.running.Go(func() { s.every(ctx, "wishes", s.grant()) })
	s.running.Go(func() { s.every(ctx, "proposals", s.desk.Tend) })
}

// notifyGroup tells the coordinators' group something, where there is one.
func (s *server) notifyGroup(ctx context.Context, id, markdown string) error {
	if s.robot == nil {
		return nil
	}
	return s.robot.Notify(ctx, id, markdown)
}

// pageLink is the address of a page of the console; empty when it is not known.
func (s *server) pageLink(path string) string {
	if s.settings.Console.BaseURL == "" {
		return ""
	}
	return strings.TrimSuffix(s.settings.Console.BaseURL, "/") + path
}

// every does something again and again until ctx ends, and says once what the trouble is.
func (s *server) every(ctx context.Context, what string, do func(context.Context) error) {
	trouble := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(noticeEvery):
		}
		err := do(ctx)
		switch {
		case ctx.Err() != nil:
		case err == nil:
			trouble = ""
		case err.Error() != trouble:
			trouble = err.Error()
			s.log.Warn("not looked after, trying again", slog.String("what", what), slog.Any("error", err))
		}
	}
}

// grant tells people what they wanted to know and the knowledge in force answers.
func (s *server) grant() func(context.Context) error {
	looks := 0
	return func(ctx context.Context) error {
		if looks++; looks%againEvery == 0 {
			s.desk.LookAgain()
		}
		g, release, err := s.live.Acquire()
		if err != nil {
			return err
		}
		defer release()
		return s.desk.Grant(ctx, g)
	}
}

// compose answers a question for somebody who asked it before, and keeps what is quoted as
// for any other answer.
func (s *server) compose(ctx context.Context, question, lead string, to bot.Address, surface bot.Surface) (bot.Reply, error) {
	r, err := s.engine.Compose(ctx, bot.Message{Text: question, Chat: to.Chat, Asker: to.Asker, Surface: surface}, lead)
	if err == nil && r.Answered {
		s.answers.observe(bot.Event{Channel: to.Channel, Act: r.Act, Quoted: r.Shown})
		s.given.Add(bot.GivenTo(to, r))
	}
	return r, err
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
	// noticeEvery is how often it is looked whether there is something to say.
	noticeEvery = 2 * time.Second
	// settledAfter is how long after its publication a version is looked at: by then every
	// replica answers from it and has written down what it gave before.
	settledAfter = 8 * time.Second
	// tendEvery is how many looks apart those are for corrections that a replica which is
	// gone was to send.
	tendEvery = 5
	// againEvery is how many looks apart those are for wishes that another process has
	// called solved: five minutes.
	againEvery = 150
)

// correct finds what published versions took back, and sees to it that people are told who
// are to be.
func (s *server) correct() func(context.Context) error {
	seen, looks := &lookedAt{asides: map[string]bool{}}, 0
	return func(ctx context.Context) (err error) {
		if s.settings.Corrections.TTL <= 0 {
			return nil
		}
		if err := errors.Join(s.takeBack(ctx, seen), s.takeBackAsides(ctx, seen)); err != nil {
			return err
		}
		if looks++; looks%tendEvery == 1 {
			return s.desk.TendRecalls(ctx)
		}
		return nil
	}
}

// lookedAt is which versions it is known of what they took back.
type lookedAt struct {
	number int    // up to this one
	digest string // of its record: another chain has the same numbers
	asides map[string]bool
}

// takeBack looks at the versions that were not looked at and are neither too young nor too
// old.
func (s *server) takeBack(ctx context.Context, seen *lookedAt) error {
	folder, head := published(s.settings), int(s.version.Load())
	if seen.number > 0 {
		if digest, err := folder.Digest(seen.number); err != nil || digest != seen.digest {
			seen.number = 0 // another chain was adopted
		}
	}
	from := head
	for ; from > seen.number; from-- {
		v, err := folder.Get(from)
		if err != nil {
			return err
		}
		if time.Since(v.At) > s.settings.Corrections.TTL {
			break
		}
	}
	for n := from + 1; n <= head; n++ {
		v, err := folder.Get(n)
		if err != nil || time.Since(v.At) < settledAfter {
			return err
		}
		digest, err := folder.Digest(n)
		if err != nil {
			return err
		}
		if err := s.desk.TakeBack(ctx, n, digest, v.At); err != nil {
			return err
		}
		seen.number, seen.digest = n, digest
	}
	return nil
}

// takeBackAsides looks at the versions that were set aside lately: what the last of them said
// was answered until then. What those before it said was taken back by the ones after them.
func (s *server) takeBackAsides(ctx context.Context, seen *lookedAt) error {
	asides, err := published(s.settings).Asides()
	if err != nil {
		return err
	}
	for _, aside := range asides {
		at, err := aside.SetAsideAt(china)
		if err != nil || seen.asides[aside.Root()] || time.Since(at) < settledAfter {
			continue // a folder without a time is not of ours
		}
		if time.Since(at) <= s.settings.Corrections.TTL {
			if err := s.takeBackAside(ctx, aside, at); err != nil {
				return err
			}
		}
		seen.asides[aside.Root()] = true
	}
	return nil
}

func (s *server) takeBackAside(ctx context.Context, aside *versions.Folder, at time.Time) error {
	v, digest, was, err := lastOf(aside)
	if err != nil {
		s.log.Warn("what was set aside cannot be read, and who was shown it is not told", slog.Any("error", err))
	}
	if err != nil || v.Number == 0 {
		return nil
	}
	return s.desk.TakeBackAside(ctx, v.Number, digest, at, was)
}

// lastOf reads the last of the versions that were set aside; number 0: there is none.
func lastOf(aside *versions.Folder) (v versions.Version, digest string, l *knowledge.Library, err error) {
	all, err := aside.All()
	if err != nil || len(all) == 0 {
		return v, "", nil, err
	}
	files, err := aside.Files(all[0])
	if err != nil {
		return v, "", nil, err
	}
	if digest, err = aside.Digest(all[0].Number); err != nil {
		return v, "", nil, err
	}
	l, err = knowledge.LoadFiles(files, articles.FS)
	return all[0], digest, l, err
}
