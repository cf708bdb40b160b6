package desk

import (
	"context"
	"errors"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

var errAway = errors.New("away")

// faults has the n-th call that comes with its context fail.
type faults struct{ calls, nth int }

type faultsKey struct{}

func (f *faults) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, faultsKey{}, f)
}

// next is the fault of a call; what goes on in the background has none.
func next(ctx context.Context) error {
	f, _ := ctx.Value(faultsKey{}).(*faults)
	if f == nil {
		return nil
	}
	if f.calls++; f.calls == f.nth {
		return errAway
	}
	return nil
}

// faultyStore fails as faults say.
type faultyStore struct{ Store }

func (s faultyStore) Get(ctx context.Context, kind, id string) (bot.Item, error) {
	if err := next(ctx); err != nil {
		return bot.Item{}, err
	}
	return s.Store.Get(ctx, kind, id)
}

func (s faultyStore) Put(ctx context.Context, kind, id string, data []byte, was uint64, keep time.Duration) error {
	if err := next(ctx); err != nil {
		return err
	}
	return s.Store.Put(ctx, kind, id, data, was, keep)
}

// TestAStoreThatFails in the middle of a decision: whichever call it is, either it was decided
// and is found so, or the error is said and nothing is in force.
func TestAStoreThatFails(t *testing.T) {
	for name, try := range map[string]struct {
		do   func(ctx context.Context, d *decisions, p Proposal) (Proposal, error)
		done func(p Proposal) bool
	}{
		"propose": {
			func(ctx context.Context, d *decisions, _ Proposal) (Proposal, error) {
				return d.desk.Propose(ctx, "", d.ask("黑鲸窗口怎么走"))
			},
			func(p Proposal) bool { return p.Title != "" },
		},
		"propose a file": {
			func(ctx context.Context, d *decisions, _ Proposal) (Proposal, error) {
				return d.desk.Propose(ctx, "", Proposal{Title: "放进一份文章", Author: "lin", Changes: []Change{another}})
			},
			func(p Proposal) bool { return p.Title != "" && p.Trouble == "" },
		},
		"propose again": {
			func(ctx context.Context, d *decisions, _ Proposal) (Proposal, error) {
				if _, err := d.desk.Propose(t.Context(), "m1", d.ask("黑鲸窗口怎么走")); err != nil {
					t.Fatal(err)
				}
				p, err := d.desk.Propose(ctx, "m1", d.ask("黑鲸窗口怎么走"))
				if len(d.audit) != 1 {
					t.Errorf("taken down %q", d.audit)
				}
				return p, err
			},
			func(p Proposal) bool { return p.Title != "" },
		},
		"reject after a death": {
			func(ctx context.Context, d *decisions, p Proposal) (Proposal, error) {
				p.Claim = &Claim{Who: "zhao", Number: 2, Sum: "never published"}
				if err := d.desk.save(t.Context(), &p, proposalKeep); err != nil {
					t.Fatal(err)
				}
				return d.desk.Reject(ctx, p.ID, "wang", "不要")
			},
			func(p Proposal) bool { return p.Rejected == "wang" },
		},
		"approve": {
			func(ctx context.Context, d *decisions, p Proposal) (Proposal, error) {
				state, _ := d.publisher.InForce()
				return d.desk.Approve(ctx, p.ID, Approval{Who: "wang", Way: ByConsole, Shown: p.key(state)})
			},
			func(p Proposal) bool { return p.Published == 2 && p.Approver == "wang" },
		},
		"reject": {
			func(ctx context.Context, d *decisions, p Proposal) (Proposal, error) {
				return d.desk.Reject(ctx, p.ID, "wang", "不要")
			},
			func(p Proposal) bool { return p.Rejected == "wang" },
		},
		"clear": {
			func(ctx context.Context, d *decisions, p Proposal) (Proposal, error) {
				return d.desk.Clear(ctx, p.ID, "wang")
			},
			func(p Proposal) bool { return p.Author == "wang" },
		},
	} {
		for nth := 1; ; nth++ {
			d := newDecisions(t, 2)
			d.desk.store = faultyStore{d.desk.store}
			p, f := d.inTheWay(), &faults{nth: nth}
			got, err := try.do(f.with(t.Context()), d, p)
			state, _ := d.publisher.InForce()
			if err != nil && (!errors.Is(err, errAway) || state.Number != 1) {
				t.Errorf("%s: call %d fails: %v, version %d is in force", name, nth, err, state.Number)
			}
			if err == nil {
				if err := d.desk.Tend(t.Context()); err != nil { // what could not be noted is found out
					t.Error(err)
				}
				d.desk.work.Wait()
				if kept := d.stored(got.ID); !try.done(got) || !try.done(kept) {
					t.Errorf("%s: call %d fails, and nobody is told: %+v, kept is %+v", name, nth, got, kept)
				}
			}
			if f.calls < nth {
				break
			}
		}
	}
}

// another is a file that was not there.
var another = Change{File: "b.txt", Data: []byte("另一份办法\n2026-11-01\n\n一、别的\n1、乙丙丁\n")}

