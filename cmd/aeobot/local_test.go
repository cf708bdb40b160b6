package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
	"aeobot/bot/wecom/platform"
)

// noChannel takes away the channels that startServe configures.
var noChannel = []string{"AEOBOT_WECOM_AIBOT_NAME=", "AEOBOT_WECOM_AIBOT_TOKEN=", "AEOBOT_WECOM_AIBOT_ENCODING_AES_KEY=",
	"AEOBOT_WECOM_APP_CORP_ID=", "AEOBOT_WECOM_APP_AGENT_ID=", "AEOBOT_WECOM_APP_TOKEN=", "AEOBOT_WECOM_APP_ENCODING_AES_KEY="}

type bubble struct {
	ID         int                       `json:"id"`
	Revision   int                       `json:"rev"`
	Chat       string                    `json:"chat"`
	From       string                    `json:"from"`
	Bot        bool                      `json:"bot"`
	Text       string                    `json:"text"`
	HTML       string                    `json:"html"`
	Quote      string                    `json:"quote"`
	Unfinished bool                      `json:"unfinished"`
	Card       *platform.Card            `json:"card"`
	Own        map[string]*platform.Card `json:"own"`
	Rateable   bool                      `json:"rateable"`
	Rated      map[string]int            `json:"rated"`
	Error      string                    `json:"error"`
}

// localChat writes in the chats of a stand-in company and reads what comes.
type localChat struct {
	t    testing.TB
	base string
	last int
	all  map[int]bubble
}

func newLocalChat(t testing.TB, base string) *localChat {
	return &localChat{t: t, base: base, all: map[int]bubble{}}
}

func (c *localChat) post(path, body string, edit ...func(*http.Request)) (status int, m bubble) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for _, e := range edit {
		e(r)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = json.Unmarshal(data, &m) // a refusal may be plain text
	return answer.StatusCode, m
}

// do posts what must be taken.
func (c *localChat) do(path string, body map[string]any) bubble {
	c.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	status, m := c.post(path, string(data))
	if status != http.StatusOK {
		c.t.Fatalf("%s %s: %d %s", path, data, status, m.Error)
	}
	return m
}

func (c *localChat) write(chat, from, text string) {
	c.t.Helper()
	c.do("/chat/messages", map[string]any{"chat": chat, "from": from, "text": text})
}

func (c *localChat) act(what, chat, from string, more map[string]any) {
	c.t.Helper()
	body := map[string]any{"do": what, "chat": chat, "from": from}
	for k, v := range more {
		body[k] = v
	}
	c.do("/chat/actions", body)
}

// press presses the button of a bubble's card that begins with that text. A card that has
// changed by now is looked at again, as its reader would.
func (c *localChat) press(m bubble, from, text string) {
	c.t.Helper()
	for {
		status, answer := c.post("/chat/actions", c.pressing(m, from, text))
		if status == http.StatusOK {
			return
		}
		if !strings.Contains(answer.Error, "no such button") {
			c.t.Fatalf("pressing %q: %d %s", text, status, answer.Error)
		}
		m = c.await("the card as it is now", func(now bubble) bool { return now.ID == m.ID })
	}
}

// pressing is what a client sends when a button is pressed.
func (c *localChat) pressing(m bubble, from, text string) string {
	c.t.Helper()
	card := m.Card
	if own := m.Own[from]; own != nil {
		card = own
	}
	if card != nil {
		for _, b := range card.Buttons {
			if strings.HasPrefix(b.Text, text) {
				data, err := json.Marshal(map[string]any{"do": "press", "chat": m.Chat, "from": from, "message": m.ID, "key": b.Key})
				if err != nil {
					c.t.Fatal(err)
				}
				return string(data)
			}
		}
	}
	c.t.Fatalf("no button %q under %+v", text, m)
	return ""
}

