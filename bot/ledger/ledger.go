// Package ledger keeps records for a time: what was asked, who was given what. Each process
// writes its own, every few seconds, in small chunks on the shelf that all share; whoever
// reads puts them together. It knows nothing of what a record says.
//
// A record is kept for the ledger's time, and at most an hour or a tenth longer, since a
// chunk goes as a whole.
package ledger

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"aeobot/bot"
)

const (
	// chunkRecords is how many records a chunk takes: a current one is written anew each
	// time, and reading a kind has a tenth of a second on Redis.
	chunkRecords = 500
	// maxWaiting bounds the records that wait while the store is away; the oldest go
	// first. At some 200 bytes each that is 1 MB, at most 10 MB.
	maxWaiting = 5000
	flushEvery = 2 * time.Second
	// perKind is what one kind on the shelf spans.
	perKind = time.Hour
	// sweepBack is for how long after their end kinds are looked at once more, so that the
	// store drops what it still has of them.
	sweepBack = 48 * time.Hour
	// maxChunkBytes bounds a chunk as it is unpacked.
	maxChunkBytes = 16 << 20
)

// Ledger keeps records R of one name. It may be used by many at once.
type Ledger[R any] struct {
	shelf   bot.Shelf
	name    string
	keep    time.Duration
	log     *slog.Logger
	process string // whose chunks they are
	now     func() time.Time

	mu      sync.Mutex
	chunks  []*chunk[R] // not all written, oldest first; the last one is being filled
	number  int
	dropped int

	flushing sync.Mutex
}

// entry is a record as it is stored, a line each.
type entry[R any] struct {
	At     int64 `json:"t"` // milliseconds since 1970
	Record R     `json:"r"`
}

// chunk is one item on the shelf. Its entries are only ever appended to.
type chunk[R any] struct {
	kind, id string
	began    time.Time
	entries  []entry[R]
	written  int // how many of them the shelf has
	// Only while flushing is held:
	version uint64 // on the shelf
	// tried are digests of what was written since, of which nobody knows whether it came
	// to be.
	tried map[[sha256.Size]byte]bool
}

// New makes a ledger that keeps records for a time; 0 keeps none. Run is to be run.
func New[R any](s bot.Shelf, name string, keep time.Duration, log *slog.Logger) *Ledger[R] {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Ledger[R]{shelf: s, name: name, keep: keep, log: log, process: rand.Text()[:10], now: time.Now}
}

func (l *Ledger[R]) kind(at time.Time) string { return l.name + at.UTC().Format("-2006-01-02-15") }

// Add keeps a record. It waits for nothing.
func (l *Ledger[R]) Add(r R) {
	if l.keep <= 0 {
		return
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.current(now)
	c.entries = append(c.entries, entry[R]{now.UnixMilli(), r})
	waiting := 0
	for _, c := range l.chunks {
		waiting += len(c.entries) - c.written
	}
	for waiting > maxWaiting && len(l.chunks) > 1 {
		lost := len(l.chunks[0].entries) - l.chunks[0].written
		l.dropped += lost
		waiting -= lost
		l.chunks = l.chunks[1:]
	}
}

// current is the chunk that is being filled; l.mu is held.
func (l *Ledger[R]) current(now time.Time) *chunk[R] {
	if n := len(l.chunks); n > 0 && l.takes(l.chunks[n-1], now) {
		return l.chunks[n-1]
	}
	c := &chunk[R]{began: now, tried: map[[sha256.Size]byte]bool{}}
	l.christen(c)
	l.chunks = append(l.chunks, c)
	return c
}

// christen gives a chunk a name of its own; l.mu is held.
func (l *Ledger[R]) christen(c *chunk[R]) {
	l.number++
	c.kind, c.id = l.kind(c.began), fmt.Sprintf("%s-%06d", l.process, l.number)
}

// takes tells whether a chunk takes another record: when it has room, and is not so old
// that its first would be kept for too long.
func (l *Ledger[R]) takes(c *chunk[R], now time.Time) bool {
	return len(c.entries) < chunkRecords && c.kind == l.kind(now) && now.Sub(c.began) < max(l.keep/10, time.Second)
}

// Run writes the records down every few seconds until ctx ends, and once more then.
func (l *Ledger[R]) Run(ctx context.Context) {
	if l.keep <= 0 {
		return
	}
	trouble, swept := "", time.Time{}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(flushEvery):
		}
		err := l.Flush(context.WithoutCancel(ctx))
		if err == nil && l.now().Sub(swept) > perKind && ctx.Err() == nil {
			swept = l.now()
			err = l.sweep(ctx)
		}
		said := ""
		if err != nil {
			if said = err.Error(); said != trouble { // said once, not every two seconds
				l.log.Warn("records not kept, trying again", slog.String("ledger", l.name), slog.Any("error", err))
			}
		}
		trouble = said
	}
}

