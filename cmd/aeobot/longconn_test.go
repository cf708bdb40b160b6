package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"aeobot/bot/storetest"
	"aeobot/bot/wecom/platform"
)

// newGateway is the stand-in gateway and its address.
func newGateway(t *testing.T) (*platform.Gateway, string) {
	t.Helper()
	g := &platform.Gateway{BotID: "aib1", Secret: "long-secret"}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return g, "ws" + strings.TrimPrefix(server.URL, "http")
}

// overConnection are settings of a bot with a long connection and no callback.
func overConnection(url string, more ...string) []string {
	return append([]string{"AEOBOT_WECOM_AIBOT_TOKEN=", "AEOBOT_WECOM_AIBOT_ENCODING_AES_KEY=",
		"AEOBOT_WECOM_AIBOT_BOT_ID=aib1", "AEOBOT_WECOM_AIBOT_SECRET=long-secret", "AEOBOT_WECOM_AIBOT_WS_URL=" + url}, more...)
}

func await(t *testing.T, g *platform.Gateway, what string, reached func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), storetest.Patience)
	defer cancel()
	if err := g.Wait(ctx, reached); err != nil {
		t.Fatalf("waited in vain for %s", what)
	}
}

// say delivers a message and gives the text of its finished reply.
func say(t *testing.T, g *platform.Gateway, id, chat, user, text string) string {
	t.Helper()
	request := "req-" + id
	if !g.Deliver(t.Context(), "aibot_msg_callback", request, aibotText(id, chat, user, text)) {
		t.Fatalf("%q: no bot is connected", text)
	}
	said := ""
	await(t, g, "the reply to "+text, func() bool {
		for _, f := range g.Received("aibot_respond_msg") {
			var r struct {
				Stream struct {
					Finish  bool   `json:"finish"`
					Content string `json:"content"`
				} `json:"stream"`
			}
			if f.RequestID == request && json.Unmarshal(f.Body, &r) == nil && r.Stream.Finish {
				said = r.Stream.Content
			}
		}
		return said != ""
	})
	return said
}

func TestLongConnectionHoldsAConversation(t *testing.T) {
	g, url := newGateway(t)
	r := startServe(t, t.TempDir(), overConnection(url)...)
	await(t, g, "the login", g.Connected)
	for i, turn := range []struct{ user, text, want string }{
		{"u1", "地方政府特色支持", "6、在行政服务中心试点设立AEO服务专窗"},
		{"u2", "第3条", "还没有给你列过条目"},
		{"u1", "第3条", "3、在土地使用、用电用水等方面给予支持"},
		{"u1", "转发", "来源：《"},
	} {
		if got := say(t, g, fmt.Sprint("m", i), "wrGroup", turn.user, turn.text); !strings.Contains(got, turn.want) {
			t.Errorf("%s, %q: got %q, want %q in it", turn.user, turn.text, got, turn.want)
		}
	}
	if status, body := r.get("/readyz"); status != http.StatusOK || !strings.Contains(body, `"long_connection":"ready"`) {
		t.Errorf("readyz: %d %s", status, body)
	}
	r.await("the deliveries to be counted", func() bool { // the last is acknowledged a moment after it came
		_, body := r.get("/metrics")
		return strings.Contains(body, `aeobot_callbacks_total{channel="aibot_connection",outcome="delivered"} 4`)
	})
	r.stop()
	if g.Connected() {
		t.Error("still connected after the program stopped")
	}
	if strings.Contains(r.stderr.String(), "long-secret") || strings.Contains(r.stderr.String(), "地方政府") {
		t.Errorf("the log holds a secret or a question:\n%s", r.stderr.String())
	}
}

func TestWrongLongConnectionSecretIsNamed(t *testing.T) {
	_, url := newGateway(t)
	r := startServe(t, t.TempDir(), overConnection(url, "AEOBOT_WECOM_AIBOT_SECRET=wrong")...)
	r.await("the refusal", func() bool {
		_, body := r.get("/readyz")
		return strings.Contains(body, "check wecom.aibot.bot_id and wecom.aibot.secret")
	})
}

// TestTooManyLoginsAreNamed: /readyz says so while the bot stays away, and the metrics count
// what was refused by code.
func TestTooManyLoginsAreNamed(t *testing.T) {
	t.Parallel()
	g, url := newGateway(t)
	g.SetFaults(platform.Faults{Codes: map[string][]int{"aibot_subscribe": {45009}}})
	r := startServe(t, t.TempDir(), overConnection(url)...)
	r.await("the limit", func() bool {
		_, body := r.get("/readyz")
		return strings.Contains(body, `"long_connection":"limited"`) && strings.Contains(body, "too many logins (45009)")
	})
	if n := len(g.Received("aibot_subscribe")); n != 1 {
		t.Errorf("%d logins", n)
	}
}

