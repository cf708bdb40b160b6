package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/storetest"
	"aeobot/bot/wecom/platform"
)

// company is a stand-in platform with a gateway and an API, and what is said in it.
type company struct {
	*testing.T
	gateway *platform.Gateway
	corp    *platform.Corp
	redis   *storetest.Redis
	client  *client
	env     []string
	n       int
}

// newCompany is one whose bot has a long connection, an application and coordinators.
func newCompany(t *testing.T) *company {
	t.Helper()
	gateway, ws := newGateway(t)
	api := &platform.API{}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	c := &company{T: t, gateway: gateway, corp: api.Corp(testCorp, "app-secret"), redis: storetest.StartRedis(t), client: newClient(t)}
	c.env = overConnection(ws, "AEOBOT_REDIS_URL="+plainURL(c.redis), "AEOBOT_WECOM_API_BASE_URL="+server.URL, "AEOBOT_WECOM_APP_SECRET=app-secret",
		"AEOBOT_WECOM_AIBOT_LEASE=2s", "AEOBOT_CURATION_COORDINATORS=lin.yue,wang.qiang")
	return c
}

// says writes over the long connection and gives the reply.
func (c *company) says(chat, who, text string) string {
	c.Helper()
	c.n++
	await(c.T, c.gateway, "a login", c.gateway.Connected)
	return say(c.T, c.gateway, fmt.Sprint("n", c.n, rand.Uint32()), chat, who, text)
}

// hears demands words in the reply.
func (c *company) hears(chat, who, text, want string) string {
	c.Helper()
	got := c.says(chat, who, text)
	if !strings.Contains(got, want) {
		c.Fatalf("%s: %q: got %q, want %q in it", who, text, got, want)
	}
	return got
}

// until says something once a second until the reply has what is wanted: a conversation
// takes thirty messages a minute.
func (c *company) until(r *running, who, text, want string) {
	c.Helper()
	got := ""
	for range 50 {
		if got = c.says("", who, text); strings.Contains(got, want) {
			return
		}
		time.Sleep(time.Second)
	}
	c.Fatalf("%s: %q: never %q, but %q; the program said:\n%s", who, text, want, got, r.stderr)
}

// inApp writes to the application and gives the first page of the reply.
func (c *company) inApp(r *running, who, text string) string {
	c.Helper()
	c.n++
	message := fmt.Sprintf(`<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName><![CDATA[%s]]></FromUserName>`+
		`<CreateTime>%d</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[%s]]></Content><MsgId>%d</MsgId><AgentID>1000017</AgentID></xml>`,
		testCorp, who, time.Now().Unix(), text, 7420011223344556000+c.n)
	got := c.client.do(c.client.request("send", "app", r.base, message))
	if !got.SignatureOK {
		c.Fatalf("%q: %+v", text, got)
	}
	return got.Message
}

// told are the texts with those words that people got without having asked just then, as
// whom: how often.
func (c *company) told(words string) map[string]int {
	c.Helper()
	all := map[string]int{}
	for _, f := range c.gateway.Received("aibot_send_msg") {
		var m struct {
			ChatID   string `json:"chatid"`
			Markdown struct {
				Content string `json:"content"`
			} `json:"markdown"`
		}
		if err := json.Unmarshal(f.Body, &m); err != nil {
			c.Fatal(err)
		}
		switch text := m.Markdown.Content; {
		case f.Code != 0 || !strings.Contains(text, words):
		case strings.Contains(text, bot.TextAgain):
			all[m.ChatID+" in doubt"]++
		default:
			all[m.ChatID]++
		}
	}
	for _, s := range c.corp.Sent() {
		if s.Via == "message/send" && strings.Contains(s.Text, words) {
			all["app "+s.To]++
		}
	}
	return all
}

// revised is the shipped article with words replaced, in a file of its name.
func revised(t testing.TB, old, now string) string {
	t.Helper()
	data, err := os.ReadFile(shippedArticle)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%q is not in the article", old)
	}
	file := filepath.Join(t.TempDir(), filepath.Base(shippedArticle))
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), old, now, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	oldWords = "可向海关申请免除担保"
	newWords = "可向海关申请减半担保"
)

