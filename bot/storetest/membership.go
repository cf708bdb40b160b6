package storetest

import (
	"testing"
	"time"

	"aeobot/bot"
)

// membersTest: members are confirmed in time only, expelled only if they were not confirmed
// since, and doubt begins an epoch. A store of one process knows no members.
func membersTest(t *testing.T, s Store) {
	ask := func(id string, before time.Time) bot.Members {
		t.Helper()
		m, err := s.Members(t.Context(), id, before)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	expel := func(id string, last time.Time, doubt bool, before time.Time) {
		t.Helper()
		err := s.Expel(t.Context(), id, last, doubt, before)
		if late := before.Before(time.Now()); late != (err != nil) && !ask("", time.Time{}).Exclusive {
			t.Fatalf("expelled late: %v, error: %v", late, err)
		}
	}
	first := ask("one", time.Time{})
	if first.Epoch != 0 || first.Noted || len(first.Confirmed) > 0 {
		t.Errorf("an empty store: %+v", first)
	}
	soon := time.Now().Add(time.Minute)
	if m := ask("one", soon); !m.Noted || len(m.Confirmed) > 0 {
		t.Errorf("the first is confirmed: %+v", m)
	}
	if first.Exclusive {
		expel("one", time.Time{}, false, soon)
		expel("one", time.Time{}, true, soon)
		if m := ask("one", soon); m.Epoch != 1 || m.Began.Before(first.Now) {
			t.Errorf("after doubt: %+v", m)
		}
		return
	}
	if m := ask("two", first.Now.Add(-time.Second)); m.Noted {
		t.Errorf("confirmed although it was late: %+v", m)
	}
	m := ask("two", time.Time{})
	one := m.Confirmed["one"]
	if len(m.Confirmed) != 1 || one.Before(first.Now) || one.After(m.Now) {
		t.Errorf("one member: %+v", m)
	}
	expel("one", one.Add(-time.Second), true, soon) // confirmed since
	expel("one", one, true, first.Now.Add(-time.Second))
	if m := ask("two", soon); len(m.Confirmed) != 1 || m.Epoch != 0 {
		t.Errorf("after two that did nothing: %+v", m)
	}
	expel("one", one, true, soon)
	if m := ask("two", time.Time{}); len(m.Confirmed) != 1 || m.Confirmed["two"].IsZero() || m.Epoch != 1 || m.Began.Before(first.Now) || m.Began.After(m.Now) {
		t.Errorf("after one was expelled with doubt: %+v", m)
	}
	expel("one", time.Time{}, true, soon) // its follower knows that there is doubt
	if err := s.Leave(t.Context(), "two"); err != nil {
		t.Fatal(err)
	}
	if m := ask("two", time.Time{}); len(m.Confirmed) != 0 || m.Epoch != 2 {
		t.Errorf("after the second left: %+v", m)
	}
}
