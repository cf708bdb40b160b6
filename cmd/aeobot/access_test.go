package main

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
)

// accountLines makes lines for an accounts file.
func accountLines(t testing.TB, people ...string) []string {
	t.Helper()
	_, lines, _ := strings.Cut(consoleAccounts(t, people...), "=")
	return strings.Split(lines, ",")
}

// put writes a file as operators do: beside it, then in its place.
func put(t testing.TB, file string, lines ...string) {
	t.Helper()
	if err := os.WriteFile(file+".new", []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

// visit is a browser that is not logged in.
func visit(t testing.TB, r *running) *consoleVisitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &consoleVisitor{t: t, base: r.base, http: &http.Client{Jar: jar}}
}

// logIn reports whether somebody gets in.
func (c *consoleVisitor) logIn(name string) bool {
	c.t.Helper()
	status, _ := c.post("/console/login", url.Values{"name": {name}, "password": {consolePassword}})
	return status == http.StatusOK && c.in()
}

// in reports whether the browser is logged in, as the server sees it now.
func (c *consoleVisitor) in() bool {
	c.t.Helper()
	status, page := c.get("/console/questions")
	return status == http.StatusOK && strings.Contains(page, `name="csrf"`) && !strings.Contains(page, `name="password"`)
}

// TestRemovedAccountIsOutAtAllReplicas: an account that an operator takes out of the file, or
// whose role or password is another there, is out at all replicas that read the file, without
// a restart; others go on, and who is not known any more does not get in again.
func TestRemovedAccountIsOutAtAllReplicas(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	file := filepath.Join(t.TempDir(), "accounts")
	lines := accountLines(t, "lin.yue:coordinator", "wang.qiang:coordinator", "zhao.min:coordinator", "boss:admin")
	put(t, file, lines...)
	env := []string{"AEOBOT_REDIS_URL=" + plainURL(redis), "AEOBOT_CONSOLE_ACCOUNTS_FILE=" + file}
	a, b := startServe(t, t.TempDir(), env...), startServe(t, t.TempDir(), env...)
	browsers := map[string]*consoleVisitor{}
	for _, name := range []string{"lin.yue", "wang.qiang", "zhao.min", "boss"} {
		browsers[name] = visit(t, b)
		if !browsers[name].logIn(name) {
			t.Fatalf("%s does not get in", name)
		}
	}
	demoted := strings.Replace(lines[1], ":coordinator:", ":reader:", 1)
	put(t, file, demoted, accountLines(t, "zhao.min:coordinator")[0], lines[3])
	for _, name := range []string{"lin.yue", "wang.qiang", "zhao.min"} {
		for _, r := range []*running{b, a} {
			browsers[name].base = r.base
			r.await(name+" is out", func() bool { return !browsers[name].in() })
		}
	}
	for _, r := range []*running{a, b} {
		if browsers["boss"].base = r.base; !browsers["boss"].in() {
			t.Error("the account that stayed is out")
		}
		r.await("lin.yue cannot log in", func() bool { return !visit(t, r).logIn("lin.yue") })
		if !visit(t, r).logIn("wang.qiang") {
			t.Error("wang.qiang cannot log in as a reader")
		}
	}
	put(t, file)
	for _, r := range []*running{a, b} {
		browsers["boss"].base = r.base
		r.await("the last is out", func() bool { return !browsers["boss"].in() })
		if visit(t, r).in() {
			t.Error("without an account the console is open to this machine")
		}
	}
}

// TestReplicaWithOldSettings: accounts in the environment change with a restart. A replica
// that has not been restarted yet may know somebody still; they are out there, too.
func TestReplicaWithOldSettings(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	lines := accountLines(t, "lin.yue:coordinator", "boss:admin")
	env := func(lines ...string) []string {
		return []string{"AEOBOT_REDIS_URL=" + plainURL(redis), "AEOBOT_CONSOLE_ACCOUNTS=" + strings.Join(lines, ",")}
	}
	old := startServe(t, t.TempDir(), env(lines...)...)
	lin, boss := visit(t, old), visit(t, old)
	if !lin.logIn("lin.yue") || !boss.logIn("boss") {
		t.Fatal("nobody gets in")
	}
	startServe(t, t.TempDir(), env(lines[1])...)
	old.await("lin.yue is out", func() bool { return !lin.in() })
	if !boss.in() {
		t.Error("boss is out")
	}
	again := visit(t, old)
	again.logIn("lin.yue") // the old settings let them in
	old.await("lin.yue is out again", func() bool { return !again.in() })
}

// TestUnreadableAccounts: while the accounts cannot be read the console says so, lets nobody
// in and ends no session.
func TestUnreadableAccounts(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "accounts")
	lines := accountLines(t, "lin.yue:coordinator")
	put(t, file, lines...)
	r := startServe(t, t.TempDir(), "AEOBOT_CONSOLE_ACCOUNTS_FILE="+file)
	c := visit(t, r)
	if !c.logIn("lin.yue") {
		t.Fatal("lin.yue does not get in")
	}
	for name, spoil := range map[string]func(){
		"no account": func() { put(t, file, lines[0], "wang.qiang:coordinator") },
		"no file": func() {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		},
	} {
		spoil()
		r.await(name+": nobody gets in", func() bool { status, _ := c.get("/console/"); return status == http.StatusServiceUnavailable })
		if _, page := c.get("/console/"); !strings.Contains(page, "登录的设置现在读不了") {
			t.Errorf("%s: %s", name, page)
		}
		if _, ready := r.get("/readyz"); !strings.Contains(ready, "degraded") || !strings.Contains(ready, "console.accounts") || strings.Contains(ready, "pbkdf2") {
			t.Errorf("%s: %s", name, ready)
		}
		put(t, file, lines...)
		r.await(name+": mended", c.in)
	}
	if _, ready := r.get("/readyz"); strings.Contains(ready, "degraded") {
		t.Errorf("mended: %s", ready)
	}
}

