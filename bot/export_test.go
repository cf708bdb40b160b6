package bot

import "aeobot/index"

// WithSearcher has the engine search otherwise.
func (o Options) WithSearcher(f func(*index.Generation) Searcher) Options {
	o.Searcher = f
	return o
}
