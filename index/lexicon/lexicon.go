// Package lexicon is vocabulary as data: words that ask and words that every
// question of the field contains. To change what they are, edit the text files.
package lexicon

import (
	_ "embed"
	"slices"
	"strings"
	"unicode/utf8"

	"aeobot/index/analysis"
)

var (
	//go:embed question_words.txt
	questionWords string
	//go:embed subject_words.txt
	subjectWords string

	question = readWords(questionWords)
	subject  = readWords(subjectWords)
)

// wordList holds words by their first character, the longest first.
type wordList map[rune][]string

// readWords reads words parted by white space; # starts a comment.
func readWords(data string) wordList {
	var words []string
	for line := range strings.Lines(data) {
		line, _, _ = strings.Cut(line, "#")
		for _, w := range strings.Fields(line) {
			words = append(words, analysis.Normalize(w))
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	list := wordList{}
	for _, w := range slices.Compact(words) {
		first, _ := utf8.DecodeRuneInString(w)
		list[first] = append(list[first], w)
	}
	return list
}

// Content is what a question is about: its normalised text with the words that
// only ask (吗, 怎么, 有没有) taken out, each leaving a space.
func Content(s string) string { return without(analysis.Normalize(s), question) }

// Topic is Content without the words that every question of the field may
// contain (AEO, 企业).
func Topic(s string) string { return without(Content(s), subject) }

// without takes words out of s, longest first at each place. Latin words count
// only as a whole.
func without(s string, words wordList) string {
	var b strings.Builder
	for at := 0; at < len(s); {
		if n := wordAt(s, at, words); n > 0 {
			b.WriteByte(' ')
			at += n
			continue
		}
		_, size := utf8.DecodeRuneInString(s[at:])
		b.WriteString(s[at : at+size])
		at += size
	}
	return b.String()
}

func wordAt(s string, at int, words wordList) int {
	first, _ := utf8.DecodeRuneInString(s[at:])
	for _, w := range words[first] {
		if strings.HasPrefix(s[at:], w) {
			if latin(w[0]) && (at > 0 && latin(s[at-1]) || at+len(w) < len(s) && latin(s[at+len(w)])) {
				continue
			}
			return len(w)
		}
	}
	return 0
}

func latin(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
