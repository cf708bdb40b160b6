package curate_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/curate"
)

func shipped(t testing.TB) []byte {
	t.Helper()
	data, err := articles.FS.ReadFile("aeo-incentives.notes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// everyPlace is an edit for each measure, section, paragraph and topic of the shipped
// article.
func everyPlace(t testing.TB) (all []curate.Edit) {
	t.Helper()
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	d := l.Documents[0]
	for _, s := range d.Sections {
		all = append(all, curate.Edit{Section: s.Heading})
		for _, m := range s.Measures {
			all = append(all, curate.Edit{Section: s.Heading, Number: m.Number})
		}
	}
	for _, topic := range d.Outside {
		all = append(all, curate.Edit{Topic: topic.Name})
	}
	return append(all, curate.Edit{Starts: "总之,AEO制度通过"})
}

// TestEditsTouchNothingElse adds at every place of the shipped notes: what is added can be
// read there, and all other bytes are as before.
func TestEditsTouchNothingElse(t *testing.T) {
	notes := shipped(t)
	odd := []string{"押金能不能不交", "a, [b]: {c} # d", `"引号"与\反斜杠`, "yes", "123", "- x", "? y", "'单'", "换\n行"}
	for i, place := range everyPlace(t) {
		if testing.Short() && i%5 != 0 {
			continue
		}
		e := place
		e.Ask = odd[i%len(odd)]
		got, err := e.Apply(notes)
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		added := len(got) - len(notes)
		at := 0
		for at < len(notes) && notes[at] == got[at] {
			at++
		}
		if added <= 0 || !bytes.Equal(got[at+added:], notes[at:]) {
			t.Fatalf("%+v: more changed than was added", e)
		}
		if i%10 != 0 {
			continue
		}
		if _, err := e.Apply(got); !errors.Is(err, curate.ErrThere) {
			t.Errorf("%+v again: %v", e, err)
		}
	}
}

func TestEditsAreReadAsTheyAreMeant(t *testing.T) {
	notes := shipped(t)
	for _, e := range []curate.Edit{
		{Section: "海关直接激励措施", Number: 5, Ask: "押金能不能不交"},
		{Section: "海关直接激励措施", Number: 5, Keyword: "押金减免"},
		{Section: "海关直接激励措施", Number: 5, Unlike: &curate.Unlike{Term: "保证金退还", Why: "那是退还，不是免除"}},
		{Section: "海关直接激励措施", Number: 12, Unlike: &curate.Unlike{Term: "罚款, [多少]", Why: "没有写"}},
		{Section: "地方政府特色支持", Ask: "市里给什么"},
		{Topic: "认证费用", Ask: "办下来贵不贵"},
	} {
		got, err := e.Apply(notes)
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		var root map[string]any
		if err := yaml.Unmarshal(got, &root); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		text, _ := yaml.Marshal(root)
		for _, want := range []string{e.Ask, e.Keyword} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%+v: %q is not in the notes", e, want)
			}
		}
		if e.Unlike != nil && !strings.Contains(string(text), e.Unlike.Why) {
			t.Errorf("%+v is not in the notes", e)
		}
	}
}

