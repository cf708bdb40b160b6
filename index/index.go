package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
	"aeobot/knowledge"
)

// Passages are what an index is built over. Len and At must give the same as long
// as the index lives, to many callers at once.
type Passages interface {
	Len() int
	At(i int) (knowledge.Passage, error)
}

// shelf is a library seen as Passages.
type shelf []knowledge.Passage

func (s shelf) Len() int                            { return len(s) }
func (s shelf) At(i int) (knowledge.Passage, error) { return s[i], nil }

// Options of Build. The zero Options indexes in memory, silently.
type Options struct {
	// Folder is where an index too large for memory is kept. It belongs to this
	// program alone; several processes may share it.
	//
	// default: a temporary folder that goes with the index
	Folder string
	// MemoryLimit is the number of passages up to which the index is kept in memory.
	//
	// default: 5,000
	MemoryLimit int
	// Bar is the score below which nothing is shown.
	//
	// default: 0.40
	Bar float64
	// Progress is called now and then while passages are read.
	Progress func(done, all int)
	// Warn is told what is wrong with an index on disk before it is built anew.
	Warn func(text string)
}

const defaultMemoryLimit = 5000

// Generation is one complete index over one state of the knowledge. It may be
// searched by many at once and never changes.
type Generation struct {
	library  *knowledge.Library // nil: plain passages
	passages Passages
	bodies   bodies
	curation *curation
	stats    stats
	sections []sectionEntry
	topics   []knowledge.Topic
	general  int // topics of no field, the first of topics
	speech   speech
	bar      float64

	searches sync.WaitGroup
}

// bodies is where the passages' own words are looked up: in memory or on disk.
type bodies interface {
	// find gives the best passages for the features, by Bleve.
	find(ctx context.Context, features []feature, limit int) ([]found, error)
	// count tells how many passages hold a term.
	count(t analysis.Term) (int, error)
	// fill sets the rows of candidates: for each feature its frequency in the body,
	// divided by the length norm.
	fill(q *Query, candidates []candidate) error
	// characters lists the characters that bodies hold, in any order.
	characters(f func(r rune, passages int))
	Close() error
}

// found is a passage by its number, with Bleve's score.
type found struct {
	passage int
	score   float64
}

// ErrVocabulary means that a curators' vocabulary file cannot be read; the text
// that follows names the file, the line and the mend.
var ErrVocabulary = errors.New("index: vocabulary")

// Build indexes a library.
func Build(ctx context.Context, l *knowledge.Library, o Options) (*Generation, error) {
	v := lexicon.Shipped()
	for _, t := range l.Terms {
		if err := v.Add(t.Path, t.Text); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrVocabulary, err)
		}
	}
	g := &Generation{library: l, passages: shelf(l.Passages()), curation: newCuration(v)}
	for _, t := range lexicon.Elsewhere() {
		g.topics = append(g.topics, knowledge.Topic{Name: t.Name, Ask: t.Ask})
	}
	g.general = len(g.topics)
	for _, d := range l.Documents {
		g.topics = append(g.topics, d.Outside...)
	}
	return g, g.build(ctx, l.Fingerprint, o)
}

// BuildPlain indexes passages that nobody curates. The fingerprint names their
// state; an index on disk with the same one is used again.
func BuildPlain(ctx context.Context, p Passages, fingerprint string, o Options) (*Generation, error) {
	g := &Generation{passages: p, curation: newCuration(lexicon.Shipped())}
	return g, g.build(ctx, fingerprint, o)
}

func (g *Generation) build(ctx context.Context, fingerprint string, o Options) (err error) {
	if o.MemoryLimit == 0 {
		o.MemoryLimit = defaultMemoryLimit
	}
	if g.bar = o.Bar; g.bar == 0 {
		g.bar = defaultBar
	}
	g.note()
	if g.passages.Len() <= o.MemoryLimit {
		g.bodies, g.stats, err = buildMemory(ctx, g)
	} else {
		g.bodies, g.stats, err = openDisk(ctx, g, fingerprint[:min(len(fingerprint), 16)]+"-"+g.curation.vocabulary.Fingerprint(), o)
	}
	if err != nil {
		return fmt.Errorf("index: build: %w", err)
	}
	g.stats.Passages += len(g.topics)
	g.curation.finish(func(t analysis.Term) float64 { idf, _ := g.weigh(t); return idf })
	g.nameSections()
	return nil
}

// note takes in what is curated, in the order of owners: passages, sections, topics.
func (g *Generation) note() {
	if g.library == nil {
		return
	}
	for i, p := range g.library.Passages() {
		g.curation.note(owner(i), p.Notes.Ask, p.Notes.Keywords, p.Notes.Unlike, p.Label)
	}
	o := owner(g.passages.Len())
	for _, d := range g.library.Documents {
		ofField := g.ofField(d)
		for _, s := range d.Sections {
			g.sections = append(g.sections, sectionEntry{owner: o, section: s, document: d, ofField: ofField})
			o++
		}
	}
	for _, t := range g.topics {
		g.curation.note(o, t.Ask, t.Keywords, nil, "")
		o++
	}
}

// firstTopic is the owner of the first topic.
func (g *Generation) firstTopic() owner { return owner(g.passages.Len() + len(g.sections)) }

// weigh gives the idf of a term, and how many passages and curated owners hold it.
func (g *Generation) weigh(t analysis.Term) (idf float64, holders int) {
	n := g.holders(t)
	return g.stats.rarity(n), n
}

// candidates is how many hits are taken from Bleve and rescored. A collection
// with no more passages is rescored whole.
const candidates = 100

