package index_test

import (
	"os"
	"strings"
	"testing"

	"aeobot/index"
)

func TestWellWrittenQuestionsAreNotCorrected(t *testing.T) {
	data, err := os.ReadFile("testdata/wellwritten.txt")
	if err != nil {
		t.Fatal(err)
	}
	g := shipped(t)
	questions := 0
	for line := range strings.Lines(string(data)) {
		question := strings.TrimSpace(line)
		if question == "" || strings.HasPrefix(question, "#") {
			continue
		}
		questions++
		if c := correction(t, g, question); c != nil {
			t.Errorf("%s is read as %s", question, c.To)
		}
	}
	if questions < 300 {
		t.Errorf("%d questions, want more", questions)
	}
}

// TestSlipsAreMended: each kind of slip, in words that are known.
func TestSlipsAreMended(t *testing.T) {
	g := shipped(t)
	for _, tt := range []struct{ name, said, want string }{
		{"one homophone", "免除但保", "免除担保"},
		{"two homophones", "免除蛋包", "免除担保"},
		{"swapped", "海关稽查的次频会降低吗", "海关稽查的频次会降低吗"},
		{"missing", "货物未运前可否先行申报", "货物未运抵前可否先行申报"},
		{"pinyin", "xietiaoyuan", "协调员"},
		{"beside a negation", "不用担包了吗", "不用担保了吗"},
	} {
		if c := correction(t, g, tt.said); c == nil || c.To != tt.want {
			t.Errorf("%s: %q is read as %v, want %q", tt.name, tt.said, c, tt.want)
		}
	}
}

// TestNegationsStay spoils questions around their negations, in all the ways that are
// mended, and looks whether a negation comes, goes or moves.
func TestNegationsStay(t *testing.T) {
	g := shipped(t)
	for _, said := range []string{
		"货物未到监管区能申报吗", "貨物未到監管區能申報嗎", "货物不到监管区", "未担保可以先放行吗", "担保没交能放行吗",
		"不稽查的条件", "稽未查", "非高级认证企业有吗", "查验不是免的吗", "免但保", "保担免", "除担保", "查验没费用", "勿查验",
		"无担包", "叫号不排队", "排队叫不号", "优先不通关", "通未关", "免查眼",
	} {
		if c := correction(t, g, said); c != nil && negations(index.FoldCharacters(said)) != negations(c.To) {
			t.Errorf("%s is read as %s", said, c.To)
		}
	}
}

// negations is a text with all but its negations blotted out.
func negations(text string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("未不没无非勿免", r) {
			return r
		}
		return '-'
	}, text)
}

func correction(t *testing.T, g *index.Generation, question string) *index.Correction {
	t.Helper()
	d, err := g.Search(t.Context(), question)
	if err != nil {
		t.Fatal(err)
	}
	return d.Query.Correction
}
