package index_test

import (
	"slices"
	"testing"
)

// TestSectionsAreNamedByWhatIsAsked: whole sections are given for questions that
// name them, that speak of benefits alone, or that take a section out.
func TestSectionsAreNamedByWhatIsAsked(t *testing.T) {
	g := shipped(t)
	all := []string{"direct", "priority", "joint", "local", "other"}
	tests := []struct {
		question string
		want     []string // nil: no whole section
	}{
		{"海关能给我们哪些照顾", []string{"direct"}},
		{"优先通关都有哪些做法", []string{"priority"}},
		{"部委层面的支持有哪些", []string{"joint"}},
		{"苏州政府对AEO有什么支持", []string{"local"}},
		{"其他专项支持是哪些", []string{"other"}},
		{"海关給什麼優惠", []string{"direct"}},
		{"List everything the local government offers", []string{"local"}},
		{"What do customs give to AEO companies?", []string{"direct"}},
		{"AEO有什么甜头", all},
		{"高级认证企业优惠大全", all},
		{"除了海关给的还有别的支持吗", []string{"joint", "local", "other"}},
		{"海关之外的好处", []string{"joint", "local", "other"}},
		{"不看海关的,只看外部支持", []string{"joint", "local", "other"}},
		{"地方政府给土地支持吗", nil},
		{"海关会设协调员吗", nil},
		{"金融部门有什么支持", nil},
	}
	for _, tt := range tests {
		d, err := g.Search(t.Context(), tt.question)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range d.Sections {
			got = append(got, s.Name)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q gives %v, want %v", tt.question, got, tt.want)
		}
	}
}
