package aibot

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/platform"
)

// refusals are what Refused was told.
type refusals struct {
	mu  sync.Mutex
	got []string
}

func (r *refusals) take(code int, done string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, fmt.Sprint(code, " ", done))
}

func (r *refusals) has(code int, done string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.got, fmt.Sprint(code, " ", done))
}

// waits are what Sleep was asked for. They are over at once, as long as there are fewer than
// a bound; then they last as long as the connection is wanted.
type waits struct {
	mu    sync.Mutex
	asked []time.Duration
	most  int
	saw   func()
}

func (w *waits) sleep(ctx context.Context, d time.Duration) {
	w.mu.Lock()
	w.asked = append(w.asked, d)
	enough := w.most > 0 && len(w.asked) >= w.most
	w.mu.Unlock()
	if w.saw != nil {
		w.saw()
	}
	if enough {
		<-ctx.Done()
	}
}

func (w *waits) all() []time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}

// read is everything that an asker reads, as way and text.
func (b *gatewayBench) read(late *posted) (all []string) {
	for _, f := range b.gateway.Received(cmdRespond) {
		var r streamReply
		var m markdownReply
		if f.Code != 0 || f.Unseen || json.Unmarshal(f.Body, &r) != nil || json.Unmarshal(f.Body, &m) != nil {
			continue
		}
		switch {
		case r.MsgType == "stream" && r.Stream.Finish:
			all = append(all, "stream "+r.Stream.Content)
		case r.MsgType == "markdown" && m.Markdown.Feedback == nil:
			all = append(all, "markdown "+m.Markdown.Content)
		case r.MsgType != "stream" && r.MsgType != "template_card":
			b.t.Errorf("odd reply %s", f.Body)
		}
	}
	late.mu.Lock()
	defer late.mu.Unlock()
	for _, text := range late.texts {
		all = append(all, "late "+text)
	}
	for _, f := range b.gateway.Received(cmdSend) {
		var m markdownReply
		if f.Code == 0 && json.Unmarshal(f.Body, &m) == nil {
			all = append(all, "push "+m.Markdown.Content)
		}
	}
	return all
}

// meanings are what each code must lead to; those of no class are some that others report,
// and some that nobody has seen.
var meanings = map[class][]int{
	classAgain:     {-1, 846601, 846602},
	classWait:      {45009, 45033},
	classReconnect: {846609},
	classApart:     {846604, 846605, 846608},
	classMarkdown:  {600039, 40008, 40058},
	classUnknown:   {846607, 846610, 40201, 93006, 853000, 86001, 1, -7, 2147483647},
}

// TestEveryCodeByItsClass: each code meets an answer once, which is said once, without a
// remark, in the way that its class says; and a second person's at the same time.
func TestEveryCodeByItsClass(t *testing.T) {
	ways := map[class]string{classAgain: "stream", classWait: "stream", classReconnect: "apart", classApart: "apart", classMarkdown: "markdown", classUnknown: "apart"}
	try := func(t *testing.T, want class, code int, url bool) {
		b, late, told, slept := newGatewayBench(t), &posted{}, &refusals{}, &waits{}
		c, _ := b.run(&patient{}, func(o *ConnectionOptions) {
			o.Late, o.Refused, o.Sleep, o.Times.Heartbeat = late, told.take, slept.sleep, time.Hour
			o.Times.RateLimited = time.Minute
		})
		b.wait("login", func() bool { return c.State() == StateReady })
		b.gateway.SetFaults(platform.Faults{Codes: map[string][]int{cmdRespond: {code}}})
		message := said("m1", "@小知 问")
		if !url {
			message = strings.Replace(message, "response_url", "none", 1)
		}
		b.gateway.Deliver(t.Context(), cmdMessage, "cb-1", message)
		b.wait("the answer", func() bool { return len(b.read(late)) > 0 && c.promised.count() == 0 })
		b.wait("the next connection", func() bool { return c.State() == StateReady })
		b.say("m2", "another", "另")
		b.wait("the other's answer", func() bool { return slices.Contains(b.read(late), "stream 答：另") })
		way := ways[want]
		if way == "apart" && url {
			way = "late"
		} else if way == "apart" {
			way = "push"
		}
		if got := b.read(late); len(got) != 2 || !slices.Contains(got, way+" 答：问") {
			t.Errorf("read %q, want it %s", got, way)
		}
		if !told.has(code, string(want)) || told.has(code, givenUp) || b.count(OutcomeGivenUp, 0) != 0 {
			t.Errorf("told %q", told.got)
		}
		if logins := b.gateway.Logins(); (logins == 2) != (want == classReconnect) {
			t.Errorf("%d logins", logins)
		}
		if waited := slices.Max(append(slept.all(), 0)); (waited >= 45*time.Second) != (want == classWait) {
			t.Errorf("waited %v", waited)
		}
		if strings.Contains(b.log.String(), "203.0.113.7") {
			t.Errorf("the log holds the platform's error text:\n%s", b.log.String())
		}
	}
	for want, codes := range meanings {
		for _, code := range codes {
			for _, url := range []bool{true, false} {
				t.Run(fmt.Sprint(code, " response_url ", url), func(t *testing.T) { try(t, want, code, url) })
			}
		}
	}
	for code := range classes {
		if !slices.Contains(meanings[classOf(code)], code) {
			t.Errorf("%d is in the table and not tried here", code)
		}
	}
}

