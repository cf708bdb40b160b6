package boltstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"

	"go.etcd.io/bbolt"
)

// writer commits in groups: what arrives while one transaction is written to disk
// goes together into the next. A lone writer never waits for company.
type writer struct {
	db  *bbolt.DB
	log *slog.Logger
	// guard keeps from panics, and from a file that is damaged.
	guard func(func() error) error
	// free makes room on a full disk; it tells whether it could.
	free func() bool

	mu      sync.Mutex
	waiting []*change
	busy    bool
	last    error // of the last transaction
}

// change is one caller's part of a transaction.
type change struct {
	apply func(*bbolt.Tx) error
	err   error
	done  chan struct{}
}

// do applies a change durably. An error of the change itself leaves the others of
// its group alone; apply must not write before it is sure to succeed.
func (w *writer) do(ctx context.Context, apply func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &change{apply: apply, done: make(chan struct{})}
	w.mu.Lock()
	w.waiting = append(w.waiting, c)
	lead := !w.busy
	w.busy = true
	w.mu.Unlock()
	if lead {
		w.lead(c)
		return c.err
	}
	// No way out by ctx here: the change is under way, and its caller must learn
	// what became of it. A write takes milliseconds, or fails.
	<-c.done
	return c.err
}

// lead writes its own group; whatever has gathered meanwhile is written by a
// goroutine of its own, so that no caller works for the others for ever.
func (w *writer) lead(own *change) {
	w.writeGroup()
	<-own.done
	w.mu.Lock()
	more := len(w.waiting) > 0
	w.busy = more
	w.mu.Unlock()
	if more {
		go w.drain()
	}
}

func (w *writer) drain() {
	for {
		w.writeGroup()
		w.mu.Lock()
		if len(w.waiting) == 0 {
			w.busy = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
	}
}

func (w *writer) writeGroup() {
	w.mu.Lock()
	group := w.waiting
	w.waiting = nil
	w.mu.Unlock()
	err := w.write(group)
	if errors.Is(err, syscall.ENOSPC) && w.free() {
		w.log.Error("disk is full: the ballast was given up to write once more; make room")
		err = w.write(group)
	}
	w.mu.Lock()
	w.last = err
	w.mu.Unlock()
	for _, c := range group {
		if err != nil {
			c.err = fmt.Errorf("boltstore: write: %w", err)
		}
		close(c.done)
	}
}

func (w *writer) write(group []*change) error {
	return w.guard(func() error {
		return w.db.Update(func(tx *bbolt.Tx) error {
			for _, c := range group {
				c.err = c.apply(tx)
			}
			return nil
		})
	})
}

// failed is the error of the last transaction.
func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}
