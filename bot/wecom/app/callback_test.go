package app

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/wecom/envelope"
)

// answerer answers each question with pages made from it, or as its hook says.
type answerer struct {
	mu      sync.Mutex
	got     []bot.Message
	hook    func(bot.Message) (bot.Reply, error)
	pressed []bot.Press
	press   bot.Pressed
}

func (a *answerer) Press(_ context.Context, p bot.Press) (bot.Pressed, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pressed = append(a.pressed, p)
	if p.Key == "strange" {
		return bot.Pressed{}, bot.ErrKey
	}
	return a.press, nil
}

func (a *answerer) Answer(_ context.Context, m bot.Message) (bot.Reply, error) {
	a.mu.Lock()
	a.got = append(a.got, m)
	a.mu.Unlock()
	if a.hook != nil {
		return a.hook(m)
	}
	return reply("答：" + m.Text), nil
}

func (a *answerer) Welcome(context.Context) string { return "欢迎，请直接提问。" }

func (a *answerer) messages() []bot.Message {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.got)
}

func reply(pages ...string) bot.Reply {
	return bot.Reply{Answered: true, Text: strings.Join(pages, "\n\n"), Pages: pages}
}

// tally counts outcomes.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) count(outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[outcome]++
}

func (c *tally) of(outcome string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[outcome]
}

