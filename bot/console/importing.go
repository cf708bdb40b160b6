package console

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/knowledge"
	"aeobot/knowledge/intake"
)

// A file is read in the background, one at a time, since a large table takes seconds and
// two hundred megabytes. What was read waits on the shelf, where any replica can show it,
// until somebody proposes it.
const (
	drafts    = "console-drafts"
	progress  = "console-imports"
	draftKeep = time.Hour
	// readWithin bounds reading; a draft that is not there by then never comes. A table of
	// 20,000 rows takes some seconds.
	readWithin = time.Minute
	// readPatience is how long a form waits, so that most files need no second page.
	readPatience = time.Second
	// toldEvery is how often it is said how far reading is.
	toldEvery = 500 * time.Millisecond
)

// draft is what was read of an upload.
type draft struct {
	By        string           `json:"by"` // nobody else can see it
	Format    string           `json:"format"`
	Origin    knowledge.Origin `json:"origin"`
	Converted bool             `json:"converted"`
	Counts    intake.Counts    `json:"counts"`
	// Files are what would be stored; none when there are Problems or it was refused.
	Files    map[string][]byte `json:"files,omitempty"`
	Problems []intake.Problem  `json:"problems,omitempty"`
	Warnings []intake.Problem  `json:"warnings,omitempty"`
	Refused  *refusal          `json:"refused,omitempty"`
	Title    string            `json:"title"`
	// Changes are the first of All that proposing it would make.
	Changes  []knowledge.Change `json:"changes,omitempty"`
	All      int                `json:"all"`
	Replaces []string           `json:"replaces,omitempty"` // files in force that would be written over
}

// refusal is why nothing of a file was read.
type refusal struct{ File, Message, Mend string }

// importPage is the form, and what became of what was sent.
type importPage struct {
	ID        string
	Reading   bool
	Done, All int
	Draft     *draft
	Document  *knowledge.Document // how the knowledge will read it
	Problems  []intake.Problem
	Hidden    int // problems beyond those shown
	Editable  bool
	Limit     int
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

// Upload is what a form sent.
type Upload struct {
	Name  string // of the file
	Title string // of pasted text, which has no name
	Date  string
	Data  []byte
}

// Read makes files of the knowledge of it, in this process.
func (u Upload) Read(ctx context.Context, o intake.Options) (intake.Intake, error) {
	o.Date = u.Date
	if u.Name == "" {
		return intake.Paste(ctx, u.Title, string(u.Data), o)
	}
	return intake.Read(ctx, u.Name, u.Data, o)
}

// previewImport has what was sent read, and goes on to the page that shows what would
// become of it. Nothing is proposed yet.
func (c *Console) previewImport(p *page) error {
	u, err := p.upload()
	if err != nil {
		return err
	}
	id, by := rand.Text(), p.person.ID
	if err := c.tell(p.ctx, id, by, 0, 0); err != nil {
		return err
	}
	over, release := make(chan struct{}), keepUpload(p.ctx)
	c.work.Go(func() {
		defer close(over)
		defer release()
		c.reading.Lock()
		defer c.reading.Unlock()
		ctx, cancel := context.WithTimeout(c.ctx, readWithin)
		defer cancel()
		if err := c.readUpload(ctx, id, by, u); err != nil {
			c.o.Log.Warn("import not read", slog.Any("error", err))
		}
		u.Data = nil
		debug.FreeOSMemory() // what one import leaves does not add to what the next takes
	})
	select {
	case <-over:
	case <-time.After(readPatience):
	}
	return p.redirect("/console/import/"+id, "")
}

// upload reads the file, or the text that was pasted.
func (p *page) upload() (u Upload, err error) {
	u = Upload{Title: p.form("title"), Date: p.form("date"), Data: []byte(p.r.PostFormValue("text"))}
	if _, err := time.Parse(time.DateOnly, u.Date); u.Date != "" && err != nil {
		return u, badInput("日期写成 2026-11-25 这样。")
	}
	file, header, err := p.r.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) || errors.Is(err, http.ErrNotMultipart) {
		if strings.TrimSpace(string(u.Data)) == "" {
			return u, badInput("请选一个文件，或把文字贴进来。")
		}
		return u, nil
	}
	if err != nil {
		return u, fmt.Errorf("console: upload: %w", err)
	}
	defer file.Close()
	u.Name = header.Filename
	u.Data = make([]byte, header.Size) // no more: a buffer that grows takes three times that
	if _, err = io.ReadFull(file, u.Data); err != nil {
		return u, fmt.Errorf("console: upload: %w", err)
	}
	return u, nil
}

// readUpload reads what was sent and keeps the draft.
func (c *Console) readUpload(ctx context.Context, id, by string, u Upload) error {
	var last time.Time
	in, err := c.o.Read(ctx, u, intake.Options{Progress: func(done, all int) {
		if now := time.Now(); now.Sub(last) >= toldEvery {
			last = now
			if err := c.tell(ctx, id, by, done, all); err != nil {
				c.o.Log.Debug("import's progress not kept", slog.Any("error", err))
			}
		}
	}})
	d := draft{By: by, Format: in.Format, Origin: in.Origin, Converted: in.Converted, Counts: in.Counts, Files: in.Files, Problems: in.Problems, Warnings: in.Warnings}
	if d.Title = in.Title; err == nil && in.Files != nil {
		err = c.compare(ctx, &d)
	}
	if refused := (*intake.Refused)(nil); errors.As(err, &refused) {
		d.Files, d.Refused, err = nil, &refusal{refused.File, refused.Message, refused.Mend}, nil
	} else if errors.Is(err, context.DeadlineExceeded) {
		d.Files, d.Refused = nil, &refusal{u.Name, fmt.Sprintf("读了 %d 秒还没有读完。", int(readWithin.Seconds())), "拆成几个文件，或把文字粘贴进来"}
	} else if err != nil {
		d.Files, d.Refused = nil, &refusal{u.Name, "没有读成，日志里有原因。", "稍后再试"}
	}
	return errors.Join(err, c.keep(context.WithoutCancel(ctx), id, d))
}

