package console

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"aeobot/bot/desk"
	"aeobot/bot/tally"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// knowledgePage is the documents there are, or what a search finds in them.
type knowledgePage struct {
	Documents []documentRow
	Q         string
	Found     []knowledge.Passage
	At        paging
	Today     string
	Version   string
	Editable  bool
}

type documentRow struct {
	Document           *knowledge.Document
	Sections, Passages int
	Findings           int
}

func (c *Console) showKnowledge(p *page) error {
	l := p.index.Library()
	k := knowledgePage{Q: p.query("q"), Today: c.today(), Editable: c.editable()}
	k.Version, _ = c.o.Desk.Describe() // without a published state there is none to name
	count := map[*knowledge.Document]int{}
	var found []knowledge.Passage
	for _, passage := range l.Passages() {
		count[passage.Document]++
		if k.Q != "" && mentions(passage, k.Q) {
			found = append(found, passage)
		}
	}
	k.Found, k.At = cut(p, found, pageSize)
	for _, d := range l.Documents {
		k.Documents = append(k.Documents, documentRow{d, len(d.Sections), count[d], len(d.Findings)})
	}
	return p.show("knowledge", "knowledge", "知识", k)
}

// mentions tells whether words stand in a passage, its place or its curation.
func mentions(p knowledge.Passage, words string) bool {
	has := func(s string) bool { return strings.Contains(s, words) }
	return has(p.Text) || has(p.Heading) || slices.ContainsFunc(p.Notes.Ask, has) || slices.ContainsFunc(p.Notes.Keywords, has)
}

func (c *Console) today() string { return c.o.Now().In(china).Format(time.DateOnly) }

// editable tells that the knowledge is published states and not files of the settings.
func (c *Console) editable() bool {
	_, err := c.o.Desk.Describe()
	return !errors.Is(err, desk.ErrFiles)
}

// documentPage is one document, its passages page by page.
type documentPage struct {
	Document *knowledge.Document
	Passages []knowledge.Passage
	At       paging
	Today    string
	Editable bool
	Writable bool
	Size     int
}

// passagesShown is how many passages of a document stand on a page.
const passagesShown = 100

func (c *Console) showDocument(p *page) error {
	doc, err := document(p.index.Library(), p.r.PathValue("id"))
	if err != nil {
		return err
	}
	d := documentPage{Document: doc, Today: c.today(), Editable: c.editable(), Writable: slices.Contains(desk.Writable(p.index.Library()), doc), Size: len(doc.Source)}
	d.Passages, d.At = cut(p, doc.Passages(), passagesShown)
	return p.show("document", "knowledge", "《"+doc.Title+"》", d)
}

func document(l *knowledge.Library, id string) (*knowledge.Document, error) {
	for _, d := range l.Documents {
		if d.ID == id {
			return d, nil
		}
	}
	return nil, errNotFound
}

// passagePage is one measure or paragraph with all that is known about it.
type passagePage struct {
	Passage  knowledge.Passage
	Now      knowledge.State
	Today    string
	Quoted   int // in the days that are shown
	Editable bool
	Statuses []knowledge.Status
	MaxAsk   int
	Source   string // the bytes of the source, as they stand there
}

func (c *Console) showPassage(p *page) error {
	passage, ok := p.index.Library().Passage(p.query("id"))
	if !ok {
		return errNotFound
	}
	f, err := c.counted(p.ctx)
	if err != nil {
		return err
	}
	var all tally.Day
	for _, d := range c.window(f.days) {
		all = all.Add(d)
	}
	doc := passage.Document
	return p.show("passage", "knowledge", desk.PlaceOf(passage), passagePage{
		Passage: passage, Now: passage.Notes.On(c.today()), Today: c.today(), Quoted: all.Measures[passage.ID], Editable: c.editable(),
		Statuses: statuses, MaxAsk: desk.MaxAsk, Source: string(doc.Source[passage.Span.Start:passage.Span.End]),
	})
}

// statuses are those that a form offers.
var statuses = []knowledge.Status{knowledge.StatusCurrent, knowledge.StatusChanged, knowledge.StatusSuperseded, knowledge.StatusRegional, knowledge.StatusUnsure}

// editPassage proposes one addition to a passage's notes.
func (c *Console) editPassage(p *page) error {
	passage, ok := p.index.Library().Passage(p.form("id"))
	if !ok {
		return errNotFound
	}
	edit := desk.EditOf(passage)
	what, err := p.addition(passage, &edit)
	if err != nil {
		return err
	}
	return p.propose(desk.Proposal{Title: fmt.Sprintf("%s：%s", desk.PlaceOf(passage), what), Reason: p.form("reason"), Author: p.person.ID,
		Changes: []desk.Change{{File: passage.Document.ID + knowledge.NotesSuffix, Edit: &edit}}})
}

// addition reads what a form adds, and says what that is.
func (p *page) addition(to knowledge.Passage, e *curate.Edit) (string, error) {
	value := p.form("value")
	kind := p.form("kind")
	if kind != "state" && (value == "" || strings.Contains(value, "\n") || len([]rune(value)) > desk.MaxAsk) {
		return "", badInput(fmt.Sprintf("写成一行，不要空着，也不要超过 %d 个字。", desk.MaxAsk))
	}
	switch kind {
	case "ask":
		e.Ask = value
		return "加问法“" + value + "”", nil
	case "keyword":
		e.Keyword = value
		return "加关键词“" + value + "”", nil
	case "unlike":
		why := p.form("why")
		if why == "" || len([]rune(why)) > desk.MaxAsk {
			return "", badInput("它其实是什么意思？请写一句，不超过 200 个字。")
		}
		e.Unlike = &curate.Unlike{Term: value, Why: why}
		return "加易混词“" + value + "”", nil
	case "state":
		return p.state(to, e)
	}
	return "", badInput("要加什么？请从页面上的表单提交。")
}

