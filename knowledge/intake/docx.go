package intake

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"aeobot/knowledge"
)

// Word documents are read here and not by a library: of those for Go, the kept ones cost
// money, and the free ones give text without the numbers of automatic lists and with the
// deleted words of tracked changes, which is to say wrong quotations.

// wordStyle is what a paragraph style says of structure.
type wordStyle struct {
	name, basedOn string
	outline       int // level from 0; -1: none given
	numID         string
	level         int
	kind          string // paragraph, numbering
}

type docx struct {
	*archive
	paper   *paper
	styles  map[string]wordStyle
	numbers *numbering
	// carried is the text of a paragraph whose end mark was deleted: the next one goes on.
	carried string
}

// readDOCX reads a Word document.
func readDOCX(ctx context.Context, in *reading) error {
	a, err := openArchive(ctx, in.data)
	if err != nil {
		return err
	}
	if !a.has("word/document.xml") || !a.has("[Content_Types].xml") {
		return &Refused{Err: ErrBroken, Message: "不是 Word 文档：里面没有正文", Mend: "用 Word 或 WPS 打开看看，另存为 .docx 再上传"}
	}
	d := &docx{archive: a, paper: &paper{in: in}}
	for _, step := range []func() error{d.checkTypes, d.readStyles, d.readNumbers, d.readProperties, d.readBody} {
		if err := step(); err != nil {
			if _, refused := err.(*Refused); refused {
				return err
			}
			return brokenFile(err)
		}
	}
	return d.paper.finish()
}

func (d *docx) readStyles() error {
	d.styles = map[string]wordStyle{}
	return d.each("word/styles.xml", func(x *xmlReader, e xml.StartElement) error {
		if e.Name.Local != "style" {
			return nil
		}
		s := wordStyle{outline: -1, kind: attr(e, "type")}
		id := attr(e, "styleId")
		err := within(x, func(e xml.StartElement) error {
			v := attr(e, "val")
			switch e.Name.Local {
			case "name":
				s.name = strings.ToLower(v)
			case "basedOn":
				s.basedOn = v
			case "outlineLvl":
				s.outline = outlineLevel(v)
			case "numId":
				s.numID = v
			case "ilvl":
				s.level, _ = levelOf(v)
			}
			return nil
		})
		if d.styles[id] = s; len(d.styles) > maxStyles {
			return errMany
		}
		return err
	})
}

// outlineLevel reads w:outlineLvl; 9 is body text.
func outlineLevel(v string) int {
	if i, ok := levelOf(v); ok {
		return i
	}
	return -1
}

func (d *docx) readNumbers() (err error) {
	if d.numbers, err = readNumbering(d.archive); err != nil {
		return err
	}
	for _, l := range d.numbers.lists {
		if l.of.link == "" {
			continue
		}
		if other := d.numbers.lists[d.styles[l.of.link].numID]; other != nil && other.of.link == "" {
			l.of = other.of
		}
	}
	return nil
}

// readProperties reads what the file says of itself.
func (d *docx) readProperties() error {
	return d.each("docProps/core.xml", func(x *xmlReader, e xml.StartElement) error {
		switch e.Name.Local {
		case "title":
			text, err := textWithin(x)
			d.paper.offered = text
			return err
		case "created":
			text, err := textWithin(x)
			if day, _, _ := strings.Cut(strings.TrimSpace(text), "T"); err == nil {
				d.paper.created, _ = readDay(day)
			}
			return err
		}
		return nil
	})
}

// textWithin is the text of the element just opened.
func textWithin(x *xmlReader) (string, error) {
	var b words
	for depth := x.depth; ; {
		t, err := x.next()
		if err != nil {
			return "", err
		}
		if x.depth < depth {
			return b.String(), nil
		}
		if c, ok := t.(xml.CharData); ok {
			b.add(string(c))
		}
	}
}

// style follows basedOn until something says what is asked; chains of styles that are
// based on each other end.
func (d *docx) style(id string, says func(wordStyle) bool) (wordStyle, bool) {
	for range 20 {
		s, ok := d.styles[id]
		if !ok {
			return wordStyle{}, false
		}
		if says(s) {
			return s, true
		}
		id = s.basedOn
	}
	return wordStyle{}, false
}

// wordParagraph is what a paragraph says of itself before its words.
type wordParagraph struct {
	style   string
	outline int
	numID   string
	level   int
	joined  bool // its end mark is deleted
	text    words
}

var headingName = regexp.MustCompile(`^(?:heading|标题)\s*([1-9])$`)

