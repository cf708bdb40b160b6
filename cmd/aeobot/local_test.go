package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// noChannel takes away the channels that startServe configures.
var noChannel = []string{"AEOBOT_WECOM_AIBOT_NAME=", "AEOBOT_WECOM_AIBOT_TOKEN=", "AEOBOT_WECOM_AIBOT_ENCODING_AES_KEY=",
	"AEOBOT_WECOM_APP_CORP_ID=", "AEOBOT_WECOM_APP_AGENT_ID=", "AEOBOT_WECOM_APP_TOKEN=", "AEOBOT_WECOM_APP_ENCODING_AES_KEY="}

type bubble struct {
	ID    int    `json:"id"`
	Chat  string `json:"chat"`
	From  string `json:"from"`
	Bot   bool   `json:"bot"`
	Text  string `json:"text"`
	HTML  string `json:"html"`
	Error string `json:"error"`
}

// localChat writes in the local group chat and reads what comes.
type localChat struct {
	t    *testing.T
	base string
	last int
}

func (c *localChat) write(body string, edit ...func(*http.Request)) (status int, m bubble) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+"/chat/messages", strings.NewReader(body))
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

// next is the next thing the bot says.
func (c *localChat) next() bubble {
	c.t.Helper()
	for {
		answer, err := http.Get(c.base + "/chat/messages?after=" + jsonNumber(c.last))
		if err != nil {
			c.t.Fatal(err)
		}
		var news []bubble
		err = json.NewDecoder(answer.Body).Decode(&news)
		answer.Body.Close()
		if err != nil || len(news) == 0 {
			c.t.Fatalf("no news: %v", err)
		}
		for _, m := range news {
			c.last = m.ID
			if m.Bot {
				return m
			}
		}
	}
}

func jsonNumber(n int) string {
	data, err := json.Marshal(n)
	if err != nil {
		panic(err)
	}
	return string(data)
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
	c := &localChat{t: t, base: r.base}
	if status, _ := c.write(`{"chat":"group","from":"林悦","text":"大家下午好 <b>"}`); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	c.write(`{"chat":"group","from":"林悦","text":"@AEO助手 地方政府特色支持"}`)
	listed := c.next()
	if !strings.Contains(listed.Text, "6、在行政服务中心试点设立AEO服务专窗") || !strings.Contains(listed.HTML, "<strong>地方政府特色支持</strong>") {
		t.Errorf("the bot said %q", listed.HTML)
	}
	c.write(`{"chat":"group","from":"王强","text":"@AEO助手 第3条"}`)
	if got := c.next(); !strings.Contains(got.Text, "还没有给你列过条目") {
		t.Errorf("another member was shown somebody else's thread: %q", got.Text)
	}
	c.write(`{"chat":"group","from":"王强","text":"@AEO助手 第3条","quote":` + jsonNumber(listed.ID) + `}`)
	if got := c.next(); !strings.Contains(got.Text, "3、在土地使用、用电用水等方面给予支持") {
		t.Errorf("quoting the list: %q", got.Text)
	}
	c.write(`{"chat":"陈静","from":"陈静","text":"能免除担保吗"}`)
	if got := c.next(); got.Chat != "陈静" || !strings.Contains(got.Text, "5、可向海关申请免除担保") {
		t.Errorf("one-to-one: %+v", got)
	}
	for name, tt := range map[string]struct {
		body string
		edit func(*http.Request)
		want int
	}{
		"a stranger":             {`{"chat":"group","from":"黑客","text":"x"}`, nil, http.StatusBadRequest},
		"somebody else's talk":   {`{"chat":"陈静","from":"王强","text":"x"}`, nil, http.StatusBadRequest},
		"nothing":                {`{"chat":"group","from":"王强","text":"  "}`, nil, http.StatusBadRequest},
		"no JSON":                {`x`, nil, http.StatusBadRequest},
		"too long":               {`{"chat":"group","from":"王强","text":"` + strings.Repeat("长", 20000) + `"}`, nil, http.StatusBadRequest},
		"a form of another page": {`{"chat":"group","from":"王强","text":"x"}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, http.StatusBadRequest},
		"another page's script":  {`{"chat":"group","from":"王强","text":"x"}`, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }, http.StatusForbidden},
		"a rebound name":         {`{"chat":"group","from":"王强","text":"x"}`, func(r *http.Request) { r.Host = "evil.example" }, http.StatusForbidden},
	} {
		edit := tt.edit
		if edit == nil {
			edit = func(*http.Request) {}
		}
		if status, _ := c.write(tt.body, edit); status != tt.want {
			t.Errorf("%s: status %d, want %d", name, status, tt.want)
		}
	}
	if strings.Contains(r.stderr.String(), "担保") || strings.Contains(r.stderr.String(), "林悦") {
		t.Errorf("the log holds a question or a person:\n%s", r.stderr.String())
	}
	r.stop()
}

// TestLocalGroupChatInABrowser has two members talk to the bot in a real Chromium.
func TestLocalGroupChatInABrowser(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		if required {
			t.Fatal("chromium is missing; run `make test`, which installs it")
		}
		t.Skip("chromium is missing; `make test` installs it")
	}
	needClients(t)
	r := startServe(t, t.TempDir(), noChannel...)
	cmd := exec.CommandContext(t.Context(), "node", "browser.mjs", r.base)
	cmd.Dir = filepath.Join("testdata", "wecom-client")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var seen struct {
		List, Item, Stranger, Quoted, Markup, Single, Forwarded string
		Wide                                                    bool
		Errors, Foreign                                         []string
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for what, tt := range map[string]struct{ got, want string }{
		"a list": {seen.List, "6、在行政服务中心试点设立AEO服务专窗"}, "an item of it": {seen.Item, "3、在土地使用、用电用水等方面给予支持"},
		"another's follow-up": {seen.Stranger, "还没有给你列过条目"}, "a quotation": {seen.Quoted, "3、在土地使用、用电用水等方面给予支持"},
		"one-to-one": {seen.Single, "5、可向海关申请免除担保"}, "to pass on": {seen.Forwarded, "来源：《"},
	} {
		if !strings.Contains(tt.got, tt.want) {
			t.Errorf("%s: the page shows %q, want %q", what, tt.got, tt.want)
		}
	}
	if len(seen.Errors)+len(seen.Foreign) > 0 || seen.Wide || seen.Markup == "" {
		t.Errorf("errors %q, foreign requests %q, wider than a phone %v, after markup %q", seen.Errors, seen.Foreign, seen.Wide, seen.Markup)
	}
}