const (
	testCorp  = "ww7c1e2f9a0b3d4e58"
	testAgent = "1000017"
	testToken = "Tq9ZrMark"
	testKey   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// bench is a callback with all that it talks to.
type bench struct {
	t        *testing.T
	answerer *answerer
	counts   *tally
	log      *lockedBuffer
	codec    *envelope.Codec
	callback *Callback
	url      string
}

func newBench(t *testing.T, s *Sender, edit ...func(*Options)) *bench {
	t.Helper()
	codec, err := envelope.New(testToken, testKey, testCorp)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, answerer: &answerer{}, counts: &tally{}, log: &lockedBuffer{}, codec: codec}
	o := Options{CorpID: testCorp, AgentID: testAgent, Count: b.counts.count,
		Log:     slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Wording: Wording{Media: "只看得懂文字", Unknown: "不认识这种消息"},
		Apology: func(error) string { return "没能答上来" }}
	for _, e := range edit {
		e(&o)
	}
	b.callback = NewCallback(b.answerer, codec, s, o)
	if b.callback.pushes != nil {
		b.callback.pushes.headStart = 0
	}
	server := httptest.NewServer(b.callback)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// deliver does what the platform does: it seals the message, posts it, and opens
// the reply. An empty body gives an empty map.
func (b *bench) deliver(message string) map[string]string {
	b.t.Helper()
	status, contentType, body := b.post(message)
	if status != http.StatusOK {
		b.t.Fatalf("deliver(%q): status %d, want 200", message, status)
	}
	if len(body) == 0 {
		return map[string]string{}
	}
	if contentType != "application/xml" {
		b.t.Errorf("Content-Type = %q, want application/xml", contentType)
	}
	sealed, err := envelope.Fields(body, "Encrypt", "MsgSignature", "TimeStamp", "Nonce")
	if err != nil {
		b.t.Fatalf("reply %q: %v", body, err)
	}
	plaintext, err := b.codec.Open(sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"], sealed["Encrypt"])
	if err != nil {
		b.t.Fatalf("reply %q: %v", body, err)
	}
	fields, err := envelope.Fields(plaintext, "ToUserName", "FromUserName", "CreateTime", "MsgType", "Content")
	if err != nil {
		b.t.Fatalf("reply %q: %v", plaintext, err)
	}
	return fields
}

func (b *bench) post(message string) (status int, contentType string, body []byte) {
	b.t.Helper()
	sealed, err := b.codec.Seal([]byte(message), strconv.FormatInt(time.Now().Unix(), 10), "n-71")
	if err != nil {
		b.t.Fatal(err)
	}
	outer, err := xml.Marshal(struct {
		XMLName             xml.Name `xml:"xml"`
		ToUserName, AgentID envelope.CDATA
		Encrypt             envelope.CDATA
	}{ToUserName: envelope.CDATA{Text: testCorp}, AgentID: envelope.CDATA{Text: testAgent}, Encrypt: envelope.CDATA{Text: sealed.Encrypt}})
	if err != nil {
		b.t.Fatal(err)
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	res, err := http.Post(b.url+"?"+query.Encode(), "text/xml", bytes.NewReader(outer))
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err = io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), body
}

// say is a message of one type from lin.yue, with further elements.
func say(kind, id, more string) string {
	return fmt.Sprintf(`<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName><![CDATA[lin.yue]]></FromUserName>
<CreateTime>1760000123</CreateTime><MsgType><![CDATA[%s]]></MsgType><MsgId>%s</MsgId><AgentID>%s</AgentID>%s</xml>`,
		testCorp, kind, id, testAgent, more)
}

func question(id, text string) string {
	return say("text", id, "<Content><![CDATA["+text+"]]></Content>")
}

func event(name, more string) string {
	return fmt.Sprintf(`<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName><![CDATA[lin.yue]]></FromUserName>
<CreateTime>1760000123</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[%s]]></Event>%s</xml>`, testCorp, name, more)
}

func TestCallbackReplies(t *testing.T) {
	const card = `<EventKey><![CDATA[helpful_no]]></EventKey><AgentID>1000017</AgentID><SelectedItems><SelectedItem>
<QuestionKey><![CDATA[why]]></QuestionKey><OptionIds><OptionId><![CDATA[outdated]]></OptionId></OptionIds></SelectedItem></SelectedItems>`
	for _, tt := range []struct{ name, message, want, outcome string }{
		{"question", question("1", "AEO企业能免除担保吗？"), "答：AEO企业能免除担保吗？", OutcomeAnswered},
		{"voice with its words", say("voice", "2", "<MediaId>m</MediaId><Recognition>第三条</Recognition>"), "答：第三条", OutcomeAnswered},
		{"voice", say("voice", "3", "<MediaId>m</MediaId><Format>amr</Format>"), bot.TextUnheard, OutcomeUnsupported},
		{"image", say("image", "4", "<PicUrl>http://x</PicUrl><MediaId>m</MediaId>"), "只看得懂文字", OutcomeUnsupported},
		{"video", say("video", "5", ""), "只看得懂文字", OutcomeUnsupported},
		{"file", say("file", "6", "<FileName>a.docx</FileName>"), "只看得懂文字", OutcomeUnsupported},
		{"location", say("location", "7", "<Label>海关大楼</Label>"), "只看得懂文字", OutcomeUnsupported},
		{"link", say("link", "8", "<Title>公告</Title>"), "只看得懂文字", OutcomeUnsupported},
		{"type of tomorrow", say("hologram", "9", ""), "不认识这种消息", OutcomeUnsupported},
		{"opens the application", event("enter_agent", "<AgentID>1000017</AgentID>"), "欢迎，请直接提问。", OutcomeWelcome},
		{"may use it from now on", event("subscribe", ""), "欢迎，请直接提问。", OutcomeWelcome},
		{"may not any more", event("unsubscribe", ""), "", OutcomeIgnored},
		{"menu", event("click", "<EventKey> </EventKey>"), "", OutcomeIgnored},
		{"menu page", event("view", "<EventKey>http://x</EventKey>"), "", OutcomeIgnored},
		{"card", event("template_card_event", card), "", OutcomeIgnored},
		{"another corp", strings.Replace(question("10", "你好"), testCorp, "wwother", 1), "", OutcomeForeign},
		{"another application", strings.Replace(question("11", "你好"), testAgent, "1000018", 1), "", OutcomeForeign},
		{"DOCTYPE", "<!DOCTYPE xml>" + question("12", "你好"), "", OutcomeUnreadable},
		{"doubled type", say("text", "13", "<MsgType>event</MsgType>"), "", OutcomeUnreadable},
		{"no id", question("", "你好"), "答：你好", OutcomeAnswered},
		{"JSON", `{"msgtype":"text"}`, "", OutcomeUnreadable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil)
			got := b.deliver(tt.message)
			if got["Content"] != tt.want {
				t.Errorf("reply to %q = %q, want %q", tt.message, got["Content"], tt.want)
			}
			if tt.want != "" && (got["ToUserName"] != "lin.yue" || got["FromUserName"] != testCorp || got["MsgType"] != "text") {
				t.Errorf("reply to %q is %q", tt.message, got)
			}
			if b.counts.of(tt.outcome) != 1 {
				t.Errorf("outcomes %v, want one %s", b.counts.n, tt.outcome)
			}
			asked := 0
			if tt.outcome == OutcomeAnswered {
				asked = 1
			}
			if n := len(b.answerer.messages()); n != asked {
				t.Errorf("engine was asked %d times, want %d", n, asked)
			}
		})
	}
}

