package knowledge

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxHeadingRunes bounds what can be taken for a heading. The longest headings of
// official notices seen have about 30 characters.
const maxHeadingRunes = 40

// outlined is what a reader makes of a source, before ids and notes.
type outlined struct {
	title, date string
	origin      *Origin
	provenance  Provenance
	sections    []*Section
	paragraphs  []*Paragraph
	headings    []block // in the order of the source
	findings    []Finding
}

// pieces are all of it in the order of the source. A heading that was recognised by its
// look is of level 2, a chapter of level 1.
func (o *outlined) pieces(source string) []Piece {
	type placed struct {
		at int
		Piece
	}
	var all []placed
	add := func(span Span, p Piece) {
		p.Text = source[span.Start:span.End]
		all = append(all, placed{span.Start, p})
	}
	for _, h := range o.headings {
		level := h.heading
		switch {
		case level > 0:
		case h.marker.style == styleChapter:
			level = 1
		default:
			level = 2
		}
		add(h.span, Piece{Level: level, Line: h.line}) // with its number, which is in the source
	}
	for _, s := range o.sections {
		for _, m := range s.Measures {
			add(m.Span, Piece{Item: true, Number: m.Number, Line: m.Line})
		}
	}
	for _, p := range o.paragraphs {
		add(p.Span, Piece{Line: p.Line})
	}
	slices.SortStableFunc(all, func(x, y placed) int { return x.at - y.at })
	pieces := make([]Piece, len(all))
	for i, p := range all {
		pieces[i] = p.Piece
	}
	return pieces
}

// outliner walks the blocks once, from top to bottom.
type outliner struct {
	source string
	blocks []block
	infer  bool // headings have to be recognised by their look
	out    *outlined

	section *Section // the one that items go to; nil before the first
	style   style    // of the section's numbers
	nested  []style  // of the lists inside the last measure, the innermost last
	open    bool     // a following line may still belong to the last measure
	heading block    // the last heading
	headed  bool     // there is one
	waiting bool     // and nothing stands below it yet
	styles  map[style]bool
	below   int // see listBelow
}

// outline finds date, sections, measures and paragraphs, and the title when none is known.
// A title that is known takes no line of the text.
func outline(title string, source []byte, blocks []block, infer bool) *outlined {
	o := &outliner{source: string(source), blocks: blocks, infer: infer, out: &outlined{title: title}, styles: map[style]bool{}}
	for i := o.front(); i < len(o.blocks); i++ {
		o.take(i)
	}
	o.dropHeading(block{})
	o.readMeasures()
	o.checkNumbers()
	return o.out
}

// front reads title and date and returns the index of the first block below them.
func (o *outliner) front() int {
	i := 0
	if o.out.title == "" && len(o.blocks) > 1 && (o.infer || o.titleAboveDate()) && o.isTitle() {
		o.out.title = o.blocks[0].text
		i = 1
	}
	for j := i; j < len(o.blocks) && j < i+3; j++ {
		if date, ok := readDate(o.blocks[j].text); ok {
			o.out.date = date
			o.blocks = append(o.blocks[:j:j], o.blocks[j+1:]...)
			break
		}
	}
	return i
}

// isTitle: the first line is a title unless a list starts right below it, which
// makes it that list's heading, or it is prose.
func (o *outliner) isTitle() bool {
	first, second := o.blocks[0], o.blocks[1]
	_, dated := readDate(first.text)
	return first.marker.style == styleNone && !first.bullet && !dated && !strings.HasSuffix(first.text, "。") &&
		utf8.RuneCountInString(first.text) <= 2*maxHeadingRunes &&
		(second.marker.style == styleNone || second.marker.style == styleChapter || o.markedHeading(1))
}

// titleAboveDate: where headings are marked, and the title is not, it is what stands above
// the date.
func (o *outliner) titleAboveDate() bool {
	_, dated := readDate(o.blocks[1].text)
	return o.blocks[0].heading == 0 && dated
}

