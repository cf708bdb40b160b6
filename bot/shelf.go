package bot

import (
	"context"
	"time"
)

// Item is one thing on a Shelf.
type Item struct {
	ID   string
	Data []byte
	// Version goes back to Put; 0: there is no such item.
	Version uint64
}

// Shelf keeps small things by kind and id, for people who work on them together: each
// change is made to the version that was looked at, or not at all.
type Shelf interface {
	// Put keeps an item for a time; a time of 0 takes it away. It fails with ErrStale when
	// the item's version is not was; 0 means that there is to be none.
	Put(ctx context.Context, kind, id string, data []byte, was uint64, keep time.Duration) error
	// Get gives an Item of version 0 and no error when there is none.
	Get(ctx context.Context, kind, id string) (Item, error)
	// Items are all of a kind, by id.
	Items(ctx context.Context, kind string) ([]Item, error)
}
