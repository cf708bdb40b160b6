package analysis_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"aeobot/index/analysis"
)

// TestFoldingOfEveryCharacter holds what all Chinese characters fold to. The sum was
// taken with the OpenCC library that was used before its tables; when it changes,
// indexes and judged questions are read otherwise.
func TestFoldingOfEveryCharacter(t *testing.T) {
	h := sha256.New()
	for _, block := range [][2]rune{{0x3200, 0x9fff}, {0xf900, 0xfaff}, {0x20000, 0x323af}} {
		for r := block[0]; r <= block[1]; r++ {
			h.Write([]byte(analysis.FoldCharacters(string(r)) + "\n"))
		}
	}
	const want = "4221cf1f00427e046c5e13e94059ac601f3ae8472865bc72208ae1d7215f2185"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("sum of all folded characters: got %s, want %s", got, want)
	}
}

func TestScript(t *testing.T) {
	tests := []struct{ traditional, simplified string }{
		{"關稅擔保與認證企業優惠", "关税担保与认证企业优惠"},
		{"監管區貨物未到", "监管区货物未到"},
		{"㑮𩥉", "𫝈𩧱"},       // beyond the basic plane
		{"乾著妳牠麽", "干着你它么"}, // kept by OpenCC for the sake of words
		{"Ａ①㍿", "a1株式会社"},
	}
	for _, tt := range tests {
		if got := analysis.FoldCharacters(tt.traditional); got != tt.simplified {
			t.Errorf("FoldCharacters(%q): got %q, want %q", tt.traditional, got, tt.simplified)
		}
	}
	if got, want := strings.Map(analysis.Traditional, "关税担保，AEO认证"), "關稅擔保，AEO認證"; got != want {
		t.Errorf("Traditional: got %q, want %q", got, want)
	}
}

// TestTablesHaveTheirForm: readCharacters relies on it.
func TestTablesHaveTheirForm(t *testing.T) {
	for _, name := range []string{"opencc/TSCharacters.txt", "opencc/STCharacters.txt"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for line := range strings.Lines(string(data)) {
			from, to, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			best, _, _ := strings.Cut(to, " ")
			if utf8.RuneCountInString(from) != 1 || utf8.RuneCountInString(best) != 1 || seen[from] {
				t.Errorf("%s: %q is not a character, a tab and characters, or is there twice", name, line)
			}
			seen[from] = true
		}
	}
}
