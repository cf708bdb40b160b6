package app

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const textXML = `<xml><ToUserName><![CDATA[ww7c1e2f9a0b3d4e58]]></ToUserName><FromUserName><![CDATA[lin.yue]]></FromUserName>
<CreateTime>1760000123</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[年假怎么申请?]]></Content>
<MsgId>7420011223344556677</MsgId><AgentID>1000017</AgentID></xml>`

func TestReadFieldsRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       error
	}{
		{"DOCTYPE", `<!DOCTYPE xml [<!ENTITY a "b">]><xml><Content>&a;</Content></xml>`, errDirective},
		{"DOCTYPE in the middle", `<xml><!DOCTYPE x><Content>a</Content></xml>`, errDirective},
		{"element declaration", `<xml><!ELEMENT x ANY></xml>`, errDirective},
		{"processing instruction", `<xml><?php evil ?></xml>`, errDirective},
		{"style sheet", `<?xml-stylesheet href="a"?><xml/>`, errDirective},
		{"two declarations", `<?xml version="1.0"?><?xml version="1.0"?><xml/>`, errDirective},
		{"declaration after the start", `<xml><?xml version="1.0"?></xml>`, errDirective},
		{"undeclared entity", `<xml><Content>&secretword;</Content></xml>`, errSyntax},
		{"doubled field", `<xml><Content>a</Content><Content>b</Content></xml>`, errDoubled},
		{"doubled empty field", `<xml><Content></Content><Content>b</Content></xml>`, errDoubled},
		{"element in a field", `<xml><Content>a<b>c</b></Content></xml>`, errNested},
		{"field in a field", `<xml><Content><MsgType>event</MsgType></Content></xml>`, errNested},
		{"deep", "<xml>" + strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth) + "</xml>", errDeep},
		{"another root", `<html><Content>a</Content></html>`, errRoot},
		{"two roots", `<xml/><xml><Content>a</Content></xml>`, errRoot},
		{"text before", `Content <xml/>`, errRoot},
		{"text behind", `<xml/>Content`, errRoot},
		{"root in a name space", `<xml xmlns="urn:x"><Content>a</Content></xml>`, errRoot},
		{"GBK", `<?xml version="1.0" encoding="GBK"?><xml/>`, errNotUTF8},
		{"ISO-8859-1", `<?xml version="1.0" encoding="ISO-8859-1"?><xml/>`, errNotUTF8},
		{"UTF-16", "\xff\xfe<\x00x\x00", errNotUTF8},
		{"half a character", "<xml><Content>\xe6\xb5</Content></xml>", errNotUTF8},
		{"XML 1.1", `<?xml version="1.1"?><xml/>`, errSyntax},
		{"not closed", `<xml><Content>a</Content>`, errSyntax},
		{"crossed", `<xml><Content>a</xml></Content>`, errSyntax},
		{"control character", "<xml><Content>a\x01</Content></xml>", errSyntax},
		{"JSON", `{"encrypt":"x"}`, errRoot},
		{"only white space", " \n", errNoDocument},
		{"empty", ``, errNoDocument},
	} {
		got, err := readFields([]byte(tt.body), "Content", "MsgType")
		if !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: readFields(%q) = %q, %v, want %v", tt.name, tt.body, got, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secretword") {
			t.Errorf("%s: error quotes the document: %v", tt.name, err)
		}
	}
}

func TestReadFields(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"CDATA", `<xml><Content><![CDATA[a<b>&c]]></Content></xml>`, "a<b>&c"},
		{"entities", `<xml><Content>a&lt;b&gt;&amp;c</Content></xml>`, "a<b>&c"},
		{"declaration", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<xml><Content>海关</Content></xml>\n", "海关"},
		{"unknown elements", `<xml><New><Deep>1</Deep></New><Content>a</Content><New/></xml>`, "a"},
		{"same name deeper", `<xml><Item><Content>other</Content></Item><Content>a</Content></xml>`, "a"},
		{"same name in a name space", `<xml><x:Content>other</x:Content><Content>a</Content></xml>`, "a"},
		{"other letter case", `<xml><content>other</content><Content>a</Content></xml>`, "a"},
		{"comment", `<xml><!-- x --><Content>a</Content></xml>`, "a"},
		{"two CDATA", `<xml><Content><![CDATA[a]]]]><![CDATA[>b]]></Content></xml>`, "a]]>b"},
		{"absent", `<xml><Other>a</Other></xml>`, ""},
	} {
		got, err := readFields([]byte(tt.body), "Content")
		if err != nil || got["Content"] != tt.want {
			t.Errorf("%s: readFields(%q) = %q, %v, want %q", tt.name, tt.body, got["Content"], err, tt.want)
		}
	}
}

