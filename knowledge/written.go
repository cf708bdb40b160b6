package knowledge

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Origin is the file that a document was made from, when it did not come as text. The
// SHA-256 proves which file it was, should it turn up again.
type Origin struct {
	Name   string `yaml:"name" json:"name"`
	SHA256 string `yaml:"sha256" json:"sha256"`
}

// check says what is wrong with an origin that somebody wrote by hand.
func (o Origin) check() (finding Finding, bad bool) {
	if sum, err := hex.DecodeString(o.SHA256); err == nil && len(sum) == 32 && o.Name != "" {
		return Finding{}, false
	}
	return Finding{Line: 1, Message: "origin 不完整：要有原件的文件名 name 和 64 位的 sha256", Mend: "照导入时的样子恢复，或重新导入原件"}, true
}

// Piece is a heading, a measure or a paragraph, in the order of its source.
type Piece struct {
	// Level is that of a heading, from 1 to 6; 0 for the others.
	Level int
	// Item is set for a measure, whose number is Number.
	Item   bool
	Number int
	// Text may have several lines.
	Text string
	// Line is the input that the piece begins in, from 1.
	Line int
}

// proseIndent opens every line that is words and no mark, as Chinese print does. It is
// what keeps "1、" at the start of a sentence from being taken for a number.
const proseIndent = "　　"

// Write gives the bytes of a document made from another file. They are Markdown to the
// eye, and readWritten reads them without guessing, so any words whatever come back as
// they went in, but for white space, which is folded: Markdown itself would read some
// words as marks (# at the start of a line, 3. and then 5., [a]: b) and an escape would
// stand in the bytes that are quoted.
func Write(title, date string, origin Origin, pieces []Piece) []byte {
	head, err := yaml.Marshal(matter{Title: fold(title), Date: date, Origin: &origin})
	if err != nil {
		panic(fmt.Sprintf("knowledge: front matter cannot be written: %v", err)) // strings only
	}
	var b bytes.Buffer
	b.WriteString("---\n" + string(head) + "---\n")
	for _, p := range pieces {
		lines := writtenLines(p.Text)
		switch {
		case p.Level > 0 && len(lines) == 0, p.Level == 0 && !p.Item && len(lines) == 0:
			continue
		case p.Level > 0:
			fmt.Fprintf(&b, "\n%s %s\n", strings.Repeat("#", min(p.Level, 6)), strings.Join(lines, " "))
			continue
		case p.Item:
			first := ""
			if len(lines) > 0 {
				first, lines = lines[0], lines[1:]
			}
			fmt.Fprintf(&b, "\n%d、%s\n", p.Number, first)
		default:
			b.WriteString("\n")
		}
		for _, l := range lines {
			b.WriteString(proseIndent + l + "\n")
		}
	}
	return b.Bytes()
}

