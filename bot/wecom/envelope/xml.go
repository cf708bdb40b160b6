package envelope

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
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

// Fields reads the children of the root element that are in known and gives
// the text of those present, by the names in known whatever their letter case. Elements it does not know are skipped, so that a
// field the platform adds tomorrow does no harm; a known one that stands twice is
// refused, because two readers could each believe a different one.
func Fields(body []byte, known ...string) (map[string]string, error) {
	if !utf8.Valid(body) {
		return nil, fmt.Errorf("envelope: xml: %w", ErrNotUTF8)
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\ufeff"))))
	// Asked for every declared encoding other than UTF-8.
	d.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, ErrNotUTF8 }
	r := &fieldReader{known: map[string]string{}, found: map[string]string{}, exact: map[string]bool{}}
	for _, name := range known {
		r.known[strings.ToLower(name)] = name
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return r.result()
		}
		if err != nil {
			return nil, fmt.Errorf("envelope: xml: %w", nameless(err))
		}
		if err := r.take(token); err != nil {
			return nil, fmt.Errorf("envelope: xml: %w", err)
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
	known  map[string]string // by name in lower case
	found  map[string]string
	exact  map[string]bool // found by their exact name
	tokens int             // tokens before this one
	roots  int             // elements seen at the top
	depth  int             // open elements
	field  string          // the known field we are in, or empty
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
	case r.field != "":
		return errNested
	case r.depth == 1:
		r.roots++
		if r.roots > 1 || name.Local != "xml" || name.Space != "" {
			return errRoot
		}
	case r.depth == 2 && name.Space == "":
		return r.enter(name.Local)
	}
	return nil
}

// enter begins a field, if it is a known one. The exact name counts for more than one in
// another letter case.
func (r *fieldReader) enter(name string) error {
	known := r.known[strings.ToLower(name)]
	exact := known == name
	_, twice := r.found[known]
	switch {
	case known == "" || twice && !exact:
		return nil
	case r.exact[known]:
		return errDoubled
	}
	r.exact[known] = exact
	r.field = known
	r.text.Reset()
	return nil
}

func (r *fieldReader) shut() {
	if r.field != "" { // nothing nests in a field, so this is its end
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

func (r *fieldReader) result() (map[string]string, error) {
	if r.roots == 0 {
		return nil, fmt.Errorf("envelope: xml: %w", errNoDocument)
	}
	return r.found, nil
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
