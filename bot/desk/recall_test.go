package desk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
	"aeobot/knowledge"
)

// embedded is a store that takes no Redis.
func embedded(t testing.TB) Store {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "aeobot.db"), boltstore.Options{NoSync: true})
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

// stores are those that a desk works with.
func stores(t testing.TB) map[string]Store {
	t.Helper()
	r, err := redisstore.Open("redis://"+storetest.StartRedis(t).Addr, redisstore.Options{StepTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return map[string]Store{"bolt": embedded(t), "redis": r}
}

// shelfOfStates is a publisher whose states are in memory.
type shelfOfStates struct {
	mu     sync.Mutex
	states []State
}

// push puts the next state in force.
func (p *shelfOfStates) push(s State) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s.Number != len(p.states) {
		return ErrStale
	}
	p.states = append(p.states, s)
	return nil
}

func (p *shelfOfStates) add(t testing.TB, text string) State {
	t.Helper()
	files := map[string][]byte{"a.txt": []byte(text)}
	l, err := knowledge.LoadFiles(files, nil)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	s := State{len(p.states), files, l}
	p.states = append(p.states, s)
	return s
}

func (p *shelfOfStates) InForce() (State, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states[len(p.states)-1], nil
}

func (p *shelfOfStates) At(n int) (State, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.states[n], nil
}

func (p *shelfOfStates) Read(files map[string][]byte) (*knowledge.Library, error) {
	return knowledge.LoadFiles(files, nil)
}

func (p *shelfOfStates) Gate(context.Context, *knowledge.Library, *knowledge.Library, func(int, int)) ([]Difference, error) {
	return nil, nil
}

func (p *shelfOfStates) Publish(context.Context, int, Publication, map[string][]byte) error {
	return nil
}
func (p *shelfOfStates) Digest(int) (string, error) { return "", nil }
func (p *shelfOfStates) Describe() (string, error)  { return "", nil }

// givenList is who was given what.
type givenList []bot.Given

func (l *givenList) Each(_ context.Context, _ time.Time, each func(time.Time, bot.Given)) error {
	for i, g := range *l {
		each(time.Date(2026, 11, 25, 8, i, 0, 0, time.UTC), g)
	}
	return nil
}

func (l *givenList) Remove(_ context.Context, gone func(bot.Given) bool) (int, error) {
	n := len(*l)
	*l = slices.DeleteFunc(*l, gone)
	return n - len(*l), nil
}

// speaker takes pushes as a channel does, each id once.
type speaker struct {
	mu    sync.Mutex
	texts map[string]string // by id
	times map[string]int
	over  map[string]bool
	mute  bool
}

func (s *speaker) Reach(to bot.Address) (bot.Surface, bool) {
	return bot.Surface{Name: to.Channel, MaxBytes: 2048, MaxPages: 1}, !s.mute
}

func (s *speaker) Push(_ context.Context, id string, to bot.Address, pages []string) (fresh, over bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.texts[id]; known {
		return false, s.over[id], nil
	}
	if s.texts == nil {
		s.texts, s.times, s.over = map[string]string{}, map[string]int{}, map[string]bool{}
	}
	s.texts[id] = to.Chat + string(to.Asker) + "：" + strings.Join(pages, "|")
	s.times[id]++
	return true, false, nil
}

func (s *speaker) all() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.texts)
}

func (s *speaker) said() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.texts)
}

const (
	first  = "办法\n2026-11-01\n\n一、通关\n1、设立专用窗口\n2、免除担保\n3、减少查验\n4、优先办理\n"
	second = "办法\n2026-11-20\n\n一、通关\n1、设立专用窗口\n2、减半担保\n3、减少查验\n"
)

// given is what somebody was shown of a state.
func given(t testing.TB, s State, to bot.Address, numbers ...int) bot.Given {
	t.Helper()
	g := bot.Given{To: to.Place()}
	for _, n := range numbers {
		p, ok := s.Library.Passage(fmt.Sprint("a/通关/", n))
		if !ok {
			t.Fatalf("no measure %d", n)
		}
		g.Words = append(g.Words, bot.WordsOf(p, 0, "2026-11-25"))
	}
	return g
}

