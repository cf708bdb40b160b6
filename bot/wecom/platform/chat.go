package platform

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	gohtml "github.com/yuin/goldmark/renderer/html"
)

// Chat is a company on loopback: some members, a group with the bot in it, and each
// member's own talk with the bot. What is written there reaches the bot as the
// platform's callbacks do.
type Chat struct {
	callbacks *Callbacks
	o         ChatOptions
	markdown  goldmark.Markdown
	mux       *http.ServeMux
	work      sync.WaitGroup

	mu       sync.Mutex
	messages []Message
	last     int
	changed  chan struct{} // closed when a message comes
}

// ChatOptions of a Chat. The zero value works.
type ChatOptions struct {
	// BotName is how members call the bot.
	//
	// default: AEO助手
	BotName string
	// Members are who writes.
	//
	// default: three
	Members []string
	// Log is told what goes wrong, without a word of what was said.
	//
	// default: discard
	Log *slog.Logger
}

// Message is one bubble.
type Message struct {
	ID   int    `json:"id"`
	Chat string `json:"chat"` // group, or the member whose own talk it is
	From string `json:"from"`
	Bot  bool   `json:"bot"`
	// Text is what was written; HTML is how it looks, made safe.
	Text  string `json:"text"`
	HTML  string `json:"html"`
	Quote string `json:"quote,omitempty"`
	At    string `json:"at"`
}

const (
	groupChat   = "group"
	groupID     = "wrLocalGroup"
	maxMessages = 500
	// maxText bounds one message, in bytes.
	maxText = 16 << 10
	// pollFor is how long a page waits for news in one request.
	pollFor = 20 * time.Second
)

//go:embed page
var pages embed.FS

// NewChat makes a company whose bot is called back so.
func NewChat(c *Callbacks, o ChatOptions) *Chat {
	if o.BotName == "" {
		o.BotName = "AEO助手"
	}
	if len(o.Members) == 0 {
		o.Members = []string{"林悦", "王强", "陈静"}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	chat := &Chat{callbacks: c, o: o, changed: make(chan struct{}), mux: http.NewServeMux(),
		markdown: goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithRendererOptions(gohtml.WithHardWraps()))}
	chat.mux.HandleFunc("GET /{$}", chat.page)
	chat.mux.HandleFunc("GET /chat/messages", chat.list)
	chat.mux.HandleFunc("POST /chat/messages", chat.post)
	files, err := fs.Sub(pages, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	chat.mux.Handle("GET /chat/files/", http.StripPrefix("/chat/files/", http.FileServerFS(files)))
	return chat
}

// Close waits for the bot's answers that are under way.
func (c *Chat) Close() { c.work.Wait() }

// ServeHTTP serves the page to browsers on this machine, and to nobody else: it has
// no login. The Host is looked at as well, so that no web page elsewhere can have a
// browser here speak for it.
func (c *Chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if !local(r) {
		http.Error(w, "这个试用页只在本机打开：http://127.0.0.1:端口/", http.StatusForbidden)
		return
	}
	c.mux.ServeHTTP(w, r)
}

// local tells whether a request comes from this machine, for this machine.
func local(r *http.Request) bool {
	loopback := func(hostport string) bool {
		host, _, err := net.SplitHostPort(hostport)
		if err != nil {
			host = hostport
		}
		ip := net.ParseIP(strings.Trim(host, "[]"))
		return host == "localhost" || ip != nil && ip.IsLoopback()
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host != r.Host {
			return false
		}
	}
	return loopback(r.RemoteAddr) && loopback(r.Host)
}

var pageTemplate = template.Must(template.ParseFS(pages, "page/chat.html"))

func (c *Chat) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	err := pageTemplate.Execute(w, map[string]any{"Bot": c.o.BotName, "Members": c.o.Members})
	if err != nil {
		c.o.Log.Warn("page not written", slog.Any("error", err)) // the browser has gone
	}
}

