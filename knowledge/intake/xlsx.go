package intake

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// readXLSX reads the first sheet that is a table of questions. The library is given an
// archive with nothing in it but the parts that are needed, each of them read to its end
// and found sound before: it takes a broken sheet for one that ends early.
func readXLSX(ctx context.Context, in *reading) error {
	a, err := openArchive(ctx, in.data)
	if err != nil {
		return err
	}
	if !a.has("xl/workbook.xml") || !a.has("[Content_Types].xml") {
		return &Refused{Err: ErrBroken, Message: "不是表格：里面没有工作簿", Mend: "用 Excel 或 WPS 打开看看，另存为 .xlsx 再上传"}
	}
	sheets, err := a.checkWorkbook()
	if err == nil {
		err = a.checkTypes()
	}
	if refused := (*Refused)(nil); errors.As(err, &refused) {
		return err
	}
	if err != nil {
		return brokenFile(err)
	}
	clean, err := a.only(workbookPart)
	if err != nil {
		return brokenFile(err)
	}
	book, err := excelize.OpenReader(bytes.NewReader(clean), excelize.Options{
		UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxUnpacked, // nothing goes to temporary files
		ShortDatePattern: "yyyy-mm-dd", LongDatePattern: "yyyy-mm-dd", CultureInfo: excelize.CultureNameZhCN,
	})
	if err != nil {
		return brokenFile(err)
	}
	defer book.Close() // nothing of it is on disk
	return readBook(ctx, in, book, sheets)
}

// workbookPart tells which parts are needed for words and numbers as shown.
func workbookPart(name string) bool {
	switch name {
	case "[content_types].xml", "_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", sharedPart, "xl/styles.xml", "xl/theme/theme1.xml":
		return true
	}
	return path.Dir(name) == "xl/worksheets" && path.Ext(name) == ".xml"
}

// span is a merged cell: rows and columns from 1, both ends included.
type span struct{ left, top, right, bottom int }

// sheetLayout is what the library's way of reading row by row does not tell.
type sheetLayout struct {
	merges  []span
	hidden  bool         // the sheet itself
	rows    map[int]bool // those hidden, or filtered out
	columns []span       // those hidden: left to right
}

