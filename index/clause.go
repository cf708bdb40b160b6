package index

import (
	"aeobot/index/analysis"
	"aeobot/index/lexicon"
	"aeobot/knowledge"
)

// Limits of answering with one clause of a long measure.
const (
	// longMeasure is the number of clauses from which on a measure is long.
	longMeasure = 3
	// mostly is the share of what the measure has in common with the question that
	// one clause must hold, and beyond how many times the next clause's.
	mostly, beyond = 0.60, 1.50
)

// clause finds the one clause of a long measure that the question, or the curated
// way to ask that comes nearest to it, is about, from 1; 0 when it is about more.
func clause(v *lexicon.Vocabulary, q *Query, c *candidate) int {
	p := &c.passage
	if len(p.Clauses) < longMeasure {
		return 0
	}
	if i := single(v, p.Clauses, q.weigher()); i >= 0 {
		return i + 1
	}
	if c.alike >= vouches {
		terms := map[analysis.Term]float64{}
		for _, t := range c.askedTerms {
			terms[t] = 1
		}
		if i := single(v, p.Clauses, func(t analysis.Term) float64 { return terms[t] }); i >= 0 {
			return i + 1
		}
	}
	return 0
}

// weigher gives the weight of the question's terms that say something; words for
// benefits in general ask for no clause more than for another.
func (q *Query) weigher() func(analysis.Term) float64 {
	benefit := lexicon.Benefit(q.tokens)
	says := func(i int) bool { return !q.asking[i] && !q.subject[i] && !benefit[i] }
	weights := map[analysis.Term]float64{}
	eachOf(q.tokens, says, func(t analysis.Term) { weights[t] = q.features[q.place[t]].weight })
	for _, f := range q.features {
		if f.match != nil && says(f.match.From) {
			weights[f.term] = f.weight
		}
	}
	return func(t analysis.Term) float64 { return weights[t] }
}

// single is the clause that holds nearly all of the weight that the clauses hold, or -1.
func single(v *lexicon.Vocabulary, clauses []knowledge.Clause, weigh func(analysis.Term) float64) int {
	all := map[analysis.Term]bool{}
	sums := make([]float64, len(clauses))
	total := 0.0
	for i, c := range clauses {
		hold(v, analysis.Cut(analysis.Normalize(c.Text)), func(t analysis.Term) {
			sums[i] += weigh(t)
			if !all[t] {
				all[t] = true
				total += weigh(t)
			}
		})
	}
	best, next := -1, 0.0
	for i, s := range sums {
		switch {
		case best < 0 || s > sums[best]:
			if best >= 0 {
				next = max(next, sums[best])
			}
			best = i
		default:
			next = max(next, s)
		}
	}
	if total == 0 || sums[best] < mostly*total || sums[best] < beyond*next {
		return -1
	}
	return best
}
