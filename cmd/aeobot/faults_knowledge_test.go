package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
	"aeobot/configs"
	"aeobot/index"
	"aeobot/knowledge/versions"
)

// whale is an article of two measures that both say which edition they are of.
func whale(edition string) []byte {
	return []byte("蓝鲸办法\n2026-11-01\n\n一、蓝鲸安排\n1、蓝鲸通道按" + edition + "开放\n2、蓝鲸窗口按" + edition + "排队\n")
}

const (
	whaleFile     = "蓝鲸.txt"
	whaleQuestion = "蓝鲸安排有哪些"
)

// TestKnowledgeReplacedByWhatCannotBeRead: whatever the files become, the knowledge that
// was read before stays in force, and the log and /readyz name the file and what is wrong.
func TestKnowledgeReplacedByWhatCannotBeRead(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "knowledge")
	file, notes := filepath.Join(folder, whaleFile), filepath.Join(folder, "蓝鲸.notes.yaml")
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	restore := func() {
		t.Helper()
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		write(file, whale("第一版"))
	}
	restore()
	r := startServe(t, t.TempDir(), "AEOBOT_KNOWLEDGE_PATHS="+folder)
	s := newSpeaker(t, r.base)
	hangup := func() {
		t.Helper()
		if err := r.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		do   func()
		want []string // in the log and in /readyz
	}{
		{"binary", func() { write(file, bytes.Repeat([]byte{0, 0xFF, 0x01, 0x80}, 5000)) }, []string{whaleFile}},
		{"empty", func() { write(file, nil) }, []string{whaleFile}},
		// Cut between two characters it is an article as good as any; publishing, which the
		// gate guards, has no such gap.
		{"half written", func() { full := whale("第二版"); write(file, full[:len(full)-11]) }, []string{whaleFile}},
		{"100 MB", func() {
			write(file, nil)
			if err := os.Truncate(file, 100<<20); err != nil {
				t.Fatal(err)
			}
		}, []string{whaleFile, "104857600 bytes, more than"}},
		{"deleted", func() { os.Remove(file) }, []string{folder}},
		{"a folder in its place", func() { os.Remove(file); os.MkdirAll(filepath.Join(file, "x"), 0o755) }, []string{folder}},
		{"a file in the folder's place", func() { os.RemoveAll(folder); write(folder, []byte("x")) }, []string{folder}},
		{"the folder gone", func() { os.RemoveAll(folder) }, []string{folder}},
		{"broken notes", func() { write(notes, []byte("sections:\n  - heading: [\n")) }, []string{"蓝鲸.notes.yaml:2"}},
		{"broken vocabulary", func() { write(filepath.Join(folder, "x.terms.tsv"), []byte("一列")) }, []string{"x.terms.tsv:1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.do()
			hangup()
			r.await("degraded", func() bool {
				_, body := r.get("/readyz")
				for _, w := range tt.want {
					if !strings.Contains(body, w) || !strings.Contains(r.stderr.String(), w) {
						return false
					}
				}
				return strings.Contains(body, `"status":"degraded"`) && strings.Contains(body, "the old one stays")
			})
			if got := s.says("", "u", whaleQuestion); !strings.Contains(got, "按第一版开放") {
				t.Errorf("answered %q", got)
			}
			restore()
			hangup()
			r.await("ready", func() bool { _, body := r.get("/readyz"); return strings.Contains(body, `"status":"ready"`) })
		})
	}
	write(file, whale("第三版"))
	hangup()
	r.await("the new edition", func() bool { return strings.Contains(s.says("", "u", whaleQuestion), "按第三版排队") })
}

// TestPublishedStateSpoiled: a published state whose files are not what was published is
// not put in force while the bot runs, and stops a start with the file's name.
func TestPublishedStateSpoiled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	notes := editedNotes(t, unheardOfAsked)
	if got := execute(t, dir, "", nil, "knowledge", "publish", "--author", "a", "--approver", "b", "--reason", "r", notes); got.status != 0 {
		t.Fatalf("publish: %s%s", got.stdout, got.stderr)
	}
	r := startServe(t, dir)
	s := newSpeaker(t, r.base)
	if got := s.says("", "u", unheardOf); !strings.Contains(got, "设立AEO企业专用窗口") {
		t.Fatalf("answered %q", got)
	}
	published := filepath.Join(dir, "data", publishedFolder)
	if err := os.CopyFS(filepath.Join(published, "000002"), os.DirFS(filepath.Join(published, "000001"))); err != nil {
		t.Fatal(err)
	}
	r.await("degraded", func() bool {
		_, body := r.get("/readyz")
		return strings.Contains(body, `"status":"degraded"`) && strings.Contains(body, "record of 2") && strings.Contains(r.stderr.String(), "record of 2")
	})
	if got := s.says("", "u", unheardOf); !strings.Contains(got, "设立AEO企业专用窗口") {
		t.Errorf("answered %q", got)
	}
	if err := os.RemoveAll(filepath.Join(published, "000002")); err != nil {
		t.Fatal(err)
	}
	r.await("ready again", func() bool { _, body := r.get("/readyz"); return strings.Contains(body, `"status":"ready"`) })
	r.stop()
	spoiled := filepath.Join(published, "000001", "aeo-incentives.notes.yaml")
	if err := os.Truncate(spoiled, 100); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got := execute(t, dir, "", append(serveEnv(), "AEOBOT_LISTEN="+freeAddress(t)), "serve")
		if got.status != exitUsage || !strings.Contains(got.stderr, "aeo-incentives.notes.yaml does not have the hash") {
			t.Errorf("status %d: %s", got.status, got.stderr)
		}
	}
}

