package bot

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// once makes copies of one message wait for the first within this process, and
// remembers the latest replies, so that a redelivery gets the same one even while
// the state is away.
type once struct {
	mu      sync.Mutex
	running map[string]chan struct{} // closed when the attempt has ended
	kept    *lru.Cache[string, kept]
}

// kept is a reply that was given.
type kept struct {
	record []byte
	at     time.Time
}

// How many records are kept (a few kilobytes each), and for how long. WeCom gives
// up redelivering within some 15 s, in which a busy replica answers at most as many;
// nonces are unique for two hours.
const (
	keptReplies = 2000
	keptFor     = 2 * time.Hour
)

func newOnce() *once {
	return &once{running: map[string]chan struct{}{}, kept: newCache[kept](keptReplies)}
}

// newCache makes a cache of that many. It starts no goroutine, as one whose entries expire
// does for good.
func newCache[V any](most int) *lru.Cache[string, V] {
	c, err := lru.New[string, V](most)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return c
}

// given is the record of a reply that was given.
func (o *once) given(id string) ([]byte, bool) {
	k, ok := o.kept.Get(id)
	return k.record, ok && time.Since(k.at) < keptFor
}

// do runs answer for the first copy of a message; another copy waits until it
// has ended and then runs its own, which finds the record. Messages without an id
// run at once.
func (o *once) do(ctx context.Context, id string, answer func() (Reply, error)) (Reply, error) {
	if id == "" {
		return answer()
	}
	for {
		o.mu.Lock()
		other, busy := o.running[id]
		if !busy {
			done := make(chan struct{})
			o.running[id] = done
			o.mu.Unlock()
			defer func() {
				o.mu.Lock()
				delete(o.running, id)
				o.mu.Unlock()
				close(done)
			}()
			return answer()
		}
		o.mu.Unlock()
		select {
		case <-ctx.Done():
			return Reply{}, ErrElsewhere
		case <-other:
		}
	}
}

// remember keeps the record of a reply.
func (o *once) remember(id string, record []byte) {
	if id != "" {
		o.kept.Add(id, kept{record, time.Now()})
	}
}

// newAttempt names one attempt at a message.
func newAttempt() string { return rand.Text() }

// record is a reply as the state keeps it: what the asker read, and references
// to what was shown.
type record struct {
	Act         string     `json:"a"`
	Answered    bool       `json:"ok,omitempty"`
	Pages       []string   `json:"p"`
	Parts       []Part     `json:"q,omitempty"`
	Shown       []shownRef `json:"s,omitempty"`
	Remaining   int        `json:"r,omitempty"`
	Suggestions []string   `json:"n,omitempty"`
	Day         string     `json:"d,omitempty"`
	View        string     `json:"v,omitempty"`
	Wish        string     `json:"w,omitempty"`
	Next        []Button   `json:"b,omitempty"`
	WantsPerson bool       `json:"h,omitempty"`
	OfferPerson bool       `json:"o,omitempty"`
}

type shownRef struct {
	ID     string  `json:"id"`
	Score  float64 `json:"s"`
	Clause int     `json:"c,omitempty"`
}

// encodeRecord gives nil for a message that cannot come again.
func encodeRecord(m Message, r Reply) []byte {
	if m.ID == "" {
		return nil
	}
	k := record{Act: r.Act, Answered: r.Answered, Pages: r.Pages, Parts: r.Parts,
		Remaining: r.Remaining, Suggestions: r.Suggestions, Day: m.Day, View: r.View, Wish: r.Wish, Next: r.Next, WantsPerson: r.WantsPerson, OfferPerson: r.OfferPerson}
	for _, s := range r.Shown {
		k.Shown = append(k.Shown, shownRef{s.ID, s.Score, s.Clause})
	}
	data, err := json.Marshal(k)
	if err != nil { // strings and numbers only: json cannot fail on them
		panic("engine: encode record: " + err.Error())
	}
	return data
}

// decodeRecord gives the reply back: its text to the byte, and of what was shown
// all that is still in the knowledge.
func decodeRecord(data []byte, r Retriever) (Reply, error) {
	var k record
	if err := json.Unmarshal(data, &k); err != nil {
		return Reply{}, err
	}
	if len(k.Pages) == 0 {
		return Reply{}, errors.New("record has no text")
	}
	reply := Reply{Act: k.Act, Answered: k.Answered, Pages: k.Pages, Text: joinPages(k.Pages), Parts: orEmpty(k.Parts),
		Shown: []Shown{}, Remaining: k.Remaining, Suggestions: orEmpty(k.Suggestions), View: k.View, Wish: k.Wish, Next: k.Next, WantsPerson: k.WantsPerson, OfferPerson: k.OfferPerson, Replayed: true}
	g, release, err := r.Acquire()
	if err != nil {
		return Reply{}, err
	}
	defer release()
	for _, s := range k.Shown {
		if p, ok := g.Library().Passage(s.ID); ok {
			reply.Shown = append(reply.Shown, shownOn(hit{p, s.Score, s.Clause}, k.Day))
		}
	}
	return reply, nil
}

func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func joinPages(pages []string) string { return strings.Join(pages, "\n\n") }