func (o *outliner) take(i int) {
	b := o.blocks[i]
	if b.apart {
		o.open, o.nested = false, nil
	}
	switch {
	case b.heading > 0:
		o.startHeading(b)
	case b.bullet:
		o.addParagraph(b)
	case b.marker.style != styleNone && o.markedHeading(i):
		o.styles[b.marker.style] = true
		o.startHeading(b)
	case b.marker.style != styleNone:
		o.addItem(b)
	case o.continues(i):
		o.extend(b)
	case o.infer && o.plainHeading(i):
		o.startHeading(b)
	default:
		o.addParagraph(b)
	}
}

// markedHeading: a numbered line is a heading when a list in another style starts
// right below it (一、… over 1. …), or when its style has been a heading's before.
func (o *outliner) markedHeading(i int) bool {
	b := o.blocks[i]
	if b.marker.style == styleChapter {
		return true
	}
	if !o.infer || !headingLike(b.text) {
		return false
	}
	if o.styles[b.marker.style] {
		return true
	}
	next := o.at(i + 1)
	return next.marker.number == 1 && next.marker.style != b.marker.style && next.marker.style != styleNone &&
		b.marker.style != o.style
}

// plainHeading: a short line without a stop is a heading when it stands over a
// list or over prose. Over another heading it is one too, an empty one. A date is none.
func (o *outliner) plainHeading(i int) bool {
	b, next := o.blocks[i], o.at(i+1)
	if _, dated := readDate(b.text); dated || !headingLike(b.text) {
		return false
	}
	return next.marker.style != styleNone || next.span.End == 0 || next.gap || !headingLike(next.text) || b.gap
}

func headingLike(text string) bool {
	return utf8.RuneCountInString(text) <= maxHeadingRunes && !strings.ContainsAny(text, "。；;") &&
		!strings.HasSuffix(text, "，") && !strings.HasSuffix(text, ",") &&
		!strings.HasSuffix(text, "：") && !strings.HasSuffix(text, ":")
}

// continues: an unnumbered line goes on with the measure above when that one
// stops in the middle, or when the list's next number follows without a gap.
func (o *outliner) continues(i int) bool {
	b := o.blocks[i]
	if !o.open || b.gap || o.section == nil || len(o.section.Measures) == 0 {
		return false
	}
	last := o.section.Measures[len(o.section.Measures)-1]
	end, _ := utf8.DecodeLastRuneInString(o.source[last.Span.Start:last.Span.End])
	if strings.ContainsRune("，,、；;：:—（(", end) {
		return true
	}
	next := o.at(o.listBelow(i))
	return !next.gap && next.heading == 0 && next.marker.style == o.style && next.marker.number == last.Number+1
}

// listBelow is the index of the first block below i that is numbered, a heading, or has a
// gap above it. Blocks are asked about from top to bottom, so that all are looked at once.
func (o *outliner) listBelow(i int) int {
	for o.below = max(o.below, i+1); o.below < len(o.blocks); o.below++ {
		if b := o.blocks[o.below]; b.gap || b.heading > 0 || b.marker.style != styleNone {
			break
		}
	}
	return o.below
}

func (o *outliner) extend(b block) {
	last := o.section.Measures[len(o.section.Measures)-1]
	last.Span.End = b.span.End
}

// at is the block, or a zero one beyond the end.
func (o *outliner) at(i int) block {
	if i < len(o.blocks) {
		return o.blocks[i]
	}
	return block{}
}

func (o *outliner) startHeading(b block) {
	o.dropHeading(b)
	o.heading, o.headed, o.waiting = b, true, true
	o.section, o.open, o.nested = nil, false, nil
	o.out.headings = append(o.out.headings, b)
}

// dropHeading reports a heading that nothing came under, unless the next one is a
// level below it.
func (o *outliner) dropHeading(next block) {
	h := o.heading
	if o.waiting && (next.heading == 0 || h.heading == 0 || next.heading <= h.heading) {
		o.find(h.line, "标题“%s”下面没有措施", "在它下面补上编号措施，或删去这一行", o.headingText(h))
	}
	o.waiting = false
}

func (o *outliner) headingText(b block) string {
	span := b.body()
	return fold(o.source[span.Start:span.End])
}

