package versions

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// asidePrefix begins the names of the folders, below the one of the states in force, that
// hold states of another chain: aside-2026-11-30-093005/000004.
const asidePrefix = "aside-"

// Asides are the folders of states that were set aside, the oldest first. All, Get, Files
// and Path work on them; they are no whole chain, so that Verify does not.
func (f *Folder) Asides() ([]*Folder, error) {
	names, err := filepath.Glob(filepath.Join(f.root, asidePrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("versions: %w", err)
	}
	slices.Sort(names)
	var all []*Folder
	for _, name := range names {
		all = append(all, Open(name))
	}
	return all, nil
}

// Root is the folder itself.
func (f *Folder) Root() string { return f.root }

// NewAside makes a folder for states that are to be set aside, named with the time.
func (f *Folder) NewAside(at time.Time) (*Folder, error) {
	if err := os.MkdirAll(f.root, 0o755); err != nil {
		return nil, fmt.Errorf("versions: %w; make the data folder writable", err)
	}
	name := filepath.Join(f.root, asidePrefix+at.Format(asideTime))
	for n := 1; ; n++ {
		path := name
		if n > 1 {
			path = fmt.Sprintf("%s-%d", name, n)
		}
		err := os.Mkdir(path, 0o755)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("versions: %w; make the data folder writable", err)
		}
		return Open(path), nil
	}
}

// asideTime is how a folder's name says when its states were set aside.
const asideTime = "2006-01-02-150405"

// SetAsideAt is when the states of a folder of Asides were set aside.
func (f *Folder) SetAsideAt(zone *time.Location) (time.Time, error) {
	name := strings.TrimPrefix(filepath.Base(f.root), asidePrefix)
	at, err := time.ParseInLocation(asideTime, name[:min(len(name), len(asideTime))], zone)
	if err != nil {
		return at, fmt.Errorf("versions: %s: %w", f.root, err)
	}
	return at, nil
}

// SetAside moves all states after a number into another folder, the newest first: whenever
// it stops, what is left is a chain, and every state is in one of both folders.
func (f *Folder) SetAside(after int, to *Folder) error {
	numbers, err := f.numbers()
	if err != nil {
		return err
	}
	for _, n := range slices.Backward(numbers) {
		if n <= after {
			break
		}
		// Another process may be doing the same.
		if err := os.Rename(f.path(n), to.path(n)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("versions: set %d aside: %w", n, err)
		}
	}
	return errors.Join(syncFolder(to.root), syncFolder(f.root))
}

// Keep stores a state of another chain in a folder of states that were set aside.
func (f *Folder) Keep(number int, record []byte, files map[string][]byte) error {
	return f.place(number, record, files)
}
