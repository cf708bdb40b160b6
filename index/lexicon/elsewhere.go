package lexicon

import (
	_ "embed"
	"slices"
	"strings"
)

//go:embed elsewhere.tsv
var elsewhere string

// Topic is something people talk of, and the ways they do.
type Topic struct {
	Name string
	Ask  []string
}

// Elsewhere are topics of talk and office life that no knowledge of measures has
// anything on. Each line of the file is a topic and a way to speak of it.
func Elsewhere() []Topic {
	var topics []Topic
	for line := range strings.Lines(elsewhere) {
		name, ask, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		i := slices.IndexFunc(topics, func(t Topic) bool { return t.Name == name })
		if i < 0 {
			i = len(topics)
			topics = append(topics, Topic{Name: name})
		}
		topics[i].Ask = append(topics[i].Ask, ask)
	}
	return topics
}
