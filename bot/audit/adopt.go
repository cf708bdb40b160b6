package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"aeobot/bot"
)

// Parting is how the log here and the one that the replicas share stand to each other.
type Parting struct {
	// At is the first number that is another entry there than here, or whose line here is
	// not sound; 0: they are one chain.
	At int
	// Broken is what is wrong with the first line here that is not sound; nil: all are.
	Broken error
	// Here are the sound entries of this log from At on, There the store's. An entry of the
	// store that cannot be read has no Hash.
	Here, There []Entry

	data   []byte // the file
	local  chain
	stored []bot.Item // There
}

// Compare holds the log here against the store's.
func (l *Log) Compare(ctx context.Context) (p Parting, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err = l.alone(func(f *os.File) error {
		p, err = l.compare(ctx, f)
		return err
	})
	return p, err
}

func (l *Log) compare(ctx context.Context, f io.ReadSeeker) (p Parting, err error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return p, fmt.Errorf("audit: %w", err)
	}
	if p.data, err = io.ReadAll(f); err != nil {
		return p, fmt.Errorf("audit: %w", err)
	}
	p.local = readChain(p.data)
	if !errors.Is(p.local.broken, errUnended) {
		p.Broken = p.local.broken
	}
	common := len(p.local.sound)
	if l.shared != nil {
		if common, err = l.common(ctx, p.local.sound); err == nil {
			err = l.rest(ctx, &p, common)
		}
		if err != nil {
			return p, err
		}
	}
	p.Here = p.local.sound[common:]
	if p.Broken != nil || p.differs(common, p.Here) {
		p.At = common + 1
	}
	return p, nil
}

// common is the last number that is the same entry in the store as here. What the store has
// lost is no other entry: it is given back.
func (l *Log) common(ctx context.Context, here []Entry) (int, error) {
	others := false
	for n := len(here); n > 0; n-- {
		item, err := l.shared.Get(ctx, shelf, id(n))
		switch {
		case err != nil:
			return 0, fmt.Errorf("audit: %w", err)
		case item.Version == 0:
		case entryOf(item).Hash != here[n-1].Hash:
			others = true
		case others:
			return n, nil
		default:
			return len(here), nil
		}
	}
	if others {
		return 0, nil
	}
	return len(here), nil
}

// entryOf reads an entry of the store; one that cannot be read is none.
func entryOf(i bot.Item) (e Entry) {
	if json.Unmarshal(i.Data, &e) != nil {
		return Entry{}
	}
	return e
}

// rest reads what the store has after a number.
func (l *Log) rest(ctx context.Context, p *Parting, after int) error {
	for n := after + 1; ; n++ {
		item, err := l.shared.Get(ctx, shelf, id(n))
		if err != nil {
			return fmt.Errorf("audit: %w", err)
		}
		if item.Version == 0 {
			return nil
		}
		p.stored, p.There = append(p.stored, item), append(p.There, entryOf(item))
	}
}

// differs reports whether what the store has after a number is no continuation of the log
// here, or another than here.
func (p Parting) differs(common int, here []Entry) bool {
	before := Entry{}
	if common > 0 {
		before = p.local.sound[common-1]
	}
	for i, e := range p.There {
		if i < len(here) && e.Hash != here[i].Hash || e.follows(before) != nil {
			return true
		}
		before = e
	}
	return false
}

// errNotWhole means that the store's chain cannot be the one.
var errNotWhole = errors.New("the log in Redis is no whole chain, nothing was changed; run it with --adopt local where the log is that is to stay")

// Adopt makes one of two chains the log of all: the store's, or the sound lines here. What is
// not in it is kept first, line by line, in files beside the log, whose names it gives; then
// who chose which is taken down. Whenever it stops it can be done again.
func (l *Log) Adopt(ctx context.Context, p Parting, shared bool, who, what string) (asides []string, err error) {
	l.mu.Lock()
	err = l.alone(func(f *os.File) error {
		now, err := l.compare(ctx, f)
		if err != nil {
			return err
		}
		if !bytes.Equal(now.data, p.data) || len(now.stored) != len(p.stored) {
			return errors.New("audit: the logs have changed meanwhile, nothing was changed here; look at them again")
		}
		asides, err = l.adopt(ctx, f, now, shared)
		return err
	})
	l.mu.Unlock()
	if err != nil {
		return asides, err
	}
	for _, name := range asides {
		what += "，另存 " + name
	}
	return asides, l.Append(ctx, who, "adopt audit log", what)
}

// adopt keeps what goes, then lets it go.
func (l *Log) adopt(ctx context.Context, f *os.File, p Parting, shared bool) (asides []string, err error) {
	stays := p.local.size // of the file
	var there []byte
	if shared {
		if l.shared == nil || p.differs(p.At-1, nil) {
			return nil, errNotWhole
		}
		if p.At <= len(p.local.sound) {
			stays = p.local.offsets[p.At-1]
		}
	} else {
		for _, i := range p.stored {
			there = append(append(there, i.Data...), '\n')
		}
	}
	for from, data := range map[string][]byte{"here": p.data[stays:], "shared": there} {
		if len(data) == 0 {
			continue
		}
		name, err := l.keepAside(from, data)
		if err != nil {
			return nil, err
		}
		asides = append(asides, name)
	}
	slices.Sort(asides)
	if !shared {
		if err := l.replace(ctx, p); err != nil {
			return asides, err
		}
	}
	l.offsets, l.size, l.head = nil, 0, Entry{}
	if err := errors.Join(f.Truncate(stays), f.Sync()); err != nil {
		return asides, fmt.Errorf("audit: %w", err)
	}
	return asides, nil
}

// replace makes the sound lines here the store's, from the last entry down, so that whoever
// looks meanwhile finds chains that have parted.
func (l *Log) replace(ctx context.Context, p Parting) error {
	for i, item := range slices.Backward(p.stored) {
		var data []byte
		keep := time.Duration(0) // there is none here
		if i < len(p.Here) {
			var err error
			if data, err = json.Marshal(p.Here[i]); err != nil {
				return fmt.Errorf("audit: %w", err)
			}
			keep = sharedFor
		}
		if err := l.shared.Put(ctx, shelf, item.ID, data, item.Version, keep); err != nil {
			return fmt.Errorf("audit: entry %s of the store: %w; what it had is kept, run it again", item.ID, err)
		}
	}
	return nil
}

// keepAside writes lines into a file of their own.
func (l *Log) keepAside(from string, data []byte) (string, error) {
	stamp := l.now().Format("2006-01-02-150405.000")
	name := fmt.Sprintf("audit-aside-%s-%s.jsonl", stamp, from)
	f, err := os.OpenFile(filepath.Join(filepath.Dir(l.path), name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("audit: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return "", fmt.Errorf("audit: %w", err)
	}
	return name, nil
}
