package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"aeobot/bot"
	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/platform"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// The chaos run: real processes, real Redis, and a platform that delivers again, twice
// at once and out of order, while replicas are killed and frozen and Redis stops. A
// collector knows what every asker must read, once, and fails on whatever is missing,
// double, or another person's.
//
//	AEOBOT_CHAOS_MESSAGES  how many messages each run has; default 250
//	AEOBOT_CHAOS_SEED      what decides all that is random
//	AEOBOT_CHAOS_FAULTS    a regular expression; only faults of matching names happen
const (
	chaosMessages  = 250
	chaosRate      = 40 // messages a second
	chaosWorkers   = 48
	deliverWithin  = 5 * time.Second // what the platform waits
	deliverTries   = 3
	messagesOfUser = 10
	// listEvery is after how many messages a user asks for another list; the others ask for
	// measures of the list by number.
	listEvery = 4
	// answerDeadline is when an asker gives up: beyond what faults one after another take.
	answerDeadline = 2 * time.Minute
)

func chaosSetting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// replica is one serve process that can be killed, frozen and started again with
// everything it had.
type replica struct {
	t    testing.TB
	dir  string
	addr string
	env  []string
	cmd  *exec.Cmd
	log  *lockedBuffer
}

func newReplica(t testing.TB, env ...string) *replica {
	t.Helper()
	r := &replica{t: t, dir: t.TempDir(), addr: freeAddress(t), env: env, log: &lockedBuffer{}}
	r.start()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill() // it may have ended
		_ = r.cmd.Wait()
	})
	return r
}

func (r *replica) start() {
	r.cmd = exec.Command(asShipped(r.t), "serve")
	r.cmd.Dir, r.cmd.Stderr = r.dir, r.log
	r.cmd.Env = append(append(cleanEnv(), serveEnv()...), append([]string{"AEOBOT_LISTEN=" + r.addr}, r.env...)...)
	if err := child.Start(r.cmd); err != nil {
		r.t.Error(err)
		return
	}
	for end := time.Now().Add(storetest.Patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if a, err := http.Get("http://" + r.addr + "/healthz"); err == nil {
			a.Body.Close()
			return
		}
	}
	r.t.Errorf("a replica did not start: %s", r.log)
}

func (r *replica) kill() {
	_ = r.cmd.Process.Signal(syscall.SIGKILL) // it is ours and runs
	_ = r.cmd.Wait()
}

func (r *replica) freeze(t testing.TB, d time.Duration) {
	if err := r.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Error(err)
	}
	time.Sleep(d)
	if err := r.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Error(err)
	}
}

// chaos is one run.
type chaos struct {
	t        *testing.T
	random   *rand.Rand // of the driver; faults have their own
	messages int
	prefix   string // of people and messages, so that two runs can follow each other
	pace     *rate.Limiter
	sections []*knowledge.Section
	measures map[string]string // text → what it is
	forgets  bool              // memory may be away: Redis stops in this run

	mu       sync.Mutex
	asked    map[string]*asked
	tally    map[string]int
	trouble  []string
	happened []happened
	ended    bool
}

// happened is when a fault began.
type happened struct {
	name string
	at   time.Time
}

// asked is one message and what came of it.
type asked struct {
	id, chat, user, text string
	// section is what is asked for, or in a follow-up the list that the asker saw last.
	section *knowledge.Section
	item    int // 0: the section is asked for
	follows bool
	// bubbles are the finished replies by the id that makes two of them one.
	bubbles map[string]string
	copies  int
	said    time.Time
	failed  []string // why deliveries failed
	heard   bool     // somebody took a delivery and was not killed over it, whatever came of it
}

func newChaos(t *testing.T, forgets bool) *chaos {
	library, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		t.Fatal(err)
	}
	seed := chaosSetting("AEOBOT_CHAOS_SEED", 1)
	c := &chaos{t: t, random: rand.New(rand.NewPCG(uint64(seed), 1)), pace: rate.NewLimiter(chaosRate, 8), forgets: forgets,
		messages: chaosSetting("AEOBOT_CHAOS_MESSAGES", chaosMessages),
		measures: map[string]string{}, asked: map[string]*asked{}, tally: map[string]int{}}
	for _, s := range library.Documents[0].Sections {
		c.sections = append(c.sections, s)
		for _, m := range s.Measures {
			p, _ := library.Passage(m.ID) // every measure is a passage
			c.measures[p.Text] = m.ID
		}
	}
	return c
}

