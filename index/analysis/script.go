package analysis

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"
)

// OpenCC's tables of characters (Apache-2.0), as they stand in its repository; see
// opencc/NOTICE. Each line is a character, a tab and what it becomes, best first.
//
//go:embed opencc/TSCharacters.txt
var traditionalToSimplified string

//go:embed opencc/STCharacters.txt
var simplifiedToTraditional string

var (
	simplified  = sync.OnceValue(func() map[rune]rune { return readCharacters(traditionalToSimplified) })
	traditional = sync.OnceValue(func() map[rune]rune { return readCharacters(simplifiedToTraditional) })
)

// Traditional gives the traditional character most often meant by a simplified one;
// any other stays as it is.
func Traditional(r rune) rune { return convert(traditional(), r) }

// simplify is the other way round.
func simplify(r rune) rune { return convert(simplified(), r) }

func convert(table map[rune]rune, r rune) rune {
	if to, ok := table[r]; ok {
		return to
	}
	return r
}

// readCharacters reads a table, which a test holds to its form.
func readCharacters(table string) map[rune]rune {
	characters := make(map[rune]rune, len(table)/8)
	for line := range strings.Lines(table) {
		from, to, _ := strings.Cut(line, "\t")
		r, _ := utf8.DecodeRuneInString(from)
		characters[r], _ = utf8.DecodeRuneInString(to)
	}
	return characters
}
