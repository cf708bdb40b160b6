package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"aeobot/bot"
	"aeobot/configs"
	"aeobot/knowledge/versions"
)

// exchange keeps the published states of this replica's folder and those of the others
// the same, through the store they share. Without such a store the folder is all there is.
//
// States are followed and offered only as long as both are one chain. When they have
// parted, both stay as they are until somebody chooses; see adoption.
type exchange struct {
	folder *versions.Folder
	shared bot.Publications // nil: one replica
	notes  bot.Shelf        // where replicas whose chain is another say so
	last   *atomic.Pointer[comparison]
}

func newExchange(c configs.Config, s any) exchange {
	shared, ok := s.(bot.Publications)
	if !ok {
		return exchange{folder: published(c)}
	}
	notes, _ := s.(bot.Shelf)
	return exchange{published(c), shared, notes, &atomic.Pointer[comparison]{}}
}

// bundle is a state as replicas exchange it.
type bundle struct {
	Record []byte            `json:"record"`
	Files  map[string][]byte `json:"files"`
}

// maxBundle bounds a state as it is unpacked.
const maxBundle = 256 << 20

func pack(record []byte, files map[string][]byte) ([]byte, error) {
	data, err := bot.Pack(bundle{record, files}, maxBundle)
	if err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	return data, nil
}

func unpack(data []byte) (b bundle, err error) {
	if err := bot.Unpack(data, maxBundle, &b); err != nil {
		return b, fmt.Errorf("exchange: %w", err)
	}
	return b, nil
}

// comparison is how the chain here and the one in the shared store stand to each other.
type comparison struct {
	head     int      // highest number here
	own      string   // digest of its record
	stored   []string // digests as the store has them, from number 1
	digests  []string // the same, those filled in that the store did not have; empty: lost
	partedAt int      // first number that is another state there than here; 0: none
}

// unreadable stands for the digest of an announced state that cannot be read.
const unreadable = "unreadable"

// compare holds the chains against each other, record by record. The result of before is
// given again as long as neither has changed.
func (e exchange) compare(ctx context.Context) (comparison, error) {
	stored, err := e.shared.Digests(ctx)
	if err != nil {
		return comparison{}, err
	}
	c := comparison{stored: stored, digests: slices.Clone(stored)}
	head, some, err := e.folder.Head()
	if err != nil {
		return c, err
	}
	if some {
		c.head = head.Number
		if c.own, err = e.folder.Digest(c.head); err != nil {
			return c, err
		}
	}
	if last := e.last.Load(); last != nil && last.head == c.head && last.own == c.own && slices.Equal(last.stored, stored) {
		return *last, nil
	}
	for i, digest := range stored {
		if digest == "" {
			if c.digests[i], err = e.fillIn(ctx, i+1); err != nil {
				return c, err
			}
		}
	}
	for n := 1; n <= min(c.head, len(stored)); n++ {
		own, err := e.folder.Digest(n)
		if err != nil {
			return c, err
		}
		if c.digests[n-1] != "" && c.digests[n-1] != own {
			c.partedAt = n
			break
		}
	}
	e.last.Store(&c)
	return c, nil
}

// fillIn gives the digest of a state that an earlier release announced without, and notes
// it in the store.
func (e exchange) fillIn(ctx context.Context, n int) (string, error) {
	data, err := e.shared.Announced(ctx, n)
	if err != nil || data == nil {
		return "", err
	}
	b, err := unpack(data)
	if err != nil {
		return unreadable, nil
	}
	v, err := versions.Check(b.Record, b.Files)
	if err != nil || v.Number != n {
		return unreadable, nil
	}
	digest := versions.DigestOf(b.Record)
	_, err = e.shared.Announce(ctx, bot.Announcement{Number: n, Digest: digest, Before: v.Before, State: data})
	return digest, err // when another took the number, the next look shows it
}

// howToChoose is what to do about parted chains.
const howToChoose = "nothing is published from here until one chain is chosen: `aeobot knowledge versions` shows both, --adopt shared or --adopt local chooses; another installation on this Redis needs a redis.key_prefix of its own"

func (c comparison) err() error {
	if c.partedAt == 0 {
		return nil
	}
	return fmt.Errorf("%w: from number %d on the versions here (up to %d) are not those in the shared store (up to %d); %s",
		versions.ErrDiverged, c.partedAt, c.head, len(c.digests), howToChoose)
}

