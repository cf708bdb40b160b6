package platform

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	// maxText bounds one message, in bytes.
	maxText = 16 << 10
	// pollFor is how long a page waits for news in one request.
	pollFor = 20 * time.Second
	// pollWrite is how long its answer may take to write.
	pollWrite = 10 * time.Second
)

//go:embed page
var pages embed.FS

var pageTemplate = template.Must(template.ParseFS(pages, "page/chat.html"))

func (c *Chat) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", c.page)
	mux.HandleFunc("GET /chat/messages", c.list)
	mux.HandleFunc("GET /chat/kf", c.desk)
	mux.HandleFunc("POST /chat/messages", c.post)
	mux.HandleFunc("POST /chat/actions", c.act)
	mux.HandleFunc("POST /chat/admin", c.administer)
	files, err := fs.Sub(pages, "page")
	if err != nil {
		panic(err) // the folder is embedded
	}
	mux.Handle("GET /chat/files/", http.StripPrefix("/chat/files/", http.FileServerFS(files)))
	return mux
}

// ServeHTTP serves the page to browsers on this machine, and to nobody else: it has
// no login. The Host is looked at as well, so that no web page elsewhere can have a
// browser here speak for it.
func (c *Chat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if !Local(r) {
		http.Error(w, "这个试用页只在本机打开：http://127.0.0.1:端口/", http.StatusForbidden)
		return
	}
	c.mux.ServeHTTP(w, r)
}

// Local tells whether a request comes from this machine, for this machine.
func Local(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		if err != nil || u.Host != r.Host {
			return false
		}
	}
	return onThisMachine(r.RemoteAddr) && onThisMachine(r.Host)
}

// onThisMachine tells whether host:port or host is this machine.
func onThisMachine(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tab is one room as the page offers it.
type tab struct {
	Room, Title, Hint string
	Menu              bool
}

func (c *Chat) tabs() []tab {
	tabs := []tab{
		{Room: roomGroup, Title: "关务交流群", Hint: "在群里 @" + c.o.BotName + " 提问"},
		{Room: roomSingle, Title: "和" + c.o.BotName + "单聊", Hint: "直接提问"},
	}
	if c.carriers[roomApp] != nil {
		tabs = append(tabs, tab{roomApp, "自建应用", "在应用里提问", true})
	}
	if c.carriers[roomKF] != nil {
		tabs = append(tabs, tab{Room: roomKF, Title: "微信客服", Hint: "以外部客户的身份提问"})
	}
	if c.o.Corp.RobotKey != "" {
		tabs = append(tabs, tab{Room: roomRobot, Title: "协调员群", Hint: "这里只有机器人的推送"})
	}
	return tabs
}

func (c *Chat) page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	err := pageTemplate.Execute(w, map[string]any{"Bot": c.callName(), "Admin": c.adminPage(), "Members": c.o.Members, "Tabs": c.tabs()})
	if err != nil {
		c.o.Log.Warn("page not written", slog.Any("error", err)) // the browser has gone
	}
}

// list gives what changed after a revision, and waits a while when nothing did. Revisions
// count from the start of the program: of those of another run, or of none yet, everything
// has changed, and Chat-Epoch names the run.
func (c *Chat) list(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, err := strconv.Atoi(q.Get("after"))
	foreign := q.Has("epoch") && q.Get("epoch") != c.epoch
	if err != nil || foreign {
		after = 0
	}
	w.Header().Set("Chat-Epoch", c.epoch)
	writeJSON(w, http.StatusOK, c.await(w, r, after, !foreign))
}

// await gives what changed after a revision, in the end perhaps nothing.
func (c *Chat) await(w http.ResponseWriter, r *http.Request, after int, wait bool) []Message {
	// The server's own time for an answer may be shorter; one that cannot change it has none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pollFor + pollWrite))
	timeout := time.NewTimer(pollFor)
	defer timeout.Stop()
	for {
		news, changed := c.since(after)
		if len(news) > 0 || !wait {
			return news
		}
		select {
		case <-changed:
		case <-timeout.C:
			return news
		case <-c.polls.Done():
			return news
		case <-r.Context().Done():
			return news
		}
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the browser may have gone
}

var errWritten = errors.New("not understood")

// readJSON reads what a page sends; a form of another page's does not come as JSON.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return fmt.Errorf("%w: send JSON", errWritten)
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxText+1024)).Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errWritten, err)
	}
	return nil
}

func refuse(w http.ResponseWriter, err error) {
	writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
}

