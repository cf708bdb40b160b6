package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// memoryStore is a shared store that can be told to forget how to drop.
type memoryStore struct {
	mu        sync.Mutex
	now       func() time.Time
	grants    map[string]grant
	dropFails bool
}

func newStore(now func() time.Time) *memoryStore {
	return &memoryStore{now: now, grants: map[string]grant{}}
}

func (m *memoryStore) Token(_ context.Context, name string) (string, time.Time, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if g := m.grants[name]; g.valid(m.now()) {
		return g.token, g.expires, nil
	}
	return "", time.Time{}, nil
}

func (m *memoryStore) SaveToken(_ context.Context, name, token string, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.grants[name] = grant{token, expires}
	return nil
}

func (m *memoryStore) DropToken(_ context.Context, name, token string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dropFails {
		return errors.New("store is away")
	}
	if m.grants[name].token == token {
		delete(m.grants, name)
	}
	return nil
}

func (m *memoryStore) held() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.grants)
}

// failingStore fails each call with an error that repeats what it was given.
type failingStore struct{ token string }

func (f failingStore) Token(context.Context, string) (string, time.Time, error) {
	return "", time.Time{}, errors.New("store is away")
}

func (f failingStore) SaveToken(_ context.Context, _, token string, _ time.Time) error {
	return errors.New("cannot store " + token)
}

func (f failingStore) DropToken(_ context.Context, _, token string) error {
	return errors.New("cannot drop " + token)
}

func mustSend(t *testing.T, s sender) {
	t.Helper()
	if err := s.SendText(context.Background(), "lin.yue", "你好"); err != nil {
		t.Errorf("SendText = %v, want nil", err)
	}
}

func TestTokenIsAskedOnce(t *testing.T) {
	c, now := newCorp(t), newClock()
	s := c.sender(t, Options{Now: now.Now})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { mustSend(t, s) })
	}
	wg.Wait()
	now.move(6479 * time.Second) // nine tenths of 7,200 are 6,480
	mustSend(t, s)
	if got := c.asked.Load(); got != 1 {
		t.Errorf("gettoken was asked %d times within the token's life, want once", got)
	}
	now.move(time.Second)
	mustSend(t, s)
	if got := c.asked.Load(); got != 2 {
		t.Errorf("gettoken was asked %d times after the token's life, want twice", got)
	}
}

func TestLifeOf(t *testing.T) {
	for _, tt := range []struct {
		seconds int64
		want    time.Duration
	}{
		{7200, 6480 * time.Second},
		{1200, 1080 * time.Second}, // the SDK would make a negative life of it
		{60, time.Minute},
		{0, time.Minute},
		{-7200, time.Minute},
		{math.MinInt64, time.Minute},
		{math.MaxInt64, maxLife / 10 * 9},
	} {
		if got := lifeOf(tt.seconds); got != tt.want {
			t.Errorf("lifeOf(%d) = %v, want %v", tt.seconds, got, tt.want)
		}
	}
}

func TestUnusableTokenIsRefused(t *testing.T) {
	for _, body := range []string{
		`{"errcode":0,"errmsg":"ok","access_token":"","expires_in":7200}`,
		`{"errcode":0,"errmsg":"ok","expires_in":7200}`,
		`{"errcode":0,"errmsg":"ok","access_token":"` + strings.Repeat("x", maxTokenBytes+1) + `","expires_in":7200}`,
	} {
		c := newCorp(t)
		c.onToken = func(w http.ResponseWriter, _ *http.Request, _ int) { w.Write([]byte(body)) }
		if err := c.sender(t, Options{}).SendText(context.Background(), "lin.yue", "你好"); !errors.Is(err, errNoToken) {
			t.Errorf("gettoken answered %s: SendText = %v, want %v", body, err, errNoToken)
		}
	}
}

func TestFailureIsShared(t *testing.T) {
	c, now := newCorp(t), newClock()
	c.onToken = func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(502) }
	s := c.sender(t, Options{Now: now.Now})
	for range 20 {
		if err := s.SendText(context.Background(), "lin.yue", "你好"); err == nil {
			t.Error("SendText = nil, want an error")
		}
	}
	if got := c.asked.Load(); got != 1 {
		t.Errorf("gettoken was asked %d times within a second of failing, want once", got)
	}
	now.move(failureFor)
	s.SendText(context.Background(), "lin.yue", "你好")
	if got := c.asked.Load(); got != 2 {
		t.Errorf("gettoken was asked %d times after the second, want twice", got)
	}
}

