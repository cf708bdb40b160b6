package platform

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// API is the platform's HTTP interface, for any number of corps: access_tokens,
// sending, customer service, push robots and late replies, with the real one's codes
// and its silent losses. The zero API works.
type API struct {
	mu    sync.Mutex
	corps map[string]*Corp
}

// Corp is one company's account. Its methods may be called from many goroutines.
type Corp struct {
	ID, Secret string
	// RobotKey is the key of its group push robot.
	RobotKey string
	// Mistakes are those of its admin console.
	//
	// default: none
	Mistakes *Mistakes

	mu       sync.Mutex
	tokens   map[string]time.Time // access_token → until when it is good
	faults   APIFaults
	calls    []Call
	sent     []Sent
	cards    map[string]*cardCode // by response_code
	codes    map[string]kfCode    // welcome_code, msg_code → what may be sent on it
	late     map[string]*lateReply
	kf       map[string]*kfAccount
	inbox    []kfItem             // of all accounts of customer service
	made     int                  // ids made
	logins   map[string]loginCode // by code
	listener func(Sent)
}

// APIFaults are what goes wrong with calls until it is set otherwise.
type APIFaults struct {
	// Codes are error codes for the next calls, by name (message/send); the last one
	// stays when Stay is set.
	Codes map[string][]int
	// Refuse gives the code that a call is refused with, 0: none; it sees whom it is about.
	Refuse func(name string, body []byte) int
	// Break answers instead of the API, when it is set.
	Break func(w http.ResponseWriter, r *http.Request, name string) bool
	// SendFails is how many messages to customers are taken and then told not to have arrived.
	SendFails int
	// LoseAnswers is how many calls are carried out whose answer is lost.
	LoseAnswers int
}

// Call is a call that was made.
type Call struct {
	Name string
	Body json.RawMessage
}

// Sent is a message that reached people.
type Sent struct {
	Via  string // message/send, kf/send_msg, webhook/send, aibot/response, …
	To   string // user id, customer, group
	From string // the servicer who wrote it; empty: the bot
	Kind string // msgtype
	Text string
	Card json.RawMessage
	Menu []MenuEntry // what can be tapped
	// Code is the response_code by which its card can be changed, or was.
	Code string
	Body json.RawMessage
	At   time.Time
	// Number counts what reached people, from 1.
	Number int
}

// MenuEntry is an entry of a menu in customer service.
type MenuEntry struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Corp makes a company known, or gives the one of that id.
func (a *API) Corp(id, secret string) *Corp {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.corps == nil {
		a.corps = map[string]*Corp{}
	}
	if a.corps[id] == nil {
		a.corps[id] = &Corp{ID: id, Secret: secret, tokens: map[string]time.Time{}, cards: map[string]*cardCode{},
			codes: map[string]kfCode{}, late: map[string]*lateReply{}, kf: map[string]*kfAccount{}, logins: map[string]loginCode{}}
	}
	return a.corps[id]
}

// find gives the company of an id, or nil.
func (a *API) find(id string) *Corp {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.corps[id]
}

// SetFaults replaces what goes wrong.
func (c *Corp) SetFaults(f APIFaults) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = f
}

// ExpireTokens lets every access_token given so far die early.
func (c *Corp) ExpireTokens() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for token := range c.tokens {
		c.tokens[token] = time.Time{}
	}
}

// Calls are those of one name, in order.
func (c *Corp) Calls(name string) []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	var calls []Call
	for _, call := range c.calls {
		if call.Name == name {
			calls = append(calls, call)
		}
	}
	return calls
}

// Sent are the messages that reached people, in order.
func (c *Corp) Sent() []Sent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}

// Listen has f told of every message that reaches people.
func (c *Corp) Listen(f func(Sent)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listener = f
}

// deliver shows a message to people.
func (c *Corp) deliver(s Sent) {
	s.At = time.Now()
	c.mu.Lock()
	s.Number = len(c.sent) + 1
	c.sent = append(c.sent, s)
	listener := c.listener
	c.mu.Unlock()
	if listener != nil {
		listener(s)
	}
}

