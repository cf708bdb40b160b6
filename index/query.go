package index

import (
	"context"
	"fmt"
	"slices"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/search"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
)

// maxQuestionRunes bounds what is searched; what is longer is cut. Questions
// people write have some 20 characters, pasted stories a few hundred.
const maxQuestionRunes = 2000

// Query is a question, ready to be searched.
type Query struct {
	Text       string
	Normalized string
	// Units and Pairs are the terms of the whole question; Content are the characters
	// left when the words that only ask are away. Distinct, in order.
	Units, Pairs, Content []analysis.Term

	units, pairs phrase // the terms the model knows
	content      phrase
	about        phrase
	ideal        float64 // the best score possible: every term of the content once
}

func (g *Generation) newQuery(text string) Query {
	if r := []rune(text); len(r) > maxQuestionRunes {
		text = string(r[:maxQuestionRunes])
	}
	folded := analysis.Normalize(text)
	cut, content := analysis.Cut(folded), analysis.Cut(lexicon.Content(folded))
	m := &g.model
	return Query{
		Text: text, Normalized: folded,
		Units: distinct(cut.Units), Pairs: distinct(cut.Pairs), Content: distinct(content.Units),
		units: m.phrase(analysis.Terms{Units: cut.Units}), pairs: m.phrase(analysis.Terms{Pairs: cut.Pairs}),
		content: m.phrase(analysis.Terms{Units: content.Units}), about: m.phrase(topic(folded)),
		ideal: m.phrase(content).weight,
	}
}

func distinct(terms []analysis.Term) []analysis.Term {
	seen := map[analysis.Term]bool{}
	return slices.DeleteFunc(slices.Clone(terms), func(t analysis.Term) bool {
		before := seen[t]
		seen[t] = true
		return before
	})
}

// candidate is a passage taken into the rescoring.
type candidate struct {
	entry *entry
	bleve float64 // Bleve's own score; 0 when it did not find the passage
}

// find asks Bleve for the passages that share a pair with the question. Small
// collections are rescored whole, so that a passage that shares only single
// characters has its chance.
func (g *Generation) find(ctx context.Context, q Query) (hits []candidate, err error) {
	defer func() {
		// Bleve panics on damaged segments; ours are in memory, but a search must
		// never take the program down.
		if r := recover(); r != nil {
			err = fmt.Errorf("index: search panicked: %v", r)
		}
	}()
	match := bleve.NewMatchQuery(q.Normalized)
	match.SetField(body)
	request := bleve.NewSearchRequestOptions(match, candidates, 0, false)
	request.SortBy([]string{"-_score", "_id"})
	ctx = context.WithValue(ctx, search.BM25StatsKey, g.stats)
	result, err := g.bleve.SearchInContext(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("index: search: %w", err)
	}
	found := map[string]float64{}
	for _, h := range result.Hits {
		found[h.ID] = h.Score
	}
	for i := range g.passages {
		e := &g.passages[i]
		score, ok := found[e.passage.ID]
		if ok || len(g.passages) <= candidates {
			hits = append(hits, candidate{e, score})
		}
	}
	return hits, nil
}
