package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"aeobot/bot"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// publishes puts another state in force, as another replica does: an ask for a measure.
func (r *replicas) publishes(ask string) {
	r.Helper()
	state, err := r.publisher.InForce()
	if err != nil {
		r.Fatal(err)
	}
	passage, _ := state.Library.Passage("aeo-incentives/海关直接激励措施/8")
	p := Ask(passage, ask, "other")
	files, err := p.apply(state)
	if err != nil {
		r.Fatal(err)
	}
	if err := r.publisher.inMemory.Publish(r.Context(), state.Number+1, Publication{}, files); err != nil {
		r.Fatal(err)
	}
}

// tends has replicas see to the proposals until nothing is under way.
func (r *replicas) tends(all ...*Desk) {
	r.Helper()
	for range 2 { // what is judged in the first round is told of in the second
		for _, d := range all {
			if err := d.Tend(r.Context()); err != nil {
				r.Fatal(err)
			}
			d.work.Wait()
		}
	}
}

func (r *replicas) stage(d *Desk, id string) Proposal {
	r.Helper()
	p, err := d.Proposal(r.Context(), id)
	if err != nil {
		r.Fatal(err)
	}
	return p
}

// TestAProposalJudgesItselfAgain when another state came into force, whichever replica is at
// it, and once, however often somebody presses.
func TestAProposalJudgesItselfAgain(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			r := newReplicas(t, s)
			gates := 0
			r.publisher.judging = func() { gates++ }
			p := r.proposed("蓝鲸通道怎么走")
			r.publishes("别的问法怎么说")
			if got := r.stage(r.b, p.ID); got.Stage != StageStale || got.Advice() == "" {
				t.Errorf("another state is in force: %s, %s, %q", got.Stage, got.Says(), got.Advice())
			}
			if got := r.says(r.b, "wang", "/待准"); !strings.Contains(got, r.stage(r.a, p.ID).Says()) {
				t.Errorf("the list does not say %q: %s", r.stage(r.a, p.ID).Says(), got)
			}
			r.tends(r.a, r.b)
			if got := r.stage(r.b, p.ID); got.Stage != StagePassed || got.Base != 1 || gates != 2 {
				t.Errorf("%s against version %d, %d gates; want passed against 1, by a second gate", got.Stage, got.Base, gates)
			}
			for range 3 { // judged it is: there is nothing to judge
				if _, err := r.a.Rejudge(t.Context(), p.ID); err != nil {
					t.Error(err)
				}
				r.tends(r.a, r.b)
			}
			if gates != 2 {
				t.Errorf("pressing again began %d gates", gates-2)
			}
		})
	}
}

// TestAReplicaThatLagsDoesNotJudge what another has judged against a newer state.
func TestAReplicaThatLagsDoesNotJudge(t *testing.T) {
	p := Proposal{Judged: true, Base: 5}
	p.JudgedAt = New(nil, nil, Options{}).o.Now()
	if p.due(State{Number: 4}, p.JudgedAt) {
		t.Error("a moment after another judged it against version 5, one that has version 4 would judge it")
	}
	if !p.due(State{Number: 4}, p.JudgedAt.Add(2*lagging)) { // another chain was chosen
		t.Error("nobody ever judges it against the versions there are")
	}
}

// TestAGateThatIsCalledOff leaves the proposal waiting, not passed and not failed, and
// another replica judges it.
func TestAGateThatIsCalledOff(t *testing.T) {
	r := newReplicas(t, embedded(t))
	begun := make(chan struct{})
	r.publisher.judging = func() {
		close(begun)
		<-r.a.ctx.Done() // replica a is stopped meanwhile
	}
	p := r.proposes("蓝鲸通道怎么走")
	<-begun
	r.a.Close()
	got := r.stage(r.b, p.ID)
	if got.Stage != StageWaiting || got.Judged || got.Trouble != "" {
		t.Errorf("%s (%s), judged %t", got.Stage, got.Says(), got.Judged)
	}
	if v, err := r.b.View(t.Context(), p.ID); err != nil || v.Says() != "等评测" {
		t.Errorf("its page says %q, %v", v.Says(), err)
	}
	r.publisher.judging = nil
	r.tends(r.b)
	if got := r.stage(r.b, p.ID); got.Stage != StagePassed {
		t.Errorf("nobody took it over: %s", got.Stage)
	}
}