// Codes of the real API.
const (
	apiOK            = 0
	apiBadSecret     = 40001
	apiBadToken      = 40014
	apiExpired       = 42001
	apiNoRecipient   = 81013
	apiTooOften      = 45009
	apiUntrusted     = 60020
	apiBadCode       = 60140
	apiBadLogin      = 40029
	apiKfLimit       = 95001
	apiRobotRemoved  = 93000
	apiKfNoCustomer  = 40096
	apiKfNoAccount   = 95000
	apiKfNoServicer  = 95014
	apiKfMove        = 95016
	apiKfState       = 95018
	apiBadType       = 40008
	apiEmptyText     = 44004
	apiTooLong       = 45002
	apiBadParameters = 40058
)

var apiTexts = map[int]string{
	apiUntrusted: "not allow to access from your ip, hint: [1760000000123], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query?e=60020",
	apiTooOften:  "api freq out of limit",
	apiBadLogin:  "invalid code, hint: [1760000000123]",
	apiBadToken:  "invalid access_token",
	apiExpired:   "access_token expired",
	apiBadSecret: "invalid credential",
	-1:           "system busy",

	apiKfNoCustomer: "invalid external userid",
	apiKfNoAccount:  "invalid open kfid",
	apiKfNoServicer: "servicer not on duty",
	apiKfMove:       "transfer session state not allowed",
	apiKfState:      "send msg session status invalid",
	apiKfLimit:      "send msg count limit",
	apiBadType:      "invalid message type",
	apiEmptyText:    "text content is empty",
	apiTooLong:      "content size out of limit",
}

// answer writes the API's usual answer with some fields more.
func answer(w http.ResponseWriter, code int, fields map[string]any) {
	text := "ok"
	if code != apiOK {
		text = apiTexts[code]
	}
	body := map[string]any{"errcode": code, "errmsg": text}
	for k, v := range fields {
		body[k] = v
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_ = json.NewEncoder(w).Encode(body) // the caller may have gone
}

// maxCallBytes bounds a call that is read.
const maxCallBytes = 4 << 20

// ServeHTTP answers one call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/cgi-bin/")
	if !ok {
		http.NotFound(w, r)
		return
	}
	c, code := a.caller(name, r)
	if c == nil {
		answer(w, code, nil)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallBytes))
	if err != nil {
		answer(w, apiBadParameters, nil)
		return
	}
	lose, broke, planned := c.take(name, body, w, r)
	switch {
	case broke:
		return
	case planned != apiOK:
		answer(w, planned, nil)
		return
	case code != apiOK:
		answer(w, code, nil)
		return
	}
	call, known := apiCalls[name]
	if !known {
		http.NotFound(w, r)
		return
	}
	code, fields := call(c, r, body)
	if lose {
		panic(http.ErrAbortHandler) // the connection ends without a word
	}
	answer(w, code, fields)
}

// take notes a call and what goes wrong with it.
func (c *Corp) take(name string, body []byte, w http.ResponseWriter, r *http.Request) (lose, broke bool, code int) {
	c.mu.Lock()
	c.calls = append(c.calls, Call{name, body})
	breaks, refuses := c.faults.Break, c.faults.Refuse
	if codes := c.faults.Codes[name]; len(codes) > 0 {
		code, c.faults.Codes[name] = codes[0], codes[1:]
	}
	if code == apiOK && c.faults.LoseAnswers > 0 && name != "gettoken" {
		c.faults.LoseAnswers--
		lose = true
	}
	c.mu.Unlock()
	if code == apiOK && refuses != nil {
		code = refuses(name, body)
	}
	return lose, breaks != nil && breaks(w, r, name), code
}

