package bot

import "context"

// Publications make published states of the knowledge known among replicas: a store that
// several share has them. States have numbers from 1 on and are a chain: each names the
// digest of the one before. Whoever announces a number first has it. The store's copy is
// for exchange; every replica keeps its own.
type Publications interface {
	// Announce gives false when another state has that number, or when the store's state
	// of the number before is not the one that a names.
	Announce(ctx context.Context, a Announcement) (bool, error)
	// Announced gives nil and no error for a number that was not announced.
	Announced(ctx context.Context, number int) ([]byte, error)
	// Digests are those of the announced states, from number 1 to the highest one. Empty
	// ones are of states that are lost, or were announced before digests were kept.
	Digests(ctx context.Context) ([]string, error)
	// Replace makes states the announced ones from the first one's number on, all at once,
	// and gives false when the announced states are not those of the digests was any more.
	Replace(ctx context.Context, was []string, states []Announcement) (bool, error)
}

// Announcement is a published state as it is made known.
type Announcement struct {
	Number int
	// Digest is the state's, Before that of the state before; empty for the first.
	Digest, Before string
	State          []byte
}
