package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/platform"
)

// TestTalkWithAPersonInABrowser plays a customer's talk in the stand-in's page: nobody on
// duty, a person offered and taken, silence, the talk given back, and a colleague who came
// through the link. AEOBOT_TEST_SCREENSHOTS names a folder for pictures.
func TestTalkWithAPersonInABrowser(t *testing.T) {
	needChromium(t)
	needClients(t)
	standIn, bot := startSimulate(t)
	cmd := exec.CommandContext(t.Context(), "node", "kf.mjs", standIn.base, os.Getenv("AEOBOT_TEST_SCREENSHOTS"))
	cmd.Dir = filepath.Join("testdata", "wecom-client")
	cmd.Stderr = os.Stderr
	out, err := child.Output(cmd)
	if err != nil {
		t.Fatalf("%v: %s\nthe bot said:\n%s", err, out, bot.stderr)
	}
	var seen struct {
		Welcome, Nobody, HandedOver, Servicer, Back, Answer, Behind string
		Silent, Colleague                                           int
		Wide                                                        bool
		Errors                                                      []string
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for what, tt := range map[string]struct{ got, want string }{
		"nobody on duty": {seen.Nobody, "没能转给人工"}, "handed over": {seen.HandedOver, "客服人员会在这里回复您"},
		"given back": {seen.Back, "您可以接着问我"}, "the servicer": {seen.Servicer, "我是周敏"},
	} {
		if !strings.Contains(tt.got, tt.want) {
			t.Errorf("%s: the page shows %q, want %q", what, tt.got, tt.want)
		}
	}
	if seen.Silent != 0 || seen.Colleague != 0 || seen.Wide || len(seen.Errors) > 0 {
		t.Errorf("answers in a person's talk %d, to a colleague %d; wider than a phone %v; errors %q", seen.Silent, seen.Colleague, seen.Wide, seen.Errors)
	}
	bot.await("the refusal counted", func() bool {
		_, metrics := bot.get("/metrics")
		return strings.Contains(metrics, `aeobot_kf_refused_total{call="kf/send_msg",class="over",code="40096"} 1`)
	})
	if status, ready := bot.get("/readyz"); status != http.StatusOK || !strings.Contains(ready, `"status":"ready"`) {
		t.Errorf("one customer's refusal shows in /readyz: %s", ready)
	}
	nothingLeaked(t, bot)
}

// TestReadyzNamesAnAccountsTrouble while an account may not be sent to, though it can be
// fetched, and not when one customer's reply is refused.
func TestReadyzNamesAnAccountsTrouble(t *testing.T) {
	standIn := &platform.API{}
	server := httptest.NewServer(standIn)
	t.Cleanup(server.Close)
	p := newKfPlatform(t, standIn)
	p.replicas = []*replica{newReplica(t, kfEnv(server.URL)...)}
	var code atomic.Int32
	p.corp.SetFaults(platform.APIFaults{Refuse: func(name string, _ []byte) int {
		if name == "kf/send_msg" {
			return int(code.Load())
		}
		return 0
	}})
	code.Store(95017)
	p.corp.CustomerWrites(kfChaosAccount, "wmA", "k-1", "text", map[string]any{"content": "能免除担保吗"})
	p.nudge(0)
	ready := func() string {
		answer, err := http.Get("http://" + p.replicas[0].addr + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		data, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	until := func(what string, reached func() bool) {
		t.Helper()
		for end := time.Now().Add(storetest.Patience); !reached(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("never: %s; %s", what, ready())
			}
		}
	}
	until("degraded", func() bool {
		return strings.Contains(ready(), `"degraded"`) && strings.Contains(ready(), "customer service: api: kf/send_msg: errcode 95017")
	})
	code.Store(0)
	until("ready, and the reply", func() bool { return strings.Contains(ready(), `"ready"`) && len(p.corp.Sent()) == 1 })
}

// newKfPlatform is a company with customer service.
func newKfPlatform(t *testing.T, standIn *platform.API) *kfPlatform {
	t.Helper()
	codec, err := envelope.New(testAppToken, testAppKey, testCorp)
	if err != nil {
		t.Fatal(err)
	}
	return &kfPlatform{chaos: newChaos(t, true), codec: codec, client: &http.Client{Timeout: deliverWithin}, corp: standIn.Corp(testCorp, "kf-secret"),
		ids: map[string]*asked{}, final: map[string]int{}, bounded: map[string]int{}, faults: rand.New(rand.NewPCG(uint64(chaosSetting("AEOBOT_CHAOS_SEED", 1)), 5))}
}

// kfEnv are the settings of a bot for it.
func kfEnv(base string) []string {
	return []string{"AEOBOT_WECOM_API_BASE_URL=" + base, "AEOBOT_WECOM_KF_CORP_ID=" + testCorp,
		"AEOBOT_WECOM_KF_SECRET=kf-secret", "AEOBOT_WECOM_KF_TOKEN=" + testAppToken, "AEOBOT_WECOM_KF_ENCODING_AES_KEY=" + testAppKey}
}

// kfPlatform is customer service under chaos: nudges to any replica, codes thrown at random.
type kfPlatform struct {
	*chaos
	replicas []*replica
	codec    *envelope.Codec
	client   *http.Client
	corp     *platform.Corp

	ids     map[string]*asked // by the id of a reply's first page
	faults  *rand.Rand        // guarded by mu
	final   map[string]int    // by that id: a code after which the reply cannot come
	bounded map[string]int    // how often it was refused where tries are bounded
}

const kfChaosAccount = "wkChaos"

// Codes of customer service by what they mean for one reply. Those that stop the whole
// corp for minutes (40001, 45009) have tests of their own.
var (
	kfFinal   = []int{40003, 40096, 40201, 60111, 81013, 95001, 95013, 95018}
	kfBounded = []int{40000, 40008, 40058, 44004, 45002, 86001, 95002, 95999, 48002, 48006, 50003, 60020, 95000, 95004, 95011, 95012, 95017, 301002}
	kfWaiting = []int{-1, 45033, 40014, 41001, 42001}
)

// pageID is how the bot names the first page of the reply to a message.
func pageID(message string) string {
	sum := sha256.Sum256([]byte("kf\x00" + message))
	return hex.EncodeToString(sum[:14]) + "-0"
}

// refuse throws a code at every fourth call.
func (p *kfPlatform) refuse(name string, body []byte) int {
	var m struct {
		ID string `json:"msgid"`
	}
	if !strings.HasPrefix(name, "kf/") || json.Unmarshal(body, &m) != nil && len(body) > 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.faults.IntN(4) != 0 {
		return 0
	}
	a := p.ids[m.ID]
	all := slices.Concat(kfFinal[:p.faults.IntN(2)*len(kfFinal)], kfBounded, kfWaiting, kfWaiting)
	if name == "kf/sync_msg" || a != nil && !a.follows { // a list that never comes makes the next questions meaningless
		all = kfWaiting
	}
	code := all[p.faults.IntN(len(all))]
	switch {
	case slices.Contains(kfFinal, code) && m.ID != "":
		p.final[m.ID] = code
	case slices.Contains(kfBounded, code):
		p.bounded[m.ID]++
	}
	p.tally[fmt.Sprint("code ", code)]++
	return code
}

// refusedForGood reports whether the platform made a reply impossible.
func (p *kfPlatform) refusedForGood(a *asked) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := pageID(a.id)
	return p.final[id] != 0 || p.bounded[id] >= 3
}

// say writes a message and has the bot told, three times at most, as the platform does.
func (p *kfPlatform) say(a *asked, r *rand.Rand) {
	p.mu.Lock()
	p.ids[pageID(a.id)], a.said = a, time.Now()
	p.mu.Unlock()
	p.corp.CustomerWrites(kfChaosAccount, a.user, a.id, "text", map[string]any{"content": a.text})
	for range deliverTries {
		start := time.Now()
		if p.nudge(r.IntN(len(p.replicas))) {
			break
		}
		p.count("delivered again", 1)
		time.Sleep(time.Until(start.Add(deliverWithin)))
	}
	for end := time.Now().Add(answerDeadline); !p.answered(a) && !p.refusedForGood(a) && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *kfPlatform) nudge(first int) bool {
	plain := fmt.Sprintf("<xml><ToUserName>%s</ToUserName><CreateTime>%d</CreateTime><MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>t</Token><OpenKfId>%s</OpenKfId></xml>",
		testCorp, time.Now().Unix(), kfChaosAccount)
	sealed, err := p.codec.Seal([]byte(plain), strconv.FormatInt(time.Now().Unix(), 10), "n")
	if err != nil {
		p.report("seal: %v", err)
		return false
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	answer, err := postToAny(p.client, p.replicas, first, "/wecom/kf?"+query.Encode(), "text/xml", "<xml><Encrypt>"+sealed.Encrypt+"</Encrypt></xml>")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// heard is what reaches a customer; a reply's first page shows which it is.
func (p *kfPlatform) heard(s platform.Sent) {
	var m struct {
		ID string `json:"msgid"`
	}
	if json.Unmarshal(s.Body, &m) != nil {
		return
	}
	p.mu.Lock()
	a := p.ids[m.ID]
	p.mu.Unlock()
	if a != nil {
		p.reads(a, fmt.Sprint(s.Number), s.Text)
	}
}

// TestChaosCustomerService: two replicas on Redis that are killed and frozen, while Redis
// stops, answers of the API are lost, and every code is thrown at random.
func TestChaosCustomerService(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	standIn := &platform.API{}
	server := httptest.NewServer(standIn)
	t.Cleanup(server.Close)
	env := append(kfEnv(server.URL), "AEOBOT_REDIS_URL=redis://"+redis.Addr)
	replicas := []*replica{newReplica(t, env...), newReplica(t, env...)}
	p := newKfPlatform(t, standIn)
	p.replicas = replicas
	p.corp.SetDuty(kfChaosAccount, "zhou.min", false)
	p.corp.Listen(p.heard)
	p.corp.SetFaults(platform.APIFaults{Refuse: p.refuse})
	faults := append(replicaFaults(t, replicas, 4*time.Second), redisFaults(redis)...)
	faults = append(faults,
		fault{"answers of the API lost", func(*rand.Rand) { p.corp.SetFaults(platform.APIFaults{LoseAnswers: 3, Refuse: p.refuse}) }},
		fault{"access_tokens expired", func(*rand.Rand) { p.corp.ExpireTokens() }},
	)
	stop := make(chan struct{})
	wait := p.disturb(stop, faults)
	p.drive(p.scripts(p.messages), p.say)
	close(stop)
	wait()
	p.end()
	for id, a := range p.asked {
		if len(a.bubbles) == 0 && p.refusedForGood(a) {
			p.tally["refused for good"]++
			delete(p.asked, id)
		}
	}
	p.judge()
}
