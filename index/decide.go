package index

import (
	"context"
	"slices"
	"strings"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
	"aeobot/knowledge"
)

// Limits of the decision, in units of Hit.Score.
const (
	// defaultBar is the score below which nothing is shown.
	defaultBar = 0.40
	// besides is the share of the best score that a second passage needs to be
	// shown with it, and following the share it needs to wait behind 更多.
	besides, following = 0.80, 0.60
	maxShown           = 3
	// unsure is the share of the bar from which on it is asked back what was meant.
	unsure = 0.70
	// ours is the share of the best score that a topic outside the knowledge needs:
	// topics have only ways to ask, and no text of their own.
	ours = 1.10
	// short is the number of content units up to which a question may be no more than
	// a curated keyword, which names its passage and no topic outside.
	short = 8
	// same is how alike a question is to a curated way to ask that says the same, but for
	// words that only ask. Sums of floats come out a hair below 1.
	same = 0.999
	// A topic is named to the asker when the question has one of its keywords; or has words
	// of its name, scores so high for it, comes so near to a way to ask for it, and leaves
	// the next topic at no more than that share of the score. Ways to ask alone do not do:
	// curators list many a thing under a topic whose name says another.
	topicScore, topicAlike, nextTopic = 1.00, 0.42, 0.75
	// named is how surely a question must name a section to get it whole.
	named = 0.5
	// A measure that covers so much of the question with such a score is named as
	// surely as foundWhole, curated or not.
	whole, certain, foundWhole = 0.95, 1.50, 0.64
	// scoped is the share of the question that must name a section or speak of benefits
	// in general, to ask for all of it; scopedAll the share for a question that names
	// no section and so asks for all there is.
	scoped, scopedAll = 0.55, 0.80
)

// Kind says what a decision gives.
type Kind string

const (
	Refused  Kind = "refuse"
	Unsure   Kind = "clarify" // something may be meant; Choices say what
	Measures Kind = "measures"
	Sections Kind = "sections"
)

// Decision is what a question gets.
type Decision struct {
	Kind  Kind
	Query Query
	// Hits are to be shown: for Sections all their passages in the source's order.
	Hits []Hit
	// Choices are questions that may be meant, when Kind is Unsure.
	Choices []string
	// More are good enough to follow behind 更多.
	More []Hit
	// Sections are those the question names, when Kind is Sections.
	Sections []*knowledge.Section
	// Ranked are all candidates, best first; Named all sections with how surely
	// the question names them.
	Ranked []Hit
	Named  []NamedSection
	// Outside is the nearest topic that the knowledge has nothing on, or nil.
	Outside *Outside
	// Elsewhere says that the question was refused for being about that topic.
	Elsewhere bool
	Bar       float64
}

// Search decides what a question gets.
func (g *Generation) Search(ctx context.Context, text string) (Decision, error) {
	q, ranked, err := g.search(ctx, text)
	if err != nil {
		return Decision{}, err
	}
	d := Decision{Kind: Refused, Query: q, Bar: g.bar}
	for _, s := range ranked {
		if s.owner >= g.firstTopic() {
			d.takeTopic(g, s)
			continue
		}
		d.Ranked = append(d.Ranked, Hit{Passage: s.passage, Score: s.score, Parts: append(s.parts, Part{"coverage", s.covered, 0}, Part{"bleve", s.bleve, 0}),
			Asked: g.phrase(s.asked), Alike: s.alike,
			covered: s.covered, keyed: keyword(&q, s.candidate) > 0, meant: q.meant(s.candidate)})
	}
	d.Named = g.name(&q)
	switch {
	case d.outside():
		d.Elsewhere = true
	case g.takeSections(&d):
	case len(d.Ranked) > 0 && d.Ranked[0].Score >= d.Bar:
		takeMeasures(&d)
		g.takeClauses(&d, ranked)
	default:
		offerChoices(&d)
	}
	return d, nil
}

// takeTopic takes the best topic outside the knowledge, or the best of those that a keyword
// in the question names: a few other words in common say less.
func (d *Decision) takeTopic(g *Generation, s scored) {
	keyed := keyword(&d.Query, s.candidate) > 0
	next := 0.0
	if was := d.Outside; was != nil {
		if was.keyed || !keyed || s.score < g.bar {
			was.next = max(was.next, s.score)
			return
		}
		next = was.Score
	}
	topic := int(s.owner - g.firstTopic())
	d.Outside = &Outside{Topic: g.topics[topic].Name, General: topic < g.general, Score: s.score, Asked: g.phrase(s.asked), Alike: s.alike,
		covered: s.covered, keyed: keyed, called: d.Query.calls(g.topics[topic].Name), next: next}
}