// openFiles counts this process's.
func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc here")
	}
	return len(entries)
}

var edition = regexp.MustCompile(`按(第\d+版)`)

// TestManyVersionsUnderLoad publishes fifty states while people ask: every question is
// answered, from one state, never from one older than the last that was seen; and nothing
// of the old ones stays open. Not side by side with others: it counts what the whole
// process holds, and their pipes and readers would be counted with it.
func TestManyVersionsUnderLoad(t *testing.T) {
	const published = 50
	c := configs.Default()
	c.DataDir = t.TempDir()
	folder := versions.Open(filepath.Join(c.DataDir, publishedFolder))
	publish := func(n int) {
		t.Helper()
		files := map[string][]byte{whaleFile: whale(fmt.Sprintf("第%d版", n))}
		l, err := (publisher{}).Read(files)
		if err == nil {
			_, err = folder.Publish(versions.Version{Number: n, At: time.Now(), Author: "a", Reason: "r", Fingerprint: l.Fingerprint}, files)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &server{settings: c, live: &index.Live{}, log: newLog(configs.Config{Log: configs.Log{Level: "error"}}), metrics: newMetrics()}
	inForce := ""
	catchUp := func() {
		t.Helper()
		if err := s.catchUp(t.Context(), folder, &inForce); err != nil {
			t.Fatal(err)
		}
	}
	publish(1)
	catchUp()
	store, err := openBolt(t.TempDir(), c, s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	e := bot.New(s.live, store, bot.Options{})
	var goroutines, files int
	var before, after runtime.MemStats
	var asked atomic.Int64
	ask := func(w, i, seen int) int {
		r, err := e.Answer(context.Background(), bot.Message{ID: fmt.Sprintf("%d-%d", w, i), Asker: bot.Asker(fmt.Sprint("u", w)), Text: whaleQuestion,
			Surface: bot.Surface{Name: "aibot", MaxBytes: 20480, MaxPages: 1}})
		found := edition.FindAllStringSubmatch(r.Text, -1)
		var n int
		if len(found) == 2 && found[0][1] == found[1][1] {
			_, err = fmt.Sscanf(found[0][1], "第%d版", &n)
		}
		if err != nil || n < seen {
			t.Errorf("%v: after edition %d: %q", err, seen, r.Text)
		}
		asked.Add(1)
		return n
	}
	ask(0, -1, 1)
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines, files = runtime.NumGoroutine(), openFiles(t)
	ctx, stop := context.WithCancel(t.Context())
	var askers sync.WaitGroup
	for w := range 2 {
		askers.Go(func() {
			for i, seen := 0, 1; ctx.Err() == nil && !t.Failed(); i++ {
				seen = ask(w, i, seen)
				time.Sleep(5 * time.Millisecond) // leaves the publications some of the machine
			}
		})
	}
	for n := 2; n <= published; n++ {
		publish(n)
		catchUp()
		for at := asked.Load(); asked.Load() < at+4 && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
	}
	stop()
	askers.Wait()
	if n := ask(0, -2, 1); n != published {
		t.Errorf("edition %d in force, want %d", n, published)
	}
	storetest.Eventually(t, "as many goroutines as before", func() bool { return runtime.NumGoroutine() <= goroutines })
	runtime.GC()
	runtime.ReadMemStats(&after)
	const slack = 8 << 20 // replies that are remembered
	if g, f := runtime.NumGoroutine(), openFiles(t); g > goroutines || f > files || after.HeapAlloc > before.HeapAlloc+slack {
		t.Errorf("%d goroutines, %d before; %d files, %d before; %d KB, %d before", g, goroutines, f, files, after.HeapAlloc>>10, before.HeapAlloc>>10)
	}
	if err := s.live.Swap(nil); err != nil {
		t.Error(err)
	}
	t.Logf("%d questions during %d publications", asked.Load(), published)
}

// storeFile is where a serve process that was started in dir keeps its memory.
func storeFile(dir string) string { return filepath.Join(dir, "data", "aeobot.db") }

// TestStoreInUse: a second process on the same data folder says whose it is, at once.
func TestStoreInUse(t *testing.T) {
	dir := t.TempDir()
	r := startServe(t, dir)
	got := execute(t, dir, "", append(serveEnv(), "AEOBOT_LISTEN="+freeAddress(t)), "serve")
	if got.status != exitUsage || !strings.Contains(got.stderr, "aeobot.db: file is in use by another process; stop that one or choose another data folder") {
		t.Errorf("status %d: %s", got.status, got.stderr)
	}
	if got := newSpeaker(t, r.base).says("", "u", "能免担保吗"); !strings.Contains(got, "免除担保") {
		t.Errorf("the first one answers %q", got)
	}
	r.stop()
}

// TestStoreDamaged: a start says what is wrong with the file and what to do, the same each
// time, and leaves the file as it is; what it says helps.
func TestStoreDamaged(t *testing.T) {
	dir := t.TempDir()
	r := startServe(t, dir)
	newSpeaker(t, r.base).says("", "u", "AEO认证费用多少钱")
	r.stop()
	sound, err := os.ReadFile(storeFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for name, damaged := range map[string][]byte{
		"cut":           sound[:len(sound)/2],
		"overwritten":   bytes.Repeat([]byte("hello "), 5000),
		"zeroed header": append(make([]byte, 2*page), sound[2*page:]...),
		"zeroed pages":  append(bytes.Clone(sound[:2*page]), make([]byte, len(sound)-2*page)...),
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(storeFile(dir), damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				got := execute(t, dir, "", append(serveEnv(), "AEOBOT_LISTEN="+freeAddress(t)), "serve")
				if got.status != exitUsage || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, "aeobot.db: file is damaged; move it away to start with an empty memory") {
					t.Errorf("status %d: %s", got.status, got.stderr)
				}
			}
			if now, err := os.ReadFile(storeFile(dir)); err != nil || !bytes.Equal(now, damaged) {
				t.Errorf("the file was changed (%v)", err)
			}
			if err := os.Rename(storeFile(dir), storeFile(dir)+".damaged"); err != nil {
				t.Fatal(err)
			}
			again := startServe(t, dir)
			if got := newSpeaker(t, again.base).says("", "u", "能免担保吗"); !strings.Contains(got, "免除担保") {
				t.Errorf("with the file moved away it answers %q", got)
			}
			again.stop()
		})
	}
}

// TestDataFolderThatCannotBeUsed: a start names the folder or file and what to do.
func TestDataFolderThatCannotBeUsed(t *testing.T) {
	parent, err := os.MkdirTemp("", "aeobot-folder-") // not t.TempDir, which is its owner's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	file := program(t)
	for _, f := range []string{parent, filepath.Dir(file)} {
		if err := os.Chmod(f, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	mine := filepath.Join(parent, "mine")
	startServe(t, parent, "AEOBOT_DATA_DIR="+mine).stop()
	place := filepath.Join(parent, "file")
	if err := os.WriteFile(place, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	readOnly := filepath.Join(parent, "read-only")
	if err := os.Mkdir(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		folder string
		nobody bool
		want   string
	}{
		"a file in its place":    {place, false, "choose another data folder with --data or data_dir"},
		"below a file":           {filepath.Join(place, "data"), false, "choose another data folder with --data or data_dir"},
		"another's":              {mine, true, "choose another data folder with --data or data_dir"},
		"read-only":              {readOnly, true, "give the user of the program the right to write there"},
		"cannot be made there":   {filepath.Join(readOnly, "data"), true, "choose another with --data or data_dir"},
		"a folder for its store": {"", false, "is not a file; choose another data folder"},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.folder == "" {
				tt.folder = filepath.Join(parent, "odd")
				if err := os.MkdirAll(filepath.Join(tt.folder, "aeobot.db"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			got := executeAs(t, tt.nobody, parent, append(serveEnv(), "AEOBOT_LISTEN="+freeAddress(t), "AEOBOT_DATA_DIR="+tt.folder), "serve")
			if got.status != exitUsage || !strings.Contains(got.stderr, tt.folder) || !strings.Contains(got.stderr, tt.want) {
				t.Errorf("status %d: %s", got.status, got.stderr)
			}
		})
	}
}

// executeAs runs a command, perhaps as a user who has only the rights that everybody has.
func executeAs(t *testing.T, nobody bool, dir string, env []string, args ...string) outcome {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t), args...)
	cmd.Dir, cmd.Env = dir, append(cleanEnv(), env...)
	if nobody {
		if os.Getuid() != 0 {
			t.Skip("it takes root to run as another user")
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := child.Run(cmd)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("aeobot %q: %v", args, err)
	}
	return outcome{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}
