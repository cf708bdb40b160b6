package curate_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/curate"
)

// TestWhatWasAddedCanBeTakenOut, at places all over the shipped notes, so that they are as
// before to the last byte.
func TestWhatWasAddedCanBeTakenOut(t *testing.T) {
	notes := shipped(t)
	odd := []string{"押金能不能不交", "a, [b]: {c} # d", `"引号"与\反斜杠`, "yes", "123", "- x", "'单'"}
	for i, e := range everyPlace(t) {
		if i%9 != 0 { // each takes a tenth of a second
			continue
		}
		e.Ask = odd[i%len(odd)]
		with, err := e.Apply(notes)
		if err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		e.Remove = true
		got, err := e.Apply(with)
		if err != nil || !bytes.Equal(got, notes) {
			t.Fatalf("%+v: %v, %d bytes, want %d", e, err, len(got), len(notes))
		}
		if _, err := e.Apply(notes); !errors.Is(err, curate.ErrGone) {
			t.Fatalf("%+v again: %v", e, err)
		}
	}
}

// TestShippedWaysToAskCanBeTakenOut of their topic, and nothing else goes with them.
func TestShippedWaysToAskCanBeTakenOut(t *testing.T) {
	notes := shipped(t)
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	for i, topic := range l.Documents[0].Outside {
		if i%9 != 0 { // each takes a tenth of a second
			continue
		}
		for _, ask := range slices.Compact([]string{topic.Ask[0], topic.Ask[len(topic.Ask)/2], topic.Ask[len(topic.Ask)-1]}) {
			got, err := curate.Edit{Topic: topic.Name, Ask: ask, Remove: true}.Apply(notes)
			if err != nil || len(got) >= len(notes) || len(got) < len(notes)-len(ask)-20 {
				t.Errorf("%s, %q: %v, %d bytes of %d", topic.Name, ask, err, len(got), len(notes))
			}
		}
	}
}

func TestTakingOutInEveryForm(t *testing.T) {
	for name, tt := range map[string]struct{ notes, want string }{
		"first of brackets":  {"outside:\n  - topic: 话\n    ask: [新, 甲, 乙] # 注\n", "    ask: [甲, 乙] # 注\n"},
		"last of brackets":   {"outside:\n  - topic: 话\n    ask: [甲,\n      \"新\"] # 注\n", "    ask: [甲] # 注\n"},
		"a comma at the end": {"outside:\n  - topic: 话\n    ask: [\n      甲,\n      新,\n    ]\n", "    ask: [\n      甲,\n    ]\n"},
		"the only one":       {"outside:\n  - topic: 话\n    ask: [新]\n    keywords: [甲]\n", "  - topic: 话\n    keywords: [甲]\n"},
		"a line":             {"outside:\n  - topic: 话\n    ask:\n      - 甲\n      - '新' # 注\n      - 乙\n", "      - 甲\n      - 乙\n"},
		"the only line":      {"outside:\n  - topic: 话\n    ask:\n      - 新\n\n# 注\nreferences: {}\n", "  - topic: 话\n\n# 注\nreferences: {}\n"},
	} {
		got, err := curate.Edit{Topic: "话", Ask: "新", Remove: true}.Apply([]byte(tt.notes))
		if err != nil || !strings.HasSuffix(string(got), tt.want) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
	for name, tt := range map[string]struct {
		notes string
		want  error
	}{
		"a comment between": {"outside:\n  - topic: 话\n    ask: [新, # 别丢\n      甲]\n", curate.ErrForm},
		"the first key":     {"outside:\n  - ask: [新]\n    topic: 话\n", curate.ErrForm},
		"not there":         {"outside:\n  - topic: 话\n    ask: [甲]\n", curate.ErrGone},
		"no list":           {"outside:\n  - topic: 话\n", curate.ErrGone},
		"no topic":          {"outside: []\n", curate.ErrPlace},
	} {
		if got, err := (curate.Edit{Topic: "话", Ask: "新", Remove: true}).Apply([]byte(tt.notes)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
	}
}
