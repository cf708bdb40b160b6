package login

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"aeobot/bot"
)

// kindSessions are the sessions on the shelf, by the SHA-256 of their tokens: who can
// read the store cannot take one over.
const kindSessions = "console-sessions"

// The ways to come in.
const (
	WayPassword = "password"
	WayWeCom    = "wecom"
)

// What comes of a login.
const (
	OutcomeEntered = "entered"
	OutcomeRefused = "refused" // the password is wrong; the code is none, or its member has no role
	OutcomeDelayed = "delayed" // not looked at: too many were refused before
	OutcomeBusy    = "busy"    // not looked at: too many at once
)

// session is one login of one browser.
type session struct {
	ID   string    `json:"id"`
	By   string    `json:"by"`
	Made time.Time `json:"made"`
	Seen time.Time `json:"seen"`
	// Proof ties a login by password to the password: when that is changed, the session
	// ends. Made with the token, so that nobody can test passwords on what is stored.
	Proof string `json:"proof,omitempty"`
	// Grant marks what the session rests on, so that any replica can see without its token
	// that it is there no more.
	Grant string `json:"grant"`
}

// keep is how long the store needs a session.
func (s session) keep(now time.Time) time.Duration {
	return max(min(idle+renewed, s.Made.Add(absolute).Sub(now)), time.Second)
}

func (s session) alive(now time.Time) bool {
	return now.Sub(s.Seen) < idle && now.Sub(s.Made) < absolute
}

// sessionID is a token's place on the shelf.
func sessionID(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// derive makes a text for a purpose out of a secret, from which the secret does not follow.
func derive(secret, purpose string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(purpose))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// start opens a session with a new token, whatever token the browser brought: one that was
// put there by somebody else is worth nothing after a login. The one before ends.
func (g *Guard) start(w http.ResponseWriter, r *http.Request, a *access, id, by string) error {
	now, token := g.o.Now(), rand.Text() // 130 bits
	s := session{ID: id, By: by, Made: now, Seen: now}
	_, s.Grant = a.grant(by, id)
	if by == WayPassword {
		s.Proof = a.proof(id, token)
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := g.o.Store.Put(r.Context(), kindSessions, sessionID(token), data, 0, s.keep(now)); err != nil {
		return err
	}
	if old := g.cookie(r, cookieSession); bearer(old) {
		if err := g.end(r.Context(), sessionID(old)); err != nil {
			return err
		}
	}
	g.sweep(r.Context())
	g.setCookie(w, r, cookieSession, token, absolute)
	return nil
}

// sweep lists what this package keeps, which lets a store forget the ids of what has run
// out. Nobody depends on it.
func (g *Guard) sweep(ctx context.Context) {
	for _, kind := range []string{kindSessions, kindStates} {
		if _, err := g.o.Store.Items(ctx, kind); err != nil {
			g.o.Log.Warn("console: sessions that ran out are not swept", slog.Any("error", err))
		}
	}
}

// resume finds the person of a request's session and notes that it was used. Roles and
// accounts are those of now: who lost one is out at once.
func (g *Guard) resume(w http.ResponseWriter, r *http.Request) (Person, error) {
	token := g.cookie(r, cookieSession)
	if !bearer(token) {
		return Person{}, errStranger
	}
	item, s, err := g.load(r.Context(), token)
	now := g.o.Now()
	switch {
	case err != nil:
		return Person{}, err
	case !s.alive(now):
		g.setCookie(w, r, cookieSession, "", -1)
		return Person{}, errStranger
	}
	p := Person{ID: s.ID, CSRF: formToken(token), Session: item.ID[:8], Role: g.inForce.Load().roleIn(s, token)}
	if p.Role == Nobody {
		if g.offers(s.By) {
			err = g.revoke(r.Context(), item.ID, s)
		}
		return Person{}, cmp.Or(err, errStranger)
	}
	if now.Sub(s.Seen) >= renewed {
		s.Seen = now
		err = g.put(r.Context(), item, s)
	}
	if errors.Is(err, bot.ErrStale) { // another request noted it, or the person has just gone
		_, s, err = g.load(r.Context(), token)
		if err == nil && !s.alive(now) {
			err = errStranger
		}
	}
	return p, err
}

// load gives a session, or a zero one that is not alive.
func (g *Guard) load(ctx context.Context, token string) (bot.Item, session, error) {
	item, err := g.o.Store.Get(ctx, kindSessions, sessionID(token))
	if err != nil || item.Version == 0 {
		return item, session{}, err
	}
	var s session
	if json.Unmarshal(item.Data, &s) != nil {
		s = session{} // a foreign value counts as absent
	}
	return item, s, nil
}

func (g *Guard) put(ctx context.Context, item bot.Item, s session) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return g.o.Store.Put(ctx, kindSessions, item.ID, data, item.Version, s.keep(s.Seen))
}

// roleIn is what the person of a session may do now.
func (a *access) roleIn(s session, token string) Role {
	role, _ := a.grant(s.By, s.ID)
	if !a.grants(s) || s.By == WayPassword && !equal(s.Proof, a.proof(s.ID, token)) {
		return Nobody
	}
	return role
}

// end takes a session away, though it be renewed at the same moment.
func (g *Guard) end(ctx context.Context, id string) error {
	for {
		item, err := g.o.Store.Get(ctx, kindSessions, id)
		if err != nil || item.Version == 0 {
			return err
		}
		if err = g.o.Store.Put(ctx, kindSessions, item.ID, nil, item.Version, 0); !errors.Is(err, bot.ErrStale) {
			return err
		}
	}
}

// logout ends the session. Its form carries the session's token like any change: nobody
// else may log a person out. Who has no session any more is out already.
func (g *Guard) logout(w http.ResponseWriter, r *http.Request) {
	p, err := g.person(w, r)
	if err == nil {
		err = g.checkChange(w, r, p)
	}
	var why refusal
	if errors.As(err, &why) {
		g.refuse(w, r, err)
		return
	}
	token := g.cookie(r, cookieSession)
	if err == nil && !p.Local {
		if err = g.end(r.Context(), sessionID(token)); err == nil {
			g.did(r.Context(), p.ID, "logout", "")
		}
	}
	// Without its token the session cannot be used from this browser, even when the store
	// still has it. What the browser remembers of our pages goes, too; not the cookies, which
	// would be those of our neighbours under the same domain as well.
	g.setCookie(w, r, cookieSession, "", -1)
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	if err != nil && !errors.Is(err, errStranger) {
		g.refuse(w, r, err)
		return
	}
	http.Redirect(w, r, loginPath, http.StatusSeeOther)
}
