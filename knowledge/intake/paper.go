package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"aeobot/knowledge"
)

const (
	// maxParagraphs bounds a document. The longest compilations of regulations seen have
	// some 3,000.
	maxParagraphs = 20_000
	// maxTextRunes bounds a paragraph, a measure or a table's cell.
	maxTextRunes = knowledge.MaxTextRunes
	// everyRows is how often a long reading looks whether somebody still waits for it,
	// and says how far it is.
	everyRows = 256
)

// paper collects the paragraphs of a document in the order of reading, whatever the
// format, and makes a document of them.
type paper struct {
	in *reading
	// title is what the format marks as the title, or offers when nothing is marked.
	title, offered string
	// created is the day the file's properties give, offered when the text has no date.
	created string

	lines []knowledge.Line
	at    []int // the paragraph of the format that a line began in, from 1
	items []bool
	seen  int // paragraphs read so far
	size  int // bytes of text kept so far
	gap   bool
	// joined is set while the last paragraph has others joined to it.
	joined bool
	apart  bool // a table has just ended
	left   leftOut
}

// leftOut counts what a document has and a text cannot.
type leftOut struct {
	images, boxes, tables, questions, deleted, notes, comments, hidden, formulas, objects int
}

// clean takes out what no text may hold: control characters and bytes that are no
// characters. Line breaks stay.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r', r == '\v', r == '\f', r == '\u2028', r == '\u2029':
			return '\n'
		case unicode.Is(unicode.Cc, r), r == '\uFEFF', r == '\u200B', r == '\u00AD':
			return -1 // a soft hyphen and a zero-width space only say where a line may break
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// paragraph begins the next paragraph of the format.
func (p *paper) paragraph(ctx context.Context) error {
	p.seen++
	switch {
	case p.seen > maxParagraphs:
		return &Refused{Err: ErrLarge, Message: fmt.Sprintf("超过 %d 段", maxParagraphs), Mend: "拆成几个文件"}
	case p.size > knowledge.MaxFileBytes:
		return tooMuchText()
	case p.seen%everyRows == 0:
		p.in.options.progress(p.seen, 0)
		return ctx.Err()
	}
	return nil
}

func tooMuchText() error {
	return &Refused{Err: ErrLarge, Message: fmt.Sprintf("里面的文字超过 %d MB", knowledge.MaxFileBytes>>20), Mend: "拆成几个文件"}
}

// words collects the text of one paragraph and stops when that is too long already, which
// add says.
type words struct{ strings.Builder }

func (w *words) add(s string) {
	if w.Len() <= maxTextRunes*utf8.UTFMax {
		w.WriteString(s)
	}
}

// add appends a paragraph. An empty one only leaves a gap.
func (p *paper) add(text string, heading int, item bool) {
	text = strings.TrimSpace(clean(text))
	if text == "" {
		p.gap = true
		return
	}
	if n := utf8.RuneCountInString(text); n > maxTextRunes {
		p.in.problem(Problem{Row: p.seen, Unit: "段", Message: fmt.Sprintf("这一段有 %d 字，超过 %d 字", n, maxTextRunes), Mend: "分成几段"})
		return
	}
	p.size += len(text)
	p.lines = append(p.lines, knowledge.Line{Text: text, Heading: heading, Gap: p.gap, Apart: p.apart})
	p.at, p.items = append(p.at, p.seen), append(p.items, item)
	p.gap, p.joined, p.apart = false, false, false
}

// join puts text onto the last paragraph, as a line of its own, when it is part of it:
// within a list item, or after words that ask to be gone on with. Else it is a paragraph
// by itself.
func (p *paper) join(text string, nested bool) {
	last := len(p.lines) - 1
	text = strings.TrimSpace(clean(text))
	if text == "" {
		return
	}
	if last < 0 || p.gap || p.apart || p.lines[last].Heading > 0 || !(nested && p.items[last] || p.joined || asksForMore(p.lines[last].Text)) ||
		utf8.RuneCountInString(p.lines[last].Text)+utf8.RuneCountInString(text) > maxTextRunes {
		if p.add(text, 0, false); last+1 < len(p.lines) {
			p.lines[last+1].Bullet = true
		}
		return
	}
	p.lines[last].Text += "\n" + text
	p.joined = true // what follows a joined one is joined too
}

