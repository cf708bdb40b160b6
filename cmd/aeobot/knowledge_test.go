package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImportOfATable: template, preview, import, publish, ask: a question that stands in
// a table's column is answered with the words of its row.
func TestImportOfATable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	table := filepath.Join(dir, "问答.csv")
	for _, file := range []string{table, filepath.Join(dir, "问答表.xlsx")} {
		if got := execute(t, dir, "", nil, "knowledge", "template", file); got.status != exitDone {
			t.Fatalf("template: %d %s", got.status, got.stderr)
		}
		if got := execute(t, dir, "", nil, "knowledge", "import", "--dry-run", file); got.status != exitDone || !strings.Contains(got.stdout, "适用较低的货物查验率") || !strings.Contains(got.stdout, "问法 4") {
			t.Errorf("the template is to be importable: %d %s%s", got.status, got.stdout, got.stderr)
		}
		if got := execute(t, dir, "", nil, "knowledge", "template", file); got.status != exitUsage {
			t.Errorf("a template written over %s: %d", file, got.status)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "knowledge")); !os.IsNotExist(err) {
		t.Errorf("a dry run stored something: %v", err)
	}
	if err := os.WriteFile(table, []byte("节,原文,问法,生效日期\n蓝鲸安排,蓝鲸通道二十四小时开放,蓝鲸通道几点关门,2026-01-01\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range [][]string{
		{"knowledge", "import", table}, {"knowledge", "lint", filepath.Join("data", "knowledge")}, {"knowledge", "publish", "--author", "a", "--approver", "b", "--reason", "新表", filepath.Join("data", "knowledge", "问答.md"), filepath.Join("data", "knowledge", "问答.notes.yaml")}, {"ask", "蓝鲸通道几点关门"},
	} {
		got := execute(t, dir, "", nil, step...)
		if got.status != exitDone || step[0] == "ask" && !strings.Contains(got.stdout, "蓝鲸通道二十四小时开放") {
			t.Fatalf("aeobot %q: status %d\n%s%s", step, got.status, got.stdout, got.stderr)
		}
	}
}

// TestImportProblems: rows that are wrong are named with the mend, and nothing is stored;
// a file that cannot be read at all is wrong input, in one line.
func TestImportProblems(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	bad := write("坏.csv", "节,原文,生效日期\n甲,一,昨天\n甲,,\n")
	for _, args := range [][]string{{"knowledge", "import", bad}, {"knowledge", "import", "--dry-run", bad}} {
		got := execute(t, dir, "", nil, args...)
		if got.status != exitShort || !strings.Contains(got.stdout, "第 2 行“生效日期”列：“昨天”不是日期；改法：") || got.stderr != "" {
			t.Errorf("%q: got %d %s%s", args, got.status, got.stdout, got.stderr)
		}
	}
	for name, data := range map[string]string{"宏.docm": "x", "坏.docx": "PK\x03\x04 cut off", "x.pdf": "%PDF-", "空.txt": "", "散.csv": "甲,乙\n1,2\n"} {
		got := execute(t, dir, "", nil, "knowledge", "import", write(name, data))
		if got.status != exitUsage || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, "改法：") || !strings.Contains(got.stderr, name) {
			t.Errorf("%s: got %d %q", name, got.status, got.stderr)
		}
	}
	if stored, err := os.ReadDir(filepath.Join(dir, "data", "knowledge")); len(stored) > 0 {
		t.Errorf("stored %v, %v", stored, err)
	}
}
