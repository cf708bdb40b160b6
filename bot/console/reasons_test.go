package console_test

import (
	"strings"
	"testing"
)

// TestWhatThePersonCanMend is said wherever it comes up, and not left to the log: names that
// clash, and files that are no knowledge.
func TestWhatThePersonCanMend(t *testing.T) {
	o := newOffice(t, nil)
	lin := o.enter("lin.yue")
	_, was, err := o.desk.Notes("aeo-incentives")
	if err != nil {
		t.Fatal(err)
	}
	text := []byte("# 关务\n\n2026-11-20\n\n## 一节\n\n1、一条\n")
	upload := func(name string) func() (int, string) {
		return func() (int, string) { return lin.upload(name, text) }
	}
	post := func(path string, fields ...string) func() (int, string) {
		return func() (int, string) { return lin.post("/console/"+path, fields...) }
	}
	for name, c := range map[string]struct {
		send func() (int, string)
		want []string
	}{
		"another format":      {upload("aeo-incentives.md"), []string{"aeo-incentives.txt", "aeo-incentives.md", "只有扩展名不同", "换一个名字"}},
		"another case":        {upload("AEO-Incentives.txt"), []string{"aeo-incentives.txt", "AEO-Incentives.txt", "只差大小写", "换一个名字"}},
		"both":                {upload("AEO-INCENTIVES.md"), []string{"AEO-INCENTIVES.md", "只差大小写", "换一个名字"}},
		"pasted":              {post("import", "title", "Aeo-Incentives", "date", "2026-11-24", "text", "周末\n1、周末也可以放行\n"), []string{"Aeo-Incentives", "只差大小写", "换一个名字"}},
		"a new measure":       {post("knowledge/measure", "title", "AEO-incentives", "date", "2026-11-24", "heading", "节", "text", "话"), []string{"AEO-incentives", "只差大小写", "换一个名字"}},
		"notes of bad form":   {post("knowledge/notes/aeo-incentives", "was", was, "do", "propose", "reason", "改", "text", "document: ["), []string{"第 1 行", "YAML"}},
		"a key written twice": {post("knowledge/notes/aeo-incentives", "was", was, "do", "propose", "reason", "改", "text", "outside: []\noutside: []\n"), []string{"第 2 行", "写了两次", "合并成一处"}},
	} {
		status, page := c.send()
		if status < 400 || status >= 500 || strings.Contains(visible(page), "日志") || strings.Contains(visible(page), "稍后") {
			t.Errorf("%s: %d\n%s", name, status, visible(page))
		}
		for _, want := range c.want {
			if !strings.Contains(visible(page), want) {
				t.Errorf("%s: no %q in\n%s", name, want, visible(page))
			}
		}
	}
}
