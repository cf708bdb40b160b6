package aibot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// incoming is a decrypted callback. Fields the bot has no use for are left out;
// the platform adds new ones often, so unknown fields are normal.
type incoming struct {
	content
	MsgID    string `json:"msgid"`
	AIBotID  string `json:"aibotid"`
	ChatID   string `json:"chatid"`   // groups only
	ChatType string `json:"chattype"` // single, group; absent in enter_chat
	From     struct {
		UserID string `json:"userid"`
	} `json:"from"`
	Quote  *content `json:"quote"`
	Stream struct {
		ID string `json:"id"`
	} `json:"stream"`
	Event struct {
		EventType string `json:"eventtype"`
	} `json:"event"`
}

// content is a message of any kind, sent or quoted.
type content struct {
	MsgType string `json:"msgtype"`
	Text    text   `json:"text"`
	Voice   text   `json:"voice"` // its transcript; the sound never arrives
	Mixed   struct {
		Items []struct {
			MsgType string `json:"msgtype"`
			Text    text   `json:"text"`
		} `json:"msg_item"`
	} `json:"mixed"`
}

type text struct {
	Content string `json:"content"`
}

// words are the text in a message, whatever its kind; "" when it has none.
func (c *content) words() string {
	switch c.MsgType {
	case "text":
		return c.Text.Content
	case "voice":
		return c.Voice.Content
	case "mixed":
		var lines []string
		for _, item := range c.Mixed.Items {
			if item.MsgType == "text" {
				lines = append(lines, item.Text.Content)
			}
		}
		return strings.Join(lines, "\n")
	}
	return ""
}

var errMessage = errors.New("aibot: callback is no message")

// parse reads a callback. What every callback must have is checked here.
func parse(data []byte) (incoming, error) {
	var in incoming
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&in); err != nil {
		return incoming{}, fmt.Errorf("%w: %s", errMessage, form(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return incoming{}, fmt.Errorf("%w: more than one value", errMessage)
	}
	switch {
	case in.MsgType == "":
		return incoming{}, fmt.Errorf("%w: no msgtype", errMessage)
	case in.From.UserID == "" && in.MsgType != "event" && in.MsgType != "stream":
		return incoming{}, fmt.Errorf("%w: no from.userid", errMessage)
	case in.MsgID == "" && in.MsgType != "event" && in.MsgType != "stream":
		return incoming{}, fmt.Errorf("%w: no msgid", errMessage)
	}
	return in, nil
}

// form describes a JSON error without the value that caused it, which may be what
// a person wrote.
func form(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("field %s is no %s", kind.Field, kind.Type)
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf("not JSON at byte %d", syntax.Offset)
	}
	return "not JSON"
}

// unwrap takes the ciphertext out of {"encrypt":"…"}.
func unwrap(body []byte) (string, error) {
	var e struct {
		Encrypt string `json:"encrypt"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return "", fmt.Errorf("aibot: body: %s", form(err))
	}
	if e.Encrypt == "" {
		return "", errors.New(`aibot: body has no "encrypt"`)
	}
	return e.Encrypt, nil
}
