package desk

import (
	"context"
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

// gated is a publisher whose gate finds what the test says. It keeps what was published.
type gated struct {
	shelfOfStates
	worse     []Difference // what the gate finds
	fault     error        // why the gate cannot be run
	hold      chan struct{}
	record    []Publication
	meanwhile func()       // before something is published
	refuse    func() error // why it is not published
	noState   bool         // the state in force cannot be had
	noRead    bool         // nor can files be read
	noOld     bool         // nor earlier states
}

func (p *gated) Gate(ctx context.Context, _, _ *knowledge.Library, _ func(int, int)) ([]Difference, error) {
	if p.hold != nil {
		select {
		case <-p.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return p.worse, p.fault
}

func (p *gated) InForce() (State, error) {
	if p.noState {
		return State{}, errAway
	}
	return p.shelfOfStates.InForce()
}

func (p *gated) At(number int) (State, error) {
	if p.noOld {
		return State{}, errAway
	}
	return p.shelfOfStates.At(number)
}

func (p *gated) Read(files map[string][]byte) (*knowledge.Library, error) {
	if p.noRead {
		return nil, errAway
	}
	return p.shelfOfStates.Read(files)
}

func (p *gated) Publish(_ context.Context, number int, of Publication, files map[string][]byte) error {
	if do := p.meanwhile; do != nil {
		p.meanwhile = nil
		do()
	}
	if p.refuse != nil {
		return p.refuse()
	}
	if err := p.put(number, files); err != nil {
		return err
	}
	p.record = append(p.record, of)
	return nil
}

// put has a state come into force, as by another replica.
func (p *gated) put(number int, files map[string][]byte) error {
	l, err := p.Read(files)
	if err != nil {
		return err
	}
	return p.push(State{number, files, l})
}

// decisions is a desk where lin proposes and wang decides.
type decisions struct {
	*testing.T
	desk      *Desk
	publisher *gated
	audit     []string
	now       time.Time
}

func newDecisions(t *testing.T, people int) *decisions {
	d := &decisions{T: t, publisher: &gated{}, now: time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)}
	d.publisher.add(t, first)
	d.desk = New(embedded(t), d.publisher, Options{People: people, Coordinators: []string{"lin", "wang"},
		Now: func() time.Time { return d.now },
		Audit: func(_ context.Context, who, what, object string) error {
			d.audit = append(d.audit, strings.Join([]string{who, what, object}, "|"))
			return nil
		}})
	t.Cleanup(d.desk.Close)
	return d
}

// ask is a proposal of lin's that is not made yet.
func (d *decisions) ask(question string) Proposal {
	d.Helper()
	state, err := d.publisher.InForce()
	if err != nil {
		d.Fatal(err)
	}
	passage, _ := state.Library.Passage("a/通关/1")
	return Ask(passage, question, "lin")
}

// proposes makes a proposal of lin's, and does not wait for its gate.
func (d *decisions) proposes(question string) Proposal {
	d.Helper()
	p, err := d.desk.Propose(d.Context(), "", d.ask(question))
	if err != nil {
		d.Fatal(err)
	}
	return p
}

// judged makes a proposal of lin's that the gate has been through.
func (d *decisions) judged(question string) Proposal {
	d.Helper()
	p := d.proposes(question)
	d.desk.work.Wait()
	return d.stored(p.ID)
}

func (d *decisions) stored(id string) Proposal {
	d.Helper()
	p, err := d.desk.Proposal(d.Context(), id)
	if err != nil {
		d.Fatal(err)
	}
	return p
}

// approves confirms what stands on the proposal's page.
func (d *decisions) approves(id, who, override string) (Proposal, error) {
	d.Helper()
	v, err := d.desk.View(d.Context(), id)
	if err != nil {
		d.Fatal(err)
	}
	return d.desk.Approve(d.Context(), id, Approval{Who: who, Way: ByConsole, Override: override, Shown: v.Key})
}

// refused demands that a proposal is not published, for a reason.
func (d *decisions) refused(name string, p Proposal, err, want error) {
	d.Helper()
	state, lost := d.publisher.InForce()
	stored := d.stored(p.ID)
	if lost != nil || !errors.Is(err, want) || state.Number > 0 || len(d.publisher.record) > 0 || stored.Published > 0 || !stored.Waits() {
		d.Errorf("%s: %v, want %v; version %d is in force, the proposal is %+v", name, err, want, state.Number, stored)
	}
}

// puts has another state come into force, as by another replica.
func (d *decisions) puts(ask string) State {
	d.Helper()
	state, err := d.publisher.InForce()
	if err != nil {
		d.Fatal(err)
	}
	passage, _ := state.Library.Passage("a/通关/3")
	p := Ask(passage, ask, "other")
	files, err := p.apply(state)
	if err == nil {
		err = d.publisher.put(state.Number+1, files)
	}
	if err != nil {
		d.Fatal(err)
	}
	state, _ = d.publisher.InForce()
	return state
}

// TestASecondPersonPublishes: neither the author, however spelled and by whatever way, nor
// nobody; and the record names both.
func TestASecondPersonPublishes(t *testing.T) {
	for _, way := range []Way{ByChat, ByConsole} {
		d := newDecisions(t, 2)
		p := d.judged("蓝鲸窗口怎么走")
		v, err := d.desk.View(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, who := range []string{"lin", "Lin", "ｌｉｎ", " lin\u200b", "", "  "} {
			got, err := d.desk.Approve(t.Context(), p.ID, Approval{Who: who, Way: way, Shown: v.Key, Override: "有理由"})
			d.refused(fmt.Sprintf("%s: %q", way, who), p, err, ErrSelf)
			if got.ID != p.ID || got.Stage != StagePassed {
				t.Errorf("%q is not told how it stands: %+v", who, got)
			}
		}
		got, err := d.desk.Approve(t.Context(), p.ID, Approval{Who: "Wang", Way: way, Shown: v.Key})
		if err != nil || got.Published != 1 || got.Approver != "Wang" || got.Author != "lin" || got.Stage != StagePublished {
			t.Errorf("%s: another: %+v, %v", way, got, err)
		}
		want := Publication{Author: "lin", Approver: "Wang", Reason: p.Title, Way: way, Proposal: p.ID}
		if len(d.publisher.record) != 1 || d.publisher.record[0] != want {
			t.Errorf("the record says %+v, want %+v", d.publisher.record, want)
		}
		if stored := d.stored(p.ID); stored.Approver != "Wang" || stored.Published != 1 || stored.Claim != nil {
			t.Errorf("kept is %+v", stored)
		}
		if held, err := d.desk.store.Get(t.Context(), claims, p.ID); err != nil || held.Version > 0 {
			t.Errorf("the claim is held on: %v", err)
		}
	}
}

// TestOnePersonPublishes where one is enough, and the record names no other.
func TestOnePersonPublishes(t *testing.T) {
	d := newDecisions(t, 1)
	p := d.judged("蓝鲸窗口怎么走")
	got, err := d.approves(p.ID, "Lin", "")
	if err != nil || got.Published != 1 || got.Approver != "" || d.publisher.record[0].Approver != "" {
		t.Errorf("%+v, %v; record %+v", got, err, d.publisher.record)
	}
	if says := got.Outcome(); !strings.Contains(says, "已由 lin 确认，发布为版本 1") {
		t.Error(says)
	}
}

// TestTheReasonIsInTheRecord behind what a proposal does.
func TestTheReasonIsInTheRecord(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.ask("蓝鲸窗口怎么走")
	p.Reason = "客户常问"
	p, err := d.desk.Propose(t.Context(), "", p)
	if err != nil {
		t.Fatal(err)
	}
	d.desk.work.Wait()
	if _, err := d.approves(p.ID, "wang", ""); err != nil || d.publisher.record[0].Reason != p.Title+"：客户常问" {
		t.Errorf("%v, %+v", err, d.publisher.record)
	}
}

// TestWhatWasNotJudgedIsNotPublished: while the gate is at it nobody publishes, with no reason.
func TestWhatWasNotJudgedIsNotPublished(t *testing.T) {
	d := newDecisions(t, 2)
	d.publisher.hold = make(chan struct{})
	p := d.proposes("蓝鲸窗口怎么走")
	for range 3 {
		got, err := d.approves(p.ID, "wang", "等不及了")
		d.refused("the gate is at it", p, err, ErrJudging)
		if got.Stage != StageJudging && got.Stage != StageWaiting {
			t.Errorf("it is said to be %s", got.Stage)
		}
	}
	close(d.publisher.hold)
	d.desk.work.Wait()
	if got, err := d.approves(p.ID, "wang", ""); err != nil || got.Published != 1 {
		t.Errorf("judged: %+v, %v", got, err)
	}
}

// TestWhatWasJudgedAgainstAnOldStateIsNotPublished: it is judged against the one in force, by
// being confirmed, and counts then.
func TestWhatWasJudgedAgainstAnOldStateIsNotPublished(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	d.puts("别的问法怎么说")
	d.publisher.hold = make(chan struct{})
	if _, err := d.approves(p.ID, "wang", "有理由"); !errors.Is(err, ErrJudging) || len(d.publisher.record) > 0 {
		t.Errorf("%v, published %+v", err, d.publisher.record)
	}
	close(d.publisher.hold)
	d.desk.work.Wait()
	if got := d.stored(p.ID); got.Base != 1 || !got.Judged {
		t.Errorf("it was not judged again: %+v", got)
	}
	got, err := d.approves(p.ID, "wang", "")
	if err != nil || got.Published != 2 {
		t.Errorf("judged again: %+v, %v", got, err)
	}
	state, _ := d.publisher.InForce()
	if passage, _ := state.Library.Passage("a/通关/3"); !slices.Contains(passage.Notes.Ask, "别的问法怎么说") {
		t.Error("what came between is lost")
	}
}

// TestWhatIsInTroubleIsNotPublished: a gate that could not be run has passed nothing. To
// confirm has it run again.
func TestWhatIsInTroubleIsNotPublished(t *testing.T) {
	for fault, says := range map[error]string{errors.New("no memory"): "评测没有做成", fmt.Errorf("away: %w", ErrQuestions): "读不到大家问过的问题"} {
		d := newDecisions(t, 2)
		d.publisher.fault = fault
		p := d.judged("蓝鲸窗口怎么走")
		if p.Stage != StageFailed || !strings.Contains(p.Says(), says) || !strings.Contains(p.Advice(), "再评测一次") {
			t.Errorf("%s: %s, %s", p.Stage, p.Says(), p.Advice())
		}
		for range 2 {
			_, err := d.approves(p.ID, "wang", "有理由")
			d.desk.work.Wait()
			d.refused(says, p, err, ErrJudging)
		}
		d.publisher.fault = nil
		_, err := d.approves(p.ID, "wang", "")
		d.desk.work.Wait()
		d.refused("run again", p, err, ErrJudging)
		if got, err := d.approves(p.ID, "wang", ""); err != nil || got.Published != 1 {
			t.Errorf("judged at last: %+v, %v", got, err)
		}
	}
}

// TestWhatGetsWorseTakesAReasonOfAnother, which is in the record and in the audit log. Where
// nothing gets worse, none is.
func TestWhatGetsWorseTakesAReasonOfAnother(t *testing.T) {
	worse := []Difference{{ID: "v017", Question: "要交多少保证金"}}
	for people := 1; people <= 2; people++ {
		d := newDecisions(t, people)
		d.publisher.worse = worse
		p := d.judged("蓝鲸窗口怎么走")
		if p.Stage != StageWorse || len(p.Worse) != 1 {
			t.Fatalf("%+v", p)
		}
		for _, override := range []string{"", " \t"} {
			_, err := d.approves(p.ID, "wang", override)
			d.refused(fmt.Sprintf("%d people, another without a reason", people), p, err, ErrWorse)
		}
		_, err := d.approves(p.ID, "lin", "我说了算")
		d.refused(fmt.Sprintf("%d people, alone with a reason", people), p, err, ErrSelf)
		d.audit = nil
		if got, err := d.approves(p.ID, "wang", "那个问题要删"); err != nil || got.Published != 1 {
			t.Errorf("%d people: %+v, %v", people, got, err)
		}
		if r := d.publisher.record[0]; r.Override != "那个问题要删" || r.Approver != "wang" {
			t.Errorf("record %+v", r)
		}
		want := "wang|publish although worse|" + p.ID + " " + p.Title + " → 版本 1（控制台，作者 lin） 仍然发布：那个问题要删"
		if len(d.audit) != 1 || !strings.HasPrefix(d.audit[0], want) {
			t.Errorf("taken down %q, want %q", d.audit, want)
		}
	}
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	d.audit = nil
	if _, err := d.approves(p.ID, "wang", "没有必要的理由"); err != nil || d.publisher.record[0].Override != "" || strings.Contains(d.audit[0], "worse") {
		t.Errorf("nothing gets worse: %v, %+v, %q", err, d.publisher.record, d.audit)
	}
}

// TestWorseInTheChatIsShownFirst: a reason counts for what was read, not for what came after.
func TestWorseInTheChatIsShownFirst(t *testing.T) {
	d := newDecisions(t, 2)
	d.publisher.worse = []Difference{{ID: "v017", Question: "要交多少保证金"}}
	p := d.judged("蓝鲸窗口怎么走")
	says := func(text string) string {
		reply, _, _ := d.desk.Command(t.Context(), nil, bot.Message{Asker: "wang", Text: text})
		return reply
	}
	if got := says("/准 " + p.ID + " 仍然 先斩后奏"); !strings.Contains(got, "v017") || len(d.publisher.record) > 0 {
		t.Errorf("a reason for what nobody has read: %s", got)
	}
	if got := says("/准 " + p.ID + " 仍然 那个问题要删"); !strings.Contains(got, "已发布版本 1") || d.publisher.record[0].Override != "那个问题要删" {
		t.Errorf("with a reason after it was read: %s, %+v", got, d.publisher.record)
	}
	p = d.judged("白鲸窗口怎么走")
	if got := says("/准 " + p.ID); !strings.Contains(got, "v017") || len(d.publisher.record) != 1 {
		t.Errorf("without a reason: %s", got)
	}
	if got := says("/准 " + p.ID + " 仍然 这个也要删"); !strings.Contains(got, "已发布版本 2") {
		t.Errorf("what a refusal showed does not count: %s", got)
	}
}

// TestOnesOwnRollbackIsNotConfirmedAlone. Another's is the way out: it waits for no gate, and
// nothing that gets worse holds it up. It brings back the very files, and says so.
func TestOnesOwnRollbackIsNotConfirmedAlone(t *testing.T) {
	d := newDecisions(t, 2)
	old, _ := d.publisher.InForce()
	d.puts("问法一怎么说")
	d.publisher.worse = []Difference{{ID: "v017"}}
	p, err := d.desk.Propose(t.Context(), "", Proposal{Title: "恢复版本 0", Reason: "放错了", Author: "lin", Back: true, Of: 0})
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"lin", "LIN", ""} {
		if _, err := d.approves(p.ID, who, "急"); !errors.Is(err, ErrSelf) || len(d.publisher.record) > 0 {
			t.Errorf("%q confirms: %v, %+v", who, err, d.publisher.record)
		}
	}
	d.audit = nil
	got, err := d.approves(p.ID, "wang", "急")
	if err != nil || got.Published != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	want := Publication{Author: "lin", Approver: "wang", Reason: "恢复版本 0：放错了", Back: true, Way: ByConsole, Proposal: p.ID}
	if r := d.publisher.record; len(r) != 1 || r[0] != want {
		t.Errorf("record %+v, want %+v", r, want)
	}
	if state, _ := d.publisher.InForce(); !sameFiles(state.Files, old.Files) {
		t.Error("other files came back")
	}
	if line := "wang|publish|" + p.ID + " 恢复版本 0：放错了 → 版本 2（控制台，作者 lin）"; len(d.audit) != 1 || !strings.HasPrefix(d.audit[0], line) {
		t.Errorf("taken down %q, want %q", d.audit, line)
	}
}

// TestAStateThatComesBetween whoever confirms and the publishing is not written over: what was
// confirmed is judged against it first, and a rollback is shown anew.
func TestAStateThatComesBetween(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	d.publisher.meanwhile = func() { d.puts("别的问法怎么说") }
	if got, err := d.approves(p.ID, "wang", ""); !errors.Is(err, ErrJudging) || got.Claim != nil || got.Published > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	d.desk.work.Wait()
	if got := d.stored(p.ID); got.Base != 1 || got.Claim != nil || len(d.publisher.record) > 0 {
		t.Errorf("%+v, published %+v", got, d.publisher.record)
	}
	if got, err := d.approves(p.ID, "wang", ""); err != nil || got.Published != 2 {
		t.Errorf("judged again: %+v, %v", got, err)
	}
	back, err := d.desk.Propose(t.Context(), "", Proposal{Title: "恢复版本 1", Author: "lin", Back: true, Of: 1})
	if err != nil {
		t.Fatal(err)
	}
	d.publisher.meanwhile = func() { d.puts("又一个问法") }
	if got, err := d.approves(back.ID, "wang", ""); !errors.Is(err, ErrShown) || got.Claim != nil {
		t.Errorf("a rollback: %+v, %v", got, err)
	}
	if got, err := d.approves(back.ID, "wang", ""); err != nil || got.Published != 4 {
		t.Errorf("shown anew: %+v, %v", got, err)
	}
}

// TestAPublicationThatFails leaves the proposal waiting, held by nobody, and says why.
func TestAPublicationThatFails(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	full := errors.New("the disk is full")
	d.publisher.refuse = func() error { return full }
	d.audit = nil
	_, err := d.approves(p.ID, "wang", "")
	d.refused("the disk is full", p, err, full)
	if got := d.stored(p.ID); got.Claim != nil || got.Approver != "" || len(d.audit) > 0 {
		t.Errorf("%+v, taken down %q", got, d.audit)
	}
	d.publisher.refuse = nil
	if got, err := d.approves(p.ID, "wang", ""); err != nil || got.Published != 1 || got.Approver != "wang" {
		t.Errorf("again: %+v, %v", got, err)
	}
}

// TestWhatComesToNothingIsNotPublished, whatever reason is given.
func TestWhatComesToNothingIsNotPublished(t *testing.T) {
	d := newDecisions(t, 2)
	one, two := d.judged("蓝鲸窗口怎么走"), d.judged("蓝鲸窗口怎么走")
	if _, err := d.approves(one.ID, "wang", ""); err != nil {
		t.Fatal(err)
	}
	if err := d.desk.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.desk.work.Wait()
	if got, err := d.approves(two.ID, "wang", "有理由"); !errors.Is(err, ErrDead) || got.Stage != StageDead || len(d.publisher.record) != 1 {
		t.Errorf("%s, %v, record %+v", got.Stage, err, d.publisher.record)
	}
}

// TestARejectionSaysWhoAndWhy: another's is not taken away without a reason, and every
// rejection has its line.
func TestARejectionSaysWhoAndWhy(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	d.audit = nil
	got, err := d.desk.Reject(t.Context(), p.ID, "wang", "")
	d.refused("another's without a reason", p, err, ErrReason)
	if got.ID != p.ID || len(d.audit) > 0 {
		t.Errorf("%+v, taken down %q", got, d.audit)
	}
	if _, err := d.desk.Reject(t.Context(), p.ID, "wang", "已经有了"); err != nil {
		t.Fatal(err)
	}
	if got = d.stored(p.ID); got.Rejected != "wang" || got.Why != "已经有了" || got.Stage != StageRejected || got.Outcome() != "提议 "+p.ID+" 已由 wang 作废，没有发布。理由：已经有了" {
		t.Errorf("%+v: %s", got, got.Outcome())
	}
	own := d.judged("白鲸窗口怎么走")
	if _, err := d.desk.Reject(t.Context(), own.ID, "Lin", ""); err != nil || d.stored(own.ID).Rejected != "Lin" {
		t.Errorf("one's own: %v", err)
	}
	want := []string{"wang|reject|" + p.ID + " " + p.Title + " 已经有了", "lin|propose|" + own.ID + " " + own.Title, "Lin|reject|" + own.ID + " " + own.Title}
	if !slices.Equal(d.audit, want) {
		t.Errorf("taken down %q, want %q", d.audit, want)
	}
}

// TestDecidedIsDecided: whoever comes later changes nothing, whatever they want, and is told
// what became of it.
func TestDecidedIsDecided(t *testing.T) {
	d := newDecisions(t, 2)
	gone, out := d.judged("蓝鲸窗口怎么走"), d.judged("白鲸窗口怎么走")
	if _, err := d.desk.Reject(t.Context(), gone.ID, "wang", "已经有了"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.approves(out.ID, "wang", ""); err != nil {
		t.Fatal(err)
	}
	d.audit = nil
	for name, do := range map[string]func(id string) (Proposal, error){
		"approve": func(id string) (Proposal, error) { return d.approves(id, "zhao", "") },
		"reject":  func(id string) (Proposal, error) { return d.desk.Reject(t.Context(), id, "zhao", "不要") },
		"clear":   func(id string) (Proposal, error) { return d.desk.Clear(t.Context(), id, "zhao") },
		"rejudge": func(id string) (Proposal, error) { return d.desk.Rejudge(t.Context(), id) },
	} {
		if got, err := do(gone.ID); !errors.Is(err, ErrTaken) || got.Rejected != "wang" || got.Why != "已经有了" {
			t.Errorf("%s what was rejected: %+v, %v", name, got, err)
		}
		want := ErrTaken
		if name == "approve" { // twice is once
			want = nil
		}
		if got, err := do(out.ID); !errors.Is(err, want) || got.Published != 1 || got.Approver != "wang" || got.Rejected != "" {
			t.Errorf("%s what was published: %+v, %v", name, got, err)
		}
	}
	for name, err := range map[string]error{
		"approve": errorOf(d.desk.Approve(t.Context(), "ZZZZ", Approval{Who: "wang"})),
		"reject":  errorOf(d.desk.Reject(t.Context(), "ZZZZ", "wang", "不要")),
		"clear":   errorOf(d.desk.Clear(t.Context(), "ZZZZ", "wang")),
		"rejudge": errorOf(d.desk.Rejudge(t.Context(), "ZZZZ")),
		"view":    func() error { _, err := d.desk.View(t.Context(), "ZZZZ"); return err }(),
	} {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s what there is not: %v", name, err)
		}
	}
	if len(d.publisher.record) != 1 || len(d.audit) > 0 {
		t.Errorf("record %+v, taken down %q", d.publisher.record, d.audit)
	}
}

func errorOf(_ Proposal, err error) error { return err }

// TestAClaimHoldsOthersOff while somebody publishes, and is resolved by what is in force when
// its owner is gone: only those very files under that number are that publication.
func TestAClaimHoldsOthersOff(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	if err := d.desk.store.Put(t.Context(), claims, p.ID, []byte("zhao"), 0, time.Hour); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() (Proposal, error){
		"approve": func() (Proposal, error) { return d.approves(p.ID, "wang", "") },
		"reject":  func() (Proposal, error) { return d.desk.Reject(t.Context(), p.ID, "wang", "不要") },
	} {
		got, err := do()
		d.refused(name, p, err, ErrTaken)
		if says := got.Outcome(); says != "zhao 正在发布提议 "+p.ID {
			t.Errorf("%s: %s", name, says)
		}
	}
	if err := d.desk.remove(t.Context(), claims, p.ID); err != nil {
		t.Fatal(err)
	}
	claimed := d.stored(p.ID)
	claimed.Claim = &Claim{Who: "zhao", Approver: "zhao", Number: 1, Sum: "of other files"}
	if err := d.desk.save(t.Context(), &claimed, proposalKeep); err != nil {
		t.Fatal(err)
	}
	other := d.puts("别的问法怎么说")
	if err := d.desk.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.desk.work.Wait()
	if got := d.stored(p.ID); got.Published > 0 || got.Claim != nil || !got.Waits() {
		t.Errorf("other files under the number count as the publication: %+v", got)
	}
	claimed = d.stored(p.ID)
	claimed.Claim = &Claim{Who: "zhao", Approver: "zhao", Number: 1, Sum: digestFiles(other.Files)}
	if err := d.desk.save(t.Context(), &claimed, proposalKeep); err != nil {
		t.Fatal(err)
	}
	got, err := d.desk.Reject(t.Context(), p.ID, "wang", "不要")
	if !errors.Is(err, ErrTaken) || got.Published != 1 || got.Approver != "zhao" || got.Rejected != "" {
		t.Errorf("what was published before its owner died: %+v, %v", got, err)
	}
}

// TestAClaimThatAnotherResolved meanwhile is no fault, and what the other found stays.
func TestAClaimThatAnotherResolved(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	p.Claim = &Claim{Who: "zhao", Number: 1, Sum: "never published"}
	if err := d.desk.save(t.Context(), &p, proposalKeep); err != nil {
		t.Fatal(err)
	}
	late := d.stored(p.ID)
	if _, err := d.desk.Reject(t.Context(), p.ID, "wang", "不要"); err != nil {
		t.Fatal(err)
	}
	if err := d.desk.resolve(t.Context(), &late); err != nil {
		t.Error(err)
	}
	if got := d.stored(p.ID); got.Rejected != "wang" {
		t.Errorf("%+v", got)
	}
}

// TestADecisionIsBegunAgain when the proposal was changed meanwhile, and not for ever.
func TestADecisionIsBegunAgain(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	for until, want := range map[int]error{maxTries - 1: nil, maxTries + 1: bot.ErrStale} {
		tries := 0
		_, err := d.desk.decide(t.Context(), p.ID, func(*Proposal) error {
			if tries++; tries <= until {
				return bot.ErrStale
			}
			return nil
		})
		if !errors.Is(err, want) || tries > maxTries {
			t.Errorf("%d tries: %v, want %v", tries, err, want)
		}
	}
}

// TestTheSameMessageProposesOnce: once more it is told how that stands, and nothing is taken
// down. When every name is another's, nothing is written over.
func TestTheSameMessageProposesOnce(t *testing.T) {
	d := newDecisions(t, 2)
	one, err := d.desk.Propose(t.Context(), "m1", d.ask("蓝鲸窗口怎么走"))
	d.desk.work.Wait()
	again, err2 := d.desk.Propose(t.Context(), "m1", d.ask("蓝鲸窗口怎么走"))
	if err := errors.Join(err, err2); err != nil || again.ID != one.ID || again.Stage != StagePassed || len(d.audit) != 1 {
		t.Errorf("%+v, %v, taken down %q", again, err, d.audit)
	}
	for try := range maxNames {
		other := Proposal{ID: proposalID(origin("m2"), try), From: "another", Title: "占"}
		if err := d.desk.save(t.Context(), &other, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.desk.Propose(t.Context(), "m2", d.ask("白鲸窗口怎么走")); !errors.Is(err, bot.ErrStale) || len(d.audit) != 1 {
		t.Errorf("%v, taken down %q", err, d.audit)
	}
}

// TestABusyGateKeepsProposals: they are made, amended and rejected all the same, and judged when
// there is room.
func TestABusyGateKeepsProposals(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.inTheWay()
	d.desk.gates.running, d.desk.gates.waiting = true, make([]string, maxQueue)
	made := d.proposes("白鲸窗口怎么走")
	if _, err := d.desk.Clear(t.Context(), p.ID, "wang"); err != nil {
		t.Error(err)
	}
	if _, err := d.approves(made.ID, "wang", ""); !errors.Is(err, ErrBusy) {
		t.Errorf("confirmed: %v", err)
	}
	d.desk.gates.running, d.desk.gates.waiting = false, nil
	if err := d.desk.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.desk.work.Wait()
	for _, id := range []string{p.ID, made.ID} {
		if got := d.stored(id); got.Stage != StagePassed {
			t.Errorf("%s is %s", id, got.Stage)
		}
	}
}

// TestTwoWhoConfirmAtOnce publish once: who was not first does it under no claim of another's.
func TestTwoWhoConfirmAtOnce(t *testing.T) {
	d := newDecisions(t, 2)
	p := d.judged("蓝鲸窗口怎么走")
	stale := d.stored(p.ID)
	state, _ := d.publisher.InForce()
	if _, err := d.approves(p.ID, "wang", ""); err != nil {
		t.Fatal(err)
	}
	// Another read the proposal before that.
	err := d.desk.confirm(t.Context(), &stale, Approval{Who: "zhao", Way: ByConsole, Shown: stale.key(state)})
	if !errors.Is(err, bot.ErrStale) || len(d.publisher.record) != 1 {
		t.Errorf("%v, record %+v", err, d.publisher.record)
	}
	if got := d.stored(p.ID); got.Approver != "wang" || !got.Judged {
		t.Errorf("%+v", got)
	}
}

// TestWhatChangesNothingIsNoProposal.
func TestWhatChangesNothingIsNoProposal(t *testing.T) {
	d := newDecisions(t, 2)
	state, _ := d.publisher.InForce()
	back := Proposal{Title: "恢复版本 0", Author: "lin", Back: true, Of: 0}
	if _, err := d.desk.Propose(t.Context(), "", back); !errors.Is(err, ErrNothing) || len(d.audit) > 0 {
		t.Errorf("%v, taken down %q", err, d.audit)
	}
	there := d.puts("别的问法怎么说")
	passage, _ := there.Library.Passage("a/通关/3")
	if _, err := d.desk.Propose(t.Context(), "", Ask(passage, "别的问法怎么说", "lin")); !errors.Is(err, curate.ErrThere) {
		t.Errorf("what is there already: %v", err)
	}
	moved := Change{File: "a.txt", Was: Digest([]byte("of before")), Data: []byte(second)}
	if _, err := d.desk.Propose(t.Context(), "", Proposal{Title: "换原文", Author: "lin", Changes: []Change{moved}}); !errors.Is(err, ErrMoved) || len(d.audit) > 0 {
		t.Errorf("what was changed meanwhile: %v, taken down %q", err, d.audit)
	}
	files := map[string][]byte{"x": []byte("1")}
	for name, other := range map[string]map[string][]byte{"one less": {}, "one more": {"x": []byte("1"), "y": nil}, "another name": {"y": []byte("1")}, "other bytes": {"x": []byte("2")}} {
		if sameFiles(files, other) {
			t.Errorf("%s: the same", name)
		}
	}
	if !sameFiles(state.Files, state.Files) {
		t.Error("a state is not its own")
	}
}