func TestWrongCredentialsStop(t *testing.T) {
	for _, tt := range []struct {
		name        string
		code        int
		api         string
		asked, sent int32 // until the ten minutes are over
	}{
		{"secret", 40001, apiGetToken, 1, 0},
		{"corp id", 40013, apiGetToken, 1, 0},
		{"another corp's secret", 40091, apiGetToken, 1, 0},
		{"secret, found out by message/send", 40001, apiSend, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, now := newCorp(t), newClock()
			refuse := func(w http.ResponseWriter, _ *http.Request, _ int) { answer(w, tt.code, "invalid credential") }
			if tt.api == apiGetToken {
				c.onToken = refuse
			} else {
				c.onSend = refuse
			}
			s := c.sender(t, Options{Now: now.Now})
			for range 10 {
				var api *APIError
				err := s.SendText(context.Background(), "lin.yue", "你好")
				if !errors.Is(err, ErrCredential) || !errors.As(err, &api) || api.Code != int64(tt.code) {
					t.Errorf("SendText = %v, want ErrCredential with %d", err, tt.code)
				}
				now.move(time.Minute - time.Second)
			}
			if asked, sent := c.asked.Load(), c.sent.Load(); asked != tt.asked || sent != tt.sent {
				t.Errorf("gettoken %d, message/send %d times within ten minutes, want %d and %d", asked, sent, tt.asked, tt.sent)
			}
			now.move(10 * time.Second)
			s.SendText(context.Background(), "lin.yue", "你好")
			if got := c.asked.Load(); got != tt.asked+1 {
				t.Errorf("gettoken %d times after ten minutes, want %d", got, tt.asked+1)
			}
		})
	}
}

func TestReplicasShareToken(t *testing.T) {
	c, now := newCorp(t), newClock()
	store := newStore(now.Now)
	first := c.sender(t, Options{Now: now.Now, Tokens: store})
	mustSend(t, first)
	waitFor(t, "token is in the store", func() bool { return store.held() == 1 })
	mustSend(t, c.sender(t, Options{Now: now.Now, Tokens: store}))
	if got := c.asked.Load(); got != 1 {
		t.Errorf("two replicas asked gettoken %d times, want once", got)
	}
}

func TestTokenNames(t *testing.T) {
	seen := map[string][3]string{}
	for _, app := range [][3]string{
		{"ww1", "1", "secret-a"}, {"ww1", "1", "secret-b"}, {"ww1", "2", "secret-a"},
		{"ww2", "1", "secret-a"}, {"ww1\" \"1", "", "secret-a"}, {"ww1", "", "secret-a"},
	} {
		name := tokenName(app[0], app[1], app[2])
		if other, twice := seen[name]; twice {
			t.Errorf("%q and %q share the access_token %s", app, other, name)
		}
		seen[name] = app
	}
}

// TestStoreAway: neither a store that fails nor one that keeps the dead token stops
// the sending.
func TestStoreAway(t *testing.T) {
	t.Run("fails", func(t *testing.T) {
		c := newCorp(t)
		s := c.sender(t, Options{Tokens: failingStore{}})
		mustSend(t, s)
		mustSend(t, s)
		if got := c.asked.Load(); got != 1 {
			t.Errorf("gettoken was asked %d times, want once", got)
		}
	})
	t.Run("keeps the dead token", func(t *testing.T) {
		c, now := newCorp(t), newClock()
		c.onSend = func(w http.ResponseWriter, r *http.Request, _ int) {
			if r.URL.Query().Get("access_token") == c.token(1) {
				answer(w, 40014, "invalid access_token")
				return
			}
			answer(w, 0, "ok")
		}
		store := newStore(now.Now)
		store.dropFails = true
		s := c.sender(t, Options{Now: now.Now, Tokens: store})
		store.SaveToken(context.Background(), s.tokens.name, c.token(1), now.Now().Add(time.Hour))
		c.asked.Store(1) // by the replica that stored it
		mustSend(t, s)
		if got := c.asked.Load(); got != 2 {
			t.Errorf("gettoken was asked %d times, want one more than before", got)
		}
	})
}

// TestLateDrop: who learns late that a token died must not drop its successor.
func TestLateDrop(t *testing.T) {
	c, now := newCorp(t), newClock()
	store := newStore(now.Now)
	s := c.sender(t, Options{Now: now.Now, Tokens: store})
	mustSend(t, s)
	waitFor(t, "token is in the store", func() bool { return store.held() == 1 })
	s.tokens.drop(context.Background(), "an older one")
	mustSend(t, s)
	if got := c.asked.Load(); got != 1 {
		t.Errorf("gettoken was asked %d times after a late drop, want once", got)
	}
	if store.held() != 1 {
		t.Error("a late drop removed the successor from the store")
	}
}

// TestManyLearnOfDeath: the token dies under 50 sends at once; all get through.
func TestManyLearnOfDeath(t *testing.T) {
	c := newCorp(t)
	c.onSend = func(w http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Query().Get("access_token") == c.token(1) {
			answer(w, 42001, "access_token expired")
			return
		}
		answer(w, 0, "ok")
	}
	s := c.sender(t, Options{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { mustSend(t, s) })
	}
	wg.Wait()
	if got := c.asked.Load(); got != 2 {
		t.Errorf("gettoken was asked %d times, want twice", got)
	}
}

func TestPanicWhileAsking(t *testing.T) {
	c := newCorp(t)
	s := c.sender(t, Options{})
	s.tokens.ask = func(context.Context) (grant, error) { panic("SDK") }
	if err := s.SendText(context.Background(), "lin.yue", "你好"); err == nil {
		t.Error("SendText = nil, want an error")
	}
}
