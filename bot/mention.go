package bot

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clients write a mention into the text: @, the name, and a blank of some kind or none.
// Nothing says where the name ends, so that a name with blanks in it is known only when it
// is the bot's own or written in Latin letters.

var (
	// nameRun is what may be a name: up to a blank or a mark, brackets and all.
	nameRun = regexp.MustCompile(`^(?:[^\s@＠,，:：、。;；?？!！/／()（）]|[(（][^()（）]{0,20}[)）]){1,30}`)
	// nameRest are further words of a name in Latin letters: San in @Zhang San.
	nameRest = regexp.MustCompile(`^(?: [A-Za-z][A-Za-z.'-]*){1,2}`)
	// capitals are words that are names rather than part of a sentence.
	capitals = regexp.MustCompile(`^(?: [A-Z][a-z]+)+$`)
	// latin is a name in Latin letters, and latinEnd what an @ follows that calls nobody.
	latin    = regexp.MustCompile(`^[A-Za-z][\w.'-]*$`)
	latinEnd = regexp.MustCompile(`[\w.+-]$`)
	// botName is what bots are called at the end of their names.
	botName = regexp.MustCompile(`(?i)(?:助手|助理|机器人|小秘|问答|客服|bot|ai)(?:[(（].*)?$`)
)

// maxBareName is the length in characters up to which a message that is one word behind
// an @ is a name and no question.
const maxBareName = 4

// WithoutMentions takes the names out of a text that are called in it, any number of them
// anywhere. own is the bot's display name, or empty where it is not known. Mail addresses
// stay, and so does an @ that calls nobody: 邮件里的@符号怎么写.
func WithoutMentions(text, own string) string {
	text, kept := plainBlanks(text), ""
	for {
		at := strings.IndexAny(text, "@＠")
		if at < 0 {
			return strings.TrimSpace(kept + text)
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		before, after := kept+text[:at], text[at+size:]
		switch n := nameLen(before, after, own); {
		case n > 0:
			kept, text = strings.TrimRight(before, " ")+" ", strings.TrimLeft(after[n:], " ,，:：、")
		case strings.TrimSpace(before) == "":
			kept, text = "", after // a name nobody can tell from the question behind it
		default:
			kept, text = before+text[at:at+size], after
		}
	}
}

// plainBlanks writes blanks of all kinds as ordinary ones, those without width too, and
// leaves line breaks.
func plainBlanks(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsSpace(r) || r == '\u200b' || r == '\u2060' || r == '\ufeff') {
			return ' '
		}
		return r
	}, text)
}

// nameLen is the length in bytes of the name at the start of after, which an @ parts from
// before; 0: there is none.
func nameLen(before, after, own string) int {
	run := nameRun.FindString(after)
	rest := after[len(run):]
	behind, isOwn := strings.CutPrefix(after, own)
	if isOwn = isOwn && own != ""; isOwn && (nameRun.FindString(behind) == "" || asks(run)) {
		return len(own)
	}
	if latinEnd.MatchString(before) || run == "" {
		return 0
	}
	if n := beforeFollowUp(run); n > 0 {
		return n
	}
	alone := len([]rune(said(before+rest))) <= maxLeft && strings.TrimSpace(rest) == ""
	switch {
	case asks(run), alone && utf8.RuneCountInString(run) > maxBareName && !latin.MatchString(run) && !botName.MatchString(run):
		if isOwn {
			return len(own)
		}
		return 0
	case latin.MatchString(run) && !followsUp(rest):
		words := nameRest.FindString(rest)
		if behind := rest[len(words):]; followsUp(behind) || capitals.MatchString(words) && !latin.MatchString(firstRunes(strings.TrimSpace(behind), 1)) {
			return len(run) + len(words)
		}
	}
	return len(run)
}

// beforeFollowUp is the length of a name with a follow-up right behind it: @小关第5条.
func beforeFollowUp(run string) int {
	for at, r := range run {
		if at > 0 && spoken(r) && followsUp(run[at:]) {
			return at
		}
	}
	return 0
}

// followsUp reports whether a text is surely no name: a follow-up or a command that says
// no more than that.
func followsUp(text string) bool {
	i := ReadIntent(text)
	if i.Within != "" || i.About != "" || utf8.RuneCountInString(text) < 2 {
		return false
	}
	if i.Kind == IntentItem {
		return strings.ContainsAny(text, "条點点项款") // 三 may be the end of a name
	}
	return slices.Contains([]IntentKind{IntentMore, IntentOthers, IntentPrevious, IntentThese, IntentThis, IntentForward,
		IntentClear, IntentCommand, IntentHelp, IntentPerson}, i.Kind)
}
