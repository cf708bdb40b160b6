package intake

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// The bounds of an archive. A Word document of 300 pages has some 30 parts, 15 MB
// unpacked and 300,000 elements; a table of 20,000 rows twice as many.
const (
	maxEntries  = 2_000
	maxUnpacked = 32 << 20
	maxElements = 1_500_000
	// maxDepth bounds how deep elements nest. Word's own nest some 40 deep, with tables
	// within tables.
	maxDepth = 256
)

var (
	magicEntry = []byte("PK\x01\x02")
	errTooBig  = errors.New("unpacks to too much")
	errMany    = errors.New("has too many elements")
	errDepth   = errors.New("elements nest too deep")
	errDoctype = errors.New("has a document type")
)

// archive is an Office file, of which only parts that are asked for are unpacked.
type archive struct {
	ctx   context.Context // ends with the reading of the one file
	parts map[string]*zip.File
	left  int64 // bytes that may still be unpacked
	// elements may still be read.
	elements int
}

// openArchive looks at the names of all parts before any is unpacked.
func openArchive(ctx context.Context, data []byte) (*archive, error) {
	// The library reads the whole directory before it tells how long it is.
	if bytes.Count(data, magicEntry) > maxEntries+maxEntries/10 {
		return nil, tooManyParts()
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, brokenFile(err)
	}
	if len(z.File) > maxEntries {
		return nil, tooManyParts()
	}
	a := &archive{ctx: ctx, parts: map[string]*zip.File{}, left: maxUnpacked, elements: maxElements}
	for _, f := range z.File {
		name := strings.ToLower(f.Name)
		switch {
		case !insideName(f.Name):
			return nil, &Refused{Err: ErrUnsafe, Message: "里面有指向文件夹以外的名字", Mend: "不要上传来路不明的文件；用 Word 或 Excel 打开后重新保存"}
		case f.Flags&1 != 0:
			return nil, &Refused{Err: ErrEncrypted, Message: "压缩包加了密码", Mend: "去掉密码，再保存上传"}
		case strings.HasSuffix(name, "vbaproject.bin"), strings.Contains(name, "macrosheets/"):
			return nil, &Refused{Err: ErrMacro, Message: "里面含有宏（" + path.Base(f.Name) + "）", Mend: "另存为不含宏的 .docx 或 .xlsx 再上传"}
		case a.parts[name] != nil:
			return nil, &Refused{Err: ErrUnsafe, Message: "里面有两个同名的部分", Mend: "用 Word 或 Excel 打开后重新保存"}
		}
		a.parts[name] = f
	}
	return a, nil
}

// checkTypes refuses a file with macros under another name. A type that is declared for
// an ending counts when a part has it: SheetJS and excelize say in every workbook what a
// .bin would be.
func (a *archive) checkTypes() error {
	return a.each("[Content_Types].xml", func(_ *xmlReader, e xml.StartElement) error {
		kind := strings.ToLower(attr(e, "ContentType"))
		macros := strings.Contains(kind, "macroenabled") || strings.Contains(kind, "vbaproject")
		if macros && (e.Name.Local != "Default" || a.hasEnding("."+attr(e, "Extension"))) {
			return &Refused{Err: ErrMacro, Message: "是带宏的文件，只是扩展名改了", Mend: "另存为不含宏的 .docx 或 .xlsx 再上传"}
		}
		return nil
	})
}

// hasEnding tells whether there is a part with that extension.
func (a *archive) hasEnding(extension string) bool {
	for name := range a.parts {
		if path.Ext(name) == strings.ToLower(extension) {
			return true
		}
	}
	return false
}

