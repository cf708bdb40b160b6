package lexicon_test

import (
	"testing"

	"aeobot/index/analysis"
	"aeobot/index/lexicon"
)

// TestUnmentioned: what a question asks for and a measure has no word of is known, so that
// whoever teaches the question to the measure can be warned.
func TestUnmentioned(t *testing.T) {
	for _, tt := range []struct{ question, text, want string }{
		{"认证费要多少", "享受AEO互认国家(地区)海关提供的便利措施", "fee"},
		{"认证费要多少", "提供AEO认证免费培育服务和认证辅导", ""},
		{"最高能拿多少钱", "提供专项奖励资金,统筹使用外经贸专项资金", "amount"},
		{"最高能拿多少钱", "首次通过认证的给予20万元奖励", ""},
		{"放行要多久", "在口岸通关环节实施快速验放机制", "duration"},
		{"放行要多久", "2小时内放行", ""},
		{"要交什么材料", "优先办理进出口货物通关及相关业务手续", "documents"},
		{"要交什么材料", "提交营业执照和近三年审计资料", ""},
		{"AEO互认国家有哪些", "享受AEO互认国家(地区)海关提供的便利措施", "list"},
		{"罚款多少", "减少对企业稽查、核查频次", "penalty"},
		{"能免除担保吗", "优先办理", ""},
	} {
		got := ""
		for _, f := range lexicon.AskedFor(cut(tt.question)) {
			if f.Needed && f.Unmentioned(analysis.Normalize(tt.text)) {
				got += f.Name
			}
		}
		if got != tt.want {
			t.Errorf("%q taught to %q: %q is not mentioned, want %q", tt.question, tt.text, got, tt.want)
		}
	}
}
