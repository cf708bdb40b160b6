package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
)

// longDelay is a shutdown_delay that no test waits for.
const longDelay = "AEOBOT_SHUTDOWN_DELAY=1h"

// signal sends one to the process.
func (r *running) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// ended waits until a process has ended, and ends one that does not.
func ended(t *testing.T, cmd *exec.Cmd) error {
	t.Helper()
	end := time.AfterFunc(storetest.Patience, func() { _ = cmd.Process.Kill() })
	err := cmd.Wait()
	if !end.Stop() {
		t.Errorf("%q did not end by itself", cmd.Args)
	}
	return err
}

// ask is answered over a connection of its own: one that was idle may be closed under it.
func (r *running) ask(path string, trace *httptrace.ClientTrace) (status int, body string, err error) {
	ctx := r.t.Context()
	if trace != nil {
		ctx = httptrace.WithClientTrace(ctx, trace)
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.base+path, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(q)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	return answer.StatusCode, strings.TrimSpace(string(data)), err
}

// news is where an open page waits.
const news = "/chat/messages?after=0"

// TestStopWithAPageOpen: Ctrl-C and SIGTERM answer the pages that wait for news and end well.
func TestStopWithAPageOpen(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		r := startServe(t, t.TempDir(), noChannel...)
		sent, answered := make(chan struct{}), make(chan string)
		go func() {
			status, body, err := r.ask(news, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { close(sent) }})
			answered <- fmt.Sprint(status, " ", body, " ", err)
		}()
		<-sent
		if _, _, err := r.ask("/healthz", nil); err != nil { // connections are accepted in order
			t.Fatal(err)
		}
		r.signal(s)
		if err := ended(t, r.cmd); err != nil {
			t.Errorf("%v: serve ended with %v:\n%s", s, err, r.stderr)
		}
		if got := <-answered; got != "200 [] <nil>" {
			t.Errorf("%v: the page got %s", s, got)
		}
	}
}

// TestIdlePageStaysConnected: a page that waits for news while there are none is answered,
// though that takes longer than the server's time for an answer.
func TestIdlePageStaysConnected(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), noChannel...)
	if status, body, err := r.ask(news, nil); status != http.StatusOK || body != "[]" || err != nil {
		t.Errorf("%d %q, %v", status, body, err)
	}
	r.stop()
}

// TestSecondCtrlC ends the program at once, whatever it is waiting for.
func TestSecondCtrlC(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), longDelay)
	r.signal(syscall.SIGTERM)
	r.await("stopping", func() bool { status, _ := r.get("/readyz"); return status == http.StatusServiceUnavailable })
	r.signal(syscall.SIGTERM) // said again, it changes nothing
	r.signal(syscall.SIGINT)
	err := ended(t, r.cmd)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
		t.Errorf("ended with %v:\n%s", err, r.stderr)
	}
}

// TestToldToStopItStillAnswers: after SIGTERM /readyz says so, and five hundred connections,
// from before and after it, are answered; none is kept for more.
func TestToldToStopItStillAnswers(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), longDelay)
	address := strings.TrimPrefix(r.base, "http://")
	dial := func() net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatalf("connecting: %v\n%s", err, r.stderr)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	ask := func(c net.Conn, path string) *http.Response {
		q, err := http.NewRequest(http.MethodGet, r.base+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Write(c); err != nil {
			t.Fatalf("asking: %v\n%s", err, r.stderr)
		}
		answer, err := http.ReadResponse(bufio.NewReader(c), q)
		if err != nil {
			t.Fatalf("no answer: %v\n%s", err, r.stderr)
		}
		return answer
	}
	for i := range 500 {
		c := dial()
		if i == 250 {
			r.signal(syscall.SIGTERM)
			r.await("stopping", func() bool {
				_, body := r.get("/readyz")
				return strings.Contains(body, `"not_ready"`) && strings.Contains(body, "stopping")
			})
		}
		path, want := "/healthz", http.StatusOK
		if i%2 == 1 { // the platform's URL check, unsigned
			path, want = "/wecom/aibot", http.StatusBadRequest
		}
		if got := ask(c, path); got.StatusCode != want || got.Close != (i >= 250) {
			t.Fatalf("connection %d: %d, closed %v\n%s", i, got.StatusCode, got.Close, r.stderr)
		}
	}
}

// TestStopAfterTheDelay ends well by itself.
func TestStopAfterTheDelay(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), "AEOBOT_SHUTDOWN_DELAY=50ms")
	r.stop()
	if log := r.stderr.String(); !strings.Contains(log, "still answering") || !strings.Contains(log, "finishing the replies") {
		t.Errorf("the log:\n%s", log)
	}
}

// TestCtrlCWhileReading: commands that wait for input end, with the status shells know.
func TestCtrlCWhileReading(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args           []string
		writes, awaits string
	}{
		{[]string{"chat"}, "能免除担保吗\n", "免除担保"},
		{[]string{"chat", "--json"}, `{"text":"能免除担保吗"}` + "\n", "免除担保"},
		{[]string{"console", "account", "lin.yue", "--role", "reader"}, "half a passw", ""},
	} {
		cmd := exec.Command(program(t), tt.args...)
		cmd.Env, cmd.Stderr = append(cleanEnv(), "TMPDIR="+t.TempDir()), os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		child.StartFor(t, cmd)
		if _, err := io.WriteString(in, tt.writes); err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(out); tt.awaits != "" && lines.Scan() && !strings.Contains(lines.Text(), tt.awaits); {
		}
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		_ = ended(t, cmd) // the status is looked at
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		early := tt.awaits == "" && status.Signal() == syscall.SIGINT // it had not begun
		if status.ExitStatus() != 130 && !early {
			t.Errorf("%q ended with %v", tt.args, cmd.ProcessState)
		}
		left, err := os.ReadDir(strings.TrimPrefix(cmd.Env[len(cmd.Env)-1], "TMPDIR="))
		if err != nil || len(left) > 0 {
			t.Errorf("%q left %v, %v", tt.args, left, err)
		}
	}
}

// TestLeavingWords end a conversation; what only looks like one is answered.
func TestLeavingWords(t *testing.T) {
	for _, word := range []string{"exit", "QUIT", " 退出。", "退出", "/quit"} {
		got := execute(t, t.TempDir(), word+"\n能免除担保吗\n", nil, "chat")
		if got.status != 0 || strings.Contains(got.stdout, "免除担保") {
			t.Errorf("%q: %d %s", word, got.status, got.stdout)
		}
	}
	for _, line := range []string{"怎么退出认证", "再见"} {
		got := execute(t, t.TempDir(), line+"\n能免除担保吗\n", nil, "chat")
		if got.status != 0 || !strings.Contains(got.stdout, "免除担保") {
			t.Errorf("%q: %d %s", line, got.status, got.stdout)
		}
	}
}
