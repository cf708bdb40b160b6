package bot_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"aeobot/bot"
)

// opinions keeps feedback in memory.
type opinions struct {
	mu   sync.Mutex
	all  []bot.Feedback
	away error
}

func (o *opinions) Rate(_ context.Context, f bot.Feedback) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, f)
	return o.away
}

func (o *opinions) Feedback(context.Context) ([]bot.Feedback, error) { return o.all, o.away }

var aibotLike = bot.Surface{Name: "aibot", Markdown: true, MaxBytes: 20480, MaxPages: 1}

// key finds the key of the button that begins so.
func key(t testing.TB, c bot.Card, text string) string {
	t.Helper()
	for _, b := range c.Buttons {
		if strings.HasPrefix(b.Text, text) {
			return b.Key
		}
	}
	t.Fatalf("no button %q on %+v", text, c)
	return ""
}

func checkCard(t testing.TB, c bot.Card) {
	t.Helper()
	seen := map[string]bool{}
	for _, b := range c.Buttons {
		if b.Text == "" || utf8.RuneCountInString(b.Text) > 10 || len(b.Key) > 1024 || seen[b.Key] {
			t.Errorf("button %+v is none", b)
		}
		seen[b.Key] = true
	}
	if len(c.Buttons) == 0 || len(c.Buttons) > 6 || c.Title == "" {
		t.Errorf("card %+v is none", c)
	}
}

// TestEverythingAButtonDoesCanBeTyped: pressed by somebody who asked nothing, at an
// engine that remembers nothing, a button says what typing would.
func TestEverythingAButtonDoesCanBeTyped(t *testing.T) {
	asked := bot.Message{ID: "m1", Chat: "g", Asker: "lin.yue", Text: "AEO", Surface: aibotLike}
	e := bot.New(live(t), store(t), bot.Options{})
	first := answer(t, e, asked)
	card, ok := first.Card()
	if !ok || first.Remaining == 0 {
		t.Fatalf("no card under %+v", first)
	}
	checkCard(t, card)
	for button, typed := range map[string]string{"更多": "更多", "转发版": "转发"} {
		e := bot.New(live(t), store(t), bot.Options{})
		answer(t, e, asked)
		want := answer(t, e, bot.Message{ID: "m2", Chat: "g", Asker: "lin.yue", Text: typed, Surface: aibotLike})
		fresh := bot.New(live(t), store(t), bot.Options{})
		got, err := fresh.Press(t.Context(), bot.Press{ID: "e1", Chat: "g", Asker: "wang.qiang", Key: key(t, card, button), Answer: "a", Surface: aibotLike})
		if err != nil || got.Reply.Text != want.Text {
			t.Errorf("%s: pressed %q, typed %q, %v", button, got.Reply.Text, want.Text, err)
		}
		checkCard(t, got.Card)
		again, err := fresh.Press(t.Context(), bot.Press{ID: "e1", Chat: "g", Asker: "wang.qiang", Key: key(t, card, button), Answer: "a", Surface: aibotLike})
		if err != nil || again.Reply.Text != got.Reply.Text || !again.Reply.Replayed {
			t.Errorf("%s delivered again: %+v, %v", button, again.Reply, err)
		}
	}
}

// TestMoreByButtonsShowsAll: pressed on and on, 更多 shows each match once, and ends.
func TestMoreByButtonsShowsAll(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	r := answer(t, e, bot.Message{ID: "m1", Chat: "g", Asker: "u", Text: "AEO", Surface: aibotLike})
	all := len(r.Shown) + r.Remaining
	seen := map[string]bool{}
	for presses := 0; ; presses++ {
		for _, s := range r.Shown {
			if seen[s.ID] {
				t.Errorf("%s is shown twice", s.ID)
			}
			seen[s.ID] = true
		}
		if r.Remaining == 0 || presses > all {
			break
		}
		card, _ := r.Card()
		p, err := e.Press(t.Context(), bot.Press{ID: "e" + strings.Repeat("x", presses), Chat: "g", Asker: "u", Key: key(t, card, "更多"), Surface: aibotLike})
		if err != nil {
			t.Fatal(err)
		}
		r = p.Reply
	}
	if len(seen) != all {
		t.Errorf("shown %d of %d", len(seen), all)
	}
}

func TestOpinionsByButton(t *testing.T) {
	kept := &opinions{}
	e := bot.New(live(t), store(t), bot.Options{Feedback: kept})
	r := answer(t, e, bot.Message{ID: "m1", Chat: "g", Asker: "u", Text: "AEO", Surface: aibotLike})
	card, _ := r.Card()
	for button, want := range map[string]bot.Rating{"有用": bot.Useful, "没用": bot.Useless} {
		p, err := e.Press(t.Context(), bot.Press{ID: "e" + button, Chat: "g", Asker: "wang.qiang", Key: key(t, card, button), Answer: "answer-1", Surface: aibotLike})
		if err != nil || len(p.Reply.Pages) != 0 || !strings.Contains(p.Card.Title, "已记录") {
			t.Errorf("%s: %+v, %v", button, p, err)
		}
		checkCard(t, p.Card)
		f := kept.all[len(kept.all)-1]
		if f.Rating != want || len(f.Shown) != len(r.Shown) || f.Channel != "aibot" || strings.Contains(f.Reader, "wang") {
			t.Errorf("%s: kept %+v", button, f)
		}
	}
	id := e.FeedbackID("answer-1", r)
	if len(id) > 256 {
		t.Errorf("the feedback id has %d bytes", len(id))
	}
	e.Rate(t.Context(), id, "aibot", "wang.qiang", bot.Useless, []int{2}, "没有写国家")
	if f := kept.all[len(kept.all)-1]; len(f.Shown) != len(r.Shown) || f.Comment != "没有写国家" || len(f.Reasons) != 1 {
		t.Errorf("rated by the platform's own way: %+v", f)
	}
	kept.away = errors.New("away")
	p, err := e.Press(t.Context(), bot.Press{ID: "e9", Asker: "u", Key: key(t, card, "有用"), Surface: aibotLike})
	if err != nil || strings.Contains(p.Card.Title, "已记录") {
		t.Errorf("not kept, but said so: %+v, %v", p.Card, err)
	}
}

func TestChoicesAskWhatTheySay(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	refused := answer(t, e, bot.Message{ID: "m1", Asker: "u", Text: strange, Surface: aibotLike})
	card, ok := refused.Card()
	if !ok {
		t.Fatalf("no choices under %+v", refused)
	}
	checkCard(t, card)
	for _, b := range card.Buttons {
		p, err := e.Press(t.Context(), bot.Press{ID: "e" + b.Text, Asker: "u", Key: b.Key, Surface: aibotLike})
		if err != nil || !p.Reply.Answered {
			t.Errorf("%s: %+v, %v", b.Text, p.Reply, err)
		}
	}
}

func TestKeysOfOthers(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	for _, k := range []string{"", "x", "helpful_yes", ".more", "more2.AQ"} {
		if _, err := e.Press(t.Context(), bot.Press{Asker: "u", Key: k, Surface: aibotLike}); !errors.Is(err, bot.ErrKey) {
			t.Errorf("%q: %v", k, err)
		}
	}
	// Ours, but of knowledge that is gone: said, not guessed.
	p, err := e.Press(t.Context(), bot.Press{ID: "e", Asker: "u", Key: "more.AQAA", Surface: aibotLike})
	if err != nil || p.Reply.Text == "" || len(p.Reply.Shown) != 0 {
		t.Errorf("a void handle: %+v, %v", p.Reply, err)
	}
}
