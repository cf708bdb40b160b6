package bot_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// TestEverySourceIsTheBytesThatWereShown: what a reply shows stands in the file whose digest
// it names, at the bytes that it names, whole passages and single clauses alike.
func TestEverySourceIsTheBytesThatWereShown(t *testing.T) {
	files := map[string][]byte{}
	paths, err := fs.Glob(articles.FS, "*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		data, err := fs.ReadFile(articles.FS, path)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		files[hex.EncodeToString(sum[:])] = data
	}
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	e := bot.New(live(t), nil, bot.Options{})
	questions := []string{"发改委的棉花配额", "参展有优先吗", "企业能得到什么支持"}
	for _, p := range l.Passages() {
		question := p.Heading
		if p.Number > 0 {
			question = fmt.Sprintf("%s第%d条", p.Heading, p.Number)
		}
		questions = append(questions, question)
	}
	clauses := 0
	for _, q := range questions {
		for _, s := range answer(t, e, message("", "u", q)).Shown {
			if s.Clause > 0 {
				clauses++
			}
			file, start, end := files[s.Source.SHA256], s.Source.Start, s.Source.End
			if start < 0 || end > len(file) || start > end || string(file[start:end]) != s.Text {
				t.Errorf("%q: %s says that it is bytes %d to %d of %s, which are not %q", q, s.ID, start, end, s.Source.SHA256, s.Text)
			}
		}
	}
	if clauses == 0 {
		t.Error("no question shows a single clause")
	}
}

// TestTodayIsTheDayInChina, which begins at 16:00 UTC: in what holds today, and in the days
// that are counted from it.
func TestTodayIsTheDayInChina(t *testing.T) {
	midnight := time.Date(2026, 3, 31, 16, 0, 0, 0, time.UTC) // of 2026-04-01, on which no. 282 came into force
	for _, tt := range []struct {
		at           time.Time
		text, status string
	}{
		{midnight.Add(-time.Second), "海关直接激励措施第3条", "current"},
		{midnight, "海关直接激励措施第3条", "superseded"},
		{midnight.Add(7 * time.Hour), "海关直接激励措施第3条", "superseded"},
		{midnight, "昨天的时候，海关直接激励措施第3条", "current"},
		{midnight.Add(24 * time.Hour), "昨天的时候，海关直接激励措施第3条", "superseded"},
	} {
		e := bot.New(live(t), nil, bot.Options{Now: func() time.Time { return tt.at }})
		r := answer(t, e, bot.Message{Asker: "u", Text: tt.text, Surface: screen})
		if len(r.Shown) != 1 || r.Shown[0].Status != tt.status {
			t.Errorf("%s at %s: got %+v, want %s", tt.text, tt.at, r.Shown, tt.status)
		}
	}
}

// TestAConversationIsOnePersonsInOneChat: its key is made of both, and of where one ends.
func TestAConversationIsOnePersonsInOneChat(t *testing.T) {
	keys := map[string]bot.Conversation{}
	for _, c := range []bot.Conversation{
		{Chat: "g", Asker: "u"}, {Chat: "g", Asker: "v"}, {Chat: "h", Asker: "u"}, {Asker: "u"}, {Chat: "g"}, {Asker: "gu"}, {Chat: "gu"}, {Chat: "gx", Asker: "u"}, {Chat: "g", Asker: "xu"},
	} {
		if other, taken := keys[c.Key()]; taken {
			t.Errorf("%+v and %+v are one conversation", c, other)
		}
		keys[c.Key()] = c
		if again := (bot.Conversation{Chat: c.Chat, Asker: c.Asker}); again.Key() != c.Key() {
			t.Errorf("%+v has two keys", c)
		}
	}
}

// held is a search that waits until it is let go, and is counted.
type held struct {
	mu   sync.Mutex
	n    int
	gate chan struct{}
}

func (h *held) option() bot.Options {
	return bot.Options{}.WithSearcher(func(g *index.Generation) bot.Searcher { return heldSearch{g, h} })
}

func (h *held) searches() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

type heldSearch struct {
	*index.Generation
	h *held
}

func (s heldSearch) Search(ctx context.Context, text string) (index.Decision, error) {
	s.h.mu.Lock()
	s.h.n++
	s.h.mu.Unlock()
	<-s.h.gate
	return s.Generation.Search(ctx, text)
}

// TestCopiesWaitForTheFirstInTheirProcess: also where the state claims nothing.
func TestCopiesWaitForTheFirstInTheirProcess(t *testing.T) {
	l := pinnedIndex(t)
	synctest.Test(t, func(t *testing.T) { copyWaits(t, l, bot.NewMemory(), true) })
}

// TestCopiesWaitForTheReplicaThatClaimed: also where the processes know nothing of each other.
func TestCopiesWaitForTheReplicaThatClaimed(t *testing.T) {
	l := pinnedIndex(t)
	synctest.Test(t, func(t *testing.T) { copyWaits(t, l, store(t), false) })
}

// pinned is one generation for as long as a test takes.
type pinned struct{ *index.Generation }

func (p pinned) Acquire() (*index.Generation, func(), error) { return p.Generation, func() {}, nil }

// pinnedIndex is the index for tests in a bubble, which may not share with those outside what
// others wait for.
func pinnedIndex(t *testing.T) pinned {
	t.Helper()
	g, release, err := live(t).Acquire()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return pinned{g}
}

