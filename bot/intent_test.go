package bot

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRulesTakeTheirExamples(t *testing.T) {
	for _, r := range rules {
		if len(r.examples) == 0 {
			t.Errorf("rule %s %v has no example", r.kind, r.pattern)
		}
		for _, said := range r.examples {
			if got := ReadIntent(said); got.Kind != r.kind {
				t.Errorf("%q: got %s, want %s", said, got.Kind, r.kind)
			}
		}
	}
}

func TestReadIntent(t *testing.T) {
	tests := []struct {
		name, said string
		want       Intent
	}{
		{"item, full-width digit", "第３条", Intent{Kind: IntentItem, Item: 3}},
		{"item, Chinese numeral", "第十二条说的是什么", Intent{Kind: IntentItem, Item: 12}},
		{"item, bare number", "③", Intent{Kind: IntentItem, Item: 3}},
		{"item of a section", "地方政府特色支持第3条", Intent{Kind: IntentItem, Item: 3, Within: "地方政府特色支持"}},
		{"item with filler", "说说第五条", Intent{Kind: IntentItem, Item: 5}},
		{"item with detail", "第一条再讲细点", Intent{Kind: IntentItem, Item: 1}},
		{"更多 inside a real question", "有没有更多融资支持", Intent{Kind: IntentAsk}},
		{"还有 inside a real question", "还有其他支持吗?", Intent{Kind: IntentAsk}},
		{"好 inside a real question", "海关对AEO好不好", Intent{Kind: IntentAsk}},
		{"a bare number of years is a question", "许可证最长几年", Intent{Kind: IntentAsk}},
		{"greeting with a question", "你好，AEO能免担保吗", Intent{Kind: IntentAsk}},
		{"mixed case and marks", "  HELLO!! ", Intent{Kind: IntentGreet}},
		{"only marks", "。。。", Intent{Kind: IntentEmpty}},
		{"nothing", "", Intent{Kind: IntentEmpty}},
		{"command", "/清空", Intent{Kind: IntentClear}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ReadIntent(tt.said); got != tt.want {
				t.Errorf("%q: got %+v, want %+v", tt.said, got, tt.want)
			}
		})
	}
}

func FuzzReadIntentAndPieces(f *testing.F) {
	for _, s := range []string{"第十二条", "更多", "？？a?b", "③第", "\xff第3条", "第一百条"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		if got := ReadIntent(said); got.Item < 0 || got.Item > 999 {
			t.Errorf("%q: item %d", said, got.Item)
		}
		for _, p := range pieces(said, sentenceEnds) {
			if utf8.ValidString(said) && !strings.Contains(said, p) {
				t.Errorf("%q: piece %q is not in it", said, p)
			}
		}
		if n := len(pieces(said, sentenceEnds+clauseEnds)); n > maxPieces {
			t.Errorf("%q: %d pieces", said, n)
		}
	})
}
