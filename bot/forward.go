package bot

import "strings"

// forwardBytes bounds one part of the version to pass on: a text message of the
// platform, which is cut silently beyond (see app.maxTextBytes).
const forwardBytes = 2048

// forward gives the last answer, or measures of it, as plain text that survives
// being copied to another chat: no marks, nothing the bot says about itself, whole
// measures, source and date on every part.
func (t *turn) forward(in Intent) (Reply, error) {
	v, ok := t.current()
	if !ok {
		return t.nothing(), nil
	}
	t.refer(v)
	hits := recall(t.library, v.Shown)
	if !in.Items.None() && len(hits) > 0 {
		hits = t.pick(v, hits, in.Items).hits
	}
	if len(hits) == 0 {
		return t.gone(), nil
	}
	pages := forwardPages(hits, t.day, t.dayLine())
	if t.lead != "" {
		pages[0] = t.lead + "\n\n" + pages[0] // for the asker, not for the customer
	}
	r := Reply{Answered: true, Act: ActCommand, Pages: pages, Text: joinPages(pages), Parts: []Part{}, Suggestions: []string{}, Remaining: len(v.Pending)}
	for _, h := range hits {
		r.Shown = append(r.Shown, shownOn(h, t.day))
	}
	return r, nil
}

// forwardPages packs whole measures into parts. What no part holds whole is cut
// where a clause ends.
func forwardPages(hits []hit, day, dayLine string) []string {
	write := func(hits []hit) []string {
		w := &writer{}
		if dayLine != "" {
			w.line(dayLine)
		}
		w.quote(hits, day)
		return w.lines
	}
	room := forwardBytes - pageMark
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