// scripts are what each user says, in order.
func (c *chaos) scripts(n int) [][]*asked {
	var all [][]*asked
	for u := 0; n > 0; u++ {
		var mine []*asked
		for i := 0; i < messagesOfUser && n > 0; i, n = i+1, n-1 {
			s := c.sections[(u+i)%len(c.sections)]
			a := &asked{id: fmt.Sprintf("%sm%d-%d", c.prefix, u, i), user: fmt.Sprintf("%su%d", c.prefix, u), chat: fmt.Sprintf("g%d", u/2), text: s.Heading, section: s,
				follows: i%listEvery != 0, bubbles: map[string]string{}}
			mine = append(mine, a)
			c.asked[a.id] = a
		}
		all = append(all, mine)
	}
	return all
}

func (c *chaos) count(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.tally[what] += n
	}
}

// find gives the message of an id; nil once the run is over.
func (c *chaos) find(id string) *asked {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return nil
	}
	return c.asked[id]
}

// end closes the books: what comes now changes nothing that is being judged.
func (c *chaos) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
}

func (c *chaos) report(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trouble = append(c.trouble, fmt.Sprintf(format, args...))
}

// reads notes that an asker reads something finished. bubble is what makes two copies
// one on the screen.
func (c *chaos) reads(a *asked, bubble, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	a.copies++
	if before, ok := a.bubbles[bubble]; ok && before != text {
		c.tally["same bubble, other words"]++
	}
	a.bubbles[bubble] = text
}

// fails notes why a delivery failed.
func (c *chaos) fails(a *asked, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cut := errors.Is(why, syscall.ECONNREFUSED) || errors.Is(why, syscall.ECONNRESET) || errors.Is(why, io.EOF)
	a.heard = a.heard || !cut
	a.failed = append(a.failed, time.Now().Format("05.000 ")+why.Error())
}

// isHeard notes that somebody took a delivery of a message.
func (c *chaos) isHeard(a *asked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a.heard = true
}

// answered tells whether a message has a finished reply.
func (c *chaos) answered(a *asked) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(a.bubbles) > 0
}

