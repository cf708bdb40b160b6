package api

import (
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestCheckBaseURL(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "https://qyapi.weixin.qq.com"},
		{"https://qyapi.weixin.qq.com", "https://qyapi.weixin.qq.com"},
		{"http://127.0.0.1:8081/", "http://127.0.0.1:8081"},
		{"https://proxy.example/wecom/", "https://proxy.example/wecom"},
	} {
		if got, err := checkBaseURL(tt.in); err != nil || got != tt.want {
			t.Errorf("checkBaseURL(%q) = %q, %v, want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestAddressOfError(t *testing.T) {
	for _, tt := range []struct{ message, want string }{
		{"not allow to access from your ip, from ip: 203.0.113.7, more info", "203.0.113.7"},
		{"From IP: 2001:db8::1, more info", "2001:db8::1"},
		{"from ip: 203.0.113.7.", "the outgoing address of this server"},
		{"from ip: 999.1.1.1", "the outgoing address of this server"},
		{"", "the outgoing address of this server"},
	} {
		e := &APIError{Code: 60020, Message: tt.message, API: apiSend}
		if got := e.Address(); got != tt.want {
			t.Errorf("Address of %q = %q, want %q", tt.message, got, tt.want)
		}
	}
}

func TestScrub(t *testing.T) {
	for _, tt := range []struct{ in, secret, want string }{
		{"refused: dial tcp 127.0.0.1:1", "s3cret", "refused: dial tcp 127.0.0.1:1"},
		{"see https://x/send?access_token=abc now", "", "see https://x/send now"},
		{"token S3CRET and s3cret", "s3cret", "token [hidden] and [hidden]"},
		{"escaped a%2Fb", "a/b", "escaped [hidden]"},
		{"海关 a\nb", "", ".. a.b"},
		{"member a is unknown", "a", "member a is unknown"},
		{strings.Repeat("x", 1000), "", strings.Repeat("x", maxErrorBytes)},
		{strings.Repeat("x", maxScrubBytes+1), "", "(8193 bytes, not repeated)"},
	} {
		if got := scrub(tt.in, []string{tt.secret}); got != tt.want {
			t.Errorf("scrub(%q, %q) = %q, want %q", tt.in, tt.secret, got, tt.want)
		}
	}
}

func FuzzJudgeAnswer(f *testing.F) {
	for _, s := range []string{`{"errcode":0,"errmsg":"ok"}`, `{}`, `null`, `{"errcode":"0"}`, `{"ERRCODE":0}`, `{"errcode":42001,"errmsg":"x"}`, `<html>`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		err := judgeAnswer(apiSend, body)
		if err == nil && !strings.Contains(strings.ToLower(string(body)), "errcode") && !strings.Contains(string(body), `\u`) {
			t.Errorf("judgeAnswer(%q) = nil, but there is no errcode", body)
		}
		var api *APIError
		if errors.As(err, &api) && redact(err).Error() == "" {
			t.Errorf("judgeAnswer(%q): an error without words", body)
		}
	})
}

// plainWord is the form of secrets and access_tokens.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_-]{3,}$`)

func FuzzScrub(f *testing.F) {
	f.Add("get https://x/cgi-bin/send?access_token=abc&x=1: refused", "abc")
	f.Add(`Post "http://h/p?corpsecret=a%2Fb": EOF`, "EOF")
	f.Add("aXaXbb", "aXb")
	f.Add("token ab\xf0cd", "ab\xf0cd")
	f.Add("0", "00\xf0")
	f.Fuzz(func(t *testing.T, s, secret string) {
		got := scrub(s, []string{secret})
		if plainWord.MatchString(secret) && strings.Contains(strings.ReplaceAll(got, hidden, " "), secret) {
			t.Errorf("scrub(%q) = %q still holds %q", s, got, secret)
		}
		if len(got) > maxErrorBytes || strings.Contains(got, "?") {
			t.Errorf("scrub(%q) = %q, too long or with an address's query", s, got)
		}
	})
}
