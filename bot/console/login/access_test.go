package login

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aeobot/bot"
)

// use puts an Access in force and ends what it does not grant.
func (w *world) use(a Access) {
	w.t.Helper()
	if err := w.guard.Use(a); err != nil {
		w.t.Fatal(err)
	}
	w.endRevoked()
}

func (w *world) endRevoked() {
	w.t.Helper()
	if err := w.guard.EndRevoked(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// TestRevokedIsOutEverywhere: what is taken from somebody at one replica ends their sessions
// at another that still has the old settings, without their coming to the first. All others
// go on.
func TestRevokedIsOutEverywhere(t *testing.T) {
	lin, chen := account(t, "lin.yue", Coordinator), account(t, "chen.jing", Admin)
	reader, renewed := lin, account(t, "lin.yue", Coordinator)
	reader.Role = Reader
	for _, tt := range []struct {
		name string
		now  []Account
		lin  int
	}{
		{"as before", []Account{lin, chen}, 200},
		{"account gone", []Account{chen}, 401},
		{"another role", []Account{reader, chen}, 401},
		{"another password", []Account{renewed, chen}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, s bot.Shelf) {
				o := Options{Accounts: []Account{lin, chen}, Password: goodPassword}
				old, changed := newWorld(t, s, o), newWorld(t, s, o)
				b, other, admin := old.loggedIn("lin.yue"), old.loggedIn("chen.jing"), old.loggedIn("admin")
				changed.use(Access{Accounts: tt.now, Password: goodPassword})
				for _, x := range []struct {
					b    *browser
					want int
				}{{b, tt.lin}, {other, 200}, {admin, 200}} {
					if got := x.b.edit(); got.status != x.want {
						t.Errorf("%d, want %d", got.status, x.want)
					}
				}
			})
		})
	}
}

// TestMembersTakenOffTheLists are out like accounts.
func TestMembersTakenOffTheLists(t *testing.T) {
	w := oauthWorld(t, &members{user: "lin.yue"})
	b := w.browser()
	if got := b.get(backPath + "?code=c&state=" + b.startOAuth(t, "/console/read")); got.status != http.StatusSeeOther {
		t.Fatal(got.status, got.text())
	}
	if got := b.edit(); got.status != http.StatusOK {
		t.Fatal(got.status, got.text())
	}
	w.use(Access{RoleOf: Roles(nil, []string{"lin.yue", "wang.qiang"}, nil)})
	if got := b.edit(); got.status != http.StatusOK {
		t.Errorf("others were added: %d", got.status)
	}
	w.use(Access{RoleOf: Roles(nil, []string{"wang.qiang"}, nil)})
	if got := b.edit(); got.status != http.StatusUnauthorized || len(w.kept()) != 0 {
		t.Errorf("taken off the list: %d, kept %v", got.status, w.kept())
	}
}

// TestPeopleStayInOtherSpellings: settings that spell a person another way take nothing from
// them, and end no session.
func TestPeopleStayInOtherSpellings(t *testing.T) {
	lin := account(t, "lin.yue", Coordinator)
	w := newWorld(t, bolt(t), Options{Accounts: []Account{lin}})
	b := w.loggedIn("LIN.YUE")
	lin.Name = "Lin.Yue"
	w.use(Access{Accounts: []Account{lin}})
	if got := b.edit(); got.status != http.StatusOK {
		t.Errorf("account: %d", got.status)
	}
	m := oauthWorld(t, &members{user: "lin.yue"})
	b = m.browser()
	b.get(backPath + "?code=c&state=" + b.startOAuth(t, "/console/read"))
	m.use(Access{RoleOf: Roles(nil, []string{"Lin.Yue"}, nil)})
	if got := b.edit(); got.status != http.StatusOK {
		t.Errorf("member: %d", got.status)
	}
}

// TestReplicaJudgesItsOwnWaysOnly: one that knows no accounts, or no members, says nothing
// about theirs.
func TestReplicaJudgesItsOwnWaysOnly(t *testing.T) {
	s := bolt(t)
	w := newWorld(t, s, Options{Accounts: everybody(t)})
	b := w.loggedIn("lin.yue")
	newWorld(t, s, Options{}).endRevoked()
	members := newWorld(t, s, Options{BaseURL: publicURL, OAuth: &OAuth{Members: &members{}, AuthorizeURL: authorizeURL, CorpID: "ww1"}})
	members.endRevoked()
	there := members.browser()
	there.cookies[sessionCookie] = b.cookies[sessionCookie]
	if got := there.edit(); got.status != http.StatusUnauthorized {
		t.Errorf("a replica without accounts lets one in: %d", got.status)
	}
	if got := b.edit(); got.status != http.StatusOK {
		t.Errorf("%d, the session was ended by who knows nothing of it", got.status)
	}
}

