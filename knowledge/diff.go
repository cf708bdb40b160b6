package knowledge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Change is one thing that two states of the knowledge differ in.
type Change struct {
	// Kind is added, removed, text, notes, words (a vocabulary file) or file.
	Kind string `json:"kind"`
	// ID names the passage, the section, the document or the file.
	ID string `json:"id"`
	// Before and After are what it says, as lines; of notes only those that differ.
	Before []string `json:"before,omitempty"`
	After  []string `json:"after,omitempty"`
}

// Kinds of Change.
const (
	ChangeAdded   = "added"
	ChangeRemoved = "removed"
	ChangeText    = "text"
	ChangeNotes   = "notes"
	ChangeWords   = "words"
)

var changeNames = map[string]string{ChangeAdded: "新增", ChangeRemoved: "去掉", ChangeText: "改字", ChangeNotes: "改备注", ChangeWords: "改词表"}

// Name is how curators read the kind of a change; one that is not known stays as it is.
func (c Change) Name() string { return cmp.Or(changeNames[c.Kind], c.Kind) }

// Diff lists what is different in a new state of the knowledge, in the order in which it
// stands there; what is gone, where it stood.
func Diff(before, after *Library) []Change {
	was, is := describe(before), describe(after)
	var changes []Change
	for id, old := range was {
		now, there := is[id]
		switch {
		case !there:
			changes = append(changes, Change{Kind: ChangeRemoved, ID: id, Before: old.text})
		default:
			if !slices.Equal(old.text, now.text) {
				gone, come := lineDiff(old.text, now.text)
				changes = append(changes, Change{old.kind(ChangeText), id, gone, come})
			}
			if gone, come := lineDiff(old.notes, now.notes); len(gone)+len(come) > 0 {
				changes = append(changes, Change{ChangeNotes, id, gone, come})
			}
		}
	}
	for id, now := range is {
		if _, there := was[id]; !there {
			changes = append(changes, Change{Kind: ChangeAdded, ID: id, After: slices.Concat(now.text, now.notes)})
		}
	}
	place := places(before, after)
	slices.SortFunc(changes, func(x, y Change) int {
		return cmp.Or(cmp.Compare(place[x.ID], place[y.ID]), strings.Compare(x.ID, y.ID), strings.Compare(x.Kind, y.Kind))
	})
	return changes
}

// places are the positions of all ids of two states, those of the second first: what only the
// first has comes after what stood before it.
func places(before, after *Library) map[string]int {
	is := map[string]bool{}
	ids := inOrder(after)
	for _, id := range ids {
		is[id] = true
	}
	gone, last := map[string][]string{}, ""
	for _, id := range inOrder(before) {
		if is[id] {
			last = id
		} else {
			gone[last] = append(gone[last], id)
		}
	}
	place := map[string]int{}
	for _, id := range append([]string{""}, ids...) {
		for _, id := range append([]string{id}, gone[id]...) {
			place[id] = len(place)
		}
	}
	return place
}

// inOrder are the ids of all that a state holds, as describe has them, as it stands there.
func inOrder(l *Library) (ids []string) {
	for _, d := range l.Documents {
		ids = append(ids, d.ID)
		open := map[*Section]bool{}
		for _, p := range d.Passages() {
			if p.Section != nil && !open[p.Section] {
				open[p.Section] = true
				ids = append(ids, p.Section.ID)
			}
			ids = append(ids, p.ID)
		}
	}
	for _, t := range l.Terms {
		ids = append(ids, fileName(t.Path))
	}
	return ids
}

// described is what a state says of one thing.
type described struct {
	text, notes []string
	words       bool
}

func (d described) kind(otherwise string) string {
	if d.words {
		return ChangeWords
	}
	return otherwise
}

// describe lists everything a state holds, by id.
func describe(l *Library) map[string]described {
	all := map[string]described{}
	for _, p := range l.Passages() {
		all[p.ID] = described{text: []string{p.Text}, notes: noteLines(p.Notes)}
	}
	for _, d := range l.Documents {
		topics := provenanceLines(d.Provenance)
		for _, t := range d.Outside {
			topics = append(topics, "没有写："+t.Name+"："+strings.Join(slices.Concat(t.Ask, t.Keywords), "、"))
		}
		all[d.ID] = described{text: []string{"《" + d.Title + "》 " + d.Date, "sha256 " + d.SHA256}, notes: topics}
		for _, s := range d.Sections {
			all[s.ID] = described{text: []string{s.Heading}, notes: append(entries("问法", s.Ask), entries("关键词", s.Keywords)...)}
		}
	}
	for _, t := range l.Terms {
		all[fileName(t.Path)] = described{text: strings.Split(strings.TrimRight(t.Text, "\n"), "\n"), words: true}
	}
	return all
}

// provenanceLines are what is known of where a document was published.
func provenanceLines(p Provenance) (lines []string) {
	for _, l := range []struct{ key, value string }{{"网址", p.URL}, {"作者", p.Author}, {"核对", p.Read}} {
		if l.value != "" {
			lines = append(lines, l.key+"："+l.value)
		}
	}
	return lines
}

// noteLines are a passage's notes, a line for everything that can be added or taken away,
// as curators read it.
func noteLines(n Notes) []string {
	lines := append(entries("问法", n.Ask), entries("关键词", n.Keywords)...)
	for _, b := range n.Basis {
		lines = append(lines, fmt.Sprintf("依据：%s（%s，%s）", b.Text, b.Source, b.Certainty.Name()))
	}
	lines = append(lines, entries("适用等级", n.Grade)...)
	for _, s := range n.States {
		line := fmt.Sprintf("状态：%s，从%s到%s　%s", s.Status.Name(), cmp.Or(s.From, "不限"), cmp.Or(s.To, "不限"), s.Note)
		if s.Customer != "" {
			line += "　给客户看：" + s.Customer
		}
		lines = append(lines, line)
	}
	for _, u := range n.Unlike {
		lines = append(lines, "易混："+u.Term+"＝"+u.Why)
	}
	return lines
}

func entries(key string, values []string) (lines []string) {
	for _, v := range values {
		lines = append(lines, key+"："+v)
	}
	return lines
}

// lineDiff gives the lines that only one of two lists has.
func lineDiff(before, after []string) (gone, come []string) {
	count := map[string]int{}
	for _, line := range before {
		count[line]++
	}
	for _, line := range after {
		if count[line] > 0 {
			count[line]--
		} else {
			come = append(come, line)
		}
	}
	for _, line := range before {
		if count[line] > 0 {
			count[line]--
			gone = append(gone, line)
		}
	}
	return gone, come
}
