package intake_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"aeobot/knowledge/intake"
)

// compound makes the container in which old Office keeps documents, and new Office those
// under a password, as far as anybody looks at it.
func compound(stream string) []byte {
	b := bytes.NewBuffer([]byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1})
	b.Write(make([]byte, 1024))
	_ = binary.Write(b, binary.LittleEndian, utf16.Encode([]rune(stream))) // a buffer takes everything
	b.Write(make([]byte, 512))
	return b.Bytes()
}

// fastZip packs a hundred megabytes in no time, if not as tightly.
func fastZip(w io.Writer) *zip.Writer {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	return z
}

// bomb is a part of so many bytes, all of them alike. Its true size need not be what the
// archive says.
func bomb(t testing.TB, parts map[string]string, name, head string, size int, claimed uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := fastZip(&b)
	for _, n := range slices.Sorted(maps.Keys(parts)) {
		if n == name {
			continue
		}
		w, err := z.Create(n)
		must(t, err)
		_, err = io.WriteString(w, parts[n])
		must(t, err)
	}
	body := head + strings.Repeat(" ", size)
	if claimed == 0 {
		w, err := z.Create(name)
		must(t, err)
		_, err = io.WriteString(w, body)
		must(t, err)
	} else {
		var packed bytes.Buffer
		inner := fastZip(&packed)
		w, err := inner.Create("x")
		must(t, err)
		_, err = io.WriteString(w, body)
		must(t, err, inner.Close())
		r, err := zip.NewReader(bytes.NewReader(packed.Bytes()), int64(packed.Len()))
		must(t, err)
		raw, err := r.File[0].OpenRaw()
		must(t, err)
		out, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CRC32: crc32.ChecksumIEEE([]byte(body)), CompressedSize64: r.File[0].CompressedSize64, UncompressedSize64: claimed})
		must(t, err)
		_, err = io.Copy(out, raw)
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

// wordParts are the parts of a sound document, to be spoilt.
func wordParts(t testing.TB) map[string]string {
	t.Helper()
	return partsOf(t, wordFile(t, para("担保")+para("1、免除担保"), nil))
}

func partsOf(t testing.TB, data []byte) map[string]string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	must(t, err)
	parts := map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		text, err := io.ReadAll(r)
		must(t, err)
		parts[f.Name] = string(text)
	}
	return parts
}

func with(parts map[string]string, name, text string) map[string]string {
	parts = maps.Clone(parts)
	if parts[name] = text; text == "" {
		delete(parts, name)
	}
	return parts
}

// vbaTypes are a workbook's types with one for macros, as libraries write it that have none.
func vbaTypes(sheet map[string]string) string {
	return strings.Replace(sheet["[Content_Types].xml"], "<Override", `<Default Extension="bin" ContentType="application/vnd.ms-excel.sheet.binary.macroEnabled.main"/><Default Extension="vba" ContentType="application/vnd.ms-office.vbaProject"/><Override`, 1)
}

const documentHead = `<w:document ` + wordSpace + `><w:body>`

