package intake_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"aeobot/bot/storetest/child"
	"aeobot/knowledge/intake"
)

// hostile are files made to take more time or memory than they are large, by name; rebuilt
// here, so that no large file lies in the repository. Each must be read or refused with
// bounded means, whatever it holds.
var hostile = []struct {
	name string
	make func(testing.TB) []byte
}{
	// Markdown: blocks, nesting, and what the inline parser would have chewed on.
	{"headings and items by turns.md", text(func() string { return "# t\n\n" + strings.Repeat("## 一、激励\n1. a\n", 8_000) })},
	{"headings and items by turns, 10 MB.md", text(func() string { return "# t\n\n" + strings.Repeat("## 一、激励\n1. a\n", 480_000) })},
	{"quotations in quotations.md", text(func() string { return strings.Repeat("> ", 200_000) + "a" })},
	{"quotations on every line.md", text(func() string { return strings.Repeat(strings.Repeat(">", 15)+" a\n\n", 30_000) })},
	{"lists in lists on a line.md", text(func() string { return strings.Repeat("- ", 200_000) + "a" })},
	{"numbered lists in lists.md", text(func() string { return strings.Repeat("1. ", 100_000) + "a" })},
	{"lists in lists line by line.md", text(func() string { return stairs(3_000, "- a") })},
	{"empty items.md", text(func() string { return strings.Repeat("1.\n", 39_000) })},
	{"brackets.md", text(func() string { return strings.Repeat(strings.Repeat("[", 9_000)+"\n\n", 800) })},
	{"brackets in one paragraph.md", text(func() string { return strings.Repeat("[[[[[[[[\n", 900) })},
	{"emphasis.md", text(func() string { return strings.Repeat(strings.Repeat("*a **a ", 1_200)+"\n\n", 800) })},
	{"backquotes.md", text(func() string { return strings.Repeat(strings.Repeat("`", 9_000)+" a\n\n", 800) })},
	{"link definitions.md", text(func() string { return strings.Repeat("[a]: b\n", 39_000) })},
	{"half definitions.md", text(func() string { return strings.Repeat("[a\n", 39_000) })},
	{"tags.md", text(func() string { return strings.Repeat("<a ", 39_000) + "\n" })},
	{"an open fence.md", text(func() string { return "```\n" + strings.Repeat("a\n", 39_000) })},
	{"paragraphs.md", text(func() string { return strings.Repeat("a\n\n", 6_000_000) })},
	{"one long line.md", text(func() string { return strings.Repeat("担保", 1_300_000) })},
	{"blank lines.md", text(func() string { return "# t\n\n1. a\n" + strings.Repeat("\n", 8_000_000-20) })},
	{"indents.md", text(func() string { return "- a\n" + strings.Repeat(strings.Repeat(" ", 9_000)+"a\n", 800) })},
	{"front matter with aliases.md", text(func() string { return "---\na: &a [x,x,x,x,x,x,x,x,x]\n" + aliases(30) + "---\n# t\n\n1. a\n" })},
	{"front matter of lists.md", text(func() string { return "---\ntitle: " + strings.Repeat("[", 9_000) + "\n---\n# t\n\n1. a\n" })},
	// Plain text.
	{"a list that goes on.txt", text(func() string { return "担保\n1、a\n" + strings.Repeat("b\n", 39_000) })},
	{"clauses.txt", text(func() string { return "担保\n1、a" + strings.Repeat("；a", 2_000_000) })},
	{"inline items.txt", text(func() string { return strings.Repeat("（1）a；（2）b；\n", 39_000) })},
	{"spaces behind numbers.txt", text(func() string { return strings.Repeat("（1）"+strings.Repeat(" ", 200)+"\n", 39_000) })},
	{"lines.txt", text(func() string { return strings.Repeat("a\n", 4_000_000) })},
	{"20 MB of GB18030.txt", func(t testing.TB) []byte { return gb18030(t, strings.Repeat("担保", 5_000_000)) }},
	// Tables as text.
	{"commas.csv", text(func() string { return "节,原文\n" + strings.Repeat(",", 19_000_000) })},
	{"quoted commas.csv", text(func() string { return "节,原文\n\"" + strings.Repeat(",", 19_000_000) + "\"\n" })},
	{"keywords.csv", text(func() string { return "节,原文,关键词\n" + strings.Repeat("甲,乙,"+manyWords(3_000)+"\n", 200) })},
	{"rows with nothing right.csv", text(func() string {
		return "节,编号,原文,状态,生效日期\n" + strings.Repeat("甲,x,乙,z,w\n", 19_000)
	})},
	{"lines.csv", text(func() string { return "节,原文\n" + strings.Repeat("\n", 19_000_000) })},
	// Pages.
	{"a million attributes.html", text(func() string { return "<p " + strings.Repeat("a ", 1_000_000) + ">a</p>" })},
	{"ten million attributes.html", text(func() string { return "<p " + strings.Repeat("a ", 9_900_000) + ">a</p>" })},
	{"tables in tables.html", text(func() string {
		return strings.Repeat("<table><tr><td>", 1_000) + "a" + strings.Repeat("</table>", 1_000)
	})},
	{"lists in lists.html", text(func() string { return strings.Repeat("<ol><li>", 1_000_000) })},
	{"rows up through tables.html", text(func() string {
		return strings.Repeat("<table><tr><td>", 60) + strings.Repeat("<p>甲", 19_000) + strings.Repeat("</table>", 60)
	})},
	{"a number beyond all numbers.html", text(func() string { return `<ol start="9223372036854775807">` + strings.Repeat("<li>a", 10_000) + "</ol>" })},
	{"open tags.html", text(func() string { return strings.Repeat("<b>", 6_000_000) })},
	{"comments.html", text(func() string { return strings.Repeat("<!---->", 2_800_000) })},
	{"hidden in hidden.html", text(func() string { return strings.Repeat("<div hidden>", 1_600_000) })},
	{"lists that count down.html", text(func() string { return strings.Repeat("<ol reversed><li>a</ol>", 800_000) })},
	// Word.
	{"a paragraph of 31 million characters.docx", func(t testing.TB) []byte {
		return wordFile(t, "<w:p><w:r><w:t>"+strings.Repeat("a", 31_000_000)+"</w:t></w:r></w:p>", nil)
	}},
	{"a paragraph of a million runs.docx", func(t testing.TB) []byte {
		return wordFile(t, "<w:p>"+strings.Repeat("<w:r><w:t>aaaaaaaaaa</w:t></w:r>", 900_000)+"</w:p>", nil)
	}},
	{"labels of 6 million characters.docx", func(t testing.TB) []byte {
		n := strings.Replace(numberingPart, `w:val="%1、"`, `w:val="`+strings.Repeat("%1", 3_000_000)+`"`, 1)
		return wordFile(t, strings.Repeat(listed(1, 0, "a"), 1_000), map[string]string{"word/numbering.xml": n})
	}},
	{"a million attributes.docx", func(t testing.TB) []byte {
		var b strings.Builder
		for i := range 1_000_000 {
			fmt.Fprintf(&b, ` a%d=">"`, i)
		}
		return wordFile(t, "<w:p"+b.String()+"/>"+para("a"), nil)
	}},
	{"paragraphs that go on.docx", func(t testing.TB) []byte {
		return wordFile(t, strings.Repeat("<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>"+run(strings.Repeat("a", 1_000))+"</w:p>", 19_000), nil)
	}},
	{"a cell of paragraphs.docx", func(t testing.TB) []byte {
		return wordFile(t, "<w:tbl>"+row(strings.Repeat(para(strings.Repeat("a", 1_000)), 15_000), para("b"))+"</w:tbl>", nil)
	}},
	{"lists.docx", func(t testing.TB) []byte {
		var b strings.Builder
		for i := range 400_000 {
			fmt.Fprintf(&b, `<w:num w:numId="%d"><w:abstractNumId w:val="10"/></w:num>`, 100+i)
		}
		return wordFile(t, para("a"), map[string]string{"word/numbering.xml": strings.Replace(numberingPart, "</w:numbering>", b.String()+"</w:numbering>", 1)})
	}},
	// Workbooks.
	{"40,000 merged ranges.xlsx", func(t testing.TB) []byte {
		var b strings.Builder
		for i := range 40_000 {
			fmt.Fprintf(&b, `<mergeCell ref="%s2:%[1]s180000"/>`, columnName(1+i%90))
		}
		return sheetWith(t, `<row r="180000"><c r="A180000"><v>1</v></c></row>`, "<mergeCells>"+b.String()+"</mergeCells>")
	}},
	{"200,000 merged ranges.xlsx", func(t testing.TB) []byte {
		return sheetWith(t, "", "<mergeCells>"+strings.Repeat(`<mergeCell ref="A1:B2"/>`, 200_000)+"</mergeCells>")
	}},
	{"a long string shown often.xlsx", func(t testing.TB) []byte {
		return shared(t, "<si><t>"+strings.Repeat("a", 900_000)+"</t></si>", 100_000)
	}},
	{"a string of runs shown often.xlsx", func(t testing.TB) []byte {
		return shared(t, "<si>"+strings.Repeat("<r><t>aaaaaaaaaa</t></r>", 3_000)+"</si>", 100_000)
	}},
	{"strings.xlsx", func(t testing.TB) []byte { return shared(t, strings.Repeat("<si><t>a</t></si>", 700_000), 10) }},
	{"far columns.xlsx", func(t testing.TB) []byte {
		var b strings.Builder
		for i := range 100_000 {
			fmt.Fprintf(&b, `<row r="%d"><c r="XFD%[1]d"><v>1</v></c></row>`, i+3)
		}
		return sheetWith(t, b.String(), "")
	}},
	{"a long format.xlsx", func(t testing.TB) []byte {
		parts := partsOf(t, workbook(t, [][]string{{"节", "原文"}, {"担保", "免除担保"}}, nil))
		return zipped(t, with(parts, "xl/styles.xml", strings.Replace(parts["xl/styles.xml"], "<fonts", `<numFmts count="1"><numFmt numFmtId="200" formatCode="`+strings.Repeat("0;", 400_000)+`"/></numFmts><fonts`, 1)))
	}},
}

