package bot

import (
	"regexp"
	"strings"
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

// rule is one way to say one thing. Messages are compared without punctuation at
// the ends, width-folded, in lower case. The named groups items, within, about and
// first fill the fields of Intent.
type rule struct {
	kind    IntentKind
	pattern *regexp.Regexp
	// examples are the rule's tests.
	examples []string
}

// Pieces of patterns.
const (
	pauses = `[,，。.;；:：!！?？\s]*`
	// pleaseWords open a request, sayWords close one.
	pleaseWords = `(?:请|麻烦|帮我|帮忙|给我|我想|我要|想|你|您|能不能|可以|把|再|先|那么?|就|直接|ok|好的?|嗯+|` + pauses + `)*`
	sayWords    = `(?:(?:请|麻烦|帮我|给我|再|先|能不能|可不可以|能否|能|可以|都|分别|各自)*(?:(?:具体|详细|展开|仔细|完整|重新)(?:地|的)?)?(?:说|讲|看|念|列|发|给|贴|解释|介绍|展开|重复|回顾|来|讲解|说明|是)*(?:得)?(?:具体|详细|仔细|细|清楚)?(?:一?(?:下|遍|次|点|些)|我|(?:的)?(?:内容|原文|全文|意思|细节)|是?(?:什么|啥)|没看清|没看懂|没听懂|没看到|忘了|来看看|看看|说说|讲讲|呢|吗|吧|呀|啊|么|嘛|的|了)*)`
	unitWord    = `(?:条|点|项|款|个|號|号)`
	numberWord  = `(?:[0-9]{1,3}|[一二三四五六七八九十百两]{1,5})`
	// numberList is one number or several: 第2和第5条, 3、5, 第3到5条.
	numberList = `第?` + numberWord + unitWord + `?(?:\s*(?:和|及|与|跟|、|,|，|还有|到|至|-|–|—|~)\s*第?` + numberWord + unitWord + `?)*`
	// placeWords name a measure by its place: 第3条, 前两条, 倒数第二条, 下一条.
	placeWords = `第\s*` + numberWord + `\s*(?:` + unitWord + `?\s*(?:和|及|与|跟|、|,|，|还有|到|至|-|–|—|~)\s*第?\s*` + numberWord + `\s*)*` + unitWord + `(?:\s*(?:和|及|与|跟|、)\s*最后一?(?:条|个|点|项))?` +
		`|[0-9]{1,3}(?:\s*(?:和|及|与|跟|、|,|，|到|至|-|–|—|~)\s*[0-9]{1,3})*\s*(?:条|点|项|款)` +
		`|(?:最?前|头|最前)面?的?(?:` + numberWord + `|几)(?:条|点|项|款)` +
		`|(?:最后|末尾|最末|末)面?的?那?(?:` + numberWord + `|几)?(?:条|点|项|款|一个)` +
		`|倒数第?` + numberWord + unitWord +
		`|(?:再)?(?:往)?(?:下|上|后)(?:面)?(?:一|1)?(?:条|点|项|款)|(?:下|后)一个`
	forwardWords = `(?:转发版?|转给(?:客户|对方|外面)|(?:可以?|能)?转发的?|(?:可以?|能|要)?(?:直接)?发(?:给|到)?(?:我的?|我们的?)?(?:客户|客人|外面|对方|微信)(?:群)?(?:看)?的?|(?:给|跟)(?:我们?的?)?客户发(?:过去|一份)?|客户版|对外版|外发版|复制版|纯文本版?|纯文字版?|forward)`
	// ackWords are what people say to end a talk or to show that they have read.
	ackWords = `(?:(?:那)?(?:就)?(?:先)?(?:非常|太|十分|多)?(?:谢谢|感谢|谢了|谢|辛苦了?|麻烦了|thanks|thank you|thx)(?:你|您|啦|了|哈|大家|大佬|老师|各位| so much| very much)*|(?:好|好的|好滴|好哒|好嘞|好吧|行吧|行|妥|嗯+|哦+|ok|okay|收到|明白|了解|知道|懂|清楚|可以|不错|厉害|棒)(?:了|啦|哈|呢|的)*|没(?:有)?(?:别的|其他)?(?:问题|事|疑问)?了|(?:先)?这样吧?|再见|拜拜|bye)`
	pointing = `(?:刚才|刚刚|上面|以上|前面)?(?:说的|提到的|讲的|列的|的)?(?:这|那|该|此)`
	// itemWords point at one measure, topicWords at whatever was last shown.
	itemWords    = `(?:` + pointing + `一?(?:条|点|项|款)(?:措施|政策|支持|激励|便利|内容)?|上面的?一?(?:条|项))`
	topicWords   = `(?:` + pointing + `(?:一?(?:个|种)|一?(?:措施|政策))(?:措施|政策|支持|激励|便利|内容)?|它)`
	pronounWords = `(?:` + itemWords + `|` + topicWords + `)`
	pluralWords  = `(?:(?:刚才|刚刚|上面|以上|前面)?(?:说的|提到的|讲的|列的|的)?(?:这|那)(?:些|几个|几条|几项|几点|部分|一节|节|块)(?:措施|政策|支持|内容)?|以上(?:内容|这些)?|上面的?(?:内容|这些|那些)|刚才的?(?:回答|答案|内容))`
	earlierWords = `(?:刚才|刚刚|之前|先前|前面|上面|早先|(?P<first>一开始|最开始|最初|开头|最早|第一个问题))`
	benefitWord  = `(?:支持|优惠|激励|便利|好处|措施|政策|福利|待遇|内容|方面|东西|服务|扶持|奖励|帮助|照顾|利好)`
)

// rules are tried in turn; what no rule takes is a question. Every pattern covers
// the whole message, so that 更多 inside 有没有更多融资支持 stays a question.
var rules = []rule{
	{IntentClear, whole(`/?(?:清空|重置|重新开始|忘掉|清除|clear|reset)(?:一下)?(?:这次|这个|我的)?(?:对话|会话|记录|聊天)?|忘(?:了|掉|记)(?:刚才|之前|前面|上面|这次)?(?:的|说的|那些|对话|内容)*`), []string{"忘了刚才的", "/清空", "清空", "/clear", "清空对话"}},
	{IntentHelp, whole(`/?(?:帮助|help|说明|\?)|(?:请问)?(?:你|您)?(?:都)?(?:会|能|可以)(?:帮我)?(?:干|做|回答|问|查)?(?:点|些)?(?:什么|啥|哪些|嘛|吗)(?:事|问题|东西)?|(?:你|您)?怎么(?:用|使用)(?:你|啊|呀)?|使用(?:说明|方法)|(?:你|您)是(?:谁|什么|啥|干什么的|做什么的|干嘛的|机器人)(?:啊|吗|呀)?|(?:你|您)(?:有)?(?:什么|啥|哪些)(?:功能|用)`),
		[]string{"帮助", "/help", "你会干啥", "你能做什么", "怎么用?", "你是谁", "能问些什么"}},
	{IntentGreet, whole(`(?:你|您|大家|各位|老师|小助手|助手)们?好(?:呀|啊)?|(?:早上|上午|中午|下午|晚上)好|早(?:安|啊)?|嗨|哈喽|喂|在(?:吗|不在|么|不)|有人(?:吗|在吗)|hi|hello|hey|hi there|good (?:morning|afternoon)`),
		[]string{"你好", "您好！", "hi", "在吗？", "早上好", "有人吗"}},
	{IntentThanks, whole(`(?:` + ackWords + pauses + `)*(?:` + ackWords + `)`),
		[]string{"谢谢", "感谢！", "好的，谢谢", "收到", "ok", "好", "嗯嗯知道了", "谢谢啦", "辛苦了", "没问题了", "好的明白了", "没了，谢谢", "thank you so much"}},
	{IntentYes, whole(`(?:是|是的|对|对的|对啊|没错|正是|就是这个|yes|y|yep)(?:呀|啊|呢)?`), []string{"是的", "对", "没错", "yes"}},
	{IntentForward, whole(`/?` + pleaseWords + `(?:(?P<items>` + placeWords + `|` + numberList + `)的?)?(?:内容|答案|回答|` + pronounWords + `|` + pluralWords + `)?(?:做|弄|整理|改|写|来|给|换|生成|转)?(?:成|出)?(?:我|一?个|一?份|一?下|一?版)*` + forwardWords + `(?:版本?|格式|文字|文本|内容|出去|一?下|给(?:客户|对方|我)|用|我|吧|吗|呗|的)*(?:` + placeWords + `)?`),
		[]string{"转发", "发客户", "/转发", "转发版", "给我个能发客户的版本", "整理成可以转发的", "帮我转发给客户", "把第3条转发给客户", "我要发给客户", "来一份客户版"}},
	{IntentForward, whole(pleaseWords + `把?(?P<about>.{2,24}?)(?:的|那条|那个|那部分|这条|这部分)*(?:内容|答案|原文)?` + forwardWords + `(?:版本?|格式|文字|内容|出去|一?下|一份|给(?:客户|对方)|用|吧|吗|呗|的)*`), []string{"把免担保那条发给客户", "优先通关的发客户", "联合激励那部分转发"}},
	{IntentPrevious, whole(pleaseWords + `(?:/?(?:返回|后退|退回|back|previous|prev)|(?:看|回到?|翻到?|返回)?(?:上|前)一?(?:页|屏)|(?:看|回到?|返回)(?:上|前)一?(?:个|步|层|级)?(?:话题|问题|答案|回答|内容)?|(?:上|前)一?(?:个)(?:话题|问题|答案|回答)|回到?(?:刚才|刚刚|之前|前面)(?:的)?(?:那(?:个|里|儿|边|页|一页)?)?(?:话题|问题|答案|回答|内容)?)` + sayWords), []string{"上一页", "返回", "前一页", "back", "回到上一个问题", "上一个问题", "回到刚才那个", "看上一页"}},
	{IntentMore, whole(`/?` + pleaseWords + `(?:还有|有)?(?:没有)?更多(?:的)?(?:呢|吗|内容)?|` + pleaseWords + `继续(?:说|讲|下去|看|往下)?(?:吧|呀|呢)?|` + pleaseWords + `(?:接着|往下|往后)(?:说|讲|看|念|翻|来)?(?:吧|呢)?|` + pleaseWords + `(?:看)?(?:下|后)一?(?:页|屏)(?:呢|吧)?|再来(?:一?点|一些|几条|点儿)|` + pleaseWords + `(?:还有|还有没有|还有没|還有)(?:吗|呢|没有|没|么|不|嗎|沒有)?|(?:下面|后面|剩下|余下|其余|剩余)的?(?:呢|还有吗|也(?:看|说|讲|发)(?:看|一下|一?下)?|内容|那些|几条)?(?:呢)?|` + pleaseWords + `(?:看|把)?(?:剩下|余下|后面|其余|剩余)的?(?:都|全部|也)?(?:内容|几条)?(?:说|讲|发|列|看|给我)?(?:看|完|一?下|出来)?|more|next|continue|go on`),
		[]string{"更多", "继续", "下一页", "还有吗？", "还有呢", "再来点", "more", "还有更多吗", "/更多", "剩下的呢", "后面的也发一下", "还有没有", "還有嗎", "继续说"}},
	{IntentOthers, whole(pleaseWords + `(?:除了|除)(?:这些|这个|这几条|以上|上面(?:这些|说的|的)?|刚才(?:说的|那些)?|前面(?:说的|这些)?|此)(?:之外|以外|外)?` + pauses + `(?:还|都)?(?:有)?(?:没有|没)?(?:什么|哪些|啥|其他|其它|别的|另外)*的?` + benefitWord + `*(?:吗|呢|没有|没|么)?|` +
		pleaseWords + `(?:那)?(?:还)?(?:有没有|有没|有|還有)?(?:什么|哪些|啥|没有)?(?:其他|其它|别的|另外的?|另外别的)的?(?:什么|哪些|啥)?` + benefitWord + `{0,2}的?` + benefitWord + `?(?:还)?(?:有)?(?:吗|呢|没有|没|么|有没有|有吗|有哪些|是什么|有什么|嗎)?|` +
		pleaseWords + `还有(?:什么|哪些|啥|没有|没)的?` + benefitWord + `?(?:吗|呢|可以(?:享受|看)的?)?|什么别的|anything else|what else`),
		[]string{"还有其他支持吗", "其他方面的支持有没有", "除了这些还有什么", "还有别的优惠吗", "其他的呢", "别的呢", "还有什么", "还有哪些措施", "除此之外还有什么支持", "anything else?"}},
	{IntentCorrect, whole(`(?:不是|不对|错了)(?:` + pronounWords + `|的|啦|吧|啊|呀)?` + pauses + `我(?:是)?(?:问|说|指|要|想问|想看|要看|想知道|找)的?(?:是|应该是)?(?P<about>.{2,60}?)(?:那(?:一)?(?:条|个|项|部分))?`),
		[]string{"不对,我说的是参展那条", "不是，我问的是食品出口", "错了，我要看用地"}},
	{IntentCorrect, whole(`(?:我)?(?:问|说|指)的不是.{1,30}?[,，;；。\s]+(?:而|我?(?:问|说|指)的)?是(?P<about>.{2,60}?)(?:那(?:一)?(?:条|个|项|部分))?`),
		[]string{"我问的不是稽查，是查验", "问的不是这个，我问的是担保"}},
	{IntentCorrect, whole(`不是(?:.{0,30}?)(?:[,，;；。\s]+(?:而)?(?:我)?(?:要|想)?(?:问|说|指|看)?的?是|而是)(?P<about>[^不否].{1,59}?)(?:那(?:一)?(?:条|个|项|部分))?`),
		[]string{"不是这个，是食品出口到国外注册", "不是免担保，是免查验", "不是地方的而是海关的"}},
	{IntentCorrect, whole(`我(?:问|说|指|想问|想看|要看)的?是(?P<about>.{2,60}?)(?:那(?:一)?(?:条|个|项|部分))?` + pauses + `(?:不是.{1,30})?`),
		[]string{"我问的是参展那条", "我说的是海关的，不是地方的"}},
	{IntentWrong, whole(`(?:不是|不对|错了|答错了|答非所问|不对吧|不是的|no|wrong)(?:啊|呀|吧|啦|哦)?|(?:不是|不要)(?:` + pronounWords + `|我问的|我要的|我想要的)(?:啊|呀|吧)?|(?:我)?(?:问|说)的?不是这个|我不是(?:问|说)这个|(?:你|您)?(?:理解|看|搞|弄|听)错了?|不是我(?:要|想)(?:问|找|看)的`),
		[]string{"不是这个", "不对", "答非所问", "我问的不是这个"}},
	{IntentThis, whole(pleaseWords + `(?:看|说|讲)?(?:说|讲|看)?(?:刚才|刚刚|上面|前面)(?:说的|提到的|的)?(?:那|这)(?:一)?(?:条|项|点)` + sayWords), []string{"上面那条", "刚才那条再说一下"}},
	{IntentThese, whole(pleaseWords + `(?:刚才的|太长了?|太多了?)?` + pauses + `(?:(?:再|重新|重复)(?:一?(?:次|遍|下))?(?:来|说|讲|发|看|念|贴)?(?:一?(?:次|遍|下))?|(?:说|讲|解释|展开|介绍)?(?:得|的)?(?:具体|详细|仔细|清楚)(?:一?(?:些|点|下)|说说|讲讲|看看|说明|说|讲|解释|介绍)+(?:一?(?:下|点|遍))?|展开(?:说说|讲讲|说|讲)?(?:一?下)?|没(?:有)?(?:听|看)?(?:懂|明白|清楚)|(?:看|听)不(?:懂|明白|清楚)|什么意思|啥意思)(?:吧|呀|啊|呗|吗|呢)?`), []string{"再来一遍", "再说一次", "重新说一下", "详细点", "说具体点", "具体说说", "展开讲讲", "没听懂", "看不懂", "什么意思", "太长了看不懂"}},
	{IntentThese, whole(pleaseWords + `(?:看|说|讲)?(?:说|讲|看)?(?:` + pluralWords + `|` + topicWords + `)` + pauses + sayWords), []string{"这个是什么意思", "刚才那个再看一次", "这个具体说说", "这些再说一遍", "以上内容再发一次", "刚才的回答再发一下"}},
	{IntentItem, whole(pleaseWords + `(?:看|说|讲|念|列|解释|介绍|展开)?(?:一下|说|讲|看)?(?P<within>.{0,24}?)(?:的|里|中|里面|那部分|部分|这块|那块|,|，|\s)*(?P<items>` + placeWords + `)` + sayWords + `(?:有(?:什么|啥|哪些))?(?:的?(?:区别|不同|差别))?`),
		[]string{"第3条", "第三条呢", "第３点", "第十二条说的是什么", "第二条解释一下", "地方政府特色支持第3条", "前两条", "最后一条", "第2和第5条", "第3到5条", "下一条", "上一条呢", "倒数第二条", "第3条具体说说", "说说第五条", "麻烦把第六条完整念一下"}},
	{IntentReturn, whole(pleaseWords + `(?:回到|回去|返回|重看|回看)?(?:看|说|讲|问)?(?:看|说|回)?` + earlierWords + `(?:问|说|讲|看|提|列|聊)?(?:到|过)?(?:的)?(?:关于|那个|那条)?(?P<about>.{0,24}?)的?(?:(?:那|这)(?:一)?(?:条|个|项|点|部分|块|节|题)?)?的?(?:问题|话题|内容|答案)?` + sayWords),
		[]string{"刚才商标那条再看一次", "回到最开始的问题", "之前说的担保那条再发一下", "前面关于用地的那个再讲讲", "一开始那个"}},
	{IntentItem, whole(`#?(?P<items>` + numberList + `)` + pauses), []string{"3", "③", "2和5", "3、5"}},
	{IntentItem, whole(`(?:the )?(?:item|no\.?|number|point|#)\s*(?P<items>[0-9]{1,3})` + sayWords), []string{"item 3", "No. 5"}},
	{IntentItem, whole(`(?:the )?(?P<items>[0-9]{1,3})(?:st|nd|rd|th)(?: (?:one|item|point|measure))?`), []string{"the 5th one"}},
	{IntentItem, whole(pleaseWords + `(?P<items>第\s*` + numberWord + `\s*(?:条|点|项|款)|(?:最后|下|上)一(?:条|点|项))(?:措施|政策)?` + pauses + `(?P<about>.{2,40})`), []string{"第3条怎么申请", "第五条适用哪些企业", "最后一条要什么材料"}},
	{IntentThis, whole(pleaseWords + itemWords + pauses + sayWords), []string{"这条详细说说", "这一条具体讲讲"}},
	{IntentThis, whole(pleaseWords + pronounWords + `的?` + pauses + `(?P<about>.{2,40})`), []string{"这个怎么实现", "它要多少钱", "这项政策什么企业能用", "那条怎么申请"}},
	{IntentNarrow, whole(`(?:那么?|然后|还有)` + pauses + `(?P<about>[^?？,，。;；]{1,40}?)(?:方面|这块|那块|这边|那边)?的?(?:呢|嘞|咧)?`), []string{"那金融呢", "那政府补贴呢", "那有没有免费的", "那地方上的呢", "还有出口食品的呢"}},
	{IntentNarrow, whole(`(?P<about>[^?？吗,，。;；]{1,24}?)(?:方面|这块|那块|这边|那边)?的?呢`), []string{"水电呢", "外国人办证的呢", "地方上呢", "出口食品的呢", "金融方面呢"}},
	{IntentNarrow, whole(`(?P<about>.{2,12}?)的?(?:那条|那个|这块|那块|部分)?(?:再)?(?:详细|具体)(?:地)?(?:说说|讲讲|介绍|解释|看看|说|讲)(?:一下)?`), []string{"发改的详细说说"}},
	{IntentNarrow, whole(`(?:哪|那)一?(?:条|个|项)(?:措施)?(?:是)?(?:关于|讲的?是?|说的?是?|提到|涉及|跟|和)(?P<about>.{1,20}?)(?:有关|相关)?的?`), []string{"哪条是关于钱的", "哪一条涉及用地"}},
	{IntentCommand, whole(`/.*`), []string{"/foo", "/不知道"}},
}

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

// maxFollowUp is the length in characters up to which a message may be a follow-up;
// what is longer is a question.
const maxFollowUp = 80

// ReadIntent tells what a message wants.
func ReadIntent(text string) Intent {
	said := said(text)
	if said == "" {
		return Intent{Kind: IntentEmpty}
	}
	if len([]rune(said)) > maxFollowUp {
		return Intent{Kind: IntentAsk}
	}
	for _, r := range rules {
		if m := r.pattern.FindStringSubmatch(said); m != nil {
			return r.read(m)
		}
	}
	return readLoosely(said)
}

// Loose readings: a measure named by its place, or a word for forwarding, in a
// message that says nothing else of substance.
var (
	somewhere    = regexp.MustCompile(`第\s*` + numberWord + `\s*` + unitWord + `|[0-9]{1,3}\s*(?:条|项|款)|(?:最后|倒数第?` + numberWord + `|下|上|后)一?(?:条|项|款|点)|前(?:` + numberWord + `|几)(?:条|项|款|点)`)
	toForward    = regexp.MustCompile(`转发|(?:能|可以?)转的|(?:发|转)给?(?:我们?的?)?(?:客户|客人|对方)|给客户(?:发|看)|客户版|对外版|纯文[本字]`)
	fillingWords = regexp.MustCompile(`帮忙|帮我|麻烦|看看|看下|看一下|说说|讲讲|发我|发给我|给我|客户|完整|详细|具体|一下|一遍|一次|一份|意思|内容|原文|全文|版本|格式|文字|解释|展开|出来|过来|什么|哪个|太长了?|可以|能不能|再往?|往|[呢吗吧的了啊呀嘛哦噢我你您他她它想要再也都先给把请能可啥那这就说讲看念发弄做整成个份版和及与从到是下来去一,，。.、!！?？:：;；\s]`)
)

// maxLeft is how many characters beyond fillingWords a loose reading may leave.
const maxLeft = 2

func readLoosely(said string) Intent {
	places := somewhere.FindAllString(said, -1)
	rest := somewhere.ReplaceAllString(said, "")
	forwards := toForward.MatchString(rest)
	left := fillingWords.ReplaceAllString(toForward.ReplaceAllString(rest, ""), "")
	if len([]rune(left)) > maxLeft || !forwards && len(places) == 0 {
		return Intent{Kind: IntentAsk}
	}
	intent := Intent{Kind: IntentItem}
	if forwards {
		intent.Kind = IntentForward
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
// The slash of a command stays.
func said(text string) string {
	text = index.FoldCharacters(strings.ToValidUTF8(text, "�"))
	text = strings.TrimLeftFunc(text, func(r rune) bool { return r != '/' && r != '#' && !spoken(r) })
	return strings.TrimRightFunc(text, func(r rune) bool { return !spoken(r) })
}

func spoken(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// withoutFiller takes off what people say before 第3条 without naming a section.
func withoutFiller(s string) string {
	for before := ""; before != s; {
		before = s
		for _, filler := range []string{"那", "请", "再", "把", "看下", "下", "了解", "知道", "查", "说说", "讲讲", "看看", "看一下", "具体", "详细", "刚才", "刚刚", "上面", "前面", "你", "您", "说的", "说", "讲的", "列的", "一下", "展开", "解释", "的"} {
			s = strings.TrimSpace(strings.TrimPrefix(s, filler))
		}
	}
	return strings.TrimSuffix(s, "的")
}