// publish makes a state the one in force for all replicas. With a shared store the
// announcement decides who has the number; a crash after it leaves the state to be fetched
// from there.
func (e exchange) publish(ctx context.Context, v versions.Version, files map[string][]byte) (versions.Version, error) {
	if e.shared == nil {
		return e.folder.Publish(v, files)
	}
	err := e.sync(ctx)
	switch {
	case errors.Is(err, versions.ErrDiverged), errors.Is(err, versions.ErrStale):
		return versions.Version{}, err
	case err != nil:
		return versions.Version{}, fmt.Errorf("the other replicas cannot be reached, nothing was published: %w", err)
	}
	v, record, err := e.folder.Prepare(v, files)
	if err != nil {
		return versions.Version{}, err
	}
	data, err := pack(record, files)
	if err != nil {
		return versions.Version{}, err
	}
	kept, err := e.shared.Announce(ctx, bot.Announcement{Number: v.Number, Digest: versions.DigestOf(record), Before: v.Before, State: data})
	if err != nil {
		return versions.Version{}, fmt.Errorf("the shared store did not answer; `aeobot knowledge versions` tells later whether version %d was published: %w", v.Number, err)
	}
	if !kept {
		return versions.Version{}, versions.ErrStale
	}
	return e.folder.Take(record, files)
}

// sync fetches what others have announced, and announces what only this folder has: the
// store may have lost it. It fails with versions.ErrDiverged when the chains have parted.
func (e exchange) sync(ctx context.Context) error {
	if e.shared == nil {
		return nil
	}
	c, err := e.compare(ctx)
	if err = cmp.Or(err, c.err()); err != nil {
		return err
	}
	for n := 1; n <= c.head; n++ {
		if n > len(c.digests) || c.digests[n-1] == "" {
			if err := e.offer(ctx, n); err != nil {
				return fmt.Errorf("version %d: %w", n, err)
			}
		}
	}
	for n := c.head + 1; n <= len(c.digests); n++ {
		err := e.fetch(ctx, n)
		if errors.Is(err, versions.ErrDiverged) || errors.Is(err, versions.ErrChanged) {
			err = fmt.Errorf("%w: the shared store's are no whole chain: %w; %s", versions.ErrDiverged, err, howToChoose)
		}
		if err != nil {
			return fmt.Errorf("version %d: %w", n, err)
		}
	}
	return nil
}

// announced gives a state of the shared store.
func (e exchange) announced(ctx context.Context, n int) (b bundle, err error) {
	data, err := e.shared.Announced(ctx, n)
	if err != nil {
		return b, err
	}
	if data == nil {
		return b, errors.New("the shared store has lost it; a running replica that has it puts it back")
	}
	if b, err = unpack(data); err != nil {
		err = fmt.Errorf("%w: number %d of the shared store: %w", versions.ErrChanged, n, err)
	}
	return b, err
}

func (e exchange) fetch(ctx context.Context, n int) error {
	b, err := e.announced(ctx, n)
	if err != nil {
		return err
	}
	_, err = e.folder.Take(b.Record, b.Files)
	return err
}

func (e exchange) offer(ctx context.Context, n int) error {
	a, err := e.announcement(n)
	if err != nil {
		return err
	}
	kept, err := e.shared.Announce(ctx, a)
	if err == nil && !kept {
		return versions.ErrStale
	}
	return err
}

// announcement is a state of this folder as it is made known.
func (e exchange) announcement(n int) (a bot.Announcement, err error) {
	v, err := e.folder.Get(n)
	if err != nil {
		return a, err
	}
	record, err := e.folder.Record(v)
	if err != nil {
		return a, err
	}
	files, err := e.folder.Files(v)
	if err != nil {
		return a, err
	}
	data, err := pack(record, files)
	return bot.Announcement{Number: n, Digest: versions.DigestOf(record), Before: v.Before, State: data}, err
}

// followEvery is how often a replica looks for a new state.
const followEvery = time.Second

// follow puts published states in force until ctx ends.
func (s *server) follow(ctx context.Context) {
	if len(s.settings.Knowledge.Paths) > 0 {
		return // the files the settings name are the knowledge
	}
	e := newExchange(s.settings, s.store)
	trouble, inForce, behind := "", "", false
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(followEvery):
		}
		synced := e.sync(ctx)
		parted := s.noteParted(ctx, e, synced)
		caught := s.catchUp(ctx, e.folder, &inForce)
		if caught != nil || behind {
			s.outdated(caught)
		}
		behind = caught != nil
		err := errors.Join(cmp.Or(synced, parted), caught)
		if err != nil && err.Error() != trouble && ctx.Err() == nil {
			s.log.Warn("published knowledge not followed", slog.Any("error", err))
		}
		trouble = ""
		if err != nil {
			trouble = err.Error()
		}
	}
}

