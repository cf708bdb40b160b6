// Package storetest is the contract that every store keeps, as tests that each
// store runs, and the real Redis servers to run them against.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/pseudonym"
)

// Store is what is tested.
type Store = pseudonym.Backend

// Lives are the lives of what a store keeps, short ones in tests of expiry.
type Lives struct{ Session, Record, Unanswered time.Duration }

// Run holds a store against the contract. open makes an empty store that is closed
// by the test's clean-up.
func Run(t *testing.T, open func(t *testing.T, l Lives) Store) {
	tests := []struct {
		name string
		run  func(*testing.T, Store)
	}{
		{"unknown conversation is empty", unknown},
		{"session comes back", comesBack},
		{"conversations are apart", apart},
		{"stale save writes nothing", stale},
		{"nil session is forgotten", forgotten},
		{"conversation is forgotten with its replies", forgottenWhole},
		{"task is forgotten for good", taskForgottenForGood},
		{"message is claimed once", claimedOnce},
		{"same attempt begins again", beginsAgain},
		{"expired lease is taken over", takenOver},
		{"answered message gives its record", answered},
		{"repeated commit is a success", repeated},
		{"message without an id", withoutID},
		{"one of many begins", oneOfMany},
		{"many conversations at once", many},
		{"large values", large},
		{"ended context", ended},
		{"tokens", tokensTest},
		{"random schedules", schedules},
		{"lease is held by one", leaseHeldByOne},
		{"lease that ran out is taken over", leaseTakenOver},
		{"one of many takes the lease", leaseOneOfMany},
		{"task is entered once", taskOnce},
		{"task whose holder is gone is claimed", taskClaimed},
		{"task is noted and given up", taskNoted},
		{"many claim tasks at once", tasksAtOnce},
		{"task is forgotten after its keep", taskForgotten},
		{"members", membersTest},
		{"cursors", cursorsTest},
		{"feedback: the last opinion counts", feedbackTest},
		{"shelf keeps versions", shelfKeepsVersions},
		{"shelf counts every change", shelfCountsEveryChange},
		{"unanswered questions are counted", missesCount},
		{"questions asked at once", missesAtOnce},
		{"questions are bounded", missesBounded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t, Lives{})) })
	}
	t.Run("session and record expire", func(t *testing.T) {
		expire(t, open(t, Lives{Session: 300 * time.Millisecond, Record: 300 * time.Millisecond}))
	})
	t.Run("unanswered questions expire", func(t *testing.T) { missesExpire(t, open(t, Lives{Unanswered: 300 * time.Millisecond})) })
}

const (
	lease = time.Minute
	short = 50 * time.Millisecond
)

func conversation(name string) bot.Conversation {
	return bot.Conversation{Chat: "chat", Asker: bot.Asker(name)}
}

func session(section string) *bot.Session {
	view := bot.View{Knowledge: "k", Day: "2026-03-31", Shown: []string{"a", "b"}, Screens: []int{1}, Pending: []string{"条/3"}}
	return &bot.Session{Views: []bot.View{view}, Seen: []string{section}, Near: []string{"c"}, Choices: []string{"选"}}
}

// seen is what tells one session of these tests from another.
func seen(s bot.Session) string { return strings.Join(s.Seen, " ") }

func begin(t *testing.T, s Store, c bot.Conversation, id, attempt string, lease time.Duration) bot.Turn {
	t.Helper()
	turn, err := s.Begin(t.Context(), c, id, attempt, lease)
	if err != nil {
		t.Fatalf("begin %q by %s: %v", id, attempt, err)
	}
	return turn
}

func commit(t *testing.T, s Store, c bot.Conversation, id, attempt string, version uint64, session *bot.Session, record string, want error) {
	t.Helper()
	if err := s.Commit(t.Context(), c, id, attempt, version, session, []byte(record)); !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("commit %q by %s: got %v, want %v", id, attempt, err, want)
	}
}

