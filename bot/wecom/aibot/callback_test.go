package aibot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"aeobot/bot"
	"aeobot/bot/wecom/envelope"
)

// engine answers every question with its own text, and keeps what it was asked.
type engine struct {
	asked []bot.Message
	err   error
}

func (e *engine) Answer(_ context.Context, m bot.Message) (bot.Reply, error) {
	e.asked = append(e.asked, m)
	return bot.Reply{Text: "答：" + m.Text}, e.err
}

func (e *engine) Welcome(context.Context) string { return "欢迎" }

type bench struct {
	t       *testing.T
	engine  *engine
	codec   *envelope.Codec
	handler http.Handler
	log     bytes.Buffer
}

func newBench(t *testing.T, name string) *bench {
	t.Helper()
	codec, err := envelope.New("tokenB2026", "oOYVIYqLimZBtYmFuzUmq5zgrdObL4mY0mCUCb9CKZL", "")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, engine: &engine{}, codec: codec}
	b.handler = NewCallback(b.engine, codec, Options{Name: name, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Wording: Wording{Media: "只看文字", Unknown: "不认识", Expired: "已结束"}})
	return b
}

// send delivers a plaintext callback and gives the plaintext reply.
func (b *bench) send(message string) string {
	b.t.Helper()
	sealed, err := b.codec.Seal([]byte(message), "1760000000", "n1")
	if err != nil {
		b.t.Fatal(err)
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/wecom/aibot?"+query.Encode(), strings.NewReader(`{"encrypt":"`+sealed.Encrypt+`"}`)))
	if w.Code != http.StatusOK {
		return fmt.Sprint(w.Code)
	}
	if w.Body.Len() == 0 {
		return ""
	}
	var r struct {
		Encrypt, MsgSignature, Nonce string
		Timestamp                    json.Number
	}
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		b.t.Fatalf("reply %q: %v", w.Body, err)
	}
	plain, err := b.codec.Open(r.MsgSignature, r.Timestamp.String(), r.Nonce, r.Encrypt)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(plain)
}

func opened(t *testing.T, reply string) string {
	t.Helper()
	var r streamReply
	if err := json.Unmarshal([]byte(reply), &r); err != nil || r.MsgType != "stream" || !r.Stream.Finish || r.Stream.ID == "" {
		t.Fatalf("no finished stream: %q (%v)", reply, err)
	}
	return r.Stream.Content
}

const (
	head  = `"msgid":"m1","aibotid":"aib1","from":{"userid":"lin.yue"},"response_url":"https://x.invalid/r",`
	group = head + `"chatid":"wrG","chattype":"group",`
	alone = head + `"chattype":"single",`
)

func TestMessages(t *testing.T) {
	tests := []struct{ name, message, want, quote string }{
		{"text in a group", `{` + group + `"msgtype":"text","text":{"content":"@小知  免担保吗?"}}`, "答：免担保吗?", ""},
		{"four-per-em space", `{` + group + `"msgtype":"text","text":{"content":"@小知\u2005免担保吗?"}}`, "答：免担保吗?", ""},
		{"no-break space", `{` + group + `"msgtype":"text","text":{"content":"@小知\u00a0免担保吗?"}}`, "答：免担保吗?", ""},
		{"text one-to-one", `{` + alone + `"msgtype":"text","text":{"content":"免担保吗?"}}`, "答：免担保吗?", ""},
		{"another's name stays", `{` + group + `"msgtype":"text","text":{"content":"@小知识库 免担保吗?"}}`, "答：@小知识库 免担保吗?", ""},
		{"mail address stays", `{` + group + `"msgtype":"text","text":{"content":"@小知 发给 a@小知.cn 吗"}}`, "答：发给 a@小知.cn 吗", ""},
		{"only a mention", `{` + group + `"msgtype":"text","text":{"content":"@小知"}}`, "欢迎", ""},
		{"a mention and a quotation", `{` + group + `"msgtype":"text","text":{"content":"@小知 "},"quote":{"msgtype":"text","text":{"content":"免担保吗"}}}`, "答：免担保吗", "免担保吗"},
		{"a question and a quotation", `{` + group + `"msgtype":"text","text":{"content":"@小知 第3条"},"quote":{"msgtype":"voice","voice":{"content":"海关"}}}`, "答：第3条", "海关"},
		{"mixed", `{` + group + `"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","text":{"content":"@小知 这张表"}},{"msgtype":"image","image":{"url":"https://f.invalid/i"}},{"msgtype":"text","text":{"content":"免担保吗"}}]}}`, "答：这张表\n免担保吗", ""},
		{"mixed without words", `{` + group + `"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","text":{"content":"@小知"}},{"msgtype":"image"}]}}`, "只看文字", ""},
		{"voice", `{` + alone + `"msgtype":"voice","voice":{"content":"免担保吗"}}`, "答：免担保吗", ""},
		{"image", `{` + alone + `"msgtype":"image","image":{"url":"https://f.invalid/i"}}`, "只看文字", ""},
		{"file", `{` + alone + `"msgtype":"file","file":{"url":"https://f.invalid/f"}}`, "只看文字", ""},
		{"video", `{` + alone + `"msgtype":"video","video":{"url":"https://f.invalid/v"}}`, "只看文字", ""},
		{"a kind of later years", `{` + alone + `"msgtype":"hologram","hologram":{}}`, "不认识", ""},
		{"unknown fields", `{` + alone + `"new":{"x":[1]},"msgtype":"text","text":{"content":"问","style":9}}`, "答：问", ""},
		{"refresh of an unknown stream", `{` + alone + `"msgtype":"stream","stream":{"id":"s1"}}`, "已结束", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, "小知")
			if got := opened(t, b.send(tt.message)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if len(b.engine.asked) == 1 {
				m := b.engine.asked[0]
				if m.Quote != tt.quote || m.ID != "aibot:aib1:m1" || m.Asker != "lin.yue" || m.Surface != Surface {
					t.Errorf("message: %+v", m)
				}
				if (m.Chat != "") != strings.Contains(tt.message, "chatid") {
					t.Errorf("chat %q of %s", m.Chat, tt.message)
				}
			}
		})
	}
}

