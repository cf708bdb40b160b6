package login

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestForgedChanges: what browsers say of a form that stands elsewhere, and clients that
// say nothing (threat T18).
func TestForgedChanges(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), BaseURL: publicURL})
	b, other := w.loggedIn("lin.yue"), w.loggedIn("chen.jing")
	tests := []struct {
		name    string
		token   string
		headers []string
		want    int
	}{
		{"own page", b.csrf(), nil, 200},
		{"own page, browser before Sec-Fetch", b.csrf(), []string{"Sec-Fetch-Site", ""}, 200},
		{"no browser, with the token", b.csrf(), []string{"Sec-Fetch-Site", "", "Origin", ""}, 200},
		{"proxy changed the Host", b.csrf(), []string{"Sec-Fetch-Site", "", "Host", "bot:8080"}, 200},
		{"no browser, no token", "", []string{"Sec-Fetch-Site", "", "Origin", ""}, 403},
		{"no token", "", nil, 403},
		{"another session's token", other.csrf(), nil, 403},
		{"cut token", b.csrf()[:42], nil, 403},
		{"longer token", b.csrf() + "A", nil, 403},
		{"the session itself as token", b.cookies[sessionCookie], nil, 403},
		{"cross-site", b.csrf(), []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"same-site", b.csrf(), []string{"Sec-Fetch-Site", "same-site", "Origin", "https://www.example.com"}, 403},
		{"foreign Origin alone", b.csrf(), []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, 403},
		{"Origin null", b.csrf(), []string{"Sec-Fetch-Site", "", "Origin", "null"}, 403},
		{"same host, other port", b.csrf(), []string{"Sec-Fetch-Site", "", "Origin", publicURL + ":8443"}, 403},
		{"sub-label", b.csrf(), []string{"Sec-Fetch-Site", "", "Origin", publicURL + ".evil.example"}, 403},
	}
	for _, tt := range tests {
		before := w.store.written()
		for name, got := range map[string]response{
			"edit":   b.do(http.MethodPost, "/console/edit", url.Values{"csrf": {tt.token}}, tt.headers...),
			"DELETE": b.do(http.MethodDelete, "/console/edit", nil, append([]string{"X-CSRF-Token", tt.token}, tt.headers...)...),
		} {
			if got.status != tt.want {
				t.Errorf("%s, %s: %d, want %d: %s", tt.name, name, got.status, tt.want, got.text())
			}
		}
		if tt.want == 403 {
			got := b.do(http.MethodPost, logoutPath, url.Values{"csrf": {tt.token}}, tt.headers...)
			if got.status != 403 || w.store.written() != before {
				t.Errorf("%s, logout: %d, %d writes", tt.name, got.status, w.store.written()-before)
			}
		}
	}
}

// TestForgedLogin: nobody is logged in as somebody else by a form that stands elsewhere.
func TestForgedLogin(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "same-site", "Origin", "https://www.example.com"},
		{"Sec-Fetch-Site", "", "Origin", "https://evil.example"},
		{"Sec-Fetch-Site", "", "Origin", "null"},
	} {
		b := w.browser()
		if got := b.login("lin.yue", goodPassword, headers...); got.status != http.StatusForbidden || len(b.cookies) > 0 || len(w.kept()) > 0 {
			t.Errorf("%q: %d, cookies %v", headers, got.status, b.cookies)
		}
	}
	// A client that is no browser has no cookies of anybody's.
	if got := w.browser().login("lin.yue", goodPassword, "Sec-Fetch-Site", "", "Origin", ""); got.status != http.StatusSeeOther {
		t.Errorf("without headers: %d", got.status)
	}
}

func TestTokenPlaces(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), MaxBody: 64 << 10})
	b := w.loggedIn("lin.yue")
	post := func(kind string, body io.Reader, query string) response {
		t.Helper()
		r, err := http.NewRequest(http.MethodPost, w.url+"/console/edit"+query, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = publicHost
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("Content-Type", kind)
		return b.send(r)
	}
	upload := func(token string, size int) (string, io.Reader) {
		var body bytes.Buffer
		m := multipart.NewWriter(&body)
		_ = m.WriteField("csrf", token)
		part, _ := m.CreateFormFile("file", "a.txt")
		_, _ = part.Write(bytes.Repeat([]byte("x"), size))
		_ = m.Close()
		return m.FormDataContentType(), &body
	}
	kind, body := upload(b.csrf(), 1000)
	if got := post(kind, body, ""); got.status != 200 {
		t.Errorf("upload: %d %s", got.status, got.text())
	}
	kind, body = upload("x", 1000)
	if got := post(kind, body, "?csrf="+b.csrf()); got.status != 403 {
		t.Errorf("upload with the token in the address: %d", got.status)
	}
	kind, body = upload(b.csrf(), 100<<10)
	if got := post(kind, body, ""); got.status != 413 {
		t.Errorf("oversize upload: %d", got.status)
	}
	if got := post("application/x-www-form-urlencoded", strings.NewReader("csrf="+b.csrf()+"&x="+strings.Repeat("y", 100<<10)), ""); got.status != 413 {
		t.Errorf("oversize form: %d", got.status)
	}
	if got := post("application/x-www-form-urlencoded", strings.NewReader("a=b"), "?csrf="+b.csrf()); got.status != 403 {
		t.Errorf("token in the address: %d", got.status)
	}
	if got := post("multipart/form-data", strings.NewReader("x"), ""); got.status != 400 {
		t.Errorf("upload without a boundary: %d", got.status)
	}
	if got := post("application/json", strings.NewReader("{}"), ""); got.status != 403 {
		t.Errorf("JSON without a token: %d", got.status)
	}
}

