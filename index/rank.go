package index

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
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
	// Asked is the curated way to ask that comes nearest, and Alike how near, 0 to 1.
	Asked string
	Alike float64
	// Clause is the part of a long measure that the question is about, from 1; 0: all.
	Clause int
	// covered is the share of the question's content that the passage covers, and
	// keyed tells that one of its curated keywords stands in the question.
	covered float64
	keyed   bool
	meant   bool // see Query.meant
}

// Part is one named piece of a score. Parts add up to Score, but for those with
// weight 0, which are shown only.
type Part struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Weight float64 `json:"weight"`
}

// candidate is what is scored: a passage, or a topic outside the knowledge.
type candidate struct {
	owner   owner
	passage knowledge.Passage
	bleve   float64 // Bleve's own score; 0 when it did not find the passage
	row     []float64
	notes   *ownerNotes // nil: nothing is curated for it
	asked   int32       // the nearest phrase, or -1
	// askedTerms are that phrase's terms.
	askedTerms []analysis.Term
	alike      float64 // how near: 2·common/(both), by idf
	covered    float64 // share of the question's content that it covers
}

// signal is one reason to rank a passage higher or lower. Weights are in units of
// Score.
type signal struct {
	name   string
	weight float64
	// value is 0 when absent and about 1 when certain; rare words in a short passage
	// may lift it above.
	value func(q *Query, c *candidate) float64
}

// signals is the whole ranking. To add one: write its value, add a row, compare
// the evaluation before and after, and commit both with the reason.
var signals = []signal{
	{"words", 1.00, words},     // characters, pairs and meanings in common, by coverage
	{"asked", 0.60, asked},     // a curated way to ask says nearly the same
	{"keyword", 0.25, keyword}, // a curated keyword stands in the question
	{"label", 0.30, labelled},  // the question names the department: 金融
}

// veto is a reason that what the signals found is not what was meant.
type veto struct {
	name string
	// left is the share of the score that stays.
	left float64
	said func(q *Query, c *candidate) bool
}

// vetoes come after the signals, whatever those add up to.
var vetoes = []veto{
	{"unlike", 0.40, unlike},  // a curated look-alike stands in the question
	{"facet", 0.10, unstated}, // it does not state what the question asks for
}

// maxCoverage bounds, in units, the questions whose coverage counts: it lifts
// short questions and hurts long stories.
const maxCoverage = 18

// words is BM25 over characters, pairs and meanings, as a share of the best
// possible, by the share of the question that is covered.
func words(q *Query, c *candidate) float64 {
	if q.ideal == 0 {
		return 0
	}
	score := 0.0
	for i, f := range q.features {
		if tf := c.row[i]; tf > 0 {
			score += f.weight * saturate(tf)
		}
	}
	score /= q.ideal
	if n := len(q.content); n > 0 && n <= maxCoverage {
		score *= 0.2 + c.covered
	}
	return score
}

// coverage is the share of the content, by weight, that the candidate has by its
// characters or by their meaning.
func (q *Query) coverage(c *candidate) float64 {
	covered, all := 0.0, 0.0
	for _, u := range q.content {
		all += u.weight
		share := 0.0
		if c.row[u.feature] > 0 {
			share = 1
		}
		for _, m := range u.meanings {
			if c.row[m] > 0 {
				share = max(share, q.features[m].match.Weight())
			}
		}
		covered += share * u.weight
	}
	if all == 0 {
		return 0
	}
	return covered / all
}

// inCommon is how alike two questions of the field are anyway.
const inCommon = 0.3

func asked(_ *Query, c *candidate) float64 {
	return max(0, (c.alike-inCommon)/(1-inCommon))
}

// keyword grows with the share of the question that the longest keyword takes.
func keyword(q *Query, c *candidate) float64 {
	if c.notes == nil {
		return 0
	}
	longest := 0
	for _, k := range c.notes.keywords {
		if strings.Contains(q.text.Folded, k) {
			longest = max(longest, utf8.RuneCountInString(k))
		}
	}
	if longest == 0 {
		return 0
	}
	return min(1, float64(longest)/float64(max(len(q.content)/2, 2)))
}

func labelled(q *Query, c *candidate) float64 {
	return present(c.notes != nil && c.notes.label != "" && strings.Contains(q.text.Folded, c.notes.label))
}

// unlike tells that the question has a word which curators say means another thing.
func unlike(q *Query, c *candidate) bool {
	return c.notes != nil && slices.ContainsFunc(c.notes.unlike, func(t string) bool { return strings.Contains(q.text.Folded, t) })
}

// vouches is how near a curated way to ask for the same thing must come to vouch for
// a passage that does not state it.
const vouches = 0.75

// unstated: the question asks for an amount, a duration, a procedure, and neither
// the passage's form nor a curator says that it is stated.
func unstated(q *Query, c *candidate) bool {
	if c.passage.ID == "" {
		return false
	}
	return slices.ContainsFunc(q.facets, func(f *lexicon.Facet) bool {
		_, told := q.place[f.Term()] // curators of this collection tell facets apart
		vouched := c.alike >= vouches && slices.Contains(c.askedTerms, f.Term())
		return told && f.Needed && !vouched && !slices.Contains(lexicon.Stated(analysis.Normalize(c.passage.Text)), f)
	})
}

func present(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// contextWeight is what the better neighbour's score counts. A sentence of running
// text often names by 他 or 其 what the sentence before it calls by name.
const contextWeight = 0.05

// addContext lifts passages of running text whose neighbours under the same heading
// match as well. Numbered measures stand each for itself.
func addContext(ranked []scored) {
	place := make(map[owner]int, len(ranked))
	before := make([]float64, len(ranked))
	for i, s := range ranked {
		place[s.owner], before[i] = i, s.score
	}
	for i := range ranked {
		s := &ranked[i]
		if s.passage.ID == "" || s.passage.Number != 0 || s.score <= 0 {
			continue
		}
		context := 0.0
		for _, o := range []owner{s.owner - 1, s.owner + 1} {
			if j, ok := place[o]; ok && ranked[j].passage.Number == 0 && ranked[j].passage.Heading == s.passage.Heading &&
				ranked[j].passage.Document == s.passage.Document {
				context = max(context, before[j])
			}
		}
		if context > 0 {
			s.parts = append(s.parts, Part{"context", context, contextWeight})
			s.score += contextWeight * context
		}
	}
}

// scored is a candidate with its score.
type scored struct {
	*candidate
	score float64
	parts []Part
}

// rank scores the candidates, best first; equal ones stay in the order of the source.
func rank(q *Query, found []candidate) []scored {
	ranked := make([]scored, len(found))
	for i := range found {
		s := scored{candidate: &found[i]}
		s.covered = q.coverage(s.candidate)
		for _, sig := range signals {
			if v := sig.value(q, s.candidate); v != 0 {
				s.parts = append(s.parts, Part{sig.name, v, sig.weight})
				s.score += v * sig.weight
			}
		}
		for _, v := range vetoes {
			if s.score > 0 && v.said(q, s.candidate) {
				s.parts = append(s.parts, Part{v.name, -(1 - v.left) * s.score, 1})
				s.score *= v.left
			}
		}
		ranked[i] = s
	}
	addContext(ranked)
	slices.SortStableFunc(ranked, func(x, y scored) int {
		return cmp.Or(cmp.Compare(y.score, x.score), cmp.Compare(x.owner, y.owner))
	})
	return ranked
}
