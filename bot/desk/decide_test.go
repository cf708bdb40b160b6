package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"aeobot/bot"
	"aeobot/knowledge"
)

// watched is a publisher that says when something is published or judged.
type watched struct {
	*inMemory
	publishing func()
	after      error // what publishing fails with although it was done
	judging    func()
}

func (p *watched) Publish(ctx context.Context, number int, of Publication, files map[string][]byte) error {
	if p.publishing != nil {
		p.publishing()
	}
	if err := p.inMemory.Publish(ctx, number, of, files); err != nil {
		return err
	}
	return p.after
}

func (p *watched) Gate(context.Context, *knowledge.Library, *knowledge.Library, func(int, int)) ([]Difference, error) {
	if p.judging != nil {
		p.judging()
	}
	return nil, nil
}

// replicas are desks over one store and one publisher.
type replicas struct {
	*testing.T
	a, b      *Desk
	publisher *watched
	audit     []string
}

func newReplicas(t *testing.T, s Store) *replicas {
	r := &replicas{T: t, publisher: &watched{inMemory: newInMemory(t)}}
	var mu sync.Mutex
	o := Options{Coordinators: []string{"Lin.Yue", "wang", "zhao", "qian", "sun"}, Audit: func(_ context.Context, who, what, object string) error {
		mu.Lock()
		defer mu.Unlock()
		r.audit = append(r.audit, who+"|"+what+"|"+object)
		return nil
	}}
	r.a, r.b = New(s, r.publisher, o), New(s, r.publisher, o)
	t.Cleanup(r.a.Close)
	t.Cleanup(r.b.Close)
	return r
}

// proposed is a proposal that has been through the gate.
func (r *replicas) proposed(question string) Proposal {
	r.Helper()
	made := r.proposes(question)
	r.a.work.Wait()
	p, err := r.a.Proposal(r.Context(), made.ID)
	if err != nil || !p.Judged || p.Trouble != "" {
		r.Fatalf("%+v, %v", p, err)
	}
	return p
}

func (r *replicas) proposes(question string) Proposal {
	r.Helper()
	passage, _ := library(r).Passage("aeo-incentives/优先通关实现方式/1")
	p, err := r.a.Propose(r.Context(), "", Ask(passage, question, "Lin.Yue"))
	if err != nil {
		r.Fatal(err)
	}
	return p
}

// says is a command in the chat.
func (r *replicas) says(d *Desk, who, text string) string {
	reply, _, _ := d.Command(r.Context(), nil, bot.Message{Asker: bot.Asker(who), Text: text})
	return reply
}

func (r *replicas) versions() int {
	s, err := r.publisher.InForce()
	if err != nil {
		r.Fatal(err)
	}
	return s.Number
}

// TestAProposalIsRejectedWhileItIsPublished: whoever comes second is told who was first,
// while that is under way and afterwards.
func TestAProposalIsRejectedWhileItIsPublished(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			r := newReplicas(t, s)
			p := r.proposed("蓝鲸通道怎么走")
			var meanwhile string
			r.publisher.publishing = func() { meanwhile = r.says(r.b, "zhao", "/否 "+p.ID+" 不对") }
			if got := r.says(r.a, "wang", "/准 "+p.ID); !strings.Contains(got, "已发布版本 1") {
				t.Errorf("approved: %s", got)
			}
			if !strings.Contains(meanwhile, "wang 正在发布提议 "+p.ID) {
				t.Errorf("rejected meanwhile: %s", meanwhile)
			}
			for who, want := range map[string]string{"zhao": "已由 wang 确认，发布为版本 1", "Lin.Yue": "已由 wang 确认，发布为版本 1"} {
				if got := r.says(r.b, who, "/否 "+p.ID+" 不对"); !strings.Contains(got, want) {
					t.Errorf("%s rejects afterwards: %s", who, got)
				}
			}
			if got := r.says(r.b, "Lin.Yue", "/准 "+p.ID); !strings.Contains(got, "已发布版本 1") || !strings.Contains(got, "确认的人：wang") {
				t.Errorf("its author confirms what is published: %s", got)
			}
			second := r.proposed("白鲸通道怎么走")
			r.says(r.b, "zhao", "/否 "+second.ID+" 重复了")
			for _, text := range []string{"/准 ", "/否 ", "/移出 "} {
				if got := r.says(r.a, "wang", text+second.ID); !strings.Contains(got, "已由 zhao 作废，没有发布。理由：重复了") {
					t.Errorf("%s what was rejected: %s", text, got)
				}
			}
			if got := r.says(r.a, "wang", "/待准"); !strings.Contains(got, "没有等确认的提议") || r.versions() != 1 {
				t.Errorf("%d versions, waiting: %s", r.versions(), got)
			}
		})
	}
}

