package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
)

type record struct {
	Who  string `json:"w"`
	What string `json:"s"`
}

// shelves are the stores that a ledger is kept on.
func shelves(t testing.TB) map[string]bot.Shelf {
	t.Helper()
	b, err := boltstore.Open(filepath.Join(t.TempDir(), "aeobot.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := redisstore.Open("redis://"+storetest.StartRedis(t).Addr, redisstore.Options{StepTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(b.Close(), r.Close()); err != nil {
			t.Error(err)
		}
	})
	return map[string]bot.Shelf{"bolt": b, "redis": r}
}

func all(t testing.TB, l *Ledger[record], since time.Time) (got []record) {
	t.Helper()
	if err := l.Each(t.Context(), since, func(_ time.Time, r record) { got = append(got, r) }); err != nil {
		t.Fatal(err)
	}
	return got
}

// clock is a time that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func open(s bot.Shelf, name string, keep time.Duration, c *clock) *Ledger[record] {
	l := New[record](s, name, keep, nil)
	l.now = c.now
	return l
}

// TestManyProcessesWriteAndAnyReads, over hours, and only what is young enough.
func TestManyProcessesWriteAndAnyReads(t *testing.T) {
	for name, s := range shelves(t) {
		t.Run(name, func(t *testing.T) {
			c := &clock{time.Date(2026, 11, 25, 9, 50, 0, 0, time.UTC)}
			a, b := open(s, "x", 24*time.Hour, c), open(s, "x", 24*time.Hour, c)
			const each = chunkRecords + 20
			for hour := range 3 {
				for i := range each {
					a.Add(record{"a", fmt.Sprint(hour, i)})
					b.Add(record{"b", fmt.Sprint(hour, i)})
					if i%100 == 0 {
						if err := errors.Join(a.Flush(t.Context()), b.Flush(t.Context())); err != nil {
							t.Fatal(err)
						}
					}
				}
				c.at = c.at.Add(time.Hour)
			}
			if err := errors.Join(a.Flush(t.Context()), b.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
			reader := open(s, "x", 24*time.Hour, c)
			if got := len(all(t, reader, time.Time{})); got != 6*each {
				t.Errorf("%d records, want %d", got, 6*each)
			}
			if got := len(all(t, reader, c.at.Add(-90*time.Minute))); got != 2*each {
				t.Errorf("%d young records, want %d", got, 2*each)
			}
			if got := len(all(t, open(s, "x", 90*time.Minute, c), c.at.Add(-90*time.Minute))); got != 2*each {
				t.Errorf("a shorter time: %d records, want %d", got, 2*each)
			}
			if len(a.chunks) != 0 {
				t.Errorf("%d chunks in memory although all is written", len(a.chunks))
			}
			if err := a.sweep(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRemove takes somebody's records away, and they do not come back with the next.
func TestRemove(t *testing.T) {
	for name, s := range shelves(t) {
		t.Run(name, func(t *testing.T) {
			c := &clock{time.Now()}
			a, b := open(s, "y", time.Hour, c), open(s, "y", time.Hour, c)
			for i := range 10 {
				a.Add(record{fmt.Sprint(i % 2), "a"})
				b.Add(record{"1", "b"})
			}
			if err := errors.Join(a.Flush(t.Context()), b.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
			a.Add(record{"1", "not written yet"})
			n, err := a.Remove(t.Context(), func(r record) bool { return r.Who == "1" })
			if err != nil || n != 16 {
				t.Fatalf("removed %d, %v; want 16", n, err)
			}
			a.Add(record{"0", "later"})
			b.Add(record{"1", "later"})
			if err := errors.Join(a.Flush(t.Context()), b.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
			got := map[record]int{}
			for _, r := range all(t, a, time.Time{}) {
				got[r]++
			}
			want := map[record]int{{"0", "a"}: 5, {"0", "later"}: 1, {"1", "later"}: 1}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// faulty is a shelf whose calls fail before or after they are done.
type faulty struct {
	bot.Shelf
	mu           sync.Mutex
	away, forget bool
	puts         int
}

func (f *faulty) Put(ctx context.Context, kind, id string, data []byte, was uint64, keep time.Duration) error {
	f.mu.Lock()
	away, forget := f.away, f.forget
	f.puts++
	f.mu.Unlock()
	if away {
		return errors.New("away")
	}
	err := f.Shelf.Put(ctx, kind, id, data, was, keep)
	if forget {
		return errors.New("answer lost")
	}
	return err
}

func (f *faulty) set(away, forget bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away, f.forget = away, forget
}

// TestStoreAway: what is added meanwhile is written later, once, and its memory is bounded.
func TestStoreAway(t *testing.T) {
	for name, s := range shelves(t) {
		t.Run(name, func(t *testing.T) {
			f := &faulty{Shelf: s}
			c := &clock{time.Now()}
			l := open(f, "z", time.Hour, c)
			l.Add(record{What: "first"})
			f.set(false, true)
			if l.Flush(t.Context()) == nil {
				t.Error("a lost answer is no error")
			}
			l.Add(record{What: "second"})
			if l.Flush(t.Context()) == nil {
				t.Error("a lost answer is no error")
			}
			f.set(true, false)
			for range 2 * maxWaiting {
				l.Add(record{What: "many"})
			}
			if l.Flush(t.Context()) == nil {
				t.Error("an absent store is no error")
			}
			waiting := 0
			for _, c := range l.chunks {
				waiting += len(c.entries)
			}
			if waiting > maxWaiting+chunkRecords {
				t.Errorf("%d records in memory", waiting)
			}
			f.set(false, false)
			l.Add(record{What: "last"})
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, r := range all(t, l, time.Time{}) {
				got[r.What]++
			}
			if got["last"] != 1 || got["many"] < maxWaiting-chunkRecords || got["many"] > 2*maxWaiting || got["first"] > 1 || got["second"] > 1 {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestLostAnswersDoubleNothing.
func TestLostAnswersDoubleNothing(t *testing.T) {
	for name, s := range shelves(t) {
		t.Run(name, func(t *testing.T) {
			f := &faulty{Shelf: s}
			l := open(f, "w", time.Hour, &clock{time.Now()})
			for i := range 40 {
				l.Add(record{What: fmt.Sprint(i)})
				f.set(i%5 == 2 || i%5 == 4, i%5 == 1 || i%5 == 3)
				_ = l.Flush(t.Context()) // four of five fail, on purpose
			}
			f.set(false, false)
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := map[string]int{}
			for _, r := range all(t, l, time.Time{}) {
				got[r.What]++
			}
			for i := range 40 {
				if got[fmt.Sprint(i)] != 1 {
					t.Errorf("record %d stands %d times", i, got[fmt.Sprint(i)])
				}
			}
		})
	}
}

// TestNothingIsKeptForNoTime.
func TestNothingIsKeptForNoTime(t *testing.T) {
	f := &faulty{}
	l := open(f, "n", 0, &clock{time.Now()})
	l.Add(record{What: "x"})
	l.Run(t.Context())
	if err := l.Flush(t.Context()); err != nil || f.puts != 0 || len(all(t, l, time.Time{})) != 0 {
		t.Errorf("%d puts, %v", f.puts, err)
	}
}

// TestAddAndFlushAtOnce, for the race detector; nothing is lost.
func TestAddAndFlushAtOnce(t *testing.T) {
	s := shelves(t)["bolt"]
	l := New[record](s, "race", time.Hour, nil)
	ctx, stop := context.WithCancel(t.Context())
	var run, adds sync.WaitGroup
	run.Go(func() { l.Run(ctx) })
	for range 4 {
		adds.Go(func() {
			for range 300 {
				l.Add(record{What: "x"})
			}
		})
	}
	run.Go(func() {
		for ctx.Err() == nil {
			if err := l.Flush(context.WithoutCancel(ctx)); err != nil {
				t.Error(err)
			}
		}
	})
	adds.Wait()
	stop()
	run.Wait()
	if got := len(all(t, l, time.Time{})); got != 1200 {
		t.Errorf("%d records, want 1200", got)
	}
}

// BenchmarkLedger: a hundred thousand questions written and read back.
func BenchmarkLedger(b *testing.B) {
	for name, s := range shelves(b) {
		for _, n := range []int{100_000} {
			b.Run(fmt.Sprintf("%s/records=%d", name, n), func(b *testing.B) {
				c := &clock{time.Now().Truncate(time.Hour)}
				l := open(s, fmt.Sprint("bench", b.N, name), 14*24*time.Hour, c)
				for i := range n {
					l.Add(record{Who: fmt.Sprint("chat", i%977), What: fmt.Sprintf("第%d个问题：海关对AEO企业有何激励，优先通关如何实现？", i)})
					if i%1000 == 999 {
						c.at = c.at.Add(2 * time.Minute)
						if err := l.Flush(b.Context()); err != nil {
							b.Fatal(err)
						}
					}
				}
				if err := l.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				for b.Loop() {
					got := 0
					if err := l.Each(b.Context(), time.Time{}, func(time.Time, record) { got++ }); err != nil || got != n {
						b.Fatal(got, err)
					}
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/1024, "KiB-held")
			})
		}
	}
}
