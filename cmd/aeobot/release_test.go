package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/knowledge/curate"
)

// TestTheCommandLineIsUnderTheSameRule: where it takes two people, one alone puts nothing
// in force, neither forward nor back; whatever is put in force is in the audit log.
func TestTheCommandLineIsUnderTheSameRule(t *testing.T) {
	t.Parallel()
	dir, notes := t.TempDir(), editedNotes(t, unheardOfAsked)
	alone := []string{"AEOBOT_CURATION_PEOPLE=1"}
	run := func(status int, want string, env []string, args ...string) {
		t.Helper()
		got := execute(t, dir, "", env, append([]string{"knowledge"}, args...)...)
		if got.status != status || !strings.Contains(got.stdout+got.stderr, want) {
			t.Errorf("aeobot knowledge %q: status %d, want %d and %q:\n%s%s", args, got.status, status, want, got.stdout, got.stderr)
		}
	}
	audit := func() string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, "data", "audit.jsonl"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(data)
	}
	run(1, "--approver", nil, "publish", "--author", "林悦", "--reason", "客户这么问", notes)
	run(0, "还没有发布过", nil, "versions")
	if log := audit(); strings.Contains(log, "publish") {
		t.Errorf("what was not published is in the log: %s", log)
	}
	run(0, "已发布版本 1", nil, "publish", "--author", "林悦", "--approver", "王强", "--reason", "客户这么问", notes)
	run(1, "第二个人", nil, "rollback", "--author", "林悦", "--reason", "撤回", "0")
	run(1, "第二个人", nil, "rollback", "--author", "lin", "--approver", "Lin ", "--reason", "撤回", "0")
	run(0, "1 个版本", nil, "versions")
	run(0, "作为版本 2", nil, "rollback", "--author", "林悦", "--approver", "王强", "--reason", "撤回", "0")
	run(1, "看差别时现行的是版本 1，现在是版本 2", nil, "rollback", "--author", "林悦", "--approver", "王强", "--base", "1", "--reason", "撤回", "1")
	run(0, "+ 问法："+unheardOf, nil, "rollback", "--dry-run", "--author", "林悦", "1")
	run(0, "作为版本 3", alone, "rollback", "--author", "林悦", "--reason", "一个人维护", "1")
	lines := strings.Split(strings.TrimSpace(audit()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	for i, wants := range [][]string{
		{`"who":"王强"`, `"what":"publish"`, "客户这么问 → 版本 1（命令行", "作者 林悦"},
		{`"who":"王强"`, `"what":"publish"`, "撤回 → 版本 2（命令行"},
		{`"who":"林悦"`, `"what":"publish"`, "一个人维护 → 版本 3（命令行"},
	} {
		for _, want := range wants {
			if !strings.Contains(lines[i], want) {
				t.Errorf("line %d: %q is not in %s", i+1, want, lines[i])
			}
		}
	}
	if got := execute(t, dir, "", nil, "audit", "verify"); got.status != 0 {
		t.Errorf("%s%s", got.stdout, got.stderr)
	}
	run(2, "knowledge.paths", nil, "--knowledge", notes, "publish", "--author", "a", "--approver", "b", "--reason", "r", notes)
}

// TestTheCommandLineSaysWhatIsNotLearnt: a way to ask that a topic stands in the way of, and
// one for what the measure does not state.
func TestTheCommandLineSaysWhatIsNotLearnt(t *testing.T) {
	t.Parallel()
	notes := editedNotes(t, curate.Edit{Section: "海关直接激励措施", Number: 10, Ask: "AEO互认国家有哪些"},
		curate.Edit{Section: "海关直接激励措施", Number: 3, Ask: "认证费要多少"})
	got := execute(t, t.TempDir(), "", nil, "knowledge", "publish", "--dry-run", notes)
	for _, want := range []string{
		"“AEO互认国家有哪些”教给海关直接激励措施第10条后仍答不上：没有写的话题“互认国家名单”挡在前面",
		"从 aeo-incentives.notes.yaml 里拿掉没有写的话题“互认国家名单”的问法“互认国家有哪些”",
		"“认证费要多少”问的是“费用”，海关直接激励措施第3条的原文没有写",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("%q is not in:\n%s%s", want, got.stdout, got.stderr)
		}
	}
}