// TestADeadProposalSaysSo and what to do; pressing starts no gate.
func TestADeadProposalSaysSo(t *testing.T) {
	r := newReplicas(t, embedded(t))
	notes, was, err := r.a.Notes("aeo-incentives")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := r.a.EditNotes("aeo-incentives", append(slices.Clone(notes), "# 一行\n"...), was, "Lin.Yue")
	if err != nil {
		t.Fatal(err)
	}
	made, err := r.a.Propose(t.Context(), "", whole)
	if err != nil {
		t.Fatal(err)
	}
	r.a.work.Wait()
	r.publishes("别的问法怎么说")
	gates := 0
	r.publisher.judging = func() { gates++ }
	r.tends(r.a, r.b)
	got := r.stage(r.b, made.ID)
	if got.Stage != StageDead || !strings.Contains(got.Says(), "被改过") || !strings.Contains(got.Advice(), "重新提议") {
		t.Errorf("%s: %s, %s", got.Stage, got.Says(), got.Advice())
	}
	for _, text := range []string{"/准 " + made.ID, "/待准"} {
		if said := r.says(r.b, "wang", text); !strings.Contains(said, got.Says()) || !strings.Contains(said, got.Advice()) {
			t.Errorf("%s: %s", text, said)
		}
	}
	if _, err := r.b.Rejudge(t.Context(), made.ID); !errors.Is(err, ErrDead) || gates > 0 {
		t.Errorf("rejudged: %v, %d gates", err, gates)
	}
	if got := r.says(r.b, "Lin.Yue", "/否 "+made.ID); !strings.Contains(got, "已作废") {
		t.Errorf("%s", got)
	}
}

// TestGoingBackIsConfirmedAsShown: it waits for no gate; and when another state came into
// force since it was shown, it is shown anew instead of going back further.
func TestGoingBackIsConfirmedAsShown(t *testing.T) {
	r := newReplicas(t, embedded(t))
	r.publishes("问法一怎么说")
	r.publishes("问法二怎么说")
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	r.publisher.judging = func() { <-hold } // the gate never ends
	p, err := r.a.Propose(t.Context(), "", Proposal{Title: "恢复版本 1", Author: "Lin.Yue", Reason: "试", Back: true, Of: 1})
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.b.View(t.Context(), p.ID)
	if err != nil || len(v.Diff.Changes) != 1 {
		t.Fatalf("%+v, %v", v.Diff, err)
	}
	first := r.says(r.b, "wang", "/准 "+p.ID)
	if !strings.Contains(first, "还没有发布") || !strings.Contains(first, "问法二怎么说") || r.versions() != 2 {
		t.Errorf("first: %s", first)
	}
	r.publishes("问法三怎么说")
	second := r.says(r.b, "wang", "/准 "+p.ID)
	if !strings.Contains(second, "还没有发布") || !strings.Contains(second, "问法三怎么说") || r.versions() != 3 {
		t.Errorf("it goes back further than what was shown: %s", second)
	}
	if _, err := r.b.Approve(t.Context(), p.ID, Approval{Who: "zhao", Way: ByConsole, Shown: v.Key}); !errors.Is(err, ErrShown) {
		t.Errorf("an old page: %v", err)
	}
	if v, err = r.b.View(t.Context(), p.ID); err != nil || v.Diff.Base != 3 {
		t.Errorf("shown anew: %+v, %v", v.Diff, err)
	}
	if third := r.says(r.b, "wang", "/准 "+p.ID); !strings.Contains(third, "已发布版本 4") {
		t.Errorf("third: %s", third)
	}
}

