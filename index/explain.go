package index

import (
	"fmt"
	"io"
	"strings"
)

// Explanation is a decision, laid open.
type Explanation struct {
	Question   string      `json:"question"`
	Correction *Correction `json:"correction"` // nil: nothing was taken for a slip
	Normalized string      `json:"normalized"`
	// Tokens are the units in order; Content those that say what is asked about.
	Tokens   []string          `json:"tokens"`
	Content  []string          `json:"content"`
	Synonyms []ExplainedSense  `json:"synonyms"`
	AskedFor []string          `json:"asked_for"` // facets: amount, duration, …
	Decision Kind              `json:"decision"`
	Choices  []string          `json:"choices"`
	Bar      float64           `json:"bar"`
	Named    float64           `json:"section_bar"`
	Outside  *ExplainedOutside `json:"outside"`
	// Sections are all sections with how surely the question names them.
	Sections   []ExplainedSection `json:"sections"`
	Candidates []ExplainedHit     `json:"candidates"`
}

// ExplainedSense is a word of the question that the vocabulary leads elsewhere.
type ExplainedSense struct {
	Words    string  `json:"words"` // as the question has them
	Group    string  `json:"group"`
	Relation string  `json:"relation"`
	Weight   float64 `json:"weight"`
	Note     string  `json:"note"`
}

// ExplainedOutside is the nearest topic the knowledge has nothing on.
type ExplainedOutside struct {
	Topic string  `json:"topic"`
	Score float64 `json:"score"`
	Asked string  `json:"asked"`
	// Decided says that the question was refused for it.
	Decided bool `json:"decided"`
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
	Asked  string  `json:"asked"` // the nearest curated way to ask
	Alike  float64 `json:"alike"`
	Parts  []Part  `json:"parts"`
}

// Explain lays a decision open, with at most limit candidates (0: all).
func (d Decision) Explain(limit int) Explanation {
	q := &d.Query
	x := Explanation{
		Question: q.Text, Correction: q.Correction, Normalized: q.text.Folded, Decision: d.Kind,
		Bar: d.Bar, Named: named, Tokens: []string{}, Content: []string{}, Synonyms: []ExplainedSense{},
		AskedFor: []string{}, Choices: append([]string{}, d.Choices...),
		Sections: []ExplainedSection{}, Candidates: []ExplainedHit{},
	}
	for i, t := range q.tokens {
		word := q.text.Folded[t.Start:t.End]
		x.Tokens = append(x.Tokens, word)
		if !q.asking[i] {
			x.Content = append(x.Content, word)
		}
	}
	for _, m := range q.matches {
		from, to := q.text.Span(q.tokens[m.From].Start, q.tokens[m.To-1].End)
		x.Synonyms = append(x.Synonyms, ExplainedSense{q.text.Source[from:to], m.Group, string(m.Relation), m.Weight(), m.Note})
	}
	for _, f := range q.facets {
		x.AskedFor = append(x.AskedFor, f.Name)
	}
	if o := d.Outside; o != nil {
		x.Outside = &ExplainedOutside{o.Topic, o.Score, o.Asked, d.Elsewhere}
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
		x.Candidates = append(x.Candidates, ExplainedHit{h.Passage.ID, h.Passage.Text, h.Score, chosen[h.Passage.ID], h.Asked, h.Alike, h.Parts})
	}
	return x
}

// Write prints the explanation for people.
func (x Explanation) Write(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "问题      %s\n", x.Question)
	if x.Correction != nil {
		fmt.Fprintf(&b, "更正      %s → %s\n", x.Correction.From, x.Correction.To)
	}
	fmt.Fprintf(&b, "规范化    %s\n切分      %s\n实义      %s\n", x.Normalized, strings.Join(x.Tokens, " "), strings.Join(x.Content, " "))
	for _, s := range x.Synonyms {
		fmt.Fprintf(&b, "词汇      %s → %s（%s，%.2f）%s\n", s.Words, s.Group, inChinese(s.Relation), s.Weight, s.Note)
	}
	if len(x.AskedFor) > 0 {
		fmt.Fprintf(&b, "问的是    %s\n", strings.Join(all(x.AskedFor), " "))
	}
	if o := x.Outside; o != nil {
		mark := " "
		if o.Decided {
			mark = "√"
		}
		fmt.Fprintf(&b, "\n知识库没有写的话题\n%s %.3f  %s（%s）\n", mark, o.Score, o.Topic, o.Asked)
	}
	fmt.Fprintf(&b, "\n点名的节（达到 %.2f 给出整节）\n", x.Named)
	for _, s := range x.Sections {
		fmt.Fprintf(&b, "  %.3f  %s\n", s.Score, s.Section)
	}
	fmt.Fprintf(&b, "\n候选（达到 %.2f 才作答；√ 为选中）\n", x.Bar)
	for _, c := range x.Candidates {
		x.writeHit(&b, c)
	}
	fmt.Fprintf(&b, "\n决定      %s\n", x.Decision.Name())
	for _, c := range x.Choices {
		fmt.Fprintf(&b, "反问      %s\n", c)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// names are what operators read for what the program calls otherwise; the program's word
// follows, for searching.
var names = map[string]string{
	"synonym": "同义", "broader": "词比这里说的宽", "narrower": "词比这里说的窄", "oneway": "俗称或旧称",
	"words": "字词", "asked": "问法", "keyword": "关键词", "label": "部门", "unlike": "易混", "facet": "没有写要问的", "context": "上下文",
	"coverage": "覆盖", "bleve": "检索分",
	string(Refused): "不答", string(Unsure): "反问", string(Measures): "给出各条", string(Sections): "给出整节",
	"amount": "金额", "fee": "费用", "rate": "比例", "duration": "多久", "frequency": "多久一次", "deadline": "截止", "hours": "几点上班",
	"count": "几个", "procedure": "怎么办", "documents": "要什么材料", "condition": "什么条件", "list": "有哪些", "where": "在哪里",
	"contact": "找谁联系", "penalty": "怎么处罚", "definition": "是什么", "comparison": "有什么不同", "reason": "为什么", "who": "谁",
}

// Name is how operators read a decision.
func (k Kind) Name() string { return inChinese(string(k)) }

func inChinese(word string) string {
	if name, known := names[word]; known {
		return name + "(" + word + ")"
	}
	return word
}

func all(words []string) []string {
	said := make([]string, len(words))
	for i, w := range words {
		said[i] = inChinese(w)
	}
	return said
}

func (x Explanation) writeHit(b *strings.Builder, c ExplainedHit) {
	mark := " "
	if c.Chosen {
		mark = "√"
	}
	fmt.Fprintf(b, "%s %.3f  %s\n         %s\n        ", mark, c.Score, c.ID, c.Text)
	for _, p := range c.Parts {
		if p.Weight == 0 {
			fmt.Fprintf(b, " [%s %.3f]", inChinese(p.Name), p.Value)
			continue
		}
		fmt.Fprintf(b, " %s %.3f×%.2f", inChinese(p.Name), p.Value, p.Weight)
	}
	if c.Asked != "" {
		fmt.Fprintf(b, "\n         最近的问法 %.3f  %s", c.Alike, c.Asked)
	}
	b.WriteString("\n")
}
