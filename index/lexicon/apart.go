package lexicon

import (
	"cmp"
	_ "embed"
	"slices"
	"strings"

	"aeobot/index/analysis"
)

//go:embed apart.tsv
var apartData string

// apart are pairs of words that look or sound alike and must never be taken for
// each other, in both orders.
var apart = readApart(apartData)

func readApart(data string) map[string][]string {
	pairs := map[string][]string{}
	for line := range strings.Lines(data) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) < 2 || strings.HasPrefix(line, "#") {
			continue
		}
		a, b := analysis.Normalize(cells[0]), analysis.Normalize(cells[1])
		pairs[a], pairs[b] = append(pairs[a], b), append(pairs[b], a)
	}
	return pairs
}

// ApartPairs lists the pairs, folded.
func ApartPairs() [][2]string {
	var pairs [][2]string
	for a, others := range apart {
		for _, b := range others {
			if a < b {
				pairs = append(pairs, [2]string{a, b})
			}
		}
	}
	slices.SortFunc(pairs, func(x, y [2]string) int { return cmp.Or(strings.Compare(x[0], y[0]), strings.Compare(x[1], y[1])) })
	return pairs
}

// Apart tells that folded text to has a word in the place of another of from that
// must never be taken for it.
func Apart(from, to string) bool {
	for a, others := range apart {
		if !strings.Contains(from, a) || strings.Contains(to, a) {
			continue
		}
		for _, b := range others {
			if strings.Contains(to, b) && !strings.Contains(from, b) {
				return true
			}
		}
	}
	return false
}
