package knowledge

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// formats is every kind of file that can be read. To add one: write its reader,
// add a row.
var formats = []struct {
	ext  string
	read func(source []byte) *outlined
}{
	{".txt", readText},
	{".md", readMarkdown},
	{".markdown", readMarkdown},
}

func readerFor(name string) func([]byte) *outlined {
	ext := strings.ToLower(path.Ext(name))
	for _, f := range formats {
		if f.ext == ext {
			return f.read
		}
	}
	return nil
}

func extensions() string {
	var all []string
	for _, f := range formats {
		all = append(all, f.ext)
	}
	return strings.Join(all, ", ")
}

// Errors about a file's bytes.
var (
	// ErrGB18030 means the file is text in GB18030 (GBK, GB2312), not in UTF-8.
	ErrGB18030 = errors.New("is GB18030, not UTF-8")
	ErrNotText = errors.New("is not text in UTF-8")
	ErrLarge   = fmt.Errorf("has more than %d MB", MaxFileBytes>>20)
	ErrEmpty   = errors.New("has neither a list nor a paragraph")
)

// BrokenError is a file that cannot be read as knowledge.
type BrokenError struct {
	File string
	Line int // from 1
	Err  error
	Mend string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("knowledge: %s:%d %v; %s", e.File, e.Line, e.Err, e.Mend)
}

func (e *BrokenError) Unwrap() error { return e.Err }

// Finding says the same in Chinese, to those who keep the articles.
func (e *BrokenError) Finding() Finding {
	f := Finding{File: e.File, Line: e.Line, Message: "读不了（" + e.Err.Error() + "）", Mend: e.Mend}
	twice := (*duplicateKey)(nil)
	switch {
	case errors.As(e.Err, &twice):
		f.Message, f.Mend = fmt.Sprintf("键“%s”写了两次，第 %d 行已有", twice.key, twice.first), "合并成一处"
	case e.Mend == mendYAML:
		f.Mend = "改正 YAML 的写法（缩进、引号、冒号、括号）"
	case e.Mend == mendValue:
		f.Mend = "改正这个值的写法"
	case errors.Is(e.Err, ErrGB18030):
		f.Message, f.Mend = "编码是 GB18030，不是 UTF-8", "运行 aeobot knowledge import "+e.File+"，用转好的文件"
	case errors.Is(e.Err, ErrNotText):
		f.Message, f.Mend = "不是 UTF-8 文字", "用 UTF-8 编码另存为文本文件"
	case errors.Is(e.Err, ErrEmpty):
		f.Message, f.Mend = "里面没有编号条目，也没有段落", "核对是不是这个文件"
	default:
		if message, fix, ok := shapeFinding(e.Err); ok {
			f.Message, f.Mend = message, fix
		}
	}
	return f
}

// firstBroken is the line of the first byte that is no UTF-8, or 1.
func firstBroken(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1, r == 0:
			return line
		case r == '\n':
			line++
		}
		data = data[size:]
	}
	return 1
}

// checkText tells whether the bytes can be read.
func checkText(data []byte) error {
	switch {
	case len(data) > MaxFileBytes:
		return ErrLarge
	case len(bytes.TrimSpace(data)) == 0:
		return errors.New("is empty")
	case bytes.IndexByte(data, 0) >= 0:
		return ErrNotText
	case utf8.Valid(data):
		return nil
	}
	if _, err := decodeGB18030(data); err == nil {
		return ErrGB18030
	}
	return ErrNotText
}

// decodeGB18030 gives the UTF-8 of GB18030 text. The decoder never fails but
// leaves replacement characters, so their absence is the test.
func decodeGB18030(data []byte) ([]byte, error) {
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(data)
	if err != nil || slices.Contains([]rune(string(text)), utf8.RuneError) {
		return nil, ErrNotText
	}
	return text, nil
}

// ToUTF8 gives the bytes to store for a file: themselves when they are UTF-8,
// converted when they are GB18030. converted tells which.
func ToUTF8(data []byte) (text []byte, converted bool, err error) {
	switch err := checkText(data); {
	case errors.Is(err, ErrGB18030):
		text, err := decodeGB18030(data)
		return text, true, err
	case err != nil:
		return nil, false, err
	}
	return data, false, nil
}