func text(write func() string) func(testing.TB) []byte {
	return func(testing.TB) []byte { return []byte(write()) }
}

// stairs nests one list item deeper on each line.
func stairs(depth int, item string) string {
	var b strings.Builder
	for i := range depth {
		b.WriteString(strings.Repeat("  ", i) + item + "\n")
	}
	return b.String()
}

// aliases are nine times as much on each line.
func aliases(lines int) string {
	var b strings.Builder
	for i := range lines {
		fmt.Fprintf(&b, "%c%d: &%[1]c%[2]d [%[3]s]\n", 'b', i, strings.TrimSuffix(strings.Repeat(map[bool]string{true: "*a,", false: fmt.Sprintf("*b%d,", i-1)}[i == 0], 9), ","))
	}
	return b.String()
}

func manyWords(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("词" + strconv.Itoa(i) + "、")
	}
	return b.String()
}

func columnName(n int) string {
	name := ""
	for ; n > 0; n = (n - 1) / 26 {
		name = string(rune('A'+(n-1)%26)) + name
	}
	return name
}

// sheetWith is a table of questions with more rows, and with more behind the rows.
func sheetWith(t testing.TB, rows, behind string) []byte {
	parts := partsOf(t, workbook(t, [][]string{{"节", "原文"}, {"担保", "免除担保"}}, nil))
	const name = "xl/worksheets/sheet1.xml"
	return zipped(t, with(parts, name, strings.Replace(parts[name], "</sheetData>", rows+"</sheetData>"+behind, 1)))
}