// judge looks at everything that was read.
func (c *chaos) judge() {
	lost, doubled, crossed, forgot, again := 0, 0, 0, 0, 0
	c.leaveOutUnheard()
	for _, a := range c.asked {
		var replies []string
		for _, text := range a.bubbles {
			if strings.Contains(text, bot.TextAgain) {
				again++
			} else {
				replies = append(replies, text)
			}
		}
		switch {
		case len(a.bubbles) == 0:
			lost++
			c.trouble = append(c.trouble, fmt.Sprintf("lost: %s %q: %v; %s", a.id, a.text, a.failed, c.around(a.said)))
		case len(replies) > 1 || len(a.bubbles) > 2:
			doubled++
			c.trouble = append(c.trouble, fmt.Sprintf("doubled: %s %q: %q", a.id, a.text, replies))
		}
		for _, text := range a.bubbles {
			switch wrong, known := c.wrong(a, text); {
			case wrong != "":
				crossed++
				c.trouble = append(c.trouble, fmt.Sprintf("crossed: %s of %s asked %q and read %s: %q", a.id, a.user, a.text, wrong, text))
			case !known:
				forgot++
				if !c.forgets || !plain(text) {
					c.trouble = append(c.trouble, fmt.Sprintf("forgotten: %s %q: %q", a.id, a.text, text))
				}
			}
		}
	}
	var notes []string
	for what, n := range c.tally {
		notes = append(notes, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(notes)
	c.t.Logf("messages %d: lost %d, doubled %d, crossed %d; memory away for %d; said to be repeated %d; %s",
		len(c.asked), lost, doubled, crossed, forgot, again, strings.Join(notes, ", "))
	for i, line := range c.trouble {
		if i == 20 {
			c.t.Errorf("and %d more", len(c.trouble)-i)
			break
		}
		c.t.Error(line)
	}
}

// plain reports whether a reply that shows nothing says that the memory is or was away, or
// that it could not be made. Anything else was read from another list: 只有5条.
func plain(text string) bool {
	return slices.ContainsFunc([]string{"暂时读不到之前的对话", "还没有给你列过条目", "前面还没有可以接着看的内容", bot.TextBusy,
		bot.Apology(nil), bot.Apology(context.DeadlineExceeded)}, func(s string) bool { return strings.Contains(text, s) })
}

// leaveOutUnheard takes out what met nobody listening, or one that was killed over it,
// whenever it was delivered: no bot can answer what it never had. That takes a single
// replica that happens to be down each time, so that more than a few are a replica that does
// not come back.
func (c *chaos) leaveOutUnheard() {
	all := len(c.asked)
	for id, a := range c.asked {
		if len(a.bubbles) == 0 && len(a.failed) > 0 && !a.heard {
			c.tally["met nobody"]++
			delete(c.asked, id)
		}
	}
	if n := c.tally["met nobody"]; n > all/50 {
		c.trouble = append(c.trouble, fmt.Sprintf("%d of %d messages met nobody listening", n, all))
	}
}

// around names the faults within ten seconds of a moment.
func (c *chaos) around(t time.Time) string {
	var near []string
	for _, h := range c.happened {
		if d := h.at.Sub(t); d.Abs() < 10*time.Second {
			near = append(near, fmt.Sprintf("%s %+.2f s", h.name, d.Seconds()))
		}
	}
	return strings.Join(near, ", ")
}

// wrong names what a reply shows that was not asked for; known is false when the reply
// asks back because the memory is away.
func (c *chaos) wrong(a *asked, text string) (wrong string, known bool) {
	text = strings.ReplaceAll(text, "\u200b", "")
	own := false
	for words, id := range c.measures {
		if !strings.Contains(text, words) {
			continue
		}
		mine := strings.HasPrefix(id, a.section.ID) && (a.item == 0 || id == a.section.Measures[a.item-1].ID)
		if mine {
			own = true
			continue
		}
		if !c.within(words, a) {
			return id, true
		}
	}
	return "", own
}

// within tells that words stand inside what was asked for: 优先查验 in a longer measure.
func (c *chaos) within(words string, a *asked) bool {
	for other, id := range c.measures {
		if other != words && strings.Contains(other, words) && strings.HasPrefix(id, a.section.ID) {
			return true
		}
	}
	return false
}

// drive says all scripts, each user in turn, at the run's pace.
func (c *chaos) drive(scripts [][]*asked, say func(a *asked, r *rand.Rand)) {
	queue := make(chan []*asked)
	var workers sync.WaitGroup
	for w := range chaosWorkers {
		r := rand.New(rand.NewPCG(uint64(chaosSetting("AEOBOT_CHAOS_SEED", 1)), uint64(100+w)))
		workers.Go(func() {
			for script := range queue {
				c.script(script, r, say)
			}
		})
	}
	for _, s := range scripts {
		queue <- s
	}
	close(queue)
	workers.Wait()
}

// script says one user's messages; now and then two at once, in no order.
func (c *chaos) script(script []*asked, r *rand.Rand, say func(a *asked, r *rand.Rand)) {
	var seen *knowledge.Section // in the list that the user saw last
	for i := 0; i < len(script); i++ {
		_ = c.pace.Wait(context.Background()) // fails for an ended context only
		if !script[i].follows || seen == nil {
			say(script[i], r)
			if c.answered(script[i]) {
				seen = script[i].section
			}
			continue
		}
		c.follow(script[i], seen, r)
		if i+1 < len(script) && script[i+1].follows && r.IntN(10) == 0 {
			c.follow(script[i+1], seen, r)
			var both sync.WaitGroup
			other := rand.New(rand.NewPCG(r.Uint64(), 7))
			both.Go(func() { say(script[i+1], other) })
			say(script[i], r)
			both.Wait()
			i++
			continue
		}
		say(script[i], r)
	}
}

// follow makes a message ask for a measure of the list that its asker saw last.
func (c *chaos) follow(a *asked, seen *knowledge.Section, r *rand.Rand) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a.section, a.item = seen, 1+r.IntN(len(seen.Measures))
	a.text = fmt.Sprintf("第%d条", seen.Measures[a.item-1].Number)
}

// disturb runs faults, one after the other, until stop is closed.
func (c *chaos) disturb(stop <-chan struct{}, faults []fault) (wait func()) {
	r := rand.New(rand.NewPCG(uint64(chaosSetting("AEOBOT_CHAOS_SEED", 1)), 99))
	only, err := regexp.Compile(os.Getenv("AEOBOT_CHAOS_FAULTS"))
	if err != nil {
		c.t.Fatal(err)
	}
	faults = slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !only.MatchString(f.name) })
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(500+r.IntN(1000)) * time.Millisecond):
			}
			f := faults[i%len(faults)] // each in turn, so that a short run has them all
			if i >= len(faults) {
				f = faults[r.IntN(len(faults))]
			}
			c.count(f.name, 1)
			c.mu.Lock()
			c.happened = append(c.happened, happened{f.name, time.Now()})
			c.mu.Unlock()
			f.do(r)
		}
	}()
	return func() { <-ended }
}

