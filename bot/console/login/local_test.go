package login

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
)

// TestOnlyThisMachine: without a login the console answers this machine alone. The
// connection decides, and no header opens it (threat T28); a page whose name was made to
// mean 127.0.0.1 is somewhere else.
func TestOnlyThisMachine(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Proxies: proxied})
	handler := w.guard.Require(Admin, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if p := Of(r.Context()); !p.Local || p.ID != "local" || p.Role != Admin || p.CSRF == "" {
			t.Errorf("came as %+v", p)
		}
	}))
	for _, tt := range []struct {
		name, peer, host string
		headers          []string
		want             int
	}{
		{"browser here", "127.0.0.1:5000", "127.0.0.1:8080", nil, 200},
		{"by name", "127.0.0.1:5000", "localhost:8080", nil, 200},
		{"version 6", "[::1]:5000", "[::1]:8080", nil, 200},
		{"version 4 as 6", "[::ffff:127.0.0.1]:5000", "127.0.0.1", nil, 200},
		{"another machine", "203.0.113.7:5000", "aeo.example.com", nil, 403},
		{"another machine that names this one", "203.0.113.7:5000", "127.0.0.1:8080", nil, 403},
		{"forged X-Forwarded-For", "203.0.113.7:5000", "127.0.0.1:8080", []string{"X-Forwarded-For", "127.0.0.1"}, 403},
		{"forged X-Real-IP", "203.0.113.7:5000", "127.0.0.1:8080", []string{"X-Real-IP", "127.0.0.1"}, 403},
		{"forged Forwarded", "203.0.113.7:5000", "127.0.0.1:8080", []string{"Forwarded", "for=127.0.0.1"}, 403},
		{"through a proxy here", "127.0.0.1:5000", "127.0.0.1:8080", []string{"X-Forwarded-For", "203.0.113.7"}, 403},
		{"through a proxy here that says this machine", "127.0.0.1:5000", "127.0.0.1:8080", []string{"X-Forwarded-For", "127.0.0.1"}, 403},
		{"through a proxy here that tells its name", "127.0.0.1:5000", "127.0.0.1:8080", []string{"Via", "1.1 proxy"}, 403},
		{"DNS rebinding", "127.0.0.1:5000", "evil.example:8080", nil, 403},
		{"DNS rebinding, sub-label", "127.0.0.1:5000", "127.0.0.1.evil.example:8080", nil, 403},
		{"DNS rebinding, localhost", "127.0.0.1:5000", "localhost.evil.example:8080", nil, 403},
		{"no Host", "127.0.0.1:5000", "", nil, 403},
		{"any address", "0.0.0.0:5000", "0.0.0.0:8080", nil, 403},
		{"a container's gateway", "172.17.0.1:5000", "127.0.0.1:8080", nil, 403},
		{"no address", "@", "127.0.0.1:8080", nil, 403},
	} {
		r := httptest.NewRequest(http.MethodGet, "/console/settings", nil)
		r.RemoteAddr, r.Host = tt.peer, tt.host
		for i := 0; i < len(tt.headers); i += 2 {
			r.Header.Set(tt.headers[i], tt.headers[i+1])
		}
		r.AddCookie(&http.Cookie{Name: cookieName(r, cookieSession), Value: derive(w.guard.localToken, "browser")})
		got := httptest.NewRecorder()
		handler.ServeHTTP(got, r)
		if got.Code != tt.want || tt.want == 403 && !strings.Contains(got.Body.String(), "console.password") {
			t.Errorf("%s: %d %s", tt.name, got.Code, got.Body)
		}
	}
}

// TestClosed: where the console may not be open, this machine does not get in either, and is
// told why and what to do; with a login set that is nobody's business.
func TestClosed(t *testing.T) {
	const closed = "没有开。"
	w := newWorld(t, bolt(t), Options{Closed: closed})
	b := w.browser()
	b.local = true
	if path := w.guard.LocalPath(); path != "" {
		t.Errorf("a link to what is closed: %s", path)
	}
	for _, path := range []string{home, "/console/read", loginPath, logoutPath} {
		method := http.MethodGet
		if path == logoutPath {
			method = http.MethodPost
		}
		if got := b.do(method, path, nil); got.status != http.StatusForbidden || !strings.Contains(got.text(), "没有开。") || !strings.Contains(got.text(), "console.listen") {
			t.Errorf("%s: %d %s", path, got.status, got.text())
		}
	}
	w = newWorld(t, bolt(t), Options{Closed: closed, Accounts: everybody(t)})
	w.loggedIn("lin.yue")
}

