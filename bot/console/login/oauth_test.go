package login

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/storetest"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/platform"
)

// members answers for the platform.
type members struct {
	user string
	err  error

	mu    sync.Mutex
	codes []string
}

func (m *members) UserOf(_ context.Context, code string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes = append(m.codes, code)
	return m.user, m.err
}

func (m *members) asked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.codes)
}

const authorizeURL = "https://login.example/connect/oauth2/authorize"

func oauthWorld(t *testing.T, m Members) *world {
	t.Helper()
	return newWorld(t, bolt(t), Options{BaseURL: publicURL + "/", RoleOf: Roles([]string{"chen.jing"}, []string{"lin.yue"}, []string{"rea.der"}),
		OAuth: &OAuth{Members: m, AuthorizeURL: authorizeURL, CorpID: "ww1", AgentID: "1000002"}, Proxies: proxied})
}

// startOAuth begins a login and gives its state.
func (b *browser) startOAuth(t *testing.T, next string) string {
	t.Helper()
	got := b.get(oauthPath + nextQuery(next))
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil || got.status != http.StatusSeeOther || !bearer(to.Query().Get("state")) {
		t.Fatalf("%d to %v, %v", got.status, to, err)
	}
	return to.Query().Get("state")
}

func TestAuthorizeAddress(t *testing.T) {
	w := oauthWorld(t, &members{})
	got := w.browser().get(oauthPath).header.Get("Location")
	head, tail, _ := strings.Cut(got, "&state=")
	if head != authorizeURL+"?appid=ww1&redirect_uri=https%3A%2F%2Faeo.example.com%2Fconsole%2Foauth%2Fback&response_type=code&scope=snsapi_base" ||
		!strings.HasSuffix(tail, "&agentid=1000002#wechat_redirect") {
		t.Errorf("sent to %s", got)
	}
	page := w.browser().get(loginPath + "?next=/console/read")
	if !strings.Contains(page.body, `href="https://aeo.example.com/console/oauth?next=%2Fconsole%2Fread"`) || strings.Contains(page.body, "password") {
		t.Errorf("the page: %s", page.body)
	}
}

func TestOAuth(t *testing.T) {
	m := &members{user: "lin.yue"}
	w := oauthWorld(t, m)
	b := w.browser()
	state := b.startOAuth(t, "/console/read?a=b")
	cookie := b.cookies["__Host-"+stateCookie(state)]
	back := backPath + "?code=a%26b%2Bc%23&state=" + state
	if got := b.get(back); !got.leadsTo("/console/read?a=b") || len(m.codes) != 1 || m.codes[0] != "a&b+c#" {
		t.Fatalf("%d %s, codes %q", got.status, got.text(), m.codes)
	}
	if got := b.edit(); got.status != http.StatusOK || w.last().ID != "lin.yue" || w.last().Role != Coordinator {
		t.Errorf("edit: %d by %+v", got.status, w.last())
	}
	if !strings.Contains(w.audited(), "lin.yue login wecom") {
		t.Errorf("audit: %s", w.audited())
	}
	if b.cookies["__Host-"+stateCookie(state)] != "" {
		t.Error("the state stays in the browser")
	}
	for name, cookie := range map[string]string{"without its cookie": "", "with its cookie": cookie} {
		thief := w.browser()
		thief.cookies["__Host-"+stateCookie(state)] = cookie
		if got := thief.get(back); got.status != http.StatusForbidden || thief.cookies[sessionCookie] != "" || m.asked() != 1 {
			t.Errorf("replayed %s: %d, asked %d times", name, got.status, m.asked())
		}
	}
}

