package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// userInfo has the platform answer the question who a code is.
func (c *corp) userInfo(answers ...string) (codes *[]string) {
	codes = &[]string{}
	c.onUser = func(w http.ResponseWriter, r *http.Request, n int) {
		*codes = append(*codes, r.URL.Query().Get("code"))
		if len(r.URL.Query()) != 2 {
			c.stray("parameters: " + r.URL.RawQuery)
		}
		fmt.Fprint(w, answers[min(n, len(answers))-1])
	}
	return codes
}

func TestUserOf(t *testing.T) {
	const code = "CODEMARK&access_token=x #+%41"
	tests := []struct {
		name    string
		answers []string
		want    string
		err     error
		fails   bool
		asked   int
	}{
		{"member", []string{`{"errcode":0,"errmsg":"ok","userid":"lin.yue","user_ticket":"t"}`}, "lin.yue", nil, false, 1},
		{"no member", []string{`{"errcode":0,"errmsg":"ok","openid":"oAbC"}`}, "", nil, false, 1},
		{"customer", []string{`{"errcode":0,"errmsg":"ok","openid":"oAbC","external_userid":"wmXyZ"}`}, "", nil, false, 1},
		{"used or old", []string{`{"errcode":40029,"errmsg":"invalid code ` + code + `"}`}, "", ErrSpent, true, 1},
		{"not allowed", []string{`{"errcode":50002,"errmsg":"no"}`}, "", ErrForbidden, true, 1},
		{"address not trusted", []string{`{"errcode":60020,"errmsg":"from ip: 203.0.113.7"}`}, "", ErrUntrustedIP, true, 1},
		{"busy, then not", []string{`{"errcode":-1,"errmsg":"busy"}`, `{"errcode":0,"errmsg":"ok","userid":"lin.yue"}`}, "lin.yue", nil, false, 2},
		{"access_token expired, then not", []string{`{"errcode":42001,"errmsg":"expired"}`, `{"errcode":0,"errmsg":"ok","userid":"lin.yue"}`}, "lin.yue", nil, false, 2},
		{"success without a verdict", []string{`{"userid":"lin.yue"}`}, "", nil, true, 1},
		{"null", []string{`null`}, "", nil, true, 1},
		{"wrong type", []string{`{"errcode":0,"errmsg":"ok","userid":{"a":1}}`}, "", nil, true, 1},
		{"endless user id", []string{`{"errcode":0,"errmsg":"ok","userid":"` + strings.Repeat("x", 65) + `"}`}, "", nil, true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCorp(t)
			codes := c.userInfo(tt.answers...)
			got, err := c.sender(t, Options{}).UserOf(context.Background(), code)
			if got != tt.want || (err != nil) != tt.fails || tt.err != nil && !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v, want %q, %v", got, err, tt.want, tt.err)
			}
			if len(*codes) != tt.asked || (*codes)[0] != code {
				t.Errorf("asked with %q, want %d times %q", *codes, tt.asked, code)
			}
			if err != nil && (strings.Contains(err.Error(), "CODEMARK") || strings.Contains(err.Error(), "TOKENMARK") || strings.Contains(err.Error(), testSecret)) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestUserOfLeavesWithItsContext(t *testing.T) {
	c := newCorp(t)
	ctx, cancel := context.WithCancel(context.Background())
	c.onUser = func(w http.ResponseWriter, r *http.Request, n int) {
		cancel()
		c.hang(w, r, n)
	}
	if _, err := c.sender(t, Options{}).UserOf(ctx, "code"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
