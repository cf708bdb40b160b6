package bot_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"aeobot/bot"
)

// TestCorrections quote both wordings, fit the screen and are no markup.
func TestCorrections(t *testing.T) {
	long := strings.Repeat("依法给予信贷支持，", 400)
	list := []bot.Correction{
		{Place: "海关直接激励措施第5条", Before: "可向海关申请免除担保", After: "可向海关申请<@all>减免担保", Source: "《办法》，2026-11-25"},
		{Place: "海关直接激励措施第6条", Before: "减少稽查", NoteBefore: "旧注", Gone: true},
		{Place: "海关直接激励措施第8条", Before: "设立协调员", After: "设立协调员", NoteAfter: "新注"},
	}
	for _, c := range []struct {
		name  string
		s     bot.Surface
		list  []bot.Correction
		want  []string
		never []string
	}{
		{"a wide screen", bot.Surface{Markdown: true, MaxBytes: 20480, MaxPages: 1}, list,
			[]string{"更正", "当时的原文：“可向海关申请免除担保”", "现在的原文：“可向海关申请", "《办法》，2026-11-25", "已从知识库撤下", "原文未变：“设立协调员”", "当时的注：（无）", "现在的注：“新注”"},
			[]string{"<@all>", "另有"}},
		{"a narrow one", bot.Surface{MaxBytes: 420, MaxPages: 1}, list, []string{"免除担保", "另有 2 条"}, []string{"撤下"}},
		{"long words", bot.Surface{MaxBytes: 2048, MaxPages: 1}, []bot.Correction{{Place: "第1条", Before: long, After: long + "完"}}, []string{"当时的原文：“依法", "现在的原文：“依法", "…”"}, nil},
		{"no bound", bot.Surface{}, list[:1], []string{"<@all>"}, nil},
	} {
		pages := bot.WriteCorrections(c.s, c.list)
		text := strings.Join(pages, "\n")
		for _, p := range pages {
			if c.s.MaxBytes > 0 && len(p) > c.s.MaxBytes || !utf8.ValidString(p) {
				t.Errorf("%s: page of %d bytes", c.name, len(p))
			}
		}
		if len(pages) > max(c.s.MaxPages, 1) {
			t.Errorf("%s: %d pages", c.name, len(pages))
		}
		for _, w := range c.want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %q is not in\n%s", c.name, w, text)
			}
		}
		for _, w := range c.never {
			if strings.Contains(text, w) {
				t.Errorf("%s: %q is in\n%s", c.name, w, text)
			}
		}
	}
}