// asksForMore tells whether words end so that a list must follow.
func asksForMore(text string) bool {
	last, _ := utf8.DecodeLastRuneInString(text)
	return strings.ContainsRune("：:，,；;、", last)
}

// put appends a paragraph with the number or the bullet that the format shows in front of
// it. What cannot stand alone (a bullet, a number the knowledge does not read) goes on
// with the measure above.
func (p *paper) put(text string, l listed) {
	text = strings.TrimSpace(clean(text))
	switch {
	case l.label == "" && l.bullet:
		p.join(text, l.nested)
	case l.label != "" && !readable(l.label):
		p.join(numbered(l.label, text), l.nested)
	default:
		p.add(numbered(l.label, text), 0, l.label != "" || typedNumber.MatchString(text))
	}
}

var (
	// typedNumber is a number that somebody typed in front of an item.
	typedNumber = regexp.MustCompile(`^(?:[（(]?(?:[0-9０-９]{1,3}|[一二三四五六七八九十]{1,3})[)）、.．]|第(?:[0-9]{1,3}|[一二三四五六七八九十]{1,3})条|[①-⑳⑴-⒇])`)
	// knownLabel is what the knowledge reads as an item's number.
	knownLabel = regexp.MustCompile(`^(?:[（(]?(?:[0-9０-９]{1,3}|[一二三四五六七八九十]{1,3})[)）、.．]?|第(?:[0-9]{1,3}|[一二三四五六七八九十]{1,3})[条款项章节编部][:：、]?|[①-⑳⑴-⒛])$`)
)

// readable tells whether a label can be read as a measure's number. Others (a), 1.1, 甲、)
// stay in front of their words, which go on with the measure above.
func readable(label string) bool { return knownLabel.MatchString(strings.TrimSpace(label)) }

// row appends a row of a table: its cells side by side, or a measure when the first one
// is nothing but a number. A row with a single cell is layout, and its paragraphs are
// what they are.
func (p *paper) row(cells [][]knowledge.Line) {
	defer func() { p.apart = true }() // what follows a row is no part of it
	var full [][]knowledge.Line
	for _, c := range cells {
		if len(c) > 0 {
			full = append(full, c)
		}
	}
	switch len(full) {
	case 0:
		return
	case 1:
		for _, l := range full[0] {
			p.add(l.Text, l.Heading, false)
		}
		return
	}
	p.left.tables++
	texts := make([]string, len(full))
	for i, c := range full {
		var cell words
		for _, l := range c {
			cell.add(" " + strings.Join(strings.Fields(clean(l.Text)), " "))
		}
		texts[i] = strings.TrimSpace(cell.String())
	}
	if at, _, ok := readHeader(tableRow{cells: texts}); ok && at[colAsk] >= 0 {
		p.left.questions++
	}
	if number := cellNumber(texts[0]); number != "" {
		p.add(number+"、"+strings.Join(texts[1:], cellBar), 0, true)
		return
	}
	n := len(p.lines)
	p.add(strings.Join(texts, cellBar), 0, false)
	if len(p.lines) > n {
		p.lines[n].Bullet = true // however short, it is no heading
	}
}

// cellBar stands between the cells of a row.
const cellBar = " | "

var bareNumber = regexp.MustCompile(`^[0-9]{1,3}[.、．]?$`)

// cellNumber is the number that a row's first cell is, or empty.
func cellNumber(text string) string {
	if !bareNumber.MatchString(text) {
		return ""
	}
	return strings.TrimRight(text, ".、．")
}

// numbered puts an item's rendered number in front of its words so that both are read as
// they were: "1." before "5倍" would be one and a half.
func numbered(label, text string) string {
	label = strings.TrimSpace(label)
	last, _ := utf8.DecodeLastRuneInString(label)
	switch first, _ := utf8.DecodeRuneInString(strings.TrimSpace(text)); {
	case label == "":
		return text
	case allDigits(label):
		return label + "、" + text
	case (last == '.' || last == '．') && unicode.IsDigit(first) && allDigits(strings.TrimRight(label, ".．")):
		return strings.TrimRight(label, ".．") + "、" + text
	case unicode.IsLetter(last) || unicode.IsDigit(last):
		return label + " " + text
	}
	return label + text
}

