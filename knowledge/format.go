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

// MaxFileBytes bounds one source file. The largest notices seen have some 200 kB.
const MaxFileBytes = 20 << 20

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
)

// checkText tells whether the bytes can be read.
func checkText(data []byte) error {
	switch {
	case len(data) > MaxFileBytes:
		return fmt.Errorf("has %d bytes, more than %d", len(data), MaxFileBytes)
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
