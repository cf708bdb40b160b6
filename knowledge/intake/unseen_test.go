package intake

import (
	"fmt"
	"strings"
	"testing"
)

// TestWhatNobodySeesIsNotImported: pasted, or in a file of any kind of text.
func TestWhatNobodySeesIsNotImported(t *testing.T) {
	for _, r := range []rune{0x202e, 0x2067, 0xe0041, 0x2060} {
		text := "# 通道\n\n2026-01-01\n\n## 一、措施\n\n1. 蓝鲸" + string(r) + "通道开放。\n"
		pasted, err := Paste(t.Context(), "通道", text, Options{})
		if err != nil {
			t.Fatal(err)
		}
		read := map[string]Intake{"pasted": pasted}
		for _, name := range []string{"a.txt", "a.md", "a.html"} {
			if read[name], err = Read(t.Context(), name, []byte(text), Options{}); err != nil && name != "a.html" {
				t.Fatal(err)
			}
		}
		read["a.html"], err = Read(t.Context(), "a.html", fmt.Appendf(nil, "<!DOCTYPE html><html><body><h1>通道</h1><p>1. 蓝鲸&#%d;通道开放。</p></body></html>", r), Options{})
		if err != nil {
			t.Fatal(err)
		}
		for name, in := range read {
			told := in.Warnings
			if r != 0x2060 {
				told = in.Problems
			}
			if text := fmt.Sprint(told); !strings.Contains(text, fmt.Sprintf("U+%04X", r)) {
				t.Errorf("%s with U+%04X: problems %v, warnings %v", name, r, in.Problems, in.Warnings)
			}
		}
	}
}
