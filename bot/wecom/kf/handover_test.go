package kf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/platform"
)

// TestTalkIsHandedOverAndGivenBack: the bot says so, is silent, also after a restart and on
// another replica, and answers again when the servicer has ended the talk.
func TestTalkIsHandedOverAndGivenBack(t *testing.T) {
	b := newBench(t)
	b.corp.SetDuty(account, "sun.lei", false)
	b.corp.SetDuty(account, "zhou.min", true)
	one, stop := b.replica()
	b.says("wmA", "k-1", "问1")
	b.says("wmA", "k-2", "转人工")
	b.says("wmA", "k-3", "在吗")
	b.says("wmB", "k-4", "问4")
	b.nudge(one)
	b.wait("the others", func() bool { return b.read(one) == 6 && len(b.seen()) == 3 })
	if state, who, _ := b.corp.Talk(account, "wmA"); state != platform.KfPerson || who != "zhou.min" {
		t.Errorf("the talk is in state %d with %q", state, who)
	}
	b.corp.ServicerWrites(account, "wmA", "您好，我是周敏")
	stop()
	two, _ := b.replica()
	b.says("wmA", "k-5", "还有一个问题")
	b.nudge(two)
	b.wait("the servicer's message and the customer's", func() bool { return b.read(two) == 8 })
	if n := b.count(OutcomePerson, 0); n != 3 {
		t.Errorf("silent %d times", n)
	}
	b.corp.EndTalk(account, "wmA")
	b.nudge(two)
	b.wait("the word that the bot is back", func() bool { return b.read(two) == 9 && len(b.seen()) == 5 })
	b.says("wmA", "k-6", "问6")
	b.nudge(two)
	b.wait("the answer", func() bool { return len(b.seen()) == 6 })
	want := []string{"wmA 答：问1", "wmA " + bot.TextHandedOver, "wmB 答：问4", "wmA 您好，我是周敏", "wmA " + bot.TextHandedBack, "wmA 答：问6"}
	if got := b.seen(); !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
	for _, call := range b.corp.Calls("kf/send_msg") {
		if strings.Contains(string(call.Body), "在吗") {
			t.Errorf("tried to write into a person's talk: %s", call.Body)
		}
	}
	if strings.Contains(b.log.String(), "zhou.min") || strings.Contains(b.log.String(), "wmA") {
		t.Errorf("the log names people:\n%s", b.log.String())
	}
}

// read tells how many messages and events of the account were read.
func (b *bench) read(k *Callback) int {
	b.t.Helper()
	cursor, err := b.store.Cursor(b.t.Context(), k.cursorName(account))
	if err != nil {
		b.t.Fatal(err)
	}
	n, _ := strconv.Atoi(strings.TrimPrefix(cursor, "c-")) // 0: none
	return n
}

