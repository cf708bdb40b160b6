// Package articles carries the shipped knowledge inside the program: each article
// byte for byte as it came, and the curated notes beside it. It knows nothing else.
package articles

import "embed"

// FS holds the articles and their notes.
//
//go:embed *.txt *.notes.yaml
var FS embed.FS
