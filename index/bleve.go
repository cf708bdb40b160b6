package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/blevesearch/bleve/v2"
	bleveanalysis "github.com/blevesearch/bleve/v2/analysis"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/registry"
	"github.com/blevesearch/bleve/v2/search"
	blevequery "github.com/blevesearch/bleve/v2/search/query"
	bleveindex "github.com/blevesearch/bleve_index_api"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
	"aeobot/knowledge"
)

// body is the one field of the Bleve index: heading and text of a passage, as
// pairs of characters and words.
const body = "body"

// termsAnalyzer names our tokenizer to Bleve, which knows analyzers only by
// registered names.
const termsAnalyzer = "aeobot_terms"

func init() {
	err := registry.RegisterAnalyzer(termsAnalyzer, func(map[string]any, *registry.Cache) (bleveanalysis.Analyzer, error) {
		return tokenizer{}, nil
	})
	if err != nil {
		panic(err) // the name is registered twice in one program
	}
}

// tokenizer hands Bleve the terms of folded text.
type tokenizer struct{}

func (tokenizer) Analyze(folded []byte) bleveanalysis.TokenStream {
	terms := searched(analysis.Cut(string(folded)))
	stream := make(bleveanalysis.TokenStream, len(terms))
	for i, t := range terms {
		stream[i] = &bleveanalysis.Token{Term: termBytes(t), Start: 0, End: 0, Position: i + 1}
	}
	return stream
}

// searched are the terms candidates are found by: pairs and words, and characters
// that stand alone. Single characters would find nearly everything.
func searched(tokens []analysis.Token) []analysis.Term {
	terms := make([]analysis.Term, 0, len(tokens))
	for i, t := range tokens {
		switch {
		case !t.Character():
			terms = append(terms, t.Term)
		case i > 0 && !t.Broken && tokens[i-1].Character():
			terms = append(terms, analysis.Pair(rune(tokens[i-1].Term), rune(t.Term)))
		case i+1 == len(tokens) || tokens[i+1].Broken || !tokens[i+1].Character():
			terms = append(terms, t.Term)
		}
	}
	return terms
}

// termBytes writes a term for Bleve's dictionary.
func termBytes(t analysis.Term) []byte {
	if runes := t.Runes(); runes != nil {
		return []byte(string(runes))
	}
	return strconv.AppendUint([]byte("#"), uint64(t), 36)
}

// newMapping stores nothing in the index but the terms: texts stay where they are.
func newMapping() *mapping.IndexMappingImpl {
	field := bleve.NewTextFieldMapping()
	field.Analyzer = termsAnalyzer
	field.Store, field.IncludeTermVectors, field.IncludeInAll, field.DocValues = false, false, false, false
	doc := bleve.NewDocumentStaticMapping()
	doc.AddFieldMappingsAt(body, field)
	doc.AddSubDocumentMapping("_all", bleve.NewDocumentDisabledMapping())
	m := bleve.NewIndexMapping()
	m.DefaultMapping = doc
	m.ScoringModel = bleveindex.BM25Scoring
	m.StoreDynamic, m.IndexDynamic, m.DocValuesDynamic = false, false, false
	return m
}

// batchSize is in passages; 1,000 to 5,000 build fastest.
const batchSize = 5000

// counts are what is counted while passages are read.
type counts struct {
	Stats stats
	Terms int // tokens in Bleve's field
}

// fillBleve reads all passages into a Bleve index. Each passage's tokens are
// handed to also.
func fillBleve(ctx context.Context, ix bleve.Index, p Passages, also func(i int, tokens []analysis.Token)) (counts, error) {
	c := counts{Stats: stats{Passages: p.Len(), DF: map[analysis.Term]int32{}}}
	batch := ix.NewBatch()
	for i := range p.Len() {
		if err := ctx.Err(); err != nil {
			return counts{}, err
		}
		passage, err := p.At(i)
		if err != nil {
			return counts{}, fmt.Errorf("passage %d: %w", i, err)
		}
		folded := bodyText(passage)
		tokens := analysis.Cut(folded)
		c.Stats.Units += len(tokens)
		c.Terms += len(searched(tokens))
		also(i, tokens)
		if err := batch.Index(passageID(i), map[string]any{body: folded}); err != nil {
			return counts{}, err
		}
		if batch.Size() < batchSize && i+1 < p.Len() {
			continue
		}
		if err := ix.Batch(batch); err != nil {
			return counts{}, err
		}
		batch.Reset()
	}
	return c, nil
}