// TestDecisionsAtOnce: of many at the same moment one counts, and everybody is told that one.
func TestDecisionsAtOnce(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			r := newReplicas(t, s)
			for round, decisions := range [][]string{{"/准 ", "/准 ", "/准 ", "/准 "}, {"/准 ", "/否 ", "/准 ", "/否 "}, {"/否 ", "/否 ", "/准 ", "/准 "}} {
				p := r.proposed(fmt.Sprint("蓝鲸通道怎么走", round))
				before := r.versions()
				replies := make([]string, len(decisions))
				var all sync.WaitGroup
				for i, decision := range decisions {
					all.Go(func() {
						replies[i] = r.says([]*Desk{r.a, r.b}[i%2], []string{"wang", "zhao", "qian", "sun"}[i], decision+p.ID+" 理由")
					})
				}
				all.Wait()
				want := fmt.Sprintf("版本 %d", before+1)
				if r.versions() == before {
					want = "作废"
				}
				for i, reply := range replies {
					if !strings.Contains(reply, want) || strings.Contains(reply, "没有改动") != (want == "作废" && strings.Contains(reply, "已作废，")) {
						t.Errorf("round %d, %s: %q, want %q in it", round, decisions[i], reply, want)
					}
				}
				if r.versions() > before+1 {
					t.Errorf("round %d: %d versions were published", round, r.versions()-before)
				}
			}
		})
	}
}

// TestAClaimWhoseOwnerIsGone is resolved by what is in force.
func TestAClaimWhoseOwnerIsGone(t *testing.T) {
	r := newReplicas(t, embedded(t))
	p := r.proposed("蓝鲸通道怎么走")
	state, err := r.publisher.InForce()
	if err != nil {
		t.Fatal(err)
	}
	files, _, err := r.a.outcome(state, &p)
	if err != nil {
		t.Fatal(err)
	}
	p.Claim = &Claim{Who: "wang", Approver: "wang", Number: 1, Sum: digestFiles(files)}
	if err := r.a.save(t.Context(), &p, proposalKeep); err != nil {
		t.Fatal(err)
	}
	if got := r.says(r.b, "zhao", "/准 "+p.ID); !strings.Contains(got, "已发布版本 1") {
		t.Errorf("died before it was published: %s", got)
	}
	p = r.proposed("白鲸通道怎么走")
	r.publisher.after = errors.New("the disk is full")
	if got := r.says(r.b, "zhao", "/准 "+p.ID); !strings.Contains(got, "已发布版本 2") {
		t.Errorf("failed after it was published: %s", got)
	}
	digest, _ := r.publisher.Digest(2)
	if last := r.audit[len(r.audit)-1]; !strings.HasPrefix(last, "zhao|publish|"+p.ID) || !strings.HasSuffix(last, "（群聊，作者 Lin.Yue）"+Vouching(2, digest)) {
		t.Errorf("the audit log does not have what was published: %s", last)
	}
}