// TestRecall: a measure changes; exactly the chats are listed that got the old wording; a
// coordinator approves, twice, at both replicas, and the one with the connection is killed
// meanwhile: each chat gets one correction.
func TestRecall(t *testing.T) {
	c := newCompany(t)
	dir := t.TempDir()
	a := startServe(t, dir, c.env...)
	await(t, c.gateway, "the login", c.gateway.Connected)
	b := startServe(t, t.TempDir(), c.env...)
	c.hears("wrOne", "zhao", "能免除担保吗", oldWords)
	c.hears("wrOne", "qian", "能免除担保吗", oldWords)
	c.hears("", "sun", "能免除担保吗", oldWords)
	c.hears("wrOther", "zhao", "优先通关如何实现", "专用窗口")
	if got := c.inApp(b, "zhou", "能免除担保吗"); !strings.Contains(got, oldWords) {
		t.Fatalf("the application: %s", got)
	}
	c.inApp(a, "wu", "优先通关如何实现")
	got := execute(t, dir, "", append(serveEnv(), c.env...), "knowledge", "publish", "--author", "林悦", "--approver", "王强", "--reason", "新令", "--override", "原文改了", revised(t, oldWords, newWords))
	if got.status != 0 {
		t.Fatalf("publish: %s%s", got.stdout, got.stderr)
	}
	c.until(a, "lin.yue", "/更正", "1 版本 1 改了 1 条，3 个会话看过旧原文")
	c.hears("", "zheng", "能免除担保吗", newWords)
	c.hears("", "lin.yue", "/更正 1", "新："+newWords)
	c.hears("", "zheng", "/更正 1 发", "只有协调员")
	c.hears("", "lin.yue", "/更正 1 发", "正在发给 3 个会话")
	if err := a.cmd.Process.Kill(); err != nil { // it has the connection
		t.Fatal(err)
	}
	b.await("the second login", func() bool { return c.gateway.Logins() > 1 && c.gateway.Connected() })
	c.hears("", "wang.qiang", "/更正 1 发", "正在发给 3 个会话")
	c.until(b, "wang.qiang", "/更正 1", "已发 3，等着发 0")
	told := c.told("更正：这里先前引用过")
	for _, who := range []string{"wrOne", "sun", "app zhou"} {
		if told[who] != 1 {
			t.Errorf("%s was told %d times: %v", who, told[who], told)
		}
		delete(told, who)
		delete(told, who+" in doubt") // it was killed before it could read the acknowledgement
	}
	if len(told) > 0 {
		t.Errorf("others were told: %v", told)
	}
	b.stop()
	for _, r := range []*running{a, b} {
		if out := r.stderr.String(); slices.ContainsFunc([]string{"zhou", "sun", "lin.yue", "wrOne", "担保"}, func(s string) bool { return strings.Contains(out, s) }) {
			t.Errorf("the log holds a person or words:\n%s", out)
		}
	}
}

// TestNothingIsKeptForNoTime: with both times at zero the store has neither questions nor
// who was shown what.
func TestNothingIsKeptForNoTime(t *testing.T) {
	c := newCompany(t)
	r := startServe(t, t.TempDir(), append(c.env, "AEOBOT_QUESTIONS_TTL=0", "AEOBOT_CORRECTIONS_TTL=0")...)
	c.hears("wrOne", "zhao", "能免除担保吗", oldWords)
	r.stop() // what is kept is written down at the end
	keys := c.redis.Do("--scan", "--pattern", "*")
	if strings.Contains(keys, "questions-") || strings.Contains(keys, "given-") || keys == "" {
		t.Errorf("the store has:\n%s", keys)
	}
	r = startServe(t, t.TempDir(), c.env...)
	c.hears("wrOne", "zhao", "能免除担保吗", oldWords)
	r.stop()
	if keys := c.redis.Do("--scan", "--pattern", "*"); !strings.Contains(keys, "questions-") || !strings.Contains(keys, "given-") {
		t.Errorf("nothing is kept at all:\n%s", keys)
	}
}
