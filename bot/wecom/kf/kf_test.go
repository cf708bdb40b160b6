package kf

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/storetest"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/platform"
)

// The SDK has one API address for the whole process, so all tests share one stand-in.
var (
	standIn = &platform.API{}
	baseURL string
)

func TestMain(m *testing.M) {
	server := httptest.NewServer(standIn)
	baseURL = server.URL
	code := m.Run()
	server.Close()
	os.Exit(code)
}

// engine answers with the question, in as many pages as it has marks.
type engine struct {
	mu    sync.Mutex
	asked []bot.Message
}

func (e *engine) Answer(_ context.Context, m bot.Message) (bot.Reply, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked = append(e.asked, m)
	if m.Text == "太快" {
		return bot.Reply{Act: bot.ActQuiet}, nil
	}
	r := bot.Reply{Pages: []string{"答：" + m.Text}}
	for i := range strings.Count(m.Text, "!") {
		r.Pages = append(r.Pages, fmt.Sprint("页", i+2))
	}
	r.WantsPerson, r.OfferPerson = m.Text == "转人工", m.Text == "没有"
	return r, nil
}

func (*engine) Welcome(context.Context) string { return "欢迎" }

func (e *engine) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.asked)
}

const account = "wkA1"

var corpCount atomic.Int32

