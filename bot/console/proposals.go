package console

import (
	"errors"
	"net/http"

	"aeobot/bot"
	"aeobot/bot/desk"
)

// proposalList is what waits, and what was decided on lately.
type proposalList struct {
	Waiting, Published, Rejected []desk.Proposal
}

func (c *Console) showProposals(p *page) error {
	all, err := c.o.Desk.Proposals(p.ctx)
	if err != nil {
		return err
	}
	var l proposalList
	for _, proposal := range all {
		switch {
		case proposal.Published > 0:
			l.Published = append(l.Published, proposal)
		case proposal.Rejected != "":
			l.Rejected = append(l.Rejected, proposal)
		default:
			l.Waiting = append(l.Waiting, proposal)
		}
	}
	return p.show("proposals", "proposals", "提议", l)
}

// proposalPage is one proposal with all that whoever decides on it has to see.
type proposalPage struct {
	desk.View
	Own bool
	// Places are what its edits are about, word for word.
	Places []desk.Placed
	// Open: it can be decided on now. Blocked: something gets worse, so that a reason is
	// needed to publish it.
	Open, Blocked bool
}

func (c *Console) showProposal(p *page) error {
	return c.writeProposal(p, p.r.PathValue("id"), http.StatusOK, "")
}

// writeProposal shows a proposal as it is now, with a warning or none.
func (c *Console) writeProposal(p *page, id string, status int, warning string) error {
	view, err := c.o.Desk.View(p.ctx, id)
	if err != nil {
		return err
	}
	v := proposalPage{View: view, Own: bot.SamePerson(view.Author, p.person.ID), Blocked: len(view.Worse) > 0 && !view.Back}
	if v.Places, err = c.o.Desk.Places(view.Proposal); err != nil {
		return err
	}
	f := frame{Title: "提议 " + view.ID, Active: "proposals", Warning: warning}
	switch view.Stage {
	case desk.StageWaiting, desk.StageJudging, desk.StageStale:
		if v.Open = view.Back; !v.Open {
			f.Refresh = lookAgain
		}
	case desk.StagePassed, desk.StageWorse:
		v.Open = true
	case desk.StageFailed:
		v.Open = view.Back
	}
	f.Data = v
	return p.write(status, "proposal", f)
}

// textShown is why something that was confirmed is shown once more instead.
const textShown = "没有发布：打开这一页以后，提议、现行的知识或评测有了变化。下面是现在的内容，请看过再确认。"

func (c *Console) decideProposal(p *page) error {
	id := p.r.PathValue("id")
	proposal, err := c.decided(p, id)
	switch {
	case errors.Is(err, desk.ErrTaken):
		return conflict(proposal.Outcome() + "。")
	case errors.Is(err, desk.ErrShown):
		return c.writeProposal(p, id, http.StatusConflict, textShown)
	}
	return err
}

// decided does what a button of a proposal's page says.
func (c *Console) decided(p *page, id string) (proposal desk.Proposal, err error) {
	here := "/console/proposals/" + id
	done, next := "", here
	switch p.form("do") {
	case "approve":
		done = "approved"
		proposal, err = c.o.Desk.Approve(p.ctx, id, desk.Approval{Who: p.person.ID, Way: desk.ByConsole, Override: p.form("reason"), Shown: p.form("shown")})
	case "reject":
		done = "rejected"
		proposal, err = c.o.Desk.Reject(p.ctx, id, p.person.ID, p.form("why"))
	case "clear":
		done = "cleared"
		proposal, err = c.o.Desk.Clear(p.ctx, id, p.person.ID)
	case "rejudge":
		done = "rejudged"
		proposal, err = c.o.Desk.Rejudge(p.ctx, id)
	default:
		return proposal, badInput("要做什么？请用页面上的按钮。")
	}
	if err != nil {
		return proposal, err
	}
	return proposal, p.redirect(next, done)
}
