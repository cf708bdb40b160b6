// Package console is the coordinators' console: pages rendered on the server, for a phone
// within WeCom and for a desktop, without a script and without anything fetched from
// elsewhere. It shows what desk, tally and audit know and hands decisions on to the desk;
// it decides nothing itself. Who may enter is bot/console/login's business.
//
// Read console.go (the table of pages) first, then page.go (one request), then the page
// that is of interest: each has a file here and a template of the same name in pages/.
package console

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"aeobot/bot"
	"aeobot/bot/audit"
	"aeobot/bot/console/login"
	"aeobot/bot/desk"
	"aeobot/bot/wecom/setup"
	"aeobot/index/eval"
	"aeobot/knowledge"
	"aeobot/knowledge/intake"
	"aeobot/knowledge/versions"
)

// Options of a Console. All are needed but those with a default.
type Options struct {
	// Index is what is answered from.
	Index bot.Retriever
	Desk  *desk.Desk
	// Editions finds the texts of another day.
	//
	// default: those in force now
	Editions bot.Editions
	// Shelf keeps the daily counts, and files between preview and proposal.
	Shelf    bot.Shelf
	Feedback bot.Feedbacks
	Audit    *audit.Log
	Guard    *login.Guard
	// Versions are the published states.
	Versions interface {
		All() ([]versions.Version, error)
	}
	// Examine asks the judged questions of a state of the knowledge.
	Examine func(ctx context.Context, l *knowledge.Library, progress func(asked, all int)) (eval.Report, error)
	// Read makes files of the knowledge of what was sent.
	//
	// default: Upload.Read
	Read func(ctx context.Context, u Upload, o intake.Options) (intake.Intake, error)
	// Trouble names what is not as it should be; see /readyz.
	//
	// default: nothing
	Trouble func(ctx context.Context) []string
	// Setup is the guide to WeCom's settings, with what the program sees of each.
	//
	// default: without what it sees
	Setup func(ctx context.Context) []setup.Report
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log is told of trouble.
	//
	// default: discard
	Log *slog.Logger
}

// Console is the handler of /console/. It may be used by many at once; Close waits for what
// is under way.
type Console struct {
	o       Options
	mux     *http.ServeMux
	figures lately[figures]
	reading sync.Mutex    // held while a file is read
	uploads chan struct{} // an element for each upload that is kept in memory
	exams   examinations
	diffs   *lru.Cache[[2]string, []knowledge.Change]

	ctx  context.Context
	end  context.CancelFunc
	work sync.WaitGroup
}

// pages is every page and every form. To add one: write its method and its template, add a
// row. Nothing that GET reaches changes anything.
var pages = []struct {
	pattern string
	least   login.Role
	show    func(*Console, *page) error
}{
	{"GET /console/{$}", login.Reader, (*Console).showOverview},
	{"GET /console/try", login.Reader, (*Console).showTry},
	{"GET /console/questions", login.Reader, (*Console).showQuestions},
	{"GET /console/questions/export/{format}", login.Reader, (*Console).exportQuestions},
	{"GET /console/questions/{key}", login.Reader, (*Console).showQuestion},
	{"POST /console/questions/{key}/mark", login.Coordinator, (*Console).markQuestion},
	{"POST /console/questions/{key}/teach", login.Coordinator, (*Console).teachQuestion},
	{"GET /console/knowledge", login.Reader, (*Console).showKnowledge},
	{"GET /console/knowledge/document/{id}", login.Reader, (*Console).showDocument},
	{"GET /console/knowledge/passage", login.Reader, (*Console).showPassage},
	{"POST /console/knowledge/passage", login.Coordinator, (*Console).editPassage},
	{"GET /console/knowledge/notes/{id}", login.Coordinator, (*Console).showNotes},
	{"POST /console/knowledge/notes/{id}", login.Coordinator, (*Console).editNotes},
	{"GET /console/knowledge/measure", login.Coordinator, (*Console).showNewMeasure},
	{"POST /console/knowledge/measure", login.Coordinator, (*Console).newMeasure},
	{"POST /console/knowledge/document/{id}/remove", login.Coordinator, (*Console).removeDocument},
	{"GET /console/import", login.Coordinator, (*Console).showImport},
	{"GET /console/import/template/{format}", login.Reader, (*Console).template},
	{"POST " + importPath, login.Coordinator, (*Console).previewImport},
	{"GET /console/import/{draft}", login.Coordinator, (*Console).showDraft},
	{"POST /console/import/{draft}", login.Coordinator, (*Console).proposeImport},
	{"GET /console/proposals", login.Reader, (*Console).showProposals},
	{"GET /console/proposals/{id}", login.Reader, (*Console).showProposal},
	{"POST /console/proposals/{id}", login.Coordinator, (*Console).decideProposal},
	{"GET /console/versions", login.Reader, (*Console).showVersions},
	{"GET /console/versions/diff", login.Reader, (*Console).showDiff},
	{"POST /console/versions/{number}/restore", login.Coordinator, (*Console).restoreVersion},
	{"GET /console/corrections", login.Reader, (*Console).showRecalls},
	{"GET /console/corrections/{id}", login.Reader, (*Console).showRecall},
	{"POST /console/corrections/{id}", login.Coordinator, (*Console).decideRecall},
	{"GET /console/evaluation", login.Reader, (*Console).showEvaluation},
	{"POST /console/evaluation", login.Coordinator, (*Console).evaluate},
	{"GET /console/setup", login.Reader, (*Console).showSetup},
	{"GET /console/audit", login.Admin, (*Console).showAudit},
}