// apiCalls are what the API can do; each gives its code and fields.
var apiCalls = map[string]func(c *Corp, r *http.Request, body []byte) (int, map[string]any){
	"gettoken":                     (*Corp).giveToken,
	"auth/getuserinfo":             (*Corp).userInfo,
	"message/send":                 (*Corp).messageSend,
	"message/update_template_card": (*Corp).updateCard,
	"kf/account/list":              (*Corp).listedAccounts,
	"kf/sync_msg":                  (*Corp).kfSync,
	"kf/send_msg":                  (*Corp).kfSend,
	"kf/send_msg_on_event":         (*Corp).kfSendOnEvent,
	"kf/service_state/get":         (*Corp).kfState,
	"kf/service_state/trans":       (*Corp).kfTrans,
	"kf/servicer/list":             (*Corp).kfServicers,
	"webhook/send":                 (*Corp).webhookSend,
	"aibot/response":               (*Corp).aibotResponse,
}

// caller finds whose call it is, and whether the credentials are good.
func (a *API) caller(name string, r *http.Request) (*Corp, int) {
	q := r.URL.Query()
	a.mu.Lock()
	defer a.mu.Unlock()
	switch name {
	case "gettoken":
		c := a.corps[q.Get("corpid")]
		if c == nil || q.Get("corpsecret") != c.Secret {
			return c, apiBadSecret
		}
		return c, apiOK
	case "webhook/send":
		for _, c := range a.corps {
			if c.RobotKey != "" && c.RobotKey == q.Get("key") {
				return c, apiOK
			}
		}
		return nil, apiRobotRemoved
	case "aibot/response":
		for _, c := range a.corps {
			if c.hasLate(q.Get("response_code")) {
				return c, apiOK
			}
		}
		return nil, apiBadCode
	}
	for _, c := range a.corps {
		if good, known := c.token(q.Get("access_token")); known {
			if !good {
				return c, apiExpired
			}
			return c, apiOK
		}
	}
	return nil, apiBadToken
}

func (c *Corp) token(token string) (good, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	until, known := c.tokens[token]
	return known && time.Now().Before(until), known
}

func (c *Corp) giveToken(*http.Request, []byte) (int, map[string]any) {
	token := "at-" + rand.Text()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens[token] = time.Now().Add(7200 * time.Second)
	return apiOK, map[string]any{"access_token": token, "expires_in": 7200}
}

// appMessage is the part of message/send that the stand-in looks at.
type appMessage struct {
	ToUser  string `json:"touser"`
	MsgType string `json:"msgtype"`
	Text    struct {
		Content string `json:"content"`
	} `json:"text"`
	Markdown struct {
		Content string `json:"content"`
	} `json:"markdown"`
	Card      json.RawMessage `json:"template_card"`
	Check     int             `json:"enable_duplicate_check"`
	CheckTime int             `json:"duplicate_check_interval"`
}

// maxTextBytes is where the platform cuts a text or a Markdown message, silently.
const maxTextBytes = 2048

// perMinute is how many messages of an application reach one member in a minute; more
// are dropped though the API says ok.
const perMinute = 30

func (c *Corp) messageSend(_ *http.Request, body []byte) (int, map[string]any) {
	var m appMessage
	if json.Unmarshal(body, &m) != nil || m.ToUser == "" {
		return apiBadParameters, nil
	}
	content := m.Text.Content + m.Markdown.Content
	if m.MsgType != "template_card" && content == "" {
		return 44004, nil
	}
	content = cut(content, maxTextBytes)
	s := Sent{Via: "message/send", To: m.ToUser, Kind: m.MsgType, Text: content, Card: m.Card, Body: body}
	fields := map[string]any{"msgid": "mm-" + rand.Text()[:8]}
	if len(m.Card) > 0 {
		if _, err := readCard(m.Card); err != nil {
			return apiBadParameters, nil
		}
		s.Code = c.NewResponseCode()
		fields["response_code"] = s.Code
	}
	if m.Check == 1 && c.recently(s, time.Duration(m.CheckTime)*time.Second) || c.crowded(m.ToUser) {
		return apiOK, fields
	}
	c.deliver(s)
	return apiOK, fields
}

// cardCode is the one change that a response_code allows.
type cardCode struct {
	until time.Time
	used  bool
}

// cardLife is how long a response_code can be used.
const cardLife = 72 * time.Hour

