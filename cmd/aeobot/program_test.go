package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
)

// required says that a missing tool fails the tests instead of skipping them.
var required = os.Getenv("AEOBOT_TEST_REQUIRE") == "1"

// builtIn is the folder of the programs under test.
var builtIn string

// hurriedProgram is the program as users have it, built once for the tests that are about its
// limits of time; unhurriedProgram waits instead, for all others.
var hurriedProgram, unhurriedProgram = sync.OnceValues(func() (string, error) { return build("aeobot") }),
	sync.OnceValues(func() (string, error) { return build("unhurried", "-ldflags", "-X main.unhurried=yes") })

func build(name string, flags ...string) (string, error) {
	file := filepath.Join(builtIn, name)
	build := append([]string{"build", "-o", file}, flags...)
	if os.Getenv("AEOBOT_TEST_RACE") != "" { // as .ci/run sets it; a race ends the program
		build = append(build, "-race")
	}
	out, err := child.CombinedOutput(exec.Command("go", append(build, ".")...))
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return file, nil
}

func TestMain(m *testing.M) {
	var err error
	if builtIn, err = os.MkdirTemp("", "aeobot-test-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	status := m.Run()
	os.RemoveAll(builtIn)
	os.Exit(status)
}

// program is the one that has time.
func program(t testing.TB) string {
	t.Helper()
	return built(t, unhurriedProgram)
}

// asShipped is the program with the limits that it has in use.
func asShipped(t testing.TB) string {
	t.Helper()
	return built(t, hurriedProgram)
}

func built(t testing.TB, program func() (string, error)) string {
	t.Helper()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// outcome is how a command ended.
type outcome struct {
	stdout, stderr string
	status         int
}

// execute runs one command in an empty folder with nothing of ours in the environment.
func execute(t testing.TB, dir, stdin string, env []string, args ...string) outcome {
	t.Helper()
	file := program(t)
	cmd := exec.CommandContext(t.Context(), file, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(cleanEnv(), env...), strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := child.Run(cmd)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("aeobot %q: %v", args, err)
	}
	return outcome{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func cleanEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AEOBOT_") {
			env = append(env, v)
		}
	}
	return env
}

// The settings of the tests' two products. Keys are invented.
const (
	testToken    = "tokenB2026"
	testKey      = "oOYVIYqLimZBtYmFuzUmq5zgrdObL4mY0mCUCb9CKZL"
	testAppToken = "hP9vQmZr3"
	testAppKey   = "te14ZlK3MlqiugXJ8TbCdITZiLkq0BrtVC6jySSamXJ"
	testCorp     = "ww7c1e2f9a0b3d4e58"
)

func serveEnv() []string {
	return []string{
		"AEOBOT_WECOM_AIBOT_NAME=小助手", "AEOBOT_WECOM_AIBOT_TOKEN=" + testToken, "AEOBOT_WECOM_AIBOT_ENCODING_AES_KEY=" + testKey,
		"AEOBOT_WECOM_APP_CORP_ID=" + testCorp, "AEOBOT_WECOM_APP_AGENT_ID=1000017",
		"AEOBOT_WECOM_APP_TOKEN=" + testAppToken, "AEOBOT_WECOM_APP_ENCODING_AES_KEY=" + testAppKey,
		"AEOBOT_LIMITS_PERSON=0", "AEOBOT_LIMITS_CHAT=0", // tests ask faster than people
		"AEOBOT_SHUTDOWN_DELAY=0", // nothing stands before them
	}
}

// running is a serve process.
type running struct {
	t      testing.TB
	cmd    *exec.Cmd
	base   string
	stdout *lockedBuffer // of startServe
	stderr *lockedBuffer
}

// lockedBuffer is written by the process's pipe and read by the test.
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

// startServe runs serve on a free port and waits until it is ready.
func startServe(t testing.TB, dir string, env ...string) *running {
	t.Helper()
	return startServeAt(t, freeAddress(t), dir, env...)
}

func startServeAt(t testing.TB, address, dir string, env ...string) *running {
	t.Helper()
	return startProgram(t, program(t), address, dir, env...)
}

// startShipped runs serve with the limits of time that it has in use.
func startShipped(t testing.TB, dir string, env ...string) *running {
	t.Helper()
	return startProgram(t, asShipped(t), freeAddress(t), dir, env...)
}

func startProgram(t testing.TB, file, address, dir string, env ...string) *running {
	t.Helper()
	cmd := exec.Command(file, "serve")
	cmd.Dir, cmd.Env = dir, append(append(cleanEnv(), serveEnv()...), append([]string{"AEOBOT_LISTEN=" + address}, env...)...)
	r := &running{t: t, cmd: cmd, base: "http://" + address, stdout: &lockedBuffer{}, stderr: &lockedBuffer{}}
	cmd.Stdout, cmd.Stderr = r.stdout, r.stderr
	child.StartFor(t, cmd)
	r.await("ready", func() bool { status, _ := r.get("/readyz"); return status == http.StatusOK })
	return r
}

func freeAddress(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", storetest.FreePort(t))
}

// await polls for a state with a generous ceiling.
func (r *running) await(what string, reached func() bool) {
	r.t.Helper()
	for end := time.Now().Add(storetest.Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if reached() {
			return
		}
	}
	r.t.Fatalf("never %s; the program said:\n%s", what, r.stderr)
}

func (r *running) get(path string) (status int, body string) {
	answer, err := http.Get(r.base + path)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(data)
}

// localLink is how the console's address looks on standard output while no login is set.
var localLink = regexp.MustCompile(`http://[^\s/]*/console/\?token=[A-Z2-7]+`)

// enter is a browser that has opened the link to the console.
func (r *running) enter() *http.Client {
	r.t.Helper()
	link := localLink.FindString(r.stdout.String())
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	answer, err := c.Get(link)
	if err != nil {
		r.t.Fatalf("the link %q: %v; serve said:\n%s", link, err, r.stdout)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Request.URL.RawQuery != "" {
		r.t.Fatalf("the link leads to %s: %d", answer.Request.URL, answer.StatusCode)
	}
	return c
}

// stop ends the process as an operator does and demands a clean end.
func (r *running) stop() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	if err := r.cmd.Wait(); err != nil {
		r.t.Errorf("serve ended with %v:\n%s", err, r.stderr)
	}
}

// client drives the platform's own crypto package.
type client struct {
	t    testing.TB
	in   io.Writer
	out  *json.Decoder
	sent int
}

// needClients skips, or fails, a test when node or the packages it drives are missing.
func needClients(t testing.TB) {
	t.Helper()
	_, missing := exec.LookPath("node")
	for _, name := range []string{"@wecom/crypto", "@wecom/aibot-node-sdk", "playwright-core"} {
		_, err := os.Stat(filepath.Join("testdata", "wecom-client", "node_modules", name))
		missing = errors.Join(missing, err)
	}
	if missing == nil {
		return
	}
	if required {
		t.Fatal("node or its packages are missing; run `make test`, which installs them")
	}
	t.Skip("node or its packages are missing; `make test` installs them")
}

// startNode runs a script of the clients until the test ends.
func startNode(t testing.TB, script string, args ...string) (io.Writer, io.Reader) {
	t.Helper()
	needClients(t)
	cmd := exec.Command("node", append([]string{script}, args...)...)
	cmd.Dir, cmd.Stderr = filepath.Join("testdata", "wecom-client"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child.StartFor(t, cmd)
	t.Cleanup(func() { in.Close() }) // it ends with its input
	return in, out
}

func newClient(t testing.TB) *client {
	t.Helper()
	in, out := startNode(t, "client.mjs")
	return &client{t: t, in: in, out: json.NewDecoder(out)}
}

// request is one line for client.mjs.
type request struct {
	Op        string `json:"op"`
	Product   string `json:"product"`
	URL       string `json:"url"`
	Token     string `json:"token"`
	Key       string `json:"key"`
	ReceiveID string `json:"receiveid"`
	Timestamp string `json:"timestamp"`
	Nonce     string `json:"nonce"`
	Message   string `json:"message"`
	Signature string `json:"signature,omitempty"`
}

type result struct {
	Status        int    `json:"status"`
	Body          string `json:"body"`
	Message       string `json:"message"`
	ReceiveID     string `json:"receiveid"`
	Nonce         string `json:"nonce"`
	TimestampType string `json:"timestamp_type"`
	SignatureOK   bool   `json:"signature_ok"`
	Error         string `json:"error"`
}

func (c *client) do(r request) result {
	c.t.Helper()
	if err := json.NewEncoder(c.in).Encode(r); err != nil {
		c.t.Fatal(err)
	}
	var got result
	if err := c.out.Decode(&got); err != nil {
		c.t.Fatal(err)
	}
	if got.Error != "" {
		c.t.Fatalf("client: %s", got.Error)
	}
	return got
}

func (c *client) request(op, product, base, message string) request {
	c.sent++
	r := request{Op: op, Product: product, URL: base + "/wecom/" + product, Token: testToken, Key: testKey, Message: message,
		Timestamp: fmt.Sprint(time.Now().Unix()), Nonce: fmt.Sprintf("nonce%d", c.sent)}
	if product == "app" {
		r.Token, r.Key, r.ReceiveID = testAppToken, testAppKey, testCorp
	}
	return r
}

// ask sends a text to the AI bot and gives what the asker reads. chat is empty
// one-to-one.
func (c *client) ask(base, id, chat, user, text string) string {
	c.t.Helper()
	return c.reads(base, aibotText(id, chat, user, text))
}

// reads sends a message to the AI bot and polls for its answer as the platform does.
func (c *client) reads(base, message string) string {
	c.t.Helper()
	for end := time.Now().Add(storetest.Patience); ; time.Sleep(100 * time.Millisecond) {
		s := stream(c.t, c.do(c.request("send", "aibot", base, message)))
		if s.Finish || time.Now().After(end) {
			return s.Content
		}
		message = pollFor(s.ID)
	}
}

// pollFor is what the platform asks while a reply is not finished.
func pollFor(stream string) string {
	return fmt.Sprintf(`{"msgid":"poll-%s","aibotid":"aib1","chattype":"single","from":{"userid":"u"},"msgtype":"stream","stream":{"id":%q}}`, stream, stream)
}

func aibotText(id, chat, user, text string) string {
	m := map[string]any{"msgid": id, "aibotid": "aib1", "chattype": "single", "from": map[string]string{"userid": user},
		"response_url": "https://example.invalid/r", "msgtype": "text", "text": map[string]string{"content": text}}
	if chat != "" {
		m["chatid"], m["chattype"] = chat, "group"
		m["text"] = map[string]string{"content": "@小助手 " + text}
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// stream opens an AI bot's reply.
func stream(t testing.TB, got result) chaosStream {
	t.Helper()
	var reply struct {
		MsgType string      `json:"msgtype"`
		Stream  chaosStream `json:"stream"`
	}
	if err := json.Unmarshal([]byte(got.Message), &reply); err != nil {
		t.Fatalf("reply %+v: %v", got, err)
	}
	if got.Status != http.StatusOK || !got.SignatureOK || got.ReceiveID != "" || got.TimestampType != "number" ||
		!strings.HasPrefix(reply.MsgType, "stream") || reply.Stream.ID == "" {
		t.Errorf("reply is no signed stream: %+v", got)
	}
	return reply.Stream
}
