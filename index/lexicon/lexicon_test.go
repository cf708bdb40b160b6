package lexicon_test

import (
	"strings"
	"testing"

	"aeobot/index/lexicon"
)

func TestContentAndTopic(t *testing.T) {
	tests := []struct{ question, content, topic string }{
		{"优先通关如何实现?", "优先通关 实现?", "优先通关 实现?"},
		{"AEO企业能不能免除担保", "aeo企业 免除担保", "免除担保"},
		{"What is AEO status", "aeo status", "status"},
		{"theory", "theory", "theory"}, // the is not taken out of a word
		{"有没有", "", ""},
	}
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	for _, tt := range tests {
		if got := squeeze(lexicon.Content(tt.question)); got != tt.content {
			t.Errorf("content of %q: got %q, want %q", tt.question, got, tt.content)
		}
		if got := squeeze(lexicon.Topic(tt.question)); got != tt.topic {
			t.Errorf("topic of %q: got %q, want %q", tt.question, got, tt.topic)
		}
	}
}
