package index

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/blevesearch/bleve/v2"

	"aeobot/index/analysis"
)

// disk holds the words of a large collection: Bleve's files in a folder, texts
// where the passages are kept. What is damaged is built anew.
type disk struct {
	g           *Generation
	options     Options
	fingerprint string
	reopened    bool
	single      map[analysis.Term]int32 // passages that hold a character or meaning
	average     float64

	mu      sync.RWMutex // guards what follows
	shelf   *folder
	search  searcher
	closed  bool
	healing bool
	healed  sync.WaitGroup
	quit    context.CancelFunc // stops a rebuilding
}

// ErrRebuilding means that the index on disk was found damaged and is being built
// anew; the question may be asked again in a while.
var ErrRebuilding = errors.New("index: damaged on disk, being built anew")

// openDisk opens the index that lies in the folder for this fingerprint, or builds it.
func openDisk(ctx context.Context, g *Generation, fingerprint string, o Options) (bodies, stats, error) {
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	d := &disk{g: g, options: o, fingerprint: fingerprint}
	f, err := takeFolder(o.Folder, fingerprint)
	if err != nil {
		return nil, stats{}, err
	}
	c, s, err := openFolder(f)
	d.reopened = err == nil
	if err != nil {
		if !errors.Is(err, os.ErrNotExist) {
			o.Warn(fmt.Sprintf("%v; building it anew", err))
		}
		if c, s, err = d.build(ctx, f); err != nil {
			return nil, stats{}, errors.Join(err, f.release())
		}
	}
	d.shelf, d.search, d.single, d.average = f, s, c.Stats.DF, c.Stats.average()
	return d, c.Stats, nil
}

// build makes the index in an empty folder and opens it.
func (d *disk) build(ctx context.Context, f *folder) (counts, searcher, error) {
	if err := errors.Join(ctx.Err(), f.empty()); err != nil {
		return counts{}, searcher{}, err
	}
	builder, err := bleve.NewBuilder(f.index(), newMapping(), map[string]any{"batchSize": batchSize, "mergeMax": mergeMax})
	if err != nil {
		return counts{}, searcher{}, fmt.Errorf("%s: %w", f.path, err)
	}
	c, err := d.read(ctx, builder)
	// A builder that was given nothing panics when it is closed.
	if err := errors.Join(err, guard(builder.Close)); err != nil {
		return counts{}, searcher{}, fmt.Errorf("%s: %w", f.path, err)
	}
	if err := f.seal(c); err != nil {
		return counts{}, searcher{}, err
	}
	return openFolder(f)
}

// mergeMax is how many segments are merged at once; all at once is fastest.
const mergeMax = 1 << 10

