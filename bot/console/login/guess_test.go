package login

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// guess tries passwords for a name from several goroutines, and counts what came of it.
func (w *world) guess(n int, name func(i int) string, address func(i int) string) map[int]int {
	w.t.Helper()
	var mu sync.Mutex
	became := map[int]int{}
	var next atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				b := w.browser()
				b.address = address(i)
				got := b.login(name(i), fmt.Sprintf("guess number %d", i))
				if b.cookies[sessionCookie] != "" {
					w.t.Errorf("guess %d opened a session", i)
				}
				mu.Lock()
				became[got.status]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return became
}

func always(s string) func(int) string { return func(int) string { return s } }

func everywhere(i int) string { return fmt.Sprintf("198.18.%d.%d", i/250, i%250+1) }

// TestGuessing: a thousand tries (threat T17). How many are looked at is bounded, the rest
// of the bot answers meanwhile, and the owner gets in.
func TestGuessing(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Proxies: proxied})
	owner := w.loggedIn("lin.yue")
	stop, answered := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				answered <- n
				return
			default:
			}
			r, err := http.Post(w.url+"/wecom/aibot", "text/xml", strings.NewReader("<xml/>"))
			if err != nil || r.StatusCode != http.StatusOK {
				t.Errorf("a callback meanwhile: %v", err)
			}
			if err == nil {
				r.Body.Close()
				n++
			}
		}
	}()
	if got := w.guess(1000, always("lin.yue"), always("203.0.113.99")); got[401] != limitPair.free || got[429] != 1000-limitPair.free {
		t.Errorf("from one address: %v", got)
	}
	close(stop)
	if n := <-answered; n == 0 {
		t.Error("no callback was answered meanwhile")
	}
	if n := strings.Count(w.audited(), "login refused lin.yue"); n != 1 {
		t.Errorf("taken down %d times: %s", n, w.audited())
	}
	elsewhere := w.browser()
	if got := elsewhere.login("lin.yue", goodPassword); got.status != http.StatusSeeOther {
		t.Errorf("the owner from elsewhere: %d %s", got.status, got.text())
	}
	if got := w.guess(1000, always("lin.yue"), everywhere); got[401] != limitName.free || got[429] != 1000-limitName.free {
		t.Errorf("once from everywhere: %v", got)
	}
	if got := elsewhere.login("lin.yue", goodPassword); got.status != http.StatusSeeOther {
		t.Errorf("the owner from a browser that has been here: %d %s", got.status, got.text())
	}
	again := func(i int) string { return everywhere(i % 100) }
	if got := w.guess(5000, always("lin.yue"), again); got[401] > 0 || got[429] != 5000 {
		t.Errorf("again and again from a hundred addresses: %v", got)
	}
	if got := owner.login("lin.yue", goodPassword); got.status != http.StatusSeeOther {
		t.Errorf("the owner from a browser that has been here: %d %s", got.status, got.text())
	}
	stranger := w.browser()
	stranger.address = "192.0.2.77"
	if got := stranger.login("lin.yue", goodPassword); got.status != http.StatusTooManyRequests || !strings.Contains(got.text(), "以前登录过的浏览器") {
		t.Errorf("a new browser at a new address while it goes on: %d %s", got.status, got.text())
	}
	if got := stranger.login("rea.der", goodPassword); got.status != http.StatusSeeOther {
		t.Errorf("another name: %d", got.status)
	}
	w.pass(limitName.most)
	if got := stranger.login("lin.yue", goodPassword); got.status != http.StatusSeeOther {
		t.Errorf("the owner from a new browser at a new address: %d %s", got.status, got.text())
	}
	if w.count["password refused"] != limitPair.free+limitName.free || w.count["password delayed"] < 1000 || w.count["password entered"] != 6 || len(w.count) != 3 {
		t.Errorf("counted %v", w.count)
	}
	if log := w.log.String(); !strings.Contains(log, "from=203.0.113.99") || strings.Contains(log, "lin.yue") {
		t.Errorf("the log does not say where the guesses came from, or whose name was guessed at:\n%.2000s", log)
	}
}

// TestGuessesOfADay: however many addresses there are and however slowly it goes, few passwords
// of a name are looked at in a day; the browsers its owner has used never wait for that.
func TestGuessesOfADay(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Proxies: proxied})
	owner := w.loggedIn("lin.yue")
	looked := 0
	const every = 30 * time.Second
	for i := range int(24 * time.Hour / every) {
		b := w.browser()
		b.address = everywhere(i)
		if b.login("lin.yue", "wrong").status == http.StatusUnauthorized {
			looked++
		}
		if i%100 == 0 {
			if got := owner.login("lin.yue", goodPassword); got.status != http.StatusSeeOther {
				t.Fatalf("the owner after %d: %d %s", i, got.status, got.text())
			}
		}
		w.pass(every)
	}
	if most := 1500; looked > most {
		t.Errorf("%d were looked at, want at most %d", looked, most)
	}
}

