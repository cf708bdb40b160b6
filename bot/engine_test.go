package bot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// newLive indexes the shipped article.
func newLive() (*index.Live, error) {
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		return nil, err
	}
	g, err := index.Build(context.Background(), l, index.Options{})
	if err != nil {
		return nil, err
	}
	live := &index.Live{}
	return live, live.Swap(g)
}

// liveOnce is one for all tests: none of them changes it.
var liveOnce = sync.OnceValues(newLive)

func live(t testing.TB) *index.Live {
	t.Helper()
	l, err := liveOnce()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func store(t testing.TB) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "state.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

var screen = bot.Surface{Name: "aibot", Markdown: true, MaxBytes: 20480, MaxPages: 1}

func message(id, user, text string) bot.Message {
	return bot.Message{ID: id, Chat: "g", Asker: bot.Asker(user), Text: text, Day: "2026-11-23", Surface: screen}
}

func answer(t testing.TB, e *bot.Engine, m bot.Message) bot.Reply {
	t.Helper()
	r, err := e.Answer(t.Context(), m)
	if err != nil {
		t.Fatalf("%q: %v", m.Text, err)
	}
	return r
}

func ids(r bot.Reply) []string {
	var ids []string
	for _, s := range r.Shown {
		ids = append(ids, strings.TrimPrefix(s.ID, "aeo-incentives/"))
	}
	return ids
}

func TestEveryMeasureShownStandsInTheText(t *testing.T) {
	e := bot.New(live(t), nil, bot.Options{})
	for _, q := range []string{"海关直接激励措施", "能免担保吗？优先通关如何实现？", "企业能得到什么支持", "AEO的战略价值"} {
		r := answer(t, e, message("", "u", q))
		for _, s := range r.Shown {
			if !strings.Contains(r.Text, s.Text) {
				t.Errorf("%q: %s is shown but does not stand in the text", q, s.ID)
			}
		}
		if r.Answered && (!strings.Contains(r.Text, "来源") || !strings.Contains(r.Text, "2026-01-07")) {
			t.Errorf("%q: no source or date in %q", q, r.Text)
		}
		if r.Answered != (len(r.Shown) > 0) {
			t.Errorf("%q: answered %v with %d shown", q, r.Answered, len(r.Shown))
		}
	}
}

func TestCompoundQuestionNamesTheUnansweredPart(t *testing.T) {
	e := bot.New(live(t), nil, bot.Options{})
	r := answer(t, e, message("", "u", "可以免除担保吗？明天会下雨吗？"))
	if len(r.Parts) != 2 || !r.Parts[0].Answered || r.Parts[1].Answered || !strings.Contains(r.Text, "明天会下雨吗") {
		t.Errorf("got parts %+v and %q", r.Parts, r.Text)
	}
}

func TestPagesTogetherAreTheWhole(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	small := bot.Surface{Name: "app", MaxBytes: 900, MaxPages: 1}
	m := message("", "u", "海关直接激励措施")
	m.Surface = small
	r := answer(t, e, m)
	got := ids(r)
	for turns := 0; r.Remaining > 0 && turns < 20; turns++ {
		m.Text = "更多"
		r = answer(t, e, m)
		if r.Act != bot.ActMore || len(r.Text) > small.MaxBytes {
			t.Fatalf("more: act %s, %d bytes", r.Act, len(r.Text))
		}
		got = append(got, ids(r)...)
	}
	var want []string
	for i := range 12 {
		want = append(want, fmt.Sprintf("海关直接激励措施/%d", i+1))
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages gave %v, want %v", got, want)
	}
	m.Text = "更多"
	if r = answer(t, e, m); len(r.Shown) != 0 || !strings.Contains(r.Text, "全部给出") {
		t.Errorf("after the last page: %+v", r)
	}
}

func TestFollowUpsWithoutAnythingBefore(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	for _, q := range []string{"第3条", "更多", "3"} {
		if r := answer(t, e, message("", "u", q)); r.Act != bot.ActClarify || len(r.Shown) != 0 || r.Answered {
			t.Errorf("%q: got %+v, want to be asked back", q, r)
		}
	}
	if r := answer(t, e, message("", "u", "海关直接激励措施")); len(r.Shown) != 12 {
		t.Fatalf("section: %d shown", len(r.Shown))
	}
	if r := answer(t, e, message("", "u", "第15条")); r.Act != bot.ActClarify || !strings.Contains(r.Text, "共12条") {
		t.Errorf("第15条 of 12: %+v", r)
	}
}

func TestForgetting(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{})
	answer(t, e, message("1", "u", "海关直接激励措施"))
	if r := answer(t, e, message("2", "u", "/清空")); r.Act != bot.ActCommand {
		t.Errorf("/清空: %+v", r)
	}
	if r := answer(t, e, message("3", "u", "第3条")); r.Act != bot.ActClarify {
		t.Errorf("after /清空: %+v", r)
	}
}