func unknown(t *testing.T, s Store) {
	turn := begin(t, s, conversation("u"), "m", "a1", lease)
	if !reflect.DeepEqual(turn, bot.Turn{}) {
		t.Errorf("got %+v, want nothing", turn)
	}
	if err := s.Check(t.Context()); err != nil || s.Kind() == "" {
		t.Errorf("check: %v, kind %q", err, s.Kind())
	}
}

func comesBack(t *testing.T, s Store) {
	c := conversation("u")
	begin(t, s, c, "m1", "a1", lease)
	commit(t, s, c, "m1", "a1", 0, session("一"), "r1", nil)
	turn := begin(t, s, c, "m2", "a2", lease)
	if !reflect.DeepEqual(turn.Session, *session("一")) || turn.Version == 0 || turn.Claim != bot.Mine {
		t.Errorf("got %+v", turn)
	}
	commit(t, s, c, "m2", "a2", turn.Version, session("二"), "r2", nil)
	if next := begin(t, s, c, "m3", "a3", lease); seen(next.Session) != "二" || next.Version <= turn.Version {
		t.Errorf("got %+v after version %d", next, turn.Version)
	}
}

func apart(t *testing.T, s Store) {
	commit(t, s, conversation("u"), "", "a", 0, session("一"), "", nil)
	for _, other := range []bot.Conversation{conversation("v"), {Asker: "u"}, {Chat: "chatu"}, {Chat: "cha", Asker: "tu"}} {
		if turn := begin(t, s, other, "", "b", lease); turn.Version != 0 || seen(turn.Session) != "" {
			t.Errorf("%+v sees another's session: %+v", other, turn)
		}
	}
	// The same message id in two conversations is two messages.
	begin(t, s, conversation("u"), "m", "a1", lease)
	if turn := begin(t, s, conversation("v"), "m", "a2", lease); turn.Claim != bot.Mine {
		t.Errorf("got %+v", turn)
	}
}

func stale(t *testing.T, s Store) {
	c := conversation("u")
	begin(t, s, c, "m1", "a1", lease)
	begin(t, s, c, "m2", "a2", lease)
	commit(t, s, c, "m2", "a2", 0, session("二"), "r2", nil)
	commit(t, s, c, "m1", "a1", 0, session("一"), "r1", bot.ErrStale)
	turn := begin(t, s, c, "m1", "a1", lease)
	if turn.Claim != bot.Mine || seen(turn.Session) != "二" {
		t.Fatalf("after a stale save: %+v, want the claim kept and the other session", turn)
	}
	commit(t, s, c, "m1", "a1", turn.Version, session("一"), "r1", nil)
}

func forgotten(t *testing.T, s Store) {
	c := conversation("u")
	commit(t, s, c, "", "a1", 0, session("一"), "", nil)
	turn := begin(t, s, c, "m", "a2", lease)
	commit(t, s, c, "m", "a2", turn.Version, nil, "bye", nil)
	if turn := begin(t, s, c, "", "a3", lease); turn.Version != 0 || seen(turn.Session) != "" {
		t.Errorf("got %+v", turn)
	}
	if turn := begin(t, s, c, "m", "a4", lease); turn.Claim != bot.Answered || string(turn.Record) != "bye" {
		t.Errorf("the reply that forgot is forgotten too: %+v", turn)
	}
}

func claimedOnce(t *testing.T, s Store) {
	c := conversation("u")
	begin(t, s, c, "m", "a1", lease)
	if turn := begin(t, s, c, "m", "a2", lease); turn.Claim != bot.Running {
		t.Errorf("got %+v, want Running", turn)
	}
	commit(t, s, c, "m", "a2", 0, session("一"), "r", bot.ErrClaimLost)
	if turn := begin(t, s, c, "", "look", lease); turn.Version != 0 {
		t.Errorf("a refused commit wrote a session: %+v", turn)
	}
}

