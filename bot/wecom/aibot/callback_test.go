package aibot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/envelope"
)

// engine answers every question with its own text, and keeps what it was asked.
type engine struct {
	mute
	asked []bot.Message
	err   error
}

func (e *engine) Answer(_ context.Context, m bot.Message) (bot.Reply, error) {
	e.asked = append(e.asked, m)
	if strings.HasPrefix(m.Text, "panic") {
		panic(m.Text)
	}
	return bot.Reply{Text: "答：" + cmp.Or(m.Text, "引用："+m.Quote)}, e.err
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
	head  = `"msgid":"m-20260301-01","aibotid":"aibKz3","from":{"userid":"lin.yue"},"response_url":"https://api.invalid/response?response_code=rc-81",`
	group = head + `"chatid":"wrT9group","chattype":"group",`
	alone = head + `"chattype":"single",`
)

func TestMessages(t *testing.T) {
	tests := []struct{ name, message, want, quote string }{
		{"text in a group", `{` + group + `"msgtype":"text","text":{"content":"@小知  免担保吗?"}}`, "答：免担保吗?", ""},
		{"four-per-em space", `{` + group + `"msgtype":"text","text":{"content":"@小知\u2005免担保吗?"}}`, "答：免担保吗?", ""},
		{"no-break space", `{` + group + `"msgtype":"text","text":{"content":"@小知\u00a0免担保吗?"}}`, "答：免担保吗?", ""},
		{"ideographic space", `{` + group + `"msgtype":"text","text":{"content":"@小知\u3000第３条"}}`, "答：第３条", ""},
		{"line break after the mention", `{` + group + `"msgtype":"text","text":{"content":"@小知\n免担保吗?\n还有呢"}}`, "答：免担保吗?\n还有呢", ""},
		{"mention in the middle", `{` + group + `"msgtype":"text","text":{"content":"请 @小知 说说免担保"}}`, "答：请 说说免担保", ""},
		{"a colleague too", `{` + group + `"msgtype":"text","text":{"content":"@张三\u2005@小知\u2005更多"}}`, "答：更多", ""},
		{"no blank behind the name", `{` + group + `"msgtype":"text","text":{"content":"@小知免担保吗"}}`, "答：免担保吗", ""},
		{"text one-to-one", `{` + alone + `"msgtype":"text","text":{"content":" 免担保吗?\n"}}`, "答：免担保吗?", ""},
		{"mention one-to-one", `{` + alone + `"msgtype":"text","text":{"content":"@小知 免担保吗?"}}`, "答：免担保吗?", ""},
		{"only another's name", `{` + group + `"msgtype":"text","text":{"content":"@小知识库 免担保吗?"}}`, "答：免担保吗?", ""},
		{"mail address stays", `{` + group + `"msgtype":"text","text":{"content":"@小知 发给 a@小知.cn 吗"}}`, "答：发给 a@小知.cn 吗", ""},
		{"only a mention", `{` + group + `"msgtype":"text","text":{"content":"@小知"}}`, "欢迎", ""},
		{"nothing at all", `{` + alone + `"msgtype":"text","text":{"content":""}}`, "欢迎", ""},
		{"a mention and a quotation", `{` + group + `"msgtype":"text","text":{"content":"@小知 "},"quote":{"msgtype":"text","text":{"content":"免担保吗"}}}`, "答：引用：免担保吗", "免担保吗"},
		{"a mention and a colleague's question", `{` + group + `"msgtype":"text","text":{"content":"@小知"},"quote":{"msgtype":"text","text":{"content":"@小知 免担保吗 "}}}`, "答：引用：免担保吗", "免担保吗"},
		{"a mention and another's command", `{` + group + `"msgtype":"text","text":{"content":"@小知"},"quote":{"msgtype":"text","text":{"content":"@小知 /准 VLZC"}}}`, "答：引用：/准 VLZC", "/准 VLZC"},
		{"a mention and another mention", `{` + group + `"msgtype":"text","text":{"content":"@小知"},"quote":{"msgtype":"text","text":{"content":"@小知"}}}`, "欢迎", ""},
		{"a mention and a picture", `{` + group + `"msgtype":"text","text":{"content":"@小知"},"quote":{"msgtype":"image","image":{"url":"https://f.invalid/i"}}}`, "只看文字", ""},
		{"a question and a picture", `{` + group + `"msgtype":"text","text":{"content":"@小知 免担保吗"},"quote":{"msgtype":"file","file":{"url":"https://f.invalid/f"}}}`, "答：免担保吗", ""},
		{"a question and a quoted transcript", `{` + group + `"msgtype":"text","text":{"content":"@小知 第3条"},"quote":{"msgtype":"voice","voice":{"content":"海关"}}}`, "答：第3条", "海关"},
		{"a question and quoted mixed", `{` + group + `"msgtype":"text","text":{"content":"@小知 更多"},"quote":{"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"image","image":{"url":"https://f.invalid/i"}},{"msgtype":"text","text":{"content":"金融部门"}}]}}}`, "答：更多", "金融部门"},
		{"mixed", `{` + group + `"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","text":{"content":"@小知 这张表"}},{"msgtype":"image","image":{"url":"https://f.invalid/i"}},{"msgtype":"text","text":{"content":"免担保吗"}}]}}`, "答：这张表\n免担保吗", ""},
		{"mixed, mention by itself", `{` + group + `"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","text":{"content":"@小知"}},{"msgtype":"text","text":{"content":"免担保吗"}}]}}`, "答：免担保吗", ""},
		{"mixed without words", `{` + group + `"msgtype":"mixed","mixed":{"msg_item":[{"msgtype":"text","text":{"content":"@小知"}},{"msgtype":"image"}]}}`, "只看文字", ""},
		{"voice", `{` + alone + `"msgtype":"voice","voice":{"content":"免担保吗"}}`, "答：免担保吗", ""},
		{"voice without a transcript", `{` + alone + `"msgtype":"voice","voice":{"content":" "}}`, bot.TextUnheard, ""},
		{"image", `{` + alone + `"msgtype":"image","image":{"url":"https://f.invalid/i"}}`, "只看文字", ""},
		{"file", `{` + alone + `"msgtype":"file","file":{"url":"https://f.invalid/f"}}`, "只看文字", ""},
		{"video", `{` + alone + `"msgtype":"video","video":{"url":"https://f.invalid/v"}}`, "只看文字", ""},
		{"a kind of later years", `{` + alone + `"msgtype":"hologram","hologram":{}}`, "不认识", ""},
		{"unknown fields", `{` + alone + `"new":{"x":[1,{"y":null}]},"msgtype":"text","text":{"content":"问","style":9}}`, "答：问", ""},
		{"lone surrogate", `{` + alone + `"msgtype":"text","text":{"content":"免\ud800担保"}}`, "答：免\ufffd担保", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, "小知")
			if got := opened(t, b.send(tt.message)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			question, isAsked := strings.CutPrefix(tt.want, "答：")
			if !isAsked {
				if len(b.engine.asked) != 0 {
					t.Errorf("the engine was asked %+v", b.engine.asked)
				}
				return
			}
			if strings.HasPrefix(question, "引用：") {
				question = "" // nobody but the one quoted said it
			}
			want := bot.Message{ID: "aibot:aibKz3:m-20260301-01", Asker: "lin.yue", Text: question, Quote: tt.quote, Surface: Surface}
			want.Relayed = strings.Contains(tt.message, `"msgtype":"mixed"`) && tt.quote == ""
			if strings.Contains(tt.message, `"group"`) {
				want.Chat = "aibKz3/wrT9group"
			}
			if len(b.engine.asked) != 1 || b.engine.asked[0] != want {
				t.Errorf("the engine was asked %+v, want %+v", b.engine.asked, want)
			}
		})
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
	for name, message := range map[string]string{
		"answer":  `{` + group + `"msgtype":"text","text":{"content":"@小知 免担保<吗>&"}}`,
		"help":    `{` + group + `"msgtype":"text","text":{"content":"@小知"}}`,
		"picture": `{` + alone + `"msgtype":"image","image":{"url":"https://f.invalid/i"}}`,
	} {
		b := newBench(t, "小知")
		first := b.send(message)
		if again := b.send(message); again != first {
			t.Errorf("%s: got %q, then %q", name, first, again)
		}
		if after := newBench(t, "小知").send(message); after != first {
			t.Errorf("%s: after a restart got %q, before %q", name, after, first)
		}
		if name == "answer" && (!strings.Contains(first, "<吗>&") || strings.HasSuffix(first, "\n")) {
			t.Errorf("escaped at the cost of bytes, or a line break at the end: %q", first)
		}
		refresh := `{` + group + `"msgtype":"stream","stream":{"id":"` + streamID("m-20260301-01") + `"}}`
		if got := b.send(refresh); got != first {
			t.Errorf("%s: refresh got %q, want %q", name, got, first)
		}
	}
}

