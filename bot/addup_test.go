package bot_test

import (
	"fmt"
	"slices"
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
		for _, k := range []int{2, 3, 5, 7} {
			for from := 0; from < len(known); from += 3 {
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

// TestPartsAreReadAsTheyAreWritten: signs of several questions beside the plain ones.
func TestPartsAreReadAsTheyAreWritten(t *testing.T) {
	engine := bot.New(live(t), nil, bot.Options{})
	for message, asked := range map[string][]string{
		"查验、担保、稽查这三样能不能都减一点":                                 {"查验", "担保", "稽查"},
		"落户、上牌和工商登记这三件事有什么照顾":                                {"落户", "上牌", "工商登记"},
		"一是参展有没有优先，二是商标有没有人帮，三是律师费报不报销":                      {"参展", "商标", "律师费"},
		"食品能推荐到国外注册吗 / 授信看不看认证 / 年报逾期怎么办":                    {"食品", "授信", "年报"},
		"有没有专窗 有没有培育库 有没有预约查验":                               {"专窗", "培育库", "预约查验"},
		"担保能免吗。查验能少吗。食堂在哪。年假几天":                              {"担保", "查验", "食堂", "年假"},
		"Can we skip the guarantee? Is there a coordinator?": {"guarantee", "coordinator"},
		"年审怎么做？食堂在哪？":                                        {"年审", "食堂"},
		"能免担保吗？免除担保可以吗？":                                     {"能免担保", "免除担保"},
	} {
		checkParts(t, engine, "signs", message, asked, bot.Surface{MaxPages: 1})
	}
}

// TestSmallScreensNameWhatTheyLeaveOut asks more than a screen can hold: what has no
// room is named or comes by 更多, and the pages keep to the surface.
func TestSmallScreensNameWhatTheyLeaveOut(t *testing.T) {
	engine := bot.New(live(t), store(t), bot.Options{})
	for _, s := range []bot.Surface{
		{Name: "small", MaxBytes: 1500, MaxPages: 1},
		{Name: "app", MaxBytes: 2048, MaxPages: 1},
		{Name: "app", Markdown: true, MaxBytes: 2048, MaxPages: 1},
		{Name: "kf", MaxBytes: 2048, MaxPages: 4},
	} {
		for _, k := range []int{3, 5, 8, 12, 16} {
			asked := known[:k]
			r := checkParts(t, engine, s.Name, strings.Join(asked, "？")+"？", asked, s)
			for _, q := range asked {
				if !strings.Contains(r.Text, q) {
					t.Errorf("%s, %d questions: %s is not named in\n%s", s.Name, k, q, r.Text)
				}
			}
			if len(r.Pages) > s.MaxPages {
				t.Errorf("%s, %d questions: %d pages", s.Name, k, len(r.Pages))
			}
			for _, p := range r.Pages {
				if len(p) > s.MaxBytes {
					t.Errorf("%s, %d questions: a page of %d bytes", s.Name, k, len(p))
				}
			}
			wide := checkParts(t, engine, "wide", strings.Join(asked, "？")+"？", asked, bot.Surface{MaxPages: 1})
			shown := ids(r)
			for r.Remaining > 0 {
				r = answer(t, engine, bot.Message{Asker: bot.Asker(s.Name), Text: "更多", Surface: s})
				if len(r.Shown) == 0 {
					t.Fatalf("%s, %d questions: 更多 brings nothing of %d", s.Name, k, r.Remaining)
				}
				shown = append(shown, ids(r)...)
			}
			for _, id := range ids(wide) {
				if !slices.Contains(shown, id) {
					t.Errorf("%s, %d questions: %s is not reached by 更多", s.Name, k, id)
				}
			}
		}
	}
}

func checkParts(t *testing.T, engine *bot.Engine, name, message string, asked []string, s bot.Surface) bot.Reply {
	t.Helper()
	r, err := engine.Answer(t.Context(), bot.Message{Asker: bot.Asker(s.Name), Text: message, Surface: s})
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

// TestRefusalsNameNoWrongTopic: what is beside a topic is refused without its name, what is
// surely on it with it, alone and after an answer.
func TestRefusalsNameNoWrongTopic(t *testing.T) {
	engine := bot.New(live(t), store(t), bot.Options{})
	for said, topic := range map[string]string{"年审怎么做": "", "联系电话": "", "9710是什么意思": "", "出口退税款多少天到账": "出口退税的办理"} {
		for _, message := range []string{said, "能免担保吗？" + said + "？"} {
			r := answer(t, engine, bot.Message{Asker: "u", Text: message})
			if named := strings.Contains(r.Text, "没有写"); named != (topic != "") || !strings.Contains(r.Text, topic) || !named && !strings.Contains(r.Text, "没有找到这个问题的依据") {
				t.Errorf("%s: got %s", message, r.Text)
			}
		}
	}
}