// TestOAuthStates: an answer is taken only by the browser that asked, once, and soon.
func TestOAuthStates(t *testing.T) {
	m := &members{user: "lin.yue"}
	w := oauthWorld(t, m)
	for _, tt := range []struct {
		name string
		back func(b *browser) string
	}{
		{"nothing was begun", func(*browser) string { return "code=c&state=" + strings.Repeat("A", 26) }},
		{"no state", func(b *browser) string { b.startOAuth(t, home); return "code=c" }},
		{"empty state and cookie", func(b *browser) string { b.cookies["__Host-"+cookieState] = ""; return "code=c&state=" }},
		{"another login's cookie", func(b *browser) string {
			first, second := b.startOAuth(t, home), b.startOAuth(t, home)
			b.cookies["__Host-"+stateCookie(first)] = b.cookies["__Host-"+stateCookie(second)]
			return "code=c&state=" + first
		}},
		{"another browser's state", func(b *browser) string {
			b.startOAuth(t, home)
			return "code=c&state=" + w.browser().startOAuth(t, home)
		}},
		{"too late", func(b *browser) string {
			state := b.startOAuth(t, home)
			w.pass(stateLife + time.Second)
			return "code=c&state=" + state
		}},
		{"from the future", func(b *browser) string {
			state := b.startOAuth(t, home)
			w.pass(-time.Hour)
			return "code=c&state=" + state
		}},
		{"a cookie of no sense", func(b *browser) string {
			state := b.startOAuth(t, home)
			b.cookies["__Host-"+stateCookie(state)] = "x.y.z"
			return "code=c&state=" + state
		}},
	} {
		b := w.browser()
		query := tt.back(b)
		got := b.get(backPath + "?" + query)
		if got.status != http.StatusForbidden || b.cookies[sessionCookie] != "" || m.asked() != 0 {
			t.Errorf("%s: %d %s, asked %d times", tt.name, got.status, got.text(), m.asked())
		}
	}
}

// TestBackAgain: whoever asks for the way back again goes on when they are logged in, however
// they are, and nobody is logged in by it.
func TestBackAgain(t *testing.T) {
	m := &members{user: "lin.yue"}
	w := oauthWorld(t, m)
	b := w.browser()
	state := b.startOAuth(t, "/console/read?a=b")
	back := backPath + "?code=c&state=" + state
	b.get(back)
	session := b.cookies[sessionCookie]
	for _, again := range []string{back, back, backPath + "?state=" + state, backPath + "?code=other&state=" + state} {
		if got := b.get(again); !got.leadsTo("/console/read?a=b") || b.cookies[sessionCookie] != session {
			t.Errorf("%s again: %d to %s", again, got.status, got.header.Get("Location"))
		}
	}
	for _, never := range []string{backPath, backPath + "?code=c&state=" + w.browser().startOAuth(t, "/console/read"), backPath + "?code=c&state=x"} {
		if got := b.get(never); !got.leadsTo(home) || b.cookies[sessionCookie] != session {
			t.Errorf("%s: %d to %s", never, got.status, got.header.Get("Location"))
		}
	}
	if m.asked() != 1 {
		t.Errorf("the platform was asked %d times", m.asked())
	}
	b.do(http.MethodPost, logoutPath, url.Values{"csrf": {b.csrf()}})
	if got := b.get(back); got.status != http.StatusForbidden || b.cookies[sessionCookie] != "" {
		t.Errorf("after the logout: %d", got.status)
	}
}

// TestTwoTabs: logins begun in several tabs all finish, in any order, and lead where each was
// to lead. A browser that begins without end keeps the newest.
func TestTwoTabs(t *testing.T) {
	w := oauthWorld(t, &members{user: "lin.yue"})
	b := w.browser()
	first, second := b.startOAuth(t, "/console/read?tab=1"), b.startOAuth(t, "/console/read?tab=2")
	for i, state := range []string{second, first, second} {
		if got := b.get(backPath + "?code=c&state=" + state); !got.leadsTo("/console/read?tab=" + []string{"2", "1", "2"}[i]) {
			t.Errorf("%d: %d to %s", i, got.status, got.header.Get("Location"))
		}
	}
	if got := b.get("/console/read"); got.status != http.StatusOK {
		t.Errorf("then: %d", got.status)
	}
	many := w.browser()
	var newest string
	for range 4 * maxStates {
		w.pass(time.Second)
		newest = many.startOAuth(t, "/console/read?q="+strings.Repeat("x", maxNext-20))
	}
	if len(many.cookies) != maxStates {
		t.Errorf("%d cookies are kept", len(many.cookies))
	}
	if got := many.get(backPath + "?code=c&state=" + newest); got.status != http.StatusSeeOther {
		t.Errorf("the newest: %d", got.status)
	}
}

