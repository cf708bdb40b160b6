package desk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// inMemory is a publisher of the shipped knowledge whose states are in memory.
type inMemory struct{ shelfOfStates }

func newInMemory(t testing.TB) *inMemory {
	t.Helper()
	files := map[string][]byte{}
	names, err := fs.Glob(articles.FS, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if files[name], err = articles.FS.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	p := &inMemory{}
	p.states = []State{{Files: files, Library: library(t)}}
	return p
}

func (p *inMemory) Read(files map[string][]byte) (*knowledge.Library, error) {
	return knowledge.LoadFiles(files, articles.FS)
}

func (p *inMemory) Publish(_ context.Context, number int, _ Publication, files map[string][]byte) error {
	l, err := p.Read(files)
	if err != nil {
		return err
	}
	return p.push(State{number, files, l})
}

func (p *inMemory) Digest(number int) (string, error) { return fmt.Sprintf("%064x", number), nil }

// classroom is a desk where people teach.
type classroom struct {
	*testing.T
	desk      *Desk
	store     Store
	publisher *inMemory
	audit     []string
	said      int
}

func newClassroom(t *testing.T, people int) *classroom {
	c := &classroom{T: t, store: embedded(t), publisher: newInMemory(t)}
	c.desk = New(c.store, c.publisher, Options{People: people, Coordinators: []string{"lin", "wang"},
		Audit: func(_ context.Context, who, what, object string) error {
			c.audit = append(c.audit, strings.Join([]string{who, what, object}, "|"))
			return nil
		}})
	t.Cleanup(c.desk.Close)
	return c
}

// generation is what is answered from.
func (c *classroom) generation() *index.Generation {
	c.Helper()
	s, err := c.publisher.InForce()
	if err != nil {
		c.Fatal(err)
	}
	g, err := index.Build(c.Context(), s.Library, index.Options{})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() {
		if err := g.Close(); err != nil {
			c.Error(err)
		}
	})
	return g
}

// says gives what a coordinator reads in return, and what the buttons below send.
func (c *classroom) says(who, text string) (reply string, buttons []string) {
	c.Helper()
	c.said++
	reply, next, ours := c.desk.Command(c.Context(), c.generation(), bot.Message{ID: fmt.Sprint(c.said), Asker: bot.Asker(who), Text: text})
	if !ours {
		c.Fatalf("%s is no command", text)
	}
	for _, b := range next {
		buttons = append(buttons, b.Text)
	}
	return reply, buttons
}

