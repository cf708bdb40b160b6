// Package curate changes notes as a careful person would: it puts a few words in their
// place and leaves every other byte alone, comments and line breaks included. What cannot
// be put in so is refused. It knows YAML and the form of notes; who may change them, and
// when it counts, is decided elsewhere.
//
// Read Edit first.
package curate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Edit is one change of a document's notes.
type Edit struct {
	// Section and Number name the measure; Number 0 is the section itself; Starts names a
	// paragraph by its words, whole or from the first on, instead; Topic one of the topics outside. With
	// none of them the edit cannot be placed.
	Section string `json:"section,omitempty"`
	Number  int    `json:"number,omitempty"`
	Starts  string `json:"starts,omitempty"`
	Topic   string `json:"topic,omitempty"`

	// What is added, or taken out with Remove; one of them.
	Ask     string  `json:"ask,omitempty"`     // a way to ask
	Keyword string  `json:"keyword,omitempty"` // a word that points to it and nothing else
	Unlike  *Unlike `json:"unlike,omitempty"`  // a look-alike
	// Remove takes the way to ask or the keyword out.
	Remove bool `json:"remove,omitempty"`
	// States take the place of all that was said of how it stands.
	States []State `json:"states,omitempty"`
}

// State says how a measure stands; see knowledge.State. Empty days are open.
type State struct {
	Status string `json:"status" yaml:"status"`
	From   string `json:"from,omitempty" yaml:"from,omitempty"`
	To     string `json:"to,omitempty" yaml:"to,omitempty"`
	Note   string `json:"note,omitempty" yaml:"note,omitempty"`
	// Customer is what people outside read instead of Note.
	Customer string `json:"customer,omitempty" yaml:"customer,omitempty"`
}

// Unlike is a term that means something else, and what.
type Unlike struct {
	Term string `json:"term"`
	Why  string `json:"why"`
}

// Errors.
var (
	// ErrPlace means that the notes have no such section, measure, paragraph or topic.
	ErrPlace = errors.New("curate: no such place in the notes")
	// ErrThere means that the notes say so already.
	ErrThere = errors.New("curate: the notes say so already")
	// ErrGone means that what is to be taken out is not there.
	ErrGone = errors.New("curate: the notes do not say so any more")
	// ErrForm means that the notes are written in a way this package cannot put words into.
	ErrForm = errors.New("curate: the notes are written in a form that has to be edited by hand")
	// ErrEmpty means that an edit adds nothing, or more than one thing.
	ErrEmpty = errors.New("curate: an edit adds one thing")
)

// Apply gives the notes with the edit in them, or what it takes out gone, and every other byte as it was. Only where
// the notes have no entry yet for what the edit is about are they written anew, with that
// entry at the end of its list. The notes of before are not changed.
func (e Edit) Apply(notes []byte) ([]byte, error) {
	root, err := parse(notes)
	if err != nil {
		return nil, err
	}
	place, err := e.place(root)
	if errors.Is(err, ErrPlace) && e.Topic == "" && !e.Remove {
		if notes, err = e.grow(root); err != nil {
			return nil, err
		}
		if root, err = parse(notes); err != nil {
			return nil, err
		}
		place, err = e.place(root)
	}
	if err != nil {
		return nil, err
	}
	if len(e.States) > 0 {
		return e.replaceStates(notes, root, place)
	}
	key, add, err := e.addition()
	if err != nil {
		return nil, err
	}
	if e.Remove {
		changed, err := remove(notes, root, place, key, add)
		if err != nil {
			return nil, err
		}
		without, err := parse(changed)
		if err != nil {
			return nil, err
		}
		return changed, e.proved(without, root, key, add)
	}
	list := value(place, key)
	if list != nil && holds(list, add) {
		return nil, ErrThere
	}
	changed, err := insert(notes, place, key, list, add)
	if err != nil {
		return nil, err
	}
	with, err := parse(changed)
	if err != nil {
		return nil, err
	}
	return changed, e.proved(root, with, key, add)
}

