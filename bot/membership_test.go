package bot_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"aeobot/bot"
	"aeobot/index"
)

// shared is the store of a model: what Redis would hold, without its network.
type shared struct {
	mu       sync.Mutex
	sessions map[string]bot.Turn
	records  map[string]string // message → attempt
	members  bot.Members
	stalled  bool
	apart    atomic.Bool // conversations cannot be reached, as where a Cluster has lost a master
	late     []func()    // what lies in the buffers of a store that is stalled
}

var errUnreachable = errors.New("model: the store cannot be reached")

// stall has the store answer nobody, or again; what was asked of it meanwhile is then done,
// in order, although nobody waits for it.
func (s *shared) stall(stalled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled = stalled; stalled {
		return
	}
	for _, do := range s.late {
		do()
	}
	s.late = nil
}

// way is one replica's way to the store, until it is killed.
type way struct {
	*shared
	cut    *atomic.Bool
	killed atomic.Bool
	mu     sync.Mutex
	random *rand.Rand
}

// do does one call as a real store does: it takes a while, and one that fails may have been
// done, or be done later.
func (w *way) do(ctx context.Context, f func()) error {
	w.mu.Lock()
	delay := time.Duration(1+w.random.IntN(5)) * time.Millisecond
	w.mu.Unlock()
	time.Sleep(delay)
	w.shared.mu.Lock()
	stalled, cut := w.stalled, w.cut.Load() || w.killed.Load()
	switch {
	case cut:
	case stalled:
		w.late = append(w.late, f)
	default:
		f()
	}
	w.shared.mu.Unlock()
	if cut || stalled {
		time.Sleep(100 * time.Millisecond)
		return errUnreachable
	}
	return ctx.Err()
}

func (w *way) Begin(ctx context.Context, c bot.Conversation, id, attempt string, _ time.Duration) (bot.Turn, error) {
	if w.apart.Load() {
		return bot.Turn{}, errUnreachable
	}
	var t bot.Turn
	if err := w.do(ctx, func() { t = w.sessions[c.Key()] }); err != nil {
		return bot.Turn{}, err // t may be written when nobody waits for it any more
	}
	return t, nil
}

func (w *way) Commit(ctx context.Context, c bot.Conversation, id, attempt string, version uint64, s *bot.Session, _ []byte) error {
	var result error
	err := w.do(ctx, func() {
		switch done, again := w.records[id]; {
		case again && id != "" && done == attempt:
		case again && id != "":
			result = bot.ErrClaimLost
		case w.sessions[c.Key()].Version != version:
			result = bot.ErrStale
		default:
			w.records[id] = attempt
			if s == nil {
				delete(w.sessions, c.Key())
			} else {
				w.sessions[c.Key()] = bot.Turn{Session: *s, Version: version + 1}
			}
		}
	})
	if err != nil {
		return err
	}
	return result
}

func (w *way) Members(ctx context.Context, id string, before time.Time) (bot.Members, error) {
	var m bot.Members
	err := w.do(ctx, func() {
		m = w.members
		m.Confirmed, m.Now = maps.Clone(m.Confirmed), time.Now().Truncate(time.Millisecond)
		if m.Noted = !m.Now.After(before); m.Noted {
			w.members.Confirmed[id] = m.Now
		}
	})
	if err != nil {
		return bot.Members{}, err // as in Begin
	}
	return m, nil
}

func (w *way) Expel(ctx context.Context, id string, confirmed time.Time, doubt bool, before time.Time) error {
	return w.do(ctx, func() {
		if time.Now().After(before) || !w.members.Confirmed[id].Equal(confirmed) {
			return
		}
		delete(w.members.Confirmed, id)
		if doubt {
			w.members.Epoch++
			w.members.Began = time.Now()
		}
	})
}

func (w *way) Leave(ctx context.Context, id string) error {
	return w.do(ctx, func() { delete(w.members.Confirmed, id) })
}

// world is a model: replicas, a store, and one asker who knows which list was seen last.
type world struct {
	t      *testing.T
	live   bot.Retriever
	random *rand.Rand
	store  *shared
	cut    []*atomic.Bool
	healed []time.Time // when the last cut ended
	kill   []context.CancelFunc
	bots   []*bot.Engine
	marks  []string
	seen   string // the section that was listed last
	said   int
	log    []string
	tally  map[string]int
}