// TestAnAmendedProposalIsShownAnew: what somebody was shown counts for that alone.
func TestAnAmendedProposalIsShownAnew(t *testing.T) {
	r := newReplicas(t, embedded(t))
	p := r.proposed("蓝鲸通道怎么走")
	v, err := r.b.View(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	p.Changes = append(p.Changes, Change{File: p.Changes[0].File, Edit: &curate.Edit{Section: "海关直接激励措施", Number: 5, Ask: "申请免担保", Remove: true}})
	state, err := r.publisher.InForce()
	if err != nil {
		t.Fatal(err)
	}
	diff, err := r.a.prepare(t.Context(), state, &p)
	p.Judged = true
	if err := errors.Join(err, r.a.save(t.Context(), &p, proposalKeep), r.a.keepDiff(t.Context(), p.ID, diff)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.b.Approve(t.Context(), p.ID, Approval{Who: "wang", Way: ByConsole, Shown: v.Key}); !errors.Is(err, ErrShown) {
		t.Errorf("the page of before: %v", err)
	}
	if _, err := r.b.Approve(t.Context(), p.ID, Approval{Who: "wang", Way: ByConsole}); !errors.Is(err, ErrShown) {
		t.Errorf("no page at all: %v", err)
	}
	if got := r.says(r.b, "wang", "/准 "+p.ID); !strings.Contains(got, "还没有发布") || !strings.Contains(got, "申请免担保") {
		t.Errorf("in the chat: %s", got)
	}
	if got := r.says(r.b, "wang", "/准 "+p.ID); !strings.Contains(got, "已发布版本 1") {
		t.Errorf("once more: %s", got)
	}
}

// mailbox takes what is pushed and what the group is told.
type mailbox struct {
	*testing.T
	said []string
	ids  map[string]bool
}

func (m *mailbox) Reach(bot.Address) (bot.Surface, bool) { return bot.Surface{}, true }

func (m *mailbox) Push(_ context.Context, id string, to bot.Address, pages []string) (fresh, over bool, err error) {
	if m.ids[id] {
		return false, true, nil
	}
	m.ids[id] = true
	m.said = append(m.said, string(to.Asker)+to.Chat+"："+strings.Join(pages, ""))
	return true, false, nil
}

// TestPeopleAreTold that a proposal waits, how its gate ended, who confirmed it and why it was
// taken away: each once, whichever replica does it.
func TestPeopleAreTold(t *testing.T) {
	r := newReplicas(t, embedded(t))
	m := &mailbox{T: t, ids: map[string]bool{}}
	for _, d := range []*Desk{r.a, r.b} {
		d.o.Pusher = func(string) bot.Pusher { return m }
		d.o.Link = func(path string) string { return "https://aeo.example" + path }
		d.o.Notify = func(_ context.Context, id, text string) error {
			if !m.ids["group"+id] {
				m.ids["group"+id] = true
				m.said = append(m.said, "群："+text)
			}
			return nil
		}
	}
	told := func(wants ...string) {
		t.Helper()
		r.tends(r.a, r.b, r.a)
		all := m.said
		m.said = nil
		for _, want := range wants {
			if !slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, want) }) {
				t.Errorf("nobody read %q, but %q", want, all)
			}
		}
		if len(all) != len(wants) {
			t.Errorf("%d messages, want %d: %q", len(all), len(wants), all)
		}
	}
	p := r.proposed("蓝鲸通道怎么走")
	told("群：**提议 "+p.ID+" 等确认：评测通过**", "Lin.Yue：您的提议 "+p.ID)
	r.says(r.b, "zhao", "/否 "+p.ID)
	if got := r.stage(r.a, p.ID); got.Rejected != "" {
		t.Error("another's was taken away without a reason")
	}
	r.says(r.b, "zhao", "/否 "+p.ID+" 这条已经有了")
	told("Lin.Yue：您的提议 " + p.ID + "（教：“蓝鲸通道怎么走” → 优先通关实现方式第1条）已由 zhao 作废，没有发布。理由：这条已经有了")
	if all, err := r.a.Proposals(t.Context()); err != nil || len(all) != 1 || all[0].Why != "这条已经有了" {
		t.Errorf("it is not kept: %+v, %v", all, err)
	}
	p = r.proposed("白鲸通道怎么走")
	told("群：", "/console/proposals/"+p.ID)
	r.says(r.b, "wang", "/准 "+p.ID)
	told("已由 wang 确认，发布为版本 1")
	p = r.proposed("灰鲸通道怎么走")
	told("群：", "Lin.Yue：")
	r.says(r.b, "Lin.Yue", "/否 "+p.ID) // one's own
	told()
}

