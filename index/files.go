package index

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
)

// errLocked means that another process holds the lock.
var errLocked = errors.New("in use by another process")

// lockFile takes an exclusive lock that ends with the process, however it ends.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksums reads all files below a folder. CRC-32C takes a processor instruction
// and finds every fault a disk makes; it is no guard against people.
func checksums(root string) (map[string]checksum, error) {
	sums := map[string]checksum{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		h := crc32.New(castagnoli)
		size, err := io.CopyBuffer(h, f, make([]byte, 1<<20))
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		sums[name] = checksum{size, h.Sum32()}
		return err
	})
	return sums, err
}

// ErrPanic means that Bleve panicked.
var ErrPanic = errors.New("index: bleve panicked")

// guard runs f and makes an error of a panic. Bleve panics on damaged files, and
// reading a file that was cut short under an open index is a memory fault; neither
// may take the program down.
func guard(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", ErrPanic, r)
		}
	}()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	return f()
}
