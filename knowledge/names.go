package knowledge

import (
	"errors"
	"fmt"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// ErrNames means that two files have names which are one name where others keep files: in
// macOS and Windows neither letter case nor Unicode form (é in one character or in two)
// makes a difference.
var ErrNames = errors.New("two names differ only in letter case or Unicode form; rename one of the files")

// ErrTwice means that two files would be one document: its id is the name without extension.
var ErrTwice = errors.New("two files have the same name but for the extension; rename one of them")

// NamesError are two files that cannot both be in the knowledge. It is ErrNames or ErrTwice.
type NamesError struct {
	Files [2]string
	err   error
}

// Error names both, in ASCII when they look the same.
func (e *NamesError) Error() string {
	a, b := e.Files[0], e.Files[1]
	if norm.NFC.String(a) == norm.NFC.String(b) {
		return fmt.Sprintf("%v: %+q and %+q", e.err, a, b)
	}
	return fmt.Sprintf("%v: %q and %q", e.err, a, b)
}

func (e *NamesError) Unwrap() error { return e.err }

// Finding says the same in Chinese, to those who keep the articles.
func (e *NamesError) Finding() Finding {
	f := Finding{File: e.Files[1], Message: "和“" + e.Files[0] + "”的名字只差大小写或字符形式，在有些电脑上是同一个文件"}
	if errors.Is(e.err, ErrTwice) {
		f.Message = "和“" + e.Files[0] + "”只有扩展名不同，会成为同一篇"
	}
	f.Mend = "给新的换一个名字；要换掉已有的那篇，新的就用和它一样的名字，或先去掉它"
	return f
}

// Explain gives what is wrong with files that are no knowledge, as those who keep the articles
// read it; ok is false for any other error.
func Explain(err error) (f Finding, ok bool) {
	if broken := (*BrokenError)(nil); errors.As(err, &broken) {
		return broken.Finding(), true
	}
	if names := (*NamesError)(nil); errors.As(err, &names) {
		return names.Finding(), true
	}
	return f, false
}

// FoldName gives the form in which names of files are compared.
func FoldName(name string) string {
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(name)))
}

// CheckNames refuses names of files that cannot lie in one folder everywhere. Its error is
// ErrNames and has both.
func CheckNames(names []string) error {
	known := make(map[string]string, len(names))
	for _, name := range names {
		folded := FoldName(name)
		if other, there := known[folded]; there && other != name {
			return &NamesError{[2]string{other, name}, ErrNames}
		}
		known[folded] = name
	}
	return nil
}
