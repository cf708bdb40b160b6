package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// notForOperators is what an error never begins with, or holds: packages of the program,
// addresses in memory, names of Go types.
var notForOperators = regexp.MustCompile(`^aeobot: [a-z]+: |0x[0-9a-f]{6,}|\*[a-z]+\.[A-Z]|%!`)

var quotedName = regexp.MustCompile(`“[^”]*”`)

// TestErrorsAreChinese gives every command what it cannot take: what is said begins with
// Chinese, in one line.
func TestErrorsAreChinese(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "坏.yaml")
	if err := os.WriteFile(broken, []byte("nonsense: 1\nlisten: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	odd := filepath.Join(dir, "odd.xyz")
	if err := os.WriteFile(odd, []byte("\x00\xff"), 0o600); err != nil {
		t.Fatal(err)
	}
	tails := [][]string{{"--no-such-flag"}, {"--config", filepath.Join(dir, "missing.yaml")}, {"--config", broken}, {"--config", dir},
		{"--knowledge", filepath.Join(dir, "missing")}, {"--knowledge", odd}, {"--redis", "nonsense"}, {"one", "two", "three", "four"}, {"--as-of", "2026-13-01", "x"}}
	for _, c := range commands(newRoot()) {
		path := strings.Fields(c.CommandPath())[1:]
		if c.Hidden || len(path) == 0 || path[0] == "serve" || path[0] == "completion" || path[0] == "help" || path[0] == "chat" || path[0] == "simulate" {
			continue // serve, chat and simulate would begin to run
		}
		for _, tail := range tails {
			if path[0] == "ask" && tail[0] == "one" || path[0] == "explain" && tail[0] == "one" {
				continue // a question
			}
			args := append(append([]string{}, path...), tail...)
			got := execute(t, t.TempDir(), "", nil, args...)
			if got.status != exitDone {
				checkComplaint(t, args, got.stderr)
			}
		}
	}
	for _, args := range [][]string{{"nonsense"}, {"ask"}, {"serve", "--config", broken}, {"chat", "--redis", "x"}, {"knowledge", "rollback", "--reason", "x", "9"},
		{"knowledge", "rollback", "x"}, {"knowledge", "diff", "x"}, {"knowledge", "publish", "--dry-run", odd}, {"knowledge", "publish", "--reason", "x", filepath.Join(dir, "missing")},
		{"knowledge", "publish", odd}, {"--data", odd, "chat"}, {"health"}, {"eval", "--single", odd}, {"eval", "--baseline", odd}, {"knowledge", "import", odd}, {"forget"}} {
		got := execute(t, t.TempDir(), "", nil, args...)
		if got.status == exitDone {
			t.Errorf("%q was taken", args)
		}
		checkComplaint(t, args, got.stderr)
	}
}

func checkComplaint(t *testing.T, args []string, stderr string) {
	t.Helper()
	for line := range strings.Lines(stderr) {
		text, ours := strings.CutPrefix(line, "aeobot: ")
		if !ours {
			continue
		}
		if notForOperators.MatchString(line) || !beginsChinese(quotedName.ReplaceAllString(text, "")) {
			t.Errorf("%q: %s", args, line)
		}
	}
}

func commands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, commands(sub)...)
	}
	return all
}

// TestDiffOfFiles: what publishing some files would change is seen before.
func TestDiffOfFiles(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "新办法.txt")
	if err := os.WriteFile(file, []byte("新办法\n2026-11-01\n\n一、蓝鲸安排\n1、蓝鲸通道二十四小时开放\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := execute(t, t.TempDir(), "", nil, "knowledge", "diff", file)
	if got.status != exitDone || !strings.Contains(got.stdout, "蓝鲸通道二十四小时开放") {
		t.Errorf("status %d: %s%s", got.status, got.stdout, got.stderr)
	}
}

// TestEvalAloneJudgesWhatThePackBrings: without a file named, the questions that come with
// the knowledge are asked.
func TestEvalAloneJudgesWhatThePackBrings(t *testing.T) {
	t.Parallel()
	got := execute(t, t.TempDir(), "", nil, "eval")
	if got.status != exitDone || !strings.Contains(got.stdout, "Questions with an answer") {
		t.Errorf("status %d: %.300s%.300s", got.status, got.stdout, got.stderr)
	}
}
