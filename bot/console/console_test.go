package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"aeobot/bot"
	"aeobot/bot/audit"
	"aeobot/bot/boltstore"
	"aeobot/bot/console"
	"aeobot/bot/console/login"
	"aeobot/bot/desk"
	"aeobot/bot/storetest"
	"aeobot/index"
	"aeobot/index/eval"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/versions"
)

// states are published states in memory, as the program keeps them in a folder.
type states struct {
	live  *index.Live
	swaps sync.WaitGroup

	mu  sync.Mutex
	all []desk.State
	rec []versions.Version
}

func (s *states) InForce() (desk.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[len(s.all)-1], nil
}

func (s *states) At(n int) (desk.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= len(s.all) {
		return desk.State{}, versions.ErrUnknown
	}
	return s.all[n], nil
}

func (s *states) Read(files map[string][]byte) (*knowledge.Library, error) {
	return knowledge.LoadFiles(files, articles.FS)
}

// Gate finds fault with whatever has 变差 in it.
func (s *states) Gate(_ context.Context, _, is *knowledge.Library, progress func(asked, all int)) ([]desk.Difference, error) {
	progress(1, 2)
	for _, p := range is.Passages() {
		if slices.ContainsFunc(p.Notes.Ask, func(a string) bool { return strings.Contains(a, "变差") }) {
			return []desk.Difference{{ID: "v017", Question: "问一", Before: []string{"direct/1"}, After: []string{"local/6"}}}, nil
		}
	}
	return nil, nil
}

func (s *states) Publish(ctx context.Context, number int, p desk.Publication, files map[string][]byte) error {
	l, err := s.Read(files)
	if err != nil {
		return err
	}
	g, err := index.Build(ctx, l, index.Options{})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if number != len(s.all) {
		return errors.Join(desk.ErrStale, g.Close())
	}
	s.all = append(s.all, desk.State{Number: number, Files: files, Library: l})
	s.rec = append(s.rec, versions.Version{Number: number, At: time.Now(), Author: p.Author, Approver: p.Approver, Reason: p.Reason, Of: p.Of,
		Override: p.Override, Fingerprint: l.Fingerprint, Files: map[string]string{}})
	// As in the program: the request that publishes still holds the state before.
	s.swaps.Go(func() {
		if err := s.live.Swap(g); err != nil {
			panic(err)
		}
	})
	return nil
}

func (s *states) Describe() (string, error) { return "版本", nil }

func (s *states) All() ([]versions.Version, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.rec)
	slices.Reverse(all)
	return all, nil
}

// office is a console with people who work at it.
type office struct {
	t      testing.TB
	base   string
	store  *boltstore.Store
	states *states
	desk   *desk.Desk
	audit  *audit.Log
	logged *bytes.Buffer
	drafts *heldDrafts // between the console and the store
}

// heldDrafts keeps what was read of uploads only when it may: until then each is being read.
type heldDrafts struct {
	bot.Shelf
	may chan struct{} // closed: they may
}

func (h *heldDrafts) Put(ctx context.Context, kind, id string, data []byte, was uint64, keep time.Duration) error {
	if kind == "console-drafts" {
		<-h.may
	}
	return h.Shelf.Put(ctx, kind, id, data, was, keep)
}

// password is everybody's.
const password = "correct horse battery"

