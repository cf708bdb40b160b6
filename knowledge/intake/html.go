package intake

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/simplifiedchinese"

	"aeobot/knowledge"
)

// webPage reads a page by its tags as they come, without a tree: a tree of 20 MB of
// hostile markup takes gigabytes (elements that are opened again in every paragraph), and
// for paragraphs, lists and tables the order of the tags is enough.
type webPage struct {
	paper *paper
	ctx   context.Context // ends with the reading of the page
	z     *html.Tokenizer

	tokens  int // read so far
	text    words
	pre     bool
	heading int
	title   words
	inTitle bool
	lists   []webList
	tables  []webTable
	items   []int // of every ordered list that counts down, its number of items
	label   string
	bullet  bool
	inItem  bool // the paragraph goes on with a list item that has words already
}

type webList struct {
	ordered bool
	next    int
	step    int
	kind    string
}

type webTable struct {
	cells [][]knowledge.Line
	open  bool // a cell is
}

// readHTML reads a web page.
func readHTML(ctx context.Context, in *reading) error {
	text, err := webText(in)
	if err != nil {
		return err
	}
	w := &webPage{paper: &paper{in: in}, ctx: ctx, z: html.NewTokenizer(strings.NewReader(text))}
	w.z.SetMaxBuf(maxWebTag)
	if strings.Contains(strings.ToLower(text), "reversed") {
		w.items = countItems(text)
	}
	if err := w.read(); err != nil {
		return err
	}
	w.paper.offered = w.title.String()
	return w.paper.finish()
}

// webText decodes a page by its byte order mark, by what it declares, or by what it is.
func webText(in *reading) (string, error) {
	data := in.data
	if bytes.Count(data, []byte{0}) > 0 && !bytes.HasPrefix(data, []byte{0xFF, 0xFE}) && !bytes.HasPrefix(data, []byte{0xFE, 0xFF}) {
		return "", notPage(nil)
	}
	e, name, certain := charset.DetermineEncoding(data, "")
	if !certain || name == "utf-8" {
		name = "utf-8"
		if !utf8.Valid(data) {
			e, name = simplifiedchinese.GB18030, "gb18030"
		}
	}
	if name == "utf-8" {
		return strings.ToValidUTF8(strings.TrimPrefix(string(data), "\uFEFF"), "\uFFFD"), nil
	}
	text, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return "", notPage(err)
	}
	in.Converted = true
	if n := bytes.Count(text, []byte("\uFFFD")); n > 0 {
		in.warn(Problem{Message: fmt.Sprintf("按 %s 解码时有 %d 处认不出的字", name, n), Mend: "在浏览器里打开，另存为 UTF-8 再上传"})
	}
	return strings.TrimPrefix(string(text), "\uFEFF"), nil
}

func notPage(err error) error {
	return &Refused{Err: fmt.Errorf("%w: %w", ErrText, cmp.Or(err, io.ErrUnexpectedEOF)), Message: "不是网页", Mend: "在浏览器里打开，另存为“仅 HTML”再上传"}
}

var (
	// unseen are elements of which nothing is shown, or nothing that belongs to the text.
	unseen = strings.Fields("script style noscript template nav svg math iframe object embed select option datalist button textarea audio video canvas map comment")
	// webBlocks begin and end a paragraph.
	webBlocks = strings.Fields("p div section article aside header footer main blockquote address dl dt dd figure figcaption ul ol li table caption thead tbody tfoot tr td th h1 h2 h3 h4 h5 h6 hr form fieldset legend pre center body html details summary menu dir")
	// voids have no end tag.
	voids = strings.Fields("area base br col embed hr img input link meta source track wbr param")
	// unclosed may end without an end tag of their own.
	unclosed = strings.Fields("p li dt dd td th tr option")
)

func (w *webPage) read() error {
	for {
		switch kind := w.next(); kind {
		case html.ErrorToken:
			if err := w.z.Err(); err != io.EOF {
				return &Refused{Err: fmt.Errorf("%w: %w", ErrBroken, err), Message: fmt.Sprintf("网页里有超过 %d MB 的标签，多半是嵌在里面的图片", maxWebTag>>20), Mend: "去掉图片，在浏览器里另存一次再上传"}
			}
			if err := w.ctx.Err(); err != nil {
				return err
			}
			if err := w.flush(); err != nil {
				return err
			}
			for len(w.tables) > 0 {
				w.closeTable()
			}
			return nil
		case html.TextToken:
			w.words(string(w.z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			t, err := w.tag(kind)
			if err == nil {
				err = w.start(t)
			}
			if err != nil {
				return err
			}
		case html.EndTagToken:
			name, _ := w.z.TagName()
			if err := w.end(string(name)); err != nil {
				return err
			}
		case html.CommentToken, html.DoctypeToken:
		}
	}
}

// next gives the next token, or the end when nobody waits for the page any more.
func (w *webPage) next() html.TokenType {
	if w.tokens++; w.tokens%1024 == 0 && w.ctx.Err() != nil {
		return html.ErrorToken
	}
	return w.z.Next()
}

// tag gives a start tag with its attributes.
func (w *webPage) tag(kind html.TokenType) (html.Token, error) {
	name, more := w.z.TagName()
	t := html.Token{Type: kind, Data: string(name)}
	for more {
		var key, value []byte
		key, value, more = w.z.TagAttr()
		if t.Attr = append(t.Attr, html.Attribute{Key: string(key), Val: string(value)}); len(t.Attr) > maxAttributes {
			return t, webShape(fmt.Sprintf("有一个标签的属性超过 %d 个", maxAttributes))
		}
	}
	return t, nil
}

func webShape(message string) error {
	return &Refused{Err: ErrUnsafe, Message: "网页的结构不正常：" + message, Mend: "不要上传来路不明的文件；在浏览器里打开，把文字粘贴进来"}
}

// words takes text as a browser shows it: white space is one space, but for pre.
func (w *webPage) words(s string) {
	switch {
	case w.inTitle:
		w.title.add(s)
		return
	case w.pre:
		w.text.add(s)
		return
	}
	w.text.add(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' || r == '\f' {
			return ' '
		}
		return r
	}, s))
}

