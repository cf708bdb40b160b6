package knowledge

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Editions knows which text of each document held on which day, from the states that were
// published one after the other. The zero Editions knows none.
//
// An edition holds from the date it bears. One that bears none, or the same as the edition
// before it, holds from the day it was published. It replaces whatever was to hold from that
// day on, so that an edition that was taken back by an older one answers for no day.
type Editions struct {
	byDocument map[string][]Edition // by id, in the order of From
}

// Edition is a text of a document and the day from which it holds.
type Edition struct {
	Document *Document // nil: from that day on there was none
	From     string    // as 2026-03-31; empty: not known, always as far as anybody knows
}

// Publish adds all documents of the next state. day is when it was published; empty: not known.
func (e *Editions) Publish(day string, documents []*Document) {
	if e.byDocument == nil {
		e.byDocument = map[string][]Edition{}
	}
	var added []*Document
	there := map[string]bool{}
	for _, d := range documents {
		there[d.ID] = true
		if e.last(d.ID).Document == nil {
			added = append(added, d)
		}
		e.publish(day, d)
	}
	for id := range e.byDocument {
		if last := e.last(id); !there[id] && last.Document != nil {
			e.put(id, Edition{From: removedOn(day, last.Document.Date, added)})
		}
	}
}

func (e *Editions) last(id string) Edition {
	if all := e.byDocument[id]; len(all) > 0 {
		return all[len(all)-1]
	}
	return Edition{}
}

func (e *Editions) publish(day string, d *Document) {
	last := e.last(d.ID)
	from := d.Date
	switch {
	case last.Document != nil && last.Document.SHA256 == d.SHA256:
		from = last.From // other notes on the same text
	case d.Date == "" || last.Document != nil && last.Document.Date == d.Date:
		from = max(d.Date, day)
	}
	e.put(d.ID, Edition{d, from})
}

func (e *Editions) put(id string, next Edition) {
	before := slices.DeleteFunc(e.byDocument[id], func(x Edition) bool { return x.From >= next.From })
	e.byDocument[id] = append(before, next)
}

// removedOn is the day from which a document is no more: that of the document that took its
// place under another name, else the day of publication.
func removedOn(day, date string, added []*Document) string {
	on := ""
	for _, d := range added {
		if d.Date > date && (on == "" || d.Date < on) {
			on = d.Date
		}
	}
	if on == "" {
		return day
	}
	return on
}

// On gives the documents in force on a day, and the first editions of those of which no
// edition is known that old.
func (e *Editions) On(day string) (inForce []*Document, later []Edition) {
	for _, id := range slices.Sorted(maps.Keys(e.byDocument)) {
		all := e.byDocument[id]
		if day < all[0].From {
			if all[0].Document != nil {
				later = append(later, all[0])
			}
			continue
		}
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].From <= day {
				if all[i].Document != nil {
					inForce = append(inForce, all[i].Document)
				}
				break
			}
		}
	}
	return inForce, later
}

// ReadDocument reads one document of files that lie in memory, with its notes.
func ReadDocument(files map[string][]byte, name string, shipped fs.FS) (*Document, error) {
	b := newBuilder(shipped)
	if err := b.addFile(memory(files), "", name); err != nil {
		return nil, err
	}
	return b.library.Documents[0], nil
}

// With is a library of other documents and the same vocabulary; nil when there is nothing to
// answer from in them.
func (l *Library) With(documents []*Document) *Library {
	b := newBuilder(nil)
	b.library.Documents, b.library.Terms = slices.Clone(documents), l.Terms
	for _, d := range documents {
		b.digest = append(b.digest, d.digest)
	}
	for _, t := range l.Terms {
		b.digest = append(b.digest, t.digest())
	}
	next, err := b.finish()
	if err != nil {
		return nil // it can only be empty
	}
	return next
}

// DocumentFiles lists the names that hold documents.
func DocumentFiles(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return strings.HasPrefix(name, ".") || strings.HasSuffix(name, NotesSuffix) || DocumentID(name) == ""
	})
}
