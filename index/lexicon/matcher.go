package lexicon

import "aeobot/index/analysis"

// matcher finds words in tokens. A word is known by the sequence of its terms, so
// that it is found whatever its spelling, plural or spacing.
type matcher[V any] struct {
	words   map[uint64]V
	longest int // in tokens
}

func newMatcher[V any]() *matcher[V] { return &matcher[V]{words: map[uint64]V{}} }

// add makes a word known; a text without any token is none.
func (m *matcher[V]) add(word string, v V) {
	if tokens := cut(word); len(tokens) > 0 {
		m.words[key(tokens)] = v
		m.longest = max(m.longest, len(tokens))
	}
}

// get is what a word stands for.
func (m *matcher[V]) get(word string) (v V, ok bool) {
	v, ok = m.words[key(cut(word))]
	return v, ok
}

func cut(word string) []analysis.Token { return analysis.Cut(analysis.Normalize(word)) }

// each calls f for every word found, tokens[from:to] each.
func (m *matcher[V]) each(tokens []analysis.Token, f func(from, to int, v V)) {
	for from := range tokens {
		h := uint64(0)
		for to := from; to < len(tokens) && to < from+m.longest; to++ {
			if to > from && parted(tokens[to-1], tokens[to]) {
				break
			}
			h = mix(h, tokens[to].Term)
			if v, ok := m.words[h]; ok {
				f(from, to+1, v)
			}
		}
	}
}

// eachLongest calls f for the longest word at each place, from left to right.
func (m *matcher[V]) eachLongest(tokens []analysis.Token, f func(from, to int, v V)) {
	for at := 0; at < len(tokens); {
		end := at
		var found V
		h := uint64(0)
		for to := at; to < len(tokens) && to < at+m.longest; to++ {
			if to > at && parted(tokens[to-1], tokens[to]) {
				break
			}
			h = mix(h, tokens[to].Term)
			if v, ok := m.words[h]; ok {
				end, found = to+1, v
			}
		}
		if end > at {
			f(at, end, found)
		}
		at = max(end, at+1)
	}
}

// mark marks the tokens that words take.
func (m *matcher[V]) mark(tokens []analysis.Token) []bool {
	marked := make([]bool, len(tokens))
	m.eachLongest(tokens, func(from, to int, _ V) {
		for i := from; i < to; i++ {
			marked[i] = true
		}
	})
	return marked
}

// parted tells that no word goes across: two characters with something between.
func parted(a, b analysis.Token) bool { return a.Character() && b.Character() && b.Broken }

func key(tokens []analysis.Token) uint64 {
	h := uint64(0)
	for _, t := range tokens {
		h = mix(h, t.Term)
	}
	return h
}

// mix is a step of a multiplicative hash, with a prime of 64 bits.
func mix(h uint64, t analysis.Term) uint64 {
	h = (h ^ uint64(t)) * 0x9E3779B97F4A7C15
	return h ^ h>>29
}
