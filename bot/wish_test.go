package bot_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"aeobot/bot"
	"aeobot/index"
)

// wishList keeps wishes in memory, of whoever can be reached.
type wishList struct {
	all     []bot.Wish
	nowhere bool
	away    error
}

func (w *wishList) Reaches(bot.Address) bool { return !w.nowhere }

func (w *wishList) Wish(_ context.Context, wish bot.Wish) error {
	if w.away == nil && !slices.ContainsFunc(w.all, func(o bot.Wish) bool { return o.Key() == wish.Key() }) {
		w.all = append(w.all, wish)
	}
	return w.away
}

// missList takes misses.
type missList struct{ away error }

func (m missList) Miss(context.Context, bot.Miss) error { return m.away }

const strange = "蓝鲸通道怎么走"

// TestWishes: who was refused is told later, if that is possible and the question was kept;
// elsewhere the same words are told that it is not.
func TestWishes(t *testing.T) {
	l := live(t)
	ask := func(e *bot.Engine, chat, who, text string) bot.Reply {
		t.Helper()
		return answer(t, e, bot.Message{Chat: chat, Asker: bot.Asker(who), Text: text, Surface: aibotLike})
	}
	const offer = "有了答案想知道"
	plain := bot.New(l, store(t), bot.Options{Unanswered: missList{}})
	if r := ask(plain, "g", "u", strange); strings.Contains(r.Text, offer) {
		t.Errorf("offered without anywhere to keep it: %s", r.Text)
	}
	if r := ask(plain, "g", "u", "告诉我"); !strings.Contains(r.Text, "不能主动通知您") {
		t.Errorf("where nothing keeps it: %q", r.Text)
	}
	for name, o := range map[string]bot.Options{
		"cannot be reached": {Unanswered: missList{}, Wishes: &wishList{nowhere: true}},
		"not kept":          {Unanswered: missList{errors.New("away")}, Wishes: &wishList{}},
	} {
		e := bot.New(l, store(t), o)
		r := ask(e, "g", "u", strange)
		if c, ok := r.Card(); strings.Contains(r.Text, offer) || ok && slices.ContainsFunc(c.Buttons, func(b bot.Button) bool { return strings.HasPrefix(b.Key, "wish.") }) {
			t.Errorf("%s: %s %+v", name, r.Text, c)
		}
		if r := ask(e, "g", "u", "告诉我"); !strings.Contains(r.Text, "不能主动通知您") && !strings.Contains(r.Text, "没有在等答案的问题") {
			t.Errorf("%s: 告诉我 got %q", name, r.Text)
		}
	}

	w := &wishList{}
	e := bot.New(l, store(t), bot.Options{Unanswered: missList{}, Wishes: w})
	r := ask(e, "g", "u", strange)
	c, ok := r.Card()
	if !strings.Contains(r.Text, offer) || !ok {
		t.Fatalf("not offered: %s", r.Text)
	}
	checkCard(t, c)
	ask(e, "g", "u", "好的，谢谢")
	for range 2 {
		if got := ask(e, "g", "u", "好的，有了答案告诉我"); !strings.Contains(got.Text, "告诉您一次") {
			t.Errorf("got %q", got.Text)
		}
	}
	if p, err := e.Press(t.Context(), bot.Press{ID: "p1", Chat: "g", Asker: "another", Key: key(t, c, "有答案"), Surface: aibotLike}); err != nil || !strings.Contains(p.Reply.Text, "告诉您一次") {
		t.Errorf("pressed: %+v, %v", p, err)
	}
	want := bot.NewMiss(strange, "", "", "", w.all[0].At).Key
	if len(w.all) != 2 || w.all[0].Question != want || w.all[1].To.Asker != "another" || w.all[1].To.Chat != "g" || w.all[1].Question != want {
		t.Errorf("wishes %+v", w.all)
	}
	if _, err := e.Press(t.Context(), bot.Press{ID: "p2", Asker: "u", Key: "wish.x", Surface: aibotLike}); !errors.Is(err, bot.ErrKey) {
		t.Errorf("a key that is none: %v", err)
	}
	w.away = errors.New("away")
	if got := ask(e, "g", "u", "告诉我"); !strings.Contains(got.Text, "没能记下") {
		t.Errorf("got %q", got.Text)
	}
	ask(e, "g", "u", "能免除担保吗")
	if got := ask(e, "g", "u", "告诉我"); strings.Contains(got.Text, "记下") {
		t.Errorf("after another question: %q", got.Text)
	}
	// A redelivery of the refusal has the button, too.
	m := bot.Message{ID: "m9", Asker: "u", Text: strange, Surface: aibotLike}
	answer(t, e, m)
	again := answer(t, e, m)
	if c, ok := again.Card(); !again.Replayed || !ok || key(t, c, "有答案") == "" {
		t.Errorf("replayed: %+v", again)
	}
}

