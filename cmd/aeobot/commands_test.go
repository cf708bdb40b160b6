package main

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/bot"
)

const shippedArticle = "../../knowledge/articles/aeo-incentives.txt"

// answerOf runs ask --json and reads every span again from the file.
func answerOf(t *testing.T, args ...string) (bot.Reply, outcome) {
	t.Helper()
	got := execute(t, t.TempDir(), "", nil, append([]string{"ask", "--json"}, args...)...)
	var r bot.Reply
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil {
		t.Fatalf("ask %q: %v in %q (%s)", args, err, got.stdout, got.stderr)
	}
	source, err := os.ReadFile(shippedArticle)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Shown {
		bytes := strings.Join(strings.Fields(string(source[s.Source.Start:s.Source.End])), " ")
		if bytes != s.Text {
			t.Errorf("%s: the file has %q at %d–%d, shown %q", s.ID, bytes, s.Source.Start, s.Source.End, s.Text)
		}
		if !strings.Contains(r.Text, s.Text) {
			t.Errorf("%s: shown text does not stand in the reply", s.ID)
		}
	}
	return r, got
}

func sectionsOf(r bot.Reply) string {
	var sections []string
	count := map[string]int{}
	for _, s := range r.Shown {
		if count[s.Section] == 0 {
			sections = append(sections, s.Section)
		}
		count[s.Section]++
	}
	return strings.Join(sections, " ")
}

func TestAskTheTitleQuestions(t *testing.T) {
	tests := []struct {
		question, sections string
		measures           int
	}{
		{"海关对AEO企业有何激励?", "海关直接激励措施", 12},
		{"优先通关如何实现?", "优先通关实现方式", 6},
		{"还有其他支持吗?", "跨部门联合激励措施 地方政府特色支持 其他专项支持", 18},
		{"海关对AEO企业有何激励?优先通关如何实现?还有其他支持吗?", "海关直接激励措施 优先通关实现方式 跨部门联合激励措施 地方政府特色支持 其他专项支持", 36},
	}
	for _, tt := range tests {
		r, got := answerOf(t, tt.question)
		if sectionsOf(r) != tt.sections || len(r.Shown) != tt.measures || got.status != exitDone || !r.Answered {
			t.Errorf("%s: got status %d, %d measures of %s; want 0, %d of %s", tt.question, got.status, len(r.Shown), sectionsOf(r), tt.measures, tt.sections)
		}
	}
}

func TestAskNamesAMeasure(t *testing.T) {
	for question, want := range map[string]string{
		"能免除担保吗":      "可向海关申请免除担保",
		"协调员":         "海关设立协调员,专门解决企业在通关中遇到的问题",
		"金融部门给什么支持":   "金融部门:依法给予信贷支持;将AEO认证信息纳入公共信用信息报告;作为信用评级和融资授信重要参考;提供国际贸易融资便利",
		"预约通关":        "提供预约通关、预约查验服务",
		"海关直接激励措施第5条": "可向海关申请免除担保",
	} {
		if r, _ := answerOf(t, question); len(r.Shown) == 0 || r.Shown[0].Text != want {
			t.Errorf("%s: got %+v, want first %q", question, r.Shown, want)
		}
	}
}

func TestAskWithoutAnAnswer(t *testing.T) {
	for _, question := range []string{"明天会下雨吗", "出差住宿标准是多少", "。。。", "zxcvbnm poiu", "你叫啥名字"} {
		r, got := answerOf(t, question)
		if got.status != exitShort || r.Answered || len(r.Shown) != 0 || r.Text == "" {
			t.Errorf("%s: got status %d, %d shown; want 1 and nothing", question, got.status, len(r.Shown))
		}
	}
}

func TestAskAsOfADay(t *testing.T) {
	before, _ := answerOf(t, "--as-of", "2026-03-31", "能免除担保吗")
	after, _ := answerOf(t, "--as-of", "2026-04-01", "能免除担保吗")
	if before.Shown[0].Status != "current" || after.Shown[0].Status != "superseded" || !strings.Contains(after.Text, after.Shown[0].Note) {
		t.Errorf("status before and after 2026-04-01: %q, %q", before.Shown[0].Status, after.Shown[0].Status)
	}
}

func TestAskIsRepeatable(t *testing.T) {
	first, _ := answerOf(t, "--as-of", "2026-11-23", "银行给AEO企业贷款吗")
	for range 3 {
		if again, _ := answerOf(t, "--as-of", "2026-11-23", "银行给AEO企业贷款吗"); again.Text != first.Text {
			t.Errorf("got %q, then %q", first.Text, again.Text)
		}
	}
}

