package envelope

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// unwrapAny reads either product's wrapping; enough for these tests.
func unwrapAny(body []byte) (string, error) {
	var j struct{ Encrypt string }
	if err := json.Unmarshal(body, &j); err == nil {
		return j.Encrypt, nil
	}
	var x struct{ Encrypt string }
	return x.Encrypt, xml.Unmarshal(body, &x)
}

func wrapJSON(s Sealed) ([]byte, string, error) {
	body, err := json.Marshal(s)
	return body, "application/json", err
}

// harness is a receiver whose outcomes and log are kept.
type harness struct {
	*Receiver
	outcomes []string
	got      []string
	log      bytes.Buffer
}

func newHarness(c *Codec, handle func(string) ([]byte, error)) *harness {
	h := &harness{}
	h.Receiver = &Receiver{
		Codec: c, Unwrap: unwrapAny, Wrap: wrapJSON, Count: func(o string) { h.outcomes = append(h.outcomes, o) },
		Handle: func(_ context.Context, message []byte) ([]byte, error) {
			h.got = append(h.got, string(message))
			return handle(string(message))
		},
	}
	h.Log = slog.New(slog.NewTextHandler(&h.log, nil))
	return h
}

func (h *harness) send(method, query string, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, "/wecom/x?"+query, body))
	return w
}

func echo(string) ([]byte, error) { return nil, nil }

func TestExchanges(t *testing.T) {
	for _, v := range vectors(t).Exchanges {
		h := newHarness(v.codec(t), echo)
		switch v.Method {
		case http.MethodGet:
			if w := h.send(v.Method, v.Query, nil); w.Code != v.AnswerStatus || w.Body.String() != v.AnswerBody {
				t.Errorf("%s: got %d %q, want %d %q", v.Name, w.Code, w.Body, v.AnswerStatus, v.AnswerBody)
			}
		case http.MethodPost:
			w := h.send(v.Method, v.Query, strings.NewReader(v.Body))
			if w.Code != http.StatusOK || w.Body.Len() != 0 || len(h.got) != 1 || h.got[0] != v.Decrypted {
				t.Errorf("%s: got %d and message %q, want 200 and %q", v.Name, w.Code, h.got, v.Decrypted)
			}
		case "RESPONSE":
			var r struct {
				Encrypt, MsgSignature, Nonce string
				Timestamp                    json.Number
			}
			if err := json.Unmarshal([]byte(v.Body), &r); err != nil {
				t.Fatal(err)
			}
			if got, err := v.codec(t).Open(r.MsgSignature, r.Timestamp.String(), r.Nonce, r.Encrypt); err != nil || string(got) != v.Decrypted {
				t.Errorf("%s: opened %q, %v; want %q", v.Name, got, err, v.Decrypted)
			}
		default:
			t.Errorf("%s: unknown method %q", v.Name, v.Method)
		}
	}
}

// signed is the query and body of a message sealed by c.
func signed(t *testing.T, c *Codec, message, timestamp string) (query, body string) {
	t.Helper()
	s, err := c.Seal([]byte(message), timestamp, "n1")
	if err != nil {
		t.Fatal(err)
	}
	return queryOf(s), `{"encrypt":"` + s.Encrypt + `"}`
}

func queryOf(s Sealed) string {
	return url.Values{"msg_signature": {s.Signature}, "timestamp": {s.Timestamp}, "nonce": {s.Nonce}}.Encode()
}

func TestReplyIsSealedWithTheNonceOfTheRequest(t *testing.T) {
	c := vectors(t).Valid[0].codec(t)
	h := newHarness(c, func(string) ([]byte, error) { return []byte("答"), nil })
	h.Now = func() time.Time { return time.Unix(1760000100, 0) }
	query, body := signed(t, c, "问", "1760000000")
	w := h.send(http.MethodPost, query, strings.NewReader(body))
	var s Sealed
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatalf("%d %q: %v", w.Code, w.Body, err)
	}
	got, err := c.Open(s.Signature, s.Timestamp, s.Nonce, s.Encrypt)
	if err != nil || string(got) != "答" || s.Nonce != "n1" || s.Timestamp != "1760000100" {
		t.Errorf("reply: %q, %v in %+v", got, err, s)
	}
}