func beginsAgain(t *testing.T, s Store) {
	c := conversation("u")
	for range 3 {
		if turn := begin(t, s, c, "m", "a1", lease); turn.Claim != bot.Mine {
			t.Errorf("own claim taken for another's: %+v", turn)
		}
	}
}

func takenOver(t *testing.T, s Store) {
	c := conversation("u")
	begin(t, s, c, "m", "a1", short)
	Eventually(t, "taken over", func() bool { return begin(t, s, c, "m", "a2", lease).Claim == bot.Mine })
	commit(t, s, c, "m", "a1", 0, session("旧"), "old", bot.ErrClaimLost)
	commit(t, s, c, "m", "a2", 0, session("新"), "new", nil)
	commit(t, s, c, "m", "a1", 0, session("旧"), "old", bot.ErrClaimLost)
	if turn := begin(t, s, c, "m", "a3", lease); string(turn.Record) != "new" || seen(turn.Session) != "新" {
		t.Errorf("got %+v", turn)
	}
}

func answered(t *testing.T, s Store) {
	c := conversation("u")
	begin(t, s, c, "m", "a1", lease)
	commit(t, s, c, "m", "a1", 0, session("一"), "答\x00:{}", nil)
	for _, attempt := range []string{"a1", "a2"} {
		turn := begin(t, s, c, "m", attempt, lease)
		if turn.Claim != bot.Answered || string(turn.Record) != "答\x00:{}" {
			t.Errorf("by %s: %+v", attempt, turn)
		}
	}
	commit(t, s, c, "m", "a2", 1, session("二"), "other", bot.ErrClaimLost)
}

func repeated(t *testing.T, s Store) {
	c := conversation("u")
	begin(t, s, c, "m", "a1", lease)
	commit(t, s, c, "m", "a1", 0, session("一"), "r", nil)
	commit(t, s, c, "m", "a1", 0, session("一"), "r", nil)
	if turn := begin(t, s, c, "", "look", lease); turn.Version != 1 {
		t.Errorf("a repeated commit wrote again: %+v", turn)
	}
}

func withoutID(t *testing.T, s Store) {
	c := conversation("u")
	for i := range uint64(3) {
		turn := begin(t, s, c, "", "a", lease)
		if turn.Claim != bot.Mine || turn.Version != i {
			t.Errorf("turn %d: %+v", i, turn)
		}
		commit(t, s, c, "", "a", turn.Version, session(fmt.Sprint(i)), "", nil)
	}
}

func oneOfMany(t *testing.T, s Store) {
	var mine, running atomic.Int32
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			turn, err := s.Begin(context.Background(), conversation("u"), "m", fmt.Sprint("a", i), lease)
			switch {
			case err != nil:
				t.Error(err)
			case turn.Claim == bot.Mine:
				mine.Add(1)
			case turn.Claim == bot.Running:
				running.Add(1)
			}
		})
	}
	all.Wait()
	if mine.Load() != 1 || running.Load() != 15 {
		t.Errorf("%d began and %d wait, want 1 and 15", mine.Load(), running.Load())
	}
}

func many(t *testing.T, s Store) {
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			c := conversation(fmt.Sprint("u", i))
			for turn := range 5 {
				id := fmt.Sprint("m", turn)
				got, err := s.Begin(context.Background(), c, id, id, lease)
				if err != nil || got.Version != uint64(turn) {
					t.Errorf("%s, turn %d: %+v, %v", c.Asker, turn, got, err)
					return
				}
				if err := s.Commit(context.Background(), c, id, id, got.Version, session(id), []byte(id)); err != nil {
					t.Errorf("%s, turn %d: %v", c.Asker, turn, err)
				}
			}
		})
	}
	all.Wait()
}

