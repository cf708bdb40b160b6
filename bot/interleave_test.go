package bot_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aeobot/bot"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
	"aeobot/index"
)

// script is what one person says, different from everybody else's.
func script(person, turns int) []string {
	r := rand.New(rand.NewPCG(uint64(person), 1))
	openings := []string{"海关直接激励措施", "优先通关如何实现", "跨部门联合激励措施", "地方政府特色支持", "其他专项支持", "能免担保吗", "有没有协调员", "有没有奖励资金"}
	follow := []string{"第3条", "第1条", "2", "更多", "还有其他支持吗", "上一页", "下一条", "最后一条", "那金融呢", "那用地呢", "转发", "这些再说一遍", "谢谢", "不对，我说的是参展那条", "2026年3月的时候呢", "刚才担保那条再看一次"}
	said := []string{openings[person%len(openings)]}
	for len(said) < turns {
		if r.IntN(6) == 0 {
			said = append(said, openings[r.IntN(len(openings))])
		} else {
			said = append(said, follow[r.IntN(len(follow))])
		}
	}
	return said
}

// TestNobodySeesAnothersThread lets 20 people talk in one group at once and holds
// every reply, and what is remembered in the end, against the same talk alone.
func TestNobodySeesAnothersThread(t *testing.T) {
	const people, turns = 20, 100
	l := live(t)
	small := bot.Surface{Name: "aibot", Markdown: true, MaxBytes: 1500, MaxPages: 1}
	say := func(e *bot.Engine, chat string, person, turn int, text string) (string, error) {
		r, err := e.Answer(context.Background(), bot.Message{ID: fmt.Sprintf("%d-%d", person, turn), Chat: chat,
			Asker: bot.Asker(fmt.Sprint("u", person)), Text: text, Surface: small})
		return r.Text, err
	}
	var want [people][]string
	var remembered [people]bot.Session
	for p := range people {
		s := store(t)
		alone := bot.New(l, s, bot.Options{})
		for i, text := range script(p, turns) {
			got, err := say(alone, "g", p, i, text)
			if err != nil {
				t.Fatal(err)
			}
			want[p] = append(want[p], got)
		}
		remembered[p] = sessionOf(t, s, p)
	}
	run := func(t *testing.T, s bot.State, replicas ...*bot.Engine) {
		var group sync.WaitGroup
		for p := range people {
			group.Go(func() {
				for i, text := range script(p, turns) {
					got, err := say(replicas[i%len(replicas)], "g", p, i, text)
					if err != nil || got != want[p][i] {
						t.Errorf("person %d, turn %d, %q: got %q (%v), want %q", p, i, text, got, err, want[p][i])
						return
					}
				}
			})
		}
		group.Wait()
		for p := range people {
			if got := sessionOf(t, s, p); !slices.Equal(got.Seen, remembered[p].Seen) || fmt.Sprint(got.Views) != fmt.Sprint(remembered[p].Views) {
				t.Errorf("person %d: remembered %+v, want %+v", p, got, remembered[p])
			}
		}
	}
	t.Run("bbolt", func(t *testing.T) {
		s := store(t)
		run(t, s, bot.New(l, s, bot.Options{}))
	})
	t.Run("redis, two replicas", func(t *testing.T) {
		url := "redis://" + storetest.StartRedis(t).Addr
		open := func() *redisstore.Store {
			s, err := redisstore.Open(url, redisstore.Options{StepTimeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		}
		one, two := open(), open()
		run(t, one, bot.New(l, one, bot.Options{Lease: time.Minute}), bot.New(l, two, bot.Options{Lease: time.Minute}))
	})
}

func sessionOf(t testing.TB, s bot.State, person int) bot.Session {
	t.Helper()
	turn, err := s.Begin(t.Context(), bot.Conversation{Chat: "g", Asker: bot.Asker(fmt.Sprint("u", person))}, "", "look", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return turn.Session
}

// gated is a search that waits for its gate.
type gated struct {
	*index.Generation
	gate *chan struct{}
}

func (g gated) Search(ctx context.Context, text string) (index.Decision, error) {
	<-*g.gate
	return g.Generation.Search(ctx, text)
}

// TestOnePersonsMessagesKeepTheirOrder sends a burst while the first message is still being
// answered: each is answered after the one before it.
func TestOnePersonsMessagesKeepTheirOrder(t *testing.T) {
	var gate chan struct{}
	l, err := newLive() // its own: synctest does not share
	if err != nil {
		t.Fatal(err)
	}
	e := bot.New(l, store(t), bot.Options{}.WithSearcher(func(g *index.Generation) bot.Searcher { return gated{g, &gate} }))
	burst := []string{"海关直接激励措施", "第3条", "下一条", "下一条", "下一条", "下一条", "上一条"}
	want := []int{12, 3, 4, 5, 6, 7, 6}
	got := make([]int, len(burst))
	synctest.Test(t, func(t *testing.T) {
		gate = make(chan struct{})
		var sent sync.WaitGroup
		for i, text := range burst {
			sent.Go(func() {
				r, err := e.Answer(context.Background(), message(fmt.Sprint(i), "u", text))
				if err != nil || len(r.Shown) == 0 {
					t.Errorf("%q: %+v, %v", text, r, err)
					return
				}
				got[i] = r.Shown[len(r.Shown)-1].Number
			})
			synctest.Wait() // until it waits for its turn, or searches
		}
		close(gate)
		sent.Wait()
	})
	if !slices.Equal(got, want) {
		t.Errorf("measures shown: %v, want %v", got, want)
	}
}
