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
