// Package tally counts what the bot does, by day, for the coordinators' overview: numbers
// only, nothing of who said what. Each process counts for itself and keeps its days in the
// store; whoever looks adds them up.
package tally

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"aeobot/bot"
)

// Day is what happened on one day in China.
type Day struct {
	Date string `json:"date"` // 2026-11-24
	// Channels are counts of questions by channel.
	Channels map[string]Counts `json:"channels"`
	// Took are how many questions took how long; see bucketOf.
	Took map[int]int `json:"took"`
	// Measures are how often a passage was quoted.
	Measures map[string]int `json:"measures"`
}

// Counts are of questions; a redelivery and a greeting are none.
type Counts struct {
	Asked    int `json:"asked"`
	Answered int `json:"answered"`
	Degraded int `json:"degraded"` // answered without memory
	Failed   int `json:"failed"`
}

func newDay(date string) Day {
	return Day{Date: date, Channels: map[string]Counts{}, Took: map[int]int{}, Measures: map[string]int{}}
}

// Total sums up the channels.
func (d Day) Total() Counts {
	var t Counts
	for _, c := range d.Channels {
		t.add(c)
	}
	return t
}

func (c *Counts) add(o Counts) {
	c.Asked += o.Asked
	c.Answered += o.Answered
	c.Degraded += o.Degraded
	c.Failed += o.Failed
}

// Add sums up two days.
func (d Day) Add(o Day) Day {
	sum := newDay(cmp.Or(d.Date, o.Date))
	for _, x := range []Day{d, o} {
		for name, c := range x.Channels {
			both := sum.Channels[name]
			both.add(c)
			sum.Channels[name] = both
		}
		for b, n := range x.Took {
			sum.Took[b] += n
		}
		for id, n := range x.Measures {
			sum.Measures[id] += n
		}
	}
	return sum
}

// perOctave is how many buckets a doubling of time has: a quantile is off by 9% at most.
const perOctave = 8

// bucketOf names the bucket of a duration.
func bucketOf(d time.Duration) int {
	return int(math.Ceil(math.Log2(max(d.Seconds(), 1e-6)*1e6) * perOctave))
}

// Quantile is within which time a share of the questions was answered; 0 of none.
func (d Day) Quantile(share float64) time.Duration {
	all := 0
	for _, n := range d.Took {
		all += n
	}
	left := int(math.Ceil(share * float64(all)))
	for _, b := range slices.Sorted(maps.Keys(d.Took)) {
		if left -= d.Took[b]; left <= 0 {
			return time.Duration(math.Exp2(float64(b)/perOctave) * float64(time.Microsecond))
		}
	}
	return 0
}

// Top are the passages quoted most often.
func (d Day) Top(n int) []string {
	ids := slices.SortedFunc(maps.Keys(d.Measures), func(x, y string) int {
		return cmp.Or(cmp.Compare(d.Measures[y], d.Measures[x]), cmp.Compare(x, y))
	})
	return ids[:min(n, len(ids))]
}

const (
	kind = "tally"
	// Kept is how many days are kept.
	Kept = 92
	keep = Kept * 24 * time.Hour
	// maxMeasures bounds the passages that a day's record names: those quoted most.
	maxMeasures = 500
	flushEvery  = 5 * time.Second
)

// Tally counts. It may be used by many at once.
type Tally struct {
	shelf   bot.Shelf
	log     *slog.Logger
	process string // whose counts they are
	now     func() time.Time

	mu    sync.Mutex
	days  map[string]Day
	dirty map[string]bool

	flushing sync.Mutex
	written  map[string]uint64 // versions on the shelf
}

// New makes one; Run is to be run.
func New(s bot.Shelf, log *slog.Logger) *Tally {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Tally{shelf: s, log: log, process: rand.Text()[:10], now: time.Now,
		days: map[string]Day{}, dirty: map[string]bool{}, written: map[string]uint64{}}
}

var china = time.FixedZone("Asia/Shanghai", 8*60*60)

// questions are the acts that reply to a question.
var questions = []string{bot.ActAnswer, bot.ActNarrow, bot.ActSwitch, bot.ActClarify, bot.ActRefuse, bot.ActMore, bot.ActDetail, "error"}

