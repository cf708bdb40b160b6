package bot

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

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
	lead   string // said first: an overview
	note   string // said first as an aside: what was understood, what has changed
	blocks []block
	day    string
	// dayLine says which day is meant, when it is not today.
	dayLine string
	// pending are further matches, and most bounds the measures quoted (0: maxMeasures).
	pending []hit
	most    int
	alone   bool // nothing is remembered: see turn
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
		pages := paginate(d.lines(counts, written, s), s.MaxBytes)
		switch {
		case len(pages) > max(s.MaxPages, 1) && n > 1:
			n--
			continue
		case len(pages) > max(s.MaxPages, 1) && written > 1:
			written--
			continue
		}
		f := fitted{pages: pages}
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

// lines writes the first hits of each of the first blocks, as many as written says, and
// names the questions of the others. Each element is a piece that is not cut unless it is
// too long for a page of its own.
func (d draft) lines(counts []int, written int, s Surface) []string {
	w := &writer{markdown: s.Markdown, alone: d.alone}
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
			w.line(w.bold("问：" + w.asked(shorten(b.question, maxQuestion))))
		}
		w.origin(b.origin)
		for _, said := range []string{b.lead, b.note} {
			if said != "" {
				w.line(w.asked(said))
			}
		}
		w.quote(take, d.day)
	}
	if left = append(left, d.pending...); len(left) > 0 {
		w.gap()
		w.line(w.safe(w.more(left)))
	}
	if d.alone {
		w.names(textAloneWaiting, waiting, s.MaxBytes)
	} else {
		w.names(textWaiting, waiting, s.MaxBytes)
	}
	w.names(textUnanswered, unanswered, s.MaxBytes)
	w.names(fmt.Sprintf(textSkipped, maxParts), d.skipped, s.MaxBytes)
	return w.lines
}

// more says how to read on.
func (w *writer) more(left []hit) string {
	if !w.alone {
		return fmt.Sprintf(textMore, len(left), topicsOf(left))
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
		q = shorten(q, maxName)
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

// writer collects the lines of a reply.
type writer struct {
	markdown bool
	alone    bool // nothing is remembered: see turn
	lines    []string
}

func (w *writer) line(s string) { w.lines = append(w.lines, s) }

// gap sets an empty line between two things.
func (w *writer) gap() {
	if len(w.lines) > 0 && w.lines[len(w.lines)-1] != "" {
		w.line("")
	}
}

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

// quote writes hits under their headings, with what the notes say, and the source
// of each document.
func (w *writer) quote(hits []hit, day string) {
	for start := 0; start < len(hits); {
		end := start + 1
		for end < len(hits) && hits[end].passage.Document == hits[start].passage.Document &&
			hits[end].passage.Heading == hits[start].passage.Heading {
			end++
		}
		w.group(hits[start:end], day)
		if end == len(hits) || hits[end].passage.Document != hits[start].passage.Document {
			w.source(hits[start].passage.Document)
		}
		start = end
	}
}

// group writes hits of one section. Numbers are followed by 、 because a Markdown
// list would renumber them.
func (w *writer) group(hits []hit, day string) {
	w.gap()
	if h := hits[0].passage.Heading; h != "" {
		w.line(w.bold(w.safe(h)))
	}
	for _, h := range hits {
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
		w.line(text)
	}
	w.notes(hits, day)
}

// notes writes what holds on that day, the same words once for all they hold for.
func (w *writer) notes(hits []hit, day string) {
	var order []string
	numbers := map[string][]int{}
	for _, h := range hits {
		if note := h.passage.Notes.On(day).Note; note != "" {
			if !slices.Contains(order, note) {
				order = append(order, note)
			}
			numbers[note] = append(numbers[note], h.passage.Number)
		}
	}
	for _, note := range order {
		about := ""
		if len(hits) > 1 && numbers[note][0] > 0 {
			about = "（" + numbersOf(numbers[note]) + "）"
		}
		w.line(w.aside("注" + about + "：" + w.safe(note)))
	}
}

func (w *writer) aside(s string) string {
	if w.markdown {
		return "> " + s
	}
	return s
}

func (w *writer) source(d *knowledge.Document) {
	line := fmt.Sprintf(textSource, w.safe(d.Title))
	if d.Date != "" {
		line += "，" + d.Date
	}
	w.line(w.aside(line))
}

// origin writes where documents were published and what is not known of that. An
// address comes from the curated notes and was checked when they were read, so it is
// the one that stands as it is: people are to open it.
func (w *writer) origin(documents []*knowledge.Document) {
	for _, d := range documents {
		w.gap()
		w.line(strings.TrimSuffix(w.safe(fmt.Sprintf(textSource, d.Title))+"，"+d.Date, "，"))
		p := d.Provenance
		w.line(textAddress + cmp.Or(p.URL, textNotRecorded))
		if p.Read != "" {
			w.line(textCompared + w.safe(p.Read))
		}
		w.line(textAuthor + w.safe(cmp.Or(p.Author, textNotRecorded)))
	}
}

// pageMark is the room kept for （1/2） at a page's end, in bytes.
const pageMark = len("\n（99/99）")

// paginate packs lines into pages of at most limit bytes (0: no limit) and numbers
// them. A line longer than a page is cut where a clause or at least a character ends.
func paginate(lines []string, limit int) []string {
	whole := strings.TrimSpace(strings.Join(lines, "\n"))
	if limit == 0 || len(whole) <= limit {
		return []string{whole}
	}
	return numbered(pack(lines, limit-pageMark))
}

// pack packs lines into pages of at most room bytes.
func pack(lines []string, room int) []string {
	var pages []string
	page := ""
	for _, line := range lines {
		if line == "" {
			page += "\n"
		}
		for len(line) > 0 {
			head, tail := line, ""
			if len(head) > room {
				head, tail = cutLine(head, room)
			}
			if len(page)+len("\n")+len(head) > room {
				pages, page = append(pages, page), ""
			}
			page += "\n" + head
			line = tail
		}
	}
	pages = append(pages, page)
	pages = slices.DeleteFunc(pages, func(p string) bool { return strings.TrimSpace(p) == "" })
	for i, p := range pages {
		pages[i] = strings.TrimSpace(p)
	}
	return pages
}

func numbered(pages []string) []string {
	for i, p := range pages {
		pages[i] = fmt.Sprintf("%s\n（%d/%d）", p, i+1, len(pages))
	}
	return pages
}

// cutLine parts s so that head has at most room bytes, and at least one character:
// after the last stop in the second half, else after the last whole character.
func cutLine(s string, room int) (head, tail string) {
	end := room
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	if stop := strings.LastIndexAny(s[:end], "；;。，,、"); stop > end/2 {
		_, size := utf8.DecodeRuneInString(s[stop:])
		end = stop + size
	}
	if end == 0 {
		_, end = utf8.DecodeRuneInString(s)
	}
	return s[:end], s[end:]
}