// copyWaits delivers a message twice, the second time while the first is being answered, to
// one engine or to two.
func copyWaits(t *testing.T, l bot.Retriever, s bot.State, same bool) {
	first, second := &held{gate: make(chan struct{})}, &held{gate: make(chan struct{})}
	one, two := bot.New(l, s, first.option()), bot.New(l, s, second.option())
	if same {
		two = one
	}
	close(second.gate)
	replies := make([]bot.Reply, 2)
	var copies sync.WaitGroup
	for i, e := range []*bot.Engine{one, two} {
		copies.Go(func() {
			var err error
			if replies[i], err = e.Answer(context.Background(), message("m", "u", "优先通关如何实现")); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(time.Second) // until all wait: the clock stands still before
	}
	if n := second.searches(); n > 0 {
		t.Errorf("the copy was answered beside the first: %d searches", n)
	}
	searched := first.searches()
	close(first.gate)
	copies.Wait()
	if !replies[1].Replayed || replies[0].Replayed || replies[1].Text != replies[0].Text || !replies[0].Answered {
		t.Errorf("replayed %v and %v: %q and %q", replies[0].Replayed, replies[1].Replayed, replies[0].Text, replies[1].Text)
	}
	if same && searched != 1 {
		t.Errorf("%d searches at once", searched)
	}
}

// TestRepliesAreRememberedInTheProcess: a message that comes again gets the reply of before,
// whether the state was there at the first delivery and is away at the second, or neither.
func TestRepliesAreRememberedInTheProcess(t *testing.T) {
	for name, works := range map[string]int32{"the state goes away": 4, "the state was away": 2} {
		t.Run(name, func(t *testing.T) {
			e := bot.New(live(t), &broken{store(t), works}, bot.Options{StoreWait: time.Millisecond})
			answer(t, e, message("1", "u", "海关直接激励措施"))
			first := answer(t, e, message("2", "u", "优先通关如何实现"))
			for range 2 {
				if again := answer(t, e, message("2", "u", "优先通关如何实现")); !again.Replayed || again.Text != first.Text {
					t.Errorf("answered anew: replayed %v, %q; want %q", again.Replayed, again.Text, first.Text)
				}
			}
		})
	}
}

// TestAReplyComesAgainPageByPage: also from another replica.
func TestAReplyComesAgainPageByPage(t *testing.T) {
	s := store(t)
	m := message("m", "u", "海关直接激励措施")
	m.Surface = bot.Surface{Name: "app", MaxBytes: 900, MaxPages: 5}
	first := answer(t, bot.New(live(t), s, bot.Options{}), m)
	again := answer(t, bot.New(live(t), s, bot.Options{}), m)
	if len(first.Pages) < 2 || !slices.Equal(again.Pages, first.Pages) || again.Text != first.Text || !again.Replayed {
		t.Errorf("got %q, want %q", again.Pages, first.Pages)
	}
}

// tallied counts what an engine tells of: turns, replays, questions asked and words shown.
type tallied struct{ turns, replays, questions, given int }

func (c *tallied) observe(e bot.Event) {
	c.turns++
	if e.Replayed {
		c.replays++
	}
}

type questionCounter struct{ *tallied }

func (c questionCounter) Add(bot.Question) { c.questions++ }

type givenCounter struct{ *tallied }

func (c givenCounter) Add(bot.Given) { c.given++ }

// TestAReplayIsNotCountedAsNew: by the process that gave the reply, and by another. A message
// that comes again takes no place within the limits either.
func TestAReplayIsNotCountedAsNew(t *testing.T) {
	s, c := store(t), &tallied{}
	o := bot.Options{Observe: c.observe, Questions: questionCounter{c}, Given: givenCounter{c}, Limits: bot.Limits{Person: 2}}
	one, two := bot.New(live(t), s, o), bot.New(live(t), s, o)
	for _, e := range []*bot.Engine{one, one, two, two, one} {
		if r := answer(t, e, message("m", "u", "优先通关如何实现")); !r.Answered {
			t.Errorf("not answered: %+v", r)
		}
	}
	if want := (tallied{turns: 5, replays: 4, questions: 1, given: 1}); *c != want {
		t.Errorf("counted %+v, want %+v", *c, want)
	}
	for id, e := range map[string]*bot.Engine{"n1": one, "n2": two} {
		if r := answer(t, e, message(id, "u", "能免担保吗")); !r.Answered || r.Replayed {
			t.Errorf("another message has no place left: %+v", r)
		}
	}
}

// TestTheSameIsSaidOnAnyMachine: two engines that share nothing say the same bytes, however
// often they are asked.
func TestTheSameIsSaidOnAnyMachine(t *testing.T) {
	other, err := newLive()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := other.Swap(nil); err != nil {
			t.Error(err)
		}
	})
	dialog := []string{"企业能得到什么支持", "更多", "第2条", "那金融呢", "稽查会少吗,认证费要多少钱", "明天会下雨吗", "转发"}
	said := func(e *bot.Engine, round int) (all []string) {
		for i, text := range dialog {
			r := answer(t, e, message(fmt.Sprint(round, "-", i), fmt.Sprint("u", round), text))
			all = append(all, fmt.Sprintf("%s|%q|%q|%+v|%+v", r.Act, r.Pages, r.Suggestions, r.Parts, r.Shown))
		}
		return all
	}
	want := said(bot.New(live(t), store(t), bot.Options{}), 0)
	for round, l := range []*index.Live{live(t), other, other} {
		if got := said(bot.New(l, store(t), bot.Options{}), round+1); !slices.Equal(got, want) {
			t.Errorf("round %d: got %q\nwant %q", round, got, want)
		}
	}
}
