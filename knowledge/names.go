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
			return clash(other, name)
		}
		known[folded] = name
	}
	return nil
}

// clash names two files, in ASCII when they look the same.
func clash(a, b string) error {
	if norm.NFC.String(a) == norm.NFC.String(b) {
		return fmt.Errorf("%w: %+q and %+q", ErrNames, a, b)
	}
	return fmt.Errorf("%w: %q and %q", ErrNames, a, b)
}