func TestBrokenArchives(t *testing.T) {
	word := wordParts(t)
	sheet := partsOf(t, workbook(t, [][]string{{"节", "原文"}, {"担保", "免除担保"}}, nil))
	many := maps.Clone(word)
	for i := range 2001 {
		many[fmt.Sprintf("word/media/%d.png", i)] = ""
	}
	deep := documentHead + strings.Repeat("<w:sdt>", 300) + strings.Repeat("</w:sdt>", 300) + "</w:body></w:document>"
	const doctype = `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>`
	whole := zipped(t, word)
	tests := []struct {
		name, file string
		data       []byte
		want       error
	}{
		{"cut off", "a.docx", whole[:len(whole)/2], intake.ErrBroken},
		{"no directory", "a.docx", []byte("PK\x03\x04 nothing"), intake.ErrBroken},
		{"noise", "a.docx", append([]byte("PK\x03\x04"), bytes.Repeat([]byte{0xA5, 0x5A, 0}, 5000)...), intake.ErrBroken},
		{"text under a wrong name", "a.docx", []byte("担保\n1、免除"), intake.ErrBroken},
		{"a page under a wrong name", "a.xlsx", []byte("<html></html>"), intake.ErrBroken},
		{"a document as text", "a.txt", whole, intake.ErrFormat},
		{"a document as a sheet", "a.xlsx", whole, intake.ErrBroken},
		{"a sheet as a document", "a.docx", zipped(t, sheet), intake.ErrBroken},
		{"old Word", "a.doc", compound("WordDocument"), intake.ErrLegacy},
		{"old Word renamed", "a.docx", compound("WordDocument"), intake.ErrLegacy},
		{"old Excel", "a.xls", compound("Workbook"), intake.ErrLegacy},
		{"old Excel renamed", "a.xlsx", compound("Workbook"), intake.ErrLegacy},
		{"under a password", "a.docx", compound("EncryptedPackage"), intake.ErrEncrypted},
		{"sheet under a password", "a.xlsx", compound("EncryptedPackage"), intake.ErrEncrypted},
		{"macros by name", "a.docm", whole, intake.ErrMacro},
		{"macros in a sheet by name", "a.xlsm", zipped(t, sheet), intake.ErrMacro},
		{"macros inside", "a.docx", zipped(t, with(word, "word/vbaProject.bin", "x")), intake.ErrMacro},
		{"macros inside a sheet", "a.xlsx", zipped(t, with(sheet, "xl/vbaProject.bin", "x")), intake.ErrMacro},
		{"old macro sheet", "a.xlsx", zipped(t, with(sheet, "xl/macrosheets/sheet1.xml", "<x/>")), intake.ErrMacro},
		{"macros by type", "a.docx", zipped(t, with(word, "[Content_Types].xml", strings.Replace(word["[Content_Types].xml"], "openxmlformats-officedocument.wordprocessingml.document.main+xml", "ms-word.document.macroEnabled.main+xml", 1))), intake.ErrMacro},
		{"macros by the type of an ending", "a.xlsx", zipped(t, with(with(sheet, "[Content_Types].xml", vbaTypes(sheet)), "xl/other.BIN", "x")), intake.ErrMacro},
		{"macros by the type of another ending", "a.xlsx", zipped(t, with(with(sheet, "[Content_Types].xml", vbaTypes(sheet)), "xl/other.vba", "x")), intake.ErrMacro},
		{"macros by the type of all parts", "a.xlsx", zipped(t, with(sheet, "[Content_Types].xml", `<Types><Default Extension="xml" ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/></Types>`)), intake.ErrMacro},
		{"PDF", "a.pdf", []byte("%PDF-1.7"), intake.ErrFormat},
		{"PDF renamed", "a.html", []byte("%PDF-1.7"), intake.ErrFormat},
		{"empty", "a.docx", nil, intake.ErrEmpty},
		{"blank", "a.csv", []byte(" \r\n"), intake.ErrEmpty},
		{"100 MB", "a.docx", make([]byte, 100<<20), intake.ErrLarge},
		{"100 MB of text", "a.txt", bytes.Repeat([]byte("a"), 100<<20), intake.ErrLarge},
		{"no body", "a.docx", zipped(t, with(word, "word/document.xml", "")), intake.ErrBroken},
		{"no types", "a.docx", zipped(t, with(word, "[Content_Types].xml", "")), intake.ErrBroken},
		{"no words", "a.docx", wordFile(t, para(""), nil), intake.ErrEmpty},
		{"half a body", "a.docx", zipped(t, with(word, "word/document.xml", documentHead+"<w:p>")), intake.ErrBroken},
		{"body that is no XML", "a.docx", zipped(t, with(word, "word/document.xml", "{}")), intake.ErrBroken},
		{"another encoding", "a.docx", zipped(t, with(word, "word/document.xml", `<?xml version="1.0" encoding="GB2312"?>`+documentHead+"</w:body></w:document>")), intake.ErrBroken},
		{"half the styles", "a.docx", zipped(t, with(word, "word/styles.xml", "<w:styles><w:style>")), intake.ErrBroken},
		{"deep", "a.docx", zipped(t, with(word, "word/document.xml", deep)), intake.ErrUnsafe},
		{"deep numbering", "a.docx", zipped(t, with(word, "word/numbering.xml", strings.Repeat("<x>", 100_000))), intake.ErrUnsafe},
		{"document type", "a.docx", zipped(t, with(word, "word/document.xml", doctype+documentHead+"</w:body></w:document>")), intake.ErrUnsafe},
		{"document type in the styles", "a.docx", zipped(t, with(word, "word/styles.xml", doctype+"<x>&b;</x>")), intake.ErrUnsafe},
		{"document type in a sheet", "a.xlsx", zipped(t, with(sheet, "xl/worksheets/sheet1.xml", doctype+sheet["xl/worksheets/sheet1.xml"])), intake.ErrUnsafe},
		{"half a sheet", "a.xlsx", zipped(t, with(sheet, "xl/worksheets/sheet1.xml", sheet["xl/worksheets/sheet1.xml"][:500])), intake.ErrBroken},
		{"deep sheet", "a.xlsx", zipped(t, with(sheet, "xl/sharedStrings.xml", strings.Repeat("<si>", 1000))), intake.ErrUnsafe},
		{"no sheet at all", "a.xlsx", zipped(t, with(sheet, "xl/worksheets/sheet1.xml", "")), intake.ErrBroken},
		{"no header", "a.xlsx", workbook(t, [][]string{{"甲", "乙"}, {"一", "二"}}, nil), intake.ErrFormat},
		{"hidden header", "a.xlsx", workbook(t, [][]string{{"节", "原文"}, {"担保", "免除担保"}}, func(f *excelize.File) { must(t, f.SetRowVisible("Sheet1", 1, false)) }), intake.ErrFormat},
		{"hidden column of answers", "a.xlsx", workbook(t, [][]string{{"节", "原文"}, {"担保", "免除担保"}}, func(f *excelize.File) { must(t, f.SetColVisible("Sheet1", "B", false)) }), intake.ErrFormat},
		{"nothing below the header", "a.xlsx", workbook(t, [][]string{{"节", "原文"}}, nil), intake.ErrEmpty},
		{"too many parts", "a.docx", zipped(t, many), intake.ErrLarge},
		{"bomb", "a.docx", bomb(t, word, "word/document.xml", documentHead, 101<<20, 0), intake.ErrLarge},
		{"bomb that lies", "a.docx", bomb(t, word, "word/document.xml", documentHead, 101<<20, 1000), intake.ErrBroken},
		{"bomb in a sheet", "a.xlsx", bomb(t, sheet, "xl/worksheets/sheet1.xml", "<worksheet><sheetData>", 101<<20, 0), intake.ErrLarge},
		{"out of the folder", "a.docx", zipped(t, with(word, "../../etc/passwd", "x")), intake.ErrUnsafe},
		{"absolute", "a.docx", zipped(t, with(word, "/word/document.xml", "x")), intake.ErrUnsafe},
		{"backslash", "a.docx", zipped(t, with(word, `..\evil`, "x")), intake.ErrUnsafe},
		{"drive", "a.xlsx", zipped(t, with(sheet, "C:evil", "x")), intake.ErrUnsafe},
		{"NUL", "a.docx", zipped(t, with(word, "a\x00b", "x")), intake.ErrUnsafe},
		{"the same part twice", "a.docx", zipped(t, with(word, "WORD/document.xml", "x")), intake.ErrUnsafe},
		{"binary as CSV", "a.csv", []byte("a,b\x00\xff\n"), intake.ErrText},
		{"no text", "a.md", []byte{0xff, 0xff, 0xfe}, intake.ErrText},
		{"a page with NULs", "a.html", []byte("<p>a\x00b"), intake.ErrText},
		{"a page without words", "a.html", []byte("<html><script>x</script></html>"), intake.ErrEmpty},
		{"a picture", "a.png", []byte("\x89PNG"), intake.ErrFormat},
		{"unknown", "a.xyz", []byte("x"), intake.ErrFormat},
		{"no ending", "a", []byte("x"), intake.ErrFormat},
		{"no header in CSV", "a.csv", []byte("a,b\n1,2\n"), intake.ErrFormat},
		{"nothing but marks", "...docx", whole, intake.ErrName},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { refused(t, tt.file, tt.data, tt.want) })
	}
}

