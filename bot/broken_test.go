package bot_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/index"
)

// poisoned is a search that breaks on some words.
type poisoned struct{ *index.Generation }

func (p poisoned) Search(ctx context.Context, text string) (index.Decision, error) {
	switch {
	case strings.Contains(text, "恐慌"):
		panic("a value that quotes " + text)
	case strings.Contains(text, "拖延"): // until its time is over
		return index.Decision{}, fmt.Errorf("search: %w", context.DeadlineExceeded)
	}
	return p.Generation.Search(ctx, text)
}

// TestBrokenSearch: a search that panics, and one that takes too long. The asker reads
// an apology, the question is kept once, and nobody else notices.
func TestBrokenSearch(t *testing.T) {
	s := store(t)
	var log bytes.Buffer
	var mu sync.Mutex
	panicked := 0
	observe := func(e bot.Event) {
		mu.Lock()
		defer mu.Unlock()
		if e.Panicked {
			panicked++
		}
	}
	e := bot.New(live(t), s, bot.Options{Unanswered: s, Log: slog.New(slog.NewTextHandler(&log, nil)), Observe: observe,
		Lease: 100 * time.Millisecond,
	}.WithSearcher(func(g *index.Generation) bot.Searcher { return poisoned{g} }))
	calm := answer(t, e, message("before", "u", "能免担保吗"))
	var others sync.WaitGroup
	for i := range 20 {
		others.Go(func() {
			if r, err := e.Answer(context.Background(), message(fmt.Sprint("other", i), fmt.Sprint("u", i), "能免担保吗")); err != nil || r.Text != calm.Text {
				t.Errorf("another's answer: %v, %q", err, r.Text)
			}
		})
	}
	for _, tt := range []struct{ text, want string }{
		{"恐慌的问题", "刚才没能答上来，请稍后再问一次。问题已记入协调员的待答清单。"},
		{"拖延的问题", "查得有点慢，请稍后再问一次。问题已记入协调员的待答清单。"},
	} {
		for range 2 { // delivered again
			r, err := e.Answer(t.Context(), message(tt.text, "u", tt.text))
			if err == nil || bot.Apology(err) != tt.want || r.Text != "" {
				t.Errorf("%s: %v, apology %q, want %q", tt.text, err, bot.Apology(err), tt.want)
			}
		}
	}
	others.Wait()
	if r := answer(t, e, message("after", "u", "第5条")); !r.Answered || strings.Join(ids(r), "") != "海关直接激励措施/5" {
		t.Errorf("the conversation goes on with %q", r.Text)
	}
	list, err := s.Unanswered(t.Context())
	if err != nil || len(list) != 2 || list[0].Count != 1 || list[1].Count != 1 {
		t.Errorf("kept %+v, %v", list, err)
	}
	if panicked != 2 {
		t.Errorf("%d panics counted, want 2", panicked)
	}
	if strings.Contains(log.String(), "恐慌") || !strings.Contains(log.String(), "panic while answering") {
		t.Errorf("log: %s", log.String())
	}
}

// costly are texts of the greatest length that cost most to read.
func costly(t testing.TB, l *index.Live) map[string]string {
	t.Helper()
	const most = 2000
	g, release, err := l.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	var article []rune
	for _, p := range g.Library().Passages() {
		article = append(article, []rune(p.Text)...)
	}
	times := func(text string) string {
		return string([]rune(strings.Repeat(text, most))[:most])
	}
	r := rand.New(rand.NewPCG(1, 1))
	shuffled := make([]rune, most)
	for i := range shuffled {
		shuffled[i] = article[r.IntN(len(article))]
	}
	var list strings.Builder
	for i := range 99 {
		fmt.Fprintf(&list, "%d、能免担保吗；", i+1)
	}
	return map[string]string{
		"one character": times("海"), "an unknown character": times("龘"), "one word": times("海关"), "a known question": times("能免担保吗"),
		"the article": times(string(article)), "its characters at random": string(shuffled), "slips": times("免旦保优县通管货务查演"),
		"homophones": times("是十时事"), "numerals": times("一二三四五六七八九十百千万亿"), "digits": times("9"), "days": times("2026年3月"),
		"items": times("第3条"), "pinyin": times("mian dan bao "), "pinyin in one word": times("miandanbao"), "letters": times("a"),
		"marks": times("？"), "questions": times("能免担保吗？"), "joined": times("能免担保吗？另外"), "a long list": list.String(),
		"commas": times("免，"), "and": times("两担保和"), "excepting": times("除担保，"), "lines": times("啊？\n"), "greetings": times("你好"),
		"zero width": times("\u200b")[3:] + "免", "zero width between": times("免\u200b"), "combining marks": "免" + times("\u0301")[2:],
		"decomposed": times("e\u0301"), "one that folds to eighteen": times("\ufdfa"), "spaces": times(" ")[1:] + "免",
		"traditional": times("擔保關稅認證企業優惠"), "families": times("👨‍👩‍👧‍👦"), "backwards": times("\u202e免"), "everything": times("AEO免担保a1第3条？"),
	}
}

