// Package lexicon is vocabulary as data: words that only ask, words that every
// question of the field contains, words that tell what kind of thing is asked
// for, and words that stand for other words. To change what they are, edit the
// text files; curators add their own beside the knowledge.
//
// Read matcher.go for how words are found, terms.go for the vocabulary, facets.go
// for what questions ask for.
package lexicon

import (
	_ "embed"
	"strings"

	"aeobot/index/analysis"
)

var (
	//go:embed question_words.txt
	questionWords string
	//go:embed subject_words.txt
	subjectWords string

	//go:embed field_words.txt
	fieldWords string

	//go:embed benefit_words.txt
	benefitWords string

	//go:embed except_words.txt
	exceptWords string

	//go:embed jurisdiction_words.txt
	jurisdictionWords string

	question     = readWords(questionWords)
	subject      = readWords(subjectWords)
	field        = readWords(fieldWords)
	benefit      = readWords(benefitWords)
	except       = readWords(exceptWords)
	jurisdiction = readWords(jurisdictionWords)
)

// readWords reads words parted by white space; # starts a comment, and _ stands
// for a space inside a word.
func readWords(data string) *matcher[bool] {
	m := newMatcher[bool]()
	for line := range strings.Lines(data) {
		line, _, _ = strings.Cut(line, "#")
		for _, w := range strings.Fields(line) {
			m.add(strings.ReplaceAll(w, "_", " "), true)
		}
	}
	return m
}

// Words are words to look for in questions, whatever their spelling.
type Words struct{ matcher *matcher[bool] }

// NewWords takes words, each with at least one letter.
func NewWords(words []string) Words {
	m := newMatcher[bool]()
	for _, w := range words {
		m.add(w, true)
	}
	return Words{m}
}

// Mark marks the tokens that the words take, the longest at each place.
func (w Words) Mark(tokens []analysis.Token) []bool { return w.matcher.mark(tokens) }

// Asking marks the tokens that only ask (吗, 怎么, 有没有).
func Asking(tokens []analysis.Token) []bool { return question.mark(tokens) }

// Subject marks the tokens that every question of the field may contain (AEO,
// 企业).
func Subject(tokens []analysis.Token) []bool { return subject.mark(tokens) }

// Field marks the tokens that name the field itself (AEO, 高级认证).
func Field(tokens []analysis.Token) []bool { return field.mark(tokens) }

// Benefit marks the tokens that say what somebody is given, whatever it is (优惠,
// 支持).
func Benefit(tokens []analysis.Token) []bool { return benefit.mark(tokens) }

// Jurisdiction marks the tokens that name a place with customs rules of its own.
func Jurisdiction(tokens []analysis.Token) []bool { return jurisdiction.mark(tokens) }

// Except marks the tokens that take what they stand beside out of a question.
func Except(tokens []analysis.Token) []bool { return except.mark(tokens) }
