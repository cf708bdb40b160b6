package bot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Mark is a file that outlives a crash: which member of the Membership a replica was, and
// whether it had answered something that the store did not know of. A nil Mark keeps
// nothing.
type Mark struct {
	file *os.File
	// id is the member that the file is of now, unsaved what it says of it.
	id      string
	unsaved bool
	// Before is the member that used the file last, and Unsaved whether it left something
	// that was not saved; empty: there was none.
	Before  string
	Unsaved bool
}

// The file has one byte, saved or left, and the member's id. The byte is changed in place,
// which needs no room on a disk that is full.
const (
	markSaved = '0'
	markLeft  = '1'
)

// OpenMark opens or makes the file, and its folder.
func OpenMark(path string) (*Mark, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("bot: %w", err)
	}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("bot: %w", err)
	}
	m := &Mark{}
	if len(data) > 0 {
		m.Unsaved, m.Before = data[0] == markLeft, string(data[1:])
		m.id, m.unsaved = m.Before, m.Unsaved
	}
	if m.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, fmt.Errorf("bot: %w", err)
	}
	return m, nil
}

// own makes the file that of a member; what was left is taken care of first.
func (m *Mark) own(id string, unsaved bool) error {
	if m == nil {
		return nil
	}
	b := []byte{markSaved}
	if unsaved {
		b[0] = markLeft
	}
	if _, err := m.file.WriteAt(append(b, id...), 0); err != nil {
		return fmt.Errorf("bot: %w", err)
	}
	m.id, m.unsaved = id, unsaved
	return nil
}

// Set notes whether something is not saved.
func (m *Mark) Set(unsaved bool) error {
	if m == nil || m.unsaved == unsaved {
		return nil
	}
	return m.own(m.id, unsaved)
}

// Close closes the file.
func (m *Mark) Close() error {
	if m == nil {
		return nil
	}
	return m.file.Close()
}
