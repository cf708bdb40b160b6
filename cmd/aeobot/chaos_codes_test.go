package main

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"aeobot/bot/storetest"
	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/platform"
)

// gatewayCodes are codes of every class, and some of none; what the platform does with
// documents (853001) is not among them.
var gatewayCodes = []int{-1, 846601, 846602, 846604, 846605, 846607, 846608, 846610, 600039, 40008, 40058, 40201, 86001, 12345, 846609, 45009}

// someCodes draws n of them.
func someCodes(r *rand.Rand, codes []int, n int) (some []int) {
	for range n {
		some = append(some, codes[r.IntN(len(codes))])
	}
	return some
}

// thrower throws error codes at random, by the run's seed, and counts them.
type thrower struct {
	mu     sync.Mutex
	random *rand.Rand
	share  float64 // of all calls
	codes  []int
	thrown map[int]int
}

func newThrower(share float64, codes ...int) *thrower {
	return &thrower{random: rand.New(rand.NewPCG(uint64(chaosSetting("AEOBOT_CHAOS_SEED", 1)), 55)), share: share, codes: codes, thrown: map[int]int{}}
}

// pick gives the code for one call; 0: it is taken.
func (w *thrower) pick() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.share == 0 || w.random.Float64() >= w.share {
		return 0
	}
	code := w.codes[w.random.IntN(len(w.codes))]
	if n := len(w.thrown); n < len(w.codes) {
		code = w.codes[n] // each once, before chance has its way
	}
	w.thrown[code]++
	return code
}

// end throws no more, and fails when a code was not thrown.
func (w *thrower) end(t *testing.T, all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.share = 0
	t.Logf("thrown: %v", w.thrown)
	for _, code := range w.codes {
		if all && w.thrown[code] == 0 {
			t.Errorf("%d was never thrown", code)
		}
	}
}

// breakCalls has calls of an API refused with thrown codes.
func (w *thrower) breakCalls(names ...string) platform.APIFaults {
	return platform.APIFaults{Break: func(answer http.ResponseWriter, _ *http.Request, name string) bool {
		code := 0
		if slices.Contains(names, name) {
			code = w.pick()
		}
		if code == 0 {
			return false
		}
		answer.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(answer).Encode(map[string]any{"errcode": code, "errmsg": "as the run wants it"}) // the caller may have gone
		return true
	}}
}

// TestChaosCodesLongConnection: every sixth answer over the long connection, and every third
// late one, is refused with any code. Each asker has one answer.
func TestChaosCodesLongConnection(t *testing.T) {
	t.Parallel()
	gateway, ws := newGateway(t)
	standIn := &platform.API{}
	server := httptest.NewServer(standIn)
	t.Cleanup(server.Close)
	p := &longPlatform{chaos: newChaos(t, false), gateway: gateway, corp: standIn.Corp("ww1", "unused")}
	p.listen()
	gateway.Forget = true
	replies, late := newThrower(1.0/6, gatewayCodes...), newThrower(1.0/3, -1, 45009, 40058, 40008, 60140, 40201, 12345)
	gateway.SetFaults(platform.Faults{Pick: func(command string) int {
		if command == "aibot_send_msg" {
			return 0 // the last way; refused there too, an answer is impossible
		}
		return replies.pick()
	}})
	p.corp.SetFaults(late.breakCalls("aibot/response"))
	newReplica(t, overConnection(ws, "AEOBOT_WECOM_API_BASE_URL="+server.URL)...)
	p.drive(p.scripts(p.messages), p.say)
	replies.end(t, p.messages >= chaosMessages)
	late.end(t, false)
	p.end()
	p.judge()
}

// appCodes are codes after which the application's message can be sent all the same. Others
// make it impossible: the person is none of ours (40003, 60111, 81013), the application is
// not allowed to (48002, 50002, …), the secret is wrong (40001), or the call is (40058). 45009
// stops the whole application for a minute, which is the platform's rule.
var appCodes = []int{-1, 45033, 40014, 41001, 42001, 60020, 40000, 86001, 12345, 846607}

// TestChaosCodesApplication: every tenth page is refused with any code.
func TestChaosCodesApplication(t *testing.T) {
	t.Parallel()
	standIn := &platform.API{}
	server := httptest.NewServer(standIn)
	t.Cleanup(server.Close)
	corp := standIn.Corp(testCorp, "app-secret")
	codec, err := envelope.New(testAppToken, testAppKey, testCorp)
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"AEOBOT_REDIS_URL=redis://" + storetest.StartRedis(t).Addr, "AEOBOT_WECOM_API_BASE_URL=" + server.URL,
		"AEOBOT_WECOM_APP_SECRET=app-secret", "AEOBOT_WECOM_APP_CARDS=false"}
	p := &appPlatform{newChaos(t, false), []*replica{newReplica(t, env...)}, codec, &http.Client{Timeout: deliverWithin}, map[string]map[string]int{}}
	corp.Listen(func(s platform.Sent) { p.readsPage(s.To, s.Text, true) })
	pages := newThrower(1.0/10, appCodes...)
	corp.SetFaults(pages.breakCalls("message/send"))
	lost, doubled := p.ask(p.messages, func() { pages.end(t, p.messages >= chaosMessages) })
	t.Logf("replies of several pages %d: lost %d, doubled %d", p.messages, lost, doubled)
	for _, line := range p.trouble {
		t.Error(line)
	}
}
