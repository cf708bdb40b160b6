package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/storetest/child"
	"aeobot/bot/wecom/setup"
	"aeobot/configs"
)

// TestGuide: each step says where to look, and what the program looks for is in the guide.
func TestGuide(t *testing.T) {
	var keys []string
	for _, s := range setup.Steps() {
		keys = append(keys, s.Key)
		if s.Product == "" || !strings.HasPrefix(s.Key, s.Channel+".") || len(s.Where) == 0 || !strings.HasSuffix(s.Question, "？") {
			t.Errorf("step %+v lacks a product, a channel, a place or a question", s)
		}
	}
	for key := range findings {
		if !slices.Contains(keys, key) {
			t.Errorf("%s is not in the guide, which has %q", key, keys)
		}
	}
	if once := slices.Compact(slices.Sorted(slices.Values(keys))); len(once) != len(keys) || len(keys) < len(findings) {
		t.Errorf("%d steps, some twice or missing: %q", len(keys), keys)
	}
}

// mistaken is a company in which things are set wrong.
type mistaken struct {
	*localChat
	t             *testing.T
	platform, bot *running
	console       *people
}

// admin does something in the stand-in's admin console and gives what that says.
func (m *mistaken) admin(body string) string {
	m.t.Helper()
	response, err := http.Post(m.platform.base+"/chat/admin", "application/json", strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	defer response.Body.Close()
	var said struct{ Error string }
	if err := json.NewDecoder(response.Body).Decode(&said); err != nil {
		m.t.Fatal(err)
	}
	return said.Error
}

// set makes a mistake or mends it.
func (m *mistaken) set(mistake string, on bool) {
	m.t.Helper()
	data, err := json.Marshal(map[string]any{"mistake": mistake, "on": on})
	if err != nil {
		m.t.Fatal(err)
	}
	if says := m.admin(string(data)); says != "" {
		m.t.Fatal(says)
	}
}

// says holds doctor and the console's page to words that stand in both, and gives doctor's.
func (m *mistaken) says(when string, want ...string) string {
	m.t.Helper()
	// The page is shown again for a while; what it sees of this moment comes then.
	var page, missing string
	m.bot.await(when, func() bool {
		page, missing = m.console.order("boss", m.bot, "look", map[string]any{"path": "/console/setup", "name": when}).Text, ""
		for _, w := range want {
			if !strings.Contains(page, w) {
				missing = w
			}
		}
		return missing == ""
	})
	got := m.doctor()
	for _, w := range want {
		if !strings.Contains(got, w) {
			m.t.Errorf("%s: doctor does not say %q:\n%s", when, w, got)
		}
	}
	return got
}

// doctor runs beside the bot, with its settings.
func (m *mistaken) doctor() string {
	m.t.Helper()
	cmd := exec.Command(program(m.t), "doctor")
	cmd.Dir, cmd.Env = m.bot.cmd.Dir, m.bot.cmd.Env
	out, err := child.Output(cmd)
	if exit := (*exec.ExitError)(nil); err != nil && !asExit(err, &exit) {
		m.t.Fatal(err)
	}
	if credentials.Match(out) {
		m.t.Errorf("doctor shows a secret:\n%s", out)
	}
	return string(out)
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

// unanswered writes something that the platform shows as sent and does not bring, then
// something one-to-one that it does: only that is answered.
func (m *mistaken) unanswered(chat, from, text string) {
	m.t.Helper()
	m.write(chat, from, text)
	m.write("app/lin.yue", "lin.yue", "第99条")
	m.await("the application's answer", func(b bubble) bool {
		if b.Chat == chat && b.Bot {
			m.t.Errorf("%s was answered in %s: %q", text, chat, b.Text)
		}
		return b.Chat == "app/lin.yue" && b.From == ""
	})
}

// TestGuideAgainstMistakes follows the guide in a company where one thing after the other is
// set wrong, and holds against it what the guide, doctor and the console's page say.
func TestGuideAgainstMistakes(t *testing.T) {
	console := openBrowsers(t)
	platform, bot := startSimulateWith(t, []string{"AEOBOT_CONSOLE_BASE_URL=", consoleAccounts(t, "boss:admin")}, "--mistake", "wrong-url,extra-permission")
	m := &mistaken{newLocalChat(t, platform.base), t, platform, bot, console}
	// 1. A wrong URL: the admin console does not take it, and nothing comes.
	for _, product := range []string{"single", "app", "kf"} {
		if says := m.admin(`{"save":"` + product + `"}`); says != "openapi回调地址请求不通过" {
			t.Errorf("saving a wrong URL of %s: %q", product, says)
		}
	}
	m.says("wrong-url", "！ 从", "平台一次也没有访问过 /wecom/aibot", "平台一次也没有访问过 /wecom/app", "没有收到过客服事件", "openapi回调地址请求不通过", "接收消息 → 设置API接收")
	m.set("wrong-url", false)
	for _, product := range []string{"single", "app", "kf"} {
		if says := m.admin(`{"save":"` + product + `"}`); says != "" {
			t.Errorf("saving the URL of %s: %q", product, says)
		}
	}
	m.says("right-url", "✓ URL 在")
	// 2. More permissions than the creation dialog's: only the creator is heard.
	m.unanswered("single/wang.qiang", "wang.qiang", "能免除担保吗")
	m.write("single/lin.yue", "lin.yue", "能免除担保吗")
	m.await("the creator's answer", func(b bubble) bool { return b.Chat == "single/lin.yue" && b.Bot })
	m.says("extra-permission", "！ 只收到过同一个人的提问", "只留创建时默认的那些", "只有创建者说话它听得到")
	m.set("extra-permission", false)
	// 3. An external group.
	m.set("external-group", true)
	m.unanswered("group", "lin.yue", "@AEO助手 能免除担保吗")
	m.says("external-group", "没有收到过群里的提问", "外部群（有企业外的人）、客户群、上下游群都不行")
	m.set("external-group", false)
	m.write("group", "lin.yue", "@AEO助手 能免除担保吗")
	m.await("the group's answer", func(b bubble) bool { return b.Chat == "group" && b.Bot })
	// 4. Not a member: the last one is not heard.
	m.set("not-a-member", true)
	m.unanswered("single/chen.jing", "chen.jing", "能免除担保吗")
	m.says("not-a-member", "只收到过同一个人的提问", "编辑 → 可使用的成员", "看起来发出去了，机器人却收不到", "✓ 收到过群里的提问")
	m.set("not-a-member", false)
	m.write("single/chen.jing", "chen.jing", "能免除担保吗")
	m.await("an answer", func(b bubble) bool { return b.Chat == "single/chen.jing" && b.Bot })
	m.says("everybody", "✓ 收到过不止一个人的提问")
	// 5. Customer service through the application, whose URL its events come to.
	m.set("kf-through-app", true)
	m.write("kf/wang.qiang", "wang.qiang", "能免除担保吗")
	m.await("a customer's answer", func(b bubble) bool { return b.Chat == "kf/wang.qiang" && b.From == "" })
	m.says("kf-through-app", "✓ 最近一次收到客服事件", "✓ 能回答客服账号“关务客服”", "✓ 没有接待人员在岗")
	// 6. A servicer on duty, an account that was not granted, a company that is not verified.
	m.set("servicer-on-duty", true)
	m.set("kf-not-granted", true)
	m.says("servicer-on-duty", "✗ 客服账号“关务客服”有 2 位接待人员在岗", "95018", "✗ 客服账号“关务客服”没有交给这个应用", "通过API管理微信客服账号")
	m.set("servicer-on-duty", false)
	m.set("kf-not-granted", false)
	m.set("not-verified", true)
	m.write("kf/chen.jing", "chen.jing", "能免除担保吗")
	m.says("not-verified", "拒收过机器人的回答：企业没有认证就会这样", "我的企业 → 企业信息 → 企业认证")
	if s := console.order("boss", bot, "walk", nil); len(s.Wide) > 0 {
		t.Errorf("wider than a phone: %q", s.Wide)
	}
	nothingLeaked(t, bot)
}

// TestRenamedInTheStandIn: the bot answers to the name that it has in the admin console now.
func TestRenamedInTheStandIn(t *testing.T) {
	platform, _ := startSimulate(t, "--connection", "--mistake", "renamed")
	c := newLocalChat(t, platform.base)
	c.write("group", "lin.yue", "@海关政策百科")
	if got := c.await("the welcome", func(b bubble) bool { return b.Bot }); !strings.Contains(got.Text, "你好，我是 AEO 激励措施问答助手") {
		t.Errorf("only the name: %q", got.Text)
	}
	c.write("group", "wang.qiang", "＠海关政策百科能免除担保吗")
	if got := c.await("an answer", func(b bubble) bool { return b.Bot && b.Chat == "group" }); !strings.Contains(got.Text, "5、可向海关申请免除担保") {
		t.Errorf("without a blank: %q", got.Text)
	}
}

// TestAdminConsoleInABrowser makes mistakes where people do.
func TestAdminConsoleInABrowser(t *testing.T) {
	needChromium(t)
	needClients(t)
	platform, _ := startSimulate(t)
	cmd := exec.CommandContext(t.Context(), "node", "admin.mjs", platform.base, os.Getenv("AEOBOT_TEST_SCREENSHOTS"))
	cmd.Dir, cmd.Stderr = filepath.Join("testdata", "wecom-client"), os.Stderr
	out, err := child.Output(cmd)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var seen struct {
		Wrong, Right, Hint, Answer string
		Unheard                    int
		Wide                       bool
		Errors                     []string
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if seen.Wrong != "openapi回调地址请求不通过" || seen.Right != "保存成功" || seen.Unheard != 1 || !strings.Contains(seen.Hint, "@海关政策百科") ||
		!strings.Contains(seen.Answer, "5、可向海关申请免除担保") || seen.Wide || len(seen.Errors) > 0 {
		t.Errorf("the page shows %+v", seen)
	}
}

// TestSight: what is said of each step, by what reached the program.
func TestSight(t *testing.T) {
	started := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return started.Add(time.Duration(minutes) * time.Minute) }
	callbacks, connection := configs.Config{}, configs.Config{}
	callbacks.WeCom.AIBot.Token = "t"
	connection.WeCom.AIBot.BotID = "b"
	for _, tt := range []struct {
		name       string
		settings   configs.Config
		connection string
		heard      channelHeard
		away       bool
		key, want  string
	}{
		{"nothing came", callbacks, "", channelHeard{}, false, "aibot.connected", "！ 从 11-30 09:00:00 启动到现在，平台一次也没有访问过 /wecom/aibot"},
		{"a wrong token", callbacks, "", channelHeard{Refused: "signature", RefusedAt: at(2)}, false, "aibot.connected", "✗ 最近一次出错：11-30 09:02:00，签名不符"},
		{"a wrong key", callbacks, "", channelHeard{Checked: at(1), Refused: "cipher", RefusedAt: at(2)}, false, "aibot.connected", "EncodingAESKey"},
		{"mended since", callbacks, "", channelHeard{Message: at(3), Refused: "signature", RefusedAt: at(2)}, false, "aibot.connected", "✓ 最近一次收到消息或事件：11-30 09:03:00"},
		{"connected", connection, "ready", channelHeard{}, false, "aibot.connected", "✓ 长连接已登录"},
		{"refused", connection, "refused", channelHeard{}, false, "aibot.connected", "✗ 平台不认 Bot ID 或 Secret"},
		{"displaced", connection, "displaced", channelHeard{}, false, "aibot.connected", "✗ 长连接被别处顶掉了"},
		{"a state of later years", connection, "limited", channelHeard{}, false, "aibot.connected", "✗ 长连接的状态：limited"},
		{"no serve", connection, "", channelHeard{}, true, "aibot.connected", "· serve 没有在运行"},
		{"nobody", callbacks, "", channelHeard{}, false, "aibot.members", "· 从 11-30 09:00:00 启动到现在，没有收到过任何人的提问"},
		{"one person", callbacks, "", channelHeard{People: 1}, false, "aibot.permissions", "！ 只收到过同一个人的提问"},
		{"several", callbacks, "", channelHeard{People: 2}, false, "aibot.permissions", "✓ 收到过不止一个人的提问"},
		{"a group", callbacks, "", channelHeard{Groups: true}, false, "aibot.groups", "✓ 收到过群里的提问"},
	} {
		s := sight{settings: tt.settings, serving: !tt.away, connection: tt.connection, heard: map[string]channelHeard{"aibot": tt.heard}, since: started}
		var got []string
		for _, r := range s.reports(t.Context()) {
			for _, f := range r.Findings {
				if r.Channel != "aibot" {
					t.Errorf("%s: %s is not configured", tt.name, r.Key)
				}
				if r.Key == tt.key {
					got = append(got, f.Mark+" "+f.Text)
				}
			}
		}
		if !strings.Contains(strings.Join(got, "\n"), tt.want) || tt.name == "mended since" && len(got) != 1 {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestHeard: who wrote is told apart, and not kept.
func TestHeard(t *testing.T) {
	h := newHeard()
	from := func(who, chat string) {
		h.from(bot.Message{Asker: bot.Asker(who), Chat: chat, Surface: bot.Surface{Name: "aibot"}})
	}
	for _, tt := range []struct {
		who, chat string
		people    int
		groups    bool
	}{{"lin.yue", "", 1, false}, {"Lin.Yue", "", 1, false}, {"wang.qiang", "g", 2, true}, {"lin.yue", "", 2, true}} {
		if from(tt.who, tt.chat); h.all()["aibot"].People != tt.people || h.all()["aibot"].Groups != tt.groups {
			t.Errorf("after %+v: %+v", tt, h.all()["aibot"])
		}
	}
	h.count("app", "foreign")
	h.count("app", "ok") // the callback's envelope was; that nobody was answered stays
	if got := h.all()["app"]; got.Refused != "foreign" || !got.Message.IsZero() {
		t.Errorf("another application's message: %+v", got)
	}
	h.count("aibot_connection", "message")
	h.count("aibot", "something new")
	if got := h.all()["aibot"]; got.Message.IsZero() || got.Refused != "" {
		t.Errorf("got %+v", got)
	}
	data, err := json.Marshal(h.all())
	if err != nil || strings.Contains(strings.ToLower(string(data)), "lin.yue") {
		t.Errorf("%s: %v", data, err)
	}
}

// TestCustomersThroughTheApplication: since December 2023 customer service's events come to
// an application's callback, whatever customer service's own token is.
func TestCustomersThroughTheApplication(t *testing.T) {
	for name, env := range map[string][]string{
		"no callback of its own": {"AEOBOT_WECOM_KF_TOKEN=", "AEOBOT_WECOM_KF_ENCODING_AES_KEY="},
		"another token":          {"AEOBOT_WECOM_KF_TOKEN=another"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			platform, bot := startSimulateWith(t, env, "--mistake", "kf-through-app")
			asCustomer(t, newLocalChat(t, platform.base))
			_, metrics := bot.get("/metrics")
			if !strings.Contains(metrics, `aeobot_callbacks_total{channel="app",outcome="passed_on"}`) {
				t.Errorf("nothing was passed on:\n%s", metrics)
			}
			if status, _ := bot.get("/wecom/kf"); (status == http.StatusNotFound) != (len(env) == 2) {
				t.Errorf("/wecom/kf: status %d", status)
			}
			nothingLeaked(t, bot)
		})
	}
}