func large(t *testing.T, s Store) {
	c := conversation("u")
	big := session(strings.Repeat("条", 10_000))
	record := strings.Repeat("答", 10_000)
	begin(t, s, c, "m", "a", lease)
	commit(t, s, c, "m", "a", 0, big, record, nil)
	turn := begin(t, s, c, "m", "b", lease)
	if string(turn.Record) != record || !reflect.DeepEqual(turn.Session, *big) {
		t.Errorf("got %d bytes of record, %d of section", len(turn.Record), len(seen(turn.Session)))
	}
}

func ended(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := conversation("u")
	if _, err := s.Begin(ctx, c, "m", "a", lease); err == nil {
		t.Error("begin with an ended context succeeded")
	}
	if err := s.Commit(ctx, c, "m", "a", 0, session("一"), nil); err == nil {
		t.Error("commit with an ended context succeeded")
	}
	if turn := begin(t, s, c, "", "look", lease); turn.Version != 0 {
		t.Errorf("a refused commit wrote: %+v", turn)
	}
}

func expire(t *testing.T, s Store) {
	c := conversation("u")
	begin(t, s, c, "m", "a", lease)
	commit(t, s, c, "m", "a", 0, session("一"), "r", nil)
	Eventually(t, "expired", func() bool {
		turn := begin(t, s, c, "m", "b", short)
		return turn.Version == 0 && seen(turn.Session) == "" && turn.Claim == bot.Mine
	})
}

func tokensTest(t *testing.T, s Store) {
	ctx := t.Context()
	get := func() string {
		token, _, err := s.Token(ctx, "corp")
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	if got := get(); got != "" {
		t.Errorf("unknown token: %q", got)
	}
	expires := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	if err := s.SaveToken(ctx, "corp", "t:1", expires); err != nil {
		t.Fatal(err)
	}
	if token, until, err := s.Token(ctx, "corp"); err != nil || token != "t:1" || !until.Equal(expires) {
		t.Errorf("got %q until %v, %v; want t:1 until %v", token, until, err, expires)
	}
	if err := s.DropToken(ctx, "corp", "older"); err != nil || get() != "t:1" {
		t.Errorf("dropping another token: %v, left %q", err, get())
	}
	if err := s.DropToken(ctx, "corp", "t:1"); err != nil || get() != "" {
		t.Errorf("dropping it: %v, left %q", err, get())
	}
	if err := s.SaveToken(ctx, "corp", "t2", time.Now().Add(short)); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "expired", func() bool { return get() == "" })
}

// schedules runs two owners of one message against a model of the contract.
// Leases are long or over at once, so that real time decides nothing.
func schedules(t *testing.T, s Store) {
	random := rand.New(rand.NewPCG(1, 2))
	for run := range 300 {
		c := conversation(fmt.Sprint("model", run))
		var m model
		var loaded [2]uint64
		var trace []string
		for range 8 {
			who := random.IntN(2)
			attempt := fmt.Sprint("a", who)
			if random.IntN(2) == 0 {
				turn := begin(t, s, c, "m", attempt, lease)
				trace = append(trace, fmt.Sprintf("begin %s: %v v%d", attempt, turn.Claim, turn.Version))
				if want := m.begin(attempt); turn.Claim != want || turn.Version != m.version {
					t.Fatalf("run %d: got %v v%d, want %v v%d\n%s", run, turn.Claim, turn.Version, want, m.version, strings.Join(trace, "\n"))
				}
				loaded[who] = turn.Version
				continue
			}
			err := s.Commit(t.Context(), c, "m", attempt, loaded[who], session("x"), []byte(attempt))
			trace = append(trace, fmt.Sprintf("commit %s v%d: %v", attempt, loaded[who], err))
			if want := m.commit(attempt, loaded[who]); !errors.Is(err, want) || want == nil && err != nil {
				// An attempt that never began owns nothing, and a store may say so or find
				// the message free; the engine never does this.
				if m.owner != "" || m.done != "" {
					t.Fatalf("run %d: got %v, want %v\n%s", run, err, want, strings.Join(trace, "\n"))
				}
				break
			}
			if m.owner == "" && m.done == "" {
				break
			}
		}
	}
}