func TestMessageForTheEngine(t *testing.T) {
	c := newCorp(t)
	for _, tt := range []struct {
		sender *Sender
		pages  int
	}{{nil, 1}, {c.sender(t), 5}} {
		b := newBench(t, tt.sender)
		b.deliver(question("7420011223344556677", "  ]]]]><![CDATA[> 第３条\n"))
		want := bot.Message{ID: "app:ww7c1e2f9a0b3d4e58:1000017:7420011223344556677", Asker: "lin.yue", Text: "  ]]> 第３条\n",
			Surface: bot.Surface{Name: "app", MaxBytes: 2048, MaxPages: tt.pages}}
		if got := b.answerer.messages(); len(got) != 1 || got[0] != want {
			t.Errorf("engine got %+v, want %+v", got, want)
		}
	}
}

func TestApology(t *testing.T) {
	for _, tt := range []struct {
		name string
		hook func(bot.Message) (bot.Reply, error)
	}{
		{"error", func(bot.Message) (bot.Reply, error) { return bot.Reply{}, errors.New("index is closed") }},
		{"panic", func(m bot.Message) (bot.Reply, error) { panic("at " + m.Text) }},
		{"no page", func(bot.Message) (bot.Reply, error) { return bot.Reply{}, nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, nil)
			b.answerer.hook = tt.hook
			if got := b.deliver(question("1", "TEXTMARK")); got["Content"] != "没能答上来" {
				t.Errorf("reply = %q, want the apology", got["Content"])
			}
			if b.counts.of(OutcomeApology) != 1 || !strings.Contains(b.log.String(), "question not answered") {
				t.Errorf("outcomes %v, log %s: the failure was not noted", b.counts.n, b.log)
			}
			checkNoPeople(t, b.log.String())
		})
	}
}

// TestAnsweredElsewhere: nothing is said, so that the platform delivers again and
// gets the reply of the attempt that runs.
// TestOneOfTooMany gets an empty response.
func TestOneOfTooMany(t *testing.T) {
	b := newBench(t, nil)
	b.answerer.hook = func(bot.Message) (bot.Reply, error) { return bot.Reply{Act: bot.ActQuiet}, nil }
	for range 3 {
		if status, _, body := b.post(question("7", "问")); status != http.StatusOK || len(body) != 0 {
			t.Errorf("status %d, body %q", status, body)
		}
	}
	if b.counts.of(OutcomeQuiet) != 3 || b.counts.of(OutcomeApology) != 0 || strings.Contains(b.log.String(), "ERROR") {
		t.Errorf("counted %v; log %s", b.counts.n, b.log.String())
	}
}

func TestAnsweredElsewhere(t *testing.T) {
	c := &Callback{o: Options{CorpID: testCorp}.withDefaults(), answerer: &answerer{hook: func(bot.Message) (bot.Reply, error) {
		return bot.Reply{}, bot.ErrElsewhere
	}}}
	if reply, err := c.handle(t.Context(), []byte(question("1", "问"))); !errors.Is(err, bot.ErrElsewhere) || reply != nil {
		t.Errorf("got %q, %v", reply, err)
	}
}