func (w *webPage) start(t html.Token) error {
	name := t.Data
	if name == "title" && len(w.paper.lines) == 0 {
		w.inTitle = w.title.Len() == 0
		return nil
	}
	if name == "comment" { // of a cell; LibreOffice and old Excel write them so
		w.paper.left.comments++
	}
	if slices.Contains(unseen, name) || hiddenTag(t) {
		return w.pass(t)
	}
	if slices.Contains(webBlocks, name) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	switch name {
	case "br":
		w.text.add("\n")
	case "img":
		w.paper.left.images++
	case "pre":
		w.pre = true
	case "h1", "h2", "h3", "h4", "h5", "h6":
		w.heading = int(name[1] - '0')
	case "ol", "ul", "menu", "dir":
		if len(w.lists) == maxLists {
			return webShape(fmt.Sprintf("列表套了 %d 层以上", maxLists))
		}
		w.openList(t)
	case "li":
		w.item(t)
	case "table":
		if w.tables = append(w.tables, webTable{}); len(w.tables) > maxLists {
			return webShape(fmt.Sprintf("表格套了 %d 层以上", maxLists))
		}
	case "tr":
		w.closeRow()
	case "td", "th":
		if n := len(w.tables); n > 0 && len(w.tables[n-1].cells) < maxColumns {
			w.tables[n-1].cells, w.tables[n-1].open = append(w.tables[n-1].cells, nil), true
		}
	}
	return nil
}

// hiddenTag tells whether a page hides an element.
func hiddenTag(t html.Token) bool {
	for _, a := range t.Attr {
		style := strings.ToLower(strings.Join(strings.Fields(a.Val), ""))
		if a.Key == "hidden" || a.Key == "aria-hidden" && a.Val == "true" ||
			a.Key == "style" && (strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") || strings.Contains(style, "mso-hide:all")) {
			return true
		}
	}
	return false
}

// pass reads past an element and all in it.
func (w *webPage) pass(t html.Token) error {
	if t.Type == html.SelfClosingTagToken || slices.Contains(voids, t.Data) {
		return nil
	}
	if !slices.Contains(unseen, t.Data) {
		w.paper.left.hidden++
	}
	depth, loose := 1, slices.Contains(unclosed, t.Data)
	for depth > 0 {
		kind := w.next()
		if kind == html.ErrorToken {
			return nil // read says why
		}
		if kind != html.StartTagToken && kind != html.EndTagToken {
			continue
		}
		name, _ := w.z.TagName()
		switch {
		case string(name) == t.Data && kind == html.EndTagToken:
			depth--
		case string(name) == t.Data && loose: // a sibling, which is not hidden by this one
			return w.start(html.Token{Type: html.StartTagToken, Data: t.Data})
		case string(name) == t.Data:
			depth++
		case loose && kind == html.EndTagToken && slices.Contains(webBlocks, string(name)) && !slices.Contains(unclosed, string(name)):
			return w.end(string(name))
		}
	}
	return nil
}

func (w *webPage) end(name string) error {
	if name == "title" {
		w.inTitle = false
		return nil
	}
	if slices.Contains(webBlocks, name) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	switch name {
	case "pre":
		w.pre = false
	case "h1", "h2", "h3", "h4", "h5", "h6":
		w.heading = 0
	case "ol", "ul", "menu", "dir":
		if n := len(w.lists); n > 0 {
			w.lists = w.lists[:n-1]
		}
		w.label, w.bullet, w.inItem = "", false, len(w.lists) > 0
	case "li":
		w.label, w.bullet, w.inItem = "", false, false
	case "tr":
		w.closeRow()
	case "table":
		w.closeTable()
	}
	return nil
}