func TestReadIncoming(t *testing.T) {
	got, err := readIncoming([]byte(textXML))
	want := incoming{to: "ww7c1e2f9a0b3d4e58", from: "lin.yue", kind: "text", id: "7420011223344556677",
		agentID: "1000017", created: time.Unix(1760000123, 0), content: "年假怎么申请?"}
	if err != nil || got != want {
		t.Errorf("readIncoming(%q) = %+v, %v, want %+v", textXML, got, err, want)
	}
	pasted := strings.Replace(textXML, "年假怎么", "年假\v怎么\x00", 1)
	if got, err := readIncoming([]byte(pasted)); err != nil || got.content != "年假 怎么 申请?" {
		t.Errorf("text pasted from slides: content %q, %v, want %q", got.content, err, "年假 怎么 申请?")
	}
	for _, tt := range []struct{ name, old, new string }{
		{"no sender", "lin.yue", " "},
		{"no type", "<![CDATA[text]]>", ""},
		{"no id", "<MsgId>7420011223344556677</MsgId>", ""},
		{"id is not a number", "7420011223344556677", "74-20"},
		{"id with a key's separator", "7420011223344556677", "1:2"},
		{"id in full-width digits", "7420011223344556677", "１２３"},
		{"id too long", "7420011223344556677", strings.Repeat("7", 21)},
		{"half a character", "年假", "年\xe5"},
	} {
		body := strings.Replace(textXML, tt.old, tt.new, 1)
		if got, err := readIncoming([]byte(body)); err == nil {
			t.Errorf("%s: readIncoming(%q) = %+v, want an error", tt.name, body, got)
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

func TestReadEnvelope(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"as documented", "<xml><ToUserName><![CDATA[ww1]]></ToUserName><AgentID><![CDATA[1000017]]></AgentID><Encrypt><![CDATA[Zm9v+/==]]></Encrypt></xml>", "Zm9v+/=="},
		{"other order, no CDATA", "<xml><Encrypt>Zm9v</Encrypt><AgentID>1</AgentID></xml>", "Zm9v"},
		{"no ciphertext", "<xml><ToUserName>ww1</ToUserName></xml>", ""},
		{"empty ciphertext", "<xml><Encrypt> </Encrypt></xml>", ""},
		{"two ciphertexts", "<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>", ""},
	} {
		got, err := readEnvelope([]byte(tt.body))
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: readEnvelope(%q) = %q, %v, want %q", tt.name, tt.body, got, err, tt.want)
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
	got, err := readFields(body, "ToUserName", "FromUserName", "CreateTime", "MsgType", "Content")
	if err != nil {
		t.Fatalf("reply %q cannot be read: %v", body, err)
	}
	ends := strings.NewReplacer("\r\n", "\n", "\r", "\n") // every XML reader does so
	for name, want := range map[string]string{"MsgType": "text", "FromUserName": "ww1", "CreateTime": "1760000124",
		"ToUserName": ends.Replace(printable(to)), "Content": ends.Replace(printable(text))} {
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
		if in.from == "" || in.kind == "" || (in.kind != "event" && !isMsgID(in.id)) {
			t.Errorf("readIncoming(%q) = %+v, which is not whole", body, in)
		}
		for _, s := range []string{in.to, in.from, in.kind, in.event, in.id, in.agentID, in.content, in.recognition} {
			if !utf8.ValidString(s) || s != printable(s) {
				t.Errorf("readIncoming(%q) gives %q, which no reply can repeat", body, s)
			}
		}
	})
}

// FuzzReadEnvelope: what we accept, encoding/xml alone reads the same way, so that
// no second reader sees another ciphertext.
func FuzzReadEnvelope(f *testing.F) {
	f.Add([]byte("<xml><ToUserName><![CDATA[ww1]]></ToUserName><Encrypt><![CDATA[Zm9v]]></Encrypt></xml>"))
	f.Add([]byte("<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>"))
	f.Add([]byte("<xml><a><Encrypt>a</Encrypt></a><Encrypt>b<!-- c --></Encrypt></xml>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := readEnvelope(body)
		if err != nil {
			return
		}
		var plain struct {
			XMLName xml.Name `xml:"xml"`
			Encrypt []string
		}
		if err := xml.Unmarshal(body, &plain); err != nil {
			t.Fatalf("readEnvelope takes %q, encoding/xml does not: %v", body, err)
		}
		for _, s := range plain.Encrypt { // it also counts those in a name space
			if strings.TrimSpace(s) == got {
				return
			}
		}
		t.Errorf("readEnvelope(%q) = %q, encoding/xml reads %q", body, got, plain.Encrypt)
	})
}
