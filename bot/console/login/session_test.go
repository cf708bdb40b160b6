package login

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
)

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	for _, tt := range []struct {
		name                 string
		role                 Role
		read, edit, settings int
	}{
		{"rea.der", Reader, 200, 403, 403},
		{"lin.yue", Coordinator, 200, 200, 403},
		{"chen.jing", Admin, 200, 200, 200},
	} {
		b := w.loggedIn(tt.name)
		form := url.Values{"csrf": {b.csrf()}}
		for path, want := range map[string]int{"/console/edit": tt.edit, "/console/settings": tt.settings} {
			if got := b.do(http.MethodPost, path, form); got.status != want {
				t.Errorf("%s posts to %s: %d, want %d", tt.name, path, got.status, want)
			}
			if got := b.get(path); got.status != want {
				t.Errorf("%s reads %s: %d, want %d", tt.name, path, got.status, want)
			} else if want == 403 && !strings.Contains(got.text(), tt.role.Chinese()) {
				t.Errorf("%s is told %q", tt.name, got.text())
			}
		}
		if got := b.get("/console/read"); got.status != tt.read {
			t.Errorf("%s reads: %d", tt.name, got.status)
		}
		if p := w.last(); p.ID != tt.name || p.Role != tt.role || p.CSRF != b.csrf() || p.Local || strings.Contains(b.cookies[sessionCookie], p.Session) {
			t.Errorf("%s came as %+v", tt.name, p)
		}
	}
	stranger := w.browser()
	if got := stranger.get("/console/edit?a=b&c=%E5%85%B3"); !got.leadsTo("/console/login?next=%2Fconsole%2Fedit%3Fa%3Db%26c%3D%25E5%2585%25B3") {
		t.Errorf("a stranger: %d, %s", got.status, got.header.Get("Location"))
	}
	if got := stranger.do(http.MethodPost, "/console/edit", url.Values{"csrf": {"x"}}); got.status != http.StatusUnauthorized {
		t.Errorf("a stranger's change: %d", got.status)
	}
}

func TestSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, s bot.Shelf) {
		w := newWorld(t, s, Options{Accounts: everybody(t)})
		t.Run("fixation", w.in(fixation))
		t.Run("replay after logout", w.in(replayAfterLogout))
		t.Run("idle", w.in(idleEnds))
		t.Run("absolute", w.in(absoluteEnds))
		t.Run("use is not written each time", w.in(writtenSeldom))
		t.Run("logout while it is renewed", w.in(logoutWhileRenewed))
		t.Run("foreign values", w.in(foreignValues))
	})
}

// in runs a part with the world's complaints at the part.
func (w *world) in(part func(t *testing.T, w *world)) func(*testing.T) {
	return func(t *testing.T) {
		outer := w.t
		defer func() { w.t = outer }()
		w.t = t
		part(t, w)
	}
}

// fixation: a token that somebody put into the browser before is worth nothing after.
func fixation(t *testing.T, w *world) {
	b, planted := w.browser(), rand.Text()
	b.cookies[sessionCookie] = planted
	if got := b.login("lin.yue", goodPassword); got.status != http.StatusSeeOther {
		t.Fatal(got.status)
	}
	first := b.cookies[sessionCookie]
	if first == planted || !bearer(first) {
		t.Errorf("the token is %q", first)
	}
	attacker := w.browser()
	attacker.cookies[sessionCookie] = planted
	if got := attacker.get("/console/read"); got.status != http.StatusSeeOther {
		t.Errorf("the planted token gives %d", got.status)
	}
	if got := b.login("lin.yue", goodPassword); got.status != http.StatusSeeOther {
		t.Fatal(got.status)
	}
	attacker.cookies[sessionCookie] = first
	if got := attacker.get("/console/read"); b.cookies[sessionCookie] == first || got.status != http.StatusSeeOther {
		t.Errorf("the token of the login before gives %d", got.status)
	}
}