// TestUntoldProxyIsAskedFor: behind one that the settings do not name all guesses count
// together, and the log says what to do, once.
func TestUntoldProxyIsAskedFor(t *testing.T) {
	for told, want := range map[*netip.Prefix]int{nil: 1, &proxied[0]: 0} {
		var proxies []netip.Prefix
		if told != nil {
			proxies = append(proxies, *told)
		}
		w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Proxies: proxies})
		for range 3 {
			w.browser().login("lin.yue", "wrong")
		}
		if n := strings.Count(w.log.String(), "console.trusted_proxies"); n != want {
			t.Errorf("proxies %v: said %d times", proxies, n)
		}
	}
}

// TestDelaysGrow: 1, 2, 4 … 60 seconds; waiting costs nothing, and success ends it.
func TestDelaysGrow(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Proxies: proxied})
	b := w.browser()
	for i := range limitPair.free {
		if got := b.login("lin.yue", "wrong"); got.status != http.StatusUnauthorized {
			t.Fatalf("failure %d: %d", i+1, got.status)
		}
	}
	for _, want := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
		for range 3 {
			if got := b.login("lin.yue", goodPassword); got.status != 429 || got.header.Get("Retry-After") != strconv.Itoa(want) {
				t.Fatalf("want %d s: %d, %q", want, got.status, got.header.Get("Retry-After"))
			}
		}
		w.pass(time.Duration(want) * time.Second)
		if got := b.login("lin.yue", "wrong"); got.status != http.StatusUnauthorized {
			t.Fatalf("after %d s: %d", want, got.status)
		}
	}
	w.pass(time.Minute)
	if got := b.login("lin.yue", goodPassword); got.status != http.StatusSeeOther {
		t.Fatalf("the right one: %d", got.status)
	}
	b.cookies = map[string]string{}
	for range limitPair.free {
		if got := b.login("lin.yue", "wrong"); got.status != http.StatusUnauthorized {
			t.Errorf("after success: %d", got.status)
		}
	}
	w.pass(forgotten + time.Minute)
	for range limitPair.free {
		if got := b.login("lin.yue", "wrong"); got.status != http.StatusUnauthorized {
			t.Errorf("an hour later: %d", got.status)
		}
	}
}

// TestOneAddressManyNames: neither names that are none nor a good account of one's own are
// a way around.
func TestOneAddressManyNames(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Proxies: proxied})
	name := func(i int) string { return fmt.Sprintf("name%d", i) }
	if got := w.guess(200, name, always("203.0.113.99")); got[401] != limitAddress.free {
		t.Errorf("many names: %v", got)
	}
	looked := 0
	for i := range 200 {
		b := w.browser()
		b.address = "203.0.113.98"
		if i%4 == 3 {
			b.login("rea.der", goodPassword)
		} else if b.login("chen.jing", "wrong").status == http.StatusUnauthorized {
			looked++
		}
	}
	if looked != limitPair.free {
		t.Errorf("with an account of one's own %d guesses were looked at", looked)
	}
}

// TestForwardedAddresses: who is believed (threat T28).
func TestForwardedAddresses(t *testing.T) {
	forged := func(i int) string { return fmt.Sprintf("%s, 203.0.113.1", everywhere(i)) }
	for _, tt := range []struct {
		name    string
		proxies []netip.Prefix
		address func(int) string
		looked  int
	}{
		{"nobody is trusted", nil, everywhere, limitPair.free},
		{"the proxy adds the real one", proxied, forged, limitPair.free},
		{"a chain of two", append([]netip.Prefix{netip.MustParsePrefix("203.0.113.1/32")}, proxied...), forged, limitName.free},
		{"no addresses", proxied, func(i int) string { return fmt.Sprint("x", i) }, limitPair.free},
		{"one network of version 6", proxied, func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, limitPair.free},
	} {
		w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Proxies: tt.proxies})
		if got := w.guess(limitName.free, always("lin.yue"), tt.address); got[401] != tt.looked {
			t.Errorf("%s: %v, want %d looked at", tt.name, got, tt.looked)
		}
	}
}

// TestDeviceIsTheOwners: what excuses from waiting cannot be had without the password.
func TestDeviceIsTheOwners(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Proxies: proxied})
	owner, reader := w.loggedIn("lin.yue"), w.loggedIn("rea.der")
	const cookie = "__Host-" + cookieDevice
	nonce, _, _ := strings.Cut(owner.cookies[cookie], ".")
	for i, device := range []string{"", "x.y", nonce, nonce + ".", rand.Text() + "." + strings.Repeat("A", 43), reader.cookies[cookie]} {
		b := w.browser()
		b.address, b.cookies[cookie] = everywhere(i), device
		for range 20 {
			b.login("lin.yue", "wrong")
			b.cookies[cookie] = device
		}
		if got := b.login("lin.yue", goodPassword); got.status != 429 {
			t.Errorf("%q excuses: %d", device, got.status)
		}
	}
	for range limitDevice.free {
		owner.login("lin.yue", "wrong")
	}
	if got := owner.login("lin.yue", goodPassword); got.status != 429 {
		t.Errorf("the owner's browser guesses without end: %d", got.status)
	}
	b := w.browser()
	if got := b.login("lin.yue", goodPassword); got.status != http.StatusSeeOther {
		t.Errorf("and others have to wait for it: %d", got.status)
	}
}

