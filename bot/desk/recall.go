package desk

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"aeobot/bot"
)

// RecallState is what became of a recall.
type RecallState string

// States of a recall.
const (
	RecallOpen     RecallState = "open"     // somebody has to decide
	RecallApproved RecallState = "approved" // the corrections go out, or have gone
	RecallDropped  RecallState = "dropped"
	RecallNone     RecallState = "none" // nobody was given what has changed
)

// Recall is what a published version took back: words that were given to people and do not
// stand any more.
type Recall struct {
	ID      string `json:"id"` // the version's number, with its record's digest where that is taken
	Version int    `json:"version"`
	// Of is the digest of the version's record; numbers come again in another chain.
	Of string `json:"of,omitempty"`
	// Aside: the version was set aside, and its words were taken back by the one in force.
	Aside bool        `json:"aside,omitempty"`
	At    time.Time   `json:"at"` // when the version was published
	State RecallState `json:"state"`
	// By decided, at Decided.
	By      string    `json:"by,omitempty"`
	Decided time.Time `json:"decided,omitzero"`
	// Passages are what has changed, those that were given to somebody first, at most
	// maxRecallPassages; Changed is how many there are in all.
	Passages []RecallPassage `json:"passages,omitempty"`
	Changed  int             `json:"changed"`
	// Chats are who was given the old words, each once, the latest first.
	Chats []RecallChat `json:"chats,omitempty"`

	version uint64
}

// RecallPassage is one passage whose words, status or note are others now.
type RecallPassage struct {
	ID    string `json:"id"`
	Place string `json:"place"` // 海关直接激励措施第5条
	// Before and After are its words; Gone: it does not stand any more.
	Before string `json:"before"`
	After  string `json:"after,omitempty"`
	Gone   bool   `json:"gone,omitempty"`
	// NoteBefore and NoteAfter are what the notes said of it on the day of the version.
	NoteBefore string `json:"note_before,omitempty"`
	NoteAfter  string `json:"note_after,omitempty"`
	// Source names the document and its date, as they are now.
	Source string `json:"source,omitempty"`
	// Given is how many chats were given it.
	Given int `json:"given"`
}

// ChatState is what became of the correction for one chat.
type ChatState string

// States of a correction.
const (
	ChatWaiting ChatState = "waiting"
	ChatSent    ChatState = "sent"
	ChatCannot  ChatState = "cannot" // the platform does not let the bot speak there
	ChatFailed  ChatState = "failed"
)

// RecallChat is a group or a person that was given old words.
type RecallChat struct {
	// ID names the chat in the recall, at random, so that it does not show whose it is.
	ID string      `json:"id,omitempty"`
	To bot.Address `json:"to"`
	// Last is when that was last.
	Last time.Time `json:"last"`
	// Passages are which, as positions in Recall.Passages.
	Passages []int     `json:"passages"`
	State    ChatState `json:"state"`
	// Reason is why it cannot be, or failed.
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at,omitzero"` // when the state was reached
}

// name names the chat in the recall; those of earlier releases have no ID.
func (c RecallChat) name() string { return cmp.Or(c.ID, c.To.Key()) }

// Count is how many chats are in a state.
func (r Recall) Count(s ChatState) int {
	n := 0
	for _, c := range r.Chats {
		if c.State == s {
			n++
		}
	}
	return n
}

const (
	recalls = "recalls"
	// recallKeep is how long a recall is known, at least.
	recallKeep = 14 * 24 * time.Hour
	// maxRecallPassages bounds the passages of a recall.
	maxRecallPassages = 500
)

// recallKeep is how long a recall is known: a version is looked at once.
func (d *Desk) recallKeep() time.Duration { return max(recallKeep, d.o.RecallWithin+24*time.Hour) }

// Errors of deciding on a recall.
var (
	// ErrRecall means that there is no such recall.
	ErrRecall = errors.New("desk: no such recall")
	// ErrDecided means that somebody has decided otherwise, or that there is nothing to
	// decide.
	ErrDecided = errors.New("desk: the recall is decided")
)

// Recalls are all that are known, the latest first, but those of versions that changed no
// words.
func (d *Desk) Recalls(ctx context.Context) ([]Recall, error) {
	items, err := d.store.Items(ctx, recalls)
	if err != nil {
		return nil, err
	}
	var all []Recall
	for _, i := range items {
		r, err := readRecall(i)
		if err != nil {
			d.o.Log.Warn("recall not readable", slog.Any("error", err))
			continue
		}
		if r.Changed == 0 {
			continue
		}
		if err := d.withOutcomes(ctx, &r); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(x, y Recall) int { return cmp.Compare(y.Version, x.Version) })
	return all, nil
}

