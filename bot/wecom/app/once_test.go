package app

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/wecom/platform"
)

// This file holds what the platform sees of deliveries, crashes and codes, whatever machine
// brings it about: what is asked of message/send, in order, with the journal as in production.

// mortal is the journal of a process that can be killed: nothing that it does counts then.
type mortal struct {
	bot.Journal
	dead *atomic.Bool
}

var errDead = errors.New("the process is dead")

func (j mortal) Enter(ctx context.Context, t bot.Task, holder string, lease, keep time.Duration) (bool, error) {
	if j.dead.Load() {
		return false, errDead
	}
	return j.Journal.Enter(ctx, t, holder, lease, keep)
}

func (j mortal) Claim(ctx context.Context, queue, holder string, n int, lease time.Duration) ([]bot.Task, error) {
	if j.dead.Load() {
		return nil, errDead
	}
	return j.Journal.Claim(ctx, queue, holder, n, lease)
}

func (j mortal) Note(ctx context.Context, queue, id, holder string, data []byte, lease time.Duration) error {
	if j.dead.Load() {
		return errDead
	}
	return j.Journal.Note(ctx, queue, id, holder, data, lease)
}

func (j mortal) Done(ctx context.Context, queue, id, holder string) error {
	if j.dead.Load() {
		return errDead
	}
	return j.Journal.Done(ctx, queue, id, holder)
}

// process starts one over a journal; the function kills it, in the middle of whatever it does.
func (c *corp) process(t *testing.T, j bot.Journal) (b *bench, kill func()) {
	t.Helper()
	dead := &atomic.Bool{}
	b = newBench(t, c.sender(t), func(o *Options) { o.Journal = mortal{j, dead} })
	b.hurry()
	b.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("一", "二", "三", "四"), nil }
	return b, func() {
		dead.Store(true)
		now, cancel := context.WithCancel(context.Background())
		cancel()
		if err := b.callback.Close(now); err != nil {
			t.Error(err)
		}
	}
}

// checks are the seconds for which each call has the platform look for the same message.
func (c *corp) checks(t *testing.T) (all []time.Duration) {
	t.Helper()
	for _, call := range c.Calls("message/send") {
		var m struct {
			Check    int `json:"enable_duplicate_check"`
			Interval int `json:"duplicate_check_interval"`
		}
		if err := json.Unmarshal(call.Body, &m); err != nil || m.Check != 1 {
			t.Errorf("sent without a check: %s, %v", call.Body, err)
		}
		all = append(all, time.Duration(m.Interval)*time.Second)
	}
	return all
}

// TestEachPageIsSentOnce, however often and wherever the message is delivered.
func TestEachPageIsSentOnce(t *testing.T) {
	for name, deliveries := range map[string][]int{ // which of two replicas each goes to
		"once":                                {0},
		"three times to one":                  {0, 0, 0},
		"to another":                          {0, 1},
		"to another and back":                 {0, 1, 0},
		"after all was sent":                  {0, -1, 0, 1},
		"after all was sent and a restart":    {0, -1, -2, 0, 1},
		"after a restart, to a third and all": {0, 1, -1, -2, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c, journal := newCorp(t), newJournal(t)
			var replicas [2]*bench
			start := func() {
				for i := range replicas {
					replicas[i], _ = c.process(t, journal)
				}
			}
			start()
			for _, to := range deliveries {
				switch to {
				case -1:
					waitFor(t, "all pages", func() bool { return len(c.tried()) >= 3 })
				case -2:
					for _, b := range replicas {
						if err := b.callback.Close(context.Background()); err != nil {
							t.Error(err)
						}
					}
					start()
				default:
					if got := replicas[to].deliver(question("1", "海关有何激励？")); got["Content"] != "一" {
						t.Errorf("the response says %q", got)
					}
				}
			}
			for _, b := range replicas {
				if err := b.callback.Close(context.Background()); err != nil {
					t.Error(err)
				}
			}
			if got, want := c.tried(), []string{"二", "三", "四"}; !slices.Equal(got, want) {
				t.Errorf("sent %q, want %q", got, want)
			}
			if _, open, err := journal.Look(t.Context(), replicas[0].callback.pushes.queue, "app:"+testCorp+":"+testAgent+":1"); open || err != nil {
				t.Errorf("the reply is not noted as done: %v, %v", open, err)
			}
			if checks := c.checks(t); slices.Max(checks) != duplicateCheck {
				t.Errorf("pages that nobody sent before are checked for %v", checks)
			}
		})
	}
}