// judged waits for the gate, and gives the only proposal.
func (c *classroom) judged() Proposal {
	c.Helper()
	c.desk.work.Wait()
	all, err := c.desk.Proposals(c.Context())
	if err != nil || len(all) != 1 {
		c.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

func (c *classroom) reads(reply string, wants ...string) {
	c.Helper()
	for _, want := range wants {
		if !strings.Contains(reply, want) {
			c.Errorf("%q is not in:\n%s", want, reply)
		}
	}
}

// TestWhatStandsInTheWayIsNamedAndTakenOut: a question taught to a measure is still refused
// for a topic outside. Who proposes and who confirms read which, take it out with one
// command, and only then is the question solved.
func TestWhatStandsInTheWayIsNamedAndTakenOut(t *testing.T) {
	for question, topic := range map[string]string{"AEO互认国家有哪些": "互认国家名单", "申请AEO要准备什么材料": "申请材料清单"} {
		c := newClassroom(t, 2)
		if err := c.store.Miss(t.Context(), bot.NewMiss(question, "aibot", "", "", c.desk.o.Now())); err != nil {
			t.Fatal(err)
		}
		made, buttons := c.says("lin", "/教 海关直接激励措施 10 "+question)
		c.reads(made, "仍答不上", topic, "/移出 ")
		p := c.judged()
		if !slices.Contains(buttons, "移出 "+p.ID) {
			t.Errorf("no button: %q", buttons)
		}
		waiting, _ := c.says("wang", "/待准")
		c.reads(waiting, topic)
		first, _ := c.says("wang", "/准 "+p.ID)
		c.reads(first, "还没有发布", topic)
		cleared, _ := c.says("wang", "/移出 "+p.ID)
		c.reads(cleared, "已并入", topic)
		if strings.Contains(cleared, "仍答不上") {
			t.Errorf("it is still in the way:\n%s", cleared)
		}
		if p = c.judged(); p.Author != "wang" || !p.Answered {
			t.Errorf("after it was taken out: %+v", p)
		}
		alone, _ := c.says("wang", "/准 "+p.ID)
		c.reads(alone, "另一位协调员")
		// What the measure does not state is still to be seen.
		if again, _ := c.says("lin", "/准 "+p.ID); !strings.Contains(again, "已发布版本 1") {
			c.reads(again, "原文没有写")
			again, _ = c.says("lin", "/准 "+p.ID)
			c.reads(again, "已发布版本 1")
		}
		g := c.generation()
		if r, err := replyTo(t.Context(), g, question); err != nil || !r.Answered || r.Shown[0].Number != 10 {
			t.Errorf("%s: %v, %q", question, err, r.Text)
		}
		rows, err := c.desk.rowsNow(t.Context(), g)
		if err != nil || rows[0].Mark.State != Solved {
			t.Errorf("%+v, %v", rows, err)
		}
	}
}

// TestSolvedIsWhatIsAnswered: published although a topic stands in the way, the question
// stays open; given to a topic, it is one that will not be answered.
func TestSolvedIsWhatIsAnswered(t *testing.T) {
	const question = "AEO互认国家有哪些"
	for to, want := range map[string]Standing{"measure": Open, "topic": Rejected} {
		c := newClassroom(t, 1)
		if err := c.store.Miss(t.Context(), bot.NewMiss(question, "aibot", "", "", c.desk.o.Now())); err != nil {
			t.Fatal(err)
		}
		state, _ := c.publisher.InForce()
		passage, ok := state.Library.Passage("aeo-incentives/海关直接激励措施/10")
		if !ok {
			t.Fatal("no such measure")
		}
		p := Ask(passage, question, "lin")
		if to == "topic" {
			p.Changes[0].Edit.Section, p.Changes[0].Edit.Number, p.Changes[0].Edit.Topic = "", 0, "互认国家名单"
		}
		p, err := c.desk.Propose(t.Context(), "", p)
		if err != nil {
			t.Fatal(err)
		}
		c.judged()
		v, err := c.desk.View(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = c.desk.Approve(t.Context(), p.ID, Approval{Who: "lin", Way: ByConsole, Shown: v.Key}); err != nil || p.Published != 1 {
			t.Fatalf("%+v, %v", p, err)
		}
		g := c.generation()
		if err := c.desk.Settle(t.Context(), g, "版本 1"); err != nil {
			t.Fatal(err)
		}
		rows, err := c.desk.rowsNow(t.Context(), g)
		if err != nil || rows[0].Mark.State != want {
			t.Errorf("taught to a %s: %+v, %v; want %s", to, rows, err, want)
		}
	}
}

// TestARowIsSolvedWhenEveryWayToAskIsAnswered.
func TestARowIsSolvedWhenEveryWayToAskIsAnswered(t *testing.T) {
	c := newClassroom(t, 1)
	g := c.generation()
	r := Row{Question: "能免除担保吗", Ways: []bot.Unanswered{{Question: "能免除担保吗"}, {Question: "蓝鲸仓库几点开门"}}}
	if yes, err := r.answered(t.Context(), g); yes || err != nil {
		t.Errorf("one way is not answered: %v, %v", yes, err)
	}
	r.Ways = r.Ways[:1]
	if yes, err := r.answered(t.Context(), g); !yes || err != nil {
		t.Errorf("the only way is answered: %v, %v", yes, err)
	}
}

// TestNotices: what is taught is asked of the new state, and held against the words.
func TestNotices(t *testing.T) {
	for _, tt := range []struct {
		section  string
		number   int
		question string
		want     []string // in this order
		clears   string
	}{
		{"海关直接激励措施", 11, "认证费要多少", []string{"问的是“费用”，海关直接激励措施第11条的原文没有写"}, ""},
		{"地方政府特色支持", 1, "最高能拿多少钱奖励", []string{"问的是“金额”"}, ""},
		{"优先通关实现方式", 6, "货到了几个小时能放", []string{"问的是“多久”"}, ""},
		{"优先通关实现方式", 1, "蓝鲸通道怎么走", nil, ""},
		// Another measure has the very words.
		{"优先通关实现方式", 5, "境外清关有没有优待", []string{"先答的却是海关直接激励措施第10条，那里有问法“境外清关有没有优待”"}, "境外清关有没有优待"},
		{"海关直接激励措施", 3, "今天天气怎么样", []string{"闲聊话题"}, ""},
		{"海关直接激励措施", 3, "谢谢", []string{"不会当作问题来读"}, ""},
		{"海关直接激励措施", 3, "申请AEO要准备什么材料", []string{"问的是“要什么材料”", "没有写的话题“申请材料清单”挡在前面"}, "申请AEO要准备什么材料"},
	} {
		p := newInMemory(t)
		was, err := p.InForce()
		if err != nil {
			t.Fatal(err)
		}
		var passage knowledge.Passage
		for _, q := range was.Library.Passages() {
			if q.Heading == tt.section && q.Number == tt.number {
				passage = q
			}
		}
		proposal := Ask(passage, tt.question, "lin")
		files, err := proposal.apply(was)
		if err != nil {
			t.Fatal(err)
		}
		l, err := p.Read(files)
		if err != nil {
			t.Fatal(err)
		}
		review, err := ReviewOf(t.Context(), p, was.Library, State{Files: files, Library: l}, tt.question)
		if err != nil {
			t.Fatal(err)
		}
		var all, clears string
		for _, n := range review.Notices {
			all += n.Text + "\n"
			for _, c := range n.Clear {
				clears += c.Clears()
			}
		}
		if len(review.Notices) != len(tt.want) || !strings.Contains(clears, tt.clears) {
			t.Errorf("%s: %q, clears %q; want %q, %q", tt.question, all, clears, tt.want, tt.clears)
		}
		for _, want := range tt.want {
			if !strings.Contains(all, want) {
				t.Errorf("%s: %q is not in %q", tt.question, want, all)
			}
		}
	}
}

// TestTheWordsOfAnotherMeasureAreTakenOut when two measures have the same way to ask.
func TestTheWordsOfAnotherMeasureAreTakenOut(t *testing.T) {
	p := &shelfOfStates{}
	was := p.add(t, "办法\n2026-11-01\n\n一、安排\n1、蓝鲸通道二十四小时开放\n2、白鲸窗口免排队\n")
	notes := "document: a\nsections:\n  - heading: 安排\n    measures:\n      - number: 1\n        ask: [夜里能走吗, 半夜开不开]\n"
	was.Files["a"+knowledge.NotesSuffix] = []byte(notes)
	var err error
	if was.Library, err = p.Read(was.Files); err != nil {
		t.Fatal(err)
	}
	passage, _ := was.Library.Passage("a/安排/2")
	proposal := Ask(passage, "半夜开不开", "lin")
	is := State{}
	if is.Files, err = proposal.apply(was); err != nil {
		t.Fatal(err)
	}
	if is.Library, err = p.Read(is.Files); err != nil {
		t.Fatal(err)
	}
	review, err := ReviewOf(t.Context(), p, was.Library, is, "半夜开不开")
	if err != nil {
		t.Fatal(err)
	}
	proposal.Notices = review.Notices
	if !strings.Contains(fmt.Sprint(review.Notices), "安排第1条，那里有问法“半夜开不开”") || !proposal.Clearable() || review.Answered {
		t.Fatalf("%+v", review)
	}
	proposal.Changes = append(proposal.Changes, proposal.clears()...)
	files, err := proposal.apply(was)
	if notes := string(files["a"+knowledge.NotesSuffix]); err != nil || !strings.Contains(notes, "ask: [夜里能走吗]\n") || strings.Count(notes, "半夜开不开") != 1 {
		t.Errorf("%v\n%s", err, notes)
	}
}

func TestClearOfNothing(t *testing.T) {
	c := newClassroom(t, 1)
	if _, err := c.desk.Clear(t.Context(), "NONE", "lin"); !errors.Is(err, ErrUnknown) {
		t.Errorf("an unknown proposal: %v", err)
	}
	c.says("lin", "/教 优先通关实现方式 1 蓝鲸通道怎么走")
	p := c.judged()
	if _, err := c.desk.Clear(t.Context(), p.ID, "wang"); !errors.Is(err, ErrNothing) {
		t.Errorf("nothing stands in the way: %v", err)
	}
}

// lasting is a publisher whose gate takes long.
type lasting struct {
	*inMemory
	begun, end chan struct{}
}

func (p lasting) Gate(ctx context.Context, _, _ *knowledge.Library, progress func(asked, all int)) ([]Difference, error) {
	progress(1, 2)
	close(p.begun)
	if _, limited := ctx.Deadline(); limited {
		return nil, context.DeadlineExceeded // as on a machine that is too busy
	}
	<-p.end
	return nil, ctx.Err()
}

// TestAGateTakesAsLongAsItTakes, counts as being at work as long as it says so, and ends
// with the desk.
func TestAGateTakesAsLongAsItTakes(t *testing.T) {
	c := newClassroom(t, 1)
	p := lasting{c.publisher, make(chan struct{}), make(chan struct{})}
	now := c.desk.o.Now()
	d := New(c.store, p, Options{People: 1, Now: func() time.Time { return now }})
	passage, _ := library(t).Passage("aeo-incentives/优先通关实现方式/1")
	made, err := d.Propose(t.Context(), "", Ask(passage, "蓝鲸通道怎么走", "lin"))
	if err != nil {
		t.Fatal(err)
	}
	<-p.begun
	now = now.Add(2 * judgeAlive)
	if _, err := d.Approve(t.Context(), made.ID, Approval{Who: "lin"}); !errors.Is(err, ErrJudging) {
		t.Errorf("while the gate is at it: %v", err)
	}
	close(p.end)
	d.work.Wait()
	if made, err = d.Proposal(t.Context(), made.ID); err != nil || !made.Judged || made.Trouble != "" {
		t.Errorf("%+v, %v", made, err)
	}
	if _, err := d.Approve(t.Context(), made.ID, Approval{Who: "lin"}); err != nil {
		t.Error(err)
	}
	d.Close()
}
