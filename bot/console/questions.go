package console

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/bot/sheet"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// pageSize is how many rows a list shows at once.
const pageSize = 50

// paging is where in a list a page is.
type paging struct {
	Page, Pages, All    int
	Previous, Following string // addresses; empty: there is none
}

// cut gives the rows of the page that is asked for.
func cut[T any](p *page, rows []T, size int) ([]T, paging) {
	n, err := strconv.Atoi(p.query("page"))
	pages := max(1, (len(rows)+size-1)/size)
	if err != nil || n < 1 || n > pages {
		n = 1
	}
	at := paging{Page: n, Pages: pages, All: len(rows)}
	address := func(n int) string {
		q := p.r.URL.Query()
		q.Set("page", strconv.Itoa(n))
		q.Del("done")
		return p.r.URL.Path + "?" + q.Encode()
	}
	if n > 1 {
		at.Previous = address(n - 1)
	}
	if n < pages {
		at.Following = address(n + 1)
	}
	return rows[(n-1)*size : min(n*size, len(rows))], at
}

// questionList is the list of what was not answered, or not well.
type questionList struct {
	Rows       []desk.Row
	At         paging
	State, Q   string
	Channel    string
	States     []desk.Standing
	Channels   []string
	Places     map[string]knowledge.Passage
	Unfinished int
}

// unfinished is the filter that shows what somebody has still to look after.
const unfinished = "unfinished"

func (c *Console) showQuestions(p *page) error {
	rows, err := c.o.Desk.Rows(p.ctx, p.index)
	if err != nil {
		return err
	}
	l := questionList{State: p.query("state"), Q: p.query("q"), Channel: p.query("channel"), States: desk.Standings, Places: map[string]knowledge.Passage{}}
	if l.State == "" {
		l.State = unfinished
	}
	var kept []desk.Row
	for _, r := range rows {
		if r.Unfinished() {
			l.Unfinished++
		}
		l.Channels = append(l.Channels, r.Channels...)
		if l.keeps(r) {
			kept = append(kept, r)
		}
	}
	slices.Sort(l.Channels)
	l.Channels = slices.Compact(l.Channels)
	l.Rows, l.At = cut(p, kept, pageSize)
	for _, r := range l.Rows {
		if passage, ok := p.index.Library().Passage(r.Nearest); ok {
			l.Places[r.Key] = passage
		}
	}
	return p.show("questions", "questions", "没答上的问题", l)
}

// keeps tells whether the filter lets a row through.
func (l *questionList) keeps(r desk.Row) bool {
	switch {
	case l.State == unfinished && !r.Unfinished(),
		l.State != unfinished && l.State != "all" && string(r.Mark.State) != l.State,
		l.Channel != "" && !slices.Contains(r.Channels, l.Channel):
		return false
	case l.Q == "":
		return true
	}
	return strings.Contains(r.Name(), l.Q) || slices.ContainsFunc(r.Ways, func(u bot.Unanswered) bool { return strings.Contains(u.Question, l.Q) })
}

