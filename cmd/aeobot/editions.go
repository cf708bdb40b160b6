package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"aeobot/bot"
	"aeobot/configs"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/versions"
)

// keptGenerations is how many indexes of other days are kept.
const keptGenerations = 4

// editions finds the texts that were in force on a day, from the published states, or where
// the settings name files, from the dates that those bear. It builds an index of them when
// somebody asks, and keeps the latest.
type editions struct {
	settings configs.Config

	mu     sync.Mutex
	known  knowledge.Editions
	of     string // what known was made of
	parsed map[string]*knowledge.Document
	built  []*dayIndex // the one used last at the end
	making sync.WaitGroup
}

// dayIndex is an index of the texts of a day.
type dayIndex struct {
	fingerprint string
	live        index.Live
	done        chan struct{} // closed when it can be used, or err says why not
	err         error
}

func newEditions(c configs.Config) *editions {
	return &editions{settings: c, parsed: map[string]*knowledge.Document{}}
}

// Close waits for what is being built and frees it.
func (e *editions) Close() error {
	e.making.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	var err error
	for _, b := range e.built {
		err = errors.Join(err, b.live.Swap(nil))
	}
	e.built = nil
	return err
}

// On is what answers for a day; see bot.Editions.
func (e *editions) On(ctx context.Context, now *index.Generation, day string) (bot.Edition, error) {
	inForce, later, err := e.documents(now.Library(), day)
	if err != nil {
		return bot.Edition{}, fmt.Errorf("editions: %w", err)
	}
	found := bot.Edition{Since: map[string]string{}}
	var first []*knowledge.Document
	for _, x := range later {
		first = append(first, x.Document)
		found.Since[x.Document.ID] = x.From
	}
	var releases []func()
	found.Release = func() {
		for _, r := range releases {
			r()
		}
	}
	for _, want := range []struct {
		documents []*knowledge.Document
		into      **index.Generation
	}{{inForce, &found.InForce}, {first, &found.Later}} {
		g, release, err := e.generation(ctx, now, want.documents)
		if err != nil {
			found.Release()
			return bot.Edition{}, fmt.Errorf("editions: %w", err)
		}
		*want.into = g
		releases = append(releases, release)
	}
	return found, nil
}

// documents are the texts in force on a day, and the first of those that began later.
func (e *editions) documents(now *knowledge.Library, day string) ([]*knowledge.Document, []knowledge.Edition, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.settings.Knowledge.Paths) > 0 {
		if e.of != now.Fingerprint {
			e.known, e.of = knowledge.Editions{}, now.Fingerprint
			e.known.Publish("", now.Documents)
		}
	} else if err := e.readPublished(); err != nil {
		return nil, nil, err
	}
	inForce, later := e.known.On(day)
	return inForce, later, nil
}

// readPublished reads the published states, when there is another than at the last time.
func (e *editions) readPublished() error {
	folder := published(e.settings)
	head, some, err := folder.Head()
	if err != nil {
		return err
	}
	of := "shipped"
	if some {
		if of, err = folder.Digest(head.Number); err != nil {
			return err
		}
	}
	if e.of == of {
		return nil
	}
	all, err := folder.All()
	if err != nil {
		return err
	}
	var known knowledge.Editions
	shipped, err := shippedState()
	if err != nil {
		return err
	}
	if err := e.publish(&known, "", shipped.files); err != nil {
		return err
	}
	for _, v := range slices.Backward(all) {
		files, err := folder.Files(v)
		if err != nil {
			return err
		}
		if err := e.publish(&known, dayOf(v), files); err != nil {
			return fmt.Errorf("version %d: %w", v.Number, err)
		}
	}
	e.known, e.of = known, of
	return nil
}

func dayOf(v versions.Version) string { return v.At.In(china).Format("2006-01-02") }

// publish adds one state; a text that was read with the same notes is not read again.
func (e *editions) publish(known *knowledge.Editions, day string, files map[string][]byte) error {
	var documents []*knowledge.Document
	for _, name := range knowledge.DocumentFiles(slices.Sorted(maps.Keys(files))) {
		key := digestOf(string(files[name])) + name + digestOf(string(files[knowledge.DocumentID(name)+knowledge.NotesSuffix]))
		if e.parsed[key] == nil {
			d, err := knowledge.ReadDocument(files, name, articles.FS)
			if err != nil {
				return err
			}
			e.parsed[key] = d
		}
		documents = append(documents, e.parsed[key])
	}
	known.Publish(day, documents)
	return nil
}

// generation gives an index of texts, or nil when there is nothing to answer from in them,
// and the function that gives it back. It waits for one that is being built as long as ctx
// lasts; the next who asks finds it.
func (e *editions) generation(ctx context.Context, now *index.Generation, documents []*knowledge.Document) (*index.Generation, func(), error) {
	l := now.Library().With(documents)
	if l == nil {
		return nil, func() {}, nil
	}
	if l.Fingerprint == now.Library().Fingerprint {
		return now, func() {}, nil
	}
	for {
		b := e.build(ctx, l)
		select {
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		case <-b.done:
		}
		if b.err != nil {
			return nil, nil, b.err
		}
		g, release, err := b.live.Acquire()
		if !errors.Is(err, index.ErrNotReady) { // else it gave way to others meanwhile
			return g, release, err
		}
	}
}

// build gives an index that was built, or begins to build it.
func (e *editions) build(ctx context.Context, l *knowledge.Library) *dayIndex {
	e.mu.Lock()
	defer e.mu.Unlock()
	at := slices.IndexFunc(e.built, func(b *dayIndex) bool { return b.fingerprint == l.Fingerprint })
	if at >= 0 {
		b := e.built[at]
		e.built = append(slices.Delete(e.built, at, at+1), b)
		return b
	}
	b := &dayIndex{fingerprint: l.Fingerprint, done: make(chan struct{})}
	e.making.Go(func() {
		defer close(b.done)
		if b.err = swapIn(context.WithoutCancel(ctx), &b.live, l, index.Options{}); b.err != nil {
			e.drop(b)
		}
	})
	e.built = append(e.built, b)
	if len(e.built) > keptGenerations {
		oldest := e.built[0]
		e.built = e.built[1:]
		e.making.Go(func() { // its last search may still run
			<-oldest.done
			_ = oldest.live.Swap(nil) // nothing is left to be done about an old index
		})
	}
	return b
}

// drop forgets an index that could not be built, so that the next who asks tries again.
func (e *editions) drop(b *dayIndex) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.built = slices.DeleteFunc(e.built, func(x *dayIndex) bool { return x == b })
}
