package knowledge_test

import (
	"slices"
	"strings"
	"testing"

	"aeobot/knowledge"
)

// load reads files that must be readable.
func load(t *testing.T, files map[string]string) *knowledge.Library {
	t.Helper()
	data := map[string][]byte{}
	for name, text := range files {
		data[name] = []byte(text)
	}
	l, err := knowledge.LoadFiles(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestProvenanceIsReadFromFrontMatterAndNotes(t *testing.T) {
	const body = "# 年假\n1. 满一年的有5天\n"
	const front = "---\ntitle: 请假办法\nurl: https://hr.example.com/a\nauthor: 人事部\nread: 全文\n---\n" + body
	tests := []struct {
		name, source, notes string
		want                knowledge.Provenance
	}{
		{"none", body, "", knowledge.Provenance{}},
		{"front matter", front, "", knowledge.Provenance{URL: "https://hr.example.com/a", Author: "人事部", Read: "全文"}},
		{"notes", body, "url: http://hr.example.com/b?id=1&x=2\nread: 开头\n", knowledge.Provenance{URL: "http://hr.example.com/b?id=1&x=2", Read: "开头"}},
		{"the notes win", front, "url: https://hr.example.com/b\n", knowledge.Provenance{URL: "https://hr.example.com/b", Author: "人事部"}},
		{"each for itself", front, "author: 王 工\n", knowledge.Provenance{URL: "https://hr.example.com/a", Author: "王 工", Read: "全文"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"a.md": tt.source}
			if tt.notes != "" {
				files["a.notes.yaml"] = tt.notes
			}
			l := load(t, files)
			if got := l.Documents[0].Provenance; got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if f := l.Findings(); len(f) > 0 {
				t.Error(f)
			}
		})
	}
}

// TestAddressThatCouldBeMarkupIsLeftOut: it is quoted as it stands, so it may hold
// nothing but an address.
func TestAddressThatCouldBeMarkupIsLeftOut(t *testing.T) {
	for _, url := range []string{
		"javascript:alert(1)", "ftp://example.com/a", "example.com/a", "https://", "https:///a", "https://user:pass@example.com/", "https://example.com/a b",
		"https://example.com/[a](b)", "https://example.com/<@all>", "https://example.com/**a**", "https://example.com/`a`", "https://例子.中国/", "https://example.com/年假",
		"https://example.com/\u200b", "https://example.com/" + strings.Repeat("a", 500), "HTTPS://EXAMPLE.COM", "https://example.com:port/",
	} {
		for name, files := range map[string]map[string]string{
			"notes":        {"a.txt": "年假\n1、五天\n", "a.notes.yaml": "url: " + quoted(url) + "\n"},
			"front matter": {"a.md": "---\ntitle: 甲\nurl: " + quoted(url) + "\n---\n# 年假\n1. 五天\n"},
		} {
			l := load(t, files)
			if got := l.Documents[0].Provenance; got.Known() {
				t.Errorf("%s, %q: got %+v, want nothing known", name, url, got)
			}
			f := slices.DeleteFunc(l.Findings(), func(f knowledge.Finding) bool { return strings.Contains(f.Message, "看不见") })
			if len(f) != 1 || !strings.Contains(f[0].Message, "网址") || f[0].File == "" {
				t.Errorf("%s, %q: findings %v", name, url, f)
			}
		}
	}
}

func quoted(s string) string { return "'" + s + "'" }

func TestChangedAddressIsSeenInReview(t *testing.T) {
	was := load(t, map[string]string{"a.txt": "年假\n1、五天\n", "a.notes.yaml": "url: https://example.com/old\n"})
	is := load(t, map[string]string{"a.txt": "年假\n1、五天\n", "a.notes.yaml": "url: https://example.com/new\n"})
	changes := knowledge.Diff(was, is)
	if len(changes) != 1 || strings.Join(changes[0].Before, "") != "网址：https://example.com/old" || strings.Join(changes[0].After, "") != "网址：https://example.com/new" {
		t.Errorf("changes: %+v", changes)
	}
}
