package knowledge_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/knowledge"
)

func write(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// outlineOf writes what was read as one line a thing: # heading, number text, - prose.
func outlineOf(d *knowledge.Document) string {
	var b strings.Builder
	for _, s := range d.Sections {
		fmt.Fprintf(&b, "# %s\n", s.Heading)
		for _, m := range s.Measures {
			fmt.Fprintf(&b, "%d %s\n", m.Number, m.Text)
		}
	}
	for _, p := range d.Paragraphs {
		fmt.Fprintf(&b, "- %s\n", p.Text)
	}
	return strings.TrimSpace(b.String())
}

func TestReadText(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"dot", "担保\n1.免担保\n2.少查", "# 担保\n1 免担保\n2 少查"},
		{"full-width digits and dot", "担保\n１．免担保\n２．少查", "# 担保\n1 免担保\n2 少查"},
		{"enumeration comma", "担保\n1、免担保\n2、少查", "# 担保\n1 免担保\n2 少查"},
		{"brackets", "担保\n(1)免担保\n（2）少查", "# 担保\n1 免担保\n2 少查"},
		{"closing bracket only", "担保\n1)免担保\n2）少查", "# 担保\n1 免担保\n2 少查"},
		{"Chinese numerals", "担保\n一、免担保\n二、少查\n十一、其他", "# 担保\n1 免担保\n2 少查\n11 其他"},
		{"circled", "担保\n①免担保\n②少查", "# 担保\n1 免担保\n2 少查"},
		{"articles", "担保\n第一条 免担保\n第二条 少查", "# 担保\n1 免担保\n2 少查"},
		{"numbered headings over a list", "一、优先通关\n1.设窗口\n2.优先查\n二、担保\n1.免担保", "# 优先通关\n1 设窗口\n2 优先查\n# 担保\n1 免担保"},
		{"a whole list in a line", "一、优先通关\n（1）设立专用窗口；（2）优先查验", "# 优先通关\n1 设立专用窗口\n2 优先查验"},
		{"chapters", "第一章 通关\n第一条 设窗口\n第二章 担保\n第二条 免担保", "# 通关\n1 设窗口\n# 担保\n2 免担保"},
		{"blank lines inside a list", "担保\n\n1.免担保\n\n\n2.少查\n\n3.其他", "# 担保\n1 免担保\n2 少查\n3 其他"},
		{"a broken line goes on", "担保\n1.适用较低查验率，\n平均查验率较低\n2.少查", "# 担保\n1 适用较低查验率， 平均查验率较低\n2 少查"},
		{"a list inside a measure", "部门\n1.发改部门:\n(1)绿色通道\n(2)容缺受理\n2.商务部门:参展", "# 部门\n1 发改部门: (1)绿色通道 (2)容缺受理\n2 商务部门:参展"},
		{"an amount is no number", "担保\n1.免担保\n1.5倍的额度。", "# 担保\n1 免担保\n- 1.5倍的额度。"},
		{"a year is no number", "背景说明一段话。\n2024.年底前完成全部工作安排。", "- 背景说明一段话。\n- 2024.年底前完成全部工作安排。"},
		{"windows line ends and a byte order mark", "\uFEFF担保\r\n1.免担保\r\n2.少查\r\n", "# 担保\n1 免担保\n2 少查"},
		{"old mac line ends", "担保\r1.免担保\r2.少查", "# 担保\n1 免担保\n2 少查"},
		{"indented by full-width spaces", "　　担保\n　　1.免担保\n　　2.少查", "# 担保\n1 免担保\n2 少查"},
		{"prose after the list", "担保\n1.免担保\n总之，这些措施很有用。", "# 担保\n1 免担保\n- 总之，这些措施很有用。"},
		{"a heading over prose, then a list", "担保\n海关对担保有如下规定。\n1.免担保", "# 担保\n1 免担保\n- 海关对担保有如下规定。"},
		{"第三条的规定 is prose", "说明\n1.免担保\n第三条的规定另行公布并解释如下。", "# 说明\n1 免担保\n- 第三条的规定另行公布并解释如下。"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := knowledge.Load([]string{write(t, t.TempDir(), "a.txt", []byte(tt.source))}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := outlineOf(l.Documents[0]); got != tt.want {
				t.Errorf("read %q\ngot:\n%s\nwant:\n%s", tt.source, got, tt.want)
			}
		})
	}
}

