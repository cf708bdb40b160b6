package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"aeobot/knowledge"
)

// format is one kind of file that is taken.
type format struct {
	name string // in Chinese
	exts []string
	zip  bool // the file is an archive
	read func(context.Context, *reading) error
}

const plainText = "纯文本"

// formats is every kind of file that is taken. To add one: write its reader, add a row.
var formats = []format{
	{plainText, []string{".txt"}, false, readText},
	{"Markdown", []string{".md", ".markdown"}, false, readText},
	{"Word 文档", []string{".docx"}, true, readDOCX},
	{"网页", []string{".html", ".htm", ".xhtml"}, false, readHTML},
	{"问答表（Excel）", []string{".xlsx"}, true, readXLSX},
	{"问答表（CSV）", []string{".csv", ".tsv"}, false, readCSV},
}

// Extensions are what the names of files that are taken end in, for a file chooser.
func Extensions() []string {
	var all []string
	for _, f := range formats {
		all = append(all, f.exts...)
	}
	return all
}

// refusals are kinds of files that people try and that are not taken, with the reason.
var refusals = []struct {
	exts          string
	err           error
	message, mend string
}{
	{".doc.dot.wps.wpt.rtf", ErrLegacy, "是旧格式的文字文档", "用 Word 或 WPS 打开，另存为 .docx 再上传"},
	{".xls.xlt.et.ett.xlsb", ErrLegacy, "是旧格式的表格", "用 Excel 或 WPS 打开，另存为 .xlsx 或 CSV 再上传"},
	{".docm.dotm", ErrMacro, "是带宏的文档", "另存为不含宏的 .docx 再上传"},
	{".xlsm.xltm.xlam", ErrMacro, "是带宏的表格", "另存为不含宏的 .xlsx 再上传"},
	{".pdf.ofd", ErrFormat, "是版式文件，文字的先后读不准", "找到它的 Word 或网页原稿，或把文字粘贴进来"},
	{".jpg.jpeg.png.gif.bmp.tif.tiff.webp", ErrFormat, "是图片，里面没有文字", "把文字粘贴进来"},
	{".zip.rar.7z.gz.tar", ErrFormat, "是压缩包", "解开以后逐个上传"},
	{".ppt.pptx.pptm.dps", ErrFormat, "是演示文稿", "把文字粘贴进来，或另存为 .docx"},
	{".mht.mhtml", ErrFormat, "是单个文件的网页", "在浏览器里另存为“仅 HTML”再上传"},
}

// formatOf finds the reader by the name's ending and makes sure that the bytes do not
// contradict it: a wrong ending is refused and named, never guessed past.
func formatOf(name string, data []byte) (format, error) {
	refuse := func(err error, message, mend string) (format, error) {
		return format{}, &Refused{File: shownName(name), Err: err, Message: message, Mend: mend}
	}
	ext := strings.ToLower(path.Ext(lastPart(name)))
	for _, r := range refusals {
		if ext != "" && slices.Contains(strings.Split(r.exts, "."), ext[1:]) {
			return refuse(r.err, r.message, r.mend)
		}
	}
	i := slices.IndexFunc(formats, func(f format) bool { return slices.Contains(f.exts, ext) })
	switch {
	case i < 0:
		return refuse(ErrFormat, fmt.Sprintf("不认识扩展名“%s”", ext), "可以上传 "+strings.Join(Extensions(), "、"))
	case len(data) > MaxBytes:
		return refuse(ErrLarge, fmt.Sprintf("文件超过 %d MB", MaxBytes>>20), "去掉图片，或拆成几个文件")
	case len(bytes.TrimSpace(data)) == 0:
		return refuse(ErrEmpty, "文件是空的", "核对是不是这个文件")
	}
	return formats[i], contradiction(name, formats[i], data)
}

var (
	magicZip = []byte("PK\x03\x04")
	magicOLE = []byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}
	magicPDF = []byte("%PDF-")
	// encryptedPackage names the stream in which Office keeps a document under a
	// password, in UTF-16 as the container writes names.
	encryptedPackage = []byte("E\x00n\x00c\x00r\x00y\x00p\x00t\x00e\x00d\x00P\x00a\x00c\x00k\x00a\x00g\x00e\x00")
)

// contradiction compares the first bytes with what the ending promises.
func contradiction(name string, f format, data []byte) error {
	refuse := func(err error, message, mend string) error {
		return &Refused{File: shownName(name), Err: err, Message: message, Mend: mend}
	}
	switch {
	case bytes.HasPrefix(data, magicOLE) && bytes.Contains(data, encryptedPackage):
		return refuse(ErrEncrypted, "文件加了密码", "在 Word、Excel 或 WPS 里去掉打开密码，再保存上传")
	case bytes.HasPrefix(data, magicOLE):
		return refuse(ErrLegacy, "内容是旧格式（.doc、.xls、.wps、.et），只是扩展名改了", "用 Word、Excel 或 WPS 打开，另存为 .docx 或 .xlsx")
	case bytes.HasPrefix(data, magicPDF):
		return refuse(ErrFormat, "内容是 PDF", "找到它的 Word 或网页原稿，或把文字粘贴进来")
	case f.zip && !bytes.HasPrefix(data, magicZip):
		return refuse(ErrBroken, "不是"+f.name+"：内容和扩展名不符，或文件已损坏", "用 Word、Excel 或 WPS 打开看看，重新保存一次再上传")
	case !f.zip && bytes.HasPrefix(data, magicZip):
		return refuse(ErrFormat, "内容是压缩包或 Office 文件，和扩展名不符", "改回原来的扩展名（.docx、.xlsx）再上传")
	}
	return nil
}

// ReadFile reads a file on disk as Read does. A file that is too large is refused before
// it is read.
func ReadFile(ctx context.Context, file string, o Options) (Intake, error) {
	// A pipe without a writer would keep an ordinary open waiting.
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Intake{}, fmt.Errorf("intake: %w; name a file that can be read", err)
	}
	defer f.Close() // read only
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return Intake{}, errors.Join(fmt.Errorf("intake: %s is no plain file; name a file that can be read", file), err)
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return Intake{}, fmt.Errorf("intake: %w; name a file that can be read", err)
	}
	return Read(ctx, file, data, o)
}

// readText takes text and Markdown as they are, in UTF-8: they need no other form.
func readText(_ context.Context, in *reading) error {
	text, converted, err := knowledge.ToUTF8(in.data)
	if err != nil {
		return notText(err)
	}
	in.Converted = converted
	ext := ".md"
	if in.Format == plainText {
		ext = ".txt"
	}
	return in.load(map[string][]byte{in.Name + ext: text})
}

// load reads the files as the knowledge will, and passes on what it finds doubtful.
func (in *reading) load(files map[string][]byte) error {
	l, err := knowledge.LoadFiles(files, nil)
	if err != nil {
		return unreadable(err)
	}
	in.Files, in.Document = files, l.Documents[0]
	for _, f := range in.Document.Findings {
		in.found(f, Problem{Row: f.Line, Unit: "行", Message: f.Message, Mend: f.Mend})
	}
	in.Counts.Rows = max(in.Counts.Rows, bytes.Count(in.Document.Source, []byte("\n")))
	return nil
}