// offerChoices asks back when what was found is only just not good enough.
func offerChoices(d *Decision) {
	for _, h := range d.Ranked {
		if h.Score < unsure*d.Bar || len(d.Choices) == maxShown {
			break
		}
		choice := h.Asked
		if choice == "" && len(h.Passage.Notes.Ask) > 0 {
			choice = h.Passage.Notes.Ask[0]
		}
		if choice != "" {
			d.Kind = Unsure
			d.Choices = append(d.Choices, choice)
		}
	}
}

// phrase is the text of a curated way to ask; -1 is none.
func (g *Generation) phrase(i int32) string {
	if i < 0 {
		return ""
	}
	return g.curation.phrases[i].text
}

// Outside is a topic that curators know the knowledge has nothing on.
type Outside struct {
	Topic string
	// General says that the topic is talk or office life, not of the knowledge's field.
	General bool
	Score   float64
	Asked   string
	Alike   float64
	covered float64
	keyed   bool
	called  bool    // the question has words of the topic's name
	next    float64 // the score of the next topic
}

// Sure reports whether the question is surely about the topic, so that it may be called by
// its name: to be refused for what was not asked is worse than to be refused.
func (o *Outside) Sure() bool {
	return o.keyed || o.Alike >= same || o.called && o.Score >= topicScore && o.Alike >= topicAlike && o.next <= nextTopic*o.Score
}

// outside tells that the question is about something the knowledge is known to
// have nothing on, rather than about any of its passages or sections.
func (d *Decision) outside() bool {
	if d.Outside == nil || d.Outside.Score < d.Bar {
		return false
	}
	for _, n := range d.Named {
		if n.Score > max(named, d.Outside.Alike) {
			return false
		}
	}
	if len(d.Ranked) == 0 {
		return true
	}
	best := &d.Ranked[0]
	if best.Alike >= same && d.Outside.Alike < same {
		return false // a curator has said where these very words lead
	}
	if d.Query.says(d.Outside.Asked) && !d.Query.says(best.Asked) {
		return true // a keyword in the question says less than the whole of it
	}
	if d.Outside.keyed && !best.keyed {
		return true
	}
	if (best.keyed || best.meant) && len(d.Query.content) <= short && best.covered >= d.Outside.covered && 2*best.Score > d.Outside.Score && !d.Query.needs() {
		return false
	}
	return d.Outside.Score > ours*best.Score
}

// says reports whether the question is a text but for writing and marks.
func (q *Query) says(text string) bool {
	return slices.EqualFunc(q.tokens, analysis.Cut(analysis.Normalize(text)), func(x, y analysis.Token) bool { return x.Term == y.Term })
}

// calls reports whether the question has two characters in a row, or a word of letters, of
// a topic's name, beyond words that only ask and those of every question of the field.
func (q *Query) calls(topic string) bool {
	topic = analysis.Normalize(topic)
	for i, t := range q.tokens {
		to := i
		if t.Character() && i+1 < len(q.tokens) {
			to++
		}
		telling := (to > i || !t.Character()) && !q.asking[i] && !q.asking[to] && !(q.subject[i] && q.subject[to])
		if telling && strings.Contains(topic, q.text.Folded[t.Start:q.tokens[to].End]) {
			return true
		}
	}
	return false
}

// meant tells that at least half of the question, by weight, is words that the
// vocabulary leads to what the candidate says.
func (q *Query) meant(c *candidate) bool {
	meant, all := 0.0, 0.0
	for _, u := range q.content {
		all += u.weight
		if slices.ContainsFunc(u.meanings, func(m int) bool { return c.row[m] > 0 && !q.features[m].match.Unlike() }) {
			meant += u.weight
		}
	}
	return all > 0 && 2*meant >= all
}

// needs tells that the question asks for a thing that not every passage states.
func (q *Query) needs() bool {
	return slices.ContainsFunc(q.facets, func(f *lexicon.Facet) bool { return f.Needed })
}

func takeMeasures(d *Decision) {
	d.Kind = Measures
	best := d.Ranked[0].Score
	for _, h := range d.Ranked {
		switch {
		case h.Score < d.Bar:
			return
		case h.Score >= besides*best && len(d.Hits) < maxShown:
			d.Hits = append(d.Hits, h)
		case h.Score >= following*best:
			d.More = append(d.More, h)
		}
	}
}

// takeClauses narrows long measures to the clause that is asked for.
func (g *Generation) takeClauses(d *Decision, ranked []scored) {
	for i := range d.Hits {
		for _, s := range ranked {
			if s.passage.ID == d.Hits[i].Passage.ID {
				d.Hits[i].Clause = clause(g.curation.vocabulary, &d.Query, s.candidate)
			}
		}
	}
}
