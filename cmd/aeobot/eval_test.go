package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const questions = "../../index/eval/questions/"

// TestNoJudgedQuestionGotWorse holds the committed evaluation: whoever changes the
// ranking or the notes runs make eval and commits the new report with the reason.
func TestNoJudgedQuestionGotWorse(t *testing.T) {
	got := execute(t, here(t), "", nil, "eval",
		"--single", questions+"given-single.jsonl", "--single", questions+"dev-single.jsonl",
		"--outofscope", questions+"given-outofscope.jsonl", "--outofscope", questions+"dev-outofscope.jsonl",
		"--dialogs", questions+"given-dialogs.jsonl", "--dialogs", questions+"dev-dialogs.jsonl",
		"--compound", questions+"dev-compound.jsonl", "--baseline", "../../index/eval/baseline.json")
	if got.status != 0 {
		t.Errorf("status %d; run make eval and look at index/eval/REPORT.md\n%s", got.status, got.stderr)
	}
	for _, want := range []string{"| all | 430 |", "| all | 694 |", "| trap | 38 |", "Whole dialogs passed"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("the report has no %q", want)
		}
	}
	if !strings.Contains(got.stdout, "## Misses") {
		t.Errorf("the report has no misses:\n%.400s", got.stdout)
	}
}

func TestBaselineNamesWhatGotWorse(t *testing.T) {
	single := filepath.Join(t.TempDir(), "q.jsonl")
	write(t, single, `{"id":"a","question":"明天会下雨吗","kind":"natural","expect":["direct/1"],"answerable":true}`+"\n")
	baseline := filepath.Join(t.TempDir(), "b.json")
	write(t, baseline, `{"verdicts":{"a":{"hit":true,"recall":1}}}`)
	got := execute(t, here(t), "", nil, "eval", "--single", single, "--baseline", baseline)
	if got.status != 1 || !strings.Contains(got.stderr, "worse than the baseline: a") {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
}

func TestEvalOverAnyCollection(t *testing.T) {
	folder := t.TempDir()
	var passages, queries strings.Builder
	for i := range 6000 { // more than is kept in memory
		fmt.Fprintf(&passages, `{"id":"p%d","title":"第%d章","text":"编号%d的货物在%d号码头办理手续"}`+"\n", i, i%50, i, i%7)
	}
	for i := range 20 {
		fmt.Fprintf(&queries, `{"id":"q%d","question":"编号%d的货物在哪裡辦理","relevant":["p%d"]}`+"\n", i, i*31, i*31)
	}
	write(t, filepath.Join(folder, "p.jsonl"), passages.String())
	write(t, filepath.Join(folder, "q.jsonl"), queries.String())
	for _, reopened := range []bool{false, true} {
		got := execute(t, here(t), "", nil, "--data", filepath.Join(folder, "data"), "eval", "--json",
			"--passages", filepath.Join(folder, "p.jsonl"), "--queries", filepath.Join(folder, "q.jsonl"))
		var r struct {
			Passages int     `json:"passages"`
			Hit1     float64 `json:"hit@1"`
			Recall5  float64 `json:"recall@5"`
			Reopened bool    `json:"reopened"`
		}
		if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || got.status != 0 {
			t.Fatalf("status %d, %v: %s%s", got.status, err, got.stdout, got.stderr)
		}
		if r.Passages != 6000 || r.Hit1 < 0.95 || r.Recall5 < 0.95 || r.Reopened != reopened {
			t.Errorf("got %+v, want hits and reopened %v", r, reopened)
		}
		if told := strings.Contains(got.stderr, "of 6000 passages"); told == reopened {
			t.Errorf("progress shown: %v, reopened: %v", told, reopened)
		}
	}
}

func TestEvalSaysWhatIsWrong(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken.jsonl")
	write(t, broken, `{"id":"a"`+"\n")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"eval", "--passages", broken}, "--passages and --queries go together"},
		{[]string{"eval", "--single", broken}, "broken.jsonl:1:"},
		{[]string{"eval", "--single", "missing.jsonl"}, "missing.jsonl"},
	} {
		got := execute(t, t.TempDir(), "", nil, tt.args...)
		if got.status != 2 || !strings.Contains(got.stderr, tt.want) || strings.Count(strings.TrimSpace(got.stderr), "\n") > 0 {
			t.Errorf("%v: status %d, %q, want one line with %q", tt.args, got.status, got.stderr, tt.want)
		}
	}
}

// TestCuratorsWordsCount: words can be added beside the knowledge, without a new
// program, and a mistake in them is named.
func TestCuratorsWordsCount(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a.txt"), "支持措施\n1.可向海关申请免除担保\n2.优先办理通关手续\n")
	if got := execute(t, here(t), "", nil, "--knowledge", folder, "ask", "能不押票子吗"); got.status != 1 {
		t.Fatalf("known before: %s", got.stdout)
	}
	words := filepath.Join(folder, "own.terms.tsv")
	write(t, words, "group\tterm\tlang\trelation\tnote\n免除担保\t不押票子\tzh\toneway\n")
	if got := execute(t, here(t), "", nil, "--knowledge", folder, "ask", "能不押票子吗"); got.status != 0 || !strings.Contains(got.stdout, "1、可向海关申请免除担保") {
		t.Errorf("status %d: %s%s", got.status, got.stdout, got.stderr)
	}
	if got := execute(t, here(t), "", nil, "--knowledge", folder, "explain", "能不押票子吗"); !strings.Contains(got.stdout, "不押票子 → 免除担保") {
		t.Errorf("explain does not say which word fired:\n%s", got.stdout)
	}
	write(t, words, "免除担保\t不押票子\tzh\tlike\n")
	if got := execute(t, here(t), "", nil, "--knowledge", folder, "ask", "能免担保吗"); got.status != 2 || !strings.Contains(got.stderr, `own.terms.tsv:1: unknown relation "like"`) {
		t.Errorf("status %d, %q", got.status, got.stderr)
	}
}

// here is this package's folder, since the programs run in it find the questions by
// their place in the checkout.
func here(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
