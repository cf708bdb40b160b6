package aibot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/storetest"
	"aeobot/bot/wecom/platform"
)

// short are waits that let a test see minutes in a blink. What would be taken for a fault
// when the machine is slow is long: a test of that fault makes it short itself.
var short = Times{Heartbeat: 50 * time.Millisecond, Ack: time.Minute, RetryMin: 10 * time.Millisecond, Again: time.Millisecond, RetryMax: 50 * time.Millisecond,
	Displaced: 300 * time.Millisecond, Refused: 300 * time.Millisecond, Lease: 3 * time.Second, Drain: time.Minute, RateLimited: 20 * time.Millisecond}

// impatient takes what is not acknowledged soon for lost.
func impatient(o *ConnectionOptions) { o.Times.Ack = 150 * time.Millisecond }

// unrivalled is a replica without others, that may lose its lease to nobody.
func unrivalled(o *ConnectionOptions) { o.Times.Lease = 300 * time.Millisecond }

// leases are a store's, in memory.
type leases struct {
	mu     sync.Mutex
	holder map[string]string
	until  map[string]time.Time
	away   bool
}

func newLeases() *leases {
	return &leases{holder: map[string]string{}, until: map[string]time.Time{}}
}

func (l *leases) Lease(_ context.Context, name, holder string, life time.Duration) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		return false, errors.New("store: away")
	}
	if l.holder[name] != "" && l.holder[name] != holder && time.Now().Before(l.until[name]) {
		return false, nil
	}
	l.holder[name], l.until[name] = holder, time.Now().Add(life)
	return true, nil
}

func (l *leases) Release(_ context.Context, name, holder string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.holder[name] == holder {
		delete(l.holder, name)
	}
	return nil
}

func (l *leases) setAway(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

// take makes somebody else the holder, as when a frozen replica's lease ran out.
func (l *leases) take(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holder[name], l.until[name] = "somebody else", time.Now().Add(time.Hour)
}

// slow answers after a while, in parallel for different people.
type sluggish struct {
	mute
	takes time.Duration
	mu    sync.Mutex
	asked []string
}

func (s *sluggish) Answer(_ context.Context, m bot.Message) (bot.Reply, error) {
	s.mu.Lock()
	s.asked = append(s.asked, m.Text)
	s.mu.Unlock()
	time.Sleep(s.takes)
	return bot.Reply{Text: "答：" + m.Text}, nil
}

func (*sluggish) Welcome(context.Context) string { return "欢迎" }

type gatewayBench struct {
	t       *testing.T
	gateway *platform.Gateway
	url     string
	leases  *leases
	log     bytes.Buffer
	mu      sync.Mutex
	counts  map[string]int
}

func newGatewayBench(t *testing.T) *gatewayBench {
	b := &gatewayBench{t: t, gateway: &platform.Gateway{BotID: "aibKz3", Secret: "secret-marker"}, leases: newLeases(), counts: map[string]int{}}
	server := httptest.NewServer(b.gateway)
	t.Cleanup(server.Close)
	b.url = "ws" + strings.TrimPrefix(server.URL, "http")
	return b
}

// run starts a replica; the function stops it and waits for its end.
func (b *gatewayBench) run(a Answerer, edit ...func(*ConnectionOptions)) (*Connection, func()) {
	o := ConnectionOptions{URL: b.url, BotID: "aibKz3", Secret: "secret-marker", Name: "小知", Times: short,
		Log: slog.New(slog.NewTextHandler(b, nil)), Count: func(outcome string) { b.count(outcome, 1) }}
	for _, e := range edit {
		e(&o)
	}
	c := NewConnection(a, b.leases, o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Run(ctx)
	}()
	stop := func() {
		cancel()
		<-ended
	}
	b.t.Cleanup(stop)
	return c, stop
}

func (b *gatewayBench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *gatewayBench) count(outcome string, n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[outcome] += n
	return b.counts[outcome]
}

func (b *gatewayBench) wait(what string, reached func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), storetest.Patience)
	defer cancel()
	if b.gateway.Wait(ctx, reached) != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.t.Fatalf("waited in vain for %s; counted %v\n%s", what, b.counts, b.log.String())
	}
}

