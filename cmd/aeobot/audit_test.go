package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/bot/storetest"
)

// TestPartedAuditLogIsHealed: a replica's data folder comes back from a backup after Redis was
// emptied; another replica's log is ahead. The one that differs says so and names the command,
// doctor too, and the command heals it while serve runs, keeping every line.
func TestPartedAuditLogIsHealed(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	env := []string{"AEOBOT_REDIS_URL=" + plainURL(redis)}
	run := func(dir string, status int, want string, args ...string) string {
		t.Helper()
		got := execute(t, dir, "", env, args...)
		if got.status != status || !strings.Contains(got.stdout+got.stderr, want) {
			t.Fatalf("%q: status %d\n%s%s\nwant %d and %q", args, got.status, got.stdout, got.stderr, status, want)
		}
		return got.stdout
	}
	act := func(dir, who string) { t.Helper(); run(dir, 0, "删掉", "forget", "--author", who, "nobody") }
	old, restored := t.TempDir(), t.TempDir()
	act(old, "first")
	backup, err := os.ReadFile(filepath.Join(old, "data", "audit.jsonl"))
	if err == nil {
		err = os.MkdirAll(filepath.Join(restored, "data"), 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(restored, "data", "audit.jsonl"), backup, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	act(old, "lin.yue")
	redis.Do("FLUSHALL")
	act(restored, "wang.qiang")
	run(restored, 0, "逐行相符", "audit", "verify")

	r := startServe(t, old, append(env, noChannel...)...)
	r.await("the log names the command", func() bool { return strings.Contains(r.stderr.String(), "aeobot audit verify") })
	run(old, 1, "从第 2 行起分成了两份", "audit", "verify")
	run(old, 1, "aeobot audit verify", "doctor")
	run(old, 2, "--adopt", "audit", "verify", "--adopt", "both")
	run(old, 0, "将要", "audit", "verify", "--adopt", "local", "--dry-run")
	run(old, 1, "没有确认", "audit", "verify", "--adopt", "local")
	run(old, 0, "已选定", "audit", "verify", "--adopt", "local", "--yes", "--author", "boss")
	run(old, 0, "没有分成两份", "audit", "verify", "--adopt", "local")
	run(restored, 1, "从第 2 行起", "audit", "verify")
	run(restored, 0, "已选定", "audit", "verify", "--adopt", "shared", "--yes", "--author", "boss")
	act(old, "after")
	for _, dir := range []string{old, restored} {
		if got := asideLines(t, dir); !strings.Contains(got, "wang.qiang") {
			t.Errorf("the line that was not chosen is lost: %s", got)
		}
		run(dir, 0, "逐行相符", "audit", "verify")
	}
	list := run(old, 0, "lin.yue", "audit", "show")
	if strings.Count(list, "adopt audit log") != 2 || strings.Contains(list, "wang.qiang") {
		t.Errorf("the log says\n%s", list)
	}
	r.stop()
}

// asideLines are the lines of the files beside a log.
func asideLines(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "data", "audit-aside-*.jsonl"))
	all := ""
	for _, file := range files {
		data, err2 := os.ReadFile(file)
		if all += string(data); err2 != nil {
			err = err2
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}