func TestRefusals(t *testing.T) {
	c := vectors(t).Valid[0].codec(t)
	query, body := signed(t, c, "问", "1760000000")
	bad := func(encrypted string) (string, string) {
		return queryOf(Sealed{encrypted, c.sign("1760000000", "n1", encrypted), "1760000000", "n1"}), `{"encrypt":"` + encrypted + `"}`
	}
	noBase64Query, noBase64Body := bad("%%%")
	noBlockQuery, noBlockBody := bad("AAAA")
	noPaddingQuery, noPaddingBody := bad(strings.Repeat("A", 43) + "=")
	now := time.Unix(1760000000, 0)
	tests := []struct {
		name, method, query, body string
		now                       time.Time
		status                    int
		outcome                   string
	}{
		{"other method", http.MethodPut, query, body, now, http.StatusMethodNotAllowed, OutcomeMethod},
		{"no query", http.MethodPost, "", body, now, http.StatusBadRequest, OutcomeForm},
		{"no echostr", http.MethodGet, query, "", now, http.StatusBadRequest, OutcomeForm},
		{"no wrapping", http.MethodPost, query, "garbage", now, http.StatusBadRequest, OutcomeForm},
		{"forged", http.MethodPost, strings.Replace(query, "nonce=n1", "nonce=n2", 1), body, now, http.StatusUnauthorized, OutcomeSignature},
		{"too old", http.MethodPost, query, body, now.Add(11 * time.Minute), http.StatusUnauthorized, OutcomeStale},
		{"from the future", http.MethodPost, query, body, now.Add(-11 * time.Minute), http.StatusUnauthorized, OutcomeStale},
		{"no base64", http.MethodPost, noBase64Query, noBase64Body, now, http.StatusBadRequest, OutcomeCipher},
		{"no block", http.MethodPost, noBlockQuery, noBlockBody, now, http.StatusBadRequest, OutcomeCipher},
		{"no padding", http.MethodPost, noPaddingQuery, noPaddingBody, now, http.StatusBadRequest, OutcomeCipher},
		{"endless", http.MethodPost, query, strings.Repeat("x", maxBodyBytes+1), now, http.StatusRequestEntityTooLarge, OutcomeSize},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHarness(c, echo)
			h.MaxSkew, h.Now = 10*time.Minute, func() time.Time { return tt.now }
			w := h.send(tt.method, tt.query, strings.NewReader(tt.body))
			if w.Code != tt.status || w.Body.Len() != 0 || len(h.outcomes) != 1 || h.outcomes[0] != tt.outcome || len(h.got) != 0 {
				t.Errorf("got %d %q, outcomes %v, %d handled; want %d, nothing, %s", w.Code, w.Body, h.outcomes, len(h.got), tt.status, tt.outcome)
			}
			if strings.Contains(h.log.String(), "n1") || strings.Contains(h.log.String(), "msg_signature=") {
				t.Errorf("the log holds the query: %s", h.log.String())
			}
		})
	}
}

func TestHandlerFailuresAskForAnotherDelivery(t *testing.T) {
	c := vectors(t).Valid[0].codec(t)
	query, body := signed(t, c, "问", "1760000000")
	for name, handle := range map[string]func(string) ([]byte, error){
		"error": func(string) ([]byte, error) { return nil, errors.New("away") },
		"panic": func(string) ([]byte, error) { panic("broken") },
	} {
		h := newHarness(c, handle)
		if w := h.send(http.MethodPost, query, strings.NewReader(body)); w.Code != http.StatusInternalServerError || h.outcomes[0] != OutcomeFailed {
			t.Errorf("%s: got %d, %v", name, w.Code, h.outcomes)
		}
	}
}

func FuzzReceiver(f *testing.F) {
	c := vectors(f).Valid[0].codec(f)
	f.Add("POST", "msg_signature=a&timestamp=1&nonce=n", []byte(`{"encrypt":"x"}`))
	f.Add("GET", "msg_signature=a&timestamp=1&nonce=n&echostr=%%", []byte{})
	f.Fuzz(func(t *testing.T, method, query string, body []byte) {
		h := newHarness(c, echo)
		w := httptest.NewRecorder()
		q := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		q.Method, q.URL.RawQuery = method, query
		h.ServeHTTP(w, q)
		if w.Code == http.StatusOK || len(h.got) > 0 || len(h.outcomes) != 1 {
			t.Errorf("unsigned request: %d, %v", w.Code, h.outcomes)
		}
	})
}
