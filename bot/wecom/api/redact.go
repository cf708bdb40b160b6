package api

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// maxErrorBytes bounds the text of an error that came from outside.
const maxErrorBytes = 240

// maxScrubBytes bounds what is searched for secrets; no honest errmsg comes near.
const maxScrubBytes = 8 << 10

// hidden stands where a secret stood.
const hidden = "[hidden]"

// query matches from the question mark of an address to its end.
var query = regexp.MustCompile(`\?[^\s"']*`)

// redacted is an error whose text is safe to keep. It still unwraps, so that
// errors.Is finds a context's end, but nobody prints what is inside.
type redacted struct {
	text  string
	cause error
}

func (e *redacted) Error() string { return e.text }

// Is lets errors.Is look inside without handing the inner error to anyone.
func (e *redacted) Is(target error) bool { return errors.Is(e.cause, target) }

// redact makes an error of the SDK or of net/http fit to leave this package:
// access_token and corpsecret travel in the address, and both write the address
// into their errors. secrets are removed wherever they stand.
func redact(err error, secrets ...string) error {
	if err == nil {
		return nil
	}
	var api *APIError
	if errors.As(err, &api) {
		return &APIError{Code: api.Code, Message: scrub(api.Message, secrets), API: api.API}
	}
	var outer *url.Error
	text := err.Error()
	if errors.As(err, &outer) {
		text = outer.Err.Error()
	}
	return &redacted{text: scrub(text, secrets), cause: err}
}

// minSecretBytes is the shortest value that is removed by itself; removing every
// "a" because somebody's userid is a would leave no text.
const minSecretBytes = 3

// scrub removes secrets and addresses' queries, and whatever is not ASCII: the
// platform's texts are English, what people write is not.
func scrub(s string, secrets []string) string {
	if len(s) > maxScrubBytes { // cutting it could leave half a secret, which nothing finds
		return fmt.Sprintf("(%d bytes, not repeated)", len(s))
	}
	for _, secret := range secrets {
		if len(strings.ToValidUTF8(secret, "")) >= minSecretBytes {
			s = hide(s, secret)
		}
	}
	s = query.ReplaceAllString(s, "")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '.'
		}
		return r
	}, s)
	return s[:min(len(s), maxErrorBytes)]
}

// hide removes secret in any letter case (the platform lower-cases userids) and
// as it stands in an address.
func hide(s, secret string) string {
	for _, form := range []string{secret, url.QueryEscape(secret)} {
		s = strings.ReplaceAll(s, form, hidden)
		valid := strings.ToValidUTF8(form, "") // else the expression does not compile
		s = regexp.MustCompile("(?i)"+regexp.QuoteMeta(valid)).ReplaceAllLiteralString(s, hidden)
	}
	return s
}