// fault is something that goes wrong and is over when do returns.
type fault struct {
	name string
	do   func(r *rand.Rand)
}

// once lets a fault happen the first time only.
func once(f func()) func(*rand.Rand) {
	g := sync.OnceFunc(f)
	return func(*rand.Rand) { g() }
}

func redisFaults(redis *storetest.Redis) []fault {
	return []fault{
		{"Redis stalls", func(r *rand.Rand) {
			redis.Pause()
			time.Sleep(time.Duration(100+r.IntN(2900)) * time.Millisecond)
			redis.Resume()
		}},
		{"Redis stopped", func(r *rand.Rand) {
			redis.Pause()
			time.Sleep(time.Duration(300+r.IntN(1500)) * time.Millisecond)
			redis.Resume()
		}},
		{"Redis killed", func(*rand.Rand) {
			redis.Kill()
			time.Sleep(300 * time.Millisecond)
			redis.Restart()
		}},
	}
}

func replicaFaults(t testing.TB, replicas []*replica, frozen time.Duration) []fault {
	pick := func(r *rand.Rand) *replica { return replicas[r.IntN(len(replicas))] }
	return []fault{
		{"replica killed", func(r *rand.Rand) {
			p := pick(r)
			p.kill()
			time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
			p.start()
		}},
		{"replica frozen", func(r *rand.Rand) {
			pick(r).freeze(t, frozen/2+time.Duration(r.Int64N(int64(frozen/2))))
		}},
	}
}

// postToAny posts to the first replica that listens, beginning with the one of a number:
// what stands before more than one replica does the same.
func postToAny(client *http.Client, replicas []*replica, first int, pathAndQuery, contentType, body string) (answer *http.Response, err error) {
	for i := range replicas {
		to := replicas[(first+i)%len(replicas)]
		answer, err = client.Post("http://"+to.addr+pathAndQuery, contentType, strings.NewReader(body))
		if !errors.Is(err, syscall.ECONNREFUSED) {
			break
		}
	}
	return answer, err
}

// callbackPlatform delivers messages as callbacks to any of the replicas.
type callbackPlatform struct {
	*chaos
	replicas []*replica
	codec    *envelope.Codec
	client   *http.Client
}

// say delivers a message until a reply came, three times at most; some are delivered
// twice at once, some again after they were answered.
func (p *callbackPlatform) say(a *asked, r *rand.Rand) {
	var copies sync.WaitGroup
	if r.IntN(20) == 0 {
		p.count("delivered twice at once", 1)
		at := r.IntN(len(p.replicas))
		copies.Go(func() { p.deliver(a, at) })
	}
	for range deliverTries {
		start := time.Now()
		if p.deliver(a, r.IntN(len(p.replicas))) {
			break
		}
		p.count("delivered again", 1)
		time.Sleep(time.Until(start.Add(deliverWithin)))
	}
	copies.Wait()
	if r.IntN(30) == 0 {
		p.count("delivered after its answer", 1)
		p.deliver(a, r.IntN(len(p.replicas)))
	}
}