func replayAfterLogout(t *testing.T, w *world) {
	b := w.loggedIn("lin.yue")
	stolen := b.cookies[sessionCookie]
	if got := b.do(http.MethodPost, logoutPath, url.Values{}); got.status != http.StatusForbidden || !slices.Contains(w.kept(), sessionID(stolen)) {
		t.Errorf("logout without the token: %d", got.status)
	}
	if got := b.do(http.MethodPost, logoutPath, url.Values{"csrf": {b.csrf()}}); !got.leadsTo(loginPath) || b.cookies[sessionCookie] != "" {
		t.Errorf("logout: %d, cookies %v", got.status, b.cookies)
	}
	b.cookies[sessionCookie] = stolen
	for _, got := range []response{b.get("/console/read"), b.edit()} {
		if got.status != http.StatusSeeOther && got.status != http.StatusUnauthorized {
			t.Errorf("replayed: %d", got.status)
		}
	}
	if slices.Contains(w.kept(), sessionID(stolen)) {
		t.Error("the session is still kept")
	}
	b.cookies = map[string]string{}
	if got := b.do(http.MethodPost, logoutPath, url.Values{}); !got.leadsTo(loginPath) {
		t.Errorf("logout of nobody: %d", got.status)
	}
}

func idleEnds(t *testing.T, w *world) {
	b := w.loggedIn("lin.yue")
	for range 4 {
		w.pass(idle - time.Second)
		if got := b.get("/console/read"); got.status != http.StatusOK {
			t.Fatalf("used within the time: %d", got.status)
		}
	}
	w.pass(idle)
	if got := b.get("/console/read"); got.status != http.StatusSeeOther || b.cookies[sessionCookie] != "" {
		t.Errorf("idle: %d", got.status)
	}
}

func absoluteEnds(t *testing.T, w *world) {
	b := w.loggedIn("lin.yue")
	token := b.cookies[sessionCookie]
	for used := time.Duration(0); used+20*time.Minute < absolute; used += 20 * time.Minute {
		w.pass(20 * time.Minute)
		if got := b.get("/console/read"); got.status != http.StatusOK {
			t.Fatalf("after %s: %d", used, got.status)
		}
	}
	w.pass(20 * time.Minute)
	b.cookies[sessionCookie] = token
	if got := b.get("/console/read"); got.status != http.StatusSeeOther {
		t.Errorf("after %s: %d", absolute, got.status)
	}
}

func writtenSeldom(t *testing.T, w *world) {
	b := w.loggedIn("lin.yue")
	before := w.store.written()
	for range 20 {
		b.get("/console/read")
		w.pass(6 * time.Second)
	}
	if n := w.store.written() - before; n != 1 {
		t.Errorf("20 requests in two minutes wrote %d times", n)
	}
}

// logoutWhileRenewed: a session that is taken away does not come back because another
// request notes its use.
func logoutWhileRenewed(t *testing.T, w *world) {
	for range 20 {
		b := w.loggedIn("lin.yue")
		w.pass(2 * time.Minute)
		token, form := b.cookies[sessionCookie], url.Values{"csrf": {b.csrf()}}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				other := w.browser()
				other.cookies[sessionCookie] = token
				other.get("/console/read")
			})
		}
		got := b.do(http.MethodPost, logoutPath, form)
		all.Wait()
		if got.status != http.StatusSeeOther || slices.Contains(w.kept(), sessionID(token)) {
			t.Fatalf("logout %d, kept %v", got.status, w.kept())
		}
	}
}

