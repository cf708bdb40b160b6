package bot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
)

// TestMessagesAreReadForWhatTheyAre: what people write in a group, message after message,
// and what the last of them gets.
func TestMessagesAreReadForWhatTheyAre(t *testing.T) {
	const direct, fast, joint, local = "海关直接激励措施", "优先通关实现方式", "跨部门联合激励措施", "地方政府特色支持"
	of := func(section string, numbers ...string) []string {
		for i, n := range numbers {
			numbers[i] = section + "/" + n
		}
		return numbers
	}
	l := live(t)
	for _, tt := range []struct {
		said []string
		act  string
		want []string // measures shown; nil: none
		says string
	}{
		// Names called, the bot's or others', wherever they stand.
		{[]string{fast, "@老周 @通关小秘 第2条"}, bot.ActDetail, of(fast, "2"), ""},
		{[]string{fast, "@通关小秘第2条"}, bot.ActDetail, of(fast, "2"), ""},
		{[]string{fast, "＠老周＠通关小秘　第２条"}, bot.ActDetail, of(fast, "2"), ""},
		{[]string{fast, "第2条 @老周 @通关小秘"}, bot.ActDetail, of(fast, "2"), ""},
		{[]string{fast, "@Chen Wei\u2005@通关小秘\u00a0第2条"}, bot.ActDetail, of(fast, "2"), ""},
		{[]string{fast, "@老周 @通关小秘 /清空", "第2条"}, bot.ActClarify, nil, "还没有给你列过条目"},
		{[]string{fast, "@通关小秘/清空", "第2条"}, bot.ActClarify, nil, "还没有给你列过条目"},
		{[]string{"@老周 @通关小秘"}, bot.ActHelp, nil, "没有看到问题"},
		{[]string{"@老周 麻烦 @通关小秘 看下能免除担保吗"}, bot.ActAnswer, of(direct, "5"), ""},

		// Words for digits, one after the other, are numbers one after the other.
		{[]string{direct, "一四七"}, bot.ActDetail, of(direct, "1", "4", "7"), ""},
		{[]string{direct, "第三六九条"}, bot.ActDetail, of(direct, "3", "6", "9"), ""},
		{[]string{direct, "七八"}, bot.ActDetail, of(direct, "7", "8"), ""},
		{[]string{direct, "1 4 7"}, bot.ActDetail, of(direct, "1", "4", "7"), ""},
		{[]string{direct, "前两三条"}, bot.ActDetail, of(direct, "1", "2", "3"), ""},
		{[]string{direct, "十一"}, bot.ActDetail, of(direct, "11"), ""},
		{[]string{direct, "第一〇条"}, bot.ActDetail, of(direct, "10"), ""},
		{[]string{direct, "二十二"}, bot.ActClarify, nil, "没有第22条"},
		{[]string{direct, "一百零二"}, bot.ActClarify, nil, "没有第102条"},
		{[]string{direct, "147"}, bot.ActClarify, nil, "没有第147条"},

		// 这个 and 那个 that point at nothing.
		{[]string{"这个参展有优先吗"}, bot.ActAnswer, of(joint, "2"), ""},
		{[]string{"那个，能免除担保吗"}, bot.ActAnswer, of(direct, "5"), ""},
		{[]string{"嗯那个能免除担保吗"}, bot.ActAnswer, of(direct, "5"), ""},
		{[]string{"它能不能免除担保"}, bot.ActAnswer, of(direct, "5"), ""},
		{[]string{"那个认证费要多少钱"}, bot.ActRefuse, nil, "认证费用"},
		{[]string{"这个怎么样"}, bot.ActClarify, nil, "前面还没有"},
		{[]string{"那条怎么申请"}, bot.ActClarify, nil, "前面还没有"},
		{[]string{"这个是什么意思"}, bot.ActClarify, nil, "前面还没有"},

		// Somebody who is no program.
		{[]string{"帮我转接人工"}, bot.ActHelp, nil, "关务部"},
		{[]string{"人工客服在吗"}, bot.ActHelp, nil, "关务部"},
		{[]string{"你好，我要投诉"}, bot.ActHelp, nil, "关务部"},
		{[]string{"能不能找个真人跟我说"}, bot.ActHelp, nil, "lin.yue"},
		{[]string{"有没有人"}, bot.ActGreet, nil, ""},
		{[]string{"不用了，谢谢"}, bot.ActThanks, nil, ""},
		{[]string{"人工审单能优先吗"}, bot.ActAnswer, of(fast, "4"), ""},

		// Amounts, which are no numbers of measures.
		{[]string{direct, "3.5%"}, bot.ActClarify, nil, "3.5%"},
		{[]string{direct, "7个工作日"}, bot.ActClarify, nil, "7个工作日"},
		{[]string{direct, "三四天"}, bot.ActClarify, nil, "三四天"},
		{[]string{direct, "4%"}, bot.ActClarify, nil, "4%"},
		{[]string{direct, "￥5"}, bot.ActClarify, nil, "5"},
		{[]string{direct, "那百分之三呢"}, bot.ActClarify, nil, ""},
		{[]string{direct, "9:15"}, bot.ActClarify, nil, ""},
		{[]string{direct, "第2.5条"}, bot.ActClarify, nil, "没有第2.5条"},
		{[]string{direct, "2.5条"}, bot.ActClarify, nil, "没有第2.5条"},
		{[]string{direct, "3-5条"}, bot.ActDetail, of(direct, "3", "4", "5"), ""},
		{[]string{"查验率降了3.5%吗"}, bot.ActAnswer, of(direct, "1"), ""},

		// What says nothing.
		{[]string{"哈哈哈哈"}, bot.ActHelp, nil, "有问题随时问"},
		{[]string{"6666"}, bot.ActHelp, nil, "有问题随时问"},
		{[]string{"[图片]"}, bot.ActHelp, nil, "只能看懂文字"},
		{[]string{"[呲牙][呲牙]"}, bot.ActHelp, nil, "只能看懂文字"},
		{[]string{"<br/>"}, bot.ActHelp, nil, "只能看懂文字"},
		{[]string{"https://mp.weixin.qq.com/s/Xy1?a=b"}, bot.ActHelp, nil, "只能看懂文字"},
		{[]string{"[免除担保]"}, bot.ActAnswer, of(direct, "5"), ""},

		// Days that no calendar has, and days long ago.
		{[]string{"能免除担保吗", "按0000-00-00"}, bot.ActClarify, nil, "“0000-00-00”不是"},
		{[]string{"能免除担保吗", "按2026-13-45"}, bot.ActClarify, nil, "“2026-13-45”不是"},
		{[]string{"按2026年2月30日，能免除担保吗"}, bot.ActClarify, nil, "“2026年2月30日”不是"},
		{[]string{"2026年2月30日的时候能免除担保吗"}, bot.ActClarify, nil, "不是日历上有的日期"},
		{[]string{"能免除担保吗", "0年的时候呢"}, bot.ActClarify, nil, "“0年”不是"},
		{[]string{"能免除担保吗", "按1998-07-01"}, bot.ActDetail, of(direct, "5"), "按 1998-07-01 的情况作答"},
		{[]string{"能免除担保吗", "按2024年2月29日"}, bot.ActDetail, of(direct, "5"), "按 2024-02-29 的情况作答"},
	} {
		t.Run(strings.Join(tt.said, " → "), func(t *testing.T) {
			kept := &list{}
			e := bot.New(l, store(t), bot.Options{Unanswered: kept, Now: func() time.Time { return time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC) },
				Handover: bot.Handover{Text: "请找关务部。", Coordinators: []string{"lin.yue"}}})
			var r bot.Reply
			for _, text := range tt.said {
				r = answer(t, e, bot.Message{Chat: "g", Asker: "u", Text: text, Surface: screen})
			}
			if r.Act != tt.act || !slices.Equal(ids(r), tt.want) || !strings.Contains(r.Text, tt.says) {
				t.Errorf("%s %v, want %s %v that says %q: %s", r.Act, ids(r), tt.act, tt.want, tt.says, r.Text)
			}
			if r.Act != bot.ActRefuse && !strings.Contains(r.Text, "记给协调员") && len(kept.got) > 0 {
				t.Errorf("kept as unanswered: %q", kept.got[0].Question)
			}
		})
	}
}

