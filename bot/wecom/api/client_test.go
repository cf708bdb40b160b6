package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestCall(t *testing.T) {
	c := newCorp(t)
	c.onSend = func(w http.ResponseWriter, r *http.Request, _ int) {
		if got := r.URL.Query().Get("access_token"); got != c.token(1) {
			t.Errorf("access_token = %q, want %q", got, c.token(1))
		}
		if got := r.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("Accept-Encoding = %q: the answer could come packed", got)
		}
		answer(w, 0, "ok")
	}
	s := c.sender(t, Options{})
	text := "设立AEO企业专用窗口 <&> \"引号\"\n第二行"
	if err := s.SendText(context.Background(), "lin.yue", text); err != nil {
		t.Fatal(err)
	}
	if got := c.bodies[0]; got.ToUser != "lin.yue" || got.Text.Content != text {
		t.Errorf("sent %+v", got)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Options{BaseURL: fake.url, CorpID: "ww1", AgentID: "1000017", Secret: "s"}
	for _, tt := range []struct {
		name string
		edit func(*Options)
	}{
		{"no corp", func(o *Options) { o.CorpID = "" }},
		{"no secret", func(o *Options) { o.Secret = "" }},
		{"another address in the process", func(o *Options) { o.BaseURL = "https://proxy.example" }},
		{"the platform's address after another", func(o *Options) { o.BaseURL = "" }},
		{"no scheme", func(o *Options) { o.BaseURL = "proxy.example" }},
		{"file", func(o *Options) { o.BaseURL = "file:///etc" }},
		{"password", func(o *Options) { o.BaseURL = "https://me:PWMARK@proxy.example" }},
		{"query", func(o *Options) { o.BaseURL = "https://proxy.example?x=PWMARK" }},
		{"control character", func(o *Options) { o.BaseURL = "https://PWMARK\x7f/" }},
	} {
		// Whatever ran before, the process has the fake's address from here on.
		if _, err := New(good); err != nil {
			t.Fatal(err)
		}
		o := good
		tt.edit(&o)
		s, err := New(o)
		if err == nil {
			t.Errorf("%s: New = %v, want an error", tt.name, s)
		} else if strings.Contains(err.Error(), "PWMARK") {
			t.Errorf("%s: error repeats the address: %v", tt.name, err)
		}
	}
	good.BaseURL += "/"
	if _, err := New(good); err != nil {
		t.Errorf("same address with a slash: %v", err)
	}
}

// flood writes more and more until the client leaves, and counts.
func flood(w io.Writer, written *atomic.Int64) {
	chunk := bytes.Repeat([]byte(" "), 1<<20)
	for range 1 << 10 { // 1 GiB
		n, err := w.Write(chunk)
		written.Add(int64(n))
		if err != nil {
			return
		}
	}
}

func bomb() []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(`{"errcode":0,"errmsg":"`))
	z.Write(bytes.Repeat([]byte("a"), 64<<20))
	z.Write([]byte(`"}`))
	z.Close()
	return packed.Bytes()
}

