package bot

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// FoldPerson gives the form in which user ids are compared. To the platform Zhang.San and
// zhang.san are one person; so are spellings that differ in width or Unicode form, or by
// characters that nobody sees. Ids are kept and sent as they came.
func FoldPerson(id string) string {
	folded := cases.Fold().String(norm.NFKC.String(id))
	return norm.NFKC.String(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cf, unicode.Cc, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, folded))
}

// SamePerson reports whether two user ids name one person. An empty id names nobody.
func SamePerson(a, b string) bool {
	folded := FoldPerson(a)
	return folded != "" && folded == FoldPerson(b)
}

// HasPerson reports whether a person is on a list of user ids.
func HasPerson(list []string, id string) bool {
	for _, other := range list {
		if SamePerson(other, id) {
			return true
		}
	}
	return false
}
