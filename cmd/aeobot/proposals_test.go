package main

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aeobot/knowledge/curate"
)

// TestTwoCoordinatorsInTwoBrowsers: one proposes at one replica, the other confirms at another
// while versions come into force. Page, list and chat say the same of a proposal; what is
// confirmed is what was shown, or it is shown anew; bringing a version back waits for no gate;
// who takes a proposal away says why, and it stays to be read.
func TestTwoCoordinatorsInTwoBrowsers(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	p := openBrowsers(t)
	env := append(c.env, consoleAccounts(t, "lin.yue:coordinator", "wang.qiang:coordinator"))
	dir := t.TempDir()
	a, b := startServe(t, dir, env...), startServe(t, t.TempDir(), env...)
	for range 2 {
		c.hears("wrOne", "zhao", unheardOf, "没有提到")
	}
	publish := func(e curate.Edit) {
		t.Helper()
		state := execute(t, dir, "", append(serveEnv(), env...), "knowledge", "publish", "--author", "赵", "--approver", "钱", "--reason", "别的改动", "--override", "试", nextNotes(t, dir, e))
		if state.status != 0 {
			t.Fatalf("%s%s", state.stdout, state.stderr)
		}
	}
	at := func(who string, r *running, proposal, name string) string {
		t.Helper()
		return p.order(who, r, "look", map[string]any{"path": proposal, "name": name}).Text
	}
	// everywhere waits until page, list and chat say the same of a proposal.
	everywhere := func(proposal, says, name string) {
		t.Helper()
		a.await(says, func() bool { return strings.Contains(at("lin.yue", a, proposal, ""), says) })
		page, list := at("lin.yue", a, proposal, name+"-page"), at("wang.qiang", b, "/console/proposals", name+"-list")
		chat := c.says("", "lin.yue", "/待准")
		t.Logf("%s: page %q, list %q, chat %q", name, line(page, says), line(list, path.Base(proposal)), line(chat, path.Base(proposal)))
		for where, text := range map[string]string{"page": page, "list": list, "chat": chat} {
			if !strings.Contains(text, says) {
				t.Errorf("%s does not say %q: %s", where, says, text)
			}
		}
	}

	taught := p.order("lin.yue", a, "teach", map[string]any{"question": unheardOf, "passage": "设立AEO企业专用窗口或优先叫号通道"})
	everywhere(taught.Proposal, "评测通过", "passed")
	shown := at("wang.qiang", b, taught.Proposal, "confirm")
	for _, want := range []string{"设立AEO企业专用窗口或优先叫号通道", "改前", "改后", "问到而原文没有的词：蓝鲸", "没有提到"} {
		if !strings.Contains(shown, want) {
			t.Errorf("whoever confirms does not see %q: %s", want, shown)
		}
	}
	publish(curate.Edit{Section: "海关直接激励措施", Number: 8, Ask: "联系员是干什么的"})
	// It judges itself again; the other's page is still the one of before.
	a.await("judged against version 1", func() bool {
		text := at("lin.yue", a, taught.Proposal, "")
		return strings.Contains(text, "评测通过") && strings.Contains(text, "和现行的版本 1 相比")
	})
	anew := p.order("wang.qiang", b, "press", map[string]any{"button": "确认并发布", "name": "shown-anew"})
	if !strings.Contains(anew.Text, "下面是现在的内容") || strings.Contains(anew.Text, "已作为") {
		t.Errorf("an old page was confirmed: %s", anew.Text)
	}
	done := p.order("wang.qiang", b, "press", map[string]any{"button": "确认并发布", "name": "published"})
	if !strings.Contains(done.Text, "已作为版本 2 发布，确认的人：wang.qiang") {
		t.Errorf("confirmed: %s", done.Text)
	}
	c.until(a, "lin.yue", "/版本", "版本 2")

	back := p.order("lin.yue", a, "restore", map[string]any{"version": 1, "reason": "试试恢复"})
	if text := at("wang.qiang", b, back.Proposal, "back"); !strings.Contains(text, "问法："+unheardOf) || !strings.Contains(text, "不用等评测") && !strings.Contains(text, "评测通过") {
		t.Errorf("bringing a version back: %s", text)
	}
	publish(curate.Edit{Section: "海关直接激励措施", Number: 8, Ask: "联系员有什么用"})
	c.until(b, "wang.qiang", "/版本", "版本 3")
	anew = p.order("wang.qiang", b, "press", map[string]any{"button": "确认并发布", "name": "back-shown-anew"})
	if !strings.Contains(anew.Text, "下面是现在的内容") || !strings.Contains(anew.Text, "联系员有什么用") {
		t.Errorf("it went back further than was shown: %s", anew.Text)
	}
	done = p.order("wang.qiang", b, "press", map[string]any{"button": "确认并发布", "name": "back-published"})
	if !strings.Contains(done.Text, "已作为版本 4 发布") {
		t.Errorf("brought back: %s", done.Text)
	}

	made := c.hears("", "lin.yue", "/教 优先通关实现方式 1 白鲸码头怎么走", "提议")
	rejected := "/console/proposals/" + proposalIn.FindStringSubmatch(made)[1]
	everywhere(rejected, "评测通过，有 1 处要留意", "notices")
	at("wang.qiang", b, rejected, "to-reject")
	p.order("wang.qiang", b, "press", map[string]any{"button": "作废", "fill": map[string]string{"作废的理由（提议的人会看到）": "码头和这条没有关系"}, "name": "rejected"})
	for where, text := range map[string]string{"page": at("lin.yue", a, rejected, ""), "list": at("lin.yue", a, "/console/proposals", "rejected-list")} {
		if !strings.Contains(text, "已由 wang.qiang 作废") || !strings.Contains(text, "码头和这条没有关系") {
			t.Errorf("%s: %s", where, text)
		}
	}
	for _, r := range []*running{a, b} {
		r.stop()
	}
}

