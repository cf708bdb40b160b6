package aibot

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/platform"
)

// gated answers nobody until it is opened.
type gated struct {
	mute
	opened chan struct{}
}

func (g *gated) Answer(_ context.Context, m bot.Message) (bot.Reply, error) {
	<-g.opened
	return bot.Reply{Text: "答：" + m.Text}, nil
}

func (*gated) Welcome(context.Context) string { return "欢迎" }

// heard are finished replies by message.
type heard struct {
	mu      sync.Mutex
	replies map[string][]string
}

func (h *heard) take(f platform.Frame) {
	var r streamReply
	if f.Command != "aibot_respond_msg" || f.Code != 0 || json.Unmarshal(f.Body, &r) != nil || !r.Stream.Finish {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.replies[f.RequestID] = append(h.replies[f.RequestID], r.Stream.Content)
}

func (h *heard) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.replies)
}

// TestFiveThousandAtOnce: what comes at once is in hand up to a bound, the rest is told to
// ask again; each message has one reply, also when it is delivered twice.
func TestFiveThousandAtOnce(t *testing.T) {
	const messages = 5000
	b := newGatewayBench(t)
	b.gateway.Forget = true
	h := &heard{replies: map[string][]string{}}
	b.gateway.Listen(h.take)
	g := &gated{opened: make(chan struct{})}
	c, stop := b.run(g, func(o *ConnectionOptions) { o.Times = Times{}; o.Journal = newJournal(t) })
	b.wait("login", func() bool { return c.State() == StateReady })
	before := runtime.NumGoroutine()
	say := func(i int) {
		body := fmt.Sprintf(`{"msgid":"m%d","aibotid":"aibKz3","chattype":"single","from":{"userid":"u%d"},"msgtype":"text","text":{"content":"问%d"}}`, i, i, i)
		if !b.gateway.Deliver(t.Context(), "aibot_msg_callback", fmt.Sprint("req-", i), body) {
			t.Fatal("no bot is connected")
		}
	}
	for i := range messages {
		say(i)
	}
	b.waitLong("those without room", func() bool { return h.count() >= messages-maxInHand })
	if n := runtime.NumGoroutine() - before; n > 3*maxInHand {
		t.Errorf("%d goroutines for %d messages at once", n, messages)
	}
	for i := range messages / 10 { // again, of either kind
		say(i * 10)
	}
	close(g.opened)
	b.waitLong("all replies", func() bool { return h.count() == messages })
	b.waitLong("the repeated", func() bool { return b.count(OutcomeRepeated, 0) == messages/10 })
	stop()
	busy := 0
	for i := range messages {
		said := h.replies[fmt.Sprint("req-", i)]
		if len(said) != 1 {
			t.Fatalf("message %d has %d replies: %q", i, len(said), said)
		}
		switch said[0] {
		case bot.TextBusy:
			busy++
		case fmt.Sprint("答：问", i):
		default:
			t.Fatalf("message %d: %q", i, said[0])
		}
	}
	if busy == 0 || busy > messages-maxInHand {
		t.Errorf("%d of %d were told to ask again", busy, messages)
	}
}

// TestNothingIsLostWhenTheConnectionEndsInACrowd: those who could not be told are answered
// on the next connection.
func TestNothingIsLostWhenTheConnectionEndsInACrowd(t *testing.T) {
	const messages = maxInHand + 100
	b := newGatewayBench(t)
	b.gateway.Forget = true
	var mu sync.Mutex
	said := map[string]int{}
	hear := func(f platform.Frame) {
		var r struct {
			ChatID string `json:"chatid"`
			Stream struct {
				Finish bool `json:"finish"`
			} `json:"stream"`
		}
		if f.Code != 0 || json.Unmarshal(f.Body, &r) != nil || f.Command != "aibot_respond_msg" && f.Command != "aibot_send_msg" {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case f.Command == "aibot_send_msg":
			said[r.ChatID]++
		case r.Stream.Finish:
			said[strings.Replace(f.RequestID, "req-", "u", 1)]++
		}
	}
	b.gateway.Listen(hear)
	g := &gated{opened: make(chan struct{})}
	c, _ := b.run(g, func(o *ConnectionOptions) { o.Journal = newJournal(t) })
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.SetFaults(platform.Faults{Silent: true}) // so that nobody is told yet, as far as the bot knows
	for i := range messages {
		body := fmt.Sprintf(`{"msgid":"m%d","aibotid":"aibKz3","chattype":"single","from":{"userid":"u%d"},"msgtype":"text","text":{"content":"问"}}`, i, i)
		b.gateway.Deliver(t.Context(), "aibot_msg_callback", fmt.Sprint("req-", i), body)
	}
	b.waitLong("the crowd", func() bool { return b.count(OutcomeMessage, 0)+b.count(OutcomeBusy, 0) >= messages })
	b.gateway.Cut()
	b.gateway.SetFaults(platform.Faults{})
	close(g.opened)
	b.waitLong("everybody", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(said) == messages
	})
}

func (b *gatewayBench) waitLong(what string, reached func() bool) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if b.gateway.Wait(ctx, reached) != nil {
		b.t.Fatalf("waited in vain for %s; counted %v", what, b.counts)
	}
}
