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
	// Content are the characters left when the words that only ask are away.
	Content []analysis.Term

	units, pairs []analysis.Term // of the whole question, distinct, in order
	about        phrase
	ideal        float64 // the best score possible: every term of the content once
}

func (g *Generation) newQuery(text string) Query {
	if r := []rune(text); len(r) > maxQuestionRunes {
		text = string(r[:maxQuestionRunes])
	}
	cut := analysis.Cut(text)
	q := Query{
		Text:       text,
		Normalized: analysis.Normalize(text),
		Content:    distinct(analysis.Cut(lexicon.Content(text)).Units),
		units:      distinct(cut.Units),
		pairs:      distinct(cut.Pairs),
		about:      g.model.phrase(text),
	}
	about := analysis.Cut(lexicon.Content(text))
	q.ideal = g.model.weigh(distinct(about.Units), all) + g.model.weigh(distinct(about.Pairs), all)
	return q
}

func distinct(terms []analysis.Term) []analysis.Term {
	var once []analysis.Term
	for _, t := range terms {
		if !slices.Contains(once, t) {
			once = append(once, t)
		}
	}
	return once
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