// foreignValues under our keys count as absent.
func foreignValues(t *testing.T, w *world) {
	for _, value := range []string{"", "{", "null", "[]", `{"id":"lin.yue"}`, `{"id":"lin.yue","by":"wecom","made":"2100-01-01T00:00:00Z","seen":"2100-01-01T00:00:00Z"}`} {
		b := w.browser()
		b.cookies[sessionCookie] = rand.Text()
		if err := w.store.Put(t.Context(), kindSessions, sessionID(b.cookies[sessionCookie]), []byte(value), 0, time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := b.get("/console/read"); got.status != http.StatusSeeOther {
			t.Errorf("%q: %d", value, got.status)
		}
	}
}

// TestSessionFollowsTheSettings: where a replica has other settings a session that they do
// not grant is good for nothing, there and at every other replica from then on.
func TestSessionFollowsTheSettings(t *testing.T) {
	old := account(t, "lin.yue", Coordinator)
	reader := old
	reader.Role = Reader
	for _, tt := range []struct {
		name        string
		o           Options
		want, admin int
	}{
		{"another replica", Options{Accounts: []Account{old}, Password: goodPassword}, 200, 200},
		{"less to say", Options{Accounts: []Account{reader}, Password: goodPassword}, 401, 200},
		{"password changed", Options{Accounts: []Account{account(t, "lin.yue", Coordinator)}, Password: goodPassword + "!"}, 401, 401},
		{"account gone", Options{Accounts: []Account{account(t, "chen.jing", Admin)}}, 401, 401},
	} {
		s := bolt(t)
		w := newWorld(t, s, Options{Accounts: []Account{old}, Password: goodPassword})
		other := newWorld(t, s, tt.o)
		for _, x := range []struct {
			b    *browser
			want int
		}{{w.loggedIn("lin.yue"), tt.want}, {w.loggedIn("admin"), tt.admin}} {
			there := other.browser()
			there.cookies[sessionCookie] = x.b.cookies[sessionCookie]
			if got := there.edit(); got.status != x.want {
				t.Errorf("%s: %d, want %d", tt.name, got.status, x.want)
			}
			if got := x.b.edit(); got.status != x.want {
				t.Errorf("%s: %d at the replica with the old settings, want %d", tt.name, got.status, x.want)
			}
		}
	}
}

// TestStoreHoldsNoKey: who reads the store can neither take a session over nor forge its
// forms.
func TestStoreHoldsNoKey(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	b := w.loggedIn("lin.yue")
	all, err := w.store.Items(t.Context(), kindSessions)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	stored := all[0].ID + string(all[0].Data)
	for _, secret := range []string{b.cookies[sessionCookie], b.csrf(), goodPassword, string(w.guard.inForce.Load().byName["lin.yue"].hash)} {
		if strings.Contains(stored, secret) {
			t.Errorf("the store holds %q: %s", secret, stored)
		}
	}
	thief := w.browser()
	for _, guess := range []string{all[0].ID, all[0].ID[:26], strings.ToUpper(all[0].ID[:26])} {
		thief.cookies[sessionCookie] = guess
		if got := thief.get("/console/read"); got.status != http.StatusSeeOther {
			t.Errorf("%q opens the console: %d", guess, got.status)
		}
	}
}

func TestCookies(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	login := func(b *browser, headers ...string) *http.Cookie {
		t.Helper()
		got := b.login("lin.yue", goodPassword, headers...)
		for _, c := range (&http.Response{Header: got.header}).Cookies() {
			if strings.Contains(c.Name, cookieSession) && !strings.Contains(c.Name, cookieDevice) {
				return c
			}
		}
		t.Fatalf("no cookie: %d %v", got.status, got.header)
		return nil
	}
	local := w.browser()
	local.local = true
	for _, tt := range []struct {
		name   string
		b      *browser
		header []string
		cookie string
	}{
		{"through a proxy with TLS", w.browser(), nil, "__Host-aeobot"},
		{"through a proxy that tells nothing", w.browser(), []string{"X-Forwarded-Proto", "", "X-Forwarded-For", ""}, "__Host-aeobot"},
		{"a proxy in the clear", w.browser(), []string{"X-Forwarded-Proto", "http"}, "__Host-aeobot"},
		{"this machine", local, nil, "aeobot-local"},
		{"this machine by a proxy", local, []string{"X-Forwarded-Proto", "https"}, "__Host-aeobot"},
	} {
		c := login(tt.b, tt.header...)
		if c.Name != tt.cookie || c.Secure != strings.HasPrefix(tt.cookie, "__Host-") || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode ||
			c.Path != "/" || c.Domain != "" || c.MaxAge != int(absolute/time.Second) {
			t.Errorf("%s: %+v", tt.name, c)
		}
	}
}