// held answers when it is let.
type held struct {
	members
	asked, answer chan struct{}
}

func (h *held) UserOf(ctx context.Context, code string) (string, error) {
	close(h.asked) // a second question would be a fault
	<-h.answer
	return h.members.UserOf(ctx, code)
}

// TestBackTwiceAtOnce: the second request waits for the first, at another replica as well, and
// both lead on; the code is asked for once.
func TestBackTwiceAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s bot.Shelf) {
		m := &held{members: members{user: "lin.yue"}, asked: make(chan struct{}), answer: make(chan struct{})}
		o := Options{BaseURL: publicURL, RoleOf: Roles(nil, []string{"lin.yue"}, nil), OAuth: &OAuth{Members: m, AuthorizeURL: authorizeURL, CorpID: "ww1"}}
		here, there := newWorld(t, s, o), newWorld(t, s, o)
		answer := sync.OnceFunc(func() { close(m.answer) })
		t.Cleanup(answer) // a server waits for its requests before it closes
		b := here.browser()
		state := b.startOAuth(t, "/console/read?a=b")
		other := &browser{w: there, address: b.address, cookies: maps.Clone(b.cookies)} // the same browser, at the other replica
		back := backPath + "?code=c&state=" + state
		var both sync.WaitGroup
		both.Go(func() {
			if got := b.get(back); !got.leadsTo("/console/read?a=b") {
				t.Errorf("the first: %d", got.status)
			}
		})
		<-m.asked
		looked := there.store.reads()
		both.Go(func() {
			if got := other.get(back); !got.leadsTo("/console/read?a=b") || other.cookies[sessionCookie] != "" {
				t.Errorf("the second: %d, %v", got.status, other.cookies)
			}
		})
		storetest.Eventually(t, "the second waiting", func() bool { return there.store.reads() > looked+2 || t.Failed() })
		answer()
		both.Wait()
		if got := b.get("/console/read"); got.status != http.StatusOK {
			t.Errorf("then: %d", got.status)
		}
	})
}

func TestOAuthPeople(t *testing.T) {
	for _, tt := range []struct {
		name, user string
		err        error
		code       string
		want       int
		says       string
	}{
		{"reader", "rea.der", nil, "c", http.StatusSeeOther, ""},
		{"no member", "", nil, "c", http.StatusForbidden, "只有本企业的成员"},
		{"member without a role", "wang.qiang", nil, "c", http.StatusForbidden, "没有维护台的权限"},
		{"code refused", "", errors.New("api: auth/getuserinfo: errcode 40029"), "c", http.StatusBadGateway, "请重新登录"},
		{"no code", "lin.yue", nil, "", http.StatusBadRequest, "请重新登录"},
		{"long code", "lin.yue", nil, strings.Repeat("x", 513), http.StatusBadRequest, "请重新登录"},
		{"code with a line break", "lin.yue", nil, "a\nb", http.StatusBadRequest, "请重新登录"},
	} {
		w := oauthWorld(t, &members{user: tt.user, err: tt.err})
		b := w.browser()
		got := b.get(backPath + "?state=" + b.startOAuth(t, home) + "&code=" + url.QueryEscape(tt.code))
		if got.status != tt.want || !strings.Contains(got.text(), tt.says) || (b.cookies[sessionCookie] != "") != (tt.want == http.StatusSeeOther) {
			t.Errorf("%s: %d %s", tt.name, got.status, got.text())
		}
		if strings.Contains(got.body, "errcode") {
			t.Errorf("%s: the page shows the platform's error", tt.name)
		}
	}
}