// TestReadingChangesNothing: whatever a link leads to.
func TestReadingChangesNothing(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), BaseURL: publicURL, OAuth: &OAuth{Members: &members{}, AuthorizeURL: "https://login.example/x", CorpID: "ww1"}})
	b := w.loggedIn("chen.jing")
	before, kept := w.store.written(), fmt.Sprint(w.kept())
	for _, path := range []string{home, "/console/read", "/console/edit?csrf=" + b.csrf(), "/console/settings", loginPath, loginPath + "?name=chen.jing&password=" + goodPassword,
		logoutPath, logoutPath + "?csrf=" + b.csrf(), oauthPath, backPath, backPath + "?code=c&state=s"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions} {
			b.do(method, path, nil, "Sec-Fetch-Site", "cross-site")
		}
	}
	if w.store.written() != before || fmt.Sprint(w.kept()) != kept {
		t.Errorf("%d writes", w.store.written()-before)
	}
	if got := b.get("/console/read"); got.status != http.StatusOK {
		t.Errorf("afterwards: %d", got.status)
	}
}

// TestEveryAnswerIsGuarded: the headers that browsers look at are there, whatever the
// answer is.
func TestEveryAnswerIsGuarded(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), BaseURL: publicURL, OAuth: &OAuth{Members: &members{}, AuthorizeURL: "https://login.example/x", CorpID: "ww1"}})
	b, reader := w.loggedIn("lin.yue"), w.loggedIn("rea.der")
	stranger := w.browser()
	answers := map[string]response{
		"page": b.get("/console/read"), "login page": stranger.get(loginPath), "to the login": stranger.get("/console/read"),
		"role": reader.get("/console/edit"), "no token": b.do(http.MethodPost, "/console/edit", nil),
		"forged": b.edit("Sec-Fetch-Site", "cross-site"), "forged login": stranger.login("a", "b", "Sec-Fetch-Site", "cross-site"),
		"wrong password": stranger.login("lin.yue", "x"), "login": w.browser().login("lin.yue", goodPassword),
		"to WeCom": stranger.get(oauthPath), "back": stranger.get(backPath),
	}
	w.store.setAway(true)
	answers["store away"] = b.get("/console/read")
	for name, got := range answers {
		for header := range securityHeaders {
			if got.header.Get(header) != securityHeaders[header] {
				t.Errorf("%s (%d): %s is %q", name, got.status, header, got.header.Get(header))
			}
		}
		if strings.Contains(got.body, "<script") || strings.Contains(got.body, "style=") || strings.Contains(got.body, " on") && strings.Contains(got.body, "onclick") {
			t.Errorf("%s needs what the policy forbids: %s", name, got.body)
		}
	}
	csp := securityHeaders["Content-Security-Policy"]
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, part) {
			t.Errorf("the policy lacks %s", part)
		}
	}
	if strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") {
		t.Errorf("the policy is %s", csp)
	}
}

