package index

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
	"aeobot/knowledge"
)

// NamedSection is a section with how surely a question names it, 0 to 1.
type NamedSection struct {
	Section *knowledge.Section
	Score   float64
}

// sectionEntry is a section as questions may name it.
type sectionEntry struct {
	owner   owner
	section *knowledge.Section
	// document is what it stands in, and ofField tells that this is about the field.
	document *knowledge.Document
	ofField  bool
	heading  map[analysis.Term]bool // terms of its topic
	asks     []phrase
	names    []string      // its heading and curated keywords, folded
	words    lexicon.Words // the same, to be looked for
}

// nameSections prepares the ways to name a section.
func (g *Generation) nameSections() {
	for i := range g.sections {
		e := &g.sections[i]
		e.heading = g.topicTerms(e.section.Heading)
		for _, n := range slices.Concat([]string{e.section.Heading}, e.section.Keywords, titles(e.document)) {
			e.names = append(e.names, analysis.Normalize(n))
		}
		e.words = lexicon.NewWords(e.names)
		for _, a := range e.section.Ask {
			p := phrase{owner: e.owner, text: a, terms: g.aboutTerms(a)}
			for _, t := range p.terms {
				idf, _ := g.weigh(t)
				p.weight += idf
			}
			e.asks = append(e.asks, p)
		}
	}
}

// leastTitle is the length from which on a title names its document in a question.
const leastTitle = 4

// titles are what people call a document: its title, also without the word 管理 that they
// leave out. A title that is a question names nothing.
func titles(d *knowledge.Document) []string {
	if utf8.RuneCountInString(d.Title) < leastTitle || strings.ContainsAny(d.Title, "?？") {
		return nil
	}
	short := strings.Replace(d.Title, "管理", "", 1)
	if utf8.RuneCountInString(short) < leastTitle {
		short = d.Title
	}
	return []string{d.Title, short}
}

// fieldShare is the share of its passages in which a document must name the field that has
// it in no title or heading.
const fieldShare = 0.25

// ofField reports whether a document is about the field rather than about something else
// that stands beside it.
func (g *Generation) ofField(d *knowledge.Document) bool {
	names := func(text string) bool { return slices.Contains(lexicon.Field(g.curation.read(text).tokens), true) }
	if names(d.Title) || slices.ContainsFunc(d.Sections, func(s *knowledge.Section) bool { return names(s.Heading) }) {
		return true
	}
	passages, naming := d.Passages(), 0
	for _, p := range passages {
		if names(p.Text) {
			naming++
		}
	}
	return naming > 0 && float64(naming) >= fieldShare*float64(len(passages))
}

func (g *Generation) aboutTerms(text string) []analysis.Term {
	r := g.curation.read(text)
	return r.about()
}

func (g *Generation) topicTerms(text string) map[analysis.Term]bool {
	terms := map[analysis.Term]bool{}
	for _, t := range g.aboutTerms(text) {
		terms[t] = true
	}
	return terms
}

// takeSections gives whole sections to a question that names them, unless it
// names one of the measures more surely.
func (g *Generation) takeSections(d *Decision) bool {
	best := 0.0
	for _, n := range d.Named {
		best = max(best, n.Score)
	}
	if best < named || best < g.namedMeasure(d) {
		return false
	}
	score := map[string]Hit{}
	for _, h := range d.Ranked {
		score[h.Passage.ID] = h
	}
	d.Kind = Sections
	for _, n := range d.Named {
		if n.Score < best-0.05 {
			continue
		}
		d.Sections = append(d.Sections, n.Section)
		for _, m := range n.Section.Measures {
			if p, ok := g.library.Passage(m.ID); ok {
				h := score[m.ID]
				h.Passage = p
				h.Score = n.Score
				d.Hits = append(d.Hits, h)
			}
		}
	}
	return len(d.Hits) > 0
}

