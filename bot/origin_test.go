package bot_test

import (
	"slices"
	"strings"
	"testing"

	"aeobot/bot"
	"aeobot/bot/terminal"
	"aeobot/bot/wecom/aibot"
	"aeobot/bot/wecom/kf"
	"aeobot/index"
	"aeobot/knowledge"
)

const articleAddress = "http://www.aeo-csw.com/News/content/id/637.html"

// asksOrigin and asksElse are messages that ask where the text comes from, and such as
// look like it and ask for something else.
var (
	asksOrigin = []string{
		"这篇哪来的", "这篇文章哪来的", "出处是哪里", "原文在哪", "谁写的", "這篇文章哪來的", "這些內容的出處在哪裡？", "你好，这篇文章哪来的？谢谢",
		"这篇是谁写的呀", "谁写的这篇东西", "这篇文章作者叫什么名字", "文章的作者是谁", "这个从哪里看来的", "这是从哪抄来的", "来源是什么", "有出处吗",
		"这段话出自哪里", "原文链接发一下", "能给我原文链接吗", "原文网址是多少", "哪里能看原文", "去哪看原文", "这文章在哪个公众号登过", "转载自哪里",
		"你说的这些是从哪来的", "知识库的内容是从哪来的", "刚才的答案出处在哪", "内容引用自哪个文件", "哪家公司写的", "文章来源哪里",
		"where does this come from?", "who wrote this article", "what is the source", "这篇哪来的？作者是谁？",
	}
	asksElse = []string{
		"谁写的申请书", "申请书谁写的", "证书哪来的", "证书从哪里来", "这个证书哪来的", "协调员哪来的", "货从哪来的", "奖励资金哪来的", "资金的来源是哪里",
		"材料哪来的", "自评报告谁写的", "谁写自评报告", "这份申请书谁写的", "AEO是哪来的", "信用信息来源是哪里", "标识牌哪来的", "第3条原文在哪",
		"专窗在哪", "这个在哪", "这个地址在哪", "海关地址是什么", "海关网址是什么", "单一窗口网址", "在哪里看查验结果", "谁发的证书", "这是谁规定的",
		"你是谁写的", "你从哪来的", "source of funds", "who wrote the application", "货源从哪里来", "这条依据是什么", "内容怎么填",
	}
)

func TestWhereTheTextComesFrom(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	for _, q := range asksOrigin {
		r := answer(t, e, message("", "u", q))
		if !r.Answered || len(r.Shown) != 0 || !strings.Contains(r.Text, articleAddress) || !strings.Contains(r.Text, "2026-01-07") ||
			!strings.Contains(r.Text, "作者：没有记载") || !strings.Contains(r.Text, "来源：《") {
			t.Errorf("%q: %s, answered %v: %s", q, r.Act, r.Answered, r.Text)
		}
	}
	for _, q := range asksElse {
		if r := answer(t, e, message("", "w", q)); strings.Contains(r.Text, articleAddress) {
			t.Errorf("%q is not about the article: %s", q, r.Text)
		}
	}
}

// TestAddressStandsWholeOnEveryScreen: it is curated, so it is the one address that
// nothing is put into, and no page is cut inside it.
func TestAddressStandsWholeOnEveryScreen(t *testing.T) {
	e := bot.New(live(t), nil, bot.Options{})
	for _, s := range []bot.Surface{terminal.Surface, aibot.Surface, kf.Surface, {Name: "app", MaxBytes: 2048, MaxPages: 1}, {Name: "small", MaxBytes: 200, MaxPages: 9}} {
		for _, q := range []string{"这篇哪来的", "能免担保吗？这篇哪来的？"} {
			r := answer(t, e, bot.Message{Chat: "g", Text: q, Surface: s})
			if !slices.ContainsFunc(r.Pages, func(p string) bool { return strings.Contains(p, articleAddress) }) {
				t.Errorf("%q on %s: no whole address in %q", q, s.Name, r.Pages)
			}
		}
	}
}

func TestOriginIsAPartOfAMessage(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	r := answer(t, e, message("", "u", "可以免担保吗？这篇哪来的？"))
	if want := []bot.Part{{Question: "可以免担保吗？", Answered: true}, {Question: "这篇哪来的？", Answered: true}}; !slices.Equal(r.Parts, want) ||
		!slices.Equal(ids(r), []string{"海关直接激励措施/5"}) || !strings.Contains(r.Text, articleAddress) {
		t.Errorf("parts %v, shown %v: %s", r.Parts, ids(r), r.Text)
	}
}

