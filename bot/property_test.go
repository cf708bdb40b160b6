package bot_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aeobot/bot"
)

var pageMark = regexp.MustCompile(`\n（\d+/\d+）$`)

// joined is what pages say together, without their marks and white space.
func joined(pages []string) string {
	var all strings.Builder
	for _, p := range pages {
		all.WriteString(pageMark.ReplaceAllString(p, ""))
	}
	return strings.Join(strings.Fields(all.String()), "")
}

var everyKind = []string{
	"海关直接激励措施", "优先通关如何实现", "跨部门联合激励措施", "能免担保吗", "AEO有什么好处", "有没有奖励资金，用地呢，培训呢",
	"海关对AEO企业有何激励?优先通关如何实现?还有其他支持吗?", "可以免除担保吗？明天会下雨吗？", "发改委有什么支持", "发改委的棉花配额", "写首诗", "AEO的战略价值",
}

// TestPagesOfAnyLengthAreTheAnswer: whatever a screen holds, the pages together are
// the full answer, each fits, and every measure shown is whole and verbatim.
func TestPagesOfAnyLengthAreTheAnswer(t *testing.T) {
	l := live(t)
	g, release, err := l.Acquire()
	if err != nil {
		t.Fatal(err)
	}
	source := g.Library().Documents[0].Source
	release()
	e := bot.New(l, nil, bot.Options{})
	random := rand.New(rand.NewPCG(1, 2))
	lengths := 40
	if testing.Short() {
		lengths = 10
	}
	for _, q := range everyKind {
		for _, markdown := range []bool{false, true} {
			full := answer(t, e, bot.Message{Text: q, Surface: bot.Surface{Markdown: markdown, MaxPages: 1}})
			for range lengths {
				limit := 160 + random.IntN(3000) // the longest answer fits 99 pages of that
				r := answer(t, e, bot.Message{Text: q, Surface: bot.Surface{Markdown: markdown, MaxBytes: limit, MaxPages: 99}})
				if joined(r.Pages) != joined(full.Pages) {
					t.Fatalf("%q in pages of %d bytes: %q is not %q", q, limit, joined(r.Pages), joined(full.Pages))
				}
				for _, p := range r.Pages {
					if len(p) > limit || !utf8.ValidString(p) {
						t.Errorf("%q: page of %d bytes, limit %d, valid %v", q, len(p), limit, utf8.ValidString(p))
					}
				}
				checkWhole(t, r, source, limit)
			}
		}
	}
}

// checkWhole: the words of every measure are the source's, and stand whole on one
// page where a page can hold them.
func checkWhole(t *testing.T, r bot.Reply, source []byte, limit int) {
	t.Helper()
	for _, s := range r.Shown {
		if got := strings.Join(strings.Fields(string(source[s.Source.Start:s.Source.End])), " "); got != s.Text {
			t.Errorf("%s: %q is not the source's %q", s.ID, s.Text, got)
		}
		onOne := slices.ContainsFunc(r.Pages, func(p string) bool { return strings.Contains(p, s.Text) })
		if !onOne && len(s.Text)+60 < limit {
			t.Errorf("%s is cut though %d bytes hold its %d", s.ID, limit, len(s.Text))
		}
		if !strings.Contains(joined(r.Pages), strings.Join(strings.Fields(s.Text), "")) {
			t.Errorf("%s is not whole: %q", s.ID, r.Text)
		}
	}
}