func (b *gatewayBench) say(id, user, text string) {
	b.t.Helper()
	body := fmt.Sprintf(`{"msgid":%q,"aibotid":"aibKz3","chatid":"wrT9group","chattype":"group","from":{"userid":%q},"msgtype":"text","text":{"content":%q}}`, id, user, "@小知 "+text)
	if !b.gateway.Deliver(context.Background(), "aibot_msg_callback", "req-"+id, body) {
		b.t.Fatal("no bot is connected")
	}
}

// replies are the texts sent for messages, by stream id, in order of arrival.
func (b *gatewayBench) replies() (ids, texts []string) {
	for _, f := range b.gateway.Received("aibot_respond_msg") {
		var r streamReply
		if err := json.Unmarshal(f.Body, &r); err != nil || !r.Stream.Finish {
			b.t.Errorf("reply %s: %v", f.Body, err)
		}
		ids, texts = append(ids, r.Stream.ID), append(texts, r.Stream.Content)
	}
	return ids, texts
}

func TestConnectionAnswers(t *testing.T) {
	b := newGatewayBench(t)
	c, stop := b.run(&sluggish{})
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.Deliver(t.Context(), "aibot_msg_callback", "req-m1", "{\"msgid\":\"m1\",\"aibotid\":\"a\",\"chattype\":\"single\",\"from\":{\"userid\":\"u1\"},\"msgtype\":\"text\",\"text\":{\"content\":\"免担保吗\x01\"}}")
	b.gateway.Deliver(t.Context(), "aibot_event_callback", "ev-1", `{"msgid":"e1","aibotid":"a","from":{"userid":"u"},"msgtype":"event","event":{"eventtype":"enter_chat"}}`)
	b.gateway.Deliver(t.Context(), "aibot_event_callback", "ev-2", `{"msgid":"e2","aibotid":"a","from":{"userid":"u"},"msgtype":"event","event":{"eventtype":"feedback_event"}}`)
	b.gateway.Deliver(t.Context(), "aibot_msg_callback", "bad", `{"msgtype":7}`)
	b.wait("the reply", func() bool { return b.count(OutcomeDelivered, 0) == 1 })
	b.wait("the welcome", func() bool { return len(b.gateway.Received("aibot_respond_welcome_msg")) == 1 })
	b.wait("the bad frame", func() bool { return b.count(OutcomeUnreadable, 0) == 1 })
	ids, texts := b.replies()
	if len(texts) != 1 || texts[0] != "答：免担保吗" || ids[0] != streamID("m1") {
		t.Errorf("replies %q of streams %q", texts, ids)
	}
	if f := b.gateway.Received("aibot_respond_msg")[0]; f.RequestID != "req-m1" {
		t.Errorf("replied to %s", f.RequestID)
	}
	b.wait("heartbeats", func() bool { return len(b.gateway.Received("ping")) > 3 })
	if n := len(b.gateway.Received("aibot_subscribe")); n != 1 {
		t.Errorf("%d logins on one connection", n)
	}
	stop()
	if strings.Contains(b.log.String(), "marker") || strings.Contains(b.log.String(), "免担保") {
		t.Errorf("the log holds a secret or a question:\n%s", b.log.String())
	}
}

func TestMessagesOfOnePersonAreAnsweredInOrder(t *testing.T) {
	b := newGatewayBench(t)
	engine := &sluggish{takes: 5 * time.Millisecond}
	c, _ := b.run(engine)
	b.wait("login", func() bool { return c.State() == StateReady })
	var want []string
	for i := range 20 {
		b.say(fmt.Sprint("m", i), "u1", fmt.Sprint(i))
		want = append(want, fmt.Sprint("答：", i))
	}
	b.wait("all replies", func() bool { return b.count(OutcomeDelivered, 0) == 20 })
	if _, texts := b.replies(); !slices.Equal(texts, want) {
		t.Errorf("replies %q", texts)
	}
}