// Observe counts one turn.
func (t *Tally) Observe(e bot.Event) {
	if e.Replayed || !slices.Contains(questions, e.Act) {
		return
	}
	one := Counts{Asked: 1}
	switch {
	case e.Act == "error":
		one.Failed = 1
	case e.Answered:
		one.Answered = 1
	}
	if e.Degraded {
		one.Degraded = 1
	}
	date := t.now().In(china).Format(time.DateOnly)
	t.mu.Lock()
	defer t.mu.Unlock()
	d, ok := t.days[date]
	if !ok {
		d = newDay(date)
		t.days[date] = d
	}
	c := d.Channels[e.Channel]
	c.add(one)
	d.Channels[e.Channel] = c
	d.Took[bucketOf(e.Took)]++
	for _, s := range e.Quoted {
		d.Measures[s.ID]++
	}
	t.dirty[date] = true
}

// Run writes the counts down every few seconds until ctx ends, and once more then.
func (t *Tally) Run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(flushEvery):
		}
		if err := t.Flush(context.WithoutCancel(ctx)); err != nil {
			t.log.Warn("counts not kept, trying again", slog.Any("error", err))
		}
	}
}

// Flush writes the counts down. Counting goes on meanwhile.
func (t *Tally) Flush(ctx context.Context) error {
	t.flushing.Lock()
	defer t.flushing.Unlock()
	var errs error
	for date, data := range t.snapshot() {
		if err := t.write(ctx, date, data); err != nil {
			t.mu.Lock()
			t.dirty[date] = true
			t.mu.Unlock()
			errs = errors.Join(errs, err)
			continue
		}
		t.forget(date)
	}
	return errs
}

// snapshot gives the days that changed, as they are stored.
func (t *Tally) snapshot() map[string][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	days := map[string][]byte{}
	for date := range t.dirty {
		data, err := json.Marshal(t.days[date].trimmed())
		if err != nil { // maps of numbers are always JSON
			t.log.Error("counts not kept", slog.Any("error", err))
			continue
		}
		days[date] = data
	}
	t.dirty = map[string]bool{}
	return days
}

// write puts a day on the shelf; t.flushing is held.
func (t *Tally) write(ctx context.Context, date string, data []byte) error {
	id := date + "." + t.process
	err := t.shelf.Put(ctx, kind, id, data, t.written[date], keep)
	if errors.Is(err, bot.ErrStale) { // written although it seemed not, or lost
		var item bot.Item
		if item, err = t.shelf.Get(ctx, kind, id); err == nil {
			err = t.shelf.Put(ctx, kind, id, data, item.Version, keep)
			t.written[date] = item.Version
		}
	}
	if err != nil {
		return fmt.Errorf("tally: %w", err)
	}
	t.written[date]++
	return nil
}

// forget lets go of a day that is over and written; t.flushing is held.
func (t *Tally) forget(date string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if date != t.now().In(china).Format(time.DateOnly) && !t.dirty[date] {
		delete(t.days, date)
		delete(t.written, date)
	}
}

// trimmed is the day with the passages quoted most.
func (d Day) trimmed() Day {
	if len(d.Measures) <= maxMeasures {
		return d
	}
	few := d
	few.Measures = map[string]int{}
	for _, id := range d.Top(maxMeasures) {
		few.Measures[id] = d.Measures[id]
	}
	return few
}

// Days adds up what all processes counted, the latest day first.
func Days(ctx context.Context, s bot.Shelf) ([]Day, error) {
	items, err := s.Items(ctx, kind)
	if err != nil {
		return nil, fmt.Errorf("tally: %w", err)
	}
	days := map[string]Day{}
	for _, i := range items {
		d := newDay("")
		if err := json.Unmarshal(i.Data, &d); err != nil {
			return nil, fmt.Errorf("tally: %s: %w", i.ID, err)
		}
		days[d.Date] = days[d.Date].Add(d)
	}
	return slices.SortedFunc(maps.Values(days), func(x, y Day) int { return strings.Compare(y.Date, x.Date) }), nil
}
