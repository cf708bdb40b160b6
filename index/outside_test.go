package index_test

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestTopicsAreNamedOnlyWhenSure asks what the knowledge has nothing on: a topic that is
// named is the one asked about, and topics do get named.
func TestTopicsAreNamedOnlyWhenSure(t *testing.T) {
	data, err := os.ReadFile("testdata/refusals.tsv")
	if err != nil {
		t.Fatal(err)
	}
	g := shipped(t)
	named, all := 0, 0
	for line := range strings.Lines(string(data)) {
		question, topics, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || strings.HasPrefix(question, "#") {
			continue
		}
		all++
		d, err := g.Search(t.Context(), question)
		if err != nil {
			t.Fatal(err)
		}
		if !d.Elsewhere || d.Outside.General || !d.Outside.Sure() {
			continue
		}
		if named++; !slices.Contains(strings.Split(topics, "|"), d.Outside.Topic) {
			t.Errorf("%s is refused as a question on %s", question, d.Outside.Topic)
		}
	}
	if all < 120 || named < 30 {
		t.Errorf("%d of %d questions name a topic, want more", named, all)
	}
}
