package platform

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	gohtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// Chat is a company on loopback: some members, a group with the bot in it, each
// member's own talk with the bot, and as configured the application, customer service
// and the coordinators' group. What is done there reaches the bot as the platform's
// callbacks and frames do, and what the bot says is shown as the platform shows it.
type Chat struct {
	o        ChatOptions
	carriers map[string]carrier // by room
	mux      *http.ServeMux
	work     sync.WaitGroup
	epoch    string          // names this run: revisions of another are not comparable
	polls    context.Context // ends when pages wait for news no longer
	endPolls context.CancelFunc

	mu       sync.Mutex
	messages []*Message
	byKey    map[string]*Message // the bot's, by what makes two of them one
	tasks    map[string]string   // task id of a card → key of its message
	entered  map[string]string   // chat → day on which it was last opened
	last     int                 // id of the last message
	revision int
	changed  chan struct{} // closed when something changes
}

// Member is a person of the company.
type Member struct {
	ID   string `json:"id"` // userid
	Name string `json:"name"`
}

// ChatOptions of a Chat. AIBot or Gateway, and Corp, are needed.
type ChatOptions struct {
	// BotName is how members call the bot.
	//
	// default: AEO助手
	BotName string
	// Members are who writes.
	//
	// default: three
	Members []Member
	// BotID is the AI bot's.
	//
	// default: local
	BotID string
	// AIBot is where the AI bot takes callbacks; Gateway is where it is connected instead.
	AIBot   *Endpoint
	Gateway *Gateway
	// App and AgentID are the application's; KF is where customer service is told that
	// there is something to fetch.
	//
	// default: the company has none
	App     *Endpoint
	AgentID string
	KF      *Endpoint
	// Mistakes are those of its admin console, which the page then shows.
	//
	// default: none, and no admin console
	Mistakes *Mistakes
	// Corp is the company's account with the API, and APIBaseURL where that is reached.
	Corp       *Corp
	APIBaseURL string
	// Log is told what goes wrong, without a word of what was said.
	//
	// default: discard
	Log *slog.Logger
}

// Message is one bubble.
type Message struct {
	ID int `json:"id"`
	// Revision grows with every change anywhere.
	Revision int    `json:"rev"`
	Chat     string `json:"chat"` // room, and for one-to-one talks whose: single/lin.yue
	From     string `json:"from"` // a member's id; empty: the bot, or the platform
	Name     string `json:"name"`
	Bot      bool   `json:"bot"`
	// Text is what was written; HTML is how it looks, made safe.
	Text  string `json:"text"`
	HTML  string `json:"html"`
	Quote string `json:"quote,omitempty"`
	At    string `json:"at"`
	// Unfinished: more of it is to come.
	Unfinished bool `json:"unfinished,omitempty"`
	// Card stands under it; Own is what some members see instead.
	Card *Card            `json:"card,omitempty"`
	Own  map[string]*Card `json:"own,omitempty"`
	// Menu is what can be tapped in customer service.
	Menu []MenuEntry `json:"menu,omitempty"`
	// Rateable: readers can say what they think of it. Rated is what they said: 1 accurate,
	// 2 not.
	Rateable bool           `json:"rateable,omitempty"`
	Rated    map[string]int `json:"rated,omitempty"`

	key      string
	feedback string
	code     string // response_code by which an application's card can be changed
}

const (
	roomGroup  = "group"
	roomSingle = "single"
	roomApp    = "app"
	roomKF     = "kf"
	roomRobot  = "robot"

	groupID     = "wrLocalGroup"
	maxMessages = 500
)

// carrier takes to the bot what people do in a room. What the bot says in return comes
// by Chat.hear.
type carrier interface {
	say(ctx context.Context, m Message) error
	// press tells that a member used a card's button.
	press(ctx context.Context, m Message, member string, key string) error
	// rate tells what a member thinks of an answer: 1, 2, or 3 for neither any more.
	rate(ctx context.Context, m Message, member string, kind int, reasons []int, comment string) error
	// enter tells that a member opened the talk.
	enter(ctx context.Context, chat, member string) error
}

// errCannot means that a room does not have what was tried.
var errCannot = errors.New("platform: not possible here")

