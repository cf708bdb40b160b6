package knowledge

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Imported is what Import stored.
type Imported struct {
	Path      string // of the stored file
	Converted bool   // the file was GB18030 and is stored as UTF-8
	Unchanged bool   // the same bytes were stored already
	Document  *Document
}

// ErrExists means another file of that name is stored already.
var ErrExists = errors.New("another file of that name is stored already")

// Import reads file, checks that a document can be made of it, and stores it in
// folder dir as UTF-8. Spans and hash are those of the stored file. A stored file
// with other bytes is replaced only when replace is set, and stays whole until
// the new one is written. With dryRun nothing is stored.
func Import(file, dir string, replace, dryRun bool) (Imported, error) {
	if readerFor(file) == nil {
		return Imported{}, fmt.Errorf("knowledge: %s: no reader for %q; use one of %s", file, filepath.Ext(file), extensions())
	}
	text, converted, err := readText8(file)
	if err != nil {
		return Imported{}, err
	}
	target := filepath.Join(dir, filepath.Base(file))
	doc, err := parse(target, text)
	if err != nil {
		return Imported{}, err
	}
	in := Imported{Path: target, Converted: converted, Document: doc}
	stored, err := os.ReadFile(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return Imported{}, fmt.Errorf("knowledge: %w", err)
	case bytes.Equal(stored, text):
		in.Unchanged = true
		return in, nil
	case !replace:
		return Imported{}, fmt.Errorf("knowledge: %s: %w; use --replace to put the new one in its place", target, ErrExists)
	}
	if dryRun {
		return in, nil
	}
	return in, writeWhole(target, text)
}

// ReadText reads a file of the knowledge as text in UTF-8, which it is made into when it
// is GB18030.
func ReadText(file string) ([]byte, error) {
	text, _, err := readText8(file)
	return text, err
}

func readText8(file string) (text []byte, converted bool, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, false, fmt.Errorf("knowledge: %w; name a file that can be read", err)
	}
	if info.Size() > MaxFileBytes {
		return nil, false, fmt.Errorf("knowledge: %s has %d bytes, more than %d; split it", file, info.Size(), MaxFileBytes)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, false, fmt.Errorf("knowledge: %w; name a file that can be read", err)
	}
	text, converted, err = ToUTF8(data)
	if err != nil {
		return nil, false, fmt.Errorf("knowledge: %s %w; save it as text in UTF-8 or GB18030", file, err)
	}
	return text, converted, nil
}

// writeWhole writes a file so that a reader sees the old bytes or the new ones,
// never a part, whatever stops the program.
func writeWhole(target string, data []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return fmt.Errorf("knowledge: %w; make the folder writable", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), ".import-*")
	if err != nil {
		return fmt.Errorf("knowledge: %w; make the folder writable", err)
	}
	defer os.Remove(tmp.Name()) // after the rename there is nothing to remove
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), target)
	}
	if err != nil {
		return fmt.Errorf("knowledge: storing %s: %w", target, err)
	}
	return nil
}