// TestAfterACrashOnlyTheDoubtfulPageComesAgain: the process dies while a page is under way,
// of which nobody knows whether it arrived; those before are not sent again, and the platform
// is asked to look for that one as far back as it may have been sent.
func TestAfterACrashOnlyTheDoubtfulPageComesAgain(t *testing.T) {
	for page, want := range map[int]struct{ tried, read []string }{
		1: {[]string{"二", "二", "三", "四"}, []string{"二", "三", "四"}},
		2: {[]string{"二", "三", "三", "四"}, []string{"二", "三", "四"}},
		3: {[]string{"二", "三", "四", "四"}, []string{"二", "三", "四"}},
	} {
		const ago = 5 * time.Minute // when the journal says that the message came
		journal, err := boltstore.Open(filepath.Join(t.TempDir(), "state.db"), boltstore.Options{NoSync: true, Now: func() time.Time { return time.Now().Add(-ago) }})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { journal.Close() })
		c := newCorp(t)
		underWay := make(chan struct{})
		c.SetFaults(platform.APIFaults{Break: func(w http.ResponseWriter, r *http.Request, name string) bool {
			if name != "message/send" || int(c.sent.Add(1)) != page {
				return false
			}
			close(underWay)
			c.hang(w, r, page)
			return true
		}})
		first, kill := c.process(t, journal)
		first.callback.pushes.lease = 100 * time.Millisecond
		first.deliver(question("1", "海关有何激励？"))
		<-underWay
		kill()
		second, _ := c.process(t, journal)
		second.run()
		waitFor(t, "the rest", func() bool { return len(c.tried()) >= len(want.tried) })
		waitFor(t, "the end", func() bool {
			_, open, err := journal.Look(t.Context(), second.callback.pushes.queue, "app:"+testCorp+":"+testAgent+":1")
			return err == nil && !open
		})
		if got := c.tried(); !slices.Equal(got, want.tried) {
			t.Errorf("crash at page %d: sent %q, want %q", page, got, want.tried)
		}
		if got := c.texts(); !slices.Equal(got, want.read) {
			t.Errorf("crash at page %d: people read %q, want %q", page, got, want.read)
		}
		for i, check := range c.checks(t) {
			if doubtful := i >= page; (check >= ago+duplicateCheck) != doubtful {
				t.Errorf("crash at page %d: call %d is checked for %v", page, i+1, check)
			}
		}
		third, _ := c.process(t, journal)
		if got := third.deliver(question("1", "海关有何激励？")); got["Content"] != "一" {
			t.Errorf("delivered again: %q", got)
		}
		if err := third.callback.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if got := c.tried(); len(got) != len(want.tried) {
			t.Errorf("crash at page %d, then delivered again: sent %q", page, got)
		}
	}
}

// TestAFrozenProcessLeavesItsPages: while a page is under way its reply is taken over, and is
// the other's then.
func TestAFrozenProcessLeavesItsPages(t *testing.T) {
	c, journal := newCorp(t), newJournal(t)
	underWay, thaw := make(chan struct{}), make(chan struct{})
	c.onSend = func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			close(underWay)
			<-thaw
		}
		answer(w, 0, "ok")
	}
	first, _ := c.process(t, journal)
	first.callback.pushes.lease = 50 * time.Millisecond
	first.deliver(question("1", "海关有何激励？"))
	<-underWay
	var theirs []bot.Task
	waitFor(t, "the reply is taken over", func() bool {
		var err error
		theirs, err = journal.Claim(t.Context(), first.callback.pushes.queue, "another", 1, time.Hour)
		return err == nil && len(theirs) == 1
	})
	close(thaw)
	if err := first.callback.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if got, want := c.tried(), []string{"二"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q: the rest is another's", got, want)
	}
}