// Recall finds one. It fails with ErrRecall.
func (d *Desk) Recall(ctx context.Context, id string) (Recall, error) {
	i, err := d.store.Get(ctx, recalls, strings.TrimSpace(id))
	if err != nil {
		return Recall{}, err
	}
	if i.Version == 0 {
		return Recall{}, ErrRecall
	}
	r, err := readRecall(i)
	if err != nil {
		return Recall{}, err
	}
	return r, d.withOutcomes(ctx, &r)
}

// DropRecall decides that nobody is told. It fails with ErrRecall and ErrDecided.
func (d *Desk) DropRecall(ctx context.Context, id, who string) error {
	r, err := d.Recall(ctx, id)
	switch {
	case err != nil:
		return err
	case r.State == RecallDropped:
		return nil
	case r.State != RecallOpen:
		return ErrDecided
	}
	r.State, r.By, r.Decided = RecallDropped, who, d.o.Now().UTC()
	if err := d.saveRecall(ctx, &r); err != nil {
		return decided(err)
	}
	d.did(ctx, who, "recall dropped", r.Title()+" 的更正")
	return nil
}

// decided says of a stale recall that somebody else has decided.
func decided(err error) error {
	if errors.Is(err, bot.ErrStale) {
		return ErrDecided
	}
	return err
}

func readRecall(i bot.Item) (r Recall, err error) {
	z, err := gzip.NewReader(bytes.NewReader(i.Data))
	if err == nil {
		err = json.NewDecoder(io.LimitReader(z, maxRecallBytes)).Decode(&r)
	}
	if err != nil {
		return Recall{}, fmt.Errorf("desk: recall %s: %w", i.ID, err)
	}
	r.version = i.Version
	return r, nil
}

// maxRecallBytes bounds a recall as it is unpacked.
const maxRecallBytes = 64 << 20

// saveRecall keeps a recall, if nobody changed it since it was read.
func (d *Desk) saveRecall(ctx context.Context, r *Recall) error {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(json.NewEncoder(z).Encode(r), z.Close()); err != nil {
		return fmt.Errorf("desk: recall: %w", err)
	}
	if err := d.store.Put(ctx, recalls, r.ID, b.Bytes(), r.version, d.recallKeep()); err != nil {
		return err
	}
	r.version++
	return nil
}

const recallOutcomes = "recall-outcomes-"

// outcome is what became of one chat's correction.
type outcome struct {
	State  ChatState `json:"s"`
	Reason string    `json:"r,omitempty"`
	At     time.Time `json:"t"`
}

// withOutcomes adds what became of a recall's corrections.
func (d *Desk) withOutcomes(ctx context.Context, r *Recall) error {
	if r.State != RecallApproved {
		return nil
	}
	items, err := d.store.Items(ctx, recallOutcomes+r.ID)
	if err != nil {
		return err
	}
	known := map[string]outcome{}
	for _, i := range items {
		var o outcome
		if json.Unmarshal(i.Data, &o) == nil {
			known[i.ID] = o
		}
	}
	for i, c := range r.Chats {
		if o, ok := known[c.name()]; ok {
			r.Chats[i].State, r.Chats[i].Reason, r.Chats[i].At = o.State, o.Reason, o.At
		}
	}
	return nil
}

// lookAgain adds whom a replica gave the old words that learnt of the version late. What was
// set aside may not be had here.
func (d *Desk) lookAgain(ctx context.Context, r *Recall) error {
	if r.Aside {
		return nil
	}
	again := Recall{ID: r.ID, Version: r.Version, At: r.At}
	if err := d.fill(ctx, &again); err != nil {
		return err
	}
	r.join(again)
	return nil
}

// Title names the version.
func (r Recall) Title() string {
	if r.Aside {
		return fmt.Sprintf("另存的版本 %d", r.Version)
	}
	return fmt.Sprintf("版本 %d", r.Version)
}

// SendRecall has the corrections sent: one to each chat, once, however often and wherever
// this is called. They go out in the background; Recall tells how far that is. It fails
// with ErrRecall and ErrDecided.
func (d *Desk) SendRecall(ctx context.Context, id, who string) (Recall, error) {
	r, err := d.Recall(ctx, id)
	switch {
	case err != nil:
		return r, err
	case r.State == RecallApproved:
		return r, nil
	case r.State != RecallOpen:
		return r, ErrDecided
	}
	if err := d.lookAgain(ctx, &r); err != nil {
		return r, err
	}
	r.State, r.By, r.Decided = RecallApproved, who, d.o.Now().UTC()
	if err := d.saveRecall(ctx, &r); err != nil {
		return r, decided(err)
	}
	d.did(ctx, who, "recall sent", fmt.Sprintf("%s 的更正，%d 个会话", r.Title(), len(r.Chats)))
	d.work.Go(func() {
		if err := d.correct(d.ctx, r); err != nil && d.ctx.Err() == nil {
			d.o.Log.Warn("corrections not promised, trying again", slog.Any("error", err))
		}
	})
	return r, nil
}