// inTheWay is a proposal that the gate has been through, and something to be taken out of its
// way.
func (d *decisions) inTheWay() Proposal {
	d.Helper()
	const ask = "黄鲸窗口怎么走"
	state, p := d.puts(ask), d.ask("蓝鲸窗口怎么走")
	p.From, p.Base, p.Judged = origin(""), state.Number, true
	p.Notices = []Notice{{Text: "挡在前面", Clear: []Change{{File: "a" + knowledge.NotesSuffix, Edit: &curate.Edit{Section: "通关", Number: 3, Ask: ask, Remove: true}}}}}
	p.Changes = append(p.Changes, another)
	err := d.desk.keepFiles(d.Context(), &p)
	if _, lost := d.desk.enter(d.Context(), &p); errors.Join(err, lost) != nil {
		d.Fatal(err, lost)
	}
	return d.stored(p.ID)
}

// TestKnowledgeThatCannotBeRead decides nothing, and says why.
func TestKnowledgeThatCannotBeRead(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.inTheWay()
	v, err := d.desk.View(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	d.audit = nil
	for _, away := range []*bool{&d.publisher.noState, &d.publisher.noRead} {
		*away = true
		for name, err := range map[string]error{
			"propose": errorOf(d.desk.Propose(t.Context(), "", Proposal{Title: "放进一份文章", Author: "lin", Changes: []Change{{File: "b.txt", Data: []byte("二\n\n一、甲\n1、乙丙丁\n")}}})),
			"approve": errorOf(d.desk.Approve(t.Context(), p.ID, Approval{Who: "wang", Way: ByConsole, Shown: v.Key})),
			"clear":   errorOf(d.desk.Clear(t.Context(), p.ID, "wang")),
		} {
			if !errors.Is(err, errAway) {
				t.Errorf("%s: %v", name, err)
			}
		}
		*away = false
	}
	claimed := p
	claimed.Claim = &Claim{Who: "zhao", Number: 1, Sum: "of other files"}
	d.publisher.noState = true
	for _, away := range []*bool{&d.publisher.noState, &d.publisher.noOld} {
		*away = true
		late := claimed
		if err := d.desk.resolve(t.Context(), &late); !errors.Is(err, errAway) {
			t.Errorf("a claim is resolved: %v", err)
		}
		if _, err := d.desk.Propose(t.Context(), "", Proposal{Title: "恢复版本 0", Author: "lin", Back: true}); !errors.Is(err, errAway) {
			t.Errorf("what is to come back: %v", err)
		}
		*away = false
	}
	if got := d.stored(p.ID); !got.Waits() || got.Author != "lin" || got.Claim != nil || len(d.publisher.record) > 0 || len(d.audit) > 0 {
		t.Errorf("%+v, record %+v, taken down %q", got, d.publisher.record, d.audit)
	}
}

// leaving is a store whose asker gives up while a claim is looked at.
type leaving struct {
	Store
	leave context.CancelFunc
}

func (s leaving) Get(ctx context.Context, kind, id string) (bot.Item, error) {
	item, err := s.Store.Get(ctx, kind, id)
	if kind == claims {
		s.leave()
	}
	return item, err
}

// TestWhoGivesUpWaiting for another's decision is let go.
func TestWhoGivesUpWaiting(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	if err := d.desk.store.Put(t.Context(), claims, p.ID, []byte("zhao"), 0, time.Hour); err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	d.desk.store = leaving{d.desk.store, leave}
	_, err := d.desk.Reject(ctx, p.ID, "wang", "不要")
	d.refused("called off", p, err, context.Canceled)
}

// TestNotesThatAreNotRightAreNotProposed; beside an article what is doubtful is shown, and only
// what nobody may publish is refused.
func TestNotesThatAreNotRightAreNotProposed(t *testing.T) {
	d := newDecisions(t, 2)
	state, _ := d.publisher.InForce()
	notes := Change{File: "a" + knowledge.NotesSuffix, Data: []byte("document: a\nunheard: 1\n")}
	article := Change{File: "a.txt", Was: Digest(state.Files["a.txt"]), Data: []byte(second)}
	address := Change{File: "a" + knowledge.NotesSuffix, Data: []byte("document: a\nurl: javascript:alert(1)\n")}
	for name, tt := range map[string]struct {
		changes []Change
		want    error
	}{
		"doubtful notes":                  {[]Change{notes}, ErrNotes},
		"beside an article":               {[]Change{article, notes}, nil},
		"an address that nobody may show": {[]Change{article, address}, ErrNotes},
	} {
		d.audit = nil
		p, err := d.desk.Propose(t.Context(), "", Proposal{Title: name, Author: "lin", Changes: tt.changes})
		if !errors.Is(err, tt.want) || (tt.want == nil) != (p.ID != "" && len(p.Findings) == 1) || (len(d.audit) == 1) != (tt.want == nil) {
			t.Errorf("%s: %v, want %v; findings %q, taken down %q", name, err, tt.want, p.Findings, d.audit)
		}
		d.desk.work.Wait()
	}
}

// TestGoingBackToDoubtfulNotes is refused by nobody: it was published once.
func TestGoingBackToDoubtfulNotes(t *testing.T) {
	d := newDecisions(t, 2)
	state, _ := d.publisher.InForce()
	doubtful := map[string][]byte{"a.txt": state.Files["a.txt"], "a" + knowledge.NotesSuffix: []byte("document: a\nunheard: 1\n")}
	if err := errors.Join(d.publisher.put(1, doubtful), d.publisher.put(2, state.Files)); err != nil {
		t.Fatal(err)
	}
	p, err := d.desk.Propose(t.Context(), "", Proposal{Title: "恢复版本 1", Author: "lin", Back: true, Of: 1})
	if err != nil || len(p.Findings) != 1 {
		t.Errorf("%v, findings %q", err, p.Findings)
	}
}
