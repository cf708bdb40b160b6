package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aeobot/bot"
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
	taken, err := net.Listen("tcp", "127.0.0.1:0") // a serve that is not refused ends all the same
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
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
			got := execute(t, dir, "", append(slices.Clone(noChannel), "AEOBOT_LISTEN="+taken.Addr().String()), command...)
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
		if got := execute(t, dir, "", env, "doctor"); got.status != 0 || !strings.Contains(got.stdout, "✓ 数据目录") || got.stderr != "" {
			t.Errorf("%s mended: doctor: %d %s%s", name, got.status, got.stdout, got.stderr)
		}
	}
}

// TestBundleThatFillsTheMemory: a state of the knowledge from the shared store is not unpacked
// beyond what such a state can be.
func TestBundleThatFillsTheMemory(t *testing.T) {
	data, err := pack([]byte("{}"), map[string][]byte{"a.txt": []byte("担保")})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := unpack(data); err != nil || string(b.Files["a.txt"]) != "担保" {
		t.Errorf("%+v, %v", b, err)
	}
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err = io.WriteString(z, `{"record":"`+strings.Repeat("A", 200<<20)+`"}`)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	if b, err := unpack(bomb.Bytes()); !errors.Is(err, bot.ErrPacked) || len(b.Record) > 0 {
		t.Errorf("%d packed bytes gave %d: %v", bomb.Len(), len(b.Record), err)
	}
	if _, err := pack(make([]byte, 64<<20), nil); !errors.Is(err, bot.ErrPacked) {
		t.Errorf("what no replica will read is announced: %v", err)
	}
}