func TestMentionWithoutAConfiguredName(t *testing.T) {
	tests := []struct {
		said  string
		group bool
		want  string
	}{
		{"@小知 免担保吗", true, "免担保吗"}, {"@小知", true, ""}, {"免担保吗 @小知", true, "免担保吗 @小知"}, {"@小知 免担保吗", false, "@小知 免担保吗"},
	}
	for _, tt := range tests {
		if got := withoutMention(tt.said, "", tt.group); got != tt.want {
			t.Errorf("%q, group %v: got %q, want %q", tt.said, tt.group, got, tt.want)
		}
	}
}

func TestNameWithSpaces(t *testing.T) {
	if got := withoutMention("@AEO 小 助手 /help", "AEO 小 助手", true); got != "/help" {
		t.Errorf("got %q", got)
	}
}

func TestEvents(t *testing.T) {
	b := newBench(t, "")
	if got := b.send(`{"msgid":"e1","create_time":1,"aibotid":"a","from":{"userid":"u"},"msgtype":"event","event":{"eventtype":"enter_chat"}}`); got != `{"msgtype":"text","text":{"content":"欢迎"}}` {
		t.Errorf("enter_chat: %q", got)
	}
	for _, kind := range []string{"feedback_event", "template_card_event", "disconnected_event", "auth_change_event"} {
		if got := b.send(`{"msgid":"e1","aibotid":"a","msgtype":"event","event":{"eventtype":"` + kind + `"}}`); got != "" {
			t.Errorf("%s: %q, want an empty body", kind, got)
		}
	}
}

func TestRedeliveryAndRefreshGiveTheSameBytes(t *testing.T) {
	b := newBench(t, "小知")
	message := `{` + group + `"msgtype":"text","text":{"content":"@小知 免担保<吗>&"}}`
	first := b.send(message)
	if again := b.send(message); again != first {
		t.Errorf("got %q, then %q", first, again)
	}
	if !strings.Contains(first, "<吗>&") {
		t.Errorf("escaped at the cost of bytes: %q", first)
	}
	refresh := `{` + group + `"msgtype":"stream","stream":{"id":"` + streamID("m1") + `"}}`
	if got := b.send(refresh); got != first {
		t.Errorf("refresh: got %q, want %q", got, first)
	}
}

func TestHostileMessages(t *testing.T) {
	for name, message := range map[string]string{
		"no JSON": "x", "an array": "[1]", "null": "null", "two values": `{` + alone + `"msgtype":"text"}{}`,
		"no kind": `{` + head + `"x":1}`, "no user": `{"msgid":"m","msgtype":"text","text":{"content":"x"}}`,
		"no id": `{"from":{"userid":"u"},"msgtype":"text","text":{"content":"x"}}`, "text is a number": `{` + alone + `"msgtype":"text","text":{"content":7}}`,
		"user is a list": `{"msgid":"m","from":{"userid":["u"]},"msgtype":"text"}`, "deep": strings.Repeat("[", 20000),
		"huge number": `{"msgid":1e999,"msgtype":"text"}`,
	} {
		b := newBench(t, "")
		if got := b.send(message); got != "" || len(b.engine.asked) != 0 {
			t.Errorf("%s: got %q, %d asked; want an empty body", name, got, len(b.engine.asked))
		}
		if !strings.Contains(b.log.String(), "not understood") {
			t.Errorf("%s: not in the log", name)
		}
	}
}

func TestFailures(t *testing.T) {
	message := `{` + alone + `"msgtype":"text","text":{"content":"问"}}`
	b := newBench(t, "")
	b.engine.err = errors.New("index: dial 10.0.0.1")
	if got := opened(t, b.send(message)); got != bot.Apology(b.engine.err) {
		t.Errorf("got %q", got)
	}
	b.engine.err = bot.ErrElsewhere
	if got := b.send(message); got != "500" {
		t.Errorf("being answered elsewhere: got %q, want 500 for another delivery", got)
	}
}

func TestLogHoldsNobody(t *testing.T) {
	b := newBench(t, "小知")
	b.engine.err = errors.New("broken")
	for _, m := range []string{
		`{"msgid":"id-marker","aibotid":"a","from":{"userid":"user-marker"},"response_url":"https://url-marker","msgtype":"text","text":{"content":"text-marker"}}`,
		`{"msgid":"id-marker","from":{"userid":"user-marker"},"msgtype":"text","text":{"content":["text-marker"]}}`,
		`{"msgid":"id-marker","text-marker`, `{"msgid":"id-marker","from":{"userid":"user-marker"},"msgtype":"kind-marker"}`,
	} {
		b.send(m)
	}
	if b.log.Len() == 0 || strings.Contains(b.log.String(), "marker") {
		t.Errorf("log: %s", b.log.String())
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{` + group + `"msgtype":"text","text":{"content":"@小知 问"}}`))
	f.Add([]byte(`{` + alone + `"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","text":{"content":"x"}}]}}`))
	f.Add([]byte(`{"msgtype":"event","event":{"eventtype":"enter_chat"}}`))
	f.Add([]byte(`{"a":"\ud800"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := parse(data)
		if err != nil {
			if !errors.Is(err, errMessage) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		if got := withoutMention(in.words(), "小知", true); !strings.Contains(in.words(), got) {
			t.Errorf("%q: %q is not in %q", data, got, in.words())
		}
	})
}
