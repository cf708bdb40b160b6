// Package audit takes down who did what when, a line each, every line vouching for the one
// before: a line that was edited, taken out or put in is found. Replicas that share a store
// share one log, and each keeps a whole copy of it in its own file.
//
// It knows nothing of what is done.
package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"aeobot/bot"
)

// Entry is one thing that was done.
type Entry struct {
	Number int       `json:"n"` // from 1
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	What   string    `json:"what"`
	Object string    `json:"object,omitempty"`
	// Before is the hash of the entry before; empty in the first. Hash is the SHA-256 of
	// this entry's line without it.
	Before string `json:"before,omitempty"`
	Hash   string `json:"hash,omitempty"`
}

// sealed gives the entry with its hash.
func (e Entry) sealed() (Entry, error) {
	e.Hash = ""
	line, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("audit: %w", err)
	}
	sum := sha256.Sum256(line)
	e.Hash = hex.EncodeToString(sum[:])
	return e, nil
}

// follows fails when an entry is not the one after another.
func (e Entry) follows(before Entry) error {
	again, err := e.sealed()
	switch {
	case err != nil:
		return err
	case again.Hash != e.Hash:
		return errors.New("it was changed")
	case e.Number != before.Number+1:
		return fmt.Errorf("it has number %d after %d: lines were taken out or put in", e.Number, before.Number)
	case e.Before != before.Hash:
		return errors.New("it does not follow from the line before")
	}
	return nil
}

// ErrParted means that the log here and the one that the replicas share are two chains, or that
// the one here is broken.
var ErrParted = errors.New("the audit logs have parted: `aeobot audit verify` shows both, and --adopt shared or --adopt local chooses one")

const (
	fileName = "audit.jsonl"
	shelf    = "audit"
	// sharedFor is how long the store holds an entry for other replicas to fetch.
	sharedFor = 400 * 24 * time.Hour
)

// Log is the audit log of a data folder. It may be used by many at once, and by several
// processes.
type Log struct {
	path   string
	shared bot.Shelf // nil: one replica
	now    func() time.Time

	mu      sync.Mutex
	offsets []int64 // where each entry's line begins
	size    int64   // of what was read
	head    Entry
}

// Open names the log of a data folder. shared is what replicas share, or nil.
func Open(folder string, shared bot.Shelf) *Log {
	return &Log{path: filepath.Join(folder, fileName), shared: shared, now: time.Now}
}

// Append takes down what somebody did. When the logs have parted, it is taken down here alone,
// and Sync says so.
func (l *Log) Append(ctx context.Context, who, what, object string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.locked(func(f *os.File) error {
		for {
			err := l.catchUp(ctx, f)
			parted := errors.Is(err, ErrParted)
			if err != nil && !parted {
				return err
			}
			e, err := Entry{Number: l.head.Number + 1, At: l.now().UTC(), Who: who, What: what, Object: object, Before: l.head.Hash}.sealed()
			if err != nil {
				return err
			}
			if l.shared != nil && !parted {
				err = l.offer(ctx, e)
				if errors.Is(err, bot.ErrStale) {
					continue // another replica has the number
				}
				if err != nil {
					return err
				}
			}
			return l.write(f, e)
		}
	})
}

// Sync fetches what other replicas took down, and gives back what the store has lost.
func (l *Log) Sync(ctx context.Context) error {
	if l.shared == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.locked(func(f *os.File) error { return l.catchUp(ctx, f) })
}

// locked opens the file for this process alone and reads it; l.mu is held.
func (l *Log) locked(do func(f *os.File) error) error {
	return l.alone(func(f *os.File) error {
		if err := l.scan(f); err != nil {
			return err
		}
		return do(f)
	})
}

// alone opens the file for this process alone; l.mu is held.
func (l *Log) alone(do func(f *os.File) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := lock(f); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return do(f)
}

// scan reads the lines that were added since the last time. A line that was begun and not
// ended was never taken down: its writer died. The next takes its place.
func (l *Log) scan(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if info.Size() < l.size || !l.unchanged(f) {
		l.offsets, l.size, l.head = nil, 0, Entry{}
	}
	r := bufio.NewReader(io.NewSectionReader(f, l.size, info.Size()-l.size))
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("audit: %s line %d is damaged: %w; `aeobot audit verify` tells more", fileName, len(l.offsets)+1, err)
		}
		l.offsets = append(l.offsets, l.size)
		l.size += int64(len(line))
		l.head = e
	}
}

// unchanged reports whether the last line that was read is there still: another process may
// have adopted another chain.
func (l *Log) unchanged(f io.ReaderAt) bool {
	if len(l.offsets) == 0 {
		return true
	}
	e, err := l.read(f, len(l.offsets))
	return err == nil && e.Hash == l.head.Hash
}

