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

// streamReply is a stream as far as it has got: the whole text so far, each time.
type streamReply struct {
	MsgType string      `json:"msgtype"`
	Stream  streamState `json:"stream"`
	// Card stands under the answer; once a message.
	Card json.RawMessage `json:"template_card,omitempty"`
}

type streamState struct {
	ID      string `json:"id"`
	Finish  bool   `json:"finish"`
	Content string `json:"content"`
	// Feedback names the answer to those who rate it; only in a stream's first reply.
	Feedback *feedbackID `json:"feedback,omitempty"`
}

type feedbackID struct {
	ID string `json:"id"`
}

// finished is the stream that says everything at once, so that the platform does not
// poll for more; first, when nothing was said of it before.
func finished(id string, s spoken, first bool) streamReply {
	r := streamReply{MsgType: "stream", Stream: streamState{ID: id, Finish: true, Content: s.text}}
	if first && s.feedback != "" {
		r.Stream.Feedback = &feedbackID{s.feedback}
	}
	if s.card != nil {
		r.MsgType, r.Card = "stream_with_template_card", s.card
	}
	return r
}

// unfinished is a stream that is still being made.
func unfinished(id, text string) streamReply {
	return streamReply{MsgType: "stream", Stream: streamState{ID: id, Content: text, Feedback: &feedbackID{id}}}
}

// markdownReply is a message of its own, the form of late answers and pushes.
type markdownReply struct {
	ChatID   string   `json:"chatid,omitempty"`
	ChatType int      `json:"chat_type,omitempty"`
	MsgType  string   `json:"msgtype"`
	Markdown markdown `json:"markdown"`
}

type markdown struct {
	Content  string      `json:"content"`
	Feedback *feedbackID `json:"feedback,omitempty"`
}

func late(s spoken) markdownReply {
	r := markdownReply{MsgType: "markdown", Markdown: markdown{Content: s.text}}
	if s.feedback != "" {
		r.Markdown.Feedback = &feedbackID{s.feedback}
	}
	return r
}

// cardUpdate puts a card in the place of the one that was used; without users, for
// everybody who sees it.
type cardUpdate struct {
	ResponseType string          `json:"response_type"`
	Users        []string        `json:"userids,omitempty"`
	Card         json.RawMessage `json:"template_card"`
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
