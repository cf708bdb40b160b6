package index

import (
	"math"

	"aeobot/index/analysis"
)

// stats is what the whole collection says about its terms.
type stats struct {
	// Passages counts what is searched, topics outside the knowledge included;
	// Units is the number of units in all bodies.
	Passages int
	Units    int
	// DF tells how many passages hold a term. On disk pairs are missing: their
	// number is read from Bleve's dictionary.
	DF map[analysis.Term]int32
}

// rarity is the idf of a term in so many passages: high for rare terms, highest for
// one that none has.
func (s *stats) rarity(passages int) float64 {
	n := float64(min(passages, s.Passages))
	return math.Log(1 + (float64(s.Passages)-n+0.5)/(n+0.5))
}

// average is the mean length of a body in units.
func (s *stats) average() float64 {
	return max(float64(s.Units)/float64(max(s.Passages, 1)), 1)
}

// The usual constants of BM25: how soon repetition saturates, and how much a
// passage's length counts.
const (
	k1 = 0.9
	b  = 0.75
)

// saturate turns the frequency of a term, already divided by the length norm, into
// its share of the term's weight: 1 for once in a passage of average length.
func saturate(frequency float64) float64 { return frequency * (k1 + 1) / (frequency + k1) }

// norm is the length norm of BM25.
func norm(length int, average float64) float64 { return 1 - b + b*float64(length)/average }
