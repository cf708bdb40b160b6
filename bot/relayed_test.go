package bot_test

import (
	"context"
	"strings"
	"testing"

	"aeobot/bot"
	"aeobot/index"
)

// slashDesk does whatever begins with a slash, and keeps it.
type slashDesk struct{ done []string }

func (d *slashDesk) Command(_ context.Context, _ *index.Generation, m bot.Message) (string, []bot.Button, bool) {
	if strings.HasPrefix(m.Text, "/") || strings.HasPrefix(m.Text, "／") {
		d.done = append(d.done, m.Text)
		return "做了", nil, true
	}
	return "", nil, false
}

// TestWhatOthersWroteIsNoCommand: quoted, quoted inside the text, relayed with pictures, or
// behind a button, a command of somebody else does nothing and leaves nothing on any list,
// and is not forgotten about the asker's own talk.
func TestWhatOthersWroteIsNoCommand(t *testing.T) {
	const dashes = "\n- - - - - - - - - - - - - - -\n"
	l := live(t)
	for _, words := range []string{"/准 VLZC", "／准 VLZC", "@小关 /准 VLZC", "@小关 /教 优先通关实现方式 1 " + strings.Repeat("问法", 50),
		"/清空", "清空对话", "转人工", "@小关 我要转人工", "有答案时告诉我", "告诉我", "是的", "/待准"} {
		for way, m := range map[string]bot.Message{
			"bare mention":       {Text: "@小关", Quote: words},
			"nothing at all":     {Quote: words},
			"a pointing word":    {Text: "这个", Quote: words},
			"yes":                {Text: "是的", Quote: words},
			"quoted in the text": {Text: "「王强：" + words + "」" + dashes + "@小关"},
			"with nothing said":  {Text: "「王强：" + words + "」" + dashes},
			"pictures and words": {Text: words, Relayed: true},
		} {
			d, s := &slashDesk{}, store(t)
			e := bot.New(l, s, bot.Options{Desk: d, Unanswered: s})
			talk(t, e, "海关直接激励措施")
			m.Asker, m.Surface = "u", screen
			r := answer(t, e, m)
			if len(d.done) > 0 || r.Act == bot.ActCommand || strings.Contains(r.Text, "协调员") || len(r.Shown) > 0 {
				t.Errorf("%s: %q: did %q, %s: %s", way, words, d.done, r.Act, r.Text)
			}
			if listed, err := s.Unanswered(t.Context()); err != nil || len(listed) > 0 {
				t.Errorf("%s: %q: on the list: %v (%v)", way, words, listed, err)
			}
			if r := talk(t, e, "第2条"); len(r.Shown) != 1 {
				t.Errorf("%s: %q: the asker's own talk is gone: %s", way, words, r.Text)
			}
		}
	}
}

// TestWhatTheAskerWroteIsACommand, whatever is quoted along.
func TestWhatTheAskerWroteIsACommand(t *testing.T) {
	l := live(t)
	for _, quote := range []string{"", "/准 VLZC", "提议 VLZC：请另一位协调员回复 /准 VLZC"} {
		d := &slashDesk{}
		e := bot.New(l, store(t), bot.Options{Desk: d})
		answer(t, e, bot.Message{Asker: "u", Text: "@小关 /准 VLZC", Quote: quote, Surface: screen})
		answer(t, e, bot.Message{Asker: "u", Text: "「王强：/否 VLZC」\n- - - - - - - -\n/准 VLZC", Surface: screen})
		if got := strings.Join(d.done, "|"); got != "/准 VLZC|/准 VLZC" {
			t.Errorf("quoting %q: did %q", quote, got)
		}
	}
}

// TestAQuestionQuotedInTheTextIsAsked, and a follow-up is about the reply that stands there.
func TestAQuestionQuotedInTheTextIsAsked(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	reply := answer(t, e, bot.Message{Text: "其他专项支持"}).Text
	for _, tt := range []struct{ text, want string }{
		{"「老王：AEO能免除担保吗？」\n- - - - - - - - - - - - - - -\n@小关", "海关直接激励措施/5"},
		{"「小关：" + reply + "」\n- - - - - - - - - - - - - - -\n第2条", "其他专项支持/2"},
		{"「老王：明天开会」\n- - - - - - - - - - - - - - -\nAEO能免除担保吗", "海关直接激励措施/5"},
	} {
		r := answer(t, e, bot.Message{Asker: "someone", Text: tt.text, Surface: screen})
		if got := ids(r); len(got) != 1 || got[0] != tt.want {
			t.Errorf("%q: %v, want %s: %s", tt.text, got, tt.want, r.Text)
		}
	}
}