func TestRedeliveryChangesNothing(t *testing.T) {
	s := store(t)
	e, restarted := bot.New(live(t), s, bot.Options{}), bot.New(live(t), s, bot.Options{})
	small := screen
	small.MaxBytes = 600
	ask := func(e *bot.Engine, id, text string) bot.Reply {
		m := message(id, "u", text)
		m.Surface = small
		return answer(t, e, m)
	}
	ask(e, "1", "海关直接激励措施")
	first := ask(e, "2", "更多")
	for _, again := range []bot.Reply{ask(e, "2", "更多"), ask(restarted, "2", "更多")} {
		if again.Text != first.Text || !slices.Equal(ids(again), ids(first)) || again.Remaining != first.Remaining {
			t.Errorf("redelivered: got %q, want %q", again.Text, first.Text)
		}
		if !slices.EqualFunc(again.Shown, first.Shown, func(a, b bot.Shown) bool { return a == b }) {
			t.Errorf("redelivered: shown %+v, want %+v", again.Shown, first.Shown)
		}
	}
	if next := ask(e, "3", "更多"); slices.Equal(ids(next), ids(first)) {
		t.Error("the redelivery moved the conversation, or the first delivery did not")
	}
}

func TestCopiesAtOnceGetOneReply(t *testing.T) {
	var turns, replayed atomic.Int32
	count := func(e bot.Event) {
		turns.Add(1)
		if e.Replayed {
			replayed.Add(1)
		}
	}
	s := store(t)
	one, two := bot.New(live(t), s, bot.Options{Observe: count}), bot.New(live(t), s, bot.Options{Observe: count})
	var mu sync.Mutex
	texts := map[string]int{}
	var copies sync.WaitGroup
	for i := range 16 {
		copies.Go(func() {
			r, err := []*bot.Engine{one, two}[i%2].Answer(context.Background(), message("m", "u", "优先通关如何实现"))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			texts[r.Text]++
			mu.Unlock()
		})
	}
	copies.Wait()
	if len(texts) != 1 || replayed.Load() != 15 {
		t.Errorf("%d different replies, %d of %d replayed; want 1 and 15 of 16", len(texts), replayed.Load(), turns.Load())
	}
}

func TestTwoMessagesOfOnePersonAtOnce(t *testing.T) {
	s := store(t)
	e := bot.New(live(t), s, bot.Options{})
	questions := []string{"海关直接激励措施", "优先通关实现方式", "跨部门联合激励措施", "地方政府特色支持", "其他专项支持"}
	var asked sync.WaitGroup
	for i, q := range questions {
		asked.Go(func() {
			if r, err := e.Answer(context.Background(), message(fmt.Sprint(i), "u", q)); err != nil || !r.Answered {
				t.Errorf("%q: %+v, %v", q, r, err)
			}
		})
	}
	asked.Wait()
	m := message("", "u", "")
	turn, err := s.Begin(t.Context(), m.Conversation(), "", "look", time.Second)
	if err != nil || len(turn.Session.Seen) != len(questions) {
		t.Errorf("sections seen: %v (%v), want all %d", turn.Session.Seen, err, len(questions))
	}
}

