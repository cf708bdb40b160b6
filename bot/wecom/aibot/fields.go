package aibot

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// object is a JSON object of the platform, read leniently: who wrote it is known, and one
// field that is not what the pages say must not cost an asker the answer. As for the official
// SDK the last of two equal names counts; a name in other letter case serves when the exact
// one is missing. The zero object is empty.
type object struct {
	path   string
	values map[string]json.RawMessage
	lost   *[]string // paths of fields that could not be read
}

// readObject reads one JSON object. Its errors do not contain the data.
func readObject(data []byte) (object, error) {
	o := object{lost: new([]string)}
	if err := json.Unmarshal(cleaned(data), &o.values); err != nil {
		return object{}, withoutData(err)
	}
	return o, nil
}

// cleaned makes JSON of what begins with a byte order mark, or has raw control characters
// within its strings, which the platform sends when people paste them.
func cleaned(data []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, bytes.TrimPrefix(data, []byte("\ufeff")))
}

// value is a field, or nil when it is missing or null.
func (o object) value(name string) json.RawMessage {
	v, exact := o.values[name]
	if !exact {
		var others []string
		for other := range o.values {
			if strings.EqualFold(other, name) {
				others = append(others, other)
			}
		}
		if len(others) > 0 {
			v = o.values[slices.Min(others)]
		}
	}
	if string(v) == "null" {
		return nil
	}
	return v
}

// lose notes that a field is there and cannot be read.
func (o object) lose(name string) { *o.lost = append(*o.lost, o.path+name) }

// text is a field's text, or the digits of a number.
func (o object) text(name string) string {
	v := o.value(name)
	if v == nil {
		return ""
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(v, &n) == nil {
		return n.String()
	}
	o.lose(name)
	return ""
}

// number is a field's number, also when it is written as text.
func (o object) number(name string) (n int, ok bool) {
	v := o.value(name)
	if v == nil {
		return 0, false
	}
	if json.Unmarshal(bytes.Trim(v, `" `), &n) != nil {
		o.lose(name)
		return 0, false
	}
	return n, true
}

// object is a field's object, or nil.
func (o object) object(name string) *object {
	v := o.value(name)
	if v == nil {
		return nil
	}
	inner := object{path: o.path + name + ".", lost: o.lost}
	if json.Unmarshal(v, &inner.values) != nil {
		o.lose(name)
		return nil
	}
	return &inner
}

// in is a field's object; an empty one when there is none.
func (o object) in(name string) object {
	if inner := o.object(name); inner != nil {
		return *inner
	}
	return object{path: o.path + name + ".", lost: o.lost}
}

// each reads every member of a list.
func (o object) each(name string, read func(member object)) {
	v := o.value(name)
	if v == nil {
		return
	}
	var members []json.RawMessage
	if json.Unmarshal(v, &members) != nil {
		o.lose(name)
		return
	}
	for _, m := range members {
		read(object{path: o.path, values: map[string]json.RawMessage{name: m}, lost: o.lost})
	}
}

const (
	maxKeys   = 30 // of what cannot be read, in the log
	maxNested = 20
)

// protocolName is what names of the platform's fields look like.
var protocolName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)

// keysOf names the fields of what cannot be read, as far as it is JSON. A name that does not
// look like the platform's is not repeated: it may be a person's words.
func keysOf(data []byte) []string {
	d := json.NewDecoder(bytes.NewReader(cleaned(data)))
	var keys []string
	var open []json.Delim
	name := false // the next token is a field's name
	for len(keys) < maxKeys && len(open) < maxNested {
		token, err := d.Token()
		if err != nil {
			break
		}
		in := func() bool { return len(open) > 0 && open[len(open)-1] == '{' }
		switch t := token.(type) {
		case json.Delim:
			if t == '{' || t == '[' {
				open = append(open, t)
			} else {
				open = open[:len(open)-1]
			}
			name = in()
			continue
		case string:
			if name {
				if !protocolName.MatchString(t) || !utf8.ValidString(t) {
					t = "?"
				}
				keys, name = append(keys, t), false
				continue
			}
		}
		name = in()
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
