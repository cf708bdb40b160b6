package boltstore_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
)

func open(t testing.TB, path string) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(path, boltstore.Options{})
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

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, l storetest.Lives) storetest.Store {
		s, err := boltstore.Open(filepath.Join(t.TempDir(), "s.db"), boltstore.Options{SessionTTL: l.Session, RecordTTL: l.Record, UnansweredTTL: l.Unanswered})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	})
}

var someone = bot.Conversation{Chat: "g", Asker: "u"}

// filled is the path of a file with some conversations in it.
func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	for i := range 200 {
		c := bot.Conversation{Asker: bot.Asker(fmt.Sprint(i))}
		session := &bot.Session{Seen: []string{strings.Repeat("节", 100)}, Near: []string{fmt.Sprint(i)}}
		if err := s.Commit(t.Context(), c, "", "a", 0, session, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDamageIsSaidAndTheFileLeftAlone(t *testing.T) {
	page := os.Getpagesize()
	fill := func(data []byte, from, to int, b byte) []byte {
		copy(data[from:to], bytes.Repeat([]byte{b}, to-from))
		return data
	}
	for name, damage := range map[string]func([]byte) []byte{
		"both headers overwritten": func(d []byte) []byte { return fill(d, 0, 2*page, 'x') },
		"not a store at all":       func([]byte) []byte { return bytes.Repeat([]byte("hello "), 5000) },
		"cut in the middle":        func(d []byte) []byte { return d[:len(d)/2/page*page] },
		"cut to one page":          func(d []byte) []byte { return d[:page] },
		"every page broken":        func(d []byte) []byte { return fill(d, 2*page, len(d), 0xEE) },
		"every page empty":         func(d []byte) []byte { return fill(d, 2*page, len(d), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data = damage(data)
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := boltstore.Open(path, boltstore.Options{})
			if err == nil {
				s.Close()
				t.Fatal("a damaged file was opened")
			}
			if !errors.Is(err, boltstore.ErrDamaged) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "move it away") {
				t.Errorf("got %v", err)
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
}

// TestDamagedBytesNeverPanic changes bytes all over the file: it opens or it does
// not, and what it gives is what was stored or nothing.
func TestDamagedBytesNeverPanic(t *testing.T) {
	path := filled(t)
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(sound); at += len(sound) / 150 {
		data := bytes.Clone(sound)
		data[at] ^= 0xFF
		copyPath := filepath.Join(t.TempDir(), "copy.db")
		if err := os.WriteFile(copyPath, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := boltstore.Open(copyPath, boltstore.Options{})
		if err != nil {
			continue
		}
		for i := range 200 {
			turn, err := s.Begin(t.Context(), bot.Conversation{Asker: bot.Asker(fmt.Sprint(i))}, "", "a", time.Second)
			if err == nil && turn.Version != 0 && (len(turn.Session.Near) != 1 || turn.Session.Near[0] != fmt.Sprint(i)) {
				t.Errorf("byte %d changed: conversation %d has %v", at, i, turn.Session.Near)
			}
		}
		s.Close() // a damaged file may fail to close, but not panic
	}
}

func TestOddPaths(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, empty) // nothing in it: nothing to lose
	for _, path := range []string{dir, filepath.Join(empty, "below", "a file")} {
		if _, err := boltstore.Open(path, boltstore.Options{}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestFileInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	open(t, path)
	if _, err := boltstore.Open(path, boltstore.Options{}); !errors.Is(err, boltstore.ErrInUse) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
}

// TestCloseCompactLeavesNothing: what was removed is in no page of the file, what was not is
// all there, and what a compaction that was killed left beside goes at the next opening.
func TestCloseCompactLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	const words = "这句话要忘掉"
	for i := range 300 {
		if err := s.Put(t.Context(), "notes", fmt.Sprint(i), []byte(words+strings.Repeat("x", 500)), 0, time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := s.Put(t.Context(), "kept", fmt.Sprint(i), []byte("这句留着"), 0, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 300 {
		if err := s.Put(t.Context(), "notes", fmt.Sprint(i), nil, 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(want bool) {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil || bytes.Contains(data, []byte(words)) != want {
			t.Errorf("the file holds what was removed: %v, %v; want %v", !want, err, want)
		}
	}
	holds(true) // else the test cannot fail
	if err := s.CloseCompact(); err != nil {
		t.Fatal(err)
	}
	holds(false)
	if err := os.WriteFile(path+".compact", []byte(words), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	if _, err := os.Stat(path + ".compact"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what a killed compaction left is there: %v", err)
	}
	if all, err := s.Items(t.Context(), "kept"); err != nil || len(all) != 300 {
		t.Errorf("%d things left of 300: %v", len(all), err)
	}
}

// TestOpenedFileIsTheOneInItsPlace: who waited for a file that was put aside meanwhile does not
// write into the one that nobody will find again.
func TestOpenedFileIsTheOneInItsPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	for range 20 {
		s, err := boltstore.Open(path, boltstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		opened := make(chan *boltstore.Store)
		go func() {
			for {
				if next, err := boltstore.Open(path, boltstore.Options{}); err == nil {
					opened <- next
					return
				}
			}
		}()
		if err := s.CloseCompact(); err != nil {
			t.Error(err)
		}
		next := <-opened
		err = next.Put(t.Context(), "k", rand.Text(), []byte("x"), 0, time.Hour)
		if err = errors.Join(err, next.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := open(t, path).Items(t.Context(), "k"); err != nil || len(all) != 20 {
		t.Errorf("%d of 20 are in the file: %v", len(all), err)
	}
}

// TestKill kills a process while it writes: what it was told is stored, is stored.
func TestKill(t *testing.T) {
	if path := os.Getenv("AEOBOT_TEST_KILL"); path != "" {
		s := open(t, path)
		for i := uint64(0); ; i++ {
			if err := s.Commit(t.Context(), someone, "", "a", i, &bot.Session{Seen: []string{fmt.Sprint(i)}}, nil); err != nil {
				t.Fatal(err)
			}
			fmt.Println("stored", i+1)
		}
	}
	path := filepath.Join(t.TempDir(), "s.db")
	for round := range 5 {
		os.Remove(path)
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$", "-test.v")
		cmd.Env = append(os.Environ(), "AEOBOT_TEST_KILL="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		child.StartFor(t, cmd)
		var stored uint64
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "stored %d", &stored); err == nil && stored == uint64(20+round*7) {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed is how it was to end
		s, err := boltstore.Open(path, boltstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		turn, err := s.Begin(t.Context(), someone, "", "look", time.Second)
		if err != nil || turn.Version < stored || stored == 0 {
			t.Errorf("round %d: version %d, %v; %d were acknowledged", round, turn.Version, err, stored)
		}
		s.Close()
	}
}

func BenchmarkTurn(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "s.db"))
	storetest.Benchmark(b, s)
}
