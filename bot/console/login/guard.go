package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"aeobot/bot"
)

const (
	idle      = 30 * time.Minute // a session nobody uses ends
	absolute  = 12 * time.Hour   // and any session
	renewed   = time.Minute      // how exactly its last use is known
	localLife = 720 * time.Hour  // of what lets this machine in; the program seldom runs as long
	maxUpload = 24 << 20         // of a change, an imported file included
)

// The paths of this package.
const (
	home       = "/console/"
	loginPath  = "/console/login"
	logoutPath = "/console/logout"
	oauthPath  = "/console/oauth"
	backPath   = "/console/oauth/back"
)

// Options of a Guard. Store is needed. Without Accounts, Password and OAuth the console
// is open on this machine, to who has LocalPath, and to nobody else. Accounts, Password and
// RoleOf are the Access it starts with.
type Options struct {
	// Accounts are those who log in by password.
	Accounts []Account
	// Password is that of the account admin, which is an admin.
	//
	// default: there is no such account
	Password string
	// OAuth is the login through WeCom.
	//
	// default: there is none
	OAuth *OAuth
	// RoleOf is a member's role, asked at every request.
	//
	// default: nobody has one
	RoleOf func(userID string) Role
	// Store keeps the sessions.
	Store bot.Shelf
	// Proxies are the reverse proxies whose word on a client's address is taken where
	// guesses are counted, and on https. Nothing else depends on it.
	//
	// default: none
	Proxies []netip.Prefix
	// Closed is why nobody may enter while no login is set, not even from this machine.
	//
	// default: this machine may
	Closed string
	// BaseURL is the console's public address, scheme and host, for requests whose Host a
	// proxy has changed.
	//
	// default: requests name it
	BaseURL string
	// MaxBody bounds a change, in bytes.
	//
	// default: 24 MiB
	MaxBody int64
	// Audit takes down who came and went.
	//
	// default: nobody
	Audit func(ctx context.Context, who, what, object string) error
	// Count counts logins by way (WayPassword, WayWeCom) and outcome (the Outcomes).
	//
	// default: nobody
	Count func(way, outcome string)
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log is told of trouble, without names and tokens. Of who guesses it is told the address.
	//
	// default: discard
	Log *slog.Logger

	// iterations are those of Password; tests take fewer.
	iterations int
}

