package knowledge_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"aeobot/knowledge"
)

// hostile are words that Markdown, YAML or our own form could take for something else.
var hostile = []string{
	"# 标题", "## ", "#", "1. 甲", "1、乙", "3) 丙", "第一条 丁", "（一）戊", "①己", "- 庚", "* ", "> 辛", "```", "~~~", "---", "===", "***", "[a]: b", "[链接](x)", "<div>",
	"<!-- x", "\\*反斜线", "**粗**", "　　缩进", "    四格", "\t制表", "a: b", "\"引号\"", "'", "{", "null", "yes", "2026-01-07", "2026年1月7日", "1.5倍", "结尾 #", "| 表 |", "，", "：", "&amp;", "第一部分 申请", "一、", "10、", "\u00a0不换行空格", "😀", "\uFEFF", "甲；乙；丙",
}

// pieces makes a document of hostile words.
func pieces(r *rand.Rand) []knowledge.Piece {
	words := func(lines int) string {
		var b strings.Builder
		for range 1 + r.IntN(lines) {
			for range 1 + r.IntN(3) {
				b.WriteString(hostile[r.IntN(len(hostile))])
			}
			b.WriteString("\n")
		}
		return b.String()
	}
	var all []knowledge.Piece
	for i := range 1 + r.IntN(12) {
		switch r.IntN(4) {
		case 0:
			all = append(all, knowledge.Piece{Level: 1 + r.IntN(6), Text: words(1)})
		case 1:
			all = append(all, knowledge.Piece{Text: words(3)})
		default:
			all = append(all, knowledge.Piece{Item: true, Number: r.IntN(1_000_000_000), Text: words(3), Line: i})
		}
	}
	return all
}

// TestWrittenIsReadBack: any words whatever come back as they went in, in their order,
// with their numbers.
func TestWrittenIsReadBack(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 2))
	for range 3000 {
		want := pieces(r)
		title := hostile[r.IntN(len(hostile))]
		source := knowledge.Write(title, "2026-01-07", origin, want)
		d := readBack(t, source)
		checkSpans(t, string(source), d)
		if got := strings.Join(strings.Fields(title), " "); got != "" && d.Title != got || d.Date != "2026-01-07" || *d.Origin != origin {
			t.Fatalf("%q: got title %q, date %q, origin %v", title, d.Title, d.Date, d.Origin)
		}
		measures, paragraphs := flat(d)
		for _, p := range want {
			text := knowledge.Folded([]byte(p.Text))
			switch line := fmt.Sprintf("%d %s", p.Number, text); {
			case p.Level > 0:
			case p.Item && (len(measures) == 0 || measures[0] != line):
				t.Fatalf("measure %q is not next in %q:\n%s", line, measures, source)
			case p.Item:
				measures = measures[1:]
			case text != "" && (len(paragraphs) == 0 || paragraphs[0] != text):
				t.Fatalf("paragraph %q is not next in %q:\n%s", text, paragraphs, source)
			case text != "":
				paragraphs = paragraphs[1:]
			}
		}
		if len(measures)+len(paragraphs) > 0 {
			t.Fatalf("more came back than went in: %q %q", measures, paragraphs)
		}
	}
}

var origin = knowledge.Origin{Name: "海关: \"公告\".docx", SHA256: strings.Repeat("ab", 32)}

func flat(d *knowledge.Document) (measures, paragraphs []string) {
	for _, s := range d.Sections {
		for _, m := range s.Measures {
			measures = append(measures, fmt.Sprintf("%d %s", m.Number, m.Text))
		}
	}
	for _, p := range d.Paragraphs {
		paragraphs = append(paragraphs, p.Text)
	}
	return measures, paragraphs
}

// readBack reads a written file, beside one that makes it readable even when it is empty.
func readBack(t *testing.T, source []byte) *knowledge.Document {
	t.Helper()
	l, err := knowledge.LoadFiles(map[string][]byte{"a.md": append(source, "\n999、有字的一条\n"...)}, nil)
	if err != nil {
		t.Fatalf("%v:\n%s", err, source)
	}
	d := l.Documents[0]
	last := d.Sections[len(d.Sections)-1]
	last.Measures = last.Measures[:len(last.Measures)-1]
	return d
}