// deliver is one delivery, first to the replica of a number, polled to its end. It tells
// whether the platform has a reply.
func (p *callbackPlatform) deliver(a *asked, first int) bool {
	s, ok := p.post(a, first, aibotText(a.id, a.chat, a.user, a.text))
	for polls := 0; ok && !s.Finish && polls < 100; polls++ {
		time.Sleep(300 * time.Millisecond)
		next, polled := p.post(a, polls, fmt.Sprintf(`{"msgid":"p-%s-%d","aibotid":"aib1","chattype":"group","chatid":%q,"from":{"userid":%q},"msgtype":"stream","stream":{"id":%q}}`, a.id, polls, a.chat, a.user, s.ID))
		if polled {
			s = next
		}
	}
	if ok && s.Finish {
		p.reads(a, s.ID, s.Content)
	}
	return ok
}

type chaosStream struct {
	ID      string `json:"id"`
	Finish  bool   `json:"finish"`
	Content string `json:"content"`
}

func (p *callbackPlatform) post(a *asked, first int, body string) (chaosStream, bool) {
	sealed, err := p.codec.Seal([]byte(body), strconv.FormatInt(time.Now().Unix(), 10), strconv.FormatUint(rand.Uint64(), 36))
	if err != nil {
		p.report("seal: %v", err)
		return chaosStream{}, false
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	answer, err := postToAny(p.client, p.replicas, first, "/wecom/aibot?"+query.Encode(), "application/json", `{"encrypt":"`+sealed.Encrypt+`"}`)
	if err != nil {
		p.fails(a, err)
		return chaosStream{}, false
	}
	defer answer.Body.Close()
	p.isHeard(a)
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.fails(a, errors.Join(errors.New(answer.Status), err))
		return chaosStream{}, false
	}
	var e struct {
		Encrypt   string      `json:"encrypt"`
		Signature string      `json:"msgsignature"`
		Timestamp json.Number `json:"timestamp"`
		Nonce     string      `json:"nonce"`
	}
	var reply struct {
		Stream chaosStream `json:"stream"`
	}
	if err := json.Unmarshal(data, &e); err == nil {
		data, err = p.codec.Open(e.Signature, e.Timestamp.String(), e.Nonce, e.Encrypt)
		if err == nil {
			err = json.Unmarshal(data, &reply)
		}
		if err != nil {
			p.report("reply not understood: %v", err)
			return chaosStream{}, false
		}
	}
	if reply.Stream.ID == "" {
		p.report("reply without a stream: %s", bytes.TrimSpace(data))
		return chaosStream{}, false
	}
	return reply.Stream, true
}

func (c *chaos) overCallbacks(replicas []*replica, faults []fault) {
	codec, err := envelope.New(testToken, testKey, "")
	if err != nil {
		c.t.Fatal(err)
	}
	p := &callbackPlatform{c, replicas, codec, &http.Client{Timeout: deliverWithin, Transport: &http.Transport{MaxIdleConnsPerHost: chaosWorkers}}}
	stop := make(chan struct{})
	wait := c.disturb(stop, faults)
	c.drive(c.scripts(c.messages), p.say)
	close(stop)
	wait()
	c.end()
	c.judge()
}

// TestChaosCallbacksRedis: two replicas on Redis.
func TestChaosCallbacksRedis(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	env := "AEOBOT_REDIS_URL=redis://" + redis.Addr
	replicas := []*replica{newReplica(t, env), newReplica(t, env)}
	newChaos(t, true).overCallbacks(replicas, append(redisFaults(redis), replicaFaults(t, replicas, 6*time.Second)...))
}

// TestChaosCallbacksBolt: one replica with the embedded store, killed and frozen.
func TestChaosCallbacksBolt(t *testing.T) {
	t.Parallel()
	replicas := []*replica{newReplica(t)}
	newChaos(t, false).overCallbacks(replicas, replicaFaults(t, replicas, 3*time.Second))
}

// longPlatform delivers messages over the long connection, and reads what comes back in
// any way: as a reply, late, or as a message of its own.
type longPlatform struct {
	*chaos
	gateway *platform.Gateway
	corp    *platform.Corp
	redis   *storetest.Redis
	frames  atomic.Int64
}

