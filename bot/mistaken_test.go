package bot_test

import (
	"os"
	"strings"
	"testing"

	"aeobot/bot"
)

// TestNothingIsMistaken: holidays, the company itself, other kinds of enterprises and things
// that look alike get no measure.
func TestNothingIsMistaken(t *testing.T) {
	data, err := os.ReadFile("testdata/mistaken.tsv")
	if err != nil {
		t.Fatal(err)
	}
	e := bot.New(live(t), nil, bot.Options{})
	for line := range strings.Lines(string(data)) {
		question, want, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		r := answer(t, e, bot.Message{Text: question, Surface: screen})
		says := map[string]string{"-": "", "origin": "来源："}
		words, known := says[want]
		if !known {
			words = want
		}
		if len(r.Shown) > 0 || r.Answered != (want == "origin") || !strings.Contains(r.Text, words) {
			t.Errorf("%s: %v, answered %v, want %s: %s", question, ids(r), r.Answered, want, r.Text)
		}
	}
}
