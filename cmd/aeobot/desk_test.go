package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aeobot/bot/storetest"
)

// office is a company whose coordinators teach the bot in a group.
type office struct {
	t *testing.T
	c *client
	n int
}

// says sends what somebody writes in the group, quoting something, and gives the reply.
func (o *office) says(r *running, who, text, quote string) string {
	o.t.Helper()
	o.n++
	m := map[string]any{"msgid": fmt.Sprint("desk", o.n), "aibotid": "aib1", "chattype": "group", "chatid": "g", "from": map[string]string{"userid": who},
		"response_url": "https://example.invalid/r", "msgtype": "text", "text": map[string]string{"content": "@小助手 " + text}}
	if quote != "" {
		m["quote"] = map[string]any{"msgtype": "text", "text": map[string]string{"content": quote}}
	}
	data, err := json.Marshal(m)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.c.reads(r.base, string(data))
}

// hears demands words in a reply.
func (o *office) hears(r *running, who, text, quote, want string) string {
	o.t.Helper()
	got := o.says(r, who, text, quote)
	if !strings.Contains(got, want) {
		o.t.Fatalf("%s: %q: got %q, want %q in it", who, text, got, want)
	}
	return got
}

// until says something again and again until the reply has what is wanted.
func (o *office) until(r *running, who, text, want string) {
	o.t.Helper()
	r.await(want, func() bool { return strings.Contains(o.says(r, who, text, ""), want) })
}

var proposalIn = regexp.MustCompile(`提议 ([A-Z2-7]{4})`)

// TestCoordinatorsTeachInTheChat: a question is refused → it is on the list → a coordinator
// teaches it by quoting → nobody else, and not he alone, can publish → another confirms →
// both replicas answer it → it is off the list → a rollback takes it back.
func TestCoordinatorsTeachInTheChat(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	env := []string{"AEOBOT_REDIS_URL=" + plainURL(redis), "AEOBOT_CURATION_COORDINATORS=lin.yue,wang.qiang"}
	dir := t.TempDir()
	a, b := startServe(t, dir, env...), startServe(t, t.TempDir(), env...)
	o := &office{t: t, c: newClient(t)}
	for range 2 {
		o.hears(a, "zhao", unheardOf, "", "没有提到")
	}
	o.hears(b, "lin.yue", "/未答", "", "1、"+unheardOf+"（2 次")
	o.hears(a, "lin.yue", "/为什么 "+unheardOf, "", "才作答")
	o.hears(a, "lin.yue", "/版本", "", "版本 0")
	o.hears(a, "zhao", "/教 优先通关实现方式 1", unheardOf, "只有协调员")
	o.hears(a, "zhao", "把“"+unheardOf+"”记成优先通关第1条", "", "")
	o.hears(a, "lin.yue", "/教 别的节 1", unheardOf, "节有：")
	o.hears(a, "lin.yue", "/教 优先通关实现方式 1", "", "教哪一个问法")
	made := o.hears(a, "lin.yue", "/教 优先通关实现方式 第1条", "@小助手 "+unheardOf, "设立AEO企业专用窗口或优先叫号通道")
	id := proposalIn.FindStringSubmatch(made)[1]
	o.until(b, "wang.qiang", "/待准", "评测通过")
	o.hears(a, "lin.yue", "/准 "+id, "", "另一位协调员")
	o.hears(a, "zhao", "/准 "+id, "", "只有协调员")
	o.hears(a, "zhao", unheardOf, "", "没有提到")
	o.hears(b, "wang.qiang", "/准 "+id, "", "已发布版本 1")
	o.hears(b, "wang.qiang", "/准 "+id, "", "已发布版本 1") // said again, done once
	if got := o.says(a, "lin.yue", "/未答", ""); strings.Contains(got, "、"+unheardOf) {
		t.Errorf("still on the list: %s", got)
	}
	for _, r := range []*running{a, b} {
		o.until(r, "zhao", unheardOf, "1、设立AEO企业专用窗口")
	}
	o.hears(a, "lin.yue", "/待准", "", "没有等确认的提议")
	o.hears(b, "lin.yue", "/版本", "", "lin.yue、wang.qiang")
	o.hears(a, "lin.yue", "/教 优先通关实现方式 1 "+unheardOf, "", "已经有这个问法")
	if got := execute(t, dir, "", env, "knowledge", "rollback", "--author", "lin.yue", "--approver", "wang.qiang", "--reason", "试", "0"); got.status != 0 {
		t.Fatalf("%s%s", got.stdout, got.stderr)
	}
	for _, r := range []*running{a, b} {
		o.until(r, "zhao", unheardOf, "没有提到")
	}
	for _, r := range []*running{a, b} {
		r.stop()
		if out := r.stderr.String(); strings.Contains(out, "lin.yue") || strings.Contains(out, "蓝鲸") {
			t.Errorf("the log holds a person or a question:\n%s", out)
		}
	}
}

