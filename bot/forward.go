package bot

import (
	"fmt"
	"strings"
)

// forwardBytes bounds one part of the version to pass on: a text message of the
// platform, which is cut silently beyond (see app.maxTextBytes).
const forwardBytes = 2048

// leadBytes is the room kept for what is said to the asker above the first part.
const leadBytes = 240

// forward gives the last answer, or measures of it, as plain text that survives
// being copied to another chat: no marks, nothing the bot says about itself, whole
// measures, source and date on every part.
func (t *turn) forward(in Intent) (Reply, error) {
	if in.About != "" {
		hits, err := t.topic(in.About)
		if err != nil {
			return Reply{}, err
		}
		if len(hits) > 0 {
			return t.passOn(hits), nil
		}
	}
	v, ok := t.current()
	if !ok {
		return t.unreferred(in)
	}
	t.refer(v)
	hits := recall(t.library, v.Shown)
	if !in.Items.None() && len(hits) > 0 {
		hits = t.pick(v, hits, in.Items).hits
	}
	if len(hits) == 0 {
		return t.gone(), nil
	}
	return t.passOn(hits), nil
}

// topic are the measures that words lead to, those shown before first.
func (t *turn) topic(words string) ([]hit, error) {
	d, err := t.Search(t.ctx, words)
	if err != nil {
		return nil, err
	}
	found := t.inHistory(d)
	if len(found) == 0 && answered(d) {
		found = d.Hits
	}
	hits := make([]hit, len(found))
	for i, h := range found {
		hits[i] = hit{passage: h.Passage, score: h.Score, clause: h.Clause}
	}
	return hits, nil
}

// passOn is the reply to be passed on.
func (t *turn) passOn(hits []hit) Reply {
	hits = entire(hits)
	pages, n := t.fitForward(hits)
	lead := t.lead
	if n < len(hits) {
		lead = strings.TrimSpace(lead + "\n" + fmt.Sprintf(textForwardPart, n))
	}
	if lead != "" {
		pages[0] = lead + "\n\n" + pages[0] // for the asker, not for the customer
	}
	r := Reply{Answered: true, Act: ActCommand, Pages: pages, Text: joinPages(pages), Parts: []Part{}, Suggestions: []string{}, Remaining: len(hits) - n}
	for _, h := range hits[:n] {
		r.Shown = append(r.Shown, shownOn(h, t.day))
	}
	return r
}

// fitForward packs as many of the measures as the screen takes.
func (t *turn) fitForward(hits []hit) (pages []string, n int) {
	s := t.message.Surface
	part := forwardBytes
	if s.MaxBytes > 0 {
		part = min(part, s.MaxBytes)
	}
	for n = len(hits); ; n-- {
		pages = forwardPages(hits[:n], part-leadBytes, t.day, t.dayLine(hits))
		switch {
		case n == 1, s.MaxBytes == 0, len(pages) <= s.MaxPages:
			return pages, n
		case len(joinPages(pages))+leadBytes <= s.MaxBytes:
			return pages, n // one large screen holds all parts
		}
	}
}

// forwardPages packs whole measures into parts. What no part holds whole is cut
// where a clause ends.
func forwardPages(hits []hit, limit int, day, dayLine string) []string {
	write := func(hits []hit) []string {
		w := &writer{}
		if dayLine != "" {
			w.line(dayLine)
		}
		w.quote(hits, day)
		return w.lines
	}
	room := limit - pageMark
	fits := func(lines []string) bool { return len(strings.Join(lines, "\n")) <= room }
	var pages []string
	for start := 0; start < len(hits); {
		end := start + 1
		for end < len(hits) && fits(write(hits[start:end+1])) {
			end++
		}
		pages = append(pages, pack(write(hits[start:end]), room)...)
		start = end
	}
	if len(pages) == 1 {
		return pages
	}
	return numbered(pages)
}
