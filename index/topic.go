package index

import (
	"cmp"
	"slices"

	"aeobot/index/analysis"
)

// Topic is what a text is about, for comparing questions with each other: its terms with
// what they weigh in this index, the rarest first.
type Topic struct {
	terms  []analysis.Term
	idf    map[analysis.Term]float64
	weight float64
}

// Topic reads what a question is about, with words that stand for the same counting as
// the same.
func (g *Generation) Topic(question string) Topic {
	if r := []rune(question); len(r) > maxQuestionRunes {
		question = string(r[:maxQuestionRunes])
	}
	r := g.curation.read(question)
	t := Topic{terms: r.about(), idf: map[analysis.Term]float64{}}
	for _, term := range t.terms {
		idf, _ := g.weigh(term)
		t.idf[term] = idf
		t.weight += idf
	}
	slices.SortFunc(t.terms, func(x, y analysis.Term) int {
		return cmp.Or(cmp.Compare(t.idf[y], t.idf[x]), cmp.Compare(x, y))
	})
	return t
}

// Alike is how much two topics have in common: 0 nothing, 1 all.
func (t Topic) Alike(o Topic) float64 {
	both := 0.0
	for term, idf := range t.idf {
		if _, has := o.idf[term]; has {
			both += idf
		}
	}
	if all := t.weight + o.weight - both; all > 0 {
		return both / all
	}
	return 0
}

// Group puts topics that are alike, to that degree at least, together: every group is the
// places of its topics in all, the first of which leads. Topics are taken in order, so
// what comes first leads.
func Group(all []Topic, alike float64) [][]int {
	var groups [][]int
	leads := map[analysis.Term][]int{} // groups whose lead holds a term among its rarest
	for i, t := range all {
		best, likeness := -1, alike
		seen := map[int]bool{}
		for _, term := range t.rarest() {
			for _, g := range leads[term] {
				if seen[g] {
					continue
				}
				seen[g] = true
				if l := t.Alike(all[groups[g][0]]); l >= likeness {
					best, likeness = g, l
				}
			}
		}
		if best >= 0 {
			groups[best] = append(groups[best], i)
			continue
		}
		for _, term := range t.rarest() {
			leads[term] = append(leads[term], len(groups))
		}
		groups = append(groups, []int{i})
	}
	return groups
}

// marks is how many of a topic's rarest terms find others like it.
const marks = 6

func (t Topic) rarest() []analysis.Term { return t.terms[:min(len(t.terms), marks)] }
