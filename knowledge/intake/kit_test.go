package intake_test

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"aeobot/knowledge"
	"aeobot/knowledge/intake"
)

var update = flag.Bool("update", false, "rewrite the golden outlines")

// outline writes an intake as people check it: title and date, headings, numbers, words,
// notes, and what was said about it.
func outline(in intake.Intake) string {
	var b strings.Builder
	for _, p := range in.Problems {
		fmt.Fprintf(&b, "问题：%s\n", p)
	}
	if d := in.Document; d != nil {
		fmt.Fprintf(&b, "《%s》 %s\n", d.Title, d.Date)
		heading := ""
		for _, p := range d.Passages() {
			if p.Heading != heading {
				heading = p.Heading
				fmt.Fprintf(&b, "# %s\n", heading)
			}
			if p.Section != nil {
				fmt.Fprintf(&b, "%d ", p.Number)
			} else {
				b.WriteString("- ")
			}
			b.WriteString(p.Text + "\n")
			for _, a := range p.Notes.Ask {
				fmt.Fprintf(&b, "    问 %s\n", a)
			}
			if len(p.Notes.Keywords) > 0 {
				fmt.Fprintf(&b, "    词 %s\n", strings.Join(p.Notes.Keywords, "、"))
			}
			for _, u := range p.Notes.Unlike {
				fmt.Fprintf(&b, "    非 %s（%s）\n", u.Term, u.Why)
			}
			for _, s := range p.Notes.States {
				fmt.Fprintf(&b, "    %s %s–%s %s\n", s.Status, s.From, s.To, s.Note)
			}
		}
	}
	for _, w := range in.Warnings {
		fmt.Fprintf(&b, "提醒：%s\n", w)
	}
	return b.String()
}

// golden compares with testdata, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".outline")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// imported reads a file that is to be taken whole, and checks the promise.
func imported(t *testing.T, name string, data []byte) intake.Intake {
	t.Helper()
	in, err := intake.Read(t.Context(), name, data, intake.Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if len(in.Problems) > 0 || len(in.Files) == 0 {
		t.Fatalf("%s: got files %v and problems %v", name, slices.Collect(maps.Keys(in.Files)), in.Problems)
	}
	promise(t, in)
	return in
}

// promise: what the preview shows is what the knowledge reads from the files, and every
// word of it stands there.
func promise(t *testing.T, in intake.Intake) {
	t.Helper()
	l, err := knowledge.LoadFiles(in.Files, nil)
	if err != nil {
		t.Fatalf("%s: the files cannot be read: %v", in.Name, err)
	}
	again := in
	again.Document = l.Documents[0]
	if got, want := outline(again), outline(in); got != want {
		t.Errorf("%s: read again\n%s\nwant the preview\n%s", in.Name, got, want)
	}
	source := in.Document.Source
	for _, p := range in.Document.Passages() {
		if got := knowledge.Folded(source[p.Span.Start:p.Span.End]); got != p.Text {
			t.Errorf("%s: bytes %v are %q, the preview says %q", in.Name, p.Span, got, p.Text)
		}
	}
	if o := in.Document.Origin; o != nil && (o.Name != in.Origin.Name || o.SHA256 != in.Origin.SHA256) {
		t.Errorf("%s: origin in the file is %v, want %v", in.Name, *o, in.Origin)
	}
}

// refused reads a file that is not to be taken.
func refused(t *testing.T, name string, data []byte, want error) *intake.Refused {
	t.Helper()
	in, err := intake.Read(t.Context(), name, data, intake.Options{})
	var r *intake.Refused
	if !errors.As(err, &r) || !errors.Is(err, want) || in.Files != nil {
		t.Fatalf("%s: got %v and %d files, want %v", name, err, len(in.Files), want)
	}
	if r.Message == "" || r.Mend == "" || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: the refusal %q lacks a reason or a mend, or has several lines", name, err)
	}
	return r
}

