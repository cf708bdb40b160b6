package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"aeobot/bot"
	"aeobot/bot/console/login"
	"aeobot/bot/desk"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
	"aeobot/knowledge/versions"
)

// page is one request being answered.
type page struct {
	ctx     context.Context
	w       http.ResponseWriter
	r       *http.Request
	console *Console
	person  login.Person
	index   *index.Generation
}

// frame is what every template gets.
type frame struct {
	Title  string
	Active string // the entry of the menu
	Person login.Person
	Role   string
	Done   string // what was done just now
	// Warning is why something was not done that the page is about.
	Warning string
	// Refresh is after how many seconds the page looks again; 0: never.
	Refresh int
	People  int
	Data    any
}

// lookAgain is after how many seconds a page with work under way looks again.
const lookAgain = 1

//go:embed pages
var files embed.FS

// templates are the pages by name, each with the frame around it. They are read when a
// console is made: other commands start without them.
var templates = sync.OnceValue(func() map[string]*template.Template {
	names, err := files.ReadDir("pages")
	if err != nil {
		panic("console: " + err.Error())
	}
	all := map[string]*template.Template{}
	for _, n := range names {
		name := strings.TrimSuffix(n.Name(), ".html")
		if name == "frame" {
			continue
		}
		all[name] = template.Must(template.New("frame.html").Funcs(functions).ParseFS(files, "pages/frame.html", path.Join("pages", n.Name())))
	}
	return all
})

// Errors of a page that say what the person can do.
var errNotFound = errors.New("console: no such page")

// badInput is what somebody typed that cannot be.
type badInput string

func (b badInput) Error() string { return string(b) }

// conflict says what somebody else did first.
type conflict string

func (c conflict) Error() string { return string(c) }

// handler makes a page's method a handler.
func (c *Console) handler(show func(*Console, *page) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		p := &page{ctx: ctx, w: w, r: r, console: c, person: login.Of(r.Context())}
		defer func() {
			if v := recover(); v != nil {
				p.fail(fmt.Errorf("console: panic: %v", v))
			}
		}()
		g, release, err := c.o.Index.Acquire()
		if err != nil {
			p.fail(err)
			return
		}
		defer release()
		p.index = g
		if err := show(c, p); err != nil {
			p.fail(err)
		}
	})
}

// show writes a page.
func (p *page) show(name, active, title string, data any) error {
	return p.write(http.StatusOK, name, frame{Title: title, Active: active, Data: data})
}

func (p *page) write(status int, name string, f frame) error {
	f.Person, f.Role, f.People = p.person, p.person.Role.Chinese(), p.console.o.Desk.People()
	if status == http.StatusOK { // else it was not done, or is not to be seen here
		f.Done = dones[p.r.URL.Query().Get("done")]
	}
	var b bytes.Buffer
	if err := templates()[name].Execute(&b, f); err != nil {
		return fmt.Errorf("console: page %s: %w", name, err)
	}
	p.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	p.w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	p.w.WriteHeader(status)
	_, err := p.w.Write(b.Bytes())
	if err != nil { // the reader has gone
		p.console.o.Log.Debug("console page not delivered", slog.Any("error", err))
	}
	return nil
}

// dones are what a page says at its top after something was done; the address carries
// only the name.
var dones = map[string]string{
	"marked":    "已记下。",
	"proposed":  "已提议；评测过后，确认了才发布。",
	"approved":  "已发布，几秒内所有副本生效。",
	"rejected":  "已作废，知识没有改动；提议留着可以查，提议的人会收到理由。",
	"cleared":   "已并入提议，正在重新评测。现在算您的提议。",
	"rejudged":  "正在重新评测。",
	"sent":      "更正正在发出，每个会话只发一次。",
	"dropped":   "不发更正，已记下。",
	"evaluated": "正在评测，请稍候。",
}

// redirect goes on to a page, which says what was done.
func (p *page) redirect(to, done string) error {
	if done != "" {
		to += "?done=" + url.QueryEscape(done)
	}
	http.Redirect(p.w, p.r, to, http.StatusSeeOther)
	return nil
}

// form gives a field of the form, without white space around it.
func (p *page) form(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(p.r.PostFormValue(name), "\r\n", "\n"))
}

func (p *page) query(name string) string { return strings.TrimSpace(p.r.URL.Query().Get(name)) }

// problem is what an error means to the person, and the status.
type problem struct {
	status  int
	message string
	mend    string
}

