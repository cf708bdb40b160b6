package desk

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// NewMeasure is a measure that no source file has: it goes into a document that
// coordinators write themselves, so that the articles stay as they came.
type NewMeasure struct {
	// Document is the id of such a document, or the name of a new one, which needs Title
	// and Date (2026-11-25).
	Document    string
	Title, Date string
	// Heading is the section's; a new one is put at the end.
	Heading string
	Text    string
	// Asks are ways to ask, Keywords words that point to it and nothing else.
	Asks, Keywords []string
}

// Errors of a new measure.
var (
	ErrDocument   = errors.New("desk: not a document that coordinators write")
	ErrIncomplete = errors.New("desk: name, heading, words, and the title and date of a new document are needed")
)

// writtenHere is the name of the origin of documents that were written at the desk.
const writtenHere = "维护台录入"

// Writable are the documents that measures can be added to.
func Writable(l *knowledge.Library) []*knowledge.Document {
	var all []*knowledge.Document
	for _, d := range l.Documents {
		if d.Origin != nil && d.Origin.Name == writtenHere {
			all = append(all, d)
		}
	}
	return all
}

// AddMeasure is the proposal of a new measure. It fails with ErrDocument and ErrIncomplete.
func (d *Desk) AddMeasure(m NewMeasure, author string) (Proposal, error) {
	state, err := d.publisher.InForce()
	if err != nil {
		return Proposal{}, err
	}
	m.Heading, m.Text = knowledge.Folded([]byte(m.Heading)), knowledge.Folded([]byte(m.Text))
	source, was, err := m.source(state)
	if err != nil {
		return Proposal{}, err
	}
	name := m.Document + ".md"
	doc, number, err := m.check(name, source)
	if err != nil {
		return Proposal{}, err
	}
	p := Proposal{Title: fmt.Sprintf("新增：%s第%d条", m.Heading, number), Author: author,
		Changes: []Change{{File: name, Data: source, Was: was}}}
	notes, err := m.notes(state, doc, number)
	if err != nil {
		return Proposal{}, err
	}
	p.put(state, m.Document+knowledge.NotesSuffix, notes)
	return p, nil
}

// put adds a file to what a proposal changes.
func (p *Proposal) put(s State, name string, data []byte) {
	c := Change{File: name, Data: data}
	if old, there := s.Files[name]; there {
		c.Was = Digest(old)
	}
	p.Changes = append(p.Changes, c)
}

// source is the document with the measure in it, and the digest of the one before.
func (m NewMeasure) source(s State) (source []byte, was string, err error) {
	if m.Document == "" || m.Heading == "" || m.Text == "" {
		return nil, "", ErrIncomplete
	}
	for _, doc := range s.Library.Documents {
		if doc.ID != m.Document {
			continue
		}
		old, there := s.Files[doc.ID+".md"]
		if !there || !slices.Contains(Writable(s.Library), doc) {
			return nil, "", ErrDocument
		}
		return added(doc, old, m.Heading, m.Text), Digest(old), nil
	}
	if _, err := time.Parse(time.DateOnly, m.Date); err != nil || strings.TrimSpace(m.Title) == "" {
		return nil, "", ErrIncomplete
	}
	if _, taken := s.Files[m.Document+".md"]; taken {
		return nil, "", ErrDocument
	}
	return knowledge.Write(m.Title, m.Date, knowledge.Origin{Name: writtenHere, SHA256: Digest([]byte(m.Heading + "\n" + m.Text))},
		[]knowledge.Piece{{Level: 2, Text: m.Heading}, {Item: true, Number: 1, Text: m.Text}}), "", nil
}

// added puts a measure at the end of its section, and touches nothing else.
func added(doc *knowledge.Document, source []byte, heading, text string) []byte {
	i := slices.IndexFunc(doc.Sections, func(s *knowledge.Section) bool { return s.Heading == heading })
	if i < 0 || len(doc.Sections[i].Measures) == 0 {
		return fmt.Appendf(bytes.Clone(source), "\n## %s\n\n1、%s\n", heading, text)
	}
	number, end := 0, 0
	for _, m := range doc.Sections[i].Measures {
		number, end = max(number, m.Number), max(end, m.Span.End)
	}
	if n := bytes.IndexByte(source[end:], '\n'); n >= 0 {
		end += n + 1
	} else {
		end = len(source)
	}
	return slices.Concat(source[:end], fmt.Appendf(nil, "\n%d、%s\n", number+1, text), source[end:])
}

