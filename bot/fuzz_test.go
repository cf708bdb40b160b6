package bot_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aeobot/bot"
)

// FuzzConversation says anything, quoting anything, after an answer: the reply is
// there, fits the screen and shows only what stands in it.
func FuzzConversation(f *testing.F) {
	l := live(f)
	for _, s := range [][2]string{
		{"第3条", ""}, {"那金融呢", ""}, {"不对，我说的是参展那条", ""}, {"1. 能免担保吗 2. 有没有协调员", ""}, {"2026年2月30日呢", ""},
		{"转发", "海关直接激励措施\n5、可向海关申请免除担保"}, {"倒数第99条", "5、"}, {"第1到999条", ""}, {"\xff\xfe", "\xff"}, {"@ @ -- ??", "1、\n2、"},
	} {
		f.Add(s[0], s[1], uint16(700))
	}
	now := func() time.Time { return time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) }
	f.Fuzz(func(t *testing.T, text, quote string, limit uint16) {
		e := bot.New(l, store(t), bot.Options{Now: now})
		s := bot.Surface{Markdown: limit%2 == 0, MaxBytes: 400 + int(limit), MaxPages: 1 + int(limit%4)}
		for _, m := range []bot.Message{{Text: "海关直接激励措施"}, {Text: text, Quote: quote}, {Text: "更多"}} {
			m.Asker, m.Surface = "u", s
			r, err := e.Answer(t.Context(), m)
			if err != nil {
				t.Fatalf("%q: %v", m.Text, err)
			}
			if strings.Contains(r.Text, "%!") && !strings.Contains(text+quote, "%!") {
				t.Errorf("%q: a sentence is not filled in: %q", m.Text, r.Text)
			}
			origin := len(r.Shown) == 0 && strings.HasPrefix(r.Text, "来源：") // an answer that quotes nothing
			if r.Text == "" || r.Answered != (len(r.Shown) > 0 || origin) {
				t.Errorf("%q: answered %v, %d shown: %q", m.Text, r.Answered, len(r.Shown), r.Text)
			}
			for _, p := range r.Pages {
				if len(p) > s.MaxBytes && len(r.Pages) > 1 || !utf8.ValidString(p) {
					t.Errorf("%q: page of %d bytes, limit %d: %q", m.Text, len(p), s.MaxBytes, p)
				}
			}
		}
	})
}