// heading is the level of a heading, or 0; title is set for the document's title.
func (d *docx) heading(p *wordParagraph) (level int, title bool) {
	if p.outline >= 0 {
		return p.outline + 1, false
	}
	s, ok := d.style(p.style, func(s wordStyle) bool {
		return s.outline >= 0 || s.name == "title" || s.name == "标题" || headingName.MatchString(s.name)
	})
	switch {
	case !ok:
		return 0, false
	case s.name == "title" || s.name == "标题":
		return 0, true
	case headingName.MatchString(s.name):
		level, _ = strconv.Atoi(headingName.FindStringSubmatch(s.name)[1])
		return level, false
	}
	return s.outline + 1, false
}

// number counts the paragraph's list on.
func (d *docx) number(p *wordParagraph) listed {
	id, level := p.numID, p.level
	if id == "" {
		if s, ok := d.style(p.style, func(s wordStyle) bool { return s.numID != "" }); ok {
			id = s.numID
			if level < 0 {
				level = d.styleLevel(id, p.style, s.level)
			}
		}
	}
	if id == "" || id == "0" {
		return listed{}
	}
	l := listed{nested: level > 0}
	l.label, l.bullet = d.numbers.next(id, max(level, 0))
	return l
}

// styleLevel is the level that a list has for a style; the list says so, not the style.
func (d *docx) styleLevel(id, style string, otherwise int) int {
	if l := d.numbers.lists[id]; l != nil {
		for i := range l.of.levels {
			if l.level(i).style == style {
				return i
			}
		}
	}
	return otherwise
}

// readBody reads the paragraphs and tables of the document.
func (d *docx) readBody() error {
	return d.eachBody(func(x *xmlReader) error { return d.block(x, d.put) })
}

func (d *docx) eachBody(read func(*xmlReader) error) error {
	x, closer, err := d.open("word/document.xml")
	if err != nil {
		return err
	}
	defer closer.Close() // read only
	found := false
	for {
		t, err := x.next()
		switch e, ok := t.(xml.StartElement); {
		case err == io.EOF && found:
			return nil
		case err == io.EOF:
			return fmt.Errorf("no body")
		case err != nil:
			return err
		case ok && e.Name.Local == "body":
			found = true
			if err := read(x); err != nil {
				return err
			}
		}
	}
}

// wordLine is a finished paragraph.
type wordLine struct {
	text    string
	heading int
	title   bool
	listed
}

// listed is what a list puts in front of a paragraph.
type listed struct {
	label  string
	bullet bool
	nested bool // in a list within a list
}

// emit takes a finished paragraph.
type emit func(wordLine)

// passed are elements that hold paragraphs or runs and change nothing about them.
var passed = []string{"sdt", "sdtContent", "ins", "moveTo", "smartTag", "customXml", "hyperlink", "fldSimple", "dir", "bdo", "ruby", "rubyBase", "Choice"}

// block reads paragraphs and tables until the element that was just opened ends.
func (d *docx) block(x *xmlReader, put emit) error {
	return within(x, func(e xml.StartElement) (err error) {
		switch name := e.Name.Local; {
		case name == "p":
			err = d.paragraph(x, put)
		case name == "tbl":
			err = d.table(x)
		case slices.Contains(passed, name) || name == "AlternateContent":
		default:
			err = d.leave(x, e)
		}
		return err
	})
}

// leave skips an element and counts what a reader would miss.
func (d *docx) leave(x *xmlReader, e xml.StartElement) error {
	left := &d.paper.left
	switch e.Name.Local {
	case "del", "moveFrom":
		left.deleted++
	case "footnoteReference", "endnoteReference":
		left.notes++
	case "commentReference":
		left.comments++
	case "object", "altChunk", "chart":
		left.objects++
	case "drawing", "pict":
		boxes := 0
		if err := within(x, func(e xml.StartElement) error {
			if e.Name.Local == "txbxContent" {
				boxes++
			}
			return nil
		}); err != nil {
			return err
		}
		if boxes == 0 {
			left.images++
		}
		left.boxes += boxes
		return nil
	}
	return x.skip()
}

// paragraph reads one paragraph.
func (d *docx) paragraph(x *xmlReader, put emit) error {
	if err := d.paper.paragraph(d.ctx); err != nil {
		return err
	}
	p := &wordParagraph{outline: -1, level: -1}
	if err := d.runs(x, p); err != nil {
		return err
	}
	if strings.HasPrefix(d.styles[p.style].name, "toc ") { // the table of contents says all twice
		return nil
	}
	text := d.carried + p.text.String()
	d.carried = ""
	if p.joined && len(text) <= maxTextRunes*utf8.UTFMax {
		d.carried = text
		return nil
	}
	l := wordLine{text: text}
	l.heading, l.title = d.heading(p)
	if strings.TrimSpace(text) != "" { // Word numbers empty paragraphs too; but nobody means it
		l.listed = d.number(p)
	}
	put(l)
	return nil
}

