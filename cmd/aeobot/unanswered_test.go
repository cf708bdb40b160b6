package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
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
	var first bot.Unanswered
	list := execute(t, dir, "", nil, "unanswered", "--json").stdout
	if err := json.Unmarshal([]byte(strings.SplitN(list, "\n", 2)[0]), &first); err != nil || first.Count != 2 || first.Channels[0] != "terminal" {
		t.Fatalf("%v: %s", err, list)
	}
	for key, want := range map[string]string{first.Key[:3]: "too short", "ffffffffffff": "names no question"} {
		if got := execute(t, dir, "", nil, "unanswered", "--solved", key); got.status != 2 || !strings.Contains(got.stderr, want) {
			t.Errorf("--solved %s: status %d, %q", key, got.status, got.stderr)
		}
	}
	if got := execute(t, dir, "", nil, "unanswered", "--solved", first.Key[:8]); got.status != 0 {
		t.Errorf("status %d: %s", got.status, got.stderr)
	}
	if rest := execute(t, dir, "", nil, "unanswered", "--json").stdout; strings.Count(rest, "\n") != 1 || strings.Contains(rest, first.Key) {
		t.Errorf("after it was taken off: %s", rest)
	}
}

// TestTableForSpreadsheets: no question becomes a formula, whatever stands before it.
func TestTableForSpreadsheets(t *testing.T) {
	at := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	var list []bot.Unanswered
	for _, q := range []string{`=cmd|' /C calc'!A0`, "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\x00=1", "＝1", "＋1", "－1", "＠x", "　=1", "\ufeff=1", "普通的问题，有\"引号\"\n和换行"} {
		list = append(list, bot.Unanswered{Key: "k", Question: q, Count: 2, First: at, Last: at, Channels: []string{"aibot"}})
	}
	var b bytes.Buffer
	if err := writeUnansweredCSV(&b, list); err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(b.String(), "\ufeff")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !marked || len(rows) != len(list)+1 || rows[1][3] != "2026-11-24 11:00:00" {
		t.Fatalf("%v: %q", err, rows)
	}
	for i, row := range rows[1 : len(rows)-1] {
		if !strings.HasPrefix(row[1], "'") {
			t.Errorf("%q is a formula: %q", list[i].Question, row[1])
		}
	}
	if got := rows[len(rows)-1][1]; got != `普通的问题，有"引号" 和换行` {
		t.Errorf("got %q", got)
	}
}
