package bot_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/knowledge"
)

// talk says one thing after the other and returns the last reply.
func talk(t testing.TB, e *bot.Engine, said ...string) bot.Reply {
	t.Helper()
	var r bot.Reply
	for _, text := range said {
		r = answer(t, e, bot.Message{Asker: "u", Text: text, Surface: screen})
	}
	return r
}

func TestWhatWasShownDecides(t *testing.T) {
	l := live(t)
	for _, tt := range []struct {
		name string
		said []string
		act  string
		want []string
	}{
		{"number of the section shown", []string{"地方政府特色支持", "第3条"}, bot.ActDetail, []string{"地方政府特色支持/3"}},
		{"thanks do not lose the thread", []string{"地方政府特色支持", "谢谢", "第3条"}, bot.ActDetail, []string{"地方政府特色支持/3"}},
		{"a refusal does not lose the thread", []string{"地方政府特色支持", "明天会下雨吗", "第3条"}, bot.ActDetail, []string{"地方政府特色支持/3"}},
		{"several numbers", []string{"其他专项支持", "第2和第5条"}, bot.ActDetail, []string{"其他专项支持/2", "其他专项支持/5"}},
		{"first two", []string{"其他专项支持", "前两条"}, bot.ActDetail, []string{"其他专项支持/1", "其他专项支持/2"}},
		{"last", []string{"其他专项支持", "最后一条"}, bot.ActDetail, []string{"其他专项支持/5"}},
		{"last but one", []string{"其他专项支持", "倒数第二条"}, bot.ActDetail, []string{"其他专项支持/4"}},
		{"the next", []string{"其他专项支持", "第2条", "下一条"}, bot.ActDetail, []string{"其他专项支持/3"}},
		{"the one before", []string{"其他专项支持", "第2条", "上一条"}, bot.ActDetail, []string{"其他专项支持/1"}},
		{"back to the list", []string{"其他专项支持", "第2条", "返回"}, bot.ActDetail, []string{"其他专项支持/1", "其他专项支持/2", "其他专项支持/3", "其他专项支持/4", "其他专项支持/5"}},
		{"another section named", []string{"其他专项支持", "地方政府特色支持的第1条"}, bot.ActDetail, []string{"地方政府特色支持/1"}},
		{"narrowing", []string{"跨部门联合激励措施", "那金融呢"}, bot.ActNarrow, []string{"跨部门联合激励措施/3"}},
		{"switching", []string{"跨部门联合激励措施", "那免担保呢"}, bot.ActSwitch, []string{"海关直接激励措施/5"}},
		{"correction", []string{"能免担保吗", "不对，我问的是参展"}, bot.ActSwitch, []string{"跨部门联合激励措施/2"}},
		{"return", []string{"能免担保吗", "有没有奖励资金", "刚才担保那条再看一下"}, bot.ActSwitch, []string{"海关直接激励措施/5"}},
		{"the very first", []string{"能免担保吗", "有没有奖励资金", "其他专项支持", "回到最开始那个"}, bot.ActDetail, []string{"海关直接激励措施/5"}},
		{"again", []string{"能免担保吗", "这条再说一遍"}, bot.ActDetail, []string{"海关直接激励措施/5"}},
		{"what is asked of it and not stated", []string{"能免担保吗", "这个怎么申请"}, bot.ActRefuse, nil},
		{"what is asked of a number and not stated", []string{"地方政府特色支持", "第1条能拿多少钱"}, bot.ActRefuse, nil},
		{"which of twelve", []string{"海关直接激励措施", "这条具体说说"}, bot.ActClarify, nil},
		{"nothing before", []string{"这个怎么实现"}, bot.ActClarify, nil},
		{"a number with nothing before", []string{"第3条"}, bot.ActClarify, nil},
		{"a step with nothing before", []string{"上一条"}, bot.ActClarify, nil},
		{"nothing to forward", []string{"转发"}, bot.ActClarify, nil},
		{"nothing to go back to", []string{"能免担保吗", "返回"}, bot.ActClarify, nil},
		{"an unknown command", []string{"/升级"}, bot.ActHelp, nil},
		{"no further one", []string{"其他专项支持", "第5条", "下一条"}, bot.ActClarify, nil},
		{"a suggestion taken by its number", []string{"香港AEO有什么优惠", "2"}, bot.ActAnswer, []string{"海关直接激励措施/1"}},
		{"a number after another turn is no choice", []string{"香港AEO有什么优惠", "谢谢", "2"}, bot.ActClarify, nil},
		{"one measure of an answer to pass on", []string{"其他专项支持", "把第3条转发给客户"}, bot.ActCommand, []string{"其他专项支持/3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := talk(t, bot.New(l, store(t), bot.Options{}), tt.said...)
			got := ids(r)
			if tt.name == "a suggestion taken by its number" && len(got) > 0 {
				got = got[:1]
			}
			if strings.Contains(r.Text, "%!") {
				t.Errorf("%q: a sentence is not filled in: %s", tt.said, r.Text)
			}
			if r.Act != tt.act || !slices.Equal(got, tt.want) {
				t.Errorf("%q: %s %v, want %s %v: %s", tt.said, r.Act, got, tt.act, tt.want, r.Text)
			}
		})
	}
}