// runs reads what a paragraph, or a part of it, consists of.
func (d *docx) runs(x *xmlReader, p *wordParagraph) error {
	return within(x, func(e xml.StartElement) (err error) {
		switch name := e.Name.Local; {
		case name == "pPr":
			err = p.properties(x)
		case name == "r":
			err = d.run(x, p)
		case name == "oMath" || name == "oMathPara":
			err = d.formula(x, p)
		case slices.Contains(passed, name) || name == "AlternateContent":
		default:
			err = d.leave(x, e)
		}
		return err
	})
}

// formula takes the letters of a formula.
func (d *docx) formula(x *xmlReader, p *wordParagraph) error {
	d.paper.left.formulas++
	text, err := textWithin(x)
	p.text.add(strings.Join(strings.Fields(text), ""))
	return err
}

// properties reads w:pPr.
func (p *wordParagraph) properties(x *xmlReader) error {
	mark := 0 // how deep the properties of the end mark begin
	return within(x, func(e xml.StartElement) error {
		v := attr(e, "val")
		switch e.Name.Local {
		case "pStyle":
			p.style = v
		case "outlineLvl":
			p.outline = outlineLevel(v)
		case "numId":
			p.numID = v
		case "ilvl":
			p.level, _ = levelOf(v)
		case "rPr":
			mark = x.depth
		case "del", "moveFrom":
			p.joined = p.joined || mark > 0 && x.depth > mark
		case "pPrChange", "sectPr": // what it was before a tracked change
			return x.skip()
		}
		return nil
	})
}

// run reads one w:r.
func (d *docx) run(x *xmlReader, p *wordParagraph) error {
	var b words
	hidden := false
	err := d.runParts(x, &b, &hidden)
	if hidden {
		if strings.TrimSpace(b.String()) != "" {
			d.paper.left.hidden++
		}
		return err
	}
	p.text.add(b.String())
	return err
}

func (d *docx) runParts(x *xmlReader, b *words, hidden *bool) error {
	return within(x, func(e xml.StartElement) (err error) {
		switch e.Name.Local {
		case "t":
			var text string
			text, err = textWithin(x)
			b.add(text)
		case "tab", "ptab":
			b.add("\t")
		case "br", "cr":
			if kind := attr(e, "type"); kind == "" || kind == "textWrapping" {
				b.add("\n")
			}
		case "noBreakHyphen":
			b.add("-")
		case "sym":
			b.add(symbol(attr(e, "char")))
		case "rPr":
			err = within(x, func(e xml.StartElement) error {
				if e.Name.Local == "rPrChange" { // how it was before a tracked change
					return x.skip()
				}
				if v := attr(e, "val"); e.Name.Local == "vanish" && v != "0" && v != "false" {
					*hidden = true
				}
				return nil
			})
		case "AlternateContent", "Choice", "ruby", "rubyBase":
		case "r": // within a ruby
			err = d.runParts(x, b, hidden)
		default:
			err = d.leave(x, e)
		}
		return err
	})
}

// symbol is a character given by its number; those of symbol fonts mean nothing else
// where and are left out.
func symbol(hex string) string {
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil || n < 0x20 || n >= 0xE000 && n <= 0xF8FF || !utf8.ValidRune(rune(n)) {
		return ""
	}
	return string(rune(n))
}

// put hands a paragraph of the body to the paper.
func (d *docx) put(l wordLine) {
	p := d.paper
	switch {
	case l.title && p.title == "" && len(p.lines) == 0 && strings.TrimSpace(l.text) != "":
		p.title = clean(l.text)
	case l.heading > 0:
		p.add(strings.Join(strings.Fields(numbered(l.label, clean(l.text))), " "), min(l.heading, 6), false)
	default:
		p.put(l.text, l.listed)
	}
}

// table reads a table row by row.
func (d *docx) table(x *xmlReader) error {
	return within(x, func(e xml.StartElement) error {
		if e.Name.Local != "tr" {
			return nil
		}
		var cells [][]knowledge.Line
		deleted := false
		err := within(x, func(e xml.StartElement) error {
			switch e.Name.Local {
			case "trPr":
				return within(x, func(e xml.StartElement) error {
					deleted = deleted || e.Name.Local == "del"
					return nil
				})
			case "tc":
				cell, err := d.cell(x)
				cells = append(cells, cell)
				return err
			}
			return nil
		})
		if deleted {
			d.paper.left.deleted++
			return err
		}
		if err == nil {
			d.paper.row(cells)
		}
		return err
	})
}

// cell reads the paragraphs of a cell. Those of a table within it become rows of their
// own, above the row.
func (d *docx) cell(x *xmlReader) ([]knowledge.Line, error) {
	var lines []knowledge.Line
	err := d.block(x, func(l wordLine) {
		if l.title {
			l.heading = 1
		}
		if text := numbered(l.label, clean(l.text)); strings.TrimSpace(text) != "" {
			d.paper.size += len(text)
			lines = append(lines, knowledge.Line{Text: text, Heading: min(l.heading, 6)})
		}
	})
	return lines, err
}
