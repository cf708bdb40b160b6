package index

import (
	"fmt"
	"io"
	"strings"
)

// Explanation is a decision, laid open.
type Explanation struct {
	Question   string             `json:"question"`
	Normalized string             `json:"normalized"`
	Units      []string           `json:"units"`
	Pairs      []string           `json:"pairs"`
	Content    []string           `json:"content"`
	Decision   Kind               `json:"decision"`
	Bar        float64            `json:"bar"`
	Named      float64            `json:"section_bar"`
	Sections   []ExplainedSection `json:"sections"`
	Candidates []ExplainedHit     `json:"candidates"`
}

// ExplainedSection is how surely the question names a section.
type ExplainedSection struct {
	Section string  `json:"section"`
	Score   float64 `json:"score"`
}

// ExplainedHit is a candidate with every part of its score.
type ExplainedHit struct {
	ID     string  `json:"id"`
	Text   string  `json:"text"`
	Score  float64 `json:"score"`
	Chosen bool    `json:"chosen"`
	Parts  []Part  `json:"parts"`
}

// Explain lays a decision open, with at most limit candidates (0: all).
func (d Decision) Explain(limit int) Explanation {
	x := Explanation{
		Question: d.Query.Text, Normalized: d.Query.Normalized, Units: d.Query.Units, Pairs: d.Query.Pairs,
		Content: d.Query.Content, Decision: d.Kind, Bar: d.Bar, Named: named,
		Sections: []ExplainedSection{}, Candidates: []ExplainedHit{},
	}
	for _, n := range d.Named {
		x.Sections = append(x.Sections, ExplainedSection{n.Section.Heading, n.Score})
	}
	chosen := map[string]bool{}
	for _, h := range d.Hits {
		chosen[h.Passage.ID] = true
	}
	for i, h := range d.Ranked {
		if limit > 0 && i >= limit {
			break
		}
		x.Candidates = append(x.Candidates, ExplainedHit{h.Passage.ID, h.Passage.Text, h.Score, chosen[h.Passage.ID], h.Parts})
	}
	return x
}

// Write prints the explanation for people.
func (x Explanation) Write(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "问题      %s\n规范化    %s\n单字      %s\n双字      %s\n实义字    %s\n",
		x.Question, x.Normalized, strings.Join(x.Units, " "), strings.Join(x.Pairs, " "), strings.Join(x.Content, " "))
	fmt.Fprintf(&b, "\n点名的节（达到 %.2f 给出整节）\n", x.Named)
	for _, s := range x.Sections {
		fmt.Fprintf(&b, "  %.3f  %s\n", s.Score, s.Section)
	}
	fmt.Fprintf(&b, "\n候选（达到 %.2f 才作答；√ 为选中）\n", x.Bar)
	for _, c := range x.Candidates {
		mark := " "
		if c.Chosen {
			mark = "√"
		}
		fmt.Fprintf(&b, "%s %.3f  %s\n         %s\n        ", mark, c.Score, c.ID, c.Text)
		for _, p := range c.Parts {
			if p.Weight == 0 {
				fmt.Fprintf(&b, " [%s %.3f]", p.Name, p.Value)
				continue
			}
			fmt.Fprintf(&b, " %s %.3f×%.2f", p.Name, p.Value, p.Weight)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n决定      %s\n", x.Decision)
	_, err := io.WriteString(out, b.String())
	return err
}