// broken is a state whose calls fail after the first ok ones.
type broken struct {
	bot.State
	ok int32
}

var errAway = errors.New("store: away")

func (b *broken) Begin(ctx context.Context, c bot.Conversation, id, attempt string, lease time.Duration) (bot.Turn, error) {
	if atomic.AddInt32(&b.ok, -1) < 0 {
		return bot.Turn{}, errAway
	}
	return b.State.Begin(ctx, c, id, attempt, lease)
}

func (b *broken) Commit(ctx context.Context, c bot.Conversation, id, attempt string, v uint64, s *bot.Session, r []byte) error {
	if atomic.AddInt32(&b.ok, -1) < 0 {
		return errAway
	}
	return b.State.Commit(ctx, c, id, attempt, v, s, r)
}

func TestEveryTurnIsAnsweredWhateverTheStoreDoes(t *testing.T) {
	dialog := []string{"海关直接激励措施", "第3条", "更多", "优先通关如何实现", "谢谢"}
	for works := range int32(2 * len(dialog)) {
		degraded := 0
		e := bot.New(live(t), &broken{store(t), works}, bot.Options{StoreWait: time.Millisecond, Observe: func(ev bot.Event) {
			if ev.Degraded {
				degraded++
			}
		}})
		for i, text := range dialog {
			m := message(fmt.Sprint(i), "u", text)
			r := answer(t, e, m)
			if again := answer(t, e, m); again.Text != r.Text {
				t.Errorf("store works %d calls, %q again: got %q, want %q", works, text, again.Text, r.Text)
			}
			if r.Text == "" {
				t.Errorf("store works %d calls, %q: empty reply", works, text)
			}
		}
		if degraded == 0 {
			t.Errorf("store works %d calls: nothing was counted as degraded", works)
		}
	}
}

func TestFollowUpSaysThatTheMemoryIsAway(t *testing.T) {
	e := bot.New(live(t), &broken{store(t), 0}, bot.Options{StoreWait: time.Millisecond})
	for _, q := range []string{"第3条", "更多"} {
		if r := answer(t, e, message("", "u", q)); r.Act != bot.ActClarify || !strings.Contains(r.Text, "暂时读不到") {
			t.Errorf("%q: %+v", q, r)
		}
	}
}

func TestNoKnowledgeIsAnError(t *testing.T) {
	e := bot.New(&index.Live{}, nil, bot.Options{})
	if _, err := e.Answer(t.Context(), message("", "u", "免担保")); !errors.Is(err, index.ErrNotReady) {
		t.Errorf("got %v", err)
	}
}

func TestLogHoldsNobody(t *testing.T) {
	var log bytes.Buffer
	e := bot.New(live(t), &broken{store(t), 3}, bot.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for i, text := range []string{"免担保marker", "第3条", "marker"} {
		answer(t, e, message(fmt.Sprint("id-marker", i), "zhang.marker", text))
	}
	if strings.Contains(log.String(), "marker") || strings.Contains(log.String(), "免担保") {
		t.Errorf("the log names people or questions:\n%s", log.String())
	}
	if !strings.Contains(log.String(), "msg=turn") {
		t.Errorf("no line a turn:\n%s", log.String())
	}
}

func TestApologyNeverShowsTheError(t *testing.T) {
	for _, err := range []error{errors.New("dial tcp 10.0.0.1: secret"), context.DeadlineExceeded} {
		if got := bot.Apology(err); got == "" || strings.Contains(got, "10.0.0.1") || strings.ContainsAny(got, "abcdefghijklmnopqrstuvwxyz") {
			t.Errorf("%v: %q", err, got)
		}
	}
}
