package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"aeobot/bot"
)

const (
	// kindStates are the states that were used, by their SHA-256, as spent.
	kindStates = "console-oauth"
	// stateLife is how long a login through WeCom may take. It is silent there, so it
	// takes a second.
	stateLife = 10 * time.Minute
	// codeWait bounds asking the platform whose code it is.
	codeWait = 6 * time.Second
	// codeLook is how often a second request looks whether the first has finished.
	codeLook = 50 * time.Millisecond
	// maxStates is how many logins a browser may have begun, one a tab.
	maxStates = 6
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
	g.dropStates(w, r)
	g.setCookie(w, r, stateCookie(s.token), s.String(), stateLife)
	http.Redirect(w, r, g.o.OAuth.address(g.o.BaseURL+backPath, s.token), http.StatusSeeOther)
}

// stateCookie is the cookie of a state: logins begun in two tabs do not know of each other.
func stateCookie(token string) string { return cookieState + "-" + token[:8] }

// dropStates takes the oldest states from a browser that has too many: requests with all of
// them would become too large.
func (g *Guard) dropStates(w http.ResponseWriter, r *http.Request) {
	var begun []state
	for _, c := range r.Cookies() {
		if s, ok := readState(c.Value); ok && c.Name == cookieName(r, stateCookie(s.token)) {
			begun = append(begun, s)
		}
	}
	slices.SortFunc(begun, func(a, b state) int { return b.made.Compare(a.made) })
	for _, s := range begun[min(len(begun), maxStates-1):] {
		g.setCookie(w, r, stateCookie(s.token), "", -1)
	}
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
	token := r.URL.Query().Get("state")
	s, err := g.spend(w, r, token)
	if errors.As(err, new(refusal)) {
		g.goOn(w, r, token, err)
		return
	}
	if err != nil {
		g.refuse(w, r, err)
		return
	}
	defer g.finished(r.Context(), token)
	userID, err := g.member(w, r)
	now := g.inForce.Load()
	if err == nil && (userID == "" || now.roleOf(userID) == Nobody) {
		g.o.Count(WayWeCom, OutcomeRefused)
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
	g.enter(w, r, now, userID, WayWeCom, s.next)
}

// spent is a state that was used.
type spent struct {
	Next string `json:"next"`
	// Finished: who it was is known, or cannot be.
	Finished bool `json:"finished"`
}

// spend takes the state that a browser came back with, which is good once, here and at
// every other replica.
func (g *Guard) spend(w http.ResponseWriter, r *http.Request, token string) (state, error) {
	bad := refusal{status: http.StatusForbidden, text: textState, again: true}
	if !bearer(token) {
		return state{}, bad
	}
	s, ok := readState(g.cookie(r, stateCookie(token)))
	g.setCookie(w, r, stateCookie(token), "", -1)
	age := g.o.Now().Sub(s.made)
	if !ok || subtle.ConstantTimeCompare([]byte(s.token), []byte(token)) != 1 || age < -time.Minute || age > stateLife {
		return state{}, bad
	}
	err := g.putSpent(r.Context(), token, spent{Next: s.next}, 0)
	if errors.Is(err, bot.ErrStale) {
		return s, bad
	}
	return s, err
}

func (g *Guard) putSpent(ctx context.Context, token string, s spent, was uint64) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return g.o.Store.Put(ctx, kindStates, sessionID(token), data, was, stateLife+2*time.Minute)
}

// lookUp finds a state that was used; one that was not leads home.
func (g *Guard) lookUp(ctx context.Context, token string) (s spent, version uint64, err error) {
	item, err := g.o.Store.Get(ctx, kindStates, sessionID(token))
	if err == nil && item.Version != 0 {
		err = json.Unmarshal(item.Data, &s)
	}
	s.Next = safeNext(s.Next)
	return s, item.Version, err
}

// finished lets requests go on that came for the same login. They wait no longer than
// codeWait for it.
func (g *Guard) finished(ctx context.Context, token string) {
	ctx = context.WithoutCancel(ctx)
	s, version, err := g.lookUp(ctx, token)
	if err == nil {
		s.Finished = true
		err = g.putSpent(ctx, token, s, version)
	}
	if err != nil {
		g.o.Log.Warn("console: a finished login is not noted", slog.Any("error", err))
	}
}

// goOn leads to where a login led when its address is asked for again: by a browser that is
// logged in by now, or by one that asks twice at once and is about to be. Nobody is logged
// in by it. Whoever else comes is refused.
func (g *Guard) goOn(w http.ResponseWriter, r *http.Request, token string, why error) {
	s, version, err := g.lookUp(r.Context(), token)
	atOnce := err == nil && version != 0 && !s.Finished
	if atOnce {
		err = g.awaitFinish(r.Context(), token)
	} else if err == nil {
		_, err = g.person(w, r)
	}
	switch {
	case errors.Is(err, errStranger):
		g.refuse(w, r, why)
	case err != nil:
		g.refuse(w, r, err)
	default:
		http.Redirect(w, r, s.Next, http.StatusSeeOther)
	}
}

// awaitFinish waits until a login has been finished, for a time.
func (g *Guard) awaitFinish(ctx context.Context, token string) error {
	ctx, cancel := context.WithTimeout(ctx, codeWait)
	defer cancel()
	for {
		s, _, err := g.lookUp(ctx, token)
		if err != nil || s.Finished {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(codeLook):
		}
	}
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
		g.o.Count(WayWeCom, OutcomeDelayed)
		return "", refusal{status: http.StatusTooManyRequests, text: fmt.Sprintf(textSlow, seconds), again: true}
	}
	ctx, cancel := context.WithTimeout(r.Context(), codeWait)
	defer cancel()
	userID, err := g.o.OAuth.Members.UserOf(ctx, code)
	if err != nil {
		g.o.Count(WayWeCom, OutcomeRefused)
		g.o.Log.Warn("console: the platform did not tell who it is", slog.String("from", g.address(r)), slog.Any("error", err))
		return "", refusal{status: http.StatusBadGateway, text: textCode, again: true}
	}
	if userID != "" {
		g.throttle.forgive(counters...)
	}
	return userID, nil
}
