package bot

import (
	"context"
	"errors"
	"time"
)

// Session is what is remembered of a conversation between two turns.
//
// It holds references and curated words only (passage ids, headings, ways to ask),
// so it stays small and never keeps what a person wrote.
type Session struct {
	// Views are the latest answers, oldest first; the last is what 第3条 counts in.
	Views []View `json:"views,omitempty"`
	// Seen are all sections mostly shown in this conversation, oldest first.
	Seen []string `json:"seen,omitempty"`
	// Near are the passages nearest to a question that was just refused.
	Near []string `json:"near,omitempty"`
	// Aside tells that the last reply quoted nothing, so that what 回到刚才那个 means is
	// the latest view and not the one before.
	Aside bool `json:"aside,omitempty"`
	// Wanted is the key of a question that was just refused and that the asker can be told
	// the answer of later.
	Wanted string `json:"wanted,omitempty"`
	// Refused is how many of the latest replies in a row were refusals.
	Refused int `json:"refused,omitempty"`
	// Choices are what was just offered to choose from.
	Choices []string `json:"choices,omitempty"`
	// Epoch is the Membership's when this was saved.
	Epoch uint64 `json:"epoch,omitempty"`
	// Unknown: what was shown before could not be read, so that no Views do not mean that
	// nothing was.
	Unknown bool `json:"unknown,omitempty"`
	// Lost: something was shown since that is not remembered.
	Lost bool `json:"lost,omitempty"`
}

// unread reports whether something may have been shown, but it is not known what.
func (s *Session) unread() bool { return s.Unknown && len(s.Views) == 0 }

// Errors of a Store that a caller branches on.
var (
	// ErrStale means another turn of the conversation was saved since Begin.
	// The turn can be begun again; nothing was written.
	ErrStale = errors.New("state: session changed since it was loaded")
	// ErrClaimLost means this attempt no longer owns the message: its lease ran
	// out and somebody else took over, or has already answered. Nothing was written.
	ErrClaimLost = errors.New("state: message is claimed by another attempt")
)

// Turn is what a store knows when a message arrives.
type Turn struct {
	// Session is the conversation so far; zero when unknown or expired.
	Session Session
	// Version goes back to Commit. 0 when there is no session.
	Version uint64
	// Claim says who may answer.
	Claim Claim
	// Record is what Commit stored for this message; only when Claim is Answered.
	Record []byte
}

// Claim is the state of one message.
type Claim int

const (
	// Mine: this attempt answers. Always so for a message without an id.
	Mine Claim = iota
	// Running: another attempt holds an unexpired lease.
	Running
	// Answered: the message was answered; Turn.Record is the reply.
	Answered
)

// State remembers conversations and which messages were answered. Every method
// may be called from many goroutines; every method returns soon after ctx ends.
//
// A turn takes two calls, so that a store over a network takes two round trips:
//
//	Begin   claims the message and loads the session
//	Commit  saves the session and marks the message answered, both or neither
type State interface {
	// Begin claims message id for attempt (unique per call, not empty) until
	// lease from now, and loads the session. An attempt that already holds the
	// claim gets Mine again. With an empty id it only loads.
	Begin(ctx context.Context, c Conversation, id, attempt string, lease time.Duration) (Turn, error)
	// Commit stores session and, for a message with an id, record, in one atomic
	// step. It fails with ErrClaimLost when attempt does not own the claim, with
	// ErrStale when version is not the stored session's. A nil session removes the
	// stored one.
	Commit(ctx context.Context, c Conversation, id, attempt string, version uint64, session *Session, record []byte) error
}

// Forgetter forgets conversations at somebody's wish. It may be called from many
// goroutines and returns soon after ctx ends.
type Forgetter interface {
	// Forget removes what is remembered of conversations, with the replies that were given
	// in them, and gives how many things that were.
	Forget(ctx context.Context, all []Conversation) (int, error)
	// ForgetTasks removes the tasks of a Journal that gone says are to go, and that they
	// were there. It gives how many that were.
	ForgetTasks(ctx context.Context, gone func(Task) bool) (int, error)
}

// Tokens shares API credentials between replicas.
type Tokens interface {
	// Token returns "" and no error when there is none or it has expired.
	Token(ctx context.Context, name string) (token string, expires time.Time, err error)
	// SaveToken replaces what is stored. The value is a secret.
	SaveToken(ctx context.Context, name, token string, expires time.Time) error
	// DropToken removes the token only if it is still that one, so that a slow
	// caller cannot throw away the successor.
	DropToken(ctx context.Context, name, token string) error
}

// Leases make one of several replicas the owner of something for a time.
type Leases interface {
	// Lease takes name for holder until life from now, or renews it. It gives false
	// and no error while somebody else holds it.
	Lease(ctx context.Context, name, holder string, life time.Duration) (held bool, err error)
	// Release gives a lease up at once. One that holder does not have is no error.
	Release(ctx context.Context, name, holder string) error
}