// TestAnswersAreGivenUpOnlyWhenNoWayIsLeft: what the platform refuses on all ways is counted
// by its code and logged as an error; nobody else waits.
func TestAnswersAreGivenUpOnlyWhenNoWayIsLeft(t *testing.T) {
	for _, tt := range []struct {
		name          string
		respond, send []int
		late          []error
		want          string
		gaveUp        int
	}{
		{"busy for long", []int{-1, -1, -1}, nil, nil, "late", 0},
		{"too many for long", []int{45009, 45009, 45009}, nil, nil, "late", 0},
		{"Markdown is no better", []int{600039, 846607}, nil, nil, "late", 0},
		{"the response_url is used up", []int{846605}, nil, []error{&api.APIError{Code: 60140}}, "push", 0},
		{"the response_url is unknown", []int{846605}, nil, []error{&api.APIError{Code: 77}}, "push", 0},
		{"pushes are busy", []int{846605}, []int{-1, -1}, []error{&api.APIError{Code: 77}}, "push", 0},
		{"too many pushes for long", []int{846605}, []int{45009, 45009, 45009, 45009, 45009}, []error{&api.APIError{Code: 45009}}, "push", 0},
		{"pushes go to clients that show none", []int{846605}, []int{600039}, []error{&api.APIError{Code: 77}}, "markdown", 0},
		{"not subscribed at the push", []int{846605}, []int{846609}, []error{&api.APIError{Code: 77}, &api.APIError{Code: 77}}, "push", 0},
		{"every way is refused", []int{40058, 40058}, []int{93006}, []error{&api.APIError{Code: 40058}}, "", 93006},
		{"an unknown code in every way", []int{846610}, []int{846610}, []error{&api.APIError{Code: 846610}}, "", 846610},
		{"pushes stay busy", []int{846605}, []int{-1, -1, -1}, []error{&api.APIError{Code: 77}}, "", -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, late, told, slept := newGatewayBench(t), &posted{fail: tt.late}, &refusals{}, &waits{}
			c, _ := b.run(&patient{}, func(o *ConnectionOptions) {
				o.Late, o.Refused, o.Sleep, o.Times.Heartbeat = late, told.take, slept.sleep, time.Hour
			})
			b.wait("login", func() bool { return c.State() == StateReady })
			b.gateway.SetFaults(platform.Faults{Codes: map[string][]int{cmdRespond: tt.respond, cmdSend: tt.send}})
			b.gateway.Deliver(t.Context(), cmdMessage, "cb-1", said("m1", "@小知 问"))
			b.wait("the end", func() bool {
				return c.promised.count() == 0 && len(b.read(late))+b.count(OutcomeGivenUp, 0) == 1
			})
			if got := strings.Join(b.read(late), ", "); tt.want != "" && got != tt.want+" 答：问" || tt.want == "" && got != "" {
				t.Errorf("read %q, want %q", got, tt.want)
			}
			if gaveUp := tt.gaveUp != 0; told.has(tt.gaveUp, givenUp) != gaveUp || strings.Contains(b.log.String(), "level=ERROR") != gaveUp {
				t.Errorf("told %q; log\n%s", told.got, b.log.String())
			}
		})
	}
}

