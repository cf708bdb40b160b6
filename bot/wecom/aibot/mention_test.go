package aibot

import "testing"

func TestWithoutMention(t *testing.T) {
	tests := []struct {
		about, said, name string
		group             bool
		want              string
	}{
		{"the name", "@小知 免担保吗", "小知", true, "免担保吗"},
		{"two spaces", "@小知  免担保吗", "小知", true, "免担保吗"},
		{"four-per-em space", "@小知\u2005免担保吗", "小知", true, "免担保吗"},
		{"no-break space", "@小知\u00a0免担保吗", "小知", true, "免担保吗"},
		{"ideographic space", "@小知　免担保吗", "小知", true, "免担保吗"},
		{"the end", "@小知", "小知", true, ""},
		{"a name with spaces", "@AEO 小 助手 /help", "AEO 小 助手", true, "/help"},
		{"no space: another's name", "@小知免担保吗", "小知", true, "@小知免担保吗"},
		{"another's longer name", "@小知识库 免担保吗", "小知", true, "@小知识库 免担保吗"},
		{"exactly one", "@小知 @小知 更多", "小知", true, "@小知 更多"},
		{"in the middle", "免担保吗 @小知", "小知", true, "免担保吗 @小知"},
		{"a mail address", "寄到 aeo@customs.invalid 吗", "小知", true, "寄到 aeo@customs.invalid 吗"},
		{"one-to-one too", "@小知 免担保吗", "小知", false, "免担保吗"},
		{"unnamed: any word", "@小知 免担保吗", "", true, "免担保吗"},
		{"unnamed: only a mention", "@小知", "", true, ""},
		{"unnamed: in the middle", "免担保吗 @小知", "", true, "免担保吗 @小知"},
		{"unnamed: one-to-one", "@小知 免担保吗", "", false, "@小知 免担保吗"},
		{"no mention", "免担保吗", "小知", true, "免担保吗"},
		{"only white space", " \u2005\n", "小知", true, ""},
	}
	for _, tt := range tests {
		if got := withoutMention(tt.said, tt.name, tt.group); got != tt.want {
			t.Errorf("%s: %q, named %q, group %v: got %q, want %q", tt.about, tt.said, tt.name, tt.group, got, tt.want)
		}
	}
}
