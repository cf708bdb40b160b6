package envelope

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds how deep elements may nest, the root counted. The deepest honest
// message is a card event: xml/SelectedItems/SelectedItem/OptionIds/OptionId.
const maxDepth = 8

// Why a document is refused. All are answered alike; the texts are for the log.
var (
	ErrNotUTF8    = errors.New("not UTF-8")
	errDirective  = errors.New("directive or processing instruction")
	errRoot       = errors.New("root is not a single xml element")
	errDoubled    = errors.New("field stands twice")
	errNested     = errors.New("element inside a field")
	errDeep       = errors.New("nested too deep")
	errNoDocument = errors.New("no xml element")
	errSyntax     = errors.New("not well-formed")
)

// Fields reads what nobody has signed: the children of the root element that are in known,
// and gives the text of those present. Elements it does not know are skipped, so that a
// field the platform adds tomorrow does no harm; a known one that stands twice is
// refused, because two readers could each believe a different one.
func Fields(body []byte, known ...string) (map[string]string, error) {
	r := &fieldReader{known: map[string]bool{}, found: map[string]string{}}
	for _, name := range known {
		r.known[name] = true
	}
	if err := r.read(body); err != nil {
		return nil, err
	}
	return r.found, nil
}

// SignedFields is Fields for what the platform is known to have written, read leniently: one
// field that is not what the pages say must not cost an asker the answer. A field that
// stands twice or has elements inside is lost, and the others are read; a name in other
// letter case serves when the exact one is missing. lost names what is lost.
func SignedFields(body []byte, known ...string) (found map[string]string, lost []string, err error) {
	r := &fieldReader{all: true, found: map[string]string{}, bad: map[string]bool{}}
	text := Printable(strings.ToValidUTF8(string(body), "\ufffd"))
	if err := r.read([]byte(strings.TrimPrefix(text, "\ufeff"))); err != nil {
		return nil, nil, err
	}
	found = map[string]string{}
	for _, name := range known {
		as := r.named(name)
		switch text, ok := r.found[as]; {
		case r.bad[as]:
			lost = append(lost, name)
		case ok:
			found[name] = text
		}
	}
	return found, lost, nil
}

// named is the name by which a field stands in the document.
func (r *fieldReader) named(name string) string {
	if _, exact := r.found[name]; exact {
		return name
	}
	for _, other := range slices.Sorted(maps.Keys(r.found)) {
		if strings.EqualFold(other, name) {
			return other
		}
	}
	return name
}

const (
	maxFields     = 200 // of a document that is read leniently; a card's event has some 20
	maxNames      = 30  // in a log
	maxNameLength = 40
)

// Names are those of the elements in a document that cannot be read, as far as it is XML,
// for the log. One that does not look like the platform's is not repeated: it may be a
// person's words.
func Names(body []byte) []string {
	d := xml.NewDecoder(strings.NewReader(Printable(strings.ToValidUTF8(string(body), ""))))
	var names []string
	for len(names) < maxNames {
		token, err := d.Token()
		if err != nil {
			break
		}
		if start, ok := token.(xml.StartElement); ok {
			name := start.Name.Local
			if len(name) > maxNameLength || strings.ContainsFunc(name, func(r rune) bool { return r > 'z' || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }) {
				name = "?"
			}
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// read reads a whole document.
func (r *fieldReader) read(body []byte) error {
	if !utf8.Valid(body) {
		return fmt.Errorf("envelope: xml: %w", ErrNotUTF8)
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	// Asked for every declared encoding other than UTF-8.
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, ErrNotUTF8 }
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return r.end()
		}
		if err != nil {
			return fmt.Errorf("envelope: xml: %w", nameless(err))
		}
		if err := r.take(token); err != nil {
			return fmt.Errorf("envelope: xml: %w", err)
		}
		r.tokens++
	}
}

// nameless drops the decoder's own words, which quote the document: what a person
// wrote would stand in the log.
func nameless(err error) error {
	if errors.Is(err, ErrNotUTF8) {
		return ErrNotUTF8
	}
	return errSyntax
}

// fieldReader is how far the document has been read.
type fieldReader struct {
	known  map[string]bool
	all    bool            // every field is known, and a bad one is not fatal
	bad    map[string]bool // with all: fields that stand twice, or have elements inside
	found  map[string]string
	tokens int    // tokens before this one
	roots  int    // elements seen at the top
	depth  int    // open elements
	field  string // the known field we are in, or empty
	text   strings.Builder
}

func (r *fieldReader) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.Directive:
		return errDirective
	case xml.ProcInst:
		if t.Target != "xml" || r.tokens > 0 { // the XML declaration stands first or not at all
			return errDirective
		}
	case xml.StartElement:
		return r.open(t.Name)
	case xml.EndElement:
		r.shut()
	case xml.CharData:
		return r.chars(t)
	}
	return nil
}