var (
	group  = bot.Address{Channel: "aibot", Chat: "bot/g1", Asker: "zhao"}
	member = bot.Address{Channel: "app", Asker: "qian"}
	other  = bot.Address{Channel: "app", Asker: "sun"}
)

type recallBench struct {
	*testing.T
	desk      *Desk
	publisher *shelfOfStates
	given     *givenList
	speaker   *speaker
	log       bytes.Buffer
	audit     []string
}

func newRecallBench(t *testing.T, s Store) *recallBench {
	b := &recallBench{T: t, publisher: &shelfOfStates{}, given: &givenList{}, speaker: &speaker{}}
	b.publisher.add(t, first)
	b.desk = New(s, b.publisher, Options{RecallWithin: 24 * time.Hour, Given: b.given, Coordinators: []string{"lin"},
		Now: func() time.Time { return time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC) }, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Pusher: func(string) bot.Pusher { return b.speaker },
		Audit: func(_ context.Context, who, what, object string) error {
			b.audit = append(b.audit, who+" "+what+" "+object)
			return nil
		}})
	t.Cleanup(b.desk.Close)
	return b
}

func (b *recallBench) recall(id string) Recall {
	b.Helper()
	r, err := b.desk.Recall(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	return r
}

func (b *recallBench) takeBack(version int) {
	b.Helper()
	if err := b.desk.TakeBack(b.Context(), version, "", time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC)); err != nil {
		b.Fatal(err)
	}
}

func (b *recallBench) until(what string, reached func() bool) {
	b.Helper()
	for end := time.Now().Add(storetest.Patience); !reached(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("never %s; log %s", what, b.log.String())
		}
	}
}

// TestRecall: exactly those are listed who were given what does not stand any more, each
// once; after approval each is told once, however often that is said.
func TestRecall(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			b := newRecallBench(t, s)
			zero, _ := b.publisher.At(0)
			*b.given = givenList{given(t, zero, group, 1, 2), given(t, zero, group, 2), given(t, zero, member, 2, 4), given(t, zero, other, 1, 3)}
			one := b.publisher.add(t, second)
			*b.given = append(*b.given, given(t, one, other, 2)) // the new words
			for range 2 {
				b.takeBack(1)
			}
			r := b.recall("1")
			if r.State != RecallOpen || len(r.Chats) != 2 || r.Changed != 2 || len(r.Passages) != 2 {
				t.Fatalf("recall %+v", r)
			}
			if r.Chats[0].To != member || r.Chats[1].To != group.Place() || len(r.Chats[0].Passages) != 2 || r.Passages[0].Given != 2 {
				t.Errorf("chats %+v", r.Chats)
			}
			if p := r.Passages[0]; p.Place != "通关第2条" || p.Before != "免除担保" || p.After != "减半担保" || !strings.Contains(p.Source, "2026-11-20") || !r.Passages[1].Gone {
				t.Errorf("passages %+v", r.Passages)
			}
			for range 2 {
				if _, err := b.desk.SendRecall(t.Context(), "1", "lin"); err != nil {
					t.Fatal(err)
				}
			}
			b.until("both are told", func() bool { return b.speaker.said() == 2 })
			if err := b.desk.TendRecalls(t.Context()); err != nil {
				t.Fatal(err)
			}
			for id, text := range b.speaker.texts {
				if b.speaker.times[id] != 1 || !strings.Contains(text, "当时的原文：“免除担保”") || !strings.Contains(text, "现在的原文：“减半担保”") ||
					strings.Contains(text, "优先办理") != strings.HasPrefix(text, "qian") {
					t.Errorf("%s: %s", id, text)
				}
				b.desk.Pushed(bot.Outcome{ID: id})
			}
			b.until("that is known", func() bool { return b.recall("1").Count(ChatSent) == 2 })
			if err := b.desk.DropRecall(t.Context(), "1", "lin"); !errors.Is(err, ErrDecided) {
				t.Errorf("dropped after all: %v", err)
			}
			if len(b.audit) != 1 || !strings.HasPrefix(b.audit[0], "lin recall sent") {
				t.Errorf("audit %q", b.audit)
			}
			if log := b.log.String(); strings.Contains(log, "qian") || strings.Contains(log, "担保") {
				t.Errorf("the log holds a person or words: %s", log)
			}
		})
	}
}

