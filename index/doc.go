// Package index finds the passages that answer a question, and says so when none
// does. It builds one Bleve index for each state of the knowledge (a generation),
// takes candidates from it, rescores them by a table of named signals and decides
// whether the best is good enough.
//
// It does not know conversations, channels or wording.
//
// Read index.go first (Build, Live), then query.go, rank.go, decide.go.
package index
