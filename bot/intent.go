package bot

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"aeobot/index"
)

// IntentKind is what a message wants.
type IntentKind string

const (
	IntentAsk      IntentKind = "ask"
	IntentMore     IntentKind = "more"     // 更多: the next page
	IntentOthers   IntentKind = "others"   // 还有其他支持吗: the topics not shown yet
	IntentPrevious IntentKind = "previous" // 上一页, 返回
	IntentReturn   IntentKind = "return"   // 刚才商标那条再看一次
	IntentItem     IntentKind = "item"     // 第3条, 前两条, 下一条
	IntentThis     IntentKind = "this"     // 这个怎么实现, 上面那条
	IntentThese    IntentKind = "these"    // 这些再说一遍
	IntentNarrow   IntentKind = "narrow"   // 那金融呢
	IntentCorrect  IntentKind = "correct"  // 不是这个，我问的是参展
	IntentWrong    IntentKind = "wrong"    // 不对
	IntentForward  IntentKind = "forward"  // 转发
	IntentYes      IntentKind = "yes"      // 是的
	IntentWish     IntentKind = "wish"     // 告诉我, after a refusal
	IntentOrigin   IntentKind = "origin"   // 这篇哪来的: where the words were published, and by whom
	IntentAmount   IntentKind = "amount"   // 2.5%, 5个工作日: of what is not said
	IntentFraction IntentKind = "fraction" // 第1.5条
	IntentPerson   IntentKind = "person"   // 转人工
	IntentCount    IntentKind = "count"    // 一共有多少条
	IntentRanking  IntentKind = "ranking"  // 最重要的三条
	IntentIdle     IntentKind = "idle"     // 哈哈哈
	IntentRude     IntentKind = "rude"     // 你太笨了
	IntentMarkup   IntentKind = "markup"   // [图片], <br>: nothing that somebody wrote
	IntentGreet    IntentKind = "greet"    // 你好
	IntentThanks   IntentKind = "thanks"   // 谢谢
	IntentHelp     IntentKind = "help"     // 你会什么
	IntentClear    IntentKind = "clear"    // /清空
	IntentCommand  IntentKind = "command"  // /something unknown
	IntentEmpty    IntentKind = "empty"    // nothing but punctuation
)

// Intent is a message, read.
type Intent struct {
	Kind IntentKind
	// Items are the measures meant, for IntentItem and IntentForward.
	Items Items
	// Within are the words before the items that may name a section (地方政府特色支持
	// 第3条).
	Within string
	// About is what is said of the thing meant, or the topic gone over to: 怎么实现 of
	// 这个怎么实现, 金融 of 那金融呢.
	About string
	// First says that the very first topic is meant (最开始那个).
	First bool
}

//go:embed intents.txt
var intentTable string

// rule is one way to say one thing.
type rule struct {
	kind    IntentKind
	pattern *regexp.Regexp
	// examples are the rule's tests.
	examples []string
}

// intentRules are the rules of the table, read when the first message comes.
var intentRules = sync.OnceValue(func() []rule {
	rules, _ := readRules(intentTable)
	return rules
})

// intentWords are the named pieces of the table's patterns.
var intentWords = sync.OnceValue(func() map[string]string {
	_, words := readRules(intentTable)
	return words
})

// readRules reads the table; see there for its form. A mistake in it panics: it is
// part of the program, and a test reads it.
func readRules(table string) ([]rule, map[string]string) {
	var rules []rule
	words := map[string]string{}
	for _, entry := range strings.Split(table, "\n\n") {
		var head string
		var ways, examples []string
		for line := range strings.Lines(entry) {
			text := strings.TrimSpace(line)
			switch {
			case text == "" || strings.HasPrefix(line, "#"):
			case !strings.HasPrefix(line, " "):
				head = text
			case strings.HasPrefix(text, "= "):
				examples = append(examples, strings.TrimPrefix(text, "= "))
			default:
				ways = append(ways, text)
			}
		}
		pattern := expand("("+strings.Join(ways, "|")+")", words)
		switch kind, name, _ := strings.Cut(head, " "); kind {
		case "let":
			words[name] = pattern
		case "intent":
			rules = append(rules, rule{IntentKind(name), regexp.MustCompile("^" + pattern + "$"), examples})
		case "":
		default:
			panic("bot: intents.txt: unknown entry " + head)
		}
	}
	return rules, words
}

// plainGroup is a parenthesis that only groups, wordName a piece that is named or a
// named group.
var (
	plainGroup = regexp.MustCompile(`\(([^?])`)
	wordName   = regexp.MustCompile(`\(\?P<[a-z]+>|<[a-z]+>`)
)

// expand writes a pattern of the table as a regular expression.
func expand(pattern string, words map[string]string) string {
	pattern = wordName.ReplaceAllStringFunc(pattern, func(name string) string {
		if name[0] == '(' {
			return name
		}
		word, ok := words[strings.Trim(name, "<>")]
		if !ok {
			panic("bot: intents.txt: unknown word " + name)
		}
		return word
	})
	for plainGroup.MatchString(pattern) {
		pattern = plainGroup.ReplaceAllString(pattern, "(?:$1")
	}
	return pattern
}

// maxFollowUp is the length in characters up to which a message may be a follow-up;
// what is longer is a question.
const maxFollowUp = 80

// ReadIntent tells what a message wants.
func ReadIntent(text string) Intent {
	said := said(text)
	switch {
	case said == "":
		return Intent{Kind: IntentEmpty}
	case markup.MatchString(text):
		return Intent{Kind: IntentMarkup}
	}
	if len([]rune(said)) > maxFollowUp {
		return Intent{Kind: IntentAsk}
	}
	for _, r := range intentRules() {
		if m := r.pattern.FindStringSubmatch(said); m != nil {
			return r.read(m)
		}
	}
	return readLoosely(said)
}

