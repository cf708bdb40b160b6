package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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
	states   *states
	verdicts *verdicts
}

func newPublisher(c configs.Config, e exchange) publisher {
	return publisher{c, e, &states{byKey: map[stateKey]desk.State{}}, &verdicts{}}
}

// states are those that were read lately: reading ten thousand measures takes a part of a
// second.
type states struct {
	mu     sync.Mutex
	byKey  map[stateKey]desk.State
	lately []stateKey
}

// stateKey names a published state, which never changes. When another chain of versions is
// adopted, its states have the same numbers.
type stateKey struct {
	number int
	digest string // of its record
}

// keptStates is how many are kept: the one in force, and one that it is compared with.
const keptStates = 2

// get gives a state, reading it when it is not kept.
func (s *states) get(key stateKey, read func() (state, error)) (desk.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.byKey[key]; ok {
		s.lately = append(slices.DeleteFunc(s.lately, func(k stateKey) bool { return k == key }), key)
		return known, nil
	}
	files, err := read()
	if err != nil {
		return desk.State{}, err
	}
	l, err := files.library()
	if err != nil {
		return desk.State{}, err
	}
	got := desk.State{Number: files.number, Files: files.files, Library: l}
	if files.number != key.number {
		return got, nil // another was published meanwhile
	}
	s.byKey[key] = got
	s.lately = append(s.lately, key)
	if len(s.lately) > keptStates {
		delete(s.byKey, s.lately[0])
		s.lately = s.lately[1:]
	}
	return got, nil
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
	return p.judged(ctx, was, is, questions, progress)
}

// InForce is the published state; see desk.Publisher.
func (p publisher) InForce() (desk.State, error) {
	if len(p.settings.Knowledge.Paths) > 0 {
		return desk.State{}, desk.ErrFiles
	}
	head, _, err := published(p.settings).Head() // of none the number is 0
	if err != nil {
		return desk.State{}, err
	}
	key, err := p.key(head.Number)
	if err != nil {
		return desk.State{}, err
	}
	return p.states.get(key, func() (state, error) { return inForce(p.settings) })
}

// Read makes a library of files; see desk.Publisher.
func (publisher) Read(files map[string][]byte) (*knowledge.Library, error) {
	return knowledge.LoadFiles(files, articles.FS)
}

// At is an older state; see desk.Publisher.
func (p publisher) At(number int) (desk.State, error) {
	key, err := p.key(number)
	if err != nil {
		return desk.State{}, err
	}
	return p.states.get(key, func() (state, error) { return stateOf(p.settings, number) })
}

// key names the state of a number; 0 is what the program brings along.
func (p publisher) key(number int) (key stateKey, err error) {
	if key.number = number; number > 0 {
		key.digest, err = p.Digest(number)
	}
	if err != nil {
		err = usageError{err}
	}
	return key, err
}

// Gate gives what got worse; see desk.Publisher.
func (p publisher) Gate(ctx context.Context, was, is *knowledge.Library, progress func(asked, all int)) ([]desk.Difference, error) {
	return p.judged(ctx, was, is, nil, progress)
}

func (p publisher) judged(ctx context.Context, was, is *knowledge.Library, questions []realQuestion, progress func(asked, all int)) ([]desk.Difference, error) {
	worse, err := gate(ctx, was, is, questions, p.verdicts, progress)
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
	if errors.Is(err, versions.ErrDiverged) {
		return fmt.Errorf("%w: %w", desk.ErrDiverged, err)
	}
	return err
}

// Digest is that of a record; see desk.Publisher.
func (p publisher) Digest(number int) (string, error) { return published(p.settings).Digest(number) }

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
	head.Reason, head.Override = bot.Disarm(head.Reason), bot.Disarm(head.Override) // askers' words may stand in it; persons are ours
	return "版本 " + describeVersion(head, true), nil
}