// noteParted keeps for /readyz and metrics that the chains of versions have parted, here or
// at another replica, and tells the others when it is here. While the shared store cannot be
// read, what was known stays.
func (s *server) noteParted(ctx context.Context, e exchange, synced error) error {
	if e.shared == nil {
		return nil
	}
	parted := synced
	if synced == nil {
		parted = e.partedElsewhere(ctx)
	}
	if parted != nil && !errors.Is(parted, versions.ErrDiverged) {
		return parted
	}
	if synced != nil {
		if err := e.tellParted(ctx); err != nil {
			return err
		}
	}
	s.metrics.parted(parted != nil)
	s.diverged.Store(reason(parted))
	return parted
}

// catchUp puts the folder's head in force when it is not. inForce is the digest of the one
// that is: another chain may have the same numbers.
func (s *server) catchUp(ctx context.Context, folder *versions.Folder, inForce *string) error {
	head, some, err := folder.Head()
	if err != nil || !some {
		return err
	}
	digest, err := folder.Digest(head.Number)
	if err != nil || digest == *inForce && int64(head.Number) == s.version.Load() {
		return err
	}
	if *inForce == "" && s.startedWith(folder, head) {
		s.version.Store(int64(head.Number))
	} else if err := s.reload(ctx); err != nil {
		return err
	}
	*inForce = digest
	return nil
}

// startedWith reports whether the knowledge in force is a version's files as they are read
// now: what its record calls itself proves nothing. When they cannot be read, reload says why.
func (s *server) startedWith(folder *versions.Folder, v versions.Version) bool {
	files, err := folder.Files(v)
	if err != nil {
		return false
	}
	read, err := state{files: files}.library()
	if err != nil {
		return false
	}
	g, release, err := s.live.Acquire()
	if err != nil {
		return false
	}
	defer release()
	return g.Library().Fingerprint == read.Fingerprint
}

// partedKind is the kind of the notes that replicas leave whose chain is another than the
// shared store's, and partedFor is how long a note counts: its writer renews it every second.
const (
	partedKind = "diverged"
	partedFor  = 20 * time.Second
)

// partedNote is what a replica tells of a chain of its own. Its id is the head's digest.
type partedNote struct {
	Head int `json:"head"`
	From int `json:"from"` // first number that is another state there
}

// tellParted leaves a note for the other replicas.
func (e exchange) tellParted(ctx context.Context) error {
	c, err := e.compare(ctx)
	if err != nil || c.own == "" {
		return err
	}
	data, err := json.Marshal(partedNote{c.head, cmp.Or(c.partedAt, c.head+1)})
	if err != nil {
		return err
	}
	was, err := e.notes.Get(ctx, partedKind, c.own)
	if err != nil {
		return err
	}
	err = e.notes.Put(ctx, partedKind, c.own, data, was.Version, partedFor)
	if errors.Is(err, bot.ErrStale) {
		return nil // another replica with the same chain was quicker
	}
	return err
}

// untellParted takes the note of a chain back that is not this replica's any more. One that
// stays goes by itself.
func (e exchange) untellParted(ctx context.Context, digest string) {
	if was, err := e.notes.Get(ctx, partedKind, digest); err == nil && was.Version > 0 {
		_ = e.notes.Put(ctx, partedKind, digest, nil, was.Version, 0)
	}
}

// partedElsewhere fails with versions.ErrDiverged when another replica has told that its
// chain is not the shared store's, which is this one's.
func (e exchange) partedElsewhere(ctx context.Context) error {
	c, err := e.compare(ctx)
	if err != nil {
		return err
	}
	notes, err := e.notes.Items(ctx, partedKind)
	if err != nil {
		return err
	}
	for _, item := range notes {
		var note partedNote
		if slices.Contains(c.digests, item.ID) || json.Unmarshal(item.Data, &note) != nil {
			continue // its chain is this one again
		}
		return fmt.Errorf("%w: another replica has versions of its own from number %d on (up to %d); run `aeobot knowledge versions` there, and choose with --adopt shared or --adopt local", versions.ErrDiverged, note.From, note.Head)
	}
	return nil
}
