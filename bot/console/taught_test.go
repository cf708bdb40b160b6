package console_test

import (
	"net/url"
	"strings"
	"testing"
)

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
