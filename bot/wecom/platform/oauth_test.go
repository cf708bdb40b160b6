package platform

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// authorize asks the login page without following it.
func authorize(t *testing.T, l *Login, query string) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/connect/oauth2/authorize?"+query, nil))
	return w.Result()
}

func TestLoginSendsBackWithACode(t *testing.T) {
	api := &API{}
	corp := api.Corp("ww1", "s")
	l := &Login{API: api}
	const good = "appid=ww1&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fback%3Fa%3Db&response_type=code&scope=snsapi_base&state=S-1&agentid=1"
	r := authorize(t, l, good+"&as=lin.yue")
	back, err := url.Parse(r.Header.Get("Location"))
	if err != nil || r.StatusCode != http.StatusFound || back.Host != "127.0.0.1:1" || back.Query().Get("state") != "S-1" || back.Query().Get("a") != "b" {
		t.Fatalf("sent to %v, %v", back, err)
	}
	ask := func(code string) (int, map[string]any) {
		return corp.userInfo(httptest.NewRequest(http.MethodGet, "/?code="+url.QueryEscape(code), nil), nil)
	}
	code := back.Query().Get("code")
	if c, f := ask(code); c != apiOK || f["userid"] != "lin.yue" {
		t.Errorf("got %d %v", c, f)
	}
	if c, _ := ask(code); c != apiBadLogin {
		t.Errorf("the second time %d", c)
	}
	if c, _ := ask("invented"); c != apiBadLogin {
		t.Errorf("invented: %d", c)
	}
	if c, f := ask(corp.NewLoginCode("")); c != apiOK || f["userid"] != nil || f["openid"] == "" {
		t.Errorf("no member: %d %v", c, f)
	}
	old := corp.NewLoginCode("lin.yue")
	corp.ExpireLogins()
	if c, _ := ask(old); c != apiBadLogin {
		t.Errorf("too old: %d", c)
	}
	if r := authorize(t, l, good); r.StatusCode != http.StatusOK || !strings.Contains(r.Header.Get("Content-Type"), "html") {
		t.Errorf("the page is %d", r.StatusCode)
	}
	for _, bad := range []string{"", strings.Replace(good, "ww1", "ww2", 1), strings.Replace(good, "snsapi_base", "snsapi_userinfo", 1),
		strings.Replace(good, "127.0.0.1", "evil.example", 1), strings.Replace(good, "http%3A", "javascript%3A", 1)} {
		if r := authorize(t, l, bad+"&as=lin.yue"); r.StatusCode < 400 || r.Header.Get("Location") != "" {
			t.Errorf("%q: %d, sent to %s", bad, r.StatusCode, r.Header.Get("Location"))
		}
	}
}