// post takes a member's message.
func (c *Chat) post(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Chat  string `json:"chat"`
		From  string `json:"from"`
		Text  string `json:"text"`
		Quote int    `json:"quote"` // id of the message quoted along; 0: none
	}
	err := readJSON(w, r, &in)
	m := Message{Chat: in.Chat, From: in.From, Text: strings.TrimSpace(in.Text)}
	switch {
	case err != nil:
	case !c.may(m.From, m.Chat):
		err = fmt.Errorf("%w: %q is not in chat %q", errWritten, m.From, m.Chat)
	case m.Text == "" || len(m.Text) > maxText || !utf8.ValidString(m.Text):
		err = fmt.Errorf("%w: the text is empty or longer than %d bytes", errWritten, maxText)
	case in.Quote != 0:
		quoted, ok := c.message(in.Quote)
		if !ok || quoted.Chat != m.Chat {
			err = fmt.Errorf("%w: message %d is not in this chat", errWritten, in.Quote)
		}
		m.Quote = quoted.Text
	}
	if err != nil {
		refuse(w, err)
		return
	}
	m = c.write(m)
	if carrier := c.carriers[room(m.Chat)]; c.called(m) {
		c.carry(r.Context(), m.Chat, func(ctx context.Context) error { return carrier.say(ctx, m) })
	}
	writeJSON(w, http.StatusOK, m)
}

// action is what a member does other than write.
type action struct {
	Do      string `json:"do"` // enter, press, rate, menu; in customer service see kfAction, and tap
	Chat    string `json:"chat"`
	From    string `json:"from"`
	Message int    `json:"message"` // press, rate, tap
	Key     string `json:"key"`     // press, menu, tap
	Kind    int    `json:"kind"`    // rate
	Reasons []int  `json:"reasons"`
	Comment string `json:"comment"`
}

// act takes what a member does other than write.
func (c *Chat) act(w http.ResponseWriter, r *http.Request) {
	var a action
	err := readJSON(w, r, &a)
	var do func(ctx context.Context) error
	if err == nil && !c.may(a.From, a.Chat) {
		err = fmt.Errorf("%w: %q is not in chat %q", errWritten, a.From, a.Chat)
	}
	if err == nil {
		do, err = c.action(a)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	c.carry(r.Context(), a.Chat, do)
	writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
}

// action finds what to do.
func (c *Chat) action(a action) (func(ctx context.Context) error, error) {
	carrier := c.carriers[room(a.Chat)]
	if !c.reaches(a.Chat, a.From) {
		return func(context.Context) error { return nil }, nil
	}
	switch a.Do {
	case "enter":
		if a.Chat == roomGroup {
			return nil, fmt.Errorf("%w: a group is not entered", errWritten)
		}
		return func(ctx context.Context) error { return carrier.enter(ctx, a.Chat, a.From) }, nil
	case "menu":
		app, ok := carrier.(*application)
		if !ok || a.Key == "" {
			return nil, fmt.Errorf("%w: no such menu", errWritten)
		}
		return func(ctx context.Context) error { return app.menu(ctx, a.Chat, a.From, a.Key) }, nil
	}
	kf, customer := carrier.(*customers)
	if customer && a.Do != "tap" {
		return kf.kfAction(a)
	}
	m, ok := c.message(a.Message)
	if !ok || m.Chat != a.Chat {
		return nil, fmt.Errorf("%w: message %d is not in this chat", errWritten, a.Message)
	}
	switch {
	case customer:
		return kf.tap(a, m)
	case a.Do == "press" && m.seenBy(a.From).has(a.Key):
		return func(ctx context.Context) error { return carrier.press(ctx, m, a.From, a.Key) }, nil
	case a.Do == "rate" && m.Rateable && a.Kind >= ratedAccurate && a.Kind <= ratedWithdrawn:
		c.rated(m, a)
		return func(ctx context.Context) error {
			return carrier.rate(ctx, m, a.From, a.Kind, a.Reasons, a.Comment)
		}, nil
	}
	return nil, fmt.Errorf("%w: no such button or rating", errWritten)
}

// rated shows what a member thinks of an answer.
func (c *Chat) rated(m Message, a action) {
	c.hear(m.Chat, m.key, func(m *Message) {
		all := map[string]int{}
		for who, kind := range m.Rated { // copies of the message may be in use
			all[who] = kind
		}
		delete(all, a.From)
		if a.Kind != ratedWithdrawn {
			all[a.From] = a.Kind
		}
		m.Rated = all
	})
}
