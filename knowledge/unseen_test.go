package knowledge

import (
	"fmt"
	"strings"
	"testing"
)

const seenArticle = "# 通道\n\n2026-01-01\n\n## 一、措施\n\n1. 蓝鲸%s通道开放。\n"

// TestUnseenCharactersAreReported in the article, its notes and its vocabulary, with line and
// mend; what turns the text about or spells another is refused.
func TestUnseenCharactersAreReported(t *testing.T) {
	for _, r := range []rune{0x202e, 0x202a, 0x2067, 0x2069, 0x200e, 0x200f, 0x061c, 0xe0041, 0xe007f, 0xe0001,
		0x200b, 0x200c, 0x200d, 0x2060, 0x2064, 0xad, 0xfeff, 0x3164, 0x115f, 0xfff9, 0x180e} {
		refused := r < 0x0700 && r > 0xff || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r >= 0xe0000
		notes := "items:\n  - section: 一、措施\n    number: 1\n    ask:\n      - %s\n"
		for _, tt := range []struct {
			file string
			line int
			text string
		}{
			{"a.md", 7, fmt.Sprintf(seenArticle, string(r))},
			{"a.notes.yaml", 5, fmt.Sprintf(notes, "蓝鲸"+string(r)+"怎么走")},
			{"a.notes.yaml", 5, fmt.Sprintf(notes, fmt.Sprintf(`"蓝鲸\U%08x怎么走"`, r))},
			{"b.terms.tsv", 1, "blue\t蓝" + string(r) + "鲸\tzh\tsame\t\n"},
		} {
			files := map[string][]byte{"a.md": fmt.Appendf(nil, seenArticle, ""), tt.file: []byte(tt.text)}
			l, err := LoadFiles(files, nil)
			if err != nil {
				t.Errorf("U+%04X in %s: %v", r, tt.file, err)
				continue
			}
			var got []Finding
			for _, f := range l.Findings() {
				if strings.Contains(f.Message, fmt.Sprintf("U+%04X", r)) {
					got = append(got, f)
				}
			}
			if len(got) != 1 || got[0].Line != tt.line || got[0].Refused != refused || got[0].File != tt.file || got[0].Mend == "" {
				t.Errorf("U+%04X in %s: %v, want one of line %d, refused %v", r, tt.file, got, tt.line, refused)
			}
		}
	}
}

// TestWhatIsSeenIsNoFinding: a mark at the start of a file, faces, blanks, what is escaped to
// be seen.
func TestWhatIsSeenIsNoFinding(t *testing.T) {
	for _, text := range []string{"\ufeff通道", "通道❤\ufe0f", "蓝鲸\u3000\u00a0\t通道", `C:\users\x41`, "&#65;&amp;", "\\u4e00", "葛\U000e0100"} {
		if got := unseenIn(text); len(got) > 0 {
			t.Errorf("%q: %v", text, got)
		}
	}
}
