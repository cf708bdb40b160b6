package bot

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRulesTakeTheirExamples(t *testing.T) {
	for _, r := range intentRules() {
		if len(r.examples) == 0 {
			t.Errorf("rule %s %v has no example", r.kind, r.pattern)
		}
		if handlers[r.kind] == nil {
			t.Errorf("nothing handles %s", r.kind)
		}
		for _, said := range r.examples {
			if got := ReadIntent(said); got.Kind != r.kind {
				t.Errorf("%q: got %s, want %s", said, got.Kind, r.kind)
			}
		}
	}
}

func TestReadIntent(t *testing.T) {
	items := func(numbers ...int) Items { return Items{Numbers: numbers} }
	tests := []struct {
		name, said string
		want       Intent
	}{
		{"item, full-width digit", "第３条", Intent{Kind: IntentItem, Items: items(3)}},
		{"item, Chinese numeral", "第十二条说的是什么", Intent{Kind: IntentItem, Items: items(12)}},
		{"item, bare number", "③", Intent{Kind: IntentItem, Items: items(3)}},
		{"item of a section", "地方政府特色支持第3条", Intent{Kind: IntentItem, Items: items(3), Within: "地方政府特色支持"}},
		{"item with filler", "说说第五条", Intent{Kind: IntentItem, Items: items(5)}},
		{"item with detail", "第一条再讲细点", Intent{Kind: IntentItem, Items: items(1)}},
		{"two items", "第2和第5条", Intent{Kind: IntentItem, Items: items(2, 5)}},
		{"two items with a comma", "第二、四条分别说说", Intent{Kind: IntentItem, Items: items(2, 4)}},
		{"a range of items", "第3到5条", Intent{Kind: IntentItem, Items: items(3, 4, 5)}},
		{"first two", "前两条", Intent{Kind: IntentItem, Items: Items{First: 2}}},
		{"last", "最后一条是什么", Intent{Kind: IntentItem, Items: Items{Last: 1}}},
		{"last but one", "倒数第二条", Intent{Kind: IntentItem, Items: Items{FromEnd: 2}}},
		{"next item", "下一条", Intent{Kind: IntentItem, Items: Items{Step: 1}}},
		{"item and a question on it", "第3条怎么申请", Intent{Kind: IntentItem, Items: items(3), About: "怎么申请"}},
		{"更多 inside a real question", "有没有更多融资支持", Intent{Kind: IntentAsk}},
		{"好 inside a real question", "海关对AEO好不好", Intent{Kind: IntentAsk}},
		{"a bare number of years is a question", "许可证最长几年", Intent{Kind: IntentAsk}},
		{"不是 inside a real question", "不是AEO企业能享受吗", Intent{Kind: IntentAsk}},
		{"不要 opens a real question", "不要保证金可以吗", Intent{Kind: IntentAsk}},
		{"其 opens a real question", "其实AEO有什么好处", Intent{Kind: IntentAsk}},
		{"第 inside a real question", "第282号令对AEO有什么影响", Intent{Kind: IntentAsk}},
		{"a sum is a question", "能省3万元保证金吗", Intent{Kind: IntentAsk}},
		{"a large number is no place", "清单里1500条都要看吗", Intent{Kind: IntentAsk}},
		{"an amount in a question", "2.5%能再降吗", Intent{Kind: IntentAsk}},
		{"an amount", "那2.5%呢", Intent{Kind: IntentAmount}},
		{"several, word after word", "一三五", Intent{Kind: IntentItem, Items: items(1, 3, 5)}},
		{"several, each with its word", "第五第七", Intent{Kind: IntentItem, Items: items(5, 7)}},
		{"the last of them", "后两条", Intent{Kind: IntentItem, Items: Items{Last: 2}}},
		{"the one behind", "后一条", Intent{Kind: IntentItem, Items: Items{Step: 1}}},
		{"complaints as a subject", "投诉处理有什么激励", Intent{Kind: IntentAsk}},
		{"transfer is no forwarding", "转口贸易有优惠吗", Intent{Kind: IntentAsk}},
		{"greeting with a question", "你好，AEO能免担保吗", Intent{Kind: IntentAsk}},
		{"narrowing", "那金融方面呢", Intent{Kind: IntentNarrow, About: "金融"}},
		{"correction", "不对,我说的是参展那条", Intent{Kind: IntentCorrect, About: "参展"}},
		{"correction by contrast", "不是稽查，是查验", Intent{Kind: IntentCorrect, About: "查验"}},
		{"return to a topic", "刚才商标那条再看一次", Intent{Kind: IntentReturn, About: "商标"}},
		{"return to the first", "回到最开始的问题", Intent{Kind: IntentReturn, First: true}},
		{"pronoun with a question", "这个怎么实现", Intent{Kind: IntentThis, About: "怎么实现"}},
		{"forward an item", "把第3条转发给客户", Intent{Kind: IntentForward, About: "第3条"}},
		{"forward an item named behind", "转发第3条", Intent{Kind: IntentForward, About: "第3条"}},
		{"forward a section", "转发优先通关那一节", Intent{Kind: IntentForward, About: "优先通关那一节"}},
		{"mixed case and marks", "  HELLO!! ", Intent{Kind: IntentGreet}},
		{"only marks", "。。。", Intent{Kind: IntentEmpty}},
		{"nothing", "", Intent{Kind: IntentEmpty}},
		{"command", "/清空", Intent{Kind: IntentClear}},
		{"unknown command", "/升级", Intent{Kind: IntentCommand}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ReadIntent(tt.said); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%q: got %+v, want %+v", tt.said, got, tt.want)
			}
		})
	}
}

func FuzzReadIntentAndPieces(f *testing.F) {
	for _, s := range []string{"第十二条", "更多", "？？a?b", "③第", "\xff第3条", "第一百条", "不是甲，是乙", "1. 甲\n2. 乙", "2026年3月的时候呢", "第1到999条", "百百"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		got := ReadIntent(said)
		if handlers[got.Kind] == nil {
			t.Errorf("%q: nothing handles %s", said, got.Kind)
		}
		for _, n := range got.Items.Numbers {
			if n < 0 || n > 999 || len(got.Items.Numbers) > maxNumbers {
				t.Errorf("%q: items %v", said, got.Items)
			}
		}
		for _, p := range pieces(said, sentenceEnds) {
			if utf8.ValidString(said) && !strings.Contains(said, p) {
				t.Errorf("%q: piece %q is not in it", said, p)
			}
		}
		if n := len(pieces(said, sentenceEnds+clauseEnds)); n > maxPieces {
			t.Errorf("%q: %d pieces", said, n)
		}
		if rest := withoutNoise(said); utf8.ValidString(said) && len(rest) > len(said) {
			t.Errorf("%q: without noise it is longer: %q", said, rest)
		}
	})
}
