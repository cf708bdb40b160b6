package aibot

import (
	"strings"
	"testing"

	"aeobot/bot"
)

// TestAnotherCompanysPersonIsNobodyOfOurs: the company that the platform names is part of who
// somebody is, in a message, a click, an opinion, and when they are written to first.
func TestAnotherCompanysPersonIsNobodyOfOurs(t *testing.T) {
	for _, tt := range []struct{ from, want string }{
		{`{"userid":"lin.yue"}`, "lin.yue"},
		{`{"userid":"lin.yue","corpid":""}`, "lin.yue"},
		{`{"userid":"lin.yue","corpid":"wwelse"}`, "wwelse/lin.yue"},
		{`{"corpid":"wwelse","userid":"woAAAA"}`, "wwelse/woAAAA"},
	} {
		for _, text := range []string{"在吗", "/准 P1"} {
			b := newBench(t, "小知")
			b.send(`{` + strings.Replace(alone, `{"userid":"lin.yue"}`, tt.from, 1) + `"msgtype":"text","text":{"content":"` + text + `"}}`)
			if len(b.engine.asked) != 1 || string(b.engine.asked[0].Asker) != tt.want {
				t.Errorf("%s: asked as %v, want %s", tt.from, b.engine.asked, tt.want)
			}
		}
		foreign := strings.Contains(tt.want, "/")
		in, err := parse([]byte(`{` + strings.Replace(alone, `{"userid":"lin.yue"}`, tt.from, 1) + `"msgtype":"text","text":{"content":"x"}}`))
		if err != nil {
			t.Fatal(err)
		}
		if bot.HasPerson([]string{"lin.yue", "woAAAA"}, string(in.asker())) == foreign {
			t.Errorf("%s is taken for a coordinator: %v", tt.from, foreign)
		}
		if _, _, ok := chatOf(bot.Address{Channel: Surface.Name, Asker: in.asker()}); ok == foreign {
			t.Errorf("%s may be written to first: %v", tt.from, ok)
		}
		if p := (&promise{in: in}); p.chatID() != tt.want {
			t.Errorf("%s: a late answer goes to %q", tt.from, p.chatID())
		}
	}
}
