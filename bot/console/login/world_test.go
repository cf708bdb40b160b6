package login

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
)

const (
	publicHost = "aeo.example.com"
	publicURL  = "https://" + publicHost
	// goodPassword marks itself, so that it is found wherever it should not be.
	goodPassword = "PASSWORDMARK-correct-horse"
	// cheap is what hashing costs in tests.
	cheap = 2
)

// world is a guard before a small console, over real HTTP.
type world struct {
	t     *testing.T
	guard *Guard
	url   string // of the server
	store *counting
	log   *lockedBuffer

	mu    sync.Mutex
	at    time.Time
	audit []string
	count map[string]int // way and outcome of logins
	seen  []Person       // by the console's pages
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func (w *world) audited() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.audit, "\n")
}

// counting counts what is written, and fails when it is told to.
type counting struct {
	bot.Shelf
	mu     sync.Mutex
	writes int
	gets   int
	away   bool
}

func (c *counting) isAway() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.away {
		return fmt.Errorf("store: %w", context.DeadlineExceeded)
	}
	return nil
}

func (c *counting) setAway(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
}

func (c *counting) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.writes
}

func (c *counting) reads() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gets
}

func (c *counting) Put(ctx context.Context, kind, id string, data []byte, was uint64, keep time.Duration) error {
	if err := c.isAway(); err != nil {
		return err
	}
	c.mu.Lock()
	c.writes++
	c.mu.Unlock()
	return c.Shelf.Put(ctx, kind, id, data, was, keep)
}

func (c *counting) Get(ctx context.Context, kind, id string) (bot.Item, error) {
	if err := c.isAway(); err != nil {
		return bot.Item{}, err
	}
	c.mu.Lock()
	c.gets++
	c.mu.Unlock()
	return c.Shelf.Get(ctx, kind, id)
}

func (c *counting) Items(ctx context.Context, kind string) ([]bot.Item, error) {
	if err := c.isAway(); err != nil {
		return nil, err
	}
	return c.Shelf.Items(ctx, kind)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// bolt is an embedded store of the test's own.
func bolt(t *testing.T) bot.Shelf {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "s.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // nothing is read afterwards
	return s
}

// eachStore runs a test on either store.
func eachStore(t *testing.T, test func(t *testing.T, s bot.Shelf)) {
	t.Run("bbolt", func(t *testing.T) { test(t, bolt(t)) })
	t.Run("redis", func(t *testing.T) {
		s, err := redisstore.Open("redis://"+storetest.StartRedis(t).Addr, redisstore.Options{KeyPrefix: t.Name() + ":", StepTimeout: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		test(t, s)
	})
}

// account is a cheap one with goodPassword.
func account(t testing.TB, name string, role Role) Account {
	t.Helper()
	a, err := newAccount(name, role, goodPassword, cheap)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// everybody are accounts of every role.
func everybody(t testing.TB) []Account {
	return []Account{account(t, "rea.der", Reader), account(t, "lin.yue", Coordinator), account(t, "chen.jing", Admin)}
}

// newWorld guards a small console; what is missing in o is added.
func newWorld(t *testing.T, s bot.Shelf, o Options) *world {
	t.Helper()
	w := &world{t: t, store: &counting{Shelf: s}, log: &lockedBuffer{}, at: time.Now()}
	o.Store, o.Now, o.iterations = w.store, w.now, cheap
	o.Log = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Audit = func(_ context.Context, who, what, object string) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.audit = append(w.audit, strings.TrimSpace(who+" "+what+" "+object))
		return nil
	}
	w.count = map[string]int{}
	o.Count = func(way, outcome string) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.count[way+" "+outcome]++
	}
	var err error
	if w.guard, err = New(o); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	w.guard.Register(mux)
	shown := func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.seen = append(w.seen, Of(r.Context()))
		w.mu.Unlock()
		fmt.Fprint(rw, "done")
	}
	mux.Handle("GET /console/{$}", w.guard.Require(Reader, http.HandlerFunc(shown)))
	mux.Handle("GET /console/read", w.guard.Require(Reader, http.HandlerFunc(shown)))
	mux.Handle("/console/edit", w.guard.Require(Coordinator, http.HandlerFunc(shown)))
	mux.Handle("/console/settings", w.guard.Require(Admin, http.HandlerFunc(shown)))
	mux.HandleFunc("POST /wecom/aibot", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, "answered") })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// last is who made the last request that got through.