func TestThisMachineHasNoLogin(t *testing.T) {
	w := newWorld(t, bolt(t), Options{})
	b := w.here()
	if got := b.get(loginPath + "?next=/console/read"); !got.leadsTo("/console/read") {
		t.Errorf("login: %d", got.status)
	}
	if got := b.get("/console/read"); got.status != 200 || !w.last().Local || w.last().Role != Admin {
		t.Fatalf("read: %d", got.status)
	}
	token := w.last().CSRF
	for name, tt := range map[string]struct {
		token   string
		headers []string
		want    int
	}{
		"own form":   {token, nil, 200},
		"no token":   {"", nil, 403},
		"forged":     {token, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		"other port": {token, []string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:1"}, 403},
		"rebound":    {token, []string{"Host", "evil.example"}, 403},
	} {
		if got := b.do(http.MethodPost, "/console/settings", url.Values{"csrf": {tt.token}}, tt.headers...); got.status != tt.want {
			t.Errorf("%s: %d, want %d", name, got.status, tt.want)
		}
	}
	if got := b.do(http.MethodPost, loginPath, url.Values{"name": {"admin"}, "password": {""}}); got.status != http.StatusNotFound {
		t.Errorf("a password: %d", got.status)
	}
	if w.store.written() > 0 {
		t.Errorf("%d writes", w.store.written())
	}
	if other := newWorld(t, bolt(t), Options{}); other.guard.localToken == w.guard.localToken {
		t.Error("two processes have one token")
	}
	away := w.browser()
	away.cookies[sessionCookie] = b.cookies[cookieSession+"-local"]
	for _, path := range []string{"/console/read", loginPath} {
		if got := away.get(path); got.status != http.StatusForbidden {
			t.Errorf("%s from elsewhere: %d", path, got.status)
		}
	}
}

// TestWithoutTheLinkNobodyEnters: what looks like this machine may come through a proxy that
// hides itself, so that being here opens nothing; the link that the program printed does, and
// leaves the address. It lets in no later than a logout, and at no other run of the program.
func TestWithoutTheLinkNobodyEnters(t *testing.T) {
	w, other := newWorld(t, bolt(t), Options{}), newWorld(t, bolt(t), Options{})
	link := func(w *world) string { return w.guard.LocalPath() }
	_, token, _ := strings.Cut(link(w), "token=")
	refused := func(what string, got response) {
		t.Helper()
		if got.status != http.StatusForbidden || !strings.Contains(got.text(), "?token=…") || strings.Contains(got.body, token) || len(got.header["Set-Cookie"]) > 0 {
			t.Errorf("%s: %d %s", what, got.status, got.text())
		}
	}
	stranger := w.browser()
	stranger.local = true
	kept := stranger.cookies
	for what, cookie := range map[string]string{"none": "", "the token": token, "half": token[:13], "other's": derive(other.guard.localToken, "browser")} {
		if delete(kept, cookieSession+"-local"); cookie != "" {
			kept[cookieSession+"-local"] = cookie
		}
		for _, path := range []string{home, "/console/read", "/console/settings", loginPath, home + "?token=", home + "?token=" + token[:25], home + "?token=" + token + "A", link(other)} {
			refused(what+" "+path, stranger.get(path))
		}
		for _, path := range []string{"/console/edit", "/console/settings", logoutPath, link(w)} {
			if path == link(w) {
				path = "/console/edit?token=" + token
			}
			refused(what+" POST "+path, stranger.do(http.MethodPost, path, url.Values{"csrf": {formToken(w.guard.localToken)}, "token": {token}}))
		}
	}
	b := w.here()
	if got := b.get("/console/read?q=%E9%97%AE&token=" + token); !got.leadsTo("/console/read?q=%E9%97%AE") {
		t.Errorf("a deep link: %d %q", got.status, got.header.Get("Location"))
	}
	if got := b.get("/console/read?token=stale"); got.status != http.StatusOK {
		t.Errorf("a link of before while one is in: %d", got.status)
	}
	if got := b.do(http.MethodGet, link(w), nil, "X-Forwarded-For", "203.0.113.7"); got.status != http.StatusForbidden {
		t.Errorf("the link through a proxy that shows itself: %d", got.status)
	}
	for range 3 { // one that is odd harms nobody else
		stranger.do(http.MethodGet, home, nil, "Host", "evil.example")
	}
	if got := b.edit(); got.status != http.StatusForbidden { // the token of no session
		t.Errorf("a form of another session: %d", got.status)
	}
	b.get("/console/read")
	if got := b.do(http.MethodPost, "/console/edit", url.Values{"csrf": {w.last().CSRF}}); got.status != http.StatusOK {
		t.Errorf("a change: %d %s", got.status, got.text())
	}
	if got := b.do(http.MethodPost, logoutPath, url.Values{"csrf": {w.last().CSRF}}); !got.leadsTo(loginPath) {
		t.Errorf("logout: %d", got.status)
	}
	refused("after the logout", b.get("/console/read"))
	if log := w.log.String(); strings.Contains(log, token) || strings.Contains(log, derive(token, "browser")) {
		t.Errorf("the log opens the console:\n%s", log)
	}
	if w := newWorld(t, bolt(t), Options{Password: goodPassword}); w.guard.LocalPath() != "" {
		t.Errorf("a link where a login is set: %s", w.guard.LocalPath())
	}
}

// TestPasswordIsAskedHereToo: with a login set, this machine is nothing special.
func TestPasswordIsAskedHereToo(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Password: goodPassword})
	b := w.browser()
	b.local = true
	if got := b.get("/console/read"); got.status != http.StatusSeeOther {
		t.Errorf("read: %d", got.status)
	}
	page := b.get(loginPath)
	if !strings.Contains(page.body, `<label for="password">`) || strings.Contains(page.body, `for="name"`) {
		t.Errorf("with one account its name is asked: %s", page.body)
	}
	if got := b.login("", goodPassword); !got.leadsTo(home) {
		t.Fatalf("login: %d", got.status)
	}
	if got := b.get("/console/settings"); got.status != http.StatusOK || w.last().ID != "admin" || w.last().Role != Admin {
		t.Errorf("then: %d as %+v", got.status, w.last())
	}
}