// TestInventedCodesAreSlowedDown, since each costs a call of the platform.
func TestInventedCodesAreSlowedDown(t *testing.T) {
	m := &members{err: errors.New("refused")}
	w := oauthWorld(t, m)
	for range 200 {
		b := w.browser()
		b.get(backPath + "?code=x&state=" + b.startOAuth(t, home))
	}
	if n := m.asked(); n != limitAddress.free {
		t.Errorf("one address asked %d times", n)
	}
	for i := range 200 {
		b := w.browser()
		b.address = "198.51.100." + string(rune('0'+i%10)) + string(rune('0'+i/10%10))
		b.get(backPath + "?code=x&state=" + b.startOAuth(t, home))
	}
	if n := m.asked(); n != limitCodes.free {
		t.Errorf("all addresses asked %d times", n)
	}
}

// TestOAuthWithThePlatform runs the whole way, with the stand-in platform and the guarded
// SDK.
func TestOAuthWithThePlatform(t *testing.T) {
	standIn := &platform.API{}
	corp := standIn.Corp("wwoauth", "SECRETMARK-oauth")
	mux := http.NewServeMux()
	mux.Handle("/cgi-bin/", standIn)
	mux.Handle("/connect/oauth2/authorize", &platform.Login{API: standIn, Trusted: []string{publicHost}})
	server := httptest.NewServer(mux)
	defer server.Close()
	client, err := api.New(api.Options{BaseURL: server.URL, CorpID: "wwoauth", AgentID: "1000002", Secret: "SECRETMARK-oauth"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, bolt(t), Options{BaseURL: publicURL, RoleOf: Roles([]string{"chen.jing"}, nil, nil),
		OAuth: &OAuth{Members: client, AuthorizeURL: server.URL + "/connect/oauth2/authorize", CorpID: "wwoauth", AgentID: "1000002"}})
	// at goes to the platform and gives the way back.
	at := func(b *browser, as string) string {
		t.Helper()
		to := b.get(oauthPath).header.Get("Location")
		to = strings.TrimSuffix(to, "#wechat_redirect") + "&as=" + as
		r, err := http.NewRequest(http.MethodGet, to, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		back := got.Header.Get("Location")
		if !strings.HasPrefix(back, publicURL+backPath+"?code=") {
			t.Fatalf("the platform sends to %q, %d", back, got.StatusCode)
		}
		return strings.TrimPrefix(back, publicURL)
	}
	for as, want := range map[string]int{"chen.jing": http.StatusSeeOther, "wang.qiang": http.StatusForbidden, "": http.StatusForbidden} {
		b := w.browser()
		if got := b.get(at(b, as)); got.status != want {
			t.Errorf("%q: %d %s", as, got.status, got.text())
		}
	}
	b := w.browser()
	first := at(b, "chen.jing")
	code := first[strings.Index(first, "code=")+5 : strings.Index(first, "&state")]
	if got := b.get(first); got.status != http.StatusSeeOther {
		t.Fatal(got.status)
	}
	second := w.browser()
	if got := second.get(backPath + "?code=" + code + "&state=" + second.startOAuth(t, home)); got.status != http.StatusBadGateway || second.cookies[sessionCookie] != "" {
		t.Errorf("the code a second time, with a new state: %d", got.status)
	}
	late := w.browser()
	back := at(late, "chen.jing")
	corp.ExpireLogins()
	if got := late.get(back); got.status != http.StatusBadGateway {
		t.Errorf("a code too old: %d", got.status)
	}
	corp.SetFaults(platform.APIFaults{Codes: map[string][]int{"auth/getuserinfo": {60020}}})
	untrusted := w.browser()
	if got := untrusted.get(at(untrusted, "chen.jing")); got.status != http.StatusBadGateway || client.Trouble() == nil {
		t.Errorf("our address is not trusted: %d, trouble %v", got.status, client.Trouble())
	}
	for _, secret := range []string{"SECRETMARK", code, "access_token=", "chen.jing", "wang.qiang"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log has %q:\n%s", secret, w.log.String())
		}
	}
}
