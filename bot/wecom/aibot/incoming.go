package aibot

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// incoming is a decrypted callback. Fields the bot has no use for are left out;
// the platform adds new ones often, so unknown fields are normal.
type incoming struct {
	content
	MsgID    string
	AIBotID  string
	ChatID   string // groups only
	ChatType string // single, group; absent in enter_chat
	From     struct{ UserID string }
	Quote    *content
	Stream   struct{ ID string }
	Event    struct {
		EventType string
		Card      struct{ EventKey, TaskID string }
		Feedback  struct {
			ID      string
			Type    int // 1 accurate, 2 not, 3 withdrawn
			Content string
			Reasons []int
		}
	}
	// ResponseURL is the late way to answer, once and within an hour. It is a secret.
	ResponseURL string
	// lost are the fields that are there and could not be read.
	lost []string
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
	MsgType string
	// Words are the text in it, whatever its kind: of a voice message the transcript (the
	// sound never arrives).
	Words string
}

// text is how the platform wants a text.
type text struct {
	Content string `json:"content"`
}

// words are the text in a message; "" when it has none. They may be asked of the quotation
// of a message that quotes nothing.
func (c *content) words() string {
	if c == nil {
		return ""
	}
	return c.Words
}

// readContent reads a message of any kind. What a kind holds stands in the field of its
// name; a kind that came after this was written is read when it holds text all the same.
func readContent(o object) content {
	c := content{MsgType: kindOf(o)}
	switch c.MsgType {
	case "image", "file", "video":
	case "mixed":
		c.Words = mixedWords(o.in("mixed"))
	case "text", "voice":
		c.Words = o.in(c.MsgType).text("content")
	default:
		c.Words = unknownWords(o, c.MsgType)
	}
	return c
}

// kindOf is the kind of a message: what it says, else what it holds.
func kindOf(o object) string {
	if kind := o.text("msgtype"); kind != "" {
		return kind
	}
	for _, kind := range []string{"text", "voice", "mixed", "image", "file", "video", "stream", "event"} {
		if o.value(kind) != nil {
			return kind
		}
	}
	return ""
}

// mixedWords are the texts among pictures.
func mixedWords(o object) string {
	var lines []string
	o.each("msg_item", func(m object) {
		item := m.in("msg_item")
		if words := item.in("text").text("content"); words != "" && item.text("msgtype") == "text" {
			lines = append(lines, words)
		}
	})
	return strings.Join(lines, "\n")
}

// textFields are where kinds of messages are known to hold text.
var textFields = []string{"title", "content", "desc", "description", "text", "sub_title_text", "quote_text", "keyname", "value"}

// unknownWords are the text in a message of a kind that is not known: in the field of its
// name, or in that of a text.
func unknownWords(o object, kind string) string {
	for _, name := range []string{kind, "text", "markdown"} {
		if name == "" || o.value(name) == nil {
			continue
		}
		if w := wordsIn(o, name, maxNested); w != "" {
			return w
		}
	}
	return ""
}

// wordsIn are the words of a field that is a text, or holds some.
func wordsIn(o object, name string, depth int) string {
	v := bytes.TrimSpace(o.value(name))
	if len(v) == 0 || depth == 0 {
		return ""
	}
	var lines []string
	add := func(w string) {
		if w = strings.TrimSpace(w); w != "" {
			lines = append(lines, w)
		}
	}
	switch v[0] {
	case '"':
		add(o.text(name))
	case '{':
		inner := o.in(name)
		for _, f := range textFields {
			add(wordsIn(inner, f, depth-1))
		}
		for _, f := range slices.Sorted(maps.Keys(inner.values)) {
			if d := bytes.TrimSpace(inner.values[f]); len(d) > 0 && (d[0] == '[' || d[0] == '{') && !slices.Contains(textFields, strings.ToLower(f)) {
				add(wordsIn(inner, f, depth-1))
			}
		}
	case '[':
		o.each(name, func(m object) { add(wordsIn(m, name, depth-1)) })
	}
	return strings.Join(lines, "\n")
}

// errMessage means that a signed callback could not be read.
var errMessage = errors.New("aibot: callback not understood")

// parse reads a decrypted callback. Its errors do not contain the data.
func parse(data []byte) (incoming, error) {
	o, err := readObject(data)
	if err != nil {
		return incoming{}, fmt.Errorf("%w: %w", errMessage, err)
	}
	in := incoming{content: readContent(o), MsgID: o.text("msgid"), AIBotID: o.text("aibotid"), ChatID: o.text("chatid"),
		ChatType: o.text("chattype"), ResponseURL: o.text("response_url")}
	in.From.UserID = o.in("from").text("userid")
	if q := o.object("quote"); q != nil {
		quoted := readContent(*q)
		in.Quote = &quoted
	}
	in.Stream.ID = o.in("stream").text("id")
	in.readEvent(o.in("event"))
	if in.MsgID == "" { // delivered again it is the same
		in.MsgID = fmt.Sprintf("sum-%x", sha256.Sum256(data))[:36]
	}
	in.lost = *o.lost
	if field := in.missing(); field != "" {
		return incoming{}, fmt.Errorf("%w: no %s", errMessage, field)
	}
	return in, nil
}

func (in *incoming) readEvent(o object) {
	e := &in.Event
	e.EventType = o.text("eventtype")
	card := o.in(eventCard)
	e.Card.EventKey, e.Card.TaskID = card.text("event_key"), card.text("task_id")
	f := o.in(eventFeedback)
	e.Feedback.ID, e.Feedback.Content = f.text("id"), f.text("content")
	e.Feedback.Type, _ = f.number("type")
	f.each("inaccurate_reason_list", func(m object) {
		if n, ok := m.number("inaccurate_reason_list"); ok {
			e.Feedback.Reasons = append(e.Feedback.Reasons, n)
		}
	})
}

// noteLost counts a message of which a part could not be read, and names that.
func noteLost(in incoming, log *slog.Logger, count func(outcome string)) {
	if len(in.lost) > 0 {
		count(OutcomePartly)
		log.Warn("some fields of a message were not understood", slog.Any("fields", in.lost))
	}
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
