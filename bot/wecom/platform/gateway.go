// Package platform is a stand-in for WeCom, for tests and for trying the bot without
// an account: it answers, refuses, falls silent and displaces as the real one does.
// It knows the platform's protocol and nothing of the bot.
//
// Forms and codes are those of page 101463 and of what was observed of the real
// gateway, as read in November 2026.
package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Gateway is the AI bot's long-connection gateway of one bot. The zero Gateway with
// BotID and Secret set works; its methods may be called from many goroutines.
type Gateway struct {
	BotID, Secret string
	// CloseAfter is how long a displaced connection stays open without messages.
	//
	// default: 0; the real gateway takes 2 s to 5 min
	CloseAfter time.Duration
	// Forget: Received gives nothing. For long runs.
	Forget bool
	// Chaos disturbs deliveries, and refuses frames of its own accord.
	//
	// default: none
	Chaos *Chaos
	// Now is the clock by which requests and streams grow old.
	//
	// default: time.Now
	Now func() time.Time

	mu        sync.Mutex
	listener  func(Frame)
	current   *client
	open      map[string]request     // by request id, of this connection
	known     map[string]bool        // conversations in which somebody has written to the bot
	pace      map[string][]time.Time // when messages went to a conversation
	streams   map[string]*gatewayStream
	uploading map[string]*upload
	media     map[string]string // kind by media_id
	serial    int
	due       map[string]time.Time // when the last late acknowledgement of a request comes
	received  []Frame
	faults    Faults
	logins    int
	changed   chan struct{}
}

// Faults are what goes wrong until it is set otherwise.
type Faults struct {
	// Silent: nothing is acknowledged any more, the socket stays open.
	Silent bool
	// LoseAcks is how many acknowledgements of answers are lost.
	LoseAcks int
	// LateAcks is how many acknowledgements of answers come late, by LateBy.
	LateAcks int
	LateBy   time.Duration
	// Codes are error codes for the next answers, by command.
	Codes map[string][]int
	// Pick gives the error code for each answer and push that would be taken; 0: it is.
	Pick func(command string) int
	// AckCommand: acknowledgements bear the command that they acknowledge.
	AckCommand bool
	// CloseAfterLogin: each login is acknowledged, and the connection closed.
	CloseAfterLogin bool
}

// Frame is what a bot sent.
type Frame struct {
	Command   string
	RequestID string
	Body      json.RawMessage
	// Code is the errcode it was answered with; 0: taken.
	Code int
	// Unseen: it was acknowledged, and nobody sees it.
	Unseen bool
}

type client struct {
	socket *websocket.Conn
	write  sync.Mutex
	// unsubscribed: its login has died while the socket lives; guarded by Gateway.mu.
	unsubscribed bool
}

type wire struct {
	Command string `json:"cmd,omitempty"`
	Headers struct {
		RequestID string `json:"req_id"`
	} `json:"headers"`
	Body    json.RawMessage `json:"body,omitempty"`
	ErrCode *int            `json:"errcode,omitempty"`
	ErrMsg  string          `json:"errmsg,omitempty"`
}

// Listen has f told of every frame, in the order in which they come.
func (g *Gateway) Listen(f func(Frame)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listener = f
}

// SetFaults replaces what goes wrong.
func (g *Gateway) SetFaults(f Faults) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.faults = f
}

// ServeHTTP takes one connection.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	socket, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // Accept has answered
	}
	defer socket.CloseNow()
	socket.SetReadLimit(1 << 20)
	c := &client{socket: socket}
	defer g.leave(c)
	for {
		_, data, err := socket.Read(r.Context())
		if err != nil {
			return
		}
		var f wire
		if err := json.Unmarshal(data, &f); err != nil {
			return
		}
		g.take(r.Context(), c, f)
	}
}

func (g *Gateway) now() time.Time {
	if g.Now != nil {
		return g.Now()
	}
	return time.Now()
}

