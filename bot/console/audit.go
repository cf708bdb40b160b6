package console

import (
	"strconv"

	"aeobot/bot/audit"
)

// auditPage is who did what, the latest first.
type auditPage struct {
	Entries     []audit.Entry
	All, Before int
}

// entriesShown is how many entries stand on a page.
const entriesShown = 100

func (c *Console) showAudit(p *page) error {
	before, _ := strconv.Atoi(p.query("before")) // anything else is the latest
	entries, all, err := c.o.Audit.Page(before, entriesShown)
	if err != nil {
		return err
	}
	v := auditPage{Entries: entries, All: all}
	if n := len(entries); n > 0 && entries[n-1].Number > 1 {
		v.Before = entries[n-1].Number
	}
	return p.show("audit", "audit", "操作记录", v)
}
