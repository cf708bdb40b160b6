package bot

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"aeobot/knowledge"
)

// How many measures one reply quotes at most: a very long list is read in pages, and
// a group is not flooded.
const (
	maxMeasures      = 40
	maxMeasuresGroup = 15
)

// block is one answered (or unanswered) question of a message.
type block struct {
	question string // shown above the block; empty when the message had one question
	hits     []hit
	lead     string // said before the hits: how a slip of the keyboard was read
	note     string // said instead of hits
	// origin are documents whose origin is told instead of hits.
	origin []*knowledge.Document
}

// hit is a passage to quote.
type hit struct {
	passage knowledge.Passage
	score   float64
	clause  int // what is quoted of a long measure, from 1; 0: all of it
}

// words are what is quoted.
func (h hit) words() (text string, span knowledge.Span) {
	if h.clause > 0 && h.clause <= len(h.passage.Clauses) {
		c := h.passage.Clauses[h.clause-1]
		return c.Text, c.Span
	}
	return h.passage.Text, h.passage.Span
}

// draft is a reply before it is fitted to a surface.
type draft struct {
	lead string // said first
	// overview tells that the lead names the sections that are to come.
	overview bool
	note     string // said first as an aside: what was understood, what has changed
	blocks   []block
	day      string
	// dayLine says which day is meant, when it is not today.
	dayLine string
	// pending are further matches, and most bounds the measures quoted (0: maxMeasures).
	pending []hit
	most    int
	alone   bool // nothing is remembered: see turn
	outside bool // for people outside: see turn.outside
	// skipped are questions of the message that were not looked up.
	skipped []string
}

// hits are all measures that the draft quotes.
func (d draft) hits() (all []hit) {
	for _, b := range d.blocks {
		all = append(all, b.hits...)
	}
	return all
}

// fitted is a draft on a surface.
type fitted struct {
	pages []string
	shown []hit
	left  []hit // what did not fit, in order
}

// fit writes as many measures as the surface takes, whole ones only, and at
// least one. Questions that do not fit are named.
func (d draft) fit(s Surface) fitted {
	total := 0
	for _, b := range d.blocks {
		total += len(b.hits)
	}
	if d.most == 0 {
		d.most = maxMeasures
	}
	n, written := min(total, d.most), len(d.blocks)
	for {
		counts := d.shares(n)
		w, most := d.write(counts, written, s), max(s.MaxPages, 1)
		fits := s.MaxBytes == 0 || len(w.text()) <= s.MaxBytes*most && len(w.pages(s.MaxBytes)) <= most
		switch {
		case !fits && n > 1:
			n--
			continue
		case !fits && written > 1:
			written--
			continue
		}
		f := fitted{pages: w.pages(s.MaxBytes)}
		for i, b := range d.blocks {
			f.shown = append(f.shown, b.hits[:counts[i]]...)
			f.left = append(f.left, b.hits[counts[i]:]...)
		}
		return f
	}
}

// shares deals n measures out to the blocks, so that every question of a message
// gets some of its answer before one gets all.
func (d draft) shares(n int) []int {
	counts := make([]int, len(d.blocks))
	for dealt := true; dealt && n > 0; {
		dealt = false
		for i, b := range d.blocks {
			if n > 0 && counts[i] < len(b.hits) {
				counts[i]++
				n--
				dealt = true
			}
		}
	}
	return counts
}

// maxQuestion bounds, in characters, the words of a question above its block.
const maxQuestion = 80

// write writes the first hits of each of the first blocks, as many as written says, and
// names the questions of the others.
func (d draft) write(counts []int, written int, s Surface) *writer {
	w := &writer{markdown: s.Markdown, alone: d.alone, outside: d.outside, day: d.day}
	for _, said := range []string{d.note, d.dayLine} {
		if said != "" {
			w.line(w.aside(w.asked(said)))
		}
	}
	if d.lead != "" {
		w.line(w.safe(d.lead))
	}
	var left []hit
	var waiting, unanswered []string
	for i, b := range d.blocks {
		take := b.hits[:counts[i]]
		left = append(left, b.hits[counts[i]:]...)
		switch {
		case len(take) == 0 && len(b.hits) > 0:
			waiting = append(waiting, b.question)
			continue
		case i >= written && len(take) == 0 && len(b.origin) == 0:
			unanswered = append(unanswered, b.question)
			continue
		}
		if b.question != "" {
			w.gap()
			w.line(w.bold("问：" + w.asked(shorten(withoutOpening(b.question), maxQuestion))))
		}
		w.origin(b.origin)
		for _, said := range []string{b.lead, b.note} {
			if said != "" {
				w.line(w.asked(said))
			}
		}
		w.quote(take)
	}
	w.sources()
	if left = append(left, d.pending...); len(left) > 0 {
		w.gap()
		w.line(w.safe(w.more(left, d.overview)))
	}
	if d.alone {
		w.names(textAloneWaiting, waiting, s.MaxBytes)
	} else {
		w.names(textWaiting, waiting, s.MaxBytes)
	}
	w.names(textUnanswered, unanswered, s.MaxBytes)
	w.names(fmt.Sprintf(textSkipped, maxParts), d.skipped, s.MaxBytes)
	return w
}

