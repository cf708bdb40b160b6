package pseudonym

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aeobot/bot"
)

// ErrKey means that the store is named with another key than the one in the settings.
var ErrKey = errors.New("the store is named with another key than store.key here: all replicas need the same one; to change it, set store.former_key to the key of before")

// keyring is the key in force and those before it.
type keyring struct {
	current key
	kept    bool // the key lies in the store
	former  []former
	// unnamed is until when names were plain digests; zero: nothing was kept under such.
	unnamed time.Time
}

// former is a key that is not in force any more.
type former struct {
	key
	retired time.Time
}

// knows finds a key by its id.
func (r *keyring) knows(id string) (key, bool) {
	if r.current.id == id {
		return r.current, true
	}
	for _, f := range r.former {
		if f.id == id {
			return f.key, true
		}
	}
	return key{}, false
}

// The record says which key is in force; it lies on the shelf itself.
const (
	recordKind = "pseudonym"
	recordID   = "key"
	// forever is as long as a store lives.
	forever = 100 * 365 * 24 * time.Hour
	// maxKeys bounds the keys that are known, the one in force included.
	maxKeys = 4
	// loadTries bounds how often the record is read again that changes meanwhile.
	loadTries = 5
)

// record names the keys, the one in force first.
type record struct {
	Keys    []entry   `json:"keys"`
	Unnamed time.Time `json:"unnamed,omitzero"`
}

// entry is one key. Key is there when the settings have none. Former keys are kept sealed
// with the one in force, so that every replica can read what was written before.
type entry struct {
	ID      string    `json:"id"`
	Key     []byte    `json:"key,omitempty"`
	Sealed  []byte    `json:"sealed,omitempty"`
	Retired time.Time `json:"retired,omitzero"`
}

// load finds the key in force, and makes or changes it when that is for this replica to do.
func (s *Store) load(ctx context.Context) (*keyring, error) {
	for range loadTries {
		item, err := s.Backend.Get(ctx, recordKind, recordID)
		if err != nil {
			return nil, err
		}
		var r record
		if item.Version > 0 {
			if err := json.Unmarshal(item.Data, &r); err != nil {
				return nil, fmt.Errorf("pseudonym: record of the key: %w", err)
			}
		}
		ring, changed, err := s.decide(ctx, &r)
		if err != nil || !changed {
			return ring, err
		}
		data, err := json.Marshal(r)
		if err == nil {
			err = s.Backend.Put(ctx, recordKind, recordID, data, item.Version, forever)
		}
		if !errors.Is(err, bot.ErrStale) {
			return ring, err
		}
	}
	return nil, fmt.Errorf("pseudonym: record of the key: %w", bot.ErrStale)
}

// decide gives the keys of a record, and reports whether the record was changed for that: it
// was empty, or the settings have a new key.
func (s *Store) decide(ctx context.Context, r *record) (ring *keyring, changed bool, err error) {
	switch {
	case len(r.Keys) == 0 && s.ring.Load() != nil: // the store has lost it
		ring = s.ring.Load()
		ring.write(r)
		return ring, true, nil
	case len(r.Keys) == 0:
		ring = &keyring{}
		some, err := s.Backend.Conversations(ctx)
		if err == nil {
			err = ring.put(s.settings)
		}
		if err != nil {
			return nil, false, err
		}
		if some {
			ring.unnamed = s.o.Now().UTC()
		}
		ring.write(r)
		return ring, true, nil
	}
	newest := r.Keys[0]
	switch {
	case s.settings.id == newest.ID:
		ring, err = r.ring(s.settings)
		return ring, false, err
	case newest.Key != nil:
		k, err := newKey(newest.Key)
		if err == nil {
			ring, err = r.ring(k)
		}
		if err != nil || s.settings.id == "" {
			return ring, false, err
		}
	case s.former.id == newest.ID:
		if ring, err = r.ring(s.former); err != nil {
			return nil, false, err
		}
	default:
		return nil, false, ErrKey
	}
	now := s.o.Now().UTC()
	ring.former = append([]former{{ring.current, now}}, ring.former...)
	ring.former = ring.former[:min(len(ring.former), maxKeys-1)]
	if err := ring.put(s.settings); err != nil {
		return nil, false, err
	}
	ring.write(r)
	return ring, true, nil
}

// put makes a key the one in force; without one, it is made at random and kept in the store.
func (r *keyring) put(k key) (err error) {
	if r.kept = k.id == ""; r.kept {
		k, err = newKey(newSecret())
	}
	r.current = k
	return err
}

// ring opens a record with the key in force.
func (r record) ring(current key) (*keyring, error) {
	ring := &keyring{current: current, kept: r.Keys[0].Key != nil, unnamed: r.Unnamed}
	for _, e := range r.Keys[1:] {
		secret, err := current.open(e.ID, e.Sealed)
		if err != nil {
			return nil, fmt.Errorf("pseudonym: former key: %w", err)
		}
		k, err := newKey(secret)
		if err != nil {
			return nil, err
		}
		ring.former = append(ring.former, former{k, e.Retired})
	}
	return ring, nil
}

// write makes the record that ring opens again.
func (r *keyring) write(out *record) {
	first := entry{ID: r.current.id}
	if r.kept {
		first.Key = r.current.secret
	}
	out.Keys, out.Unnamed = []entry{first}, r.unnamed
	for _, f := range r.former {
		out.Keys = append(out.Keys, entry{ID: f.id, Sealed: r.current.seal(f.id, f.secret), Retired: f.retired})
	}
}
