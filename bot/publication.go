package bot

import "context"

// Publications make published states of the knowledge known among replicas: a store that
// several share has them. States have numbers from 1 on, and whoever announces a number
// first has it. The store's copy is for exchange; every replica keeps its own.
type Publications interface {
	// Announce gives false when another state has that number.
	Announce(ctx context.Context, number int, state []byte) (bool, error)
	// Announced gives nil and no error for a number that was not announced.
	Announced(ctx context.Context, number int) ([]byte, error)
	// Latest is the highest number announced; 0: none.
	Latest(ctx context.Context) (int, error)
}
