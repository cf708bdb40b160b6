package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
)

// consolePassword is that of everybody at the console.
const consolePassword = "correct horse battery"

// consoleAccounts makes accounts as operators do.
func consoleAccounts(t testing.TB, people ...string) string {
	t.Helper()
	var lines []string
	for _, p := range people {
		name, role, _ := strings.Cut(p, ":")
		got := execute(t, t.TempDir(), consolePassword+"\n", nil, "console", "account", name, "--role", role)
		if got.status != 0 || strings.Contains(got.stdout, consolePassword) {
			t.Fatalf("%d %s%s", got.status, got.stdout, got.stderr)
		}
		lines = append(lines, strings.TrimSpace(got.stdout))
	}
	return "AEOBOT_CONSOLE_ACCOUNTS=" + strings.Join(lines, ",")
}

// people are at the console with real browsers.
type people struct {
	t   *testing.T
	in  io.WriteCloser
	out *bufio.Reader
}

// seen is what came of an order.
type seen struct {
	Text, Proposal, Error, Skip string
	Approves                    int
	Wide, Errors, Foreign       []string
}

// openBrowsers starts Chromium. AEOBOT_TEST_SCREENSHOTS names a folder to keep pictures in.
func openBrowsers(t *testing.T) *people {
	t.Helper()
	needChromium(t)
	needClients(t)
	cmd := exec.CommandContext(t.Context(), "node", "console.mjs")
	if folder := os.Getenv("AEOBOT_TEST_SCREENSHOTS"); folder != "" {
		cmd.Args = append(cmd.Args, folder)
	}
	cmd.Dir = filepath.Join("testdata", "wecom-client")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child.StartFor(t, cmd)
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it closes its browsers first
	})
	return &people{t, in, bufio.NewReader(out)}
}

// order has somebody do something at a replica.
func (p *people) order(who string, r *running, do string, more map[string]any) seen {
	p.t.Helper()
	o := map[string]any{"do": do, "who": who, "base": r.base, "password": consolePassword}
	for k, v := range more {
		o[k] = v
	}
	data, err := json.Marshal(o)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(data, '\n')); err != nil {
		p.t.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		p.t.Fatalf("%s: %v", data, err)
	}
	var s seen
	if err := json.Unmarshal(line, &s); err != nil {
		p.t.Fatalf("%s: %v", line, err)
	}
	if s.Error != "" {
		p.t.Fatalf("%s\n%s\nthe program said:\n%s", s.Error, s.Text, r.stderr)
	}
	if len(s.Errors)+len(s.Foreign) > 0 {
		p.t.Fatalf("%s: errors %q, foreign requests %q", data, s.Errors, s.Foreign)
	}
	return s
}

// TestTheWholeStoryInABrowser: a question is refused in the group → it appears in the list →
// a coordinator teaches it → the gate runs → a second person at another replica approves →
// both replicas answer it in the group → it is taken back → both refuse it again.
func TestTheWholeStoryInABrowser(t *testing.T) {
	t.Parallel()
	p := openBrowsers(t)
	redis := storetest.StartRedis(t)
	env := []string{"AEOBOT_REDIS_URL=" + plainURL(redis), consoleAccounts(t, "lin.yue:coordinator", "wang.qiang:coordinator", "boss:admin")}
	dir := t.TempDir()
	a, b := startServe(t, dir, env...), startServe(t, t.TempDir(), env...)
	o := &office{t: t, c: newClient(t)}
	for range 2 {
		o.hears(a, "zhao", unheardOf, "", "没有提到")
	}
	o.hears(b, "qian", "请问蓝鲸通道要怎么走呀", "", "没有提到")

	const passage = "设立AEO企业专用窗口或优先叫号通道"
	taught := p.order("lin.yue", a, "teach", map[string]any{"question": unheardOf, "passage": passage})
	if taught.Approves != 0 {
		t.Error("the author is offered to approve")
	}
	approved := p.order("wang.qiang", b, "approve", map[string]any{"proposal": taught.Proposal, "name": "approve"})
	if !strings.Contains(approved.Text, "版本 1") || !strings.Contains(approved.Text, "wang.qiang") {
		t.Errorf("after approving: %s", approved.Text)
	}
	for _, r := range []*running{a, b} {
		o.until(r, "zhao", unheardOf, "1、"+passage)
		o.until(r, "qian", "请问蓝鲸通道要怎么走呀", "1、"+passage)
	}
	// Who asked before a replica had the new version opened it again; it is settled then.
	a.await("solved", func() bool {
		list := p.order("lin.yue", a, "look", map[string]any{"path": "/console/questions?state=solved", "name": "solved"})
		return strings.Contains(list.Text, unheardOf) && strings.Contains(list.Text, "等 2 种问法")
	})
	tried := p.order("lin.yue", a, "look", map[string]any{"path": "/console/try?q=" + url.QueryEscape(unheardOf), "name": "try"})
	if !strings.Contains(tried.Text, passage) || !strings.Contains(tried.Text, "最近的问法") {
		t.Errorf("tried: %s", tried.Text)
	}
	p.order("boss", a, "look", map[string]any{"path": "/console/knowledge/passage?id=" + url.QueryEscape("aeo-incentives/优先通关实现方式/1"), "name": "passage"})
	walked := p.order("boss", a, "walk", nil)
	if len(walked.Wide) > 0 || walked.Skip != "跳到内容" {
		t.Errorf("wider than a phone: %q; the keyboard first reaches %q", walked.Wide, walked.Skip)
	}

	back := p.order("wang.qiang", b, "restore", map[string]any{"version": 0})
	p.order("lin.yue", a, "approve", map[string]any{"proposal": back.Proposal})
	for _, r := range []*running{a, b} {
		o.until(r, "zhao", unheardOf, "没有提到")
	}
	audit := p.order("boss", a, "look", map[string]any{"path": "/console/audit", "name": "audit"})
	for _, want := range []string{"登录", "提议", "发布", "lin.yue", "wang.qiang"} {
		if !strings.Contains(audit.Text, want) {
			t.Errorf("%q is not in the audit log: %s", want, audit.Text)
		}
	}
	for _, r := range []*running{a, b} {
		r.stop()
		if out := r.stderr.String(); strings.Contains(out, "lin.yue") || strings.Contains(out, "蓝鲸") || strings.Contains(out, consolePassword) {
			t.Errorf("the log holds a person, a question or a password:\n%s", out)
		}
	}
	if got := execute(t, dir, "", env, "audit", "verify"); got.status != 0 || !strings.Contains(got.stdout, "逐行相符") {
		t.Errorf("%d %s%s", got.status, got.stdout, got.stderr)
	}
	if got := execute(t, dir, "", env, "verify"); got.status != 0 || !strings.Contains(got.stdout, "0 处不符") {
		t.Errorf("%d %s%s", got.status, got.stdout, got.stderr)
	}
}

