package aibot

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// withoutMention takes one leading @name off, where name is the bot's display name
// followed by white space (clients send one space, two, or a U+2005) or the end.
// Without a configured name one leading @word goes, in groups only: group messages
// arrive because they mention the bot. Other @words stay: they may be mail
// addresses.
func withoutMention(said, name string, group bool) string {
	text := strings.TrimSpace(said)
	rest, ok := strings.CutPrefix(text, "@")
	if !ok {
		return text
	}
	if name == "" {
		if !group {
			return text
		}
		if end := strings.IndexFunc(rest, unicode.IsSpace); end >= 0 {
			return strings.TrimSpace(rest[end:])
		}
		return ""
	}
	rest, ok = strings.CutPrefix(rest, name)
	if !ok {
		return text
	}
	if r, _ := utf8.DecodeRuneInString(rest); rest != "" && !unicode.IsSpace(r) {
		return text // @小知识库 is not @小知
	}
	return strings.TrimSpace(rest)
}