func (o *Options) setDefaults() {
	if o.MaxBody <= 0 {
		o.MaxBody = maxUpload
	}
	if o.iterations <= 0 {
		o.iterations = iterations
	}
	if o.Audit == nil {
		o.Audit = func(context.Context, string, string, string) error { return nil }
	}
	if o.Count == nil {
		o.Count = func(string, string) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Guard stands before the console. It may be used by many at once.
type Guard struct {
	o        Options
	origins  *http.CrossOriginProtection
	throttle *throttle
	inForce  atomic.Pointer[access]
	// passwords: there are accounts, or were. When the last is gone nobody has one; the
	// console is not open to this machine then.
	passwords atomic.Bool
	// checks holds an element for each password that is being checked.
	checks chan struct{}
	// localToken is what this machine's person, who has no account, comes with. It lives as
	// long as the process.
	localToken string
	// askedForProxies: the log has said that guesses cannot be told apart.
	askedForProxies sync.Once
}

// New checks the options. With a plain Password it takes a tenth of a second, since the
// password is hashed.
func New(o Options) (*Guard, error) {
	if o.Store == nil {
		return nil, errors.New("login: a guard needs a store")
	}
	o.setDefaults()
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	g := &Guard{o: o, origins: http.NewCrossOriginProtection(), throttle: newThrottle(o.Now),
		checks: make(chan struct{}, maxChecks), localToken: rand.Text()}
	if o.BaseURL != "" {
		if err := g.origins.AddTrustedOrigin(o.BaseURL); err != nil {
			return nil, fmt.Errorf("login: base URL: %w", err)
		}
	}
	if err := g.Use(Access{o.Accounts, o.Password, o.RoleOf}); err != nil {
		return nil, err
	}
	if o.OAuth != nil {
		if err := o.OAuth.check(o.BaseURL); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// open tells whether no login is set, so that this machine alone may enter, or nobody.
func (g *Guard) open() bool { return !g.passwords.Load() && g.o.OAuth == nil }

// LocalPath is where the person at this machine enters while no login is set; empty: nobody
// enters that way. It is for whoever started the program and for nobody else: a proxy on this
// machine makes everybody look local, and need not show itself.
func (g *Guard) LocalPath() string {
	if !g.open() || g.o.Closed != "" {
		return ""
	}
	return home + "?token=" + g.localToken
}

// Register adds the pages of this package.
func (g *Guard) Register(mux *http.ServeMux) {
	mux.Handle("GET "+loginPath, g.page(g.showLogin))
	mux.Handle("POST "+loginPath, g.page(g.password))
	mux.Handle("POST "+logoutPath, g.page(g.logout))
	mux.Handle("GET "+oauthPath, g.page(g.startOAuth))
	mux.Handle("GET "+backPath, g.page(g.finishOAuth))
}

// page is a page that needs no session. Forged changes do not reach it: a browser says
// where a form stands, and a client that does not say is no browser, so no page elsewhere
// can have logged it in. A token in the login form would add nothing to that.
func (g *Guard) page(h http.HandlerFunc) http.Handler {
	return g.Headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := g.known()
		if g.origins.Check(r) != nil {
			err = refusal{status: http.StatusForbidden, text: textForeign}
		}
		if err != nil {
			g.refuse(w, r, err)
			return
		}
		h(w, r)
	}))
}

// Headers adds what every answer of the console says to browsers. Require and Register do
// it by themselves.
//
// Referrer-Policy is same-origin, since under no-referrer browsers send our own forms with
// Origin: null, which is what a forged one looks like.
func (g *Guard) Headers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range securityHeaders {
			w.Header().Set(name, value)
		}
		if g.https(r) {
			w.Header().Set("Strict-Transport-Security", onlyHTTPS)
		}
		h.ServeHTTP(w, r)
	})
}

// onlyHTTPS has browsers keep to https for a year, on this host alone: its neighbours are
// not ours to decide about.
const onlyHTTPS = "max-age=31536000"

var securityHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cache-Control":                "no-store",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

// Require lets through who has at least a role, as the Person of the context. A change
// must come from our own pages and carry the session's token; its form is parsed then, and
// its body bounded.
func (g *Guard) Require(least Role, h http.Handler) http.Handler {
	return g.RequireFirst(least, func(h http.Handler) http.Handler { return h }, h)
}

// RequireFirst is Require with a handler that decides, once it is known who comes and before
// the body of a change is read, whether the rest has its turn.
func (g *Guard) RequireFirst(least Role, first func(http.Handler) http.Handler, h http.Handler) http.Handler {
	rest := first(g.readChange(h))
	return g.Headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := g.person(w, r)
		if err == nil && p.Role < least {
			err = refusal{status: http.StatusForbidden, text: fmt.Sprintf(textRole, least.Chinese(), p.Role.Chinese()), person: p}
		}
		if err == nil && g.origins.Check(r) != nil {
			err = refusal{status: http.StatusForbidden, text: textForeign, person: p}
		}
		if err != nil {
			g.refuse(w, r, err)
			return
		}
		rest.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), personKey{}, p)))
	}))
}