func (r *fieldReader) open(name xml.Name) error {
	r.depth++
	switch {
	case r.depth > maxDepth:
		return errDeep
	case r.field != "" && !r.all:
		return errNested
	case r.field != "":
		r.bad[r.field] = true
	case r.depth == 1:
		r.roots++
		if r.roots > 1 || name.Local != "xml" && !(r.all && strings.EqualFold(name.Local, "xml")) || name.Space != "" {
			return errRoot
		}
	case r.depth == 2 && name.Space == "" && (r.known[name.Local] || r.all && len(r.found) < maxFields):
		if _, twice := r.found[name.Local]; twice && !r.all {
			return errDoubled
		} else if twice {
			r.bad[name.Local] = true
		}
		r.field = name.Local
		r.text.Reset()
	}
	return nil
}

func (r *fieldReader) shut() {
	if r.field != "" && r.depth == 2 {
		r.found[r.field] = r.text.String()
		r.field = ""
	}
	r.depth--
}

func (r *fieldReader) chars(text xml.CharData) error {
	if r.field != "" {
		r.text.Write(text)
	}
	if r.depth == 0 && len(bytes.TrimSpace(text)) > 0 {
		return errRoot
	}
	return nil
}

func (r *fieldReader) end() error {
	if r.roots == 0 {
		return fmt.Errorf("envelope: xml: %w", errNoDocument)
	}
	return nil
}

// Printable replaces by a space what XML 1.0 does not allow in a document.
//
// encoding/xml reads and writes CDATA, but writes such a character as it is, after
// which the reply is no XML any more; and text pasted from slides does carry
// U+000B where a line ends, which would make us refuse an honest question.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if allowedInXML(r) {
			return r
		}
		return ' '
	}, s)
}

// allowedInXML is the production Char of XML 1.0, section 2.2, without U+FFFD's
// neighbours U+FFFE and U+FFFF. Surrogates cannot occur in a Go rune from a string.
func allowedInXML(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || (r >= ' ' && r != 0xFFFE && r != 0xFFFF)
}

// UnwrapXML takes the ciphertext out of a callback's body. ToUserName and AgentID
// stand there too, but unsigned; those inside the ciphertext are checked.
func UnwrapXML(body []byte) (string, error) {
	fields, err := Fields(body, "Encrypt", "ToUserName", "AgentID")
	if err != nil {
		return "", err
	}
	encrypted := strings.TrimSpace(fields["Encrypt"])
	if encrypted == "" {
		return "", errors.New("envelope: xml: no Encrypt element")
	}
	return encrypted, nil
}

// CDATA is text that encoding/xml writes as CDATA, splitting a ]]> inside it. A
// reply built by joining strings would let a question close the element it is
// quoted in and add a second MsgType.
type CDATA struct {
	Text string `xml:",cdata"`
}

// sealedXML is the signed and encrypted body around a passive reply.
type sealedXML struct {
	XMLName      xml.Name `xml:"xml"`
	Encrypt      CDATA
	MsgSignature CDATA
	TimeStamp    string // digits
	Nonce        CDATA
}

// WrapXML writes a sealed reply as XML. The platform states no content type;
// application/xml is usual.
func WrapXML(s Sealed) (body []byte, contentType string, err error) {
	body, err = xml.Marshal(sealedXML{
		Encrypt:      CDATA{s.Encrypt},
		MsgSignature: CDATA{s.Signature},
		TimeStamp:    s.Timestamp,
		Nonce:        CDATA{Printable(s.Nonce)},
	})
	if err != nil {
		return nil, "", fmt.Errorf("envelope: xml: %w", err)
	}
	return body, "application/xml", nil
}