// list gives the messages after an id, and waits a while when there are none.
func (c *Chat) list(w http.ResponseWriter, r *http.Request) {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	if err != nil {
		after = 0
	}
	timeout := time.NewTimer(pollFor)
	defer timeout.Stop()
	for {
		c.mu.Lock()
		var news []Message
		for _, m := range c.messages {
			if m.ID > after {
				news = append(news, m)
			}
		}
		changed := c.changed
		c.mu.Unlock()
		if len(news) > 0 {
			writeJSON(w, http.StatusOK, news)
			return
		}
		select {
		case <-changed:
		case <-timeout.C:
			writeJSON(w, http.StatusOK, []Message{})
			return
		case <-r.Context().Done():
			return
		}
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser may have gone
}

// written is what a member writes.
type written struct {
	Chat  string `json:"chat"`
	From  string `json:"from"`
	Text  string `json:"text"`
	Quote int    `json:"quote"` // id of the message quoted along; 0: none
}

var errWritten = errors.New("not understood")

// post takes a member's message.
func (c *Chat) post(w http.ResponseWriter, r *http.Request) {
	m, err := c.read(w, r)
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	// The bot answers in its own time, and also when the page has been closed.
	ctx := context.WithoutCancel(r.Context())
	m = c.add(m)
	if s, called := c.called(m); called {
		c.work.Go(func() { c.ask(ctx, m.Chat, s) })
	}
	writeJSON(w, http.StatusOK, m)
}

func (c *Chat) read(w http.ResponseWriter, r *http.Request) (Message, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return Message{}, fmt.Errorf("%w: send JSON", errWritten)
	}
	var in written
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxText+1024)).Decode(&in); err != nil {
		return Message{}, fmt.Errorf("%w: %w", errWritten, err)
	}
	m := Message{Chat: in.Chat, From: in.From, Text: strings.TrimSpace(in.Text)}
	switch {
	case !c.member(m.From):
		return Message{}, fmt.Errorf("%w: nobody here is called %q", errWritten, m.From)
	case m.Chat != groupChat && m.Chat != m.From:
		return Message{}, fmt.Errorf("%w: chat %q is not one of yours", errWritten, m.Chat)
	case m.Text == "" || len(m.Text) > maxText || !utf8.ValidString(m.Text):
		return Message{}, fmt.Errorf("%w: the text is empty or longer than %d bytes", errWritten, maxText)
	}
	if in.Quote != 0 {
		quoted, ok := c.message(in.Quote)
		if !ok || quoted.Chat != m.Chat {
			return Message{}, fmt.Errorf("%w: message %d is not in this chat", errWritten, in.Quote)
		}
		m.Quote = quoted.Text
	}
	return m, nil
}

func (c *Chat) member(name string) bool {
	for _, m := range c.o.Members {
		if m == name {
			return true
		}
	}
	return false
}

func (c *Chat) message(id int) (Message, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.messages {
		if m.ID == id {
			return m, true
		}
	}
	return Message{}, false
}

// add shows a message.
func (c *Chat) add(m Message) Message {
	m.HTML, m.At = c.html(m), time.Now().Format("15:04")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	m.ID = c.last
	c.messages = append(c.messages, m)
	c.messages = c.messages[max(0, len(c.messages)-maxMessages):]
	close(c.changed)
	c.changed = make(chan struct{})
	return m
}

// html is how WeCom shows a message: the bot's is Markdown without raw HTML, people's
// is text.
func (c *Chat) html(m Message) string {
	var b bytes.Buffer
	if m.Bot && c.markdown.Convert([]byte(m.Text), &b) == nil {
		return b.String()
	}
	return strings.ReplaceAll(html.EscapeString(m.Text), "\n", "<br>")
}

// called tells whether a message reaches the bot, and as what: in the group the bot
// hears only those who mention it.
func (c *Chat) called(m Message) (said, bool) {
	s := said{id: rand.Text(), user: m.From, text: m.Text, quote: m.Quote}
	if m.Chat == groupChat {
		s.chat = groupID
		return s, strings.Contains(m.Text, "@"+c.o.BotName)
	}
	return s, true
}

// ask has the bot answer and shows what it says.
func (c *Chat) ask(ctx context.Context, chat string, s said) {
	answer, err := c.callbacks.send(ctx, s)
	if err != nil {
		c.o.Log.Error("the bot did not answer", slog.Any("error", err))
		answer = "（平台：机器人没有回应，三次投递都失败了；日志里有原因）"
	}
	if answer != "" {
		c.add(Message{Chat: chat, From: c.o.BotName, Bot: true, Text: answer})
	}
}