// search ranks what a question may lead to, slips of the keyboard mended.
func (g *Generation) search(ctx context.Context, text string) (Query, []scored, error) {
	q, ranked, err := g.rankText(ctx, text)
	if err != nil || len(q.content) == 0 || len(q.tokens) > maxMended || len(ranked) > 0 && ranked[0].covered >= g.understood() {
		return q, ranked, err
	}
	return g.correct(ctx, q, ranked)
}

// understood is the share of the question that the best passage must cover for
// nothing to be taken for a slip. In a large collection, where every mending is a
// costly search and most words are known, slips are looked for only when much of
// the question is unknown.
func (g *Generation) understood() float64 {
	if g.passages.Len() <= candidates {
		return 0.9
	}
	return 0.6
}

// rankText ranks for a text as it stands.
func (g *Generation) rankText(ctx context.Context, text string) (Query, []scored, error) {
	if err := ctx.Err(); err != nil { // all below takes some milliseconds at most, but for what Bleve does
		return Query{}, nil, fmt.Errorf("index: search: %w", err)
	}
	var trouble error // a term that cannot be counted must not pass for an unknown one
	q := newQuery(text, g.curation, func(t analysis.Term) (float64, int) {
		n, err := g.bodies.count(t)
		trouble = cmp.Or(trouble, err)
		n += len(g.curation.words[t])
		return g.stats.rarity(n), n
	})
	if trouble != nil {
		return Query{}, nil, trouble
	}
	if len(q.tokens) == 0 {
		return q, nil, nil
	}
	found, err := g.gather(ctx, &q)
	if err != nil {
		return Query{}, nil, err
	}
	return q, rank(&q, found), nil
}

// Retrieve ranks passages for a question and gives the ids of the best.
func (g *Generation) Retrieve(ctx context.Context, text string, limit int) ([]string, error) {
	_, ranked, err := g.search(ctx, text)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, s := range ranked {
		if s.owner < g.firstTopic() && s.score > 0 && len(ids) < limit {
			ids = append(ids, s.passage.ID)
		}
	}
	return ids, nil
}

// Reopened tells that the index lay on disk and was not built anew.
func (g *Generation) Reopened() bool {
	d, ok := g.bodies.(*disk)
	return ok && d.reopened
}

// gather collects the candidates and fills in what the signals look at.
func (g *Generation) gather(ctx context.Context, q *Query) ([]candidate, error) {
	hits, err := g.bodies.find(ctx, q.features, candidates)
	if err != nil {
		return nil, err
	}
	near := g.curation.nearest(q)
	all := g.pick(hits, near)
	rows := make([]float64, len(all)*len(q.features))
	place := make(map[owner]int, len(all))
	for i := range all {
		c := &all[i]
		c.row = rows[i*len(q.features) : (i+1)*len(q.features)]
		place[c.owner] = i
		c.asked = -1
		if n, ok := near[c.owner]; ok {
			c.asked, c.alike, c.askedTerms = n.phrase, n.alike, g.curation.phrases[n.phrase].terms
		}
		if int(c.owner) < g.passages.Len() {
			if c.passage, err = g.passages.At(int(c.owner)); err != nil {
				return nil, fmt.Errorf("index: passage %d: %w", c.owner, err)
			}
		}
		if n, ok := g.curation.numbers[c.owner]; ok {
			c.notes = &g.curation.notes[n]
		}
	}
	if err := g.bodies.fill(q, all); err != nil {
		return nil, err
	}
	g.curation.fill(q, all, place)
	return all, nil
}

// pick lists the candidates, by owner: every passage of a small collection, else
// what Bleve found and what ways to ask lead to; and every topic.
func (g *Generation) pick(hits []found, near map[owner]nearness) []candidate {
	score := make(map[owner]float64, len(hits))
	var owners []owner
	for _, h := range hits {
		score[owner(h.passage)] = h.score
		owners = append(owners, owner(h.passage))
	}
	if g.passages.Len() <= candidates {
		owners = owners[:0]
		for i := range g.passages.Len() {
			owners = append(owners, owner(i))
		}
	} else {
		for o := range near {
			if int(o) < g.passages.Len() {
				owners = append(owners, o)
			}
		}
	}
	for i := range g.topics {
		owners = append(owners, g.firstTopic()+owner(i))
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	all := make([]candidate, len(owners))
	for i, o := range owners {
		all[i] = candidate{owner: o, bleve: score[o]}
	}
	return all
}

// Acquire gives the generation itself, as Live gives the one in force. Whoever calls it
// holds the generation already.
func (g *Generation) Acquire() (*Generation, func(), error) { return g, func() {}, nil }

// Library is what the generation was built from.
func (g *Generation) Library() *knowledge.Library { return g.library }

// Close waits for the searches in hand and frees the index.
func (g *Generation) Close() error {
	g.searches.Wait()
	return g.bodies.Close()
}

// Live hands out the generation in force. The zero Live has none.
type Live struct {
	mu  sync.RWMutex
	now *Generation
}

// ErrNotReady means no generation is in force yet.
var ErrNotReady = errors.New("index: no knowledge loaded yet")

// Acquire returns the generation in force and the function that gives it back.
// Until then it stays open, whatever is swapped in.
func (l *Live) Acquire() (*Generation, func(), error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.now == nil {
		return nil, nil, ErrNotReady
	}
	g := l.now
	g.searches.Add(1)
	return g, g.searches.Done, nil
}

// Swap puts next in force and closes the generation before once its last search
// has ended. A nil next leaves none.
func (l *Live) Swap(next *Generation) error {
	l.mu.Lock()
	before := l.now
	l.now = next
	l.mu.Unlock()
	if before == nil {
		return nil
	}
	return before.Close()
}
