package aibot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

var (
	errTrailing = errors.New("more than one value")
	errDoubled  = errors.New("a field stands twice")
)

// decode reads what nobody has signed: exactly one JSON value into v. Unknown fields are normal; a field
// that stands twice is refused, since two readers could then read two messages.
// Its errors do not contain the data, which may be what a person wrote.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return withoutData(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errTrailing
	}
	return singular(json.NewDecoder(bytes.NewReader(data)))
}

// withoutData describes a JSON error without the value that caused it.
func withoutData(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("field %s is no %s", kind.Field, kind.Type.Kind())
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("not JSON at byte %d", syntax.Offset)
	}
	return errors.New("not JSON")
}

// singular walks the next value and fails on a doubled field. The value has been
// decoded before, which bounds its depth (encoding/json stops at 10,000).
func singular(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return withoutData(err)
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	var names names
	for d.More() {
		if open == '{' {
			if err := names.read(d); err != nil {
				return err
			}
		}
		if err := singular(d); err != nil {
			return err
		}
	}
	_, err = d.Token() // the closing bracket
	return err
}

// names are the fields of one object so far.
type names map[string]bool

// read reads a field's name. encoding/json fills a field from a name in any letter
// case, so MsgId beside msgid counts as doubled.
func (n *names) read(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return withoutData(err)
	}
	name, _ := token.(string)
	name = strings.ToLower(strings.ToUpper(name)) // both: ſ and K fold to s and k
	if (*n)[name] {
		return errDoubled
	}
	if *n == nil {
		*n = names{}
	}
	(*n)[name] = true
	return nil
}
