package eval

import (
	"cmp"
	"slices"
)

// Difference is a judged question that came out worse than before.
type Difference struct {
	ID       string   `json:"id"`
	Question string   `json:"question"`
	Expect   []string `json:"expect,omitempty"`
	Before   []string `json:"before"` // shown
	After    []string `json:"after"`
}

// all are the verdicts of every kind.
func (v Verdicts) all() []Verdict {
	return slices.Concat(v.Answerable, v.OutOfScope, v.Dialogs, v.Compounds)
}

// WorseThan lists what came out right before and does not any more, or of whose answer
// less is shown, by id.
func (v Verdicts) WorseThan(before Verdicts) []Difference {
	was := map[string]Verdict{}
	for _, b := range before.all() {
		was[b.ID] = b
	}
	var worse []Difference
	for _, now := range v.all() {
		b, known := was[now.ID]
		if known && (b.Hit && !now.Hit || round(now.Recall) < round(b.Recall)) {
			worse = append(worse, Difference{now.ID, now.Question, now.Expect, b.Shown, now.Shown})
		}
	}
	slices.SortFunc(worse, func(x, y Difference) int { return cmp.Compare(x.ID, y.ID) })
	return worse
}