func (p *longPlatform) say(a *asked, r *rand.Rand) {
	late := "https://qyapi.weixin.qq.com/cgi-bin/aibot/response?response_code=" + p.corp.ResponseCode(a.id)
	body := fmt.Sprintf(`{"msgid":%q,"aibotid":"aib1","chattype":"single","from":{"userid":%q},"response_url":%q,"msgtype":"text","text":{"content":%q}}`, a.id, a.user, late, a.text)
	p.says(a)
	for !p.gateway.Deliver(p.t.Context(), "aibot_msg_callback", "req-"+a.id, body) {
		time.Sleep(50 * time.Millisecond) // nobody is connected: the platform has nobody to give it to
		p.says(a)
	}
	if r.IntN(20) == 0 {
		p.count("delivered twice", 1)
		p.gateway.Deliver(p.t.Context(), "aibot_msg_callback", "req-"+a.id, body)
	}
	for end := time.Now().Add(answerDeadline); !p.answered(a) && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
}

// says notes when a message was said.
func (c *chaos) says(a *asked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a.said = time.Now()
}

// listen reads what the bot says.
func (p *longPlatform) listen() {
	p.gateway.Listen(p.heard)
	p.corp.Listen(func(s platform.Sent) {
		if a := p.find(s.To); a != nil {
			p.count("said late", 1)
			p.reads(a, "late-"+a.id, s.Text)
		}
	})
}

// heard is a frame of the bot.
func (p *longPlatform) heard(f platform.Frame) {
	if f.Code != 0 {
		p.count("frames refused", 1)
		return
	}
	var b struct {
		ChatID   string      `json:"chatid"`
		Stream   chaosStream `json:"stream"`
		Markdown struct {
			Content string `json:"content"`
		} `json:"markdown"`
	}
	if f.Command != "aibot_respond_msg" && f.Command != "aibot_send_msg" {
		return
	}
	if err := json.Unmarshal(f.Body, &b); err != nil {
		p.report("frame not understood: %v", err)
		return
	}
	a := p.find(strings.TrimPrefix(f.RequestID, "req-"))
	switch {
	case f.Command == "aibot_send_msg":
		p.count("pushed", 1)
		if a = p.meant(b.ChatID, b.Markdown.Content); a != nil {
			p.reads(a, "push-"+f.RequestID, b.Markdown.Content)
		}
	case a != nil && b.Markdown.Content != "":
		p.count("said as Markdown", 1)
		p.reads(a, fmt.Sprint("markdown-", p.frames.Add(1)), b.Markdown.Content) // each is a bubble
	case a != nil && b.Stream.Finish:
		p.reads(a, b.Stream.ID, b.Stream.Content)
	}
}

// meant finds which of a user's messages a push answers, which does not say so: one that
// asks for what it holds, first of those that have no answer.
func (p *longPlatform) meant(user, text string) *asked {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found *asked
	for _, a := range p.asked {
		if a.user != user || a.said.IsZero() || p.ended {
			continue
		}
		wrong, known := p.wrong(a, text)
		fits := wrong == "" && (known || plain(text))
		if fits && (found == nil || len(a.bubbles) < len(found.bubbles)) {
			found = a
		}
	}
	if found == nil {
		p.trouble = append(p.trouble, fmt.Sprintf("pushed to %s what nobody asked for: %q", user, text))
	}
	return found
}

// TestChaosLongConnection: two replicas on Redis, of which one has the connection; it is
// killed, frozen, cut off, deafened, displaced.
func TestChaosLongConnection(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	gateway, ws := newGateway(t)
	standIn := &platform.API{}
	server := httptest.NewServer(standIn)
	t.Cleanup(server.Close)
	p := &longPlatform{chaos: newChaos(t, true), gateway: gateway, corp: standIn.Corp("ww1", "unused"), redis: redis}
	p.listen()
	env := overConnection(ws, "AEOBOT_REDIS_URL=redis://"+redis.Addr, "AEOBOT_WECOM_API_BASE_URL="+server.URL, "AEOBOT_WECOM_AIBOT_LEASE=3s")
	replicas := []*replica{newReplica(t, env...), newReplica(t, env...)}
	scripts := p.scripts(p.messages)
	faults := append(replicaFaults(t, replicas, 8*time.Second), redisFaults(redis)...)
	faults = append(faults,
		fault{"connection cut", func(*rand.Rand) { gateway.Cut() }},
		fault{"acknowledgements lost", func(*rand.Rand) { gateway.SetFaults(platform.Faults{LoseAcks: 3}) }},
		fault{"acknowledgements late", func(*rand.Rand) {
			gateway.SetFaults(platform.Faults{LateAcks: 3, LateBy: 7 * time.Second})
		}},
		fault{"any code", func(r *rand.Rand) {
			gateway.SetFaults(platform.Faults{Codes: map[string][]int{"aibot_respond_msg": someCodes(r, gatewayCodes, 6), "aibot_send_msg": someCodes(r, gatewayCodes[:10], 1)}})
			p.corp.SetFaults(platform.APIFaults{Codes: map[string][]int{"aibot/response": someCodes(r, []int{-1, 45009, 40058, 60140, 40201, 12345}, 2)}})
		}},
		fault{"login dead", func(*rand.Rand) { gateway.Unsubscribe() }},
	)
	// A displaced replica stays away for two minutes, so that this happens once.
	faults = append(faults, fault{"displaced by another program", once(gateway.Kick)})
	stop := make(chan struct{})
	wait := p.disturb(stop, faults)
	p.drive(scripts, p.say)
	close(stop)
	wait()
	p.end()
	p.forgive()
	p.judge()
}

