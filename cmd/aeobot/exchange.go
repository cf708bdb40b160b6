package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"aeobot/bot"
	"aeobot/configs"
	"aeobot/knowledge/versions"
)

// exchange keeps the published states of this replica's folder and those of the others
// the same, through the store they share. Without such a store the folder is all there is.
type exchange struct {
	folder *versions.Folder
	shared bot.Publications // nil: one replica
}

func newExchange(c configs.Config, s any) exchange {
	shared, _ := s.(bot.Publications)
	return exchange{published(c), shared}
}

// bundle is a state as replicas exchange it.
type bundle struct {
	Record []byte            `json:"record"`
	Files  map[string][]byte `json:"files"`
}

// maxBundle bounds a state as it is unpacked.
const maxBundle = 256 << 20

func pack(record []byte, files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(bundle{record, files}), z.Close()); err != nil {
		return nil, fmt.Errorf("exchange: %w", err)
	}
	return b.Bytes(), nil
}

func unpack(data []byte) (b bundle, err error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return b, fmt.Errorf("exchange: %w", err)
	}
	if err := json.NewDecoder(io.LimitReader(z, maxBundle)).Decode(&b); err != nil {
		return b, fmt.Errorf("exchange: %w", err)
	}
	return b, nil
}

// publish makes a state the one in force for all replicas. With a shared store the
// announcement decides who has the number; a crash after it leaves the state to be fetched
// from there.
func (e exchange) publish(ctx context.Context, v versions.Version, files map[string][]byte) (versions.Version, error) {
	if e.shared == nil {
		return e.folder.Publish(v, files)
	}
	if err := e.sync(ctx); err != nil {
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
	kept, err := e.shared.Announce(ctx, v.Number, data)
	if err != nil {
		return versions.Version{}, fmt.Errorf("the other replicas cannot be reached, nothing was published: %w", err)
	}
	if !kept {
		return versions.Version{}, versions.ErrStale
	}
	return e.folder.Take(record, files)
}

// sync fetches what others have announced, and announces what only this folder has: the
// store may have lost it.
func (e exchange) sync(ctx context.Context) error {
	if e.shared == nil {
		return nil
	}
	latest, err := e.shared.Latest(ctx)
	if err != nil {
		return err
	}
	head, _, err := e.folder.Head()
	if err != nil {
		return err
	}
	for n := head.Number + 1; n <= latest; n++ {
		if err := e.fetch(ctx, n); err != nil {
			return fmt.Errorf("version %d: %w", n, err)
		}
	}
	for n := latest + 1; n <= head.Number; n++ {
		if err := e.offer(ctx, n); err != nil {
			return fmt.Errorf("version %d: %w", n, err)
		}
	}
	return nil
}

func (e exchange) fetch(ctx context.Context, n int) error {
	data, err := e.shared.Announced(ctx, n)
	if err != nil {
		return err
	}
	b, err := unpack(data)
	if err != nil {
		return err
	}
	_, err = e.folder.Take(b.Record, b.Files)
	return err
}

func (e exchange) offer(ctx context.Context, n int) error {
	v, err := e.folder.Get(n)
	if err != nil {
		return err
	}
	record, err := e.folder.Record(v)
	if err != nil {
		return err
	}
	files, err := e.folder.Files(v)
	if err != nil {
		return err
	}
	data, err := pack(record, files)
	if err != nil {
		return err
	}
	kept, err := e.shared.Announce(ctx, n, data)
	if err == nil && !kept {
		return versions.ErrStale
	}
	return err
}

// followEvery is how often a replica looks for a new state.
const followEvery = time.Second

// follow puts published states in force until ctx ends.
func (s *server) follow(ctx context.Context) {
	if len(s.settings.Knowledge.Paths) > 0 {
		return // the files the settings name are the knowledge
	}
	e := newExchange(s.settings, s.store)
	trouble, behind := "", false
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(followEvery):
		}
		synced, caught := e.sync(ctx), s.catchUp(ctx, e.folder)
		if caught != nil || behind {
			s.outdated(caught)
		}
		behind = caught != nil
		err := errors.Join(synced, caught)
		if err != nil && err.Error() != trouble && ctx.Err() == nil {
			s.log.Warn("published knowledge not followed", slog.Any("error", err))
		}
		trouble = ""
		if err != nil {
			trouble = err.Error()
		}
	}
}

// catchUp puts the folder's head in force when it is not.
func (s *server) catchUp(ctx context.Context, folder *versions.Folder) error {
	head, some, err := folder.Head()
	if err != nil || !some || int64(head.Number) == s.version.Load() {
		return err
	}
	if g, release, err := s.live.Acquire(); err == nil { // what serve started with
		same := g.Library().Fingerprint == head.Fingerprint
		release()
		if same {
			s.version.Store(int64(head.Number))
			return nil
		}
	}
	return s.reload(ctx)
}
