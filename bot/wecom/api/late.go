package api

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/silenceper/wechat/v2/util"
)

// apiLate is the late way to answer a message (101138), as errors and logs name it.
const apiLate = "aibot/response"

// Late posts late answers to the response_url that came with a message.
type Late struct{ base string }

// NewLate makes a Late that reaches the platform at baseURL (empty: its own address).
func NewLate(baseURL string) (*Late, error) {
	if err := installGuard(baseURL); err != nil {
		return nil, err
	}
	base, err := checkBaseURL(baseURL)
	return &Late{base}, err
}

// ErrLateURL: a response_url is not the platform's. It is not repeated: it
// is a secret.
var ErrLateURL = errors.New("api: response_url is not the platform's")

// latePath is where late answers go, and the only parameter they take.
const (
	latePath  = "/cgi-bin/aibot/response"
	lateParam = "response_code"
)

// address gives where to post: the platform's own address, whatever way it is reached,
// and nothing that only looks like it. Whoever could choose the host would get answers
// and could make us call machines inside.
func (l *Late) address(responseURL string) (string, error) {
	u, err := url.Parse(responseURL)
	if err != nil || u.User != nil || u.Fragment != "" || u.RawPath != "" || u.Opaque != "" || strings.ContainsAny(responseURL, "\\\n\r\t") {
		return "", ErrLateURL
	}
	own, known := strings.CutPrefix(u.Scheme+"://"+u.Host+u.Path, platformURL)
	if !known {
		own, known = strings.CutPrefix(u.Scheme+"://"+u.Host+u.Path, l.base)
	}
	q, err := url.ParseQuery(u.RawQuery)
	if !known || err != nil || own != latePath || q.Get(lateParam) == "" {
		return "", ErrLateURL
	}
	return platformURL + latePath + "?" + url.Values{lateParam: q[lateParam][:1]}.Encode(), nil
}

// Post delivers a late answer. The platform takes one for a message: ErrSpent means
// that one was taken before, or that the hour is over. text is what the body says, which
// no error repeats.
func (l *Late) Post(ctx context.Context, responseURL string, body any, text string) error {
	address, err := l.address(responseURL)
	if err != nil {
		return err
	}
	code := responseURL[strings.Index(responseURL, "=")+1:]
	err = guarded(apiLate, func() error {
		_, err := util.PostJSONContext(ctx, address, body)
		return err
	})
	if err != nil {
		return fmt.Errorf("api: %s: %w", apiLate, redact(err, code, text))
	}
	return nil
}
