package lexicon

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"

	"aeobot/index/analysis"
)

//go:embed facets.txt
var facetData string

// Facet is a kind of thing that a question asks for and a passage may state: an
// amount, a duration, a procedure.
type Facet struct {
	Name string
	// Needed says that a passage which does not state it is no answer.
	Needed bool
	states *regexp.Regexp // nil: no passage is known to state it by its form
	hints  *regexp.Regexp // nil: there are none
}

// Unmentioned reports whether folded text has neither the form nor a word of what is
// asked for. It is for warnings: words alone do not make a passage an answer.
func (f *Facet) Unmentioned(folded string) bool {
	has := func(r *regexp.Regexp) bool { return r != nil && r.MatchString(folded) }
	return !has(f.states) && !has(f.hints)
}

// Term is the facet as a term of the index.
func (f *Facet) Term() analysis.Term { return meaning("?" + f.Name) }

var facets, facetWords = readFacets(facetData)

// readFacets reads facets.txt; see there for its form.
func readFacets(data string) ([]*Facet, *matcher[*Facet]) {
	var all []*Facet
	words := newMatcher[*Facet]()
	for line := range strings.Lines(data) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		kind, rest, _ := strings.Cut(line, " ")
		switch kind {
		case "facet", "needed":
			all = append(all, &Facet{Name: strings.TrimSpace(rest), Needed: kind == "needed"})
		case "states":
			all[len(all)-1].states = regexp.MustCompile(strings.TrimSpace(rest))
		case "hints":
			all[len(all)-1].hints = regexp.MustCompile(strings.TrimSpace(rest))
		case "asks":
			for _, w := range strings.Fields(rest) {
				words.add(strings.ReplaceAll(w, "_", " "), all[len(all)-1])
			}
		default:
			panic("lexicon: facets.txt: unknown line " + kind) // a test reads the embedded file
		}
	}
	return all, words
}

// AskedFor lists the facets that a question asks for, each once; a word inside a
// longer one (多久 in 多久一次) does not count.
func AskedFor(tokens []analysis.Token) []*Facet {
	var asked []*Facet
	facetWords.eachLongest(tokens, func(_, _ int, f *Facet) {
		if !slices.Contains(asked, f) {
			asked = append(asked, f)
		}
	})
	return asked
}

// Stated lists the facets that folded text states by its form.
func Stated(folded string) []*Facet {
	var stated []*Facet
	for _, f := range facets {
		if f.states != nil && f.states.MatchString(folded) {
			stated = append(stated, f)
		}
	}
	return stated
}