func TestWrittenFilesEditedByHand(t *testing.T) {
	head := string(knowledge.Write("办法", "", origin, nil))
	tests := []struct{ name, body, outline, finding string }{
		{"a paragraph without indent", "\n## 甲\n\n一段话\n接着写\n\n1、一\n接着写\n\n另一段", "# 甲\n1 一 接着写\n- 一段话 接着写\n- 另一段", ""},
		{"heading with a number", "\n## 一、甲\n1、一\n## 第二部分 乙\n1、二", "# 甲\n1 一\n# 乙\n1 二", ""},
		{"a list of Markdown", "\n## 甲\n\n1、一\n\n2. 二", "# 甲\n1 一\n- 2. 二", "a.md:12: 这一行像 Markdown 的列表或引用"},
		{"a number missing", "\n## 甲\n\n1、一\n\n3、三", "# 甲\n1 一\n3 三", "a.md:12: “甲”中缺少编号 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l, err := knowledge.LoadFiles(map[string][]byte{"a.md": []byte(head + tt.body)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			d := l.Documents[0]
			if got := outlineOf(d); got != tt.outline {
				t.Errorf("got\n%s\nwant\n%s", got, tt.outline)
			}
			switch findings := l.Findings(); {
			case tt.finding == "" && len(findings) > 0, tt.finding != "" && (len(findings) != 1 || !strings.HasPrefix(findings[0].String(), tt.finding)):
				t.Errorf("findings: got %v, want %q", findings, tt.finding)
			}
		})
	}
	for _, bad := range []string{"name: a.docx\n  sha256: abc", "sha256: " + origin.SHA256} {
		l, err := knowledge.LoadFiles(map[string][]byte{"a.md": []byte("---\ntitle: 办法\norigin:\n  " + bad + "\n---\n1、一\n")}, nil)
		if err != nil || len(l.Findings()) != 1 || !strings.Contains(l.Findings()[0].Message, "origin 不完整") {
			t.Errorf("%q: got %v, %v", bad, l.Findings(), err)
		}
	}
}

// TestListsThreeDeep: after a list within a list within a measure, the list within the
// measure goes on.
func TestListsThreeDeep(t *testing.T) {
	arranged := knowledge.Arrange("", []knowledge.Line{{Text: "担保", Heading: 1}, {Text: "一、甲："}, {Text: "（一）乙"}, {Text: "1.丙"}, {Text: "2.丁"}, {Text: "（二）戊"}, {Text: "二、己"}})
	var got []string
	for _, p := range arranged.Pieces {
		if p.Item {
			got = append(got, fmt.Sprintf("%d %s", p.Number, knowledge.Folded([]byte(p.Text))))
		}
	}
	if want := "1 甲： （一）乙 1.丙 2.丁 （二）戊|2 己"; strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", strings.Join(got, "|"), want)
	}
}

func FuzzWritten(f *testing.F) {
	for i := range hostile[:len(hostile)-2] {
		f.Add(hostile[i], hostile[i+1], hostile[i+2], 7)
	}
	f.Fuzz(func(t *testing.T, heading, measure, paragraph string, number int) {
		if number < 0 || number > 999_999_999 || strings.Contains(heading+measure+paragraph, "\x00") {
			return // no text has it
		}
		for _, s := range []*string{&heading, &measure, &paragraph} {
			*s = strings.ToValidUTF8(*s, "?")
		}
		d := readBack(t, knowledge.Write("题", "", origin, []knowledge.Piece{{Level: 2, Text: heading}, {Item: true, Number: number, Text: measure}, {Text: paragraph}}))
		measures, paragraphs := flat(d)
		want := fmt.Sprintf("%d %s", number, knowledge.Folded([]byte(measure)))
		words := knowledge.Folded([]byte(paragraph))
		if len(measures) != 1 || measures[0] != want || words != "" && (len(paragraphs) != 1 || paragraphs[0] != words) {
			t.Errorf("got %q and %q, want %q and %q", measures, paragraphs, want, words)
		}
	})
}

// TestArrangeLosesNothing: every paragraph that goes in is the title, if none was known, the
// date, or stands in a piece, but for the number in front of it.
func TestArrangeLosesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(20, 26))
	const date = "2026-03-01"
	squash := func(s string) string { return strings.Join(strings.Fields(s), "") }
	for range 3000 {
		var lines []knowledge.Line
		for i := range 1 + r.IntN(10) {
			l := knowledge.Line{Text: fmt.Sprintf("%s 第%d段话", hostile[r.IntN(len(hostile))], i), Gap: r.IntN(4) == 0, Apart: r.IntN(8) == 0}
			if r.IntN(3) == 0 {
				l.Text += "\n" + hostile[r.IntN(len(hostile))] + "末"
			}
			if r.IntN(6) == 0 {
				l.Heading = 1 + r.IntN(3)
			}
			l.Bullet = l.Heading == 0 && r.IntN(6) == 0
			if r.IntN(6) == 0 {
				l = knowledge.Line{Text: date}
			}
			lines = append(lines, l)
		}
		known, all := "", ""
		if r.IntN(2) == 0 {
			known = "已知的题"
		}
		arranged := knowledge.Arrange(known, lines)
		if known == "" {
			all = squash(arranged.Title)
		} else if arranged.Title != known {
			t.Fatalf("the title became %q", arranged.Title)
		}
		for _, p := range arranged.Pieces {
			if p.Line < 1 || p.Line > len(lines) {
				t.Fatalf("%+v comes from no line", p)
			}
			all += "\n" + squash(p.Text)
		}
		for _, l := range lines {
			if l.Text == date && arranged.Date == date {
				continue
			}
			for part := range strings.Lines(l.Text) {
				words := []rune(squash(part))
				found := false
				for cut := 0; cut <= min(6, len(words)-1) && !found; cut++ {
					found = strings.Contains(all, string(words[cut:]))
				}
				if !found {
					t.Fatalf("%q is lost: %+v became\n%s", part, lines, all)
				}
			}
		}
	}
}
