package index

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// folder is a place for one index, locked for this process.
type folder struct {
	path      string
	lock      *os.File
	temporary bool
}

// takeFolder locks the first free place for a fingerprint, so that replicas on one
// machine do not touch each other's files. Places of other fingerprints that
// nobody holds are swept away.
func takeFolder(root, fingerprint string) (*folder, error) {
	temporary := root == ""
	if temporary {
		path, err := os.MkdirTemp("", "aeobot-index-")
		if err != nil {
			return nil, err
		}
		return &folder{path: path, temporary: true}, nil
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	name := fingerprint + "-v" + diskVersion
	sweep(root, name)
	for slot := 1; ; slot++ {
		path := filepath.Join(root, fmt.Sprintf("%s.%d", name, slot))
		lock, err := lockFile(path + ".lock")
		switch {
		case errors.Is(err, errLocked) && slot < maxSlots:
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w; remove the folder if no other program uses it", path, err)
		}
		return &folder{path: path, lock: lock}, nil
	}
}

// maxSlots bounds how many processes may share a folder.
const maxSlots = 64

// diskVersion goes into the name of an index on disk; raise it when passages come
// to be cut or stored otherwise.
const diskVersion = "2"

// sweep removes what no process holds and nobody will open again.
func sweep(root, keep string) {
	locks, err := filepath.Glob(filepath.Join(root, "*.lock"))
	if err != nil {
		return
	}
	for _, name := range locks {
		base := filepath.Base(name)
		if len(base) > len(keep) && base[:len(keep)] == keep {
			continue
		}
		lock, err := lockFile(name)
		if err != nil {
			continue
		}
		// What cannot be removed now is tried again at the next start.
		_ = os.RemoveAll(name[:len(name)-len(".lock")])
		_ = os.Remove(name)
		_ = lock.Close()
	}
}

func (f *folder) index() string    { return filepath.Join(f.path, "bleve") }
func (f *folder) manifest() string { return filepath.Join(f.path, "manifest") }

func (f *folder) empty() error {
	if err := os.RemoveAll(f.path); err != nil {
		return err
	}
	return os.MkdirAll(f.path, 0o700)
}

// release gives the place back; the files stay for the next start.
func (f *folder) release() error {
	if f.temporary {
		return os.RemoveAll(f.path)
	}
	return f.lock.Close()
}

// discard gives the place back without its files.
func (f *folder) discard() error { return errors.Join(os.RemoveAll(f.path), f.release()) }

// manifest is what is known of a finished index: the counts, and the checksum of
// every file, since Bleve looks at none and takes damage for data.
type manifest struct {
	Counts counts
	Files  map[string]checksum
}

type checksum struct {
	Size int64
	CRC  uint32
}

// seal writes the manifest; only then is the index whole.
func (f *folder) seal(c counts) error {
	files, err := checksums(f.index())
	if err != nil {
		return err
	}
	out, err := os.Create(f.manifest() + ".new")
	if err != nil {
		return err
	}
	var data bytes.Buffer
	if err := gob.NewEncoder(&data).Encode(manifest{c, files}); err != nil {
		return errors.Join(err, out.Close())
	}
	_, err = out.Write(binary.BigEndian.AppendUint32(data.Bytes(), crc32.Checksum(data.Bytes(), castagnoli)))
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(f.manifest()+".new", f.manifest())
}

// check compares the files with the manifest. An index that was never finished
// gives os.ErrNotExist.
func (f *folder) check() (counts, error) {
	data, err := os.ReadFile(f.manifest())
	if err != nil {
		return counts{}, err
	}
	end := len(data) - crc32.Size
	if end < 0 || binary.BigEndian.Uint32(data[end:]) != crc32.Checksum(data[:end], castagnoli) {
		return counts{}, fmt.Errorf("%s is damaged", f.manifest())
	}
	var m manifest
	if err := gob.NewDecoder(bytes.NewReader(data[:end])).Decode(&m); err != nil {
		return counts{}, fmt.Errorf("%s: %w", f.manifest(), err)
	}
	files, err := checksums(f.index())
	if err != nil {
		return counts{}, err
	}
	for name, want := range m.Files {
		if files[name] != want {
			return counts{}, fmt.Errorf("%s is damaged", filepath.Join(f.index(), name))
		}
	}
	return m.Counts, nil
}