func TestOtherTopicsComeInOrderWithAnOverview(t *testing.T) {
	r := talk(t, bot.New(live(t), store(t), bot.Options{}), "海关直接激励措施", "跨部门联合激励措施", "还有其他支持吗")
	if r.Act != bot.ActMore || !strings.HasPrefix(r.Text, "还有 3 个方面：优先通关实现方式（6条）、地方政府特色支持（6条）、其他专项支持（5条）") || len(r.Shown) != 17 {
		t.Errorf("%s, %d shown: %s", r.Act, len(r.Shown), r.Text)
	}
	e := bot.New(live(t), store(t), bot.Options{})
	if r := talk(t, e, "AEO有什么好处", "还有其他支持吗"); len(r.Shown) != 0 || r.Act != bot.ActMore {
		t.Errorf("after everything: %+v", r)
	}
}

func TestGroupsGetShortReplies(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	r := answer(t, e, bot.Message{Chat: "g", Asker: "u", Text: "海关对AEO企业有何激励?优先通关如何实现?还有其他支持吗?", Surface: screen})
	if len(r.Shown) > 15 || r.Remaining != 36-len(r.Shown) || !strings.Contains(r.Text, "回复“更多”继续看") {
		t.Errorf("%d shown, %d remain", len(r.Shown), r.Remaining)
	}
	if len(r.Parts) != 3 || strings.Count(r.Text, "问：") != 3 {
		t.Errorf("not every question has its block: %+v", r.Parts)
	}
	if one := answer(t, e, bot.Message{Asker: "u", Text: "AEO有什么好处", Surface: screen}); len(one.Shown) != 36 {
		t.Errorf("one-to-one: %d shown, want all 36", len(one.Shown))
	}
}

// TestQuotesAreRecognisedByTheirWords: another process, no memory, other topics in
// between.
func TestQuotesAreRecognisedByTheirWords(t *testing.T) {
	l := live(t)
	quote := func(e *bot.Engine, q, text string) bot.Reply {
		return answer(t, e, bot.Message{Asker: "u", Text: text, Quote: q, Surface: screen})
	}
	reply := answer(t, bot.New(l, nil, bot.Options{}), bot.Message{Text: "地方政府特色支持", Surface: screen}).Text
	plain := answer(t, bot.New(l, nil, bot.Options{}), bot.Message{Text: "其他专项支持"}).Text
	e := bot.New(l, store(t), bot.Options{})
	talk(t, e, "海关直接激励措施")
	for _, tt := range []struct {
		name, quote, text, act string
		want                   []string
	}{
		{"number", reply, "第2条", bot.ActDetail, []string{"地方政府特色支持/2"}},
		{"number, plain surface", plain, "第2条", bot.ActDetail, []string{"其他专项支持/2"}},
		{"forward", plain, "转发", bot.ActCommand, []string{"其他专项支持/1", "其他专项支持/2", "其他专项支持/3", "其他专项支持/4", "其他专项支持/5"}},
		{"cut off by the platform", strings.Split(reply, "5、")[0] + "5、开展信用修复服务和…", "最后一条", bot.ActDetail, []string{"地方政府特色支持/5"}},
		{"a colleague's question", "老王：AEO能免除担保吗？", "这个呢", bot.ActAnswer, []string{"海关直接激励措施/5"}},
		{"a colleague's question, nothing else said", "AEO能免除担保吗？", "", bot.ActAnswer, []string{"海关直接激励措施/5"}},
		{"all of an answer, nothing else said", plain, "", bot.ActDetail, []string{"其他专项支持/1", "其他专项支持/2", "其他专项支持/3", "其他专项支持/4", "其他专项支持/5"}},
		{"a colleague's question to the bot", "@小知 AEO能免除担保吗？", "@小知", bot.ActAnswer, []string{"海关直接激励措施/5"}},
		{"a question of its own", plain, "能免除担保吗", bot.ActAnswer, []string{"海关直接激励措施/5"}},
		{"nothing of ours", "明天下午三点开会", "第2条", bot.ActClarify, nil},
	} {
		if r := quote(e, tt.quote, tt.text); r.Act != tt.act || !slices.Equal(ids(r), tt.want) {
			t.Errorf("%s: %s %v, want %s %v: %s", tt.name, r.Act, ids(r), tt.act, tt.want, r.Text)
		}
	}
}

