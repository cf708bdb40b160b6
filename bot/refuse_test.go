package bot_test

import (
	"slices"
	"strings"
	"testing"

	"aeobot/bot"
	"aeobot/bot/wecom/kf"
)

// TestRepliesHaveTheirOwnSense: what is no question of the knowledge gets what a colleague
// would say to it.
func TestRepliesHaveTheirOwnSense(t *testing.T) {
	const direct = "海关直接激励措施"
	for _, tt := range []struct {
		before, text string
		says         []string
		not          string
	}{
		{direct, "第0条", []string{"从第1条编到第12条，没有第0条"}, ""},
		{direct, "第零条", []string{"没有第0条"}, ""},
		{direct, "前0条", []string{"没有第0条"}, ""},
		{"", "第0条", []string{"条目从第1条编起，没有第0条"}, ""},
		{"", "第99条", []string{"例如：海关直接激励措施第12条"}, ""},
		{direct, "一共有多少条", []string{"“海关直接激励措施”共12条。", "共5节36条"}, "没有提到"},
		{"", "总共几条啊", []string{"共5节36条"}, "没有提到"},
		{direct, "最重要的三条", []string{"没有按重要性排序", "“前3条”"}, ""},
		{direct, "哪条最有用？", []string{"没有按重要性排序"}, ""},
		{"", "最关键的是哪几条", []string{"没有按重要性排序", direct}, "前3条"},
		{"", "你个垃圾机器人", []string{"抱歉"}, direct},
		{direct, "滚！", []string{"抱歉"}, "没有提到"},
		{"", "讲个笑话", []string{"随时问我"}, direct},
		{"", "证书丢了去哪补办？", []string{"目前的资料没有提到“证书丢了去哪补办”，暂时无法答复。"}, "不敢"},
		{"", "AEO认证费用多少钱", []string{"目前的资料没有提到认证费用"}, "“AEO认证"},
		{"", "你是真人吗", []string{"我是自动问答"}, "没有提到"},
	} {
		e := bot.New(live(t), store(t), bot.Options{Unanswered: takesAll{}})
		if tt.before != "" {
			talk(t, e, tt.before)
		}
		r := talk(t, e, tt.text)
		for _, says := range tt.says {
			if !strings.Contains(r.Text, says) {
				t.Errorf("%q, %q: %q is not in %q", tt.before, tt.text, says, r.Text)
			}
		}
		if tt.not != "" && strings.Contains(r.Text, tt.not) || len(r.Shown) > 0 {
			t.Errorf("%q, %q: %q", tt.before, tt.text, r.Text)
		}
	}
}

// TestCustomersAreNotToldOfCoordinators in a refusal, nor that they will be told later.
func TestCustomersAreNotToldOfCoordinators(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{Unanswered: takesAll{}, Wishes: reachesStaff{},
		Handover: bot.Handover{Coordinators: []string{"chen"}}})
	for text, says := range map[string]string{
		"证书丢了去哪补办":        "您的问题已登记，我们会补充资料；急用请联系对接人员。",
		"能免担保吗？证书丢了去哪补办？": "您的问题已登记",
		"转人工": "您的需要已登记",
		"告诉我": "这里不能主动通知您",
	} {
		r := answer(t, e, bot.Message{Chat: "kf/wk", Account: "wk", Asker: "wm", Text: text, Surface: kf.Surface})
		if !strings.Contains(r.Text, says) || strings.Contains(r.Text, "协调员") || strings.Contains(r.Text, "告诉我") {
			t.Errorf("%q: %s", text, r.Text)
		}
	}
	for _, text := range []string{"海关直接激励措施", "主动披露有什么好处", "优先通关如何实现"} {
		r := answer(t, e, bot.Message{Chat: "kf/wk", Account: "wk", Asker: "wm", Text: text, Day: "2026-11-30", Surface: kf.Surface})
		if len(r.Shown) == 0 || !strings.Contains(r.Text, "注") || ownChecking.MatchString(r.Text) {
			t.Errorf("%q: %s", text, r.Text)
		}
	}
}