// TestNobodyWaitsForAnothersRefusal: one waits for the platform's minute, the other does not.
func TestNobodyWaitsForAnothersRefusal(t *testing.T) {
	b, late := newGatewayBench(t), &posted{}
	slept := &waits{most: 1} // for ever
	c, _ := b.run(&patient{}, func(o *ConnectionOptions) { o.Late, o.Sleep, o.Times.Drain = late, slept.sleep, time.Millisecond })
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.SetFaults(platform.Faults{Codes: map[string][]int{cmdRespond: {codeRateLimited}}})
	b.gateway.Deliver(t.Context(), cmdMessage, "cb-1", said("m1", "@小知 问"))
	b.wait("the wait", func() bool { return len(slept.all()) == 1 })
	for i := range 20 {
		b.say(fmt.Sprint("o", i), fmt.Sprint("u", i), "另")
	}
	b.wait("the others' answers", func() bool { return len(b.read(late)) == 20 })
}

// TestNotSubscribedEndsTheConnection: the login dies while the socket lives. Neither a
// heartbeat nor the platform says so in time; the first refused answer does, and all answers
// in hand are said on the next connection, once. The refused one has no remark; those whose
// own answer from the gateway was not read yet when the connection ended may have one.
func TestNotSubscribedEndsTheConnection(t *testing.T) {
	b, late := newGatewayBench(t), &posted{}
	p := &patient{gate: make(chan struct{})}
	c, _ := b.run(p, func(o *ConnectionOptions) { o.Late, o.Journal, o.Times.Heartbeat = late, newJournal(t), time.Hour })
	b.wait("login", func() bool { return c.State() == StateReady })
	for i := range 3 {
		body := strings.Replace(said(fmt.Sprint("m", i), "慢"), "lin.yue", fmt.Sprint("u", i), 1)
		b.gateway.Deliver(t.Context(), cmdMessage, fmt.Sprint("cb-", i), body)
	}
	b.wait("the messages", func() bool { return b.count(OutcomeMessage, 0) == 3 })
	b.gateway.Unsubscribe()
	close(p.gate)
	b.wait("all answers", func() bool { return len(b.read(late)) == 3 })
	got := b.read(late)
	surely := slices.DeleteFunc(slices.Clone(got), func(text string) bool { return text != "late 答：慢" })
	inDoubt := slices.DeleteFunc(slices.Clone(got), func(text string) bool { return text != "late "+bot.TextAgain+"\n\n答：慢" })
	if len(surely) == 0 || len(surely)+len(inDoubt) != 3 || b.gateway.Logins() != 2 {
		t.Errorf("read %q over %d logins", got, b.gateway.Logins())
	}
}

// TestRefusedWelcomeIsPushed, also when it takes another connection.
func TestRefusedWelcomeIsPushed(t *testing.T) {
	for _, codes := range [][]int{{846607}, {-1, 846605}, {846609}, {-1, -1, -1}, {45009}} {
		b := newGatewayBench(t)
		c, _ := b.run(&patient{}, func(o *ConnectionOptions) { o.Journal = newJournal(t) })
		b.wait("login", func() bool { return c.State() == StateReady })
		b.gateway.SetFaults(platform.Faults{Codes: map[string][]int{cmdWelcome: codes}})
		b.gateway.Deliver(t.Context(), cmdEvent, "ev-1", `{"msgid":"e1","aibotid":"a","from":{"userid":"u1"},"msgtype":"event","event":{"eventtype":"enter_chat"}}`)
		b.wait("the welcome", func() bool {
			return slices.Equal(b.read(&posted{}), []string{"push 欢迎"}) && c.promised.count() == 0
		})
	}
}

