package bot

import (
	"context"
	"time"
)

// Task is something promised to a person that is not done yet: an answer the platform
// has not acknowledged, a page still to be sent.
type Task struct {
	// Queue names who carries it out: a channel and its account.
	Queue string
	// ID is unique within the queue; the same id again is the same task.
	ID string
	// Data is the channel's own form. It may hold words and ids of people, so it is kept
	// no longer than Keep.
	Data []byte
	// Entered is when it was entered.
	Entered time.Time
	// Holders is how many have held it, the one who entered it included.
	Holders int
}

// Journal keeps what was promised until it is done, through a crash of whoever
// promised it. A task is held by one at a time, for a lease; when its holder is gone
// another may claim it. Every method may be called from many goroutines; every method
// returns soon after ctx ends.
type Journal interface {
	// Enter notes a task, held by holder until lease from now, and forgets it after
	// keep. It gives false and changes nothing when a task of that id was entered
	// before, be it open or done.
	Enter(ctx context.Context, t Task, holder string, lease, keep time.Duration) (fresh bool, err error)
	// Look gives an open task, or false.
	Look(ctx context.Context, queue, id string) (Task, bool, error)
	// Claim gives at most n open tasks of a queue that nobody holds, oldest first, and
	// holds them.
	Claim(ctx context.Context, queue, holder string, n int, lease time.Duration) ([]Task, error)
	// Note replaces an open task's data and holds it on; a lease of 0 gives it up. It
	// fails with ErrClaimLost when another holds the task, or it is done.
	Note(ctx context.Context, queue, id, holder string, data []byte, lease time.Duration) error
	// Done ends a task, whose id stays known until its keep is over. It fails with
	// ErrClaimLost when another holds it; one that is done already is no error. An empty
	// holder ends it whoever holds it.
	Done(ctx context.Context, queue, id, holder string) error
}

// Cursors remember how far something foreign has been read.
type Cursors interface {
	// Cursor gives "" and no error for a name that is unknown.
	Cursor(ctx context.Context, name string) (string, error)
	SaveCursor(ctx context.Context, name, cursor string) error
}
