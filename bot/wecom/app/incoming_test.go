package app

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aeobot/bot/wecom/envelope"
)

const textXML = `<xml><ToUserName><![CDATA[ww7c1e2f9a0b3d4e58]]></ToUserName><FromUserName><![CDATA[lin.yue]]></FromUserName>
<CreateTime>1760000123</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[年假怎么申请?]]></Content>
<MsgId>7420011223344556677</MsgId><AgentID>1000017</AgentID></xml>`

func TestReadIncoming(t *testing.T) {
	got, err := readIncoming([]byte(textXML))
	want := incoming{to: "ww7c1e2f9a0b3d4e58", from: "lin.yue", kind: "text", id: "7420011223344556677",
		agentID: "1000017", created: time.Unix(1760000123, 0), content: "年假怎么申请?"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("readIncoming(%q) = %+v, %v, want %+v", textXML, got, err, want)
	}
	pasted := strings.Replace(textXML, "年假怎么", "年假\v怎么\x00", 1)
	if got, err := readIncoming([]byte(pasted)); err != nil || got.content != "年假 怎么 申请?" {
		t.Errorf("text pasted from slides: content %q, %v, want %q", got.content, err, "年假 怎么 申请?")
	}
	for _, tt := range []struct{ name, old, new string }{
		{"no sender", "lin.yue", " "},
		{"no type", "<![CDATA[text]]>", ""},
		{"sender twice", "<MsgId>", "<FromUserName>wang</FromUserName><MsgId>"},
		{"not closed", "</MsgId>", ""},
	} {
		body := strings.Replace(textXML, tt.old, tt.new, 1)
		if got, err := readIncoming([]byte(body)); err == nil {
			t.Errorf("%s: readIncoming(%q) = %+v, want an error", tt.name, body, got)
		}
	}
}

// TestOddMessagesAreRead: one bad field costs that field, not the message.
func TestOddMessagesAreRead(t *testing.T) {
	const question = "年假怎么申请?"
	for _, tt := range []struct{ name, old, new, content, lost string }{
		{"byte order mark", "<xml>", "\ufeff<xml>", question, ""},
		{"byte order mark and declaration", "<xml>", "\ufeff<?xml version=\"1.0\"?><xml>", question, ""},
		{"other letter case", "Content", "content", question, ""},
		{"both letter cases", "<MsgId>", "<content>other</content><MsgId>", question, ""},
		{"root in other letter case", "xml", "XML", question, ""},
		{"no id", "<MsgId>7420011223344556677</MsgId>", "", question, "MsgId"},
		{"id is not a number", "7420011223344556677", "74-20", question, "MsgId"},
		{"id with a key's separator", "7420011223344556677", "1:2", question, "MsgId"},
		{"id in full-width digits", "7420011223344556677", "１２３", question, "MsgId"},
		{"id too long", "7420011223344556677", strings.Repeat("7", 21), question, "MsgId"},
		{"id twice", "<MsgId>", "<MsgId>7</MsgId><MsgId>", question, "MsgId MsgId"},
		{"half a character", "年假", "年\xe5", "年\ufffd怎么申请?", ""},
		{"event key twice", "<MsgId>", "<EventKey>a</EventKey><EventKey>b</EventKey><MsgId>", question, "EventKey"},
		{"event key with elements", "<MsgId>", "<EventKey><a>b</a></EventKey><MsgId>", question, "EventKey"},
		{"time is no number", "1760000123", "yesterday", question, ""},
		{"content twice", "<MsgId>", "<Content>b</Content><MsgId>", "", "Content"},
		{"elements in the content", "<![CDATA[年假怎么申请?]]>", "<a>年假</a>", "", "Content"},
	} {
		body := strings.ReplaceAll(textXML, "\n", "")
		if strings.Contains(tt.name, "root") || strings.Contains(tt.name, "other letter") {
			body = strings.ReplaceAll(body, tt.old, tt.new)
		} else {
			body = strings.Replace(body, tt.old, tt.new, 1)
		}
		got, err := readIncoming([]byte(body))
		if err != nil || got.content != tt.content || got.from != "lin.yue" || got.id == "" || strings.Join(got.lost, " ") != tt.lost {
			t.Errorf("%s: readIncoming(%q) = %+v, %v", tt.name, body, got, err)
		}
		if again, err := readIncoming([]byte(body)); err != nil || again.id != got.id {
			t.Errorf("%s: id %q, then %q", tt.name, got.id, again.id)
		}
	}
}

