package bot

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWithoutMentions(t *testing.T) {
	for _, tt := range []struct{ about, said, own, want string }{
		{"one", "@小知 免担保吗", "小知", "免担保吗"},
		{"a colleague and the bot", "@张三 @小知 第5条", "小知", "第5条"},
		{"several, the bot unknown", "@张三 @李四 @小知 更多", "", "更多"},
		{"four-per-em space", "@张三\u2005@小知\u2005免担保吗", "", "免担保吗"},
		{"no-break space", "@小知\u00a0免担保吗", "", "免担保吗"},
		{"ideographic space", "@小知　免担保吗", "", "免担保吗"},
		{"no width at all", "@小知\u200b免担保吗", "", "免担保吗"},
		{"full width", "＠小知 免担保吗", "", "免担保吗"},
		{"nothing between", "＠张三＠小知 第5条", "", "第5条"},
		{"a comma", "@小知，免担保吗", "", "免担保吗"},
		{"behind the question", "免担保吗 @张三 @小知", "", "免担保吗"},
		{"right behind it", "第5条@小知", "", "第5条"},
		{"in the middle", "请 @小知 说说免担保", "", "请 说说免担保"},
		{"no blank, a follow-up", "@小知第5条", "", "第5条"},
		{"no blank, a command", "@张三 @小知/清空", "", "/清空"},
		{"no blank, known by name", "@小知免担保吗", "小知", "免担保吗"},
		{"no blank, a question: nobody knows where the name ends", "@小知免担保吗", "", "小知免担保吗"},
		{"another's longer name", "@小知识库 免担保吗", "小知", "免担保吗"},
		{"brackets", "@小知(测试) 第5条", "", "第5条"},
		{"brackets of full width", "@小知（测试 二组）第5条", "", "第5条"},
		{"Latin letters", "@aeo_bot 第5条", "", "第5条"},
		{"Latin words", "@Zhang San 免担保吗", "", "免担保吗"},
		{"Latin words in small letters", "@zhang san 第5条", "", "第5条"},
		{"an English request is no name", "@Tom help", "", "help"},
		{"a known name with blanks", "@AEO 小 助手 第5条", "AEO 小 助手", "第5条"},
		{"a numeral at the end of a name", "@张三", "", ""},
		{"only names", "@张三 @小知", "", ""},
		{"a long name of a bot", "@关务智能问答助手", "", ""},
		{"lines stay", "@小知\n免担保吗\n还有呢", "", "免担保吗\n还有呢"},
		{"a mail address", "寄到 aeo@customs.invalid 行吗", "", "寄到 aeo@customs.invalid 行吗"},
		{"a mail address of the bot's name", "发给 a@小知.cn 吗", "小知", "发给 a@小知.cn 吗"},
		{"a sign that is asked about", "邮件里的@符号怎么写", "", "邮件里的@符号怎么写"},
		{"no mention", "免担保吗", "小知", "免担保吗"},
		{"no blank, other width", "@ＡＥＯ助手能免担保吗", "AEO助手", "能免担保吗"},
		{"no blank, other case", "@aeo助手能免担保吗", "AEO助手", "能免担保吗"},
		{"no blank, other brackets", "@小知(二组)能免担保吗", "小知（二组）", "能免担保吗"},
		{"no blank, a name with blanks", "@AEO 小助手能免担保吗", "AEO 小助手", "能免担保吗"},
		{"a name without its blanks", "@AEO小助手 能免担保吗", "AEO 小助手", "能免担保吗"},
		{"a blank behind the sign", "＠ AEO助手 能免担保吗", "AEO助手", "能免担保吗"},
		{"small sign", "﹫小知 第5条", "小知", "第5条"},
		{"no blank, words that ask nothing", "@小知海关直接激励措施 第3条", "小知", "海关直接激励措施 第3条"},
		{"another bot's longer name", "@小知关务问答助手 第3条", "小知", "第3条"},
		{"a mail address at a domain of the bot's name", "发给 a@小知关务.com.cn 吗", "小知", "发给 a@小知关务.com.cn 吗"},
		{"marks that show nothing", "\u200e@小知\u200c能免担保吗", "小知", "能免担保吗"},
		{"no blank, a short follow-up", "@AEO助手转发", "AEO助手", "转发"},
		{"no blank, the first of a list", "@小知1、免担保吗 2、查验率", "小知", "1、免担保吗 2、查验率"},
		{"a mark is no question", "@小知？", "小知", ""},
		{"a stop behind the name", "@小知 。", "", ""},
		{"a mark without a name", "？", "小知", "？"},
	} {
		if got := WithoutMentions(tt.said, tt.own); got != tt.want {
			t.Errorf("%s: %q, own %q: got %q, want %q", tt.about, tt.said, tt.own, got, tt.want)
		}
	}
}

func TestOnlyMention(t *testing.T) {
	for _, tt := range []struct{ said, name string }{
		{"@海关政策百科", "海关政策百科"},
		{"＠海关政策百科 ", "海关政策百科"},
		{"\n@海关政策一本通大全\u2005", "海关政策一本通大全"},
		{"@关务智能问答助手（二组）", "关务智能问答助手（二组）"},
		{"@海关政策百科。", "海关政策百科"},
		{"@小知", ""}, // known
		{"@小知海关直接激励措施", ""},
		{"@海关政策百科能免担保吗", ""},
		{"@海关政策百科第3条", ""},
		{"@海关政策百科 第3条", ""},
		{"@海关政策一本通海关直接激励措施", ""},
		{"@张三 @海关政策百科", ""},
		{"@海关政策百科 @张三", ""},
		{"问 @海关政策百科", ""},
		{"海关政策百科", ""},
		{"@", ""},
		{"", ""},
	} {
		if name, only := OnlyMention(tt.said, "小知"); only && name != tt.name || only != (tt.name != "") {
			t.Errorf("%q: got %q, %v, want %q", tt.said, name, only, tt.name)
		}
	}
}

// FuzzWithoutMentions: what is left was in the message, and nothing is left to take out.
func FuzzWithoutMentions(f *testing.F) {
	for _, s := range []string{"@张三 @小知 第5条", "＠＠", "@Zhang San", "a@b.cn", "@小知（", "@\u2005"} {
		f.Add(s, "小知")
	}
	f.Fuzz(func(t *testing.T, said, own string) {
		got := WithoutMentions(said, own)
		if utf8.ValidString(said) && !utf8.ValidString(got) {
			t.Errorf("%q, own %q: %q", said, own, got)
		}
		for _, word := range strings.Fields(got) {
			if !strings.Contains(plainBlanks(said), word) && !strings.ContainsAny(said, "@＠") {
				t.Errorf("%q: %q was not said", said, word)
			}
		}
	})
}
