package bot

import "fmt"

// Correction is one passage whose words, or what the notes say of it, are others than when
// they were given.
type Correction struct {
	Place string // 海关直接激励措施第5条
	// Before and NoteBefore are what was given; After and NoteAfter what stands now, unless
	// it is Gone.
	Before, NoteBefore string
	After, NoteAfter   string
	Gone               bool
	Source             string // 《…》，2026-01-07
}

// cuts are how much of a quotation is shown when a correction would be too long, in
// characters; 0: all of it.
var cuts = []int{0, 300, 100, 40}

// WriteCorrections says what was taken back, fitted to a surface: whole corrections, and
// the others by their number.
func WriteCorrections(s Surface, list []Correction) []string {
	for n := len(list); n > 0; n-- {
		if pages := writeCorrections(s, list, n, 0); len(pages) <= max(s.MaxPages, 1) {
			return pages
		}
	}
	var pages []string
	for _, cut := range cuts {
		if pages = writeCorrections(s, list, 1, cut); len(pages) <= max(s.MaxPages, 1) {
			break
		}
	}
	return pages[:min(len(pages), max(s.MaxPages, 1))]
}

func writeCorrections(s Surface, list []Correction, n, cut int) []string {
	w := &writer{markdown: s.Markdown}
	quoted := func(text string) string {
		if cut > 0 {
			text = shorten(text, cut)
		}
		return "“" + w.safe(text) + "”"
	}
	w.line(textCorrection)
	for _, c := range list[:min(n, len(list))] {
		w.gap()
		w.line(w.bold(w.safe(c.Place)))
		switch {
		case c.Gone:
			w.line(textThen + quoted(c.Before))
			w.line(textWithdrawn)
		case c.Before == c.After:
			w.line(textSame + quoted(c.Before))
		default:
			w.line(textThen + quoted(c.Before))
			w.line(textNow + quoted(c.After))
		}
		if !c.Gone && c.NoteBefore != c.NoteAfter {
			w.line(textNoteThen + orNone(c.NoteBefore, quoted))
			w.line(textNoteNow + orNone(c.NoteAfter, quoted))
		}
		if c.Source != "" && !c.Gone {
			w.line(w.aside(textSourceNow + w.safe(c.Source)))
		}
	}
	if left := len(list) - n; left > 0 {
		w.gap()
		w.line(fmt.Sprintf(textMoreCorrected, left))
	}
	return w.pages(s.MaxBytes)
}

func orNone(note string, quoted func(string) string) string {
	if note == "" {
		return textNoNote
	}
	return quoted(note)
}
