package curate

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"
)

// remove takes one entry out of a list, and the list with its key when it was the only
// one. Every other byte stays.
func remove(notes []byte, root, place *yaml.Node, key string, entry *yaml.Node) ([]byte, error) {
	list := value(place, key)
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil, ErrGone
	}
	i := slices.IndexFunc(list.Content, func(n *yaml.Node) bool { return plain(n) == plain(entry) })
	if i < 0 {
		return nil, ErrGone
	}
	lines := bytes.SplitAfter(notes, []byte("\n"))
	switch {
	case len(list.Content) == 1:
		return removeKey(lines, root, place, key)
	case list.Style&yaml.FlowStyle != 0:
		return removeFlow(notes, lines, list, i)
	}
	from := list.Content[i].Line - 1
	return slices.Concat(bytes.Join(lines[:from], nil), bytes.Join(lines[from+1:], nil)), nil
}

// removeKey takes out a key with all that stands under it.
func removeKey(lines [][]byte, root, place *yaml.Node, key string) ([]byte, error) {
	at := slices.IndexFunc(place.Content, func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == key })
	if at <= 0 || place.Style&yaml.FlowStyle != 0 { // the first key stands behind the dash of its entry
		return nil, ErrForm
	}
	from, to := place.Content[at].Line-1, endOf(lines, root, place.Content[at], place.Content[at+1])
	return slices.Concat(bytes.Join(lines[:from], nil), bytes.Join(lines[to:], nil)), nil
}

// removeFlow takes the entry i out of a list in brackets, with the comma before the next,
// or before it when it is the last.
func removeFlow(notes []byte, lines [][]byte, list *yaml.Node, i int) ([]byte, error) {
	from, ok := offset(lines, list.Content[i])
	if !ok {
		return nil, ErrForm
	}
	if i+1 < len(list.Content) {
		to, ok := offset(lines, list.Content[i+1])
		if !ok || to < from || !blank(notes[from+bytes.LastIndexByte(notes[from:to], ',')+1:to]) {
			return nil, ErrForm // a comment stands between
		}
		return slices.Concat(notes[:from], notes[to:]), nil
	}
	comma := bytes.LastIndexByte(notes[:from], ',')
	length := flowLength(notes[from:], list.Content[i].Style)
	if comma < 0 || length < 0 || !blank(notes[comma+1:from]) {
		return nil, ErrForm
	}
	return slices.Concat(notes[:comma], notes[from+length:]), nil
}

func blank(text []byte) bool { return len(bytes.TrimSpace(text)) == 0 }

// offset is the byte that a node begins at.
func offset(lines [][]byte, n *yaml.Node) (int, bool) {
	at, ok := column(lines, n.Line, n.Column)
	if !ok {
		return 0, false
	}
	for _, l := range lines[:n.Line-1] {
		at += len(l)
	}
	return at, true
}

// flowLength is how many bytes a word of a list in brackets takes; -1: that is not known.
func flowLength(text []byte, style yaml.Style) int {
	switch {
	case style&yaml.DoubleQuotedStyle != 0:
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return -1
	case style&yaml.SingleQuotedStyle != 0:
		for i := 1; i < len(text); i++ {
			if text[i] != '\'' {
				continue
			}
			if i+1 < len(text) && text[i+1] == '\'' {
				i++
				continue
			}
			return i + 1
		}
		return -1
	}
	return bytes.IndexAny(text, ",]#\n") // a word without quotes ends there at the latest
}
