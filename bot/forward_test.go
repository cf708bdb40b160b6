package bot_test

import (
	"slices"
	"strings"
	"testing"

	"aeobot/bot"
	"aeobot/index"
)

// TestForwardsTakeWhatIsNamed: numbers, places, sections, pronouns and topics, before or behind
// the words for passing on.
func TestForwardsTakeWhatIsNamed(t *testing.T) {
	direct, guarantee := "海关直接激励措施", []string{"能免担保吗"}
	section := func(heading string, n ...int) []string {
		var all []string
		for _, i := range n {
			all = append(all, heading+"/"+string(rune('0'+i)))
		}
		return all
	}
	for _, tt := range []struct {
		before []string
		text   string
		want   []string
	}{
		{[]string{direct}, "转发第3条", section(direct, 3)},
		{[]string{direct}, "转发 第三条", section(direct, 3)},
		{[]string{direct}, "第3条转发给客户", section(direct, 3)},
		{[]string{direct}, "/转发 2、4", section(direct, 2, 4)},
		{[]string{direct}, "转发第2到4条", section(direct, 2, 3, 4)},
		{[]string{direct}, "转发第4条和第2条", section(direct, 2, 4)},
		{[]string{direct}, "转发前两条", section(direct, 1, 2)},
		{[]string{direct}, "前两条发给客户", section(direct, 1, 2)},
		{[]string{direct}, "客户要第9条，转发一下", section(direct, 9)},
		{[]string{direct}, "转发地方政府特色支持第3条", section("地方政府特色支持", 3)},
		{[]string{direct}, "把其他专项支持第1、2条转给客户", section("其他专项支持", 1, 2)},
		{[]string{direct}, "转发优先通关那一节", section("优先通关实现方式", 1, 2, 3, 4, 5, 6)},
		{[]string{direct}, "把地方政府的转发给客户", section("地方政府特色支持", 1, 2, 3, 4, 5, 6)},
		{[]string{direct}, "转发主动披露和关银合作", section("其他专项支持", 1, 2)},
		{guarantee, "转发这条", section(direct, 5)},
		{guarantee, "这条发客户", section(direct, 5)},
		{guarantee, "把这个转发给客户", section(direct, 5)},
		{[]string{direct, "第5条"}, "转发下一条", section(direct, 6)},
		{[]string{"其他专项支持", "能免担保吗"}, "转发上一个问题的第2条", section("其他专项支持", 2)},
		{[]string{direct}, "发一下第一条给客户", section(direct, 1)},
		{[]string{direct}, "前两条和第5条转发", section(direct, 1, 2, 5)},
		{guarantee, "转发海关直接激励措施第5条和第7条、优先通关实现方式第2条",
			[]string{direct + "/5", direct + "/7", "优先通关实现方式/2"}},
		{guarantee, "把怎么优先通关那一节发给客户", section("优先通关实现方式", 1, 2, 3, 4, 5, 6)},
		{[]string{"其他专项支持"}, "都转发给客户", section("其他专项支持", 1, 2, 3, 4, 5)},
	} {
		e := bot.New(live(t), store(t), bot.Options{})
		talk(t, e, tt.before...)
		r := talk(t, e, tt.text)
		if r.Act != bot.ActCommand || !slices.Equal(ids(r), tt.want) {
			t.Errorf("%q, %q: %s %v, want %v: %s", tt.before, tt.text, r.Act, ids(r), tt.want, r.Text)
			continue
		}
		checkForward(t, r, screen)
	}
}

// TestForwardsAskRatherThanGuess: what is not clear is asked back, and nothing is forwarded.
func TestForwardsAskRatherThanGuess(t *testing.T) {
	for _, tt := range []struct {
		before []string
		text   string
		says   string
	}{
		{[]string{"海关直接激励措施"}, "转发第20条", "没有第20条"},
		{[]string{"海关直接激励措施"}, "转发第3和第20条", "没有第20条"},
		{[]string{"海关直接激励措施"}, "转发第0条", "没有第0条"},
		{[]string{"海关直接激励措施"}, "转发这条", "第几条"},
		{[]string{"海关直接激励措施"}, "转发蓝鲸通道", "没有找到“蓝鲸通道”"},
		{[]string{"查验能少吗？稽查少吗？商标注册呢？发改委的棉花配额呢？车辆管理呢"}, "转发第1条", "不止一节有第1条"},
		{nil, "转发第3条", "还没有给你列过条目"},
	} {
		e := bot.New(live(t), store(t), bot.Options{})
		if tt.before != nil {
			talk(t, e, tt.before...)
		}
		if r := talk(t, e, tt.text); r.Act != bot.ActClarify || len(r.Shown) > 0 || !strings.Contains(r.Text, tt.says) {
			t.Errorf("%q, %q: %s %v %s", tt.before, tt.text, r.Act, ids(r), r.Text)
		}
	}
}

// TestForwardInPortions: what one message cannot hold is offered in portions that it can, by
// number, words and button.
func TestForwardInPortions(t *testing.T) {
	small := bot.Surface{Name: "app", MaxBytes: 900, MaxPages: 1}
	e := bot.New(live(t), store(t), bot.Options{})
	ask := func(text string) bot.Reply {
		return answer(t, e, bot.Message{Asker: "u", Text: text, Surface: small})
	}
	ask("地方政府特色支持")
	for r := ask("更多"); r.Remaining > 0; r = ask("更多") {
	}
	r := ask("转发")
	card, ok := r.Card()
	if r.Act != bot.ActClarify || len(r.Suggestions) < 2 || !ok {
		t.Fatalf("not in portions: %s %+v", r.Text, r.Suggestions)
	}
	portions := slices.Clone(r.Suggestions)
	if r := ask("1"); r.Act != bot.ActCommand || len(r.Pages) != 1 {
		t.Errorf("the first by its number: %s %s", r.Act, r.Text)
	}
	var all []string
	for _, p := range portions {
		r := ask(p)
		if len(r.Pages) != 1 || len(r.Pages[0]) > small.MaxBytes {
			t.Errorf("%q: %d pages: %s", p, len(r.Pages), r.Text)
		}
		all = append(all, checkForward(t, r, small)...)
	}
	if len(all) != 6 || !slices.IsSorted(all) {
		t.Errorf("the portions hold %v", all)
	}
	if p, err := e.Press(t.Context(), bot.Press{ID: "p", Asker: "u", Key: card.Buttons[0].Key, Surface: small}); err != nil || len(p.Reply.Shown) == 0 {
		t.Errorf("pressed: %+v, %v", p, err)
	}
}

// TestForwardOfAHeadingThatJoins: a heading may have the words that part two names.
func TestForwardOfAHeadingThatJoins(t *testing.T) {
	l := &index.Live{}
	if err := l.Swap(knowledgeOf(t, "企业手册\n\n奖励和用地\n1.提供专项奖励资金\n2.支持企业用地\n\n培训、辅导\n1.提供免费培训\n2.提供上门辅导\n", "")); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Swap(nil); err != nil {
			t.Error(err)
		}
	}()
	for text, want := range map[string][]string{"转发奖励和用地": {"奖励和用地/1", "奖励和用地/2"}, "转发培训、辅导第2条": {"培训、辅导/2"},
		"把奖励和用地第2条发给客户": {"奖励和用地/2"}} {
		e := bot.New(l, store(t), bot.Options{})
		r := talk(t, e, text)
		var got []string
		for _, id := range ids(r) {
			got = append(got, strings.TrimPrefix(id, "a/"))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v %s", text, got, r.Text)
		}
	}
}