// TestPingsWithAnError are missed ones; that nobody is logged in ends the connection at the
// first.
func TestPingsWithAnError(t *testing.T) {
	b := newGatewayBench(t)
	c, _ := b.run(&patient{})
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.SetFaults(platform.Faults{Codes: map[string][]int{cmdPing: {40058, 0, 40058, 0}}})
	n := len(b.gateway.Received(cmdPing))
	b.wait("pings", func() bool { return len(b.gateway.Received(cmdPing)) > n+4 })
	if b.gateway.Logins() != 1 {
		t.Errorf("%d logins after single missed pings", b.gateway.Logins())
	}
	b.gateway.SetFaults(platform.Faults{Codes: map[string][]int{cmdPing: {40058, 40058}}})
	b.wait("another login", func() bool { return b.gateway.Logins() == 2 && c.State() == StateReady })
	b.gateway.SetFaults(platform.Faults{Codes: map[string][]int{cmdPing: {codeNotSubscribed}}})
	b.wait("a third", func() bool { return b.gateway.Logins() == 3 })
}

// TestTooManyLogins waits minutes, growing, keeps the lease, and says so.
func TestTooManyLogins(t *testing.T) {
	b, slept := newGatewayBench(t), &waits{}
	var c *Connection
	made := make(chan struct{})
	var seen sync.Map
	slept.saw = func() {
		<-made
		seen.Store(c.State(), true)
		if held, _ := b.leases.Lease(t.Context(), c.leaseName(), "another", time.Second); held {
			t.Error("another replica may log in as well")
		}
	}
	b.gateway.SetFaults(platform.Faults{Codes: map[string][]int{cmdSubscribe: {codeRateLimited, codeRateLimited, codeRateLimited, codeRateLimited, codeRateLimited, codeRateLimited}}})
	c, _ = b.run(&patient{}, func(o *ConnectionOptions) { o.Sleep, o.Times.Lease = slept.sleep, time.Hour })
	close(made)
	b.wait("login", func() bool { return c.State() == StateReady })
	got := slept.all()
	for i, want := range []time.Duration{1, 2, 4, 8, 15, 15} {
		if low, high := want*time.Minute*3/4, want*time.Minute*5/4; i >= len(got) || got[i] < low || got[i] > high {
			t.Fatalf("waited %v, want about 1, 2, 4, 8, 15 and 15 minutes", got)
		}
	}
	if _, limited := seen.Load(StateLimited); !limited || b.count(OutcomeLimited, 0) != 6 {
		t.Error("not said to be limited")
	}
}

// TestClosingAfterLoginIsNoStorm: the waits grow all the same.
func TestClosingAfterLoginIsNoStorm(t *testing.T) {
	b, slept := newGatewayBench(t), &waits{most: 8}
	b.gateway.SetFaults(platform.Faults{CloseAfterLogin: true})
	b.run(&patient{}, func(o *ConnectionOptions) {
		o.Sleep, o.Times.RetryMin, o.Times.RetryMax = slept.sleep, time.Second, 30*time.Second
	})
	b.wait("eight losses", func() bool { return len(slept.all()) == 8 })
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
		if d := slept.all()[i]; d < want*time.Second*3/4 || d > want*time.Second*5/4 {
			t.Fatalf("waited %v before logins", slept.all())
		}
	}
}

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	by time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.by)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by += d
}

// TestOldPlaceholderIsNotFinishedInTheStream, where nobody would see it; a younger one is.
func TestOldPlaceholderIsNotFinishedInTheStream(t *testing.T) {
	for age, want := range map[time.Duration]string{5 * time.Minute: "stream 答：慢", 5*time.Minute + 31*time.Second: "late 答：慢", 7 * time.Minute: "late 答：慢"} {
		b, late, clock := newGatewayBench(t), &posted{}, &clock{}
		b.gateway.Now = clock.now
		p, journal := &patient{gate: make(chan struct{})}, newJournal(t)
		c, _ := b.run(p, func(o *ConnectionOptions) {
			o.Late, o.Journal, o.Now, o.Times.Place = late, journal, clock.now, time.Millisecond
			o.Times.Lease = time.Hour
		})
		b.wait("login", func() bool { return c.State() == StateReady })
		b.gateway.Deliver(t.Context(), cmdMessage, "cb-1", said("m1", "慢"))
		b.wait("the placeholder", func() bool { return len(b.gateway.Received(cmdRespond)) == 1 })
		task, open, err := journal.Look(t.Context(), c.queue(), "m:m1")
		var noted promise
		if err != nil || !open || json.Unmarshal(task.Data, &noted) != nil || noted.Placed.IsZero() {
			t.Errorf("the journal does not know of the placeholder: %s, %v", task.Data, err)
		}
		clock.advance(age)
		close(p.gate)
		b.wait("the answer", func() bool { return c.promised.count() == 0 })
		if got := b.read(late); !slices.Equal(got, []string{want}) {
			t.Errorf("after %v: read %q, want %q", age, got, want)
		}
	}
}

