package index

import (
	"slices"
	"strings"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
	"aeobot/knowledge"
)

// owner is what a curated phrase leads to, by number: a passage, then the sections,
// then the topics that lie outside the knowledge.
type owner int32

// curation is what people wrote beside the sources: ways to ask, keywords,
// look-alikes, and topics the knowledge has nothing on. It is always in memory.
type curation struct {
	vocabulary *lexicon.Vocabulary
	notes      []ownerNotes // by owner, only those with notes
	numbers    map[owner]int
	phrases    []phrase
	postings   map[analysis.Term][]int32  // phrases that hold a term, each once
	words      map[analysis.Term][]worded // owners whose phrases hold a term
	average    float64                    // mean units of all phrases of an owner
	middles    map[analysis.Term][]rune   // what stands between two characters of a keyword
}

// ownerNotes is one owner's part of the curation.
type ownerNotes struct {
	owner    owner
	units    int      // of all phrases
	keywords []string // folded
	unlike   []string // folded
	label    string   // 金融 of 金融部门
}

// worded says how often an owner's phrases hold a term.
type worded struct {
	note  int32 // index into notes
	count int32
}

// phrase is one way to ask.
type phrase struct {
	owner  owner
	text   string
	terms  []analysis.Term // distinct, what the phrase is about
	weight float64         // of its terms, once the collection is known
}

func newCuration(v *lexicon.Vocabulary) *curation {
	return &curation{vocabulary: v, numbers: map[owner]int{}, postings: map[analysis.Term][]int32{},
		words: map[analysis.Term][]worded{}, middles: map[analysis.Term][]rune{}}
}

// note takes in what is curated for one owner.
func (c *curation) note(o owner, ask, keywords []string, unlike []knowledge.Unlike, label string) {
	if len(ask)+len(keywords)+len(unlike) == 0 && label == "" {
		return
	}
	n := ownerNotes{owner: o, label: strings.TrimSuffix(analysis.Normalize(label), "部门")}
	count := map[analysis.Term]int32{}
	var order []analysis.Term
	add := func(t analysis.Term) {
		if count[t] == 0 {
			order = append(order, t)
		}
		count[t]++
	}
	for _, text := range ask {
		r := c.read(text)
		n.units += len(r.tokens)
		analysis.Each(r.tokens, add)
		for _, m := range r.matches {
			add(m.Meaning())
		}
		for _, f := range r.facets {
			add(f.Term())
		}
		c.phrases = append(c.phrases, phrase{owner: o, text: text, terms: r.about()})
	}
	for _, k := range keywords {
		folded := analysis.Normalize(k)
		tokens := analysis.Cut(folded)
		n.units += len(tokens)
		analysis.Each(tokens, add)
		for _, t := range c.vocabulary.Held(tokens) {
			add(t)
		}
		n.keywords = append(n.keywords, folded)
		c.learnMiddles(tokens)
	}
	for _, u := range unlike {
		n.unlike = append(n.unlike, analysis.Normalize(u.Term))
	}
	i := int32(len(c.notes))
	c.notes, c.numbers[o] = append(c.notes, n), int(i)
	for _, t := range order {
		c.words[t] = append(c.words[t], worded{i, count[t]})
	}
}

// finish weighs the phrases once the collection's statistics are known.
func (c *curation) finish(idf func(analysis.Term) float64) {
	units := 0
	for _, n := range c.notes {
		units += n.units
	}
	c.average = max(float64(units)/float64(max(len(c.notes), 1)), 1)
	for i := range c.phrases {
		p := &c.phrases[i]
		for _, t := range p.terms {
			p.weight += idf(t)
			c.postings[t] = append(c.postings[t], int32(i))
		}
	}
}

// reading is a text as questions and curated phrases are read.
type reading struct {
	text    analysis.Text
	tokens  []analysis.Token
	asking  []bool // by token: it only asks
	subject []bool // by token: every question of the field may contain it
	matches []lexicon.Match
	facets  []*lexicon.Facet
}