const article = `AEO支持
2026-01-07

地方支持
1.提供专项奖励资金
2.支持企业用地
3.提供免费辅导
`

// knowledgeOf builds an index over an article of its own.
func knowledgeOf(t testing.TB, text, notes string) *index.Generation {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{"a.txt": text, "a.notes.yaml": notes} {
		if content == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	library, err := knowledge.Load([]string{folder}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := index.Build(t.Context(), library, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestKnowledgeChangedInBetween(t *testing.T) {
	changed := strings.ReplaceAll(article, "支持企业用地", "优先保障企业用地指标")
	shorter := strings.ReplaceAll(article, "地方支持", "各地做法")
	for _, tt := range []struct {
		name, after, text string
		act               string
		shown             []string
		says              string
	}{
		{"the current wording", changed, "第2条", bot.ActDetail, []string{"优先保障企业用地指标"}, "知识库在这之间更新过"},
		{"to be passed on", changed, "转发", bot.ActCommand, []string{"提供专项奖励资金", "优先保障企业用地指标", "提供免费辅导"}, ""},
		{"gone", shorter, "第2条", bot.ActClarify, nil, "已经不在了"},
		{"the same", article, "第2条", bot.ActDetail, []string{"支持企业用地"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &index.Live{}
			swap := func(g *index.Generation) {
				if err := l.Swap(g); err != nil {
					t.Fatal(err)
				}
			}
			swap(knowledgeOf(t, article, ""))
			defer swap(nil)
			e := bot.New(l, store(t), bot.Options{})
			before := talk(t, e, "地方支持")
			if len(before.Shown) != 3 {
				t.Fatalf("before: %+v", before)
			}
			swap(knowledgeOf(t, tt.after, ""))
			quoted := answer(t, bot.New(l, nil, bot.Options{}), bot.Message{Text: tt.text, Quote: before.Text, Surface: screen})
			for how, r := range map[string]bot.Reply{"remembered": talk(t, e, tt.text), "quoted": quoted} {
				var shown []string
				for _, s := range r.Shown {
					shown = append(shown, s.Text)
				}
				if how == "quoted" && tt.name == "gone" {
					continue // the words are still there, under another heading
				}
				if r.Act != tt.act || !slices.Equal(shown, tt.shown) || !strings.Contains(r.Text, tt.says) || tt.says == "" && strings.Contains(r.Text, "更新过") {
					t.Errorf("%s: %s %q: %s", how, r.Act, shown, r.Text)
				}
			}
		})
	}
}

const dated = `sections:
  - heading: 地方支持
    measures:
      - number: 1
        states:
          - {status: current, to: "2026-03-31"}
          - {status: superseded, from: "2026-04-01", note: 依据已于2026-04-01被取代。}
`

func TestTheDayDecidesWhatIsSaid(t *testing.T) {
	l := &index.Live{}
	if err := l.Swap(knowledgeOf(t, article, dated)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Swap(nil); err != nil {
			t.Error(err)
		}
	}()
	now := func() time.Time { return time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		said   []string
		day    string // as the reply names it; empty: today
		status string
	}{
		{[]string{"有没有奖励资金"}, "", "superseded"},
		{[]string{"有没有奖励资金", "2026年3月的时候呢"}, "2026-03-31", "current"},
		{[]string{"有没有奖励资金", "2026-03-31那天呢"}, "2026-03-31", "current"},
		{[]string{"有没有奖励资金", "2026年4月呢"}, "2026-04-30", "superseded"},
		{[]string{"有没有奖励资金", "去年年底的时候呢"}, "2025-12-31", "current"},
		{[]string{"有没有奖励资金", "2026年3月的时候呢", "第1条"}, "2026-03-31", "current"},
		{[]string{"有没有奖励资金", "2026年3月的时候呢", "转发"}, "2026-03-31", "current"},
		{[]string{"有没有奖励资金", "2026年3月的时候呢", "现在呢"}, "", "superseded"},
		{[]string{"有没有奖励资金", "2026年3月的时候呢", "提供免费辅导吗", "第1条"}, "", "superseded"},
		{[]string{"按2026年3月31日，有没有奖励资金"}, "2026-03-31", "current"},
	} {
		e := bot.New(l, store(t), bot.Options{Now: now})
		var r bot.Reply
		for _, text := range tt.said {
			r = answer(t, e, bot.Message{Asker: "u", Text: text, Surface: screen})
		}
		if len(r.Shown) != 1 || r.Shown[0].Status != tt.status || tt.day != "" && !strings.Contains(r.Text, "按 "+tt.day+" 的情况作答") && !strings.Contains(r.Text, "以上为 "+tt.day+" 的情况") ||
			tt.day == "" && strings.Contains(r.Text, "的情况作答") || strings.Contains(r.Text, "被取代") != (tt.status == "superseded") {
			t.Errorf("%q: %+v %s", tt.said, r.Shown, r.Text)
		}
	}
}

// list takes unanswered questions.
type list struct {
	mu  sync.Mutex
	got []bot.Miss
	err error
}

func (l *list) Miss(_ context.Context, m bot.Miss) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, m)
	return l.err
}

func TestRefusalsHaveANextStep(t *testing.T) {
	kept := &list{}
	e := bot.New(live(t), store(t), bot.Options{Unanswered: kept})
	for _, tt := range []struct {
		text, says string
		kept       bool
	}{
		{"AEO认证费用多少钱", "认证费用", true},
		{"香港AEO有什么优惠", "港澳台", true},
		{"免担保能省多少利息", "", true},
		{"写首诗", "随时问我", false},
		{"明天会下雨吗", "随时问我", false},
		{"我老公又加班", "随时问我", false},
	} {
		kept.got = nil
		r := answer(t, e, message("m-"+tt.text, "u", tt.text))
		if r.Answered || len(r.Shown) > 0 || !strings.Contains(r.Text, tt.says) || (len(r.Suggestions) > 0) != tt.kept || len(r.Suggestions) > 3 {
			t.Errorf("%q: %+v", tt.text, r)
		}
		if said := strings.Contains(r.Text, "待答清单"); said != tt.kept || len(kept.got) > 0 != tt.kept {
			t.Errorf("%q: says that it is kept: %v, kept: %+v", tt.text, said, kept.got)
		}
		if tt.kept && (kept.got[0].Question != tt.text || kept.got[0].Message == "" || kept.got[0].Channel != "aibot") {
			t.Errorf("%q: kept as %+v", tt.text, kept.got)
		}
		for _, s := range r.Suggestions {
			if again := answer(t, e, message("", "other", s)); !again.Answered {
				t.Errorf("%q: the suggestion %q has no answer", tt.text, s)
			}
		}
	}
	kept.err = errors.New("away")
	if r := answer(t, e, message("x", "u", "AEO认证费用多少钱")); strings.Contains(r.Text, "待答清单") {
		t.Errorf("says that it is kept, but it is not: %s", r.Text)
	}
	kept.got, kept.err = nil, nil
	if r := answer(t, e, message("y", "u", "能免除担保吗？认证费多少钱？")); !strings.Contains(r.Text, "待答清单") || len(kept.got) != 1 || kept.got[0].Question != "认证费多少钱？" {
		t.Errorf("an unanswered part is not kept: %+v %s", kept.got, r.Text)
	}
}

func TestNoiseAroundAQuestion(t *testing.T) {
	e := bot.New(live(t), nil, bot.Options{})
	for _, text := range []string{
		"你好，请问能免除担保吗？谢谢！", "@AEO助手 能免除担保吗", "在吗？能免除担保吗？", "各位老师好，麻烦问一下，能免除担保吗，急，在线等",
		"能免除担保吗\n\n--\n王小明\n某某供应链有限公司\n电话：13800000000\nwang@example.com", "能免除担保吗？\n发自我的iPhone",
		"能免除担保吗，对吧？", "Hi，\n能免除担保吗？\nBest regards,\nTom",
		"上周我们报关的时候现场关员说要交保证金，财务那边很为难，老板也一直在催这件事，我自己翻了半天资料没有看明白。想问的是：AEO企业能免除担保吗？",
	} {
		r := answer(t, e, message("", "u", text))
		if got := ids(r); len(got) == 0 || got[0] != "海关直接激励措施/5" || len(r.Parts) != 1 {
			t.Errorf("%q: %v, %d parts", text, got, len(r.Parts))
		}
	}
	if r := answer(t, e, message("", "u", strings.Repeat("很长", 2000))); r.Act != bot.ActClarify || !strings.Contains(r.Text, "太长") {
		t.Errorf("too long: %+v", r)
	}
	if r := answer(t, e, message("", "u", " 。 ")); r.Act != bot.ActHelp || len(r.Shown) > 0 {
		t.Errorf("empty: %+v", r)
	}
}