// TestGatesWaitInABoundedQueue: one gate at a time, the same proposal waits once, too many
// are refused, and what was refused can be judged later.
func TestGatesWaitInABoundedQueue(t *testing.T) {
	r := newReplicas(t, embedded(t))
	begun, end := make(chan struct{}, 100), make(chan struct{})
	var mu sync.Mutex
	running, gates := 0, 0
	r.publisher.judging = func() {
		mu.Lock()
		running, gates = running+1, gates+1
		if running > 1 {
			t.Errorf("%d gates at once", running)
		}
		mu.Unlock()
		begun <- struct{}{}
		<-end
		mu.Lock()
		running--
		mu.Unlock()
	}
	var all []Proposal
	all = append(all, r.proposes("通道0"))
	<-begun
	for i := range maxQueue + 3 {
		all = append(all, r.proposes(fmt.Sprint("通道", i+1)))
	}
	// The first waits for nobody, or is being judged already.
	if all[0].ahead > 0 || all[1].ahead != 1 || all[maxQueue].ahead != maxQueue || all[maxQueue+1].ahead != -1 {
		t.Errorf("waiting: %d, %d, %d, %d", all[0].ahead, all[1].ahead, all[maxQueue].ahead, all[maxQueue+1].ahead)
	}
	last := all[len(all)-1]
	for range 20 {
		for p, want := range map[string]string{all[0].ID: "正在评测", all[2].ID: "前面还有 2 个", last.ID: "请过几分钟再发一次"} {
			if got := r.says(r.a, "wang", "/准 "+p); !strings.Contains(got, want) {
				t.Fatalf("%q, want %q in it", got, want)
			}
		}
		for p, want := range map[string]error{all[0].ID: nil, all[2].ID: nil, last.ID: ErrBusy} {
			if _, err := r.a.Rejudge(t.Context(), p); !errors.Is(err, want) {
				t.Fatalf("rejudged: %v, want %v", err, want)
			}
		}
	}
	close(end)
	r.a.work.Wait()
	if gates != maxQueue+1 {
		t.Errorf("%d gates, want %d", gates, maxQueue+1)
	}
	if got := r.says(r.a, "wang", "/准 "+last.ID); !strings.Contains(got, "评测还没有做完") {
		t.Errorf("%q", got)
	}
	r.a.work.Wait()
	if got := r.says(r.a, "wang", "/准 "+last.ID); !strings.Contains(got, "已发布") {
		t.Errorf("%q", got)
	}
}

// TestReplicasJudgeAProposalOnce.
func TestReplicasJudgeAProposalOnce(t *testing.T) {
	r := newReplicas(t, embedded(t))
	begun, end := make(chan struct{}, 100), make(chan struct{})
	r.publisher.judging = func() { begun <- struct{}{}; <-end }
	p := r.proposes("蓝鲸通道怎么走")
	<-begun
	for range 5 {
		if got := r.says(r.b, "wang", "/准 "+p.ID); !strings.Contains(got, "评测") {
			t.Errorf("%q", got)
		}
		if _, err := r.b.Rejudge(t.Context(), p.ID); err != nil {
			t.Errorf("rejudged: %v", err)
		}
	}
	r.b.work.Wait()
	close(end)
	r.a.work.Wait()
	if len(begun) > 0 {
		t.Errorf("%d gates more", len(begun))
	}
}

// TestOnePersonInTwoSpellings is one person, wherever people are compared.
func TestOnePersonInTwoSpellings(t *testing.T) {
	r := newReplicas(t, embedded(t))
	p := r.proposed("蓝鲸通道怎么走")
	for _, who := range []string{"lin.yue", "LIN.YUE", "ｌｉｎ.yue", "Lin.Yue\u200b"} {
		if got := r.says(r.b, who, "/准 "+p.ID); !strings.Contains(got, "自己的提议要由另一位协调员确认") {
			t.Errorf("%q confirms: %s", who, got)
		}
		err := r.a.May(Publication{Author: "Lin.Yue", Approver: who, Override: "有理由"}, []Difference{{ID: "v1"}})
		if !errors.Is(err, ErrSelf) {
			t.Errorf("%q approves: %v", who, err)
		}
	}
	if got := r.says(r.b, "WANG", "/准 "+p.ID); !strings.Contains(got, "已发布版本 1") {
		t.Errorf("another: %s", got)
	}
}

// TestWhatNobodySeesIsNotTaught: a way to ask that reads otherwise than it is written.
func TestWhatNobodySeesIsNotTaught(t *testing.T) {
	r := newReplicas(t, stores(t)["bolt"])
	passage, _ := library(r).Passage("aeo-incentives/优先通关实现方式/1")
	for _, hidden := range []string{"\u202e", "\u2066", "\U000e0041", "\u200b", "\u2060"} {
		_, err := r.a.Propose(t.Context(), "", Ask(passage, "蓝鲸"+hidden+"通道怎么走", "Lin.Yue"))
		if !errors.Is(err, ErrNotes) || !strings.Contains(err.Error(), fmt.Sprintf("U+%04X", []rune(hidden)[0])) {
			t.Errorf("%q: %v", hidden, err)
		}
	}
}