// TestPlaceholderIsTakenOver: whoever takes a promise over knows that the asker was told to
// wait, and does not leave it at that even where nothing would be said otherwise.
func TestPlaceholderIsTakenOver(t *testing.T) {
	b, late, journal := newGatewayBench(t), &posted{}, newJournal(t)
	p := &patient{gate: make(chan struct{})}
	with := func(o *ConnectionOptions) {
		o.Late, o.Journal, o.Times.Place, o.Times.Drain = late, journal, time.Millisecond, time.Millisecond
	}
	one, stop := b.run(p, with)
	b.wait("login", func() bool { return one.State() == StateReady })
	b.gateway.Deliver(t.Context(), cmdMessage, "cb-1", said("m1", "慢太快"))
	b.wait("the placeholder", func() bool { return len(b.gateway.Received(cmdRespond)) == 1 })
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	b.wait("its end", func() bool { return !b.gateway.Connected() })
	b.run(p, with)
	close(p.gate)
	b.wait("the end of the placeholder", func() bool { return slices.Contains(b.read(late), "late "+bot.TextWait) })
	<-stopped
}

// TestLateAcknowledgementIsTheOtherFrames: the placeholder's comes when the answer's is
// awaited, which is refused.
func TestLateAcknowledgementIsTheOtherFrames(t *testing.T) {
	for _, lost := range []bool{false, true} {
		b, late := newGatewayBench(t), &posted{}
		p := &patient{gate: make(chan struct{})}
		c, _ := b.run(p, impatient, func(o *ConnectionOptions) {
			o.Late, o.Times.Place, o.Times.Heartbeat = late, time.Millisecond, time.Hour
		})
		b.wait("login", func() bool { return c.State() == StateReady })
		faults, want := platform.Faults{LateAcks: 1, LateBy: 200 * time.Millisecond, Codes: map[string][]int{cmdRespond: {0, codeStreamTooOld}}}, "late 答：慢"
		if lost {
			faults, want = platform.Faults{LoseAcks: 1}, "stream 答：慢"
		}
		b.gateway.SetFaults(faults)
		b.gateway.Deliver(t.Context(), cmdMessage, "cb-1", said("m1", "慢"))
		b.wait("the placeholder", func() bool { return len(b.gateway.Received(cmdRespond)) == 1 })
		close(p.gate)
		b.wait("the answer", func() bool { return c.promised.count() == 0 })
		if got := b.read(late); len(got) != 1 || got[0] != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
}

// TestOddFrames: what no page describes, and is a message, is answered.
func TestOddFrames(t *testing.T) {
	b, late := newGatewayBench(t), &posted{}
	b.gateway.SetFaults(platform.Faults{AckCommand: true})
	c, _ := b.run(&patient{})
	b.wait("login", func() bool { return c.State() == StateReady })
	ask := func(id string) string {
		return fmt.Sprintf(`{"msgid":%q,"aibotid":"a","from":{"userid":%q},"msgtype":"text","text":{"content":%q}}`, id, id, id)
	}
	for _, frame := range []string{
		`{"cmd":"aibot_callback","headers":{"req_id":"r1"},"body":` + ask("q1") + `}`,
		"\ufeff" + `{"cmd":"aibot_msg_callback","headers":{"req_id":"r2"},"body":` + ask("q2") + `}`,
		`{"Cmd":"aibot_msg_callback","HEADERS":{"Req_Id":"r3"},"Body":` + ask("q3") + `}`,
		`{"cmd":"aibot_msg_callback","headers":{"req_id":4},"body":` + ask("q4") + `}`,
		`{"cmd":"aibot_msg_callback","headers":{"req_id":"r5"},"errcode":0,"errmsg":"ok","body":` + ask("q5") + `}`,
		`{"cmd":"aibot_msg_callback","headers":[],"body":` + ask("q6") + `}`,
		`{"cmd":"aibot_msg_callback","headers":{"req_id":"r7"},"body":` + strings.Replace(ask("q7"), `"msgid"`, `"quote":{"msgtype":"text","text":{"content":"`+strings.Repeat("长", 2<<20/3)+`"}},"msgid"`, 1) + `}`,
	} {
		b.gateway.Meet("q6")
		b.gateway.Raw(t.Context(), frame)
	}
	// The stand-in did not send them, so that it knows no request of theirs: all are pushed.
	b.gateway.Meet("q1", "q2", "q3", "q4", "q5", "q6", "q7")
	b.wait("all answers", func() bool { return len(b.read(late)) == 7 })
	got := b.read(late)
	slices.Sort(got)
	if want := []string{"push 答：q1", "push 答：q2", "push 答：q3", "push 答：q4", "push 答：q5", "push 答：q6", "push 答：q7"}; !slices.Equal(got, want) {
		t.Errorf("read %q", got)
	}
	if b.gateway.Logins() != 1 || b.count(OutcomeUnreadable, 0) != 0 {
		t.Errorf("%d logins, %d frames unreadable", b.gateway.Logins(), b.count(OutcomeUnreadable, 0))
	}
}

func TestAcknowledgementsAreRead(t *testing.T) {
	for text, want := range map[string]int{`{"headers":{"req_id":"x"},"errcode":"846608"}`: 846608, `{"cmd":"ping","headers":{"req_id":"x"},"errcode":0}`: 0,
		`{"Headers":{"req_id":7},"ErrCode":-1,"errmsg":[]}`: -1, "\ufeff" + `{"errcode":" 3 "}`: 3} {
		if f, err := readFrame([]byte(text)); err != nil || f.ErrCode != want || !f.coded || f.callback() {
			t.Errorf("%s: %+v, %v", text, f, err)
		}
	}
	if f, err := readFrame([]byte(`{"errcode":"often"}`)); err == nil {
		t.Errorf("an errcode that is none: %+v", f)
	}
}

// TestLateAnswersByCode: over callbacks a response_url is the last way, so that each code is
// met by posting again, but for one: used up or too old (60140), which makes it impossible.
func TestLateAnswersByCode(t *testing.T) {
	all := []int{60140}
	for _, codes := range meanings {
		all = append(all, codes...)
	}
	for _, code := range all {
		synctest.Test(t, func(t *testing.T) {
			refused := &api.APIError{Code: int64(code)}
			p, late, told := &patient{gate: make(chan struct{})}, &posted{fail: []error{refused}}, &refusals{}
			b, c := replica(t, p, newJournal(t), late)
			c.o.Refused = told.take
			b.send(said("m1", "慢"))
			time.Sleep(500 * time.Millisecond) // longer than the platform polls
			close(p.gate)
			if code == 60140 {
				waitUntil(t, func() bool { return told.has(code, givenUp) })
			} else {
				waitUntil(t, func() bool { return late.text("late-m1") == "答：慢" })
			}
			if code != -1 && len(told.got) != 1 { // busy is nothing to be told: it is tried again at once
				t.Errorf("%d: told %q", code, told.got)
			}
		})
	}
}

// TestSixHundredLateAnswers are refused with any code now and then, and posted once each.
func TestSixHundredLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const messages = 600
		r, late := rand.New(rand.NewPCG(1, 2)), &posted{}
		var codes []int
		for _, class := range slices.Sorted(maps.Keys(meanings)) {
			codes = append(codes, meanings[class]...)
		}
		for range messages / 3 {
			late.fail = append(late.fail, &api.APIError{Code: int64(codes[r.IntN(len(codes))])})
			for range 2 {
				late.fail = append(late.fail, nil)
			}
		}
		p := &patient{gate: make(chan struct{})}
		b, _ := replica(t, p, nil, late)
		for i := range messages {
			b.send(said(fmt.Sprint("m", i), "慢"))
		}
		close(p.gate)
		for i := range messages {
			waitUntil(t, func() bool { return late.text(fmt.Sprint("late-m", i)) == "答：慢" })
		}
		if len(late.texts) != messages {
			t.Errorf("%d answers", len(late.texts))
		}
	})
}