func TestTooManyRowsAndParagraphs(t *testing.T) {
	var table strings.Builder
	table.WriteString("节,原文\n")
	for i := range 20_001 {
		fmt.Fprintf(&table, "甲,措施%d\n", i)
	}
	refused(t, "a.csv", []byte(table.String()), intake.ErrLarge)
	refused(t, "a.html", []byte(strings.Repeat("<p>甲", 20_001)), intake.ErrLarge)
	refused(t, "a.docx", wordFile(t, strings.Repeat("<w:p/>", 20_001), nil), intake.ErrLarge)
	far := workbook(t, [][]string{{"节", "原文"}, {"甲", "一"}}, func(f *excelize.File) {
		must(t, f.SetCellValue("Sheet1", "B1048576", "远处"), f.SetCellValue("Sheet1", "XFD3", "远处"))
	})
	refused(t, "a.xlsx", far, intake.ErrLarge)
}

func TestBrokenQuotesInCSV(t *testing.T) {
	in, err := intake.Read(t.Context(), "a.csv", []byte("节,原文\n甲,一\n甲,\"二\n甲,三\n"), intake.Options{})
	if err != nil || len(in.Problems) != 1 || in.Problems[0].Row != 3 || in.Files != nil {
		t.Errorf("got %v, %v", in.Problems, err)
	}
}

