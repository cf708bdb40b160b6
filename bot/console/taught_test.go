package console_test

import (
	"net/url"
	"strings"
	"testing"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/index"
)

// TestAStageIsSaidAlike: page, list and chat say how far a proposal has come in the same
// words, and what to do.
func TestAStageIsSaidAlike(t *testing.T) {
	o := newOffice(t, nil)
	o.desk.SetCoordinators([]string{"lin.yue", "wang.qiang"})
	lin, wang := o.enter("lin.yue"), o.enter("wang.qiang")
	alike := func(here string, want desk.Stage) {
		t.Helper()
		id := strings.TrimPrefix(here, "/console/proposals/")
		p, err := o.desk.Proposal(t.Context(), id)
		if err != nil || p.Stage != want {
			t.Fatalf("%s is %s, want %s (%v)", id, p.Stage, want, err)
		}
		_, page := lin.get(here)
		_, list := wang.get("/console/proposals")
		chat, _, _ := o.desk.Command(t.Context(), (*index.Generation)(nil), bot.Message{Asker: "wang.qiang", Text: "/待准"})
		for where, text := range map[string]string{"page": page, "list": list, "chat": chat} {
			if !strings.Contains(text, p.Says()) || !strings.Contains(text, p.Advice()) {
				t.Errorf("%s: the %s does not say %q, %q:\n%s", want, where, p.Says(), p.Advice(), text)
			}
		}
	}
	const passage = "/console/knowledge/passage"
	_, page := lin.post(passage, "id", "aeo-incentives/海关直接激励措施/5", "kind", "ask", "value", "让别的变差的问法")
	worse := proposalOf(t, page)
	lin.until(worse, "v017")
	alike(worse, desk.StageWorse)
	_, page = lin.post(passage, "id", "aeo-incentives/海关直接激励措施/5", "kind", "ask", "value", "押金能不能不交")
	passed := proposalOf(t, page)
	lin.until(passed, "评测通过")
	alike(passed, desk.StagePassed)
	notes, was, err := o.desk.Notes("aeo-incentives")
	if err != nil {
		t.Fatal(err)
	}
	_, page = lin.post("/console/knowledge/notes/aeo-incentives", "was", was, "do", "propose", "text", string(notes)+"# 一行\n", "reason", "试")
	whole := proposalOf(t, page)
	lin.until(whole, "评测通过")
	status, page := wang.approve(passed)
	o.demand(status, page, 200, "已作为")
	alike(worse, desk.StageStale)
	alike(whole, desk.StageStale)
	if err := o.desk.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	alike(whole, desk.StageDead)
	status, page = wang.approve(whole)
	o.demand(status, page, 409, "不能发布了")
	status, page = wang.post(whole, "do", "reject")
	o.demand(status, page, 400, "为什么作废")
	status, page = wang.post(whole, "do", "reject", "why", "内容已经改过")
	o.demand(status, page, 200, "已由 wang.qiang 作废，没有发布。理由：内容已经改过")
	lin.until(worse, "v017") // it is judged again
	alike(worse, desk.StageWorse)
}

// TestWhatStandsInTheWayIsTakenOutWithOneButton: proposer and whoever confirms read which
// topic it is and what the measure does not state.
func TestWhatStandsInTheWayIsTakenOutWithOneButton(t *testing.T) {
	const question = "AEO互认国家有哪些"
	o := newOffice(t, nil)
	key := o.asked(question, 3)
	lin, wang := o.enter("lin.yue"), o.enter("wang.qiang")
	_, page := lin.post("/console/questions/"+key+"/teach", "ask", question, "to", "aeo-incentives/海关直接激励措施/10", "once", "a")
	here := proposalOf(t, page)
	for _, v := range []*visitor{lin, wang} {
		page = v.until(here, "评测通过")
		o.demand(200, page, 200, "没有写的话题“互认国家名单”挡在前面", "拿掉没有写的话题“互认国家名单”的问法“互认国家有哪些”", "拿掉这些问法，并入提议", "问的是“有哪些”")
	}
	status, page := wang.post(here, "do", "clear")
	o.demand(status, page, 200, "已并入提议")
	page = lin.until(here, "评测通过")
	if strings.Contains(page, "仍答不上") || strings.Contains(page, "并入提议</button>") {
		t.Errorf("it is still in the way:\n%s", visible(page))
	}
	status, page = wang.approve(here)
	o.demand(status, page, 403, "另一位协调员")
	status, page = lin.approve(here)
	o.demand(status, page, 200, "已作为")
	lin.until("/console/try?q="+url.QueryEscape(question), "答上了")
	status, page = lin.get("/console/questions?state=solved")
	o.demand(status, page, 200, question)
	status, page = o.enter("boss").get("/console/audit")
	o.demand(status, page, 200, "修改提议", "（控制台，作者 wang.qiang）")
}

// TestAQuestionThatStaysUnansweredStaysOpen though what it was taught was published.
func TestAQuestionThatStaysUnansweredStaysOpen(t *testing.T) {
	const question = "申请AEO要准备什么材料"
	o := newOffice(t, nil)
	key := o.asked(question, 2)
	lin, wang := o.enter("lin.yue"), o.enter("wang.qiang")
	_, page := lin.post("/console/questions/"+key+"/teach", "ask", question, "to", "aeo-incentives/海关直接激励措施/3", "once", "a")
	here := proposalOf(t, page)
	lin.until(here, "评测通过")
	status, page := wang.approve(here)
	o.demand(status, page, 200, "已作为")
	status, page = lin.get("/console/questions?state=solved")
	if strings.Contains(page, question) {
		t.Errorf("it is called solved: status %d", status)
	}
	status, page = lin.get("/console/questions?state=open")
	o.demand(status, page, 200, question)
}