// TestNobodyIsOnDuty: the customer reads so, with how else to reach somebody.
func TestNobodyIsOnDuty(t *testing.T) {
	b := newBench(t)
	b.corp.SetDuty(account, "zhou.min", false)
	k, _ := b.replica()
	b.says("wmA", "k-1", "转人工")
	b.says("wmA", "k-2", "问2")
	b.nudge(k)
	b.wait("both", func() bool { return len(b.seen()) == 2 })
	if got, want := b.seen(), []string{"wmA " + bot.TextNobody + "\n答：转人工", "wmA 答：问2"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

// TestServicerWhoTakesNoMore is passed over; when all do, the customer waits in the pool; a
// call that is not allowed leaves the talk with the bot.
func TestServicerWhoTakesNoMore(t *testing.T) {
	for name, tt := range map[string]struct {
		code, times int // of the transfers
		state       int
		want        string
	}{
		"the next one":  {95014, 1, platform.KfPerson, bot.TextHandedOver},
		"the pool":      {95014, 2, platform.KfPool, bot.TextQueued},
		"not allowed":   {48002, always, platform.KfNew, bot.TextNotHanded + "\n答：转人工"},
		"busy at first": {-1, 2, platform.KfPerson, bot.TextHandedOver},
		"busy for good": {-1, always, platform.KfNew, bot.TextNotHanded + "\n答：转人工"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.corp.SetDuty(account, "sun.lei", true)
			b.corp.SetDuty(account, "zhou.min", true)
			codes := slices.Repeat([]int{tt.code}, min(tt.times, 20))
			b.corp.SetFaults(platform.APIFaults{Codes: map[string][]int{"kf/service_state/trans": codes}})
			k, _ := b.replica()
			b.says("wmA", "k-1", "转人工")
			b.nudge(k)
			b.wait("a word", func() bool { return len(b.seen()) == 1 })
			state, _, _ := b.corp.Talk(account, "wmA")
			if got := b.seen()[0]; got != "wmA "+tt.want || state != tt.state {
				t.Errorf("read %q in state %d, want %q in %d", got, state, tt.want, tt.state)
			}
		})
	}
}

// TestStateThatCannotBeAsked, for want of a permission: the events alone tell who has a talk.
func TestStateThatCannotBeAsked(t *testing.T) {
	b := newBench(t)
	b.corp.SetDuty(account, "zhou.min", true)
	b.corp.SetFaults(platform.APIFaults{Refuse: func(name string, _ []byte) int {
		if name == "kf/service_state/get" {
			return 48002
		}
		return 0
	}})
	k, _ := b.replica()
	b.says("wmA", "k-1", "转人工")
	b.says("wmA", "k-2", "在吗")
	b.nudge(k)
	b.wait("silence", func() bool { return b.read(k) == 3 && b.count(OutcomePerson, 0) == 1 })
	b.corp.EndTalk(account, "wmA")
	b.says("wmA", "k-3", "问3")
	b.nudge(k)
	b.wait("the answer", func() bool { return slices.Contains(b.seen(), "wmA 答：问3") })
}

// TestTalkThatIsAPersons from its beginning, as on accounts that people receive: the bot
// learns it from the state and never from a refusal.
func TestTalkThatIsAPersons(t *testing.T) {
	b := newBench(t)
	b.corp.SetDuty(account, "zhou.min", true)
	b.corp.PeopleFirst(account, true)
	k, _ := b.replica()
	b.says("wmA", "k-1", "问1")
	b.nudge(k)
	b.wait("silence", func() bool { return b.count(OutcomePerson, 0) == 1 })
	if n := len(b.corp.Calls("kf/send_msg")); n != 0 || b.engine.count() != 0 {
		t.Errorf("tried to send %d times, asked the engine %d times", n, b.engine.count())
	}
	b.corp.PeopleFirst(account, false)
	b.corp.EndTalk(account, "wmA")
	b.says("wmA", "k-2", "问2")
	b.nudge(k)
	b.wait("the answer", func() bool { return len(b.seen()) == 1 })
}

// TestPushWaitsForAPerson: what the bot wants to say first waits while a person has the talk.
func TestPushWaitsForAPerson(t *testing.T) {
	b := newBench(t)
	b.corp.SetDuty(account, "zhou.min", true)
	k, _ := b.replica()
	b.says("wmA", "k-1", "转人工")
	b.nudge(k)
	b.wait("the hand-over", func() bool { return len(b.seen()) == 1 })
	asked := len(b.corp.Calls("kf/service_state/get"))
	if _, _, err := k.Push(t.Context(), "p", bot.Address{Channel: "kf", Account: account, Asker: "wmA"}, []string{"更正"}); err != nil {
		t.Fatal(err)
	}
	b.wait("looks", func() bool { return len(b.corp.Calls("kf/service_state/get")) > asked+1 })
	if got := b.seen(); len(got) != 1 {
		t.Errorf("said into a person's talk: %q", got)
	}
	b.corp.EndTalk(account, "wmA")
	b.says("wmA", "k-2", "问2")
	b.nudge(k)
	b.wait("the push", func() bool { return slices.Contains(b.seen(), "wmA 更正") })
}

// TestAPersonIsOffered by a menu, whose tap is a text with an id.
func TestAPersonIsOffered(t *testing.T) {
	b := newBench(t)
	b.corp.SetDuty(account, "zhou.min", true)
	k, _ := b.replica()
	b.says("wmA", "k-1", "没有")
	b.nudge(k)
	b.wait("the offer", func() bool { return len(b.corp.Sent()) == 2 })
	offer := b.corp.Sent()[1]
	if len(offer.Menu) != 1 || offer.Menu[0].Text != "转人工" || !strings.Contains(offer.Text, bot.TextOfferPerson) {
		t.Fatalf("offered %+v", offer)
	}
	b.corp.CustomerWrites(account, "wmA", "k-2", "text", map[string]any{"content": "（点了菜单）", "menu_id": offer.Menu[0].ID})
	b.nudge(k)
	b.wait("the hand-over", func() bool { return b.count(OutcomeHandedOver, 0) == 1 })
}

// TestCrashWhileHandingOver: the process dies after the talk was moved; nobody moves it twice.
func TestCrashWhileHandingOver(t *testing.T) {
	b := newBench(t)
	b.corp.SetDuty(account, "zhou.min", true)
	reached, hang := make(chan struct{}), make(chan struct{})
	b.corp.SetFaults(platform.APIFaults{Break: func(_ http.ResponseWriter, r *http.Request, name string) bool {
		if name != "kf/send_msg_on_event" {
			return false
		}
		select {
		case <-hang:
			return false
		default:
		}
		select {
		case reached <- struct{}{}:
		case <-hang:
		}
		<-hang
		return true
	}})
	k, stop := b.replica()
	b.says("wmA", "k-1", "转人工")
	b.nudge(k)
	<-reached
	stop()
	close(hang)
	_, _ = b.replica()
	b.wait("the word", func() bool { return len(b.seen()) == 1 })
	if got := b.seen()[0]; got != "wmA "+bot.TextHandedOver || len(b.corp.Calls("kf/service_state/trans")) != 1 {
		t.Errorf("read %q after %d transfers", got, len(b.corp.Calls("kf/service_state/trans")))
	}
}

// TestWhatDidNotArrive is counted by the platform's reason.
func TestWhatDidNotArrive(t *testing.T) {
	b := newBench(t)
	k, _ := b.replica()
	b.says("wmA", "k-1", "问")
	for _, why := range []int{4, 10, 99} {
		b.corp.SendFailed(account, "wmA", "x", why)
	}
	b.nudge(k)
	b.wait("all", func() bool { return b.count("fail 4", 0)+b.count("fail 10", 0)+b.count("fail other", 0) == 3 })
	if !strings.Contains(b.log.String(), `why="refused by the customer"`) {
		t.Errorf("log %s", b.log.String())
	}
}

// TestFirstStart answers what is newer than the nudge less five minutes, also when reading
// all that is older is broken off, and all of an account that is known.
func TestFirstStart(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	wrote := func(id string, age time.Duration) {
		b.corp.CustomerWroteAt(now.Add(-age), account, "wm"+id, id, "text", map[string]any{"content": id})
	}
	for i := range 7 {
		wrote(fmt.Sprint("old", i), 50*time.Hour-time.Duration(i)*7*time.Hour)
	}
	wrote("six", 6*time.Minute)
	wrote("four", 4*time.Minute)
	b.corp.SetFaults(platform.APIFaults{Codes: map[string][]int{"kf/sync_msg": {0, 12345}}})
	k, _ := b.replica()
	b.nudge(k)
	b.wait("the newest", func() bool { return len(b.seen()) == 1 && b.read(k) == 9 })
	if got := b.seen()[0]; got != "wmfour 答：four" {
		t.Errorf("read %q", got)
	}
	wrote("late", 40*time.Minute) // older than the bound, though it comes when the account is known
	wrote("later", time.Minute)
	b.nudge(k)
	b.wait("what came later", func() bool { return b.read(k) == 11 })
	if got, want := b.seen(), []string{"wmfour 答：four", "wmlater 答：later"}; !slices.Equal(got, want) || b.count(OutcomeBefore, 0) < 9 {
		t.Errorf("read %q, want %q; counts %v", got, want, b.counts)
	}
}

// TestLenient: one field that cannot be read loses no other, and nothing of it is logged but
// its key.
func TestLenient(t *testing.T) {
	now := time.Now().Unix()
	for name, tt := range map[string]struct {
		message string
		unread  string
	}{
		"numbers as strings":          {`{"msgid":"1","open_kfid":"wkA1","external_userid":"wmA","send_time":"%d","origin":"3","msgtype":"text","text":{"content":"问"}}`, ""},
		"strings as numbers":          {`{"msgid":17,"open_kfid":"wkA1","external_userid":"wmA","send_time":%d,"origin":3,"msgtype":"text","text":{"content":"问","menu_id":7}}`, ""},
		"other letter case":           {`{"MsgId":"1","Open_KfId":"wkA1","External_UserId":"wmA","Send_Time":%d,"Origin":3,"MsgType":"text","Text":{"Content":"问"}}`, ""},
		"no account, no origin":       {`{"msgid":"1","external_userid":"wmA","send_time":%d,"msgtype":"text","text":{"content":"问"}}`, ""},
		"no id":                       {`{"open_kfid":"wkA1","external_userid":"wmA","send_time":%d,"origin":3,"msgtype":"text","text":{"content":"问"}}`, ""},
		"no type":                     {`{"msgid":"1","external_userid":"wmA","send_time":%d,"origin":3,"text":{"content":"问"}}`, ""},
		"a text without an object":    {`{"msgid":"1","external_userid":"wmA","send_time":%d,"origin":3,"msgtype":"text","text":"问"}`, ""},
		"a time that is none":         {`{"msgid":"1","external_userid":"wmA","send_time":{"SECRETMARK":%d},"origin":3,"msgtype":"text","text":{"content":"问"}}`, "send_time"},
		"an origin that is none":      {`{"msgid":"1","external_userid":"wmA","send_time":%d,"origin":["SECRETMARK"],"msgtype":"text","text":{"content":"问"}}`, "origin"},
		"an event beside it":          {`{"msgid":"1","external_userid":"wmA","send_time":%d,"origin":3,"msgtype":"text","event":"SECRETMARK","text":{"content":"问"}}`, "event"},
		"null here and there":         {`{"msgid":"1","open_kfid":null,"external_userid":"wmA","send_time":%d,"origin":null,"msgtype":"text","event":null,"text":{"content":"问","menu_id":null}}`, ""},
		"a message before that isn't": {`"SECRETMARK %d"`, "msg_list"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.says("wmB", "k-0", "先问")
			var raw any
			if err := json.Unmarshal(fmt.Appendf(nil, tt.message, now), &raw); err != nil {
				t.Fatal(err)
			}
			b.corp.PutRaw(account, raw)
			b.says("wmC", "k-9", "后问")
			k, _ := b.replica()
			b.nudge(k)
			b.wait("those behind", func() bool { return slices.Contains(b.seen(), "wmC 答：后问") })
			want := []string{"wmB 答：先问", "wmA 答：问", "wmC 答：后问"}
			if _, words := raw.(string); words {
				want = []string{want[0], want[2]}
			}
			if got := b.seen(); !slices.Equal(got, want) {
				t.Errorf("read %q, want %q", got, want)
			}
			log := b.log.String()
			if got := b.count(OutcomeUnreadable, 0); got > 0 != (tt.unread != "") || !strings.Contains(log, tt.unread) || strings.Contains(log, "SECRETMARK") {
				t.Errorf("counted %d unreadable; log %s", got, log)
			}
		})
	}
}