func (w *world) last() Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) == 0 {
		return Person{}
	}
	return w.seen[len(w.seen)-1]
}

// browser is one that came through a proxy with TLS, unless it is local.
type browser struct {
	w       *world
	address string // of the client, as the proxy says
	local   bool
	cookies map[string]string
}

func (w *world) browser() *browser {
	return &browser{w: w, address: "203.0.113.7", cookies: map[string]string{}}
}

type response struct {
	status int
	header http.Header
	body   string
}

// do makes a request as a browser does from a page of ours; headers (name, value, …)
// replace what it would say, an empty value takes it away.
func (b *browser) do(method, path string, form url.Values, headers ...string) response {
	b.w.t.Helper()
	r, err := http.NewRequest(method, b.w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	origin := b.w.url
	if !b.local {
		origin, r.Host = publicURL, publicHost
		r.Header.Set("X-Forwarded-Proto", "https")
		r.Header.Set("X-Forwarded-For", b.address)
	}
	if method != http.MethodGet {
		r.Header.Set("Origin", origin)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		switch {
		case headers[i] == "Host":
			r.Host = headers[i+1]
		case headers[i+1] == "":
			r.Header.Del(headers[i])
		default:
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return b.send(r)
}

func (b *browser) send(r *http.Request) response {
	b.w.t.Helper()
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	got, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	for _, c := range got.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	return response{got.StatusCode, got.Header, string(body)}
}

func (b *browser) get(path string) response { b.w.t.Helper(); return b.do(http.MethodGet, path, nil) }

func (b *browser) login(name, password string, headers ...string) response {
	b.w.t.Helper()
	return b.do(http.MethodPost, loginPath, url.Values{"name": {name}, "password": {password}}, headers...)
}

// loggedIn is a browser with a session.
func (w *world) loggedIn(name string) *browser {
	w.t.Helper()
	b := w.browser()
	if got := b.login(name, goodPassword); got.status != http.StatusSeeOther {
		w.t.Fatalf("login of %s: %d %s", name, got.status, got.text())
	}
	if got := b.get("/console/read"); got.status != http.StatusOK {
		w.t.Fatalf("after the login of %s: %d", name, got.status)
	}
	return b
}

const sessionCookie = "__Host-" + cookieSession

// csrf is the token that a page of the console would carry.
func (b *browser) csrf() string { return formToken(b.cookies[sessionCookie]) }

func (b *browser) edit(headers ...string) response {
	b.w.t.Helper()
	return b.do(http.MethodPost, "/console/edit", url.Values{"csrf": {b.csrf()}}, headers...)
}

var tags = regexp.MustCompile(`<[^>]*>|\s+`)

// text is what people read of a page.
func (r response) text() string { return strings.TrimSpace(tags.ReplaceAllString(r.body, " ")) }

// leadsTo tells whether a response sends a browser on to an address.
func (r response) leadsTo(location string) bool {
	return r.status == http.StatusSeeOther && r.header.Get("Location") == location
}

// proxied trusts the proxies that the tests' browsers seem to come through.
var proxied = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// kept are the sessions in the store.
func (w *world) kept() []string {
	w.t.Helper()
	all, err := w.store.Items(w.t.Context(), kindSessions)
	if err != nil {
		w.t.Fatal(err)
	}
	var ids []string
	for _, i := range all {
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	return ids
}
