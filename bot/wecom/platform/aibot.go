package platform

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// Limits of an AI bot's messages (page 101031).
const (
	maxStreamBytes   = 20480
	maxFeedbackBytes = 256
)

// said is what an AI bot says, in any form.
type said struct {
	MsgType string `json:"msgtype"`
	Text    struct {
		Content string `json:"content"`
	} `json:"text"`
	Stream struct {
		ID       string      `json:"id"`
		Finish   bool        `json:"finish"`
		Content  string      `json:"content"`
		Feedback *feedbackID `json:"feedback"`
		Pictures []struct {
			MsgType string `json:"msgtype"`
			Image   struct {
				Base64 string `json:"base64"`
				MD5    string `json:"md5"`
			} `json:"image"`
		} `json:"msg_item"`
	} `json:"stream"`
	Markdown struct {
		Content  string      `json:"content"`
		Feedback *feedbackID `json:"feedback"`
	} `json:"markdown"`
	Card json.RawMessage `json:"template_card"`

	File  mediaID `json:"file"`
	Image mediaID `json:"image"`
	Voice mediaID `json:"voice"`
	Video mediaID `json:"video"`

	ResponseType string   `json:"response_type"`
	Users        []string `json:"userids"`

	ChatID   string `json:"chatid"` // pushes
	ChatType int    `json:"chat_type"`
}

type feedbackID struct {
	ID string `json:"id"`
}

type mediaID struct {
	ID string `json:"media_id"`
}

// errRefused means that the platform does not take what the bot says.
var errRefused = errors.New("platform: refused")

// aibotSays shows what the bot says in a chat.
func (c *Chat) aibotSays(chat string, s said) error {
	switch s.MsgType {
	case "stream", "stream_with_template_card":
		return c.stream(chat, s)
	case "text":
		return c.bubble(chat, "", s.Text.Content, asText(s.Text.Content), nil)
	case "markdown":
		return c.bubble(chat, "", s.Markdown.Content, asMarkdown(wholeMarkdown, s.Markdown.Content), s.Markdown.Feedback)
	case "template_card":
		return c.cardBubble(chat, s)
	case "file", "image", "voice", "video":
		return c.bubble(chat, "", "["+s.MsgType+"]", asText("["+s.MsgType+"]"), nil)
	}
	return fmt.Errorf("%w: msgtype %q", errRefused, s.MsgType)
}

// cardBubble shows a card that is a message of its own; sent again it is the same.
func (c *Chat) cardBubble(chat string, s said) error {
	card, err := readCard(s.Card)
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	key := "card " + card.TaskID
	if card, err = c.newCard(s.Card, key); err != nil {
		return err
	}
	c.hear(chat, key, func(m *Message) { m.Card = card })
	return nil
}

// fits tells why the platform does not take a text or a feedback id.
func fits(content string, f *feedbackID) error {
	switch {
	case len(content) > maxStreamBytes:
		return fmt.Errorf("%w: %d bytes of content", errRefused, len(content))
	case !utf8.ValidString(content):
		return fmt.Errorf("%w: content is not UTF-8", errRefused)
	case f != nil && (f.ID == "" || len(f.ID) > maxFeedbackBytes):
		return fmt.Errorf("%w: feedback id of %d bytes", errRefused, len(f.ID))
	}
	return nil
}

// bubble shows a message that does not grow.
func (c *Chat) bubble(chat, quote, text, looks string, f *feedbackID) error {
	if err := fits(text, f); err != nil {
		return err
	}
	c.hear(chat, "bubble "+rand.Text(), func(m *Message) {
		m.Text, m.HTML, m.Quote = text, looks, quote
		m.rateableAs(f)
	})
	return nil
}

func (m *Message) rateableAs(f *feedbackID) {
	if f != nil {
		m.feedback, m.Rateable = f.ID, true
	}
}

