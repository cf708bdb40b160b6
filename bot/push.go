package bot

import (
	"context"
	"errors"
	"time"
)

// Address is where somebody was spoken to, so that they can be spoken to again.
type Address struct {
	Channel string `json:"c"` // as Surface.Name
	// Account is which of the bot's own accounts it was, where a channel has several.
	Account string `json:"a,omitempty"`
	// Chat is the group; empty: one-to-one, with Asker.
	Chat  string `json:"g,omitempty"`
	Asker Asker  `json:"u,omitempty"`
}

// Place is the address without the asker when it is a group's: what is said there is said
// to all.
func (a Address) Place() Address {
	if a.Chat != "" {
		a.Asker = ""
	}
	return a
}

// Is reports whether an address is a person's. Customers of an account are no members: the
// platform makes their ids, in which the letter case counts.
func (a Address) Is(person Asker) bool {
	if a.Account != "" {
		return a.Asker == person
	}
	return SamePerson(string(a.Asker), string(person))
}

// Key names an address by a plain digest, which whoever has a list of all people and chats
// can find out: it is not to be a name in a store.
func (a Address) Key() string {
	return digest(a.Channel + "\x00" + a.Account + "\x00" + a.Chat + "\x00" + string(a.Asker))
}

// Address is where a message came from.
func (m Message) Address() Address {
	a := Address{Channel: m.Surface.Name, Account: m.Account, Chat: m.Chat, Asker: m.Asker}
	if m.Account != "" { // such a chat is one person's with an account
		a.Chat = ""
	}
	return a
}

// Pusher says something that nobody asked for just now: an answer that was wished for, a
// correction.
type Pusher interface {
	// Reach tells what people at an address can be shown; false: they cannot be spoken to
	// first.
	Reach(to Address) (Surface, bool)
	// Push has pages said at an address, once for an id, through a crash of any replica.
	// It returns when that is promised; Outcome is told what became of it. The same id
	// again gives fresh false and changes nothing; over tells then that it is done with.
	// It fails with ErrCannot where nobody can be spoken to first.
	Push(ctx context.Context, id string, to Address, pages []string) (fresh, over bool, err error)
}

// Outcome is what became of a push.
type Outcome struct {
	ID string
	// Err is nil when the platform took it, ErrCannot when it never will, another when it
	// failed.
	Err error
	At  time.Time
}

// ErrCannot means that the platform does not let the bot speak at an address.
var ErrCannot = errors.New("push: nobody can be spoken to first there")

// EnterPush promises a push by a task in the journal; see Pusher.Push for what it gives.
func EnterPush(ctx context.Context, j Journal, t Task, holder string, lease, keep time.Duration) (fresh, over bool, err error) {
	fresh, err = j.Enter(ctx, t, holder, lease, keep)
	if err != nil || fresh {
		return fresh, false, err
	}
	_, open, err := j.Look(ctx, t.Queue, t.ID)
	return false, err == nil && !open, err
}
