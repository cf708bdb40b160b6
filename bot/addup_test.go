package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"aeobot/bot"
)

// known are questions that are answered and some that are not, none like its neighbours.
var known = []string{
	"查验率会降低吗", "担保可以免吗", "认证费用是多少", "有没有协调员", "预约通关怎么约", "人才能落户吗", "车辆上牌多少钱",
	"融资有支持吗", "用地有优惠吗", "有没有奖励资金", "主动披露有什么好处", "协调员电话是多少", "有没有专用窗口", "货没到可以提前申报吗",
	"贸易摩擦有人帮吗", "信用修复有服务吗",
}

// joinings put questions into one message, as people do.
var joinings = []struct {
	name string
	join func(q []string) string
}{
	{"question marks", func(q []string) string { return strings.Join(q, "？") + "？" }},
	{"question marks but for the last", func(q []string) string { return strings.Join(q, "？") }},
	{"stops", func(q []string) string { return strings.Join(q, "。") + "。" }},
	{"semicolons", func(q []string) string { return strings.Join(q, "；") }},
	{"commas", func(q []string) string { return strings.Join(q, "，") }},
	{"commas and a mark", func(q []string) string { return strings.Join(q, "，") + "？" }},
	{"lines", func(q []string) string { return strings.Join(q, "\n") }},
	{"besides", func(q []string) string { return strings.Join(q, "，另外") }},
	{"and also", func(q []string) string { return strings.Join(q, "？还有") }},
	{"and", func(q []string) string { return strings.Join(q, "，以及") }},
	{"by the way", func(q []string) string { return strings.Join(q, "，顺便问下") }},
	{"numbers", func(q []string) string {
		var b strings.Builder
		for i, s := range q {
			fmt.Fprintf(&b, "%d. %s\n", i+1, s)
		}
		return b.String()
	}},
	{"commas, then besides", func(q []string) string {
		return strings.Join(q[:len(q)-1], "，") + "，另外" + q[len(q)-1]
	}},
	{"a story", func(q []string) string {
		tale := strings.Repeat("上周客户来厂里看货，聊了一下午，晚上又开会到很晚。", 8)
		return tale + strings.Join(q, "？"+tale) + "？"
	}},
}

// TestNoQuestionDisappears: whatever joins them, the parts of a reply are the questions of
// the message, in order, and the text answers or names each.
func TestNoQuestionDisappears(t *testing.T) {
	engine := bot.New(live(t), nil, bot.Options{})
	for _, j := range joinings {
		for k := 2; k <= 7; k++ {
			for from := range known {
				var asked []string
				for i := range k {
					asked = append(asked, known[(from+i)%len(known)])
				}
				message := j.join(asked)
				if len([]rune(message)) > 2000 {
					continue
				}
				checkParts(t, engine, j.name, message, asked, bot.Surface{Name: "wide", MaxPages: 1})
			}
		}
	}
}

func checkParts(t *testing.T, engine *bot.Engine, name, message string, asked []string, s bot.Surface) bot.Reply {
	t.Helper()
	r, err := engine.Answer(t.Context(), bot.Message{Asker: "u", Text: message, Surface: s})
	if err != nil {
		t.Fatal(err)
	}
	same := len(r.Parts) == len(asked)
	for i := 0; same && i < len(asked); i++ {
		same = strings.Contains(r.Parts[i].Question, asked[i])
	}
	if !same {
		t.Errorf("%s: %q has the parts %v", name, message, r.Parts)
	}
	return r
}
