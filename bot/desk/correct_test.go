package desk

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// recalled is a bench where version 1 took back what member was given.
func recalled(t *testing.T) *recallBench {
	t.Helper()
	b := newRecallBench(t, embedded(t))
	zero, _ := b.publisher.At(0)
	*b.given = givenList{given(t, zero, member, 2)}
	b.publisher.add(t, second)
	b.takeBack(1)
	return b
}

// tend looks after the recalls, and waits.
func (b *recallBench) tend() {
	b.Helper()
	if err := b.desk.TendRecalls(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.desk.work.Wait()
}

// send decides that the corrections go out, and waits until they are promised.
func (b *recallBench) send(id string) {
	b.Helper()
	if _, err := b.desk.SendRecall(b.Context(), id, "lin"); err != nil {
		b.Fatal(err)
	}
	b.desk.work.Wait()
}

// TestNobodyIsCorrectedUndecided, nor when it was decided that nobody is; and that is taken
// down.
func TestNobodyIsCorrectedUndecided(t *testing.T) {
	b := recalled(t)
	b.tend()
	for range 2 {
		if err := b.desk.DropRecall(t.Context(), "1", "lin"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.desk.SendRecall(t.Context(), "1", "lin"); !errors.Is(err, ErrDecided) {
		t.Errorf("sent after all: %v", err)
	}
	b.tend()
	if b.speaker.said() != 0 {
		t.Errorf("said %v", b.speaker.texts)
	}
	if r := b.recall("1"); r.State != RecallDropped || r.By != "lin" || !slices.Equal(b.audit, []string{"lin recall dropped 版本 1 的更正"}) {
		t.Errorf("%+v, taken down %q", r, b.audit)
	}
}

// TestACorrectionIsPromisedOnce, however often it is seen to, and what became of it is kept.
func TestACorrectionIsPromisedOnce(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want ChatState
	}{{nil, ChatSent}, {bot.ErrCannot, ChatCannot}, {errors.New("refused"), ChatFailed}} {
		b := recalled(t)
		b.send("1")
		b.tend()
		b.tend()
		if b.speaker.said() != 1 || !slices.Equal(b.audit, []string{"lin recall sent 版本 1 的更正，1 个会话"}) {
			t.Fatalf("said %v, taken down %q", b.speaker.texts, b.audit)
		}
		for id := range b.speaker.all() {
			b.desk.Pushed(bot.Outcome{ID: id, Err: tt.err})
		}
		b.desk.work.Wait()
		if r := b.recall("1"); r.Chats[0].State != tt.want || (r.Chats[0].Reason == "") != (tt.err == nil) {
			t.Errorf("%v: %+v", tt.err, r.Chats)
		}
	}
}

// TestWhatWasBroughtBackIsNotCorrected.
func TestWhatWasBroughtBackIsNotCorrected(t *testing.T) {
	b := recalled(t)
	b.publisher.add(t, first)
	b.send("1")
	if r := b.recall("1"); b.speaker.said() != 0 || r.Chats[0].State != ChatCannot || r.Chats[0].Reason != reasonMoot {
		t.Errorf("said %v, %+v", b.speaker.texts, r.Chats)
	}
}

// TestAVersionIsRecalledOnce, whoever looks at it; and one of another chain by itself.
func TestAVersionIsRecalledOnce(t *testing.T) {
	b := recalled(t)
	at := time.Date(2026, 11, 25, 8, 30, 0, 0, time.UTC)
	for _, of := range []string{"", "", "0123456789", "0123456789"} {
		if of != "" { // the first is of a release that kept no digest
			r := b.recall("1")
			r.Of = "another"
			if err := b.desk.saveRecall(t.Context(), &r); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.desk.TakeBack(t.Context(), 1, of, at); err != nil {
			t.Fatal(err)
		}
	}
	all, err := b.desk.Recalls(t.Context())
	if err != nil || len(all) != 2 {
		t.Errorf("%d recalls, %v", len(all), err)
	}
}

// TestOneReplicaIsAtAGate.
func TestOneReplicaIsAtAGate(t *testing.T) {
	s := embedded(t)
	a, b := New(s, nil, Options{}), New(s, nil, Options{})
	for range 2 {
		if !a.beginGate(t.Context(), "AAAA") || b.beginGate(t.Context(), "AAAA") || !b.beginGate(t.Context(), "BBBB") {
			t.Error("two are at one gate, or none is")
		}
		a.endGate(t.Context(), "AAAA")
		b.endGate(t.Context(), "BBBB")
	}
}

// TestTheQueueOfTheGateIsBounded, and a proposal waits in it once.
func TestTheQueueOfTheGateIsBounded(t *testing.T) {
	var g gates
	for i := range maxQueue {
		for range 2 {
			if start, err := g.add(fmt.Sprint(i)); err != nil || start && i > 0 {
				t.Errorf("%d: %t, %v", i, start, err)
			}
		}
	}
	if _, err := g.add("more"); !errors.Is(err, ErrBusy) {
		t.Errorf("one more: %v", err)
	}
	for i := range maxQueue {
		if id := g.next(); id != fmt.Sprint(i) {
			t.Errorf("%d is %s's turn", i, id)
		}
	}
	if g.next() != "" {
		t.Error("somebody waits on")
	}
}

// TestWhatIsTakenOutIsTakenDown: the proposal counts as theirs who had it taken out, and
// another confirms it.
func TestWhatIsTakenOutIsTakenDown(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.inTheWay()
	d.audit = nil
	got, err := d.desk.Clear(t.Context(), p.ID, "wang")
	if err != nil || got.Author != "wang" || len(got.Changes) != 3 || got.Judged {
		t.Fatalf("%+v, %v", got, err)
	}
	if want := "wang|amend|" + p.ID + " " + p.Title; !slices.Equal(d.audit, []string{want}) {
		t.Errorf("taken down %q, want %q", d.audit, want)
	}
	d.desk.work.Wait()
	if _, err := d.approves(p.ID, "wang", ""); !errors.Is(err, ErrSelf) {
		t.Errorf("who had it taken out confirms: %v", err)
	}
	if got, err := d.approves(p.ID, "lin", ""); err != nil || got.Published != 2 {
		t.Errorf("another: %+v, %v", got, err)
	}
}

// TestWhatIsTakenOutIsNamed as people know it.
func TestWhatIsTakenOutIsNamed(t *testing.T) {
	for want, e := range map[string]*curate.Edit{
		"没有写的话题“互认国家名单”的问法“哪些国家”": {Topic: "互认国家名单", Ask: "哪些国家", Remove: true},
		"“设立专用窗口”的问法“哪些国家”":       {Starts: "设立专用窗口", Ask: "哪些国家", Remove: true},
		"通关第3条的问法“哪些国家”":          {Section: "通关", Number: 3, Ask: "哪些国家", Remove: true},
		"通关的问法“哪些国家”":             {Section: "通关", Ask: "哪些国家", Remove: true},
	} {
		if got := (Change{File: "a" + knowledge.NotesSuffix, Edit: e}).Clears(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// TestAMarkIsTakenDown with who, the question and why.
func TestAMarkIsTakenDown(t *testing.T) {
	b := newRecallBench(t, embedded(t))
	if err := b.desk.Mark(t.Context(), Row{Key: "k", Question: "q"}, Mark{State: Rejected, By: "lin", Note: "不归我们管"}); err != nil {
		t.Fatal(err)
	}
	if len(b.audit) != 1 || !strings.HasPrefix(b.audit[0], "lin question rejected k") || !strings.Contains(b.audit[0], "不归我们管") {
		t.Errorf("taken down %q", b.audit)
	}
}
