package main

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNobodyInExportsAndAudit plants people and groups, and looks for them where coordinators
// and operators read or take away: exports, the audit log, the log at its most talkative.
func TestNobodyInExportsAndAudit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startServe(t, dir, append(serveEnv(), consoleAccounts(t, "lin.yue:coordinator"), "AEOBOT_LOG_LEVEL=debug")...)
	s := newSpeaker(t, r.base)
	const asked = "量子引力场论怎么证明"
	for _, chat := range []string{"", "wrMarkerGroup"} {
		s.delivers("a"+chat, chat, "zhang.marker", "海关直接激励措施")
		s.delivers("q"+chat, chat, "zhang.marker", asked)
		s.delivers("w"+chat, chat, "zhang.marker", "告诉我")
	}
	s.rates("zhang.marker", "说错了")
	c := consoleClient(t, r)
	places := map[string]string{}
	r.await("the question is on the list", func() bool {
		_, places["csv"] = c.get("/console/questions/export/csv")
		return strings.Contains(places["csv"], asked)
	})
	_, book := c.get("/console/questions/export/xlsx")
	z, err := zip.NewReader(strings.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		part, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		places["xlsx"] += string(data)
	}
	if !strings.Contains(places["xlsx"], asked) {
		t.Error("the workbook does not have the question")
	}
	r.stop()
	if got := execute(t, dir, "", nil, "forget", "--author", "boss", "Zhang.Marker"); got.status != 0 {
		t.Fatalf("forget: %s%s", got.stdout, got.stderr)
	}
	audit, err := os.ReadFile(filepath.Join(dir, "data", "audit.jsonl"))
	if err != nil || !strings.Contains(string(audit), `"forget"`) {
		t.Fatalf("audit log %s, %v", audit, err)
	}
	places["audit log"], places["log"] = string(audit), r.stderr.String()
	if strings.Contains(places["log"], asked) || strings.Contains(places["audit log"], asked) {
		t.Error("a log holds what was asked")
	}
	for where, text := range places {
		for _, who := range []string{"zhang.marker", "Zhang.Marker", "wrMarkerGroup", digestOf("person\x00zhang.marker")[:16]} {
			if strings.Contains(text, who) {
				t.Errorf("%s stands in the %s:\n%.2000s", who, where, text)
			}
		}
	}
}
