package console

import (
	"errors"
	"fmt"
	"net/http"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/knowledge"
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
	// Shown are the changes on this page of them.
	Shown  []knowledge.Change
	Paging paging
	Own    bool
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
	v.Shown, v.Paging = cut(p, view.Diff.Changes, changesShown)
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

// textUnread is why something was not published whose changes have several pages.
const textUnread = "没有发布：改动有 %d 页，一页显示不下。请每一页都看过，再勾上“都看过了”确认。"

func (c *Console) decideProposal(p *page) error {
	id := p.r.PathValue("id")
	proposal, err := c.decided(p, id)
	var unread errUnread
	switch {
	case errors.As(err, &unread):
		return c.writeProposal(p, id, http.StatusConflict, fmt.Sprintf(textUnread, int(unread)))
	case errors.Is(err, desk.ErrTaken):
		return conflict(proposal.Outcome() + "。")
	case errors.Is(err, desk.ErrShown):
		return c.writeProposal(p, id, http.StatusConflict, textShown)
	}
	return err
}

// errUnread means that somebody confirms what has as many pages, without having said that they
// read them.
type errUnread int

func (e errUnread) Error() string {
	return fmt.Sprintf("console: %d pages of changes to be read", int(e))
}

// readAll fails with errUnread.
func (c *Console) readAll(p *page, id string) error {
	if p.form("read") != "" {
		return nil
	}
	view, err := c.o.Desk.View(p.ctx, id)
	if _, at := cut(p, view.Diff.Changes, changesShown); err == nil && at.Pages > 1 && view.Key == p.form("shown") {
		err = errUnread(at.Pages)
	}
	return err
}

// decided does what a button of a proposal's page says.
func (c *Console) decided(p *page, id string) (proposal desk.Proposal, err error) {
	here := "/console/proposals/" + id
	done, next := "", here
	switch p.form("do") {
	case "approve":
		if err := c.readAll(p, id); err != nil {
			return proposal, err
		}
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