// take handles one frame of a bot.
func (g *Gateway) take(ctx context.Context, c *client, f wire) {
	g.mu.Lock()
	code, unseen := g.judge(c, f)
	if codes := g.faults.Codes[f.Command]; code == codeOK && len(codes) > 0 {
		code, g.faults.Codes[f.Command] = codes[0], codes[1:]
	}
	if code == codeOK && g.faults.Pick != nil && (f.Command == "aibot_respond_msg" || f.Command == "aibot_send_msg") {
		code = g.faults.Pick(f.Command)
	}
	var s said
	_ = json.Unmarshal(f.Body, &s) // judged
	reply := f.Command == "aibot_respond_msg" || f.Command == "aibot_respond_welcome_msg"
	if code == codeOK {
		code = g.whim(f.Command, s)
	}
	if code == codeOK && (reply && g.crowded(g.open[f.Headers.RequestID].chat, s) || f.Command == "aibot_send_msg" && g.crowded(s.ChatID, s)) {
		code = apiTooOften
	}
	if code == codeNotSubscribed && g.current == c {
		g.unsubscribe(c) // nothing is delivered to it any more
	}
	answer := wire{ErrCode: &code, ErrMsg: "hint: [0] from ip: 203.0.113.7", Headers: f.Headers}
	var displaced *client
	switch {
	case code != codeOK:
	case f.Command == "aibot_subscribe":
		displaced, g.current = g.current, c
		g.logins++
		g.open = map[string]request{} // request ids are of one connection
	case reply:
		g.flows(s, unseen)
	case strings.HasPrefix(f.Command, "aibot_upload_media_"):
		var body map[string]string
		if code, body = g.uploads(f); body != nil {
			answer.Body = asJSON(body)
		}
	}
	if g.faults.AckCommand {
		answer.Command = f.Command
	}
	closing := g.faults.CloseAfterLogin && f.Command == "aibot_subscribe"
	after := g.acknowledge(f.Headers.RequestID, reply)
	taken := Frame{f.Command, f.Headers.RequestID, f.Body, code, unseen}
	if !g.Forget {
		g.received = append(g.received, taken)
	}
	g.notify()
	listener := g.listener
	g.mu.Unlock()
	if listener != nil {
		listener(taken)
	}
	if displaced != nil && displaced != c {
		go g.displace(displaced)
	}
	switch {
	case after == 0:
		c.send(ctx, answer)
	case after > 0:
		time.AfterFunc(after, func() { c.send(context.WithoutCancel(ctx), answer) })
	}
	if closing {
		_ = c.socket.Close(websocket.StatusNormalClosure, "") // the bot may have gone first
	}
}

// acknowledge gives how late a frame is acknowledged; below 0: never. Those of one request
// keep their order. g.mu is held.
func (g *Gateway) acknowledge(requestID string, reply bool) time.Duration {
	after := g.delay(reply)
	if due := time.Until(g.due[requestID]); after >= 0 && due > after {
		after = due + 10*time.Millisecond
	}
	if after > 0 {
		if g.due == nil {
			g.due = map[string]time.Time{}
		}
		g.due[requestID] = time.Now().Add(after)
	}
	return after
}

func (g *Gateway) delay(reply bool) time.Duration {
	switch {
	case g.faults.Silent:
		return -1
	case reply && g.faults.LoseAcks > 0:
		g.faults.LoseAcks--
		return -1
	case reply && g.faults.LateAcks > 0:
		g.faults.LateAcks--
		return g.faults.LateBy
	case reply && g.Chaos.happens("an acknowledgement that comes late", 0.02):
		return lateAck
	}
	return 0
}

// lateAck is longer than bots wait.
const lateAck = 6 * time.Second

// whim is what the gateway refuses of its own accord; g.mu is held.
func (g *Gateway) whim(command string, s said) int {
	if g.Chaos == nil || command != "aibot_respond_msg" && command != "aibot_send_msg" {
		return codeOK
	}
	switch {
	case g.Chaos.happens("not subscribed any more (846609)", 0.01):
		return codeNotSubscribed
	case g.Chaos.happens("the asker's client cannot show it (600039)", 0.03) && s.MsgType != "markdown":
		return codeClient
	case command == "aibot_respond_msg" && g.Chaos.happens("the time to answer is over (846604)", 0.03):
		return codeOver
	case s.Stream.ID != "" && g.Chaos.happens("the stream is over (846608)", 0.03):
		return codeStreamOver
	}
	return codeOK
}

// asJSON is the JSON of our own forms.
func asJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// perConversation is how many messages a conversation takes in a minute, answers and
// pushes together. That refreshes of a stream do not count was observed.
const perConversation = 30

// crowded tells whether a message is one too many for its conversation, and counts it
// when it is not; g.mu is held.
func (g *Gateway) crowded(chat string, s said) bool {
	if g.streams[s.Stream.ID] != nil {
		return false
	}
	if g.pace == nil {
		g.pace = map[string][]time.Time{}
	}
	recent := slices.DeleteFunc(g.pace[chat], func(t time.Time) bool { return time.Since(t) > time.Minute })
	if g.pace[chat] = recent; len(recent) >= perConversation {
		return true
	}
	g.pace[chat] = append(recent, time.Now())
	return false
}

// conversation is what a message or event belongs to: the group, or the person.
func conversation(body string) string {
	var b struct {
		ChatID string `json:"chatid"`
		From   struct {
			UserID string `json:"userid"`
		} `json:"from"`
	}
	if json.Unmarshal([]byte(body), &b) != nil || b.ChatID == "" {
		return b.From.UserID
	}
	return b.ChatID
}

