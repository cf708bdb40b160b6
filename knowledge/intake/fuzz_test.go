package intake_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/knowledge/intake"
)

// maxFuzzBytes keeps an input small enough that what it may blow up to shows.
const maxFuzzBytes = 64 << 10

// fuzzRead: whatever comes in, it ends soon, is refused with a reason or reported row by
// row, or what is handed out keeps the promise. A document that could not be read back
// the same is our own mistake.
func fuzzRead(t *testing.T, name string, data []byte) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	in, err := intake.Read(ctx, name, data, intake.Options{})
	var r *intake.Refused
	switch {
	case err != nil && !errors.As(err, &r):
		t.Fatalf("neither taken nor refused: %v", err)
	case err != nil && (r.Message == "" || r.Mend == "" || strings.Contains(r.Message, "不一致")):
		t.Fatalf("refused: %v", err)
	case err != nil:
		return
	case len(in.Problems) > 0:
		if in.Files != nil {
			t.Fatalf("files in spite of %v", in.Problems)
		}
	default:
		size := 0
		for _, data := range in.Files {
			size += len(data)
		}
		// A row can carry on a merged cell's words; nothing else makes text longer, but for
		// marks and notes.
		if len(data) <= maxFuzzBytes && size > 200*len(data)+1<<20 {
			t.Errorf("%d bytes became %d", len(data), size)
		}
		promise(t, in)
	}
}

func FuzzDOCX(f *testing.F) {
	for _, d := range wordDocuments {
		f.Add([]byte(d.body), false)
	}
	whole := wordFile(f, para("担保")+para("1、免除担保"), nil)
	f.Add(whole, true)
	f.Add(whole[:len(whole)-30], true)
	f.Add([]byte(`<w:p><w:pPr><w:numPr><w:ilvl w:val="99999"/><w:numId w:val="-1"/></w:numPr></w:pPr><w:r><w:sym w:char="D800"/><w:t>`+"\u2028#\u0085"+`</w:t></w:r></w:p>`), false)
	f.Fuzz(func(t *testing.T, data []byte, archive bool) {
		if len(data) > maxFuzzBytes {
			return
		}
		if !archive {
			data = wordFile(t, string(data), nil)
		}
		fuzzRead(t, "fuzz.docx", data)
	})
}

// FuzzWordNumbering spoils the definitions of lists.
func FuzzWordNumbering(f *testing.F) {
	f.Add(numberingPart)
	f.Add(`<w:numbering ` + wordSpace + `><w:abstractNum w:abstractNumId="1"><w:numStyleLink w:val="Clause"/>` + level(0, "upperLetter", "%1%1%1%9", 99999) + `</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="1"/></w:num><w:num w:numId="5"><w:abstractNumId w:val="1"/></w:num></w:numbering>`)
	body := listed(1, 0, "甲") + listed(1, 1, "乙") + listed(1, 8, "丙") + styled("Clause", "丁") + listed(2, 0, "戊")
	f.Fuzz(func(t *testing.T, part string) {
		if len(part) <= maxFuzzBytes {
			fuzzRead(t, "fuzz.docx", wordFile(t, body, map[string]string{"word/numbering.xml": part}))
		}
	})
}

func FuzzXLSX(f *testing.F) {
	whole := workbook(f, [][]string{{"节", "编号", "原文", "问法", "生效日期"}, {"担保", "1", "免除担保", "能免吗", "2026-04-01"}}, nil)
	parts := partsOf(f, whole)
	const sheet = "xl/worksheets/sheet1.xml"
	f.Add([]byte(parts[sheet]), false)
	f.Add([]byte(`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>原文</t></is></c><c r="B1" t="inlineStr"><is><t>节</t></is></c></row><row r="9"><c r="A9" t="b"><v>1</v></c><c r="B9"><v>1e300</v></c></row><row r="10"><c r="A10" t="e"><v>#N/A</v></c><c r="XFD10"><f>1/0</f></c></row></sheetData><mergeCells><mergeCell ref="A9:B1048576"/><mergeCell ref="B2:A1"/></mergeCells></worksheet>`), false)
	f.Add(whole, true)
	f.Add(whole[:len(whole)-30], true)
	f.Fuzz(func(t *testing.T, data []byte, archive bool) {
		if len(data) > maxFuzzBytes {
			return
		}
		if !archive {
			data = zipped(t, with(parts, sheet, string(data)))
		}
		fuzzRead(t, "fuzz.xlsx", data)
	})
}

func FuzzCSV(f *testing.F) {
	template, err := intake.TemplateCSV()
	must(f, err)
	f.Add(template)
	f.Add([]byte("节,原文,问法,易混,状态\n# 甲,\"- 一\n> 二\",问；问,a＝b,现行\n1、乙,,,\n"))
	f.Add([]byte("sep=\t\n原文\t编号\n一\t３\n二\t第5条\n"))
	f.Add([]byte("问题;答案\r\n\"a\"\"b\";\"c\r\n\r\nd\"\r\n"))
	f.Add(gb18030(f, "节,原文\n担保,免除\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) <= maxFuzzBytes {
			fuzzRead(t, "fuzz.csv", data)
		}
	})
}

func FuzzHTML(f *testing.F) {
	f.Add([]byte(page("<title>甲</title>", "<h1>乙</h1><ol reversed start=3><li value=x>一<ul><li>二</ul><p>三</ol><table><tr><td>1<td>四<table><tr><td>五")))
	f.Add([]byte("<p hidden><table><td><ol><li><h3>#<br>1、<pre>\n\r\x0b</pre><ol reversed><li><svg><p>x</svg></p></ol>"))
	f.Add([]byte("<!DOCTYPE html [<!ENTITY x 'y'>]>&x;&#0;&#x110000;<plaintext><p>1.<p>2."))
	f.Add(gb18030(f, `<meta charset=gb2312><p>一、担保<p>（1）免除；（2）减少`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) <= maxFuzzBytes {
			fuzzRead(t, "fuzz.html", data)
		}
	})
}

func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"海关.docx", "../../x.txt", `C:\a.md`, "con.txt", "..", "a\x00.txt", "\u202Ex.txt"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		safe, err := intake.SafeName(name)
		if err != nil {
			return
		}
		again, err := intake.SafeName(safe + ".md")
		if err != nil || again != safe {
			t.Errorf("%q became %q and then %q, %v", name, safe, again, err)
		}
		if strings.ContainsAny(safe, "/\\\x00:*?\"<>|\n") || strings.HasPrefix(safe, ".") || strings.HasSuffix(safe, ".") || slices.Contains([]string{"", "CON", "con", "nul"}, safe) || len([]rune(safe)) > 63 {
			t.Errorf("%q became %q", name, safe)
		}
	})
}