func TestAskTakesTheRawArticle(t *testing.T) {
	data, err := os.ReadFile(shippedArticle)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "aeo-incentives.txt")
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	got := execute(t, dir, "", nil, "--knowledge", file, "ask", "优先通关如何实现?")
	if got.status != exitDone || !strings.Contains(got.stdout, "预约通关") {
		t.Errorf("got %d %s%s", got.status, got.stdout, got.stderr)
	}
}

func TestChatJSONKeepsPeopleApart(t *testing.T) {
	lines := `{"chat":"g","user":"a","text":"海关直接激励措施"}
{"chat":"g","user":"b","text":"地方政府特色支持"}
{"chat":"g","user":"a","text":"第五条"}
{"chat":"g","user":"b","text":"第五条"}
{"user":"c","text":"第五条"}
{"chat":"g","user":"a","text":"/清空"}
{"chat":"g","user":"a","text":"第五条"}
`
	got := execute(t, t.TempDir(), lines, nil, "chat", "--json")
	want := []struct{ user, act, first string }{
		{"a", bot.ActAnswer, "海关直接激励措施/1"}, {"b", bot.ActAnswer, "地方政府特色支持/1"},
		{"a", bot.ActDetail, "海关直接激励措施/5"}, {"b", bot.ActDetail, "地方政府特色支持/5"},
		{"c", bot.ActClarify, ""}, {"a", bot.ActCommand, ""}, {"a", bot.ActClarify, ""},
	}
	replies := strings.Split(strings.TrimSpace(got.stdout), "\n")
	if got.status != exitDone || len(replies) != len(want) {
		t.Fatalf("got status %d and %d replies: %s%s", got.status, len(replies), got.stdout, got.stderr)
	}
	for i, w := range want {
		var r struct {
			User string `json:"user"`
			bot.Reply
		}
		if err := json.Unmarshal([]byte(replies[i]), &r); err != nil {
			t.Fatal(err)
		}
		first := ""
		if len(r.Shown) > 0 {
			first = strings.TrimPrefix(r.Shown[0].ID, "aeo-incentives/")
		}
		if r.User != w.user || r.Act != w.act || first != w.first {
			t.Errorf("reply %d: got %s %s %q, want %s %s %q", i+1, r.User, r.Act, first, w.user, w.act, w.first)
		}
	}
}

func TestBadInputIsOneLineAndStatus2(t *testing.T) {
	dir := t.TempDir()
	write := func(name, data string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	tests := []struct {
		name, stdin string
		env, args   []string
		want        string // named in the line
	}{
		{name: "unknown command", args: []string{"akk"}, want: "akk"},
		{name: "unknown flag", args: []string{"ask", "--jsn", "x"}, want: "--jsn"},
		{name: "no question", args: []string{"ask"}, want: "aeobot ask"},
		{name: "no date", args: []string{"ask", "--as-of", "2026-13-01", "x"}, want: "--as-of"},
		{name: "no year", args: []string{"ask", "--as-of", "0000-01-01", "x"}, want: "--as-of"},
		{name: "bad chat line", stdin: "{\"text\":\"x\"}\n{oops\n", args: []string{"chat", "--json"}, want: "line 2"},
		{name: "short key", env: []string{"AEOBOT_WECOM_AIBOT_TOKEN=t", "AEOBOT_WECOM_AIBOT_ENCODING_AES_KEY=short"}, args: []string{"serve"}, want: "encoding_aes_key"},
		{name: "token without key", env: []string{"AEOBOT_WECOM_AIBOT_TOKEN=t"}, args: []string{"serve"}, want: "wecom.aibot.encoding_aes_key"},
		{name: "unknown key", args: []string{"--config", write("c.yaml", "listen: 127.0.0.1:0\nlisten_on: x\n"), "serve"}, want: "listen_on"},
		{name: "no such settings", args: []string{"--config", filepath.Join(dir, "no.yaml"), "serve"}, want: "no.yaml"},
		{name: "port taken", env: append(serveEnv(), "AEOBOT_LISTEN="+busy.Addr().String()), args: []string{"serve"}, want: busy.Addr().String()},
		{name: "knowledge not there", args: []string{"--knowledge", filepath.Join(dir, "no.txt"), "ask", "x"}, want: "no.txt"},
		{name: "knowledge is no text", args: []string{"--knowledge", write("b.txt", "\x00\x01"), "ask", "x"}, want: "b.txt"},
		{name: "data folder cannot be", env: serveEnv(), args: []string{"--data", filepath.Join(write("file", "x"), "data"), "serve"}, want: "--data"},
		{name: "bad redis url", env: serveEnv(), args: []string{"--redis", "http://x", "serve"}, want: "redis"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := execute(t, t.TempDir(), tt.stdin, tt.env, tt.args...)
			if got.status != exitUsage || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, tt.want) {
				t.Errorf("aeobot %q: got status %d and %q, want 2 and one line with %q", tt.args, got.status, got.stderr, tt.want)
			}
		})
	}
}

