package bot

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"aeobot/knowledge"
)

func testHits(n int, text string) []hit {
	doc := &knowledge.Document{ID: "d", Title: "题", Date: "2026-01-07"}
	section := &knowledge.Section{ID: "d/节", Heading: "节"}
	var hits []hit
	for i := range n {
		hits = append(hits, hit{passage: knowledge.Passage{
			ID: fmt.Sprintf("d/节/%d", i+1), Document: doc, Section: section, Heading: "节", Number: i + 1, Text: text,
		}})
	}
	return hits
}

func TestPlainReply(t *testing.T) {
	hits := testHits(2, "减少稽查")
	hits[1].passage.Notes.States = []knowledge.State{{Status: knowledge.StatusSuperseded, From: "2026-04-01", Note: "依据已换。"}}
	got := draft{blocks: []block{{hits: hits}}, day: "2026-05-01", pending: testHits(3, "x")}.fit(Surface{MaxPages: 1}).pages
	want := "节\n1、减少稽查\n2、减少稽查\n注（第2条）：依据已换。\n来源：《题》，2026-01-07\n\n还有 3 条相关内容（节），回复“更多”继续看。"
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNotesAreMergedAndFollowTheDay(t *testing.T) {
	hits := testHits(5, "x")
	for i := range hits {
		hits[i].passage.Notes.States = []knowledge.State{{Status: knowledge.StatusUnsure, From: "2026-04-01", Note: "未核。"}}
	}
	got := draft{blocks: []block{{hits: hits}}, day: "2026-04-01"}.fit(Surface{MaxPages: 1}).pages[0]
	if !strings.Contains(got, "注（第1–5条）：未核。") || strings.Count(got, "未核") != 1 {
		t.Errorf("notes are not merged: %q", got)
	}
	before := draft{blocks: []block{{hits: hits}}, day: "2026-03-31"}.fit(Surface{MaxPages: 1}).pages[0]
	if strings.Contains(before, "未核") {
		t.Errorf("note shown for a day before it holds: %q", before)
	}
}

func TestMarkupFromOutsideStaysText(t *testing.T) {
	hostile := "<@all> [点](http://x) **粗** <think> https://a.invalid/b www.a.invalid a.invalid/c"
	hits := testHits(1, "<@all> [点](http://x) **粗** <think>")
	got := draft{blocks: []block{{question: hostile, hits: hits}}}.fit(Surface{Markdown: true, MaxPages: 1}).pages[0]
	for _, live := range []string{"<@all>", "](http", "<think>", "https://", "www.a", "a.invalid"} {
		if strings.Contains(got, live) {
			t.Errorf("reply holds live markup %q: %q", live, got)
		}
	}
	if plain := strings.ReplaceAll(got, breaker, ""); !strings.Contains(plain, hostile) {
		t.Errorf("the quotation lost characters: %q", plain)
	}
}

func TestPagesFitAndLoseNothing(t *testing.T) {
	for _, limit := range []int{100, 300, 2048} {
		for _, long := range []int{1, 30, 900} {
			text := strings.Repeat("优先通关；", long)
			hits := testHits(7, text)
			d := draft{blocks: []block{{hits: hits}}}
			shown := 0
			var all strings.Builder
			for len(hits) > 0 {
				d.blocks[0].hits = hits
				f := d.fit(Surface{MaxBytes: limit, MaxPages: 3})
				if len(f.shown) == 0 || len(f.shown)+len(f.left) != len(hits) {
					t.Fatalf("limit %d: %d shown and %d left of %d", limit, len(f.shown), len(f.left), len(hits))
				}
				for _, p := range f.pages {
					if len(p) > limit || !utf8.ValidString(p) {
						t.Errorf("limit %d: page of %d bytes, valid %v", limit, len(p), utf8.ValidString(p))
					}
					all.WriteString(p)
				}
				shown += len(f.shown)
				hits = f.left
			}
			if got, want := strings.Count(all.String(), "优先通关"), 7*long; got != want {
				t.Errorf("limit %d, %d clauses: got %d of %d", limit, long, got, want)
			}
			if shown != 7 {
				t.Errorf("limit %d: %d measures shown in all, want 7", limit, shown)
			}
		}
	}
}

func TestNumbersOf(t *testing.T) {
	for want, numbers := range map[string][]int{"第1条": {1}, "第1、2条": {1, 2}, "第1–3、5条": {1, 2, 3, 5}, "第2、4–6条": {2, 4, 5, 6}} {
		if got := numbersOf(numbers); got != want {
			t.Errorf("%v: got %s, want %s", numbers, got, want)
		}
	}
}
