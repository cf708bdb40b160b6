package login

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aeobot/bot"
)

const (
	// maxChecks is how many passwords are checked at once: each takes a core for a tenth
	// of a second, and the rest of the bot has to answer.
	maxChecks = 2
	// checkWait is how long a login waits for its turn.
	checkWait = 3 * time.Second
	// maxLogin bounds the login form, in bytes.
	maxLogin = 16 << 10
	// deviceLife is how long a browser is known as one that has logged in.
	deviceLife = 90 * 24 * time.Hour
)

// errBusy means that too many passwords are being checked.
var errBusy = errors.New("login: too many checks at once")

// showLogin is the login page.
func (g *Guard) showLogin(w http.ResponseWriter, r *http.Request) {
	if g.open() { // there is nothing to log in to
		if _, err := g.person(w, r); err != nil {
			g.refuse(w, r, err)
			return
		}
		http.Redirect(w, r, safeNext(r.URL.Query().Get("next")), http.StatusSeeOther)
		return
	}
	g.renderLogin(w, r, http.StatusOK, loginPage{Next: safeNext(r.URL.Query().Get("next"))})
}

// password logs in by name and password.
func (g *Guard) password(w http.ResponseWriter, r *http.Request) {
	now := g.inForce.Load()
	if len(now.byName) == 0 {
		http.NotFound(w, r)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLogin)
	if err := r.ParseForm(); err != nil {
		g.refuse(w, r, refusal{status: http.StatusBadRequest, text: textForm})
		return
	}
	page := loginPage{Name: strings.TrimSpace(r.PostForm.Get("name")), Next: safeNext(r.PostForm.Get("next"))}
	if page.Name == "" {
		page.Name = AdminName // a page that knows only that account does not ask
	}
	if !namePattern.MatchString(page.Name) {
		page.Name = "?" // nobody's; what was typed may be the password
	}
	name := bot.FoldPerson(page.Name)
	if account, known := now.of(name); known {
		name = account.Name
	}
	counters := g.countersOf(r, now, name)
	if wait := g.throttle.attempt(counters...); wait > 0 {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		page.Error = fmt.Sprintf(textSlow, seconds)
		if g.throttle.failures(counted{&limitName, name}) >= limitName.free {
			page.Error += textGuessed
		}
		g.o.Count(WayPassword, OutcomeDelayed)
		g.renderLogin(w, r, http.StatusTooManyRequests, page)
		return
	}
	good, err := g.check(r.Context(), now.accounts, name, r.PostForm.Get("password"))
	if err != nil { // not looked at
		g.throttle.takeBack(counters...)
		w.Header().Set("Retry-After", "1")
		page.Error = textBusy
		g.o.Count(WayPassword, OutcomeBusy)
		g.renderLogin(w, r, http.StatusTooManyRequests, page)
		return
	}
	if !good {
		g.failed(r, now.has(name), name, counters[0])
		page.Error = textWrong
		g.renderLogin(w, r, http.StatusUnauthorized, page)
		return
	}
	g.throttle.forgive(counters...)
	g.enter(w, r, now, name, WayPassword, page.Next)
}

// failed tells of a wrong password and where it came from, and takes it down once guessing
// has begun.
func (g *Guard) failed(r *http.Request, known bool, name string, c counted) {
	g.o.Count(WayPassword, OutcomeRefused)
	g.o.Log.Info("console: password refused", slog.Bool("known", known), slog.String("from", g.address(r)))
	if forwardedBy(r.Header) != "" && !g.throughProxy(r) {
		g.askedForProxies.Do(func() {
			g.o.Log.Warn("console: a proxy stands before it, so the guesses of all count together and can keep people out; name it in console.trusted_proxies")
		})
	}
	if known && g.throttle.failures(c) == c.limit.free {
		g.did(r.Context(), "unknown", "login refused", fmt.Sprintf("%s ×%d", name, c.limit.free))
	}
}

// enter opens a session and goes on.
func (g *Guard) enter(w http.ResponseWriter, r *http.Request, now *access, id, by, next string) {
	if err := g.start(w, r, now, id, by); err != nil {
		g.refuse(w, r, err)
		return
	}
	if by == WayPassword {
		nonce := rand.Text()
		g.setCookie(w, r, cookieDevice, nonce+"."+now.deviceProof(id, nonce), deviceLife)
	}
	g.o.Count(by, OutcomeEntered)
	g.did(r.Context(), id, "login", by)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

// countersOf is what a try for a name counts for.
func (g *Guard) countersOf(r *http.Request, now *access, name string) []counted {
	nonce, proof, _ := strings.Cut(g.cookie(r, cookieDevice), ".")
	if now.has(name) && bearer(nonce) && equal(proof, now.deviceProof(name, nonce)) {
		return []counted{{&limitDevice, name + " " + nonce}}
	}
	address := g.address(r)
	return []counted{{&limitPair, name + " " + address}, {&limitAddress, address}, {&limitName, name}}
}

// check checks a password when its turn comes. It fails with errBusy when it does not.
func (g *Guard) check(ctx context.Context, a *accounts, name, password string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	select {
	case g.checks <- struct{}{}:
		defer func() { <-g.checks }()
		return a.check(name, password), nil
	case <-ctx.Done():
		return false, errBusy
	}
}
