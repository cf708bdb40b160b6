package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeobot/knowledge"
)

// proving is a verification of one source, and what it writes.
func proving(t *testing.T, source string) (*verification, *knowledge.Document, *bytes.Buffer) {
	t.Helper()
	l, err := knowledge.LoadFiles(map[string][]byte{"a.txt": []byte(source)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	v := &verification{out: &out, sources: map[string][]byte{}}
	v.add([]byte(source))
	return v, l.Documents[0], &out
}

const provable = "办法\n2026-11-01\n\n一、通关\n1、设立　专用窗口\n2、免除担保\n"

// TestAQuotationIsProved byte by byte: words, place and source are those that were shown, with
// white space folded and nothing else.
func TestAQuotationIsProved(t *testing.T) {
	_, d, _ := proving(t, provable)
	start := strings.Index(provable, "免除担保")
	good := quotedSource{"a/通关/2", d.SHA256, start, start + len("免除担保"), digestOf("免除担保")}
	with := func(change func(q *quotedSource)) quotedSource {
		q := good
		change(&q)
		return q
	}
	for name, tt := range map[string]struct {
		q    quotedSource
		want string // empty: it is right
	}{
		"as it was shown":          {good, ""},
		"other words":              {with(func(q *quotedSource) { q.Text = digestOf("免除担保。") }), "不是当时显示的文字"},
		"one byte early":           {with(func(q *quotedSource) { q.End-- }), "不是当时显示的文字"},
		"one byte late":            {with(func(q *quotedSource) { q.Start-- }), "不是当时显示的文字"},
		"another place":            {with(func(q *quotedSource) { q.Start, q.End = 0, len("办法") }), "不是当时显示的文字"},
		"a source that is changed": {with(func(q *quotedSource) { q.SHA256 = digestOf("别的") }), "它被改动或删掉了"},
		"beyond the end":           {with(func(q *quotedSource) { q.End = len(provable) + 1 }), "不在原文里"},
		"before the beginning":     {with(func(q *quotedSource) { q.Start = -1 }), "不在原文里"},
		"nothing":                  {with(func(q *quotedSource) { q.End = q.Start; q.Text = digestOf("") }), "不在原文里"},
	} {
		v, _, out := proving(t, provable)
		v.quotation(tt.q, "测试")
		if (v.wrong == 0) != (tt.want == "") || !strings.Contains(out.String(), tt.want) || v.quotations != 1 {
			t.Errorf("%s: %d wrong of %d: %s", name, v.wrong, v.quotations, out)
		}
		if err := v.result(); errors.Is(err, errShort) != (tt.want != "") {
			t.Errorf("%s: the command ends with %v", name, err)
		}
	}
}

// TestKnowledgeInForceIsProved, all of it, against the very source.
func TestKnowledgeInForceIsProved(t *testing.T) {
	for source, wrong := range map[string]int{provable: 0, strings.Replace(provable, "免除", "减少", 1): 3} { // the source, and both measures
		l, err := knowledge.LoadFiles(map[string][]byte{"a.txt": []byte(provable)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		v, _, out := proving(t, source)
		v.passages(l)
		if v.quotations != 2 || v.wrong != wrong {
			t.Errorf("%d of %d wrong, want %d: %s", v.wrong, v.quotations, wrong, out)
		}
	}
}

// TestKeptAnswersAreProved, every line of every day, and one that cannot be read is no proof.
func TestKeptAnswersAreProved(t *testing.T) {
	v, d, out := proving(t, provable)
	start := strings.Index(provable, "免除担保")
	good := quotedSource{"a/通关/2", d.SHA256, start, start + len("免除担保"), digestOf("免除担保")}
	bad := good
	bad.Text = digestOf("减半担保")
	dir := t.TempDir()
	for day, shown := range map[string][]quotedSource{"2026-11-29": {good}, "2026-11-30": {good, bad}} {
		line, err := json.Marshal(quoted{At: time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC), Shown: shown})
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, day+".jsonl"), append(line, "\n{\n"...), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := v.answers(dir); err != nil {
		t.Fatal(err)
	}
	if v.answered != 2 || v.quotations != 3 || v.wrong != 3 || strings.Count(out.String(), "第 2 行读不懂") != 2 || !strings.Contains(out.String(), "2026-11-30 09:00:00 的回答") {
		t.Errorf("%d answers, %d quotations, %d wrong: %s", v.answered, v.quotations, v.wrong, out)
	}
	if err := v.result(); !errors.Is(err, errShort) {
		t.Errorf("the command ends with %v", err)
	}
}