// line is the line of a text that has some words in it.
func line(text, words string) string {
	for l := range strings.Lines(text) {
		if strings.Contains(l, words) {
			return strings.TrimSpace(l)
		}
	}
	return ""
}

// TestTheGateIsKilled: kill -9 while a proposal is judged. Nobody is ever told that it passed
// before it has, nothing more is to be pressed, and it is judged by itself.
func TestTheGateIsKilled(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	replica := newReplica(t, c.env...)
	r := &running{t: t, base: "http://" + replica.addr, stderr: replica.log}
	made := c.hears("", "lin.yue", "/教 优先通关实现方式 1 "+unheardOf, "提议")
	id := proposalIn.FindStringSubmatch(made)[1]
	replica.kill()
	replica.start()
	first := line(c.says("", "wang.qiang", "/待准"), id)
	if !regexp.MustCompile(`，(等评测|正在评测)）`).MatchString(first) {
		t.Errorf("after the gate was killed: %q", first)
	}
	if got := c.says("", "wang.qiang", "/准 "+id); !strings.Contains(got, "评测还没有做完") {
		t.Errorf("confirmed unjudged: %s", got)
	}
	c.until(r, "wang.qiang", "/待准", "评测通过")
	c.hears("", "wang.qiang", "/准 "+id, "已发布版本 1")
}

