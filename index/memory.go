package index

import (
	"context"
	"errors"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
)

// memory holds the words of a small collection.
type memory struct {
	searcher
	postings map[analysis.Term][]posting
	lengths  []int // of bodies, in units
	average  float64
}

// posting says how often a body holds a term.
type posting struct {
	passage int32
	count   int32
}

// buildMemory indexes in memory. Scorch is asked for by name because Bleve's
// NewMemOnly builds an index that cannot score by BM25.
func buildMemory(ctx context.Context, g *Generation) (bodies, stats, error) {
	ix, err := bleve.NewUsing("", newMapping(), scorch.Name, scorch.Name, nil)
	if err != nil {
		return nil, stats{}, err
	}
	m := &memory{postings: map[analysis.Term][]posting{}, lengths: make([]int, g.passages.Len())}
	c, err := fillBleve(ctx, ix, g.passages, func(i int, tokens []analysis.Token) {
		m.lengths[i] = len(tokens)
		m.add(i, tokens, g.curation.vocabulary)
	})
	if err != nil {
		return nil, stats{}, errors.Join(err, ix.Close())
	}
	m.searcher, m.average = newSearcher(ix, c), c.Stats.average()
	return m, c.Stats, nil
}

func (m *memory) add(i int, tokens []analysis.Token, v *lexicon.Vocabulary) {
	count := map[analysis.Term]int32{}
	var order []analysis.Term
	add := func(t analysis.Term) {
		if count[t] == 0 {
			order = append(order, t)
		}
		count[t]++
	}
	analysis.Each(tokens, add)
	for _, t := range v.Held(tokens) {
		add(t)
	}
	for _, t := range order {
		m.postings[t] = append(m.postings[t], posting{int32(i), count[t]})
	}
}

func (m *memory) find(ctx context.Context, features []feature, limit int) (hits []found, err error) {
	err = guard(func() error {
		hits, err = m.searcher.find(ctx, features, limit)
		return err
	})
	return hits, err
}

func (m *memory) count(t analysis.Term) (int, error) { return len(m.postings[t]), nil }

func (m *memory) fill(q *Query, all []candidate) error {
	place := make(map[owner]int, len(all))
	for i := range all {
		place[all[i].owner] = i
	}
	for i, f := range q.features {
		for _, p := range m.postings[f.term] {
			if at, ok := place[owner(p.passage)]; ok {
				all[at].row[i] += float64(p.count) / norm(m.lengths[p.passage], m.average)
			}
		}
	}
	return nil
}

func (m *memory) Close() error { return m.index.Close() }

func (m *memory) characters(f func(r rune, passages int)) {
	for t, list := range m.postings {
		if runes := t.Runes(); len(runes) == 1 {
			f(runes[0], len(list))
		}
	}
}