func (c *curation) read(text string) reading {
	r := reading{text: analysis.Fold(text)}
	r.tokens = analysis.Cut(r.text.Folded)
	r.asking, r.subject = lexicon.Asking(r.tokens), lexicon.Subject(r.tokens)
	r.matches = c.vocabulary.Find(r.tokens)
	for _, m := range r.matches {
		// 地 of 用地 does not only ask, though 地 alone does.
		if slices.Contains(r.asking[m.From:m.To], false) {
			for i := m.From; i < m.To; i++ {
				r.asking[i] = false
			}
		}
	}
	r.facets = lexicon.AskedFor(r.tokens)
	return r
}

// about are the distinct terms of what a text is about: units and pairs without
// the words that only ask or name the field, meanings, and what it asks for. A
// text of such words alone keeps them.
func (r *reading) about() []analysis.Term {
	var terms []analysis.Term
	seen := map[analysis.Term]bool{}
	add := func(t analysis.Term) {
		if !seen[t] {
			seen[t] = true
			terms = append(terms, t)
		}
	}
	eachOf(r.tokens, func(i int) bool { return !r.asking[i] && !r.subject[i] }, add)
	if len(terms) == 0 {
		analysis.Each(r.tokens, add)
	}
	for _, m := range r.matches {
		if !r.subject[m.From] {
			add(m.Meaning())
		}
	}
	for _, f := range r.facets {
		add(f.Term())
	}
	return terms
}

// eachOf calls f with the units that keep says, and the pairs of two such.
func eachOf(tokens []analysis.Token, keep func(int) bool, f func(analysis.Term)) {
	for i, t := range tokens {
		if !keep(i) {
			continue
		}
		f(t.Term)
		if i > 0 && keep(i-1) && !t.Broken && tokens[i-1].Character() {
			f(analysis.Pair(rune(tokens[i-1].Term), rune(t.Term)))
		}
	}
}

// nearness is how near the nearest phrase of an owner comes to a question.
type nearness struct {
	phrase int32
	alike  float64
}

// nearest finds for each owner the phrase that has most in common with the
// question, by idf: 0 nothing, 1 the same terms. Owners with nothing in common are
// left out.
func (c *curation) nearest(q *Query) map[owner]nearness {
	near := map[owner]nearness{}
	if len(c.phrases) == 0 || q.weight == 0 {
		return near
	}
	common := make([]float64, len(c.phrases))
	var touched []int32
	for i, t := range q.about {
		idf := q.idf[i]
		for _, p := range c.postings[t] {
			if common[p] == 0 {
				touched = append(touched, p)
			}
			common[p] += idf
		}
	}
	for _, p := range touched {
		ph := &c.phrases[p]
		alike := 2 * common[p] / (ph.weight + q.weight)
		// The first of equals stays, so that the result does not hang on the order.
		if n, ok := near[ph.owner]; !ok || alike > n.alike || alike == n.alike && p < n.phrase {
			near[ph.owner] = nearness{p, alike}
		}
	}
	return near
}

// fill adds to the rows what the curated phrases and keywords hold.
func (c *curation) fill(q *Query, all []candidate, place map[owner]int) {
	for i, f := range q.features {
		for _, w := range c.words[f.term] {
			n := &c.notes[w.note]
			if at, ok := place[n.owner]; ok {
				all[at].row[i] += float64(w.count) / norm(n.units, c.average)
			}
		}
	}
}

// learnMiddles notes what stands between characters, for words that miss one.
func (c *curation) learnMiddles(tokens []analysis.Token) {
	for i := 2; i < len(tokens); i++ {
		if tokens[i-2].Character() && tokens[i-1].Character() && tokens[i].Character() && !tokens[i-1].Broken && !tokens[i].Broken {
			t, r := analysis.Pair(rune(tokens[i-2].Term), rune(tokens[i].Term)), rune(tokens[i-1].Term)
			if !slices.Contains(c.middles[t], r) {
				c.middles[t] = append(c.middles[t], r)
			}
		}
	}
}

// between are the characters that stand between two in a keyword.
func (c *curation) between(a, b rune) []rune { return c.middles[analysis.Pair(a, b)] }