// NewChat makes a company. Close it.
func NewChat(o ChatOptions) *Chat {
	o.BotName = cmp.Or(o.BotName, "AEO助手")
	o.BotID = cmp.Or(o.BotID, "local")
	if len(o.Members) == 0 {
		o.Members = companyMembers
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Chat{o: o, carriers: map[string]carrier{}, epoch: rand.Text(), changed: make(chan struct{}),
		byKey: map[string]*Message{}, tasks: map[string]string{}, entered: map[string]string{}}
	c.polls, c.endPolls = context.WithCancel(context.Background())
	var bot carrier
	if o.Gateway != nil {
		bot = newLine(c, o.Gateway)
	} else {
		bot = &calls{c, o.AIBot}
	}
	c.carriers[roomGroup], c.carriers[roomSingle] = bot, bot
	if o.App != nil {
		c.carriers[roomApp] = &application{c, o.App}
	}
	if o.KF != nil {
		c.carriers[roomKF] = &customers{c, o.KF, o.App}
	}
	o.Corp.Mistakes = o.Mistakes
	o.Corp.Listen(c.sent)
	c.mux = c.routes()
	return c
}

// EndPolls answers the pages that wait for news, and none waits again.
func (c *Chat) EndPolls() { c.endPolls() }

// Close waits for the bot's answers that are under way.
func (c *Chat) Close() {
	c.EndPolls()
	c.work.Wait()
}

// room is the kind of a chat.
func room(chat string) string {
	kind, _, _ := strings.Cut(chat, "/")
	return kind
}

// member finds a member by id.
func (c *Chat) member(id string) (Member, bool) {
	i := slices.IndexFunc(c.o.Members, func(m Member) bool { return m.ID == id })
	if i < 0 {
		return Member{}, false
	}
	return c.o.Members[i], true
}

// may tells whether a member takes part in a chat.
func (c *Chat) may(member, chat string) bool {
	_, known := c.member(member)
	return known && c.carriers[room(chat)] != nil && (chat == roomGroup || chat == room(chat)+"/"+member)
}

// message gives a copy of a bubble.
func (c *Chat) message(id int) (Message, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.messages {
		if m.ID == id {
			return *m, true
		}
	}
	return Message{}, false
}

// since gives what changed after a revision, and what is closed at the next change. Of a
// revision that there has not been, another run's, everything has changed.
func (c *Chat) since(revision int) (news []Message, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	news = []Message{}
	if revision > c.revision {
		revision = 0
	}
	for _, m := range c.messages {
		if m.Revision > revision {
			news = append(news, *m)
		}
	}
	return news, c.changed
}

// write shows a member's message.
func (c *Chat) write(m Message) Message {
	sender, _ := c.member(m.From)
	m.Name = sender.Name
	m.HTML = asText(m.Text)
	c.mu.Lock()
	defer c.mu.Unlock()
	return *c.add(&m)
}

// add shows a message; c.mu is held.
func (c *Chat) add(m *Message) *Message {
	c.last++
	m.ID, m.At = c.last, time.Now().Format("15:04")
	c.messages = append(c.messages, m)
	if over := len(c.messages) - maxMessages; over > 0 {
		for _, old := range c.messages[:over] {
			delete(c.byKey, old.key)
		}
		c.messages = c.messages[over:]
	}
	c.touch(m)
	return m
}

// touch tells pages that a message changed; c.mu is held.
func (c *Chat) touch(m *Message) {
	c.revision++
	m.Revision = c.revision
	close(c.changed)
	c.changed = make(chan struct{})
}

// hear shows what the bot says: the message with that key changes, or comes into being.
func (c *Chat) hear(chat, key string, change func(m *Message)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.byKey[key]
	if m == nil {
		m = &Message{Chat: chat, Name: c.o.BotName, Bot: true, key: key}
		change(m)
		c.add(m)
		c.byKey[key] = m
		return
	}
	change(m)
	c.touch(m)
}

// notice shows a word of the platform's own.
func (c *Chat) notice(chat, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(&Message{Chat: chat, Name: "平台", Text: text, HTML: asText(text)})
}

// carry takes something to the bot in its own time, also when the page has been closed,
// and says so when that fails.
func (c *Chat) carry(ctx context.Context, chat string, do func(ctx context.Context) error) {
	ctx = context.WithoutCancel(ctx)
	c.work.Go(func() {
		if err := do(ctx); err != nil {
			c.o.Log.Error("the bot did not take it", slog.Any("error", err))
			c.notice(chat, "没有送到，或机器人的回应平台不收："+err.Error())
		}
	})
}

// called tells whether a message reaches the bot: in the group it hears only those who
// mention it.
func (c *Chat) called(m Message) bool {
	return c.reaches(m.Chat, m.From) && (m.Chat != roomGroup || strings.Contains(strings.ReplaceAll(m.Text, "＠", "@"), "@"+c.callName()))
}

// opened tells whether a member opens a chat for the first time that day.
func (c *Chat) opened(chat string) bool {
	today := time.Now().Format(time.DateOnly)
	c.mu.Lock()
	defer c.mu.Unlock()
	first := c.entered[chat] != today
	c.entered[chat] = today
	return first
}

// sent shows what came through the API.
func (c *Chat) sent(s Sent) {
	switch s.Via {
	case "message/send":
		c.sentByApp(s)
	case "message/update_template_card":
		c.updatedByApp(s)
	case "kf/send_msg", "kf/send_msg_on_event", "kf/servicer":
		c.toCustomer(s)
	case "webhook/send":
		c.hear(roomRobot, s.key(), func(m *Message) { m.Text, m.HTML = s.Text, asMarkdown(smallMarkdown, s.Text) })
	case "aibot/response":
		c.answeredLate(s)
	}
}

// key makes a message of its own of what came through the API.
func (s Sent) key() string { return fmt.Sprintf("%s %d", s.Via, s.Number) }

// wholeMarkdown is what an AI bot's message may hold, smallMarkdown what an application's
// and a push robot's may. Raw HTML is shown as written in both.
var (
	wholeMarkdown = goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithRendererOptions(gohtml.WithHardWraps()))
	smallMarkdown = goldmark.New(goldmark.WithRendererOptions(gohtml.WithHardWraps()), goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000)),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewEmphasisParser(), 500)))))
)

// asMarkdown is how a message of Markdown looks.
func asMarkdown(md goldmark.Markdown, text string) string {
	var b bytes.Buffer
	if err := md.Convert([]byte(text), &b); err != nil {
		return asText(text)
	}
	return b.String()
}

// asText is how a plain message looks.
func asText(text string) string { return strings.ReplaceAll(html.EscapeString(text), "\n", "<br>") }
