package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"aeobot/bot/storetest"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/platform"
)

// The SDK has one API address for the whole process, so all tests share one
// stand-in; each test has a corp of its own there.
var (
	standIn = &platform.API{}
	baseURL string
)

func TestMain(m *testing.M) {
	server := httptest.NewServer(standIn)
	baseURL = server.URL
	code := m.Run()
	server.CloseClientConnections()
	os.Exit(code)
}

// corp is one test's company. The hooks answer the n-th request, from 1, instead of the
// stand-in.
type corp struct {
	*platform.Corp
	onToken func(w http.ResponseWriter, r *http.Request, n int)
	onSend  func(w http.ResponseWriter, r *http.Request, n int)
	release chan struct{} // closed when the test ends: hung requests go on

	asked, sent atomic.Int32
}

var corpCount atomic.Int32

func newCorp(t *testing.T) *corp {
	t.Helper()
	c := &corp{Corp: standIn.Corp(fmt.Sprintf("wwcorp%d", corpCount.Add(1)), "SECRETMARK-q8Zr5v2c"), release: make(chan struct{})}
	c.SetFaults(platform.APIFaults{Break: c.hook})
	t.Cleanup(func() { close(c.release) })
	return c
}

func (c *corp) hook(w http.ResponseWriter, r *http.Request, name string) bool {
	do, count := c.onSend, &c.sent
	if name == "gettoken" {
		do, count = c.onToken, &c.asked
	}
	n := int(count.Add(1))
	if do == nil {
		return false
	}
	do(w, r, n)
	return true
}

func (c *corp) sender(t *testing.T) *Sender {
	t.Helper()
	client, err := api.New(api.Options{BaseURL: baseURL, CorpID: c.ID, AgentID: testAgent, Secret: c.Secret})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSender(client, testAgent)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hang answers nothing until the client leaves or the test ends.
func (c *corp) hang(_ http.ResponseWriter, r *http.Request, _ int) {
	select {
	case <-r.Context().Done():
	case <-c.release:
	}
}

// texts are the contents that reached people, in order.
func (c *corp) texts() []string {
	var texts []string
	for _, s := range c.Sent() {
		texts = append(texts, s.Text)
	}
	return texts
}

// tried are the contents of all calls of message/send, in order.
func (c *corp) tried() []string {
	var texts []string
	for _, call := range c.Calls("message/send") {
		var m outgoing
		if json.Unmarshal(call.Body, &m) == nil && m.Text != nil {
			texts = append(texts, m.Text.Content)
		}
	}
	return texts
}

func answer(w http.ResponseWriter, code int, message string) {
	fmt.Fprintf(w, `{"errcode":%d,"errmsg":%q,"msgid":"m-1"}`, code, message)
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

// waitFor waits for a state.
func waitFor(t *testing.T, what string, reached func() bool) {
	t.Helper()
	storetest.Eventually(t, what, reached)
}
