// Package analysis makes questions and passages comparable: it folds what differs
// only in writing (width, case, script, numerals), cuts text into characters and
// pairs of neighbouring characters, and knows how characters sound. It knows no
// word list and no ranking; words that mean nothing or the same belong to package
// lexicon.
//
// Read fold.go first, then this file, then sound.go.
package analysis

import (
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"

	porter "github.com/blevesearch/go-porterstemmer"
)

// A Term is what is looked up, as a number so that a question is cheap: a Chinese
// character is its code point, a pair of neighbours both code points, a Latin
// word or number a hash of its stem.
type Term uint64

const (
	hashed   Term = 1 << 63 // set in the term of a word
	pairBits      = 31      // how far the first of a pair is shifted
)

// IsPair tells a pair of characters from a single unit.
func (t Term) IsPair() bool { return t&hashed == 0 && t >= 1<<pairBits }

// Pair is the term of two neighbouring characters.
func Pair(a, b rune) Term { return Term(a)<<pairBits | Term(b) }

// Runes gives the characters of a unit or pair; a word has none.
func (t Term) Runes() []rune {
	switch {
	case t&hashed != 0:
		return nil
	case t.IsPair():
		return []rune{rune(t >> pairBits), rune(t & (1<<pairBits - 1))}
	}
	return []rune{rune(t)}
}

// Token is one unit where it stands in folded text.
type Token struct {
	Term       Term
	Start, End int // bytes
	// Broken says that something else (space, punctuation, a word of another
	// script) stands before it, so that it makes no pair with the unit before.
	Broken bool
}

// Character tells whether the token is one Chinese character.
func (t Token) Character() bool { return t.Term&hashed == 0 }

// Cut cuts folded text into units: a character each, a run of letters of other scripts
// each, a number with what it counts each.
func Cut(folded string) []Token {
	tokens := make([]Token, 0, len(folded)/3+1)
	word := -1 // where a running word starts, or -1
	broken := true
	endWord := func(at int) {
		if word >= 0 {
			tokens = append(tokens, Token{wordTerm(folded[word:at]), word, at, true})
			word, broken = -1, true
		}
	}
	for at := 0; at < len(folded); {
		r, size := utf8.DecodeRuneInString(folded[at:])
		switch {
		case isCharacter(r):
			endWord(at)
			tokens = append(tokens, Token{Term(r), at, at + size, broken})
			broken = false
		case digit(r):
			endWord(at)
			n := number(folded[at:])
			tokens = append(tokens, Token{wordTerm(n.term), at, at + n.size, true})
			size, broken = n.size, true
		case isWordRune(r):
			if word < 0 {
				word = at
			}
		default:
			endWord(at)
			broken = true
		}
		at += size
	}
	endWord(len(folded))
	return tokens
}

func digit(r rune) bool { return '0' <= r && r <= '9' }

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || digit(r) || 'A' <= r && r <= 'Z'
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// isCharacter: scripts that are written without spaces between words.
func isCharacter(r rune) bool {
	if r < 0x1100 {
		return false
	}
	return 0x4e00 <= r && r <= 0x9fff || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
}

// maxStem bounds the words that are stemmed, in bytes: longer ones are no words,
// and the stemmer's time grows faster than their length.
const maxStem = 24

// wordTerm is the term of a Latin word: its stem counts, so that inspections and
// inspection are one.
func wordTerm(w string) Term {
	if len(w) > 3 && len(w) <= maxStem && strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") == "" {
		w = porter.StemString(w)
	}
	h := fnv.New64a()
	h.Write([]byte(w))
	return Term(h.Sum64()) | hashed
}

// Each calls f with every unit and every pair of neighbours, in order.
func Each(tokens []Token, f func(Term)) {
	for i, t := range tokens {
		f(t.Term)
		if !t.Broken && i > 0 && tokens[i-1].Character() {
			f(Pair(rune(tokens[i-1].Term), rune(t.Term)))
		}
	}
}