// forgive leaves out what was sent shortly before the replica was killed or the connection
// cut, and never read: the platform has no way to learn that, and no bot can answer what it
// never had. More than a few are a bot that does not read.
func (p *longPlatform) forgive() {
	all := len(p.asked)
	for id, a := range p.asked {
		if len(a.bubbles) > 0 || !p.cutOffAt(a.said) {
			continue
		}
		key := "aeobot:{journal:aibot:aib1}:task:m:" + id
		if p.redis.Do("exists", key) == "0" {
			p.tally["never read"]++
			delete(p.asked, id)
		}
	}
	if n := p.tally["never read"]; n > all/50 {
		p.report("%d of %d messages were never read", n, all)
	}
}

// cutOffAt tells whether a replica was killed, or its connection cut, just before or so soon
// after that moment that a busy machine had not read what was said then.
func (p *longPlatform) cutOffAt(t time.Time) bool {
	return slices.ContainsFunc(p.happened, func(h happened) bool {
		after := h.at.Sub(t)
		return (h.name == "replica killed" || h.name == "connection cut") && after > -300*time.Millisecond && after < deliverWithin
	})
}

// appPlatform delivers messages to the application, and reads the first page of a reply
// in the response and the others as they are sent.
type appPlatform struct {
	*chaos
	replicas []*replica
	codec    *envelope.Codec
	client   *http.Client

	pages map[string]map[string]int // user → page mark → how often it was read
}

// pageOf finds the mark at a page's end: （2/3）.
var pageOf = regexp.MustCompile(`（([0-9]+)/([0-9]+)）$`)