// checkWorkbook reads all needed parts to their ends and gives the layout of each sheet,
// by the sheet's name.
func (a *archive) checkWorkbook() (map[string]sheetLayout, error) {
	byPart, sheets, targets := map[string]sheetLayout{}, map[string]xml.StartElement{}, map[string]string{}
	shared, err := a.sharedLengths()
	if err != nil {
		return nil, err
	}
	shown := 0 // bytes of shared strings, as often as cells show them
	for name := range a.parts {
		if !workbookPart(name) || name == sharedPart {
			continue
		}
		layout, row := sheetLayout{rows: map[int]bool{}}, 0
		err := a.each(name, func(x *xmlReader, e xml.StartElement) error {
			switch e.Name.Local {
			case "mergeCell":
				if s, ok := readSpan(attr(e, "ref")); ok {
					layout.merges = append(layout.merges, s)
				}
			case "numFmt":
				if len(attr(e, "formatCode")) > maxLevelText {
					return errPiece
				}
			case "c":
				if attr(e, "t") != "s" {
					break
				}
				text, err := textWithin(x)
				if i, bad := strconv.Atoi(text); bad == nil && i >= 0 && i < len(shared) {
					shown += shared[i]
				}
				if err == nil && shown > maxShown {
					err = errMany
				}
				return err
			case "row":
				row++
				if n, err := strconv.Atoi(attr(e, "r")); err == nil {
					row = n
				}
				if isOn(attr(e, "hidden")) && len(layout.rows) < maxSheetRow {
					layout.rows[row] = true
				}
			case "col":
				left, err1 := strconv.Atoi(attr(e, "min"))
				right, err2 := strconv.Atoi(attr(e, "max"))
				if isOn(attr(e, "hidden")) && err1 == nil && err2 == nil && len(layout.columns) < maxColumns {
					layout.columns = append(layout.columns, span{left: left, right: right})
				}
			case "sheet":
				sheets[relationID(e)] = e
			case "Relationship":
				if name != "xl/_rels/workbook.xml.rels" {
					break
				}
				targets[attr(e, "Id")] = strings.ToLower(strings.TrimPrefix(attr(e, "Target"), "/xl/"))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		byPart[name] = layout
	}
	layouts := map[string]sheetLayout{}
	for id, e := range sheets {
		layout := byPart["xl/"+targets[id]]
		layout.hidden = strings.HasSuffix(strings.ToLower(attr(e, "state")), "hidden") // or veryHidden
		layouts[attr(e, "name")] = layout
	}
	return layouts, nil
}

const sharedPart = "xl/sharedstrings.xml"

// The bounds of a workbook's strings. Excel takes 32,767 characters in a cell.
const (
	maxShared      = 300_000
	maxSharedBytes = maxTextRunes * utf8.UTFMax
	maxShown       = maxUnpacked
	// maxCells bounds the cells of a sheet, counting empty ones to the left of others.
	maxCells = 3_000_000
)

// sharedLengths gives the bytes of each shared string. A cell names its string by number,
// so that a small sheet can show a long one a million times.
func (a *archive) sharedLengths() ([]int, error) {
	var lengths []int
	err := a.each(sharedPart, func(x *xmlReader, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		text, err := textWithin(x)
		switch lengths = append(lengths, len(text)); {
		case err == nil && len(text) > maxSharedBytes:
			return errPiece
		case err == nil && len(lengths) > maxShared:
			return errMany
		}
		return err
	})
	return lengths, err
}

// isOn reads a boolean attribute.
func isOn(s string) bool { return s == "1" || s == "true" }

// relationID is a sheet's r:id, which is not its sheetId.
func relationID(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}
	return ""
}

func readSpan(ref string) (span, bool) {
	from, to, ok := strings.Cut(ref, ":")
	if !ok {
		return span{}, false
	}
	left, top, err1 := excelize.CellNameToCoordinates(from)
	right, bottom, err2 := excelize.CellNameToCoordinates(to)
	return span{left, top, right, bottom}, err1 == nil && err2 == nil
}

// only makes an archive of some of the parts, as they are compressed.
func (a *archive) only(wanted func(string) bool) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, f := range a.parts {
		if wanted(name) {
			if err := w.Copy(f); err != nil {
				return nil, err
			}
		}
	}
	err := w.Close()
	return b.Bytes(), err
}

// readBook looks for the first sheet in sight that has a header and reads it.
func readBook(ctx context.Context, in *reading, book *excelize.File, layouts map[string]sheetLayout) error {
	var also, outOfSight []string
	var found *faq
	covered := false // something that might be the header is hidden
	for _, sheet := range book.GetSheetList() {
		layout := layouts[sheet]
		f := newFAQ(in, sheetTitle(sheet))
		warned := len(in.Warnings)
		rows, err := book.Rows(sheet)
		if err != nil {
			return brokenFile(err)
		}
		err = f.readRows(ctx, rows, layout, found != nil || layout.hidden)
		err = errors.Join(err, rows.Close())
		if err != nil {
			return sheetError(err)
		}
		covered = covered || layout.hidden || len(layout.rows) > 0 || len(layout.columns) > 0
		switch {
		case f.found && layout.hidden:
			outOfSight = append(outOfSight, "“"+sheet+"”")
			in.Warnings = in.Warnings[:warned]
		case f.found && found != nil:
			also = append(also, "“"+sheet+"”")
			in.Warnings = in.Warnings[:warned]
		case f.found:
			found = f
		}
	}
	if found == nil {
		return noHeader(covered)
	}
	if len(also) > 0 {
		in.warn(Problem{Message: "只读了第一张问答表，没有读工作表" + strings.Join(also, "、"), Mend: "另存成单独的文件再上传"})
	}
	if len(outOfSight) > 0 {
		in.warn(Problem{Message: "隐藏的工作表没有读入：" + strings.Join(outOfSight, "、"), Mend: "要读入就取消隐藏，另存成单独的文件再上传"})
	}
	return found.finish()
}

func sheetError(err error) error {
	if refused := (*Refused)(nil); errors.As(err, &refused) {
		return refused
	}
	return brokenFile(err)
}

// sheetTitle is a sheet's name, unless nobody gave it one.
func sheetTitle(name string) string {
	lower := strings.ToLower(name)
	if rest := strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(lower, "sheet"), "工作表"), "0123456789 "); rest == "" || lower == "faq" {
		return ""
	}
	return name
}