// exports are the forms of the list to take away.
var exports = map[string]struct {
	kind  string
	write func(w http.ResponseWriter, rows [][]string) error
}{
	"csv":  {"text/csv; charset=utf-8", func(w http.ResponseWriter, rows [][]string) error { return sheet.CSV(w, rows) }},
	"xlsx": {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", func(w http.ResponseWriter, rows [][]string) error { return sheet.XLSX(w, rows) }},
}

func (c *Console) exportQuestions(p *page) error {
	format := p.r.PathValue("format")
	e, known := exports[format]
	if !known {
		return errNotFound
	}
	rows, err := c.o.Desk.Rows(p.ctx, p.index)
	if err != nil {
		return err
	}
	p.download("unanswered-"+c.o.Now().In(china).Format("20060102")+"."+format, e.kind)
	if err := e.write(p.w, desk.Table(rows, p.index.Library())); err != nil {
		return fmt.Errorf("console: export: %w", err)
	}
	return nil
}

// download says that what follows is a file to keep.
func (p *page) download(name, kind string) {
	p.w.Header().Set("Content-Type", kind)
	p.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
}

// questionPage is one row with what can be done about it.
type questionPage struct {
	Row     desk.Row
	Now     []explained // what the knowledge in force makes of it
	Near    []knowledge.Passage
	Found   []knowledge.Passage // by the search on the page
	Find    string
	Shown   []knowledge.Passage // what readers found wrong
	States  []desk.Standing
	Topics  []desk.TopicOf
	MaxAsk  int
	Replied bool // the knowledge answers it now
}

// nearShown is how many passages are offered to teach a question to, foundShown how many
// the search on the page gives, and rankedShown how many of those only for being like it.
const (
	nearShown   = 8
	foundShown  = 20
	rankedShown = 5
)

func same(p knowledge.Passage) func(knowledge.Passage) bool {
	return func(o knowledge.Passage) bool { return o.ID == p.ID }
}

func (c *Console) showQuestion(p *page) error {
	row, err := c.row(p)
	if err != nil {
		return err
	}
	l := p.index.Library()
	q := questionPage{Row: row, Find: p.query("find"), States: desk.Standings, Topics: desk.Topics(l), MaxAsk: desk.MaxAsk}
	if q.Find != "" {
		if q.Found, err = find(p, q.Find); err != nil {
			return err
		}
	}
	if row.Question != "" {
		asked, err := bot.Read(p.ctx, p.index, row.Question)
		if err != nil {
			return err
		}
		q.Replied = len(asked) > 0
		for _, a := range asked {
			q.Replied = q.Replied && a.Answered()
			x := lay(a.Decision.Explain(nearShown), l)
			q.Now = append(q.Now, x)
			for _, h := range x.Hits {
				if h.Known && len(q.Near) < nearShown && !slices.ContainsFunc(q.Found, same(h.Passage)) && !slices.ContainsFunc(q.Near, same(h.Passage)) {
					q.Near = append(q.Near, h.Passage)
				}
			}
		}
	}
	for _, id := range row.Shown {
		if passage, ok := l.Passage(id); ok {
			q.Shown = append(q.Shown, passage)
		}
	}
	return p.show("question", "questions", "没答上的问题", q)
}

func (c *Console) row(p *page) (desk.Row, error) {
	return c.o.Desk.Row(p.ctx, p.index, p.r.PathValue("key"))
}

// find gives the passages that have the words in them, then those most like them.
func find(p *page, words string) ([]knowledge.Passage, error) {
	var found []knowledge.Passage
	for _, passage := range p.index.Library().Passages() {
		if len(found) < foundShown && (strings.Contains(passage.Text, words) || strings.Contains(desk.PlaceOf(passage), words)) {
			found = append(found, passage)
		}
	}
	d, err := p.index.Search(p.ctx, words)
	if err != nil {
		return nil, err
	}
	for _, h := range d.Ranked[:min(len(d.Ranked), rankedShown)] {
		if h.Score > 0 && len(found) < foundShown && !slices.ContainsFunc(found, same(h.Passage)) {
			found = append(found, h.Passage)
		}
	}
	return found, nil
}

const maxNote = 300

func (c *Console) markQuestion(p *page) error {
	row, err := c.row(p)
	if err != nil {
		return err
	}
	m := desk.Mark{State: desk.Standing(p.form("state")), By: p.person.ID, To: p.form("to"), Note: p.form("note")}
	switch {
	case !slices.Contains(desk.Standings, m.State):
		return badInput("请选一个状态。")
	case m.State == desk.Assigned && m.To == "":
		return badInput("分派给谁？请写上名字或 userid。")
	case m.State == desk.Rejected && m.Note == "":
		return badInput("为什么不处理？请写一句，别人看得到。")
	case len([]rune(m.To+m.Note)) > maxNote:
		return badInput(fmt.Sprintf("备注不要超过 %d 个字。", maxNote))
	}
	if err := c.o.Desk.Mark(p.ctx, row, m); err != nil {
		return err
	}
	return p.redirect("/console/questions/"+row.Key, "marked")
}

// teachQuestion proposes a way to ask for a passage, or for a topic that the knowledge has
// nothing on.
func (c *Console) teachQuestion(p *page) error {
	row, err := c.row(p)
	if err != nil {
		return err
	}
	ask, to := p.form("ask"), p.form("to")
	switch {
	case ask == "":
		return badInput("教哪一个问法？")
	case len([]rune(ask)) > desk.MaxAsk || strings.Contains(ask, "\n"):
		return badInput(fmt.Sprintf("问法写成一行，不要超过 %d 个字。", desk.MaxAsk))
	case to == "":
		return badInput("教给哪一条？请选一条。")
	}
	proposal, err := teaching(p.index, to, ask, p.person.ID)
	if err != nil {
		return err
	}
	proposal.Question = row.Question
	return p.propose(proposal)
}

// topicPrefix marks, in a form, a topic instead of a passage.
const topicPrefix = "topic:"

func teaching(g *index.Generation, to, ask, author string) (desk.Proposal, error) {
	l := g.Library()
	if id, ok := strings.CutPrefix(to, topicPrefix); ok {
		for _, t := range desk.Topics(l) {
			if t.ID() == id {
				return desk.Proposal{Title: fmt.Sprintf("教：“%s” → 没有写的话题“%s”", ask, t.Name), Author: author,
					Changes: []desk.Change{{File: t.File, Edit: &curate.Edit{Topic: t.Name, Ask: ask}}}}, nil
			}
		}
		return desk.Proposal{}, badInput("没有这个话题，它可能刚被改过。")
	}
	passage, ok := l.Passage(to)
	if !ok {
		return desk.Proposal{}, badInput("没有这一条，它可能刚被改过。")
	}
	return desk.Ask(passage, ask, author), nil
}

// propose hands a proposal to the desk and goes on to its page. A form that is sent twice
// makes one proposal.
func (p *page) propose(proposal desk.Proposal) error {
	made, err := p.console.o.Desk.Propose(p.ctx, p.form("once"), proposal)
	if errors.Is(err, desk.ErrUnknown) { // the seed named one that is gone
		return errNotFound
	}
	if err != nil {
		return err
	}
	return p.redirect("/console/proposals/"+made.ID, "proposed")
}
