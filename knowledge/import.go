package knowledge

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ErrExists means another file of that name is stored already.
var ErrExists = errors.New("another file of that name is stored already")

// Stored is what Store did.
type Stored struct {
	// Path is where the document lies; its notes lie beside it.
	Path string
	// Unchanged means that the same bytes lay there already.
	Unchanged bool
}

// Store puts a document and, when there are any, its notes into folder dir, which it
// makes. A stored file with other bytes is replaced only when replace is set, and stays
// whole until the new one is written. With dryRun it only tells. Names cannot lead out of
// the folder, nor can links that lie in it.
func Store(dir string, files map[string][]byte, replace, dryRun bool) (Stored, error) {
	if !dryRun {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return Stored{}, fmt.Errorf("knowledge: %w; make the folder writable", err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil && !(dryRun && errors.Is(err, fs.ErrNotExist)) {
		return Stored{}, fmt.Errorf("knowledge: %w; make the folder readable", err)
	}
	s := Stored{Unchanged: root != nil}
	var names []string // notes first: without their document they do nothing
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, NotesSuffix) {
			names = slices.Insert(names, 0, name)
		} else {
			names, s.Path = append(names, name), filepath.Join(dir, name)
		}
	}
	if root == nil {
		return s, nil
	}
	defer root.Close() // all that was written through it is closed by then
	for _, name := range names {
		same, err := compare(root, name, files[name], replace)
		if err != nil {
			return Stored{}, fmt.Errorf("knowledge: %s: %w", filepath.Join(dir, name), err)
		}
		s.Unchanged = s.Unchanged && same
	}
	if dryRun || s.Unchanged {
		return s, nil
	}
	for _, name := range names {
		if err := writeWhole(root, name, files[name]); err != nil {
			return Stored{}, err
		}
	}
	return s, nil
}

// compare tells whether a file is stored with just these bytes, and whether it may be.
func compare(root *os.Root, name string, data []byte, replace bool) (same bool, err error) {
	if name != filepath.Base(name) || strings.ContainsAny(name, "/\\\x00") || strings.HasPrefix(name, ".") {
		return false, errors.New("is no plain file name")
	}
	if err := alone(root, name); err != nil {
		return false, err
	}
	stored, err := root.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case bytes.Equal(stored, data):
		return true, nil
	case !replace:
		return false, fmt.Errorf("%w; use --replace to put the new one in its place", ErrExists)
	}
	return false, nil
}

// alone makes sure that no file lies there whose name is the same elsewhere, and no
// document of that id in another format: two cannot be loaded together.
func alone(root *os.Root, name string) error {
	stored, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	id := DocumentID(name)
	for _, e := range stored {
		other := DocumentID(e.Name())
		switch {
		case e.Name() == name:
		case id != "" && other == id:
			return fmt.Errorf("%w, as %s; rename the new one or remove the old", ErrExists, e.Name())
		case FoldName(e.Name()) == FoldName(name), id != "" && FoldName(other) == FoldName(id):
			return &NamesError{[2]string{e.Name(), name}, ErrNames}
		}
	}
	return nil
}

// ReadText reads a file of the knowledge as text in UTF-8, which it is made into when it
// is GB18030.
func ReadText(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, fmt.Errorf("knowledge: %w; name a file that can be read", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("knowledge: %s is no plain file; name a file that can be read", file)
	}
	if info.Size() > MaxFileBytes {
		return nil, fmt.Errorf("knowledge: %s has %d bytes, more than %d; split it", file, info.Size(), MaxFileBytes)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("knowledge: %w; name a file that can be read", err)
	}
	text, _, err := ToUTF8(data)
	if err != nil {
		return nil, fmt.Errorf("knowledge: %s %w; save it as text in UTF-8 or GB18030", file, err)
	}
	return text, nil
}

// writeWhole writes a file so that a reader sees the old bytes or the new ones,
// never a part, whatever stops the program.
func writeWhole(root *os.Root, name string, data []byte) error {
	tmp := ".import-" + name
	f, err := root.Create(tmp)
	if err != nil {
		return fmt.Errorf("knowledge: %w; make the folder writable", err)
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = root.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("knowledge: storing %s: %w", name, err), root.Remove(tmp))
	}
	return nil
}