// TestMoreBringsTheRest: going on with 更多 until the end shows what an unbounded
// screen shows at once, in the same order, nothing twice.
func TestMoreBringsTheRest(t *testing.T) {
	l := live(t)
	random := rand.New(rand.NewPCG(3, 4))
	for i, q := range everyKind {
		full := answer(t, bot.New(l, nil, bot.Options{}), bot.Message{Text: q, Surface: bot.Surface{MaxPages: 1}})
		for range 4 {
			s := bot.Surface{MaxBytes: 300 + random.IntN(2500), MaxPages: 1 + random.IntN(3)}
			e := bot.New(l, store(t), bot.Options{})
			m := bot.Message{Asker: bot.Asker(fmt.Sprint(i)), Text: q, Surface: s}
			r := answer(t, e, m)
			got := ids(r)
			for turns := 0; r.Remaining > 0 && turns < 60; turns++ {
				m.Text = "更多"
				r = answer(t, e, m)
				got = append(got, ids(r)...)
			}
			want := ids(full)
			slices.Sort(got)
			slices.Sort(want)
			if full.Remaining == 0 && !slices.Equal(got, want) {
				t.Errorf("%q on %+v: got %v, want %v", q, s, got, want)
			}
		}
	}
}

// TestForwardedPartsStandAlone: every part has its source and date, no mark of
// Markdown and no word of the bot about itself, and the parts hold whole measures.
func TestForwardedPartsStandAlone(t *testing.T) {
	l := live(t)
	for _, q := range everyKind {
		for _, s := range []bot.Surface{screen, {Name: "app", MaxBytes: 2048, MaxPages: 4}, {Name: "terminal", MaxPages: 1}} {
			e := bot.New(l, store(t), bot.Options{})
			first := answer(t, e, bot.Message{Asker: "u", Text: q, Surface: s})
			r := answer(t, e, bot.Message{Asker: "u", Text: "转发", Surface: s})
			if !first.Answered {
				if len(r.Shown) > 0 || r.Act != bot.ActClarify {
					t.Errorf("%q: nothing was shown, but forwarded: %q", q, r.Text)
				}
				continue
			}
			whole := sameSet(ids(r), ids(first))
			if cut := r.Remaining > 0 && len(r.Shown)+r.Remaining == len(first.Shown) && strings.Contains(r.Text, "内容太长"); cut {
				whole = sameSet(ids(r), ids(first)[:len(r.Shown)])
			}
			if r.Act != bot.ActCommand || !whole {
				t.Errorf("%q: forwarded %v, shown was %v", q, ids(r), ids(first))
			}
			for _, p := range r.Pages {
				if len(p) > 2048 || !strings.Contains(p, "来源：《") || !strings.Contains(p, "2026-01-07") {
					t.Errorf("%q: part of %d bytes, source and date in it? %q", q, len(p), p)
				}
				if strings.ContainsAny(p, "*>`#") || strings.Contains(p, "回复") || strings.Contains(p, "问：") {
					t.Errorf("%q: part is not plain: %q", q, p)
				}
			}
			for _, sh := range r.Shown {
				if !slices.ContainsFunc(r.Pages, func(p string) bool { return strings.Contains(p, sh.Text) }) {
					t.Errorf("%q: %s is not whole in one part", q, sh.ID)
				}
			}
		}
	}
}

func sameSet(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// TestTheClockChangesNothing: within one day, the same state and question give the
// same bytes whenever they are asked.
func TestTheClockChangesNothing(t *testing.T) {
	l := live(t)
	talk := append(slices.Clone(everyKind), "第3条", "更多", "转发", "2026年3月的时候呢", "还有其他支持吗")
	var texts [3][]string
	for i, hour := range []int{0, 9, 15} {
		now := time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC).Add(time.Duration(hour) * time.Hour) // from midnight in China
		e := bot.New(l, store(t), bot.Options{Now: func() time.Time { now = now.Add(time.Second); return now }})
		for _, q := range talk {
			r, err := e.Answer(t.Context(), bot.Message{Asker: "u", Text: q, Surface: screen})
			if err != nil {
				t.Fatal(err)
			}
			texts[i] = append(texts[i], r.Text)
		}
	}
	if !slices.Equal(texts[0], texts[1]) || !slices.Equal(texts[0], texts[2]) {
		t.Error("replies differ by the hour")
	}
}
