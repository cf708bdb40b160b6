package index

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"aeobot/knowledge"
)

// Hit is a passage found, with every part of its score.
type Hit struct {
	Passage knowledge.Passage
	// Score is in units of the question's best possible BM25: 1 says that every
	// word of the question stands in the passage; curated ways to ask may lift it
	// above.
	Score float64
	Parts []Part
}

// Part is one named piece of a score. Parts add up to Score, but for those with
// weight 0, which are shown only.
type Part struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Weight float64 `json:"weight"`
}

// signal is one reason to rank a passage higher or lower. Weights are in units of
// Score.
type signal struct {
	name   string
	weight float64
	// value is 0 when absent and about 1 when certain; rare words in a short passage
	// may lift it above.
	value func(m *model, q *Query, e *entry) float64
}

// signals is the whole ranking. To add one: write its value, add a row, compare
// the evaluation before and after, and commit both with the reason.
var signals = []signal{
	{"words", 1.00, words},     // characters and pairs in common, by coverage
	{"asked", 0.60, asked},     // a curated way to ask says nearly the same
	{"keyword", 0.25, keyword}, // a curated keyword stands in the question
	{"label", 0.30, labelled},  // the question names the department: 金融
	{"unlike", -0.60, unlike},  // a curated look-alike stands in the question
}

// maxCoverage bounds, in characters, the questions whose coverage counts: it
// lifts short questions and hurts long stories.
const maxCoverage = 16

func words(m *model, q *Query, e *entry) float64 {
	if q.ideal == 0 {
		return 0
	}
	score := (m.bm25(q.units.terms, e.units, m.avgUnits) + m.bm25(q.pairs.terms, e.pairs, m.avgPairs)) / q.ideal
	if n := len(q.Content); n > 0 && n <= maxCoverage {
		covered := 0.0
		for _, t := range q.content.terms {
			if e.units.count[t] > 0 {
				covered += m.weights[t]
			}
		}
		score *= 0.2 + covered/q.content.weight
	}
	return score
}

func asked(m *model, q *Query, e *entry) float64 {
	best := 0.0
	for _, a := range e.asks {
		best = max(best, m.alike(a, q.about))
	}
	// Half alike is what two questions of the field have in common anyway.
	return max(0, 2*best-1)
}

// keyword grows with the share of the question that the longest keyword takes.
func keyword(_ *model, q *Query, e *entry) float64 {
	longest := 0
	for _, k := range e.words {
		if strings.Contains(q.Normalized, k) {
			longest = max(longest, utf8.RuneCountInString(k))
		}
	}
	if longest == 0 {
		return 0
	}
	return min(1, float64(longest)/float64(max(len(q.Content)/2, 2)))
}

func labelled(_ *model, q *Query, e *entry) float64 {
	return present(e.label != "" && strings.Contains(q.Normalized, e.label))
}

// unlike takes back most of what the words and the ways to ask have given.
func unlike(m *model, q *Query, e *entry) float64 {
	if !slices.ContainsFunc(e.unlike, func(t string) bool { return strings.Contains(q.Normalized, t) }) {
		return 0
	}
	return words(m, q, e) + asked(m, q, e)
}

func present(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// rank scores the candidates, best first; equal ones stay in the order of the source.
func (g *Generation) rank(q Query, found []candidate) []Hit {
	hits := make([]Hit, 0, len(found))
	for _, c := range found {
		h := Hit{Passage: c.entry.passage}
		for _, s := range signals {
			if v := s.value(&g.model, &q, c.entry); v != 0 {
				h.Parts = append(h.Parts, Part{s.name, v, s.weight})
				h.Score += v * s.weight
			}
		}
		h.Parts = append(h.Parts, Part{"bleve", c.bleve, 0})
		hits = append(hits, h)
	}
	// Numbers are sorted instead of hits, which are large.
	order := make([]int, len(hits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(hits[y].Score, hits[x].Score) })
	ranked := make([]Hit, len(hits))
	for i, o := range order {
		ranked[i] = hits[o]
	}
	return ranked
}
