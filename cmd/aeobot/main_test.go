package main

import (
	"bytes"
	"errors"
	"runtime/debug"
	"strings"
	"testing"
)

// inProcess runs one command line and gives what it printed.
func inProcess(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// TestFlagsAreCheckedAsTheirSettings by every command, also by those that would not look.
func TestFlagsAreCheckedAsTheirSettings(t *testing.T) {
	flags := []struct{ flag, value, want string }{
		{"--redis", "http://x", "redis.url"},
		{"--redis", "redis://elsewhere:6379", "redis.url"},
		{"--data", "", "data_dir (--data)"},
		{"--config", "/nowhere/at/all.yaml", "/nowhere/at/all.yaml"},
	}
	commands := [][]string{{"ask", "免担保"}, {"chat"}, {"explain", "免担保"}, {"eval"}, {"knowledge", "show"}, {"verify"}, {"health"}, {"version"},
		{"console", "account", "lin.yue", "--role", "reader"}, {"simulate", "--env"}, {"completion", "bash"}}
	for _, f := range flags {
		for _, command := range commands {
			out, err := inProcess(t, append(command, f.flag, f.value)...)
			var usage usageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), f.want) || out != "" {
				t.Errorf("%v %s %q: got %v, printed %q", command, f.flag, f.value, err, out)
			}
		}
	}
}

func TestSettingOfRedisIsCheckedWhereItIsNotUsed(t *testing.T) {
	t.Setenv("AEOBOT_REDIS_URL", "http://x")
	if _, err := inProcess(t, "ask", "免担保"); err == nil || !strings.Contains(err.Error(), "redis.url") {
		t.Errorf("got %v", err)
	}
}

func TestVersion(t *testing.T) {
	stamped := &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3+dirty"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abc123"}, {Key: "vcs.modified", Value: "true"}}}
	tests := []struct {
		set             string
		info            *debug.BuildInfo
		release, commit string
	}{
		{"v2.0.0", stamped, "v2.0.0", "abc123 (modified)"},
		{"", stamped, "v1.2.3+dirty", "abc123 (modified)"},
		{"", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "dev", "unknown"},
		{"", &debug.BuildInfo{}, "dev", "unknown"},
	}
	for _, tt := range tests {
		if r, c := release(tt.set, tt.info), commit(tt.info); r != tt.release || c != tt.commit {
			t.Errorf("set %q, stamped %q: got %q and %q, want %q and %q", tt.set, tt.info.Main.Version, r, c, tt.release, tt.commit)
		}
	}
	byCommand, err := inProcess(t, "version")
	byFlag, errFlag := inProcess(t, "--version")
	if err != nil || errFlag != nil || byCommand != byFlag || !strings.HasPrefix(byFlag, "aeobot ") {
		t.Errorf("version: %q, %v; --version: %q, %v", byCommand, err, byFlag, errFlag)
	}
}

func TestCompletionIsShownAndExplained(t *testing.T) {
	help, err := inProcess(t, "--help")
	if err != nil || !strings.Contains(help, "completion 生成命令行补全脚本") {
		t.Errorf("help: %v\n%s", err, help)
	}
	for shell := range completions {
		help, err := inProcess(t, "completion", shell, "--help")
		if err != nil || !strings.Contains(help, "aeobot completion "+shell) || strings.Contains(help, "disable completion") {
			t.Errorf("%s: %v\n%s", shell, err, help)
		}
	}
	if got := execute(t, t.TempDir(), "", nil, "completion", "bash"); got.status != exitDone || !strings.Contains(got.stdout, "complete -o default -F __start_aeobot aeobot") {
		t.Errorf("script for bash: status %d, %d bytes", got.status, len(got.stdout))
	}
	if found, err := inProcess(t, "__complete", "kn"); err != nil || !strings.Contains(found, "knowledge\t") {
		t.Errorf("completing kn: %q, %v", found, err)
	}
}
