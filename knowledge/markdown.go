package knowledge

import (
	"bytes"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
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
	r := &markdownReader{source: source, offset: start}
	root := goldmark.DefaultParser().Parse(text.NewReader(source[start:]))
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
	source   []byte
	offset   int // of the parsed text in source, in bytes
	blocks   []block
	findings []Finding
	headed   bool
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
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		r.add(item, func(b *block) {
			b.marker = marker{}
			if n.IsOrdered() {
				b.marker = marker{style: styleList, number: number}
			} else {
				b.bullet = true
			}
		})
		if !item.HasChildren() && n.IsOrdered() {
			r.emptyItem(n, item, number)
		}
		number++
	}
}

// emptyItem keeps an item without words, so that it is reported and its number
// is not missed.
func (r *markdownReader) emptyItem(list, item ast.Node, number int) {
	at := r.offset
	if span, ok := r.extent(list); ok {
		at = span.Start
	}
	if prev := item.PreviousSibling(); prev != nil {
		if span, ok := r.extent(prev); ok {
			at = span.End
		}
	}
	r.blocks = append(r.blocks, block{line: r.line(at) + 1, span: Span{at, at},
		marker: marker{style: styleList, number: number}})
}

// readProse reads a paragraph: line by line when its lines are numbered, else as
// a whole.
func (r *markdownReader) readProse(n ast.Node) {
	span, ok := r.extent(n)
	if !ok {
		return
	}
	lines := textBlocks(string(r.source), span.Start, span.End, r.line(span.Start))
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
	b, ok := lineBlock(string(r.source), span.Start, span.End)
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

func (r *markdownReader) line(at int) int { return bytes.Count(r.source[:at], []byte("\n")) + 1 }

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
