package knowledge_test

import (
	"strings"
	"testing"
)

// TestAddressOfABasis: a page that a basis cites has an address that can be followed, or
// none; the finding stands on its line and keeps it from being published.
func TestAddressOfABasis(t *testing.T) {
	const notes = "sha256: ''\nreferences:\n  good:\n    title: 甲\n    url: https://example.com/a?b=1\n  bad:\n    title: 乙\n    url: "
	for _, url := range []string{
		"javascript:alert(1)", "JavaScript:alert(1)", "' javascript:alert(1)'", `"java\tscript:alert(1)"`, "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://example.com/a",
		"//example.com/a", "example.com/a", "https://user:pass@example.com/", "https://example.com/<b>",
	} {
		l := load(t, map[string]string{"a.txt": "年假\n1、五天\n", "a.notes.yaml": notes + url + "\n"})
		f := l.Findings()
		if len(f) != 1 || !f[0].Refused || f[0].File != "a.notes.yaml" || f[0].Line != 8 || !strings.Contains(f[0].Mend, "https://") {
			t.Errorf("%s: findings %+v", url, f)
		}
		r := l.Documents[0].References
		if r["bad"].URL != "" || r["bad"].Title != "乙" || r["good"].URL != "https://example.com/a?b=1" {
			t.Errorf("%s: references %+v", url, r)
		}
	}
}

// TestLineOfAnAddress: findings stand where the address does.
func TestLineOfAnAddress(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		line  int
	}{
		"notes":        {map[string]string{"a.txt": "年假\n1、五天\n", "a.notes.yaml": "# 一行说明\nauthor: 王\nurl: javascript:alert(1)\n"}, 3},
		"front matter": {map[string]string{"a.md": "---\ntitle: 甲\nauthor: 王\nurl: javascript:alert(1)\n---\n# 年假\n1. 五天\n"}, 4},
	} {
		if f := load(t, tt.files).Findings(); len(f) != 1 || f[0].Line != tt.line || !f[0].Refused {
			t.Errorf("%s: %+v, want line %d", name, f, tt.line)
		}
	}
}
