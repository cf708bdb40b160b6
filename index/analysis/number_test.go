package analysis

import "testing"

// TestNumbersAreOneUnit: texts that have no unit in common, and texts that are the same.
func TestNumbersAreOneUnit(t *testing.T) {
	common := func(a, b string) bool {
		has := map[Term]bool{}
		for _, x := range Cut(Normalize(a)) {
			has[x.Term] = true
		}
		for _, x := range Cut(Normalize(b)) {
			if has[x.Term] {
				return true
			}
		}
		return false
	}
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"2.5%", "5年", false},
		{"5％", "5年", false},
		{"5个工作日", "工作许可5年", false},
		{"1.5小时", "5年", false},
		{"第1.5条", "5年", false},
		{"3C", "3条", false},
		{"五年", "5年", true},
		{"5 个工作日", "5个工作日", true},
		{"2.5%", "下降2.5%", true},
		{"2026", "2026年", true},
		{"282号令", "第282号", true},
		{"1.设立窗口", "1", true},
	} {
		if got := common(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: something in common %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
	for _, x := range Cut("免2.5%担保") {
		if x.Start == len("免") && x.End != len("免2.5%") {
			t.Errorf("the number ends at %d", x.End)
		}
	}
}
