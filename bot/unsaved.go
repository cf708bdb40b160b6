package bot

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// unsaved is what the store has not taken of each conversation: the asker saw it last, and
// 第3条 must not count in what the store has.
type unsaved struct {
	mark *Mark

	mu    sync.Mutex
	talks map[string]*talk // by conversation
	// beyond: not all of it could be kept.
	beyond bool
}

// talk is what the store has not taken of one conversation.
type talk struct {
	mu           turnstile // held while it is saved
	conversation Conversation
	version      uint64 // that the first commit goes on from
	known        bool   // version is
	commits      []commit
	saved        bool // all of it is, and nothing may be added
}

// commit is what State.Commit was asked to save, or what it is to be asked.
type commit struct {
	id, attempt string
	session     *Session
	record      []byte
}

// Bounds of what is kept until the store is back.
const (
	maxUnsaved = 2000
	maxCommits = 50 // of one conversation
	// claimToSave is for how long a message is claimed to save its reply.
	claimToSave = time.Second
)

func newUnsaved(mark *Mark) *unsaved { return &unsaved{mark: mark, talks: map[string]*talk{}} }

func (u *unsaved) get(key string) *talk {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.talks[key]
}

// latest is the session that the asker saw last; ok is false when the store has it.
func (u *unsaved) latest(key string) (s *Session, ok bool) {
	t := u.get(key)
	if t == nil {
		return nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.commits) == 0 {
		return nil, false
	}
	if s = t.commits[len(t.commits)-1].session; s == nil {
		s = &Session{} // it was to be forgotten
	}
	return s, true
}

// add keeps a commit after those that are kept. version is that of the session it goes on
// from, unless nobody knows. From now on a crash makes what the store has doubtful.
func (u *unsaved) add(c Conversation, version uint64, known bool, k commit) error {
	for {
		t, err := u.open(c, version, known)
		if t == nil || t.append(k) {
			return err
		}
	}
}

// open gives what is kept of a conversation; nil: there is too much.
func (u *unsaved) open(c Conversation, version uint64, known bool) (*talk, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	err := u.mark.Set(true)
	t := u.talks[c.Key()]
	switch {
	case t == nil && len(u.talks) >= maxUnsaved:
		u.beyond = true
	case t == nil:
		t = &talk{mu: newTurnstile(), conversation: c, version: version, known: known}
		u.talks[c.Key()] = t
	}
	return t, err
}

// append gives false when all has been saved meanwhile.
func (t *talk) append(k commit) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.saved {
		return false
	}
	if t.commits = append(t.commits, k); len(t.commits) > maxCommits {
		t.commits, t.known = slices.Clone(t.commits[1:]), false
	}
	return true
}

// keys are the conversations of which there is something.
func (u *unsaved) keys() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var keys []string
	for key := range u.talks {
		keys = append(keys, key)
	}
	return keys
}

// save gives a conversation to the store. When somebody else has saved it meanwhile,
// nobody knows what the asker saw last, and the store is told that.
func (u *unsaved) save(ctx context.Context, key string, s State, log *slog.Logger) error {
	t := u.get(key)
	if t == nil {
		return nil
	}
	if err := t.save(ctx, s, log); err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.talks[key] == t {
		delete(u.talks, key)
	}
	return nil
}

func (t *talk) save(ctx context.Context, s State, log *slog.Logger) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.known && len(t.commits) > 0 {
		k := t.commits[0]
		_, err := s.Begin(ctx, t.conversation, k.id, k.attempt, claimToSave) // it may never have been claimed
		if err == nil {
			err = s.Commit(ctx, t.conversation, k.id, k.attempt, t.version, k.session, k.record)
		}
		switch {
		case errors.Is(err, ErrStale) || errors.Is(err, ErrClaimLost):
			t.known = false
		case err != nil:
			return err
		default:
			t.version, t.commits = nextVersion(t.version, k.session), t.commits[1:]
		}
	}
	if !t.known && !t.saved {
		log.Warn("a conversation went on at two replicas while the store was away; it is not remembered")
		if err := lose(ctx, s, t.conversation); err != nil {
			return err
		}
	}
	t.saved = true
	return nil
}

// nextVersion is a session's after a commit.
func nextVersion(version uint64, s *Session) uint64 {
	if s == nil {
		return 0
	}
	return version + 1
}

// lose saves that what was said last in a conversation is not known.
func lose(ctx context.Context, s State, c Conversation) error {
	err := ErrStale
	for try := 0; try < maxTries && errors.Is(err, ErrStale); try++ {
		var turn Turn
		if turn, err = s.Begin(ctx, c, "", newAttempt(), 0); err == nil {
			err = s.Commit(ctx, c, "", newAttempt(), turn.Version, &Session{Lost: true}, nil)
		}
	}
	return err
}

// own makes the mark that of a member.
func (u *unsaved) own(id string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.mark.own(id, len(u.talks) > 0 || u.beyond)
}

// settle notes that all is saved; it reports whether it is.
func (u *unsaved) settle() (bool, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.talks) > 0 || u.beyond {
		return false, nil
	}
	return true, u.mark.Set(false)
}

// doubted notes that what could not be kept is in doubt.
func (u *unsaved) doubted() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.beyond = false
}

func (u *unsaved) isBeyond() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.beyond
}