// problems are the errors a person can do something about, the first that fits. To add
// one: add a row.
var problems = []struct {
	err error
	problem
}{
	{errNotFound, problem{http.StatusNotFound, "没有这一页。", "可能已经过期或被处理；从菜单进去看看。"}},
	{errUploads, problem{http.StatusServiceUnavailable, "有人正在导入，请过一会儿再传。", "一次只读一个文件，这个还没有收下。"}},
	{desk.ErrUnknown, problem{http.StatusNotFound, "没有这个提议。", "它可能已经作废或过期；在“提议”里看现有的。"}},
	{desk.ErrQuestion, problem{http.StatusNotFound, "没有这个问题。", "它可能已经过期；在“未答”里看现有的。"}},
	{versions.ErrUnknown, problem{http.StatusNotFound, "没有这个版本。", "在“版本”里看现有的。"}},
	{desk.ErrSelf, problem{http.StatusForbidden, "自己的提议要由另一位协调员确认。", "请另一位登录后在“提议”里确认；一个人就能发布的设置是 curation.people: 1。"}},
	{desk.ErrJudging, problem{http.StatusConflict, "评测还没有做完。", "知识在这期间更新过时会重新评测；几秒后再试。"}},
	{desk.ErrBusy, problem{http.StatusTooManyRequests, "等评测的提议太多，没有开始评测。", "一次只评测一个，请过几分钟再试；提议都还在。"}},
	{desk.ErrDead, problem{http.StatusConflict, "这个提议不能发布了：要改的内容在这期间被改过。", "请作废，在现行的内容上重新提议。"}},
	{desk.ErrReason, problem{http.StatusBadRequest, "为什么作废？请写一句，提议的人会看到。", "回到提议，写上理由再按“作废”。"}},
	{desk.ErrWorse, problem{http.StatusConflict, "有问题会变差，没有发布。", "改一改再提议，或由另一位协调员写明理由后发布。"}},
	{desk.ErrNothing, problem{http.StatusConflict, "和现行的知识没有差别，没有可提议的。", ""}},
	{desk.ErrMoved, problem{http.StatusConflict, "要改的文件在这期间被别人改过。", "重新打开这一页，在新的内容上再改。"}},
	{desk.ErrFiles, problem{http.StatusConflict, "现在的知识来自设置里指定的文件（knowledge.paths）。", "请直接改那些文件，或去掉这项设置，改用发布的版本。"}},
	{desk.ErrDiverged, problem{http.StatusConflict, "没有发布：各副本的版本分成了两支，要先选定一支。", "请管服务器的同事运行 aeobot knowledge versions 看两边，再用 --adopt 选定；选定以前照旧回答，提议都还在。"}},
	{curate.ErrThere, problem{http.StatusConflict, "已经有了，没有改动。", ""}},
	{curate.ErrGone, problem{http.StatusConflict, "要拿掉的问法已经不在那里了。", "请重新提议。"}},
	{curate.ErrForm, problem{http.StatusConflict, "这份备注的写法放不进去。", "在“整份备注”里改。"}},
	{curate.ErrPlace, problem{http.StatusConflict, "备注里没有这一处。", "在“整份备注”里改。"}},
	{curate.ErrEmpty, problem{http.StatusBadRequest, "什么都没有写。", ""}},
	{bot.ErrStale, problem{http.StatusConflict, "刚有别人改过。", "重新打开这一页再试。"}},
	{context.DeadlineExceeded, problem{http.StatusServiceUnavailable, "等得太久，没有做成。", "稍后再试。"}},
}

// read gives what to say of an error.
func read(err error) problem {
	var big *http.MaxBytesError
	var bad badInput
	var meanwhile conflict
	switch {
	case errors.As(err, &big):
		return problem{http.StatusRequestEntityTooLarge, "内容太大，没有收下。", fmt.Sprintf("一次最多 %d MB。", big.Limit>>20)}
	case errors.As(err, &bad):
		return problem{http.StatusBadRequest, string(bad), ""}
	case errors.As(err, &meanwhile):
		return problem{http.StatusConflict, string(meanwhile), "在“提议”里看现有的。"}
	case errors.Is(err, desk.ErrNotes):
		return problem{http.StatusBadRequest, "改好的备注有问题，没有提议。", strings.TrimPrefix(err.Error(), desk.ErrNotes.Error()+": ")}
	}
	if i := strings.Index(err.Error(), knowledge.ErrNames.Error()+": "); errors.Is(err, knowledge.ErrNames) && i >= 0 {
		names := err.Error()[i+len(knowledge.ErrNames.Error())+2:]
		return problem{http.StatusConflict, "有两个文件的名字只差大小写或字符形式，没有提议。", names + "：换一个名字，或先去掉旧的那份。"}
	}
	for _, known := range problems {
		if errors.Is(err, known.err) {
			return known.problem
		}
	}
	return problem{http.StatusServiceUnavailable, "暂时办不了，什么都没有改动。", "存储或发布出错，日志里有原因；稍后再试。"}
}

// fail says what went wrong. Its own text stays in the log.
func (p *page) fail(err error) {
	what := read(err)
	level := slog.LevelDebug
	if what.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	p.console.o.Log.Log(p.ctx, level, "console page failed", slog.String("path", p.r.Pattern), slog.Any("asker", bot.Asker(p.person.ID)), slog.Any("error", err))
	if err := p.write(what.status, "problem", frame{Title: "没有做成", Data: map[string]string{"Message": what.message, "Mend": what.mend}}); err != nil {
		http.Error(p.w, what.message, what.status)
	}
}

var china = time.FixedZone("Asia/Shanghai", 8*60*60)