// TestHostileAnswers gives each wrong answer to each call: every one is a failure,
// bounded, and the call after it is well again.
func TestHostileAnswers(t *testing.T) {
	var flooded atomic.Int64
	packed := bomb()
	type hook = func(w http.ResponseWriter, r *http.Request, n int)
	write := func(body string) hook {
		return func(w http.ResponseWriter, _ *http.Request, _ int) { io.WriteString(w, body) }
	}
	for _, tt := range []struct {
		name string
		hook hook
		want error // nil: any
	}{
		{"http.StatusBadGateway", func(w http.ResponseWriter, _ *http.Request, _ int) {
			http.Error(w, "bad gateway", http.StatusBadGateway)
		}, errStatus},
		{"500 that claims success", func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.WriteHeader(500)
			io.WriteString(w, `{"errcode":0,"errmsg":"ok","access_token":"x","expires_in":7200}`)
		}, errStatus},
		{"HTML", write("<html><body>登录</body></html>"), errAnswer},
		{"empty", write(""), errAnswer},
		{"{}", write("{}"), errAnswer},
		{"null", write("null"), errAnswer},
		{"list", write("[]"), errAnswer},
		{"errcode null", write(`{"errcode":null,"access_token":"x","expires_in":7200}`), errAnswer},
		{"errcode is a string", write(`{"errcode":"0","access_token":"x","expires_in":7200}`), errAnswer},
		{"half an answer", write(`{"errcode":0,"errmsg":"o`), errAnswer},
		{"two answers", write(`{"errcode":0}{"errcode":0}`), errAnswer},
		{"errcode too large", write(`{"errcode":99999999999999999999}`), errAnswer},
		{"read in part", write(`{"errcode":0,"errmsg":"ok, Warning: wrong json format. "}`), nil},
		{"gzip bomb", func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed)
		}, errAnswer},
		{"1 GB", func(w http.ResponseWriter, _ *http.Request, _ int) { flood(w, &flooded) }, errTooLarge},
		{"cut off", func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"errcode":0}`)
		}, io.ErrUnexpectedEOF},
		{"connection closed", func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) }, nil},
		{"redirect", func(w http.ResponseWriter, r *http.Request, _ int) {
			// The corp counts a request to an unknown path as an error.
			http.Redirect(w, r, fake.url+"/elsewhere?"+r.URL.RawQuery, http.StatusTemporaryRedirect)
		}, errStatus},
	} {
		for _, api := range []string{apiGetToken, apiSend} {
			t.Run(tt.name+" from "+api, func(t *testing.T) {
				c, now := newCorp(t), newClock()
				var well atomic.Bool
				hook := func(healthy hook) hook {
					return func(w http.ResponseWriter, r *http.Request, n int) {
						if well.Load() {
							healthy(w, r, n)
						} else {
							tt.hook(w, r, n)
						}
					}
				}
				if api == apiGetToken {
					c.onToken = hook(func(w http.ResponseWriter, _ *http.Request, n int) { c.giveToken(w, n, 7200) })
				} else {
					c.onSend = hook(func(w http.ResponseWriter, _ *http.Request, _ int) { answer(w, 0, "ok") })
				}
				s := c.sender(t, Options{Now: now.Now})
				err := s.SendText(context.Background(), "lin.yue", "你好")
				if err == nil || (tt.want != nil && !errors.Is(err, tt.want)) {
					t.Errorf("SendText = %v, want %v", err, tt.want)
				}
				well.Store(true)
				now.move(failureFor)
				if err := s.SendText(context.Background(), "lin.yue", "你好"); err != nil {
					t.Errorf("SendText after the fault = %v, want nil", err)
				}
			})
		}
	}
	if got := flooded.Load(); got > 256<<20 {
		t.Errorf("%d bytes of an endless answer were taken", got)
	}
}

// TestHungPlatform: whatever hangs, the caller leaves with its own deadline.
func TestHungPlatform(t *testing.T) {
	trickle := func(w http.ResponseWriter, r *http.Request, _ int) {
		io.WriteString(w, `{"errcode":0,`)
		for r.Context().Err() == nil {
			io.WriteString(w, " ")
			http.NewResponseController(w).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	for _, slow := range []string{"hung", "slow bytes"} {
		for _, api := range []string{apiGetToken, apiSend} {
			for _, limit := range []string{"context", "option"} {
				t.Run(slow+" "+api+" by "+limit, func(t *testing.T) {
					c := newCorp(t)
					hook := c.hang
					if slow == "slow bytes" {
						hook = trickle
					}
					if api == apiGetToken {
						c.onToken = hook
					} else {
						c.onSend = hook
					}
					o, ctx := Options{}, context.Background()
					if limit == "option" {
						o.Timeout = 100 * time.Millisecond
					} else {
						var cancel context.CancelFunc
						ctx, cancel = context.WithTimeout(ctx, 100*time.Millisecond)
						defer cancel()
					}
					err := c.sender(t, o).SendText(ctx, "lin.yue", "你好")
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("SendText = %v, want a deadline exceeded", err)
					}
				})
			}
		}
	}
}

// TestThousandWaiting: gettoken hangs, a thousand sends wait. One request is under
// way, no send costs a goroutine of ours, all leave.
func TestThousandWaiting(t *testing.T) {
	const senders = 1000
	c := newCorp(t)
	c.onToken = c.hang
	s := c.sender(t, Options{})
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var entered, failed atomic.Int32
	for range senders {
		wg.Go(func() {
			entered.Add(1)
			if err := s.SendText(ctx, "lin.yue", "你好"); errors.Is(err, context.Canceled) {
				failed.Add(1)
			}
		})
	}
	waitFor(t, "all sends begun and gettoken asked", func() bool { return entered.Load() == senders && c.asked.Load() == 1 })
	if extra := runtime.NumGoroutine() - before - senders; extra > 50 {
		t.Errorf("%d goroutines besides the %d senders, want a few", extra, senders)
	}
	cancel()
	wg.Wait()
	if got := failed.Load(); got != senders {
		t.Errorf("%d of %d sends left by their context", got, senders)
	}
	if got := c.asked.Load(); got != 1 {
		t.Errorf("gettoken was asked %d times, want once", got)
	}
}

// TestHungSendsAreBounded: message/send hangs, and callers go on leaving and coming.
func TestHungSendsAreBounded(t *testing.T) {
	c := newCorp(t)
	c.onSend = c.hang
	s := c.sender(t, Options{})
	before := runtime.NumGoroutine()
	for range 20 * maxCalls {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		if err := s.SendText(ctx, "lin.yue", "你好"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("SendText = %v, want a deadline exceeded", err)
		}
		cancel()
	}
	if got := c.sent.Load(); got > maxCalls {
		t.Errorf("%d calls under way at once, want at most %d", got, maxCalls)
	}
	// A call is one goroutine of ours, three of the client and three of the fake's.
	if extra := runtime.NumGoroutine() - before; extra > 8*maxCalls {
		t.Errorf("%d goroutines left behind by %d callers, want at most %d", extra, 20*maxCalls, 8*maxCalls)
	}
}

func TestErrorCodes(t *testing.T) {
	always := func(code int, message string) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, _ int) { answer(w, code, message) }
	}
	first := func(code, times int) func(http.ResponseWriter, *http.Request, int) {
		return func(w http.ResponseWriter, _ *http.Request, n int) {
			if n > times {
				code = 0
			}
			answer(w, code, "as ordered")
		}
	}
	const untrusted = "not allow to access from your ip, hint: [1760000000123], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query?e=60020"
	for _, tt := range []struct {
		name        string
		send        func(http.ResponseWriter, *http.Request, int)
		asked, sent int32
		want        error
		code        int64 // of the *APIError
		text        string
	}{
		{"well", always(0, "ok"), 1, 1, nil, 0, ""},
		{"40014 once", first(40014, 1), 2, 2, nil, 0, ""},
		{"42001 once", first(42001, 1), 2, 2, nil, 0, ""},
		{"41001 once", first(41001, 1), 2, 2, nil, 0, ""},
		{"42001 always", always(42001, "access_token expired"), 2, 2, ErrAccessToken, 42001, "access_token refused"},
		{"-1 twice", first(-1, 2), 1, 3, nil, 0, ""},
		{"-1 always", always(-1, "system busy"), 1, 1 + maxRetries, ErrBusy, -1, "busy"},
		{"45009", always(45009, "api freq out of limit"), 1, 1, ErrRateLimited, 45009, "rate limited"},
		{"45033", always(45033, "api concurrent out of limit"), 1, 1, ErrRateLimited, 45033, "rate limited"},
		{"60020", always(60020, untrusted), 1, 1, ErrUntrustedIP, 60020, "add 203.0.113.7 to 企业可信IP"},
		{"60020 without address", always(60020, "from ip: nowhere"), 1, 1, ErrUntrustedIP, 60020, "add the outgoing address"},
		{"40001", always(40001, "invalid credential"), 1, 1, ErrCredential, 40001, "corp_id or secret is wrong"},
		{"81013", always(81013, "all invalid"), 1, 1, ErrRecipient, 81013, "recipient"},
		{"60111", always(60111, "userid not found"), 1, 1, ErrRecipient, 60111, "recipient"},
		{"49999, without a meaning of ours", always(49999, "something new"), 1, 1, nil, 49999, "errcode 49999: something new"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCorp(t)
			c.onSend = tt.send
			err := c.sender(t, Options{}).SendText(context.Background(), "lin.yue", "你好")
			if asked, sent := c.asked.Load(), c.sent.Load(); asked != tt.asked || sent != tt.sent {
				t.Errorf("gettoken %d times, message/send %d times, want %d and %d", asked, sent, tt.asked, tt.sent)
			}
			if tt.text == "" {
				if err != nil {
					t.Errorf("SendText = %v, want nil", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.text) || (tt.want != nil && !errors.Is(err, tt.want)) {
				t.Errorf("SendText = %v, want %q and %v", err, tt.text, tt.want)
			}
			var api *APIError
			if errors.As(err, &api) != (tt.code != 0) || (api != nil && (api.Code != tt.code || api.API != apiSend)) {
				t.Errorf("errors.As gives %+v, want errcode %d of %s", api, tt.code, apiSend)
			}
		})
	}
}

func TestRateLimitPauses(t *testing.T) {
	c, now := newCorp(t), newClock()
	c.onSend = func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			answer(w, 45009, "api freq out of limit")
			return
		}
		answer(w, 0, "ok")
	}
	s := c.sender(t, Options{Now: now.Now})
	for range 5 {
		if err := s.SendText(context.Background(), "lin.yue", "你好"); !errors.Is(err, ErrRateLimited) {
			t.Errorf("SendText = %v, want ErrRateLimited", err)
		}
	}
	if got := c.sent.Load(); got != 1 {
		t.Errorf("platform was called %d times while it wants to be left alone, want once", got)
	}
	now.move(limitedFor)
	if err := s.SendText(context.Background(), "lin.yue", "你好"); err != nil {
		t.Errorf("SendText after the pause = %v, want nil", err)
	}
}

func TestBusyEndsWithContext(t *testing.T) {
	c := newCorp(t)
	c.onSend = func(w http.ResponseWriter, _ *http.Request, _ int) { answer(w, -1, "system busy") }
	s := c.sender(t, Options{})
	s.delay = time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		for c.sent.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if err := s.SendText(ctx, "lin.yue", "你好"); !errors.Is(err, context.Canceled) {
		t.Errorf("SendText = %v, want the context's end", err)
	}
}

// TestNothingLeaks plants markers and lets the platform echo all it was told, in
// every way an error can come about.
func TestNothingLeaks(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request, code int) {
		body, _ := io.ReadAll(r.Body)
		answer(w, code, fmt.Sprintf("failed at %s, body %s", r.URL, body))
	}
	type hook = func(w http.ResponseWriter, r *http.Request, n int)
	for _, tt := range []struct {
		name string
		hook hook
	}{
		{"errcode", func(w http.ResponseWriter, r *http.Request, _ int) { echo(w, r, 44004) }},
		{"credentials", func(w http.ResponseWriter, r *http.Request, _ int) { echo(w, r, 40001) }},
		{"token refused", func(w http.ResponseWriter, r *http.Request, _ int) { echo(w, r, 42001) }},
		{"untrusted", func(w http.ResponseWriter, r *http.Request, _ int) { echo(w, r, 60020) }},
		{"status", func(w http.ResponseWriter, r *http.Request, _ int) { http.Error(w, r.URL.String(), 500) }},
		{"no JSON", func(w http.ResponseWriter, r *http.Request, _ int) { io.WriteString(w, r.URL.String()) }},
		{"closed", func(http.ResponseWriter, *http.Request, int) { panic(http.ErrAbortHandler) }},
		{"not HTTP", func(w http.ResponseWriter, r *http.Request, _ int) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				fmt.Fprintf(conn, "%s\r\n\r\n", r.URL)
				conn.Close()
			}
		}},
	} {
		for _, api := range []string{apiGetToken, apiSend} {
			t.Run(tt.name+" from "+api, func(t *testing.T) {
				c := newCorp(t)
				if api == apiGetToken {
					c.onToken = tt.hook
				} else {
					c.onSend = tt.hook
				}
				var log lockedBuffer
				logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				s := c.sender(t, Options{Log: logger, Tokens: failingStore{c.token(1)}})
				err := s.SendText(context.Background(), "USERMARK-li", "TEXTMARK 海关")
				if err == nil {
					t.Fatal("SendText = nil, want an error")
				}
				if api == apiSend { // the access_token came, and could not be shared
					waitFor(t, "the store's failure is logged", func() bool { return strings.Contains(log.String(), "cannot share") })
				}
				all := strings.Join([]string{err.Error(), fmt.Sprintf("%v %+v %#v %q", err, err, err, err), log.String()}, "\n")
				for _, marker := range []string{"SECRETMARK", "TOKENMARK", "USERMARK", "usermark", "TEXTMARK", "corpsecret=", "access_token=", "海关"} {
					if strings.Contains(all, marker) {
						t.Errorf("%q stands in %s", marker, all)
					}
				}
			})
		}
	}
}

// lockedBuffer is a log that goroutines write while the test reads.
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

func TestGuardedRecovers(t *testing.T) {
	err := guarded(apiSend, func() error { panic("TEXTMARK") })
	if err == nil || strings.Contains(err.Error(), "TEXTMARK") {
		t.Errorf("guarded = %v, want an error without the panic's value", err)
	}
}
