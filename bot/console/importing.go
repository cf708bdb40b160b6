package console

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"aeobot/knowledge"
	"aeobot/knowledge/intake"
)

// drafts is the kind under which the shelf keeps files between preview and proposal, and
// draftKeep how long.
const (
	drafts    = "console-drafts"
	draftKeep = time.Hour
)

// draft is what was read of an upload.
type draft struct {
	Name  string            `json:"name"`
	By    string            `json:"by"` // nobody else can propose it
	Files map[string][]byte `json:"files"`
}

// importPage is the form, and the preview of what was sent.
type importPage struct {
	Intake   *intake.Intake
	Refused  *intake.Refused
	Draft    string
	Replaces []string // files in force that would be written over
	Changes  []knowledge.Change
	More     int // changes beyond those shown
	Problems []intake.Problem
	Hidden   int // problems beyond those shown
	Editable bool
	Text     string
	Title    string
	Date     string
	Limit    int
}

const (
	problemsShown = 100
	changesShown  = 200
)

func (c *Console) newImportPage() importPage {
	return importPage{Editable: c.editable(), Limit: intake.MaxBytes >> 20}
}

func (c *Console) showImport(p *page) error {
	return p.show("import", "import", "导入", c.newImportPage())
}

// tables are the templates of the table of questions, for download.
var tables = map[string]struct {
	kind string
	make func() ([]byte, error)
}{
	"xlsx": {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", intake.Template},
	"csv":  {"text/csv; charset=utf-8", intake.TemplateCSV},
}

func (c *Console) template(p *page) error {
	format := p.r.PathValue("format")
	t, known := tables[format]
	if !known {
		return errNotFound
	}
	data, err := t.make()
	if err != nil {
		return err
	}
	p.download("faq-template."+format, t.kind)
	_, err = p.w.Write(data)
	return err
}

// previewImport reads what was sent and shows what would become of it. Nothing is proposed
// yet: what was read waits on the shelf.
func (c *Console) previewImport(p *page) error {
	i := c.newImportPage()
	in, err := p.intake(&i)
	if refused := (*intake.Refused)(nil); errors.As(err, &refused) {
		i.Refused = refused
		return p.write(http.StatusUnprocessableEntity, "import", frame{Title: "导入", Active: "import", Data: i})
	}
	if err != nil {
		return err
	}
	i.Intake, i.Problems = &in, in.Problems
	if over := len(i.Problems) - problemsShown; over > 0 {
		i.Problems, i.Hidden = i.Problems[:problemsShown], over
	}
	if in.Files == nil {
		return p.write(http.StatusUnprocessableEntity, "import", frame{Title: "导入：预览", Active: "import", Data: i})
	}
	proposal, err := c.o.Desk.Import(in.Files, "导入：《"+in.Document.Title+"》", p.person.ID)
	if err != nil {
		return err
	}
	for _, change := range proposal.Changes {
		if change.Was != "" {
			i.Replaces = append(i.Replaces, change.File)
		}
	}
	if i.Changes, _, err = c.o.Desk.Changes(p.ctx, proposal); err != nil {
		return err
	}
	if over := len(i.Changes) - changesShown; over > 0 {
		i.Changes, i.More = i.Changes[:changesShown], over
	}
	if i.Draft, err = c.keep(p, draft{in.Document.Title, p.person.ID, in.Files}); err != nil {
		return err
	}
	return p.show("import", "import", "导入：预览", i)
}

// intake reads the file, or the text that was pasted.
func (p *page) intake(i *importPage) (intake.Intake, error) {
	i.Title, i.Date, i.Text = p.form("title"), p.form("date"), p.r.PostFormValue("text")
	if _, err := time.Parse(time.DateOnly, i.Date); i.Date != "" && err != nil {
		return intake.Intake{}, badInput("日期写成 2026-11-25 这样。")
	}
	options := intake.Options{Date: i.Date}
	file, header, err := p.r.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		if strings.TrimSpace(i.Text) == "" {
			return intake.Intake{}, badInput("请选一个文件，或把文字贴进来。")
		}
		return intake.Paste(p.ctx, i.Title, i.Text, options)
	}
	if err != nil {
		return intake.Intake{}, fmt.Errorf("console: upload: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		return intake.Intake{}, fmt.Errorf("console: upload: %w", err)
	}
	return intake.Read(p.ctx, header.Filename, data, options)
}

func (c *Console) keep(p *page, d draft) (id string, err error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(d), z.Close()); err != nil {
		return "", fmt.Errorf("console: %w", err)
	}
	id = rand.Text()
	return id, c.o.Shelf.Put(p.ctx, drafts, id, b.Bytes(), 0, draftKeep)
}

func (c *Console) proposeImport(p *page) error {
	item, err := c.o.Shelf.Get(p.ctx, drafts, p.r.PathValue("draft"))
	if err != nil {
		return err
	}
	if item.Version == 0 {
		return badInput("预览已经过期，请重新上传。")
	}
	var d draft
	z, err := gzip.NewReader(bytes.NewReader(item.Data))
	if err == nil {
		err = json.NewDecoder(io.LimitReader(z, 8*intake.MaxBytes)).Decode(&d)
	}
	if err != nil {
		return fmt.Errorf("console: draft: %w", err)
	}
	reason := p.form("reason")
	switch {
	case d.By != p.person.ID:
		return errNotFound
	case reason == "":
		return badInput("从哪里来、为什么导入？请写一句，以后查得到。")
	}
	proposal, err := c.o.Desk.Import(d.Files, "导入：《"+d.Name+"》", p.person.ID)
	if err != nil {
		return err
	}
	proposal.Reason = reason
	return p.propose(proposal)
}

// safeName gives the safe name of a document.
func safeName(title string) (string, error) {
	name, err := intake.SafeName(title + ".md")
	if refused := (*intake.Refused)(nil); errors.As(err, &refused) {
		return "", badInput("这个标题不能作文件名：" + refused.Message)
	}
	return name, err
}
