package main

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/bot/storetest/child"
)

// TestTalkWithAPersonInABrowser plays a customer's talk in the stand-in's page: nobody on
// duty, a person offered and taken, silence, the talk given back, and a colleague who came
// through the link. AEOBOT_TEST_SCREENSHOTS names a folder for pictures.
func TestTalkWithAPersonInABrowser(t *testing.T) {
	needChromium(t)
	needClients(t)
	platform, bot := startSimulate(t)
	cmd := exec.CommandContext(t.Context(), "node", "kf.mjs", platform.base, os.Getenv("AEOBOT_TEST_SCREENSHOTS"))
	cmd.Dir = filepath.Join("testdata", "wecom-client")
	cmd.Stderr = os.Stderr
	out, err := child.Output(cmd)
	if err != nil {
		t.Fatalf("%v: %s\nthe bot said:\n%s", err, out, bot.stderr)
	}
	var seen struct {
		Welcome, Nobody, HandedOver, Servicer, Back, Answer, Behind string
		Silent, Colleague                                           int
		Wide                                                        bool
		Errors                                                      []string
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for what, tt := range map[string]struct{ got, want string }{
		"nobody on duty": {seen.Nobody, "没能转给人工"}, "handed over": {seen.HandedOver, "客服人员会在这里回复您"},
		"given back": {seen.Back, "您可以接着问我"}, "the servicer": {seen.Servicer, "我是周敏"},
	} {
		if !strings.Contains(tt.got, tt.want) {
			t.Errorf("%s: the page shows %q, want %q", what, tt.got, tt.want)
		}
	}
	if seen.Silent != 0 || seen.Colleague != 0 || seen.Wide || len(seen.Errors) > 0 {
		t.Errorf("answers in a person's talk %d, to a colleague %d; wider than a phone %v; errors %q", seen.Silent, seen.Colleague, seen.Wide, seen.Errors)
	}
	bot.await("the refusal counted", func() bool {
		_, metrics := bot.get("/metrics")
		return strings.Contains(metrics, `aeobot_kf_refused_total{call="kf/send_msg",class="over",code="40096"} 1`)
	})
	if status, ready := bot.get("/readyz"); status != http.StatusOK || !strings.Contains(ready, `"status":"ready"`) {
		t.Errorf("one customer's refusal shows in /readyz: %s", ready)
	}
	nothingLeaked(t, bot)
}
