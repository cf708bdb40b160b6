package console

import (
	"fmt"
	"strconv"

	"aeobot/bot/desk"
	"aeobot/knowledge"
	"aeobot/knowledge/versions"
)

// versionList is all that was published, the latest first.
type versionList struct {
	Versions []versions.Version
	At       paging
	Head     int
	Numbers  []int
	Editable bool
}

func (c *Console) showVersions(p *page) error {
	all, err := c.o.Versions.All()
	if err != nil {
		return err
	}
	l := versionList{Editable: c.editable()}
	if len(all) > 0 {
		l.Head = all[0].Number
	}
	for _, v := range all {
		l.Numbers = append(l.Numbers, v.Number)
	}
	l.Numbers = append(l.Numbers, 0)
	l.Versions, l.At = cut(p, all, pageSize)
	return p.show("versions", "versions", "版本", l)
}

// diffPage is what two states differ in.
type diffPage struct {
	From, To int
	Changes  []knowledge.Change
	At       paging
}

func (c *Console) showDiff(p *page) error {
	from, err := c.version(p.query("from"))
	if err != nil {
		return err
	}
	to, err := c.version(p.query("to"))
	if err != nil {
		return err
	}
	changes, err := c.difference(from, to)
	if err != nil {
		return err
	}
	d := diffPage{From: from.Number, To: to.Number}
	d.Changes, d.At = cut(p, changes, changesShown)
	return p.show("diff", "versions", fmt.Sprintf("版本 %d 到 %d 的差别", d.From, d.To), d)
}

// keptDiffs is how many differences are kept, so that leafing through one is quick:
// published states never change. They go by fingerprint: another chain of versions may be
// adopted, whose states have the same numbers.
const keptDiffs = 8

func (c *Console) difference(from, to versions.Version) ([]knowledge.Change, error) {
	key := [2]string{from.Fingerprint, to.Fingerprint}
	if known, ok := c.diffs.Get(key); ok {
		return known, nil
	}
	before, err := c.o.Desk.At(from.Number)
	if err != nil {
		return nil, err
	}
	after, err := c.o.Desk.At(to.Number)
	if err != nil {
		return nil, err
	}
	changes := knowledge.Diff(before.Library, after.Library)
	c.diffs.Add(key, changes)
	return changes, nil
}

// version finds a version by its number; 0 is what the program brings along.
func (c *Console) version(text string) (v versions.Version, err error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return v, badInput("版本写成数字，0 是随程序附带的文章。")
	}
	if n == 0 {
		return v, nil
	}
	all, err := c.o.Versions.All()
	if err != nil {
		return v, err
	}
	for _, v := range all {
		if v.Number == n {
			return v, nil
		}
	}
	return v, versions.ErrUnknown
}

func (c *Console) restoreVersion(p *page) error {
	v, err := c.version(p.r.PathValue("number"))
	if err != nil {
		return err
	}
	reason := p.form("reason")
	if reason == "" {
		return badInput("为什么恢复？请写一句，以后查得到。")
	}
	return p.propose(desk.Proposal{Title: fmt.Sprintf("恢复版本 %d", v.Number), Reason: reason, Author: p.person.ID, Back: true, Of: v.Number})
}