// insideName tells whether a part's name stays inside: relative, without .. and without
// what only some systems take for a folder.
func insideName(name string) bool {
	if name == "" || strings.ContainsAny(name, "\\:\x00") || strings.HasPrefix(name, "/") {
		return false
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(name, "/"), "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

func tooManyParts() error {
	return &Refused{Err: ErrLarge, Message: fmt.Sprintf("压缩包里的部分超过 %d 个", maxEntries), Mend: "去掉图片，或拆成几个文件"}
}

// brokenFile says in Chinese why an Office file cannot be read.
func brokenFile(err error) error {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, errTooBig):
		return &Refused{Err: fmt.Errorf("%w: %w", ErrLarge, err), Message: fmt.Sprintf("解开以后超过 %d MB", maxUnpacked>>20), Mend: "去掉图片，或拆成几个文件"}
	case errors.Is(err, errMany):
		return &Refused{Err: fmt.Errorf("%w: %w", ErrLarge, err), Message: "里面的内容太多", Mend: "拆成几个文件"}
	case errors.Is(err, errPiece):
		return &Refused{Err: fmt.Errorf("%w: %w", ErrLarge, err), Message: "里面有一处文字或标记长得不正常", Mend: "不要上传来路不明的文件；用 Word 或 Excel 打开后重新保存"}
	case errors.Is(err, errDepth), errors.Is(err, errDoctype):
		return &Refused{Err: fmt.Errorf("%w: %w", ErrUnsafe, err), Message: "里面的结构不正常（嵌套太深或带有实体定义）", Mend: "不要上传来路不明的文件；用 Word 或 Excel 打开后重新保存"}
	}
	return &Refused{Err: fmt.Errorf("%w: %w", ErrBroken, err), Message: "文件已损坏，读不完整", Mend: "用 Word、Excel 或 WPS 打开看看，重新保存一次再上传"}
}

func (a *archive) has(name string) bool { return a.parts[strings.ToLower(name)] != nil }

// open unpacks a part, counting. A part that is not there is an error.
func (a *archive) open(name string) (*xmlReader, io.Closer, error) {
	f := a.parts[strings.ToLower(name)]
	if f == nil {
		return nil, nil, fmt.Errorf("part %s is missing", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, nil, err
	}
	return &xmlReader{d: xml.NewDecoder(&xmlGuard{r: &counted{a, r}}), elements: &a.elements}, r, nil
}

// counted takes what is read off what may still be unpacked.
type counted struct {
	a *archive
	r io.Reader
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.a.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if c.a.left -= int64(n); c.a.left < 0 {
		return 0, errTooBig
	}
	return n, err
}

// xmlReader gives the tokens of a part and refuses what can hurt. Other encodings than
// UTF-8 are refused by the decoder, which is given no way to read them.
type xmlReader struct {
	d        *xml.Decoder
	depth    int
	elements *int // that may still be read, of all parts
}

// next gives the next token; io.EOF at the end of a whole document.
func (x *xmlReader) next() (xml.Token, error) {
	t, err := x.d.Token()
	if err != nil {
		return nil, err
	}
	switch t.(type) {
	case xml.StartElement:
		if x.depth++; x.depth > maxDepth {
			return nil, errDepth
		}
		if *x.elements--; *x.elements < 0 {
			return nil, errMany
		}
	case xml.EndElement:
		x.depth--
	case xml.Directive:
		return nil, errDoctype
	}
	return t, nil
}

// skip reads past the element that was just opened.
func (x *xmlReader) skip() error {
	for depth := x.depth; ; {
		if _, err := x.next(); err != nil {
			return err
		}
		if x.depth < depth {
			return nil
		}
	}
}

// attr is an attribute by its local name, or empty.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// each calls what for every start element of a part, if there is such a part. what may
// read on within the element.
func (a *archive) each(name string, what func(*xmlReader, xml.StartElement) error) error {
	if !a.has(name) {
		return nil
	}
	x, closer, err := a.open(name)
	if err != nil {
		return err
	}
	defer closer.Close() // read only
	for {
		t, err := x.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if e, ok := t.(xml.StartElement); ok {
			if err := what(x, e); err != nil {
				return err
			}
		}
	}
}