// TestTeachingThatMakesThingsWorse is not published without another's reason.
func TestTeachingThatMakesThingsWorse(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), "AEOBOT_CURATION_COORDINATORS=lin.yue,wang.qiang")
	o := &office{t: t, c: newClient(t)}
	// A judged question that belongs to another measure is taught to this one.
	made := o.hears(r, "lin.yue", "/教 地方政府特色支持 6 每家AEO海关都会指定一个联系人吗", "", "提议")
	id := proposalIn.FindStringSubmatch(made)[1]
	o.until(r, "wang.qiang", "/待准", "会变差")
	o.hears(r, "wang.qiang", "/准 "+id, "", "v017")
	o.hears(r, "wang.qiang", "/准 "+id+" 仍然", "", "没有发布")
	o.hears(r, "wang.qiang", "/版本", "", "版本 0")
	o.hears(r, "wang.qiang", "/准 "+id+" 仍然 另有文章", "", "已发布版本 1")
	o.hears(r, "wang.qiang", "/版本", "", "另有文章")
	second := o.hears(r, "lin.yue", "/教 优先通关实现方式 1 "+unheardOf, "", "提议")
	o.hears(r, "lin.yue", "/否 "+proposalIn.FindStringSubmatch(second)[1], "", "作废")
	o.hears(r, "lin.yue", "/待准", "", "没有等确认的提议")
	r.stop()
}

// TestOneCoordinatorIsEnoughWhenTheSettingsSaySo, but not when something gets worse.
func TestOneCoordinatorIsEnoughWhenTheSettingsSaySo(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), "AEOBOT_CURATION_COORDINATORS=lin.yue", "AEOBOT_CURATION_PEOPLE=1")
	o := &office{t: t, c: newClient(t)}
	id := proposalIn.FindStringSubmatch(o.hears(r, "lin.yue", "/教 优先通关实现方式 1 "+unheardOf, "", "提议"))[1]
	o.until(r, "lin.yue", "/准 "+id, "已发布版本 1")
	o.until(r, "zhao", unheardOf, "1、设立AEO企业专用窗口")
	id = proposalIn.FindStringSubmatch(o.hears(r, "lin.yue", "/教 地方政府特色支持 6 每家AEO海关都会指定一个联系人吗", "", "提议"))[1]
	o.until(r, "lin.yue", "/准 "+id, "没有发布")
	o.hears(r, "lin.yue", "/准 "+id+" 仍然 我说了算", "", "另一位协调员写明理由")
	r.stop()
}

// TestNobodyTeachesFilesOfTheSettings: what lies in files is edited there.
func TestNobodyTeachesFilesOfTheSettings(t *testing.T) {
	file, err := filepath.Abs(shippedArticle)
	if err != nil {
		t.Fatal(err)
	}
	r := startServe(t, t.TempDir(), "AEOBOT_CURATION_COORDINATORS=lin.yue", "AEOBOT_KNOWLEDGE_PATHS="+file)
	o := &office{t: t, c: newClient(t)}
	o.hears(r, "lin.yue", "/教 优先通关实现方式 1 "+unheardOf, "", "knowledge.paths")
	r.stop()
}
