package bot

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"aeobot/knowledge"
)

// Limits of recognising a quoted reply, in characters without white space.
const (
	// leastQuoted is the length from which on a measure's words are its own.
	leastQuoted = 4
	// leastCut is how much of a measure must stand at the end of a quote that the
	// platform cut off.
	leastCut = 10
)

// quotedLine is a measure as a reply writes it: 5、可向海关申请免除担保.
var quotedLine = regexp.MustCompile(`^\s*>?\s*([0-9]{1,3})、(.+)$`)

// inlineQuote is a quotation as clients write it into the text of where there is no field
// for it: 「张三：原文」, a line of dashes, and what is said of it.
var inlineQuote = regexp.MustCompile(`(?s)^\s*「[^：:」\n]{1,64}[：:](.*)」\s*\n\s*(?:[-—–]\s*){5,}(?:\n(.*))?$`)

// cutQuote parts a quotation that stands in a text from what was said of it.
func cutQuote(text string) (quote, said string) {
	m := inlineQuote.FindStringSubmatch(text)
	if m == nil {
		return "", text
	}
	return m[1], m[2]
}

// readQuote finds the measures whose words stand in a quoted text, in its order: a
// quote carries no id of the reply, only words. A reply made from knowledge that has
// changed since is recognised by headings and numbers, and marked so.
func readQuote(l *knowledge.Library, text string) View {
	words := squash(text)
	var found []place
	for _, p := range l.Passages() {
		found = append(found, placesOf(p, words)...)
	}
	found = append(slices.DeleteFunc(found, func(f place) bool { return covered(f, found) }), byNumber(l, text, words, found)...)
	slices.SortStableFunc(found, func(x, y place) int { return x.start - y.start })
	v := View{Knowledge: l.Fingerprint[:min(len(l.Fingerprint), fingerprintLen)]}
	for _, f := range found {
		if !slices.Contains(v.Shown, f.ref) {
			v.Shown = append(v.Shown, f.ref)
		}
		if f.changed {
			v.Knowledge = "?" // no state of the knowledge is called so
		}
	}
	if len(v.Shown) > maxRefs {
		v.Shown = v.Shown[:maxRefs]
	}
	v.Pending = restOf(l, v.Shown)
	return v
}

// place is where a measure's words stand in a squashed text, in bytes.
type place struct {
	ref        string
	start, end int
	changed    bool
}

// placesOf finds a passage whole, cut off by the end of the text, or one clause.
func placesOf(p knowledge.Passage, words string) []place {
	whole := squash(p.Text)
	if utf8.RuneCountInString(whole) >= leastQuoted {
		if at := strings.Index(words, whole); at >= 0 {
			return []place{{p.ID, at, at + len(whole), false}}
		}
	}
	if head := firstRunes(whole, leastCut); len(head) < len(whole) {
		if at := strings.LastIndex(words, head); at >= 0 && strings.HasPrefix(whole, strings.TrimRight(words[at:], ".…")) {
			return []place{{p.ID, at, len(words), false}}
		}
	}
	for i, c := range p.Clauses {
		text := squash(c.Text)
		if utf8.RuneCountInString(text) < leastCut {
			continue
		}
		if at := strings.Index(words, text); at >= 0 {
			return []place{{hit{passage: p, clause: i + 1}.ref(), at, at + len(text), false}}
		}
	}
	return nil
}

// covered tells that the words of a place are part of a longer place's.
func covered(f place, all []place) bool {
	return slices.ContainsFunc(all, func(g place) bool {
		return g.start <= f.start && f.end <= g.end && g.end-g.start > f.end-f.start
	})
}

// byNumber finds measures whose words have changed since: a line with a number
// under a heading that is still there.
func byNumber(l *knowledge.Library, text, words string, found []place) []place {
	var all []place
	var section *knowledge.Section
	at := 0
	for line := range strings.Lines(text) {
		plain := squash(line)
		if i := strings.Index(words[at:], plain); i >= 0 {
			at += i
		}
		if s := sectionOf(l, plain); s != nil {
			section = s
			continue
		}
		m := quotedLine.FindStringSubmatch(norm.NFKC.String(strings.TrimSpace(line)))
		here := func(f place) bool { return f.start < at+len(plain) && at < f.end }
		if m == nil || section == nil || slices.ContainsFunc(found, here) {
			continue
		}
		for _, x := range section.Measures {
			if x.Number == readNumber(m[1]) {
				same := strings.HasPrefix(squash(x.Text), strings.TrimRight(squash(m[2]), ".…"))
				all = append(all, place{x.ID, at, at + len(plain), !same})
			}
		}
	}
	return all
}

func sectionOf(l *knowledge.Library, heading string) *knowledge.Section {
	for _, d := range l.Documents {
		for _, s := range d.Sections {
			if heading != "" && squash(s.Heading) == heading {
				return s
			}
		}
	}
	return nil
}

// restOf are the measures that follow the last one shown in its section: what 更多
// would have brought.
func restOf(l *knowledge.Library, shown []string) []string {
	if len(shown) < 2 {
		return nil
	}
	last := recall(l, shown[len(shown)-1:])
	if len(last) == 0 || last[0].passage.Section == nil {
		return nil
	}
	var rest []string
	measures := last[0].passage.Section.Measures
	at := slices.IndexFunc(measures, func(m *knowledge.Measure) bool { return m.ID == last[0].passage.ID })
	for _, m := range measures[at+1:] {
		rest = append(rest, m.ID)
	}
	return rest
}

// squash leaves the characters that a copy of a reply keeps whatever its surface:
// no white space, no marks of Markdown, no breakers.
func squash(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("*`>_", r) || string(r) == breaker {
			return -1
		}
		return r
	}, norm.NFKC.String(s))
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