// TestCountersAreBounded: no flood fills the memory, and no kind pushes another out.
func TestCountersAreBounded(t *testing.T) {
	now := time.Now()
	throttle := newThrottle(func() time.Time { return now })
	for range limitName.free {
		throttle.attempt(counted{&limitName, "lin.yue"})
	}
	for i := range 3 * maxCounters {
		throttle.attempt(counted{&limitPair, fmt.Sprint(i)}, counted{&limitAddress, fmt.Sprint(i)})
	}
	for l, kept := range throttle.kept {
		if kept.Len() > maxCounters {
			t.Errorf("%+v: %d counters", l, kept.Len())
		}
	}
	if throttle.attempt(counted{&limitName, "lin.yue"}) == 0 {
		t.Error("the counter of the name is gone")
	}
}

// TestSameAnswerForUnknownNames, in text and in work.
func TestSameAnswerForUnknownNames(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Password: goodPassword, Proxies: proxied})
	for i := range 8 {
		known, unknown := w.browser(), w.browser()
		a, b := known.login("lin.yue", "wrong"), unknown.login("lin.yux", "wrong")
		if i == 3 {
			w.pass(time.Second)
		}
		if a.status != b.status || a.body != strings.ReplaceAll(b.body, "lin.yux", "lin.yue") || len(known.cookies)+len(unknown.cookies) > 0 {
			t.Errorf("try %d: known %d %s\nunknown %d %s", i, a.status, a.body, b.status, b.body)
		}
	}
	for name, account := range w.guard.inForce.Load().byName {
		if account.iterations != w.guard.inForce.Load().dummy.iterations {
			t.Errorf("%s takes %d iterations, a name that is none %d", name, account.iterations, w.guard.inForce.Load().dummy.iterations)
		}
	}
	if w.guard.inForce.Load().check("nobody", "") || w.guard.inForce.Load().check("nobody", goodPassword) {
		t.Error("the dummy has a password")
	}
	for _, tt := range []struct{ name, password string }{{"lin.yue", ""}, {"lin.yue", strings.ToUpper(goodPassword)}, {"lin.yue", goodPassword + " "},
		{"lin.yue\x00", goodPassword}, {"lin.yue", strings.Repeat("x", maxPassword+1)}, {goodPassword, goodPassword}, {"", goodPassword + "!"}} {
		b := w.browser()
		b.address = "192.0.2.1"
		if got := b.login(tt.name, tt.password); got.status != http.StatusUnauthorized {
			t.Errorf("%q %q: %d %s", tt.name, tt.password, got.status, got.body)
		}
		w.pass(time.Minute)
	}
	for _, name := range []string{"LIN.YUE", "Lin.Yue"} { // one account, taken down by its own name
		if got := w.browser().login(name, goodPassword); got.status != http.StatusSeeOther || strings.Contains(w.audited(), name) {
			t.Errorf("%s: %d, %s", name, got.status, w.audited())
		}
	}
	if got := w.browser().do(http.MethodPost, loginPath, url.Values{"password": {goodPassword}}); got.status != http.StatusSeeOther {
		t.Errorf("the password alone is admin's: %d", got.status)
	}
}

// TestChecksWaitTheirTurn: two at once, and who gives up is not looked at, nor counted.
func TestChecksWaitTheirTurn(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Proxies: proxied})
	for range maxChecks {
		w.guard.checks <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.guard.check(ctx, w.guard.inForce.Load().accounts, "lin.yue", goodPassword); !errors.Is(err, errBusy) {
		t.Errorf("while all are taken: %v", err)
	}
	if got := w.browser().login("lin.yue", goodPassword); got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("over HTTP: %d", got.status)
	}
	<-w.guard.checks
	if n := w.guard.throttle.failures(counted{&limitPair, "lin.yue 203.0.113.7"}); n != 0 {
		t.Errorf("%d failures counted", n)
	}
	if good, err := w.guard.check(t.Context(), w.guard.inForce.Load().accounts, "lin.yue", goodPassword); !good || err != nil {
		t.Errorf("when one is free: %v, %v", good, err)
	}
}

// TestGuessesAreCountedForThePerson, however the name is spelled.
func TestGuessesAreCountedForThePerson(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t), Proxies: proxied})
	for _, name := range []string{"lin.yue", "nobody.here"} {
		spelled := func(i int) string {
			b := []byte(name)
			for at := range b {
				if i>>at&1 == 1 {
					b[at] = strings.ToUpper(name)[at]
				}
			}
			return string(b)
		}
		if got := w.guess(60, spelled, always("203.0.113."+fmt.Sprint(len(name)))); got[401] != limitPair.free {
			t.Errorf("%s: %v", name, got)
		}
	}
}