// Flush writes what is new. Records may be added meanwhile.
func (l *Ledger[R]) Flush(ctx context.Context) error {
	l.flushing.Lock()
	defer l.flushing.Unlock()
	l.mu.Lock()
	chunks, dropped := slices.Clone(l.chunks), l.dropped
	l.dropped = 0
	l.mu.Unlock()
	if dropped > 0 {
		l.log.Error("records dropped: too many wait for the store", slog.String("ledger", l.name), slog.Int("count", dropped))
	}
	for _, c := range chunks {
		if err := l.write(ctx, c); err != nil {
			return fmt.Errorf("ledger: %s: %w", l.name, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chunks = slices.DeleteFunc(l.chunks, func(c *chunk[R]) bool { return c.written == len(c.entries) && !l.takes(c, l.now()) })
	return nil
}

// write puts a chunk on the shelf; l.flushing is held.
func (l *Ledger[R]) write(ctx context.Context, c *chunk[R]) error {
	for {
		l.mu.Lock()
		entries, written := c.entries, c.written
		l.mu.Unlock()
		if len(entries) == written {
			return nil
		}
		data, err := pack(entries)
		if err != nil {
			return err
		}
		err = l.shelf.Put(ctx, c.kind, c.id, data, c.version, l.keep)
		if errors.Is(err, bot.ErrStale) {
			if err := l.reconcile(ctx, c); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			c.tried[sha256.Sum256(data)] = true
			return err
		}
		c.version, c.tried = c.version+1, map[[sha256.Size]byte]bool{}
		l.mu.Lock()
		c.written = len(entries)
		l.mu.Unlock()
	}
}

// reconcile finds out what became of a chunk that is not as it was left; l.flushing is
// held.
func (l *Ledger[R]) reconcile(ctx context.Context, c *chunk[R]) error {
	item, err := l.shelf.Get(ctx, c.kind, c.id)
	if err != nil {
		return err
	}
	if item.Version > 0 && c.tried[sha256.Sum256(item.Data)] { // written although it seemed not
		c.version = item.Version
		return nil
	}
	// Somebody has taken records away: those are not to come back.
	l.mu.Lock()
	c.entries, c.written = c.entries[c.written:], 0
	l.christen(c)
	l.mu.Unlock()
	c.version, c.tried = 0, map[[sha256.Size]byte]bool{}
	return nil
}

func pack[R any](entries []entry[R]) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	e := json.NewEncoder(z)
	e.SetEscapeHTML(false)
	for _, r := range entries {
		if err := e.Encode(r); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpack[R any](data []byte, each func(entry[R])) error {
	r, err := bot.Unpacked(data, maxChunkBytes)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bufio.NewReader(r))
	for {
		var e entry[R]
		if err := d.Decode(&e); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		each(e)
	}
}

// sweep has the store look at kinds that are over, so that it drops what it has of them.
func (l *Ledger[R]) sweep(ctx context.Context) error {
	end := l.now().Add(-l.keep - l.keep/10 - perKind)
	for at := end.Add(-sweepBack); at.Before(end); at = at.Add(perKind) {
		if _, err := l.shelf.Items(ctx, l.kind(at)); err != nil {
			return err
		}
	}
	return nil
}

// Each gives the records that are kept of those made since then, by all processes, the
// oldest hour first. What is not written yet is not among them.
func (l *Ledger[R]) Each(ctx context.Context, since time.Time, each func(at time.Time, r R)) error {
	return l.items(ctx, since, func(kind string, i bot.Item) error {
		return unpack(i.Data, func(e entry[R]) {
			if at := time.UnixMilli(e.At); !at.Before(since) {
				each(at, e.Record)
			}
		})
	})
}

// items gives the chunks of records made since then.
func (l *Ledger[R]) items(ctx context.Context, since time.Time, each func(kind string, i bot.Item) error) error {
	if l.keep <= 0 {
		return nil
	}
	now := l.now()
	if oldest := now.Add(-l.keep - perKind); since.Before(oldest) {
		since = oldest
	}
	// Another process's clock may be ahead.
	for at := since.Truncate(perKind); at.Before(now.Add(perKind)); at = at.Add(perKind) {
		items, err := l.shelf.Items(ctx, l.kind(at))
		if err != nil {
			return fmt.Errorf("ledger: %s: %w", l.name, err)
		}
		for _, i := range items {
			if err := each(l.kind(at), i); err != nil {
				return fmt.Errorf("ledger: %s: %s: %w", l.name, i.ID, err)
			}
		}
	}
	return nil
}

// removeTries bounds how often a chunk is read again that changes meanwhile.
const removeTries = 5

// Remove takes records away for good, wherever they lie, and gives how many. What another
// process has not written yet, for two seconds at most, it cannot see.
func (l *Ledger[R]) Remove(ctx context.Context, gone func(R) bool) (int, error) {
	if err := l.Flush(ctx); err != nil {
		return 0, err
	}
	removed := 0
	err := l.items(ctx, time.Time{}, func(kind string, i bot.Item) error {
		for range removeTries {
			n, err := l.without(ctx, kind, i, gone)
			if !errors.Is(err, bot.ErrStale) {
				removed += n
				return err
			}
			if i, err = l.shelf.Get(ctx, kind, i.ID); err != nil || i.Version == 0 {
				return err
			}
		}
		return bot.ErrStale
	})
	return removed, err
}

// without writes a chunk anew without what is to go.
func (l *Ledger[R]) without(ctx context.Context, kind string, i bot.Item, gone func(R) bool) (int, error) {
	var stay []entry[R]
	n, latest := 0, int64(0)
	err := unpack(i.Data, func(e entry[R]) {
		latest = max(latest, e.At)
		if gone(e.Record) {
			n++
		} else {
			stay = append(stay, e)
		}
	})
	if err != nil || n == 0 {
		return 0, err
	}
	keep := time.UnixMilli(latest).Add(l.keep).Sub(l.now()) // as long as before
	if len(stay) == 0 {
		keep = 0
	}
	data, err := pack(stay)
	if err == nil {
		err = l.shelf.Put(ctx, kind, i.ID, data, i.Version, max(keep, 0))
	}
	if err != nil {
		return 0, err
	}
	return n, nil
}
