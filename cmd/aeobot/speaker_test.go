package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/bot/wecom/envelope"
)

// platformClient gives up where a bot that hangs would hold a test up for ever.
var platformClient = &http.Client{Timeout: storetest.Patience}

// speaker writes to the AI bot of a serve process as the platform does.
type speaker struct {
	t     testing.TB
	base  string
	codec *envelope.Codec
	off   time.Duration // of the platform's clock
	said  atomic.Int64
}

func newSpeaker(t testing.TB, base string) *speaker {
	t.Helper()
	codec, err := envelope.New(testToken, testKey, "")
	if err != nil {
		t.Fatal(err)
	}
	return &speaker{t: t, base: base, codec: codec}
}

// says sends a new message and gives what is read in return; nothing when the response is
// empty. chat is empty one-to-one.
func (s *speaker) says(chat, user, text string) string {
	s.t.Helper()
	return s.delivers(fmt.Sprint("m", s.said.Add(1)), chat, user, text)
}

// delivers is one delivery of a message.
func (s *speaker) delivers(id, chat, user, text string) string {
	s.t.Helper()
	said, err := s.try(id, chat, user, text)
	if err != nil {
		s.t.Errorf("%q: %v", text, err)
	}
	return said
}

// try is delivers for other goroutines than the test's.
func (s *speaker) try(id, chat, user, text string) (string, error) {
	return s.post(aibotText(id, chat, user, text))
}

// post sends a message, and polls for its answer as the platform does.
func (s *speaker) post(message string) (string, error) {
	for end := time.Now().Add(storetest.Patience); ; time.Sleep(100 * time.Millisecond) {
		reply, err := s.postOnce(message)
		switch {
		case err != nil || reply == chaosStream{}:
			return "", err
		case reply.Finish && reply.Content == "" || time.Now().After(end):
			return "", fmt.Errorf("no finished stream: %+v", reply)
		case reply.Finish:
			return reply.Content, nil
		}
		message = pollFor(reply.ID)
	}
}

// postOnce is one request; its reply is nothing when the response is empty.
func (s *speaker) postOnce(message string) (reply chaosStream, err error) {
	sealed, err := s.codec.Seal([]byte(message), strconv.FormatInt(time.Now().Add(s.off).Unix(), 10), strconv.FormatUint(rand.Uint64(), 36))
	if err != nil {
		return reply, err
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	answer, err := platformClient.Post(s.base+"/wecom/aibot?"+query.Encode(), "application/json", strings.NewReader(`{"encrypt":"`+sealed.Encrypt+`"}`))
	if err != nil {
		return reply, err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return reply, fmt.Errorf("%s: %w", answer.Status, err)
	}
	if len(data) == 0 {
		return reply, nil
	}
	var e struct {
		Encrypt   string      `json:"encrypt"`
		Signature string      `json:"msgsignature"`
		Timestamp json.Number `json:"timestamp"`
		Nonce     string      `json:"nonce"`
	}
	var opened struct{ Stream chaosStream }
	if err := json.Unmarshal(data, &e); err != nil {
		return reply, err
	}
	if data, err = s.codec.Open(e.Signature, e.Timestamp.String(), e.Nonce, e.Encrypt); err != nil {
		return reply, err
	}
	if err := json.Unmarshal(data, &opened); err != nil || opened.Stream.ID == "" {
		return reply, fmt.Errorf("no stream: %s: %w", data, err)
	}
	return opened.Stream, nil
}
