package versions_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/knowledge/versions"
)

// rewrite changes words of a record, as somebody would who leaves no hash wrong in it.
func rewrite(t *testing.T, dir, number, old, now string) {
	t.Helper()
	path := filepath.Join(dir, number, "version.json")
	record, err := os.ReadFile(path)
	if err != nil || strings.Count(string(record), old) != 1 {
		t.Fatalf("%q in %s, %v", old, record, err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(record), old, now, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestARewrittenRecordIsFound: another name of an author, though every file is as it was.
func TestARewrittenRecordIsFound(t *testing.T) {
	dir := t.TempDir()
	f := versions.Open(dir)
	for n, text := range []string{"一", "二", "三"} {
		publish(t, f, n+1, text)
	}
	rewrite(t, dir, "000002", "林悦", "别人")
	if n, _, err := f.Verify(); !errors.Is(err, versions.ErrChanged) || !strings.Contains(err.Error(), "the record before 3") {
		t.Errorf("%d versions, %v", n, err)
	}
	rewrite(t, dir, "000002", "别人", "林悦")
	rewrite(t, dir, "000002", `"number": 2`, `"number": 4`)
	if _, err := f.Get(2); !errors.Is(err, versions.ErrChanged) {
		t.Errorf("it calls itself 4: %v", err)
	}
}

// TestAGapIsFound though the record after it was made to follow.
func TestAGapIsFound(t *testing.T) {
	dir := t.TempDir()
	f := versions.Open(dir)
	publish(t, f, 1, "一")
	publish(t, f, 2, "二")
	rewrite(t, dir, "000002", `"number": 2`, `"number": 3`)
	if err := os.Rename(filepath.Join(dir, "000002"), filepath.Join(dir, "000003")); err != nil {
		t.Fatal(err)
	}
	if n, _, err := f.Verify(); n != 1 || !errors.Is(err, versions.ErrChanged) || !strings.Contains(err.Error(), "2 is missing") {
		t.Errorf("%d versions, %v", n, err)
	}
}

// TestAChangedFileIsFound, one that is gone, and one whose hash was written anew into the
// record.
func TestAChangedFileIsFound(t *testing.T) {
	dir := t.TempDir()
	f := versions.Open(dir)
	publish(t, f, 1, "一")
	v := publish(t, f, 2, "二")
	file := filepath.Join(dir, "000001", "文章.txt")
	if err := os.WriteFile(file, []byte("二"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Verify(); !errors.Is(err, versions.ErrChanged) {
		t.Errorf("other bytes: %v", err)
	}
	one, err := f.Get(1)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir, "000001", one.Files["文章.txt"], v.Files["文章.txt"])
	if _, _, err := f.Verify(); !errors.Is(err, versions.ErrChanged) {
		t.Errorf("with the hash in the record: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Files(one); !errors.Is(err, versions.ErrChanged) {
		t.Errorf("gone: %v", err)
	}
}

// TestAnotherChainIsNotTaken: what does not vouch for what is here.
func TestAnotherChainIsNotTaken(t *testing.T) {
	here, there := versions.Open(t.TempDir()), versions.Open(t.TempDir())
	publish(t, here, 1, "一")
	publish(t, there, 1, "壹")
	v := publish(t, there, 2, "二")
	record, err := there.Record(v)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.Take(record, state("二")); !errors.Is(err, versions.ErrDiverged) {
		t.Errorf("%v", err)
	}
	if head, _, err := here.Head(); head.Number != 1 || err != nil {
		t.Errorf("head %d, %v", head.Number, err)
	}
}
