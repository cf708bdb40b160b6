package index_test

import "testing"

func TestLongMeasuresAreAnsweredWithTheirClause(t *testing.T) {
	g := shipped(t)
	tests := []struct {
		question string
		measure  string
		clause   int // from 1; 0: the whole measure
	}{
		{"境外发债能快点办吗", "joint/1", 6},
		{"粮食配额", "joint/1", 4},
		{"缺材料能先收吗", "joint/1", 1},
		{"商标注册有优先吗", "joint/2", 3},
		{"银行贷款", "joint/3", 1},
		{"发改委给什么", "joint/1", 0},
		{"金融部门给什么支持", "joint/3", 0},
		{"境外发债和粮食配额", "joint/1", 0},
		{"外国人工作许可", "joint/4", 0}, // two clauses are not long
		{"免除担保", "direct/5", 0},
	}
	for _, tt := range tests {
		d, err := g.Search(t.Context(), tt.question)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Hits) == 0 || d.Hits[0].Passage.Name != tt.measure || d.Hits[0].Clause != tt.clause {
			t.Errorf("%q: got %+v, want clause %d of %s", tt.question, d.Hits, tt.clause, tt.measure)
		}
	}
}
