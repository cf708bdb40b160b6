package aibot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"aeobot/bot"
	"aeobot/bot/wecom/envelope"
)

// MaxContentBytes bounds a stream's content in UTF-8 bytes (page 101031).
const MaxContentBytes = 20480

// Surface is what an AI bot's chat can show: one message of Markdown.
var Surface = bot.Surface{Name: "aibot", Markdown: true, MaxBytes: MaxContentBytes, MaxPages: 1}

// streamReply is a finished stream: the whole answer at once, so that the platform
// does not poll for more.
type streamReply struct {
	MsgType string `json:"msgtype"`
	Stream  struct {
		ID      string `json:"id"`
		Finish  bool   `json:"finish"`
		Content string `json:"content"`
	} `json:"stream"`
}

func stream(id, content string) ([]byte, error) {
	r := streamReply{MsgType: "stream"}
	r.Stream.ID, r.Stream.Finish, r.Stream.Content = id, true, content
	return encode(r)
}

// clip cuts text to at most size bytes, between two characters. The engine keeps
// to the Surface; this is for the day it does not, as the platform refuses what is
// too long and the asker would see nothing.
func clip(text string, size int) string {
	if len(text) <= size {
		return text
	}
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}

// plain is the welcome, the only reply that may be a text.
func plain(content string) ([]byte, error) {
	return encode(struct {
		MsgType string `json:"msgtype"`
		Text    text   `json:"text"`
	}{"text", text{content}})
}

// encode writes JSON without escaping < and >, which would cost bytes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("aibot: reply: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// streamID is made from the message's id alone: a redelivery must get the same
// one, or the asker sees two bubbles.
func streamID(messageID string) string {
	sum := sha256.Sum256([]byte("stream\x00" + messageID))
	return hex.EncodeToString(sum[:16])
}

// wrap writes a sealed reply. The timestamp is a JSON number. Page 101033 states no
// content type; text/plain is what the platform's own plugin sends.
func wrap(s envelope.Sealed) ([]byte, string, error) {
	seconds, err := strconv.ParseInt(s.Timestamp, 10, 64)
	if err != nil {
		return nil, "", fmt.Errorf("aibot: reply: timestamp: %w", err)
	}
	body, err := encode(struct {
		Encrypt   string `json:"encrypt"`
		Signature string `json:"msgsignature"`
		Timestamp int64  `json:"timestamp"`
		Nonce     string `json:"nonce"`
	}{s.Encrypt, s.Signature, seconds, s.Nonce})
	return body, "text/plain; charset=utf-8", err
}