// read hands all passages to the builder. One goroutine cuts while the other builds.
func (d *disk) read(ctx context.Context, builder bleve.Builder) (counts, error) {
	p, v := d.g.passages, d.g.curation.vocabulary
	c := counts{Stats: stats{Passages: p.Len(), DF: map[analysis.Term]int32{}}}
	type item struct {
		folded string
		err    error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	items := make(chan item, batchSize)
	go func() {
		defer close(items)
		for i := range p.Len() {
			passage, err := p.At(i)
			if err != nil {
				err = fmt.Errorf("passage %d: %w", i, err)
			}
			it := item{bodyText(passage), err}
			if err == nil {
				tokens := analysis.Cut(it.folded)
				c.Stats.Units += len(tokens)
				c.Terms += len(searched(tokens))
				hold(v, tokens, func(t analysis.Term) {
					if !t.IsPair() {
						c.Stats.DF[t]++
					}
				})
			}
			select {
			case items <- it:
			case <-ctx.Done():
				return
			}
		}
	}()
	done := 0
	for it := range items {
		if it.err != nil {
			return counts{}, it.err
		}
		if err := builder.Index(passageID(done), map[string]any{body: it.folded}); err != nil {
			return counts{}, err
		}
		if done++; d.options.Progress != nil && (done%batchSize == 0 || done == p.Len()) {
			d.options.Progress(done, p.Len())
		}
	}
	return c, ctx.Err()
}

// openFolder opens a sealed folder.
func openFolder(f *folder) (c counts, s searcher, err error) {
	if c, err = f.check(); err != nil {
		return counts{}, searcher{}, err
	}
	err = guard(func() error {
		ix, err := bleve.OpenUsing(f.index(), map[string]any{"read_only": true, "bolt_timeout": "500ms"})
		if err != nil {
			return err // and never ix: it is not nil after an error
		}
		s = newSearcher(ix, c)
		return nil
	})
	if err != nil {
		return counts{}, searcher{}, fmt.Errorf("%s: %w", f.path, err)
	}
	return c, s, nil
}

func (d *disk) find(ctx context.Context, features []feature, limit int) (hits []found, err error) {
	err = d.use(ctx, func(s searcher) error {
		hits, err = s.find(ctx, features, limit)
		return err
	})
	return hits, err
}

// count reads the number of pairs and words from Bleve's dictionary; characters
// and meanings are counted while building.
func (d *disk) count(t analysis.Term) (n int, err error) {
	if n, ok := d.single[t]; ok {
		return int(n), nil
	}
	err = d.use(context.Background(), func(s searcher) error {
		n, err = s.count(t)
		return err
	})
	return n, err
}

// use lends the open index. What goes wrong with it, but for a question that was
// given up, means that it is damaged.
func (d *disk) use(ctx context.Context, f func(searcher) error) error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.healing || d.closed {
		return ErrRebuilding
	}
	err := guard(func() error { return f(d.search) })
	if err == nil || ctx.Err() != nil {
		return err
	}
	go d.heal(err)
	return fmt.Errorf("%w: %w", ErrRebuilding, err)
}

// fill reads the candidates' texts and counts the question's terms in them.
func (d *disk) fill(q *Query, all []candidate) error {
	for i := range all {
		if int(all[i].owner) >= d.g.passages.Len() {
			continue
		}
		tokens := analysis.Cut(bodyText(all[i].passage))
		weight := 1 / norm(len(tokens), d.average)
		add := func(t analysis.Term) {
			if f, ok := q.place[t]; ok {
				all[i].row[f] += weight
			}
		}
		analysis.Each(tokens, add)
		if len(q.matches) > 0 {
			for _, t := range d.g.curation.vocabulary.Held(tokens) {
				add(t)
			}
		}
	}
	return nil
}

func (d *disk) characters(f func(r rune, passages int)) {
	for t, n := range d.single {
		if runes := t.Runes(); len(runes) == 1 {
			f(runes[0], int(n))
		}
	}
}

// heal builds a damaged index anew, beside the old one, while questions are told
// to come back.
func (d *disk) heal(cause error) {
	d.mu.Lock()
	if d.healing || d.closed {
		d.mu.Unlock()
		return
	}
	d.healing = true
	ctx, quit := context.WithCancel(context.Background())
	d.quit = quit
	d.healed.Add(1)
	old, search := d.shelf, d.search
	d.mu.Unlock()
	defer d.healed.Done()
	defer quit()
	d.options.Warn(fmt.Sprintf("%v; building the index anew", cause))
	err := errors.Join(guard(search.index.Close), old.discard())
	if err != nil {
		d.options.Warn(err.Error())
	}
	f, err := takeFolder(d.options.Folder, d.fingerprint)
	if err == nil {
		_, search, err = d.build(ctx, f)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shelf, d.search = f, search
	if err != nil {
		if f != nil {
			err = errors.Join(err, f.release())
		}
		d.closed = true // nothing is open any more
		d.options.Warn(fmt.Sprintf("%v; questions are not answered until the next start", err))
		return
	}
	d.healing = false
}

func (d *disk) Close() error {
	d.mu.Lock()
	if d.quit != nil {
		d.quit()
	}
	d.mu.Unlock()
	d.healed.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	return errors.Join(guard(d.search.index.Close), d.shelf.release())
}