// writtenLines folds each line and drops those without words.
func writtenLines(text string) []string {
	var lines []string
	for l := range strings.Lines(text) {
		if l = fold(l); l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

var (
	writtenHeading = regexp.MustCompile(`^(#{1,6}) +`)
	writtenItem    = regexp.MustCompile(`^([0-9]{1,9})、`)
	// otherMarks is what looks like Markdown's own lists and is none here.
	otherMarks = regexp.MustCompile(`^\s*(?:[0-9]+[.)]\s|[-*+]\s|>|\|)`)
)

// readWritten reads the form of Write: # headings, N、 measures, words. A line without a
// mark goes on with what stands right above it. Nothing is guessed: not the title, not
// the date, no headings, no lists within lists.
func readWritten(source []byte, start int, title string) *outlined {
	var (
		blocks   []block
		findings []Finding
		open     bool // a line may go on with the last block
	)
	line := bytes.Count(source[:start], []byte("\n"))
	for at := start; at < len(source); {
		line++
		stop, next := len(source), len(source)
		if i := bytes.IndexByte(source[at:], '\n'); i >= 0 {
			stop, next = at+i, at+i+1
		}
		b, ok := lineBlock(string(source[at:stop]), 0, stop-at)
		switch {
		case !ok:
			open = false
		case open && !marked(source[at:stop]):
			last := &blocks[len(blocks)-1]
			last.span.End = at + b.span.End
		default:
			blocks = append(blocks, writtenBlock(source[at:stop], at, line, b.span))
			open = blocks[len(blocks)-1].heading == 0
		}
		if ok && otherMarks.Match(source[at:stop]) && !bytes.HasPrefix(source[at:], []byte(proseIndent)) {
			findings = append(findings, Finding{Line: line, Message: "这一行像 Markdown 的列表或引用，在由导入写成的文件里不算条目", Mend: "条目写作“3、……”，普通文字前面空两格（全角）"})
		}
		at = next
	}
	out := outline(title, source, blocks, false)
	out.findings = append(findings, out.findings...)
	return out
}

func marked(line []byte) bool { return writtenHeading.Match(line) || writtenItem.Match(line) }

// writtenBlock reads one line that opens a block. Its text stays empty, so that the
// outline finds nothing to guess from. A heading's number (一、, 第一章) is no part of its
// name, as in plain text.
func writtenBlock(line []byte, at, number int, words Span) block {
	b := block{line: number, span: Span{at + words.Start, at + words.End}}
	if m := writtenHeading.FindSubmatch(line); m != nil {
		b.heading = len(m[1])
		b.span.Start = at + len(m[0])
		if b.marker = readMarker(string(line[len(m[0]):words.End])); b.marker.size == b.span.End-b.span.Start {
			b.marker = marker{} // it is all there is
		}
		return b
	}
	if m := writtenItem.FindSubmatch(line); m != nil {
		n, _ := strconv.Atoi(string(m[1])) // nine digits at most
		b.marker = marker{style: styleList, number: n, size: len(m[0])}
		return b
	}
	b.bullet = true // a paragraph of its own, whatever stands above
	return b
}

// Line is a paragraph of a foreign format. Its Text may have lines of its own.
type Line struct {
	Text string
	// Heading is the level that the format gives it; 0 when it gives none.
	Heading int
	// Gap says that empty paragraphs stand above, Apart that a table ends or begins above:
	// it goes on with nothing there.
	Gap, Apart bool
	// Bullet is an item of a list without numbers, or a row of a table: a paragraph, never
	// a heading or the title.
	Bullet bool
}

// Arranged is what Arrange makes of paragraphs.
type Arranged struct {
	// Title and Date as recognised; both may be empty.
	Title, Date string
	Pieces      []Piece
}

// Arrange finds date, headings and measures in paragraphs by the rules of plain text, and
// the title when none is known. When the format marks any headings, only those count, and
// chapters (第一章).
func Arrange(title string, lines []Line) Arranged {
	var b strings.Builder
	blocks, infer := []block{}, true
	spans := make([]Span, len(lines))
	for i, l := range lines {
		spans[i].Start = b.Len()
		b.WriteString(l.Text)
		spans[i].End = b.Len()
		b.WriteByte('\n')
		infer = infer && l.Heading == 0
	}
	source := b.String()
	for i, l := range lines {
		blocks = append(blocks, lineBlocks(source, spans[i], i+1, l)...)
	}
	out := outline(title, []byte(source), blocks, infer)
	return Arranged{Title: out.title, Date: out.date, Pieces: out.pieces(source)}
}

// lineBlocks reads a paragraph line by line when its lines are numbered, else as a whole.
func lineBlocks(source string, span Span, number int, l Line) []block {
	lines := textBlocks(source, span.Start, span.End, 1)
	if len(lines) == 0 {
		return nil
	}
	numbered := slices.ContainsFunc(lines[1:], func(b block) bool { return b.marker.style != styleNone })
	if l.Heading > 0 || len(lines) > 1 && !numbered {
		b, _ := lineBlock(source, span.Start, span.End) // has words, since a line of it has
		lines = []block{b}
	}
	if lines[0].gap, lines[0].heading = l.Gap, l.Heading; l.Heading > 0 {
		lines[0].marker = marker{}
	}
	lines[0].apart, lines[0].bullet = l.Apart, l.Bullet
	for i := range lines {
		lines[i].line = number
	}
	return lines
}
