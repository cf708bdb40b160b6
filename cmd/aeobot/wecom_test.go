package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/bot/storetest"
)

// These tests run the built program and speak to it with the platform's own
// crypto package.

func TestURLCheck(t *testing.T) {
	c, r := newClient(t), startServe(t, t.TempDir())
	for _, product := range []string{"aibot", "app"} {
		const echo = "3958120476615520983"
		if got := c.do(c.request("check", product, r.base, echo)); got.Status != http.StatusOK || got.Body != echo {
			t.Errorf("%s: got %d %q, want 200 %q", product, got.Status, got.Body, echo)
		}
		forged := c.request("check", product, r.base, echo)
		forged.Signature = strings.Repeat("0", 40)
		if got := c.do(forged); got.Status != http.StatusUnauthorized || got.Body != "" {
			t.Errorf("%s, forged: got %d %q, want 401 and nothing", product, got.Status, got.Body)
		}
		stale := c.request("check", product, r.base, echo)
		stale.Timestamp = "1760000037"
		if got := c.do(stale); got.Status != http.StatusUnauthorized {
			t.Errorf("%s, stale: got %d, want 401", product, got.Status)
		}
	}
}

func TestAIBotAnswersGroupAndSingle(t *testing.T) {
	c, r := newClient(t), startServe(t, t.TempDir())
	for _, chat := range []string{"", "wrGroup"} {
		got := c.ask(r.base, "m1"+chat, chat, "lin.yue", "优先通关如何实现?")
		for _, want := range []string{"优先通关实现方式", "1、设立AEO企业专用窗口或优先叫号通道", "6、在口岸通关环节实施快速验放机制", "2026-01-07"} {
			if !strings.Contains(got, want) {
				t.Errorf("chat %q: reply lacks %q: %s", chat, want, got)
			}
		}
	}
	refused := c.ask(r.base, "m2", "", "lin.yue", "AEO认证费要多少钱")
	if !strings.Contains(refused, "没有提到") {
		t.Errorf("no refusal: %s", refused)
	}
}

func TestNonceOfTheRequestComesBack(t *testing.T) {
	c, r := newClient(t), startServe(t, t.TempDir())
	request := c.request("send", "aibot", r.base, aibotText("m1", "", "u", "更多"))
	if got := c.do(request); got.Nonce != request.Nonce {
		t.Errorf("nonce: got %q, want %q", got.Nonce, request.Nonce)
	}
}

func TestMessageSentThreeTimes(t *testing.T) {
	c, r := newClient(t), startServe(t, t.TempDir())
	c.ask(r.base, "m1", "g", "u", "海关直接激励措施")
	var first string
	for try := range 3 {
		got := c.do(c.request("send", "aibot", r.base, aibotText("m2", "g", "u", "第3条")))
		if try == 0 {
			first = got.Message
		}
		if got.Message != first {
			t.Errorf("try %d: got %s, want %s", try+1, got.Message, first)
		}
	}
	if !strings.Contains(first, "3、优先办理进出口货物通关及相关业务手续") {
		t.Errorf("第3条: %s", first)
	}
	_, metrics := r.get("/metrics")
	if !strings.Contains(metrics, `aeobot_replayed_total{channel="aibot"} 2`) {
		t.Errorf("metrics do not count two redeliveries:\n%s", metrics)
	}
}

func TestApplication(t *testing.T) {
	c, r := newClient(t), startServe(t, t.TempDir())
	message := `<xml><ToUserName><![CDATA[` + testCorp + `]]></ToUserName><FromUserName><![CDATA[lin.yue]]></FromUserName>` +
		`<CreateTime>1760000123</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[能免除担保吗?]]></Content>` +
		`<MsgId>7420011223344556677</MsgId><AgentID>1000017</AgentID></xml>`
	first := c.do(c.request("send", "app", r.base, message))
	if first.Status != http.StatusOK || !first.SignatureOK || first.ReceiveID != testCorp || !strings.Contains(first.Message, "可向海关申请免除担保") {
		t.Fatalf("reply: %+v", first)
	}
	for try := range 2 {
		if again := c.do(c.request("send", "app", r.base, message)); again.Message != first.Message {
			t.Errorf("delivered again (%d): got %s, want %s", try+1, again.Message, first.Message)
		}
	}
	if strings.Contains(first.Message, "**") {
		t.Errorf("Markdown in a passive reply: %s", first.Message)
	}
	enter := `<xml><ToUserName><![CDATA[` + testCorp + `]]></ToUserName><FromUserName><![CDATA[lin.yue]]></FromUserName>` +
		`<CreateTime>1760000123</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[enter_agent]]></Event><AgentID>1000017</AgentID></xml>`
	if got := c.do(c.request("send", "app", r.base, enter)); got.Status != http.StatusOK || !strings.Contains(got.Message, "AEO") {
		t.Errorf("enter_agent: %+v", got)
	}
}

