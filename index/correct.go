package index

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
)

// Correction says what was taken for a slip of the keyboard.
type Correction struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// speech knows how the characters of the collection sound. It is made when it is
// first needed: most questions have no slip.
type speech struct {
	once  sync.Once
	chars map[string][]rune // known characters by syllable, in order
}

// maxHomophones bounds the characters tried for one syllable, the most frequent
// first.
const maxHomophones = 60

func (g *Generation) homophones(syllable string) []rune {
	g.speech.once.Do(func() {
		frequency := map[rune]int{}
		g.eachCharacter(func(r rune, n int) { frequency[r] += n })
		chars := map[string][]rune{}
		for r := range frequency {
			for _, s := range analysis.Sounds(r) {
				chars[s] = append(chars[s], r)
			}
		}
		for s, list := range chars {
			slices.SortFunc(list, func(a, b rune) int {
				return cmp.Or(cmp.Compare(frequency[b], frequency[a]), cmp.Compare(a, b))
			})
			chars[s] = slices.Compact(list[:min(len(list), maxHomophones)])
		}
		g.speech.chars = chars
	})
	return g.speech.chars[syllable]
}

// eachCharacter lists the characters that bodies and ways to ask hold.
func (g *Generation) eachCharacter(f func(r rune, passages int)) {
	g.bodies.characters(f)
	for t, owners := range g.curation.words {
		if runes := t.Runes(); len(runes) == 1 {
			f(runes[0], len(owners))
		}
	}
}

func (g *Generation) knows(a, b rune) bool {
	return g.holders(analysis.Pair(a, b)) > 0
}

// Limits of correcting.
const (
	// maxSlips is how many slips of one question are mended, maxTried how many
	// mendings of each are searched: in a large collection, where a search costs
	// milliseconds, fewer.
	maxSlips, maxSlipsLarge = 3, 1
	maxTried, maxTriedLarge = 12, 3
	// maxMended is how many tokens a question may have to be looked through for slips: in
	// a long one each mending costs most of a search, and gains nothing.
	maxMended = 200
	// gained is how much a mending must lift the best score, in units of Hit.Score.
	gained = 0.12
	// attestedBy is the share of the mended question that what was found must cover, and
	// attestedByTopic the share for a topic outside the knowledge, which has few words of
	// its own. attestedRun is how many characters in a row make a word of the text.
	attestedBy, attestedByTopic = 0.40, 0.80
	attestedRun                 = 3
)

// attempt is a question with some of its slips mended.
type attempt struct {
	query   Query
	ranked  []scored
	changed []bool // which tokens of query were mended
}

// correct mends slips of the keyboard where that makes the question much better
// understood: pinyin for characters, one character for another that sounds the
// same, two characters swapped, one left out. One slip may be mended on the way to
// the next (蛋包, 担包, 担保), but what is kept in the end is words that are known.
func (g *Generation) correct(ctx context.Context, q Query, ranked []scored) (Query, []scored, error) {
	now := attempt{q, ranked, make([]bool, len(q.tokens))}
	if to, ok := g.fromPinyin(&q); ok {
		q2, ranked2, err := g.rankText(ctx, to)
		if err != nil {
			return Query{}, nil, err
		}
		// Pinyin is no word as it stands, so what it is read as need not be one that is known.
		if best(ranked2) > best(ranked) {
			now = attempt{q2, ranked2, make([]bool, len(q2.tokens))}
		}
	}
	slips, tried := maxSlips, maxTried
	if g.passages.Len() > candidates {
		slips, tried = maxSlipsLarge, maxTriedLarge
	}
	kept := now
	for range slips {
		next, attested, err := g.mend(ctx, now, tried)
		if err != nil {
			return Query{}, nil, err
		}
		if next == nil {
			break
		}
		if now = *next; attested {
			kept = now
		}
	}
	mended := kept.query
	if mended.Text != q.Text {
		mended.Correction = &Correction{From: q.Text, To: mended.Text}
		mended.Text = q.Text
	}
	return mended, kept.ranked, nil
}

func best(ranked []scored) float64 {
	if len(ranked) == 0 {
		return 0
	}
	return ranked[0].score
}

