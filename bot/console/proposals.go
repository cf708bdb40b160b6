package console

import (
	"net/http"

	"aeobot/bot/desk"
)

// proposalList is what waits, and what was published lately.
type proposalList struct {
	Waiting, Published []desk.Proposal
}

func (c *Console) showProposals(p *page) error {
	all, err := c.o.Desk.Proposals(p.ctx)
	if err != nil {
		return err
	}
	var l proposalList
	for _, proposal := range all {
		if proposal.Published > 0 {
			l.Published = append(l.Published, proposal)
		} else {
			l.Waiting = append(l.Waiting, proposal)
		}
	}
	return p.show("proposals", "proposals", "提议", l)
}

// proposalPage is one proposal with what it changes and what the gate says.
type proposalPage struct {
	Proposal   desk.Proposal
	Judging    bool
	Asked, All int
	Stale      bool // the knowledge has changed since it was judged
	Own        bool
	Diff       desk.Diff
}

func (c *Console) showProposal(p *page) error {
	proposal, err := c.o.Desk.Proposal(p.ctx, p.r.PathValue("id"))
	if err != nil {
		return err
	}
	if proposal.ID == "" {
		return desk.ErrUnknown
	}
	v := proposalPage{Proposal: proposal, Own: proposal.Author == p.person.ID, Judging: c.o.Desk.Judging(p.ctx, proposal)}
	if proposal.Published == 0 {
		if v.Asked, v.All = c.o.Desk.Progress(p.ctx, proposal.ID); v.All == 0 {
			v.All = 1 // the gate has not begun
		}
		state, err := c.o.Desk.InForce()
		if err != nil {
			return err
		}
		v.Stale = proposal.Judged && proposal.Base != state.Number
	}
	if v.Diff, err = c.o.Desk.Diff(p.ctx, proposal.ID); err != nil {
		return err
	}
	f := frame{Title: "提议 " + proposal.ID, Active: "proposals", Data: v}
	if v.Judging {
		f.Refresh = lookAgain
	}
	return p.write(http.StatusOK, "proposal", f)
}

func (c *Console) decideProposal(p *page) error {
	id := p.r.PathValue("id")
	here := "/console/proposals/" + id
	switch p.form("do") {
	case "approve":
		// The page has the notices above the button.
		proposal, err := c.o.Desk.Approve(p.ctx, id, desk.Approval{Who: p.person.ID, Way: desk.ByConsole, Override: p.form("reason"), Seen: true})
		if err != nil {
			return err
		}
		return p.redirect("/console/proposals/"+proposal.ID, "approved")
	case "reject":
		if _, err := c.o.Desk.Reject(p.ctx, id, p.person.ID); err != nil {
			return err
		}
		return p.redirect("/console/proposals", "rejected")
	case "clear":
		if _, err := c.o.Desk.Clear(p.ctx, id, p.person.ID); err != nil {
			return err
		}
		return p.redirect(here, "cleared")
	case "rejudge":
		if err := c.o.Desk.Rejudge(p.ctx, id); err != nil {
			return err
		}
		return p.redirect(here, "rejudged")
	}
	return badInput("要做什么？请用页面上的按钮。")
}
