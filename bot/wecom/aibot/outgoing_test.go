package aibot

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"aeobot/bot/wecom/envelope"
)

// exchange is a whole request or reply of envelope's vectors.
type exchange struct{ Name, Query, Body, Decrypted string }

func exchangeNamed(t *testing.T, name string) exchange {
	t.Helper()
	data, err := os.ReadFile("../envelope/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Exchanges []exchange }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, e := range file.Exchanges {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("no exchange %q", name)
	return exchange{}
}

func TestRequestOnTheWire(t *testing.T) {
	e, b := exchangeNamed(t, "message (POST), aibot, JSON envelope"), newBench(t, "小知")
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/wecom/aibot?"+e.Query, strings.NewReader(e.Body)))
	if w.Code != http.StatusOK || len(b.engine.asked) != 1 || b.engine.asked[0].Text != "报销流程是什么?" || b.engine.asked[0].ID != "aibot:aibQ7:m-0001" {
		t.Errorf("got %d, asked %+v out of %s", w.Code, b.engine.asked, e.Decrypted)
	}
}

// TestReplyOnTheWire wants the bytes of a reply made elsewhere: the names of the
// fields, the timestamp as a number, no line break.
func TestReplyOnTheWire(t *testing.T) {
	e := exchangeNamed(t, "reply to a message (response body), aibot")
	var s struct {
		Encrypt, MsgSignature, Nonce string
		Timestamp                    json.Number
	}
	if err := json.Unmarshal([]byte(e.Body), &s); err != nil {
		t.Fatal(err)
	}
	got, contentType, err := wrap(envelope.Sealed{Encrypt: s.Encrypt, Signature: s.MsgSignature, Timestamp: s.Timestamp.String(), Nonce: s.Nonce})
	if err != nil || string(got) != e.Body || contentType != "text/plain; charset=utf-8" {
		t.Errorf("got %s as %q, %v; want %s", got, contentType, err, e.Body)
	}
}

func TestTwoMessagesHaveTwoStreams(t *testing.T) {
	if a, b := streamID("m1"), streamID("m2"); a == b || a == "" {
		t.Errorf("streams %q and %q", a, b)
	}
}

func TestReplyKeepsToTheLimit(t *testing.T) {
	b := newBench(t, "")
	got := opened(t, b.send(`{`+alone+`"msgtype":"text","text":{"content":"`+strings.Repeat("担", 7000)+`"}}`))
	if len(got) > MaxContentBytes || len(got) < MaxContentBytes-utf8.UTFMax || !utf8.ValidString(got) || strings.Contains(got, "\ufffd") {
		t.Errorf("got %d bytes, want close below %d of whole characters", len(got), MaxContentBytes)
	}
	if !strings.Contains(b.log.String(), "reply cut") {
		t.Error("nobody is told of the cut")
	}
}