// TestCallbacksThatAreUnlikeOurs still say that there is something to fetch.
func TestCallbacksThatAreUnlikeOurs(t *testing.T) {
	for name, plain := range map[string]string{
		"no account":        `<xml><ToUserName>CORP</ToUserName><CreateTime>1760007000</CreateTime><MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>tok-77</Token></xml>`,
		"a byte order mark": "\ufeff<xml><ToUserName>CORP</ToUserName><Event>kf_msg_or_event</Event><Token>t</Token><OpenKfId>wkA1</OpenKfId></xml>",
		"other letter case": `<xml><tousername>CORP</tousername><createtime>x</createtime><event>KF_MSG_OR_EVENT</event><token>t</token><OpenKfID>wkA1</OpenKfID></xml>`,
		"nothing but where": `<xml><OpenKfId>wkA1</OpenKfId></xml>`,
		"not readable":      `{"Event":"SECRETMARK"}`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			k, _ := b.replica()
			b.says("wmA", "k-1", "问")
			if code := b.post(k, strings.ReplaceAll(plain, "CORP", b.corp.ID)); code != http.StatusOK {
				t.Fatalf("status %d", code)
			}
			b.wait("the answer", func() bool { return len(b.seen()) == 1 })
			b.nudge(k) // by account: what was read of all is not answered again
			b.wait("it followed", func() bool { return len(b.corp.Calls("kf/sync_msg")) >= 2 && b.count(OutcomeNudge, 0) == 2 })
			if got := b.seen(); len(got) != 1 || strings.Contains(b.log.String(), "SECRETMARK") {
				t.Errorf("read %q; log %s", got, b.log.String())
			}
		})
	}
}