func (l *Log) write(f *os.File, e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	line = append(line, '\n')
	if err := f.Truncate(l.size); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if _, err := f.WriteAt(line, l.size); err != nil {
		return errors.Join(fmt.Errorf("audit: %w", err), f.Truncate(l.size))
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	l.offsets = append(l.offsets, l.size)
	l.size += int64(len(line))
	l.head = e
	return nil
}

func id(number int) string { return fmt.Sprintf("%010d", number) }

// offer gives an entry to the other replicas; bot.ErrStale: another has the number.
func (l *Log) offer(ctx context.Context, e Entry) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if err := l.shared.Put(ctx, shelf, id(e.Number), data, 0, sharedFor); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// catchUp fetches the entries after the head.
func (l *Log) catchUp(ctx context.Context, f *os.File) error {
	if l.shared == nil {
		return nil
	}
	if err := l.restore(ctx, f); err != nil {
		return err
	}
	for {
		item, err := l.shared.Get(ctx, shelf, id(l.head.Number+1))
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		if item.Version == 0 {
			return nil
		}
		var e Entry
		if err := json.Unmarshal(item.Data, &e); err != nil {
			return fmt.Errorf("audit: entry %d of the store: %w", l.head.Number+1, err)
		}
		if err := e.follows(l.head); err != nil {
			return fmt.Errorf("audit: %w: entry %d of the store: %w", ErrParted, e.Number, err)
		}
		if err := l.write(f, e); err != nil {
			return err
		}
	}
}

// restore puts entries back that the store has lost, once it is known that what it has is the
// same as here.
func (l *Log) restore(ctx context.Context, f *os.File) error {
	n := l.head.Number
	for ; n > 0; n-- {
		item, err := l.shared.Get(ctx, shelf, id(n))
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		if item.Version == 0 && l.now().Sub(l.head.At) > sharedFor {
			return nil
		}
		if item.Version == 0 {
			continue
		}
		if e, err := l.read(f, n); err != nil {
			return err
		} else if entryOf(item).Hash != e.Hash {
			return fmt.Errorf("audit: %w: entry %d of the store is another than the one here", ErrParted, n)
		}
		break
	}
	for n++; n <= l.head.Number; n++ {
		e, err := l.read(f, n)
		if err != nil {
			return err
		}
		if err := l.offer(ctx, e); err != nil && !errors.Is(err, bot.ErrStale) {
			return err
		}
	}
	return nil
}

func (l *Log) read(f io.ReaderAt, number int) (e Entry, err error) {
	from, to := l.offsets[number-1], l.size
	if number < len(l.offsets) {
		to = l.offsets[number]
	}
	line := make([]byte, to-from)
	if _, err := f.ReadAt(line, from); err != nil {
		return e, fmt.Errorf("audit: %w", err)
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return e, fmt.Errorf("audit: %s line %d is damaged: %w", fileName, number, err)
	}
	return e, nil
}

// Page gives up to n entries with numbers below before, the latest first; before 0 means
// the latest there are. all is how many there are.
func (l *Log) Page(before, n int) (page []Entry, all int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.locked(func(f *os.File) error {
		all = len(l.offsets)
		if before <= 0 || before > all+1 {
			before = all + 1
		}
		for i := before - 1; i >= 1 && len(page) < n; i-- {
			e, err := l.read(f, i)
			if err != nil {
				return err
			}
			page = append(page, e)
		}
		return nil
	})
	return page, all, err
}

// Verify reads the whole log of a data folder and gives how many entries it has, or fails
// naming the first line that is not as it was written. That lines are missing at the end
// shows only beside another copy.
func Verify(folder string) (n int, head string, err error) {
	data, err := os.ReadFile(filepath.Join(folder, fileName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", fmt.Errorf("audit: %w", err)
	}
	c := readChain(data)
	return len(c.sound), c.head().Hash, c.broken
}

// chain is a log as it was read: its sound lines, and what is wrong with the next.
type chain struct {
	sound   []Entry
	offsets []int64 // where each begins
	size    int64   // of the sound lines
	broken  error
}

func (c chain) head() Entry {
	if len(c.sound) == 0 {
		return Entry{}
	}
	return c.sound[len(c.sound)-1]
}

// errUnended is a line whose writer died: it was never taken down, and the next takes its place.
var errUnended = errors.New("it was never ended")

func readChain(data []byte) (c chain) {
	for line := range bytes.Lines(data) {
		var e Entry
		err := json.Unmarshal(line, &e)
		if line[len(line)-1] != '\n' {
			err = errUnended
		}
		if err == nil {
			err = e.follows(c.head())
		}
		if err == nil {
			err = exact(line, e)
		}
		if err != nil {
			c.broken = fmt.Errorf("audit: %s line %d: %w", fileName, len(c.sound)+1, err)
			return c
		}
		c.sound, c.offsets = append(c.sound, e), append(c.offsets, c.size)
		c.size += int64(len(line))
	}
	return c
}

// exact fails when a line says more than its entry.
func exact(line []byte, e Entry) error {
	again, err := json.Marshal(e)
	if err == nil && !bytes.Equal(bytes.TrimSuffix(line, []byte("\n")), again) {
		err = errors.New("it was changed")
	}
	return err
}
