package analysis

import (
	"fmt"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Text is a text made comparable, with the way back to its source.
type Text struct {
	Source string
	// Folded has no differences of writing left: width, case, script, numerals.
	Folded string
	// origins[i] is the byte of Source that byte i of Folded comes from; one more
	// entry stands for the end.
	origins []int32
}

// Fold makes a text comparable and remembers where each byte came from.
func Fold(s string) Text {
	f := folder{source: s, origins: make([]int32, 0, len(s)+1)}
	folded := f.fold()
	return Text{Source: s, Folded: folded, origins: append(f.origins, int32(len(s)))}
}

// Normalize is Fold without the way back; passages are folded by it.
func Normalize(s string) string { return (&folder{source: s}).fold() }

// Span gives the bytes of Source that bytes start to end of Folded come from.
func (t Text) Span(start, end int) (from, to int) {
	from, to = int(t.origins[start]), int(t.origins[end])
	// A folded numeral may end inside what it came from; the end never precedes
	// the start.
	return from, max(from, to)
}

// folder folds one text. Origins are kept when the slice is not nil.
type folder struct {
	source  string
	out     []byte
	origins []int32
}

func (f *folder) fold() string {
	f.out = make([]byte, 0, len(f.source)+8)
	for at := 0; at < len(f.source); {
		r, size := utf8.DecodeRuneInString(f.source[at:])
		// A mark that joins the letter before it is folded together with it.
		end := at + size
		for end < len(f.source) {
			mark, n := utf8.DecodeRuneInString(f.source[end:])
			if mark < 0x300 || !unicode.Is(unicode.Mn, mark) {
				break
			}
			end += n
		}
		if end > at+size {
			f.put(foldSlow(f.source[at:end]), at)
		} else {
			f.put(foldRune(r), at)
		}
		at = end
	}
	f.numerals()
	f.spaces()
	return string(f.out)
}

func (f *folder) put(s string, origin int) {
	f.out = append(f.out, s...)
	if f.origins != nil {
		for range len(s) {
			f.origins = append(f.origins, int32(origin))
		}
	}
}

// rewrite copies what is folded so far; where edit says so, it puts a text in the
// place of the next size bytes.
func (f *folder) rewrite(edit func(at int) (text string, size int, ok bool)) {
	var out []byte // nil until the first edit
	var origins []int32
	copied := 0
	for at := 0; at < len(f.out); {
		text, size, ok := edit(at)
		if ok {
			out = append(append(out, f.out[copied:at]...), text...)
			if f.origins != nil {
				origins = append(origins, f.origins[copied:at]...)
				for range len(text) {
					origins = append(origins, f.origins[at])
				}
			}
			copied = at + size
		}
		at += size
	}
	if copied > 0 {
		f.out = append(out, f.out[copied:]...)
		if f.origins != nil {
			f.origins = append(origins, f.origins[copied:]...)
		}
	}
}

// FoldCharacters folds width, case and script, character by character, and leaves
// numbers and spaces as they are.
func FoldCharacters(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteString(foldRune(r))
	}
	return b.String()
}

// folded caches what a character of the basic plane folds to, since some
// thousand characters make up nearly every text.
var folded [1 << 16]atomic.Pointer[string]

func foldRune(r rune) string {
	if r < 0 || int(r) >= len(folded) {
		return foldSlow(string(r))
	}
	if s := folded[r].Load(); s != nil {
		return *s
	}
	s := foldSlow(string(r))
	folded[r].Store(&s)
	return s
}

// variants are characters that OpenCC keeps for the sake of some words.
var variants = strings.NewReplacer("著", "着", "妳", "你", "祂", "他", "牠", "它", "乾", "干", "麽", "么")

// foldSlow folds what stands together. Script is folded character by character: a
// question and a passage are folded alike, so that what matters is that the same
// word gives the same characters, not that they are the best ones.
func foldSlow(s string) string {
	return variants.Replace(strings.Map(simplify, strings.ToLower(norm.NFKC.String(s))))
}

// digits are the Chinese numerals; units of ten carry their power.
var digits = map[rune]int{'〇': 0, '零': 0, '一': 1, '二': 2, '两': 2, '三': 3, '四': 4, '五': 5,
	'六': 6, '七': 7, '八': 8, '九': 9}

var powers = map[rune]int{'十': 10, '百': 100, '千': 1000}

// countWords follow a number: 三条 and 3条 are the same, while 一般 is no number.
const countWords = "年月日天条项个级类次家部种号届期周户人元点分"

// numerals writes Chinese numbers before a counted word as digits: 第十二条 → 第12条.
func (f *folder) numerals() {
	f.rewrite(func(at int) (string, int, bool) {
		value, size := readNumber(f.out[at:])
		if size == 0 {
			_, n := utf8.DecodeRune(f.out[at:])
			return "", n, false
		}
		next, _ := utf8.DecodeRune(f.out[at+size:])
		return value, size, next != utf8.RuneError && strings.ContainsRune(countWords, next)
	})
}

// readNumber reads a Chinese number below ten thousand at the start of b, either
// with its powers (一百二十) or digit by digit (二〇二六).
func readNumber(b []byte) (value string, size int) {
	total, digit, digitsSeen, powersSeen := 0, -1, 0, 0
	plain := ""
	for size < len(b) {
		r, n := utf8.DecodeRune(b[size:])
		if d, ok := digits[r]; ok {
			digit = d
			digitsSeen++
			plain += string(rune('0' + d))
		} else if p, ok := powers[r]; ok {
			total += max(digit, 1) * p
			digit = -1
			powersSeen++
		} else {
			break
		}
		size += n
		if digitsSeen+powersSeen > 8 {
			break
		}
	}
	switch {
	case size == 0:
		return "", 0
	case powersSeen == 0:
		return plain, size
	}
	return fmt.Sprint(total + max(digit, 0)), size
}

// spaces takes out the blanks that people type between single Chinese characters
// (免 担 保), and keeps those between words (展览会 洽谈会).
func (f *folder) spaces() {
	f.rewrite(func(at int) (string, int, bool) {
		if f.out[at] != ' ' {
			_, n := utf8.DecodeRune(f.out[at:])
			return "", n, false
		}
		end := at
		for end < len(f.out) && f.out[end] == ' ' {
			end++
		}
		before, after := runBefore(f.out[:at]), runAfter(f.out[end:])
		return "", end - at, before > 0 && after > 0 && min(before, after) == 1
	})
}

// runBefore and runAfter count the Chinese characters, up to two, that stand
// directly at the end and at the start.
func runBefore(b []byte) (n int) {
	for n < 2 {
		r, size := utf8.DecodeLastRune(b)
		if !isCharacter(r) {
			break
		}
		b, n = b[:len(b)-size], n+1
	}
	return n
}

func runAfter(b []byte) (n int) {
	for n < 2 {
		r, size := utf8.DecodeRune(b)
		if !isCharacter(r) {
			break
		}
		b, n = b[size:], n+1
	}
	return n
}
