package aibot

import (
	"errors"
	"fmt"
	"strings"

	"aeobot/bot"
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
		// CorpID is the company of whoever is of another one than the bot; see asker.
		CorpID string `json:"corpid"`
	} `json:"from"`
	Quote  *content `json:"quote"`
	Stream struct {
		ID string `json:"id"`
	} `json:"stream"`
	Event struct {
		EventType string `json:"eventtype"`
		Card      struct {
			EventKey string `json:"event_key"`
			TaskID   string `json:"task_id"`
		} `json:"template_card_event"`
		Feedback struct {
			ID      string `json:"id"`
			Type    int    `json:"type"` // 1 accurate, 2 not, 3 withdrawn
			Content string `json:"content"`
			Reasons []int  `json:"inaccurate_reason_list"`
		} `json:"feedback_event"`
	} `json:"event"`
	// ResponseURL is the late way to answer, once and within an hour. It is a secret.
	ResponseURL string `json:"response_url"`
}

// Types of events that get something done.
const (
	eventEnter        = "enter_chat"
	eventCard         = "template_card_event"
	eventFeedback     = "feedback_event"
	eventDisconnected = "disconnected_event"
)

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

// words are the text in a message, whatever its kind; "" when it has none. They
// may be asked of the quotation of a message that quotes nothing.
func (c *content) words() string {
	if c == nil {
		return ""
	}
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

// asker is the person. The platform names the company of those alone who are not of the bot's
// own (page 100719), and user ids are unique in one company only: another's lin.yue is not
// ours. No user id of one's own has a stroke in it.
func (in *incoming) asker() bot.Asker {
	if in.From.CorpID == "" || in.From.UserID == "" {
		return bot.Asker(in.From.UserID)
	}
	return bot.Asker(in.From.CorpID + "/" + in.From.UserID)
}

// errMessage means that a signed callback could not be read.
var errMessage = errors.New("aibot: callback not understood")

// parse reads a decrypted callback. Its errors do not contain the data.
func parse(data []byte) (incoming, error) {
	var in incoming
	if err := decode(data, &in); err != nil {
		return incoming{}, fmt.Errorf("%w: %w", errMessage, err)
	}
	if field := in.missing(); field != "" {
		return incoming{}, fmt.Errorf("%w: no %s", errMessage, field)
	}
	return in, nil
}

// missing names a field that this kind of callback cannot do without. Events are
// answered without knowing who or what; an unknown kind still needs a stream id.
func (in *incoming) missing() string {
	switch {
	case in.MsgType == "":
		return "msgtype"
	case in.MsgType == "event":
		return ""
	case in.MsgType == "stream":
		if in.Stream.ID == "" {
			return "stream.id"
		}
		return ""
	case in.MsgID == "":
		return "msgid"
	case in.From.UserID == "":
		return "from.userid"
	}
	return ""
}

// unwrap takes the ciphertext out of {"encrypt":"…"}.
func unwrap(body []byte) (string, error) {
	var e struct {
		Encrypt string `json:"encrypt"`
	}
	if err := decode(body, &e); err != nil {
		return "", fmt.Errorf("aibot: body: %w", err)
	}
	if e.Encrypt == "" {
		return "", errors.New(`aibot: body has no "encrypt"`)
	}
	return e.Encrypt, nil
}
