package desk

import (
	"strings"
	"testing"

	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/curate"
)

func library(t testing.TB) *knowledge.Library {
	t.Helper()
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestParse(t *testing.T) {
	for text, want := range map[string][2]string{
		"/教 海关直接激励措施 5":  {"教", "海关直接激励措施 5"},
		" ／教海关直接激励措施 5 ": {"教", "海关直接激励措施 5"},
		"/未答":            {"未答", ""},
		"/准 ABCD 仍然 有理由": {"准", "ABCD 仍然 有理由"},
		"教 海关直接激励措施 5":   {"", ""},
		"/清空":            {"", ""},
		"/":              {"", ""},
		"":               {"", ""},
	} {
		if name, rest := parse(text); name != want[0] || rest != want[1] {
			t.Errorf("%q: %q, %q, want %q", text, name, rest, want)
		}
	}
	for a := range commands {
		for b := range commands {
			if a != b && strings.HasPrefix(a, b) {
				t.Errorf("%q begins with %q: which is meant would be left to chance", a, b)
			}
		}
	}
}

func TestPlace(t *testing.T) {
	l := library(t)
	for said, want := range map[string][2]string{
		"海关直接激励措施 5":          {"aeo-incentives/海关直接激励措施/5", ""},
		"海关直接激励措施 第5条 押金能不交吗": {"aeo-incentives/海关直接激励措施/5", "押金能不交吗"},
		"海关直接激励措施第12条":        {"aeo-incentives/海关直接激励措施/12", ""},
		"可向海关申请免除担保":          {"aeo-incentives/海关直接激励措施/5", ""},
		"可向海关申请免除担保 押金能不交吗":   {"aeo-incentives/海关直接激励措施/5", "押金能不交吗"},
		"海关直接激励措施 99":         {"", ""},
		"海关直接激励措施":            {"", ""},
		"别的 5":                {"", ""},
		"海关直接激励措施 5年有什么":      {"", ""},
	} {
		p, rest, why := place(l, said)
		if p.ID != want[0] || rest != want[1] || (why == "") != (want[0] != "") {
			t.Errorf("%q: %q, rest %q, why %q; want %q", said, p.ID, rest, why, want)
		}
	}
}

// TestSkeletonHasAPlaceForEveryMeasure of a document that has no notes.
func TestSkeletonHasAPlaceForEveryMeasure(t *testing.T) {
	files := map[string][]byte{"新.txt": []byte("新\n一、\"引号\"清单: 甲\n1、第一条措施是这样的\n2、第二条措施是那样的\n")}
	l, err := knowledge.LoadFiles(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range l.Passages() {
		if p.Number == 0 {
			continue
		}
		prop := Proposal{Changes: []Change{{File: "新" + knowledge.NotesSuffix, Edit: &curate.Edit{Section: p.Heading, Number: p.Number, Ask: "怎么问"}}}}
		changed, err := prop.apply(State{Files: files, Library: l})
		if err != nil {
			t.Fatalf("%s: %v", p.ID, err)
		}
		again, err := knowledge.LoadFiles(changed, nil)
		if err != nil {
			t.Fatal(err)
		}
		q, _ := again.Passage(p.ID)
		if len(q.Notes.Ask) != 1 || len(again.Findings()) != 0 {
			t.Errorf("%s: asks %q, findings %v", p.ID, q.Notes.Ask, again.Findings())
		}
	}
}

// FuzzSaid: whatever somebody writes, it is read without failing, and what is found is in
// what was written.
func FuzzSaid(f *testing.F) {
	f.Add("/教 海关直接激励措施 5 问法")
	f.Add("@小助手 /准 ABCD")
	l := library(f)
	f.Fuzz(func(t *testing.T, text string) {
		name, rest := parse(text)
		if !strings.Contains(text, name) || !strings.Contains(text, rest) {
			t.Errorf("%q: %q, %q", text, name, rest)
		}
		_, asked, _ := place(l, rest)
		if !strings.Contains(rest, asked) {
			t.Errorf("%q: asked %q", rest, asked)
		}
	})
}