func newWorld(t *testing.T, live bot.Retriever, replicas int, seed uint64) *world {
	w := &world{t: t, live: live, random: rand.New(rand.NewPCG(seed, 1)), tally: map[string]int{}, store: &shared{sessions: map[string]bot.Turn{},
		records: map[string]string{}, members: bot.Members{Confirmed: map[string]time.Time{}}}}
	dir := t.TempDir()
	for i := range replicas {
		w.cut, w.healed = append(w.cut, &atomic.Bool{}), append(w.healed, time.Time{})
		w.marks = append(w.marks, filepath.Join(dir, fmt.Sprint(i)))
		w.bots, w.kill = append(w.bots, nil), append(w.kill, nil)
		w.start(i)
	}
	return w
}

// start starts a replica in the place of the one of that number.
func (w *world) start(i int) {
	mark, err := bot.OpenMark(w.marks[i])
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.t.Context())
	to := &way{shared: w.store, cut: w.cut[i], random: rand.New(rand.NewPCG(w.random.Uint64(), 1))}
	e := bot.New(w.live, to, bot.Options{Membership: to, Mark: mark})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		e.Join(ctx)
		e.Run(ctx)
	}()
	w.bots[i], w.kill[i] = e, func() {
		to.killed.Store(true)
		cancel()
		<-ended
		_ = mark.Close()
	}
}

// step says something at a replica and holds the reply against what the asker saw last.
func (w *world) step(i int, section string) {
	text := section
	if section == "" {
		text = "第2条"
	}
	w.said++
	came := time.Now()
	r, err := w.bots[i].Answer(w.t.Context(), bot.Message{ID: fmt.Sprint("m", w.said), Asker: "u", Text: text, Surface: bot.Surface{Name: "aibot", MaxBytes: 20000, MaxPages: 1}})
	took := time.Since(came)
	if err != nil {
		w.t.Fatal(err)
	}
	w.note("%d: %s → %s %s in %v", i, text, r.Act, strings.Join(ids(r), " "), took)
	if took > 4*time.Second {
		w.t.Errorf("an answer took %v:\n%s", took, strings.Join(w.log, "\n"))
	}
	if section != "" {
		if w.seen = section; len(r.Shown) == 0 {
			w.t.Errorf("a question was not answered:\n%s", strings.Join(w.log, "\n"))
		}
		return
	}
	switch {
	case strings.Contains(r.Text, "暂时读不到之前的对话"):
		w.tally["away"]++
	case len(r.Shown) == 1 && r.Shown[0].Section == w.seen:
		w.tally["right"]++
	case w.seen == "" && len(r.Shown) == 0:
	default:
		w.t.Errorf("of what was seen last, %q, came %q:\n%s", w.seen, r.Text, strings.Join(w.log, "\n"))
	}
}