//go:embed static
var static embed.FS

// New makes a console.
func New(o Options) *Console {
	if o.Read == nil {
		o.Read = func(ctx context.Context, u Upload, o intake.Options) (intake.Intake, error) { return u.Read(ctx, o) }
	}
	if o.Trouble == nil {
		o.Trouble = func(context.Context) []string { return nil }
	}
	if o.Setup == nil {
		o.Setup = withoutFindings
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	templates()
	diffs, err := lru.New[[2]string, []knowledge.Change](keptDiffs)
	if err != nil { // only for a size that is not positive
		panic("console: " + err.Error())
	}
	c := &Console{o: o, mux: http.NewServeMux(), figures: lately[figures]{good: figuresFor}, diffs: diffs, uploads: make(chan struct{}, maxUploads)}
	c.ctx, c.end = context.WithCancel(context.Background())
	for _, p := range pages {
		first := func(h http.Handler) http.Handler { return h }
		if p.pattern == "POST "+importPath {
			first = c.admitUpload
		}
		c.mux.Handle(p.pattern, o.Guard.RequireFirst(p.least, first, c.handler(p.show)))
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic("console: " + err.Error()) // the name is ours
	}
	c.mux.Handle("GET /console/static/", o.Guard.Headers(cached(http.StripPrefix("/console/static/", http.FileServerFS(files)))))
	unknown := o.Guard.Require(login.Reader, c.handler(func(*Console, *page) error { return errNotFound }))
	c.mux.Handle("/console/", o.Guard.Headers(OtherMethods(c.mux, unknown)))
	o.Guard.Register(c.mux)
	return c
}

// Close ends what is under way, and waits.
func (c *Console) Close() {
	c.end()
	c.work.Wait()
}

// OtherMethods answers for paths that mux knows by other methods only, with 405 and those
// methods. Beside a pattern for all that is unknown, mux does not do so itself.
func OtherMethods(mux *http.ServeMux, unknown http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			other := *r
			other.Method = method
			if _, pattern := mux.Handler(&other); strings.Contains(pattern, " ") {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			unknown.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		http.Error(w, "这个地址不支持这种请求。", http.StatusMethodNotAllowed)
	})
}

// Limits of a request. What is uploaded may come over a slow line.
const (
	// MaxBody bounds what is sent: a file of 20 MB and what a form puts around it.
	MaxBody    = 21 << 20
	maxForm    = 1 << 20
	uploadTime = 2 * time.Minute
)

// ServeHTTP serves everything below /console/.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	limit := int64(maxForm)
	if r.Method == http.MethodPost && r.URL.Path == importPath {
		limit = MaxBody
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	c.mux.ServeHTTP(w, r)
}

// cached lets a browser keep what only changes with the program.
func cached(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=300")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		h.ServeHTTP(w, r)
	})
}

// requestTime is how long a page may take; the server's WriteTimeout is 10 s. Tests are not
// about time limits: they have minutes.
var requestTime = 9 * time.Second
