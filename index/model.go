package index

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

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

// termID names a term the model knows. Comparing numbers instead of texts is what
// makes a question cheap.
type termID int32

// bag counts terms.
type bag struct {
	count map[termID]int
	size  int
}

// phrase is a short text to compare a question with.
type phrase struct {
	terms  []termID // distinct units and pairs that the model knows, in order
	set    []bool   // by termID: which those are
	weight float64  // of all terms, those the model does not know included
}

// has tells whether the phrase holds a term.
func (p phrase) has(t termID) bool { return int(t) < len(p.set) && p.set[t] }

// model holds what the collection says about its terms.
type model struct {
	passages int
	ids      map[analysis.Term]termID
	weights  []float64 // idf by termID
	pairs    []bool    // by termID: more than one character
	unknown  float64   // idf of a term no passage has
	avgUnits float64
	avgPairs float64
}

// newModel counts the terms of all passages and takes in what curators wrote.
func newModel(passages []knowledge.Passage) (model, []entry) {
	m := model{passages: len(passages), ids: map[analysis.Term]termID{}}
	entries := make([]entry, len(passages))
	var df []int
	for i, p := range passages {
		cut := analysis.Cut(p.Heading + "\n" + p.Text)
		entries[i] = entry{passage: p, units: m.bag(cut.Units), pairs: m.bag(cut.Pairs)}
		for _, g := range []bag{entries[i].units, entries[i].pairs} {
			for t := range g.count {
				for int(t) >= len(df) {
					df = append(df, 0)
				}
				df[t]++
			}
		}
		m.avgUnits += float64(entries[i].units.size)
		m.avgPairs += float64(entries[i].pairs.size)
	}
	for _, n := range df {
		m.weights = append(m.weights, m.rarity(n))
	}
	m.unknown = m.rarity(0)
	n := float64(max(len(entries), 1))
	m.avgUnits, m.avgPairs = max(m.avgUnits/n, 1), max(m.avgPairs/n, 1)
	for i := range entries {
		entries[i].curate(&m)
	}
	return m, entries
}

// learn gives a term its number, a new one when need be.
func (m *model) learn(t analysis.Term) termID {
	id, ok := m.ids[t]
	if !ok {
		id = termID(len(m.ids))
		m.ids[t] = id
		m.pairs = append(m.pairs, utf8.RuneCountInString(t) > 1)
	}
	return id
}

func (m *model) bag(terms []analysis.Term) bag {
	g := bag{count: make(map[termID]int, len(terms)), size: len(terms)}
	for _, t := range terms {
		g.count[m.learn(t)]++
	}
	return g
}

// curate prepares what a question is compared with beside the words.
func (e *entry) curate(m *model) {
	notes := e.passage.Notes
	e.own = m.learnPhrase(analysis.Cut(e.passage.Text))
	for _, a := range notes.Ask {
		e.asks = append(e.asks, m.learnPhrase(topic(a)))
	}
	for _, k := range notes.Keywords {
		e.words = append(e.words, analysis.Normalize(k))
	}
	for _, u := range notes.Unlike {
		e.unlike = append(e.unlike, analysis.Normalize(u.Term))
	}
	e.label = strings.TrimSuffix(analysis.Normalize(e.passage.Label), "部门")
}

// topic cuts what a text is about. A text that only asks (有哪些) keeps its words.
func topic(text string) analysis.Terms {
	about := lexicon.Topic(text)
	if strings.TrimSpace(about) == "" {
		about = text
	}
	return analysis.Cut(about)
}

// learnPhrase weighs a text of the knowledge; its terms become known, those that no
// passage has with the weight of unknown ones.
func (m *model) learnPhrase(cut analysis.Terms) phrase {
	for _, t := range slices.Concat(cut.Units, cut.Pairs) {
		for id := m.learn(t); int(id) >= len(m.weights); {
			m.weights = append(m.weights, m.unknown)
		}
	}
	return m.phrase(cut)
}

// phrase weighs a text of a question.
func (m *model) phrase(cut analysis.Terms) phrase {
	p := phrase{}
	unknown := map[analysis.Term]bool{}
	p.set = make([]bool, len(m.weights))
	for _, t := range slices.Concat(cut.Units, cut.Pairs) {
		switch id, ok := m.ids[t]; {
		case !ok && !unknown[t]:
			unknown[t] = true
			p.weight += m.unknown
		case ok && !p.set[id]:
			p.set[id] = true
			p.terms = append(p.terms, id)
			p.weight += m.weights[id]
		}
	}
	return p
}

// rarity is the idf of a term in so many passages: high for rare terms, highest for
// one that none has.
func (m *model) rarity(passages int) float64 {
	n := float64(passages)
	return math.Log(1 + (float64(m.passages)-n+0.5)/(n+0.5))
}

// bm25 scores one bag for terms, in the order of terms so that the sum is the
// same to the last bit on every machine.
func (m *model) bm25(terms []termID, g bag, average float64) float64 {
	norm := k1 * (1 - b + b*float64(g.size)/average)
	sum := 0.0
	for _, t := range terms {
		if tf := float64(g.count[t]); tf > 0 {
			sum += m.weights[t] * tf * (k1 + 1) / (tf + norm)
		}
	}
	return sum
}

// common adds up the idf of the terms of p that q holds.
func (m *model) common(p, q phrase) float64 {
	sum := 0.0
	for _, t := range p.terms {
		if q.has(t) {
			sum += m.weights[t]
		}
	}
	return sum
}

// alike compares two phrases by the terms they share, weighted by idf: 0 nothing
// in common, 1 the same terms.
func (m *model) alike(p, q phrase) float64 {
	if p.weight+q.weight == 0 {
		return 0
	}
	return 2 * m.common(p, q) / (p.weight + q.weight)
}

// share is the part of p, by weight, that stands in q.
func (m *model) share(p, q phrase) float64 {
	if p.weight == 0 {
		return 0
	}
	return m.common(p, q) / p.weight
}
