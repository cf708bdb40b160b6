package knowledge_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aeobot/knowledge"
)

// secondHand are sources that are neither the text of a rule nor an office's own
// words: what only they say is not confirmed.
var secondHand = []string{"S03", "S04", "S15", "S17", "S20", "S45", "S48", "S49"}

// TestEverySourceSaysWhatWasRead: the list of sources is what the notes are held
// against, so it names the page, how far it was read and when.
func TestEverySourceSaysWhatWasRead(t *testing.T) {
	d := shipped(t)
	cited := map[string]bool{}
	for _, p := range d.Passages() {
		for _, b := range p.Notes.Basis {
			cited[b.Source] = true
			if _, ok := d.References[b.Source]; !ok {
				t.Errorf("%s cites %s, which is not in the list", p.ID, b.Source)
			}
			if b.Certainty == knowledge.CertaintyConfirmed && slices.Contains(secondHand, b.Source) {
				t.Errorf("%s: %q is confirmed by %s alone, which is second hand", p.ID, b.Text, b.Source)
			}
		}
	}
	for key, r := range d.References {
		if _, err := time.Parse(time.DateOnly, r.ReadOn); err != nil || r.Title == "" || r.Read == "" || !regexp.MustCompile(`^https?://[^ ]+$`).MatchString(r.URL) {
			t.Errorf("%s: title %q, url %q, read %q, on %q; want all of them", key, r.Title, r.URL, r.Read, r.ReadOn)
		}
		if !cited[key] {
			t.Errorf("%s is cited by nothing", key)
		}
	}
	if p := d.Provenance; p.URL != "http://www.aeo-csw.com/News/content/id/637.html" || p.Read == "" || p.Author != "" {
		t.Errorf("the article's own address: got %+v", p)
	}
}

// TestEveryDateIsNamedByASource: a state begins or ends on a day only when a source
// that the entry cites names that day, or the day beside it.
func TestEveryDateIsNamedByASource(t *testing.T) {
	for _, p := range shipped(t).Passages() {
		for _, s := range p.Notes.States {
			if s.From != "" && !named(p, s.From, -1) {
				t.Errorf("%s: %s from %s, which no source of the entry names", p.ID, s.Status, s.From)
			}
			if s.To != "" && !named(p, s.To, +1) {
				t.Errorf("%s: %s to %s, which no source of the entry names", p.ID, s.Status, s.To)
			}
		}
	}
}

// named reports whether a cited source gives the day: something begins then (ends, for
// side +1), or ends (begins) on the day at that side.
func named(p knowledge.Passage, day string, side int) bool {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return false
	}
	beside := at.AddDate(0, 0, side).Format(time.DateOnly)
	begins, ends := day, beside
	if side > 0 {
		begins, ends = beside, day
	}
	return slices.ContainsFunc(p.Notes.Basis, func(b knowledge.Basis) bool {
		r := p.Document.References[b.Source]
		return r.Effective == begins || r.Published == begins || r.Ended == ends
	})
}

// TestStatesLeaveNoGap: where the notes know from when something holds, they say what
// is known of the time before; else the article's words would stand as they are.
func TestStatesLeaveNoGap(t *testing.T) {
	for _, p := range shipped(t).Passages() {
		states := p.Notes.States
		for i, s := range states {
			if i == 0 && s.From != "" {
				t.Errorf("%s: nothing is said of the time before %s", p.ID, s.From)
			}
			if i > 0 && p.Notes.On(states[i-1].To) == p.Notes.On(s.From) {
				t.Errorf("%s: the same on both sides of %s", p.ID, s.From)
			}
			if i+1 < len(states) && dayAfter(t, s.To) != states[i+1].From || i+1 == len(states) && s.To != "" {
				t.Errorf("%s: nothing is said of the time after %s", p.ID, s.To)
			}
		}
	}
}

func dayAfter(t *testing.T, day string) string {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return at.AddDate(0, 0, 1).Format(time.DateOnly)
}

// TestNotesAreShortAndPlain: sales staff read them under the words.
func TestNotesAreShortAndPlain(t *testing.T) {
	for _, p := range shipped(t).Passages() {
		for _, s := range p.Notes.States {
			if n := utf8.RuneCountInString(s.Note); n > 90 {
				t.Errorf("%s: a note of %d characters, want 90 at most: %s", p.ID, n, s.Note)
			}
			for _, word := range []string{"口径", "归口", "独有的是", "勿当", "之规定"} {
				if strings.Contains(s.Note, word) {
					t.Errorf("%s: %q is no plain word: %s", p.ID, word, s.Note)
				}
			}
		}
	}
}
