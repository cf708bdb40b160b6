package login

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// limit says how many failures are free, and how long the wait after more grows.
type limit struct {
	free int
	most time.Duration
}

// The limits of guessing. A name at one address has little, and so has a browser that has
// logged in before; an address has more, since a whole office may share it; a name has most,
// wherever it is guessed at: some 1,500 tries a day. An owner who has logged in before from
// this browser is counted by the browser alone, and none of the others can stop them; from
// any other browser they wait like those who guess.
var (
	limitPair    = limit{free: 5, most: time.Minute}
	limitDevice  = limit{free: 5, most: time.Minute}
	limitAddress = limit{free: 20, most: time.Minute}
	limitName    = limit{free: 50, most: time.Minute}
	// limitCodes is for codes of WeCom that are none, from everywhere.
	limitCodes = limit{free: 60, most: 4 * time.Second}
)

const (
	// forgotten is how long after its last failure a counter is as new.
	forgotten = time.Hour
	// maxCounters bounds the counters, so that no flood of names or addresses fills the
	// memory; the oldest go.
	maxCounters = 8192
)

// counted is what failures are counted for. Kinds do not mix: a flood of one cannot push
// the others out.
type counted struct {
	limit *limit
	key   string
}

type counter struct {
	failures int
	last     time.Time // of the failures
	until    time.Time // nothing is checked before
}

// throttle counts failures. It may be used by many at once.
type throttle struct {
	now func() time.Time

	mu   sync.Mutex
	kept map[*limit]*lru.Cache[string, counter]
}

func newThrottle(now func() time.Time) *throttle {
	t := &throttle{now: now, kept: map[*limit]*lru.Cache[string, counter]{}}
	for _, l := range []*limit{&limitPair, &limitDevice, &limitAddress, &limitName, &limitCodes} {
		t.kept[l], _ = lru.New[string, counter](maxCounters) // fails for no size but a negative one
	}
	return t
}

// attempt counts a try as failed before it is made, so that a thousand at once are no way
// around, or says how long to wait. A try that has to wait is not counted.
func (t *throttle) attempt(all ...counted) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for _, c := range all {
		if f, ok := t.kept[c.limit].Get(c.key); ok {
			wait = max(wait, f.until.Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for _, c := range all {
		f, _ := t.kept[c.limit].Get(c.key)
		if now.Sub(f.last) > forgotten {
			f = counter{}
		}
		f.failures, f.last = f.failures+1, now
		if over := f.failures - c.limit.free; over >= 0 {
			f.until = now.Add(min(time.Second<<min(over, 16), c.limit.most))
		}
		t.kept[c.limit].Add(c.key, f)
	}
	return 0
}

// failures are those counted so far.
func (t *throttle) failures(c counted) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, _ := t.kept[c.limit].Peek(c.key)
	if t.now().Sub(f.last) > forgotten {
		return 0
	}
	return f.failures
}

// takeBack uncounts a try that was not made after all.
func (t *throttle) takeBack(all ...counted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range all {
		if f, ok := t.kept[c.limit].Get(c.key); ok {
			t.kept[c.limit].Add(c.key, counter{failures: max(f.failures-1, 0), last: f.last})
		}
	}
}

// forgive takes back a try that succeeded. What belongs to the person starts anew; an
// address does not, or one good account would be a licence to guess others.
func (t *throttle) forgive(all ...counted) {
	t.takeBack(all...)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range all {
		if c.limit != &limitAddress {
			t.kept[c.limit].Remove(c.key)
		}
	}
}