// await reads what comes until a change of a bubble is what is waited for.
func (c *localChat) await(what string, is func(m bubble) bool) bubble {
	c.t.Helper()
	for end := time.Now().Add(storetest.Patience); time.Now().Before(end); {
		answer, err := http.Get(c.base + "/chat/messages?after=" + strconv.Itoa(c.last))
		if err != nil {
			c.t.Fatal(err)
		}
		var news []bubble
		err = json.NewDecoder(answer.Body).Decode(&news)
		answer.Body.Close()
		if err != nil {
			c.t.Fatal(err)
		}
		slices.SortFunc(news, func(a, b bubble) int { return a.Revision - b.Revision })
		for _, m := range news {
			c.last, c.all[m.ID] = m.Revision, m
			if is(m) {
				return m
			}
		}
	}
	c.t.Fatalf("%s never came; the chats hold %+v", what, c.all)
	return bubble{}
}

// next is the next thing that the bot has finished saying.
func (c *localChat) next() bubble {
	c.t.Helper()
	return c.await("an answer", func(m bubble) bool { return (m.Bot || m.From == "") && !m.Unfinished })
}

func TestLocalGroupChat(t *testing.T) {
	r := startServe(t, t.TempDir(), noChannel...)
	if status, page := r.get("/"); status != http.StatusOK || !strings.Contains(page, "关务交流群") || !strings.Contains(page, "AEO助手") {
		t.Fatalf("page: %d %.200s", status, page)
	}
	for _, file := range []string{"chat.js", "chat.css"} {
		if status, _ := r.get("/chat/files/" + file); status != http.StatusOK {
			t.Errorf("%s: %d", file, status)
		}
	}
	c := newLocalChat(t, r.base)
	c.write("group", "lin.yue", "大家下午好 <b>")
	c.write("group", "lin.yue", "@AEO助手 地方政府特色支持")
	listed := c.next()
	if !strings.Contains(listed.Text, "6、在行政服务中心试点设立AEO服务专窗") || !strings.Contains(listed.HTML, "<strong>地方政府特色支持</strong>") {
		t.Errorf("the bot said %q", listed.HTML)
	}
	c.write("group", "wang.qiang", "@AEO助手 第3条")
	if got := c.next(); !strings.Contains(got.Text, "还没有给你列过条目") {
		t.Errorf("another member was shown somebody else's thread: %q", got.Text)
	}
	c.do("/chat/messages", map[string]any{"chat": "group", "from": "wang.qiang", "text": "@AEO助手 第3条", "quote": listed.ID})
	if got := c.next(); !strings.Contains(got.Text, "3、在土地使用、用电用水等方面给予支持") {
		t.Errorf("quoting the list: %q", got.Text)
	}
	c.write("single/chen.jing", "chen.jing", "能免除担保吗")
	if got := c.next(); got.Chat != "single/chen.jing" || !strings.Contains(got.Text, "5、可向海关申请免除担保") {
		t.Errorf("one-to-one: %+v", got)
	}
	buttonsAndOpinions(t, c)
	for name, tt := range map[string]struct {
		body string
		edit func(*http.Request)
		want int
	}{
		"a stranger":             {`{"chat":"group","from":"黑客","text":"x"}`, nil, http.StatusBadRequest},
		"somebody else's talk":   {`{"chat":"single/chen.jing","from":"wang.qiang","text":"x"}`, nil, http.StatusBadRequest},
		"nothing":                {`{"chat":"group","from":"wang.qiang","text":"  "}`, nil, http.StatusBadRequest},
		"no JSON":                {`x`, nil, http.StatusBadRequest},
		"too long":               {`{"chat":"group","from":"wang.qiang","text":"` + strings.Repeat("长", 20000) + `"}`, nil, http.StatusBadRequest},
		"a form of another page": {`{"chat":"group","from":"wang.qiang","text":"x"}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, http.StatusBadRequest},
		"another page's script": {`{"chat":"group","from":"wang.qiang","text":"x"}`, func(r *http.Request) {
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}, http.StatusForbidden},
	} {
		edit := tt.edit
		if edit == nil {
			edit = func(*http.Request) {}
		}
		if status, _ := c.post("/chat/messages", tt.body, edit); status != tt.want {
			t.Errorf("%s: status %d, want %d", name, status, tt.want)
		}
	}
	rebound := func(r *http.Request) { r.Host = "evil.example" }
	if status, _ := c.post("/chat/messages", `{"chat":"group","from":"wang.qiang","text":"x"}`, rebound); status != http.StatusForbidden {
		t.Errorf("a rebound name: status %d", status)
	}
	if strings.Contains(r.stderr.String(), "担保") || strings.Contains(r.stderr.String(), "lin.yue") {
		t.Errorf("the log holds a question or a person:\n%s", r.stderr.String())
	}
	r.stop()
}

// buttonsAndOpinions goes on by buttons, passes on, and rates, in the group.
func buttonsAndOpinions(t *testing.T, c *localChat) {
	t.Helper()
	c.write("group", "lin.yue", "@AEO助手 AEO")
	answer := c.next()
	card := answer // over the long connection a card is a message of its own
	if card.Card == nil {
		card = c.await("a card", func(m bubble) bool { return m.Card != nil })
	}
	c.press(card, "wang.qiang", "更多")
	more := c.await("what 更多 shows", func(m bubble) bool { return m.Bot && m.ID > card.ID })
	if !strings.Contains(more.Text, "优先通关实现方式") || more.Text == answer.Text {
		t.Errorf("更多 said %+v", more)
	}
	c.press(c.all[card.ID], "wang.qiang", "没用")
	rated := c.await("the card for who rated", func(m bubble) bool { return m.ID == card.ID && m.Own["wang.qiang"] != nil })
	if got := rated.Own["wang.qiang"].Title; !strings.Contains(got, "已记录") || rated.Card.Title == got {
		t.Errorf("the card says %q to who rated and %q to the others", got, rated.Card.Title)
	}
	c.press(rated, "chen.jing", "转发版")
	pass := c.await("what to pass on", func(m bubble) bool { return m.Bot && m.ID > more.ID })
	if !strings.Contains(pass.Text, "来源：《") {
		t.Errorf("to pass on: %q", pass.Text)
	}
	if !answer.Rateable {
		t.Fatalf("the answer cannot be rated: %+v", answer)
	}
	c.act("rate", "group", "chen.jing", map[string]any{"message": answer.ID, "kind": 2, "reasons": []int{2, 3}, "comment": "没有写国家"})
	c.await("the rating", func(m bubble) bool { return m.ID == answer.ID && m.Rated["chen.jing"] == 2 })
	c.act("rate", "group", "chen.jing", map[string]any{"message": answer.ID, "kind": 3})
	c.await("the rating withdrawn", func(m bubble) bool { return m.ID == answer.ID && m.Rated["chen.jing"] == 0 })
	for name, body := range map[string]string{
		"a button that is not there":  `{"do":"press","chat":"group","from":"lin.yue","message":` + strconv.Itoa(answer.ID) + `,"key":"x"}`,
		"a message that is not there": `{"do":"press","chat":"group","from":"lin.yue","message":999,"key":"x"}`,
		"a rating that is not there":  `{"do":"rate","chat":"group","from":"lin.yue","message":` + strconv.Itoa(answer.ID) + `,"kind":9}`,
		"a menu that is not there":    `{"do":"menu","chat":"group","from":"lin.yue","key":"x"}`,
		"nothing to do":               `{"do":"","chat":"group","from":"lin.yue"}`,
	} {
		if status, _ := c.post("/chat/actions", body); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", name, status)
		}
	}
}

// TestLocalGroupChatInABrowser has two members talk to the bot in a real Chromium.
func TestLocalGroupChatInABrowser(t *testing.T) {
	needChromium(t)
	needClients(t)
	r := startServe(t, t.TempDir(), noChannel...)
	cmd := exec.CommandContext(t.Context(), "node", "browser.mjs", r.base)
	cmd.Dir = filepath.Join("testdata", "wecom-client")
	cmd.Stderr = os.Stderr
	out, err := child.Output(cmd)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var seen struct {
		List, Item, Stranger, Quoted, More, Thanked, Others, OwnThread, Markup, Welcome, Single, Forwarded string
		Buttons                                                                                            []string
		OthersRating                                                                                       int
		Wide                                                                                               bool
		Errors, Foreign                                                                                    []string
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for what, tt := range map[string]struct{ got, want string }{
		"a list": {seen.List, "6、在行政服务中心试点设立AEO服务专窗"}, "an item of it": {seen.Item, "3、在土地使用、用电用水等方面给予支持"},
		"another's follow-up": {seen.Stranger, "还没有给你列过条目"}, "a quotation": {seen.Quoted, "3、在土地使用、用电用水等方面给予支持"},
		"buttons": {strings.Join(seen.Buttons, " "), "更多（16条） 转发版 有用 没用"}, "more by a button": {seen.More, "优先通关实现方式"},
		"the card after 有用": {seen.Thanked, "已记录"}, "the card as others see it": {seen.Others, "有帮助吗"},
		"the first member's own thread": {seen.OwnThread, "4、"}, "a welcome": {seen.Welcome, "你好"},
		"one-to-one": {seen.Single, "5、可向海关申请免除担保"}, "to pass on": {seen.Forwarded, "来源：《"},
	} {
		if !strings.Contains(tt.got, tt.want) {
			t.Errorf("%s: the page shows %q, want %q", what, tt.got, tt.want)
		}
	}
	if len(seen.Errors)+len(seen.Foreign)+seen.OthersRating > 0 || seen.Wide || seen.Markup == "" {
		t.Errorf("errors %q, foreign requests %q, wider than a phone %v, after markup %q", seen.Errors, seen.Foreign, seen.Wide, seen.Markup)
	}
}

// TestOpenTabAfterARestart: a tab that stays open over a restart, which loses the messages,
// goes on with the program started again.
func TestOpenTabAfterARestart(t *testing.T) {
	t.Parallel()
	needChromium(t)
	address, dir := freeAddress(t), t.TempDir()
	r := startServeAt(t, address, dir, noChannel...)
	in, out := startNode(t, "restart.mjs", r.base)
	lines := bufio.NewScanner(out)
	next := func() string {
		if !lines.Scan() {
			t.Fatalf("the browser ended: %v\nthe program said:\n%s", lines.Err(), r.stderr)
		}
		return lines.Text()
	}
	if got := next(); got != "answered" {
		t.Fatal(got)
	}
	r.stop()
	if got := next(); !strings.Contains(got, "连不上程序") {
		t.Errorf("while the program is away: %s", got)
	}
	r = startServeAt(t, address, dir, noChannel...)
	if _, err := io.WriteString(in, "back\n"); err != nil {
		t.Fatal(err)
	}
	var seen struct{ Notice, Log, Error string }
	if err := json.Unmarshal([]byte(next()), &seen); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(seen.Notice, "重新启动过") || !strings.Contains(seen.Log, "5、可向海关申请免除担保") || strings.Contains(seen.Log, "专窗") || seen.Error != "" {
		t.Errorf("the tab shows %+v", seen)
	}
}

// TestNewsOfAnotherRun: a page that counts on from another run of the program is given
// everything, at once when it says whose it was.
func TestNewsOfAnotherRun(t *testing.T) {
	r := startServe(t, t.TempDir(), noChannel...)
	c := newLocalChat(t, r.base)
	c.write("group", "lin.yue", "大家好")
	for _, query := range []string{"after=0", "after=1&epoch=x", "after=0&epoch=x", "after=99", "after=99&epoch=x", ""} {
		if _, body := r.get("/chat/messages?" + query); !strings.Contains(body, "大家好") {
			t.Errorf("%s: %s", query, body)
		}
	}
	r.stop()
	r = startServe(t, t.TempDir(), noChannel...)
	if _, body := r.get("/chat/messages?after=1&epoch=x"); strings.TrimSpace(body) != "[]" {
		t.Errorf("without any message: %s", body)
	}
	r.stop()
}

func needChromium(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("chromium"); err != nil {
		if required {
			t.Fatal("chromium is missing; run `make test`, which installs it")
		}
		t.Skip("chromium is missing; `make test` installs it")
	}
}
