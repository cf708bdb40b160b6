package bot

import (
	"fmt"
	"slices"

	"aeobot/knowledge"
)

// origin tells where the text was published. It is an answer when anything is known
// of that; nothing is quoted, so what was shown before stays the thing to go on with.
func (t *turn) origin(Intent) (Reply, error) {
	t.asked = t.text
	b := t.originOf(nil)
	r, _ := t.fit(ActAnswer, draft{blocks: []block{b}}, nil)
	r.Answered = b.originKnown()
	r.Parts = []Part{{t.asked, r.Answered}}
	return r, nil
}

// asksOrigin reports whether all that a question says is about where the text comes from.
func asksOrigin(question string) bool {
	all := pieces(question, sentenceEnds+clauseEnds)
	return len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool { return !says(s, IntentOrigin) })
}

// originOf names the documents that words above came from; without any, those of the
// last answer, and before any answer the first ones there are.
func (t *turn) originOf(above []hit) block {
	if len(above) == 0 {
		v, _ := t.current()
		above = recall(t.library, v.Shown)
	}
	documents := documentsOf(above)
	if len(documents) == 0 {
		documents = t.library.Documents
	}
	var b block
	b.origin = documents[:min(len(documents), maxSuggestions)]
	if more := len(documents) - maxSuggestions; more > 0 {
		b.note = fmt.Sprintf(textMoreOrigins, more)
	}
	return b
}

// documentsOf are the documents of hits, each once.
func documentsOf(hits []hit) []*knowledge.Document {
	var documents []*knowledge.Document
	for _, h := range hits {
		if !slices.Contains(documents, h.passage.Document) {
			documents = append(documents, h.passage.Document)
		}
	}
	return documents
}

func (b block) originKnown() bool {
	return slices.ContainsFunc(b.origin, func(d *knowledge.Document) bool { return d.Provenance.Known() })
}