// bodyText is what of a passage is searched, folded: its heading belongs to it.
func bodyText(p knowledge.Passage) string { return analysis.Normalize(p.Heading + "\n" + p.Text) }

// passageID is a passage's number, so long that the order of texts is that of
// numbers.
func passageID(i int) string { return fmt.Sprintf("%08d", i) }

// searcher asks one Bleve index.
type searcher struct {
	index bleve.Index
	stats *search.BM25Stats
}

func newSearcher(ix bleve.Index, c counts) searcher {
	// Bleve 2.6 takes the number of distinct terms for a passage's length; the
	// true count, handed in with each search, mends its BM25.
	return searcher{ix, &search.BM25Stats{DocCount: float64(c.Stats.Passages), FieldCardinality: map[string]int{body: c.Terms}}}
}

// find asks Bleve for the passages that share most with the question.
func (s searcher) find(ctx context.Context, features []feature, limit int) ([]found, error) {
	var terms []blevequery.Query
	for _, f := range rarest(features) {
		q := bleve.NewTermQuery(string(termBytes(f.term)))
		q.SetField(body)
		terms = append(terms, q)
	}
	if len(terms) == 0 {
		return nil, nil
	}
	request := bleve.NewSearchRequestOptions(bleve.NewDisjunctionQuery(terms...), limit, 0, false)
	request.SortBy([]string{"-_score", "_id"})
	ctx = context.WithValue(ctx, search.BM25StatsKey, s.stats)
	result, err := s.index.SearchInContext(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("index: search: %w", err)
	}
	hits := make([]found, 0, len(result.Hits))
	for _, h := range result.Hits {
		i, err := strconv.Atoi(h.ID)
		if err != nil {
			return nil, fmt.Errorf("index: search: passage %q has no number", h.ID)
		}
		hits = append(hits, found{i, h.Score})
	}
	return hits, nil
}

// Bounds of a search for candidates: the commonest terms find most passages, cost
// most and tell least. The rarest terms are always searched.
const (
	alwaysSearched = 6
	maxPostings    = 40_000
)

// rarest are the searchable features, the rarest first, until they hold so many
// postings that the rest would only cost time.
func rarest(features []feature) []feature {
	var all []feature
	for _, f := range features {
		if f.searched && f.holders > 0 {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b feature) int { return cmp.Compare(a.holders, b.holders) })
	postings := 0
	for i, f := range all {
		if postings += f.holders; postings > maxPostings && i >= alwaysSearched {
			return all[:i]
		}
	}
	return all
}

// count reads from the dictionary how many passages hold a term.
func (s searcher) count(t analysis.Term) (int, error) {
	ix, err := s.index.Advanced()
	if err != nil {
		return 0, err
	}
	reader, err := ix.Reader()
	if err != nil {
		return 0, err
	}
	postings, err := reader.TermFieldReader(context.Background(), termBytes(t), body, false, false, false)
	if err != nil {
		return 0, errors.Join(err, reader.Close())
	}
	n := int(postings.Count())
	return n, errors.Join(postings.Close(), reader.Close())
}

// hold counts what tokens hold, each term once: units, pairs and meanings.
func hold(v *lexicon.Vocabulary, tokens []analysis.Token, f func(analysis.Term)) {
	seen := make(map[analysis.Term]bool, 2*len(tokens))
	once := func(t analysis.Term) {
		if !seen[t] {
			seen[t] = true
			f(t)
		}
	}
	analysis.Each(tokens, once)
	for _, t := range v.Held(tokens) {
		once(t)
	}
}