func (w *world) note(format string, args ...any) {
	w.log = append(w.log, time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

// fixed is an index that stays in force.
type fixed struct{ g *index.Generation }

func (f fixed) Acquire() (*index.Generation, func(), error) { return f.g, func() {}, nil }

// listed are sections of which each has a second measure.
var listed = []string{"海关直接激励措施", "跨部门联合激励措施", "地方政府特色支持", "其他专项支持"}

// happens lets one thing happen to the replicas or the store.
func (w *world) happens() {
	i := w.random.IntN(len(w.bots))
	switch w.random.IntN(10) {
	case 0, 1:
		stalled := w.random.IntN(2) == 0
		w.note("store stalled: %v", stalled)
		w.store.stall(stalled)
	case 2: // this replica notices an outage sooner, or its end later
		w.cutFor(i)
	case 3:
		w.note("%d: killed", i)
		w.kill[i]()
		if w.random.IntN(2) == 0 { // elsewhere, with another data folder
			w.marks[i] += "x"
		}
		w.start(i)
	case 4, 5, 6:
		w.step(i, listed[w.random.IntN(len(listed))])
		return
	default:
		w.step(i, "")
		return
	}
}

// cutFor cuts a replica off alone, for no longer than the others go on doubting.
func (w *world) cutFor(i int) {
	if w.cut[i].Load() || time.Since(w.healed[i]) < time.Second {
		return
	}
	d := time.Duration(w.random.IntN(3500)) * time.Millisecond
	w.healed[i] = time.Now().Add(d)
	w.note("%d: cut off for %v", i, d)
	w.cut[i].Store(true)
	time.AfterFunc(d, func() { w.cut[i].Store(false) })
}

var modelRuns = flag.Int("model-runs", 200, "random runs of the model of replicas that lose their store")

// TestNoFollowUpFromAnOlderList runs replicas on a store that stalls, is cut off from each at
// its own time, and does what it was asked later; replicas are killed and begin again in
// the same folder or another one. Whatever happens, 第2条 counts in the list that was seen
// last, or is told that the memory is away.
func TestNoFollowUpFromAnOlderList(t *testing.T) {
	tally := map[string]int{}
	inModel(t, func(t *testing.T, g bot.Retriever) {
		for run := range *modelRuns {
			w := newWorld(t, g, 2+run%2, uint64(run))
			time.Sleep(time.Second)
			for range 40 {
				time.Sleep(time.Duration(w.random.IntN(pauses[run%len(pauses)])) * time.Millisecond)
				w.happens()
			}
			w.end()
			for k, n := range w.tally {
				tally[k] += n
			}
			if t.Failed() {
				t.Fatalf("run %d", run)
			}
		}
	})
	t.Logf("follow-ups: %v", tally)
	if tally["right"] == 0 || tally["away"] == 0 {
		t.Errorf("the runs had not both: %v", tally)
	}
}

// pauses are the longest between two things that happen, in milliseconds.
var pauses = []int{100, 700, 3000, 8000}

// end ends the replicas.
func (w *world) end() {
	for _, kill := range w.kill {
		kill()
	}
}

// inModel runs something in virtual time.
func inModel(t *testing.T, run func(t *testing.T, r bot.Retriever)) {
	g, release, err := live(t).Acquire()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	synctest.Test(t, func(t *testing.T) { run(t, fixed{g}) })
}

// TestWhatAnOutageCosts: each list is asked at replica 0, or at 1 where it says so, and 第2条
// after a stall of the store at both; when nothing had to be forgotten it is understood.
func TestWhatAnOutageCosts(t *testing.T) {
	const right, away = "right", "away"
	for _, tt := range []struct {
		name   string
		stall  time.Duration
		during func(w *world) // what happens at the stall's end
		want   string
	}{
		{"short stall", 300 * time.Millisecond, func(*world) {}, right},
		{"long stall", 2300 * time.Millisecond, func(*world) {}, right},
		{"very long stall", time.Minute, func(*world) {}, right},
		{"a list at the same replica", 5 * time.Second, func(w *world) { w.step(0, listed[1]) }, right},
		{"two lists at the same replica", 5 * time.Second, func(w *world) { w.step(0, listed[1]); w.step(0, listed[2]) }, right},
		{"a list at the other replica, which had not had the conversation", 5 * time.Second, func(w *world) { w.step(1, listed[1]) }, away},
		{"a list at each", 5 * time.Second, func(w *world) { w.step(0, listed[1]); w.step(1, listed[2]) }, away},
		{"a list, and the replica is killed", 5 * time.Second, func(w *world) { w.step(0, listed[1]); w.kill[0](); w.start(0) }, away},
		{"a list, and the replica is gone", 5 * time.Second, func(w *world) { w.step(0, listed[1]); w.kill[0](); w.marks[0] += "x"; w.start(0) }, away},
		{"killed without a list", 5 * time.Second, func(w *world) { w.kill[0](); w.start(0) }, right},
		{"both killed without a list", 5 * time.Second, func(w *world) { w.kill[0](); w.kill[1](); w.start(0); w.start(1) }, right},
		{"a list while only the conversations are away", 0, func(w *world) { w.store.apart.Store(true); w.step(0, listed[1]); w.store.apart.Store(false) }, right},
		{"no stall, killed", 0, func(w *world) { w.kill[0](); w.marks[0] += "x"; w.start(0) }, right},
	} {
		inModel(t, func(t *testing.T, r bot.Retriever) {
			for at := range 2 {
				w := newWorld(t, r, 2, 1)
				time.Sleep(time.Second)
				w.step(0, listed[0])
				if tt.stall > 0 {
					w.store.stall(true)
					time.Sleep(tt.stall)
				}
				tt.during(w)
				w.store.stall(false)
				for range 3 { // at once, and later
					w.step(at, "")
					time.Sleep(6 * time.Second)
				}
				w.end()
				if last := w.tally[right]; (tt.want == right) != (last == 3) || tt.want == away && w.tally[away] != 3 {
					t.Errorf("%s, followed up at %d: %v, want %s:\n%s", tt.name, at, w.tally, tt.want, strings.Join(w.log, "\n"))
				}
			}
		})
	}
}