// mend tries the mendings of one slip and gives the best if it is much better, and whether
// all that was mended is attested. One that changes what kind of thing is asked for
// mends nothing.
func (g *Generation) mend(ctx context.Context, now attempt, tried int) (better *attempt, attested bool, err error) {
	least := best(now.ranked) + gained
	mendings := g.mendings(&now.query)
	for _, m := range mendings[:min(len(mendings), tried)] {
		q, ranked, err := g.rankText(ctx, m.text)
		if err != nil {
			return nil, false, err
		}
		changed := slices.Concat(now.changed[:m.from], slices.Repeat([]bool{true}, m.with), now.changed[m.to:])
		if best(ranked) <= least || len(q.facets) != len(now.query.facets) || g.smallTalk(ranked) ||
			len(changed) != len(q.tokens) { // characters became a number
			continue
		}
		next := &attempt{q, ranked, changed}
		sure := g.attested(next)
		if better == nil || sure && !attested || sure == attested && best(ranked) > best(better.ranked) {
			better, attested = next, sure
		}
	}
	return better, attested, nil
}

// attested reports whether what was mended is what was meant: what was found covers enough of
// the question, and every mended token stands in a word of the vocabulary, or in a run of
// characters that what was found has as well.
func (g *Generation) attested(a *attempt) bool {
	found, q := a.ranked[0], &a.query
	if found.covered < attestedBy || found.owner >= g.firstTopic() && found.covered < attestedByTopic {
		return false
	}
	doubtful := slices.Clone(a.changed)
	for _, w := range q.matches {
		if w.To-w.From > 1 {
			clear(doubtful[w.From:w.To])
		}
	}
	words := g.wordsOf(found)
	for from := 0; from+attestedRun <= len(doubtful); from++ {
		run := q.text.Folded[q.tokens[from].Start:q.tokens[from+attestedRun-1].End]
		if slices.Contains(doubtful[from:from+attestedRun], true) && strings.Contains(words, run) {
			clear(doubtful[from : from+attestedRun])
		}
	}
	return !slices.Contains(doubtful, true)
}

// wordsOf are the words of what was found: its text, its keywords and the way to ask that
// comes nearest, folded.
func (g *Generation) wordsOf(found scored) string {
	words := analysis.Normalize(found.passage.Text + "\n" + g.phrase(found.asked))
	if found.notes != nil {
		words += "\n" + strings.Join(found.notes.keywords, "\n")
	}
	return words
}

// smallTalk tells that the best candidate is a topic of no field: nobody's question is
// mended into talk about the weather.
func (g *Generation) smallTalk(ranked []scored) bool {
	return len(ranked) > 0 && ranked[0].owner >= g.firstTopic() && int(ranked[0].owner-g.firstTopic()) < g.general
}

// mending is a text that may have been meant.
type mending struct {
	text string
	// from and to are the tokens changed, and with how many characters took their place.
	from, to, with int
	support        float64 // idf of the pairs it makes known
}

// negations turn the meaning of what they stand before: they are never put in, taken out
// or moved.
const negations = "未不没无非勿免"

func negates(chars ...rune) bool { return strings.ContainsAny(negations, string(chars)) }

// mendings lists texts that may have been meant, the likeliest first.
func (g *Generation) mendings(q *Query) []mending {
	var all []mending
	// Words for benefits in general are as well known as those of the vocabulary.
	taken := slices.Clone(q.benefit) // part of a word that is known
	for _, m := range q.matches {
		for i := m.From; i < m.To; i++ {
			taken[i] = true
		}
	}
	char := func(i int) rune { return rune(q.tokens[i].Term) }
	joined := func(i int) bool { // token i follows another character
		return i > 0 && i < len(q.tokens) && q.tokens[i].Character() && q.tokens[i-1].Character() && !q.tokens[i].Broken
	}
	known := func(i int) bool { return joined(i) && g.knows(char(i-1), char(i)) }
	add := func(from, to int, with []rune, pairs ...analysis.Term) {
		support := 0.0
		for _, p := range pairs {
			if idf, holders := g.weigh(p); holders > 0 {
				support += idf
			}
		}
		text := q.text.Folded[:q.tokens[from].Start] + string(with) + q.text.Folded[q.tokens[to-1].End:]
		if support > 0 && !lexicon.Apart(q.text.Folded, text) {
			all = append(all, mending{text, from, to, len(with), support})
		}
	}
	for i, t := range q.tokens {
		if !t.Character() || taken[i] {
			continue
		}
		// A character that makes a known pair with a neighbour is no slip.
		if !known(i) && !known(i+1) && (joined(i) || joined(i+1)) {
			for _, s := range analysis.Sounds(char(i)) {
				for _, r := range g.homophones(s) {
					var pairs []analysis.Term
					if joined(i) {
						pairs = append(pairs, analysis.Pair(char(i-1), r))
					}
					if joined(i + 1) {
						pairs = append(pairs, analysis.Pair(r, char(i+1)))
					}
					if r != char(i) && !negates(char(i), r) {
						add(i, i+1, []rune{r}, pairs...)
					}
				}
			}
		}
		if !joined(i+1) || taken[i+1] || known(i+1) {
			continue
		}
		a, b := char(i), char(i+1)
		for _, r := range g.curation.between(a, b) {
			if !negates(r) {
				add(i, i+2, []rune{a, r, b}, analysis.Pair(a, r), analysis.Pair(r, b))
			}
		}
		if negates(a, b) {
			continue
		}
		swapped := []analysis.Term{analysis.Pair(b, a)}
		if joined(i) {
			swapped = append(swapped, analysis.Pair(char(i-1), b))
		}
		if joined(i + 2) {
			swapped = append(swapped, analysis.Pair(a, char(i+2)))
		}
		add(i, i+2, []rune{b, a}, swapped...)
	}
	slices.SortStableFunc(all, func(x, y mending) int {
		return cmp.Or(cmp.Compare(y.support, x.support), strings.Compare(x.text, y.text))
	})
	return slices.CompactFunc(all, func(x, y mending) bool { return x.text == y.text })
}