// namedMeasure is how surely the question names the best measure: by a curated way
// to ask for it, or by the measure's own words without its heading.
func (g *Generation) namedMeasure(d *Decision) float64 {
	best := 0.0
	for _, h := range d.Ranked[:min(len(d.Ranked), maxShown)] {
		best = max(best, h.Alike, d.Query.share(g.topicTerms(h.Passage.Text)))
	}
	if top := d.Ranked; len(top) > 0 && top[0].covered >= whole && top[0].Score >= certain {
		best = max(best, foundWhole)
	}
	return best
}

// share is the part of what the question is about, by weight, that stands in terms.
func (q *Query) share(terms map[analysis.Term]bool) float64 {
	if q.weight == 0 {
		return 0
	}
	common := 0.0
	for i, t := range q.about {
		if terms[t] {
			common += q.idf[i]
		}
	}
	return common / q.weight
}

// name tells how surely a question names each section: by its heading, by a
// curated way to ask for it, or by asking for nothing but what it is about.
func (g *Generation) name(q *Query) []NamedSection {
	names := make([]NamedSection, len(g.sections))
	scopes := g.scopes(q)
	field, benefits := g.hasField(), g.benefitTerms(q)
	for i, s := range g.sections {
		if field && !s.ofField && scopes[i] == 0 && !q.sharesBeyond(s.heading, benefits) {
			names[i] = NamedSection{s.section, 0} // 便利 alone means that of the field
			continue
		}
		score := max(q.headed(s.heading), scopes[i])
		for _, a := range s.asks {
			score = max(score, q.alike(a)*(1-strangeness*q.strange(a)))
		}
		names[i] = NamedSection{s.section, score}
	}
	return names
}

// scopes is, for each section, the share of the question by weight that names the
// section or speaks of benefits in general: 海关给什么, 地方上有哪些支持. A question that
// names no section and speaks of benefits alone asks for all; one that only takes a
// section out (除了海关) asks for the others.
func (g *Generation) scopes(q *Query) []float64 {
	scopes := make([]float64, len(g.sections))
	benefit, except := q.benefit, lexicon.Except(q.tokens)
	asking := q.askingFor(benefit)
	field, marks := g.hasField(), make([][]bool, len(g.sections))
	for i, s := range g.sections {
		marks[i] = s.words.Mark(q.tokens)
		for at := range marks[i] {
			if field && !s.ofField && benefit[at] {
				marks[i][at] = false // a heading 激励措施 elsewhere is not named by that alone
			}
		}
	}
	wanted, unwanted := q.names(marks, except)
	for i := range g.sections {
		e := &g.sections[i]
		least := scoped
		switch {
		case len(wanted) > 0:
			if !slices.ContainsFunc(wanted, func(r run) bool { return marks[i][r.from] }) {
				continue
			}
		case field && !e.ofField:
			continue // all there is in the field
		case len(unwanted) > 0:
			if slices.ContainsFunc(unwanted, func(r run) bool { return e.speaksOf(q.words(r)) }) {
				continue
			}
		case slices.Contains(benefit, true):
			least = scopedAll
		default:
			continue
		}
		covered, all := 0.0, 0.0
		for at, t := range q.tokens {
			if asking[at] || q.subject[at] || except[at] || holds(unwanted, at) {
				continue
			}
			weight := q.features[q.place[t.Term]].weight
			all += weight
			if benefit[at] || marks[i][at] {
				covered += weight
			}
		}
		if covered >= least*all && (all > 0 || len(unwanted) > 0) {
			scopes[i] = 1
			if all > 0 {
				scopes[i] = covered / all
			}
		}
	}
	return scopes
}

// hasField reports whether any document is about the field.
func (g *Generation) hasField() bool {
	return slices.ContainsFunc(g.sections, func(e sectionEntry) bool { return e.ofField })
}

// benefitTerms are the terms of the question that speak of benefits in general.
func (g *Generation) benefitTerms(q *Query) map[analysis.Term]bool {
	terms := map[analysis.Term]bool{}
	for i := 0; i < len(q.tokens); i++ {
		r := run{i, i}
		for r.to < len(q.tokens) && q.benefit[r.to] {
			r.to++
		}
		if r.to > r.from {
			maps.Copy(terms, g.topicTerms(q.words(r)))
			i = r.to
		}
	}
	return terms
}

