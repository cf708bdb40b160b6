// Package intake turns what people have (Word documents, web pages, tables of questions,
// pasted text) into files of the knowledge, which are text with byte spans. It knows the
// foreign formats and what must be refused in them; it does not know who imports, nor
// where the files go, and it writes nothing.
//
// A foreign file becomes `<name>.md` in the form of knowledge.Write, and a table of
// questions `<name>.notes.yaml` beside it. What is handed out has been read again by the
// knowledge and is, word for word and number for number, what was found in the file.
//
// Read intake.go first (the promise), then formats.go (what is refused), paper.go (how
// paragraphs become a document), faq.go (how rows do); docx.go, html.go, xlsx.go and
// csv.go each know one format.
package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"aeobot/knowledge"
)

// MaxBytes bounds an upload, most of which may be pictures.
const MaxBytes = 20 << 20

// Intake is what a file becomes.
type Intake struct {
	// Name is our own safe name for it, without extension: the document's id.
	Name string
	// Format says in Chinese what was read: Word 文档.
	Format string
	// Title is the document's.
	Title string
	// Origin is the uploaded file's name as it came, and the SHA-256 of its bytes.
	Origin knowledge.Origin
	// Files are to be stored, by name: Name.md and, for a table of questions,
	// Name.notes.yaml. Nil when there are Problems: it is all or nothing.
	Files map[string][]byte
	// Document is how the knowledge will read them: the preview. Nil when the problems
	// leave nothing to show. Never nil when Files are set.
	Document *knowledge.Document
	// Problems stop the import; each says where it is and how to mend it.
	Problems []Problem
	// Warnings are what was left out or guessed, and what the knowledge finds doubtful;
	// they do not stop it.
	Warnings []Problem
	Counts   Counts
	// Converted is set when the text was GB18030 and is stored as UTF-8.
	Converted bool
}

// Counts say how much was found.
type Counts struct {
	Rows                           int // rows of a table, or paragraphs, that had words
	Sections, Measures, Paragraphs int
	Asks, Keywords, Unlike, States int
}

// Problem is something a curator should know or mend. Message and Mend are Chinese.
type Problem struct {
	// Row counts rows of a table as the spreadsheet shows them, paragraphs of a document
	// or lines of a text, from 1; 0 when it concerns the whole file. Unit is 行 or 段.
	Row    int
	Unit   string
	Column string // the header of the column; or empty
	// Message says what is wrong, Mend how to mend it.
	Message, Mend string
}

func (p Problem) String() string {
	var b strings.Builder
	if p.Row > 0 {
		fmt.Fprintf(&b, "第 %d %s", p.Row, p.Unit)
	}
	if p.Column != "" {
		fmt.Fprintf(&b, "“%s”列", p.Column)
	}
	if b.Len() > 0 {
		b.WriteString("：")
	}
	b.WriteString(p.Message)
	if p.Mend != "" {
		b.WriteString("；改法：" + p.Mend)
	}
	return b.String()
}

// Refused means that nothing of a file is read: it is too large, broken, in a format we
// do not take, or holds what must not come in. Errors can be told apart by Err.
type Refused struct {
	File string
	Err  error // one of the sentinels, or wraps one
	// Message and Mend say it to a curator, in Chinese.
	Message, Mend string
}

func (r *Refused) Error() string {
	return fmt.Sprintf("intake: %s: %v: %s；改法：%s", r.File, r.Err, r.Message, r.Mend)
}

func (r *Refused) Unwrap() error { return r.Err }

// What Refused wraps.
var (
	ErrName      = errors.New("no usable name")
	ErrFormat    = errors.New("unknown format")
	ErrLegacy    = errors.New("old binary format")
	ErrMacro     = errors.New("has macros")
	ErrEncrypted = errors.New("encrypted")
	ErrLarge     = errors.New("too large")
	ErrEmpty     = errors.New("nothing in it")
	ErrBroken    = errors.New("broken")
	ErrUnsafe    = errors.New("unsafe")
	ErrText      = errors.New("not text")
)

// Options are all optional.
type Options struct {
	// Date (2026-11-25) is the document's when the file itself has none. A text file is
	// stored as it is and stays without.
	//
	// default: there is none, which is said as a warning
	Date string
	// Progress is told how far reading has come, from the goroutine that reads: done of
	// all, in rows or paragraphs; all is 0 while it is not known.
	//
	// default: nobody is told
	Progress func(done, all int)
}

