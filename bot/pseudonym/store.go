package pseudonym

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"aeobot/bot"
)

// Backend is the store below.
type Backend interface {
	bot.State
	bot.Forgetter
	bot.Tokens
	bot.Misses
	bot.Leases
	bot.Journal
	bot.Cursors
	bot.Feedbacks
	bot.Shelf
	bot.Membership
	io.Closer
	// Conversations reports whether there are any.
	Conversations(ctx context.Context) (bool, error)
	// Check tells whether reading and writing work now.
	Check(ctx context.Context) error
	Kind() string
}

// Options of a Store. The zero Options works.
type Options struct {
	// Key is the key of the settings, a text that cannot be guessed.
	//
	// default: one at random that is kept in the store
	Key string
	// Former is the key of before, when it was changed.
	Former string
	// Keep is how long conversations and answered messages are kept: for that long they are
	// looked for under the names of before.
	//
	// default: 2 hours
	Keep time.Duration
	// Now is the clock.
	//
	// default: time.Now
	Now func() time.Time
	// Log is told of values that cannot be opened.
	//
	// default: discard
	Log *slog.Logger
}

// Store is a store whose names and values do not show who wrote where. What is not named
// after somebody goes to the Backend as it is. It may be used by many at once.
type Store struct {
	Backend
	o                Options
	settings, former key // of the settings; without id: none

	ring atomic.Pointer[keyring]
}

