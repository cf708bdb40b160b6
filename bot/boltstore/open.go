package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// ErrDamaged means the file is no sound store. It is left as it is.
var ErrDamaged = errors.New("file is damaged; move it away to start with an empty memory")

// ErrInUse means another process has the file open.
var ErrInUse = errors.New("file is in use by another process; stop that one or choose another data folder")

// lockWait bounds the wait for another process: bbolt's own default is for ever.
const lockWait = time.Second

// Open opens the file, making it when there is none, after checking that it can be
// trusted: bbolt panics, or is killed by the system, on some kinds of damage. A
// damaged file is an error and keeps every byte.
func Open(path string, o Options) (*Store, error) {
	o.setDefaults()
	if err := inspect(path); err != nil {
		return nil, fmt.Errorf("boltstore: %s: %w", path, err)
	}
	s := &Store{o: o, path: path, claims: map[string]claim{}, leases: map[string]claim{}, tasks: map[string]claim{}, ended: make(chan struct{})}
	err := guarded(func() (err error) {
		s.db, err = openFile(path, o)
		return err
	})
	if err == nil {
		err = removeAll(compacted(path)) // of one that was killed: what is forgotten now would stay there
	}
	if err == nil {
		err = guarded(func() error { return s.db.Update(makeBuckets) })
	}
	if err != nil {
		return nil, fmt.Errorf("boltstore: %s: %w", path, explain(err))
	}
	s.w = &writer{db: s.db, log: o.Log, guard: s.guard, free: func() bool { return removeBallast(path) == nil }}
	if err := makeBallast(path); err != nil {
		o.Log.Warn("no room for the ballast that helps when the disk is full", slog.Any("error", err))
	}
	s.swept.Go(s.sweep)
	return s, nil
}

// openFile opens a file once nobody else has it. Another process may have put a compact one in
// its place meanwhile.
func openFile(path string, o Options) (*bbolt.DB, error) {
	for {
		var file *os.File
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockWait, NoSync: o.NoSync, FreelistType: bbolt.FreelistMapType,
			OpenFile: func(name string, flag int, mode os.FileMode) (f *os.File, err error) {
				f, err = os.OpenFile(name, flag, mode)
				if file == nil {
					file = f
				}
				return f, err
			}})
		if err != nil {
			return nil, err
		}
		here, err := file.Stat()
		there, err2 := os.Stat(path)
		if err = errors.Join(err, err2); err == nil && os.SameFile(here, there) {
			return db, nil
		}
		if err = errors.Join(err, db.Close()); err != nil {
			return nil, err
		}
	}
}

func makeBuckets(tx *bbolt.Tx) error {
	for _, b := range buckets {
		if _, err := tx.CreateBucketIfNotExists(b); err != nil {
			return err
		}
	}
	return nil
}

// explain gives bbolt's errors the words an operator needs.
func explain(err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return ErrInUse
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; give the user of the program the right to write there", err)
	}
	return err
}

// inspect reads a file through without writing to it.
func inspect(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.Size() == 0 && info.Mode().IsRegular():
		return nil // bbolt will make it
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("is not a file; choose another data folder")
	}
	if err := checkSize(path, info.Size()); err != nil {
		return err
	}
	return guarded(func() error {
		db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: lockWait})
		if errors.Is(err, bolterrors.ErrTimeout) || errors.Is(err, fs.ErrPermission) {
			return explain(err)
		}
		if err != nil {
			return fmt.Errorf("%w (%w)", ErrDamaged, err)
		}
		return errors.Join(db.View(walk), db.Close())
	})
}

// walk visits every page that is in use. bbolt's own check runs in a goroutine of
// its own, where a panic could not be caught.
func walk(tx *bbolt.Tx) error {
	return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
		return b.ForEach(func(_, v []byte) error {
			// Every byte of a value is touched, so that one beyond the end of the file is
			// met here and not later. A wrong value is not damage of the file: it counts
			// as absent when it is read.
			_, _, _ = unseal(v)
			return nil
		})
	})
}

// Layout of a bbolt header page, of which a file begins with two. bbolt writes the
// machine's own byte order; every machine we build for is little-endian.
const (
	metaOffset   = 16 // bytes of page header
	metaSize     = 64
	metaMagic    = 0xED0CDAED
	metaHighPage = 40 // number of the first page never used
	metaChecksum = 56
)

// checkSize compares the pages that the header speaks of with the file's size.
// bbolt maps the file into memory: reading behind its end would kill the process.
func checkSize(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return explain(err)
	}
	defer f.Close()
	pageSize := int64(os.Getpagesize())
	sound, need := 0, int64(0)
	for page := range int64(2) {
		meta := make([]byte, metaSize)
		if _, err := f.ReadAt(meta, page*pageSize+metaOffset); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if binary.LittleEndian.Uint32(meta) != metaMagic || !checksumFits(meta) {
			continue
		}
		sound++
		need = max(need, int64(binary.LittleEndian.Uint64(meta[metaHighPage:]))*int64(binary.LittleEndian.Uint32(meta[8:])))
	}
	switch {
	case sound == 0:
		return fmt.Errorf("%w (no sound header)", ErrDamaged)
	case need > size:
		return fmt.Errorf("%w (it is cut short: %d bytes of %d)", ErrDamaged, size, need)
	}
	return nil
}

func checksumFits(meta []byte) bool {
	h := fnv.New64a()
	h.Write(meta[:metaChecksum])
	return h.Sum64() == binary.LittleEndian.Uint64(meta[metaChecksum:])
}

// guarded turns a panic, and a fault on memory-mapped pages, into an error.
func guarded(do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w (%v)", ErrDamaged, v)
		}
	}()
	return do()
}

// ballastBytes is kept free for the day the disk is full: bbolt needs room even to
// delete.
const ballastBytes = 8 << 20

func ballast(path string) string { return path + ".ballast" }

func makeBallast(path string) (err error) {
	f, err := os.OpenFile(ballast(path), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(make([]byte, ballastBytes))
	return err
}

func removeBallast(path string) error { return removeAll(ballast(path)) }

// removeAll removes a file that may not be there.
func removeAll(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