// maxSheetRow is how far down a sheet is looked at: empty rows count, too.
const maxSheetRow = 200_000

// readRows reads a sheet to its end, or, when only the header is of interest, until that
// is found or ruled out. What the sheet hides is not read.
func (f *faq) readRows(ctx context.Context, rows *excelize.Rows, layout sheetLayout, headerOnly bool) error {
	m := newMerged(layout.merges)
	for number := 1; rows.Next(); number++ {
		if number > maxSheetRow {
			return &Refused{Err: ErrLarge, Message: fmt.Sprintf("工作表超过 %d 行", maxSheetRow), Mend: "删去下面的空行，或拆成几个文件"}
		}
		cells, err := rows.Columns()
		if err != nil {
			return err
		}
		if f.cells += len(cells); f.cells > maxCells {
			return &Refused{Err: ErrLarge, Message: fmt.Sprintf("工作表超过 %d 个单元格", maxCells), Mend: "删去右边和下面的空单元格，或拆成几个文件"}
		}
		if len(cells) > maxColumns {
			cells = cells[:maxColumns]
		}
		r := m.row(number, cells)
		covered := r.cover(layout.columns)
		switch {
		case !f.found && number > headerRows:
			return nil
		case layout.rows[number]:
			if !r.empty() {
				f.hidden++
			}
		case f.found:
			err = f.add(ctx, r)
		case f.header(r):
			if headerOnly {
				return nil
			}
			if len(covered) > 0 {
				f.in.warn(Problem{Row: number, Unit: "行", Message: "隐藏的列没有读入：" + strings.Join(covered, "、"), Mend: "要读入就取消隐藏再上传"})
			}
		default:
			f.titleRow(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cover empties the cells of hidden columns and gives what stood in them, in quotes.
func (r *tableRow) cover(columns []span) (words []string) {
	for _, c := range columns {
		for i := max(c.left, 1) - 1; i < min(c.right, len(r.cells)); i++ {
			if text := strings.Join(strings.Fields(r.cell(i)), " "); text != "" {
				words = append(words, "“"+short(text)+"”")
			}
			r.cells[i] = ""
		}
	}
	return words
}

// titleRow takes a title that stands above the header, alone in its row.
func (f *faq) titleRow(r tableRow) {
	text, others := "", 0
	for i := range r.cells {
		if c := strings.Join(strings.Fields(r.cell(i)), " "); c != "" && c != text {
			if text == "" {
				text = c
			}
			others++
		}
	}
	if others == 1 && r.number == 1 && !strings.ContainsAny(text, "：:") && len([]rune(text)) <= maxHeadingRunes {
		f.title = text
	}
}

// merged gives the cells of merged ranges the value of their first cell, row by row.
type merged struct {
	starting map[int][]span
	active   map[int]activeSpan // by the column they begin in: sound ranges do not overlap
}

type activeSpan struct {
	span
	value string
}

func newMerged(spans []span) *merged {
	m := &merged{starting: map[int][]span{}, active: map[int]activeSpan{}}
	for _, s := range spans {
		if s.left <= maxColumns && s.right >= s.left && s.bottom > s.top {
			m.starting[s.top] = append(m.starting[s.top], s)
		}
	}
	return m
}

func (m *merged) row(number int, cells []string) tableRow {
	r := tableRow{number: number, cells: cells}
	for column, s := range m.active {
		if s.bottom < number {
			delete(m.active, column)
			continue
		}
		r.set(s.left-1, s.value)
	}
	for _, s := range m.starting[number] {
		m.active[s.left] = activeSpan{s, r.cell(s.left - 1)}
	}
	return r
}

// set puts a value from above into a cell.
func (r *tableRow) set(i int, value string) {
	for len(r.cells) <= i {
		r.cells = append(r.cells, "")
	}
	for len(r.merged) <= i {
		r.merged = append(r.merged, false)
	}
	r.cells[i], r.merged[i] = value, true
}
