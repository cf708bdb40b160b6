package main

import (
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

func TestUnansweredQuestionsAreListedAndTakenOff(t *testing.T) {
	dir := t.TempDir()
	if got := execute(t, dir, "", nil, "unanswered"); got.status != 0 || !strings.Contains(got.stdout, "没有未答的问题") {
		t.Fatalf("status %d: %s%s", got.status, got.stdout, got.stderr)
	}
	said := "AEO认证费用多少钱\nAEO认证费用 多少钱？\n能免担保吗\n写首诗\n能免担保吗？认证要\x1b[31m多久？\n"
	chat := execute(t, dir, said, nil, "--data", "data", "chat")
	if chat.status != 0 || strings.Count(chat.stdout, "待答清单") != 3 {
		t.Fatalf("status %d, %d refusals say that they are kept, want 3: %s%s", chat.status, strings.Count(chat.stdout, "待答清单"), chat.stdout, chat.stderr)
	}
	table := execute(t, dir, "", nil, "unanswered").stdout
	if lines := strings.Count(table, "\n"); lines != 3 || !strings.Contains(table, "认证费用 多少钱？") || strings.Contains(table, "\x1b") {
		t.Errorf("table: %q", table)
	}
	var first listedRow
	list := execute(t, dir, "", nil, "unanswered", "--json").stdout
	if err := json.Unmarshal([]byte(strings.SplitN(list, "\n", 2)[0]), &first); err != nil || first.Count != 2 || first.Channels[0] != "terminal" {
		t.Fatalf("%v: %s", err, list)
	}
	for key, want := range map[string]string{first.Key[:3]: "too short", "ffffffffffff": "names no question"} {
		if got := execute(t, dir, "", nil, "unanswered", "--solved", key); got.status != 2 || !strings.Contains(got.stderr, want) {
			t.Errorf("--solved %s: status %d, %q", key, got.status, got.stderr)
		}
	}
	if got := execute(t, dir, "", nil, "unanswered", "--solved", first.Key[:8], "--note", "已答复", "--author", "li"); got.status != 0 {
		t.Errorf("status %d: %s", got.status, got.stderr)
	}
	if rest := execute(t, dir, "", nil, "unanswered", "--json").stdout; strings.Count(rest, "\n") != 1 || strings.Contains(rest, first.Key) {
		t.Errorf("after it was taken off: %s", rest)
	}
	for state, want := range map[string]int{"solved": 1, "open": 1, "all": 2, "rejected": 0} {
		if got := execute(t, dir, "", nil, "unanswered", "--json", "--state", state); strings.Count(got.stdout, "\n") != want {
			t.Errorf("--state %s: want %d rows: %s%s", state, want, got.stdout, got.stderr)
		}
	}
	if got := execute(t, dir, "", nil, "unanswered", "--state", "done"); got.status != 2 || !strings.Contains(got.stderr, "assigned") {
		t.Errorf("--state done: status %d, %q", got.status, got.stderr)
	}
	if got := execute(t, dir, "", nil, "audit", "show").stdout; !strings.Contains(got, "li  问题：已解决（question solved）  "+first.Key) {
		t.Errorf("audit log: %q", got)
	}
	// Asked in vain again, it is open again.
	execute(t, dir, "AEO认证费用多少钱\n", nil, "--data", "data", "chat")
	if got := execute(t, dir, "", nil, "unanswered", "--json", "--state", "open").stdout; strings.Count(got, "\n") != 2 {
		t.Errorf("after it was asked again: %s", got)
	}
}

// TestExports: the same rows as CSV and as a workbook, and no question becomes a formula.
func TestExports(t *testing.T) {
	dir := t.TempDir()
	said := "=HYPERLINK(\"https://evil.example\",\"年费\")认证费用多少钱\n＝AEO认证费用要多少钱？\n"
	execute(t, dir, said, nil, "--data", "data", "chat")
	csvOut := execute(t, dir, "", nil, "unanswered", "--csv")
	fromCSV, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(csvOut.stdout, "\ufeff"))).ReadAll()
	if err != nil || len(fromCSV) < 2 || !strings.Contains(csvOut.stdout, "'=HYPERLINK") || strings.Contains(csvOut.stdout, "\"＝") {
		t.Fatalf("%v: %s%s", err, csvOut.stdout, csvOut.stderr)
	}
	if got := execute(t, dir, "", nil, "unanswered", "--xlsx", "list.xlsx"); got.status != 0 || got.stdout != "" {
		t.Fatalf("status %d: %s%s", got.status, got.stdout, got.stderr)
	}
	f, err := excelize.OpenFile(filepath.Join(dir, "list.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	name := f.GetSheetName(0)
	fromXLSX, err := f.GetRows(name)
	if err != nil || len(fromXLSX) != len(fromCSV) {
		t.Fatalf("%v: %q, in CSV %q", err, fromXLSX, fromCSV)
	}
	for i, row := range fromXLSX {
		row = append(row, make([]string, len(fromCSV[i])-len(row))...) // empty cells at the end are not there
		if !slices.Equal(row, fromCSV[i]) {
			t.Errorf("row %d: %q in XLSX, %q in CSV", i, row, fromCSV[i])
		}
		for j, text := range row {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				t.Fatal(err)
			}
			if formula, err := f.GetCellFormula(name, cell); err != nil || formula != "" || text != "" && strings.ContainsRune("=+-@", rune(text[0])) {
				t.Errorf("%s: %q, formula %q, %v", cell, text, formula, err)
			}
		}
	}
	for _, args := range [][]string{{"--csv", "--json"}, {"--csv", "--xlsx", "x.xlsx"}, {"--xlsx", "nowhere/x.xlsx"}} {
		if got := execute(t, dir, "", nil, append([]string{"unanswered"}, args...)...); got.status != 2 || got.stderr == "" {
			t.Errorf("%v: status %d, %q", args, got.status, got.stderr)
		}
	}
}
