package bot

import (
	"time"

	"aeobot/index"
)

func init() {
	defaultLease, secondWind = time.Minute, time.Minute
}

// WithSearcher has the engine search otherwise.
func (o Options) WithSearcher(f func(*index.Generation) Searcher) Options {
	o.Searcher = f
	return o
}

// DayOf is the day that a message asks about, or empty, and what is left of it.
func DayOf(text string, today time.Time) (day, rest string) {
	day, rest, _, _ = readDay(text, today)
	return day, rest
}
