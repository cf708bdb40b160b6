package index_test

import (
	"slices"
	"testing"

	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// foreign are small documents about other things, that stand before the article.
var foreign = map[string]string{
	"a-travel.txt": "差旅管理规定\n2026-05-01\n\n一、差旅标准\n1、住宿费每晚不超过400元\n2、乘坐高铁二等座\n3、市内交通实报实销\n4、餐补每天100元\n5、出差须提前三天申请\n",
	"a-leave.txt":  "员工休假管理办法\n2026-03-01\n\n一、年假\n1、工作满一年享受5天年假\n\n二、福利支持\n1、公司提供午餐补贴\n2、优秀员工给予奖励\n",
	"a-bonus.txt":  "销售团队激励方案\n2026-01-15\n\n一、激励措施\n1、超额完成任务给予奖金\n2、优秀员工优先晋升\n",
	"a-visit.md":   "# 办公楼访客须知\n\n来访请提前预约,前台优先办理登记。\n\n## 停车\n\n访客车辆可享受两小时免费停车优惠。\n",
	"a-safety.txt": "办公室安全守则\n2026-03-09\n\n1、离开时关闭电源\n2、访客须登记\n3、门禁卡不得转借\n4、AEO认证检查期间须佩戴工牌\n5、贵重物品锁入柜中\n",
	"a-whale.txt":  "跨境蓝鲸便利办法\n2026-01-10\n\n一、蓝鲸通关便利\n1、蓝鲸企业抽检比例为百分之三\n2、蓝鲸窗口免排队\n",
	"a-help.txt":   "IT Helpdesk Guide\n2026-02-02\n\n1. Reset password via portal\n2. Priority support for managers\n",
}

// besideAll names one measure and speaks of 便利, as a heading elsewhere does.
const besideAll = "公安那边有什么便利"

// TestAllMeansWhatIsSpokenOf: a document about something else changes nothing in what a
// question gets that asks for all there is in the field, and is given whole when it is named.
func TestAllMeansWhatIsSpokenOf(t *testing.T) {
	alone := shipped(t)
	files := map[string][]byte{}
	for _, name := range []string{"aeo-incentives.txt", "aeo-incentives.notes.yaml"} {
		data, err := articles.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	sections := func(found []*knowledge.Section) (ids []string) {
		for _, s := range found {
			ids = append(ids, s.ID)
		}
		return ids
	}
	for name, text := range foreign {
		with := map[string][]byte{name: []byte(text)}
		for n, data := range files {
			with[n] = data
		}
		l, err := knowledge.LoadFiles(with, articles.FS)
		if err != nil {
			t.Fatal(err)
		}
		g := build(t, l)
		for _, question := range []string{"把AEO所有的激励都列出来", "高级认证企业能享受的所有政策", "所有激励措施", "激励措施有哪些", "联和奖励的部门", "全部优惠列一下", "除了海关还有哪些优惠", besideAll} {
			want, err := alone.Search(t.Context(), question)
			if err != nil {
				t.Fatal(err)
			}
			got, err := g.Search(t.Context(), question)
			if err != nil {
				t.Fatal(err)
			}
			if question == besideAll {
				if len(got.Hits) == 0 || got.Hits[0].Passage.ID != want.Hits[0].Passage.ID {
					t.Errorf("%s beside: %s gives %v", name, question, sections(got.Sections))
				}
				continue
			}
			if len(want.Sections) == 0 || !slices.Equal(sections(got.Sections), sections(want.Sections)) {
				t.Errorf("%s beside: %s gives %v, want %v", name, question, sections(got.Sections), sections(want.Sections))
			}
		}
	}
}

// TestADocumentIsNamedByItsTitle: all of it is given, also when people leave 管理 out.
func TestADocumentIsNamedByItsTitle(t *testing.T) {
	files := map[string][]byte{}
	for name, text := range foreign {
		files[name] = []byte(text)
	}
	l, err := knowledge.LoadFiles(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := build(t, l)
	for question, want := range map[string]int{"把差旅管理规定全部列出来": 5, "差旅规定有哪些内容": 5, "员工休假管理办法的全部内容": 3, "员工休假办法都有什么": 3, "办公室安全守则列一下": 5} {
		d, err := g.Search(t.Context(), question)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Hits) != want {
			t.Errorf("%s gives %d measures, want %d", question, len(d.Hits), want)
		}
	}
}
