package bot

import (
	"context"
	"sync"
	"time"
)

// Memory is a State within the process: it forgets nothing and claims nothing, and is
// gone with the process. It is for asking many questions in one go, each conversation by
// one goroutine.
type Memory struct {
	mu       sync.Mutex
	sessions map[string]Turn
}

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{sessions: map[string]Turn{}} }

// Begin loads the session; see State.
func (m *Memory) Begin(_ context.Context, c Conversation, _, _ string, _ time.Duration) (Turn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sessions[c.Key()], nil
}

// Commit saves the session; see State.
func (m *Memory) Commit(_ context.Context, c Conversation, _, _ string, version uint64, session *Session, _ []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.sessions[c.Key()].Version != version:
		return ErrStale
	case session == nil:
		delete(m.sessions, c.Key())
	default:
		m.sessions[c.Key()] = Turn{Session: *session, Version: version + 1}
	}
	return nil
}