// checkNoPeople is the leak test: no question, no userid, no credential in the log.
func checkNoPeople(t *testing.T, log string) {
	t.Helper()
	for _, marker := range []string{"TEXTMARK", "lin.yue", testToken, testKey, "SECRETMARK", "TOKENMARK"} {
		if strings.Contains(log, marker) {
			t.Errorf("%q stands in the log: %s", marker, log)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	b := newBench(t, nil)
	for i, text := range hostileTexts {
		page := "页" + text
		b.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply(page), nil }
		got := b.deliver(question(strconv.Itoa(i+1), "你好"))
		if got["MsgType"] != "text" || got["ToUserName"] != "lin.yue" || !strings.HasPrefix(got["Content"], "页") {
			t.Errorf("page %q came out as %q", page, got)
		}
	}
}

func TestFurtherPages(t *testing.T) {
	c := newCorp(t)
	b := newBench(t, c.sender(t))
	b.answerer.hook = func(bot.Message) (bot.Reply, error) {
		return reply("一（1/3）", "二（2/3）", "三（3/3）"), nil
	}
	for range 3 { // the platform delivers up to three times
		if got := b.deliver(question("1", "海关有何激励？")); got["Content"] != "一（1/3）" {
			t.Errorf("first page = %q", got["Content"])
		}
	}
	if err := b.callback.Close(context.Background()); err != nil {
		t.Errorf("Close = %v", err)
	}
	if got, want := c.texts(), []string{"二（2/3）", "三（3/3）"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	for outcome, want := range map[string]int{OutcomePushSent: 2, OutcomePushRepeated: 2, OutcomeAnswered: 3} {
		if got := b.counts.of(outcome); got != want {
			t.Errorf("%s counted %d times, want %d", outcome, got, want)
		}
	}
	b.deliver(question("2", "再问一次"))
	if b.counts.of(OutcomePushRefused) != 1 {
		t.Errorf("outcomes %v: pages were taken after Close", b.counts.n)
	}
}

func TestDeliveredAtOnce(t *testing.T) {
	c := newCorp(t)
	b := newBench(t, c.sender(t))
	b.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("一", "二"), nil }
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { b.deliver(question("1", "海关有何激励？")) })
	}
	wg.Wait()
	b.callback.Close(context.Background())
	if got := c.texts(); !slices.Equal(got, []string{"二"}) {
		t.Errorf("sent %q, want the page once", got)
	}
}

// TestPagesWaitForTheOneBefore: while a page is under way the next is not sent, and
// after a failure none is.
func TestPagesWaitForTheOneBefore(t *testing.T) {
	c := newCorp(t)
	second := make(chan struct{})
	c.onSend = func(w http.ResponseWriter, _ *http.Request, n int) {
		if n == 1 {
			<-second
			answer(w, 0, "ok")
			return
		}
		answer(w, 81013, "all invalid")
	}
	b := newBench(t, c.sender(t))
	b.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("一", "二", "三", "四"), nil }
	b.deliver(question("1", "TEXTMARK"))
	waitFor(t, "the second page is under way", func() bool { return c.sent.Load() == 1 })
	if got := c.tried(); len(got) != 1 {
		t.Errorf("sent %q while the second page is under way", got)
	}
	close(second)
	if err := b.callback.Close(context.Background()); err != nil {
		t.Errorf("Close = %v", err)
	}
	if got, want := c.tried(), []string{"二", "三"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q: nothing after the page that failed", got, want)
	}
	if b.counts.of(OutcomePushSent) != 1 || b.counts.of(OutcomePushFailed) != 1 {
		t.Errorf("outcomes %v", b.counts.n)
	}
	checkNoPeople(t, b.log.String())
}

// TestPlatformAPIDown: the API hangs, callbacks are answered all the same, the pages
// in hand are bounded, and Close ends.
func TestPlatformAPIDown(t *testing.T) {
	c := newCorp(t)
	c.onToken = c.hang
	b := newBench(t, c.sender(t))
	b.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("一", "二"), nil }
	const more = 5
	for i := range maxPushes + more {
		if got := b.deliver(question(strconv.Itoa(i+1), "你好")); got["Content"] != "一" {
			t.Fatalf("question %d: first page = %q", i+1, got["Content"])
		}
	}
	waitFor(t, "the rest is refused", func() bool { return b.counts.of(OutcomePushRefused) == more })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.callback.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v, want the context's end", err)
	}
	if got := c.sent.Load(); got != 0 {
		t.Errorf("%d pages were sent without access_token", got)
	}
}

