package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// standing is what an asker is told of a measure on a day: its status, and the words
// under it, or some of them.
type standing struct{ status, note string }

// turning is a day on which what the shipped notes say changes, for the items it
// changes for, and what is said on the day before and on the day.
type turning struct {
	items       []string
	day         string
	before, now standing
}

const (
	directHeading, priorityHeading, jointHeading, localHeading, otherHeading = "海关直接激励措施", "优先通关实现方式", "跨部门联合激励措施", "地方政府特色支持", "其他专项支持"

	no251       = "海关总署令第251号2021-11-01起施行；此前的规定没有核对"
	inferred    = "没有读到条文，是按第237号令的同类清单推断的"
	below20     = "低于常规企业平均查验率的20%，法律法规或海关总署另有规定的除外"
	origin20    = "在企业平均抽查比例的20%以下，法律法规或海关总署另有规定的除外"
	replaced    = "依据的海关总署令第251号已于2026-04-01由第282号令取代；新令是否保留本项尚未核对原文"
	noMemo      = "联合激励合作备忘录2016-11-01宣布实施；此前的做法没有核对"
	memo        = "总依据是2016年联合激励合作备忘录，对象只写高级认证企业；本项条文和现行效力尚未核实"
	coordinator = "依据是企业协调员管理公告（2019-01-01起），对象只写高级认证企业"
)

func items(heading string, numbers ...int) (all []string) {
	for _, n := range numbers {
		all = append(all, fmt.Sprintf("%s/%d", heading, n))
	}
	return all
}

// turnings is every date of the shipped notes, from both sides.
var turnings = []turning{
	{items(directHeading, 1), "2021-11-01", standing{"unsure", no251}, standing{"current", below20}},
	{items(directHeading, 2), "2021-11-01", standing{"changed", "第251号新增的，2021-11-01起施行"}, standing{"current", origin20}},
	{items(directHeading, 4), "2021-11-01", standing{"changed", "第251号新增的，2021-11-01起施行"}, standing{"current", ""}},
	{append(items(directHeading, 3, 5, 6, 7), items(priorityHeading, 4)...), "2021-11-01", standing{"unsure", no251}, standing{"current", ""}},
	{items(directHeading, 9, 12), "2021-11-01", standing{"unsure", no251}, standing{"current", inferred}},
	{items(localHeading, 4), "2021-11-01", standing{"unsure", no251}, standing{"current", "海关信用培育有海关总署令第251号的依据"}},
	{items(localHeading, 5), "2021-11-01", standing{"unsure", no251}, standing{"current", "海关信用修复有海关总署令第251号的依据"}},
	{items(directHeading, 8), "2019-01-01", standing{"unsure", "企业协调员管理公告2019-01-01起施行；此前的规定没有核对"}, standing{"current", coordinator}},

	{items(directHeading, 1), "2026-04-01", standing{"current", below20}, standing{"superseded", replaced}},
	{items(directHeading, 2), "2026-04-01", standing{"current", origin20}, standing{"superseded", replaced}},
	{append(items(directHeading, 3, 4, 5, 6, 7), items(priorityHeading, 4)...), "2026-04-01", standing{"current", ""}, standing{"superseded", replaced}},
	{items(directHeading, 8), "2026-04-01", standing{"current", coordinator}, standing{"superseded", "企业协调员管理公告（2019-01-01起）是否仍有效尚未核实"}},
	{items(directHeading, 9), "2026-04-01", standing{"current", inferred}, standing{"superseded", "各互认安排中的同类便利不受影响"}},
	{items(directHeading, 10), "2026-04-01", standing{"current", ""}, standing{"current", "“认证企业”能否被互认国家（地区）海关承认，尚未核实"}},
	{items(directHeading, 12), "2026-04-01", standing{"current", inferred}, standing{"superseded", "署稽发〔2024〕36号等通知未见废止"}},
	{items(localHeading, 4), "2026-04-01", standing{"current", "海关信用培育有海关总署令第251号的依据"}, standing{"superseded", "新条文尚未核对；地方的免费辅导各地不同"}},
	{items(localHeading, 5), "2026-04-01", standing{"current", "海关信用修复有海关总署令第251号的依据"}, standing{"changed", "扩大了信用修复，失信信息也可修复；各档期限尚未核到"}},
	{[]string{"AEO认证简介"}, "2026-04-01", standing{"current", "本文正文没有写"}, standing{"changed", "增设“认证企业”一档，行业网站说也属AEO，尚未核对原文"}},

	{items(directHeading, 11), "2016-11-01", standing{"unsure", noMemo}, standing{"unsure", "现在是否仍有效尚未核实，未见废止，也未见续期"}},
	{items(jointHeading, 1, 5, 6, 7), "2016-11-01", standing{"unsure", noMemo}, standing{"unsure", memo}},
	{items(jointHeading, 2), "2016-11-01", standing{"unsure", noMemo}, standing{"unsure", "由哪家办理、条文怎么写，都尚未核实"}},
	{items(jointHeading, 3), "2016-11-01", standing{"unsure", noMemo}, standing{"unsure", "不等于银行承诺放款"}},
	{items(jointHeading, 4), "2016-11-01", standing{"unsure", noMemo}, standing{"unsure", "落户请以当地规定为准"}},
	{items(jointHeading, 1), "2023-02-10", standing{"unsure", memo}, standing{"changed", "境外发债自2023-02-10起由备案改为审核登记；本条其余各项"}},
	{items(jointHeading, 1), "2023-10-20", standing{"changed", "境外发债自2023-02-10起由备案改为审核登记；本条其余各项"}, standing{"changed", "企业债2023-10-20起归证监会审核"}},

	{items(priorityHeading, 5), "2018-10-30", standing{"unsure", "预约通关的公告2018-10-30起施行；此前的规定没有核对"}, standing{"unsure", "高级认证企业提前8小时、一般企业提前24小时预约通关；现在是否有效"}},

	{items(otherHeading, 2), "2023-10-11", standing{"unsure", "公告2023年第127号2023-10-11起施行；此前的规定没有核对"}, standing{"current", "适用海关总署公告2023年第127号"}},
	{items(otherHeading, 2), "2024-07-22", standing{"current", "适用海关总署公告2023年第127号"}, standing{"current", "按公告2024年第87号，高级认证企业1年内主动披露不罚"}},
	{items(otherHeading, 2), "2025-10-11", standing{"current", "按公告2024年第87号"}, standing{"changed", "第87号是否仍适用未核实"}},
	{items(otherHeading, 2), "2027-07-01", standing{"changed", "公告2025年第194号"}, standing{"unsure", "有效期到2027-06-30，此后的规定尚未核实"}},
}