// readChange reads the form of a change and checks it before h.
func (g *Guard) readChange(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !safe(r.Method) {
			if err := g.checkChange(w, r, Of(r.Context())); err != nil {
				g.refuse(w, r, err)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

// safe are the methods that change nothing.
func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// errStranger means that a request has no session, or none any more.
var errStranger = errors.New("login: no session")

// errArrived means that a request brought the local token, which its browser keeps from now on.
var errArrived = errors.New("login: came with the token")

// person finds who makes a request. It fails with errStranger, a refusal, or whatever the
// store fails with.
func (g *Guard) person(w http.ResponseWriter, r *http.Request) (Person, error) {
	if err := g.known(); err != nil {
		return Person{}, err
	}
	if !g.open() {
		return g.resume(w, r)
	}
	return g.local(w, r)
}

// local finds the person of a request while no login is set.
func (g *Guard) local(w http.ResponseWriter, r *http.Request) (Person, error) {
	kept := derive(g.localToken, "browser")
	switch {
	case g.o.Closed != "":
		return Person{}, refusal{status: http.StatusForbidden, text: g.o.Closed + textSetLogin}
	case Elsewhere(r) != "":
		return Person{}, refusal{status: http.StatusForbidden, text: textLocalOnly + textSetLogin}
	case safe(r.Method) && equal(r.URL.Query().Get("token"), g.localToken):
		g.setCookie(w, r, cookieSession, kept, localLife)
		return Person{}, errArrived
	case equal(g.cookie(r, cookieSession), kept):
		return Person{ID: "local", Role: Admin, CSRF: formToken(g.localToken), Session: "local", Local: true}, nil
	}
	return Person{}, refusal{status: http.StatusForbidden, text: textToken + textSetLogin}
}

// equal compares secrets.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// checkChange reads the form of a change and refuses one that does not come from a page of
// this session. The token counts in the body or a header; an address is written into logs.
func (g *Guard) checkChange(w http.ResponseWriter, r *http.Request, p Person) error {
	r.Body = http.MaxBytesReader(w, r.Body, g.o.MaxBody)
	err := r.ParseForm()
	if err == nil { // in memory as a whole: it is bounded, and there may be no folder to write to
		err = r.ParseMultipartForm(g.o.MaxBody)
	}
	if errors.Is(err, http.ErrNotMultipart) {
		err = nil
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return refusal{status: http.StatusRequestEntityTooLarge, text: fmt.Sprintf(textLarge, g.o.MaxBody>>20), person: p}
	}
	if err != nil {
		return refusal{status: http.StatusBadRequest, text: textForm, person: p}
	}
	token := r.Header.Get("X-CSRF-Token")
	if token == "" {
		token = r.PostForm.Get("csrf")
	}
	if !equal(token, p.CSRF) {
		return refusal{status: http.StatusForbidden, text: textStale, person: p}
	}
	return nil
}

// refuse says why a request is not served, and what to do.
func (g *Guard) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var why refusal
	switch {
	case errors.As(err, &why):
	case errors.Is(err, errArrived): // the token is not to stay in the address
		http.Redirect(w, r, safeNext(withoutToken(r.URL)), http.StatusSeeOther)
		return
	case errors.Is(err, errStranger) && safe(r.Method):
		http.Redirect(w, r, loginPath+nextQuery(r.URL.RequestURI()), http.StatusSeeOther)
		return
	case errors.Is(err, errStranger):
		why = refusal{status: http.StatusUnauthorized, text: textExpired, again: true}
	default:
		g.o.Log.Error("console: sessions cannot be read or written", slog.Any("error", err))
		why = refusal{status: http.StatusServiceUnavailable, text: textAway}
	}
	g.renderRefusal(w, why)
}

// did takes down who came or went. That it could not be taken down keeps nobody out: the
// console shows what is wrong with the machine.
func (g *Guard) did(ctx context.Context, who, what, object string) {
	g.o.Log.Info("console: "+what, slog.Any("asker", bot.Asker(who)))
	if err := g.o.Audit(context.WithoutCancel(ctx), who, what, object); err != nil {
		g.o.Log.Error("console: not in the audit log", slog.String("what", what), slog.Any("error", err))
	}
}

// formToken is the token of a session's forms. It tells nothing about the session's own.
func formToken(session string) string { return derive(session, "csrf")[:43] }

// bearer tells whether a text may be a token of ours, before anything is looked up.
func bearer(token string) bool {
	return len(token) == len(rand.Text()) && strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
