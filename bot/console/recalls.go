package console

import (
	"errors"

	"aeobot/bot/desk"
)

// recallPage is one recall, its chats page by page.
type recallPage struct {
	Recall desk.Recall
	Chats  []desk.RecallChat
	At     paging
	Counts map[desk.ChatState]int
}

func (c *Console) showRecalls(p *page) error {
	all, err := c.o.Desk.Recalls(p.ctx)
	if err != nil {
		return err
	}
	return p.show("corrections", "corrections", "更正", all)
}

func (c *Console) showRecall(p *page) error {
	r, err := c.o.Desk.Recall(p.ctx, p.r.PathValue("id"))
	if errors.Is(err, desk.ErrRecall) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	v := recallPage{Recall: r, Counts: map[desk.ChatState]int{}}
	for _, chat := range r.Chats {
		v.Counts[chat.State]++
	}
	v.Chats, v.At = cut(p, r.Chats, pageSize)
	return p.show("correction", "corrections", "更正：版本 "+r.ID, v)
}

func (c *Console) decideRecall(p *page) error {
	id, err, done := p.r.PathValue("id"), error(nil), ""
	switch p.form("do") {
	case "send":
		done = "sent"
		_, err = c.o.Desk.SendRecall(p.ctx, id, p.person.ID)
	case "drop":
		done = "dropped"
		err = c.o.Desk.DropRecall(p.ctx, id, p.person.ID)
	default:
		return badInput("要做什么？请用页面上的按钮。")
	}
	switch {
	case errors.Is(err, desk.ErrRecall):
		return errNotFound
	case errors.Is(err, desk.ErrDecided):
		return badInput("已经有人决定过了，没有再发。")
	case err != nil:
		return err
	}
	return p.redirect("/console/corrections/"+id, done)
}
