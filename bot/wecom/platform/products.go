package platform

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"aeobot/bot/wecom/envelope"
)

// application is a self-built application (pages 90238 to 90241).
type application struct {
	*Chat
	to *Endpoint
}

// appEvent is a message or an event of an application as the bot gets it.
type appEvent struct {
	XMLName      xml.Name `xml:"xml"`
	ToUserName   envelope.CDATA
	FromUserName envelope.CDATA
	CreateTime   int64
	MsgType      envelope.CDATA
	Content      *envelope.CDATA
	MsgID        uint64 `xml:"MsgId,omitempty"`
	Event        *envelope.CDATA
	EventKey     *envelope.CDATA
	TaskID       *envelope.CDATA `xml:"TaskId"`
	CardType     *envelope.CDATA
	ResponseCode *envelope.CDATA
	AgentID      string
}

func cdata(s string) *envelope.CDATA { return &envelope.CDATA{Text: s} }

// deliver takes it to the bot and shows the passive reply, cut where the platform cuts.
func (a *application) deliver(ctx context.Context, chat, member string, e appEvent) error {
	e.ToUserName.Text, e.FromUserName.Text, e.CreateTime, e.AgentID = a.o.Corp.ID, member, time.Now().Unix(), a.o.AgentID
	body, err := xml.Marshal(e)
	if err != nil {
		return fmt.Errorf("platform: %w", err)
	}
	answer, err := a.to.deliver(ctx, inXML, body)
	if err != nil || len(answer) == 0 {
		return err
	}
	f, err := envelope.Fields(answer, "MsgType", "Content", "ToUserName")
	if err != nil {
		return fmt.Errorf("platform: the bot's answer: %w", err)
	}
	if f["MsgType"] != "text" || f["ToUserName"] != member {
		return fmt.Errorf("%w: passive reply of type %q", errRefused, f["MsgType"])
	}
	text := cut(f["Content"], maxTextBytes)
	a.hear(chat, "passive "+rand.Text(), func(m *Message) { m.Text, m.HTML = text, asText(text) })
	return nil
}

func (a *application) say(ctx context.Context, m Message) error {
	return a.deliver(ctx, m.Chat, m.From, appEvent{MsgType: *cdata("text"), Content: cdata(m.Text), MsgID: mathrand.Uint64() >> 2})
}

func (a *application) event(name string) appEvent {
	return appEvent{MsgType: *cdata("event"), Event: cdata(name)}
}

// press gives the bot a new response_code, by which the card can be changed.
func (a *application) press(ctx context.Context, m Message, member, key string) error {
	code := a.o.Corp.NewResponseCode()
	a.hear(m.Chat, m.key, func(m *Message) { m.code = code })
	e := a.event("template_card_event")
	e.EventKey, e.TaskID, e.CardType, e.ResponseCode = cdata(key), cdata(m.Card.TaskID), cdata("button_interaction"), cdata(code)
	return a.deliver(ctx, m.Chat, member, e)
}

func (a *application) rate(context.Context, Message, string, int, []int, string) error {
	return errCannot // applications have cards for that
}

func (a *application) enter(ctx context.Context, chat, member string) error {
	e := a.event("enter_agent")
	e.EventKey = cdata("")
	return a.deliver(ctx, chat, member, e)
}

// menu uses an entry of the application's menu.
func (a *application) menu(ctx context.Context, chat, member, key string) error {
	e := a.event("click")
	e.EventKey = cdata(key)
	return a.deliver(ctx, chat, member, e)
}

// sentByApp shows what an application sent to a member.
func (c *Chat) sentByApp(s Sent) {
	chat := roomApp + "/" + s.To
	looks := asText(s.Text)
	if s.Kind == "markdown" {
		looks = asMarkdown(smallMarkdown, s.Text)
	}
	var card *Card
	if len(s.Card) > 0 {
		var err error
		if card, err = c.newCard(s.Card, s.key()); err != nil {
			c.notice(chat, err.Error())
			return
		}
	}
	c.hear(chat, s.key(), func(m *Message) { m.Text, m.HTML, m.Card, m.code = s.Text, looks, card, s.Code })
}

// updatedByApp changes the card that a response_code belongs to.
func (c *Chat) updatedByApp(s Sent) {
	c.mu.Lock()
	var found Message
	for _, m := range c.messages {
		if m.code == s.Code {
			found = *m
		}
	}
	c.mu.Unlock()
	if err := c.update(found, said{Card: s.Card}); err != nil {
		c.notice(found.Chat, err.Error())
	}
}

// customers is customer service (page 94670): the bot is only told that there is
// something to fetch.
type customers struct {
	*Chat
	to *Endpoint
	// app is the application through which the API may be called, or nil.
	app *Endpoint
}

// kfAccountID is the one customer service account; customerPrefix makes customers of members.
const (
	kfAccountID    = "wkLocal"
	customerPrefix = "wm_"
)

type kfNudge struct {
	XMLName    xml.Name `xml:"xml"`
	ToUserName envelope.CDATA
	CreateTime int64
	MsgType    envelope.CDATA
	Event      envelope.CDATA
	Token      envelope.CDATA
	OpenKfID   envelope.CDATA `xml:"OpenKfId"`
}

// write puts something into the inbox and tells the bot.
func (k *customers) write(ctx context.Context, member, kind string, fields map[string]any) error {
	k.o.Corp.CustomerWrites(kfAccountID, customerPrefix+member, newKfID(), kind, fields)
	return k.nudge(ctx)
}

// nudge tells the bot that there is something to fetch.
func (k *customers) nudge(ctx context.Context) error {
	body, err := xml.Marshal(kfNudge{ToUserName: *cdata(k.o.Corp.ID), CreateTime: time.Now().Unix(), MsgType: *cdata("event"),
		Event: *cdata("kf_msg_or_event"), Token: *cdata("t-" + rand.Text()), OpenKfID: *cdata(kfAccountID)})
	if err != nil {
		return fmt.Errorf("platform: %w", err)
	}
	to := k.to
	if k.o.Mistakes.is(mistakeService) && k.app != nil {
		to = k.app
	}
	answer, err := to.deliver(ctx, inXML, body)
	if err == nil && strings.TrimSpace(string(answer)) != "" {
		err = fmt.Errorf("%w: customer service's callback takes no answer", errRefused)
	}
	return err
}

func (k *customers) say(ctx context.Context, m Message) error {
	return k.write(ctx, m.From, "text", map[string]any{"content": m.Text})
}

func (k *customers) press(context.Context, Message, string, string) error { return errCannot }

func (k *customers) rate(context.Context, Message, string, int, []int, string) error {
	return errCannot
}

// enter is the first message of a talk, which carries a code for a welcome.
func (k *customers) enter(ctx context.Context, chat, member string) error {
	if !k.opened(chat) {
		return nil
	}
	return k.write(ctx, member, "event", map[string]any{"event_type": "enter_session", "open_kfid": kfAccountID,
		"external_userid": customerPrefix + member, "welcome_code": "welcome-" + rand.Text()})
}
