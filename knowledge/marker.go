package knowledge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// style is the way a list writes its numbers. Items of one list share a style.
type style string

const (
	styleNone    style = ""
	styleDot     style = "1."
	styleComma   style = "1、"
	styleParen   style = "(1)"
	styleHalf    style = "1)"
	styleCircled style = "①"
	styleHan     style = "一、"
	styleHanPar  style = "(一)"
	styleArticle style = "第1条"
	styleChapter style = "第1章" // a chapter or part is a heading, never an item
	styleList    style = "md"  // an ordered list of Markdown
)

// marker is the number an item opens with.
type marker struct {
	style  style
	number int
	size   int // bytes the marker takes, with the white space after it
}

// openers are tried in turn; each returns the number and the bytes it read, or 0.
var openers = []struct {
	style style
	read  func(string) (number, size int)
}{
	{styleCircled, readCircled},
	{styleArticle, func(s string) (int, int) { return readOrdinal(s, "条款项") }},
	{styleChapter, func(s string) (int, int) { return readOrdinal(s, "章节编部") }},
	{styleParen, func(s string) (int, int) { return readBracketed(s, readDigits) }},
	{styleHanPar, func(s string) (int, int) { return readBracketed(s, readHan) }},
	{styleHalf, func(s string) (int, int) { return readClosed(s, ")）") }},
	{styleComma, func(s string) (int, int) { return readClosed(s, "、") }},
	{styleDot, readDotted},
	{styleHan, readHanComma},
}

// readMarker reads the number at the start of a line that has no white space in
// front. A line without one gives the zero marker.
func readMarker(s string) marker {
	for _, o := range openers {
		if n, size := o.read(s); size > 0 {
			rest := s[size:]
			return marker{o.style, n, size + len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))}
		}
	}
	return marker{}
}

// readDigits reads up to three digits, half or full width. Longer runs are years
// and amounts, not item numbers.
func readDigits(s string) (number, size int) {
	for count := 0; ; count++ {
		r, n := utf8.DecodeRuneInString(s[size:])
		switch {
		case r >= '０' && r <= '９':
			r -= '０' - '0'
		case r < '0' || r > '9':
			return number, size
		}
		if count == 3 {
			return 0, 0
		}
		number, size = number*10+int(r-'0'), size+n
	}
}

const hanDigits = "零一二三四五六七八九"

// readHan reads 一 to 九十九.
func readHan(s string) (number, size int) {
	for {
		r, n := utf8.DecodeRuneInString(s[size:])
		switch i := strings.IndexRune(hanDigits, r); {
		case n == 0 || r == utf8.RuneError:
			return number, size
		case r == '十' && number < 10:
			number = max(number, 1) * 10
		case i > 0 && (number == 0 || number%10 == 0):
			number += i / len("零")
		default:
			return number, size
		}
		size += n
	}
}

// cut takes one rune of set off the front of s and returns its size, or 0.
func cut(s, set string) int {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 || r == utf8.RuneError || !strings.ContainsRune(set, r) {
		return 0
	}
	return n
}

func readBracketed(s string, number func(string) (int, int)) (int, int) {
	open := cut(s, "(（")
	if open == 0 {
		return 0, 0
	}
	n, size := number(s[open:])
	if size == 0 {
		return 0, 0
	}
	end := cut(s[open+size:], ")）")
	if end == 0 {
		return 0, 0
	}
	return n, open + size + end
}

func readClosed(s, closers string) (int, int) {
	n, size := readDigits(s)
	if size == 0 {
		return 0, 0
	}
	if end := cut(s[size:], closers); end > 0 {
		return n, size + end
	}
	return 0, 0
}

// readDotted reads 1. and 1．, but not the 1.5 of an amount or the 1.2 of a
// paragraph number.
func readDotted(s string) (int, int) {
	n, size := readClosed(s, ".．")
	if size == 0 {
		return 0, 0
	}
	if _, digits := readDigits(s[size:]); digits > 0 {
		return 0, 0
	}
	return n, size
}

func readHanComma(s string) (int, int) {
	n, size := readHan(s)
	if size == 0 {
		return 0, 0
	}
	if end := cut(s[size:], "、.．"); end > 0 {
		return n, size + end
	}
	return 0, 0
}

// readOrdinal reads 第三条 and 第3条.
func readOrdinal(s, units string) (int, int) {
	const prefix = "第"
	if !strings.HasPrefix(s, prefix) {
		return 0, 0
	}
	n, size := readDigits(s[len(prefix):])
	if size == 0 {
		n, size = readHan(s[len(prefix):])
	}
	if size == 0 {
		return 0, 0
	}
	end := cut(s[len(prefix)+size:], units)
	if end == 0 {
		return 0, 0
	}
	size += len(prefix) + end
	if strings.HasSuffix(s[:size], "部") && strings.HasPrefix(s[size:], "分") { // 第一部分
		size += len("分")
	}
	// 第三条的规定 is prose that speaks of an item, 第三条 规定 opens one.
	if strings.HasPrefix(s[size:], "的") {
		return 0, 0
	}
	return n, size + cut(s[size:], ":：、")
}

// readCircled reads ① to ⑳, ⑴ to ⒇ and ⒈ to ⒛, which stand one after another.
func readCircled(s string) (int, int) {
	r, n := utf8.DecodeRuneInString(s)
	for _, first := range []rune{'①', '⑴', '⒈'} {
		if r >= first && r < first+20 {
			return int(r-first) + 1, n
		}
	}
	return 0, 0
}