// check reads the document and finds the measure in it, word for word.
func (m NewMeasure) check(name string, source []byte) (*knowledge.Document, int, error) {
	l, err := knowledge.LoadFiles(map[string][]byte{name: source}, nil)
	if err != nil {
		return nil, 0, err
	}
	passages := l.Passages()
	for i := len(passages) - 1; i >= 0; i-- {
		if p := passages[i]; p.Text == m.Text && p.Heading == m.Heading && p.Number > 0 {
			return p.Document, p.Number, nil
		}
	}
	return nil, 0, fmt.Errorf("%w: the words are not read as they were written", ErrIncomplete)
}

// notes are the document's notes with the ways to ask for the measure in them.
func (m NewMeasure) notes(s State, doc *knowledge.Document, number int) ([]byte, error) {
	notes, there := s.Files[doc.ID+knowledge.NotesSuffix]
	if !there {
		notes = Skeleton(doc)
	}
	if i := slices.IndexFunc(s.Library.Documents, func(old *knowledge.Document) bool { return old.ID == doc.ID }); i >= 0 {
		// The notes go with the new bytes; those of the measures before still hold.
		notes = bytes.Replace(notes, []byte(s.Library.Documents[i].SHA256), []byte(doc.SHA256), 1)
	}
	edits := []curate.Edit{}
	place := curate.Edit{Section: m.Heading, Number: number}
	for _, ask := range m.Asks {
		e := place
		e.Ask = ask
		edits = append(edits, e)
	}
	for _, word := range m.Keywords {
		e := place
		e.Keyword = word
		edits = append(edits, e)
	}
	for _, e := range edits {
		changed, err := e.Apply(notes)
		if errors.Is(err, curate.ErrThere) {
			continue
		}
		if err != nil {
			return nil, err
		}
		notes = changed
	}
	return notes, nil
}

// Import is the proposal of files that were made from what somebody brought along.
func (d *Desk) Import(files map[string][]byte, title, author string) (Proposal, error) {
	state, err := d.publisher.InForce()
	if err != nil {
		return Proposal{}, err
	}
	p := Proposal{Title: title, Author: author}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		p.put(state, name, files[name])
	}
	return p, nil
}

// RemoveDocument is the proposal to take a document and its notes out.
func (d *Desk) RemoveDocument(id, author string) (Proposal, error) {
	state, err := d.publisher.InForce()
	if err != nil {
		return Proposal{}, err
	}
	p := Proposal{Title: "去掉：" + id, Author: author}
	for _, doc := range state.Library.Documents {
		if doc.ID != id {
			continue
		}
		p.Title = "去掉：《" + doc.Title + "》"
		for _, name := range slices.Sorted(maps.Keys(state.Files)) {
			data := state.Files[name]
			if name == doc.ID+knowledge.NotesSuffix || knowledge.DocumentID(name) == doc.ID {
				p.Changes = append(p.Changes, Change{File: name, Remove: true, Was: Digest(data)})
			}
		}
	}
	if len(p.Changes) == 0 {
		return Proposal{}, ErrDocument
	}
	return p, nil
}

// EditNotes is the proposal of a document's notes as a whole.
func (d *Desk) EditNotes(id string, notes []byte, was, author string) (Proposal, error) {
	state, err := d.publisher.InForce()
	if err != nil {
		return Proposal{}, err
	}
	name := id + knowledge.NotesSuffix
	c := Change{File: name, Data: notes, Was: was}
	if old, there := state.Files[name]; !there && was != "" || there && Digest(old) != was {
		return Proposal{}, ErrMoved
	}
	return Proposal{Title: "改备注：" + name, Author: author, Changes: []Change{c}}, nil
}

// Notes are a document's notes as they are in force, and their digest; without any, what
// they can begin with, and no digest. It fails with ErrDocument.
func (d *Desk) Notes(id string) (notes []byte, was string, err error) {
	state, err := d.publisher.InForce()
	if err != nil {
		return nil, "", err
	}
	if notes, there := state.Files[id+knowledge.NotesSuffix]; there {
		return notes, Digest(notes), nil
	}
	for _, doc := range state.Library.Documents {
		if doc.ID == id {
			return Skeleton(doc), "", nil
		}
	}
	return nil, "", ErrDocument
}
