package platform

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// line is an AI bot on the long connection.
type line struct {
	*Chat
	gateway *Gateway

	mu    sync.Mutex
	talks map[string]lineTalk // request id → what it belongs to
}

// lineTalk is what the frames of one request id belong to.
type lineTalk struct {
	chat    string
	pressed *Message // the message whose card was used
}

func newLine(c *Chat, g *Gateway) *line {
	l := &line{Chat: c, gateway: g, talks: map[string]lineTalk{}}
	g.Listen(l.heard)
	return l
}

// errOffline means that no bot is connected.
var errOffline = errors.New("platform: 机器人不在线")

// deliver takes a message or an event to the bot.
func (l *line) deliver(ctx context.Context, command string, t lineTalk, body []byte, err error) error {
	if err != nil {
		return err
	}
	id := "cb-" + rand.Text()
	l.mu.Lock()
	l.talks[id] = t
	l.mu.Unlock()
	if !l.gateway.Deliver(ctx, command, id, string(body)) {
		return errOffline
	}
	if l.gateway.Chaos.happens("a frame delivered twice", 0.1) {
		l.gateway.Deliver(ctx, command, id, string(body))
	}
	return nil
}

func (l *line) say(ctx context.Context, m Message) error {
	body, err := l.messageBody(m)
	return l.deliver(ctx, "aibot_msg_callback", lineTalk{chat: m.Chat}, body, err)
}

func (l *line) press(ctx context.Context, m Message, member, key string) error {
	body, err := l.pressBody(m, member, key)
	return l.deliver(ctx, "aibot_event_callback", lineTalk{m.Chat, &m}, body, err)
}

func (l *line) rate(ctx context.Context, m Message, member string, kind int, reasons []int, comment string) error {
	body, err := l.rateBody(m, member, kind, reasons, comment)
	return l.deliver(ctx, "aibot_event_callback", lineTalk{chat: m.Chat}, body, err)
}

func (l *line) enter(ctx context.Context, chat, member string) error {
	if !l.opened(chat) {
		return nil
	}
	body, err := l.eventBody(chat, member, "enter_chat", nil, "")
	return l.deliver(ctx, "aibot_event_callback", lineTalk{chat: chat}, body, err)
}

// heard shows what the bot's frames say.
func (l *line) heard(f Frame) {
	if f.Code != codeOK || f.Unseen {
		return // the gateway has refused it, or shows nothing of it
	}
	var s said
	if err := json.Unmarshal(f.Body, &s); err != nil && len(f.Body) > 0 {
		return
	}
	l.mu.Lock()
	t, known := l.talks[f.RequestID]
	l.mu.Unlock()
	var err error
	switch f.Command {
	case "aibot_respond_msg", "aibot_respond_welcome_msg":
		if known {
			err = l.aibotSays(t.chat, s)
		}
	case "aibot_respond_update_msg":
		if t.pressed != nil {
			err = l.update(*t.pressed, s)
		}
	case "aibot_send_msg":
		chat := roomSingle + "/" + s.ChatID
		if s.ChatID == groupID {
			chat = roomGroup
		}
		t = lineTalk{chat: chat}
		err = l.aibotSays(chat, s)
	}
	if err != nil {
		l.notice(t.chat, fmt.Sprint(err))
	}
}