// TestWishesForAPersonAreCountedAndListed: once a message, under one heading however they
// are put, and people outside the company are not told who looks after the bot.
func TestWishesForAPersonAreCountedAndListed(t *testing.T) {
	kept := &list{}
	handed := 0
	e := bot.New(live(t), store(t), bot.Options{Unanswered: kept, Handover: bot.Handover{Coordinators: []string{"lin.yue"}},
		Observe: func(ev bot.Event) {
			if ev.Handover {
				handed++
			}
		}})
	for _, text := range []string{"转人工", "我要投诉", "能免除担保吗"} {
		answer(t, e, bot.Message{Asker: "u", Text: text, Surface: screen})
	}
	r := answer(t, e, bot.Message{Chat: "kf/1", Account: "1", Asker: "wm1", Text: "人工客服", Surface: screen})
	if strings.Contains(r.Text, "lin.yue") {
		t.Errorf("a customer is told a colleague's user id: %s", r.Text)
	}
	if handed != 3 || len(kept.got) != 3 {
		t.Fatalf("%d counted, %d listed, want 3: %+v", handed, len(kept.got), kept.got)
	}
	for _, m := range kept.got {
		if m.Key != kept.got[0].Key || m.Question != "转人工" {
			t.Errorf("listed as %q", m.Question)
		}
	}
}
