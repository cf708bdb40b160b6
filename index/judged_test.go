package index_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"aeobot/index"
)

// judged reads the questions of a file of index/eval/questions.
func judged(t *testing.T, name string) []string {
	t.Helper()
	f, err := os.Open("eval/questions/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var questions []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var q struct{ Question string }
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			t.Fatal(err)
		}
		questions = append(questions, q.Question)
	}
	return questions
}

// TestAskingBackOffersWhatCanBeAnswered goes through all known questions: where it is
// asked back what was meant, each of the up to three choices has an answer itself.
func TestAskingBackOffersWhatCanBeAnswered(t *testing.T) {
	g := shipped(t)
	asked := 0
	for _, file := range []string{"given-single.jsonl", "given-outofscope.jsonl", "dev-single.jsonl", "dev-outofscope.jsonl"} {
		for _, question := range judged(t, file) {
			d, err := g.Search(t.Context(), question)
			if err != nil {
				t.Fatal(err)
			}
			if d.Kind != index.Unsure {
				continue
			}
			asked++
			if len(d.Choices) == 0 || len(d.Choices) > 3 || len(d.Hits) != 0 {
				t.Errorf("%q: choices %q, %d hits", question, d.Choices, len(d.Hits))
			}
			for _, c := range d.Choices {
				if again, err := g.Search(t.Context(), c); err != nil || len(again.Hits) == 0 {
					t.Errorf("%q offers %q, which has no answer: %s, %v", question, c, again.Kind, err)
				}
			}
		}
	}
	if asked == 0 {
		t.Error("no question was asked back")
	}
}