// model is the contract for one message without time.
type model struct {
	owner, done string
	version     uint64
}

func (m *model) begin(attempt string) bot.Claim {
	switch {
	case m.done != "":
		return bot.Answered
	case m.owner != "" && m.owner != attempt:
		return bot.Running
	}
	m.owner = attempt
	return bot.Mine
}

func (m *model) commit(attempt string, version uint64) error {
	switch {
	case m.done == attempt:
		return nil
	case m.done != "" || m.owner != attempt:
		return bot.ErrClaimLost
	case version != m.version:
		return bot.ErrStale
	}
	m.done = attempt
	m.version++
	return nil
}

// Patience is how long a test waits for what must come: so long that no busy machine takes
// it, since nothing may fail by the clock.
const Patience = 5 * time.Minute

// Eventually waits for a state, or fails the test.
func Eventually(t testing.TB, what string, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if reached() {
			return
		}
	}
	t.Fatalf("never %s", what)
}

func forgottenWhole(t *testing.T, s Store) {
	some := func(want bool) {
		t.Helper()
		if got, err := s.Conversations(t.Context()); got != want || err != nil {
			t.Errorf("conversations: %v, %v, want %v", got, err, want)
		}
	}
	some(false)
	defer some(true)
	c, other := bot.Conversation{Chat: "g", Asker: "u"}, bot.Conversation{Chat: "g", Asker: "v"}
	for _, who := range []bot.Conversation{c, other} {
		for i, id := range []string{"app:m*[1]", "aibot:m2"} {
			if _, err := s.Begin(t.Context(), who, id, "a", time.Minute); err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(t.Context(), who, id, "a", uint64(i), &bot.Session{Seen: []string{"节"}}, []byte("reply")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n, err := s.Forget(t.Context(), []bot.Conversation{c, {Asker: "u"}}); err != nil || n != 3 {
		t.Errorf("forgot %d things, want 3: %v", n, err)
	}
	if n, err := s.Forget(t.Context(), []bot.Conversation{c, {Asker: "u"}}); err != nil || n != 0 {
		t.Errorf("then %d things: %v", n, err)
	}
	if turn, err := s.Begin(t.Context(), c, "app:m*[1]", "b", time.Minute); err != nil || turn.Claim != bot.Mine || turn.Version != 0 {
		t.Errorf("afterwards %+v, %v", turn, err)
	}
	if turn, err := s.Begin(t.Context(), other, "aibot:m2", "b", time.Minute); err != nil || turn.Claim != bot.Answered || turn.Version != 2 {
		t.Errorf("another's conversation: %+v, %v", turn, err)
	}
}

// taskForgottenForGood: what is forgotten is not known to have been there either.
func taskForgottenForGood(t *testing.T, s Store) {
	for _, id := range []string{"wish:lin", "wish:wang"} {
		if fresh := enter(t, s, "app:*", id, "to "+id, "one", time.Minute); !fresh {
			t.Fatalf("%s is not fresh", id)
		}
	}
	lin := func(task bot.Task) bool { return task.Queue == "app:*" && string(task.Data) == "to wish:lin" }
	for _, want := range []int{1, 0} {
		if n, err := s.ForgetTasks(t.Context(), lin); n != want || err != nil {
			t.Errorf("forgot %d tasks, %v; want %d", n, err, want)
		}
	}
	if err := s.Note(t.Context(), "app:*", "wish:lin", "one", []byte("x"), time.Minute); !errors.Is(err, bot.ErrClaimLost) {
		t.Errorf("its holder goes on: %v", err)
	}
	if _, there, err := s.Look(t.Context(), "app:*", "wish:wang"); !there || err != nil {
		t.Errorf("another's task is gone: %v", err)
	}
	if !enter(t, s, "app:*", "wish:lin", "", "two", time.Minute) {
		t.Error("what was forgotten is known")
	}
}