// TestOldToken: a nudge that was followed late has a token that the platform no longer takes.
func TestOldToken(t *testing.T) {
	b := newBench(t)
	b.corp.SetFaults(platform.APIFaults{Refuse: func(name string, body []byte) int {
		if name == "kf/sync_msg" && strings.Contains(string(body), "tok-77") {
			return codeOldToken
		}
		return 0
	}})
	k, _ := b.replica()
	b.says("wmA", "k-1", "问")
	b.nudge(k)
	b.wait("the answer", func() bool { return len(b.seen()) == 1 })
	if n := b.count(OutcomeRetried, 0); n != 0 {
		t.Errorf("failed %d times", n)
	}
}

// TestWrittenWhileNobodyRan is answered after the start, without another nudge.
func TestWrittenWhileNobodyRan(t *testing.T) {
	b := newBench(t)
	k, stop := b.replica()
	b.says("wmA", "k-1", "问1")
	b.nudge(k)
	b.wait("the answer", func() bool { return len(b.seen()) == 1 })
	stop()
	b.says("wmA", "k-2", "问2")
	_, _ = b.replica()
	b.wait("the answer after the start", func() bool { return len(b.seen()) == 2 })
}

// TestReplyOfTheVersionBefore goes on where that one stopped.
func TestReplyOfTheVersionBefore(t *testing.T) {
	b := newBench(t)
	data := []byte(`{"p":["一","二","三"],"n":1}`)
	task := bot.Task{Queue: "kf:" + b.corp.ID + ":" + account + ":replies", ID: "msg:k-1", Data: data}
	if _, err := b.store.Enter(t.Context(), task, "gone", time.Millisecond, time.Hour); err != nil {
		t.Fatal(err)
	}
	b.says("wmA", "k-1", "问")
	k, _ := b.replica()
	b.nudge(k)
	b.wait("the rest", func() bool { return len(b.seen()) == 2 })
	if got, want := b.seen(), []string{"wmA " + bot.TextAgain + "\n二", "wmA 三"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

// TestStoreAwayWhenNudged: what could not be noted is looked into all the same.
func TestStoreAwayWhenNudged(t *testing.T) {
	b := newBench(t)
	b.corp.SetFaults(platform.APIFaults{Codes: map[string][]int{"kf/sync_msg": {12345, 12345}}})
	client, err := api.New(api.Options{BaseURL: baseURL, CorpID: b.corp.ID, Secret: b.corp.Secret})
	if err != nil {
		t.Fatal(err)
	}
	k := NewCallback(b.engine, b.codec, client, forgetful{b.store}, Options{CorpID: b.corp.ID, Count: func(o string) { b.count(o, 1) }})
	k.times = times{lease: time.Minute, claim: 20 * time.Millisecond, later: 50 * time.Millisecond, again: 5 * time.Millisecond}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { k.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		k.Close()
	})
	b.says("wmA", "k-1", "问")
	b.nudge(k)
	b.wait("the answer", func() bool { return len(b.seen()) == 1 })
}

// forgetful cannot note nudges.
type forgetful struct{ Store }

func (s forgetful) Enter(ctx context.Context, t bot.Task, holder string, lease, keep time.Duration) (bool, error) {
	if strings.HasPrefix(t.ID, "nudge:") {
		return false, errors.New("away")
	}
	return s.Store.Enter(ctx, t, holder, lease, keep)
}
