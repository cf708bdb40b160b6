package console

import (
	"errors"
	"net/http"

	"aeobot/bot"
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
		} else { // none that was taken away is listed
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
	v := proposalPage{Proposal: proposal, Own: bot.SamePerson(proposal.Author, p.person.ID), Judging: c.o.Desk.Judging(p.ctx, proposal)}
	if proposal.Waits() {
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
	proposal, err := c.decided(p, id)
	if errors.Is(err, desk.ErrTaken) {
		return conflict(proposal.Outcome() + "。")
	}
	return err
}

// decided does what a button of a proposal's page says.
func (c *Console) decided(p *page, id string) (proposal desk.Proposal, err error) {
	here := "/console/proposals/" + id
	done, next := "", here
	switch p.form("do") {
	case "approve":
		// The page has the notices above the button.
		done = "approved"
		proposal, err = c.o.Desk.Approve(p.ctx, id, desk.Approval{Who: p.person.ID, Way: desk.ByConsole, Override: p.form("reason"), Seen: true})
	case "reject":
		done, next = "rejected", "/console/proposals"
		proposal, err = c.o.Desk.Reject(p.ctx, id, p.person.ID)
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
