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
				if !slices.Equal(ids(r), ids(full)) {
					t.Fatalf("%q in pages of %d bytes: %v is not %v", q, limit, ids(r), ids(full))
				}
				checkPages(t, r)
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

// checkPages: no page begins with a note, a source or a measure without its heading, and every
// note is said.
func checkPages(t *testing.T, r bot.Reply) {
	t.Helper()
	all := joined(withoutHeadings(r))
	for _, s := range r.Shown {
		if note := strings.Join(strings.Fields(s.Note), ""); !strings.Contains(all, note) {
			t.Errorf("%s: the note %q is not said: %q", s.ID, note, r.Text)
		}
	}
	for i, p := range r.Pages {
		first, _, _ := strings.Cut(strings.TrimLeft(p, "> *"), "\n")
		if strings.HasPrefix(first, "注") || strings.HasPrefix(first, "来源：") || numberedLine.MatchString(first) {
			t.Errorf("page %d begins with %q: %q", i+1, first, p)
		}
	}
}

// numberedLine is a line with a measure.
var numberedLine = regexp.MustCompile(`^\d{1,3}、`)

// withoutHeadings takes off the pages of a reply the headings that they begin with anew.
func withoutHeadings(r bot.Reply) []string {
	pages := slices.Clone(r.Pages)
	for i := 1; i < len(pages); i++ {
		first, rest, _ := strings.Cut(pages[i], "\n")
		if first == "（接上页）" || slices.ContainsFunc(r.Shown, func(s bot.Shown) bool { return s.Section == strings.Trim(first, "*") }) {
			pages[i] = rest
		}
	}
	return pages
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
		if !strings.Contains(joined(withoutHeadings(r)), strings.Join(strings.Fields(s.Text), "")) {
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

// TestForwardedPartsStandAlone: every part has its source and date, and nothing that is not
// for people outside; the parts hold whole measures. What no message holds is offered in
// portions.
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
			var forwarded []string
			if len(r.Suggestions) == 0 {
				forwarded = checkForward(t, r, s)
			}
			for _, portion := range r.Suggestions { // too much for one message
				part := answer(t, e, bot.Message{Asker: "u", Text: portion, Surface: s})
				forwarded = append(forwarded, checkForward(t, part, s)...)
			}
			if !sameSet(forwarded, ids(first)) {
				t.Errorf("%q on %s: forwarded %v, shown was %v", q, s.Name, forwarded, ids(first))
			}
		}
	}
}

// checkForward: plain messages for people outside, each with its source. It gives what was
// forwarded.
func checkForward(t *testing.T, r bot.Reply, s bot.Surface) []string {
	t.Helper()
	if r.Act != bot.ActCommand {
		t.Errorf("not forwarded: %s %s", r.Act, r.Text)
	}
	for _, p := range r.Pages {
		if s.MaxPages > 1 && len(p) > 2048 || strings.Count(p, "来源：《") != 1 || !strings.Contains(p, "2026-01-07") || strings.Count(p, "说明：") > 1 {
			t.Errorf("part of %d bytes; one source with its date, one closing paragraph? %q", len(p), p)
		}
		if strings.ContainsAny(p, "*>`#") || ownTalk.MatchString(p) {
			t.Errorf("part is not plain, or not for people outside: %q", p)
		}
	}
	for _, sh := range r.Shown {
		if !slices.ContainsFunc(r.Pages, func(p string) bool { return strings.Contains(p, sh.Text) }) {
			t.Errorf("%s is not whole in one part", sh.ID)
		}
	}
	return ids(r)
}

// ownTalk is what the bot says to whoever asks, and what its notes say of our own checking.
var ownTalk = regexp.MustCompile(`回复|问：|注[（：]|更新过|（\d+/\d+）|` + ownChecking.String())

// ownChecking is how notes speak of what was checked.
var ownChecking = regexp.MustCompile(`尚未|没有查到|未见|未核|核到|没有核|没有读到|据摘要|行业网站|推断`)

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