// stream shows a stream as far as it has got. A finished one does not change any more:
// what comes after is another copy of it.
func (c *Chat) stream(chat string, s said) error {
	if err := fits(s.Stream.Content, s.Stream.Feedback); err != nil {
		return err
	}
	if s.Stream.ID == "" {
		return fmt.Errorf("%w: stream without an id", errRefused)
	}
	key := "stream " + s.Stream.ID
	var card *Card
	if len(s.Card) > 0 {
		var err error
		if card, err = c.newCard(s.Card, key); err != nil {
			return err
		}
	}
	c.hear(chat, key, func(m *Message) {
		if m.ID != 0 && !m.Unfinished {
			return
		}
		if m.ID == 0 || m.feedback == "" {
			m.rateableAs(s.Stream.Feedback)
		}
		m.Text, m.HTML, m.Unfinished = s.Stream.Content, asMarkdown(wholeMarkdown, s.Stream.Content), !s.Stream.Finish
		if card != nil {
			m.Card = card
		}
	})
	return nil
}

// newCard reads a card whose task id no other message has used.
func (c *Chat) newCard(data json.RawMessage, key string) (*Card, error) {
	card, err := readCard(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if user, used := c.tasks[card.TaskID]; used && user != key {
		return nil, fmt.Errorf("%w: %w: task_id used before", errRefused, errCard)
	}
	c.tasks[card.TaskID] = key
	return card, nil
}

// update puts a card in the place of the one of that message.
func (c *Chat) update(m Message, s said) error {
	card, err := readCard(s.Card)
	if err == nil && (m.Card == nil || card.TaskID != m.Card.TaskID) {
		err = fmt.Errorf("%w: task_id is not the event's", errCard)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	}
	c.hear(m.Chat, m.key, func(m *Message) { m.put(card, s.Users) })
	return nil
}

// answeredLate shows what came to a response_url: in a group it quotes the message.
func (c *Chat) answeredLate(s Sent) {
	var talk lateTalk
	var body said
	err := errors.Join(json.Unmarshal([]byte(s.To), &talk), json.Unmarshal(s.Body, &body))
	if err == nil {
		err = c.bubble(talk.Chat, talk.Quote, s.Text, asMarkdown(wholeMarkdown, s.Text), body.Markdown.Feedback)
	}
	if err != nil {
		c.notice(talk.Chat, err.Error())
	}
}

// lateTalk is what a response_url belongs to.
type lateTalk struct{ Chat, Quote string }

// responseURL is a new late way to answer.
func (c *Chat) responseURL(t lateTalk) string {
	if room(t.Chat) != roomGroup {
		t.Quote = ""
	}
	to, err := json.Marshal(t)
	if err != nil {
		panic(err) // two strings
	}
	return c.o.APIBaseURL + "/cgi-bin/aibot/response?response_code=" + c.o.Corp.ResponseCode(string(to))
}

// fields are common to an AI bot's messages and events.
func (c *Chat) fields(chat, member string) map[string]any {
	m := map[string]any{"msgid": rand.Text(), "aibotid": c.o.BotID, "chattype": "single", "from": map[string]string{"userid": member}}
	if chat == roomGroup {
		m["chatid"], m["chattype"] = groupID, "group"
	}
	return m
}

func textOf(content string) map[string]any {
	return map[string]any{"msgtype": "text", "text": map[string]string{"content": content}}
}

// messageBody is a member's message as the bot gets it (page 100719).
func (c *Chat) messageBody(m Message) ([]byte, error) {
	body := c.fields(m.Chat, m.From)
	for k, v := range textOf(m.Text) {
		body[k] = v
	}
	body["response_url"] = c.responseURL(lateTalk{m.Chat, m.Text})
	if m.Quote != "" {
		body["quote"] = textOf(m.Quote)
	}
	return json.Marshal(body)
}

// eventBody is an event as the bot gets it (page 101027).
func (c *Chat) eventBody(chat, member, kind string, about map[string]any, responseURL string) ([]byte, error) {
	body := c.fields(chat, member)
	body["create_time"], body["msgtype"] = time.Now().Unix(), "event"
	event := map[string]any{"eventtype": kind}
	if about != nil {
		event[kind] = about
	}
	body["event"] = event
	if responseURL != "" {
		body["response_url"] = responseURL
	}
	return json.Marshal(body)
}

func (c *Chat) pressBody(m Message, member, key string) ([]byte, error) {
	return c.eventBody(m.Chat, member, "template_card_event", map[string]any{"card_type": "button_interaction",
		"event_key": key, "task_id": m.Card.TaskID}, c.responseURL(lateTalk{m.Chat, m.Card.Title}))
}

func (c *Chat) rateBody(m Message, member string, kind int, reasons []int, comment string) ([]byte, error) {
	about := map[string]any{"id": m.feedback, "type": kind}
	if kind == ratedInaccurate {
		about["content"], about["inaccurate_reason_list"] = comment, reasons
	}
	return c.eventBody(m.Chat, member, "feedback_event", about, "")
}

// Kinds of rating.
const (
	ratedAccurate   = 1
	ratedInaccurate = 2
	ratedWithdrawn  = 3
)

// calls is an AI bot in callback mode.
type calls struct {
	*Chat
	to *Endpoint
}

// deliver takes a callback to the bot; nothing is a valid answer.
func (k *calls) deliver(ctx context.Context, body []byte, err error) (said, bool, error) {
	var s said
	if err != nil {
		return s, false, err
	}
	answer, err := k.to.deliver(ctx, inJSON, body)
	if err != nil || len(answer) == 0 {
		return s, false, err
	}
	err = json.Unmarshal(answer, &s)
	return s, err == nil, err
}

// The platform polls an unfinished stream for six minutes.
const (
	pollEvery = time.Second
	pollLife  = 6 * time.Minute
)

var errUnfinished = errors.New("platform: the bot's stream does not end")

// say delivers a message and polls until the answer is finished.
func (k *calls) say(ctx context.Context, m Message) error {
	body, err := k.messageBody(m)
	s, spoke, err := k.deliver(ctx, body, err)
	for end := time.Now().Add(pollLife); spoke && err == nil; {
		if err = k.aibotSays(m.Chat, s); err != nil || s.Stream.ID == "" || s.Stream.Finish {
			return err
		}
		if time.Now().After(end) {
			return errUnfinished
		}
		rest(ctx, pollEvery)
		body := k.fields(m.Chat, m.From)
		body["msgtype"], body["stream"] = "stream", map[string]string{"id": s.Stream.ID}
		data, failed := json.Marshal(body)
		s, spoke, err = k.deliver(ctx, data, failed)
	}
	return err
}

func (k *calls) press(ctx context.Context, m Message, member, key string) error {
	body, err := k.pressBody(m, member, key)
	s, spoke, err := k.deliver(ctx, body, err)
	if err != nil || !spoke {
		return err
	}
	if s.ResponseType != "update_template_card" {
		return fmt.Errorf("%w: a card's event can only be answered with its update", errRefused)
	}
	return k.update(m, s)
}

func (k *calls) rate(ctx context.Context, m Message, member string, kind int, reasons []int, comment string) error {
	body, err := k.rateBody(m, member, kind, reasons, comment)
	_, spoke, err := k.deliver(ctx, body, err)
	if spoke {
		return fmt.Errorf("%w: feedback takes no answer", errRefused)
	}
	return err
}

func (k *calls) enter(ctx context.Context, chat, member string) error {
	if !k.opened(chat) {
		return nil
	}
	body, err := k.eventBody(chat, member, "enter_chat", nil, "")
	s, spoke, err := k.deliver(ctx, body, err)
	if err != nil || !spoke {
		return err
	}
	return k.aibotSays(chat, s)
}
