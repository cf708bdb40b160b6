// Package index finds the passages that answer a question, and says so when none
// does. It builds one index for each state of the knowledge (a generation), takes
// candidates from Bleve and from curated ways to ask, scores them by a table of
// named signals and vetoes, mends slips of the keyboard, and decides: a measure or
// one clause of it, whole sections, a question back, or a refusal.
//
// It does not know conversations, channels or wording.
//
// Read index.go first (Build, Live), then query.go (what a question is), rank.go
// (the signals), decide.go (the decision). memory.go and disk.go are where words of
// passages are looked up, bleve.go the one place that knows Bleve, curation.go what
// people wrote beside the sources.
package index