// TestMethodsOfOtherPaths: beside the console, with channels and without.
func TestMethodsOfOtherPaths(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{"channels": nil, "no channel": noChannel} {
		r := startServe(t, t.TempDir(), append([]string{"AEOBOT_CONSOLE_PASSWORD=" + consolePassword}, env...)...)
		for path, allow := range map[string]string{"/healthz": "GET, HEAD", "/readyz": "GET, HEAD", "/metrics": "GET, HEAD", "/console/login": "GET, HEAD, POST",
			"/console/audit": "GET, HEAD", "/wecom/aibot": "GET, POST"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, r.base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != allow {
				t.Errorf("%s: DELETE %s: %d, Allow %q, want %q", name, path, answer.StatusCode, answer.Header.Get("Allow"), allow)
			}
		}
	}
}

// TestPublishRefusesAddresses that nobody is to follow, and names line and fix.
func TestPublishRefusesAddresses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "假期.txt"), "假期办法", "2026-11-01", "", "年假", "1、五天", "")
	put(t, filepath.Join(dir, "假期.notes.yaml"), "references:", "  a:", "    title: 甲", "    url: javascript:alert(1)", "")
	got := execute(t, dir, "", []string{"AEOBOT_CURATION_PEOPLE=1"}, "knowledge", "publish", "--author", "林悦", "--reason", "新办法", "假期.txt", "假期.notes.yaml")
	if got.status == 0 || !strings.Contains(got.stdout, "没有发布") || !strings.Contains(got.stdout, "假期.notes.yaml:4") || !strings.Contains(got.stdout, "改法") {
		t.Errorf("%d %s%s", got.status, got.stdout, got.stderr)
	}
}

// TestHandOverNamesTheCoordinatorsOfNow: who asks for a person is named those whom the settings
// name now, and nobody while the settings cannot be read.
func TestHandOverNamesTheCoordinatorsOfNow(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "aeobot.yaml")
	settings := func(who string) { put(t, file, "curation:", "  coordinators: ["+who+"]", "") }
	settings("lin.yue")
	address := freeAddress(t)
	cmd := exec.Command(program(t), "--config", file, "serve")
	cmd.Dir, cmd.Env = t.TempDir(), append(append(cleanEnv(), serveEnv()...), "AEOBOT_LISTEN="+address)
	r := &running{t: t, cmd: cmd, base: "http://" + address, stderr: &lockedBuffer{}}
	cmd.Stderr = r.stderr
	child.StartFor(t, cmd)
	r.await("ready", func() bool { status, _ := r.get("/readyz"); return status == http.StatusOK })
	names := func(what string, want, gone string) {
		t.Helper()
		s := newSpeaker(t, r.base)
		r.await(what, func() bool {
			got := s.delivers(fmt.Sprint(what, time.Now().UnixNano()), "", fmt.Sprint("zhao", time.Now().UnixNano()), "转人工")
			return strings.Contains(got, want) && !strings.Contains(got, gone)
		})
	}
	names("at first", "lin.yue", "wang.qiang")
	settings("wang.qiang")
	names("changed", "wang.qiang", "lin.yue")
	put(t, file, "curation: [")
	names("cannot be read", "我是自动问答", "wang.qiang")
	r.await("the log says so", func() bool { return strings.Contains(r.stderr.String(), "is named no coordinator") })
	settings("wang.qiang")
	names("mended", "wang.qiang", "lin.yue")
}
