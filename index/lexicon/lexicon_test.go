package lexicon_test

import (
	"strings"
	"testing"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
)

func cut(s string) []analysis.Token { return analysis.Cut(analysis.Normalize(s)) }

// kept writes the tokens that are not marked, parted by spaces.
func kept(text string, marks func([]analysis.Token) []bool) string {
	folded := analysis.Normalize(text)
	tokens := analysis.Cut(folded)
	var words []string
	for i, marked := range marks(tokens) {
		if !marked {
			words = append(words, folded[tokens[i].Start:tokens[i].End])
		}
	}
	return strings.Join(words, " ")
}

func TestWordsThatOnlyAsk(t *testing.T) {
	tests := []struct{ question, want string }{
		{"优先通关如何实现?", "优 先 通 关 实 现"},
		{"AEO企业能不能免除担保", "aeo 企 业 免 除 担 保"},
		{"What is AEO status", "aeo status"},
		{"theory", "theory"}, // the is not taken out of a word
		{"有没有", ""},
	}
	for _, tt := range tests {
		if got := kept(tt.question, lexicon.Asking); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.question, got, tt.want)
		}
	}
}

func TestWordsOfTheField(t *testing.T) {
	if got := kept("AEO企业免除担保", lexicon.Subject); got != "免 除 担 保" {
		t.Errorf("got %q", got)
	}
}

// meanings are the groups that a question's words lead to.
func meanings(v *lexicon.Vocabulary, question string) map[string]float64 {
	found := map[string]float64{}
	for _, m := range v.Find(cut(question)) {
		found[m.Group] = max(found[m.Group], m.Weight())
	}
	return found
}

const sample = "group\tterm\tlang\trelation\tnote\n" +
	"查验\t开箱\tzh\toneway\n" +
	"查验\t海关查验\tzh\tsynonym\n" +
	"查验\t验货\tzh\toneway\t≠ 客户验货\n" +
	"金融部门\t银行\tzh\tnarrower\n" +
	"免除担保\twaive the deposit\ten\tsynonym\n" +
	"担保\t保证金\tzh\toneway\n"

func sampleVocabulary(t *testing.T) *lexicon.Vocabulary {
	t.Helper()
	v := lexicon.Shipped()
	if err := v.Add("sample.tsv", sample); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDirectionAndWeight(t *testing.T) {
	v := sampleVocabulary(t)
	got := meanings(v, "开箱")
	if w := got["查验"]; w <= 0 || w >= 1 {
		t.Errorf("开箱 means 查验 with %v; a synonym counts, and less than the word itself", w)
	}
	if synonym := meanings(v, "海关查验")["查验"]; synonym <= got["查验"] {
		t.Errorf("a synonym weighs %v, an everyday word %v", synonym, got["查验"])
	}
	if unlike := meanings(v, "验货")["查验"]; unlike <= 0 || unlike >= got["查验"] {
		t.Errorf("a look-alike weighs %v", unlike)
	}
	held := func(text string) map[analysis.Term]bool {
		terms := map[analysis.Term]bool{}
		for _, m := range v.Held(cut(text)) {
			terms[m] = true
		}
		return terms
	}
	bank := lexicon.Sense{Group: "金融部门"}.Meaning()
	if !held("由金融部门支持")[bank] || held("由银行支持")[bank] {
		t.Error("a passage holds a meaning by the standard word, never by a narrower one")
	}
}

func TestALongerTermHidesThoseInside(t *testing.T) {
	v := sampleVocabulary(t)
	got := meanings(v, "waives the deposits")
	if len(got) == 0 || got["免除担保"] == 0 {
		t.Errorf("an English term in the plural: got %v", got)
	}
}

func TestBrokenVocabularySaysWhere(t *testing.T) {
	for _, tt := range []struct{ data, want string }{
		{"查验\t开箱\n", "own.tsv:1: 2 columns"},
		{"查验\t开箱\tzh\tsame\n", `own.tsv:1: unknown relation "same"`},
		{"group\tterm\tlang\trelation\tnote\n查验\t。\tzh\tsynonym\n", "own.tsv:2: a group or term without any letter"},
	} {
		err := lexicon.Shipped().Add("own.tsv", tt.data)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %s…", tt.data, err, tt.want)
		}
	}
}

func TestFacets(t *testing.T) {
	tests := []struct{ question, want string }{
		{"补贴有多少钱", "amount"},
		{"查验一般要等几天", "duration"},
		{"怎么申请AEO", "procedure"},
		{"要交什么材料", "documents"},
		{"互认的有哪些国家", "list"},
		{"How much does it cost?", "fee"},
		{"海关设立协调员吗", ""},
	}
	for _, tt := range tests {
		got := ""
		for _, f := range lexicon.AskedFor(cut(tt.question)) {
			if f.Name == tt.want {
				got = f.Name
			} else if tt.want == "" {
				got = f.Name
			}
		}
		if got != tt.want {
			t.Errorf("%q asks for %q, want %q", tt.question, got, tt.want)
		}
	}
	for _, tt := range []struct{ passage, want string }{
		{"最长5年有效期", "duration"}, {"提供免费培育服务", "fee"}, {"最高奖励50万元", "amount"}, {"优先办理", ""},
	} {
		got := ""
		for _, f := range lexicon.Stated(tt.passage) {
			if f.Name == tt.want {
				got = f.Name
			}
		}
		if got != tt.want {
			t.Errorf("%q states %q, want %q", tt.passage, got, tt.want)
		}
	}
}

func TestApart(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		want     bool
	}{
		{"三级", "二级", true}, {"出口查验", "进口查验", true}, {"稽查", "核查", true},
		{"高级认证企业", "一般认证企业", true}, {"查验绿", "查验率", false}, {"进口和出口", "出口", false},
	} {
		if got := lexicon.Apart(analysis.Normalize(tt.from), analysis.Normalize(tt.to)); got != tt.want {
			t.Errorf("%s → %s: got %v", tt.from, tt.to, got)
		}
	}
}

func TestElsewhereIsRead(t *testing.T) {
	topics := lexicon.Elsewhere()
	if len(topics) == 0 {
		t.Fatal("no topic was read")
	}
	for _, topic := range topics {
		if topic.Name == "" || len(topic.Ask) == 0 {
			t.Errorf("topic %q has %d ways to speak of it", topic.Name, len(topic.Ask))
		}
	}
}
