package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/silenceper/wechat/v2/work"

	"aeobot/bot/storetest"
)

// The SDK has one API address for the whole process, so all tests share one fake
// platform; each test has a corp of its own there, with its own faults.
var fake = &platform{corps: map[string]*corp{}}

func TestMain(m *testing.M) {
	server := httptest.NewServer(fake)
	fake.url = server.URL
	code := m.Run()
	server.CloseClientConnections()
	os.Exit(code)
}

// platform is gettoken and message/send over real HTTP.
type platform struct {
	url   string
	mu    sync.Mutex
	corps map[string]*corp
}

// corp is one test's account there. The hooks answer the n-th request, from 1; nil
// hooks answer as the healthy platform does.
type corp struct {
	id      string
	onToken func(w http.ResponseWriter, r *http.Request, n int)
	onSend  func(w http.ResponseWriter, r *http.Request, n int)
	onUser  func(w http.ResponseWriter, r *http.Request, n int)
	release chan struct{} // closed when the test ends: hung requests go on

	asked, sent, who atomic.Int32
	mu               sync.Mutex
	bodies           []textMessage
	strays           []string // requests that no client of ours should make
}

var corpCount atomic.Int32

func newCorp(t *testing.T) *corp {
	t.Helper()
	c := &corp{id: fmt.Sprintf("wwcorp%d", corpCount.Add(1)), release: make(chan struct{})}
	fake.mu.Lock()
	fake.corps[c.id] = c
	fake.mu.Unlock()
	t.Cleanup(func() {
		close(c.release)
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, s := range c.strays {
			t.Errorf("unexpected request: %s", s)
		}
	})
	return c
}

const testSecret = "SECRETMARK-q8Zr5v2c"

// apiSend is the call these tests make.
const apiSend = "message/send"

// sender is a Client that sends texts.
type sender struct {
	*Client
	tokens *tokens
}

// textMessage is the body of message/send.
type textMessage struct {
	ToUser string `json:"touser"`
	Text   struct {
		Content string `json:"content"`
	} `json:"text"`
}

func (s sender) SendText(ctx context.Context, to, text string) error {
	m := textMessage{ToUser: to}
	m.Text.Content = text
	return s.Call(ctx, apiSend, []string{to, text}, func(w *work.Work) error {
		_, err := w.GetMessage().Send(apiSend, m)
		return err
	})
}

// sender makes a sender for the corp that waits little before it tries again.
func (c *corp) sender(t *testing.T, o Options) sender {
	t.Helper()
	o.BaseURL, o.CorpID, o.AgentID, o.Secret = fake.url, c.id, "1000017", testSecret
	s, err := New(o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	s.delay = time.Millisecond
	return sender{s, s.tokens.(*tokens)}
}

// token is the access_token that the n-th gettoken gave.
func (c *corp) token(n int) string { return fmt.Sprintf("TOKENMARK.%s.%d", c.id, n) }

// hang answers nothing until the client leaves or the test ends.
func (c *corp) hang(_ http.ResponseWriter, r *http.Request, _ int) {
	select {
	case <-r.Context().Done():
	case <-c.release:
	}
}

func (p *platform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	id := q.Get("corpid")
	if parts := strings.Split(q.Get("access_token"), "."); len(parts) == 3 {
		id = parts[1]
	}
	p.mu.Lock()
	c := p.corps[id]
	p.mu.Unlock()
	if c == nil {
		http.NotFound(w, r)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /cgi-bin/gettoken":
		c.serveToken(w, r)
	case "POST /cgi-bin/message/send":
		c.serveSend(w, r)
	case "GET /cgi-bin/auth/getuserinfo":
		c.onUser(w, r, int(c.who.Add(1)))
	default:
		c.stray(r.Method + " " + r.URL.Path)
		http.NotFound(w, r)
	}
}

func (c *corp) serveToken(w http.ResponseWriter, r *http.Request) {
	n := int(c.asked.Add(1))
	switch {
	case r.URL.Query().Get("corpsecret") != testSecret:
		answer(w, 40001, "invalid credential")
	case c.onToken != nil:
		c.onToken(w, r, n)
	default:
		c.giveToken(w, n, 7200)
	}
}

func (c *corp) giveToken(w io.Writer, n int, expiresIn int64) {
	fmt.Fprintf(w, `{"errcode":0,"errmsg":"ok","access_token":%q,"expires_in":%d}`, c.token(n), expiresIn)
}

func (c *corp) serveSend(w http.ResponseWriter, r *http.Request) {
	n := int(c.sent.Add(1))
	var m textMessage
	var raw bytes.Buffer
	d := json.NewDecoder(io.TeeReader(r.Body, &raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		c.stray("message/send body: " + err.Error())
	}
	r.Body = io.NopCloser(&raw) // for hooks that look at it
	c.mu.Lock()
	c.bodies = append(c.bodies, m)
	c.mu.Unlock()
	if c.onSend != nil {
		c.onSend(w, r, n)
		return
	}
	answer(w, 0, "ok")
}

func (c *corp) stray(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strays = append(c.strays, what)
}

func answer(w io.Writer, code int, message string) {
	fmt.Fprintf(w, `{"errcode":%d,"errmsg":%q,"msgid":"m-1"}`, code, message)
}

// waitFor waits for a state.
func waitFor(t *testing.T, what string, reached func() bool) {
	t.Helper()
	storetest.Eventually(t, what, reached)
}

// clock is a clock that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 31, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