func allDigits(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

// finish makes the document and its file.
func (p *paper) finish() error {
	if len(p.in.Problems) > 0 {
		return nil
	}
	p.in.Counts.Rows = len(p.lines)
	lines, at := p.lines, p.at
	title := strings.Join(strings.Fields(p.title), " ")
	if title == "" {
		title, lines, at = loneHeading(lines, at)
	}
	if len(lines) == 0 {
		return &Refused{Err: ErrEmpty, Message: "里面没有文字", Mend: "核对是不是这个文件；图片和文本框里的字不会读入"}
	}
	arranged := knowledge.Arrange(title, lines)
	date := cmp.Or(arranged.Date, closingDate(arranged.Pieces))
	if date == "" && p.created != "" {
		date = p.created
		p.in.warn(Problem{Message: "正文里没有日期，暂用文件属性里的创建日期 " + date, Mend: "核对；不对就在正文标题下面写上日期再上传"})
	}
	for i, piece := range arranged.Pieces {
		arranged.Pieces[i].Line = at[piece.Line-1]
	}
	p.warnLeftOut()
	title = arranged.Title
	if offered := strings.Join(strings.Fields(clean(p.offered)), " "); title == "" && offered != "" {
		title = offered
		p.in.warn(Problem{Message: "正文里没有认出标题，暂用文件属性里的标题“" + short(title) + "”", Mend: "核对；不对就在正文最上面写上标题再上传"})
	}
	return p.in.publish(cmp.Or(title, p.in.Name), date, arranged.Pieces, nil)
}

// loneHeading takes the first heading off as the title when it is the only one of its
// level and stands above all others, or alone and of the first level.
func loneHeading(lines []knowledge.Line, at []int) (string, []knowledge.Line, []int) {
	if len(lines) == 0 || lines[0].Heading == 0 {
		return "", lines, at
	}
	deeper := false
	for _, l := range lines[1:] {
		if l.Heading > 0 && l.Heading <= lines[0].Heading {
			return "", lines, at
		}
		deeper = deeper || l.Heading > 0
	}
	if !deeper && lines[0].Heading > 1 {
		return "", lines, at
	}
	return strings.Join(strings.Fields(lines[0].Text), " "), lines[1:], at[1:]
}

// warnLeftOut says what the text does not have.
func (p *paper) warnLeftOut() {
	for _, w := range []struct {
		n    int
		what string
	}{
		{p.left.images, "%d 张图片没有读入"},
		{p.left.boxes, "%d 个文本框没有读入"},
		{p.left.objects, "%d 个嵌入的对象没有读入"},
		{p.left.formulas, "%d 个公式只读入了其中的字"},
		{p.left.notes, "%d 处脚注或尾注没有读入"},
		{p.left.comments, "%d 处批注没有读入"},
		{p.left.hidden, "%d 处隐藏的文字没有读入"},
		{p.left.deleted, "%d 处修订中已删去的文字没有读入，插入的已经读入"},
		{p.left.tables, "表格拆成了逐行的文字，共 %d 行，单元格之间用“|”隔开"},
	} {
		if w.n > 0 {
			p.in.warn(Problem{Message: fmt.Sprintf(w.what, w.n), Mend: "里面有要回答的内容，就写进正文再上传"})
		}
	}
	if p.left.questions > 0 {
		p.in.warn(Problem{Message: fmt.Sprintf("%d 张表格像是问答表，这里只当作文字，没有分出问法和原文", p.left.questions), Mend: "把表格存成 .xlsx 或 .csv 上传"})
	}
}

var (
	closingDay = regexp.MustCompile(`^(?:发布|更新|发文|成文|印发)?(?:日期|时间)?\s*[:：]?\s*([0-9]{4}|[〇零一二三四五六七八九○Ｏ]{4})\s*年\s*([0-9]{1,2}|[一二三四五六七八九十]{1,2})\s*月\s*([0-9]{1,2}|[一二三四五六七八九十]{1,3})\s*日$`)
)

// closingDate finds the day under a notice, where offices put it: a line of its own
// among the last five.
func closingDate(pieces []knowledge.Piece) string {
	for i := len(pieces) - 1; i >= max(0, len(pieces)-5); i-- {
		lines := strings.Split(pieces[i].Text, "\n")
		for _, l := range lines {
			if m := closingDay.FindStringSubmatch(strings.TrimSpace(l)); m != nil {
				if day, ok := dayFrom(hanNumber(m[1], true), hanNumber(m[2], false), hanNumber(m[3], false)); ok {
					return day
				}
			}
		}
	}
	return ""
}

// hanNumber reads digits, or Chinese numerals: digit by digit as in years (二〇二六), or
// with tens (二十一).
func hanNumber(s string, digitwise bool) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	n := 0
	for _, r := range s {
		digit := strings.IndexRune("零一二三四五六七八九", r) / len("零")
		switch {
		case digitwise && strings.ContainsRune("〇○Ｏ", r):
			n *= 10
		case digitwise:
			n = n*10 + digit
		case r == '十':
			n = max(n, 1) * 10
		default:
			n += digit
		}
	}
	return n
}