// TestTwoKeywordsAreTwoQuestions, unless one measure has both.
func TestTwoKeywordsAreTwoQuestions(t *testing.T) {
	e := bot.New(live(t), nil, bot.Options{})
	for text, parts := range map[string]int{"免担保 查验": 2, "奖励金 用地": 2, "协调员　主动披露": 2,
		"稽查 频次": 1, "商标 注册": 1, "预约 查验": 1, "食品 出口": 1, "通关 融资": 1, "金融 支持": 1} {
		r := answer(t, e, bot.Message{Text: text})
		if len(r.Parts) != parts || !r.Answered || slices.ContainsFunc(r.Parts, func(p bot.Part) bool { return !p.Answered }) {
			t.Errorf("%q: %+v %s", text, r.Parts, r.Text)
		}
	}
}

// TestANumberOfSeveralSectionsIsAskedBack, with a button for each; number, words and button
// choose.
func TestANumberOfSeveralSectionsIsAskedBack(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	ask := func(text string) bot.Reply {
		return answer(t, e, bot.Message{Asker: "u", Text: text, Surface: aibotLike})
	}
	const both = "优先通关实现方式和其他专项支持都列一下"
	if r := ask(both); len(r.Shown) != 11 {
		t.Fatalf("shown %v", ids(r))
	}
	want := []string{"优先通关实现方式第3、4条", "其他专项支持第3、4条"}
	r := ask("第3和第4条")
	card, ok := r.Card()
	if r.Act != bot.ActClarify || !slices.Equal(r.Suggestions, want) || !ok || !strings.Contains(r.Text, "不止一节有第3、4条") {
		t.Fatalf("%s %s %+v", r.Act, r.Text, r.Suggestions)
	}
	chosen := []string{"其他专项支持/3", "其他专项支持/4"}
	if r := ask("2"); !slices.Equal(ids(r), chosen) {
		t.Errorf("by number: %v", ids(r))
	}
	if p, err := e.Press(t.Context(), bot.Press{ID: "p", Asker: "u", Key: card.Buttons[1].Key, Surface: aibotLike}); err != nil || !slices.Equal(ids(p.Reply), chosen) {
		t.Errorf("pressed: %v, %v", ids(p.Reply), err)
	}
	ask(both)
	if r := ask("第6条"); !slices.Equal(ids(r), []string{"优先通关实现方式/6"}) {
		t.Errorf("one section alone has it: %v %s", ids(r), r.Text)
	}
}

// TestTheSameThingOnce: one source for one document, a note once with all its numbers in
// order, and a question without the words that join it to another.
func TestTheSameThingOnce(t *testing.T) {
	e := bot.New(live(t), nil, bot.Options{})
	r := answer(t, e, bot.Message{Text: "担保能不能免？另外，查验率能降多少？以及稽查会不会少？", Day: "2026-11-30"})
	for part, n := range map[string]int{"来源：": 1, "由第282号令取代": 1, "注（第1、5、6条）": 1, "问：查验率": 1, "问：稽查": 1, "另外": 0, "以及": 0} {
		if got := strings.Count(r.Text, part); got != n {
			t.Errorf("%q stands %d times, want %d: %s", part, got, n, r.Text)
		}
	}
	for q, want := range map[string]string{"还有预约查验": "预约查验"} {
		r := answer(t, e, bot.Message{Text: "担保能不能免？稽查会少吗？" + q})
		if len(r.Parts) != 3 || !strings.Contains(r.Text, "问："+want) {
			t.Errorf("%q: %+v %s", q, r.Parts, r.Text)
		}
	}
	store := bot.New(live(t), store(t), bot.Options{})
	talk(t, store, "优先通关如何实现")
	if r := talk(t, store, "还有其他支持吗"); strings.Count(r.Text, "其他专项支持") > 2 || !strings.Contains(r.Text, "个方面") {
		t.Errorf("the overview is said again: %s", r.Text)
	}
}