// TestRecallThatNobodyNeeds, that is dropped, that was brought back, that cannot be said.
func TestRecallsThatAreNotSaid(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			b := newRecallBench(t, s)
			zero, _ := b.publisher.At(0)
			*b.given = givenList{given(t, zero, other, 1)}
			b.publisher.add(t, second)
			b.takeBack(1)
			if r := b.recall("1"); r.State != RecallNone || len(r.Chats) != 0 {
				t.Errorf("nobody was given it: %+v", r)
			}
			if _, err := b.desk.SendRecall(t.Context(), "1", "lin"); !errors.Is(err, ErrDecided) {
				t.Errorf("sent: %v", err)
			}
			if _, err := b.desk.SendRecall(t.Context(), "9", "lin"); !errors.Is(err, ErrRecall) {
				t.Errorf("sent: %v", err)
			}
			b.publisher.add(t, first) // back; who was given the second is told
			b.publisher.add(t, second)
			*b.given = givenList{given(t, zero, member, 2)}
			b.takeBack(3)
			if err := b.desk.DropRecall(t.Context(), "3", "lin"); err != nil || b.recall("3").State != RecallDropped {
				t.Errorf("dropped: %v", err)
			}
			b.publisher.add(t, first)
			b.publisher.add(t, second)
			b.takeBack(5)
			b.publisher.add(t, first) // brought back before anybody decided
			if _, err := b.desk.SendRecall(t.Context(), "5", "lin"); err != nil {
				t.Fatal(err)
			}
			b.until("it is known to be moot", func() bool { return b.recall("5").Count(ChatCannot) == 1 })
			b.publisher.add(t, second)
			b.takeBack(7)
			b.speaker.mute = true
			if _, err := b.desk.SendRecall(t.Context(), "7", "lin"); err != nil {
				t.Fatal(err)
			}
			b.until("it is known to be impossible", func() bool { return b.recall("7").Count(ChatCannot) == 1 })
			if b.speaker.said() != 0 {
				t.Errorf("said %v", b.speaker.texts)
			}
			all, err := b.desk.Recalls(t.Context())
			if err != nil || len(all) != 4 || all[0].ID != "7" {
				t.Errorf("%d recalls, %v", len(all), err)
			}
		})
	}
}

// TestRecallInTheChat, for coordinators only.
func TestRecallInTheChat(t *testing.T) {
	b := newRecallBench(t, embedded(t))
	says := func(who, text, want string) {
		t.Helper()
		got, _, ours := b.desk.Command(t.Context(), nil, bot.Message{Asker: bot.Asker(who), Text: text})
		if !ours || !strings.Contains(got, want) {
			t.Errorf("%s: %q: got %q, want %q in it", who, text, got, want)
		}
	}
	zero, _ := b.publisher.At(0)
	*b.given = givenList{given(t, zero, member, 2)}
	b.publisher.add(t, second)
	says("lin", "/更正", "没有等决定的更正")
	b.takeBack(1)
	says("zhao", "/更正 1 发", "只有协调员")
	says("lin", "/更正", "1 版本 1 改了 2 条，1 个会话")
	says("lin", "/更正 1", "旧：免除担保\n   新：减半担保")
	says("lin", "/更正 9 发", "没有这个更正")
	says("lin", "/更正 1 再说", "写成")
	says("lin", "/更正 1 发", "正在发给 1 个会话")
	says("lin", "/更正 1 不发", "决定过了")
	b.until("he is told", func() bool { return b.speaker.said() == 1 })
	says("lin", "/更正 1", "等着发 1")
}