// shared is a workbook with more shared strings, in which so many cells show the first of them.
func shared(t testing.TB, strings_ string, cells int) []byte {
	parts := partsOf(t, workbook(t, [][]string{{"节", "原文"}, {"担保", "免除担保"}}, nil))
	const sheet, list = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
	n := strings.Count(parts[list], "<si>")
	var b strings.Builder
	for i := range cells {
		fmt.Fprintf(&b, `<row r="%d"><c r="B%[1]d" t="s"><v>%d</v></c></row>`, i+3, n)
	}
	parts = with(parts, list, strings.Replace(parts[list], "</sst>", strings_+"</sst>", 1))
	return zipped(t, with(parts, sheet, strings.Replace(parts[sheet], "</sheetData>", b.String()+"</sheetData>", 1)))
}

// What one reading may take. The processor time is measured, not the clock: a loaded
// machine changes nothing about it. It is several times what was seen.
const (
	hostileMemory = 200 // MB
	hostileTime   = 8 * time.Second
)

// TestHostileFiles reads each file in a process of its own and measures that. With -short,
// as under the race detector, every eighth is read, and what it takes says nothing.
func TestHostileFiles(t *testing.T) {
	if file := os.Getenv("INTAKE_TEST_FILE"); file != "" {
		readHostile(file)
	}
	if folder := os.Getenv("INTAKE_TEST_WRITE"); folder != "" { // for the test of the console
		for _, h := range hostile {
			must(t, os.WriteFile(filepath.Join(folder, h.name), h.make(t), 0o600))
		}
		return
	}
	self, err := os.Executable()
	must(t, err)
	for i, h := range hostile {
		if testing.Short() && i%8 > 0 {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), h.name)
			must(t, os.WriteFile(file, h.make(t), 0o600))
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestHostileFiles$")
			cmd.Env = append(os.Environ(), "INTAKE_TEST_FILE="+file)
			out, err := child.CombinedOutput(cmd)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
			var peak int
			if _, err := fmt.Sscanf(string(out), "%d MB", &peak); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			t.Logf("%d ms, %s", took.Milliseconds(), out)
			if !testing.Short() && (took > hostileTime || peak > hostileMemory) {
				t.Errorf("took %v and %d MB, want at most %v and %d MB", took, peak, hostileTime, hostileMemory)
			}
		})
	}
}

// readHostile is what the process of one file does. It measures its memory itself: what
// the system says of a child counts its parent's, which it was for a moment.
func readHostile(file string) {
	in, err := intake.ReadFile(context.Background(), file, intake.Options{})
	status, _ := os.ReadFile("/proc/self/status")
	_, peak, _ := strings.Cut(string(status), "VmHWM:")
	kB, _ := strconv.Atoi(strings.Fields(peak)[0])
	fmt.Printf("%d MB: ", kB>>10)
	refused := (*intake.Refused)(nil)
	switch {
	case errors.As(err, &refused):
		fmt.Printf("refused: %s", refused.Message)
	case err != nil:
		fmt.Print(err)
		os.Exit(1)
	case len(in.Problems) > 0:
		fmt.Printf("problems: %s", in.Problems[0])
	default:
		fmt.Printf("read: %+v", in.Counts)
	}
	os.Exit(0)
}