// compare tells what a draft would change in the state that is in force.
func (c *Console) compare(ctx context.Context, d *draft) error {
	proposal, err := c.o.Desk.Import(d.Files, "", d.By)
	if errors.Is(err, desk.ErrFiles) { // it can be looked at all the same
		return nil
	}
	if err != nil {
		return err
	}
	for _, change := range proposal.Changes {
		if change.Was != "" {
			d.Replaces = append(d.Replaces, change.File)
		}
	}
	changes, _, err := c.o.Desk.Changes(ctx, proposal)
	d.Changes, d.All = changes[:min(len(changes), changesShown)], len(changes)
	return err
}

// reading is how far an import is.
type reading struct {
	By        string    `json:"by"`
	At        time.Time `json:"at"`
	Done, All int
}

// tell keeps how far reading is, for whichever replica is asked.
func (c *Console) tell(ctx context.Context, id, by string, done, all int) error {
	data, err := json.Marshal(reading{by, c.o.Now(), done, all})
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	item, err := c.o.Shelf.Get(ctx, progress, id)
	if err == nil {
		err = c.o.Shelf.Put(ctx, progress, id, data, item.Version, draftKeep)
	}
	return err
}

func (c *Console) keep(ctx context.Context, id string, d draft) error {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(d), z.Close()); err != nil {
		return fmt.Errorf("console: %w", err)
	}
	return c.o.Shelf.Put(ctx, drafts, id, b.Bytes(), 0, draftKeep)
}

// maxDraft bounds a draft as it is unpacked: its files in Base64 and what is said of them.
const maxDraft = 8 * intake.MaxBytes

// draft finds what somebody sent; nil while it is being read.
func (c *Console) draft(p *page) (*draft, error) {
	item, err := c.o.Shelf.Get(p.ctx, drafts, p.r.PathValue("draft"))
	if err != nil || item.Version == 0 {
		return nil, err
	}
	d := &draft{}
	z, err := gzip.NewReader(bytes.NewReader(item.Data))
	if err == nil {
		err = json.NewDecoder(io.LimitReader(z, maxDraft)).Decode(d)
	}
	if err != nil {
		return nil, fmt.Errorf("console: draft: %w", err)
	}
	if !bot.SamePerson(d.By, p.person.ID) {
		return nil, errNotFound
	}
	return d, nil
}

// showDraft shows how far reading is, then what would become of it.
func (c *Console) showDraft(p *page) error {
	i := c.newImportPage()
	i.ID = p.r.PathValue("draft")
	f := frame{Title: "导入：预览", Active: "import"}
	d, err := c.draft(p)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if d == nil {
		if err := c.showReading(p, &i); err != nil {
			return err
		}
		f.Refresh = lookAgain
	} else {
		if i.Draft = d; d.Files == nil {
			status = http.StatusUnprocessableEntity
		}
		i.Problems = d.Problems[:min(len(d.Problems), problemsShown)]
		i.Hidden = len(d.Problems) - len(i.Problems)
		if err := i.outline(); err != nil {
			return err
		}
	}
	f.Data = i
	return p.write(status, "import", f)
}

// showReading tells how far reading is.
func (c *Console) showReading(p *page, i *importPage) error {
	item, err := c.o.Shelf.Get(p.ctx, progress, i.ID)
	if err != nil {
		return err
	}
	var r reading
	switch {
	case item.Version == 0:
		return badInput("预览已经过期，请重新上传。")
	case json.Unmarshal(item.Data, &r) != nil, !bot.SamePerson(r.By, p.person.ID):
		return errNotFound
	case c.o.Now().Sub(r.At) > readWithin:
		return badInput("没有读完就断了，请重新上传。")
	}
	i.Reading, i.Done, i.All = true, r.Done, max(r.All, r.Done, 1)
	return nil
}

// outline reads the draft's files as the knowledge will.
func (i *importPage) outline() error {
	if i.Draft.Files == nil {
		return nil
	}
	l, err := knowledge.LoadFiles(i.Draft.Files, nil)
	if err != nil {
		return err
	}
	i.Document = l.Documents[0]
	return nil
}

func (c *Console) proposeImport(p *page) error {
	d, err := c.draft(p)
	if err != nil {
		return err
	}
	reason := p.form("reason")
	switch {
	case d == nil:
		return badInput("预览已经过期，请重新上传。")
	case d.Files == nil:
		return badInput("里面还有要改好的，改好后重新上传。")
	case reason == "":
		return badInput("从哪里来、为什么导入？请写一句，以后查得到。")
	}
	proposal, err := c.o.Desk.Import(d.Files, "导入：《"+d.Title+"》", p.person.ID)
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
