package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"aeobot/bot"
)

const (
	// kindStates are the states that were used, by their SHA-256.
	kindStates = "console-oauth"
	// stateLife is how long a login through WeCom may take. It is silent there, so it
	// takes a second.
	stateLife = 10 * time.Minute
	// codeWait bounds asking the platform whose code it is.
	codeWait = 6 * time.Second
)

// OAuth is the login of members through WeCom, without a question to them (scope
// snsapi_base).
type OAuth struct {
	// Members asks the platform.
	Members Members
	// AuthorizeURL is where members are sent; the platform's is
	// https://open.weixin.qq.com/connect/oauth2/authorize.
	AuthorizeURL string
	// CorpID and AgentID are the application's.
	CorpID, AgentID string
}

// Members tells who came back from the platform.
type Members interface {
	// UserOf gives the user id behind a code, which is good once; an empty one for
	// somebody who is no member of the company.
	UserOf(ctx context.Context, code string) (userID string, err error)
}

func (o *OAuth) check(baseURL string) error {
	if o.Members == nil || o.AuthorizeURL == "" || o.CorpID == "" || baseURL == "" {
		return errors.New("login: OAuth needs members, an authorize URL, a corp id and a base URL")
	}
	return nil
}

// address is where a member is sent (91022). The platform wants the parameters in this
// order and the fragment.
func (o *OAuth) address(back, state string) string {
	return o.AuthorizeURL + "?appid=" + url.QueryEscape(o.CorpID) + "&redirect_uri=" + url.QueryEscape(back) +
		"&response_type=code&scope=snsapi_base&state=" + url.QueryEscape(state) + "&agentid=" + url.QueryEscape(o.AgentID) + "#wechat_redirect"
}

// startAddress is our own page that sends a member there. It is a whole address: the cookie
// that ties the state to the browser must belong to the host that the platform sends it
// back to.
func (g *Guard) startAddress(next string) string {
	if g.o.OAuth == nil {
		return ""
	}
	return g.o.BaseURL + oauthPath + nextQuery(next)
}

// startOAuth sends a member to the platform. Only this browser, which has the state in a
// cookie, can come back with what it brings: nobody can log another person in as
// themselves by giving them an address.
func (g *Guard) startOAuth(w http.ResponseWriter, r *http.Request) {
	if g.o.OAuth == nil {
		http.NotFound(w, r)
		return
	}
	s := state{token: rand.Text(), made: g.o.Now(), next: safeNext(r.URL.Query().Get("next"))}
	g.setCookie(w, r, cookieState, s.String(), stateLife)
	http.Redirect(w, r, g.o.OAuth.address(g.o.BaseURL+backPath, s.token), http.StatusSeeOther)
}

// state is what a browser keeps while its member is away. It need not be sealed: who could
// change it could only fool themselves.
type state struct {
	token string
	made  time.Time
	next  string
}

func (s state) String() string {
	return s.token + "." + strconv.FormatInt(s.made.Unix(), 10) + "." + base64.RawURLEncoding.EncodeToString([]byte(s.next))
}

func readState(text string) (state, bool) {
	f := strings.Split(text, ".")
	if len(f) != 3 || !bearer(f[0]) {
		return state{}, false
	}
	made, err := strconv.ParseInt(f[1], 10, 64)
	next, err2 := base64.RawURLEncoding.DecodeString(f[2])
	return state{f[0], time.Unix(made, 0), safeNext(string(next))}, err == nil && err2 == nil
}

// codePattern is what a code may look like: at most 512 bytes (91023), nothing that is not
// printed. It is escaped all the same before it goes into an address.
var codePattern = regexp.MustCompile(`^[!-~]{1,512}$`)

// finishOAuth is where the platform sends the member back to.
func (g *Guard) finishOAuth(w http.ResponseWriter, r *http.Request) {
	if g.o.OAuth == nil {
		http.NotFound(w, r)
		return
	}
	s, err := g.spend(w, r)
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	userID, err := g.member(w, r)
	if err == nil && (userID == "" || g.o.RoleOf(userID) == Nobody) {
		g.o.Log.Info("console: member refused", slog.Any("asker", bot.Asker(userID)), slog.Bool("member", userID != ""))
		err = refusal{status: http.StatusForbidden, text: textNoMember, again: true}
		if userID != "" {
			err = refusal{status: http.StatusForbidden, text: fmt.Sprintf(textNoRole, userID), again: true}
		}
	}
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	g.enter(w, r, userID, byWeCom, s.next)
}

// spend takes the state that a browser came back with, which is good once, here and at
// every other replica.
func (g *Guard) spend(w http.ResponseWriter, r *http.Request) (state, error) {
	text := g.cookie(r, cookieState)
	g.setCookie(w, r, cookieState, "", -1)
	s, ok := readState(text)
	age := g.o.Now().Sub(s.made)
	bad := refusal{status: http.StatusForbidden, text: textState, again: true}
	if !ok || subtle.ConstantTimeCompare([]byte(s.token), []byte(r.URL.Query().Get("state"))) != 1 || age < -time.Minute || age > stateLife {
		return state{}, bad
	}
	err := g.o.Store.Put(r.Context(), kindStates, sessionID(s.token), []byte{1}, 0, stateLife+2*time.Minute)
	if errors.Is(err, bot.ErrStale) {
		return state{}, bad
	}
	return s, err
}

// member asks the platform who has come back. Whoever brings codes that are none is
// slowed down like a guesser: each question counts against the application's share of
// calls, which answers need, too.
func (g *Guard) member(w http.ResponseWriter, r *http.Request) (string, error) {
	code := r.URL.Query().Get("code")
	if !codePattern.MatchString(code) {
		return "", refusal{status: http.StatusBadRequest, text: textCode, again: true}
	}
	counters := []counted{{&limitAddress, g.address(r)}, {&limitCodes, ""}}
	if wait := g.throttle.attempt(counters...); wait > 0 {
		seconds := int(math.Ceil(wait.Seconds()))
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
		return "", refusal{status: http.StatusTooManyRequests, text: fmt.Sprintf(textSlow, seconds), again: true}
	}
	ctx, cancel := context.WithTimeout(r.Context(), codeWait)
	defer cancel()
	userID, err := g.o.OAuth.Members.UserOf(ctx, code)
	if err != nil {
		g.o.Log.Warn("console: the platform did not tell who it is", slog.Any("error", err))
		return "", refusal{status: http.StatusBadGateway, text: textCode, again: true}
	}
	if userID != "" {
		g.throttle.forgive(counters...)
	}
	return userID, nil
}