func (o *outliner) addItem(b block) {
	if o.joinsLast(b) {
		o.extend(b)
		o.open = true
		return
	}
	if o.section == nil {
		o.startSection(b)
	}
	o.style, o.nested, o.open = b.marker.style, nil, true
	span := b.body()
	o.section.Measures = append(o.section.Measures, &Measure{
		Number: b.marker.number, Line: b.line, Span: span,
	})
}

// joinsLast: an item in another style, numbered from 1, is a list inside the last
// measure, and so are the items that go on with that style, after a list inside that one
// too.
func (o *outliner) joinsLast(b block) bool {
	if o.section == nil || b.marker.style == o.style {
		return false
	}
	if i := slices.Index(o.nested, b.marker.style); i >= 0 {
		o.nested = o.nested[:i+1]
		return true
	}
	if o.open && b.marker.number == 1 {
		o.nested = append(o.nested, b.marker.style)
		return true
	}
	return false
}

func (o *outliner) startSection(first block) {
	o.section = &Section{Line: first.line, Heading: o.out.title}
	if o.headed {
		o.section.Line = o.heading.line
		o.section.Span = o.heading.body()
		o.section.Heading = o.headingText(o.heading)
		o.waiting = false
	}
	o.out.sections = append(o.out.sections, o.section)
}

func (o *outliner) addParagraph(b block) {
	p := &Paragraph{Line: b.line, Span: b.span, Text: fold(o.source[b.span.Start:b.span.End])}
	// Below a list, plain text gives no sign whether prose still belongs to the
	// heading (总之… closes the whole article); Markdown does.
	if o.headed && (o.section == nil || !o.infer) {
		p.Heading = o.headingText(o.heading)
	}
	o.waiting, o.open = false, false
	o.out.paragraphs = append(o.out.paragraphs, p)
}

// readMeasures fills in what follows from the spans, once those are final.
func (o *outliner) readMeasures() {
	for _, s := range o.out.sections {
		for _, m := range s.Measures {
			if m.Span.End-m.Span.Start > MaxTextRunes*utf8.UTFMax {
				continue // checkLengths refuses it
			}
			m.Text = fold(o.source[m.Span.Start:m.Span.End])
			m.Label, m.Clauses = clauses(o.source, m.Span)
		}
	}
}

// maxLabelRunes bounds the department name a measure may open with.
const maxLabelRunes = 20

// clauses parts 商务部门:举办…;在…;优先… into the department's name and what it
// grants. A measure with a single clause has none.
func clauses(source string, span Span) (label string, parts []Clause) {
	start := span.Start
	if i := strings.IndexAny(source[start:span.End], ":：，,；;。"); i >= 0 {
		r, size := utf8.DecodeRuneInString(source[start+i:])
		if (r == ':' || r == '：') && utf8.RuneCountInString(source[start:start+i]) <= maxLabelRunes {
			label = fold(source[start : start+i])
			start += i + size
		}
	}
	for start < span.End {
		stop, next := span.End, span.End
		if i := strings.IndexAny(source[start:span.End], "；;\n"); i >= 0 {
			_, size := utf8.DecodeRuneInString(source[start+i:])
			stop, next = start+i, start+i+size
		}
		text := source[start:stop]
		if from := strings.TrimSpace(text); from != "" {
			at := start + strings.Index(text, from)
			parts = append(parts, Clause{Span{at, at + len(from)}, fold(from)})
		}
		start = next
	}
	if len(parts) < 2 {
		parts = nil
	}
	return label, parts
}

// checkNumbers reports what is missing, double or empty in each list.
func (o *outliner) checkNumbers() {
	for _, s := range o.out.sections {
		want := 1
		seen := map[int]bool{}
		for _, m := range s.Measures {
			switch {
			case seen[m.Number]:
				o.find(m.Line, "“%s”中编号 %d 出现两次", "改正其中一个编号", s.Heading, m.Number)
			case m.Number != want:
				o.find(m.Line, "“%s”中缺少编号 %d（这里是 %d）", "补上缺少的一条，或改正编号", s.Heading, want, m.Number)
			}
			if m.Text == "" {
				o.find(m.Line, "“%s”第 %d 条是空的", "写上内容，或删去这一条", s.Heading, m.Number)
			}
			seen[m.Number] = true
			want = m.Number + 1
		}
	}
}
