package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"aeobot/bot/desk"
	"aeobot/configs"
	"aeobot/index/eval"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/versions"
)

// publisher lets the coordinators' desk publish.
type publisher struct {
	settings configs.Config
	exchange exchange
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

// Gate names what got worse; see desk.Publisher.
func (publisher) Gate(ctx context.Context, was, is *knowledge.Library) ([]string, error) {
	worse, err := gate(ctx, was, is, io.Discard)
	var lines []string
	for _, d := range worse {
		lines = append(lines, worseLine(d))
	}
	return lines, err
}

func worseLine(d eval.Difference) string {
	return fmt.Sprintf("%s %s（现在 %s，改后 %s）", d.ID, d.Question, orNothing(d.Before), orNothing(d.After))
}

// Publish puts files in force; see desk.Publisher.
func (p publisher) Publish(ctx context.Context, number int, who desk.Publication, files map[string][]byte) error {
	library, err := p.Read(files)
	if err != nil {
		return err
	}
	_, err = p.exchange.publish(ctx, versions.Version{Number: number, At: time.Now().UTC(), Author: who.Author, Approver: who.Approver,
		Reason: who.Reason, Override: who.Override, Fingerprint: library.Fingerprint}, files)
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
