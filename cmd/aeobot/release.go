package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/configs"
)

// releaser publishes from the command line, by the rule of chat and console.
type releaser struct {
	publisher publisher
	desk      *desk.Desk
	close     func() error
	unaudited error // why the audit log does not have it
}

// openReleaser opens what publishing from the command line needs: with Redis the store that
// replicas share. The embedded store is not for sharing, and a running serve has it.
func openReleaser(c configs.Config) (*releaser, error) {
	var shared bot.Shelf
	e, done := newExchange(c, nil), func() error { return nil }
	if c.Redis.URL.Reveal() != "" {
		s, err := openStore(c, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		shared, e, done = s, newExchange(c, s), s.Close
	}
	r := &releaser{publisher: newPublisher(c, e)}
	log := openAudit(c, shared)
	r.desk = desk.New(nil, r.publisher, desk.Options{People: c.Curation.People, Audit: func(ctx context.Context, who, what, object string) error {
		r.unaudited = log.Append(ctx, who, what, object)
		return r.unaudited
	}})
	r.close = func() error {
		r.desk.Close()
		return done()
	}
	return r, nil
}

// inForce is the state that is published.
func (r *releaser) inForce() (desk.State, error) {
	s, err := r.publisher.InForce()
	if errors.Is(err, desk.ErrFiles) {
		err = usageError{errors.New("the settings name files as the knowledge (knowledge.paths, --knowledge), so nothing that is published would count; edit those files, or take the setting out")}
	}
	return s, err
}

// release puts files in force as the state of that number, or says why they may not be.
func (r *releaser) release(ctx context.Context, out io.Writer, number int, p desk.Publication, worse []desk.Difference, files map[string][]byte) error {
	switch err := r.desk.Release(ctx, number, p, worse, files); {
	case errors.Is(err, desk.ErrWorse):
		fmt.Fprintln(out, "没有发布。改到不变差再发布，或由第二个人写明理由：--approver 谁 --override 为什么")
		return errShort
	case errors.Is(err, desk.ErrSelf):
		fmt.Fprintf(out, "没有发布：要由第二个人确认（curation.people 为 2）。请另一个人看过以上内容，加 --approver 名字 --base %d 再来一次，或在群里、控制台提议；只有一个人维护时把 curation.people 设为 1（AEOBOT_CURATION_PEOPLE=1）。\n", number-1)
		return errShort
	case err != nil:
		return usageError{err}
	case r.unaudited != nil:
		return fmt.Errorf("version %d is in force, but the audit log does not have it: %w", number, r.unaudited)
	}
	return nil
}
