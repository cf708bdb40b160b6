package intake

import (
	"bytes"
	"encoding/csv"
	"fmt"

	"github.com/xuri/excelize/v2"
)

// Template is the table of questions to fill in, as .xlsx: a sheet with the header and
// two rows as an example, and a sheet that says what each column is for.
func Template() ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close() // nothing of it is on disk
	b := &book{f: f, sheet: "问答"}
	b.do(f.SetSheetName("Sheet1", b.sheet))
	head := b.style(&excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"DDEBF7"}}})
	// Text throughout: a date stays as it was typed, 001 does not become 1.
	text := b.style(&excelize.Style{NumFmt: 49, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	last, err := excelize.ColumnNumberToName(int(columnCount))
	b.do(err)
	b.do(f.SetColStyle(b.sheet, "A:"+last, text))
	b.do(f.SetColWidth(b.sheet, "A", last, 18))
	b.do(f.SetColWidth(b.sheet, "C", "D", 40))
	for i, c := range columns {
		b.set(i+1, 1, c.header, head)
		b.set(i+1, 2, c.example[0], text)
		b.set(i+1, 3, c.example[1], text)
	}
	b.do(f.SetPanes(b.sheet, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}))
	b.sheet = "填写说明"
	_, err = f.NewSheet(b.sheet)
	b.do(err)
	b.do(f.SetColWidth(b.sheet, "A", "A", 14))
	b.do(f.SetColWidth(b.sheet, "B", "B", 90))
	for i, c := range columns {
		b.set(1, i+1, c.header, head)
		b.set(2, i+1, c.help, text)
	}
	var out bytes.Buffer
	b.do(f.Write(&out))
	if b.err != nil {
		return nil, fmt.Errorf("intake: template: %w", b.err)
	}
	return out.Bytes(), nil
}

// book keeps the first thing that went wrong, so that a table reads like a table.
type book struct {
	f     *excelize.File
	sheet string
	err   error
}

func (b *book) do(err error) {
	if b.err == nil {
		b.err = err
	}
}

func (b *book) style(s *excelize.Style) int {
	id, err := b.f.NewStyle(s)
	b.do(err)
	return id
}

func (b *book) set(col, row int, value string, style int) {
	cell, err := excelize.CoordinatesToCellName(col, row)
	b.do(err)
	b.do(b.f.SetCellStr(b.sheet, cell, value))
	b.do(b.f.SetCellStyle(b.sheet, cell, cell, style))
}

// TemplateCSV is the same as text, in UTF-8 with a byte order mark, without which Excel
// takes it for GB18030.
func TemplateCSV() ([]byte, error) {
	b := bytes.NewBufferString("\uFEFF")
	w := csv.NewWriter(b)
	w.UseCRLF = true
	rows := [3][]string{}
	for _, c := range columns {
		rows[0] = append(rows[0], c.header)
		rows[1] = append(rows[1], c.example[0])
		rows[2] = append(rows[2], c.example[1])
	}
	for _, row := range rows {
		if err := w.Write(row); err != nil {
			return nil, fmt.Errorf("intake: template: %w", err)
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}