func TestLostAcknowledgementIsSentAgainAsTheSameStream(t *testing.T) {
	b := newGatewayBench(t)
	c, _ := b.run(&sluggish{}, impatient)
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.SetFaults(platform.Faults{LoseAcks: 2})
	b.say("m1", "u1", "问")
	b.wait("the reply", func() bool { return b.count(OutcomeDelivered, 0) == 1 })
	ids, texts := b.replies()
	want := streamID("m1")
	if !slices.Equal(ids, []string{want, want, want}) || !slices.Equal(texts, []string{"答：问", "答：问", "答：问"}) {
		t.Errorf("streams %q, texts %q; want the same three times", ids, texts)
	}
}

// TestAnswerSurvivesTheConnection: the answer is ready when the connection has gone.
// The next one refuses its request id, so that it is pushed, once.
func TestAnswerSurvivesTheConnection(t *testing.T) {
	b := newGatewayBench(t)
	c, _ := b.run(&sluggish{takes: 100 * time.Millisecond})
	b.wait("login", func() bool { return c.State() == StateReady })
	b.say("m1", "u1", "问")
	b.gateway.Cut()
	b.wait("the push", func() bool { return b.count(OutcomePushed, 0) == 1 })
	b.wait("a second login", func() bool { return b.gateway.Logins() == 2 })
	pushed := b.gateway.Received("aibot_send_msg")
	var m struct {
		ChatID   string `json:"chatid"`
		Kind     int    `json:"chat_type"`
		Markdown text   `json:"markdown"`
	}
	if err := json.Unmarshal(pushed[0].Body, &m); err != nil || len(pushed) != 1 || m.ChatID != "wrT9group" || m.Kind != 2 || m.Markdown.Content != "答：问" {
		t.Errorf("pushed %d: %s", len(pushed), pushed[0].Body)
	}
	if c.promised.count() != 0 {
		t.Error("the answer is still promised after it was pushed")
	}
}

// TestFramesThatAreNone: half a frame, a command that the platform added since, answers
// to nobody's question. The connection goes on.
func TestFramesThatAreNone(t *testing.T) {
	b := newGatewayBench(t)
	c, _ := b.run(&sluggish{})
	b.wait("login", func() bool { return c.State() == StateReady })
	for _, text := range []string{`{"cmd":"aibot_msg_callback","headers":{"req_`, `null`, `[]`, ``, `{"cmd":"aibot_new_thing","headers":{"req_id":"x"},"body":{"marker":1}}`,
		`{"headers":{"req_id":"of nobody"},"errcode":0}`, `{"errcode":"0"}`, "\x00\xff"} {
		b.gateway.Raw(t.Context(), text)
	}
	b.say("m1", "u1", "问")
	b.wait("a reply", func() bool { return b.count(OutcomeDelivered, 0) == 1 })
	if b.gateway.Logins() != 1 {
		t.Errorf("%d logins", b.gateway.Logins())
	}
	if unread := b.count(OutcomeUnreadable, 0); unread < 4 {
		t.Errorf("%d frames counted as not understood", unread)
	}
}

func TestSilentDeathIsNoticed(t *testing.T) {
	b := newGatewayBench(t)
	c, _ := b.run(&sluggish{}, impatient)
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.SetFaults(platform.Faults{Silent: true})
	b.wait("the loss", func() bool { return b.count(OutcomeLost, 0) >= 1 })
	b.gateway.SetFaults(platform.Faults{})
	b.wait("another login", func() bool { return b.gateway.Logins() >= 2 && c.State() == StateReady })
	b.say("m1", "u1", "问")
	b.wait("a reply", func() bool { return b.count(OutcomeDelivered, 0) == 1 })
}

func TestDisplacedDoesNotFight(t *testing.T) {
	b := newGatewayBench(t)
	c, _ := b.run(&sluggish{})
	b.wait("login", func() bool { return c.State() == StateReady })
	start := time.Now()
	b.gateway.Kick()
	b.wait("to be displaced", func() bool { return c.State() == StateDisplaced })
	b.wait("another login", func() bool { return b.gateway.Logins() == 2 })
	if stayed := time.Since(start); stayed < short.Displaced*3/4 {
		t.Errorf("came back after %s, should stay away %s", stayed, short.Displaced)
	}
}

