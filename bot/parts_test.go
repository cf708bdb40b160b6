package bot

import (
	"slices"
	"testing"

	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

func TestPieces(t *testing.T) {
	tests := []struct {
		said string
		ends string
		want []string
	}{
		{"海关对AEO企业有何激励?优先通关如何实现?还有其他支持吗?", sentenceEnds,
			[]string{"海关对AEO企业有何激励?", "优先通关如何实现?", "还有其他支持吗?"}},
		{"能免担保吗", sentenceEnds, []string{"能免担保吗"}},
		{"能免担保吗？？？", sentenceEnds, []string{"能免担保吗？？？"}},
		{"能免担保吗？谢谢", sentenceEnds, []string{"能免担保吗？", "谢谢"}},
		{"有没有奖金，有没有用地支持", sentenceEnds + clauseEnds, []string{"有没有奖金", "有没有用地支持"}},
		{"预约通关还有叫号", sentenceEnds + clauseEnds, []string{"预约通关", "还有叫号"}},
		{"还有其他支持吗", sentenceEnds + clauseEnds, []string{"还有其他支持吗"}},
		{"", sentenceEnds, nil},
		{"???", sentenceEnds, nil},
	}
	for _, tt := range tests {
		if got := pieces(tt.said, tt.ends); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.said, got, tt.want)
		}
	}
}

func TestMessagesAreReadAsTheyAreMeant(t *testing.T) {
	library, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	g, err := index.Build(t.Context(), library, index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	tests := []struct {
		name, said string
		want       []string // where each question leads first; "" for no answer
	}{
		{"one question", "能免除担保吗", []string{"direct/5"}},
		{"two questions", "海关设立协调员吗？预约通关怎么约？", []string{"direct/8", "priority/5"}},
		{"two things in one breath", "有没有奖励资金，有没有用地支持", []string{"local/1", "local/3"}},
		{"a comma parts nothing", "做集成电路的企业，产业扶持政策会倾斜吗", []string{"other/5"}},
		{"a story around a question", "早上好，昨天客户来厂里聊了很久。他最关心的是：AEO能不能免除担保？麻烦回一下", []string{"direct/5"}},
		{"an unanswered part is named", "能免除担保吗？明天会下雨吗？人才引进落户支持吗？", []string{"direct/5", "", "joint/4"}},
	}
	for _, tt := range tests {
		asked, err := Read(t.Context(), g, tt.said)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range asked {
			name := ""
			if len(a.Decision.Hits) > 0 {
				name = a.Decision.Hits[0].Passage.Name
			}
			got = append(got, name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q leads to %q, want %q", tt.name, tt.said, got, tt.want)
		}
	}
}