func TestKnowledgeCommands(t *testing.T) {
	dir := t.TempDir()
	if got := execute(t, dir, "", nil, "knowledge", "lint"); got.status != exitDone {
		t.Errorf("lint of the shipped knowledge: %d %s%s", got.status, got.stdout, got.stderr)
	}
	show := execute(t, dir, "", nil, "knowledge", "show")
	for _, want := range []string{"海关直接激励措施（12 条）", "优先通关实现方式（6 条）", "跨部门联合激励措施（7 条）", "地方政府特色支持（6 条）", "其他专项支持（5 条）", "广告",
		"网址 http://www.aeo-csw.com/News/content/id/637.html", "依据 海关总署令第251号，2021-11-01起施行（S12，已核实）",
		"来源 S16  关于增加高级认证企业便利措施促进外贸质升量稳的通知 署稽发〔2024〕36号\n        https://ordoszxqy.org.cn/article/info/5915  2026-11-23 读："} {
		if !strings.Contains(show.stdout, want) {
			t.Errorf("show lacks %q:\n%s", want, show.stdout)
		}
	}
	old := filepath.Join(dir, "旧.txt")
	if err := os.WriteFile(old, []byte("\xb5\xa3\xb1\xa3\n1.\xc3\xe2\xb5\xa3\xb1\xa3\n3.x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := execute(t, dir, "", nil, "--knowledge", old, "ask", "免担保"); got.status != exitUsage || !strings.Contains(got.stderr, "knowledge import") {
		t.Errorf("GB18030: got %d %q", got.status, got.stderr)
	}
	if got := execute(t, dir, "", nil, "knowledge", "import", old); got.status != exitDone || !strings.Contains(got.stdout, "由 GB18030 转为 UTF-8") {
		t.Errorf("import: got %d %s%s", got.status, got.stdout, got.stderr)
	}
	if got := execute(t, dir, "", nil, "knowledge", "lint", filepath.Join("data", "knowledge")); got.status != exitShort || !strings.Contains(got.stdout, "旧.txt:3") {
		t.Errorf("lint of the imported file: got %d %s%s", got.status, got.stdout, got.stderr)
	}
}

func TestExplainShowsEveryPart(t *testing.T) {
	got := execute(t, t.TempDir(), "", nil, "explain", "--json", "能免除担保吗")
	var x struct {
		Decision   string
		Bar        float64
		Candidates []struct {
			Score float64
			Parts []struct {
				Name          string
				Value, Weight float64
			}
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &x); err != nil || len(x.Candidates) == 0 || x.Bar <= 0 || x.Decision == "" {
		t.Fatalf("explain: %v %s", err, got.stdout)
	}
	sum := 0.0
	for _, p := range x.Candidates[0].Parts {
		sum += p.Value * p.Weight
	}
	if d := sum - x.Candidates[0].Score; d > 1e-9 || d < -1e-9 {
		t.Errorf("parts add up to %v, score is %v", sum, x.Candidates[0].Score)
	}
}

func TestReplySaysHowAQuestionWasRead(t *testing.T) {
	tests := []struct {
		question, line string
		status         int
	}{
		{"货物查验绿", "（按“货物查验率”理解）", 0},
		{"xietiaoyuan", "（按“协调员”理解）", 0},
		{"地方奖励具体多少钱", "目前的资料没有提到奖励金额与申领，暂时无法答复。", 1},
		{"AEO营销和SEO是什么关系", "目前的资料没有提到答案引擎优化与搜索营销，暂时无法答复。", 1},
		{"今天天气怎么样", "这个我帮不上忙，AEO 激励措施方面的问题随时问我。", 1}, // talk is refused without naming it
	}
	for _, tt := range tests {
		got := execute(t, t.TempDir(), "", nil, "ask", tt.question)
		if first, _, _ := strings.Cut(got.stdout, "\n"); first != tt.line || got.status != tt.status {
			t.Errorf("%q: status %d, %q", tt.question, got.status, first)
		}
	}
}