// TestNotesOfAnotherTextAreNamed: a new edition carries notes on that were written for other
// words under the same numbers.
func TestNotesOfAnotherTextAreNamed(t *testing.T) {
	const notes = "document: a\nsections:\n  - heading: 安排\n    measures:\n      - number: 1\n        ask: [夜里能走吗]\n      - number: 3\n        ask: [周末能走吗]\n"
	read := func(text string) *knowledge.Library {
		t.Helper()
		l, err := knowledge.LoadFiles(map[string][]byte{"a.txt": []byte("办法\n2026-11-01\n\n一、安排\n" + text), "a" + knowledge.NotesSuffix: []byte(notes)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	was := read("1、蓝鲸通道二十四小时开放\n2、白鲸窗口免排队\n3、周末也开放\n")
	for text, want := range map[string]int{
		"1、蓝鲸通道二十四小时开放\n2、白鲸窗口要排队\n3、周末也开放\n":           0, // what has changed has no notes
		"1、码头只收整箱\n2、蓝鲸通道二十四小时开放\n3、白鲸窗口免排队\n4、周末也开放\n": 2,
		"1、蓝鲸通道二十四小时开放\n2、白鲸窗口免排队\n3、周末不开放\n":           1,
	} {
		review, err := ReviewOf(t.Context(), &shelfOfStates{}, was, State{Library: read(text)}, "")
		if err != nil || len(review.Notices) != want || want > 0 && !strings.Contains(fmt.Sprint(review.Notices), "还是为旧的写的") {
			t.Errorf("%q: %v, %v; want %d notices", text, review.Notices, err, want)
		}
	}
}

// TestWhoConfirmsSeesWhatTheyConfirm: the measure's words, what is answered before and after,
// and a warning of nonsense that is learnt all the same.
func TestWhoConfirmsSeesWhatTheyConfirm(t *testing.T) {
	for question, want := range map[string]struct {
		notice  bool
		missing string
	}{"蓝鲸通道怎么走": {false, "蓝鲸"}, "噼里啪啦咕噜咕噜": {true, "咕噜"}, "食堂的红烧肉": {true, "红烧肉"}} {
		r := newReplicas(t, embedded(t))
		p := r.proposed(question)
		v, err := r.b.View(t.Context(), p.ID)
		if err != nil || len(v.Diff.Answers) != 1 {
			t.Fatalf("%s: %+v, %v", question, v.Diff.Answers, err)
		}
		a := v.Diff.Answers[0]
		if !strings.Contains(a.Words, "叫号通道") || strings.Contains(a.Before, "叫号通道") || !strings.Contains(a.After, "叫号通道") || !strings.Contains(strings.Join(a.Missing, ""), want.missing) {
			t.Errorf("%s: %+v", question, a)
		}
		if got := slices.ContainsFunc(p.Notices, func(n Notice) bool { return strings.Contains(n.Text, "没有一个词相同") }); got != want.notice {
			t.Errorf("%s: notices %+v, want one %t", question, p.Notices, want.notice)
		}
	}
}
