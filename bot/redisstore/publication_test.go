package redisstore_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aeobot/bot"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
)

var _ bot.Publications = (*redisstore.Store)(nil)

// announcement is a state of a chain that is named by a letter.
func announcement(chain string, n int) bot.Announcement {
	a := bot.Announcement{Number: n, Digest: fmt.Sprint(chain, n), State: fmt.Appendf(nil, "state %s%d", chain, n)}
	if n > 1 {
		a.Before = fmt.Sprint(chain, n-1)
	}
	return a
}

func TestWhoAnnouncesANumberFirstHasIt(t *testing.T) {
	r := storetest.StartRedis(t)
	s := open(t, "redis://"+r.Addr, redisstore.Options{StepTimeout: patient})
	digests := func(want ...string) {
		t.Helper()
		if got, err := s.Digests(t.Context()); !slices.Equal(got, want) || err != nil {
			t.Errorf("digests %q, %v; want %q", got, err, want)
		}
	}
	digests()
	if data, err := s.Announced(t.Context(), 1); data != nil || err != nil {
		t.Errorf("announced of nothing: %q, %v", data, err)
	}
	var first atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			kept, err := s.Announce(t.Context(), announcement(string(rune('a'+i)), 1))
			if err != nil {
				t.Error(err)
			}
			if kept {
				first.Add(1)
			}
		})
	}
	all.Wait()
	data, err := s.Announced(t.Context(), 1)
	if first.Load() != 1 || err != nil || !bytes.HasPrefix(data, []byte("state ")) {
		t.Fatalf("%d announced; kept %q, %v", first.Load(), data, err)
	}
	chain := strings.TrimSuffix(strings.TrimPrefix(string(data), "state "), "1")
	announce := func(a bot.Announcement, want bool) {
		t.Helper()
		if kept, err := s.Announce(t.Context(), a); kept != want || err != nil {
			t.Errorf("announcing %s: %v, %v; want %v", a.Digest, kept, err, want)
		}
	}
	announce(announcement(chain, 1), true) // the same again
	announce(announcement("x", 2), false)  // does not follow
	announce(announcement(chain, 3), false)
	large := announcement(chain, 2)
	large.State = bytes.Repeat([]byte("x"), 8<<20)
	announce(large, true)
	if data, err := s.Announced(t.Context(), 2); !bytes.Equal(data, large.State) || err != nil {
		t.Errorf("8 MiB came back as %d bytes, %v", len(data), err)
	}
	digests(chain+"1", chain+"2")
	key := "test:" + t.Name() + ":{published}:"
	r.Do("set", key+"latest", "garbage")
	digests(chain+"1", chain+"2")
	announce(announcement(chain, 3), true)
	r.Do("set", key+"latest", "999999999999")
	digests(chain+"1", chain+"2", chain+"3")
	r.Do("del", key+"2") // what is lost is put back, by its own chain alone
	digests(chain+"1", "", chain+"3")
	announce(announcement("x", 2), false)
	announce(large, true)
	digests(chain+"1", chain+"2", chain+"3")
}

// TestAnnouncedBeforeDigestsWereKept: an earlier release's announcements are read, and get
// their digests.
func TestAnnouncedBeforeDigestsWereKept(t *testing.T) {
	r := storetest.StartRedis(t)
	s := open(t, "redis://"+r.Addr, redisstore.Options{StepTimeout: patient})
	key := "test:" + t.Name() + ":{published}:"
	r.Do("set", key+"1", "state a1")
	r.Do("set", key+"latest", "1")
	for _, step := range []struct {
		chain string
		n     int
		kept  bool
		want  []string
	}{{"a", 2, false, []string{""}}, {"b", 1, false, []string{""}}, {"a", 1, true, []string{"a1"}}, {"a", 2, true, []string{"a1", "a2"}}} {
		kept, err := s.Announce(t.Context(), announcement(step.chain, step.n))
		if kept != step.kept || err != nil {
			t.Errorf("announcing %s%d: %v, %v", step.chain, step.n, kept, err)
		}
		if got, err := s.Digests(t.Context()); !slices.Equal(got, step.want) || err != nil {
			t.Errorf("after %s%d: digests %q, %v; want %q", step.chain, step.n, got, err, step.want)
		}
	}
}

// TestReplaceIsForWhatWasLookedAt: of many who replace at once one does, and who looked at
// other states before does not.
func TestReplaceIsForWhatWasLookedAt(t *testing.T) {
	r := storetest.StartRedis(t)
	s := open(t, "redis://"+r.Addr, redisstore.Options{StepTimeout: patient})
	for n := 1; n <= 4; n++ {
		if kept, err := s.Announce(t.Context(), announcement("a", n)); !kept || err != nil {
			t.Fatal(kept, err)
		}
	}
	was := []string{"a1", "a2", "a3", "a4"}
	other := func(chain string, last int) (all []bot.Announcement) {
		for n := 3; n <= last; n++ {
			all = append(all, announcement(chain, n))
		}
		return all
	}
	for _, tt := range []struct{ was []string }{{was[:3]}, {[]string{"a1", "a2", "a3", "b4"}}, {append(slices.Clone(was), "a5")}} {
		if done, err := s.Replace(t.Context(), tt.was, other("b", 3)); done || err != nil {
			t.Errorf("replaced %q: %v, %v", tt.was, done, err)
		}
	}
	var done atomic.Int32
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			ok, err := s.Replace(t.Context(), was, other(string(rune('p'+i)), 3+i%2*3))
			if err != nil {
				t.Error(err)
			}
			if ok {
				done.Add(1)
			}
		})
	}
	all.Wait()
	got, err := s.Digests(t.Context())
	if done.Load() != 1 || err != nil || len(got) < 3 || !slices.Equal(got[:2], was[:2]) {
		t.Fatalf("%d replaced; digests %q, %v", done.Load(), got, err)
	}
	for n := 3; n <= 4; n++ {
		data, err := s.Announced(t.Context(), n)
		if n > len(got) && data != nil || n <= len(got) && string(data) != "state "+got[n-1] || err != nil {
			t.Errorf("state %d is %q, %v, with digests %q", n, data, err, got)
		}
	}
	if ttl := strings.TrimSpace(r.Do("ttl", "test:"+t.Name()+":{published}:3")); ttl != "-1" {
		t.Errorf("what was replaced goes after %s s", ttl)
	}
}