// Pinyin of fewer letters is more often an abbreviation or an English word.
const minPinyin = 4

// fromPinyin writes words typed in pinyin as characters.
func (g *Generation) fromPinyin(q *Query) (string, bool) {
	var out strings.Builder
	at, changed := 0, false
	for i := 0; i < len(q.tokens); {
		end := i
		word := ""
		for end < len(q.tokens) && g.latin(q, end) {
			word += q.text.Folded[q.tokens[end].Start:q.tokens[end].End]
			end++
		}
		if end == i {
			i++
			continue
		}
		if chars := g.characters(word); chars != "" {
			out.WriteString(q.text.Folded[at:q.tokens[i].Start] + chars)
			at, changed = q.tokens[end-1].End, true
		}
		i = end
	}
	out.WriteString(q.text.Folded[at:])
	return out.String(), changed
}

// latin tells that a token is a word of letters that the collection does not know.
func (g *Generation) latin(q *Query, i int) bool {
	t := q.tokens[i]
	if t.Character() || q.asking[i] || q.subject[i] {
		return false
	}
	for _, r := range q.text.Folded[t.Start:t.End] {
		if r < 'a' || r > 'z' {
			return false
		}
	}
	for _, m := range q.matches {
		if m.From <= i && i < m.To {
			return false
		}
	}
	return g.holders(t.Term) == 0
}

// characters finds the likeliest characters for a word in pinyin: those whose
// pairs the collection holds most. "" when it is no pinyin or nothing likely.
func (g *Generation) characters(word string) string {
	if len(word) < minPinyin {
		return ""
	}
	syllables := analysis.Syllables(word, func(s string) bool { return len(g.homophones(s)) > 0 })
	if len(syllables) < 2 {
		return ""
	}
	type path struct {
		score float64
		chars []rune
		pairs int
	}
	var paths []path
	for _, r := range g.homophones(syllables[0]) {
		paths = append(paths, path{0, []rune{r}, 0})
	}
	for _, s := range syllables[1:] {
		var next []path
		for _, r := range g.homophones(s) {
			bestPath := path{score: math.Inf(-1)}
			for _, p := range paths {
				score, pairs := p.score-3, p.pairs
				if n := g.holders(analysis.Pair(p.chars[len(p.chars)-1], r)); n > 0 {
					score, pairs = p.score+math.Log1p(float64(n)), p.pairs+1
				}
				if score > bestPath.score {
					bestPath = path{score, append(slices.Clone(p.chars), r), pairs}
				}
			}
			next = append(next, bestPath)
		}
		paths = next
	}
	winner := slices.MaxFunc(paths, func(a, b path) int { return cmp.Compare(a.score, b.score) })
	if 2*winner.pairs < len(syllables) {
		return ""
	}
	return string(winner.chars)
}

// holders counts the passages and curated owners that hold a term.
func (g *Generation) holders(t analysis.Term) int {
	n, err := g.bodies.count(t)
	if err != nil {
		n = 0 // the search itself meets the same trouble and reports it
	}
	return n + len(g.curation.words[t])
}