func (o Options) progress(done, all int) {
	if o.Progress != nil {
		o.Progress(done, all)
	}
}

// Read turns an uploaded file into files of the knowledge. The error is a *Refused, or
// ctx's. What is wrong with single rows or paragraphs is in Problems instead.
func Read(ctx context.Context, name string, data []byte, o Options) (Intake, error) {
	base, err := SafeName(name)
	if err != nil {
		return Intake{}, err
	}
	f, err := formatOf(name, data)
	if err != nil {
		return Intake{}, err
	}
	sum := sha256.Sum256(data)
	in := &reading{options: o, data: data, Intake: Intake{
		Name: base, Format: f.name, Origin: knowledge.Origin{Name: shownName(name), SHA256: hex.EncodeToString(sum[:])},
	}}
	err = f.read(ctx, in)
	if refused := (*Refused)(nil); errors.As(err, &refused) {
		refused.File = in.Origin.Name
	}
	if err != nil {
		return Intake{}, err
	}
	in.settle()
	return in.Intake, nil
}

// Paste turns pasted text into a file of the knowledge: Markdown when it has headings
// with #, plain text else. The title names the file; title and date stand above the text
// when it has no date of its own.
func Paste(ctx context.Context, title, text string, o Options) (Intake, error) {
	ext := ".txt"
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") && strings.HasPrefix(strings.TrimLeft(line, "#"), " ") {
			ext = ".md"
		}
	}
	name := strings.NewReplacer("/", "-", `\`, "-").Replace(title) + ext
	in, err := Read(ctx, name, []byte(text), o)
	if err == nil && in.Document != nil && in.Document.Date == "" && o.Date != "" {
		mark := ""
		if ext == ".md" {
			mark = "# "
		}
		return Read(ctx, name, []byte(mark+title+"\n\n"+o.Date+"\n\n"+text), o)
	}
	return in, err
}

// reading is one file on its way.
type reading struct {
	Intake
	options Options
	data    []byte
	// moreProblems and moreWarnings are how many are not in the lists.
	moreProblems, moreWarnings int
}

// maxProblems bounds the list: a table in the wrong columns has one in every row.
const maxProblems = 200

func (in *reading) problem(p Problem) {
	if len(in.Problems) == maxProblems {
		in.moreProblems++
		return
	}
	in.Problems = append(in.Problems, p)
}

func (in *reading) warn(p Problem) {
	if len(in.Warnings) == maxProblems {
		in.moreWarnings++
		return
	}
	in.Warnings = append(in.Warnings, p)
}

// found passes on what the knowledge finds: what nobody may publish stops the import.
func (in *reading) found(f knowledge.Finding, p Problem) {
	if f.Refused {
		in.problem(p)
	} else {
		in.warn(p)
	}
}

// settle keeps the promise of all or nothing, and counts.
func (in *reading) settle() {
	if in.Document != nil && in.Document.Date == "" {
		in.warn(Problem{Message: "没有认出日期，引用时来源就没有日期", Mend: "在标题下面单独一行写上日期（2026-11-25），或在导入时填上"})
	}
	if n := in.moreProblems; n > 0 {
		in.Problems = append(in.Problems, Problem{Message: fmt.Sprintf("另有 %d 处问题没有列出", n), Mend: "先改好上面这些，再试一次"})
	}
	if n := in.moreWarnings; n > 0 {
		in.Warnings = append(in.Warnings, Problem{Message: fmt.Sprintf("另有 %d 处提醒没有列出", n)})
	}
	if len(in.Problems) > 0 {
		in.Files = nil
	}
	if in.Document == nil {
		return
	}
	in.Title = in.Document.Title
	c := &in.Counts
	c.Sections, c.Paragraphs = len(in.Document.Sections), len(in.Document.Paragraphs)
	for _, s := range in.Document.Sections {
		c.Measures += len(s.Measures)
		c.Asks += len(s.Ask)
		for _, m := range s.Measures {
			c.Asks, c.Keywords = c.Asks+len(m.Notes.Ask), c.Keywords+len(m.Notes.Keywords)
			c.Unlike, c.States = c.Unlike+len(m.Notes.Unlike), c.States+len(m.Notes.States)
		}
	}
}
