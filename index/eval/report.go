package eval

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Report is what an evaluation found. Its figures are shares from 0 to 1.
type Report struct {
	Answerable []Group `json:"answerable,omitempty"`
	OutOfScope []Group `json:"out_of_scope,omitempty"`
	Dialogs    []Group `json:"dialogs,omitempty"`
	// WholeDialogs is the share of dialogs of which every turn passed.
	WholeDialogs float64 `json:"whole_dialogs,omitempty"`
	// Compounds are messages that must be split and traps that must not; hit is the
	// share with the right number of parts, recall that of parts rightly answered.
	Compounds []Group           `json:"compounds,omitempty"`
	Losses    []Loss            `json:"losses,omitempty"`
	Misses    []Verdict         `json:"misses"`
	Verdicts  map[string]Result `json:"verdicts"`
}

// Group are the figures of one kind; the first of a list is all kinds together.
type Group struct {
	Kind      string  `json:"kind"`
	Questions int     `json:"questions"`
	Hit       float64 `json:"hit"` // hit@1; share refused; turns passed
	Recall    float64 `json:"recall"`
	Precision float64 `json:"precision"`
}

// Result is what a later report is compared with.
type Result struct {
	Hit    bool    `json:"hit"`
	Recall float64 `json:"recall"`
}

// Verdicts are what a report adds up.
type Verdicts struct{ Answerable, OutOfScope, Dialogs, Compounds []Verdict }

// NewReport adds up verdicts.
func NewReport(all Verdicts) Report {
	r := Report{Answerable: groups(all.Answerable), OutOfScope: groups(all.OutOfScope), Dialogs: groups(all.Dialogs), Compounds: groups(all.Compounds),
		Misses: []Verdict{}, Verdicts: map[string]Result{}}
	if passed, n := Dialogs(all.Dialogs); n > 0 {
		r.WholeDialogs = round(float64(passed) / float64(n))
	}
	for _, v := range slices.Concat(all.Answerable, all.OutOfScope, all.Dialogs, all.Compounds) {
		r.Verdicts[v.ID] = Result{v.Hit, round(v.Recall)}
		if !v.Hit || v.Recall < 1 {
			r.Misses = append(r.Misses, v)
		}
	}
	return r
}

func groups(verdicts []Verdict) []Group {
	if len(verdicts) == 0 {
		return nil
	}
	all := []Group{{Kind: "all"}}
	for _, v := range verdicts {
		i := slices.IndexFunc(all, func(g Group) bool { return g.Kind == v.Kind })
		if i < 0 {
			i = len(all)
			all = append(all, Group{Kind: v.Kind})
		}
		for _, g := range []*Group{&all[0], &all[i]} {
			g.Questions++
			g.Hit += share(v.Hit)
			g.Recall += v.Recall
			g.Precision += v.Precision
		}
	}
	for i := range all {
		n := float64(all[i].Questions)
		all[i].Hit, all[i].Recall, all[i].Precision = round(all[i].Hit/n), round(all[i].Recall/n), round(all[i].Precision/n)
	}
	return all
}

// round keeps four digits, so that a report does not hang on the order of a sum.
func round(x float64) float64 { return float64(int(x*10000+0.5)) / 10000 }

// Worse lists the questions that were right in before and are not any more, or of
// whose answer less is shown.
func (r Report) Worse(before Report) []string {
	var worse []string
	for id, b := range before.Verdicts {
		if now, ok := r.Verdicts[id]; ok && (b.Hit && !now.Hit || now.Recall < b.Recall) {
			worse = append(worse, id)
		}
	}
	slices.Sort(worse)
	return worse
}

// ReadReport reads a report written as JSON.
func ReadReport(file string) (Report, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return Report{}, fmt.Errorf("eval: %w", err)
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return Report{}, fmt.Errorf("eval: %s: %w; a baseline is a report made with --json", file, err)
	}
	return r, nil
}

// WriteJSON writes the report so that it can be a later baseline.
func (r Report) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// Write writes the report as Markdown.
func (r Report) Write(w io.Writer) error {
	var b strings.Builder
	table := func(title, hit string, groups []Group) {
		if groups == nil {
			return
		}
		fmt.Fprintf(&b, "## %s\n\n| kind | questions | %s | recall | precision |\n|---|---:|---:|---:|---:|\n", title, hit)
		for _, g := range groups {
			fmt.Fprintf(&b, "| %s | %d | %.3f | %.3f | %.3f |\n", g.Kind, g.Questions, g.Hit, g.Recall, g.Precision)
		}
		b.WriteString("\n")
	}
	table("Questions with an answer", "hit@1", r.Answerable)
	table("Questions without an answer", "refused", r.OutOfScope)
	table("Dialogs, by turn", "passed", r.Dialogs)
	if r.Dialogs != nil {
		fmt.Fprintf(&b, "Whole dialogs passed: %.3f\n\n", r.WholeDialogs)
	}
	table("Messages with several questions, and traps", "right number of parts", r.Compounds)
	writeLosses(&b, r.Losses)
	fmt.Fprintf(&b, "## Misses: %d\n\n", len(r.Misses))
	if len(r.Misses) > 0 {
		b.WriteString("| id | kind | question | expected | shown | recall |\n|---|---|---|---|---|---:|\n")
	}
	for _, m := range r.Misses {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %.2f |\n", m.ID, m.Kind, cell(m.Question), cell(strings.Join(m.Expect, " ")), cell(shorten(m.Shown)), m.Recall)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cell keeps a text inside a cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "*", "\\*").Replace(s)
}

func shorten(names []string) string {
	if len(names) > top {
		return strings.Join(names[:top], " ") + " …"
	}
	return strings.Join(names, " ")
}

func writeLosses(b *strings.Builder, losses []Loss) {
	if losses == nil {
		return
	}
	b.WriteString("## Slips of the keyboard\n\n| noise | questions | clean | spoilt | loss in points |\n|---|---:|---:|---:|---:|\n")
	for _, l := range losses {
		fmt.Fprintf(b, "| %s | %d | %.3f | %.3f | %.1f |\n", l.Noise, l.Questions, l.Clean, l.Spoilt, l.Points())
	}
	b.WriteString("\n")
}

// Overall are hit@1 and recall of the questions with an answer, and the share of
// the others that was refused.
func (r Report) Overall() (hit, recall, refused float64) {
	if len(r.Answerable) > 0 {
		hit, recall = r.Answerable[0].Hit, r.Answerable[0].Recall
	}
	if len(r.OutOfScope) > 0 {
		refused = r.OutOfScope[0].Hit
	}
	return hit, recall, refused
}
