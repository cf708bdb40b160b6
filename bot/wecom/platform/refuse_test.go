package platform

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// dialled is a bot of the gateway, as far as tests need one.
type dialled struct {
	t      *testing.T
	socket *websocket.Conn
	n      int
}

func dialGateway(t *testing.T, g *Gateway) *dialled {
	t.Helper()
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	socket, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.CloseNow() }) // it may be closed
	return &dialled{t: t, socket: socket}
}

// send sends a frame and gives the code of its answer.
func (d *dialled) send(command, requestID, body string) int {
	d.t.Helper()
	if requestID == "" {
		d.n++
		requestID = fmt.Sprint("ours-", d.n)
	}
	if err := d.socket.Write(d.t.Context(), websocket.MessageText, []byte(fmt.Sprintf(`{"cmd":%q,"headers":{"req_id":%q},"body":%s}`, command, requestID, body))); err != nil {
		d.t.Fatal(err)
	}
	for {
		_, data, err := d.socket.Read(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		var f wire
		if err := json.Unmarshal(data, &f); err != nil {
			d.t.Fatal(err)
		}
		if f.ErrCode != nil {
			return *f.ErrCode
		}
	}
}

// TestGatewayGrowsOld: streams and requests end by the clock.
func TestGatewayGrowsOld(t *testing.T) {
	now := time.Unix(1_760_000_000, 0)
	g := &Gateway{BotID: "b", Secret: "s", Now: func() time.Time { return now }}
	d := dialGateway(t, g)
	stream := func(id, text string, finish bool) string {
		return fmt.Sprintf(`{"msgtype":"stream","stream":{"id":%q,"finish":%v,"content":%q}}`, id, finish, text)
	}
	say := func(what string, want int, body string) {
		t.Helper()
		if got := d.send("aibot_respond_msg", "cb-1", body); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	if got := d.send("aibot_send_msg", "", `{"chatid":"u","msgtype":"markdown","markdown":{"content":"x"}}`); got != codeNotSubscribed {
		t.Errorf("before the login: %d", got)
	}
	if got := d.send("aibot_subscribe", "", `{"bot_id":"b","secret":"s"}`); got != codeOK {
		t.Fatalf("login: %d", got)
	}
	g.Deliver(t.Context(), "aibot_msg_callback", "cb-1", `{"msgid":"m","from":{"userid":"u"},"msgtype":"text","text":{"content":"x"}}`)
	say("a first frame", codeOK, stream("a", "正在查", false))
	now = now.Add(5 * time.Minute)
	say("in time", codeOK, stream("a", "还在查", false))
	now = now.Add(4 * time.Minute)
	say("in time", codeOK, stream("a", "还在查", false))
	now = now.Add(90 * time.Second)
	say("refreshed, but too old", codeStreamOver, stream("a", "答", true))
	say("another", codeOK, stream("b", "正在查", false))
	now = now.Add(6*time.Minute + time.Second)
	say("silent for long", codeOK, stream("b", "答", true))
	frames := g.Received("aibot_respond_msg")
	if last := frames[len(frames)-1]; !last.Unseen {
		t.Error("what comes after six silent minutes is shown")
	}
	say("a third", codeOK, stream("c", "答", true))
	say("the same again", codeOK, stream("c", "答", true))
	say("other words", codeStreamOver, stream("c", "别的", true))
	now = now.Add(24 * time.Hour)
	say("a day later", codeOver, stream("d", "答", true))
	g.Unsubscribe()
	say("not subscribed", codeNotSubscribed, stream("e", "答", true))
	if got := d.send("ping", "", `{}`); got != codeNotSubscribed {
		t.Errorf("ping: %d", got)
	}
}
