package knowledge_test

import (
	"fmt"
	"strings"
	"testing"

	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// TestCustomersReadNothingOfOurChecking: a note that speaks of it needs a wording for people
// outside, which lint asks for; until there is one, they read where to ask.
func TestCustomersReadNothingOfOurChecking(t *testing.T) {
	for _, tt := range []struct {
		state string
		read  string // by people outside
		found string // by lint
	}{
		{`status: current, note: 依据是2022年的通知。`, "依据是2022年的通知。", ""},
		{`status: current, note: 没有查验要求，也没有核准手续。`, "没有查验要求，也没有核准手续。", ""},
		{`status: unsure, note: 没有查到这一项的官方条文。`, "请以主管部门的现行规定为准。", "补上 customer"},
		{`status: regional, note: 各地条文均未核实。`, "各地做法不同，请以当地的现行规定为准。", "补上 customer"},
		{`status: unsure, note: 条文未核实，勿当现行承诺。, customer: 请以海关答复为准。`, "请以海关答复为准。", ""},
		{`status: unsure, note: 条文未核实。, customer: 条文尚未核对。`, "条文尚未核对。", "改写 customer"},
		{`status: current`, "", ""},
	} {
		notes := fmt.Sprintf("sections:\n  - heading: 地方支持\n    measures:\n      - number: 1\n        states:\n          - {%s}\n", tt.state)
		l, err := knowledge.LoadFiles(map[string][]byte{"a.txt": []byte("AEO支持\n\n地方支持\n1.奖励\n2.用地\n"), "a.notes.yaml": []byte(notes)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Documents[0].Sections[0].Measures[0].Notes.On("2026-11-30").ForCustomers(); got != tt.read {
			t.Errorf("%s: people outside read %q, want %q", tt.state, got, tt.read)
		}
		found := fmt.Sprint(l.Findings())
		if len(l.Findings()) > 0 != (tt.found != "") || !strings.Contains(found, tt.found) {
			t.Errorf("%s: found %s, want %q", tt.state, found, tt.found)
		}
	}
}

// TestAWordingForCustomersIsAChange that a diff shows.
func TestAWordingForCustomersIsAChange(t *testing.T) {
	load := func(state string) *knowledge.Library {
		t.Helper()
		l, err := knowledge.LoadFiles(map[string][]byte{"a.txt": []byte("AEO支持\n\n地方支持\n1.奖励\n2.用地\n"),
			"a.notes.yaml": []byte("sections: [{heading: 地方支持, measures: [{number: 1, states: [{status: unsure, note: 待核" + state + "}]}]}]")}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if got := fmt.Sprint(knowledge.Diff(load(""), load(", customer: 请问海关"))); !strings.Contains(got, "请问海关") {
		t.Errorf("got %s", got)
	}
}

// TestShippedWordingsForCustomers are shorter than the notes, and say no date, number or name
// that the notes do not.
func TestShippedWordingsForCustomers(t *testing.T) {
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range l.Passages() {
		for _, s := range p.Notes.States {
			if s.Customer == "" {
				continue
			}
			if len(s.Customer) > len(s.Note)+len("具体以为准") {
				t.Errorf("%s: %q is longer than %q", p.ID, s.Customer, s.Note)
			}
			for _, fact := range strings.FieldsFunc(s.Customer, func(r rune) bool { return !strings.ContainsRune("0123456789-", r) }) {
				if !strings.Contains(s.Note, fact) {
					t.Errorf("%s: %q is not in the note %q", p.ID, fact, s.Note)
				}
			}
		}
	}
}
