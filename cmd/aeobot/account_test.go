package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/bot/console/login"
	"aeobot/configs"
)

// TestAccountCommand: what the command prints is what the settings take.
func TestAccountCommand(t *testing.T) {
	dir := t.TempDir()
	var lines []string
	for name, role := range map[string]string{"lin.yue": "coordinator", "chen.jing": "admin"} {
		got := execute(t, dir, "correct horse battery\n", nil, "console", "account", name, "--role", role)
		if got.status != exitDone || strings.Contains(got.stdout+got.stderr, "horse") || strings.Count(got.stdout, "\n") != 1 {
			t.Fatalf("got %+v", got)
		}
		lines = append(lines, got.stdout)
	}
	file := filepath.Join(dir, "accounts")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := configs.Load("", []string{"AEOBOT_CONSOLE_ACCOUNTS_FILE=" + file})
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := login.ParseAccounts(c.Console.Accounts.Reveal())
	if err != nil || len(accounts) != 2 {
		t.Fatalf("%d accounts, %v", len(accounts), err)
	}
}

func TestAccountCommandRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, input string
		args        []string
		want        string
	}{
		{"short password", "elevenchars\n", []string{"lin.yue", "--role", "reader"}, "12 characters"},
		{"no password", "", []string{"lin.yue", "--role", "reader"}, "no password on standard input"},
		{"no role", "correct horse battery\n", []string{"lin.yue"}, "--role"},
		{"unknown role", "correct horse battery\n", []string{"lin.yue", "--role", "boss"}, "choose reader"},
		{"no name", "correct horse battery\n", []string{"--role", "reader"}, "name the person"},
		{"name with a colon", "correct horse battery\n", []string{"lin:yue", "--role", "reader"}, "letters, digits"},
	} {
		got := execute(t, t.TempDir(), tt.input, nil, append([]string{"console", "account"}, tt.args...)...)
		if got.status != exitUsage || !strings.Contains(got.stderr, tt.want) || got.stdout != "" || strings.Contains(got.stderr, "horse") {
			t.Errorf("%s: got %+v, want %q", tt.name, got, tt.want)
		}
	}
}
