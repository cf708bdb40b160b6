package index

import (
	"slices"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
	"aeobot/knowledge"
)

// maxQuestionRunes bounds what is searched; what is longer is cut. Questions
// people write have some 20 characters, pasted stories a few hundred.
const maxQuestionRunes = 2000

// Query is a question, ready to be searched.
type Query struct {
	// Text is the question as it was asked; Correction says what was mended in it
	// before it was searched, and is nil mostly.
	Text       string
	Correction *Correction
	reading

	features []feature
	place    map[analysis.Term]int // of a term in features
	content  []contentUnit
	ideal    float64 // weight of all content, the best score possible
	about    []analysis.Term
	idf      []float64 // of about
	weight   float64   // of all of about
	benefit  []bool    // which tokens speak of benefits in general
}

// feature is a term that a passage may have in common with the question.
type feature struct {
	term   analysis.Term
	weight float64
	// holders is how many passages have the term.
	holders int
	// searched says that candidates are found by it.
	searched bool
	// match is the vocabulary's entry that a meaning comes from, or nil.
	match *lexicon.Match
}

// contentUnit is a unit of the question that says something, with the features by
// which a passage covers it.
type contentUnit struct {
	weight   float64
	feature  int
	meanings []int
}

// newQuery reads a question. weigh gives the idf of a term and how many passages
// have it.
func newQuery(text string, c *curation, weigh func(analysis.Term) (idf float64, holders int)) Query {
	if r := []rune(text); len(r) > maxQuestionRunes {
		text = string(r[:maxQuestionRunes])
	}
	q := Query{Text: text, reading: c.read(text), place: map[analysis.Term]int{}}
	add := func(t analysis.Term) {
		if _, ok := q.place[t]; !ok {
			idf, holders := weigh(t)
			q.place[t] = len(q.features)
			q.features = append(q.features, feature{term: t, weight: idf, holders: holders})
		}
	}
	analysis.Each(q.tokens, add)
	for _, t := range searched(q.tokens) {
		q.features[q.place[t]].searched = true
	}
	explained := q.addMeanings(weigh)
	for _, f := range q.facets {
		// What is asked for counts only in a collection whose curators tell facets apart.
		if idf, holders := weigh(f.Term()); holders > 0 {
			q.place[f.Term()] = len(q.features)
			q.features = append(q.features, feature{term: f.Term(), weight: idf})
			q.ideal += idf
		}
	}
	counted := map[analysis.Term]bool{}
	keep := func(i int) bool { return !q.asking[i] }
	eachOf(q.tokens, keep, func(t analysis.Term) {
		if !counted[t] {
			counted[t] = true
			// A word that the vocabulary leads to what some passage says is no gap where
			// that passage says it otherwise.
			if !explained[t] {
				q.ideal += q.features[q.place[t]].weight
			}
		}
	})
	// A question of words that everything holds says too little for a high score.
	rarest, _ := weigh(noTerm)
	q.ideal = max(q.ideal, leastWeight*rarest)
	q.addContent()
	q.benefit = lexicon.Benefit(q.tokens)
	q.about = q.reading.about()
	for _, t := range q.about {
		idf, _ := weigh(t)
		q.idf = append(q.idf, idf)
		q.weight += idf
	}
	return q
}

// leastWeight is the weight that a question counts as having at least, in the rarest
// terms possible: that of an everyday word the vocabulary knows.
const leastWeight = 2.5

// Substance is how many units of the question say what it is about, beyond words
// that only ask, words that every question of the field contains and words for
// benefits in general. A word of letters is as much as two characters.
func (q *Query) Substance() int {
	n := 0
	for i, t := range q.tokens {
		switch {
		case q.asking[i] || q.subject[i] || q.benefit[i]:
		case t.Character():
			n++
		default:
			n += 2
		}
	}
	return n
}

// noTerm is a term that no text holds.
const noTerm analysis.Term = 0

// meaningUnits is what a meaning weighs beside a character of the same rarity: a
// word stands for two characters and their pair.
const meaningUnits = 2.0

// addMeanings adds what the vocabulary says that words of the question mean, and
// returns the terms of those words.
func (q *Query) addMeanings(weigh func(analysis.Term) (float64, int)) map[analysis.Term]bool {
	explained := map[analysis.Term]bool{}
	for i := range q.matches {
		m := &q.matches[i]
		idf, holders := weigh(m.Meaning())
		if holders == 0 {
			continue
		}
		weight := idf * m.Weight() * meaningUnits
		if at, ok := q.place[m.Meaning()]; ok {
			q.features[at].weight = max(q.features[at].weight, weight)
		} else {
			q.place[m.Meaning()] = len(q.features)
			q.features = append(q.features, feature{term: m.Meaning(), weight: weight, match: m})
			q.ideal += weight
		}
		if !m.Unlike() {
			analysis.Each(q.tokens[m.From:m.To], func(t analysis.Term) { explained[t] = true })
		}
	}
	return explained
}

func (q *Query) addContent() {
	seen := map[analysis.Term]int{}
	for i, t := range q.tokens {
		if q.asking[i] {
			continue
		}
		at, ok := seen[t.Term]
		if !ok {
			at = len(q.content)
			seen[t.Term] = at
			f := q.place[t.Term]
			q.content = append(q.content, contentUnit{weight: q.features[f].weight, feature: f})
		}
		for _, m := range q.matches {
			if f, has := q.place[m.Meaning()]; has && m.From <= i && i < m.To {
				q.content[at].meanings = append(q.content[at].meanings, f)
			}
		}
	}
}

// Known are the words of the question that the vocabulary knows, as they were
// written but folded, each once and the outer one of two.
func (q *Query) Known() []string {
	var known []string
	end := 0
	for _, m := range q.matches {
		if m.Unlike() || m.From < end || q.subject[m.From] {
			continue
		}
		end = m.To
		word := q.text.Folded[q.tokens[m.From].Start:q.tokens[m.To-1].End]
		if !slices.Contains(known, word) {
			known = append(known, word)
		}
	}
	return known
}

// Jurisdiction is the first place with customs rules of its own that the question
// names (香港, 欧盟), folded, or empty.
func (q *Query) Jurisdiction() string {
	marks := lexicon.Jurisdiction(q.tokens)
	from := slices.Index(marks, true)
	if from < 0 {
		return ""
	}
	to := from
	for to < len(marks) && marks[to] {
		to++
	}
	return q.words(run{from, to})
}

// AsksFor tells that the question says what it wants: an amount, a procedure, a reason.
func (q *Query) AsksFor() bool { return len(q.facets) > 0 }

// Unstated tells that the question asks for something, an amount or a procedure,
// that the passage's words do not state.
func (q *Query) Unstated(p knowledge.Passage) bool {
	stated := lexicon.Stated(analysis.Normalize(p.Text))
	return slices.ContainsFunc(q.facets, func(f *lexicon.Facet) bool { return f.Needed && !slices.Contains(stated, f) })
}

// Unmentioned lists what a question asks for that a text has no word of, by the names of
// facets: amount, fee, duration.
func Unmentioned(question, text string) []string {
	var names []string
	folded := analysis.Normalize(text)
	for _, f := range lexicon.AskedFor(analysis.Cut(analysis.Normalize(question))) {
		if f.Needed && f.Unmentioned(folded) {
			names = append(names, f.Name)
		}
	}
	return names
}

// FoldCharacters folds width, case and script as questions are folded, and leaves
// numbers and spaces as they are.
func FoldCharacters(text string) string { return analysis.FoldCharacters(text) }
