package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// chmod changes a mode whatever the umask is.
func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// TestLinksInTheDataFolder: what the program keeps may not lie elsewhere; the data folder may.
func TestLinksInTheDataFolder(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir()
	link := func(to, from string) {
		t.Helper()
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range append([]string{"published/000001", "answers/2026-11-30.jsonl"}, dataNames...) {
		dir := t.TempDir()
		path := filepath.Join(dir, "data", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		link(elsewhere, path)
		for _, command := range [][]string{{"serve"}, {"doctor"}, {"knowledge", "versions"}, {"verify"}} {
			got := execute(t, dir, "", append(slices.Clone(noChannel), "AEOBOT_LISTEN=127.0.0.1:0"), command...)
			if got.status != 2 || !strings.Contains(got.stderr, name+" is a symbolic link; put the file") {
				t.Errorf("%s, %v: %d %s%s", name, command, got.status, got.stdout, got.stderr)
			}
		}
	}
	dir := t.TempDir()
	link(elsewhere, filepath.Join(dir, "data"))
	if got := execute(t, dir, "", nil, "knowledge", "versions"); got.status != 0 {
		t.Errorf("the data folder itself: %d %s%s", got.status, got.stdout, got.stderr)
	}
}

// TestFolderForEverybody: serve says so when it starts, and doctor, with the fix.
func TestFolderForEverybody(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".", "published"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "data", name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		chmod(t, path, 0o777)
		want := "run chmod o-w " + filepath.Join("data", name)
		r := startServe(t, dir, noChannel...)
		r.stop()
		if !strings.Contains(r.stderr.String(), want) {
			t.Errorf("%s: serve says nothing:\n%s", name, r.stderr)
		}
		entries, err := os.ReadDir(filepath.Join(dir, "data"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !slices.Contains(dataNames, e.Name()) {
				t.Errorf("%s is kept in the data folder and is not looked at", e.Name())
			}
		}
		env := []string{"AEOBOT_LISTEN=" + freeAddress(t)}
		if got := execute(t, dir, "", env, "doctor"); got.status != 1 || !strings.Contains(got.stdout, "✗ 数据目录") || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: doctor: %d %s%s", name, got.status, got.stdout, got.stderr)
		}
		chmod(t, path, 0o755)
		if got := execute(t, dir, "", env, "doctor"); got.status != 0 || !strings.Contains(got.stdout, "✓ 数据目录") || strings.Contains(got.stderr, "warning") {
			t.Errorf("%s mended: doctor: %d %s%s", name, got.status, got.stdout, got.stderr)
		}
	}
}