func TestAddressed(t *testing.T) {
	for _, tt := range []struct {
		name      string
		to, agent string // in the message
		wantAgent string // configured
		want      error
	}{
		{"ours", "ww1", "1000017", "1000017", nil},
		{"any agent", "ww1", "1000018", "", nil},
		{"event without agent", "ww1", "", "1000017", nil},
		{"another corp", "ww2", "1000017", "1000017", errForeignCorp},
		{"corp in other letters", "WW1", "1000017", "1000017", errForeignCorp},
		{"no corp", "", "1000017", "1000017", errForeignCorp},
		{"another agent", "ww1", "1000018", "1000017", errForeignAgent},
	} {
		in := incoming{to: tt.to, agentID: tt.agent}
		if err := in.addressed("ww1", tt.wantAgent); !errors.Is(err, tt.want) {
			t.Errorf("%s: addressed = %v, want %v", tt.name, err, tt.want)
		}
	}
}

// hostileTexts are what a question, a passage or a userid could bring into a reply.
var hostileTexts = []string{
	"设立AEO企业专用窗口",
	"]]>", "]]]]>>", "a]]><MsgType><![CDATA[event]]></MsgType><Content><![CDATA[b",
	"</Content></xml><xml>", "<!DOCTYPE xml>", "&amp;&#0;&lt;", "\x00\x01\v\f\x1f", "\uFFFE\uFFFF", "\r\n\r", "海\xe6\xb5", "",
}

func TestRepliesStayOneMessage(t *testing.T) {
	for _, text := range hostileTexts {
		checkReply(t, text, text)
	}
}

// checkReply writes a reply and reads it back: one type, one recipient, and the text
// as XML can carry it.
func checkReply(t *testing.T, to, text string) {
	t.Helper()
	body, err := writeReply(to, "ww1", text, time.Unix(1760000124, 0))
	if err != nil {
		t.Fatalf("writeReply(%q, %q): %v", to, text, err)
	}
	got, err := envelope.Fields(body, "ToUserName", "FromUserName", "CreateTime", "MsgType", "Content")
	if err != nil {
		t.Fatalf("reply %q cannot be read: %v", body, err)
	}
	ends := strings.NewReplacer("\r\n", "\n", "\r", "\n") // every XML reader does so
	for name, want := range map[string]string{"MsgType": "text", "FromUserName": "ww1", "CreateTime": "1760000124",
		"ToUserName": ends.Replace(envelope.Printable(to)), "Content": ends.Replace(envelope.Printable(text))} {
		if got[name] != want {
			t.Errorf("reply %q: %s = %q, want %q", body, name, got[name], want)
		}
	}
}

func FuzzWriteReply(f *testing.F) {
	for _, text := range hostileTexts {
		f.Add("lin.yue", text)
		f.Add(text, "你好")
	}
	f.Fuzz(checkReply)
}

func FuzzReadIncoming(f *testing.F) {
	f.Add([]byte(textXML))
	f.Add([]byte(strings.Replace(textXML, "text", "event", 1)))
	f.Add([]byte(`<?xml version="1.0"?><xml><MsgType>voice</MsgType><Recognition>第三条</Recognition></xml>`))
	f.Add([]byte(`<!DOCTYPE xml><xml/>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := readIncoming(body)
		if err != nil {
			return
		}
		if in.from == "" || in.kind == "" || (in.kind != "event" && !isMsgID(in.id) && !strings.HasPrefix(in.id, "sum-")) {
			t.Errorf("readIncoming(%q) = %+v, which is not whole", body, in)
		}
		for _, s := range []string{in.to, in.from, in.kind, in.event, in.id, in.agentID, in.content, in.recognition} {
			if !utf8.ValidString(s) || s != envelope.Printable(s) {
				t.Errorf("readIncoming(%q) gives %q, which no reply can repeat", body, s)
			}
		}
	})
}
