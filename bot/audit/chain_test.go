package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeobot/bot/audit"
)

// sealed is the line of an entry with the hash that it needs, as a forger would make it.
func sealed(t *testing.T, e audit.Entry) (audit.Entry, []byte) {
	t.Helper()
	e.Hash = ""
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	e.Hash = hex.EncodeToString(sum[:])
	if data, err = json.Marshal(e); err != nil {
		t.Fatal(err)
	}
	return e, append(data, '\n')
}

// TestWhatWasSealedAnewIsFound: a line whose own hash is right does not follow from the line
// before, or has not the next number, or the line after it does not follow.
func TestWhatWasSealedAnewIsFound(t *testing.T) {
	at := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
	one, first := sealed(t, audit.Entry{Number: 1, At: at, Who: "lin", What: "publish"})
	two, second := sealed(t, audit.Entry{Number: 2, At: at, Who: "lin", What: "publish", Before: one.Hash})
	_, third := sealed(t, audit.Entry{Number: 3, At: at, Who: "lin", What: "publish", Before: two.Hash})
	_, elsewhere := sealed(t, audit.Entry{Number: 2, At: at, Who: "lin", What: "publish", Before: two.Hash})
	_, headless := sealed(t, audit.Entry{Number: 1, At: at, Who: "lin", What: "publish", Before: two.Hash})
	_, skipped := sealed(t, audit.Entry{Number: 3, At: at, Who: "lin", What: "publish", Before: one.Hash})
	_, again := sealed(t, audit.Entry{Number: 1, At: at, Who: "lin", What: "publish", Before: one.Hash})
	_, forged := sealed(t, audit.Entry{Number: 2, At: at, Who: "wang", What: "publish", Before: one.Hash})
	for name, tt := range map[string]struct {
		lines [][]byte
		want  string // empty: nothing is found
	}{
		"as it was written":           {[][]byte{first, second, third}, ""},
		"the line of another chain":   {[][]byte{first, elsewhere}, "line 2: it does not follow from the line before"},
		"the first is no beginning":   {[][]byte{headless}, "line 1: it does not follow from the line before"},
		"a number is left out":        {[][]byte{first, skipped}, "line 2: it has number 3 after 1"},
		"a number comes again":        {[][]byte{first, again}, "line 2: it has number 1 after 1"},
		"another name, sealed anew":   {[][]byte{first, forged, third}, "line 3: it does not follow from the line before"},
		"the beginning was taken out": {[][]byte{second, third}, "line 1"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "audit.jsonl"), bytes.Join(tt.lines, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		n, _, err := audit.Verify(dir)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) || err == nil && n != len(tt.lines) {
			t.Errorf("%s: %d entries, %v, want %q", name, n, err, tt.want)
		}
	}
}

// TestACutLogIsNoticed beside another copy: alone it is whole, with another head. What the
// store has comes back.
func TestACutLogIsNoticed(t *testing.T) {
	dir, store := t.TempDir(), newShelf(t)
	l := audit.Open(dir, store)
	for i := range 4 {
		put(t, l, "lin", fmt.Sprint("publish ", i))
	}
	_, whole, err := audit.Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit.jsonl")
	cut := strings.Join(lines(t, path)[:2], "")
	if err := os.WriteFile(path, []byte(cut), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, head, err := audit.Verify(dir); n != 2 || err != nil || head == whole {
		t.Errorf("%d entries, %v, the head is as before: %t", n, err, head == whole)
	}
	again := audit.Open(dir, store)
	if p := compare(t, again); p.At != 0 || len(p.There) != 2 {
		t.Errorf("parted at %d, the store has %d more", p.At, len(p.There))
	}
	if err := again.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	if n, head, err := audit.Verify(dir); n != 4 || head != whole || err != nil {
		t.Errorf("%d entries came back, %v", n, err)
	}
	if err := os.WriteFile(path, []byte(cut), 0o600); err != nil { // while a process has it open
		t.Fatal(err)
	}
	put(t, again, "lin", "publish 4")
	if n, _, err := audit.Verify(dir); n != 5 || err != nil {
		t.Errorf("cut under a process: %d entries, %v", n, err)
	}
}

// TestAnEntryThatDoesNotFollowIsNotTaken from the store, whoever put it there.
func TestAnEntryThatDoesNotFollowIsNotTaken(t *testing.T) {
	dir, store := t.TempDir(), newShelf(t)
	l := audit.Open(dir, store)
	put(t, l, "lin", "publish 1")
	_, foreign := sealed(t, audit.Entry{Number: 2, Who: "wang", What: "publish", Before: "of another chain"})
	if err := store.Put(ctx, "audit", "0000000002", foreign, 0, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := l.Sync(ctx); !errors.Is(err, audit.ErrParted) {
		t.Errorf("%v", err)
	}
	if n, _, err := audit.Verify(dir); n != 1 || err != nil {
		t.Errorf("%d entries, %v", n, err)
	}
}

// TestWhatChangedMeanwhileIsNotAdopted: whoever chooses has not seen it.
func TestWhatChangedMeanwhileIsNotAdopted(t *testing.T) {
	_, old, _, a, b := forked(t)
	p := compare(t, a)
	put(t, b, "w", "4b")
	if _, err := a.Adopt(ctx, p, true, "boss", "以 Redis 里的为准"); err == nil || aside(t, old) != "" || whats(t, old) != "1 2 3 4 5" {
		t.Errorf("%v, %s", err, whats(t, old))
	}
}