func TestWrongSecretIsSaidAndNotHammered(t *testing.T) {
	b := newGatewayBench(t)
	c, stop := b.run(&sluggish{}, func(o *ConnectionOptions) { o.Secret, o.Times.Refused = "wrong", time.Hour })
	b.wait("the refusal", func() bool { return c.State() == StateRefused })
	time.Sleep(3 * short.RetryMax)
	if n := len(b.gateway.Received("aibot_subscribe")); n != 1 {
		t.Errorf("%d logins with a wrong secret", n)
	}
	stop()
	if !strings.Contains(b.log.String(), "wecom.aibot.secret") {
		t.Errorf("the log does not say what to mend:\n%s", b.log.String())
	}
}

func TestOneReplicaHasTheConnection(t *testing.T) {
	b := newGatewayBench(t)
	one, stopOne := b.run(&sluggish{})
	b.wait("the first", func() bool { return one.State() == StateReady })
	two, _ := b.run(&sluggish{})
	b.wait("the second to stand by", func() bool { return two.State() == StateStandby })
	stopOne()
	b.wait("the second to take over", func() bool { return two.State() == StateReady })
	if b.gateway.Logins() != 2 || b.count(OutcomeDisplaced, 0) != 0 {
		t.Errorf("%d logins, %d displaced", b.gateway.Logins(), b.count(OutcomeDisplaced, 0))
	}
	b.say("m1", "u1", "问")
	b.wait("a reply", func() bool { return b.count(OutcomeDelivered, 0) == 1 })
}

// TestFrozenReplicaDoesNotAnswer: its lease ran out while it slept, and is another's
// when it wakes up with a message in hand.
func TestFrozenReplicaDoesNotAnswer(t *testing.T) {
	b := newGatewayBench(t)
	c, _ := b.run(&sluggish{takes: 600 * time.Millisecond}, func(o *ConnectionOptions) { o.Times.Lease = time.Hour })
	b.wait("login", func() bool { return c.State() == StateReady })
	b.say("m1", "u1", "问")
	b.wait("the message in hand", func() bool { return b.count(OutcomeMessage, 0) == 1 })
	b.leases.take(c.leaseName())
	c.mu.Lock()
	c.owned = time.Now().Add(-time.Second) // it slept past its lease
	c.mu.Unlock()
	time.Sleep(time.Second)
	if ids, _ := b.replies(); len(ids) != 0 {
		t.Errorf("a replica without the lease sent %q", ids)
	}
}

func TestStoreAwayKeepsTheConnection(t *testing.T) {
	b := newGatewayBench(t)
	c, _ := b.run(&sluggish{}, unrivalled)
	b.wait("login", func() bool { return c.State() == StateReady })
	b.leases.setAway(true)
	time.Sleep(600 * time.Millisecond) // two leases
	b.say("m1", "u1", "问")
	b.wait("a reply", func() bool { return b.count(OutcomeDelivered, 0) == 1 })
	if b.gateway.Logins() != 1 {
		t.Errorf("%d logins", b.gateway.Logins())
	}
}

func TestStoreAwayFromTheStartStillConnects(t *testing.T) {
	b := newGatewayBench(t)
	b.leases.setAway(true)
	c, _ := b.run(&sluggish{}, unrivalled)
	b.wait("login", func() bool { return c.State() == StateReady })
}

func TestStopFinishesTheAnswersInHand(t *testing.T) {
	b := newGatewayBench(t)
	c, stop := b.run(&sluggish{takes: 100 * time.Millisecond})
	b.wait("login", func() bool { return c.State() == StateReady })
	b.say("m1", "u1", "问")
	b.wait("the message in hand", func() bool { return b.count(OutcomeMessage, 0) == 1 })
	stop()
	if b.count(OutcomeDelivered, 0) != 1 {
		t.Error("stopped without delivering the answer in hand")
	}
	b.wait("the connection to end", func() bool { return !b.gateway.Connected() })
}