func gb18030(t testing.TB, s string) []byte {
	t.Helper()
	data, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// zipped makes an archive of parts.
func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(parts[name]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a builder takes everything
	return b.String()
}

const (
	wordSpace = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"`
	wordTypes = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>`
	// wordStyles are those of Word in Chinese (numbers as ids) and of WPS and Word in
	// English (names as ids).
	wordStyles = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:styles ` + wordSpace + `>
<w:style w:type="paragraph" w:default="1" w:styleId="a"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/><w:basedOn w:val="a"/><w:pPr><w:keepNext/><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="2"><w:name w:val="heading 2"/><w:basedOn w:val="a"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Heading1"><w:name w:val="Heading 1"/><w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="3x"><w:name w:val="标题 3"/></w:style>
<w:style w:type="paragraph" w:styleId="My"><w:name w:val="我的小标题"/><w:basedOn w:val="2"/></w:style>
<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="TOC1"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Clause"><w:name w:val="条款"/><w:pPr><w:numPr><w:numId w:val="5"/></w:numPr></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="LoopA"><w:name w:val="loop a"/><w:basedOn w:val="LoopB"/></w:style>
<w:style w:type="paragraph" w:styleId="LoopB"><w:name w:val="loop b"/><w:basedOn w:val="LoopA"/></w:style>
</w:styles>`
)

// level is one level of a list for numberingPart.
func level(i int, format, text string, start int) string {
	return fmt.Sprintf(`<w:lvl w:ilvl="%d"><w:start w:val="%d"/><w:numFmt w:val="%s"/><w:lvlText w:val="%s"/></w:lvl>`, i, start, format, text)
}

// numberingPart has the lists that offices use: 1 is 一、（一）1.；2 is 1. and a)；3 is 2
// started again at 1；4 is bullets；5 is 第一条；6 starts at 5；7 is circled；8 is 1.1.
var numberingPart = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:numbering ` + wordSpace + `>` +
	`<w:abstractNum w:abstractNumId="10"><w:multiLevelType w:val="multilevel"/>` + level(0, "chineseCounting", "%1、", 1) + level(1, "chineseCounting", "（%2）", 1) + level(2, "decimal", "%3.", 1) + `</w:abstractNum>` +
	`<w:abstractNum w:abstractNumId="11">` + level(0, "decimal", "%1.", 1) + level(1, "lowerLetter", "%2)", 1) + `</w:abstractNum>` +
	`<w:abstractNum w:abstractNumId="12">` + level(0, "bullet", "", 1) + level(1, "bullet", "o", 1) + `</w:abstractNum>` +
	`<w:abstractNum w:abstractNumId="13">` + strings.Replace(level(0, "chineseCountingThousand", "第%1条", 1), "<w:lvlText", `<w:pStyle w:val="Clause"/><w:lvlText`, 1) + `</w:abstractNum>` +
	`<w:abstractNum w:abstractNumId="14">` + level(0, "decimal", "%1、", 5) + `</w:abstractNum>` +
	`<w:abstractNum w:abstractNumId="15">` + level(0, "decimalEnclosedCircle", "%1", 1) + `</w:abstractNum>` +
	`<w:abstractNum w:abstractNumId="16">` + level(0, "decimal", "%1.", 1) + level(1, "decimal", "%1.%2", 1) + `</w:abstractNum>` +
	`<w:num w:numId="1"><w:abstractNumId w:val="10"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="11"/></w:num>` +
	`<w:num w:numId="3"><w:abstractNumId w:val="11"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>` +
	`<w:num w:numId="4"><w:abstractNumId w:val="12"/></w:num><w:num w:numId="5"><w:abstractNumId w:val="13"/></w:num>` +
	`<w:num w:numId="6"><w:abstractNumId w:val="14"/></w:num><w:num w:numId="7"><w:abstractNumId w:val="15"/></w:num><w:num w:numId="8"><w:abstractNumId w:val="16"/></w:num></w:numbering>`

// wordFile makes a Word document of a body.
func wordFile(t testing.TB, body string, more map[string]string) []byte {
	t.Helper()
	parts := map[string]string{
		"[Content_Types].xml": wordTypes,
		"_rels/.rels":         `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
		"word/document.xml":   `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document ` + wordSpace + `><w:body>` + body + `<w:sectPr><w:pgSz w:w="11906" w:h="16838"/></w:sectPr></w:body></w:document>`,
		"word/styles.xml":     wordStyles,
		"word/numbering.xml":  numberingPart,
		"docProps/core.xml":   `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"><dc:title>属性里的标题</dc:title><dcterms:created>2026-03-02T08:00:00Z</dcterms:created></cp:coreProperties>`,
	}
	maps.Copy(parts, more)
	return zipped(t, parts)
}

// run, para, styled, listed and row write what Word writes.
func run(text string) string {
	return `<w:r><w:rPr><w:rFonts w:hint="eastAsia"/></w:rPr><w:t xml:space="preserve">` + escaped(text) + `</w:t></w:r>`
}

func para(text string) string {
	return `<w:p><w:pPr><w:ind w:firstLineChars="200"/></w:pPr>` + run(text) + `</w:p>`
}

func styled(style, text string) string {
	return `<w:p><w:pPr><w:pStyle w:val="` + style + `"/></w:pPr>` + run(text) + `</w:p>`
}

func listed(id, level int, text string) string {
	return fmt.Sprintf(`<w:p><w:pPr><w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%d"/></w:numPr></w:pPr>%s</w:p>`, level, id, run(text))
}

func row(cells ...string) string {
	var b strings.Builder
	b.WriteString("<w:tr>")
	for _, c := range cells {
		b.WriteString("<w:tc><w:tcPr/>" + c + "</w:tc>")
	}
	return b.String() + "</w:tr>"
}