// TestFirstPageGoesFirst: no further page leaves before the response was written.
func TestFirstPageGoesFirst(t *testing.T) {
	c := newCorp(t)
	b := newBench(t, c.sender(t))
	var early int32
	b.answerer.hook = func(bot.Message) (bot.Reply, error) { return reply("一", "二"), nil }
	inner := b.callback.receiver.Wrap
	b.callback.receiver.Wrap = func(s envelope.Sealed) ([]byte, string, error) {
		early = c.sent.Load() + int32(len(b.callback.pushes.slots))
		return inner(s)
	}
	b.deliver(question("1", "你好"))
	b.callback.Close(context.Background())
	if early != 0 || c.sent.Load() != 1 {
		t.Errorf("%d pages in hand before the response, %d sent in the end, want 0 and 1", early, c.sent.Load())
	}
}

func TestZeroOptions(t *testing.T) {
	codec, err := envelope.New(testToken, testKey, testCorp)
	if err != nil {
		t.Fatal(err)
	}
	c := NewCallback(&answerer{}, codec, nil, Options{CorpID: testCorp})
	for _, tt := range []struct{ message, want string }{
		{question("1", "你好"), "答：你好"},
		{say("image", "2", ""), bot.TextMedia},
		{say("hologram", "3", ""), bot.TextUnknown},
	} {
		body, err := c.handle(context.Background(), []byte(tt.message))
		if err != nil || !strings.Contains(string(body), tt.want) {
			t.Errorf("handle(%q) = %q, %v, want %q", tt.message, body, err, tt.want)
		}
	}
	if err := c.Close(context.Background()); err != nil {
		t.Errorf("Close = %v", err)
	}
}

// TestOneGreetingADay: a person is greeted once a day however often they come in and however
// their id is spelled; the same event again is the same greeting.
func TestOneGreetingADay(t *testing.T) {
	store, err := boltstore.Open(filepath.Join(t.TempDir(), "store.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	now := time.Date(2026, 11, 30, 15, 59, 0, 0, time.UTC) // a minute before midnight in China
	b := newBench(t, nil, func(o *Options) { o.Greeted, o.Now = store, func() time.Time { return now } })
	comes := func(who string, at int) string {
		t.Helper()
		e := strings.NewReplacer("lin.yue", who, "1760000123", fmt.Sprint(at)).Replace(event("enter_agent", "<AgentID>1000017</AgentID>"))
		return b.deliver(e)["Content"]
	}
	for i, tt := range []struct {
		who  string
		at   int
		want bool
	}{{"lin.yue", 1, true}, {"lin.yue", 1, true}, {"lin.yue", 2, false}, {"Lin.Yue", 3, false}, {"wang", 4, true}, {"wang", 5, false}} {
		if got := comes(tt.who, tt.at); (got != "") != tt.want {
			t.Errorf("%d: %s reads %q", i, tt.who, got)
		}
	}
	now = now.Add(2 * time.Minute)
	if comes("lin.yue", 6) == "" || comes("lin.yue", 7) != "" {
		t.Error("the next day is not another day")
	}
}

// TestCustomerServiceEvents come to the application through which that API is called, from
// nobody and for no application.
func TestCustomerServiceEvents(t *testing.T) {
	event := func(corp string) string {
		return "<xml><ToUserName>" + corp + "</ToUserName><CreateTime>1760007000</CreateTime><MsgType>event</MsgType>" +
			"<Event>kf_msg_or_event</Event><Token>tok-77</Token><OpenKfId>wkA1</OpenKfId></xml>"
	}
	var got []string
	b := newBench(t, nil, func(o *Options) {
		o.CustomerService = func(_ context.Context, event []byte) error {
			got = append(got, string(event))
			return nil
		}
	})
	if reply := b.deliver(event(testCorp)); len(reply) > 0 || !slices.Equal(got, []string{event(testCorp)}) || b.counts.of(OutcomePassedOn) != 1 {
		t.Errorf("replied %v, passed on %q", reply, got)
	}
	b = newBench(t, nil)
	if reply := b.deliver(event(testCorp)); len(reply) > 0 || !strings.Contains(b.log.String(), "wecom.kf.secret") || b.counts.of(OutcomeNoService) != 1 {
		t.Errorf("without customer service: replied %v, log %s", reply, b.log.String())
	}
}