// more says how to read on, and what there is to read unless that was said.
func (w *writer) more(left []hit, named bool) string {
	if !w.alone {
		topics := topicsOf(left)
		if named {
			topics = ""
		}
		return fmt.Sprintf(textMore, len(left), topics)
	}
	i := slices.IndexFunc(left, func(h hit) bool { return nameOf(h.passage) != "" })
	if i < 0 {
		return fmt.Sprintf(textAloneVague, len(left))
	}
	return fmt.Sprintf(textAloneMore, len(left), topicsOf(left), nameOf(left[i].passage))
}

// nameOf is how a passage is asked for by itself; empty for one under no heading.
func nameOf(p knowledge.Passage) string {
	if p.Heading == "" || p.Number == 0 {
		return p.Heading
	}
	return fmt.Sprintf("%s第%d条", p.Heading, p.Number)
}

// maxName bounds, in characters, a question that is only named; namesShare is the share of
// a page that such names may take.
const maxName, namesShare = 16, 2

// names writes which questions a sentence is about, as many as a page of so many bytes
// (0: no bound) has room for, and the number of the others.
func (w *writer) names(sentence string, questions []string, limit int) {
	questions = slices.DeleteFunc(questions, func(q string) bool { return q == "" })
	if len(questions) == 0 {
		return
	}
	var short []string
	size := 0
	for _, q := range questions {
		q = shorten(withoutOpening(q), maxName)
		if size += len(q) + len("“”、"); limit > 0 && size > limit/namesShare && len(short) > 0 {
			break
		}
		short = append(short, q)
	}
	list := quoteList(short)
	if len(short) < len(questions) {
		list += fmt.Sprintf(textAndOthers, len(questions))
	}
	w.gap()
	w.line(w.asked(sentence + list))
}

// topicsOf names the sections of what is to come: （甲、乙等）.
func topicsOf(hits []hit) string {
	names := headingsOf(sectionsOf(hits))
	switch {
	case len(names) == 0:
		return ""
	case len(names) > maxSuggestions:
		return "（" + strings.Join(names[:maxSuggestions], "、") + "等）"
	}
	return "（" + strings.Join(names, "、") + "）"
}

// shorten cuts a text to so many characters, and shows that it was cut.
func shorten(s string, runes int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > runes {
		return string(r[:runes-1]) + "…"
	}
	return s
}

// writer collects what a reply says.
type writer struct {
	markdown bool
	alone    bool // nothing is remembered: see turn
	outside  bool // for people outside: see turn.outside
	day      string
	pieces   []piece
}

func (w *writer) line(s string) {
	if n := len(w.pieces); n == 0 || len(w.pieces[n-1].hits) > 0 {
		w.pieces = append(w.pieces, piece{})
	}
	p := &w.pieces[len(w.pieces)-1]
	p.lines = append(p.lines, s)
}

// gap sets an empty line between two things.
func (w *writer) gap() {
	if n := len(w.pieces); n > 0 && (len(w.pieces[n-1].hits) > 0 || last(w.pieces[n-1].lines) != "") {
		w.line("")
	}
}

// last is the last of the lines, or empty.
func last(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// text is all that was said.
func (w *writer) text() string { return w.page(w.pieces) }

func (w *writer) bold(s string) string {
	if w.markdown {
		return "**" + s + "**"
	}
	return s
}

// breaker parts the characters that would make a mention or a link of a text. It
// has no width, so a quotation still reads as its source.
const breaker = "\u200b"

var disarm = strings.NewReplacer("<", "<"+breaker, "](", "]"+breaker+"(", "**", "*"+breaker+"*", "`", "`"+breaker)

// safe keeps text from outside from becoming markup: a mention (<@…>), a link, a
// thinking block, or emphasis that swallows its neighbours.
func (w *writer) safe(s string) string {
	if !w.markdown {
		return s
	}
	return disarm.Replace(s)
}

// asked is safe for words that an asker may have written: an address in them is no link.
// One in the sources stays a link.
func (w *writer) asked(s string) string {
	if !w.markdown {
		return s
	}
	return Disarm(s)
}

// host is where a client begins to see an address in a text.
var host = regexp.MustCompile(`\.([A-Za-z])`)

// Disarm keeps text from outside from becoming a mention, a link, emphasis or an address
// that can be pressed in a message of Markdown.
func Disarm(s string) string {
	s = strings.ReplaceAll(disarm.Replace(s), "://", ":"+breaker+"//")
	return host.ReplaceAllString(s, "."+breaker+"$1")
}

// quote writes hits under their headings, with what the notes say.
func (w *writer) quote(hits []hit) {
	for _, group := range bySection(hits) {
		w.gap()
		if n := len(w.pieces); n == 0 || len(w.pieces[n-1].hits) > 0 {
			w.pieces = append(w.pieces, piece{})
		}
		w.pieces[len(w.pieces)-1].hits = group
	}
}

// bySection parts hits where the next is of another section.
func bySection(hits []hit) [][]hit {
	var groups [][]hit
	for i, h := range hits {
		if i == 0 || !h.besides(hits[i-1]) {
			groups = append(groups, nil)
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], h)
	}
	return groups
}

