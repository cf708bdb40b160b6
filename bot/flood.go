package bot

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Limits keep one person or one group from taking what is everybody's. A message beyond
// them begins a flood: it gets one notice, and what follows gets no reply until it has been
// calm for a while. Each replica counts for itself.
type Limits struct {
	// Person and Chat are how many messages a minute are answered, and as many at once; 0:
	// no bound. What a person gets no reply to does not count against the group.
	Person, Chat int
}

// Whose limit it was; see Event.
const (
	LimitedPerson = "person"
	LimitedChat   = "chat"
)

// pace is what the limits say to a message.
type pace int

const (
	paceFine   pace = iota
	paceNotice      // the first beyond: it is told so
	paceQuiet       // one that gets no reply
)

// maxPaced bounds the people, the chats, and the messages without a reply that are known.
const maxPaced = 10_000

// floods counts messages.
type floods struct {
	limits Limits

	mu            sync.Mutex
	people, chats *simplelru.LRU[string, *bucket]
	quiet         *simplelru.LRU[string, string] // whose limit it was, by message
}

func newFloods(l Limits) *floods {
	return &floods{limits: l, people: newKnown[*bucket](), chats: newKnown[*bucket](), quiet: newKnown[string]()}
}

func newKnown[V any]() *simplelru.LRU[string, V] {
	l, err := simplelru.NewLRU[string, V](maxPaced, nil)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return l
}

// taken is what the limits said to a message.
type taken struct {
	pace
	whose string // whose limit it was, unless the pace is fine
	// giveBack makes it as if the message had not come: it had been answered before.
	giveBack func()
}

// take counts a message, unless it had no reply before.
func (f *floods) take(m Message, now time.Time) taken {
	f.mu.Lock()
	defer f.mu.Unlock()
	if whose, known := f.quiet.Get(m.ID); known && m.ID != "" {
		return taken{paceQuiet, whose, func() {}}
	}
	t := f.count(m, now)
	if t.pace == paceQuiet && m.ID != "" {
		f.quiet.Add(m.ID, t.whose)
	}
	return t
}

// count asks the person's bucket, then the group's; f.mu is held.
func (f *floods) count(m Message, now time.Time) taken {
	who := string(m.Asker)
	if m.Account == "" {
		who = FoldPerson(who)
	}
	person := of(f.people, who, f.limits.Person, now)
	if p := person.take(now); p != paceFine {
		return taken{p, LimitedPerson, f.locked(person.undo(p))}
	}
	group := m.Chat
	if m.Account != "" {
		group = "" // the bot's own account, at which everybody is alone
	}
	chat := of(f.chats, group, f.limits.Chat, now)
	p := chat.take(now)
	back := chat.undo(p)
	return taken{p, LimitedChat, f.locked(func() { person.undo(paceFine)(); back() })}
}

func (f *floods) locked(do func()) func() {
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		do()
	}
}

// of finds a bucket; nil is one without a bottom.
func of(known *simplelru.LRU[string, *bucket], name string, perMinute int, now time.Time) *bucket {
	if name == "" || perMinute <= 0 {
		return nil
	}
	b, ok := known.Get(name)
	if !ok {
		b = &bucket{size: float64(perMinute), tokens: float64(perMinute), at: now}
		known.Add(name, b)
	}
	return b
}

// bucket holds a token for each message that may come. It is our own and not x/time/rate's
// since tokens are given back.
type bucket struct {
	size, tokens float64
	at           time.Time
	flood        bool
}

// calm is how full a bucket is when a flood is over: six seconds of silence fill a tenth of
// it. It is more than one token, or one message in so many of a flood would get through.
func (b *bucket) calm() float64 { return min(b.size, max(2, b.size/10)) }

func (b *bucket) take(now time.Time) pace {
	if b == nil {
		return paceFine
	}
	if gone := now.Sub(b.at); gone > 0 {
		b.tokens = min(b.size, b.tokens+gone.Minutes()*b.size)
	}
	b.at = now
	b.flood = b.flood && b.tokens < b.calm()
	enough := b.tokens >= 1
	if enough {
		b.tokens-- // also in a flood: who goes on does not calm down
	}
	switch {
	case b.flood:
		return paceQuiet
	case enough:
		return paceFine
	}
	b.flood = true
	return paceNotice
}

// undo takes back what take did.
func (b *bucket) undo(p pace) func() {
	return func() {
		switch {
		case b == nil || p == paceQuiet:
		case p == paceFine:
			b.tokens = min(b.size, b.tokens+1)
		default:
			b.flood = false
		}
	}
}
