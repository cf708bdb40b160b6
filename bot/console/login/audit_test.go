package login

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// TestGuessedNamesAreTakenDown once, when guessing has begun; who guesses at names that are
// none fills no log.
func TestGuessedNamesAreTakenDown(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	for range limitPair.free + 3 {
		w.browser().login("lin.yue", "wrong")
		w.pass(limitPair.most)
		w.browser().login("no.such", "wrong")
		w.pass(limitPair.most)
	}
	if got := w.audited(); got != "unknown login refused lin.yue ×5" {
		t.Errorf("taken down: %s", got)
	}
}

// TestComingAndGoingIsTakenDown, by whom and how.
func TestComingAndGoingIsTakenDown(t *testing.T) {
	w := newWorld(t, bolt(t), Options{Accounts: everybody(t)})
	b := w.loggedIn("lin.yue")
	b.do(http.MethodPost, logoutPath, url.Values{})
	b.do(http.MethodPost, logoutPath, url.Values{"csrf": {b.csrf()}})
	if got := w.audited(); got != strings.Join([]string{"lin.yue login password", "lin.yue logout"}, "\n") {
		t.Errorf("taken down:\n%s", got)
	}
}
