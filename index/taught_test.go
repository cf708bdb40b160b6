package index_test

import (
	"io/fs"
	"strings"
	"testing"

	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/curate"
)

// taught is the shipped knowledge with a way to ask in it, and some words of its notes
// replaced.
func taught(t *testing.T, e curate.Edit, replace ...string) *index.Generation {
	t.Helper()
	files := map[string][]byte{}
	names, err := fs.Glob(articles.FS, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if files[name], err = articles.FS.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	const notes = "aeo-incentives" + knowledge.NotesSuffix
	files[notes] = []byte(strings.NewReplacer(replace...).Replace(string(files[notes])))
	if files[notes], err = e.Apply(files[notes]); err != nil {
		t.Fatal(err)
	}
	l, err := knowledge.LoadFiles(files, articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	g, err := index.Build(t.Context(), l, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// TestTheVeryWordsThatWereTaughtLead to the measure they were taught to, however many ways
// to ask like them a topic outside has: only the same words there stand in the way.
func TestTheVeryWordsThatWereTaughtLead(t *testing.T) {
	for _, tt := range []struct {
		question  string
		section   string
		number    int
		replace   []string
		elsewhere bool
	}{
		{"AEO互认国家有哪些", "海关直接激励措施", 11, []string{"互认国家有哪些, ", ""}, false},
		{"AEO互认国家有哪些", "海关直接激励措施", 11, nil, true},
		{"AEO证书有效期几年", "海关直接激励措施", 3, nil, false},
		{"怎么报名认证辅导课", "地方政府特色支持", 4, nil, false},
		{"申请AEO要准备什么材料", "海关直接激励措施", 3, nil, true},
	} {
		g := taught(t, curate.Edit{Section: tt.section, Number: tt.number, Ask: tt.question}, tt.replace...)
		d, err := g.Search(t.Context(), tt.question)
		if err != nil {
			t.Fatal(err)
		}
		if d.Elsewhere != tt.elsewhere || !d.Elsewhere && d.Hits[0].Passage.Number != tt.number {
			t.Errorf("%s: refused %v, want %v; outside %+v, best %s by %q", tt.question, d.Elsewhere, tt.elsewhere, d.Outside, d.Ranked[0].Passage.ID, d.Ranked[0].Asked)
		}
	}
}