// addition is the key of the list that grows, and what is added to it.
func (e Edit) addition() (key string, add *yaml.Node, err error) {
	var all []func()
	put := func(given bool, k string, v any) {
		if given {
			all = append(all, func() {
				key, add = k, &yaml.Node{}
				err = add.Encode(v)
			})
		}
	}
	put(strings.TrimSpace(e.Ask) != "", "ask", strings.TrimSpace(e.Ask))
	put(strings.TrimSpace(e.Keyword) != "", "keywords", strings.TrimSpace(e.Keyword))
	if e.Unlike != nil {
		put(true, "unlike", map[string]string{"term": e.Unlike.Term, "why": e.Unlike.Why})
	}
	if len(all) != 1 {
		return "", nil, ErrEmpty
	}
	all[0]()
	return key, add, err
}

func parse(notes []byte) (*yaml.Node, error) {
	var root, second yaml.Node
	yamls := yaml.NewDecoder(bytes.NewReader(notes))
	if err := yamls.Decode(&root); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	if err := yamls.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: only the part before the second --- counts", ErrForm)
	}
	var v any
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode || root.Decode(&v) != nil { // a key twice, say
		return nil, ErrForm
	}
	return root.Content[0], nil
}

// value gives what stands under a key of a mapping.
func value(mapping *yaml.Node, key string) *yaml.Node {
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// find gives the entry of a list whose key has that value.
func find(list *yaml.Node, key, want string) *yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	return findBy(list, func(n *yaml.Node) bool {
		v := value(n, key)
		return v != nil && v.Value == want
	})
}

// findBy gives the first entry of a list that is what is looked for, or nil.
func findBy(list *yaml.Node, is func(*yaml.Node) bool) *yaml.Node {
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	i := slices.IndexFunc(list.Content, is)
	if i < 0 {
		return nil
	}
	return list.Content[i]
}

// maxStarts bounds the words that name a paragraph, in characters.
const maxStarts = 40

// grow gives the notes with an empty entry for what the edit is about.
func (e Edit) grow(root *yaml.Node) ([]byte, error) {
	switch {
	case e.Starts != "":
		r := []rune(e.Starts)
		entryOf(root, "paragraphs", "starts", string(r[:min(len(r), maxStarts)]))
	case e.Section == "":
		return nil, ErrPlace
	default:
		section := entryOf(root, "sections", "heading", e.Section)
		if section != nil && e.Number > 0 {
			entryOf(section, "measures", "number", e.Number)
		}
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(root), enc.Close()); err != nil {
		return nil, fmt.Errorf("curate: %w", err)
	}
	return b.Bytes(), nil
}

// entryOf finds or makes the entry of a list below a mapping; nil when what stands there
// is no list.
func entryOf(mapping *yaml.Node, list, key string, want any) *yaml.Node {
	all := value(mapping, list)
	if all == nil {
		all = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: list}, all)
	}
	if all.Tag == "!!null" {
		*all = yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	}
	if all.Kind != yaml.SequenceNode {
		return nil
	}
	if entry := find(all, key, fmt.Sprint(want)); entry != nil {
		return entry
	}
	var v yaml.Node
	if v.Encode(want) != nil { // a string or a number always can
		return nil
	}
	entry := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, &v}}
	all.Style, mapping.Style = 0, 0 // a line for each
	all.Content = append(all.Content, entry)
	return entry
}

// place finds the entry that an edit is about.
func (e Edit) place(root *yaml.Node) (*yaml.Node, error) {
	var entry *yaml.Node
	switch {
	case e.Topic != "":
		entry = find(value(root, "outside"), "topic", e.Topic)
	case e.Starts != "":
		entry = findBy(value(root, "paragraphs"), func(n *yaml.Node) bool {
			v := value(n, "starts")
			return v != nil && v.Value != "" && strings.HasPrefix(e.Starts, v.Value)
		})
	case e.Number == 0:
		entry = find(value(root, "sections"), "heading", e.Section)
	default:
		entry = find(value(find(value(root, "sections"), "heading", e.Section), "measures"), "number", fmt.Sprint(e.Number))
	}
	if entry == nil {
		return nil, fmt.Errorf("%w: %s%s%s %d", ErrPlace, e.Section, e.Starts, e.Topic, e.Number)
	}
	return entry, nil
}

// holds tells whether a list has an equal entry.
func holds(list, add *yaml.Node) bool {
	return slices.ContainsFunc(list.Content, func(n *yaml.Node) bool { return plain(n) == plain(add) })
}

