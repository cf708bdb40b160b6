package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"aeobot/bot"
)

// TestHandover: the settings say how to reach a person, and the metrics how many asked.
func TestHandover(t *testing.T) {
	env := []string{"AEOBOT_HANDOVER_TEXT=请拨关务部分机 8008。", "AEOBOT_CURATION_COORDINATORS=lin.yue,wu.hao"}
	got := execute(t, t.TempDir(), `{"chat":"g","user":"u","text":"@老周 @小关 帮我转人工"}`+"\n", env, "chat", "--json")
	var r bot.Reply
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil {
		t.Fatalf("%v in %q (%s)", err, got.stdout, got.stderr)
	}
	if r.Answered || len(r.Shown) > 0 || r.Act != bot.ActHelp || !strings.Contains(r.Text, "分机 8008") || !strings.Contains(r.Text, "lin.yue、wu.hao") {
		t.Errorf("%+v", r)
	}
	m := newMetrics()
	m.observe(bot.Event{Channel: "aibot", Handover: true})
	m.observe(bot.Event{Channel: "aibot", Handover: true, Replayed: true})
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if want := `aeobot_handover_total{channel="aibot"} 1`; !strings.Contains(w.Body.String(), want) {
		t.Errorf("no %q in the metrics", want)
	}
}
