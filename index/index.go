package index

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/lang/cjk"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	bleveindex "github.com/blevesearch/bleve_index_api"

	"aeobot/index/analysis"
	"aeobot/knowledge"
)

// body is the one field of the Bleve index: heading and text of a passage, as
// pairs of characters.
const body = "body"

// candidates is how many hits are taken from Bleve and rescored. A collection
// with no more passages is rescored whole.
const candidates = 100

// Generation is one complete index over one state of the knowledge. It may be
// searched by many at once and never changes.
type Generation struct {
	library  *knowledge.Library
	bleve    bleve.Index
	stats    *search.BM25Stats
	passages []entry
	byID     map[string]int
	model    model
	sections []sectionEntry

	searches sync.WaitGroup
}

// Build indexes a library in memory. Scorch is asked for by name because Bleve's
// NewMemOnly builds an index that cannot score by BM25.
func Build(ctx context.Context, l *knowledge.Library) (*Generation, error) {
	m := newMapping()
	ix, err := bleve.NewUsing("", m, scorch.Name, scorch.Name, nil)
	if err != nil {
		return nil, fmt.Errorf("index: build: %w", err)
	}
	g := &Generation{library: l, bleve: ix, byID: map[string]int{}}
	if err := g.fill(ctx, m); err != nil {
		return nil, errors.Join(fmt.Errorf("index: build: %w", err), ix.Close())
	}
	g.model, g.passages = newModel(l.Passages())
	g.learnSections()
	return g, nil
}

// newMapping stores nothing in the index but the terms: texts stay in the library.
func newMapping() *mapping.IndexMappingImpl {
	field := bleve.NewTextFieldMapping()
	field.Analyzer = cjk.AnalyzerName
	field.Store, field.IncludeTermVectors, field.IncludeInAll, field.DocValues = false, false, false, false
	doc := bleve.NewDocumentStaticMapping()
	doc.AddFieldMappingsAt(body, field)
	m := bleve.NewIndexMapping()
	m.DefaultMapping = doc
	m.ScoringModel = bleveindex.BM25Scoring
	m.StoreDynamic, m.IndexDynamic, m.DocValuesDynamic = false, false, false
	return m
}

// batchSize is in passages; 1,000 to 5,000 build fastest.
const batchSize = 1000

func (g *Generation) fill(ctx context.Context, m *mapping.IndexMappingImpl) error {
	analyzer := m.AnalyzerNamed(cjk.AnalyzerName)
	tokens := 0
	batch := g.bleve.NewBatch()
	for i, p := range g.library.Passages() {
		if err := ctx.Err(); err != nil {
			return err
		}
		text := analysis.Normalize(p.Heading + "\n" + p.Text)
		if err := batch.Index(p.ID, map[string]any{body: text}); err != nil {
			return err
		}
		tokens += len(analyzer.Analyze([]byte(text)))
		g.byID[p.ID] = i
		if batch.Size() == batchSize {
			if err := g.bleve.Batch(batch); err != nil {
				return err
			}
			batch.Reset()
		}
	}
	// Bleve 2.6 takes the number of distinct terms for a passage's length; the
	// true count, handed in with each search, mends its BM25.
	g.stats = &search.BM25Stats{
		DocCount:         float64(len(g.byID)),
		FieldCardinality: map[string]int{body: tokens},
	}
	return g.bleve.Batch(batch)
}

// Library is what the generation was built from.
func (g *Generation) Library() *knowledge.Library { return g.library }

// Close waits for the searches in hand and frees the index.
func (g *Generation) Close() error {
	g.searches.Wait()
	return g.bleve.Close()
}

// Live hands out the generation in force. The zero Live has none.
type Live struct {
	mu  sync.RWMutex
	now *Generation
}

// ErrNotReady means no generation is in force yet.
var ErrNotReady = errors.New("index: no knowledge loaded yet")

// Acquire returns the generation in force and the function that gives it back.
// Until then it stays open, whatever is swapped in.
func (l *Live) Acquire() (*Generation, func(), error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.now == nil {
		return nil, nil, ErrNotReady
	}
	g := l.now
	g.searches.Add(1)
	return g, g.searches.Done, nil
}

// Swap puts next in force and closes the generation before once its last search
// has ended. A nil next leaves none.
func (l *Live) Swap(next *Generation) error {
	l.mu.Lock()
	before := l.now
	l.now = next
	l.mu.Unlock()
	if before == nil {
		return nil
	}
	return before.Close()
}
