// Package analysis makes questions and passages comparable: it folds what differs
// only in writing (width, case) and cuts text into characters and pairs of
// neighbouring characters. It knows no word list and no ranking; words that mean
// nothing or the same belong to package lexicon.
package analysis

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Normalize folds full-width and compatibility forms (ＡＥＯ, ①, ㈠) and case.
func Normalize(s string) string { return strings.ToLower(norm.NFKC.String(s)) }

// A Term is what is looked up: one character, one Latin word or number, or a pair
// of neighbouring characters.
type Term = string

// Units cuts normalised text into its smallest terms: a Han character each, a run
// of letters or digits of other scripts each. breaks[i] says that something else
// (space, punctuation, another script) stands before unit i.
func Units(s string) (units []Term, breaks []bool) {
	word := -1 // where a running word starts, or -1
	gap := true
	end := func(at int) {
		if word >= 0 {
			units, breaks = append(units, s[word:at]), append(breaks, true)
			word, gap = -1, true
		}
	}
	for at, r := range s {
		switch {
		case isCharacter(r):
			end(at)
			units, breaks = append(units, string(r)), append(breaks, gap)
			gap = false
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if word < 0 {
				word = at
			}
		default:
			end(at)
			gap = true
		}
	}
	end(len(s))
	return units, breaks
}

// isCharacter: scripts that are written without spaces between words.
func isCharacter(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// Terms are the units and the pairs of neighbouring characters of s, in order.
// Pairs follow the units, so the first Count units are single.
type Terms struct {
	Units []Term
	Pairs []Term
}

// Cut normalises s and cuts it.
func Cut(s string) Terms {
	units, breaks := Units(Normalize(s))
	t := Terms{Units: units}
	for i := 1; i < len(units); i++ {
		if !breaks[i] {
			t.Pairs = append(t.Pairs, units[i-1]+units[i])
		}
	}
	return t
}