// besides reports whether two hits stand under the same heading.
func (h hit) besides(other hit) bool {
	return h.passage.Document == other.passage.Document && h.passage.Heading == other.passage.Heading
}

// sources has the source of each document stand once, below the last of what is quoted from
// it before another is.
func (w *writer) sources() {
	var next *knowledge.Document
	for i := range slices.Backward(w.pieces) {
		p := &w.pieces[i]
		if len(p.hits) == 0 {
			continue
		}
		if d := p.hits[0].passage.Document; d != next {
			p.source, next = d, d
		}
	}
}

// measure writes one hit. Its number is followed by 、 because a Markdown list would
// renumber it.
func (w *writer) measure(h hit) string {
	words, _ := h.words()
	text := w.safe(words)
	switch {
	case h.clause > 0 && w.alone:
		text = fmt.Sprintf(textAloneClause, w.safe(h.passage.Label), text, len(h.passage.Clauses), w.safe(nameOf(h.passage)))
	case h.clause > 0:
		text = fmt.Sprintf(textClause, w.safe(h.passage.Label), text, len(h.passage.Clauses), h.passage.Number)
	}
	if h.passage.Number > 0 {
		text = fmt.Sprintf("%d、%s", h.passage.Number, text)
	}
	return text
}

// notes are what holds on the day for the hits of the last of these pieces. The same words
// stand once on a page: where the last measure of a section is that they hold for, and in a
// section further down that refers to it.
func (w *writer) notes(pieces []piece, at int) []string {
	here := pieces[at].hits
	var lines []string
	var done []string
	for _, h := range here {
		note := w.note(h)
		if note == "" || slices.Contains(done, note) || w.holds(pieces[at+1:], here[0], note) != nil {
			continue
		}
		done = append(done, note)
		numbers := w.holds(pieces[:at+1], here[0], note)
		about := ""
		if (len(here) > 1 || len(numbers) > 1) && numbers[0] > 0 {
			about = "（" + numbersOf(numbers) + "）"
		}
		text := w.safe(note)
		if where := w.noted(pieces[:at], here[0], note); where != "" {
			text = fmt.Sprintf(textSameNote, w.safe(where))
		}
		lines = append(lines, w.aside("注"+about+"："+text))
	}
	return lines
}

// note is what the notes say of a measure on the day, in the wording for whoever reads it.
func (w *writer) note(h hit) string {
	state := h.passage.Notes.On(w.day)
	if w.outside {
		return state.ForCustomers()
	}
	return state.Note
}

// holds are the numbers of the measures of a section that a note holds for, in the source's
// order.
func (w *writer) holds(pieces []piece, section hit, note string) []int {
	var numbers []int
	for _, p := range pieces {
		for _, h := range p.hits {
			if h.besides(section) && w.note(h) == note {
				numbers = append(numbers, h.passage.Number)
			}
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// noted is the first place in another section where a note stands already: “甲”第1–7条.
func (w *writer) noted(pieces []piece, section hit, note string) string {
	for _, p := range pieces {
		if len(p.hits) == 0 || p.hits[0].besides(section) {
			continue
		}
		numbers := w.holds(pieces, p.hits[0], note)
		switch heading := p.hits[0].passage.Heading; {
		case numbers == nil || heading == "":
		case numbers[0] == 0:
			return "“" + heading + "”"
		default:
			return "“" + heading + "”" + numbersOf(numbers)
		}
	}
	return ""
}

func (w *writer) aside(s string) string {
	if w.markdown {
		return "> " + s
	}
	return s
}

// sourceOf names a document with its date.
func sourceOf(d *knowledge.Document) string {
	return strings.TrimSuffix(fmt.Sprintf(textSource, d.Title)+"，"+d.Date, "，")
}

// origin writes where documents were published and what is not known of that. An
// address comes from the curated notes and was checked when they were read, so it is
// the one that stands as it is: people are to open it.
func (w *writer) origin(documents []*knowledge.Document) {
	for _, d := range documents {
		w.gap()
		w.line(w.safe(sourceOf(d)))
		p := d.Provenance
		w.line(textAddress + cmp.Or(p.URL, textNotRecorded))
		if p.Read != "" {
			w.line(textCompared + w.safe(p.Read))
		}
		w.line(textAuthor + w.safe(cmp.Or(p.Author, textNotRecorded)))
	}
}
