package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
)

func put(t *testing.T, s Store, kind, id, data string, was uint64, keep time.Duration, want error) {
	t.Helper()
	if err := s.Put(t.Context(), kind, id, []byte(data), was, keep); !errors.Is(err, want) {
		t.Fatalf("put %s/%s over version %d: %v, want %v", kind, id, was, err, want)
	}
}

func shelved(t *testing.T, s Store, kind string) string {
	t.Helper()
	all, err := s.Items(t.Context(), kind)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, i := range all {
		text += fmt.Sprintf("%s=%s@%d ", i.ID, i.Data, i.Version)
	}
	return text
}

func shelfKeepsVersions(t *testing.T, s Store) {
	if i, err := s.Get(t.Context(), "p", "a"); i.Version != 0 || err != nil {
		t.Errorf("nothing is %+v, %v", i, err)
	}
	put(t, s, "p", "a", "一", 1, time.Hour, bot.ErrStale)
	put(t, s, "p", "b", "乙", 0, time.Hour, nil)
	put(t, s, "p", "a", "一", 0, time.Hour, nil)
	put(t, s, "p", "a", "二", 0, time.Hour, bot.ErrStale)
	put(t, s, "p", "a", "二\x00", 1, time.Hour, nil)
	put(t, s, "q", "a", "别的", 0, time.Hour, nil)
	if i, err := s.Get(t.Context(), "p", "a"); string(i.Data) != "二\x00" || i.Version != 2 || err != nil {
		t.Errorf("got %+v, %v", i, err)
	}
	if got, want := shelved(t, s, "p"), "a=二\x00@2 b=乙@1 "; got != want {
		t.Errorf("items %q, want %q", got, want)
	}
	put(t, s, "p", "a", "", 1, 0, bot.ErrStale)
	put(t, s, "p", "a", "", 2, 0, nil)
	if got, want := shelved(t, s, "p"), "b=乙@1 "; got != want {
		t.Errorf("items %q, want %q", got, want)
	}
	put(t, s, "p", "b", "短", 1, short, nil)
	Eventually(t, "expiry", func() bool { return shelved(t, s, "p") == "" })
	put(t, s, "p", "b", "新", 0, time.Hour, nil)
	if got := shelved(t, s, "unknown"); got != "" {
		t.Errorf("an unknown kind has %q", got)
	}
}

// shelfCountsEveryChange: many who add to one item at once lose nothing.
func shelfCountsEveryChange(t *testing.T, s Store) {
	var changes atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for done := 0; done < 5; {
				i, err := s.Get(t.Context(), "p", "n")
				if err == nil {
					err = s.Put(t.Context(), "p", "n", append(i.Data, 'x'), i.Version, time.Hour)
				}
				switch {
				case err == nil:
					changes.Add(1)
					done++
				case !errors.Is(err, bot.ErrStale):
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if i, err := s.Get(t.Context(), "p", "n"); len(i.Data) != 40 || changes.Load() != 40 || err != nil {
		t.Errorf("%d changes, %d kept, %v", changes.Load(), len(i.Data), err)
	}
}
