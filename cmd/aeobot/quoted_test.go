package main

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"aeobot/bot/storetest"
)

// TestQuotedCommandsAreNotRun: an outsider writes a command, and a coordinator quotes it
// with nothing but a mention, or sends it on among pictures. Only the coordinator's own
// words publish.
func TestQuotedCommandsAreNotRun(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), "AEOBOT_CURATION_COORDINATORS=lin.yue,wang.qiang")
	o := &office{t: t, c: newClient(t)}
	id := proposalIn.FindStringSubmatch(o.hears(r, "lin.yue", "/教 优先通关实现方式 1 "+unheardOf, "", "提议"))[1]
	o.until(r, "wang.qiang", "/待准", "评测通过")
	command := "@小助手 /准 " + id
	o.hears(r, "zhao", "/准 "+id, "", "只有协调员")
	o.hears(r, "wang.qiang", "", command, "不会执行")
	o.hears(r, "wang.qiang", "这个", command, "不会执行")
	mixed, err := json.Marshal(map[string]any{"msgid": "mixed1", "aibotid": "aib1", "chattype": "group", "chatid": "g", "from": map[string]string{"userid": "wang.qiang"},
		"response_url": "https://example.invalid/r", "msgtype": "mixed", "mixed": map[string]any{"msg_item": []any{
			map[string]any{"msgtype": "image", "image": map[string]string{"url": "https://example.invalid/i"}},
			map[string]any{"msgtype": "text", "text": map[string]string{"content": command}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := stream(t, o.c.do(o.c.request("send", "aibot", r.base, string(mixed)))); !strings.Contains(got.Content, "不会执行") {
		t.Errorf("among pictures: %q", got.Content)
	}
	o.hears(r, "wang.qiang", "/版本", "", "版本 0")
	o.hears(r, "wang.qiang", "/准 "+id, command, "已发布版本 1")
	r.stop()
}

// TestDecisionsAtOnceAtTwoReplicas: approved and rejected at the same moment, one counts, and
// everybody is told which.
func TestDecisionsAtOnceAtTwoReplicas(t *testing.T) {
	t.Parallel()
	env := []string{"AEOBOT_REDIS_URL=" + plainURL(storetest.StartRedis(t)), "AEOBOT_CURATION_COORDINATORS=lin.yue,wang,zhao,qian,sun"}
	replicas := []*running{startServe(t, t.TempDir(), env...), startServe(t, t.TempDir(), env...)}
	o := &office{t: t, c: newClient(t)}
	id := proposalIn.FindStringSubmatch(o.hears(replicas[0], "lin.yue", "/教 优先通关实现方式 1 "+unheardOf, "", "提议"))[1]
	o.until(replicas[1], "wang", "/待准", "评测通过")
	people, decisions, replies := []string{"wang", "zhao", "qian", "sun"}, []string{"/准 ", "/否 ", "/准 ", "/否 "}, make([]string, 4)
	clients := make([]*office, len(people))
	for i := range clients {
		clients[i] = &office{t: t, c: newClient(t), n: 1_000_000 * (i + 1)}
	}
	var all sync.WaitGroup
	for i, who := range people {
		all.Go(func() { replies[i] = clients[i].says(replicas[i/2], who, decisions[i]+id+" 理由", "") })
	}
	all.Wait()
	want := "没有发布"
	if !strings.Contains(o.says(replicas[0], "lin.yue", "/版本", ""), "版本 0") || !strings.Contains(o.says(replicas[1], "lin.yue", "/版本", ""), "版本 0") {
		want = "版本 1"
	}
	for i, reply := range replies {
		first := want == "没有发布" && strings.Contains(reply, "已作废，什么都没有改动")
		if !first && !strings.Contains(reply, want) {
			t.Errorf("%s %s: %q, want %q in it", people[i], decisions[i], reply, want)
		}
	}
	for _, r := range replicas {
		r.stop()
	}
}
