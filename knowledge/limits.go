package knowledge

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of a source, which keep the reading of any file within 200 MB and some seconds.
// The longest compilation of regulations seen has some 3,000 paragraphs and 1 MB.
const (
	// maxLines bounds the lines that are not blank. Each becomes a block, of which tree,
	// outline and passages keep some kilobytes.
	maxLines = 40_000
	// maxBlank bounds the blank ones, of which the parser keeps places, too.
	maxBlank = 10 * maxLines
	// MaxFileBytes bounds one source file, which is held several times over while it is
	// read. The largest notices seen have some 200 kB.
	MaxFileBytes = 8 << 20
	// MaxTextRunes bounds a measure or a paragraph. Nobody could be answered with more.
	MaxTextRunes = 10_000
	// maxNesting bounds the lists and quotations of Markdown that one line opens; the
	// parser's time grows with the square of it.
	maxNesting = 16
)

// Errors about a file's size and shape. The line is in the BrokenError.
var (
	errLines   = fmt.Errorf("has more than %d lines", maxLines)
	errLong    = fmt.Errorf("has a line or a measure of more than %d characters", MaxTextRunes)
	errNesting = fmt.Errorf("has lists or quotations nested more than %d deep", maxNesting)
)

// checkShape refuses what would take too much to read, before it is parsed. It gives the
// line, from 1, that is too much.
func checkShape(source string) (line int, err error) {
	filled, blank := 0, 0
	for text := range strings.Lines(source) {
		line++
		switch {
		case len(text) > MaxTextRunes && utf8.RuneCountInString(text) > MaxTextRunes+1: // with its line break
			return line, errLong
		case nesting(text) > maxNesting:
			return line, errNesting
		case strings.TrimSpace(text) == "":
			blank++
		default:
			filled++
		}
		if filled > maxLines || blank > maxBlank {
			return line, errLines
		}
	}
	return 0, nil
}

// nesting counts the lists and quotations that a line of Markdown opens or goes on with.
func nesting(line string) (depth int) {
	for {
		line = strings.TrimLeft(line, " \t")
		rest, quoted := strings.CutPrefix(line, ">")
		if !quoted {
			rest = strings.TrimLeft(line, "0123456789")
			if rest == "" || !strings.ContainsRune("-*+.)", rune(rest[0])) || len(rest) > 1 && !unicode.IsSpace(rune(rest[1])) {
				return depth
			}
			rest = rest[1:]
		}
		depth, line = depth+1, rest
	}
}

// checkLengths refuses measures and paragraphs that were put together from many lines.
func checkLengths(doc *Document) (line int, err error) {
	long := func(s Span) bool {
		return s.End-s.Start > MaxTextRunes && utf8.RuneCount(doc.Source[s.Start:s.End]) > MaxTextRunes
	}
	for _, s := range doc.Sections {
		for _, m := range s.Measures {
			if long(m.Span) {
				return m.Line, errLong
			}
		}
	}
	for _, p := range doc.Paragraphs {
		if long(p.Span) {
			return p.Line, errLong
		}
	}
	return 0, nil
}

// shapeFinding says in Chinese what checkShape or checkLengths refused.
func shapeFinding(err error) (message, fix string, ok bool) {
	switch {
	case errors.Is(err, ErrLarge):
		return fmt.Sprintf("文字超过 %d MB", MaxFileBytes>>20), "拆成几个文件", true
	case errors.Is(err, errLines):
		return fmt.Sprintf("超过 %d 行", maxLines), "拆成几个文件", true
	case errors.Is(err, errLong):
		return fmt.Sprintf("这一段超过 %d 字", MaxTextRunes), "分成几段", true
	case errors.Is(err, errNesting):
		return fmt.Sprintf("列表或引用套了 %d 层以上", maxNesting), "少套几层", true
	}
	return "", "", false
}
