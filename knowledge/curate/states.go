package curate

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const statesKey = "states"

// replaceStates writes the states of an entry anew: the lines of the list go, and each
// state gets one. Everything else stays, byte for byte.
func (e Edit) replaceStates(notes []byte, root, place *yaml.Node) ([]byte, error) {
	var value yaml.Node
	if err := value.Encode(e.States); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(place.Content, func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == statesKey })
	if i%2 != 0 && i >= 0 || place.Style&yaml.FlowStyle != 0 || len(place.Content) == 0 {
		return nil, ErrForm
	}
	lines := bytes.SplitAfter(notes, []byte("\n"))
	from, to := place.Content[0].Line, place.Content[0].Line // behind the first key, when there are none yet
	if i >= 0 {
		old := place.Content[i+1]
		if plain(old) == plain(&value) {
			return nil, ErrThere
		}
		from = place.Content[i].Line - 1
		to = endOf(lines, root, place.Content[i], old)
	}
	indent := strings.Repeat(" ", place.Content[0].Column-1)
	written := []byte(indent + statesKey + ":\n")
	for _, s := range e.States {
		var n yaml.Node
		if err := n.Encode(s); err != nil {
			return nil, err
		}
		flow, err := inFlow(&n)
		if err != nil {
			return nil, err
		}
		written = append(written, indent+"  - "+flow+"\n"...)
	}
	changed := slices.Concat(bytes.Join(lines[:from], nil), written, bytes.Join(lines[to:], nil))
	return changed, e.provedStates(root, changed, &value)
}

// endOf is how many lines there are up to the end of a value: those before whatever
// follows it, without the empty lines and comments that belong to that.
func endOf(lines [][]byte, root, key, value *yaml.Node) int {
	end, inside, found := len(lines), false, false
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		switch {
		case found:
			return
		case n == key:
			return
		case n == value:
			inside = true
			return
		case inside:
			end, found = n.Line-1, true
			return
		}
		for _, c := range n.Content {
			walk(c)
		}
	}
	walk(root)
	for end > key.Line {
		line := bytes.TrimSpace(lines[end-1])
		if len(line) > 0 && line[0] != '#' {
			break
		}
		end--
	}
	return end
}

// provedStates makes sure that the notes differ in those states and in nothing else.
func (e Edit) provedStates(was *yaml.Node, after []byte, states *yaml.Node) error {
	is, err := parse(after)
	if err != nil {
		return err
	}
	place, err := e.place(is)
	if err != nil || plain(value(place, statesKey)) != plain(states) {
		return ErrForm
	}
	old, err := e.place(was)
	if err != nil {
		return ErrForm
	}
	for _, p := range []*yaml.Node{place, old} {
		if i := slices.IndexFunc(p.Content, func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Value == statesKey }); i >= 0 {
			p.Content = slices.Delete(p.Content, i, i+2)
		}
	}
	if !same(was, is) {
		return ErrForm
	}
	return nil
}