// sharesBeyond reports whether a heading has two characters in a row of the question's
// topic that do not merely speak of benefits.
func (q *Query) sharesBeyond(heading, benefits map[analysis.Term]bool) bool {
	return slices.ContainsFunc(q.about, func(t analysis.Term) bool { return t.IsPair() && heading[t] && !benefits[t] })
}

// askingFor marks the tokens that only ask, also those within a word of the
// vocabulary for benefits (有什么 in 有什么好处).
func (q *Query) askingFor(benefit []bool) []bool {
	asking := slices.Clone(q.asking)
	alone := lexicon.Asking(q.tokens)
	for _, m := range q.matches {
		nothingElse := true
		for i := m.From; i < m.To; i++ {
			nothingElse = nothingElse && (alone[i] || benefit[i])
		}
		if nothingElse {
			copy(asking[m.From:m.To], alone[m.From:m.To])
		}
	}
	return asking
}

// run is a stretch of tokens.
type run struct{ from, to int }

func holds(runs []run, at int) bool {
	return slices.ContainsFunc(runs, func(r run) bool { return r.from <= at && at < r.to })
}

// words is the text of a run.
func (q *Query) words(r run) string {
	return q.text.Folded[q.tokens[r.from].Start:q.tokens[r.to-1].End]
}

// names finds the stretches of the question that name sections, parted into those
// that are wanted and those that a word like 除了 or 以外 beside them takes out.
func (q *Query) names(marks [][]bool, except []bool) (wanted, unwanted []run) {
	for i := 0; i < len(q.tokens); i++ {
		if !anyMarked(marks, i) || except[i] {
			continue
		}
		r := run{i, i + 1}
		for r.to < len(q.tokens) && anyMarked(marks, r.to) && !except[r.to] {
			r.to++
		}
		if r.from > 0 && except[r.from-1] || r.to < len(q.tokens) && except[r.to] {
			unwanted = append(unwanted, r)
		} else {
			wanted = append(wanted, r)
		}
		i = r.to
	}
	return wanted, unwanted
}

// speaksOf tells whether one of the section's names contains a word: 除了海关 takes out
// 海关现场 as well.
func (e *sectionEntry) speaksOf(word string) bool {
	return slices.ContainsFunc(e.names, func(name string) bool { return strings.Contains(name, word) })
}

func anyMarked(marks [][]bool, at int) bool {
	return slices.ContainsFunc(marks, func(m []bool) bool { return m[at] })
}

// headed is the share of the question's topic that stands in the heading. At
// least one pair must be in common, so that scattered characters name nothing.
func (q *Query) headed(heading map[analysis.Term]bool) float64 {
	if !slices.ContainsFunc(q.about, func(t analysis.Term) bool { return t.IsPair() && heading[t] }) {
		return 0
	}
	return q.share(heading)
}

// strangeness is how much a way to ask for a section loses when the question's own
// topic is nowhere in it.
const strangeness = 0.3

// strange is the share of the question's topic, leaving out benefits in general, that
// a way to ask does not have: 公安那边有什么便利 is not 海关那边有什么便利.
func (q *Query) strange(p phrase) float64 {
	missing, all := 0.0, 0.0
	for i, t := range q.tokens {
		if q.asking[i] || q.subject[i] || q.benefit[i] {
			continue
		}
		weight := q.features[q.place[t.Term]].weight
		all += weight
		if !slices.Contains(p.terms, t.Term) {
			missing += weight
		}
	}
	if all == 0 {
		return 0
	}
	return missing / all
}

// alike compares a phrase with the question: 0 nothing in common, 1 the same terms.
func (q *Query) alike(p phrase) float64 {
	if p.weight+q.weight == 0 {
		return 0
	}
	common := 0.0
	for i, t := range q.about {
		if slices.Contains(p.terms, t) {
			common += q.idf[i]
		}
	}
	return 2 * common / (p.weight + q.weight)
}