func TestRefreshOfAnUnknownStreamEndsIt(t *testing.T) {
	b := newBench(t, "小知")
	want := `{"msgtype":"stream","stream":{"id":"s-7f3a","finish":true,"content":"已结束"}}`
	if got := b.send(`{` + group + `"msgtype":"stream","stream":{"id":"s-7f3a"}}`); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestZeroOptionsSaySomething: a stream that ends blank shows its animation for ever.
func TestZeroOptionsSaySomething(t *testing.T) {
	b := newBench(t, "")
	b.handler = NewCallback(b.engine, b.codec, Options{})
	for message, want := range map[string]string{
		`{` + alone + `"msgtype":"image"}`:                      bot.TextMedia,
		`{` + alone + `"msgtype":"hologram"}`:                   bot.TextUnknown,
		`{` + alone + `"msgtype":"stream","stream":{"id":"s"}}`: bot.TextExpired,
	} {
		if got := opened(t, b.send(message)); got != want || want == "" {
			t.Errorf("%s: got %q, want %q", message, got, want)
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
	for name, message := range map[string]string{
		"no answer":  `{"msgid":"id-marker","aibotid":"a","from":{"userid":"user-marker"},"response_url":"https://url-marker","msgtype":"text","text":{"content":"text-marker"}}`,
		"wrong type": `{"msgid":"id-marker","from":{"userid":"user-marker"},"msgtype":"text","text":{"content":["text-marker"]}}`,
		"number":     `{"msgid":"id-marker","from":{"userid":"user-marker"},"msgtype":123454321}`,
		"no JSON":    `{"msgid":"id-marker","text-marker`,
		"doubled":    `{"msgid":"id-marker","user-marker":1,"user-marker":2}`,
		"new kind":   `{"msgid":"id-marker","from":{"userid":"user-marker"},"msgtype":"kind-marker"}`,
		"panic":      `{"msgid":"id-marker","from":{"userid":"user-marker"},"msgtype":"text","text":{"content":"panic with text-marker"}}`,
	} {
		b := newBench(t, "小知")
		b.engine.err = errors.New("broken")
		b.send(message)
		if log := b.log.String(); log == "" || strings.Contains(log, "marker") || strings.Contains(log, "123454321") {
			t.Errorf("%s: log %q, want a line without markers", name, log)
		}
	}
}

// TestOptionsReachTheReceiver: clock, skew and counter are the receiver's.
func TestOptionsReachTheReceiver(t *testing.T) {
	b := newBench(t, "")
	var outcomes []string
	b.handler = NewCallback(b.engine, b.codec, Options{MaxSkew: time.Minute, Count: func(o string) { outcomes = append(outcomes, o) },
		Now: func() time.Time { return time.Unix(1760000061, 0) }})
	got := b.send(`{` + alone + `"msgtype":"text","text":{"content":"问"}}`)
	if got != "401" || len(b.engine.asked) != 0 || !slices.Equal(outcomes, []string{envelope.OutcomeStale}) {
		t.Errorf("61 s late: got %q and outcomes %v, want 401 and %s", got, outcomes, envelope.OutcomeStale)
	}
}