// publish writes the pieces and the notes as files, reads them again, and makes sure that
// what is read is what was meant. notes gives the sidecar for a document, or nil.
func (in *reading) publish(title, date string, pieces []knowledge.Piece, notes func(*knowledge.Document) ([]byte, error)) error {
	date = cmp.Or(date, in.options.Date)
	source := knowledge.Write(title, date, in.Origin, pieces)
	files := map[string][]byte{in.Name + ".md": source}
	if len(source) > knowledge.MaxFileBytes {
		return tooMuchText()
	}
	if notes != nil {
		l, err := knowledge.LoadFiles(files, nil)
		if err != nil {
			return unreadable(err)
		}
		side, err := notes(l.Documents[0])
		if err != nil {
			return err
		}
		files[in.Name+knowledge.NotesSuffix] = side
	}
	l, err := knowledge.LoadFiles(files, nil)
	if err != nil {
		return unreadable(err)
	}
	if err := proved(l.Documents[0], title, date, pieces); err != nil {
		return err
	}
	in.Files, in.Document = files, l.Documents[0]
	for _, f := range in.Document.Findings {
		p := Problem{Unit: "段", Message: f.Message, Mend: f.Mend}
		if f.Refused { // it has to be found
			p.Message = fmt.Sprintf("转成文本以后的第 %d 行%s", f.Line, f.Message)
		}
		in.found(f, p)
	}
	return nil
}

// unreadable says why text cannot be read as knowledge: it is too much, or has no words.
func unreadable(err error) error {
	if broken := (*knowledge.BrokenError)(nil); errors.As(err, &broken) && !errors.Is(err, knowledge.ErrEmpty) {
		f := broken.Finding()
		return &Refused{Err: fmt.Errorf("%w: %w", ErrLarge, err), Message: fmt.Sprintf("第 %d 行：%s", f.Line, f.Message), Mend: f.Mend}
	}
	return &Refused{Err: fmt.Errorf("%w: %w", ErrEmpty, err), Message: "里面没有编号条目，也没有段落", Mend: "核对是不是这个文件"}
}

// proved compares what the knowledge reads with what was meant: headings, numbers and
// words, in the same order. It guards against our own mistakes: a wrong quotation must
// not come in unnoticed.
func proved(d *knowledge.Document, title, date string, pieces []knowledge.Piece) error {
	lost := func(what string) error {
		return &Refused{Err: ErrBroken, Message: "转成文本后读出来的和原件不一致（" + what + "）", Mend: "把这个文件交给维护的人；先用粘贴文字的办法"}
	}
	if d.Title != strings.Join(strings.Fields(title), " ") || d.Date != date {
		return lost("标题或日期")
	}
	var measures []*knowledge.Measure
	headings := map[*knowledge.Measure]string{}
	for _, s := range d.Sections {
		for _, m := range s.Measures {
			measures = append(measures, m)
			headings[m] = s.Heading
		}
	}
	paragraphs, heading := d.Paragraphs, d.Title // a section is named without the heading's number
	for _, p := range pieces {
		words := knowledge.Folded([]byte(p.Text))
		switch {
		case p.Level > 0:
			if words != "" {
				heading = words
			}
		case p.Item:
			if len(measures) == 0 || measures[0].Number != p.Number || measures[0].Text != words || !strings.HasSuffix(heading, headings[measures[0]]) {
				return lost(fmt.Sprintf("第 %d 段的条目 %d", p.Line, p.Number))
			}
			measures = measures[1:]
		case words != "":
			if len(paragraphs) == 0 || paragraphs[0].Text != words {
				return lost(fmt.Sprintf("第 %d 段", p.Line))
			}
			paragraphs = paragraphs[1:]
		}
	}
	if len(measures)+len(paragraphs) > 0 {
		return lost("多出了文字")
	}
	return nil
}
