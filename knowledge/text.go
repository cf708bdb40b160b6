package knowledge

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// block is one line of a source with what its look says about it: the common
// form the readers hand to the outline.
type block struct {
	line   int  // from 1
	span   Span // without the white space around it
	text   string
	marker marker
	// heading is the level of a heading that the format marks as one (Markdown);
	// 0 where headings have to be recognised.
	heading int
	// bullet is an item of an unnumbered list.
	bullet bool
	// gap says that blank lines stand above.
	gap bool
	// apart says that it goes on with nothing above.
	apart  bool
	indent int // runes of white space in front
}

// body is the block's span without its number.
func (b block) body() Span { return Span{b.span.Start + b.marker.size, b.span.End} }

const byteOrderMark = "\uFEFF"

// readText reads plain text as it comes: headings without marks, numbers in any
// of the usual styles, blank lines anywhere.
func readText(source []byte) *outlined {
	return outline("", source, textBlocks(string(source), 0, len(source), 1), true)
}

// textBlocks cuts source[start:end] into lines; the first has the given number.
func textBlocks(source string, start, end, line int) []block {
	var blocks []block
	gap := false
	if strings.HasPrefix(source[start:end], byteOrderMark) {
		start += len(byteOrderMark)
	}
	for start < end {
		stop := end
		next := end
		if i := strings.IndexAny(source[start:end], "\n\r"); i >= 0 {
			stop, next = start+i, start+i+1
			if strings.HasPrefix(source[stop:end], "\r\n") {
				next++
			}
		}
		if b, ok := lineBlock(source, start, stop); ok {
			b.line, b.gap = line, gap
			blocks = append(blocks, splitInline(source, b)...)
			gap = false
		} else {
			gap = true
		}
		start, line = next, line+1
	}
	return blocks
}

// lineBlock reads one line; ok is false for a blank one.
func lineBlock(source string, start, stop int) (b block, ok bool) {
	raw := source[start:stop]
	body := strings.TrimLeftFunc(raw, unicode.IsSpace)
	indent := raw[:len(raw)-len(body)]
	body = strings.TrimRightFunc(body, unicode.IsSpace)
	if body == "" {
		return block{}, false
	}
	from := start + len(indent)
	return block{
		span: Span{from, from + len(body)}, text: fold(body),
		marker: readMarker(body), indent: utf8.RuneCountInString(indent),
	}, true
}

// splitInline parts a line that holds a whole list, （1）设窗口；（2）优先查验, into its
// items. Only numbers that cannot be prose count: bracketed or circled, rising
// from 1, each after a stop.
func splitInline(source string, b block) []block {
	if b.marker.number != 1 || (b.marker.style != styleParen && b.marker.style != styleCircled && b.marker.style != styleHanPar) {
		return []block{b}
	}
	var items []block
	current := b
	for at := b.body().Start; at < b.span.End; {
		_, size := utf8.DecodeRuneInString(source[at:b.span.End])
		m := readMarker(source[at:b.span.End])
		if m.style == current.marker.style && m.number == current.marker.number+1 && afterStop(source[current.body().Start:at]) {
			items = append(items, trimmed(source, current, at))
			current = block{line: b.line, indent: b.indent, span: Span{at, b.span.End}, marker: m}
			size = m.size
		}
		at += size
	}
	if len(items) == 0 {
		return []block{b}
	}
	return append(items, trimmed(source, current, b.span.End))
}

func afterStop(before string) bool {
	before = strings.TrimRightFunc(before, unicode.IsSpace)
	r, _ := utf8.DecodeLastRuneInString(before)
	return before == "" || strings.ContainsRune("；;。.，,：:", r)
}

// trimmed ends the item before at, without the stop that parts it from the next.
func trimmed(source string, b block, at int) block {
	text := source[b.span.Start:at]
	if at < len(source) {
		text = strings.TrimRightFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '；' || r == ';' })
	}
	b.span.End = max(b.span.Start+len(text), b.body().Start)
	b.text = fold(source[b.span.Start:b.span.End])
	return b
}

var datePattern = regexp.MustCompile(
	`^(?:(?:发布|更新|发文|成文)?(?:日期|时间)\s*[:：]\s*)?(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:\s+\d{1,2}:\d{2}(?::\d{2})?)?$`)

// readDate reads a line that is nothing but a date, as 2026-01-07.
func readDate(line string) (string, bool) {
	m := datePattern.FindStringSubmatch(line)
	if m == nil {
		return "", false
	}
	date := m[1] + "-" + pad(m[2]) + "-" + pad(m[3])
	return date, validDay(date)
}

func pad(digits string) string {
	if len(digits) == 1 {
		return "0" + digits
	}
	return digits
}
