package desk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/knowledge"
)

// listBench is a desk over the shipped article with a clock of its own.
type listBench struct {
	t     *testing.T
	desk  *Desk
	store Store
	g     *index.Generation
	now   time.Time
}

func newListBench(t *testing.T, s Store) *listBench {
	t.Helper()
	g, err := index.Build(t.Context(), library(t), index.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := &listBench{t: t, store: s, g: g, now: time.Date(2026, 11, 25, 10, 0, 0, 0, china)}
	b.desk = New(s, &shelfOfStates{}, Options{Now: func() time.Time { return b.now }})
	t.Cleanup(func() {
		b.desk.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// asks has somebody ask in vain.
func (b *listBench) asks(question, channel string) {
	b.t.Helper()
	b.now = b.now.Add(time.Minute)
	if err := b.store.Miss(b.t.Context(), bot.NewMiss(question, channel, "", "", b.now)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *listBench) rows() []Row {
	b.t.Helper()
	b.now = b.now.Add(freshFor)
	rows, err := b.desk.Rows(b.t.Context(), b.g)
	if err != nil {
		b.t.Fatal(err)
	}
	return rows
}

func (b *listBench) mark(r Row, m Mark) {
	b.t.Helper()
	b.now = b.now.Add(time.Minute)
	if err := b.desk.Mark(b.t.Context(), r, m); err != nil {
		b.t.Fatal(err)
	}
}

// TestRowsAreQuestionsHoweverAsked: the same asked differently is one row, with all it was
// asked, when and where; it can be assigned, rejected and solved, and what is solved and
// asked in vain again is open again.
func TestRowsAreQuestionsHoweverAsked(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			b := newListBench(t, s)
			first := b.now.Add(time.Minute)
			b.asks("报关单填错了怎么修改", "aibot")
			b.asks("请问报关单填错了要怎么修改呢", "app")
			b.asks("请问报关单填错了要怎么修改呢", "app")
			b.asks("年会在哪里开", "aibot")
			last := b.now.Add(-time.Minute)
			rows := b.rows()
			if len(rows) != 2 {
				t.Fatalf("%d rows: %+v", len(rows), rows)
			}
			r := rows[0]
			if r.Question != "请问报关单填错了要怎么修改呢" || len(r.Ways) != 2 || r.Count != 3 || !r.First.Equal(first) || !r.Last.Equal(last) ||
				!slices.Equal(r.Channels, []string{"aibot", "app"}) || r.Mark.State != Open || !r.Unfinished() {
				t.Errorf("got %+v", r)
			}
			for _, m := range []Mark{{State: Assigned, By: "a", To: "b"}, {State: Rejected, By: "a", Note: "无关"}, {State: Solved, By: "a"}} {
				b.mark(r, m)
				got, err := b.desk.Row(t.Context(), b.g, r.Ways[1].Key)
				if err != nil || got.Mark.State != m.State || got.Mark.To != m.To || got.Mark.Note != m.Note {
					t.Errorf("marked %+v: %+v, %v", m, got.Mark, err)
				}
			}
			b.asks("报关单填错了怎么修改", "aibot")
			if r = b.rows()[0]; r.Mark.State != Open || r.Count != 4 {
				t.Errorf("asked in vain again: %+v", r)
			}
			if err := b.desk.Mark(t.Context(), r, Mark{State: "gone"}); err == nil {
				t.Error("a standing that is none was taken")
			}
			if _, err := b.desk.Row(t.Context(), b.g, "unknown"); !errors.Is(err, ErrQuestion) {
				t.Errorf("an unknown key: %v", err)
			}
			table := Table(b.rows(), b.g.Library())
			if len(table) != 3 || !strings.Contains(strings.Join(table[1], "|"), "报关单填错了怎么修改") {
				t.Errorf("table %q", table)
			}
		})
	}
}

// TestWhatReadersFoundWrongIsOnTheList, a row for what was quoted.
func TestWhatReadersFoundWrongIsOnTheList(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			b := newListBench(t, s)
			for i, shown := range [][]string{{"m1"}, {"m1"}, {"m2", "m3"}, nil} {
				f := bot.NewFeedback(fmt.Sprint("answer", i), bot.Asker(fmt.Sprint("u", i)), bot.Useless, b.now).WithComment("不对")
				f.Shown, f.Channel = shown, "aibot"
				if err := s.Rate(t.Context(), f); err != nil {
					t.Fatal(err)
				}
			}
			good := bot.NewFeedback("answer9", "u9", bot.Useful, b.now)
			if err := s.Rate(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			rows := b.rows()
			if len(rows) != 3 || rows[0].Count != 2 || rows[0].Nearest != "m1" || len(rows[0].Opinions) != 2 {
				t.Fatalf("got %+v", rows)
			}
			for _, r := range rows {
				if r.Name() == "" {
					t.Errorf("a row without a name: %+v", r)
				}
			}
			b.mark(rows[0], Mark{State: Solved, By: "a"})
			if got, err := b.desk.Row(t.Context(), b.g, rows[0].Key); err != nil || got.Mark.State != Solved {
				t.Errorf("%+v, %v", got.Mark, err)
			}
		})
	}
}