func TestParagraphTooLong(t *testing.T) {
	in, err := intake.Read(t.Context(), "a.docx", wordFile(t, para("甲")+para(strings.Repeat("长", 10_001)), nil), intake.Options{})
	if err != nil || len(in.Problems) != 1 || in.Problems[0].String() != "第 2 段：这一段有 10001 字，超过 10000 字；改法：分成几段" || in.Files != nil {
		t.Errorf("got %v, %v", in.Problems, err)
	}
}

// TestSafeNames: whatever a browser sends, what comes out is one plain name.
func TestSafeNames(t *testing.T) {
	for name, want := range map[string]string{
		"海关公告.docx": "海关公告", `C:\Users\张三\桌面\海关公告.docx`: "海关公告", "../../etc/passwd.txt": "passwd", "/etc/shadow.txt": "shadow",
		`..\..\a.md`: "a", "a\x00b.txt": "ab", ".hidden.txt": "hidden", "..a...txt": "a", "CON.txt": "文件-CON", "com1.csv": "文件-com1", "lpt9.x.docx": "文件-lpt9.x",
		"nul .txt": "文件-nul", "控制\u202Etxt.docx": "控制txt", "a:b*c?.txt": "a-b-c-", "  两  个 空格 .txt": "两 个 空格", "v1.2 说明.docx": "v1.2 说明",
		strings.Repeat("长", 90) + ".txt": strings.Repeat("长", 60), "公告（2026）〔15〕号.docx": "公告（2026）〔15〕号", "a\n\tb.txt": "ab", "com.txt": "com",
	} {
		if got, err := intake.SafeName(name); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{"", ".", "..", "/", `\`, "...txt", "\x00.txt", "../", "-.docx", "。.txt"} {
		if got, err := intake.SafeName(name); !errors.Is(err, intake.ErrName) {
			t.Errorf("%q: got %q, %v, want no name", name, got, err)
		}
	}
}