// TestRecallsSayWhy: a version that changed no words is not listed; what cannot be sent says
// why, and a note that is gone is named.
func TestRecallsSayWhy(t *testing.T) {
	b := newRecallBench(t, embedded(t))
	zero, _ := b.publisher.At(0)
	*b.given = givenList{given(t, zero, member, 2), given(t, zero, other, 2)}
	b.publisher.add(t, first)
	b.takeBack(1)
	if all, err := b.desk.Recalls(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("no word was changed, but %+v is listed, %v", all, err)
	}
	b.publisher.add(t, second)
	b.takeBack(2)
	b.speaker.mute = true
	if _, err := b.desk.SendRecall(t.Context(), "2", "lin"); err != nil {
		t.Fatal(err)
	}
	b.until("nobody can be told", func() bool { return b.recall("2").Count(ChatCannot) == 2 })
	reply, _, _ := b.desk.Command(t.Context(), nil, bot.Message{Asker: "lin", Text: "/更正 2"})
	if want := "发不了 2 个：" + reasonHere; !strings.Contains(reply, want) {
		t.Errorf("%q is not in: %s", want, reply)
	}
	gone := describeRecall(Recall{Passages: []RecallPassage{{Before: "免除担保", After: "免除担保", NoteBefore: "已改为减半"}}})
	if !strings.Contains(gone, "注已去掉：已改为减半") {
		t.Errorf("a note that is gone: %s", gone)
	}
}

// BenchmarkTakeBack: a hundred thousand answers to ten thousand people.
func BenchmarkTakeBack(b *testing.B) {
	p, list := &shelfOfStates{}, &givenList{}
	zero := p.add(b, first)
	p.add(b, second)
	for i := range 100_000 {
		*list = append(*list, given(b, zero, bot.Address{Channel: "app", Asker: bot.Asker(fmt.Sprint("u", i%10_000))}, 1, 2, 3))
	}
	d := New(stores(b)["bolt"], p, Options{RecallWithin: 24 * time.Hour, Given: list})
	defer d.Close()
	for b.Loop() {
		r := Recall{Version: 1}
		if err := d.fill(b.Context(), &r); err != nil || len(r.Chats) != 10_000 {
			b.Fatal(len(r.Chats), err)
		}
	}
}

// TestRecallOfWhatWasSetAside: another chain of versions is adopted. Who was shown words of the
// version that was set aside, and that the one in force does not have, is told, once, whichever
// replica finds it; versions of the chain in force have recalls of their own although the
// numbers were taken.
func TestRecallOfWhatWasSetAside(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			b := newRecallBench(t, s)
			zero, _ := b.publisher.At(0)
			other := &shelfOfStates{}
			other.add(t, first)
			ours := other.add(t, strings.Replace(first, "设立专用窗口", "设立临时窗口", 1)) // version 1 of the other chain
			*b.given = givenList{given(t, zero, group, 1, 2), given(t, ours, member, 1), given(t, zero, member, 2)}
			at := time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC)
			take := func(of string) error { return b.desk.TakeBack(t.Context(), 1, of, at) }
			b.publisher.add(t, second)                          // version 1 of the chain that was adopted
			if err := take("digest-of-the-other"); err != nil { // it has the number
				t.Fatal(err)
			}
			for range 2 {
				if err := b.desk.TakeBackAside(t.Context(), 1, "digest-of-the-other", at, ours.Library); err != nil {
					t.Fatal(err)
				}
				if err := take("newchain-digest"); err != nil {
					t.Fatal(err)
				}
			}
			all, err := b.desk.Recalls(t.Context())
			if err != nil || len(all) != 3 {
				t.Fatalf("%d recalls, %v", len(all), err)
			}
			var aside Recall
			for _, r := range all {
				if r.Aside {
					aside = r
				} else if r.Of == "newchain-digest" && r.State != RecallOpen {
					t.Errorf("the adopted version takes nothing back: %+v", r)
				}
			}
			if aside.State != RecallOpen || !strings.Contains(summary(aside), "另存的版本 1") {
				t.Fatalf("recall %+v", aside)
			}
			if _, err := b.desk.SendRecall(t.Context(), aside.ID, "lin"); err != nil {
				t.Fatal(err)
			}
			told := false
			b.until("the member is told", func() bool {
				for id, text := range b.speaker.all() {
					told = told || strings.HasPrefix(id, "recall:"+aside.ID+":") && strings.HasPrefix(text, member.Chat+string(member.Asker)) && strings.Contains(text, "当时的原文：“设立临时窗口”") && strings.Contains(text, "现在的原文：“设立专用窗口”")
				}
				return told
			})
		})
	}
}
