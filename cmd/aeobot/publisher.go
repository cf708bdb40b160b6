package main

import (
	"context"
	"errors"
	"time"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/bot/ledger"
	"aeobot/configs"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/versions"
)

// publisher lets the coordinators' desk publish.
type publisher struct {
	settings configs.Config
	exchange exchange
}

// servingPublisher is one that knows what people asked.
type servingPublisher struct {
	publisher
	questions *ledger.Ledger[bot.Question]
}

// Gate gives what got worse of what people asked, too; see desk.Publisher.
func (p servingPublisher) Gate(ctx context.Context, was, is *knowledge.Library, progress func(asked, all int)) ([]desk.Difference, error) {
	questions, err := distinct(ctx, p.questions)
	if err != nil {
		return nil, errors.Join(desk.ErrQuestions, err)
	}
	return judged(ctx, was, is, questions, progress)
}

// InForce is the published state; see desk.Publisher.
func (p publisher) InForce() (desk.State, error) {
	if len(p.settings.Knowledge.Paths) > 0 {
		return desk.State{}, desk.ErrFiles
	}
	s, err := inForce(p.settings)
	if err != nil {
		return desk.State{}, err
	}
	l, err := s.library()
	return desk.State{Number: s.number, Files: s.files, Library: l}, err
}

// Read makes a library of files; see desk.Publisher.
func (publisher) Read(files map[string][]byte) (*knowledge.Library, error) {
	return knowledge.LoadFiles(files, articles.FS)
}

// At is an older state; see desk.Publisher.
func (p publisher) At(number int) (desk.State, error) {
	s, err := stateOf(p.settings, number)
	if err != nil {
		return desk.State{}, err
	}
	l, err := s.library()
	return desk.State{Number: s.number, Files: s.files, Library: l}, err
}

// Gate gives what got worse; see desk.Publisher.
func (publisher) Gate(ctx context.Context, was, is *knowledge.Library, progress func(asked, all int)) ([]desk.Difference, error) {
	return judged(ctx, was, is, nil, progress)
}

func judged(ctx context.Context, was, is *knowledge.Library, questions []realQuestion, progress func(asked, all int)) ([]desk.Difference, error) {
	worse, err := gate(ctx, was, is, questions, progress)
	var all []desk.Difference
	for _, d := range worse {
		all = append(all, desk.Difference(d))
	}
	return all, err
}

// Publish puts files in force; see desk.Publisher.
func (p publisher) Publish(ctx context.Context, number int, who desk.Publication, files map[string][]byte) error {
	library, err := p.Read(files)
	if err != nil {
		return err
	}
	_, err = p.exchange.publish(ctx, versions.Version{Number: number, At: time.Now().UTC(), Author: who.Author, Approver: who.Approver,
		Reason: who.Reason, Override: who.Override, Of: who.Of, Fingerprint: library.Fingerprint}, files)
	if errors.Is(err, versions.ErrStale) {
		return desk.ErrStale
	}
	return err
}

// Describe is the version in force; see desk.Publisher.
func (p publisher) Describe() (string, error) {
	if len(p.settings.Knowledge.Paths) > 0 {
		return "", desk.ErrFiles
	}
	head, some, err := published(p.settings).Head()
	if err != nil {
		return "", err
	}
	if !some {
		return "版本 0：随程序附带的文章，还没有发布过。", nil
	}
	return "版本 " + describeVersion(head, true), nil
}