const (
	// maxLists bounds how deep lists and tables nest.
	maxLists = 64
	// maxAttributes bounds those of a tag.
	maxAttributes = 256
	// maxWebTag bounds one tag in bytes. A picture may stand in it.
	maxWebTag = 3 << 20
)

// listStart reads a number at which a list goes on. With one that no list reaches by
// counting, ErrRange, the list has no numbers that anybody was meant to see.
func listStart(s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err == nil && (n < -100_000 || n > 100_000) {
		err = strconv.ErrRange
	}
	return n, err
}

func (w *webPage) openList(t html.Token) {
	l := webList{ordered: t.Data == "ol", next: 1, step: 1}
	reversed, started := false, false
	for _, a := range t.Attr {
		switch n, err := listStart(a.Val); {
		case a.Key == "start" && errors.Is(err, strconv.ErrRange):
			l.ordered = false
		case a.Key == "start" && err == nil:
			l.next, started = n, true
		case a.Key == "reversed":
			reversed = true
		case a.Key == "type":
			l.kind = a.Val
		}
	}
	if l.ordered && len(w.items) > 0 {
		if count := w.items[0]; reversed && !started {
			l.next = count
		}
		w.items = w.items[1:]
	}
	if reversed {
		l.step = -1
	}
	w.lists = append(w.lists, l)
}

// item begins a list item: the number a browser shows, or a bullet.
func (w *webPage) item(t html.Token) {
	w.label, w.bullet, w.inItem = "", true, false
	n := len(w.lists)
	if n == 0 || !w.lists[n-1].ordered {
		return
	}
	l := &w.lists[n-1]
	for _, a := range t.Attr {
		switch v, err := listStart(a.Val); {
		case a.Key == "value" && errors.Is(err, strconv.ErrRange):
			l.ordered = false
			return
		case a.Key == "value" && err == nil:
			l.next = v
		}
	}
	w.bullet, w.label = false, webLabel(*l, n)
	l.next += l.step
}

// webLabel writes a number. A list within a list has it in brackets, so that its numbers
// are not taken for those of the outer one.
func webLabel(l webList, depth int) string {
	number := map[string]string{"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}[l.kind]
	digits := listDigits(number, l.next)
	switch {
	case number != "":
		return digits + ". "
	case depth > 1:
		return "(" + digits + ")"
	}
	return digits + "、"
}

// countItems counts the items of every ordered list, in the order in which they open.
func countItems(text string) []int {
	var counts, open []int
	z := html.NewTokenizer(strings.NewReader(text))
	z.SetMaxBuf(maxWebTag)
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return counts
		}
		name, _ := z.TagName()
		switch tag := string(name); {
		case kind == html.StartTagToken && tag == "ol":
			counts, open = append(counts, 0), append(open, len(counts))
		case kind == html.StartTagToken && tag == "ul":
			open = append(open, -1)
		case kind == html.StartTagToken && tag == "li" && len(open) > 0 && open[len(open)-1] >= 0:
			counts[open[len(open)-1]]++
		case kind == html.EndTagToken && (tag == "ol" || tag == "ul") && len(open) > 0:
			open = open[:len(open)-1]
		}
	}
}

// flush ends a paragraph and puts it where it belongs.
func (w *webPage) flush() error {
	lines := strings.Split(w.text.String(), "\n")
	w.text.Reset()
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	text := strings.TrimSpace(strings.Join(lines, "\n"))
	if text == "" {
		return nil
	}
	if err := w.paper.paragraph(w.ctx); err != nil {
		return err
	}
	label, bullet, inItem := w.label, w.bullet, w.inItem
	if label != "" || bullet {
		w.label, w.bullet, w.inItem = "", false, true
	}
	if n := len(w.tables); n > 0 && w.tables[n-1].open {
		cells := w.tables[n-1].cells
		w.paper.size += len(text)
		cells[len(cells)-1] = append(cells[len(cells)-1], knowledge.Line{Text: numbered(label, text), Heading: w.heading})
		return nil
	}
	if w.heading > 0 {
		w.paper.add(strings.Join(strings.Fields(text), " "), w.heading, false)
		return nil
	}
	w.paper.put(text, listed{label, bullet || inItem, len(w.lists) > 1 || inItem && !bullet && label == ""})
	return nil
}

func (w *webPage) closeRow() {
	if n := len(w.tables); n > 0 {
		t := &w.tables[n-1]
		w.emitRow(t.cells, n)
		t.cells, t.open = nil, false
	}
}

// emitRow puts a row into the document, or into the cell that its table stands in.
func (w *webPage) emitRow(cells [][]knowledge.Line, depth int) {
	if depth < 2 || !w.tables[depth-2].open {
		w.paper.row(cells)
		return
	}
	outer := &w.tables[depth-2]
	for _, c := range cells {
		outer.cells[len(outer.cells)-1] = append(outer.cells[len(outer.cells)-1], c...)
	}
}

func (w *webPage) closeTable() {
	w.closeRow()
	if n := len(w.tables); n > 0 {
		w.tables = w.tables[:n-1]
	}
}