// TestWhatIsAnsweredNowIsSettled, and nothing else.
func TestWhatIsAnsweredNowIsSettled(t *testing.T) {
	b := newListBench(t, embedded(t))
	b.asks("能免除担保吗", "aibot")
	b.asks("蓝鲸仓库几点开门", "aibot")
	b.asks("优先通关如何实现", "aibot")
	b.mark(b.rows()[0], Mark{State: Rejected, By: "a", Note: "看过了"}) // asked last
	if err := b.desk.Settle(t.Context(), b.g, "版本 2"); err != nil {
		t.Fatal(err)
	}
	want := map[string]Standing{"能免除担保吗": Solved, "蓝鲸仓库几点开门": Open, "优先通关如何实现": Rejected}
	for _, r := range b.rows() {
		if r.Mark.State != want[r.Question] {
			t.Errorf("%s: %s, want %s", r.Question, r.Mark.State, want[r.Question])
		}
	}
}

// TestMeasuresAreAddedBesideTheArticles: a document of the desk's own grows, word for word,
// with its notes; the articles are not touched.
func TestMeasuresAreAddedBesideTheArticles(t *testing.T) {
	l := library(t)
	p := &growing{state: State{Files: map[string][]byte{}, Library: l}}
	for _, d := range l.Documents {
		p.state.Files[d.ID+".txt"] = d.Source
	}
	article := p.state.Files["aeo-incentives.txt"]
	d := New(embedded(t), p, Options{})
	defer d.Close()
	for i, m := range []NewMeasure{
		{Document: "补充措施", Title: "补充措施", Date: "2026-11-25", Heading: "口岸便利", Text: "夜间也可以\n预约查验", Asks: []string{"晚上能查验吗", "晚上能查验吗"}, Keywords: []string{"夜间查验"}},
		{Document: "补充措施", Heading: "口岸便利", Text: "1、周末照常放行", Asks: []string{"周末放行吗"}},
		{Document: "补充措施", Heading: "别的便利", Text: "# 不是标题"},
		{Document: "补充措施", Heading: "口岸便利", Text: "---"},
	} {
		proposal, err := d.AddMeasure(m, "lin.yue")
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if p.state.Files, err = proposal.apply(p.state); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		if p.state.Library, err = knowledge.LoadFiles(p.state.Files, nil); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		found := slices.ContainsFunc(p.state.Library.Passages(), func(q knowledge.Passage) bool {
			return q.Text == strings.Join(strings.Fields(m.Text), " ") && q.Heading == m.Heading && len(q.Notes.Ask) == len(slices.Compact(slices.Clone(m.Asks)))
		})
		if !found {
			t.Errorf("%d: not read as it was written:\n%s\n%s", i, p.state.Files["补充措施.md"], p.state.Files["补充措施.notes.yaml"])
		}
	}
	if string(p.state.Files["aeo-incentives.txt"]) != string(article) {
		t.Error("the article was touched")
	}
	if f := p.state.Library.Findings(); len(f) > 0 {
		t.Errorf("findings: %v", f)
	}
	for name, c := range map[string]struct {
		m    NewMeasure
		want error
	}{
		"an article":  {NewMeasure{Document: "aeo-incentives", Heading: "节", Text: "话"}, ErrDocument},
		"no words":    {NewMeasure{Document: "补充措施", Heading: "节", Text: " "}, ErrIncomplete},
		"no date":     {NewMeasure{Document: "新", Title: "新", Heading: "节", Text: "话"}, ErrIncomplete},
		"no document": {NewMeasure{Heading: "节", Text: "话"}, ErrIncomplete},
	} {
		if _, err := d.AddMeasure(c.m, "lin.yue"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	removal, err := d.RemoveDocument("补充措施", "lin.yue")
	if err != nil || len(removal.Changes) != 2 {
		t.Fatalf("%+v, %v", removal, err)
	}
	if files, err := removal.apply(p.state); err != nil || len(files) != 1 {
		t.Errorf("after the removal %d files, %v", len(files), err)
	}
}

// growing is a publisher whose state the test moves on.
type growing struct {
	shelfOfStates
	state State
}

func (p *growing) InForce() (State, error) { return p.state, nil }

// TestTheSameSeedIsTheSameProposal, and another's name is not taken.
func TestTheSameSeedIsTheSameProposal(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			b := newListBench(t, s)
			one := Proposal{Title: "一", Author: "a", From: origin("seed")}
			if known, err := b.desk.enter(t.Context(), &one); known || err != nil {
				t.Fatalf("%v, %v", known, err)
			}
			again := Proposal{Title: "一", Author: "a", From: origin("seed")}
			if known, err := b.desk.enter(t.Context(), &again); !known || err != nil || again.ID != one.ID {
				t.Errorf("again: %v, %v, %+v", known, err, again)
			}
			// Another proposal that would have the same name.
			taken := Proposal{ID: proposalID(origin("other"), 0), Title: "占", From: "elsewhere"}
			if err := b.desk.save(t.Context(), &taken, time.Hour); err != nil {
				t.Fatal(err)
			}
			other := Proposal{Title: "二", Author: "a", From: origin("other")}
			if known, err := b.desk.enter(t.Context(), &other); known || err != nil || other.ID == taken.ID {
				t.Errorf("another's name was taken: %v, %v, %+v", known, err, other)
			}
			if p, err := b.desk.Proposal(t.Context(), taken.ID); err != nil || p.Title != "占" {
				t.Errorf("%+v, %v", p, err)
			}
			if a, b := origin(""), origin(""); a == b {
				t.Error("two proposals without a seed are one")
			}
		})
	}
}
