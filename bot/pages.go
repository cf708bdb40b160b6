package bot

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"aeobot/knowledge"
)

// piece is a part of a reply: lines, and below them measures of one section.
type piece struct {
	lines []string // an empty one is a gap
	hits  []hit
	// source is the document whose source stands below; nil: none.
	source *knowledge.Document
}

// pageMark is the room kept for （1/2） at a page's end, in bytes.
const pageMark = len("\n（99/99）")

// pages are what was said on pages of at most limit bytes (0: no limit), with their number
// when there are several. A page begins with the heading of its measures, and holds the notes
// on them.
func (w *writer) pages(limit int) []string {
	if whole := w.text(); limit == 0 || len(whole) <= limit {
		return []string{whole}
	}
	p := packer{w: w, room: limit - pageMark}
	for _, next := range w.pieces {
		p.add(next)
	}
	p.turn()
	return numbered(p.done)
}

// packer packs pieces into pages.
type packer struct {
	w    *writer
	room int
	page []piece
	done []string
}

// fits reports whether a piece has room on the page begun.
func (p *packer) fits(next piece) bool {
	return len(p.w.page(append(slices.Clip(p.page), next))) <= p.room
}

// turn ends the page begun.
func (p *packer) turn() {
	if text := p.w.page(p.page); text != "" {
		p.done = append(p.done, text)
	}
	p.page = nil
}

// add puts a piece on the page begun, and what has no room there on the next ones.
func (p *packer) add(next piece) {
	for !p.fits(next) {
		if head, rest, ok := next.cut(p.fits); ok {
			p.page, next = append(p.page, head), rest
			p.turn()
			continue
		}
		if len(p.page) > 0 {
			p.turn()
			continue
		}
		if len(next.lines) > 0 && len(next.hits) > 0 { // a heading of its own for what stands above
			p.add(piece{lines: next.lines})
			p.turn()
			next.lines = nil
			continue
		}
		p.spread(next)
		return
	}
	p.page = append(p.page, next)
}

// cut parts a piece so that the head has as much as fits. Measures stay whole, and what is
// said above them stays with the first.
func (p piece) cut(fits func(piece) bool) (head, rest piece, ok bool) {
	parts := func(n int) (piece, piece) {
		if len(p.hits) == 0 {
			return piece{lines: p.lines[:n]}, piece{lines: p.lines[n:]}
		}
		return piece{lines: p.lines, hits: p.hits[:n]}, piece{hits: p.hits[n:], source: p.source}
	}
	all := len(p.hits)
	if all == 0 {
		all = len(p.lines)
	}
	n := sort.Search(all, func(i int) bool { head, _ := parts(i + 1); return !fits(head) })
	if n == 0 || n == all {
		return piece{}, p, false
	}
	head, rest = parts(n)
	return head, rest, true
}

// spread writes what no page holds whole on pages of its own, each under the heading; where
// there is none, a page says that it goes on.
func (p *packer) spread(long piece) {
	lines := p.w.linesOf([]piece{long})
	heading, on := "", ""
	switch {
	case len(long.hits) == 0:
	case long.hits[0].passage.Heading == "":
		on = textGoesOn + "\n"
	case len(lines[0]) < p.room/2:
		heading, lines = lines[0]+"\n", lines[1:]
		on = heading
	}
	for i, body := range pack(lines, p.room-len(on)) {
		if i == 0 {
			body = heading + body
		} else {
			body = on + body
		}
		p.done = append(p.done, body)
	}
}

// page writes pieces as they stand on one page.
func (w *writer) page(pieces []piece) string {
	return strings.TrimSpace(strings.Join(w.linesOf(pieces), "\n"))
}

func (w *writer) linesOf(pieces []piece) []string {
	var lines []string
	for i, p := range pieces {
		lines = append(lines, p.lines...)
		if len(p.hits) == 0 {
			continue
		}
		if last(lines) != "" {
			lines = append(lines, "")
		}
		if h := p.hits[0].passage.Heading; h != "" {
			lines = append(lines, w.bold(w.safe(h)))
		}
		for _, h := range p.hits {
			lines = append(lines, w.measure(h))
		}
		lines = append(lines, w.notes(pieces, i)...)
		if p.source != nil {
			lines = append(lines, w.aside(w.safe(sourceOf(p.source))))
		}
	}
	return lines
}

// pack packs lines into pages of at most room bytes. A line longer than that is cut where a
// clause or at least a character ends.
func pack(lines []string, room int) []string {
	var pages []string
	page := ""
	for _, line := range lines {
		for len(line) > 0 {
			head, tail := line, ""
			if len(head) > room {
				head, tail = cutLine(head, room)
			}
			if page != "" && len(page)+len("\n")+len(head) > room {
				pages, page = append(pages, page), ""
			}
			page = strings.TrimPrefix(page+"\n"+head, "\n")
			line = tail
		}
	}
	if page != "" {
		pages = append(pages, page)
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
	end := max(room, 0)
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
