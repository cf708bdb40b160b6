package boltstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
)

// compactStep bounds what is copied in one transaction, in bytes.
const compactStep = 1 << 20

func compacted(path string) string { return path + ".compact" }

// CloseCompact ends the store and leaves a file without what was removed: bbolt keeps the
// bytes of removed values in free pages until they are written over. The compact file takes
// the place of the old one once it is whole on the disk, so that a crash leaves either; after
// an error the old one stays.
func (s *Store) CloseCompact() error {
	err := s.guard(s.compact)
	err = errors.Join(err, s.Close()) // its lock is held until the compact file is in its place
	if err != nil {
		return fmt.Errorf("boltstore: compact: %w", err)
	}
	return nil
}

func (s *Store) compact() (err error) {
	name := compacted(s.path)
	if err := removeAll(name); err != nil {
		return err
	}
	copied, err := bbolt.Open(name, 0o600, &bbolt.Options{Timeout: lockWait})
	if err != nil {
		return err
	}
	err = bbolt.Compact(copied, s.db, compactStep)
	err = errors.Join(err, copied.Close())
	if err == nil {
		err = os.Rename(name, s.path)
	}
	if err != nil {
		return errors.Join(err, removeAll(name))
	}
	return syncFolder(filepath.Dir(s.path))
}

// syncFolder makes a rename last.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
