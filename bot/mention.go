package bot

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"aeobot/index"
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
	// listStart is the number of the first of several questions.
	listStart = regexp.MustCompile(`^\d{1,2}[、.．)）]`)
	// botName is what bots are called at the end of their names.
	botName = regexp.MustCompile(`(?i)(?:助手|助理|机器人|小秘|问答|客服|bot|ai)(?:[(（].*)?$`)
)

// maxBareName is the length in characters up to which a message that is one word behind
// an @ is a name and no question.
const maxBareName = 4

// atSigns call somebody: the usual one, full width, small.
const atSigns = "@＠﹫"

// WithoutMentions takes the names out of a text that are called in it, any number of them
// anywhere. own are the bot's display names, as far as they are known. Mail addresses stay,
// and so does an @ that calls nobody: 邮件里的@符号怎么写. Marks beside names say nothing.
func WithoutMentions(text string, own ...string) string {
	text, kept, called := plainBlanks(text), "", false
	for {
		at := strings.IndexAny(text, atSigns)
		if rest := strings.TrimSpace(kept + text); at < 0 && called && onlyMarks(rest) {
			return ""
		} else if at < 0 {
			return rest
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		before, after := kept+text[:at], text[at+size:]
		switch n := nameLen(before, after, own); {
		case n > 0:
			called = true
			kept, text = strings.TrimRight(before, " ")+" ", strings.TrimLeft(after[n:], " ,，:：、")
		case strings.TrimSpace(before) == "":
			kept, text = "", after // a name nobody can tell from the question behind it
		default:
			kept, text = before+text[at:at+size], after
		}
	}
}

// onlyMarks reports whether a text has marks and blanks alone, none of which calls anybody.
func onlyMarks(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsPunct(r) && !unicode.IsSpace(r) || strings.ContainsRune(atSigns, r)
	})
}

// OnlyMention gives the name in a text that calls one name, none of the bot's own, and says
// nothing else, where it can be told from a question. A client puts a blank behind a name
// that was picked.
func OnlyMention(text string, own ...string) (name string, ok bool) {
	text = strings.TrimLeft(plainBlanks(text), " \n")
	if strings.IndexAny(text, atSigns) != 0 {
		return "", false
	}
	_, size := utf8.DecodeRuneInString(text)
	after := strings.TrimLeft(text[size:], " ")
	name = nameRun.FindString(after)
	rest := after[len(name):]
	switch {
	case name == "", ownLen(after, own) > 0, !onlyMarks(rest), asks(name + rest), followsUp(name), beforeFollowUp(name) > 0:
		return "", false
	}
	return name, strings.HasPrefix(rest, " ") || botName.MatchString(name) || utf8.RuneCountInString(name) <= maxLoneName
}

// maxLoneName is the length in characters up to which what stands alone behind an @ in a
// group, where the bot hears only who calls it, is a name and not a name with a question.
const maxLoneName = 8

// plainBlanks writes blanks of all kinds as ordinary ones, those without width too, and
// leaves line breaks.
func plainBlanks(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && IsBlank(r) {
			return ' '
		}
		return r
	}, text)
}

// IsBlank reports whether a character parts words without being seen.
func IsBlank(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(unseen, r) }

// unseen are characters that show nothing, or a blank.
const unseen = "\u00ad\u200b\u200c\u200e\u200f\u2060\u3164\ufeff"

// ownLen is the length in bytes of the longest of the bot's names that text begins with,
// whatever its letter case, width and blanks; 0: with none.
func ownLen(text string, own []string) (longest int) {
	for _, name := range own {
		longest = max(longest, prefixLen(text, strings.Join(strings.Fields(plainBlanks(name)), "")))
	}
	return longest
}

// prefixLen is the length in bytes of name at the start of text, which may have blanks in it.
func prefixLen(text, name string) int {
	left := []rune(name)
	for at, r := range text {
		switch {
		case len(left) == 0:
			return at
		case r == ' ':
		case index.FoldCharacters(string(r)) != index.FoldCharacters(string(left[0])):
			return 0
		default:
			left = left[1:]
		}
	}
	if len(left) > 0 {
		return 0
	}
	return len(text)
}

// longer is how many characters behind the bot's name are hardly part of a longer name.
const longer = 4

// nameLen is the length in bytes of the name at the start of after, which an @ parts from
// before; 0: there is none.
func nameLen(before, after string, own []string) int {
	run := nameRun.FindString(after)
	rest := after[len(run):]
	known := ownLen(after, own)
	if known > 0 {
		behind := nameRun.FindString(after[known:])
		asked := utf8.RuneCountInString(behind) >= longer && !latinEnd.MatchString(before) && !botName.MatchString(behind)
		if behind == "" || asked || asks(after[:known]+behind) || followsUp(behind) || listStart.MatchString(after[known:]) {
			return known
		}
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
		return known
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
