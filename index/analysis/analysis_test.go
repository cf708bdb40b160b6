package analysis_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"aeobot/index/analysis"
)

func TestFoldedWritingIsTheSame(t *testing.T) {
	tests := []struct {
		name   string
		same   []string
		differ string
	}{
		{"width and case", []string{"AEO企业", "ＡＥＯ企业", "aeo企业"}, "AEO产业"},
		{"script", []string{"優先查驗", "优先查验"}, "优先检查"},
		{"script, variant characters", []string{"為了臺灣裡", "为了台湾里", "爲了臺灣裏"}, "为了台湾"},
		{"numerals before a counted word", []string{"第3条", "第三条", "第③条", "第３条"}, "第二条"},
		{"numerals with powers", []string{"十二项", "12项"}, "20项"},
		{"numerals, two by another name", []string{"两个", "2个", "二个"}, "三个"},
		{"years digit by digit", []string{"二〇二六年", "2026年", "２０２６年"}, "2025年"},
		{"hundreds", []string{"一百二十天", "120天"}, "一百零二天"},
		{"blanks inside a word", []string{"免 担 保", "免担保", "免　担保"}, "免除担保"},
		{"accent", []string{"cafe\u0301", "café"}, "cafe"},
	}
	for _, tt := range tests {
		want := analysis.Normalize(tt.same[0])
		for _, s := range tt.same[1:] {
			if got := analysis.Normalize(s); got != want {
				t.Errorf("%s: %q gives %q, %q gives %q", tt.name, tt.same[0], want, s, got)
			}
		}
		if got := analysis.Normalize(tt.differ); got == want {
			t.Errorf("%s: %q and %q are one: %q", tt.name, tt.same[0], tt.differ, got)
		}
	}
}

func TestNoNumberWhereNoneIsMeant(t *testing.T) {
	for _, s := range []string{"一般认证", "统一", "一些", "千万别", "九牛一毛", "三三两两"} {
		if got := analysis.Normalize(s); got != s {
			t.Errorf("%q: got %q", s, got)
		}
	}
}

func TestSpansLeadBackToTheSource(t *testing.T) {
	tests := []struct{ source, folded, want string }{
		{"請問　ＡＥＯ企業", "aeo", "ＡＥＯ"},
		{"享受優先查驗嗎", "优先查验", "優先查驗"},
		{"看第十二条吧", "12条", "十二条"},
		{"免 担 保", "免担保", "免 担 保"},
	}
	for _, tt := range tests {
		x := analysis.Fold(tt.source)
		at := strings.Index(x.Folded, tt.folded)
		if at < 0 {
			t.Errorf("%q folds to %q, without %q", tt.source, x.Folded, tt.folded)
			continue
		}
		from, to := x.Span(at, at+len(tt.folded))
		if got := tt.source[from:to]; got != tt.want {
			t.Errorf("%q: %q stands at %q, want %q", tt.source, tt.folded, got, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	tests := []struct {
		name, text string
		units      []string
		pairs      []string
	}{
		{"characters", "免担保", []string{"免", "担", "保"}, []string{"免担", "担保"}},
		{"a word between characters parts them", "给aeo便利", []string{"给", "aeo", "便", "利"}, []string{"便利"}},
		{"punctuation parts", "通关、查验", []string{"通", "关", "查", "验"}, []string{"通关", "查验"}},
		{"numbers", "第5条", []string{"第", "5", "条"}, nil},
		{"a number and a unit", "20mm", []string{"20", "mm"}, nil},
		{"English", "lower inspection rate", []string{"lower", "inspection", "rate"}, nil},
		{"nothing", " 。！", nil, nil},
	}
	for _, tt := range tests {
		tokens := analysis.Cut(tt.text)
		var units, pairs []string
		for _, tok := range tokens {
			units = append(units, tt.text[tok.Start:tok.End])
		}
		analysis.Each(tokens, func(term analysis.Term) {
			if term.IsPair() {
				pairs = append(pairs, string(term.Runes()))
			}
		})
		if !slices.Equal(units, tt.units) || !slices.Equal(pairs, tt.pairs) {
			t.Errorf("%s: %q gives %q and %q, want %q and %q", tt.name, tt.text, units, pairs, tt.units, tt.pairs)
		}
	}
}

func TestStemsAreOneWord(t *testing.T) {
	for _, pair := range [][2]string{{"inspection", "inspections"}, {"waive", "waived"}, {"subsidy", "subsidies"}} {
		if a, b := analysis.Cut(pair[0])[0].Term, analysis.Cut(pair[1])[0].Term; a != b {
			t.Errorf("%q and %q are two words", pair[0], pair[1])
		}
	}
}

func TestSyllables(t *testing.T) {
	known := func(s string) bool {
		return slices.Contains([]string{"xie", "tiao", "yuan", "xi", "e", "ti", "ao", "yu", "an", "cha", "yan", "lv", "xian"}, s)
	}
	tests := []struct {
		word string
		want []string
	}{
		{"xietiaoyuan", []string{"xie", "tiao", "yuan"}},
		{"chayanlv", []string{"cha", "yan", "lv"}},
		{"xi'an", []string{"xian"}},
		{"window", nil},
		{"xieq", nil},
	}
	for _, tt := range tests {
		if got := analysis.Syllables(tt.word, known); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestSounds(t *testing.T) {
	if got := analysis.Sounds('率'); !slices.Contains(got, "lv") || !slices.Contains(got, "shuai") {
		t.Errorf("率: got %q, want both readings", got)
	}
	if got := analysis.Sounds('a'); len(got) != 0 {
		t.Errorf("a: got %q", got)
	}
}

// FuzzFold holds that folding never fails, that folding twice changes nothing, and
// that every token leads back into the source, in order.
func FuzzFold(f *testing.F) {
	f.Add("ＡＥＯ企業，免 担 保，第十二条")
	f.Add("\xff①㈠ e\u0301 \u0301")
	f.Add("二〇二六年一百零二天")
	f.Fuzz(func(t *testing.T, source string) {
		x := analysis.Fold(source)
		if plain := analysis.Normalize(source); plain != x.Folded {
			t.Errorf("%q: Fold gives %q, Normalize %q", source, x.Folded, plain)
		}
		if !utf8.ValidString(x.Folded) {
			t.Errorf("%q: folded to broken UTF-8 %q", source, x.Folded)
		}
		before := 0
		for _, tok := range analysis.Cut(x.Folded) {
			from, to := x.Span(tok.Start, tok.End)
			if from < before || to < from || to > len(source) {
				t.Errorf("%q: token %q stands at %d to %d after %d", source, x.Folded[tok.Start:tok.End], from, to, before)
			}
			before = from
		}
	})
}