func TestConversationOutlivesARestart(t *testing.T) {
	c, dir := newClient(t), t.TempDir()
	first := startServe(t, dir)
	c.ask(first.base, "m1", "g", "u", "地方政府特色支持")
	first.stop()
	second := startServe(t, dir)
	if got := c.ask(second.base, "m2", "g", "u", "第3条"); !strings.Contains(got, "3、在土地使用、用电用水等方面给予支持") {
		t.Errorf("after the restart: %s", got)
	}
	if got := c.ask(second.base, "m3", "g", "colleague", "第3条"); strings.Contains(got, "土地") {
		t.Errorf("a colleague sees another's thread: %s", got)
	}
}

func TestTwoReplicasOneConversation(t *testing.T) {
	redis := storetest.StartRedis(t)
	c := newClient(t)
	env := "AEOBOT_REDIS_URL=redis://" + redis.Addr
	one, two := startServe(t, t.TempDir(), env), startServe(t, t.TempDir(), env)
	c.ask(one.base, "m1", "g", "u", "地方政府特色支持")
	reply := c.do(c.request("send", "aibot", two.base, aibotText("m2", "g", "u", "第3条")))
	if !strings.Contains(reply.Message, "3、在土地使用、用电用水等方面给予支持") {
		t.Errorf("on the second replica: %s", reply.Message)
	}
	if again := c.do(c.request("send", "aibot", one.base, aibotText("m2", "g", "u", "第3条"))); again.Message != reply.Message {
		t.Errorf("redelivered to the other replica: got %s, want %s", again.Message, reply.Message)
	}
}

func TestRedisStopsAndComesBack(t *testing.T) {
	redis := storetest.StartRedis(t)
	c, r := newClient(t), startShipped(t, t.TempDir(), "AEOBOT_REDIS_URL=redis://"+redis.Addr)
	c.ask(r.base, "m1", "g", "u", "地方政府特色支持")
	c.ask(r.base, "n1", "g", "silent", "地方政府特色支持")

	redis.Pause()
	r.await("degraded", func() bool {
		status, body := r.get("/readyz")
		return status == http.StatusOK && strings.Contains(body, `"degraded"`) && strings.Contains(body, "redis")
	})
	if got := c.ask(r.base, "m2", "g", "u", "优先通关如何实现?"); !strings.Contains(got, "快速验放") {
		t.Errorf("while Redis is away: %s", got)
	}
	if got := c.ask(r.base, "m3", "g", "u", "第3条"); !strings.Contains(got, "暂时读不到") {
		t.Errorf("follow-up while Redis is away: %s", got)
	}
	if got := c.ask(r.base, "m5", "g", "u", unheardOf); !strings.Contains(got, "没有提到") {
		t.Errorf("a refusal while Redis is away: %s", got)
	}

	redis.Resume()
	r.await("ready again", func() bool { _, body := r.get("/readyz"); return strings.Contains(body, `"status":"ready"`) })
	if got := c.ask(r.base, "n2", "g", "silent", "第3条"); !strings.Contains(got, "土地使用") {
		t.Errorf("after Redis came back: %s", got)
	}
	// What Redis has is not what this one saw last.
	if got := c.ask(r.base, "m4", "g", "u", "第3条"); !strings.Contains(got, "暂时读不到") {
		t.Errorf("a follow-up on what was shown while Redis was away: %s", got)
	}
	c.ask(r.base, "m6", "g", "u", "优先通关如何实现?")
	if got := c.ask(r.base, "m7", "g", "u", "第3条"); !strings.Contains(got, "优先查验安排") {
		t.Errorf("a follow-up afterwards: %s", got)
	}
	r.await("on the coordinators' list", func() bool {
		return strings.Contains(execute(t, t.TempDir(), "", nil, "--redis", "redis://"+redis.Addr, "unanswered").stdout, unheardOf)
	})
}

func TestDamagedStoreIsLeftAlone(t *testing.T) {
	c, dir := newClient(t), t.TempDir()
	r := startServe(t, dir)
	c.ask(r.base, "m1", "g", "u", "地方政府特色支持")
	r.stop()
	file := filepath.Join(dir, "data", "aeobot.db")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	copy(data, strings.Repeat("x", 8192))
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	got := execute(t, dir, "", append(serveEnv(), "AEOBOT_LISTEN="+freeAddress(t)), "serve")
	if got.status != exitUsage || !strings.Contains(got.stderr, "aeobot.db") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("got status %d and %q, want 2 and one line naming the file", got.status, got.stderr)
	}
	if after, err := os.ReadFile(file); err != nil || string(after) != string(data) {
		t.Errorf("the damaged file was changed (%v)", err)
	}
}

// TestNothingPersonalInTheLog plants markers and looks for them.
func TestNothingPersonalInTheLog(t *testing.T) {
	c, r := newClient(t), startServe(t, t.TempDir(), "AEOBOT_LOG_LEVEL=debug")
	c.ask(r.base, "m-id", "g-chat", "zhang.marker", "免担保marker在哪里")
	_, metrics := r.get("/metrics")
	_, ready := r.get("/readyz")
	r.stop()
	for _, secret := range []string{"marker", "免担保", "g-chat", testToken, testKey, testAppKey, "response_url", "example.invalid"} {
		for where, text := range map[string]string{"log": r.stderr.String(), "metrics": metrics, "readyz": ready} {
			if strings.Contains(text, secret) {
				t.Errorf("%q stands in the %s:\n%s", secret, where, text)
			}
		}
	}
}