func (p *appPlatform) readsPage(user, text string, pushed bool) {
	m := pageOf.FindStringSubmatch(text)
	if m == nil {
		p.report("a page without a mark: %q", text)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages[user] == nil {
		p.pages[user] = map[string]int{}
	}
	if pushed || p.pages[user][m[0]] == 0 { // a response read twice is one bubble
		p.pages[user][m[0]]++
	}
}

// whole tells whether a user has read every page.
func (p *appPlatform) whole(user string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for mark := range p.pages[user] {
		if m := pageOf.FindStringSubmatch(mark); fmt.Sprint(len(p.pages[user])) == m[2] {
			return true
		}
	}
	return false
}

func (p *appPlatform) say(user string, r *rand.Rand) {
	n := r.Uint64() >> 2
	for range deliverTries {
		start := time.Now()
		if p.deliver(r.IntN(len(p.replicas)), user, n) {
			if r.IntN(10) == 0 {
				p.count("delivered after its answer", 1)
				p.deliver(r.IntN(len(p.replicas)), user, n)
			}
			break
		}
		p.count("delivered again", 1)
		time.Sleep(time.Until(start.Add(deliverWithin)))
	}
	for end := time.Now().Add(answerDeadline); !p.whole(user) && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

func (p *appPlatform) deliver(first int, user string, id uint64) bool {
	plain := fmt.Sprintf(`<xml><ToUserName>%s</ToUserName><FromUserName>%s</FromUserName><CreateTime>%d</CreateTime><MsgType>text</MsgType><Content>海关直接激励措施有哪些？跨部门联合激励措施有哪些？地方政府特色支持有哪些？</Content><MsgId>%d</MsgId><AgentID>1000017</AgentID></xml>`,
		testCorp, user, time.Now().Unix(), id)
	sealed, err := p.codec.Seal([]byte(plain), strconv.FormatInt(time.Now().Unix(), 10), strconv.FormatUint(id, 36))
	if err != nil {
		p.report("seal: %v", err)
		return false
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	answer, err := postToAny(p.client, p.replicas, first, "/wecom/app?"+query.Encode(), "text/xml", "<xml><Encrypt>"+sealed.Encrypt+"</Encrypt></xml>")
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return false
	}
	outer, err := envelope.Fields(data, "Encrypt", "MsgSignature", "TimeStamp", "Nonce")
	if err == nil {
		data, err = p.codec.Open(outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])
	}
	inner := map[string]string{}
	if err == nil {
		inner, err = envelope.Fields(data, "Content")
	}
	if err != nil {
		p.report("reply not understood: %v", err)
		return false
	}
	p.readsPage(user, inner["Content"], false)
	return true
}

// TestChaosApplication: replies of several pages, of which all but the first are sent
// through the API, while replicas are killed and frozen, Redis stops, and the API loses
// answers, is busy, refuses access_tokens.
func TestChaosApplication(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	standIn := &platform.API{}
	server := httptest.NewServer(standIn)
	t.Cleanup(server.Close)
	corp := standIn.Corp(testCorp, "app-secret")
	codec, err := envelope.New(testAppToken, testAppKey, testCorp)
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"AEOBOT_REDIS_URL=redis://" + redis.Addr, "AEOBOT_WECOM_API_BASE_URL=" + server.URL,
		"AEOBOT_WECOM_APP_SECRET=app-secret", "AEOBOT_WECOM_APP_CARDS=false"}
	replicas := []*replica{newReplica(t, env...), newReplica(t, env...)}
	p := &appPlatform{newChaos(t, true), replicas, codec, &http.Client{Timeout: deliverWithin}, map[string]map[string]int{}}
	corp.Listen(func(s platform.Sent) { p.readsPage(s.To, s.Text, true) })
	faults := append(replicaFaults(t, replicas, 4*time.Second), redisFaults(redis)...)
	faults = append(faults,
		fault{"answers of the API lost", func(*rand.Rand) { corp.SetFaults(platform.APIFaults{LoseAnswers: 3}) }},
		fault{"API busy", func(*rand.Rand) {
			corp.SetFaults(platform.APIFaults{Codes: map[string][]int{"message/send": {-1, -1, 45033}}})
		}},
		fault{"access_tokens expired", func(*rand.Rand) { corp.ExpireTokens() }},
	)
	users := p.messages / 4
	stop := make(chan struct{})
	wait := p.disturb(stop, faults)
	lost, doubled := p.ask(users, func() {
		close(stop)
		wait()
		corp.SetFaults(platform.APIFaults{})
	})
	t.Logf("replies of several pages %d: lost %d, doubled %d; %v", users, lost, doubled, p.tally)
	for _, line := range p.trouble {
		t.Error(line)
	}
}

// ask has users ask, one message each, and looks at what they read. settle ends what goes
// wrong.
func (p *appPlatform) ask(users int, settle func()) (lost, doubled int) {
	var all sync.WaitGroup
	for u := range users {
		r := rand.New(rand.NewPCG(uint64(chaosSetting("AEOBOT_CHAOS_SEED", 1)), uint64(u)))
		_ = p.pace.Wait(context.Background()) // fails for an ended context only
		all.Go(func() { p.say(fmt.Sprint("u", u), r) })
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		all.Wait()
	}()
	// A fault of the API hits whoever is sent to next: at the end always the same few, who
	// would wait as long as there are faults.
	select {
	case <-answered:
	case <-time.After(answerDeadline / 2):
	}
	settle()
	<-answered
	for u := range users {
		user := fmt.Sprint("u", u)
		if !p.whole(user) {
			lost++
			p.report("lost: %s read only %v", user, p.pages[user])
		}
		for mark, n := range p.pages[user] {
			if n > 1 {
				doubled++
				p.report("doubled: %s read %s %d times", user, mark, n)
			}
		}
	}
	return lost, doubled
}