// TestCompose answers with a lead, and notes nothing.
func TestCompose(t *testing.T) {
	w := &wishList{}
	asked := &questionList{}
	e := bot.New(live(t), store(t), bot.Options{Unanswered: missList{errors.New("nobody should be told")}, Wishes: w, Questions: asked})
	r, err := e.Compose(t.Context(), bot.Message{Text: "能免除担保吗", Surface: aibotLike}, "之前问过的“能免除担保吗”，现在有答案了：")
	if err != nil || !r.Answered || !strings.HasPrefix(r.Text, "> 之前问过的") || !strings.Contains(r.Text, "5、可向海关申请免除担保") {
		t.Errorf("%v: %s", err, r.Text)
	}
	if r, err := e.Compose(t.Context(), bot.Message{Text: strange, Surface: aibotLike}, "x"); err != nil || r.Answered || strings.Contains(r.Text, "记入") {
		t.Errorf("%v: %s", err, r.Text)
	}
	if len(asked.all) != 0 {
		t.Errorf("noted %v", asked.all)
	}
}

// questionList and givenTo keep what they are told.
type questionList struct{ all []bot.Question }

func (q *questionList) Add(asked bot.Question) { q.all = append(q.all, asked) }

type givenTo struct{ all []bot.Given }

func (g *givenTo) Add(given bot.Given) { g.all = append(g.all, given) }

// commandDesk takes /做 as its command.
type commandDesk struct{ who []bot.Asker }

func (d *commandDesk) Command(_ context.Context, _ *index.Generation, m bot.Message) (string, []bot.Button, bool) {
	if !strings.HasPrefix(m.Text, "/做") {
		return "", nil, false
	}
	d.who = append(d.who, m.Asker)
	return "做了", []bot.Button{bot.CommandButton("准 ABCD", "/做 ABCD"), bot.CommandButton("否 ABCD", "/做 不 ABCD")}, true
}

// TestWhatIsKept: real questions once each without who asked, and who was shown what as
// digests; not follow-ups, not greetings, not commands, not redeliveries.
func TestWhatIsKept(t *testing.T) {
	asked, given := &questionList{}, &givenTo{}
	e := bot.New(live(t), store(t), bot.Options{Questions: asked, Given: given, Desk: &commandDesk{}})
	for i, text := range []string{"你好", "请问，能免除担保吗？谢谢", "第3条", "更多", "/做", "/清空", "明天会下雨吗", "转发", "请问，能免除担保吗？谢谢"} {
		m := bot.Message{ID: "m" + string(rune('a'+i%8)), Chat: "g", Asker: "zhao", Text: text, Surface: aibotLike}
		answer(t, e, m)
	}
	var texts []string
	for _, q := range asked.all {
		texts = append(texts, q.Text+"@"+q.Channel)
	}
	if want := []string{"能免除担保吗？@aibot", "明天会下雨吗@aibot"}; !slices.Equal(texts, want) {
		t.Errorf("questions %q, want %q", texts, want)
	}
	if len(given.all) < 1 || given.all[0].To != (bot.Address{Channel: "aibot", Chat: "g"}) || given.all[0].Words[0].ID != "aeo-incentives/海关直接激励措施/5" {
		t.Errorf("given %+v", given.all)
	}
	if a := (bot.Message{Chat: "kf/wk1", Account: "wk1", Asker: "wm1", Surface: bot.Surface{Name: "kf"}}).Address(); a.Chat != "" || a.Place().Asker != "wm1" {
		t.Errorf("a customer's address is %+v", a)
	}
}

// TestCommandButtons do the command as whoever presses, once a press.
func TestCommandButtons(t *testing.T) {
	d := &commandDesk{}
	e := bot.New(live(t), store(t), bot.Options{Desk: d})
	r := answer(t, e, bot.Message{Chat: "g", Asker: "lin", Text: "/做", Surface: aibotLike})
	c, ok := r.Card()
	if !ok {
		t.Fatal("no card")
	}
	checkCard(t, c)
	for range 2 { // delivered twice
		p, err := e.Press(t.Context(), bot.Press{ID: "p1", Chat: "g", Asker: "wang", Key: key(t, c, "准"), Surface: aibotLike})
		if err != nil || p.Reply.Text != "做了" || len(p.Card.Buttons) != 2 {
			t.Errorf("pressed: %+v, %v", p, err)
		}
	}
	if !slices.Equal(d.who, []bot.Asker{"lin", "wang"}) {
		t.Errorf("done as %v", d.who)
	}
	for _, key := range []string{"desk.", "desk.做", "desk"} {
		if _, err := e.Press(t.Context(), bot.Press{ID: "p" + key, Asker: "wang", Key: key, Surface: aibotLike}); !errors.Is(err, bot.ErrKey) {
			t.Errorf("%q: %v", key, err)
		}
	}
}