// TestBothSidesOfEveryDate asks for each measure on the day before each date of its
// notes and on the day itself.
func TestBothSidesOfEveryDate(t *testing.T) {
	e := bot.New(live(t), nil, bot.Options{})
	for _, turn := range turnings {
		for _, item := range turn.items {
			on(t, e, item, dayBefore(t, turn.day), turn.before)
			on(t, e, item, turn.day, turn.now)
		}
	}
}

// on holds what is said of an item on a day.
func on(t *testing.T, e *bot.Engine, item, day string, want standing) {
	t.Helper()
	question := item
	if heading, number, ok := strings.Cut(item, "/"); ok {
		question = heading + "第" + number + "条"
	}
	r := answer(t, e, bot.Message{Text: question, Day: day, Surface: bot.Surface{MaxPages: 1}})
	if len(r.Shown) != 1 || r.Shown[0].Status != want.status || !strings.Contains(r.Shown[0].Note, want.note) || want.note == "" && r.Shown[0].Note != "" {
		t.Errorf("%s on %s: got %+v, want %+v", item, day, r.Shown, want)
		return
	}
	if !strings.Contains(r.Text, want.note) {
		t.Errorf("%s on %s: the note does not stand in %q", item, day, r.Text)
	}
}

func dayBefore(t *testing.T, day string) string {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return at.AddDate(0, 0, -1).Format(time.DateOnly)
}

// TestEveryDateOfTheNotesIsATurning: a date that is added to the notes belongs in the
// table above.
func TestEveryDateOfTheNotesIsATurning(t *testing.T) {
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]bool{}
	for _, turn := range turnings {
		for _, item := range turn.items {
			held[item+" "+turn.day] = true
		}
	}
	for _, p := range l.Passages() {
		item := p.Heading
		if p.Number > 0 {
			item = items(p.Heading, p.Number)[0]
		}
		for _, s := range p.Notes.States {
			if s.From != "" && !held[item+" "+s.From] {
				t.Errorf("%s: %s is in no row of the table", item, s.From)
			}
		}
	}
}