// TestRefusalsAreCounted by their codes, and what came of them.
func TestRefusalsAreCounted(t *testing.T) {
	t.Parallel()
	g, url := newGateway(t)
	r := startServe(t, t.TempDir(), overConnection(url)...)
	await(t, g, "the login", g.Connected)
	g.SetFaults(platform.Faults{Codes: map[string][]int{"aibot_respond_msg": {846607}, "aibot_send_msg": {40201}}})
	g.Deliver(t.Context(), "aibot_msg_callback", "cb-1", aibotText("m1", "", "u1", "地方政府特色支持"))
	r.await("both refusals", func() bool {
		_, body := r.get("/metrics")
		return strings.Contains(body, `aeobot_refusals_total{channel="aibot_connection",code="846607",done="unknown"} 1`) &&
			strings.Contains(body, `aeobot_refusals_total{channel="aibot_connection",code="40201",done="given_up"} 1`)
	})
}

// TestLongConnectionIsHandedOver: the replica that has the connection is killed, or
// frozen and woken up again; the other takes over, the conversation goes on, and every
// message gets one reply.
func TestLongConnectionIsHandedOver(t *testing.T) {
	t.Parallel()
	for _, fault := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		t.Run(fault.String(), func(t *testing.T) {
			g, url := newGateway(t)
			redis := "AEOBOT_REDIS_URL=redis://" + storetest.StartRedis(t).Addr
			one := startServe(t, t.TempDir(), overConnection(url, redis)...)
			await(t, g, "the first login", g.Connected)
			two := startServe(t, t.TempDir(), overConnection(url, redis)...)
			two.await("the second to stand by", func() bool { _, body := two.get("/readyz"); return strings.Contains(body, "standby") })
			if got := say(t, g, "m1", "wrGroup", "u1", "其他专项支持"); !strings.Contains(got, "5、在产业扶持政策中给予倾斜") {
				t.Errorf("before: %q", got)
			}
			// Whatever is not noted as delivered is in doubt, and would be said once more.
			one.await("the delivery to be noted", func() bool {
				_, body := one.get("/metrics")
				return strings.Contains(body, `aeobot_callbacks_total{channel="aibot_connection",outcome="delivered"} 1`)
			})
			if err := one.cmd.Process.Signal(fault); err != nil {
				t.Fatal(err)
			}
			await(t, g, "the second login", func() bool { return g.Logins() == 2 && g.Connected() })
			if got := say(t, g, "m2", "wrGroup", "u1", "第2条"); !strings.Contains(got, "2、释放主动披露政策红利") {
				t.Errorf("after: %q", got)
			}
			if fault == syscall.SIGSTOP {
				if err := one.cmd.Process.Signal(syscall.SIGCONT); err != nil {
					t.Fatal(err)
				}
				one.await("the first to see that it was replaced", func() bool {
					_, body := one.get("/readyz")
					return strings.Contains(body, "standby") || strings.Contains(body, "displaced")
				})
				say(t, g, "m3", "wrGroup", "u1", "第3条")
			}
			seen := map[string]int{}
			for _, f := range g.Received("aibot_respond_msg") {
				seen[f.RequestID]++
			}
			for id, n := range seen {
				if n != 1 {
					t.Errorf("%s got %d replies", id, n)
				}
			}
		})
	}
}

// TestOfficialSDKAgainstTheStandIn shows that the stand-in gateway is taken for the
// platform by the platform's own SDK.
func TestOfficialSDKAgainstTheStandIn(t *testing.T) {
	g, url := newGateway(t)
	_, out := startNode(t, "sdk.mjs", url, g.BotID, g.Secret)
	lines := bufio.NewScanner(out)
	expect := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("the SDK says %q, want %q", lines.Text(), want)
		}
	}
	expect("authenticated")
	if got := say(t, g, "m1", "", "u1", "免担保吗"); got != "答：免担保吗" {
		t.Errorf("the SDK replied %q", got)
	}
	expect("answered")
	g.Deliver(t.Context(), "aibot_event_callback", "ev1", `{"msgid":"e1","aibotid":"aib1","from":{"userid":"u1"},"msgtype":"event","event":{"eventtype":"enter_chat"}}`)
	expect("welcomed")
	await(t, g, "heartbeats of the SDK", func() bool { return len(g.Received("ping")) > 1 })
	g.Kick()
	expect("displaced")
}
