package analysis_test

import (
	"slices"
	"strings"
	"testing"

	"aeobot/index/analysis"
)

func TestCut(t *testing.T) {
	tests := []struct {
		name, text   string
		units, pairs []string
	}{
		{"characters", "免担保", []string{"免", "担", "保"}, []string{"免担", "担保"}},
		{"full width and case", "ＡＥＯ企业", []string{"aeo", "企", "业"}, []string{"企业"}},
		{"a word between characters parts them", "给AEO便利", []string{"给", "aeo", "便", "利"}, []string{"便利"}},
		{"punctuation parts", "通关、查验", []string{"通", "关", "查", "验"}, []string{"通关", "查验"}},
		{"numbers", "第5条", []string{"第", "5", "条"}, nil},
		{"English", "lower inspection rate", []string{"lower", "inspection", "rate"}, nil},
		{"nothing", " 。！", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := analysis.Cut(tt.text)
			if !slices.Equal(got.Units, tt.units) || !slices.Equal(got.Pairs, tt.pairs) {
				t.Errorf("%q: got %q and %q, want %q and %q", tt.text, got.Units, got.Pairs, tt.units, tt.pairs)
			}
		})
	}
}

func FuzzCut(f *testing.F) {
	f.Add("ＡＥＯ企业，免担保")
	f.Add("\xff①㈠")
	f.Fuzz(func(t *testing.T, text string) {
		folded := analysis.Normalize(text)
		for _, u := range analysis.Cut(text).Units {
			if !strings.Contains(folded, u) {
				t.Errorf("%q: unit %q is not in %q", text, u, folded)
			}
		}
	})
}
