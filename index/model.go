package index

import (
	"math"
	"strings"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
	"aeobot/knowledge"
)

// The usual constants of BM25: how soon repetition saturates, and how much a
// passage's length counts.
const (
	k1 = 1.2
	b  = 0.75
)

// entry is a passage as the rescoring sees it.
type entry struct {
	passage knowledge.Passage
	units   bag
	pairs   bag
	own     phrase   // its words without the heading
	asks    []phrase // curated ways to ask
	words   []string // curated keywords, normalised
	unlike  []string // curated look-alikes, normalised
	label   string   // 金融 of 金融部门
}

// bag counts terms.
type bag struct {
	count map[analysis.Term]int
	size  int
}

func newBag(terms []analysis.Term) bag {
	g := bag{count: make(map[analysis.Term]int, len(terms)), size: len(terms)}
	for _, t := range terms {
		g.count[t]++
	}
	return g
}

// phrase is a short text to compare a question with.
type phrase struct {
	terms  []analysis.Term // distinct units and pairs, in order
	set    map[analysis.Term]bool
	weight float64 // of all terms
}

// phrase cuts what a text is about. A text that only asks (有哪些) keeps its words.
func (m model) phrase(text string) phrase {
	about := lexicon.Topic(text)
	if strings.TrimSpace(about) == "" {
		about = text
	}
	return m.weighed(about)
}

// weighed cuts all of a text.
func (m model) weighed(text string) phrase {
	cut := analysis.Cut(text)
	p := phrase{set: map[analysis.Term]bool{}}
	for _, t := range append(cut.Units, cut.Pairs...) {
		if !p.set[t] {
			p.set[t] = true
			p.terms = append(p.terms, t)
		}
	}
	p.weight = m.weigh(p.terms, all)
	return p
}

func newEntry(p knowledge.Passage) entry {
	cut := analysis.Cut(p.Heading + "\n" + p.Text)
	e := entry{passage: p, units: newBag(cut.Units), pairs: newBag(cut.Pairs)}
	for _, k := range p.Notes.Keywords {
		e.words = append(e.words, analysis.Normalize(k))
	}
	for _, u := range p.Notes.Unlike {
		e.unlike = append(e.unlike, analysis.Normalize(u.Term))
	}
	e.label = strings.TrimSuffix(analysis.Normalize(p.Label), "部门")
	return e
}

// weigh prepares the comparisons that need the whole collection.
func (e *entry) weigh(m model) {
	e.own = m.weighed(e.passage.Text)
	for _, a := range e.passage.Notes.Ask {
		e.asks = append(e.asks, m.phrase(a))
	}
}

// model holds what the collection says about its terms.
type model struct {
	passages int
	weights  map[analysis.Term]float64 // idf of each term
	unknown  float64                   // of a term no passage has
	avgUnits float64
	avgPairs float64
}

func newModel(entries []entry) model {
	m := model{passages: len(entries), weights: map[analysis.Term]float64{}}
	df := map[analysis.Term]int{}
	for _, e := range entries {
		for t := range e.units.count {
			df[t]++
		}
		for t := range e.pairs.count {
			df[t]++
		}
		m.avgUnits += float64(e.units.size)
		m.avgPairs += float64(e.pairs.size)
	}
	for t, n := range df {
		m.weights[t] = m.rarity(n)
	}
	m.unknown = m.rarity(0)
	n := float64(max(len(entries), 1))
	m.avgUnits, m.avgPairs = max(m.avgUnits/n, 1), max(m.avgPairs/n, 1)
	return m
}

// idf is high for rare terms and highest for one the collection does not have.
func (m model) idf(t analysis.Term) float64 {
	if w, ok := m.weights[t]; ok {
		return w
	}
	return m.unknown
}

func (m model) rarity(passages int) float64 {
	n := float64(passages)
	return math.Log(1 + (float64(m.passages)-n+0.5)/(n+0.5))
}

// bm25 scores one bag for terms, in the order of terms so that the sum is the
// same to the last bit on every machine.
func (m model) bm25(terms []analysis.Term, g bag, average float64) float64 {
	norm := k1 * (1 - b + b*float64(g.size)/average)
	sum := 0.0
	for _, t := range terms {
		if tf := float64(g.count[t]); tf > 0 {
			sum += m.idf(t) * tf * (k1 + 1) / (tf + norm)
		}
	}
	return sum
}

// weigh adds up the idf of terms that pass keep.
func (m model) weigh(terms []analysis.Term, keep func(analysis.Term) bool) float64 {
	sum := 0.0
	for _, t := range terms {
		if keep(t) {
			sum += m.idf(t)
		}
	}
	return sum
}

func all(analysis.Term) bool { return true }

// alike compares two phrases by the terms they share, weighted by idf: 0 nothing
// in common, 1 the same terms.
func (m model) alike(p, q phrase) float64 {
	if p.weight+q.weight == 0 {
		return 0
	}
	common := m.weigh(p.terms, func(t analysis.Term) bool { return q.set[t] })
	return 2 * common / (p.weight + q.weight)
}
