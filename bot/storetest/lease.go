package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func leased(t *testing.T, s Store, name, holder string, life time.Duration) bool {
	t.Helper()
	held, err := s.Lease(t.Context(), name, holder, life)
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func leaseHeldByOne(t *testing.T, s Store) {
	if !leased(t, s, "bot", "one", lease) || leased(t, s, "bot", "two", lease) || !leased(t, s, "bot", "one", lease) {
		t.Error("a lease is not held by the one who took it")
	}
	if !leased(t, s, "other", "two", lease) {
		t.Error("another lease cannot be taken")
	}
	for _, holder := range []string{"two", "one"} { // the one who does not have it gives nothing up
		if err := s.Release(t.Context(), "bot", holder); err != nil {
			t.Fatal(err)
		}
		if got, want := leased(t, s, "bot", "three", short), holder == "one"; got != want {
			t.Errorf("after %s released: taken by the third %v, want %v", holder, got, want)
		}
	}
}

func leaseTakenOver(t *testing.T, s Store) {
	if !leased(t, s, "bot", "one", 200*time.Millisecond) {
		t.Fatal("not taken")
	}
	Eventually(t, "the lease to run out", func() bool { return leased(t, s, "bot", "two", lease) })
	if leased(t, s, "bot", "one", lease) {
		t.Error("the one whose lease ran out renewed it after another had taken it")
	}
}

func leaseOneOfMany(t *testing.T, s Store) {
	var owners atomic.Int32
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			held, err := s.Lease(context.Background(), "bot", fmt.Sprint(i), lease)
			if err != nil {
				t.Error(err)
			}
			if held {
				owners.Add(1)
			}
		})
	}
	all.Wait()
	if owners.Load() != 1 {
		t.Errorf("%d hold the lease at once", owners.Load())
	}
}