var accounts = sync.OnceValues(func() (all []login.Account, err error) {
	for name, role := range map[string]login.Role{"reader": login.Reader, "lin.yue": login.Coordinator, "wang.qiang": login.Coordinator, "boss": login.Admin} {
		a, err := login.NewAccount(name, role, password)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
})

func newOffice(t testing.TB, library *knowledge.Library) *office {
	t.Helper()
	may := make(chan struct{})
	close(may)
	return newOfficeHolding(t, library, may)
}

// newOfficeHolding is an office where no upload has been read before may is closed.
func newOfficeHolding(t testing.TB, library *knowledge.Library, may chan struct{}) *office {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	files := map[string][]byte{}
	if library == nil {
		entries, err := articles.FS.ReadDir(".")
		must(err)
		for _, e := range entries {
			files[e.Name()], err = articles.FS.ReadFile(e.Name())
			must(err)
		}
		library, err = knowledge.LoadFiles(files, articles.FS)
		must(err)
	}
	g, err := index.Build(t.Context(), library, index.Options{})
	must(err)
	live := &index.Live{}
	must(live.Swap(g))
	store, err := boltstore.Open(filepath.Join(dir, "store.db"), boltstore.Options{NoSync: true})
	must(err)
	o := &office{t: t, store: store, states: &states{live: live, all: []desk.State{{Files: files, Library: library}}}, audit: audit.Open(dir, nil), logged: &bytes.Buffer{},
		drafts: &heldDrafts{store, may}}
	log := slog.New(slog.NewTextHandler(o.logged, nil))
	o.desk = desk.New(store, o.states, desk.Options{Audit: o.audit.Append, Index: live, Log: log})
	people, err := accounts()
	must(err)
	guard, err := login.New(login.Options{Accounts: people, Store: store, Audit: o.audit.Append, Log: log})
	must(err)
	c := console.New(console.Options{Index: live, Desk: o.desk, Shelf: o.drafts, Feedback: store, Audit: o.audit, Guard: guard, Versions: o.states, Log: log,
		Examine: func(_ context.Context, _ *knowledge.Library, progress func(asked, all int)) (eval.Report, error) {
			progress(1, 1)
			return eval.NewReport(eval.Verdicts{Answerable: []eval.Verdict{{ID: "q1", Kind: "title", Question: "问", Expect: []string{"direct/1"}}}}), nil
		}})
	server := httptest.NewServer(c)
	o.base = server.URL
	t.Cleanup(func() {
		server.Close()
		c.Close()
		o.desk.Close()
		o.states.swaps.Wait()
		must(live.Swap(nil))
		must(store.Close())
	})
	return o
}

// visitor is a person with a browser.
type visitor struct {
	o    *office
	c    *http.Client
	csrf string
}

// enter logs somebody in.
func (o *office) enter(name string) *visitor {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	v := &visitor{o: o, c: &http.Client{Jar: jar}}
	form := url.Values{"name": {name}, "password": {password}}
	if status, page := v.send(http.MethodPost, "/console/login", form); status != http.StatusOK {
		o.t.Fatalf("%s could not log in: %d %s", name, status, page)
	}
	_, page := v.get("/console/")
	if v.csrf = field(page, "csrf"); v.csrf == "" {
		o.t.Fatalf("no token in %s", page)
	}
	return v
}

func (v *visitor) do(r *http.Request) (int, string) {
	v.o.t.Helper()
	r.Header.Set("Origin", v.o.base)
	answer, err := v.c.Do(r)
	if err != nil {
		v.o.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		v.o.t.Fatal(err)
	}
	if r.Method == http.MethodPost && strings.Contains(string(data), "正在读文件") { // a browser would look again
		v.until(answer.Request.URL.Path, "<h2>换一个")
		return v.get(answer.Request.URL.Path)
	}
	return answer.StatusCode, string(data)
}

func (v *visitor) get(path string) (int, string) { return v.send(http.MethodGet, path, nil) }

func (v *visitor) send(method, path string, form url.Values) (int, string) {
	v.o.t.Helper()
	r, err := http.NewRequestWithContext(v.o.t.Context(), method, v.o.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.o.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return v.do(r)
}

// post sends a form as the pages do.
func (v *visitor) post(path string, fields ...string) (int, string) {
	v.o.t.Helper()
	form := url.Values{"csrf": {v.csrf}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return v.send(http.MethodPost, path, form)
}

// upload sends a file as the page of imports does.
func (v *visitor) upload(name string, data []byte) (int, string) {
	v.o.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	err := w.WriteField("csrf", v.csrf)
	part, err2 := w.CreateFormFile("file", name)
	if err = errors.Join(err, err2); err == nil {
		_, err = part.Write(data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		v.o.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(v.o.t.Context(), http.MethodPost, v.o.base+"/console/import", &b)
	if err != nil {
		v.o.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	return v.do(r)
}

// demand fails unless a page has the status and all the words.
func (o *office) demand(status int, page string, want int, words ...string) {
	o.t.Helper()
	if status != want {
		o.t.Fatalf("status %d, want %d:\n%s", status, want, visible(page))
	}
	for _, w := range words {
		if !strings.Contains(page, w) {
			o.t.Fatalf("%q is not on the page:\n%s", w, visible(page))
		}
	}
}

// visible is the text of a page's main part.
func visible(page string) string {
	_, main, _ := strings.Cut(page, "<main")
	return main
}

// field is the value of the first input of that name.
func field(page, name string) string {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return ""
	}
	for n := range doc.Descendants() {
		if n.Data == "input" && attribute(n, "name") == name {
			return attribute(n, "value")
		}
	}
	return ""
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// asked puts a question on the list that nobody could answer.
func (o *office) asked(question string, times int) string {
	o.t.Helper()
	var m bot.Miss
	for range times {
		m = bot.NewMiss(question, "aibot", "", "", time.Now())
		if err := o.store.Miss(o.t.Context(), m); err != nil {
			o.t.Fatal(err)
		}
	}
	return m.Key
}

// patience is beyond what the race detector on a busy machine makes of a gate.
const patience = storetest.Patience

// until gets a page again and again until it has the words.
func (v *visitor) until(path, words string) string {
	v.o.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if _, page := v.get(path); strings.Contains(page, words) {
			return page
		}
	}
	_, page := v.get(path)
	v.o.t.Fatalf("%s never said %q:\n%s", path, words, visible(page))
	return ""
}

// proposalOf is the address of the page a form led to.
func proposalOf(t testing.TB, page string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, "<h1>提议 ")
	if !ok {
		t.Fatalf("not the page of a proposal:\n%s", visible(page))
	}
	id, _, _ := strings.Cut(rest, "<")
	return "/console/proposals/" + id
}

// approve looks at a proposal and confirms what stands there.
func (v *visitor) approve(here string, fields ...string) (int, string) {
	v.o.t.Helper()
	_, page := v.get(here)
	return v.post(here, append(fields, "do", "approve", "shown", field(page, "shown"))...)
}

const question = "蓝鲸仓库几点开门"

// TestAQuestionIsTaught from the list, past the gate and a second person, and can be taken
// back.
func TestAQuestionIsTaught(t *testing.T) {
	o := newOffice(t, nil)
	key := o.asked(question, 3)
	lin, wang := o.enter("lin.yue"), o.enter("wang.qiang")
	status, page := lin.get("/console/questions")
	o.demand(status, page, 200, question, ">3<")
	status, page = lin.get("/console/questions/" + key)
	o.demand(status, page, 200, question, "教给一条")
	id := "aeo-incentives/优先通关实现方式/1"
	status, page = lin.post("/console/questions/"+key+"/teach", "ask", question, "to", id, "once", "a")
	o.demand(status, page, 200, "已提议")
	here := proposalOf(t, page)
	if _, page = lin.post("/console/questions/"+key+"/teach", "ask", question, "to", id, "once", "a"); proposalOf(t, page) != here {
		t.Errorf("the form sent twice made two proposals")
	}
	lin.until(here, "评测通过")
	status, page = lin.approve(here)
	o.demand(status, page, 403, "另一位协调员")
	status, page = wang.approve(here)
	o.demand(status, page, 200, "已作为", "wang.qiang")
	page = wang.until("/console/try?q="+url.QueryEscape(question), "答上了")
	o.demand(200, page, 200, "设立AEO企业专用窗口", "最近的问法")
	status, page = wang.get("/console/questions?state=solved")
	o.demand(status, page, 200, question)
	status, page = wang.get("/console/versions")
	o.demand(status, page, 200, "lin.yue", "wang.qiang", "现行")
	status, page = wang.get("/console/versions/diff?from=0&to=1")
	o.demand(status, page, 200, "问法："+question)
	status, page = wang.post("/console/versions/0/restore", "reason", "试试")
	o.demand(status, page, 200, "恢复版本 0")
	back := proposalOf(t, page)
	wang.until(back, "评测通过")
	status, page = lin.approve(back)
	o.demand(status, page, 200, "已作为")
	lin.until("/console/try?q="+url.QueryEscape(question), "没答上<")
	status, page = o.enter("boss").get("/console/audit")
	o.demand(status, page, 200, "提议", "发布", "登录", "lin.yue", "wang.qiang")
	if strings.Contains(o.logged.String(), "蓝鲸") || strings.Contains(o.logged.String(), "lin.yue") {
		t.Errorf("the log holds a question or a person:\n%s", o.logged)
	}
}

// TestNothingIsDoneOnAnErrorPage: what an address says was done does not stand on a page that
// says something else.
func TestNothingIsDoneOnAnErrorPage(t *testing.T) {
	o := newOffice(t, nil)
	lin := o.enter("lin.yue")
	for path, want := range map[string]int{"/console/proposals/ZZZZ?done=approved": 404, "/console/versions/diff?from=x&to=1&done=approved": 400, "/console/nowhere?done=approved": 404} {
		if status, page := lin.get(path); status != want || strings.Contains(page, "已发布") {
			t.Errorf("%s: %d, want %d and not a word of what was done:\n%s", path, status, want, visible(page))
		}
	}
	if _, page := lin.get("/console/proposals?done=approved"); !strings.Contains(page, "已发布") {
		t.Errorf("nowhere is it said what was done:\n%s", visible(page))
	}
}

// TestWhatGetsWorseIsBlocked and can be overridden only by another with a reason.
func TestWhatGetsWorseIsBlocked(t *testing.T) {
	o := newOffice(t, nil)
	lin, wang := o.enter("lin.yue"), o.enter("wang.qiang")
	_, page := lin.post("/console/knowledge/passage", "id", "aeo-incentives/海关直接激励措施/5", "kind", "ask", "value", "让别的变差的问法")
	here := proposalOf(t, page)
	lin.until(here, "v017")
	status, page := wang.approve(here)
	o.demand(status, page, 409, "变差")
	status, page = wang.approve(here, "reason", "另有文章")
	o.demand(status, page, 200, "已作为")
	status, page = wang.get("/console/versions")
	o.demand(status, page, 200, "有问题变差，仍发布：另有文章")
}

// TestEverythingCanBeCurated: each form makes a proposal that says what it would change.
func TestEverythingCanBeCurated(t *testing.T) {
	o := newOffice(t, nil)
	lin := o.enter("lin.yue")
	const id = "aeo-incentives/海关直接激励措施/5"
	for name, c := range map[string]struct {
		path   string
		fields []string
		want   string
	}{
		"way to ask": {"passage", []string{"id", id, "kind", "ask", "value", "押金能不能不交"}, "问法：押金能不能不交"},
		"keyword":    {"passage", []string{"id", id, "kind", "keyword", "value", "押金减免"}, "关键词：押金减免"},
		"look-alike": {"passage", []string{"id", id, "kind", "unlike", "value", "保证金退还", "why", "那是退还"}, "保证金退还"},
		"state":      {"passage", []string{"id", "aeo-incentives/海关直接激励措施/11", "kind", "state", "status", "unsure", "from", "2027-01-01", "to", "2027-02-01", "note", "待核"}, "2027-01-01"},
		"measure": {"measure", []string{"title", "补充措施", "date", "2026-11-25", "heading", "口岸便利", "text", "夜间 也可以\n预约查验", "asks", "晚上能查验吗\n夜里呢", "reason", "口岸通知"},
			`<span class="ins">夜间 也可以 预约查验</span><span class="ins">问法：夜里呢</span><span class="ins">问法：晚上能查验吗</span>`},
		"removal": {"document/aeo-incentives/remove", []string{"reason", "试"}, ""},
	} {
		status, page := lin.post("/console/knowledge/"+c.path, c.fields...)
		if c.want == "" { // nothing would be left to answer from
			o.demand(status, page, 503)
			continue
		}
		o.demand(status, page, 200, "提议 ")
		_, page = lin.get(proposalOf(t, page))
		if !strings.Contains(html.UnescapeString(page), c.want) {
			t.Errorf("%s: %q is not on the page:\n%s", name, c.want, visible(page))
		}
	}
	for name, c := range map[string]struct {
		path   string
		fields []string
		want   string
	}{
		"there already": {"passage", []string{"id", id, "kind", "ask", "value", "申请免担保"}, "已经有了"},
		"nothing":       {"passage", []string{"id", id, "kind", "ask", "value", " "}, "不要空着"},
		"two lines":     {"passage", []string{"id", id, "kind", "keyword", "value", "一\n二"}, "一行"},
		"no day":        {"passage", []string{"id", id, "kind", "state", "status", "unsure", "from", "明天"}, "2026-04-01"},
		"backwards":     {"passage", []string{"id", id, "kind", "state", "status", "unsure", "from", "2027-02-01", "to", "2027-01-01"}, "早于"},
		"no status":     {"passage", []string{"id", id, "kind", "state", "status", "maybe"}, "选一个状态"},
		"no passage":    {"passage", []string{"id", "x", "kind", "ask", "value", "y"}, "没有这一页"},
		"no date":       {"measure", []string{"title", "补充", "heading", "节", "text", "话"}, "标题和日期"},
		"taken":         {"measure", []string{"document", "aeo-incentives", "heading", "节", "text", "话"}, "同名"},
		"bad name":      {"measure", []string{"title", "///", "date", "2026-11-25", "heading", "节", "text", "话"}, "文件名"},
	} {
		if status, page := lin.post("/console/knowledge/"+c.path, c.fields...); status < 400 || status >= 500 || !strings.Contains(page, c.want) {
			t.Errorf("%s: %d, want %q:\n%s", name, status, c.want, visible(page))
		}
	}
}

// TestNotesAreEditedAsAWhole with a preview; what is wrong is named with its line, and
// two who edit at once do not write over each other.
func TestNotesAreEditedAsAWhole(t *testing.T) {
	o := newOffice(t, nil)
	lin, wang := o.enter("lin.yue"), o.enter("wang.qiang")
	const path = "/console/knowledge/notes/aeo-incentives"
	notes, was, err := o.desk.Notes("aeo-incentives")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(notes), "申请免担保", "申请免押金", 1)
	status, page := lin.post(path, "was", was, "do", "preview", "text", changed)
	o.demand(status, page, 200, "预览", "申请免押金")
	status, page = lin.post(path, "was", was, "do", "preview", "text", "document: [")
	o.demand(status, page, 200, "不能提议", "第 1 行")
	status, page = lin.post(path, "was", was, "do", "preview", "text", strings.Replace(string(notes), "heading: 海关直接激励措施", "heading: 没有的节", 1))
	o.demand(status, page, 200, "不能提议", "没有的节")
	status, page = lin.post(path, "was", was, "do", "propose", "text", changed)
	o.demand(status, page, 400, "为什么改")
	status, page = lin.post(path, "was", was, "do", "propose", "text", changed, "reason", "更常这么问")
	o.demand(status, page, 200, "提议 ")
	here := proposalOf(t, page)
	lin.until(here, "评测通过")
	status, page = wang.approve(here)
	o.demand(status, page, 200, "已作为")
	status, page = wang.post(path, "was", was, "do", "propose", "text", changed+"\n# 别人\n", "reason", "也改")
	o.demand(status, page, 409, "被别人改过")
}

// TestQuestionsAreMarked and filtered.
func TestQuestionsAreMarked(t *testing.T) {
	o := newOffice(t, nil)
	key := o.asked(question, 1)
	o.asked("年会在哪里开", 2)
	lin := o.enter("lin.yue")
	for _, c := range []struct {
		state, to, note string
		want            int
	}{{"assigned", "", "", 400}, {"rejected", "", "", 400}, {"gone", "", "", 400}, {"assigned", "wang.qiang", "请看", 200}, {"rejected", "", "和业务无关", 200}} {
		status, page := lin.post("/console/questions/"+key+"/mark", "state", c.state, "to", c.to, "note", c.note)
		o.demand(status, page, c.want)
	}
	status, page := lin.get("/console/questions")
	o.demand(status, page, 200, "年会在哪里开")
	if strings.Contains(page, question) {
		t.Error("what is rejected is still to be looked after")
	}
	status, page = lin.get("/console/questions?state=all&q=" + url.QueryEscape("蓝鲸"))
	o.demand(status, page, 200, question, "不处理")
	status, page = lin.get("/console/questions/unknown")
	o.demand(status, page, 404, "没有这个问题")
	for _, format := range []string{"csv", "xlsx"} {
		if status, page := lin.get("/console/questions/export/" + format); status != 200 || len(page) < 100 {
			t.Errorf("%s: %d, %d bytes", format, status, len(page))
		}
	}
}

// everyGet are the pages that can be looked at.
func (o *office) everyGet() []string {
	key := o.asked(question, 1)
	return []string{"/console/", "/console/try", "/console/try?q=能免除担保吗", "/console/questions", "/console/questions/" + key, "/console/knowledge",
		"/console/knowledge?q=担保", "/console/knowledge/document/aeo-incentives", "/console/knowledge/passage?id=aeo-incentives/海关直接激励措施/5",
		"/console/proposals", "/console/versions", "/console/versions/diff?from=0&to=0", "/console/corrections", "/console/evaluation"}
}

// TestEveryPage opens for those who may see it, is whole, and can be used without a mouse
// and with a screen reader.
func TestEveryPage(t *testing.T) {
	o := newOffice(t, nil)
	reader, lin, boss, stranger := o.enter("reader"), o.enter("lin.yue"), o.enter("boss"), &visitor{o: o, c: &http.Client{}}
	for _, path := range o.everyGet() {
		status, page := reader.get(path)
		o.demand(status, page, 200)
		if strings.Contains(page, `method="post"`) && strings.Count(page, `method="post"`) > 1 { // logging out is all
			t.Errorf("%s: a reader is offered a change", path)
		}
		wellMade(t, path, page)
		status, page = lin.get(path)
		o.demand(status, page, 200)
		wellMade(t, path, page)
		if _, page := stranger.get(path); !strings.Contains(page, `name="password"`) || strings.Contains(page, question) {
			t.Errorf("%s: a stranger was let in:\n%s", path, page)
		}
	}
	if _, page := reader.get("/console/knowledge/passage?id=aeo-incentives/优先通关实现方式/1"); !strings.Contains(page, `<span class="tag">已核实</span><br><small>苏州政协视察稿`) || !strings.Contains(page, "<br>http://www.zx.suzhou.gov.cn/") {
		t.Errorf("a basis without its page: %s", page)
	}
	for _, path := range []string{"/console/import", "/console/knowledge/measure", "/console/knowledge/notes/aeo-incentives"} {
		status, page := reader.get(path)
		o.demand(status, page, 403)
		status, page = lin.get(path)
		o.demand(status, page, 200)
		wellMade(t, path, page)
	}
	status, page := lin.get("/console/audit")
	o.demand(status, page, 403)
	status, page = boss.get("/console/audit")
	o.demand(status, page, 200, "登录")
	wellMade(t, "/console/audit", page)
	status, page = boss.get("/console/none")
	o.demand(status, page, 404)
}

// wellMade fails on what a policy without inline code forbids, on foreign addresses, and
// on fields and headings that a screen reader could not name.
func wellMade(t *testing.T, path, page string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	labelled, ids, headings := map[string]bool{}, map[string]int{}, 0
	for n := range doc.Descendants() {
		if n.Data == "label" {
			labelled[attribute(n, "for")] = true
		}
		if id := attribute(n, "id"); id != "" {
			ids[id]++
		}
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || (a.Key == "href" || a.Key == "src" || a.Key == "action") && !own(a.Val) {
				t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
			}
		}
		switch n.Data {
		case "script", "style", "iframe":
			t.Errorf("%s: <%s>", path, n.Data)
		case "h1":
			headings++
		case "input", "select", "textarea":
			if kind := attribute(n, "type"); kind != "hidden" && !labelled[attribute(n, "id")] && n.Parent.Data != "label" {
				t.Errorf("%s: <%s name=%q> has no label", path, n.Data, attribute(n, "name"))
			}
		case "form":
			if attribute(n, "method") == "post" && !strings.Contains(render(n), `name="csrf"`) {
				t.Errorf("%s: a form to %s without a token", path, attribute(n, "action"))
			}
		}
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("%s: id %q stands %d times", path, id, n)
		}
	}
	if headings != 1 {
		t.Errorf("%s: %d h1", path, headings)
	}
}

func own(address string) bool {
	return address == "#main" || address == "data:," || strings.HasPrefix(address, "/console/") || strings.HasPrefix(address, "?")
}

func render(n *html.Node) string {
	var b strings.Builder
	if html.Render(&b, n) != nil {
		return ""
	}
	return b.String()
}

// TestAReaderChangesNothing, and neither does a form without its token or from elsewhere
// (T18).
func TestAReaderChangesNothing(t *testing.T) {
	o := newOffice(t, nil)
	key := o.asked(question, 1)
	reader, lin := o.enter("reader"), o.enter("lin.yue")
	_, before, err := o.audit.Page(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	forms := map[string][]string{
		"/console/questions/" + key + "/mark":               {"state", "rejected", "note", "x"},
		"/console/questions/" + key + "/teach":              {"ask", question, "to", "aeo-incentives/优先通关实现方式/1"},
		"/console/knowledge/passage":                        {"id", "aeo-incentives/海关直接激励措施/5", "kind", "ask", "value", "问"},
		"/console/knowledge/notes/aeo-incentives":           {"text", "x", "reason", "x"},
		"/console/knowledge/measure":                        {"title", "x", "heading", "x", "text", "x", "date", "2026-11-25"},
		"/console/knowledge/document/aeo-incentives/remove": {"reason", "x"},
		"/console/import":                                   {"text", "x"},
		"/console/import/ABC":                               {"reason", "x"},
		"/console/proposals/ABCD":                           {"do", "approve"},
		"/console/versions/0/restore":                       {"reason", "x"},
		"/console/corrections/1":                            {"do", "send"},
		"/console/evaluation":                               {},
	}
	for path, fields := range forms {
		if status, page := reader.post(path, fields...); status != http.StatusForbidden {
			t.Errorf("a reader's %s: %d\n%s", path, status, visible(page))
		}
		with := lin.csrf
		for _, token := range []string{"", reader.csrf, with[:len(with)-1]} {
			lin.csrf = token
			if status, page := lin.post(path, fields...); status != http.StatusForbidden {
				t.Errorf("%s with token %q: %d\n%s", path, token, status, visible(page))
			}
		}
		lin.csrf = with
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, o.base+path, strings.NewReader(url.Values{"csrf": {with}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		answer, err := lin.c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s from elsewhere: %d", path, answer.StatusCode)
		}
	}
	if _, after, err := o.audit.Page(0, 1); err != nil || after != before {
		t.Errorf("%d lines in the audit log, before %d: %v", after, before, err)
	}
	if s, err := o.states.InForce(); err != nil || s.Number != 0 {
		t.Errorf("version %d is in force: %v", s.Number, err)
	}
}

// hostile are words that would do something if they were taken for markup.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'><svg onload=alert(1)>`, `</textarea><script>alert(1)</script>`, `javascript:alert(1)`,
	`{{.Person.CSRF}}`, `<a href="https://evil.example">点</a>`, `<iframe src="https://evil.example"></iframe>`, `<meta http-equiv=refresh content="0;url=//evil.example">`,
	`<base href="//evil.example/">`, `<form action="//evil.example">`, `&lt;script&gt;alert(1)&lt;/script&gt;`, "\u202e反过来", `<style>*{display:none}</style>`,
	`<link rel=stylesheet href=//evil.example>`, `<input autofocus onfocus=alert(1)>`, `<details open ontoggle=alert(1)>`, `<math><mtext></mtext><script>alert(1)</script>`,
	"<scr\x00ipt>alert(1)</scr\x00ipt>", `<!--><script>alert(1)</script>-->`, `]]><script>alert(1)</script>`, `＜script＞alert(1)＜/script＞`, `<body onload=alert(1)>`,
	`<object data="javascript:alert(1)">`, `<embed src=//evil.example>`, `<video><source onerror=alert(1)>`, `<select autofocus onfocus=alert(1)>`,
	`<marquee onstart=alert(1)>`, `<title></title><script>alert(1)</script>`, `=HYPERLINK("https://evil.example")`,
}

// TestHostileWordsStayWords (T15): whatever people ask, say of an answer or are called,
// pages show it as it was written.
func TestHostileWordsStayWords(t *testing.T) {
	o := newOffice(t, nil)
	lin := o.enter("lin.yue")
	var keys []string
	for i, words := range hostile {
		keys = append(keys, o.asked(words+fmt.Sprint(" 问题 ", i), 1))
		f := bot.NewFeedback(fmt.Sprint("answer", i), bot.Asker(words), bot.Useless, time.Now()).WithComment(words)
		f.Channel, f.Shown = "aibot", []string{words}
		if err := o.store.Rate(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	lin.post("/console/questions/"+keys[0]+"/mark", "state", "assigned", "to", hostile[0], "note", hostile[1])
	_, made := lin.post("/console/questions/"+keys[1]+"/teach", "ask", hostile[1], "to", "aeo-incentives/优先通关实现方式/1")
	paths := []string{"/console/", "/console/questions?state=all", "/console/questions?q=" + url.QueryEscape(hostile[1]), proposalOf(t, made), "/console/proposals",
		"/console/knowledge?q=" + url.QueryEscape(hostile[3]), "/console/knowledge/measure?ask=" + url.QueryEscape(hostile[3])}
	for _, k := range keys {
		paths = append(paths, "/console/questions/"+k)
	}
	for _, words := range hostile {
		paths = append(paths, "/console/try?q="+url.QueryEscape(words))
	}
	for _, path := range paths {
		status, page := lin.get(path)
		o.demand(status, page, 200)
		wellMade(t, path, page)
	}
}

// TestImports: a preview first, then a proposal; what is refused is named, and nothing of
// it is kept.
func TestImports(t *testing.T) {
	o := newOffice(t, nil)
	lin, wang := o.enter("lin.yue"), o.enter("wang.qiang")
	const text = "口岸通知\n2026-11-20\n\n夜间服务\n1、夜间可以预约查验\n2、夜间可以预约放行\n"
	status, page := lin.upload("口岸通知.txt", []byte(text))
	o.demand(status, page, 200, "夜间可以预约查验", "2</b>条", "什么都不会改动")
	path := "/console/import/" + field(page, "once")
	status, page = lin.post(path)
	o.demand(status, page, 400, "从哪里来")
	status, page = wang.post(path, "reason", "别人的预览")
	o.demand(status, page, 404)
	status, page = lin.post(path, "reason", "口岸来函", "once", "x")
	o.demand(status, page, 200, "提议 ")
	here := proposalOf(t, page)
	lin.until(here, "评测通过")
	status, page = wang.approve(here)
	o.demand(status, page, 200, "已作为")
	status, page = wang.get("/console/knowledge/document/" + url.PathEscape("口岸通知"))
	o.demand(status, page, 200, "夜间可以预约放行")
	status, page = lin.post("/console/import", "title", "口岸来函", "date", "2026-11-24", "text", "周末服务\n1、周末也可以放行\n2、周末也可以查验\n")
	o.demand(status, page, 200, "《口岸来函》 2026-11-24", "周末也可以放行")
	for name, c := range map[string]struct {
		file string
		data []byte
		want int
	}{
		"binary":    {"a.txt", []byte{0, 1, 2, 3}, 422},
		"unknown":   {"a.exe", []byte("MZ"), 422},
		"path":      {"../../etc/passwd", []byte("x"), 422},
		"no docx":   {"a.docx", []byte("not a zip"), 422},
		"macros":    {"a.xlsm", []byte("PK\x03\x04"), 422},
		"empty":     {"a.md", nil, 422},
		"too large": {"a.txt", bytes.Repeat([]byte("很大"), 4<<20), 413},
	} {
		if status, page := lin.upload(c.file, c.data); status != c.want || !strings.Contains(page, "没有收下") && !strings.Contains(page, "没有执行") {
			t.Errorf("%s: %d, want %d:\n%s", name, status, c.want, visible(page))
		}
	}
	for _, format := range []string{"csv", "xlsx"} {
		status, table := lin.get("/console/import/template/" + format)
		o.demand(status, table, 200)
		if status, page := lin.upload("模板."+format, []byte(table)); status != 200 || !strings.Contains(page, "会这样读") {
			t.Errorf("our own template in %s is not read: %d\n%s", format, status, visible(page))
		}
	}
}

// TestAnImportShowsHowFarItIs, to whoever sent it and to nobody else; one that broke off
// says so.
func TestAnImportShowsHowFarItIs(t *testing.T) {
	o := newOffice(t, nil)
	lin, wang := o.enter("lin.yue"), o.enter("wang.qiang")
	for id, at := range map[string]time.Time{"NOW": time.Now(), "LONGAGO": time.Now().Add(-time.Hour)} {
		data, err := json.Marshal(map[string]any{"by": "lin.yue", "at": at, "Done": 3000, "All": 10000})
		if err != nil {
			t.Fatal(err)
		}
		if err := o.store.Put(t.Context(), "console-imports", id, data, 0, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	status, page := lin.get("/console/import/NOW")
	o.demand(status, page, 200, "3000 / 10000", `http-equiv="refresh"`)
	wellMade(t, "reading", page)
	status, page = wang.get("/console/import/NOW")
	o.demand(status, page, 404)
	status, page = lin.get("/console/import/LONGAGO")
	o.demand(status, page, 400, "重新上传")
	status, page = lin.get("/console/import/NEVER")
	o.demand(status, page, 400, "过期")
	status, page = lin.post("/console/import/NOW", "reason", "x")
	o.demand(status, page, 400, "过期")
}

// TestTheEvaluationIsShown.
func TestTheEvaluationIsShown(t *testing.T) {
	o := newOffice(t, nil)
	lin := o.enter("lin.yue")
	status, page := lin.post("/console/evaluation")
	o.demand(status, page, 200)
	lin.until("/console/evaluation", "q1")
}
