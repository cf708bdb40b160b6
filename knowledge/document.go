package knowledge

import (
	"fmt"
	"strings"
)

// Span is a range of bytes in a source file: Start up to, not including, End.
type Span struct{ Start, End int }

// Document is one source file, read.
type Document struct {
	// ID is the file's name without its extension: aeo-incentives.
	ID string
	// Path is where the file was read, for messages.
	Path string
	// Title and Date (2026-01-07) as recognised in the source; Date may be empty.
	Title string
	Date  string
	// Source is the file as stored, and SHA256 its hash in lower-case hex.
	Source []byte
	SHA256 string
	// Origin is the file it was made from, when that was no text; else nil.
	Origin     *Origin
	Provenance Provenance

	Sections   []*Section
	Paragraphs []*Paragraph
	// References are the pages that bases cite, by the key they are cited by.
	References map[string]Reference
	// Outside are topics that readers take the document to cover and it does not.
	Outside []Topic
	// Findings are what a curator should mend; the document is usable all the same.
	Findings []Finding

	digest string // of source and notes, for the library's fingerprint
}

// Topic is something the knowledge has nothing on, with the ways people ask for it.
type Topic struct {
	// Name completes the sentence 目前的资料没有提到….
	Name string   `yaml:"topic"`
	Ask  []string `yaml:"ask"`
	// Keywords name the topic and nothing the knowledge has.
	Keywords []string `yaml:"keywords"`
}

// Section is a heading with its numbered list.
type Section struct {
	// ID is stable as long as the heading keeps its words.
	ID       string
	Heading  string
	Span     Span
	Line     int // of the heading, from 1; of the first measure when there is none
	Measures []*Measure

	// Name is what judged questions call the section (direct); curated.
	Name string
	// Ask and Keywords are curated: how people ask for the whole section.
	Ask      []string
	Keywords []string
}

// itemName is what judged questions call an item: by the section's curated name, or
// its heading.
func (s *Section) itemName(number int) string {
	name := s.Name
	if name == "" {
		name = s.Heading
	}
	return fmt.Sprintf("%s/%d", name, number)
}

// Measure is one numbered item.
type Measure struct {
	// ID is stable as long as heading and number stay: aeo-incentives/海关直接激励措施/5.
	ID     string
	Number int // the source's own
	Line   int // from 1
	// Span covers the item's words without its number; Text is those bytes with
	// white space folded.
	Span Span
	Text string
	// Label is the department a measure opens with (金融部门), or empty.
	Label string
	// Clauses are the parts of a measure that lists several; nil when it has one.
	Clauses []Clause
	Notes   Notes
}

// Clause is one of several things a long measure grants.
type Clause struct {
	Span Span
	Text string
}

// Paragraph is prose outside the numbered lists.
type Paragraph struct {
	// ID is made from the words, so that it survives paragraphs coming and going.
	ID      string
	Heading string // the heading directly above, or empty
	Line    int
	Span    Span
	Text    string
	Role    Role
	Name    string // what judged questions call it (summary); curated
	Notes   Notes
}

// Role says what a paragraph is for; curated.
type Role string

const (
	RoleNone         Role = ""
	RoleIntroduction Role = "introduction"
	RoleClosing      Role = "closing"
	// RoleAdvertising is never answered from.
	RoleAdvertising Role = "advertising"
)

// Passage is what an index stores: a measure, or an unnumbered paragraph.
type Passage struct {
	ID       string
	Document *Document
	Section  *Section // nil for a paragraph
	Heading  string   // the section's, or what stands above a paragraph
	Number   int      // 0 for a paragraph
	Name     string   // what judged questions call it: direct/5, summary
	Text     string
	Span     Span
	Label    string
	Clauses  []Clause
	Notes    Notes
}

// Passages lists what may be answered from, in the order of the source.
// Advertising and empty items are not among it.
func (d *Document) Passages() []Passage {
	var all []Passage
	p := 0
	paragraphsBefore := func(at int) {
		for ; p < len(d.Paragraphs) && d.Paragraphs[p].Span.Start < at; p++ {
			if g := d.Paragraphs[p]; g.Role != RoleAdvertising {
				all = append(all, Passage{ID: g.ID, Document: d, Heading: g.Heading,
					Text: g.Text, Span: g.Span, Name: g.Name, Notes: g.Notes})
			}
		}
	}
	for _, s := range d.Sections {
		for _, m := range s.Measures {
			paragraphsBefore(m.Span.Start)
			if m.Text == "" {
				continue
			}
			all = append(all, Passage{ID: m.ID, Document: d, Section: s, Heading: s.Heading,
				Number: m.Number, Name: s.itemName(m.Number), Text: m.Text, Span: m.Span, Label: m.Label,
				Clauses: m.Clauses, Notes: m.Notes})
		}
	}
	paragraphsBefore(len(d.Source))
	return all
}

// fold makes one space of every run of white space, full-width space included,
// and takes it off both ends.
// Folded is how bytes of a source are shown: with white space folded.
func Folded(source []byte) string { return fold(string(source)) }

func fold(s string) string { return strings.Join(strings.Fields(s), " ") }
