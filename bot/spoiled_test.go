package bot_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
)

// spoiled is a state of which one call goes wrong.
type spoiled struct {
	bot.State
	which int // counted from 0
	how   string
	calls int
}

// hangs is how long a call takes that hangs: the stores bound each by 100 ms.
const hangs = 20 * time.Millisecond

func (s *spoiled) spoil(do func() error) error {
	s.calls++
	if s.calls-1 != s.which {
		return do()
	}
	switch s.how {
	case "hangs":
		time.Sleep(hangs)
	case "fails after doing it":
		if err := do(); err != nil {
			return err
		}
	}
	return errAway
}

func (s *spoiled) Begin(ctx context.Context, c bot.Conversation, id, attempt string, lease time.Duration) (turn bot.Turn, err error) {
	err = s.spoil(func() (err error) {
		turn, err = s.State.Begin(ctx, c, id, attempt, lease)
		return err
	})
	if err != nil {
		return bot.Turn{}, err
	}
	return turn, nil
}

func (s *spoiled) Commit(ctx context.Context, c bot.Conversation, id, attempt string, v uint64, session *bot.Session, r []byte) error {
	return s.spoil(func() error { return s.State.Commit(ctx, c, id, attempt, v, session, r) })
}

// TestAnyOneStoreCallGoesWrong: a dialog of twenty turns, of whose store calls one
// fails, hangs, or fails after it was done. Every turn is answered with words of the
// source or says that the memory is away; delivered again it says the same.
func TestAnyOneStoreCallGoesWrong(t *testing.T) {
	dialog := []string{"海关直接激励措施", "第3条", "第4条", "更多", "优先通关如何实现?", "第1条", "还有其他支持吗?", "更多", "转发", "地方政府特色支持",
		"第6条", "银行给AEO企业什么支持", "能免除担保吗", "明天会下雨吗", "谢谢", "AEO", "更多", "更多", "/清空", "第2条"}
	for _, how := range []string{"fails", "hangs", "fails after doing it"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			for which := range 2 * len(dialog) {
				spoilOne(t, dialog, which, how)
			}
		})
	}
}

func spoilOne(t *testing.T, dialog []string, which int, how string) {
	t.Helper()
	s := &spoiled{State: store(t), which: which, how: how}
	e := bot.New(live(t), s, bot.Options{})
	for i, text := range dialog {
		m := message(fmt.Sprint("m", i), "u", text)
		r := answer(t, e, m)
		name := fmt.Sprintf("call %d, turn %d %q", which, i, text)
		if r.Text == "" || len(r.Pages) == 0 {
			t.Fatalf("%s: empty reply", name)
		}
		for _, shown := range r.Shown {
			if !strings.Contains(strings.ReplaceAll(r.Text, "\u200b", ""), shown.Text) {
				t.Errorf("%s: %s does not stand in %q", name, shown.ID, r.Text)
			}
		}
		if again := answer(t, e, m); again.Text != r.Text {
			t.Errorf("%s: again %q, want %q", name, again.Text, r.Text)
		}
	}
	if s.calls < 2*len(dialog)-1 {
		t.Errorf("only %d store calls", s.calls)
	}
}
