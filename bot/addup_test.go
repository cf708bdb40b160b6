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
	{"spoken, then", func(q []string) string { return strings.Join(q, "然后就是") }},
	{"spoken, asking on", func(q []string) string { return strings.Join(q, "再问下") }},
	{"one is", func(q []string) string {
		return "领导问了几件事我没答上来，一个是" + strings.Join(q, "，一个是")
	}},
	{"ordinals without a mark", func(q []string) string {
		var b strings.Builder
		for i, s := range q {
			fmt.Fprintf(&b, "第%c个呢就是%s", []rune("一二三四五六七")[i], s)
		}
		return b.String()
	}},
	{"please, semicolons", func(q []string) string { return "请问" + strings.Join(q, "；") }},
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
		"请问降级以后多久能再申请；协调员是固定的吗；周末有人接热线吗":                     {"降级", "协调员", "热线"},
		"落户、签证、上牌":                                           {"落户", "签证", "上牌"},
		"核查；商标；用地":                                           {"核查", "商标", "用地"},
		"稽查 商标 融资":                                           {"稽查", "商标", "融资"},
		"核查、落户、担保有什么优惠":                                      {"核查", "落户", "担保有什么优惠"},
		"查验、税、担保":                                            {"查验", "税", "担保"},
		"稽查 频次":                                              {"稽查 频次"},
		"年报忘了报怎么办另外信用能修复吗":                                   {"年报", "信用"},
		"老板开会问了三个事我都没答上来，一个是查验率会不会降，一个是保证金能不能免，一个是食堂搬去哪了":   {"查验率", "保证金", "食堂"},
		"一是想问协调员怎么找，再一个商标被抢注有没有人帮":                          {"协调员", "商标"},
		"第一个就是去国外参展有没有优先第二个就是老板的孩子上学有没有照顾第三个呢就是那个用地能不能便宜一点": {"参展", "孩子上学", "用地"},
		"首先想知道协调员能不能帮我们催查验，其次想知道授信能不能提高，最后问问停车场怎么收费":        {"协调员", "授信", "停车场"},
		"稽查系咪少啲，仲有担保使唔使俾":                    {"稽查", "担保"},
		"专用窗口在哪同埋预约通关点样约":                    {"专用窗口", "预约通关"},
		"想了解下用地有没有优惠然后就是落户能不能快一点":            {"用地", "落户"},
		"担保能免吗再问下国际展会补贴有没有":                  {"担保", "展会"},
		"能不能先放行后检验。还想问报关员工资多少":               {"放行", "工资"},
		"有没有奖励资金对了贸易摩擦有没有人帮我们应诉":             {"奖励资金", "贸易摩擦"},
		"担保能免吗，稽查能少吗。另外还有：1. 食堂在哪 2. 有没有协调员": {"担保", "稽查", "食堂", "协调员"},
		"能不能给句准话：免担保到底行不行？":                  {"免担保"},
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
	for said, topic := range map[string]string{"年审怎么做": "", "联系电话": "", "9710是什么意思": "", "内控台账有没有样表": "", "报关员证书丢了怎么补": "", "出口退税款多少天到账": "出口退税的办理"} {
		for _, message := range []string{said, "能免担保吗？" + said + "？"} {
			r := answer(t, engine, bot.Message{Asker: "u", Text: message})
			asked := topic == "" && (strings.Contains(r.Text, "没有提到“"+said+"”") || strings.Contains(r.Text, "没有提到这一点"))
			if named := topic != "" && strings.Contains(r.Text, "没有提到"+topic); named == asked || strings.Contains(r.Text, "不敢") {
				t.Errorf("%s: got %s", message, r.Text)
			}
		}
	}
}