// TestPeopleAreTold of a proposal, over the application, the long connection and the group's
// push robot.
func TestPeopleAreTold(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.corp.RobotKey = "robot-key"
	env := append(c.env, "AEOBOT_WECOM_ROBOT_KEY=robot-key", "AEOBOT_CONSOLE_BASE_URL=https://aeo.example.com", consoleAccounts(t, "lin.yue:coordinator"))
	a, b := startServe(t, t.TempDir(), env...), startServe(t, t.TempDir(), env...)
	group := func(words string) (n int) {
		for _, s := range c.corp.Sent() {
			if s.Via == "webhook/send" && strings.Contains(s.Text, words) {
				n++
			}
		}
		return n
	}
	made := c.inApp(a, "lin.yue", "/教 优先通关实现方式 1 "+unheardOf)
	id := proposalIn.FindStringSubmatch(made)[1]
	link := "https://aeo.example.com/console/proposals/" + id
	c.isTold("app lin.yue", link)
	a.await("the group is told", func() bool { return group("提议 "+id+" 等确认：评测通过") == 1 && group(link) == 1 })
	c.hears("wrDesk", "wang.qiang", "/否 "+id, "为什么作废")
	c.hears("wrDesk", "wang.qiang", "/否 "+id+" 蓝鲸不归这一条", "已作废")
	c.isTold("app lin.yue", "已由 wang.qiang 作废，没有发布。理由：蓝鲸不归这一条")
	made = c.hears("wrDesk", "lin.yue", "/教 优先通关实现方式 1 灰鲸通道怎么走", "提议")
	id = proposalIn.FindStringSubmatch(made)[1]
	c.isTold("wrDesk", "您的提议 "+id)
	c.hears("wrDesk", "wang.qiang", "/准 "+id, "已发布版本 1")
	c.isTold("wrDesk", "已由 wang.qiang 确认，发布为版本 1")
	a.await("the group is told once more", func() bool { return group(id) > 0 })
	for words, want := range map[string]int{"已由 wang.qiang 作废": 1, "已由 wang.qiang 确认": 1} {
		n := 0
		for _, times := range c.told(words) {
			n += times
		}
		if n != want {
			t.Errorf("%q was said %d times", words, n)
		}
	}
	if group(id) != 1 {
		t.Errorf("the group was told %d times of %s", group(id), id)
	}
	for _, r := range []*running{a, b} {
		r.stop()
		if out := r.stderr.String(); strings.Contains(out, "lin.yue") || strings.Contains(out, "鲸") {
			t.Errorf("the log holds a person or words:\n%s", out)
		}
	}
}

// TestCommandsBesideServe: with the embedded store, which a running serve has, the list can be
// read and a person be forgotten.
func TestCommandsBesideServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startServe(t, dir)
	o := &office{t: t, c: newClient(t)}
	o.hears(r, "zhao", unheardOf, "", "没有提到")
	o.hears(r, "zhao", "海关直接激励措施", "", "1、")
	run := func(status int, want string, args ...string) {
		t.Helper()
		if got := execute(t, dir, "", nil, args...); got.status != status || !strings.Contains(got.stdout+got.stderr, want) {
			t.Errorf("aeobot %q: status %d, want %d and %q: %s%s", args, got.status, status, want, got.stdout, got.stderr)
		}
	}
	r.await("on the list", func() bool {
		return strings.Contains(execute(t, dir, "", nil, "unanswered", "--state", "open").stdout, unheardOf)
	})
	run(2, "is none", "unanswered", "--state", "x")
	run(2, "names no question", "unanswered", "--solved", "ffffffffff")
	run(0, "都已删掉", "forget", "zhao", "--chat", "g", "--author", "admin")
	if got := o.says(r, "zhao", "第4条", ""); strings.Contains(got, "4、") {
		t.Errorf("it goes on as if nothing had been forgotten: %q", got)
	}
	if got := execute(t, dir, "", nil, "audit", "show"); !strings.Contains(got.stdout, "admin") {
		t.Errorf("not in the audit log: %s%s", got.stdout, got.stderr)
	}
	r.stop()
	run(0, "没有", "unanswered", "--state", "solved")
}

// nextNotes are the notes that were published last in a data folder, or the shipped ones, with
// one edit more, as a file.
func nextNotes(t *testing.T, dir string, e curate.Edit) string {
	t.Helper()
	const name = "aeo-incentives.notes.yaml"
	published := must(filepath.Glob(filepath.Join(dir, "data", "published", "*", name)))
	if len(published) == 0 {
		return editedNotes(t, e)
	}
	data, err := e.Apply(must(os.ReadFile(published[len(published)-1])))
	file := filepath.Join(t.TempDir(), name)
	if err = errors.Join(err, os.WriteFile(file, data, 0o600)); err != nil {
		t.Fatal(err)
	}
	return file
}