func TestHintWithoutTLS(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Password: goodPassword})
	const hint = "浏览器可能不保存登录"
	show := func(change func(r *http.Request)) string {
		r := httptest.NewRequest(http.MethodGet, loginPath, nil)
		r.RemoteAddr, r.Host = "203.0.113.7:5000", publicHost
		change(r)
		got := httptest.NewRecorder()
		w.guard.showLogin(got, r)
		return got.Body.String()
	}
	if !strings.Contains(show(func(*http.Request) {}), hint) {
		t.Error("in the clear: no hint")
	}
	for name, change := range map[string]func(*http.Request){
		"TLS":          func(r *http.Request) { r.TLS = &tls.ConnectionState{} },
		"proxy":        func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") },
		"this machine": func(r *http.Request) { r.RemoteAddr, r.Host = "127.0.0.1:1", "127.0.0.1:8080" },
	} {
		if strings.Contains(show(change), hint) {
			t.Errorf("%s: a hint", name)
		}
	}
}

// TestLogsHoldNobody runs everything there is with marks, and looks for them (T25).
func TestLogsHoldNobody(t *testing.T) {
	m := &members{user: "USERMARK.wang"}
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Password: goodPassword, BaseURL: publicURL, Proxies: proxied,
		OAuth: &OAuth{Members: m, AuthorizeURL: authorizeURL, CorpID: "ww1"}, RoleOf: Roles(nil, []string{"USERMARK.lin"}, nil)})
	b := w.loggedIn("lin.yue")
	marks := []string{"MARK", "lin.yue", "chen.jing", b.csrf()}
	for _, c := range b.cookies {
		marks = append(marks, c)
	}
	b.edit()
	b.edit("Sec-Fetch-Site", "cross-site")
	for range 10 {
		w.browser().login("lin.yue", "PASSWORDMARK-wrong")
	}
	w.browser().login("NAMEMARK", "PASSWORDMARK-wrong")
	w.browser().login(goodPassword, "lin.yue")
	w.pass(forgotten)
	for _, user := range []string{"USERMARK.wang", "USERMARK.lin", ""} {
		m.user = user
		o := w.browser()
		state := o.startOAuth(t, "/console/read?q=QUERYMARK")
		o.get(backPath + "?code=CODEMARK&state=" + state)
		marks = append(marks, state)
	}
	b = w.loggedIn("lin.yue")
	w.store.setAway(true)
	b.get("/console/read?q=QUERYMARK")
	w.browser().login("lin.yue", goodPassword)
	w.store.setAway(false)
	b.do(http.MethodPost, logoutPath, url.Values{"csrf": {b.csrf()}})
	log := w.log.String()
	for _, said := range []string{"password refused", "member refused", "console: login", "cannot be read", "console: logout"} {
		if !strings.Contains(log, said) {
			t.Errorf("the log lacks %q:\n%s", said, log)
		}
	}
	for _, mark := range marks {
		if strings.Contains(log, mark) {
			t.Errorf("the log has %q:\n%s", mark, log)
		}
	}
	for _, mark := range []string{"PASSWORDMARK", "NAMEMARK", "CODEMARK", "QUERYMARK"} {
		if strings.Contains(w.audited(), mark) {
			t.Errorf("the audit log has %q:\n%s", mark, w.audited())
		}
	}
}

// TestRedisAway: a real one that stops, hangs, and comes back.
func TestRedisAway(t *testing.T) {
	server := storetest.StartRedis(t)
	s, err := redisstore.Open("redis://"+server.Addr, redisstore.Options{StepTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := newWorld(t, s, Options{Accounts: everybody(t)})
	b := w.loggedIn("lin.yue")
	refused := func(what string) {
		t.Helper()
		for name, got := range map[string]response{"read": b.get("/console/read"), "edit": b.edit(), "login": w.browser().login("lin.yue", goodPassword)} {
			if got.status != http.StatusServiceUnavailable {
				t.Errorf("%s, %s: %d %s", what, name, got.status, got.text())
			}
		}
	}
	back := func(what string) {
		t.Helper()
		storetest.Eventually(t, what, func() bool { return b.get("/console/read").status == http.StatusOK })
	}
	server.Pause()
	refused("hung")
	server.Resume()
	back("resumed")
	server.Kill()
	refused("killed")
	server.Restart()
	back("restarted")
	server.Kill()
	server.RestartEmpty()
	storetest.Eventually(t, "empty", func() bool { return b.edit().status == http.StatusUnauthorized })
}
