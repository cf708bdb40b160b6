package audit_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"aeobot/bot"
	"aeobot/bot/audit"
	"aeobot/bot/boltstore"
)

var ctx = context.Background()

// newShelf is a store that several logs share.
func newShelf(t *testing.T) bot.Shelf {
	t.Helper()
	s, err := boltstore.Open(filepath.Join(t.TempDir(), "store.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t *testing.T, l *audit.Log, who, what string) {
	t.Helper()
	if err := l.Append(ctx, who, what, "版本 1"); err != nil {
		t.Fatal(err)
	}
}

// TestAnEditedLineIsFound: whatever is done to the file, verify names the line.
func TestAnEditedLineIsFound(t *testing.T) {
	dir := t.TempDir()
	l := audit.Open(dir, nil)
	for i := range 5 {
		put(t, l, "lin.yue", fmt.Sprint("publish ", i))
	}
	if n, head, err := audit.Verify(dir); err != nil || n != 5 || head == "" {
		t.Fatalf("%d entries, head %q, %v", n, head, err)
	}
	path := filepath.Join(dir, "audit.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(whole), "\n")[:5]
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"who edited":   {[]string{lines[0], strings.Replace(lines[1], "lin.yue", "wang.qi", 1), lines[2]}, "line 2: it was changed"},
		"taken out":    {[]string{lines[0], lines[2], lines[3]}, "line 2"},
		"put in twice": {[]string{lines[0], lines[1], lines[1], lines[2]}, "line 3"},
		"swapped":      {[]string{lines[1], lines[0]}, "line 1"},
		"words added":  {[]string{lines[0], strings.Replace(lines[1], "{", `{"more":1,`, 1)}, "line 2: it was changed"},
		"not JSON":     {[]string{lines[0], "{\n"}, "line 2"},
		"cut short":    {[]string{lines[0], strings.TrimSuffix(lines[1], "\n")}, "line 2"},
	} {
		if err := os.WriteFile(path, []byte(strings.Join(c.lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := audit.Verify(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestEveryFlippedByteIsFound.
func TestEveryFlippedByteIsFound(t *testing.T) {
	dir := t.TempDir()
	l := audit.Open(dir, nil)
	put(t, l, "a", "b")
	put(t, l, "c", "d")
	path := filepath.Join(dir, "audit.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		flipped := append([]byte(nil), whole...)
		flipped[i] ^= 1
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := audit.Verify(dir); err == nil {
			t.Errorf("byte %d (%q) flipped: nothing found", i, whole[i])
		}
	}
}

// TestPages go back in time, and a line whose writer died counts for nothing.
func TestPages(t *testing.T) {
	dir := t.TempDir()
	l := audit.Open(dir, nil)
	for i := range 7 {
		put(t, l, "w", fmt.Sprint(i+1))
	}
	f, err := os.OpenFile(filepath.Join(dir, "audit.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"n":8,"who":"half`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	again := audit.Open(dir, nil) // another process
	put(t, again, "w", "8")
	var got []string
	for before := 0; ; {
		page, all, err := l.Page(before, 3)
		if err != nil || all != 8 {
			t.Fatalf("%d entries: %v", all, err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			got = append(got, e.What)
		}
		if before = page[len(page)-1].Number; before == 1 {
			break
		}
	}
	if s := strings.Join(got, ""); s != "87654321" {
		t.Errorf("got %s", s)
	}
	if n, _, err := audit.Verify(dir); n != 8 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}

// TestReplicasShareOneLog, write at the same time, and give back what the store lost.
func TestReplicasShareOneLog(t *testing.T) {
	store := newShelf(t)
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	var logs []*audit.Log
	for _, dir := range dirs {
		logs = append(logs, audit.Open(dir, store))
	}
	var wg sync.WaitGroup
	for i, l := range logs {
		for j := range 10 {
			wg.Go(func() {
				if err := l.Append(ctx, fmt.Sprint("replica ", i), "do", fmt.Sprint(j)); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	same(t, dirs, logs, 30)
	lost := newShelf(t) // the store came back empty
	for i, dir := range dirs {
		logs[i] = audit.Open(dir, lost)
	}
	put(t, logs[1], "w", "after the loss")
	same(t, dirs, logs, 31)
	if i, err := lost.Get(ctx, "audit", "0000000001"); err != nil || i.Version == 0 {
		t.Errorf("the first entry was not given back: %v", err)
	}
}

func same(t *testing.T, dirs []string, logs []*audit.Log, want int) {
	t.Helper()
	heads := map[string]bool{}
	for i, dir := range dirs {
		if err := logs[i].Sync(ctx); err != nil {
			t.Fatal(err)
		}
		n, head, err := audit.Verify(dir)
		if err != nil || n != want {
			t.Errorf("replica %d: %d entries, %v, want %d", i, n, err, want)
		}
		heads[head] = true
	}
	if len(heads) != 1 {
		t.Errorf("the replicas' logs differ: %v", heads)
	}
}