func TestEditsInEveryForm(t *testing.T) {
	for name, tt := range map[string]struct{ notes, want string }{
		"a list in brackets": {"sections:\n  - heading: 节\n    measures:\n      - number: 1\n        ask: [甲, 乙] # 注\n", "ask: [新, 甲, 乙] # 注"},
		"a list of lines":    {"sections:\n  - heading: 节\n    measures:\n      - number: 1\n        ask:\n          # 注\n          - 甲\n", "          # 注\n          - 新\n          - 甲\n"},
		"no list":            {"sections:\n  - heading: 节\n    measures:\n      - number: 1\n        keywords: [丙]\n", "      - number: 1\n        ask: [新]\n        keywords: [丙]\n"},
		"the last line":      {"sections:\n  - heading: 节\n    measures:\n      - number: 1", "      - number: 1\n        ask: [新]\n"},
		"over lines":         {"sections:\n  - heading: 节\n    measures:\n      - number: 1\n        ask: [\n          甲,\n        ]\n", "          新, 甲,"},
	} {
		got, err := curate.Edit{Section: "节", Number: 1, Ask: "新"}.Apply([]byte(tt.notes))
		if err != nil || !strings.Contains(string(got), tt.want) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}

func TestEditsThatCannotBe(t *testing.T) {
	good := "sections:\n  - heading: 节\n    measures:\n      - number: 1\n        ask: [甲]\n"
	for name, tt := range map[string]struct {
		notes string
		edit  curate.Edit
		want  error
	}{
		"nothing":          {good, curate.Edit{Section: "节", Number: 1, Ask: "  "}, curate.ErrEmpty},
		"two things":       {good, curate.Edit{Section: "节", Number: 1, Ask: "a", Keyword: "b"}, curate.ErrEmpty},
		"no such topic":    {good, curate.Edit{Topic: "别的", Ask: "a"}, curate.ErrPlace},
		"there already":    {good, curate.Edit{Section: "节", Number: 1, Ask: "甲"}, curate.ErrThere},
		"no YAML":          {"sections: [", curate.Edit{Section: "节", Ask: "a"}, curate.ErrForm},
		"no mapping":       {"- a\n", curate.Edit{Section: "节", Ask: "a"}, curate.ErrForm},
		"empty":            {"", curate.Edit{Section: "节", Ask: "a"}, curate.ErrForm},
		"all in one line":  {"sections: [{heading: 节, measures: [{number: 1}]}]\n", curate.Edit{Section: "节", Number: 1, Ask: "a"}, curate.ErrForm},
		"an anchor's list": {"x: &a [甲]\nsections:\n  - heading: 节\n    ask: *a\n", curate.Edit{Section: "节", Ask: "新"}, curate.ErrForm},
		"a word, no list":  {"sections:\n  - heading: 节\n    ask: 甲\n", curate.Edit{Section: "节", Ask: "新"}, curate.ErrForm},
	} {
		if got, err := tt.edit.Apply([]byte(tt.notes)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}

// FuzzApply: whatever is added wherever, either it is refused or the notes differ in it
// alone (Apply proves that itself) and stay YAML.
func FuzzApply(f *testing.F) {
	f.Add("sections:\n  - heading: 节\n    measures:\n      - number: 1\n        ask: [甲]\n", "节", 1, "新")
	f.Add("sections:\n  - heading: 节\n    ask:\n      - 甲\n", "节", 0, "a: b")
	f.Fuzz(func(t *testing.T, notes, section string, number int, words string) {
		got, err := curate.Edit{Section: section, Number: number, Ask: words}.Apply([]byte(notes))
		if err != nil {
			return
		}
		var v any
		if err := yaml.Unmarshal(got, &v); err != nil {
			t.Errorf("%v\n%q", err, got)
		}
	})
}

// TestAnEntryThatIsMissingIsMade, and what stood in the notes stays.
func TestAnEntryThatIsMissingIsMade(t *testing.T) {
	for name, c := range map[string]struct {
		notes string
		edit  curate.Edit
		want  string
	}{
		"measure":   {"document: a\nsections:\n  - heading: 甲 # 说明\n    ask: [问甲]\n", curate.Edit{Section: "甲", Number: 3, Ask: "怎么办"}, "number: 3\n        ask: [怎么办]"},
		"section":   {"document: a\nsections:\n  - heading: 乙\n", curate.Edit{Section: "甲", Number: 3, Ask: "怎么办"}, "heading: 甲\n    measures:\n      - number: 3\n        ask: [怎么办]"},
		"all":       {"document: a\n", curate.Edit{Section: "甲", Ask: "怎么办"}, "sections:\n  - heading: 甲\n    ask: [怎么办]"},
		"empty":     {"document: a\nsections:\n", curate.Edit{Section: "甲", Ask: "怎么办"}, "- heading: 甲\n    ask: [怎么办]"},
		"paragraph": {"document: a\nparagraphs:\n  - starts: 别的\n", curate.Edit{Starts: "总之很好", Ask: "怎么样"}, "- starts: 总之很好\n    ask: [怎么样]"},
		"known":     {"document: a\nparagraphs:\n  - starts: 总之\n    role: closing\n", curate.Edit{Starts: "总之很好", Ask: "怎么样"}, "- starts: 总之\n    ask: [怎么样]\n    role: closing"},
	} {
		got, err := c.edit.Apply([]byte(c.notes))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(string(got), c.want) {
			t.Errorf("%s: got\n%s\nwant in it\n%s", name, got, c.want)
		}
		if strings.Contains(c.notes, "# 说明") && !(strings.Contains(string(got), "# 说明") && strings.Contains(string(got), "ask: [问甲]")) {
			t.Errorf("%s: what stood there is gone:\n%s", name, got)
		}
	}
	if _, err := (curate.Edit{Section: "甲", Ask: "问"}).Apply([]byte("document: a\n---\nsections: []\n")); !errors.Is(err, curate.ErrForm) {
		t.Errorf("notes with a second YAML, which would be lost: %v", err)
	}
	if _, err := (curate.Edit{Topic: "没有的话题", Ask: "问"}).Apply([]byte("document: a\n")); !errors.Is(err, curate.ErrPlace) {
		t.Errorf("an unknown topic: %v", err)
	}
	if _, err := (curate.Edit{Section: "甲", Ask: "问"}).Apply([]byte("document: a\nsections: 三\n")); err == nil {
		t.Error("a list that is none was written over")
	}
}

// TestStatesAreReplaced in the shipped notes, each measure's in turn: nothing else changes,
// and the knowledge reads them as they were meant.
func TestStatesAreReplaced(t *testing.T) {
	notes := shipped(t)
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range l.Passages() {
		if p.Number == 0 || testing.Short() && i%5 != 0 {
			continue
		}
		add := knowledge.State{Status: knowledge.StatusUnsure, From: "2027-01-01", To: "2027-02-01", Note: "见[公告] # \"引\"", Customer: "以公告为准：{原文}, '引'"}
		want := p.Notes.With(add)
		e := curate.Edit{Section: p.Heading, Number: p.Number}
		for _, s := range want {
			e.States = append(e.States, curate.State{Status: string(s.Status), From: s.From, To: s.To, Note: s.Note, Customer: s.Customer})
		}
		changed, err := e.Apply(notes)
		if err != nil {
			t.Fatalf("%s: %v", p.ID, err)
		}
		if gone := linesOnlyIn(notes, changed); len(gone) > 18 {
			t.Errorf("%s: %d lines are gone", p.ID, len(gone))
		}
		source, err := articles.FS.ReadFile("aeo-incentives.txt")
		if err != nil {
			t.Fatal(err)
		}
		now, err := knowledge.LoadFiles(map[string][]byte{"aeo-incentives.txt": source, "aeo-incentives.notes.yaml": changed}, nil)
		if err != nil {
			t.Fatal(err)
		}
		q, _ := now.Passage(p.ID)
		if !slices.Equal(q.Notes.States, want) || len(now.Findings()) > len(l.Findings()) {
			t.Errorf("%s: got %v, want %v; %v", p.ID, q.Notes.States, want, now.Findings())
		}
		if _, err := e.Apply(changed); !errors.Is(err, curate.ErrThere) {
			t.Errorf("%s: again: %v", p.ID, err)
		}
	}
}

func linesOnlyIn(a, b []byte) (only []string) {
	has := map[string]int{}
	for _, l := range strings.Split(string(b), "\n") {
		has[l]++
	}
	for _, l := range strings.Split(string(a), "\n") {
		if has[l]--; has[l] < 0 {
			only = append(only, l)
		}
	}
	return only
}