func plain(n *yaml.Node) string {
	var v any
	if n.Decode(&v) != nil {
		return ""
	}
	return fmt.Sprint(v)
}

// insert puts an entry at the front of a list, or a list of one below the entry's first
// key.
func insert(notes []byte, place *yaml.Node, key string, list, add *yaml.Node) ([]byte, error) {
	flow, err := inFlow(add)
	if err != nil {
		return nil, err
	}
	lines := bytes.SplitAfter(notes, []byte("\n"))
	switch {
	case list == nil:
		if place.Style&yaml.FlowStyle != 0 || len(place.Content) == 0 {
			return nil, ErrForm
		}
		first := place.Content[0]
		line := strings.Repeat(" ", first.Column-1) + key + ": [" + flow + "]\n"
		return join(lines, first.Line, line), nil
	case list.Kind != yaml.SequenceNode || len(list.Content) == 0:
		return nil, ErrForm
	case list.Style&yaml.FlowStyle != 0:
		first := list.Content[0]
		at, ok := column(lines, first.Line, first.Column)
		if !ok {
			return nil, ErrForm
		}
		return splice(notes, lines, first.Line, at, flow+", "), nil
	default:
		first := list.Content[0]
		line := lines[first.Line-1]
		dash := bytes.IndexByte(line, '-')
		if dash < 0 || len(bytes.TrimSpace(line[:dash])) > 0 {
			return nil, ErrForm
		}
		return join(lines, first.Line-1, string(line[:dash])+"- "+flow+"\n"), nil
	}
}

// inFlow writes a node on one line, as it may stand within brackets.
func inFlow(n *yaml.Node) (string, error) {
	n.Style |= yaml.FlowStyle
	for _, c := range n.Content {
		c.Style = yaml.DoubleQuotedStyle
	}
	if n.Kind == yaml.ScalarNode && strings.ContainsAny(n.Value, ",[]{}#&*!|>'\"%@`:?\n\t\\") {
		n.Style = yaml.DoubleQuotedStyle
	}
	data, err := yaml.Marshal(n)
	if err != nil {
		return "", fmt.Errorf("curate: %w", err)
	}
	text := strings.TrimRight(string(data), "\n")
	if strings.Contains(text, "\n") {
		return "", ErrForm
	}
	return text, nil
}

// column gives the byte at which a column, counted in characters from 1, begins.
func column(lines [][]byte, line, column int) (int, bool) {
	if line < 1 || line > len(lines) {
		return 0, false
	}
	n := 1
	for i := range string(lines[line-1]) {
		if n == column {
			return i, true
		}
		n++
	}
	return 0, false
}

// join puts a line in after so many lines.
func join(lines [][]byte, after int, line string) []byte {
	head := bytes.Join(lines[:after], nil)
	if len(head) > 0 && head[len(head)-1] != '\n' {
		head = append(head, '\n')
	}
	return slices.Concat(head, []byte(line), bytes.Join(lines[after:], nil))
}

// splice puts text in within a line.
func splice(notes []byte, lines [][]byte, line, at int, text string) []byte {
	before := at
	for _, l := range lines[:line-1] {
		before += len(l)
	}
	return slices.Concat(notes[:before], []byte(text), notes[before:])
}

// proved makes sure that the notes with the entry differ in it from those without, and in
// nothing else.
func (e Edit) proved(was, is *yaml.Node, key string, add *yaml.Node) error {
	place, err := e.place(is)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	list := value(place, key)
	if list == nil || list.Kind != yaml.SequenceNode {
		return ErrForm
	}
	at := slices.IndexFunc(list.Content, func(n *yaml.Node) bool { return plain(n) == plain(add) })
	if at < 0 || !e.Remove && at > 0 {
		return ErrForm
	}
	list.Content = slices.Delete(list.Content, at, at+1)
	if len(list.Content) == 0 {
		i := slices.Index(place.Content, list)
		place.Content = slices.Delete(place.Content, i-1, i+1)
	}
	if !same(was, is) {
		return ErrForm
	}
	return nil
}

// same reports whether two nodes say the same, however they are written.
func same(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Tag == b.Tag && a.Value == b.Value && a.Anchor == b.Anchor && slices.EqualFunc(a.Content, b.Content, same)
}
