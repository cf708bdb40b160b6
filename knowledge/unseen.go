package knowledge

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// What nobody sees when a file is shown is searched and quoted all the same, so that whoever
// approves it has not read what it says. Some of it turns the order of what is read about, or
// spells a text of its own: that nobody may publish. The rest is of no harm but keeps words
// from being found: it is reported, and stays where it is.

// turning are the characters that say in which direction a text runs (UAX #9).
var turning = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x061c, Hi: 0x061c, Stride: 1}, {Lo: 0x200e, Hi: 0x200f, Stride: 1},
	{Lo: 0x202a, Hi: 0x202e, Stride: 1}, {Lo: 0x2066, Hi: 0x2069, Stride: 1}}}

// spelling are tags, which repeat ASCII unseen.
var spelling = &unicode.RangeTable{R32: []unicode.Range32{{Lo: 0xe0000, Hi: 0xe007f, Stride: 1}}}

// blankLetters are letters that show nothing.
const blankLetters = "\u115f\u1160\u17b4\u17b5\u3164\uffa0\u034f"

// unseenIn reports the characters of a text that nobody sees, once for each kind and line.
func unseenIn(text string) (all []Finding) {
	for n, line := range strings.Split(text, "\n") {
		seen := map[rune]bool{}
		for _, r := range unescaped(line) {
			if n == 0 && r == '\ufeff' && strings.HasPrefix(line, "\ufeff") {
				continue // the mark at the start of a file
			}
			if f, ok := unseen(r); ok && !seen[r] {
				seen[r] = true
				f.Line = n + 1
				all = append(all, f)
			}
		}
	}
	return all
}

// unseen reports a character that nobody sees.
func unseen(r rune) (Finding, bool) {
	f := Finding{Message: fmt.Sprintf("有看不见的字符 U+%04X", r), Mend: "删去它；在编辑器里打开“显示不可见字符”可以看到，或把这一行重新打一遍"}
	switch {
	case unicode.Is(turning, r):
		f.Message, f.Refused = f.Message+"，它改变显示的顺序：看到的和实际的文字不一样", true
	case unicode.Is(spelling, r):
		f.Message, f.Refused = f.Message+"，它能藏一段看不见的文字", true
	case unicode.Is(unicode.Cf, r), strings.ContainsRune(blankLetters, r):
		f.Message += "，含有它的词会查不到"
	default:
		return Finding{}, false
	}
	return f, true
}

// escape is how YAML and HTML write a character by its number.
var escape = regexp.MustCompile(`\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|\\x([0-9a-fA-F]{2})|&#[xX]([0-9a-fA-F]{1,6});|&#([0-9]{1,7});`)

// unescaped is a line with the characters that are written by their numbers.
func unescaped(line string) string {
	if !strings.ContainsAny(line, `\&`) {
		return line
	}
	return escape.ReplaceAllStringFunc(line, func(s string) string {
		base, digits := 16, strings.TrimLeft(strings.Trim(s, `\&#;`), "uUxX")
		if s[0] == '&' && s[2] != 'x' && s[2] != 'X' {
			base = 10
		}
		n, err := strconv.ParseInt(digits, base, 32)
		if err != nil {
			return s
		}
		return string(rune(n))
	})
}