func (g *Gateway) login(body json.RawMessage) int {
	var b struct {
		BotID  string `json:"bot_id"`
		Secret string `json:"secret"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.BotID != g.BotID || b.Secret != g.Secret {
		return codeRefused
	}
	return codeOK
}

// displace tells an old connection that another took its place, and closes it.
func (g *Gateway) displace(c *client) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	f := wire{Command: "aibot_event_callback", Body: json.RawMessage(fmt.Sprintf(
		`{"msgid":"e-%d","create_time":%d,"aibotid":%q,"msgtype":"event","event":{"eventtype":"disconnected_event"}}`,
		time.Now().UnixNano(), time.Now().Unix(), g.BotID))}
	f.Headers.RequestID = "displaced"
	c.send(ctx, f)
	time.Sleep(g.CloseAfter)
	_ = c.socket.Close(websocket.StatusNormalClosure, "displaced") // the bot may have gone first
}

func (c *client) send(ctx context.Context, f wire) {
	data, err := json.Marshal(f)
	if err != nil {
		panic(err) // our own forms
	}
	c.sendRaw(ctx, string(data))
}

// sendRaw sends text that need not be JSON: the platform lets control characters
// through that people paste.
func (c *client) sendRaw(ctx context.Context, data string) {
	c.write.Lock()
	defer c.write.Unlock()
	_ = c.socket.Write(ctx, websocket.MessageText, []byte(data)) // a bot that has gone misses it, as in life
}

func (g *Gateway) leave(c *client) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current == c {
		g.current = nil
		g.notify()
	}
}

// Deliver sends a message or event callback with that body to the bot. It tells
// whether a bot is connected.
func (g *Gateway) Deliver(ctx context.Context, command, requestID, body string) bool {
	g.mu.Lock()
	c := g.current
	if c != nil {
		r := newRequest(body, g.now())
		g.open[requestID] = r
		g.meet(r.chat)
	}
	g.mu.Unlock()
	if c == nil {
		return false
	}
	c.sendRaw(ctx, fmt.Sprintf(`{"cmd":%q,"headers":{"req_id":%q},"body":%s}`, command, requestID, body))
	return true
}

// Meet lets conversations be known: somebody has written to the bot there.
func (g *Gateway) Meet(chats ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.meet(chats...)
}

func (g *Gateway) meet(chats ...string) {
	if g.known == nil {
		g.known = map[string]bool{}
	}
	for _, chat := range chats {
		g.known[chat] = true
	}
}

// Unsubscribe lets the bot's login die while its socket lives: what it sends is refused
// from now on, and nothing is delivered to it.
func (g *Gateway) Unsubscribe() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.current != nil {
		g.unsubscribe(g.current)
	}
}

// unsubscribedFor is how long the real gateway keeps such a socket open.
const unsubscribedFor = time.Minute

func (g *Gateway) unsubscribe(c *client) {
	c.unsubscribed = true
	if g.current == c {
		g.current = nil
	}
	g.notify()
	time.AfterFunc(unsubscribedFor, func() { _ = c.socket.CloseNow() }) // the bot may have gone first
}

// Raw sends text that need not be a frame.
func (g *Gateway) Raw(ctx context.Context, text string) {
	g.mu.Lock()
	c := g.current
	g.mu.Unlock()
	if c != nil {
		c.sendRaw(ctx, text)
	}
}

// Kick displaces the bot as a second login does.
func (g *Gateway) Kick() {
	g.mu.Lock()
	c := g.current
	g.current = nil
	g.mu.Unlock()
	if c != nil {
		g.displace(c)
	}
}

// Cut ends the connection without a word.
func (g *Gateway) Cut() {
	g.mu.Lock()
	c := g.current
	g.mu.Unlock()
	if c != nil {
		_ = c.socket.CloseNow()
	}
}

// Connected tells whether a bot is logged in, and Logins how often one was.
func (g *Gateway) Connected() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.current != nil
}

// Logins tells how often a bot logged in.
func (g *Gateway) Logins() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.logins
}

// Received are all frames of one command, in order.
func (g *Gateway) Received(command string) []Frame {
	g.mu.Lock()
	defer g.mu.Unlock()
	var got []Frame
	for _, f := range g.received {
		if f.Command == command {
			got = append(got, f)
		}
	}
	return got
}

// Wait returns when reached gives true, or ctx ends.
func (g *Gateway) Wait(ctx context.Context, reached func() bool) error {
	for {
		g.mu.Lock()
		if g.changed == nil {
			g.changed = make(chan struct{})
		}
		changed := g.changed
		g.mu.Unlock()
		if reached() {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond): // what reached looks at may be the bot's
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// notify wakes who waits; g.mu is held.
func (g *Gateway) notify() {
	if g.changed != nil {
		close(g.changed)
		g.changed = nil
	}
}