// New puts names of its own before a store. It reads nothing: the store may come later.
func New(b Backend, o Options) (*Store, error) {
	if o.Keep <= 0 {
		o.Keep = 2 * time.Hour
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{Backend: b, o: o}
	for _, k := range []struct {
		text string
		is   *key
	}{{o.Key, &s.settings}, {o.Former, &s.former}} {
		if k.text == "" {
			continue
		}
		var err error
		if *k.is, err = newKey([]byte(k.text)); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// CloseCompact ends the store and leaves nothing of what was removed, where that is for the
// program to see to.
func (s *Store) CloseCompact() error {
	if c, ok := s.Backend.(interface{ CloseCompact() error }); ok {
		return c.CloseCompact()
	}
	return s.Close()
}

// keys gives the keyring, which is read from the store the first time.
func (s *Store) keys(ctx context.Context) (*keyring, error) {
	if ring := s.ring.Load(); ring != nil {
		return ring, nil
	}
	ring, err := s.load(ctx)
	if err == nil {
		s.ring.Store(ring)
	}
	return ring, err
}

// Check is nil when reading and writing work, and the key here is the one in force. A replica
// whose key was changed meanwhile works on with the one it has and says so here.
func (s *Store) Check(ctx context.Context) error {
	if err := s.Backend.Check(ctx); err != nil {
		return err
	}
	ring, err := s.load(ctx)
	if err == nil {
		s.ring.Store(ring)
	}
	return err
}

// Kept reports whether the key lies in the store, beside what it protects.
func (s *Store) Kept(ctx context.Context) (bool, error) {
	ring, err := s.keys(ctx)
	return err == nil && ring.kept, err
}

// Name is a name for a text that shows who somebody is, for what is kept elsewhere.
func (s *Store) Name(ctx context.Context, text string) (string, error) {
	ring, err := s.keys(ctx)
	if err != nil {
		return "", err
	}
	return ring.current.name("name", text), nil
}

// naming is how conversations and messages are named in the store: under a key, or as they
// were before there was one.
type naming func(c bot.Conversation, id string) (bot.Conversation, string)

func (k key) names(c bot.Conversation, id string) (bot.Conversation, string) {
	return bot.Conversation{Asker: bot.Asker(k.name("conversation", c.Key()))}, k.name("message", id)
}

func unnamed(c bot.Conversation, id string) (bot.Conversation, string) { return c, id }

// before are the namings under which something may be kept since a time.
func (r *keyring) before(since time.Time) (all []naming) {
	for _, f := range r.former {
		if f.retired.After(since) {
			all = append(all, f.names)
		}
	}
	if r.unnamed.After(since) {
		all = append(all, unnamed)
	}
	return all
}

// glance is how long a message is claimed under a name of before: not to leave the name there.
const glance = time.Millisecond

// Begin claims the message and loads the session; see bot.State. A conversation that is not
// known is looked for under the names of before: its session comes without a version, so that
// it is saved anew.
func (s *Store) Begin(ctx context.Context, c bot.Conversation, id, attempt string, lease time.Duration) (bot.Turn, error) {
	ring, err := s.keys(ctx)
	if err != nil {
		return bot.Turn{}, err
	}
	named, message := ring.current.names(c, id)
	turn, err := s.Backend.Begin(ctx, named, message, attempt, lease)
	if err != nil || turn.Version > 0 || turn.Claim != bot.Mine {
		return turn, err
	}
	for _, names := range ring.before(s.o.Now().Add(-s.o.Keep)) {
		named, message := names(c, id)
		was, err := s.Backend.Begin(ctx, named, message, attempt, glance)
		if err != nil || was.Claim != bot.Mine {
			return was, err
		}
		if was.Version > 0 {
			turn.Session = was.Session
			break
		}
	}
	return turn, nil
}

// Commit saves the session and marks the message answered; see bot.State.
func (s *Store) Commit(ctx context.Context, c bot.Conversation, id, attempt string, version uint64, session *bot.Session, data []byte) error {
	ring, err := s.keys(ctx)
	if err != nil {
		return err
	}
	named, message := ring.current.names(c, id)
	return s.Backend.Commit(ctx, named, message, attempt, version, session, data)
}

// Forget removes conversations, under whatever names; see bot.Forgetter.
func (s *Store) Forget(ctx context.Context, all []bot.Conversation) (int, error) {
	ring, err := s.keys(ctx)
	if err != nil {
		return 0, err
	}
	var everywhere []bot.Conversation
	for _, names := range append(ring.before(time.Time{}), ring.current.names) {
		for _, c := range all {
			named, _ := names(c, "")
			everywhere = append(everywhere, named)
		}
	}
	return s.Backend.Forget(ctx, everywhere)
}

// readers are the names of a reader, the one in force last.
func (r *keyring) readers(reader string) []string {
	all := []string{reader} // as it was before there was a key
	for _, f := range r.former {
		all = append(all, f.name("reader", reader))
	}
	return append(all, r.current.name("reader", reader))
}

// Rate keeps a reader's opinion in the place of the last; see bot.Feedbacks.
func (s *Store) Rate(ctx context.Context, f bot.Feedback) error {
	ring, err := s.keys(ctx)
	if err != nil {
		return err
	}
	names := ring.readers(f.Reader)
	was := f
	was.Rating = bot.Withdrawn
	for _, was.Reader = range names[:len(names)-1] {
		if err := s.Backend.Rate(ctx, was); err != nil {
			return err
		}
	}
	f.Reader = names[len(names)-1]
	return s.Backend.Rate(ctx, f)
}

// Withdraw takes back the opinions of a person, whose id may be spelled in several ways, and
// gives how many there were.
func (s *Store) Withdraw(ctx context.Context, spelled []bot.Asker) (int, error) {
	ring, err := s.keys(ctx)
	if err != nil {
		return 0, err
	}
	theirs := map[string]bool{}
	for _, id := range spelled {
		for _, name := range ring.readers(bot.NewFeedback("", id, bot.Withdrawn, time.Time{}).Reader) {
			theirs[name] = true
		}
	}
	all, err := s.Feedback(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, f := range all {
		if !theirs[f.Reader] {
			continue
		}
		f.Rating = bot.Withdrawn
		if err := s.Backend.Rate(ctx, f); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// addressed are the kinds of the shelf, or what they begin with, that hold addresses: what was
// shown where, who wants to be told, whom a correction is for.
var addressed = []string{"given-", "wishes", "recalls"}

func holdsAddresses(kind string) bool {
	for _, k := range addressed {
		if kind == k || strings.HasSuffix(k, "-") && strings.HasPrefix(kind, k) {
			return true
		}
	}
	return false
}

// open gives a value as it was before it was sealed. One of before there was a key is as it
// was.
func (s *Store) open(ctx context.Context, place string, value []byte) ([]byte, error) {
	by := sealedBy(value)
	if by == "" {
		return value, nil
	}
	ring, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	k, known := ring.knows(by)
	if !known {
		return nil, fmt.Errorf("pseudonym: %s: %w", by, ErrKey)
	}
	return k.open(place, value)
}

func (s *Store) seal(ctx context.Context, place string, value []byte) ([]byte, error) {
	ring, err := s.keys(ctx)
	if err != nil {
		return nil, err
	}
	return ring.current.seal(place, value), nil
}

func placeOf(group, id string) string { return group + "\x00" + id }

// Put keeps an item; see bot.Shelf.
func (s *Store) Put(ctx context.Context, kind, id string, data []byte, was uint64, keep time.Duration) error {
	if holdsAddresses(kind) && keep > 0 {
		var err error
		if data, err = s.seal(ctx, placeOf(kind, id), data); err != nil {
			return err
		}
	}
	return s.Backend.Put(ctx, kind, id, data, was, keep)
}

// Get gives an item; see bot.Shelf.
func (s *Store) Get(ctx context.Context, kind, id string) (bot.Item, error) {
	i, err := s.Backend.Get(ctx, kind, id)
	if err == nil && holdsAddresses(kind) {
		i.Data, err = s.open(ctx, placeOf(kind, id), i.Data)
	}
	return i, err
}

// Items lists a kind; see bot.Shelf.
func (s *Store) Items(ctx context.Context, kind string) ([]bot.Item, error) {
	all, err := s.Backend.Items(ctx, kind)
	if !holdsAddresses(kind) {
		return all, err
	}
	for i := range all {
		if all[i].Data, err = s.open(ctx, placeOf(kind, all[i].ID), all[i].Data); err != nil {
			return nil, err
		}
	}
	return all, err
}

// Enter notes a task; see bot.Journal.
func (s *Store) Enter(ctx context.Context, t bot.Task, holder string, lease, keep time.Duration) (bool, error) {
	data, err := s.seal(ctx, placeOf(t.Queue, t.ID), t.Data)
	if err != nil {
		return false, err
	}
	t.Data = data
	return s.Backend.Enter(ctx, t, holder, lease, keep)
}

// Look gives an open task; see bot.Journal.
func (s *Store) Look(ctx context.Context, queue, id string) (bot.Task, bool, error) {
	t, there, err := s.Backend.Look(ctx, queue, id)
	if err == nil && there {
		t.Data, err = s.open(ctx, placeOf(queue, id), t.Data)
	}
	return t, there, err
}

// Claim gives open tasks that nobody holds; see bot.Journal. One that cannot be opened stays
// until its time is over, and keeps nobody from the others.
func (s *Store) Claim(ctx context.Context, queue, holder string, n int, lease time.Duration) ([]bot.Task, error) {
	claimed, err := s.Backend.Claim(ctx, queue, holder, n, lease)
	var all []bot.Task
	for _, t := range claimed {
		data, err := s.open(ctx, placeOf(queue, t.ID), t.Data)
		if err != nil {
			s.o.Log.Warn("a task is left undone", slog.String("queue", queue), slog.Any("error", err))
			continue
		}
		t.Data = data
		all = append(all, t)
	}
	return all, err
}

// Note replaces an open task's data; see bot.Journal.
func (s *Store) Note(ctx context.Context, queue, id, holder string, data []byte, lease time.Duration) error {
	data, err := s.seal(ctx, placeOf(queue, id), data)
	if err != nil {
		return err
	}
	return s.Backend.Note(ctx, queue, id, holder, data, lease)
}

// ForgetTasks removes tasks for good; see bot.Forgetter.
func (s *Store) ForgetTasks(ctx context.Context, gone func(bot.Task) bool) (int, error) {
	return s.Backend.ForgetTasks(ctx, func(t bot.Task) bool {
		data, err := s.open(ctx, placeOf(t.Queue, t.ID), t.Data)
		t.Data = data
		return err == nil && gone(t)
	})
}
