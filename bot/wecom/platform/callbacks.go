package platform

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"aeobot/bot/wecom/envelope"
)

// Callbacks are how the platform calls an AI bot: signed and encrypted POSTs, again
// after five seconds without an answer (pages 100719 and 101033).
type Callbacks struct {
	URL   string
	Codec *envelope.Codec
	BotID string
	// Wait is how long one delivery may take, and Tries how many there are.
	//
	// default: 5 seconds and 3
	Wait  time.Duration
	Tries int
}

// said is a message of a person.
type said struct {
	id, chat, user, text, quote string
}

// body is the message as the platform writes it.
func (c *Callbacks) body(s said) ([]byte, error) {
	kind := func(content string) map[string]any {
		return map[string]any{"msgtype": "text", "text": map[string]string{"content": content}}
	}
	m := kind(s.text)
	m["msgid"], m["aibotid"], m["chattype"] = s.id, c.BotID, "single"
	m["from"] = map[string]string{"userid": s.user}
	m["response_url"] = "https://example.invalid/response?response_code=" + s.id
	if s.chat != "" {
		m["chatid"], m["chattype"] = s.chat, "group"
	}
	if s.quote != "" {
		m["quote"] = kind(s.quote)
	}
	return json.Marshal(m)
}

// errUnfinished means that a stream did not end within the tries.
var errUnfinished = errors.New("platform: the bot's stream does not end")

// send delivers a message and gives the bot's finished answer, or nothing when the
// bot has none.
func (c *Callbacks) send(ctx context.Context, s said) (string, error) {
	body, err := c.body(s)
	if err != nil {
		return "", fmt.Errorf("platform: %w", err)
	}
	var answer reply
	tries := max(c.Tries, 1)
	if c.Tries == 0 {
		tries = 3
	}
	for range tries {
		if answer, err = c.post(ctx, body); err == nil || ctx.Err() != nil {
			break
		}
	}
	for polls := 0; err == nil && answer.MsgType == "stream" && !answer.Stream.Finish; polls++ {
		if polls == maxPolls {
			return "", errUnfinished
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(pollEvery):
		}
		answer, err = c.post(ctx, fmt.Appendf(nil, `{"msgid":%q,"aibotid":%q,"chattype":"single","from":{"userid":%q},"msgtype":"stream","stream":{"id":%q}}`,
			rand.Text(), c.BotID, s.user, answer.Stream.ID))
	}
	if answer.MsgType == "text" {
		return answer.Text.Content, err
	}
	return answer.Stream.Content, err
}

// The platform polls an unfinished stream for six minutes.
const (
	pollEvery = time.Second
	maxPolls  = 360
)

// reply is what an AI bot answers a callback with.
type reply struct {
	MsgType string `json:"msgtype"`
	Text    struct {
		Content string `json:"content"`
	} `json:"text"`
	Stream struct {
		ID      string `json:"id"`
		Finish  bool   `json:"finish"`
		Content string `json:"content"`
	} `json:"stream"`
}

// maxReplyBytes bounds what is read of an answer: 20 KB of text, encrypted.
const maxReplyBytes = 1 << 20

// post is one delivery.
func (c *Callbacks) post(ctx context.Context, body []byte) (reply, error) {
	wait := c.Wait
	if wait == 0 {
		wait = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	sealed, err := c.Codec.Seal(body, strconv.FormatInt(time.Now().Unix(), 10), rand.Text())
	if err != nil {
		return reply{}, err
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	data, err := json.Marshal(map[string]string{"encrypt": sealed.Encrypt})
	if err != nil {
		return reply{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"?"+query.Encode(), bytes.NewReader(data))
	if err != nil {
		return reply{}, fmt.Errorf("platform: callback: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, fmt.Errorf("platform: callback: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxReplyBytes))
	if err != nil {
		return reply{}, fmt.Errorf("platform: callback: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return reply{}, fmt.Errorf("platform: the bot answered %d", response.StatusCode)
	}
	return c.open(answer)
}

// open reads an encrypted answer; an empty one says nothing.
func (c *Callbacks) open(answer []byte) (reply, error) {
	var r reply
	if len(answer) == 0 {
		return r, nil
	}
	var e struct {
		Encrypt   string      `json:"encrypt"`
		Signature string      `json:"msgsignature"`
		Timestamp json.Number `json:"timestamp"`
		Nonce     string      `json:"nonce"`
	}
	if err := json.Unmarshal(answer, &e); err != nil {
		return r, fmt.Errorf("platform: the bot's answer: %w", err)
	}
	plain, err := c.Codec.Open(e.Signature, e.Timestamp.String(), e.Nonce, e.Encrypt)
	if err != nil {
		return r, fmt.Errorf("platform: the bot's answer: %w", err)
	}
	if err := json.Unmarshal(plain, &r); err != nil {
		return r, fmt.Errorf("platform: the bot's answer: %w", err)
	}
	return r, nil
}
