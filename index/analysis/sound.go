package analysis

import (
	"strings"

	"github.com/mozillazg/go-pinyin"
)

// sounds asks for every reading of a character, without tones: people who type by
// sound type no tones, and pick the wrong one of several characters.
var sounds = pinyin.Args{Style: pinyin.Normal, Heteronym: true, Fallback: func(rune, pinyin.Args) []string { return nil }}

// Sounds are the syllables a character may be read as, ü written v; none for what
// is no Chinese character.
func Sounds(r rune) []string { return pinyin.SinglePinyin(r, sounds) }

// maxSyllable is the longest syllable in letters: zhuang.
const maxSyllable = 6

// Syllables parts a word typed in pinyin (xietiaoyuan) into syllables that known
// accepts: the fewest, and of equals the one with the longest first. It gives nil
// when the word cannot be parted.
func Syllables(word string, known func(string) bool) []string {
	word = strings.ReplaceAll(word, "'", "")
	best := make([][]string, len(word)+1)
	best[len(word)] = []string{}
	for at := len(word) - 1; at >= 0; at-- {
		for end := min(len(word), at+maxSyllable); end > at; end-- {
			if best[end] == nil || !known(word[at:end]) {
				continue
			}
			if best[at] == nil || len(best[end])+1 < len(best[at]) {
				best[at] = append([]string{word[at:end]}, best[end]...)
			}
		}
	}
	return best[0]
}
