package kf

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"aeobot/bot"
	"aeobot/bot/wecom/platform"
)

// refuser has send_msg refuse customers with a code, and counts.
type refuser struct {
	mu    sync.Mutex
	left  map[string]int // customer → how often
	code  int
	tried map[string]int
}

func (r *refuser) refuse(name string, body []byte) int {
	var m struct {
		To string `json:"touser"`
	}
	if name != "kf/send_msg" || json.Unmarshal(body, &m) != nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried[m.To]++
	if r.left[m.To] > 0 {
		r.left[m.To]--
		return r.code
	}
	return 0
}

func (r *refuser) count(customer string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tried[customer]
}

// Codes that no table has.
var unknownCodes = []int{40000, 40051, 86001, 95002, 95999, 846604, 1234567}

// impossible are codes after which the platform takes that reply no more, whatever the bot does.
var impossible = []int{40003, 40096, 60111, 81013, 50002, 40201, 95001, 95013, 95018}

const always = 1 << 30

func everyCode() []int {
	var all []int
	for code := range classes {
		all = append(all, int(code))
	}
	slices.Sort(all)
	return append(append(all, unknownCodes...), 40008, 40058, 40063, 44004, 45002)
}

// TestEveryCodeToOneCustomer: whatever one customer's reply is refused with, and for good,
// those behind get theirs; the reply itself is tried as often as its class allows.
func TestEveryCodeToOneCustomer(t *testing.T) {
	for _, code := range everyCode() {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			r := &refuser{left: map[string]int{"wmA": always}, code: code, tried: map[string]int{}}
			b.corp.SetFaults(platform.APIFaults{Refuse: r.refuse})
			k, _ := b.replica()
			for i, who := range []string{"wmA", "wmB", "wmA", "wmC"} {
				b.says(who, fmt.Sprint("k-", i), fmt.Sprint("问", i))
			}
			b.nudge(k)
			if slices.Contains([]int{40001, 40013, 40091, 45009}, code) {
				// The client itself stops all calls: for minutes nobody of the corp is sent anything.
				b.wait("the trouble", func() bool { return k.client.Trouble() != nil || len(k.Troubles()) > 0 })
				return
			}
			b.wait("those behind", func() bool { return len(b.seen()) >= 2 })
			if got, want := b.seen(), []string{"wmB 答：问1", "wmC 答：问3"}; !slices.Equal(got, want) {
				t.Errorf("seen %q, want %q", got, want)
			}
			switch c := classes[int64(code)]; c {
			case classOver:
				b.wait("an end", func() bool { return b.count(OutcomeTooLate, 0) == 2 })
				if n := r.count("wmA"); n != 2 {
					t.Errorf("two replies were tried %d times", n)
				}
			case classAccount, "":
				// Others of the account are not refused: it is this customer's own.
				for i := 4; b.count(OutcomeFailed, 0) < 2; i++ {
					tried := r.count("wmA")
					b.says("wmB", fmt.Sprint("k-", i), "还有")
					b.nudge(k)
					b.wait("another's reply, and a try", func() bool {
						return len(b.seen()) >= i-1 && (r.count("wmA") > tried || b.count(OutcomeFailed, 0) == 2)
					})
				}
				if n := r.count("wmA"); n < 2*maxTries || c == "" && n != 2*maxTries {
					t.Errorf("two replies were tried %d times", n)
				}
			default:
				b.wait("more tries", func() bool { return r.count("wmA") > 2*maxTries })
				if n := b.count(OutcomeTooLate, 0) + b.count(OutcomeFailed, 0); n != 0 {
					t.Errorf("given up: %v", b.counts)
				}
			}
		})
	}
}

