// Package sheet writes tables for spreadsheet programs: CSV and XLSX. What strangers wrote
// stands in them, so no cell may begin like a formula, whatever stands before it. It knows
// nothing of what the tables are about.
package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/unicode/norm"
)

// maxCell is what a cell of a spreadsheet holds, in UTF-16 units.
const maxCell = 32767

// Cell is a text as it stands in a table: on one line, and with an apostrophe before it
// when a spreadsheet program could take it for a formula (CWE-1236). Programs differ in
// what they pass over before the first sign, so everything invisible is passed over here.
func Cell(text string) string {
	text = strings.Map(printable, strings.ToValidUTF8(text, "\uFFFD"))
	visible := strings.TrimLeftFunc(text, invisible)
	first, _ := utf8.DecodeRuneInString(norm.NFKC.String(visible[:firstRune(visible)])) // ＝, ﹦ and ₌ are = as well
	if visible != "" && strings.ContainsRune("=+-@−", first) {
		return cut("'" + text)
	}
	return cut(text)
}

// printable has a space for what no cell can show; XML cannot even hold most of it.
func printable(r rune) rune {
	switch {
	case unicode.IsControl(r), r == '\u2028', r == '\u2029':
		return ' '
	case r == 0xFFFE, r == 0xFFFF:
		return unicode.ReplacementChar
	}
	return r
}

func invisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// firstRune is the length of the first character, in bytes.
func firstRune(text string) int {
	for i := range text {
		if i > 0 {
			return i
		}
	}
	return len(text)
}

// cut shortens a text to what a cell holds.
func cut(text string) string {
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units > maxCell {
			return text[:i]
		}
	}
	return text
}

// CSV writes rows as spreadsheet programs read them: they take CSV for UTF-8 only after a
// byte order mark.
func CSV(out io.Writer, rows [][]string) error {
	if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	w := csv.NewWriter(out)
	w.UseCRLF = true
	for _, row := range rows {
		if err := w.Write(cells(row)); err != nil {
			return fmt.Errorf("sheet: %w", err)
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	return nil
}

func cells(row []string) []string {
	safe := make([]string, len(row))
	for i, text := range row {
		safe[i] = Cell(text)
	}
	return safe
}

// XLSX writes rows as a workbook of one sheet, every cell a text. The first row stays in
// sight.
func XLSX(out io.Writer, rows [][]string) (err error) {
	f := excelize.NewFile()
	defer func() {
		if closed := f.Close(); err == nil && closed != nil {
			err = fmt.Errorf("sheet: %w", closed)
		}
	}()
	w, err := f.NewStreamWriter(f.GetSheetName(0))
	if err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	if err := w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	for i, row := range rows {
		values := make([]any, len(row))
		for j, text := range cells(row) {
			values[j] = text
		}
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), values); err != nil {
			return fmt.Errorf("sheet: row %d: %w", i+1, err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	if err := f.Write(out); err != nil {
		return fmt.Errorf("sheet: %w", err)
	}
	return nil
}
