package audit_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/audit"
)

func lines(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.SplitAfter(strings.TrimSuffix(string(data), "\n"), "\n")
}

// whats are what the entries of a data folder say.
func whats(t *testing.T, dir string) string {
	t.Helper()
	page, _, err := audit.Open(dir, nil).Page(0, 100)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range page {
		all = append([]string{e.What}, all...)
	}
	return strings.Join(all, " ")
}

// set aside are the lines of all files beside the log.
func aside(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "audit-aside-*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, file := range files {
		all += strings.Join(lines(t, file), "")
	}
	return all
}

func compare(t *testing.T, l *audit.Log) audit.Parting {
	t.Helper()
	p, err := l.Compare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// forked makes two replicas whose logs have parted: one folder was restored and the store was
// emptied, then both took something down.
func forked(t *testing.T) (store bot.Shelf, old, restored string, a, b *audit.Log) {
	t.Helper()
	store, old, restored = newShelf(t), t.TempDir(), t.TempDir()
	a = audit.Open(old, store)
	for _, what := range []string{"1", "2"} {
		put(t, a, "w", what)
	}
	backup, err := os.ReadFile(filepath.Join(old, "audit.jsonl"))
	if err == nil {
		err = os.WriteFile(filepath.Join(restored, "audit.jsonl"), backup, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"3", "4", "5"} {
		put(t, a, "w", what)
	}
	store = newShelf(t)
	a, b = audit.Open(old, store), audit.Open(restored, store)
	put(t, b, "w", "3b")
	return store, old, restored, a, b
}

// TestPartedLogsAreNoticed by the one whose log is not the store's, though it is ahead: it
// gives nothing back over it, and loses nothing that is done.
func TestPartedLogsAreNoticed(t *testing.T) {
	store, _, _, a, _ := forked(t)
	put(t, a, "w", "6") // it is taken down here alone
	if err := a.Sync(ctx); !errors.Is(err, audit.ErrParted) {
		t.Error(err)
	}
	if p := compare(t, a); p.At != 3 || p.Broken != nil || len(p.Here) != 4 || len(p.There) != 1 {
		t.Errorf("parted at %d, %d entries here and %d there, %v", p.At, len(p.Here), len(p.There), p.Broken)
	}
	if i, err := store.Get(ctx, "audit", "0000000005"); err != nil || i.Version > 0 {
		t.Errorf("another chain was given back over the store's: %v", err)
	}
}

// TestAdopt: whichever log is chosen, both replicas go on with it, every line of the other is
// kept, and a line says who chose.
func TestAdopt(t *testing.T) {
	_, old, restored, a, b := forked(t)
	asides, err := a.Adopt(ctx, compare(t, a), false, "boss", "以本机的为准")
	if err != nil || len(asides) != 1 {
		t.Fatalf("%v, %v", asides, err)
	}
	if got := aside(t, old); !strings.Contains(got, `"3b"`) {
		t.Errorf("what the store had is lost: %s", got)
	}
	if _, err := b.Adopt(ctx, compare(t, b), true, "boss", "以 Redis 里的为准"); err != nil {
		t.Fatal(err)
	}
	if got := aside(t, restored); !strings.Contains(got, `"3b"`) {
		t.Errorf("what was here is lost: %s", got)
	}
	if err := a.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	put(t, a, "w", "6")
	put(t, b, "w", "7")
	for name, l := range map[string]*audit.Log{old: a, restored: b} {
		if err := l.Sync(ctx); err != nil {
			t.Error(err)
		}
		if got, want := whats(t, name), "1 2 3 4 5 adopt audit log adopt audit log 6 7"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if _, _, err := audit.Verify(name); err != nil {
			t.Error(err)
		}
		if p := compare(t, l); p.At != 0 {
			t.Errorf("parted still at %d", p.At)
		}
	}
}

// TestAdoptOfABrokenFile: the lines from the first one on that is not sound are kept beside;
// what the store has of them comes back, and without a store the sound ones are the log.
func TestAdoptOfABrokenFile(t *testing.T) {
	for _, alone := range []bool{true, false} {
		dir, store := t.TempDir(), newShelf(t)
		if alone {
			store = nil
		}
		l := audit.Open(dir, store)
		for _, what := range []string{"1", "2", "3", "4"} {
			put(t, l, "lin.yue", what)
		}
		file := filepath.Join(dir, "audit.jsonl")
		edited := lines(t, file)
		edited[2] = strings.Replace(edited[2], "lin.yue", "somebody", 1)
		if err := os.WriteFile(file, []byte(strings.Join(edited, "")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p := compare(t, l)
		if p.At != 3 || p.Broken == nil {
			t.Fatalf("parted at %d: %v", p.At, p.Broken)
		}
		want := "1 2 adopt audit log"
		if !alone {
			want = "1 2 3 4 adopt audit log"
		}
		if _, err := l.Adopt(ctx, p, !alone, "boss", "选定"); err != nil {
			t.Fatal(err)
		}
		if got := whats(t, dir); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if n, _, err := audit.Verify(dir); err != nil || n != len(strings.Fields(want))-2 {
			t.Errorf("%d lines, %v", n, err)
		}
		if got := aside(t, dir); !strings.Contains(got, "somebody") || strings.Count(got, "\n") < 1 {
			t.Errorf("the edited lines are lost: %s", got)
		}
		put(t, l, "w", "goes on") // a log that is in use
	}
}

// TestALineHalfWrittenIsNoParting.
func TestALineHalfWrittenIsNoParting(t *testing.T) {
	dir := t.TempDir()
	l := audit.Open(dir, newShelf(t))
	put(t, l, "w", "1")
	f, err := os.OpenFile(filepath.Join(dir, "audit.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(`{"n":2,"who":"half`)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	if p := compare(t, l); p.At != 0 {
		t.Errorf("parted at %d: %v", p.At, p.Broken)
	}
}

// TestLostEntriesAreNoParting: the store was emptied, or has lost the latest.
func TestLostEntriesAreNoParting(t *testing.T) {
	dir := t.TempDir()
	l := audit.Open(dir, newShelf(t))
	for _, what := range []string{"1", "2", "3"} {
		put(t, l, "w", what)
	}
	if p := compare(t, audit.Open(dir, newShelf(t))); p.At != 0 {
		t.Errorf("an emptied store: parted at %d", p.At)
	}
}

// TestAMixtureIsNotAdopted: what is no whole chain cannot be the log of all.
func TestAMixtureIsNotAdopted(t *testing.T) {
	store, _, restored, _, b := forked(t)
	if err := store.Put(ctx, "audit", "0000000004", []byte(`{"n":4,"who":"w"}`), 0, time.Hour); err != nil {
		t.Fatal(err)
	}
	p := compare(t, b)
	if _, err := b.Adopt(ctx, p, true, "boss", "x"); p.At != 4 || err == nil || aside(t, restored) != "" || whats(t, restored) != "1 2 3b" {
		t.Errorf("parted at %d, %v, %s", p.At, err, whats(t, restored))
	}
	if _, err := b.Adopt(ctx, p, false, "boss", "x"); err != nil || compare(t, b).At != 0 {
		t.Errorf("the log here is not adopted either: %v", err)
	}
}
