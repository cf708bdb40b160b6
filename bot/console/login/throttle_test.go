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