// TestLastAccountGone: the console does not open to this machine because nobody is left.
func TestLastAccountGone(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	b := w.loggedIn("chen.jing")
	w.use(Access{})
	local := w.browser()
	local.local = true
	if got := local.get("/console/read"); got.status != http.StatusSeeOther {
		t.Errorf("this machine without a login: %d", got.status)
	}
	if got := local.get(loginPath); got.status != http.StatusOK || !strings.Contains(got.text(), "一个帐号都没有") {
		t.Errorf("%d %s", got.status, got.text())
	}
	if got := b.edit(); got.status != http.StatusUnauthorized {
		t.Errorf("%d", got.status)
	}
}

// TestSettingsUnknown: while nobody knows who may enter nobody does, and no session ends.
func TestSettingsUnknown(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	b := w.loggedIn("lin.yue")
	w.guard.Suspend()
	w.endRevoked()
	for name, got := range map[string]response{"read": b.get("/console/read"), "edit": b.edit(), "login": w.browser().login("lin.yue", goodPassword), "login page": w.browser().get(loginPath)} {
		if got.status != http.StatusServiceUnavailable || !strings.Contains(got.text(), "登录的设置现在读不了") {
			t.Errorf("%s: %d %s", name, got.status, got.text())
		}
	}
	w.use(Access{Accounts: []Account{w.guard.o.Accounts[1]}})
	if got := b.edit(); got.status != http.StatusOK {
		t.Errorf("known again: %d", got.status)
	}
}

// TestOldPasswordDuringTheChange: a login that was checked by the accounts of before does
// not become one of those after.
func TestOldPasswordDuringTheChange(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	before := w.guard.inForce.Load()
	b := w.browser()
	w.use(Access{Accounts: everybody(t)}) // new passwords of the same names
	rw := httptest.NewRecorder()
	w.guard.enter(rw, httptest.NewRequest(http.MethodPost, publicURL+loginPath, nil), before, "lin.yue", WayPassword, home)
	for _, c := range rw.Result().Cookies() {
		b.cookies[c.Name] = c.Value
	}
	if got := b.edit(); got.status != http.StatusUnauthorized {
		t.Errorf("%d", got.status)
	}
}

func TestOnlyHTTPS(t *testing.T) {
	for _, tt := range []struct {
		name    string
		o       Options
		headers []string
		want    bool
	}{
		{"the address is https", Options{BaseURL: publicURL}, []string{"X-Forwarded-Proto", ""}, true},
		{"the address is http", Options{BaseURL: "http://127.0.0.1:8080"}, []string{"X-Forwarded-Proto", ""}, false},
		{"a proxy of ours says https", Options{Proxies: proxied}, nil, true},
		{"a proxy of ours says http", Options{Proxies: proxied}, []string{"X-Forwarded-Proto", "http"}, false},
		{"anybody says https", Options{}, nil, false},
	} {
		tt.o.Accounts = everybody(t)
		w := newWorld(t, bolt(t), tt.o)
		for _, path := range []string{loginPath, "/console/read"} {
			got := w.browser().do(http.MethodGet, path, nil, tt.headers...)
			if has := strings.Contains(got.header.Get("Strict-Transport-Security"), "max-age=31536000"); has != tt.want {
				t.Errorf("%s, %s: %q", tt.name, path, got.header.Get("Strict-Transport-Security"))
			}
		}
	}
}

func TestLogoutClearsTheBrowser(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	b := w.loggedIn("lin.yue")
	got := b.do(http.MethodPost, logoutPath, map[string][]string{"csrf": {b.csrf()}})
	if clear := got.header.Get("Clear-Site-Data"); !strings.Contains(clear, `"cache"`) || !strings.Contains(clear, `"storage"`) || strings.Contains(clear, "cookies") {
		t.Errorf("%d %q", got.status, clear)
	}
}