// TestOriginLeavesTheThread: 第3条 means after it what it meant before.
func TestOriginLeavesTheThread(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	for _, q := range []string{"这篇哪来的", "这篇哪来的？谁写的？"} {
		if r := talk(t, e, "优先通关如何实现", q, "第3条"); !slices.Equal(ids(r), []string{"优先通关实现方式/3"}) {
			t.Errorf("after %q, 第3条 shows %v: %s", q, ids(r), r.Text)
		}
	}
}

// pack is a knowledge of two documents that know different things of themselves.
func pack(t *testing.T) *bot.Engine {
	t.Helper()
	l, err := knowledge.LoadFiles(map[string][]byte{
		"leave.md":       []byte("---\ntitle: 请假办法\ndate: 2026-02-01\nurl: https://hr.example.com/leave?id=3\nauthor: 人事部 <@all>\n---\n# 年假\n1. 工作满一年的有5天年假\n"),
		"travel.txt":     []byte("差旅办法\n\n报销\n1、高铁票按二等座报销\n"),
		"car.txt":        []byte("用车办法\n\n派车\n1、提前一天填写派车单\n"),
		"car.notes.yaml": []byte("document: car.txt\nurl: javascript:alert(1)\n"),
		"z.txt":          []byte("门禁办法\n\n门禁\n1、访客登记后领取门禁卡\n"),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := index.Build(t.Context(), l, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	live := &index.Live{}
	if err := live.Swap(g); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := live.Swap(nil); err != nil {
			t.Error(err)
		}
	})
	return bot.New(live, store(t), bot.Options{})
}

func TestOriginOfTheDocumentThatWasQuoted(t *testing.T) {
	tests := []struct {
		name     string
		said     []string
		answered bool
		says     []string
		not      string
	}{
		{"the one that was shown", []string{"年假有几天", "谁写的"}, true, []string{"《请假办法》，2026-02-01", "https://hr.example.com/leave?id=3", "作者：人事部 <\u200b@all>"}, "差旅"},
		{"nothing is known of it", []string{"高铁票怎么报销", "原文在哪"}, false, []string{"《差旅办法》", "网址：没有记载", "作者：没有记载"}, "hr.example"},
		{"an address that is none is not told", []string{"派车有什么要求", "出处是哪里"}, false, []string{"《用车办法》", "网址：没有记载"}, "javascript"},
		{"before any answer the first ones", []string{"这些内容哪来的"}, true, []string{"《用车办法》", "《请假办法》", "《差旅办法》", "还有 1 篇"}, "门禁办法"},
		{"in one message", []string{"年假有几天？这篇哪来的？"}, true, []string{"https://hr.example.com/leave?id=3"}, "差旅"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := talk(t, pack(t), tt.said...)
			for _, s := range tt.says {
				if !strings.Contains(r.Text, s) {
					t.Errorf("%q is not in %q", s, r.Text)
				}
			}
			if r.Answered != tt.answered || strings.Contains(r.Text, tt.not) {
				t.Errorf("answered %v, want %v; without %q: %s", r.Answered, tt.answered, tt.not, r.Text)
			}
		})
	}
}

func TestOriginOfAQuotedAnswer(t *testing.T) {
	e := pack(t)
	quote := talk(t, e, "年假有几天").Text
	talk(t, e, "高铁票怎么报销")
	r := answer(t, e, bot.Message{Asker: "u", Text: "这篇哪来的", Quote: quote, Surface: screen})
	if !strings.Contains(r.Text, "https://hr.example.com/leave?id=3") || strings.Contains(r.Text, "差旅") {
		t.Errorf("quoting the answer on leave: %s", r.Text)
	}
}

func TestSourceOfWhatIsShownCarriesTheAddress(t *testing.T) {
	r := answer(t, bot.New(live(t), nil, bot.Options{}), message("", "u", "能免担保吗"))
	if len(r.Shown) != 1 || r.Shown[0].Source.URL != articleAddress {
		t.Errorf("shown: %+v", r.Shown)
	}
}
