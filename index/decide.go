package index

import (
	"context"
	"slices"

	"aeobot/knowledge"
)

// Limits of the decision, in units of Hit.Score.
const (
	// bar is the score below which nothing is shown.
	bar = 0.25
	// besides is the share of the best score that a second passage needs to be
	// shown with it, and following the share it needs to wait behind 更多.
	besides, following = 0.80, 0.60
	maxShown           = 3
	// named is how surely a question must name a section to get it whole.
	named = 0.5
)

// Kind says what a decision gives.
type Kind string

const (
	Refused  Kind = "refuse"
	Measures Kind = "measures"
	Sections Kind = "sections"
)

// Decision is what a question gets.
type Decision struct {
	Kind  Kind
	Query Query
	// Hits are to be shown: for Sections all their passages in the source's order.
	Hits []Hit
	// More are good enough to follow behind 更多.
	More []Hit
	// Sections are those the question names, when Kind is Sections.
	Sections []*knowledge.Section
	// Ranked are all candidates, best first; Named all sections with how surely
	// the question names them.
	Ranked []Hit
	Named  []NamedSection
	Bar    float64
}

// NamedSection is a section with how surely a question names it, 0 to 1.
type NamedSection struct {
	Section *knowledge.Section
	Score   float64
}

// sectionEntry is a section as questions may name it.
type sectionEntry struct {
	section *knowledge.Section
	heading phrase
	asks    []phrase
}

// learnSections prepares the ways to name a section.
func (g *Generation) learnSections() {
	for _, d := range g.library.Documents {
		for _, s := range d.Sections {
			e := sectionEntry{section: s, heading: g.model.learnPhrase(topic(s.Heading))}
			for _, a := range s.Ask {
				e.asks = append(e.asks, g.model.learnPhrase(topic(a)))
			}
			g.sections = append(g.sections, e)
		}
	}
}

// Search decides what a question gets.
func (g *Generation) Search(ctx context.Context, text string) (Decision, error) {
	q := g.newQuery(text)
	d := Decision{Kind: Refused, Query: q, Bar: bar}
	if len(q.Units) == 0 {
		return d, nil
	}
	found, err := g.find(ctx, q)
	if err != nil {
		return Decision{}, err
	}
	d.Ranked = g.rank(q, found)
	d.Named = g.name(q)
	if g.takeSections(&d) {
		return d, nil
	}
	takeMeasures(&d)
	return d, nil
}

func takeMeasures(d *Decision) {
	if len(d.Ranked) == 0 || d.Ranked[0].Score < bar {
		return
	}
	d.Kind = Measures
	best := d.Ranked[0].Score
	for _, h := range d.Ranked {
		switch {
		case h.Score < bar:
			return
		case h.Score >= besides*best && len(d.Hits) < maxShown:
			d.Hits = append(d.Hits, h)
		case h.Score >= following*best:
			d.More = append(d.More, h)
		}
	}
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
			if i, ok := g.byID[m.ID]; ok {
				h := score[m.ID]
				h.Passage = g.passages[i].passage
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
		e := &g.passages[g.byID[h.Passage.ID]]
		best = max(best, g.model.share(d.Query.about, e.own))
		for _, a := range e.asks {
			best = max(best, g.model.alike(a, d.Query.about))
		}
	}
	return best
}

// name tells how surely a question names each section: by its heading, or by a
// curated way to ask for it.
func (g *Generation) name(q Query) []NamedSection {
	names := make([]NamedSection, len(g.sections))
	for i, s := range g.sections {
		score := g.headed(q, s)
		for _, a := range s.asks {
			score = max(score, g.model.alike(a, q.about))
		}
		names[i] = NamedSection{s.section, score}
	}
	return names
}

// headed is the share of the question's topic that stands in the heading. At
// least one pair must be in common, so that scattered characters name nothing.
func (g *Generation) headed(q Query, s sectionEntry) float64 {
	pair := func(t termID) bool { return g.model.pairs[t] && s.heading.has(t) }
	if !slices.ContainsFunc(q.about.terms, pair) {
		return 0
	}
	return g.model.share(q.about, s.heading)
}