// TestEveryCodeToAll: everybody is refused for a while. Nothing is lost but what the platform
// makes impossible, nothing is out of order; what concerns the account is told to operators
// until it is over.
func TestEveryCodeToAll(t *testing.T) {
	for _, code := range everyCode() {
		if slices.Contains([]int{40001, 40013, 40091, 45009}, code) {
			continue // the client pauses for minutes: its own tests
		}
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			times := 2
			account := classes[int64(code)] == classAccount
			if account {
				times = 2 * maxTries
			}
			r := &refuser{left: map[string]int{"wmA": times, "wmB": times}, code: code, tried: map[string]int{}}
			gate := make(chan struct{}) // until an operator has acted
			b.corp.SetFaults(platform.APIFaults{Refuse: func(name string, body []byte) int {
				if c := r.refuse(name, body); c != 0 || !account || name != "kf/send_msg" {
					return c
				}
				select {
				case <-gate:
					return 0
				default:
					return code
				}
			}})
			k, _ := b.replica()
			var want []string
			for i := range 8 {
				who := []string{"wmA", "wmB"}[i%2]
				b.says(who, fmt.Sprint("k-", i), fmt.Sprint("问", i))
				want = append(want, fmt.Sprint(who, " 答：问", i))
			}
			b.nudge(k)
			if account {
				b.wait("the trouble", func() bool {
					return strings.Contains(strings.Join(k.Troubles(), ""), fmt.Sprint("errcode ", code)) && r.count("wmA") > times && r.count("wmB") > times
				})
			}
			close(gate)
			if slices.Contains(impossible, code) {
				want = want[2*times:]
			}
			b.wait("all replies", func() bool { return len(b.seen()) >= len(want) })
			for _, who := range []string{"wmA", "wmB"} {
				of := func(all []string) (own []string) {
					for _, s := range all {
						if strings.HasPrefix(s, who) {
							own = append(own, s)
						}
					}
					return own
				}
				if got := of(b.seen()); !slices.Equal(got, of(want)) {
					t.Errorf("%s read %q, want %q", who, got, of(want))
				}
			}
			b.wait("no trouble", func() bool { return len(k.Troubles()) == 0 })
		})
	}
}

// TestCodesAtRandom: 600 messages of 60 customers while every code is thrown at random, and
// answers are lost. Each reply arrives once, or twice where the second says so; who is
// refused for good is named by the platform's code.
func TestCodesAtRandom(t *testing.T) {
	const customers, each = 60, 10
	b := newBench(t)
	random := rand.New(rand.NewPCG(1, 2))
	codes := slices.DeleteFunc(everyCode(), func(code int) bool { return slices.Contains([]int{40001, 40013, 40091, 45009}, code) })
	var mu sync.Mutex
	final, bounded := map[string]bool{}, map[string]int{} // by message id: cannot come any more; how often refused where tries are bounded
	threw := map[int]int{}
	hit := func(p float64) (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		return codes[random.IntN(len(codes))], random.Float64() < p
	}
	b.corp.SetFaults(platform.APIFaults{
		Refuse: func(name string, body []byte) int {
			var m struct {
				ID string `json:"msgid"`
			}
			code, yes := hit(0.25)
			if !strings.HasPrefix(name, "kf/") || name == "kf/sync_msg" || !yes || json.Unmarshal(body, &m) != nil {
				return 0
			}
			mu.Lock()
			defer mu.Unlock()
			threw[code]++
			final[m.ID] = final[m.ID] || slices.Contains(impossible, code)
			if c := classes[int64(code)]; c == "" || c == classAccount {
				bounded[m.ID]++
			}
			return code
		},
		Break: func(_ http.ResponseWriter, _ *http.Request, name string) bool {
			if _, yes := hit(0.02); yes && name == "kf/send_msg" {
				panic(http.ErrAbortHandler)
			}
			return false
		},
	})
	one, _ := b.replica()
	two, _ := b.replica()
	ended := func() int {
		return b.count(OutcomeAnswered, 0) + b.count(OutcomeTooLate, 0) + b.count(OutcomeFailed, 0)
	}
	asked := map[string]string{}
	for i := range customers * each {
		who, text := fmt.Sprint("wm", i%customers), fmt.Sprint("问", i)
		asked[who+" 答："+text] = pageID(fmt.Sprint("k-", i), 0)
		b.says(who, fmt.Sprint("k-", i), text)
		if i%7 == 0 {
			b.nudge([]*Callback{one, two}[i%2])
		}
		if i%(5*customers) == 5*customers-1 { // more than five the platform does not take at a time
			b.nudge(one)
			b.wait("an end of all", func() bool { return ended() > i })
		}
	}
	read := map[string]int{}
	for _, s := range b.seen() {
		plain := strings.Replace(s, bot.TextAgain+"\n", "", 1)
		if plain == s {
			read[plain]++
		} else if read[plain] == 0 {
			read[plain] = 1 // the first try was lost on its way
		}
	}
	lost := 0
	for text, id := range asked {
		switch n := read[text]; {
		case n > 1:
			t.Errorf("%s came %d times without a word", text, n)
		case n == 0 && !final[id] && bounded[id] < maxTries:
			lost++
			t.Errorf("%s was lost", text)
		}
	}
	t.Logf("%d messages: lost %d; refused for good by the platform %d; codes thrown %v", len(asked), lost, len(asked)-len(read), threw)
}