// TestWhatIsTypedStaysText: names, addresses and user ids are shown, never run (T15).
func TestWhatIsTypedStaysText(t *testing.T) {
	const hostile = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
	m := &members{user: hostile}
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), BaseURL: publicURL, OAuth: &OAuth{Members: m, AuthorizeURL: "https://login.example/x", CorpID: "ww1"}})
	b := w.browser()
	state := b.startOAuth(t, "/console/read")
	for name, got := range map[string]response{
		"name":    b.login(hostile, "x"),
		"next":    b.get(loginPath + "?next=" + url.QueryEscape("/console/read?q="+hostile)),
		"posted":  b.do(http.MethodPost, loginPath, url.Values{"name": {"lin.yue"}, "password": {"x"}, "next": {"/console/read?q=" + hostile}}),
		"user id": b.get(backPath + "?code=c&state=" + state),
	} {
		if got.status >= 500 || strings.Contains(got.body, "<script") || strings.Contains(got.body, "<img") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

func TestStoreAway(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), BaseURL: publicURL, OAuth: &OAuth{Members: &members{user: "lin.yue"}, AuthorizeURL: "https://login.example/x", CorpID: "ww1"},
		RoleOf: Roles(nil, []string{"lin.yue"}, nil)})
	b := w.loggedIn("lin.yue")
	seen := w.last()
	state := b.startOAuth(t, home)
	token := b.cookies[sessionCookie]
	w.store.setAway(true)
	for name, got := range map[string]response{
		"read": b.get("/console/read"), "edit": b.edit(), "login": w.browser().login("lin.yue", goodPassword),
		"OAuth": b.get(backPath + "?code=c&state=" + state),
	} {
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.text(), "存储现在连不上") || strings.Contains(got.body, "deadline") {
			t.Errorf("%s: %d %s", name, got.status, got.text())
		}
	}
	if got := b.do(http.MethodPost, logoutPath, url.Values{"csrf": {b.csrf()}}); got.status != http.StatusServiceUnavailable || b.cookies[sessionCookie] != "" {
		t.Errorf("logout: %d, cookies %v", got.status, b.cookies)
	}
	if got := w.browser().get(loginPath); got.status != http.StatusOK {
		t.Errorf("login page: %d", got.status)
	}
	if w.last() != seen {
		t.Error("somebody got through")
	}
	w.store.setAway(false)
	b.cookies[sessionCookie] = token
	if got := b.get("/console/read"); got.status != http.StatusOK {
		t.Errorf("when it is back: %d", got.status)
	}
}

var nextTests = []struct{ next, want string }{
	{"/console/", "/console/"},
	{"/console/questions?state=open&page=2", "/console/questions?state=open&page=2"},
	{"/console/knowledge/document/a%2Fb", "/console/knowledge/document/a%2Fb"},
	{"/console/knowledge?q=%E5%85%B3", "/console/knowledge?q=%E5%85%B3"},
	{"/console/x#y", "/console/x"},
	{"", home}, {"/", home}, {"/console", home}, {"/other", home}, {"/consolex/", home},
	{"//evil.example/console/", home}, {`/\evil.example`, home}, {`\\evil.example`, home}, {"/console/\\evil.example", home},
	{"https://evil.example/console/", home}, {"https:/console/", home}, {"https:console/", home}, {"javascript:alert(1)//console/", home},
	{"/console//evil.example", home}, {"/console/..//evil.example", home}, {"/console/../x", home}, {"/console/%2e%2e//evil.example", home}, {"/console/./x", home},
	{" /console/", home}, {"/console/\n", home}, {"/console/\tx", home}, {"/console/ x", home}, {"/console/\x00", home}, {"/console/%zz", home},
	{"/console/login", home}, {"/console/login?next=/console/login", home}, {"/console/logout", home}, {"/console/oauth", home}, {"/console/oauth/back?code=x", home},
	{"/console/" + strings.Repeat("x", maxNext), home},
}

func TestNext(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	for _, tt := range nextTests {
		if got := safeNext(tt.next); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.next, got, tt.want)
		}
	}
	for _, next := range []string{"//evil.example", `/\evil.example`, "https:evil.example", "/console/read?a=b"} {
		want := home
		if strings.HasPrefix(next, home) {
			want = next
		}
		got := w.browser().do(http.MethodPost, loginPath, url.Values{"name": {"lin.yue"}, "password": {goodPassword}, "next": {next}})
		if !got.leadsTo(want) {
			t.Errorf("%q: %d to %q", next, got.status, got.header.Get("Location"))
		}
	}
}

// FuzzNext: whatever is asked for, a browser stays at the console, or goes to its home.
func FuzzNext(f *testing.F) {
	for _, tt := range nextTests {
		f.Add(tt.next)
	}
	base, err := url.Parse(publicURL)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := safeNext(next)
		// As browsers read it: backslashes are slashes, control characters are not there.
		seen := strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(strings.TrimSpace(got))
		u, err := base.Parse(seen)
		if err != nil || seen != got || u.Host != publicHost || u.Scheme != "https" || !strings.HasPrefix(u.Path, home) || strings.HasPrefix(got, "//") || safeNext(got) != got {
			t.Errorf("%q leads to %q (%v)", next, got, err)
		}
	})
}

func FuzzState(f *testing.F) {
	f.Add(rand.Text() + ".1764000000." + base64.RawURLEncoding.EncodeToString([]byte("/console/read")))
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		if s, ok := readState(text); ok && (!bearer(s.token) || safeNext(s.next) != s.next) {
			t.Errorf("%q gives %+v", text, s)
		}
	})
}