// TestCostlyText: whatever is written gets a reply that answers few parts, from few searches.
func TestCostlyText(t *testing.T) {
	l := live(t)
	searches := 0
	e := bot.New(l, store(t), bot.Options{SearchWithin: time.Minute}.WithSearcher(func(g *index.Generation) bot.Searcher {
		return counted{g, &searches}
	}))
	for name, text := range costly(t, l) {
		searches = 0
		r, err := e.Answer(t.Context(), message("", "u", text))
		answered := 0
		for _, p := range r.Parts {
			if p.Answered {
				answered++
			}
		}
		if err != nil || r.Text == "" || answered > 12 || len(r.Text) > screen.MaxBytes {
			t.Errorf("%s: %d parts answered, %d bytes, %v", name, answered, len(r.Text), err)
		}
		if searches > 50 {
			t.Errorf("%s: searched %d times", name, searches)
		}
	}
	// What is longer is not read at all.
	if r := answer(t, e, message("", "u", strings.Repeat("免", 2001))); r.Act != bot.ActClarify || !strings.Contains(r.Text, "太长") {
		t.Errorf("2,001 characters: %s %q", r.Act, r.Text)
	}
}

// counted counts searches.
type counted struct {
	bot.Searcher
	n *int
}

func (c counted) Search(ctx context.Context, text string) (index.Decision, error) {
	*c.n++
	return c.Searcher.Search(ctx, text)
}

// TestSearchEndsWithItsTime: the search itself stops when there has been enough of it.
func TestSearchEndsWithItsTime(t *testing.T) {
	l := live(t)
	g, release, err := l.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for name, text := range costly(t, l) {
		if d, err := g.Search(over, text); err == nil {
			t.Errorf("%s: searched although its time was over: %s", name, d.Kind)
		}
	}
}

// refusing is a store that cannot be written, or not even read, while it is told so.
type refusing struct {
	bot.State
	unread, unwritten bool
}

func (r *refusing) Begin(ctx context.Context, c bot.Conversation, id, attempt string, lease time.Duration) (bot.Turn, error) {
	if r.unread {
		return bot.Turn{}, errAway
	}
	return r.State.Begin(ctx, c, id, attempt, lease)
}

func (r *refusing) Commit(ctx context.Context, c bot.Conversation, id, attempt string, v uint64, s *bot.Session, record []byte) error {
	if r.unread || r.unwritten {
		return errAway
	}
	return r.State.Commit(ctx, c, id, attempt, v, s, record)
}

// TestFollowUpsWhileTheStoreIsFull go on from what was seen last, which the store does not
// have.
func TestFollowUpsWhileTheStoreIsFull(t *testing.T) {
	s := &refusing{State: store(t)}
	e := bot.New(live(t), s, bot.Options{StoreWait: time.Millisecond})
	n := 0
	says := func(text string) bot.Reply {
		n++
		return answer(t, e, message(fmt.Sprint("m", n), "u", text))
	}
	shows := func(text, want string) {
		t.Helper()
		if r := says(text); strings.Join(ids(r), " ") != want {
			t.Errorf("%s shows %q, want %q: %s", text, ids(r), want, r.Text)
		}
	}
	says("海关直接激励措施")
	s.unwritten = true
	says("地方政府特色支持")
	shows("第3条", "地方政府特色支持/3")
	shows("下一条", "地方政府特色支持/4")
	says("/清空")
	shows("第3条", "")
	says("优先通关如何实现")
	s.unwritten = false
	shows("第2条", "优先通关实现方式/2")
	shows("下一条", "优先通关实现方式/3")
	s.unread = true
	says("地方政府特色支持")
	s.unread = false
	shows("第3条", "地方政府特色支持/3")
}

// frozen is a search in the middle of which the process stands still, once.
type frozen struct {
	*index.Generation
	once *sync.Once
}

func (f frozen) Search(ctx context.Context, text string) (index.Decision, error) {
	f.once.Do(func() { <-ctx.Done() })
	if err := ctx.Err(); err != nil {
		return index.Decision{}, fmt.Errorf("search: %w", err)
	}
	return f.Generation.Search(ctx, text)
}

// TestSearchGoesOnAfterAFreeze: time that went by while the process stood still is no
// reason to give up.
func TestSearchGoesOnAfterAFreeze(t *testing.T) {
	e := bot.New(live(t), store(t), bot.Options{SearchWithin: 50 * time.Millisecond}.WithSearcher(func(g *index.Generation) bot.Searcher {
		return frozen{g, &sync.Once{}}
	}))
	if r := answer(t, e, message("m", "u", "能免担保吗")); !r.Answered {
		t.Errorf("after the freeze: %q", r.Text)
	}
}

// TestCrashWhileTheStoreIsFull: what was listed last is gone with the process, and the next
// one does not go on from what was listed before.
func TestCrashWhileTheStoreIsFull(t *testing.T) {
	for _, tt := range []struct {
		name, listed, want string
	}{{"a list that was not saved", "地方政府特色支持", "暂时读不到之前的对话"}, {"nothing", "", "跨部门联合激励措施"}} {
		t.Run(tt.name, func(t *testing.T) {
			file, path := store(t), filepath.Join(t.TempDir(), "unsaved")
			s := &refusing{State: file}
			start := func() *bot.Engine {
				mark, err := bot.OpenMark(path)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = mark.Close() })
				e := bot.New(live(t), s, bot.Options{StoreWait: time.Millisecond, Membership: file, Mark: mark})
				e.Join(t.Context())
				return e
			}
			e := start()
			answer(t, e, message("m1", "u", "跨部门联合激励措施"))
			s.unwritten = true
			if tt.listed != "" {
				answer(t, e, message("m2", "u", tt.listed))
			}
			s.unwritten = false
			if r := answer(t, start(), message("m3", "u", "第2条")); !strings.Contains(r.Text, tt.want) {
				t.Errorf("after the crash: %q, want %q in it", r.Text, tt.want)
			}
		})
	}
}
