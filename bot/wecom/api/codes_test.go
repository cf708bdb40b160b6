package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestEveryCode has the platform answer with each code that concerns us once: it is told
// apart as what it means, what can be done again is done again so often, and nothing
// that says no is asked twice.
func TestEveryCode(t *testing.T) {
	again := map[error]int32{ErrBusy: 1 + maxRetries, ErrAccessToken: 2}
	for want, codes := range map[error][]int{
		ErrBusy:        {-1},
		ErrAccessToken: {40014, 41001, 42001},
		ErrCredential:  {40001, 40013, 40091},
		ErrRateLimited: {45009, 45033},
		ErrUntrustedIP: {60020},
		ErrRecipient:   {40003, 40096, 60111, 81013},
		ErrForbidden:   {40056, 301002, 48002, 48006, 50002, 50003, 60011, 95000, 95004, 95017, 95011, 95012},
		ErrInput:       {40007, 40008, 40058, 40063, 44004, 45001, 45002, 82001, 2000002},
		ErrContent:     {40201},
		ErrSpent:       {40029, 42014, 42016, 60140},
		ErrWindow:      {95001, 95013, 95018},
		ErrRobot:       {93000, 93004, 93008},
		// Without a meaning of ours: named as it came.
		nil: {40000, 86001, 12345},
	} {
		for _, code := range codes {
			c := newCorp(t)
			c.onSend = func(w http.ResponseWriter, _ *http.Request, _ int) { answer(w, code, "as ordered") }
			err := c.sender(t, Options{}).SendText(context.Background(), "lin.yue", "你好")
			var refused *APIError
			if !errors.As(err, &refused) || refused.Code != int64(code) || want != nil && !errors.Is(err, want) {
				t.Errorf("%d: got %v, want %v", code, err, want)
				continue
			}
			if want == nil && refused.Unwrap() != nil {
				t.Errorf("%d: taken for %v", code, refused.Unwrap())
			}
			if sent := c.sent.Load(); sent != max(again[want], 1) {
				t.Errorf("%d: sent %d times", code, sent)
			}
			if !strings.Contains(err.Error(), fmt.Sprint(code)) {
				t.Errorf("%d: the error does not name it: %v", code, err)
			}
		}
	}
}

// TestLateGoesToThePlatformOnly: whoever could choose the host would get answers, and
// could make us call machines inside (threat T8).
func TestLateGoesToThePlatformOnly(t *testing.T) {
	l, err := NewLate(fake.url)
	if err != nil {
		t.Fatal(err)
	}
	const code = "?response_code=CODEMARK"
	for _, good := range []string{
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/response" + code,
		fake.url + "/cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/response" + code + "&more=1",
	} {
		got, err := l.address(good)
		if err != nil || got != platformURL+latePath+code {
			t.Errorf("%s: %q, %v", good, got, err)
		}
	}
	host := strings.TrimPrefix(fake.url, "http://")
	for _, bad := range []string{
		"", "x", "//qyapi.weixin.qq.com/cgi-bin/aibot/response" + code,
		"http://qyapi.weixin.qq.com/cgi-bin/aibot/response" + code,
		"https://user@qyapi.weixin.qq.com/cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com@evil.example/cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com.evil.example/cgi-bin/aibot/response" + code,
		"https://evil.qyapi.weixin.qq.com/cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com./cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com:443/cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com:8443/cgi-bin/aibot/response" + code,
		"https://QYAPI.weixin.qq.com/cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com/cgi-bin/AIBOT/response" + code,
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/response/" + code,
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/response/../../gettoken" + code,
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/../aibot/response" + code,
		"https://qyapi.weixin.qq.com/cgi-bin/%2e%2e/cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com/cgi-bin%2faibot/response" + code,
		"https://qyapi.weixin.qq.com\\@evil.example/cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/response" + code + "#x",
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/response",
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=",
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=%zz",
		"https://qyapi.weixin.qq.com/cgi-bin/gettoken" + code,
		"https://127.0.0.1/cgi-bin/aibot/response" + code, "http://169.254.169.254/latest/meta-data" + code,
		"https://[::1]/cgi-bin/aibot/response" + code, "https://2130706433/cgi-bin/aibot/response" + code,
		"http://x@" + host + "/cgi-bin/aibot/response" + code,
		"file:///cgi-bin/aibot/response" + code, "https:qyapi.weixin.qq.com/cgi-bin/aibot/response" + code,
		"https://qyapi.weixin.qq.com/cgi-bin/aibot/response" + code + "\nHost: evil.example",
	} {
		if got, err := l.address(bad); err == nil {
			t.Errorf("%q goes to %q", bad, got)
		} else if strings.Contains(err.Error(), "CODEMARK") || strings.Contains(err.Error(), "evil") {
			t.Errorf("the error repeats the address: %v", err)
		}
		if err := l.Post(t.Context(), bad, map[string]string{}, ""); !errors.Is(err, ErrLateURL) {
			t.Errorf("%q: posted with %v", bad, err)
		}
	}
}