func TestReadMarkdown(t *testing.T) {
	tests := []struct{ name, source, title, want string }{
		{"sections and lists", "# 激励\n\n## 担保\n\n1. 免担保\n2. 少查\n\n## 通关\n\n1) 设窗口\n", "激励", "# 担保\n1 免担保\n2 少查\n# 通关\n1 设窗口"},
		{"list starts elsewhere", "## 担保\n\n3. 免担保\n4. 少查\n", "a", "# 担保\n3 免担保\n4 少查"},
		{"numbered prose", "## 担保\n1、免担保\n2、少查\n", "a", "# 担保\n1 免担保\n2 少查"},
		{"an item of two paragraphs", "## 担保\n\n1. 免担保\n\n   另见通知\n2. 少查\n", "a", "# 担保\n1 免担保 另见通知\n2 少查"},
		{"bullets and quotes are prose", "## 担保\n\n- 甲\n- 乙\n\n> 丙\n", "a", "- 甲\n- 乙\n- 丙"},
		{"front matter", "---\ntitle: 激励\ndate: 2026-01-07\n---\n## 担保\n1. 免担保\n", "激励", "# 担保\n1 免担保"},
		{"emphasis stays as in the file", "## 担保\n1. 可**免除**担保\n", "a", "# 担保\n1 可**免除**担保"},
		{"no headings at all", "担保\n\n1. 免担保\n2. 少查\n", "a", "# 担保\n1 免担保\n2 少查"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := knowledge.Load([]string{write(t, t.TempDir(), "a.md", []byte(tt.source))}, nil)
			if err != nil {
				t.Fatal(err)
			}
			d := l.Documents[0]
			if got := outlineOf(d); got != tt.want || d.Title != tt.title {
				t.Errorf("read %q\ngot title %q:\n%s\nwant title %q:\n%s", tt.source, d.Title, got, tt.title, tt.want)
			}
		})
	}
}

