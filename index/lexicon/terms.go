package lexicon

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/fnv"
	"slices"
	"strings"

	"aeobot/index/analysis"
)

//go:embed terms.tsv
var shippedTerms string

// Relation says how a term stands to the standard word of its group.
type Relation string

// The relations of a vocabulary. A question may use any term of a group; a passage
// holds the group's meaning only by its standard word or a synonym, so that a
// colloquial or narrower word is led to the official one and never back.
const (
	Synonym  Relation = "synonym"  // the same, in both directions
	Broader  Relation = "broader"  // the term means more than the group
	Narrower Relation = "narrower" // the term is a kind of what the group means
	OneWay   Relation = "oneway"   // everyday, former or mistaken word
)

// weights are how much a meaning found by such a term counts beside the word
// itself: the less, the less sure it is that it was meant.
var weights = map[Relation]float64{Synonym: 0.9, OneWay: 0.75, Narrower: 0.75, Broader: 0.6}

// unlikeWeight is for terms whose note begins with ≠: near the group, not in it.
const unlikeWeight = 0.3

// Sense is what a term may mean.
type Sense struct {
	Group    string // the group's standard word
	Term     string // the term as the vocabulary writes it
	Relation Relation
	Note     string
}

// Meaning is the group as a term of the index.
func (s Sense) Meaning() analysis.Term { return meaning("=" + s.Group) }

// Weight is how much the meaning counts beside the word itself, from 0 to 1.
func (s Sense) Weight() float64 {
	if s.Unlike() {
		return unlikeWeight
	}
	return weights[s.Relation]
}

// Unlike tells that the term is a look-alike of the group.
func (s Sense) Unlike() bool { return strings.HasPrefix(s.Note, "≠") }

func meaning(name string) analysis.Term {
	h := fnv.New64a()
	h.Write([]byte(name))
	return analysis.Term(h.Sum64() | 1<<63)
}

// Match is a term of the vocabulary found in tokens From to To.
type Match struct {
	From, To int
	Sense
}

// Vocabulary leads everyday words to official ones.
type Vocabulary struct {
	terms  *matcher[[]Sense]
	digest hash.Hash
}

// Fingerprint names the words taken in, in hex: passages hold other meanings when
// they change.
func (v *Vocabulary) Fingerprint() string { return hex.EncodeToString(v.digest.Sum(nil)[:4]) }

// Shipped is the vocabulary that comes with the program.
func Shipped() *Vocabulary {
	v := &Vocabulary{newMatcher[[]Sense](), sha256.New()}
	if err := v.Add("terms.tsv", shippedTerms); err != nil {
		panic(err) // a test reads the embedded file
	}
	return v
}

// columns are those of a vocabulary file, parted by tabs.
const columns = "group term lang relation note"

// Add takes in a vocabulary file; its first line names the columns. An error names
// the file, the line and the mend, and nothing of the file is taken in.
func (v *Vocabulary) Add(file, data string) error {
	var senses []Sense
	number := 0
	for line := range strings.Lines(data) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, "\t")
		if len(cells) < 4 || len(cells) > 5 {
			return fmt.Errorf("%s:%d: %d columns instead of 4 or 5; write %s, parted by tabs", file, number, len(cells), columns)
		}
		if strings.Join(cells, " ") == columns {
			continue
		}
		s := Sense{Group: cells[0], Term: cells[1], Relation: Relation(cells[3])}
		if len(cells) == 5 {
			s.Note = cells[4]
		}
		if _, ok := weights[s.Relation]; !ok {
			return fmt.Errorf("%s:%d: unknown relation %q; use synonym, broader, narrower or oneway", file, number, s.Relation)
		}
		if len(cut(s.Term)) == 0 || len(cut(s.Group)) == 0 {
			return fmt.Errorf("%s:%d: a group or term without any letter; write words", file, number)
		}
		senses = append(senses, s)
	}
	v.digest.Write([]byte(data))
	for _, s := range senses {
		v.add(s)
		v.add(Sense{Group: s.Group, Term: s.Group, Relation: Synonym})
	}
	return nil
}

func (v *Vocabulary) add(s Sense) {
	known, _ := v.terms.get(s.Term)
	if !slices.ContainsFunc(known, func(k Sense) bool { return k.Group == s.Group }) {
		v.terms.add(s.Term, append(slices.Clone(known), s))
	}
}

// Words are all terms as the vocabulary writes them, sorted.
func (v *Vocabulary) Words() []string {
	var words []string
	for _, senses := range v.terms.words {
		words = append(words, senses[0].Term)
	}
	slices.Sort(words)
	return words
}

// Find lists the terms that a question uses, in order; a term inside a longer one
// does not count.
func (v *Vocabulary) Find(tokens []analysis.Token) []Match {
	all := v.find(tokens)
	return slices.DeleteFunc(slices.Clone(all), func(m Match) bool {
		return slices.ContainsFunc(all, func(o Match) bool {
			return o.From <= m.From && m.To <= o.To && o.To-o.From > m.To-m.From
		})
	})
}

// Held lists the meanings that a passage holds by a standard word or a synonym,
// one entry for each place.
func (v *Vocabulary) Held(tokens []analysis.Token) []analysis.Term {
	var held []analysis.Term
	v.terms.each(tokens, func(_, _ int, senses []Sense) {
		for _, s := range senses {
			if s.Relation == Synonym && !s.Unlike() {
				held = append(held, s.Meaning())
			}
		}
	})
	return held
}

func (v *Vocabulary) find(tokens []analysis.Token) []Match {
	var all []Match
	v.terms.each(tokens, func(from, to int, senses []Sense) {
		for _, s := range senses {
			all = append(all, Match{from, to, s})
		}
	})
	return all
}