// NewResponseCode lets a card be changed once.
func (c *Corp) NewResponseCode() string {
	code := "rc-" + rand.Text()[:12]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cards[code] = &cardCode{until: time.Now().Add(cardLife)}
	return code
}

// recently tells whether the same content went to the same person within a time.
func (c *Corp) recently(s Sent, within time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.sent, func(o Sent) bool {
		return o.Via == s.Via && o.To == s.To && o.Text == s.Text && string(o.Card) == string(s.Card) && time.Since(o.At) < within
	})
}

func (c *Corp) crowded(to string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for _, o := range c.sent {
		if o.Via == "message/send" && o.To == to && time.Since(o.At) < time.Minute {
			n++
		}
	}
	return n >= perMinute
}

// cut shortens s to at most n bytes, in the middle of a character if need be, as the
// platform does.
func cut(s string, n int) string { return s[:min(len(s), n)] }

func (c *Corp) updateCard(_ *http.Request, body []byte) (int, map[string]any) {
	var m struct {
		Code string          `json:"response_code"`
		Card json.RawMessage `json:"template_card"`
	}
	if json.Unmarshal(body, &m) != nil {
		return apiBadParameters, nil
	}
	c.mu.Lock()
	code := c.cards[m.Code]
	good := code != nil && !code.used && time.Now().Before(code.until)
	if good {
		code.used = true
	}
	c.mu.Unlock()
	if !good {
		return apiBadCode, nil
	}
	c.deliver(Sent{Via: "message/update_template_card", Kind: "template_card", Card: m.Card, Code: m.Code, Body: body})
	return apiOK, nil
}

// lateReply is the one call that a message's response_url allows.
type lateReply struct {
	to    string
	until time.Time
	used  bool
}

// lateLife is how long a response_url can be used.
const lateLife = time.Hour

// ResponseCode gives a new response_url's code, for a message in chat.
func (c *Corp) ResponseCode(chat string) string {
	code := "late-" + rand.Text()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.late[code] = &lateReply{to: chat, until: time.Now().Add(lateLife)}
	return code
}

func (c *Corp) hasLate(code string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.late[code] != nil
}

func (c *Corp) aibotResponse(r *http.Request, body []byte) (int, map[string]any) {
	var m struct {
		MsgType  string `json:"msgtype"`
		Markdown struct {
			Content  string      `json:"content"`
			Feedback *feedbackID `json:"feedback"`
		} `json:"markdown"`
		Card json.RawMessage `json:"template_card"`
	}
	if json.Unmarshal(body, &m) != nil || m.MsgType != "markdown" && m.MsgType != "template_card" {
		return apiBadParameters, nil
	}
	if code := textForm(m.Markdown.Content, m.Markdown.Feedback); m.MsgType == "markdown" && code != codeOK {
		return code, nil
	}
	c.mu.Lock()
	l := c.late[r.URL.Query().Get("response_code")]
	good := l != nil && !l.used && time.Now().Before(l.until)
	if good {
		l.used = true
	}
	c.mu.Unlock()
	if !good {
		return apiBadCode, nil
	}
	c.deliver(Sent{Via: "aibot/response", To: l.to, Kind: m.MsgType, Text: m.Markdown.Content, Card: m.Card, Body: body})
	return apiOK, nil
}

// robotPerMinute is how many messages a push robot may send in a minute.
const robotPerMinute = 20

func (c *Corp) webhookSend(_ *http.Request, body []byte) (int, map[string]any) {
	var m appMessage
	if json.Unmarshal(body, &m) != nil {
		return apiBadParameters, nil
	}
	n := 0
	for _, o := range c.Sent() {
		if o.Via == "webhook/send" && time.Since(o.At) < time.Minute {
			n++
		}
	}
	if n >= robotPerMinute {
		return apiTooOften, nil
	}
	c.deliver(Sent{Via: "webhook/send", To: "coordinators", Kind: m.MsgType, Text: m.Text.Content + m.Markdown.Content, Body: body})
	return apiOK, nil
}
