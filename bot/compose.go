package bot

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"aeobot/knowledge"
)

// maxMeasures bounds one reply, so that a very long section is read in pages.
const maxMeasures = 40

// block is one answered (or unanswered) question of a message.
type block struct {
	question string // shown above the block; empty when the message had one question
	hits     []hit
	lead     string // said before the hits: how a slip of the keyboard was read
	note     string // said instead of hits
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
	blocks []block
	day    string
	// more counts further matches; footer is said at the end.
	more   int
	footer string
}

// fitted is a draft on a surface.
type fitted struct {
	pages []string
	shown []hit
	left  []hit // what did not fit, in order
}

// fit writes as many measures as the surface takes, whole ones only, and at
// least one.
func (d draft) fit(s Surface) fitted {
	var hits []hit
	for _, b := range d.blocks {
		hits = append(hits, b.hits...)
	}
	n := min(len(hits), maxMeasures)
	for {
		pages := paginate(d.lines(n, len(hits), s), s.MaxBytes)
		if len(pages) <= max(s.MaxPages, 1) || n <= 1 {
			return fitted{pages, hits[:n], hits[n:]}
		}
		n--
	}
}

// lines writes the first n hits, each element a piece that is not cut unless it
// is too long for a page of its own.
func (d draft) lines(n, total int, s Surface) []string {
	w := &writer{markdown: s.Markdown}
	for _, b := range d.blocks {
		take := b.hits[:min(n, len(b.hits))]
		n -= len(take)
		if len(take) == 0 && b.note == "" {
			continue
		}
		if b.question != "" {
			w.gap()
			w.line(w.bold("问：" + w.safe(b.question)))
		}
		for _, said := range []string{b.lead, b.note} {
			if said != "" {
				w.line(w.safe(said))
			}
		}
		w.quote(take, d.day)
	}
	if left := d.more + total - min(total, w.quoted); left > 0 {
		w.gap()
		w.line(fmt.Sprintf(textMore, left))
	}
	if d.footer != "" {
		w.gap()
		w.line(d.footer)
	}
	return w.lines
}

// writer collects the lines of a reply.
type writer struct {
	markdown bool
	lines    []string
	quoted   int
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
	w.quoted += len(hits)
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
		if h.clause > 0 {
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

// pageMark is the room kept for （1/2） at a page's end, in bytes.
const pageMark = len("\n（99/99）")

// paginate packs lines into pages of at most limit bytes (0: no limit). A line
// longer than a page is cut where a clause or at least a character ends.
func paginate(lines []string, limit int) []string {
	whole := strings.TrimSpace(strings.Join(lines, "\n"))
	if limit == 0 || len(whole) <= limit {
		return []string{whole}
	}
	room := limit - pageMark
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
	return number(pages)
}

func number(pages []string) []string {
	pages = slices.DeleteFunc(pages, func(p string) bool { return strings.TrimSpace(p) == "" })
	for i, p := range pages {
		pages[i] = fmt.Sprintf("%s\n（%d/%d）", strings.TrimSpace(p), i+1, len(pages))
	}
	return pages
}

// cutLine parts s so that head has at most room bytes: after the last stop in the
// second half, else after the last whole character.
func cutLine(s string, room int) (head, tail string) {
	end := room
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	if stop := strings.LastIndexAny(s[:end], "；;。，,、"); stop > end/2 {
		_, size := utf8.DecodeRuneInString(s[stop:])
		end = stop + size
	}
	return s[:end], s[end:]
}