// storedScripts are questions that would do something if a page took them for markup.
var storedScripts = []string{
	`<script>alert(1)</script>怎么办`, `"><img src=x onerror=alert(2)>怎么办`, `'><svg onload=alert(3)>怎么办`, `</textarea><script>alert(4)</script>怎么办`,
	`<iframe srcdoc="<script>parent.alert(5)</script>">怎么办`, `<a href="javascript:alert(6)">点</a>怎么办`, `<form action="//evil.example"><button>点</button>怎么办`,
	`<base href="//evil.example/">怎么办`, `<meta http-equiv=refresh content="0;url=https://evil.example">怎么办`, `<link rel=stylesheet href="https://evil.example/x">怎么办`,
	`<details open ontoggle=alert(11)>怎么办`, `<input autofocus onfocus=alert(12)>怎么办`, `<select autofocus onfocus=alert(13)>怎么办`, `<body onload=alert(14)>怎么办`,
	`<object data="data:text/html,<script>alert(15)</script>">怎么办`, `<embed src="https://evil.example">怎么办`, `<video><source onerror=alert(17)></video>怎么办`,
	`<audio src=x onerror=alert(18)>怎么办`, `<marquee onstart=alert(19)>怎么办`, `<math><mtext><script>alert(20)</script></mtext></math>怎么办`,
	`<title></title><script>alert(21)</script>怎么办`, `<!--><script>alert(22)</script>-->怎么办`, `]]><script>alert(23)</script>怎么办`, `<style>body{background:url(https://evil.example)}</style>怎么办`,
	`<img src="https://evil.example/pixel">怎么办`, `<svg><a xlink:href="javascript:alert(26)"><text>点</text></a></svg>怎么办`, `<template><script>alert(27)</script></template>怎么办`,
	`<noscript><p title="</noscript><img src=x onerror=alert(28)>">怎么办`, `{{constructor.constructor('alert(29)')()}}怎么办`, `<x onclick=alert(30)>点我</x>怎么办`,
}

// TestStoredScriptsInABrowser (T15): thirty questions asked in the group are looked at in the
// list and one by one; nothing runs, nothing is fetched from elsewhere, every word is there.
func TestStoredScriptsInABrowser(t *testing.T) {
	t.Parallel()
	p := openBrowsers(t)
	r := startServe(t, t.TempDir(), consoleAccounts(t, "lin.yue:coordinator"))
	o := &office{t: t, c: newClient(t)}
	for i, q := range storedScripts {
		// Different words, or they would be one row.
		o.says(r, "zhao", fmt.Sprintf("蓝鲸%c号通道%s", '甲'+rune(i*3), q), "")
	}
	list := p.order("lin.yue", r, "look", map[string]any{"path": "/console/questions", "name": "scripts"})
	if n := strings.Count(list.Text, "蓝鲸"); n < 10 {
		t.Errorf("%d questions are on the list: %s", n, list.Text)
	}
	for _, q := range storedScripts {
		found := p.order("lin.yue", r, "look", map[string]any{"path": "/console/questions?q=" + url.QueryEscape(q)})
		if !strings.Contains(found.Text, "蓝鲸") {
			t.Errorf("%q is not on the list", q)
		}
		p.order("lin.yue", r, "look", map[string]any{"path": "/console/try?q=" + url.QueryEscape(q)})
	}
	r.stop()
}