func TestDates(t *testing.T) {
	for _, line := range []string{"2026-01-07", "2026年1月7日", "2026/1/7", "2026.01.07", "发布时间：2026-01-07", "日期: 2026-01-07 10:30"} {
		l, err := knowledge.Load([]string{write(t, t.TempDir(), "a.txt", []byte("标题\n"+line+"\n\n担保\n1.免担保"))}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := l.Documents[0]; d.Date != "2026-01-07" || d.Title != "标题" {
			t.Errorf("%q: got date %q and title %q", line, d.Date, d.Title)
		}
	}
}

func TestFindings(t *testing.T) {
	tests := []struct {
		name, source, notes string
		want                []string // each: file:line and a word of the message
	}{
		{"heading without measures", "标题\n\n甲\n1.一\n\n乙\n\n丙\n1.一", "", []string{"a.txt:6: 标题“乙”下面没有措施"}},
		{"number missing", "甲\n1.一\n3.三", "", []string{"a.txt:3: “甲”中缺少编号 2"}},
		{"number twice", "甲\n1.一\n2.二\n2.三", "", []string{"a.txt:4: “甲”中编号 2 出现两次"}},
		{"empty measure", "甲\n1.一\n2.\n3.三", "", []string{"a.txt:3: “甲”第 2 条是空的"}},
		{"notes for a section that is not there", "甲\n1.一", "sections:\n  - heading: 乙\n", []string{"a.notes.yaml:2: 原文没有标题“乙”"}},
		{"notes for a measure that is not there", "甲\n1.一", "sections:\n  - heading: 甲\n    measures:\n      - number: 7\n", []string{"a.notes.yaml:4: “甲”没有第 7 条"}},
		{"notes for a paragraph that is not there", "甲\n1.一", "paragraphs:\n  - starts: 丙\n", []string{"a.notes.yaml:2: 没有以“丙”开头的段落"}},
		{"unknown key", "甲\n1.一", "sections:\n  - heading: 甲\n    aks: [问]\n", []string{"a.notes.yaml:3: 不认识的键“aks”"}},
		{"unknown key deep inside", "甲\n1.一", "sections:\n  - heading: 甲\n    measures:\n      - number: 1\n        states:\n          - {status: current, form: \"\"}\n", []string{"a.notes.yaml:6: 不认识的键“form”"}},
		{"unknown status", "甲\n1.一", "sections:\n  - heading: 甲\n    measures:\n      - number: 1\n        states: [{status: gone}]\n", []string{"a.notes.yaml:4: 不认识的 status“gone”"}},
		{"no date", "甲\n1.一", "sections:\n  - heading: 甲\n    measures:\n      - number: 1\n        states: [{status: current, from: \"2026-02-30\"}]\n", []string{"a.notes.yaml:4: “2026-02-30”不是日期"}},
		{"overlapping states", "甲\n1.一", "sections:\n  - heading: 甲\n    measures:\n      - number: 1\n        states: [{status: current, to: \"2026-04-01\"}, {status: changed, from: \"2026-04-01\"}]\n", []string{"a.notes.yaml:4: 两段状态的日期重叠"}},
		{"source not listed", "甲\n1.一", "sections:\n  - heading: 甲\n    measures:\n      - number: 1\n        basis: [{text: 令, source: S1, certainty: confirmed}]\n", []string{"a.notes.yaml:4: 依据引用了没有列出的来源“S1”"}},
		{"measure twice", "甲\n1.一", "sections:\n  - heading: 甲\n    measures:\n      - number: 1\n      - number: 1\n", []string{"a.notes.yaml:5: “甲”第 1 条的备注写了两次，第 4 行已有"}},
		{"section twice", "甲\n1.一", "sections:\n  - heading: 甲\n  - heading: 甲\n    measures: [{number: 1}]\n", []string{"a.notes.yaml:3: “甲”的备注写了两次，第 2 行已有"}},
		{"measure twice, in two entries of its section", "甲\n1.一", "sections:\n  - {heading: 甲, measures: [{number: 1}]}\n  - heading: 甲\n    measures:\n      - number: 1\n", []string{"a.notes.yaml:3: “甲”的备注", "a.notes.yaml:5: “甲”第 1 条的备注写了两次，第 2 行已有"}},
		{"paragraph twice, by other words", "甲\n1.一\n乙是一段话，很长的一段话。", "paragraphs:\n  - starts: 乙是\n  - starts: 乙是一段\n", []string{"a.notes.yaml:3: 段落“乙是一段”的备注写了两次，第 2 行已有"}},
		{"a second YAML", "甲\n1.一", "sections: []\n---\n# 说明\nsections:\n  - heading: 乙\n", []string{"a.notes.yaml:4: “---”或“...”以后的内容是另一份 YAML，没有读"}},
		{"a second YAML on its line", "甲\n1.一", "sections: []\n--- {sha256: x}\n", []string{"a.notes.yaml:2: “---”"}},
		{"a second YAML that is broken", "甲\n1.一", "sections: []\n---\nsections: [\n", []string{"a.notes.yaml:3: “---”"}},
		{"words after the end of YAML", "甲\n1.一", "sections: []\n...\nsections: []\n", []string{"a.notes.yaml:2: “---”或“...”"}},
		{"a second YAML after none", "甲\n1.一", "---\n---\nsections: []\n", []string{"a.notes.yaml:3: “---”"}},
		{"a third YAML after none", "甲\n1.一", "sections: []\n---\n---\nsections: []\n", []string{"a.notes.yaml:4: “---”"}},
		{"marks around one YAML", "甲\n1.一", "# 说明\n---\nsections: []\n---\n...\n", nil},
		{"of another document", "甲\n1.一", "sha256: abc\ndocument: 乙.txt\nsections: [{heading: 丙}]\n", []string{"a.notes.yaml:2: 这份备注写明是“乙.txt”的，不是“a.txt”的，全部没有生效"}},
		{"another version of the source", "甲\n1.一", "sha256: abc\n", []string{"a.notes.yaml:1: 备注是为另一版原文写的"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a.txt", []byte(tt.source))
			if tt.notes != "" {
				write(t, dir, "a.notes.yaml", []byte(tt.notes))
			}
			l, err := knowledge.Load([]string{dir}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := l.Findings()
			if len(got) != len(tt.want) {
				t.Fatalf("findings: got %v, want %v", got, tt.want)
			}
			for i, w := range tt.want {
				if s := strings.TrimPrefix(got[i].String(), dir+"/"); !strings.HasPrefix(s, w) || got[i].Mend == "" {
					t.Errorf("finding: got %q, want %q and a mend", s, w)
				}
			}
		})
	}
}

// TestNotesSayWhatTheyAreFor: notes that name another document are not applied, unless the
// hash proves that they are for this one; other ways to write the name are the same name.
func TestNotesSayWhatTheyAreFor(t *testing.T) {
	const source = "甲\n1.一"
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(source)))
	for _, tt := range []struct {
		file, document, sha256 string
		applied                bool
		finding                string
	}{
		{"办法.txt", "", "", true, ""},
		{"办法.txt", "办法", "", true, ""},
		{"办法.txt", "办法.txt", "", true, ""},
		{"办法.txt", "办法.md", "", true, ""},
		{"办法.txt", "  资料/办法.txt ", "", true, ""},
		{"办法.txt", `资料\办法.txt`, "", true, ""},
		{"Café.md", "cafe\u0301.MD", "", true, ""},
		{"ＡＥＯ.txt", "aeo", "", true, ""},
		{"v1.2.txt", "v1.2", "", true, ""},
		{"v1.2.txt", "v1.2.txt", "", true, ""},
		{"办法.txt", "办法二.txt", "", false, "这份备注写明是“办法二.txt”的"},
		{"办法.txt", "旧/别的.docx", "", false, "改名为 别的.docx.notes.yaml"},
		{"办法.txt", "办法二.txt", "abc", false, "全部没有生效"},
		{"办法.txt", "办法二.txt", sum, true, "sha256 相符，备注照用"},
		{"办法.txt", "办法二.txt", strings.ToUpper(sum), true, "把 document 改为 办法.txt"},
	} {
		dir := t.TempDir()
		write(t, dir, tt.file, []byte(source))
		notes := fmt.Sprintf("sections: [{heading: 甲, ask: [问]}]\ndocument: '%s'\n", tt.document)
		if tt.sha256 != "" {
			notes += "sha256: " + tt.sha256 + "\n"
		}
		write(t, dir, strings.TrimSuffix(tt.file, filepath.Ext(tt.file))+".notes.yaml", []byte(notes))
		l, err := knowledge.Load([]string{dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := l.Findings()
		if applied := len(l.Documents[0].Sections[0].Ask) == 1; applied != tt.applied {
			t.Errorf("%s, document %q, sha256 %q: applied %v", tt.file, tt.document, tt.sha256, applied)
		}
		if tt.finding == "" && len(got) > 0 || tt.finding != "" && (len(got) != 1 || !strings.Contains(got[0].String(), tt.finding) || got[0].Line != 2) {
			t.Errorf("%s, document %q, sha256 %q: findings %v", tt.file, tt.document, tt.sha256, got)
		}
	}
}

// TestNotesBesideNothing: notes that apply to no document are found.
func TestNotesBesideNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Café.txt", []byte("甲\n1.一"))
	write(t, dir, "cafe\u0301.notes.yaml", []byte("sections: []\n"))
	write(t, dir, "b.notes.yaml", []byte("sections: []\n"))
	write(t, dir, ".c.notes.yaml", []byte("sections: []\n"))
	l, err := knowledge.Load([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(l.Findings())
	if len(l.Findings()) != 2 || !strings.Contains(got, "b.notes.yaml:0: 旁边没有叫“b”的文章") || !strings.Contains(got, "把文件名改为 Café.notes.yaml") {
		t.Errorf("findings %s", got)
	}
}

func TestKeysWrittenTwiceAreNamed(t *testing.T) {
	for notes, want := range map[string]string{
		"sha256: a\nurl: x\nsha256: b\n":                                    "a.notes.yaml:3: 键“sha256”写了两次，第 1 行已有；改法：合并成一处",
		"sections:\n  - heading: 甲\n    ask: [x]\n    ask: [y]\n":           "a.notes.yaml:4: 键“ask”写了两次，第 3 行已有",
		"references:\n  S1: {title: a}\n  S1: {title: b}\n":                 "a.notes.yaml:3: 键“S1”写了两次",
		"sections:\n  - heading: 甲\n    measures: [{number: 1, number: 2}]": "a.notes.yaml:3: 键“number”写了两次，第 3 行已有",
	} {
		dir := t.TempDir()
		write(t, dir, "a.txt", []byte("甲\n1.一"))
		write(t, dir, "a.notes.yaml", []byte(notes))
		_, findings, err := knowledge.Lint([]string{dir}, nil)
		if err != nil || len(findings) != 1 || !strings.HasPrefix(strings.TrimPrefix(findings[0].String(), dir+"/"), want) {
			t.Errorf("%q: findings %v, %v", notes, findings, err)
		}
		if _, err := knowledge.Load([]string{dir}, nil); err == nil || !strings.Contains(err.Error(), "already") {
			t.Errorf("%q: %v", notes, err)
		}
	}
}

func TestLoadErrorsNameFileAndMend(t *testing.T) {
	gbk := []byte("\xb5\xa3\xb1\xa3\n1.\xc3\xe2\xb5\xa3\xb1\xa3\n")
	tests := []struct{ name, file, data, want string }{
		{"GB18030", "a.txt", string(gbk), "aeobot knowledge import"},
		{"binary", "a.txt", "PK\x03\x04\x00\x00", "save it as text in UTF-8"},
		{"empty", "a.txt", " \n", "is empty"},
		{"no reader", "a.pdf", "x", "use one of .txt"},
		{"broken notes", "a.notes.yaml", "sections: [", "mend the YAML"},
		{"notes of a wrong kind", "a.notes.yaml", "sections: {a: b}", "mend the value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			file := write(t, dir, tt.file, []byte(tt.data))
			if tt.file == "a.notes.yaml" {
				file = write(t, dir, "a.txt", []byte("甲\n1.一"))
			}
			_, err := knowledge.Load([]string{file}, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%s: got %v, want the file and %q", tt.name, err, tt.want)
			}
		})
	}
	if _, err := knowledge.Load([]string{"/nowhere/at/all"}, nil); err == nil || !strings.Contains(err.Error(), "/nowhere/at/all") {
		t.Errorf("missing path: got %v", err)
	}
}

func TestLintGoesOnPastBrokenFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.txt", []byte("甲\n1.一\n3.三"))
	write(t, dir, "b.txt", []byte("ab\n1.\xc3\xe2\xb5\xa3\xb1\xa3\n"))
	write(t, dir, "c.txt", []byte("\x00"))
	write(t, dir, "d.txt", []byte("甲\n1.一"))
	write(t, dir, "d.notes.yaml", []byte("sections:\n  - heading: [\n"))
	l, findings, err := knowledge.Lint([]string{dir}, nil)
	if err != nil || l == nil {
		t.Fatal(err)
	}
	want := []string{"b.txt:2: 编码是 GB18030", "c.txt:1: 不是 UTF-8", "d.notes.yaml:", "a.txt:3: “甲”中缺少编号 2"}
	if len(findings) != len(want) {
		t.Fatalf("got %v", findings)
	}
	for i, w := range want {
		if got := strings.TrimPrefix(findings[i].String(), dir+"/"); !strings.HasPrefix(got, w) {
			t.Errorf("got %q, want %q", got, w)
		}
	}
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.txt", []byte("甲\n1.一"))
	write(t, dir, "b.md", []byte("## 乙\n1. 二"))
	write(t, dir, "c.png", []byte("x"))
	write(t, dir, ".hidden.txt", []byte("丙\n1.三"))
	l, err := knowledge.Load([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Documents) != 2 || len(l.Skipped) != 1 || !strings.HasSuffix(l.Skipped[0], "c.png") {
		t.Errorf("got %d documents, skipped %v; want 2 and c.png", len(l.Documents), l.Skipped)
	}
	other := t.TempDir()
	write(t, other, "a.md", []byte("## 乙\n1. 二"))
	if _, err := knowledge.Load([]string{dir, other}, nil); err == nil || !strings.Contains(err.Error(), "same name") {
		t.Errorf("two documents of one name: got %v", err)
	}
}

func TestFingerprintFollowsEveryByte(t *testing.T) {
	dir := t.TempDir()
	load := func() string {
		l, err := knowledge.Load([]string{dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l.Fingerprint
	}
	seen := map[string]string{}
	for _, step := range []struct{ file, data string }{
		{"a.txt", "甲\n1.一"}, {"a.txt", "甲\n1.二"}, {"a.notes.yaml", "sections: []\n"}, {"a.notes.yaml", "sections: [] \n"}, {"b.txt", "乙\n1.一"},
	} {
		write(t, dir, step.file, []byte(step.data))
		print := load()
		if before, ok := seen[print]; ok {
			t.Errorf("after %q the fingerprint is that after %q", step.data, before)
		}
		seen[print] = step.data
	}
}

func TestStore(t *testing.T) {
	to := filepath.Join(t.TempDir(), "knowledge")
	files := func(text string) map[string][]byte {
		return map[string][]byte{"a.md": []byte(text), "a.notes.yaml": []byte("sections: []\n")}
	}
	if s, err := knowledge.Store(to, files("担保"), false, true); err != nil || s.Unchanged || s.Path != filepath.Join(to, "a.md") {
		t.Fatalf("dry run: got %+v, %v", s, err)
	}
	if _, err := os.Stat(to); !os.IsNotExist(err) {
		t.Fatalf("dry run wrote something: %v", err)
	}
	if _, err := knowledge.Store(to, files("担保"), false, false); err != nil {
		t.Fatal(err)
	}
	if s, err := knowledge.Store(to, files("担保"), false, false); err != nil || !s.Unchanged {
		t.Errorf("the same again: got %+v, %v", s, err)
	}
	if _, err := knowledge.Store(to, files("别的"), false, false); !errors.Is(err, knowledge.ErrExists) || !strings.Contains(err.Error(), "--replace") {
		t.Errorf("another file of the name: got %v", err)
	}
	if now, _ := os.ReadFile(filepath.Join(to, "a.md")); string(now) != "担保" {
		t.Errorf("a refused one changed the stored file to %q", now)
	}
	if _, err := knowledge.Store(to, files("别的"), true, false); err != nil {
		t.Errorf("with replace: %v", err)
	}
	if _, err := knowledge.Store(to, map[string][]byte{"a.txt": []byte("x")}, true, false); !errors.Is(err, knowledge.ErrExists) {
		t.Errorf("the same name in another format: got %v", err)
	}
	if left, _ := os.ReadDir(to); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

// TestStoreStaysInside: no name and no link leads out of the folder.
func TestStoreStaysInside(t *testing.T) {
	outside := t.TempDir()
	to := filepath.Join(outside, "knowledge")
	if err := os.Mkdir(to, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, outside, "secret.txt", []byte("x"))
	if err := os.Symlink(filepath.Join(outside, "secret.txt"), filepath.Join(to, "link.txt")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../secret.txt", filepath.Join(outside, "secret.txt"), `..\secret.txt`, "a\x00.txt", ".hidden.txt", "..", "link.txt"} {
		if _, err := knowledge.Store(to, map[string][]byte{name: []byte("overwritten")}, true, false); err == nil {
			t.Errorf("%q was stored", name)
		}
	}
	if now, _ := os.ReadFile(filepath.Join(outside, "secret.txt")); string(now) != "x" {
		t.Errorf("the file outside is now %q", now)
	}
}

// checkSpans holds for every source: what was read is in it, byte for byte.
func checkSpans(t *testing.T, source string, d *knowledge.Document) {
	t.Helper()
	for _, p := range d.Passages() {
		if p.Span.Start < 0 || p.Span.End > len(source) || p.Span.Start > p.Span.End {
			t.Fatalf("%s: span %v outside of %d bytes", p.ID, p.Span, len(source))
		}
		if got := strings.Join(strings.Fields(source[p.Span.Start:p.Span.End]), " "); got != p.Text {
			t.Errorf("passage %q is not what stands in the source: %q", p.Text, got)
		}
	}
}

func fuzzReader(f *testing.F, name string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, source string) {
		l, err := knowledge.Load([]string{write(t, dir, name, []byte(source))}, nil)
		if err != nil {
			return // refusing is fine; inventing is not
		}
		checkSpans(t, source, l.Documents[0])
	})
}

func FuzzReadText(f *testing.F) {
	fuzzReader(f, "fuzz.txt", "一、优先通关\n（1）设立专用窗口；（2）优先查验", "标题\n2026-01-07\n\n担保\n1.免担保\n\n2.少查，\n核查\n总之。", "１．x\r\n①y\r②z", "第一章 甲\n第一条 乙")
}

func FuzzReadMarkdown(f *testing.F) {
	fuzzReader(f, "fuzz.md", "# 激励\n\n## 担保\n\n1. 免担保\n\n   另见\n2. 少查\n", "---\ntitle: x\n---\n- a\n- b\n> c\n", "1.\n2. x\n\n```\ncode\n```\n", "甲\n===\n1、乙\n2、丙")
}

func FuzzNotes(f *testing.F) {
	f.Add("sections:\n  - heading: 甲\n    ask: [问]\n    measures:\n      - {number: 1, ask: [x], states: [{status: current}]}\n")
	f.Add("paragraphs:\n  - {starts: 乙, role: advertising}\nsha256: x\n")
	f.Add("a: &a [*a]\n<<: {sections: 1}\n")
	f.Add("0\n\n0")
	dir := f.TempDir()
	const source = "标题\n\n甲\n1.一\n2.二\n乙是一段话。"
	write(f, dir, "a.txt", []byte(source))
	f.Fuzz(func(t *testing.T, notes string) {
		write(t, dir, "a.notes.yaml", []byte(notes))
		l, err := knowledge.Load([]string{filepath.Join(dir, "a.txt")}, nil)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of more than one line: %q", err)
			}
			return
		}
		checkSpans(t, source, l.Documents[0])
	})
}
