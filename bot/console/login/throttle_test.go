package login

import (
	"fmt"
	"testing"
	"time"
)

// TestAGoodAccountIsNoLicence to guess at others from the same address, however often one logs
// in between.
func TestAGoodAccountIsNoLicence(t *testing.T) {
	at := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
	th := newThrottle(func() time.Time { return at })
	const address = "203.0.113.9"
	looked := 0
	for i := range 3 * limitAddress.free {
		if th.attempt(counted{&limitPair, fmt.Sprint("name", i, " ", address)}, counted{&limitAddress, address}) == 0 {
			looked++
		}
		own := []counted{{&limitPair, "rea.der " + address}, {&limitAddress, address}}
		if th.attempt(own...) == 0 {
			th.forgive(own...)
		}
	}
	if looked != limitAddress.free {
		t.Errorf("%d guesses were looked at, want %d", looked, limitAddress.free)
	}
}

// TestANameThatIsNoneTakesAsLong as the account that takes longest.
func TestANameThatIsNoneTakesAsLong(t *testing.T) {
	for want, iterations := range map[int][]int{7: {2, 7, 4}, 2: {2}, cheap + 1: {}} {
		var all []Account
		for i, n := range iterations {
			a, err := newAccount(fmt.Sprint("name", i), Reader, goodPassword, n)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, a)
		}
		a, err := newAccounts(all, "", cheap+1)
		if err != nil || a.dummy.iterations != want {
			t.Errorf("accounts of %v: %d, want %d; %v", iterations, a.dummy.iterations, want, err)
		}
	}
}
