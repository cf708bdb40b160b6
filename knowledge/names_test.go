package knowledge

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNamesThatAreOneElsewhere are refused with both named, whether they lie in memory, in
// a folder, or are stored one after the other.
func TestNamesThatAreOneElsewhere(t *testing.T) {
	text := []byte("标题\n\n一、支持\n1、减免手续\n")
	for _, tt := range []struct {
		a, b, named string
		apart       bool
	}{
		{a: "Rule.md", b: "rule.md", named: `"rule.md"`},
		{a: "规则A.txt", b: "规则a.txt", named: "规则a.txt"},
		{a: "Rule.md", b: "rule.txt", named: "rule.txt"},
		{a: "caf\u00e9.md", b: "cafe\u0301.md", named: `\u0301`},
		{a: "ÉTÉ.md", b: "e\u0301te\u0301.md", named: "ÉTÉ.md"},
		{a: "Words.terms.tsv", b: "words.terms.tsv", named: "words.terms.tsv"},
		{a: "Rule.notes.yaml", b: "rule.notes.yaml", named: "rule.notes.yaml"},
		{a: "rule.md", b: "rules.md", apart: true},
		{a: "规则.md", b: "規則.md", apart: true},
	} {
		folder := t.TempDir()
		files := map[string][]byte{"z.md": text, tt.a: text, tt.b: text}
		for name, data := range files {
			if strings.HasSuffix(name, NotesSuffix) || strings.HasSuffix(name, TermsSuffix) {
				files[name], data = nil, nil
			}
			if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		_, inMemory := LoadFiles(files, nil)
		_, inFolder := Load([]string{folder}, nil)
		if len(entries) < len(files) {
			inFolder = inMemory // this file system is one of those
		}
		stored := t.TempDir()
		_, first := Store(stored, map[string][]byte{tt.a: text}, false, false)
		_, second := Store(stored, map[string][]byte{tt.b: text}, true, false)
		for how, err := range map[string]error{"in memory": inMemory, "in a folder": inFolder, "stored": errors.Join(first, second)} {
			switch {
			case tt.apart && err != nil:
				t.Errorf("%s and %s, %s: %v", tt.a, tt.b, how, err)
			case !tt.apart && (!errors.Is(err, ErrNames) || !strings.Contains(err.Error(), tt.named)) && how != "stored":
				t.Errorf("%s and %s, %s: %v", tt.a, tt.b, how, err)
			case !tt.apart && err == nil:
				t.Errorf("%s and %s, %s: taken", tt.a, tt.b, how)
			}
		}
	}
}
