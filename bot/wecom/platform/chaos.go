package platform

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Chaos lets things go wrong as they do at the platform, by a seed. A nil Chaos lets
// nothing go wrong.
type Chaos struct {
	tell func(what string)

	mu     sync.Mutex
	random *rand.Rand
}

// NewChaos makes one whose faults are decided by seed and told to tell.
func NewChaos(seed uint64, tell func(what string)) *Chaos {
	return &Chaos{tell: tell, random: rand.New(rand.NewPCG(seed, 1))}
}

// happens decides whether something goes wrong this time.
func (c *Chaos) happens(what string, probability float64) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	yes := c.random.Float64() < probability
	c.mu.Unlock()
	if yes {
		c.tell(what)
	}
	return yes
}

func (c *Chaos) intN(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.random.IntN(n)
}

// Times between faults that are not those of a single message.
const (
	calmAtLeast = 5 * time.Second
	calmAtMost  = 20 * time.Second
	silentFor   = 70 * time.Second // longer than two heartbeats of the bot
)

// Run disturbs the gateway (nil: none) and the API until ctx ends.
func (c *Chaos) Run(ctx context.Context, g *Gateway, corp *Corp) {
	type fault struct {
		what string
		do   func()
	}
	faults := []fault{
		{"the API loses two answers", func() { corp.SetFaults(APIFaults{LoseAnswers: 2}) }},
		{"the API is busy (-1), then counts too many calls (45009)", func() {
			corp.SetFaults(APIFaults{Codes: map[string][]int{"message/send": {-1, apiTooOften}, "kf/send_msg": {-1}}})
		}},
		{"customer service refuses for reasons known and unknown", func() {
			corp.SetFaults(APIFaults{Codes: map[string][]int{"kf/send_msg": {45033, 95017, 95999, -1}, "kf/service_state/get": {-1}}})
		}},
		{"customer service takes a message and tells later that it did not arrive", func() { corp.SetFaults(APIFaults{SendFails: 1}) }},
		{"all access_tokens die early (42001)", func() { corp.ExpireTokens() }},
		{"the API does not know this address (60020), once", func() {
			corp.SetFaults(APIFaults{Codes: map[string][]int{"message/send": {apiUntrusted}}})
		}},
	}
	if g != nil {
		faults = append(faults,
			fault{"the long connection is cut", g.Cut},
			fault{"the bot is displaced, as by a second login", g.Kick},
			fault{"two acknowledgements are lost", func() { g.SetFaults(Faults{LoseAcks: 2}) }},
			fault{"the login of the long connection dies, its socket lives", g.Unsubscribe},
			fault{"the long connection is cut, and the next login one too many (45009)", func() {
				g.SetFaults(Faults{Codes: map[string][]int{"aibot_subscribe": {apiTooOften}}})
				g.Cut()
			}},
			fault{"the gateway falls silent and keeps the socket", func() {
				g.SetFaults(Faults{Silent: true})
				rest(ctx, silentFor)
				g.SetFaults(Faults{})
			}},
		)
	}
	for {
		rest(ctx, calmAtLeast+time.Duration(c.intN(int(calmAtMost-calmAtLeast))))
		if ctx.Err() != nil {
			return
		}
		f := faults[c.intN(len(faults))]
		c.tell(f.what)
		f.do()
	}
}

// rest waits; less when ctx ends.
func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
