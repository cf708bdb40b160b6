package envelope

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
)

func TestFieldsRefuses(t *testing.T) {
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
		{"GBK", `<?xml version="1.0" encoding="GBK"?><xml/>`, ErrNotUTF8},
		{"ISO-8859-1", `<?xml version="1.0" encoding="ISO-8859-1"?><xml/>`, ErrNotUTF8},
		{"UTF-16", "\xff\xfe<\x00x\x00", ErrNotUTF8},
		{"half a character", "<xml><Content>\xe6\xb5</Content></xml>", ErrNotUTF8},
		{"XML 1.1", `<?xml version="1.1"?><xml/>`, errSyntax},
		{"not closed", `<xml><Content>a</Content>`, errSyntax},
		{"crossed", `<xml><Content>a</xml></Content>`, errSyntax},
		{"control character", "<xml><Content>a\x01</Content></xml>", errSyntax},
		{"JSON", `{"encrypt":"x"}`, errRoot},
		{"only white space", " \n", errNoDocument},
		{"empty", ``, errNoDocument},
	} {
		got, err := Fields([]byte(tt.body), "Content", "MsgType")
		if !errors.Is(err, tt.want) || got != nil {
			t.Errorf("%s: Fields(%q) = %q, %v, want %v", tt.name, tt.body, got, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "secretword") {
			t.Errorf("%s: error quotes the document: %v", tt.name, err)
		}
	}
}

func TestFields(t *testing.T) {
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
		got, err := Fields([]byte(tt.body), "Content")
		if err != nil || got["Content"] != tt.want {
			t.Errorf("%s: Fields(%q) = %q, %v, want %q", tt.name, tt.body, got["Content"], err, tt.want)
		}
	}
}

func TestUnwrapXML(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"as documented", "<xml><ToUserName><![CDATA[ww1]]></ToUserName><AgentID><![CDATA[1000017]]></AgentID><Encrypt><![CDATA[Zm9v+/==]]></Encrypt></xml>", "Zm9v+/=="},
		{"other order, no CDATA", "<xml><Encrypt>Zm9v</Encrypt><AgentID>1</AgentID></xml>", "Zm9v"},
		{"no ciphertext", "<xml><ToUserName>ww1</ToUserName></xml>", ""},
		{"empty ciphertext", "<xml><Encrypt> </Encrypt></xml>", ""},
		{"two ciphertexts", "<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>", ""},
	} {
		got, err := UnwrapXML([]byte(tt.body))
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: UnwrapXML(%q) = %q, %v, want %q", tt.name, tt.body, got, err, tt.want)
		}
	}
}

// FuzzUnwrapXML: what we accept, encoding/xml alone reads the same way, so that
// no second reader sees another ciphertext.
func FuzzUnwrapXML(f *testing.F) {
	f.Add([]byte("<xml><ToUserName><![CDATA[ww1]]></ToUserName><Encrypt><![CDATA[Zm9v]]></Encrypt></xml>"))
	f.Add([]byte("<xml><Encrypt>a</Encrypt><Encrypt>b</Encrypt></xml>"))
	f.Add([]byte("<xml><a><Encrypt>a</Encrypt></a><Encrypt>b<!-- c --></Encrypt></xml>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := UnwrapXML(body)
		if err != nil {
			return
		}
		var plain struct {
			XMLName xml.Name `xml:"xml"`
			Encrypt []string
		}
		if err := xml.Unmarshal(body, &plain); err != nil {
			t.Fatalf("UnwrapXML takes %q, encoding/xml does not: %v", body, err)
		}
		for _, s := range plain.Encrypt { // it also counts those in a name space
			if strings.TrimSpace(s) == got {
				return
			}
		}
		t.Errorf("UnwrapXML(%q) = %q, encoding/xml reads %q", body, got, plain.Encrypt)
	})
}

func TestNames(t *testing.T) {
	for body, want := range map[string]string{
		"<xml><MsgType>text</MsgType><Content>secret": "Content MsgType xml",
		"<xml><机密>x</机密><a-b>1</a-b><Content/></xml>": "? Content xml",
		"secret": "", "": "",
	} {
		if got := strings.Join(Names([]byte(body)), " "); got != want {
			t.Errorf("Names(%q) = %q, want %q", body, got, want)
		}
	}
}
