package index

import (
	"strings"
	"testing"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// TestLookAlikesAreNeverTakenForEachOther goes through the list of words that must
// stay apart, both ways: none is mended into its partner, alone or in a question,
// and the vocabulary leads none to its partner but as a look-alike.
func TestLookAlikesAreNeverTakenForEachOther(t *testing.T) {
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Build(t.Context(), l, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	pairs := lexicon.ApartPairs()
	if len(pairs) < 50 {
		t.Fatalf("only %d pairs were read", len(pairs))
	}
	for _, p := range pairs {
		for _, way := range [][2]string{{p[0], p[1]}, {p[1], p[0]}} {
			from, to := analysis.Normalize(way[0]), analysis.Normalize(way[1])
			for _, question := range []string{from, from + "有什么优惠", "AEO企业的" + from + "怎么样"} {
				d, err := g.Search(t.Context(), question)
				if err != nil {
					t.Fatal(err)
				}
				if c := d.Query.Correction; c != nil && strings.Contains(c.To, to) && !strings.Contains(c.From, to) {
					t.Errorf("%q was mended to %q", question, c.To)
				}
				for _, m := range d.Query.matches {
					words := d.Query.text.Folded[d.Query.tokens[m.From].Start:d.Query.tokens[m.To-1].End]
					if words == from && analysis.Normalize(m.Group) == to && !m.Unlike() {
						t.Errorf("%q: the vocabulary leads %s to %s", question, from, to)
					}
				}
			}
		}
	}
}
