package desk

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/index"
)

// wishBench is a desk with knowledge that can be changed.
type wishBench struct {
	*recallBench
	live *index.Live
}

func newWishBench(t *testing.T, s Store) *wishBench {
	b := &wishBench{newRecallBench(t, s), &index.Live{}}
	b.inForce(first)
	engine := bot.New(b.live, nil, bot.Options{})
	b.desk.o.Compose = func(ctx context.Context, question, lead string, to bot.Address, s bot.Surface) (bot.Reply, error) {
		return engine.Compose(ctx, bot.Message{Text: question, Chat: to.Chat, Asker: to.Asker, Surface: s}, lead)
	}
	t.Cleanup(func() {
		if err := b.live.Swap(nil); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *wishBench) inForce(text string) {
	b.Helper()
	g, err := index.Build(b.Context(), b.publisher.add(b, text).Library, index.Options{})
	if err == nil {
		err = b.live.Swap(g)
	}
	if err != nil {
		b.Fatal(err)
	}
}

func (b *wishBench) grant() {
	b.Helper()
	g, release, err := b.live.Acquire()
	if err == nil {
		defer release()
		err = b.desk.Grant(b.Context(), g)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// wants has somebody be refused, and wish to know.
func (b *wishBench) wants(s Store, question string, to bot.Address) {
	b.Helper()
	m := bot.NewMiss(question, to.Channel, "", "", time.Now())
	err := errors.Join(s.Miss(b.Context(), m), b.desk.Wish(b.Context(), bot.Wish{Question: m.Key, To: to, At: time.Now()}))
	if err != nil {
		b.Fatal(err)
	}
}

const third = "办法\n2026-11-20\n\n一、通关\n1、设立专用窗口\n2、蓝鲸通道二十四小时开放\n"

// TestWishesAreGranted once, when the knowledge in force has an answer: to a person there,
// to a group one answer for all who asked in it.
func TestWishesAreGranted(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			b := newWishBench(t, s)
			for _, to := range []bot.Address{group, {Channel: "aibot", Chat: "bot/g1", Asker: "qian"}, member, member} {
				b.wants(s, "蓝鲸通道二十四小时开放吗", to)
			}
			b.wants(s, "今天食堂吃什么", other)
			b.grant()
			if b.speaker.said() != 0 {
				t.Fatalf("said %v although there is no answer", b.speaker.texts)
			}
			b.inForce(third)
			for range 3 {
				b.grant()
				b.desk.grants.wake()
			}
			if b.speaker.said() != 2 {
				t.Errorf("said %v", b.speaker.texts)
			}
			for id, text := range b.speaker.texts {
				if b.speaker.times[id] != 1 || !strings.Contains(text, "之前问过的“蓝鲸通道二十四小时开放吗”，现在有答案了：") || !strings.Contains(text, "2、蓝鲸通道二十四小时开放") {
					t.Errorf("%s: %s", id, text)
				}
			}
			left, err := b.desk.wishes(t.Context())
			if err != nil || len(left) != 1 || left[0].To != other {
				t.Errorf("left %+v, %v", left, err)
			}
			if n, err := b.desk.Forget(t.Context(), "sun"); n != 1 || err != nil {
				t.Errorf("forgot %d, %v", n, err)
			}
		})
	}
}

// TestASolvedRowGrantsEveryWayToAsk: a way that has no answer of its own gets that of the
// question it was grouped with, once somebody called them solved.
func TestASolvedRowGrantsEveryWayToAsk(t *testing.T) {
	s := embedded(t)
	b := newWishBench(t, s)
	const lead, way = "蓝鲸通道二十四小时开放吗", "蓝鲸通道是二十四小时开放的吗"
	b.desk.o.Compose = func(_ context.Context, question, _ string, _ bot.Address, _ bot.Surface) (bot.Reply, error) {
		return bot.Reply{Answered: question == lead, Pages: []string{"答：" + question}}, nil
	}
	b.wants(s, way, member)
	for range 2 {
		if err := s.Miss(t.Context(), bot.NewMiss(lead, "app", "", "", time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	b.grant()
	if b.speaker.said() != 0 {
		t.Fatalf("said %v before it was solved", b.speaker.texts)
	}
	g, release, err := b.live.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	rows, err := b.desk.rowsNow(t.Context(), g)
	if err != nil || len(rows) != 1 || rows[0].Question != lead {
		t.Fatalf("%+v, %v", rows, err)
	}
	b.desk.o.Now = time.Now
	if err := b.desk.Mark(t.Context(), rows[0], Mark{State: Solved, By: "lin"}); err != nil {
		t.Fatal(err)
	}
	b.grant()
	if b.speaker.said() != 1 {
		t.Errorf("said %v", b.speaker.texts)
	}
}

// TestWhoCanBeReached for an answer that comes later.
func TestWhoCanBeReached(t *testing.T) {
	b := newRecallBench(t, embedded(t))
	if !b.desk.Reaches(member) || !b.desk.Reaches(group) || b.desk.Reaches(bot.Address{Channel: "kf", Account: "wk1", Asker: "wm"}) {
		t.Error("wrong people are reached")
	}
	b.speaker.mute = true
	if b.desk.Reaches(member) {
		t.Error("reached where nobody can be spoken to")
	}
}

// TestForget takes a person out of wishes, of recalls and of what was given.
func TestForget(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			b := newRecallBench(t, s)
			zero, _ := b.publisher.At(0)
			*b.given = givenList{given(t, zero, member, 2), given(t, zero, group, 2), given(t, zero, other, 2)}
			b.publisher.add(t, second)
			b.takeBack(1)
			for _, to := range []bot.Address{member, group, other} {
				if err := b.desk.Wish(t.Context(), bot.Wish{Question: "k", To: to, At: time.Now()}); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := b.desk.Forget(t.Context(), "qian"); n != 3 || err != nil {
				t.Errorf("forgot %d, %v", n, err)
			}
			left, err := b.desk.wishes(t.Context())
			if err != nil || len(left) != 2 || slices.ContainsFunc(left, func(k kept) bool { return k.To.Is("qian") }) {
				t.Errorf("wishes left: %+v, %v", left, err)
			}
			r := b.recall("1")
			if slices.ContainsFunc(r.Chats, func(c RecallChat) bool { return c.To.Asker == "qian" }) || len(r.Chats) != 2 || len(*b.given) != 2 {
				t.Errorf("chats %+v, given %+v", r.Chats, *b.given)
			}
			if n, err := b.desk.Forget(t.Context(), "zhao"); n != 1 || err != nil { // his wish; the group's is the group's
				t.Errorf("forgot %d, %v", n, err)
			}
		})
	}
}
