package bot

import (
	"fmt"
	"strings"

	"aeobot/knowledge"
)

// count says how many measures the sections last shown have, and the whole.
func (t *turn) count(Intent) (Reply, error) {
	var lines []string
	documents := t.library.Documents
	if v, ok := t.current(); ok {
		shown := recall(t.library, v.screen())
		for _, s := range sectionsOf(shown) {
			if s.Heading != "" {
				lines = append(lines, fmt.Sprintf(textCount, s.Heading, len(s.Measures)))
			}
		}
		if of := documentsOf(shown); len(of) > 0 {
			documents = of
		}
	}
	if len(documents) > maxSuggestions {
		lines = append(lines, fmt.Sprintf(textCountMany, len(documents), len(t.library.Passages())))
		documents = nil
	}
	for _, d := range documents {
		lines = append(lines, countOf(d))
	}
	w := writer{markdown: t.message.Surface.Markdown}
	r := t.say(ActDetail, w.safe(strings.Join(lines, "\n")))
	r.Answered, r.Parts = true, []Part{{t.text, true}}
	return r, nil
}

// countOf says how many measures a document has in each section.
func countOf(d *knowledge.Document) string {
	var each []string
	all := 0
	for _, s := range d.Sections {
		all += len(s.Measures)
		if s.Heading != "" && len(d.Sections) > 1 {
			each = append(each, fmt.Sprintf("%s%d条", s.Heading, len(s.Measures)))
		}
	}
	switch {
	case all == 0:
		return fmt.Sprintf(textCountNone, d.Title)
	case len(each) == 0:
		return fmt.Sprintf(textCount, d.Title, all)
	}
	return fmt.Sprintf(textCountAll, d.Title, len(d.Sections), all, strings.Join(each, "、"))
}

// ranking says that the knowledge has no order but the source's.
func (t *turn) ranking(Intent) (Reply, error) {
	v, ok := t.current()
	sections := sectionsOf(recall(t.library, v.screen()))
	if !ok || len(sections) == 0 {
		near := t.headings()
		return t.choose(ActClarify, textUnranked+"\n"+fmt.Sprintf(textNearest, quoteList(near)), near), nil
	}
	s, n := sections[0], few
	if numbers := readNumbers(t.text); len(numbers) > 0 && numbers[0] > 0 {
		n = numbers[0]
	}
	return t.say(ActClarify, textUnranked+fmt.Sprintf(textFirstFew, s.Heading, len(s.Measures), min(n, len(s.Measures)))), nil
}