// says reports whether a rule of that kind takes a text.
func says(text string, kind IntentKind) bool {
	said := said(text)
	return len([]rune(said)) <= maxFollowUp && slices.ContainsFunc(intentRules(), func(r rule) bool {
		return r.kind == kind && r.pattern.MatchString(said)
	})
}

// Loose readings: a measure named by its place, or a word for forwarding, in a
// message that no rule takes.
var (
	somewhere = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(expand(`第\s*<number>\s*<unit>|(^|[^0-9.,])[0-9]{1,3}\s*(条|项|款)|(最后|倒数第?<number>|下|上|后)一?(条|项|款|点)|前(<number>|几)(条|项|款|点)`, intentWords()))
	})
	toForward    = regexp.MustCompile(`转发|(?:能|可以?)转的|(?:发|转)给?(?:我们?的?)?(?:客户|客人|对方)|给客户(?:发|看)|客户版|对外版|纯文[本字]`)
	fillingWords = regexp.MustCompile(`帮忙|帮我|麻烦|看看|看下|看一下|说说|讲讲|发我|发给我|给我|客户|完整|详细|具体|一下|一遍|一次|一份|意思|内容|原文|全文|版本|格式|文字|解释|展开|出来|过来|什么|哪个|太长了?|可以|能不能|其中|里面|怎么理解|怎么回事|再往?|往|[呢吗吧的了啊呀嘛哦噢我你您他她它想要再也都先给把请能可啥那这就说讲看念发弄做整成个份版和及与从到是下来去一,，。.、!！?？:：;；\s]`)
	// elsewhere are texts that have articles of their own: 282号令第3条.
	elsewhere = regexp.MustCompile(`[法令例]|公告|办法|规定|标准|协定|文件|章程|税则|合同`)
)

const (
	// maxLeft is how many characters beyond fillingWords say nothing of substance.
	maxLeft = 2
	// maxAround is how many characters may stand around the place of a measure.
	maxAround = 30
)

// readLoosely takes a message that names measures by their place and is about them,
// or that says little more than that something is to be passed on.
func readLoosely(said string) Intent {
	places := somewhere().FindAllString(said, -1)
	rest := somewhere().ReplaceAllString(said, "")
	left := []rune(fillingWords.ReplaceAllString(toForward.ReplaceAllString(rest, ""), ""))
	intent := Intent{Kind: IntentAsk}
	switch {
	case toForward.MatchString(rest) && len(left) <= maxLeft:
		intent.Kind = IntentForward
	case len(places) > 0 && len(left) <= maxLeft:
		intent.Kind = IntentItem
	case len(places) > 0 && len([]rune(rest)) <= maxAround && !elsewhere.MatchString(rest):
		intent.Kind, intent.About = IntentItem, strings.TrimFunc(rest, func(r rune) bool { return !spoken(r) })
	default:
		return intent
	}
	for _, p := range places {
		i := readItems(p)
		i.Numbers = append(intent.Items.Numbers, i.Numbers...)
		intent.Items = i
	}
	return intent
}

// read fills an intent from what the pattern caught.
func (r rule) read(m []string) Intent {
	caught := func(name string) string {
		if i := r.pattern.SubexpIndex(name); i >= 0 {
			return strings.TrimSpace(m[i])
		}
		return ""
	}
	return Intent{Kind: r.kind, Items: readItems(caught("items")), Within: withoutFiller(caught("within")),
		About: strings.TrimFunc(caught("about"), func(r rune) bool { return !spoken(r) }), First: caught("first") != ""}
}

// said folds width and case and takes white space and punctuation off both ends.
// The slash of a command stays, and the sign of an amount.
func said(text string) string {
	text = index.FoldCharacters(strings.ToValidUTF8(text, "�"))
	text = strings.TrimLeftFunc(text, func(r rune) bool { return !strings.ContainsRune("/#$¥€", r) && !spoken(r) })
	text = strings.TrimRightFunc(text, func(r rune) bool { return !strings.ContainsRune("/#%‰", r) && !spoken(r) })
	if strings.Trim(text, "%‰$¥€") == "" {
		return ""
	}
	return text
}

// markup is a message in which nobody wrote anything: what clients put in the place of a
// picture or a face, tags, addresses.
var markup = regexp.MustCompile(`(?i)^(?:\s|\p{P}|\p{S})*(?:(?:!?\[[^\[\]]{0,8}\](?:\([^()]*\))?|</?[a-z@!][^<>]*>|&[a-z]+;|(?:https?://|www\.)[!-~]+)(?:\s|\p{P}|\p{S})*)+$`)

// inBrackets are the words of markup that a person may have written.
var inBrackets = regexp.MustCompile(`\[([^\[\]]*)\]`)

func spoken(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// withoutFiller takes off what people say before 第3条 without naming a section.
func withoutFiller(s string) string {
	for before := ""; before != s; {
		before = s
		for _, filler := range []string{"这个", "那个", "那", "请", "再", "把", "看下", "下", "了解", "知道", "查", "说说", "讲讲", "看看", "看一下", "具体", "详细", "刚才", "刚刚", "上面", "前面", "你", "您", "说的", "说", "讲的", "列的", "一下", "展开", "解释", "的"} {
			s = strings.TrimSpace(strings.TrimPrefix(s, filler))
		}
	}
	return strings.TrimSuffix(s, "的")
}