type bench struct {
	t      *testing.T
	corp   *platform.Corp
	store  Store
	engine *engine
	codec  *envelope.Codec
	mu     sync.Mutex
	log    bytes.Buffer
	counts map[string]int
	pushed func(bot.Outcome)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store, err := boltstore.Open(filepath.Join(t.TempDir(), "state.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	b := &bench{t: t, corp: standIn.Corp(fmt.Sprint("wwkf", corpCount.Add(1)), "SECRETMARK-kf"), store: store, engine: &engine{}, counts: map[string]int{}}
	if b.codec, err = envelope.New("tokenKf", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", b.corp.ID); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.log.Write(p)
}

func (b *bench) count(outcome string, n int) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts[outcome] += n
	return b.counts[outcome]
}

// replica starts one; the function kills it.
func (b *bench) replica() (*Callback, func()) {
	b.t.Helper()
	client, err := api.New(api.Options{BaseURL: baseURL, CorpID: b.corp.ID, Secret: b.corp.Secret})
	if err != nil {
		b.t.Fatal(err)
	}
	k := NewCallback(b.engine, b.codec, client, b.store, Options{CorpID: b.corp.ID,
		Log: slog.New(slog.NewTextHandler(b, nil)), Count: func(o string) { b.count(o, 1) }, Pushed: b.pushed, Transfer: true,
		Refused: func(r Refusal) { b.count(r.Call+" "+r.Code+" "+r.Class, 1) }, SendFailed: func(why string) { b.count("fail "+why, 1) }})
	k.times = times{lease: time.Minute, claim: 20 * time.Millisecond, later: 50 * time.Millisecond, again: 5 * time.Millisecond}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		k.Run(ctx)
	}()
	stop := func() {
		k.end()
		cancel()
		<-ended
		k.Close()
	}
	b.t.Cleanup(stop)
	return k, stop
}

// nudge tells the replica that there is something to fetch, as the platform does.
func (b *bench) nudge(k *Callback) int {
	b.t.Helper()
	plain := fmt.Sprintf(`<xml><ToUserName><![CDATA[%s]]></ToUserName><CreateTime>%d</CreateTime><MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[kf_msg_or_event]]></Event><Token><![CDATA[tok-77]]></Token><OpenKfId><![CDATA[%s]]></OpenKfId></xml>`, b.corp.ID, time.Now().Unix(), account)
	return b.post(k, plain)
}

func (b *bench) post(k *Callback, plain string) int {
	b.t.Helper()
	sealed, err := b.codec.Seal([]byte(plain), strconv.FormatInt(time.Now().Unix(), 10), "n1")
	if err != nil {
		b.t.Fatal(err)
	}
	body, err := xml.Marshal(struct {
		XMLName xml.Name `xml:"xml"`
		Encrypt envelope.CDATA
	}{Encrypt: envelope.CDATA{Text: sealed.Encrypt}})
	if err != nil {
		b.t.Fatal(err)
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	w := httptest.NewRecorder()
	k.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/wecom/kf?"+query.Encode(), bytes.NewReader(body)))
	return w.Code
}

func (b *bench) says(customer, id, text string) {
	b.corp.CustomerWrites(account, customer, id, "text", map[string]any{"content": text})
}

// seen is what reached customers.
func (b *bench) seen() []string {
	var got []string
	for _, s := range b.corp.Sent() {
		got = append(got, s.To+" "+s.Text)
	}
	return got
}

func (b *bench) wait(what string, reached func() bool) {
	b.t.Helper()
	for end := time.Now().Add(storetest.Patience); !reached(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("never happened: %s; seen %q; counts %v; log %s", what, b.seen(), b.counts, b.log.String())
		}
	}
}

// TestCustomersAreAnswered: several pages of the inbox, several nudges, one reply each.
func TestCustomersAreAnswered(t *testing.T) {
	b := newBench(t)
	k, _ := b.replica()
	var want []string
	for i := range 8 {
		b.says(fmt.Sprint("wm", i%2), fmt.Sprint("k-", i), fmt.Sprint("问", i))
		want = append(want, fmt.Sprintf("wm%d 答：问%d", i%2, i))
	}
	for range 5 {
		if code := b.nudge(k); code != http.StatusOK {
			t.Fatalf("status %d", code)
		}
	}
	b.wait("all replies", func() bool { return len(b.seen()) >= len(want) })
	b.says("wm0", "k-8", "再问!")
	b.nudge(k)
	want = append(want, "wm0 答：再问!", "wm0 页2")
	b.wait("the reply after", func() bool { return len(b.seen()) >= len(want) })
	if got := b.seen(); !slices.Equal(got, want) {
		t.Errorf("customers read %q, want %q", got, want)
	}
	if m := b.engine.asked[0]; m.Asker != "wm0" || m.Chat != "kf/"+account || m.ID != "kf:"+b.corp.ID+":k-0" {
		t.Errorf("the engine was told %+v", m)
	}
}

// TestManyNudgesAtOnce cost no more than a bound, and no message its reply.
func TestManyNudgesAtOnce(t *testing.T) {
	b := newBench(t)
	k, _ := b.replica()
	b.engine.mu.Lock() // nobody is answered
	before := runtime.NumGoroutine()
	var want []string
	for i := range 10 * maxFollowed {
		if i%100 == 0 {
			b.says(fmt.Sprint("wm", i), fmt.Sprint("k-", i), fmt.Sprint("问", i))
			want = append(want, fmt.Sprintf("wm%d 答：问%d", i, i))
		}
		if code := b.nudge(k); code != http.StatusOK {
			t.Errorf("status %d", code)
		}
	}
	if n := runtime.NumGoroutine() - before; n > 2*maxFollowed {
		t.Errorf("%d goroutines for %d nudges at once", n, 10*maxFollowed)
	}
	b.engine.mu.Unlock()
	b.wait("all replies", func() bool { return len(b.seen()) >= len(want) })
	if got := b.seen(); !slices.Equal(got, want) {
		t.Errorf("customers read %q, want %q", got, want)
	}
}

// TestOneOfTooMany gets nothing, is not asked for again, and does not hold up the next.
func TestOneOfTooMany(t *testing.T) {
	b := newBench(t)
	k, _ := b.replica()
	b.says("wm", "k-1", "太快")
	b.says("wm", "k-2", "问")
	b.nudge(k)
	b.wait("the next one's reply", func() bool { return b.count(OutcomeAnswered, 0) == 1 && b.count(OutcomeQuiet, 0) == 1 })
	b.nudge(k)
	if got, want := b.seen(), []string{"wm 答：问"}; !slices.Equal(got, want) || b.engine.count() != 2 {
		t.Errorf("the customer read %q; the engine was asked %d times", got, b.engine.count())
	}
}

// TestGoesOnAfterACrash: the process dies between two pages; the next one sends the
// rest, and says so of the page in doubt.
func TestGoesOnAfterACrash(t *testing.T) {
	b := newBench(t)
	hang := make(chan struct{})
	var sends atomic.Int32
	b.corp.SetFaults(platform.APIFaults{Break: func(_ http.ResponseWriter, _ *http.Request, name string) bool {
		if name == "kf/send_msg" && sends.Add(1) == 2 {
			<-hang
			return true
		}
		return false
	}})
	k, kill := b.replica()
	b.says("wm", "k-1", "问!!")
	b.nudge(k)
	b.wait("the second page under way", func() bool { return sends.Load() == 2 })
	kill()
	close(hang)
	_, _ = b.replica()
	b.wait("the rest", func() bool { return len(b.seen()) == 3 })
	if got, want := b.seen(), []string{"wm 答：问!!", "wm " + bot.TextAgain + "\n页2", "wm 页3"}; !slices.Equal(got, want) {
		t.Errorf("the customer read %q, want %q", got, want)
	}
	if b.engine.count() != 1 {
		t.Errorf("the engine was asked %d times", b.engine.count())
	}
}

// TestTwoReplicas: both are nudged at once; one works, each message is answered once.
func TestTwoReplicas(t *testing.T) {
	b := newBench(t)
	one, _ := b.replica()
	two, _ := b.replica()
	for i := range 12 {
		b.says(fmt.Sprint("wm", i), fmt.Sprint("k-", i), fmt.Sprint("问", i))
		b.nudge(one)
		b.nudge(two)
	}
	b.wait("all replies", func() bool { return len(b.seen()) >= 12 })
	seen := b.seen()
	slices.Sort(seen)
	if got := slices.Compact(slices.Clone(seen)); len(got) != 12 || len(seen) != 12 {
		t.Errorf("customers read %q", seen)
	}
}

func TestErrorCodes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		codes   map[string][]int
		outcome string
		want    []string
	}{
		{"busy", map[string][]int{"kf/send_msg": {-1, -1}}, OutcomeAnswered, []string{"wm 答：问"}},
		{"token expired", map[string][]int{"kf/sync_msg": {42001}}, OutcomeAnswered, []string{"wm 答：问"}},
		{"too many at once", map[string][]int{"kf/send_msg": {45033}}, OutcomeAnswered, []string{"wm 答：问"}},
		{"five messages since the customer's last", map[string][]int{"kf/send_msg": {95001}}, OutcomeTooLate, nil},
		{"a person has the talk, or 48 h", map[string][]int{"kf/send_msg": {95018}}, OutcomeTooLate, nil},
		{"session ended", map[string][]int{"kf/send_msg": {95013}}, OutcomeTooLate, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			b.corp.SetFaults(platform.APIFaults{Codes: tt.codes})
			k, _ := b.replica()
			b.says("wm", "k-1", "问")
			b.nudge(k)
			b.wait(tt.outcome, func() bool { return b.count(tt.outcome, 0) >= 1 })
			if got := b.seen(); !slices.Equal(got, tt.want) {
				t.Errorf("the customer read %q, want %q", got, tt.want)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	b := newBench(t)
	k, _ := b.replica()
	b.corp.CustomerWrites(account, "wm", "e-1", "event", map[string]any{"event_type": "enter_session", "open_kfid": account, "external_userid": "wm", "welcome_code": "wc-1"})
	b.corp.CustomerWrites(account, "wm", "k-1", "image", map[string]any{"media_id": "m"})
	b.corp.CustomerWrites(account, "wm", "e-2", "event", map[string]any{"event_type": "msg_send_fail", "fail_type": 4})
	b.nudge(k)
	b.wait("both", func() bool { return len(b.seen()) == 2 && b.count(OutcomeFailed, 0) == 1 })
	if got, want := b.seen(), []string{"wm 欢迎", "wm " + bot.TextMedia}; !slices.Equal(got, want) {
		t.Errorf("the customer read %q, want %q", got, want)
	}
	foreign := `<xml><ToUserName>ww-other</ToUserName><MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>t</Token><OpenKfId>wkA1</OpenKfId></xml>`
	if code := b.post(k, foreign); code != http.StatusOK || b.count(OutcomeForeign, 0) != 1 {
		t.Errorf("another company's nudge: status %d, counts %v", code, b.counts)
	}
	if code := b.post(k, "<xml><!DOCTYPE x></xml>"); code != http.StatusOK {
		t.Errorf("a nudge that cannot be read: status %d", code)
	}
}

// TestNothingLeaks: whatever fails, no secret, id or word of a customer is logged.
func TestNothingLeaks(t *testing.T) {
	b := newBench(t)
	b.corp.SetFaults(platform.APIFaults{Codes: map[string][]int{"kf/send_msg": {44004, 60020, 95001}, "kf/sync_msg": {40014, 45033}}})
	k, _ := b.replica()
	b.says("USERMARK", "k-1", "TEXTMARK 海关")
	b.nudge(k)
	b.wait("an end", func() bool { return b.count(OutcomeTooLate, 0)+b.count(OutcomeAnswered, 0) >= 1 })
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, marker := range []string{"SECRETMARK", "USERMARK", "usermark", "TEXTMARK", "tok-77", "access_token=", "海关", "at-"} {
		if strings.Contains(b.log.String(), marker) {
			t.Errorf("%q stands in the log: %s", marker, b.log.String())
		}
	}
}

func TestOldMessagesAreLeft(t *testing.T) {
	b := newBench(t)
	k, _ := b.replica()
	k.o.Now = func() time.Time { return time.Now().Add(49 * time.Hour) }
	b.says("wm", "k-1", "问")
	b.nudge(k)
	b.wait("it to be left", func() bool { return b.count(OutcomeTooLate, 0) == 1 })
	if len(b.seen()) != 0 || b.engine.count() != 0 {
		t.Errorf("answered %q", b.seen())
	}
}