// state reads a form's state. It takes the place of what was said of its days.
func (p *page) state(of knowledge.Passage, e *curate.Edit) (string, error) {
	s := knowledge.State{Status: knowledge.Status(p.form("status")), From: p.form("from"), To: p.form("to"), Note: oneLine(p.form("note")), Customer: oneLine(p.form("customer"))}
	for _, day := range []string{s.From, s.To} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return "", badInput("日期写成 2026-04-01 这样。")
		}
	}
	switch {
	case !slices.Contains(statuses, s.Status):
		return "", badInput("请选一个状态。")
	case s.From != "" && s.To != "" && s.To < s.From:
		return "", badInput("“到”早于“从”，请改正。")
	case max(len([]rune(s.Note)), len([]rune(s.Customer))) > maxNote:
		return "", badInput(fmt.Sprintf("备注不要超过 %d 个字。", maxNote))
	}
	for _, s := range of.Notes.With(s) {
		e.States = append(e.States, curate.State{Status: string(s.Status), From: s.From, To: s.To, Note: s.Note, Customer: s.Customer})
	}
	return fmt.Sprintf("状态“%s”（%s 到 %s）", s.Status.Name(), orOpen(s.From), orOpen(s.To)), nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func orOpen(day string) string {
	if day == "" {
		return "不限"
	}
	return day
}

// notesPage is a document's notes as a whole.
type notesPage struct {
	ID, Was, Text, Reason string
	Previewed             bool
	Changes               []knowledge.Change
	Problem               string
}

func (c *Console) showNotes(p *page) error {
	id := p.r.PathValue("id")
	notes, was, err := c.o.Desk.Notes(id)
	if errors.Is(err, desk.ErrDocument) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	return p.show("notes", "knowledge", "整份备注："+id, notesPage{ID: id, Was: was, Text: string(notes)})
}

func (c *Console) editNotes(p *page) error {
	n := notesPage{ID: p.r.PathValue("id"), Was: p.form("was"), Text: strings.ReplaceAll(p.r.PostFormValue("text"), "\r\n", "\n"), Reason: p.form("reason")}
	proposal, err := c.o.Desk.EditNotes(n.ID, []byte(n.Text), n.Was, p.person.ID)
	if err != nil {
		return err
	}
	proposal.Reason = n.Reason
	if p.form("do") != "preview" {
		if n.Reason == "" {
			return badInput("为什么改？请写一句，以后查得到。")
		}
		return p.propose(proposal)
	}
	n.Previewed = true
	changes, findings, err := c.o.Desk.Changes(p.ctx, proposal)
	var broken *knowledge.BrokenError
	switch {
	case errors.As(err, &broken):
		n.Problem = fmt.Sprintf("第 %d 行：%v；改法：%s", broken.Line, broken.Err, broken.Mend)
	case errors.Is(err, index.ErrVocabulary):
		n.Problem = err.Error()
	case err != nil:
		return err
	}
	n.Changes, n.Problem = changes, strings.Join(append(nonEmpty(n.Problem), findings...), "\n")
	return p.show("notes", "knowledge", "整份备注："+n.ID, n)
}

// nonEmpty is a list of the text, unless it is empty.
func nonEmpty(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// measurePage is the form of a new measure.
type measurePage struct {
	Documents []*knowledge.Document
	Today     string
	Ask       string
}

func (c *Console) showNewMeasure(p *page) error {
	return p.show("measure", "knowledge", "新增一条", measurePage{desk.Writable(p.index.Library()), c.today(), p.query("ask")})
}

// maxMeasure bounds the words of a new measure, in characters.
const maxMeasure = 5000

func (c *Console) newMeasure(p *page) error {
	m := desk.NewMeasure{Document: p.form("document"), Title: p.form("title"), Date: p.form("date"), Heading: p.form("heading"), Text: p.form("text"),
		Asks: nonEmptyLines(p.form("asks")), Keywords: nonEmptyLines(p.form("keywords"))}
	if m.Document == "" {
		name, err := safeName(m.Title)
		if err != nil {
			return err
		}
		m.Document = name
	}
	if len([]rune(m.Text)) > maxMeasure {
		return badInput(fmt.Sprintf("一条不要超过 %d 个字，长的请分成几条或导入一篇。", maxMeasure))
	}
	proposal, err := c.o.Desk.AddMeasure(m, p.person.ID)
	switch {
	case errors.Is(err, desk.ErrIncomplete):
		return badInput("节名、原文要写；新的一篇还要写标题和日期（2026-11-25 这样）。")
	case errors.Is(err, desk.ErrDocument):
		return badInput("已经有一篇同名的文章，不是在维护台录入的；请换一个标题。")
	case err != nil:
		return err
	}
	proposal.Reason = p.form("reason")
	return p.propose(proposal)
}

func nonEmptyLines(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func (c *Console) removeDocument(p *page) error {
	reason := p.form("reason")
	if reason == "" {
		return badInput("为什么去掉？请写一句，以后查得到。")
	}
	proposal, err := c.o.Desk.RemoveDocument(p.r.PathValue("id"), p.person.ID)
	if errors.Is(err, desk.ErrDocument) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	proposal.Reason = reason
	return p.propose(proposal)
}

// documentLink is a document's page.
func documentLink(id string) string { return "/console/knowledge/document/" + url.PathEscape(id) }
