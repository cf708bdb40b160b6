package bot_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"aeobot/bot"
	"aeobot/index/eval"
)

var (
	// followUp is what only a conversation understands.
	followUp = regexp.MustCompile(`回复“|回复数字|“更多”|“转发”|告诉我|/更多|/转发|/清空|想问“[^”]*”吗`)
	// toAsk is what a reply says can be asked.
	toAsk = regexp.MustCompile(`问“([^”]+)”看全文|例如：([^。？]+[。？])`)
)

// TestWithoutMemoryNoFollowUpIsOffered: where every message stands alone, a reply names
// only what can be asked by itself, and that is answered.
func TestWithoutMemoryNoFollowUpIsOffered(t *testing.T) {
	e := bot.New(live(t), nil, bot.Options{Unanswered: takesAll{}, Wishes: takesAll{}})
	said := []string{"更多", "第3条", "转发", "告诉我", "返回", "/帮助", "/没有这个", "你好", "谢谢", "认证", "还有呢", "上一条", "不对", "2026-01-07", "海关直接激励措施第99条", "企业好处都有啥"}
	said = append(said, devQuestions(t)...)
	offered := map[string]bool{}
	for _, text := range said {
		r := answer(t, e, bot.Message{Text: text, Day: "2026-11-23", Surface: bot.Surface{Name: "terminal"}})
		if bad := followUp.FindString(r.Text); bad != "" {
			t.Errorf("%q is answered with the follow-up %q, in %q", text, bad, r.Text)
		}
		for _, m := range toAsk.FindAllStringSubmatch(r.Text, -1) {
			offered[m[1]+strings.TrimRight(m[2], "。")] = true
		}
	}
	if len(offered) < 10 {
		t.Fatalf("only %d questions were offered; the test looks at nothing", len(offered))
	}
	for text := range offered {
		if r := answer(t, e, bot.Message{Text: text, Day: "2026-11-23"}); !r.Answered {
			t.Errorf("%q is offered and not answered: %q", text, r.Text)
		}
	}
}

// takesAll keeps every question and every wish.
type takesAll struct{}

func (takesAll) Miss(context.Context, bot.Miss) error { return nil }
func (takesAll) Wish(context.Context, bot.Wish) error { return nil }
func (takesAll) Reaches(bot.Address) bool             { return true }

// devQuestions are the judged questions, single and compound.
func devQuestions(t *testing.T) (all []string) {
	t.Helper()
	for _, name := range []string{"dev-single", "dev-outofscope"} {
		questions, err := eval.ReadQuestions("../index/eval/questions/" + name + ".jsonl")
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range questions {
			all = append(all, q.Question)
		}
	}
	compounds, err := eval.ReadCompounds("../index/eval/questions/dev-compound.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range compounds {
		all = append(all, q.Question)
	}
	return all
}

// TestComposeOffersNoFollowUp: what is composed for later is not remembered, and 更多 would
// go on with something else.
func TestComposeOffersNoFollowUp(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{Wishes: takesAll{}})
	m := message("", "u", "认证")
	if r := answer(t, e, m); !strings.Contains(r.Text, "回复“更多”") {
		t.Fatalf("the question has no follow-up to begin with: %q", r.Text)
	}
	r, err := e.Compose(t.Context(), m, "现在有答案了：")
	if err != nil {
		t.Fatal(err)
	}
	if bad := followUp.FindString(r.Text); bad != "" || !strings.Contains(r.Text, "请连同标题再问") {
		t.Errorf("got the follow-up %q in %q", bad, r.Text)
	}
}
