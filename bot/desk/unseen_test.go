package desk

import (
	"fmt"
	"strings"
	"testing"
)

// TestChatShowsNotAll: a message has no room for all that a proposal changes; it says how much
// that is and where it stands, and publishes only for who says to have read it there.
func TestChatShowsNotAll(t *testing.T) {
	for name, c := range map[string]struct {
		measures []string
		part     bool
	}{
		"some":                    {[]string{"一条", "两条", "三条"}, false},
		"many":                    {strings.Split(strings.Repeat("又一条 ", 40)+"坏话", " "), true},
		"one that is long":        {[]string{strings.Repeat("很长", 200) + "坏话"}, true},
		"as many as have room":    {strings.Fields(strings.Repeat("又一条 ", listed-2)), false},
		"one more than have room": {strings.Fields(strings.Repeat("又一条 ", listed-1)), true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newReplicas(t, stores(t)["bolt"])
			r.b.o.Link = func(path string) string { return "https://aeo.example" + path }
			var source strings.Builder
			source.WriteString("# 附录\n\n2026-11-01\n\n## 一节\n\n")
			for i, m := range c.measures {
				fmt.Fprintf(&source, "%d. %s，第%d\n", i+1, m, i+1)
			}
			made, err := r.a.Import(map[string][]byte{"附录.md": []byte(source.String())}, "导入", "Lin.Yue")
			if err != nil {
				t.Fatal(err)
			}
			p, err := r.a.Propose(t.Context(), "", made)
			if err != nil {
				t.Fatal(err)
			}
			r.a.work.Wait()
			r.tends(r.a, r.b)
			count := fmt.Sprintf("%d 处", len(c.measures)+2) // the document and its section, too
			first := r.says(r.b, "wang", "/准 "+p.ID)
			if !strings.Contains(first, "还没有发布") || !strings.Contains(first, count) {
				t.Errorf("%s", first)
			}
			if !c.part {
				if got := r.says(r.b, "wang", "/准 "+p.ID); !strings.Contains(got, "已发布版本 1") {
					t.Errorf("all of it was shown: %s", got)
				}
				return
			}
			for range 2 {
				if got := r.says(r.b, "wang", "/准 "+p.ID); !strings.Contains(got, "还没有发布") || !strings.Contains(got, "https://aeo.example/console/proposals/"+p.ID) ||
					!strings.Contains(got, "/准 "+p.ID+" "+allRead) || r.versions() != 0 {
					t.Errorf("%s", got)
				}
			}
			if got := r.says(r.b, "zhao", "/准 "+p.ID+" "+allRead); !strings.Contains(got, "还没有发布") || r.versions() != 0 {
				t.Errorf("who was never shown anything: %s", got)
			}
			if got := r.says(r.b, "wang", "/准 "+p.ID+" "+allRead); !strings.Contains(got, "已发布版本 1") {
				t.Errorf("%s", got)
			}
		})
	}
}

// TestContrast: of two long texts what differs is shown.
func TestContrast(t *testing.T) {
	same := strings.Repeat("相同的话", 50)
	for _, c := range [][4]string{
		{"", "新的", "", "新的"}, {"旧的", "", "旧的", ""}, {"甲", "乙", "甲", "乙"}, {"甲甲", "甲甲甲", "甲甲", "甲甲甲"},
		{same + "可以" + same, same + "不能" + same, "…" + same[len(same)-36:] + "可以" + same[:36] + "…", "…" + same[len(same)-36:] + "不能" + same[:36] + "…"},
		{same, same + "坏话", "…" + same[len(same)-36:], "…" + same[len(same)-36:] + "坏话"},
	} {
		if was, is := contrast(c[0], c[1]); was != c[2] || is != c[3] {
			t.Errorf("%q → %q:\n%q, %q\nwant %q, %q", c[0], c[1], was, is, c[2], c[3])
		}
	}
}
