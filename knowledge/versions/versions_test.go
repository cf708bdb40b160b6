package versions_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/knowledge/versions"
)

func state(text string) map[string][]byte {
	return map[string][]byte{"文章.txt": []byte(text), "文章.notes.yaml": []byte("sections: []\n")}
}

func publish(t *testing.T, f *versions.Folder, n int, text string) versions.Version {
	t.Helper()
	v, err := f.Publish(versions.Version{Number: n, Author: "林悦", Reason: "试", At: time.Unix(int64(n), 0).UTC(), Fingerprint: "f"}, state(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestPublishedStatesStay(t *testing.T) {
	f := versions.Open(filepath.Join(t.TempDir(), "not", "there", "yet"))
	if _, ok, err := f.Head(); ok || err != nil {
		t.Fatalf("a head without anything published: %v", err)
	}
	for n, text := range []string{"一", "二", "三"} {
		publish(t, f, n+1, text)
	}
	head, ok, err := f.Head()
	if err != nil || !ok || head.Number != 3 || head.Before == "" {
		t.Fatalf("head %+v, %v, %v", head, ok, err)
	}
	all, err := f.All()
	if err != nil || len(all) != 3 || all[2].Number != 1 {
		t.Fatalf("all %+v, %v", all, err)
	}
	files, err := f.Files(all[2])
	if err != nil || string(files["文章.txt"]) != "一" {
		t.Errorf("files of the first: %q, %v", files, err)
	}
	if v, n, err := f.Verify(); v != 3 || n != 6 || err != nil {
		t.Errorf("verified %d versions, %d files, %v", v, n, err)
	}
	if _, err := f.Get(9); !errors.Is(err, versions.ErrUnknown) {
		t.Errorf("version 9: %v", err)
	}
}

func TestWhatCannotBePublished(t *testing.T) {
	f := versions.Open(t.TempDir())
	publish(t, f, 1, "一")
	good := versions.Version{Number: 2, Author: "a", Reason: "r"}
	for name, tt := range map[string]struct {
		v     versions.Version
		files map[string][]byte
		want  error
	}{
		"nobody":            {versions.Version{Number: 2, Reason: "r"}, state("x"), versions.ErrIncomplete},
		"no reason":         {versions.Version{Number: 2, Author: "a", Reason: " "}, state("x"), versions.ErrIncomplete},
		"no files":          {good, nil, versions.ErrIncomplete},
		"a number again":    {versions.Version{Number: 1, Author: "a", Reason: "r"}, state("x"), versions.ErrStale},
		"a number too high": {versions.Version{Number: 4, Author: "a", Reason: "r"}, state("x"), versions.ErrUnknown},
		"the way up":        {good, map[string][]byte{"../x.txt": nil}, versions.ErrName},
		"a folder":          {good, map[string][]byte{"a/x.txt": nil}, versions.ErrName},
		"another system's":  {good, map[string][]byte{`a\x.txt`: nil}, versions.ErrName},
		"hidden":            {good, map[string][]byte{".x.txt": nil}, versions.ErrName},
		"the record":        {good, map[string][]byte{"version.json": nil}, versions.ErrName},
		"NUL":               {good, map[string][]byte{"x\x00.txt": nil}, versions.ErrName},
		"too long":          {good, map[string][]byte{strings.Repeat("x", 300): nil}, versions.ErrName},
	} {
		if _, err := f.Publish(tt.v, tt.files); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if head, _, err := f.Head(); head.Number != 1 || err != nil {
		t.Errorf("head %+v, %v", head, err)
	}
}

// TestOneOfManyPublishes: two who publish at once do not overwrite each other.
func TestOneOfManyPublishes(t *testing.T) {
	dir := t.TempDir()
	var published atomic.Int32
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			_, err := versions.Open(dir).Publish(versions.Version{Number: 1, Author: "a", Reason: "r"}, state(fmt.Sprint(i)))
			if err == nil {
				published.Add(1)
			} else if !errors.Is(err, versions.ErrStale) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if v, _, err := versions.Open(dir).Verify(); published.Load() != 1 || v != 1 || err != nil {
		t.Errorf("%d published, %d there, %v", published.Load(), v, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".publish-*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestHalfWrittenStateIsNone: what a killed process left beside is not there.
func TestHalfWrittenStateIsNone(t *testing.T) {
	dir := t.TempDir()
	f := versions.Open(dir)
	publish(t, f, 1, "一")
	if err := os.MkdirAll(filepath.Join(dir, ".publish-123"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, ".publish-123", "version.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	publish(t, f, 2, "二")
	if v, _, err := f.Verify(); v != 2 || err != nil {
		t.Errorf("%d versions, %v", v, err)
	}
}

// TestAnyChangeIsFound flips one byte of everything that is stored, each in turn.
func TestAnyChangeIsFound(t *testing.T) {
	dir := t.TempDir()
	f := versions.Open(dir)
	publish(t, f, 1, "一")
	publish(t, f, 2, "二")
	publish(t, f, 3, "三")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) != 9 {
		t.Fatalf("%q, %v", files, err)
	}
	for _, file := range files {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// The last record is vouched for by nobody after it, but for its files' hashes.
		if strings.HasSuffix(file, filepath.Join("000003", "version.json")) {
			continue
		}
		broken := append([]byte(nil), whole...)
		broken[len(broken)/2] ^= 1
		if err := os.WriteFile(file, broken, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.Verify(); !errors.Is(err, versions.ErrChanged) {
			t.Errorf("%s changed: %v", file, err)
		}
		if err := os.WriteFile(file, whole, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "000002")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Verify(); !errors.Is(err, versions.ErrChanged) {
		t.Errorf("a version taken away: %v", err)
	}
}

func TestTakenFromAnotherReplica(t *testing.T) {
	here, there := versions.Open(t.TempDir()), versions.Open(t.TempDir())
	for n, text := range []string{"一", "二"} {
		v := publish(t, there, n+1, text)
		record, err := there.Record(v)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time nothing happens
			if _, err := here.Take(record, state(text)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := here.Take(record, state("别的")); n == 0 && err != nil {
			t.Errorf("a state that is here: %v", err)
		}
	}
	if v, _, err := here.Verify(); v != 2 || err != nil {
		t.Errorf("%d versions, %v", v, err)
	}
	third := publish(t, there, 3, "三")
	record, err := there.Record(third)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.Take(record, state("不是三")); !errors.Is(err, versions.ErrChanged) {
		t.Errorf("other files than the record's: %v", err)
	}
	if _, err := here.Take([]byte(strings.Replace(string(record), "林悦", "别人", 1)), state("三")); err != nil {
		t.Errorf("a head nobody vouches for yet is taken as it comes: %v", err)
	}
	if _, err := here.Take(record, state("三")); !errors.Is(err, versions.ErrStale) {
		t.Errorf("another state of the same number: %v", err)
	}
}
