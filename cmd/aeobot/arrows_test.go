package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aeobot/bot/storetest/child"
)

// arrows is who may import whom among our own packages. A new folder is a new
// row: a decision, not an accident.
var arrows = map[string][]string{
	"cmd/aeobot": {"bot", "bot/audit", "bot/boltstore", "bot/console", "bot/console/login", "bot/desk", "bot/ledger", "bot/pseudonym", "bot/redisstore", "bot/sheet", "bot/tally", "bot/terminal", "bot/wecom/aibot", "bot/wecom/api",
		"bot/wecom/app", "bot/wecom/envelope", "bot/wecom/kf", "bot/wecom/platform", "bot/wecom/robot", "bot/wecom/setup", "configs", "index", "index/eval", "knowledge", "knowledge/articles", "knowledge/intake", "knowledge/versions"},
	"bot":                 {"index", "knowledge"},
	"bot/terminal":        {"bot"},
	"bot/console":         {"bot", "bot/audit", "bot/console/login", "bot/desk", "bot/sheet", "bot/tally", "bot/wecom/setup", "index", "index/eval", "knowledge", "knowledge/curate", "knowledge/intake", "knowledge/versions"},
	"bot/console/login":   {"bot"},
	"bot/desk":            {"bot", "index", "knowledge", "knowledge/curate"},
	"bot/audit":           {"bot"},
	"bot/ledger":          {"bot"},
	"bot/pseudonym":       {"bot"},
	"bot/boltstore":       {"bot"},
	"bot/redisstore":      {"bot"},
	"bot/storetest":       {"bot", "bot/pseudonym", "bot/storetest/child"},
	"bot/storetest/child": {},
	"bot/sheet":           {},
	"bot/tally":           {"bot"},
	"bot/wecom/envelope":  {},
	"bot/wecom/api":       {"bot"},
	"bot/wecom/cards":     {"bot"},
	"bot/wecom/aibot":     {"bot", "bot/wecom/api", "bot/wecom/cards", "bot/wecom/envelope"},
	"bot/wecom/app":       {"bot", "bot/wecom/api", "bot/wecom/cards", "bot/wecom/envelope"},
	"bot/wecom/kf":        {"bot", "bot/wecom/api", "bot/wecom/envelope"},
	"bot/wecom/setup":     {},
	"bot/wecom/robot":     {"bot", "bot/wecom/api"},
	"bot/wecom/platform":  {"bot/wecom/envelope"},
	"configs":             {},
	"index":               {"index/analysis", "index/lexicon", "knowledge"},
	"index/analysis":      {},
	"index/lexicon":       {"index/analysis"},
	"index/eval":          {"index/analysis"},
	"knowledge":           {},
	"knowledge/articles":  {},
	"knowledge/curate":    {},
	"knowledge/intake":    {"knowledge"},
	"knowledge/versions":  {},
}

func TestArrows(t *testing.T) {
	out, err := child.Output(exec.Command("go", "list", "-f", "{{.ImportPath}}:{{join .Imports \" \"}}", "aeobot/..."))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		name, imports, _ := strings.Cut(strings.TrimSpace(line), ":")
		name = strings.TrimPrefix(name, "aeobot/")
		seen[name] = true
		allowed, known := arrows[name]
		if !known {
			t.Errorf("folder %s is not in the table of arrows", name)
		}
		for _, i := range strings.Fields(imports) {
			if ours, ok := strings.CutPrefix(i, "aeobot/"); ok && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which the table does not allow", name, ours)
			}
		}
	}
	for name := range arrows {
		if !seen[name] {
			t.Errorf("the table of arrows names %s, which is not there", name)
		}
	}
}

// TestProcessesAreStartedByChild: what a test starts in any other way outlives a test binary
// that runs into its time limit or is killed.
func TestProcessesAreStartedByChild(t *testing.T) {
	own := regexp.MustCompile(`(\bcmd|\bexec\.Command\(.*\)|\bexec\.CommandContext\(.*\))\.(Start|Run|Output|CombinedOutput)\(\)`)
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") && !strings.Contains(path, "storetest") || d.IsDir() || filepath.Base(path) == "child.go" {
			return err
		}
		data, err := os.ReadFile(path)
		for i, line := range strings.Split(string(data), "\n") {
			if found := own.FindString(line); found != "" {
				t.Errorf("%s:%d: %s starts a process by itself; let child do it", path, i+1, found)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
