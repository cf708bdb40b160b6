package index

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/knowledge"
)

// manyPassages makes passages in which a few words occur that few others have.
func manyPassages(n int) shelf {
	things := []string{"担保", "查验", "稽查", "配额", "落户", "融资", "展览", "商标", "窗口", "原产地"}
	doings := []string{"免除", "优先", "减少", "申请", "推荐", "预约"}
	passages := make(shelf, n)
	for i := range passages {
		passages[i] = knowledge.Passage{
			ID:      fmt.Sprintf("p%d", i),
			Heading: "第" + things[i%len(things)] + "节",
			Text:    fmt.Sprintf("%s%s的第%d号说明，编号甲%d乙%d", doings[i%len(doings)], things[i/7%len(things)], i, i%97, i%89),
		}
	}
	return passages
}

// onDisk builds or opens an index in a folder.
func onDisk(t testing.TB, root string, p Passages, fingerprint string, o Options) *Generation {
	t.Helper()
	o.Folder, o.MemoryLimit = root, 1
	g, err := BuildPlain(t.Context(), p, fingerprint, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func retrieve(t testing.TB, g *Generation, question string) []string {
	t.Helper()
	ids, err := g.Retrieve(t.Context(), question, 50)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

var diskQuestions = []string{"免除担保", "第77号说明", "优先查驗", "甲13乙5的商標", "怎么预约窗口"}

func TestOnDiskAndInMemoryRankAlike(t *testing.T) {
	p := manyPassages(3000)
	memory, err := BuildPlain(t.Context(), p, "f", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	disk := onDisk(t, t.TempDir(), p, "f", Options{})
	defer disk.Close()
	for _, q := range diskQuestions {
		a, b := retrieve(t, memory, q), retrieve(t, disk, q)
		if len(a) == 0 || !slices.Equal(a, b) {
			t.Errorf("%q: memory gives %d: %v, disk %d: %v", q, len(a), a[:min(5, len(a))], len(b), b[:min(5, len(b))])
		}
	}
}

func TestUnchangedKnowledgeIsOpenedAgain(t *testing.T) {
	root, p := t.TempDir(), manyPassages(500)
	first := onDisk(t, root, p, "f", Options{})
	want := retrieve(t, first, "免除担保")
	if first.Reopened() {
		t.Error("an empty folder was said to hold an index")
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := onDisk(t, root, p, "f", Options{Progress: func(int, int) { t.Error("it was built anew") }})
	if !second.Reopened() || !slices.Equal(retrieve(t, second, "免除担保"), want) {
		t.Error("the index on disk was not used again, or ranks otherwise")
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	changed := onDisk(t, root, p, "g", Options{})
	defer changed.Close()
	if changed.Reopened() {
		t.Error("changed knowledge was searched with the old index")
	}
	left, err := filepath.Glob(filepath.Join(root, "f-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the old index lies about: %v, %v", left, err)
	}
}

func TestEveryProcessHasItsOwnFolder(t *testing.T) {
	root, p := t.TempDir(), manyPassages(300)
	one := onDisk(t, root, p, "f", Options{})
	defer one.Close()
	two := onDisk(t, root, p, "f", Options{})
	defer two.Close()
	if a, b := one.bodies.(*disk).shelf.path, two.bodies.(*disk).shelf.path; a == b {
		t.Errorf("both use %s", a)
	}
	if !slices.Equal(retrieve(t, one, "免除担保"), retrieve(t, two, "免除担保")) {
		t.Error("two indexes of the same passages differ")
	}
}

// spoil changes every file of an index in a way that a disk or an interrupted copy
// may.
var spoilings = map[string]func(name string) error{
	"cut short": func(name string) error {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		return os.Truncate(name, info.Size()/2)
	},
	"emptied": func(name string) error { return os.Truncate(name, 0) },
	"overwritten": func(name string) error {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for i := len(data) / 3; i < len(data)/3+64 && i < len(data); i++ {
			data[i] ^= 0xff
		}
		return os.WriteFile(name, data, 0o600)
	},
	"one bit": func(name string) error {
		data, err := os.ReadFile(name)
		if err != nil || len(data) == 0 {
			return err
		}
		data[len(data)/2] ^= 1
		return os.WriteFile(name, data, 0o600)
	},
	"gone": os.Remove,
}

func TestDamageIsBuiltAnewWithAWarning(t *testing.T) {
	p := manyPassages(400)
	for how, spoil := range spoilings {
		root := t.TempDir()
		g := onDisk(t, root, p, "f", Options{})
		want := retrieve(t, g, "免除担保")
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		var files []string
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && !strings.HasSuffix(path, ".lock") {
				files = append(files, path)
			}
			return err
		})
		if err != nil || len(files) < 3 {
			t.Fatalf("files of the index: %v, %v", files, err)
		}
		for _, file := range files {
			if err := spoil(file); err != nil {
				t.Fatal(err)
			}
			var warnings []string
			g := onDisk(t, root, p, "f", Options{Warn: func(s string) { warnings = append(warnings, s) }})
			whole := filepath.Base(file) != "manifest" || how != "gone"
			if g.Reopened() || len(warnings) == 0 && whole {
				t.Errorf("%s %s: reopened %v with warnings %q", file, how, g.Reopened(), warnings)
			}
			if got := retrieve(t, g, "免除担保"); !slices.Equal(got, want) {
				t.Errorf("%s %s: ranked otherwise afterwards", file, how)
			}
			if err := g.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFileCutUnderAnOpenIndex holds that a fault while searching gives an error,
// never a crash, and that the index mends itself.
func TestFileCutUnderAnOpenIndex(t *testing.T) {
	root, p := t.TempDir(), manyPassages(3000)
	var mu sync.Mutex
	var warnings []string
	g := onDisk(t, root, p, "f", Options{Warn: func(s string) { mu.Lock(); defer mu.Unlock(); warnings = append(warnings, s) }})
	defer g.Close()
	want := retrieve(t, g, "免除担保")
	segments, err := filepath.Glob(filepath.Join(root, "f-*", "bleve", "store", "*.zap"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("segments: %v, %v", segments, err)
	}
	for _, s := range segments {
		if err := os.Truncate(s, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.Retrieve(t.Context(), "免除担保", 50); !errors.Is(err, ErrRebuilding) {
		t.Fatalf("got %v, want ErrRebuilding", err)
	}
	for {
		ids, err := g.Retrieve(t.Context(), "免除担保", 50)
		if err == nil {
			if !slices.Equal(ids, want) {
				t.Error("the mended index ranks otherwise")
			}
			break
		}
		if !errors.Is(err, ErrRebuilding) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(warnings) == 0 {
		t.Error("nobody was told")
	}
}

func TestCancelledBuildLeavesNothingToOpen(t *testing.T) {
	root, p := t.TempDir(), manyPassages(20000)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := BuildPlain(ctx, p, "f", Options{Folder: root, MemoryLimit: 1, Progress: func(int, int) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	g := onDisk(t, root, p, "f", Options{})
	defer g.Close()
	if g.Reopened() || len(retrieve(t, g, "免除担保")) == 0 {
		t.Error("half an index was opened")
	}
}

// TestCancelledBeforeTheBuild: Bleve's builder must not be closed without a passage in it.
func TestCancelledBeforeTheBuild(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := BuildPlain(ctx, manyPassages(10), "f", Options{Folder: t.TempDir(), MemoryLimit: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestUnreadablePassageStopsTheBuild(t *testing.T) {
	broken := failing{manyPassages(100), 57}
	for _, limit := range []int{1, 1000} {
		_, err := BuildPlain(t.Context(), broken, "f", Options{Folder: t.TempDir(), MemoryLimit: limit})
		if err == nil || !strings.Contains(err.Error(), "passage 57: no such luck") {
			t.Errorf("limit %d: got %v", limit, err)
		}
	}
}

type failing struct {
	shelf
	at int
}

func (f failing) At(i int) (knowledge.Passage, error) {
	if i == f.at {
		return knowledge.Passage{}, errors.New("no such luck")
	}
	return f.shelf.At(i)
}
