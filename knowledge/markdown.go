package knowledge

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"go.yaml.in/yaml/v3"
)

// readMarkdown reads CommonMark. Headings are sections, ordered lists are
// measures with the numbers the list shows, bullets and prose are paragraphs.
// Numbered lines inside prose (1、…) count as in plain text. Spans keep the
// source's own marks (**…**), because they are bytes of the file. A file with an origin
// is in the form of Write and is read as that.
func readMarkdown(source []byte) *outlined {
	start, front := frontMatter(source)
	out := readBody(source, start, front)
	if f, bad := out.provenance.take(front.Provenance, front.urlLine); bad {
		out.findings = append([]Finding{f}, out.findings...)
	}
	return out
}

// readBody reads what stands below the front matter.
func readBody(source []byte, start int, front matter) *outlined {
	if front.Origin != nil {
		out := readWritten(source, start, front.Title)
		out.date, out.origin = front.Date, front.Origin
		if f, bad := front.Origin.check(); bad {
			out.findings = append([]Finding{f}, out.findings...)
		}
		return out
	}
	r := &markdownReader{source: string(source), offset: start, lineNumber: 1}
	root := blockParser().Parse(text.NewReader(source[start:]))
	for n := root.FirstChild(); n != nil; n = n.NextSibling() {
		r.read(n)
	}
	title := front.Title
	if title == "" {
		title = r.takeTitle()
	}
	out := outline(title, source, r.blocks, !r.headed)
	if out.date == "" {
		out.date = front.Date
	}
	out.findings = append(r.findings, out.findings...)
	return out
}

// blockParser finds headings, lists and paragraphs and leaves the words in them alone:
// only the spans of blocks are used, and what looks like emphasis or links can take
// time that grows with the square of its length.
func blockParser() parser.Parser {
	return parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...))
}

type matter struct {
	Title string `yaml:"title"`
	Date  string `yaml:"date,omitempty"`
	// Origin makes it a file that Write wrote; see readWritten.
	Origin     *Origin `yaml:"origin,omitempty"`
	Provenance `yaml:",inline"`
	urlLine    int // in the file, from 1
}

func (m *matter) UnmarshalYAML(n *yaml.Node) error {
	type plain matter
	m.urlLine = lineOf(n, "url") + 1 // below the fence
	return n.Decode((*plain)(m))
}

// frontMatter reads a YAML block between --- lines at the top and returns where
// the text below starts. What is no such block is text.
func frontMatter(source []byte) (int, matter) {
	const fence = "---\n"
	rest, ok := bytes.CutPrefix(source, []byte(fence))
	if !ok {
		return 0, matter{}
	}
	head, _, ok := bytes.Cut(rest, []byte("\n"+fence))
	var m matter
	if !ok || yaml.Unmarshal(head, &m) != nil {
		return 0, matter{}
	}
	if !validDay(m.Date) {
		m.Date = ""
	}
	return len(fence) + len(head) + len("\n"+fence), m
}

type markdownReader struct {
	source   string
	offset   int // of the parsed text in source, in bytes
	blocks   []block
	findings []Finding
	headed   bool

	lineStart, lineNumber int // a place before which the lines are counted
}

func (r *markdownReader) read(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		r.headed = true
		r.add(n, func(b *block) { b.heading, b.marker = n.Level, marker{} })
	case *ast.List:
		r.readList(n)
	case *ast.Blockquote:
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			r.read(c)
		}
	case *ast.Paragraph, *ast.TextBlock:
		r.readProse(n)
	case *ast.ThematicBreak, *ast.LinkReferenceDefinition:
	default:
		if span, ok := r.extent(n); ok {
			r.findings = append(r.findings, Finding{Line: r.line(span.Start),
				Message: "这一段（" + n.Kind().String() + "）不是标题、列表或文字，没有读入", Mend: "改写为标题、编号列表或普通段落"})
		}
	}
}

func (r *markdownReader) readList(n *ast.List) {
	number, end := n.Start, r.offset
	if span, ok := r.extent(n); ok {
		end = span.Start
	}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		before := len(r.blocks)
		r.add(item, func(b *block) {
			b.marker = marker{}
			if n.IsOrdered() {
				b.marker = marker{style: styleList, number: number}
			} else {
				b.bullet = true
			}
		})
		if len(r.blocks) > before {
			end = r.blocks[before].span.End
		} else if !item.HasChildren() && n.IsOrdered() {
			// An item without words is kept, so that it is reported and its number not missed.
			r.blocks = append(r.blocks, block{line: r.line(end) + 1, span: Span{end, end},
				marker: marker{style: styleList, number: number}})
		}
		number++
	}
}

// readProse reads a paragraph: line by line when its lines are numbered, else as
// a whole.
func (r *markdownReader) readProse(n ast.Node) {
	span, ok := r.extent(n)
	if !ok {
		return
	}
	lines := textBlocks(r.source, span.Start, span.End, r.line(span.Start))
	for _, b := range lines {
		if b.marker.style != styleNone {
			r.blocks = append(r.blocks, lines...)
			return
		}
	}
	r.add(n, func(*block) {})
}

// add appends the words of n as one block.
func (r *markdownReader) add(n ast.Node, set func(*block)) {
	span, ok := r.extent(n)
	if !ok {
		return
	}
	b, ok := lineBlock(r.source, span.Start, span.End)
	if !ok {
		return
	}
	b.line = r.line(b.span.Start)
	set(&b)
	r.blocks = append(r.blocks, b)
}

// extent is the span of all words below n.
func (r *markdownReader) extent(n ast.Node) (Span, bool) {
	span, found := Span{}, false
	_ = ast.Walk(n, func(c ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && c.Type() == ast.TypeBlock {
			for i := range c.Lines().Len() {
				l := c.Lines().At(i)
				if !found || l.Start+r.offset < span.Start {
					span.Start = l.Start + r.offset
				}
				span.End = max(span.End, l.Stop+r.offset)
				found = true
			}
		}
		return ast.WalkContinue, nil
	})
	return span, found && span.End > span.Start
}

// line is the line that a byte lies in, from 1. It goes on counting from the last
// question, since blocks come in the order of the source.
func (r *markdownReader) line(at int) int {
	if at < r.lineStart {
		r.lineStart, r.lineNumber = 0, 1
	}
	r.lineNumber += strings.Count(r.source[r.lineStart:at], "\n")
	r.lineStart = at
	return r.lineNumber
}

// takeTitle takes the first heading off when it stands alone above the others.
func (r *markdownReader) takeTitle() string {
	if len(r.blocks) == 0 || r.blocks[0].heading != 1 {
		return ""
	}
	deeper := false
	for _, b := range r.blocks[1:] {
		if b.heading == 1 {
			return ""
		}
		deeper = deeper || b.heading > 1
	}
	if !deeper {
		return ""
	}
	title := r.blocks[0].text
	r.blocks = r.blocks[1:]
	return title
}
