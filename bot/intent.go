package bot

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// IntentKind is what a message wants.
type IntentKind string

const (
	IntentAsk    IntentKind = "ask"
	IntentMore   IntentKind = "more"   // 更多
	IntentItem   IntentKind = "item"   // 第3条
	IntentGreet  IntentKind = "greet"  // 你好
	IntentThanks IntentKind = "thanks" // 谢谢
	IntentHelp   IntentKind = "help"   // 你会什么
	IntentClear  IntentKind = "clear"  // /清空
	IntentEmpty  IntentKind = "empty"  // nothing but punctuation
)

// Intent is a message, read.
type Intent struct {
	Kind IntentKind
	// Item is the number asked for, and Within the words before it that may name a
	// section (地方政府特色支持 第3条); only for IntentItem.
	Item   int
	Within string
}

// rule is one way to say one thing. Messages are compared without punctuation at
// the ends, width-folded, in lower case.
type rule struct {
	kind    IntentKind
	pattern *regexp.Regexp
	// examples are the rule's tests.
	examples []string
}

// rules are tried in turn; what no rule takes is a question. Every pattern covers
// the whole message, so that 更多 inside 有没有更多融资支持 stays a question.
var rules = []rule{
	{IntentClear, whole(`/?(清空|重置|重新开始|忘掉|clear|reset)(对话|会话|记录)?`), []string{"/清空", "清空", "/clear"}},
	{IntentHelp, whole(`/?(帮助|help)|(你|您)?(会|能|可以)(干|做|回答|帮我做)?(点)?(什么|啥|哪些)(事|问题|东西)?|怎么(用|使用)(你)?|使用(说明|方法)|你是(谁|什么|干什么的|做什么的)`),
		[]string{"帮助", "/help", "你会干啥", "你能做什么", "怎么用?"}},
	{IntentGreet, whole(`(你|您|大家|各位)好(呀|啊)?|(早上|上午|中午|下午|晚上)好|早(安|啊)?|嗨|哈喽|喂|在(吗|不在|么)|hi|hello|hey`),
		[]string{"你好", "您好！", "hi", "在吗？", "早上好"}},
	{IntentThanks, whole(`(好的?|嗯+|行|ok)?[，, ]?(非常|太)?(谢谢|感谢|多谢|谢了|thanks|thank you|thx)(你|您|啦|了|哈|大家)?|(好|好的|行|嗯+|哦+|ok|收到|明白|了解|知道|懂)(了|啦|哈)?|嗯+(知道|明白)了`),
		[]string{"谢谢", "感谢！", "好的，谢谢", "收到", "ok", "好", "嗯嗯知道了"}},
	{IntentMore, whole(`(还有|有)?(没有)?更多(的)?|继续(说|讲|下去)?|(请)?(接着|往下)(说|讲|看|念)?|下一页|再来(一?点|一些|几条)|还有(吗|呢|没有|没)|下面呢|后面呢|more|next`),
		[]string{"更多", "继续", "下一页", "还有吗？", "还有呢", "再来点", "more"}},
	{IntentItem, whole(`(?P<within>.*?)的?第?(?P<item>` + itemNumber + `)(条|点|项|款)(的内容|具体)?` + itemTail), []string{"第3条", "第三条呢", "第３点", "第十二条说的是什么", "第二条解释一下", "地方政府特色支持第3条"}},
	{IntentItem, whole(`(?P<item>[0-9]{1,3})`), []string{"3", "③"}},
}

const (
	itemNumber = `[0-9]{1,3}|[一二三四五六七八九十]{1,3}`
	itemTail   = `(是|说|讲)?(的)?(是)?(再|请)?(具体|详细|展开)?(什么|啥|内容|说说|讲讲|看看|解释|展开|介绍|说|讲|念|看)?(得)?(具体|详细|细)?(一?下|一?点)?(内容|意思)?(呢|吗|吧)?`
)

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

// ReadIntent tells what a message wants.
func ReadIntent(text string) Intent {
	said := said(text)
	if said == "" {
		return Intent{Kind: IntentEmpty}
	}
	for _, r := range rules {
		m := r.pattern.FindStringSubmatch(said)
		if m == nil {
			continue
		}
		intent := Intent{Kind: r.kind}
		if i := r.pattern.SubexpIndex("item"); i >= 0 {
			intent.Item = readNumber(m[i])
		}
		if i := r.pattern.SubexpIndex("within"); i >= 0 {
			intent.Within = withoutFiller(m[i])
		}
		return intent
	}
	return Intent{Kind: IntentAsk}
}

// said folds width and case and takes white space and punctuation off both ends.
// The slash of a command stays.
func said(text string) string {
	text = strings.ToLower(norm.NFKC.String(text))
	text = strings.TrimLeftFunc(text, func(r rune) bool { return r != '/' && !spoken(r) })
	return strings.TrimRightFunc(text, func(r rune) bool { return !spoken(r) })
}

func spoken(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// withoutFiller takes off what people say before 第3条 without naming a section.
func withoutFiller(s string) string {
	for _, filler := range []string{"那", "请", "再", "把", "说说", "讲讲", "看看", "看一下", "具体", "详细", "刚才", "上面", "你说的", "说一下", "展开", "解释一下", "解释"} {
		s = strings.TrimSpace(strings.TrimPrefix(s, filler))
	}
	return strings.TrimSuffix(s, "的")
}

// readNumber reads 12 and 十二; what is no number gives 0.
func readNumber(s string) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	n := 0
	for _, r := range s {
		if r == '十' {
			n = max(n, 1) * 10
			continue
		}
		n += strings.IndexRune("零一二三四五六七八九", r) / len("零")
	}
	return n
}
