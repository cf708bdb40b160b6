package platform

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// kfAccount is one customer service account.
type kfAccount struct {
	talks     map[string]*kfTalk // by customer
	servicers []Servicer
	// people: new talks begin with a servicer who is on duty.
	people bool
}

// Servicer is a member who receives customers of an account.
type Servicer struct {
	ID     string `json:"id"`
	OnDuty bool   `json:"on_duty"`
}

// kfTalk is one customer's talk with an account.
type kfTalk struct {
	state    int
	servicer string // who has it; state 3 only
	left     int    // how many messages may still be sent
	wrote    time.Time
	member   bool // a colleague who came through the link: no customer
}

// States of a talk (page 94669).
const (
	KfNew       = 0
	KfAssistant = 1
	KfPool      = 2
	KfPerson    = 3
	KfEnded     = 4
)

// kfMoves are the states that a talk may be moved to by the API.
var kfMoves = map[int][]int{
	KfNew:       {KfAssistant, KfPool, KfPerson, KfEnded},
	KfAssistant: {KfPool, KfPerson, KfEnded},
	KfPool:      {KfPerson, KfEnded},
	KfPerson:    {KfPerson, KfEnded},
}

const (
	// kfMessages is how many messages customer service may write after one of a customer's,
	// and kfWindow for how long.
	kfMessages = 5
	kfWindow   = 48 * time.Hour
	// kfPage is how many messages one sync_msg gives: few, so that paging is exercised.
	kfPage = 3
)

// kfCode lets one message be sent on an event, in the state that it was given for.
type kfCode struct {
	account, customer string
	state             int // -1: any
	until             time.Time
}

// kfItem is what sync_msg gives, and in which account.
type kfItem struct {
	account string
	message any
}

// account gives an account, which comes into being; c.mu is held.
func (c *Corp) account(id string) *kfAccount {
	if c.kf[id] == nil {
		c.kf[id] = &kfAccount{talks: map[string]*kfTalk{}}
	}
	return c.kf[id]
}

// talk gives a customer's talk; c.mu is held.
func (k *kfAccount) talk(customer string) *kfTalk {
	if k.talks[customer] == nil {
		k.talks[customer] = &kfTalk{state: KfEnded}
	}
	return k.talks[customer]
}

// happens puts something into the inbox; c.mu is held.
func (c *Corp) happens(account, id string, at time.Time, fields map[string]any) {
	m := map[string]any{"msgid": id, "send_time": at.Unix()}
	for k, v := range fields {
		m[k] = v
	}
	c.inbox = append(c.inbox, kfItem{account, m})
}

// event puts an event into the inbox, whose ids stand inside; c.mu is held.
func (c *Corp) event(account, customer, kind string, fields map[string]any) {
	e := map[string]any{"event_type": kind, "open_kfid": account}
	if customer != "" {
		e["external_userid"] = customer
	}
	for k, v := range fields {
		e[k] = v
	}
	c.happens(account, c.code("ev-"), time.Now(), map[string]any{"origin": 4, "msgtype": "event", "event": e})
}

// CustomerWrites puts a message, or an event about a customer, into the inbox of a customer
// service account. kind is a msgtype; fields are its own object.
func (c *Corp) CustomerWrites(account, customer, id, kind string, fields map[string]any) {
	c.CustomerWroteAt(time.Now(), account, customer, id, kind, fields)
}

// CustomerWroteAt is CustomerWrites for what was written before.
func (c *Corp) CustomerWroteAt(at time.Time, account, customer, id, kind string, fields map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.account(account)
	if kind == "event" {
		if code, ok := fields["welcome_code"].(string); ok {
			c.codes[code] = kfCode{account, customer, -1, at.Add(20 * time.Second)}
		}
		c.happens(account, id, at, map[string]any{"open_kfid": account, "external_userid": customer, "origin": 4, "msgtype": kind, kind: fields})
		return
	}
	t := k.talk(customer)
	t.left, t.wrote = kfMessages, at
	if t.state == KfEnded {
		t.state, t.servicer = k.begins()
	}
	c.happens(account, id, at, map[string]any{"open_kfid": account, "external_userid": customer, "origin": 3, "msgtype": kind, kind: fields})
}

// begins is how a new talk begins; c.mu is held.
func (k *kfAccount) begins() (state int, servicer string) {
	i := slices.IndexFunc(k.servicers, func(s Servicer) bool { return s.OnDuty })
	if !k.people || i < 0 {
		return KfNew, ""
	}
	return KfPerson, k.servicers[i].ID
}

// PutRaw puts a message into the inbox as it is.
func (c *Corp) PutRaw(account string, message any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.account(account)
	if m, ok := message.(map[string]any); ok {
		for _, key := range []string{"external_userid", "External_UserId"} {
			if customer, ok := m[key].(string); ok {
				t := k.talk(customer)
				t.state, t.left, t.wrote = KfNew, kfMessages, time.Now()
			}
		}
	}
	c.inbox = append(c.inbox, kfItem{account, message})
}

// AsMember makes a customer a colleague who opened the account's link: nothing can be sent
// to such a person.
func (c *Corp) AsMember(account, customer string, member bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account(account).talk(customer).member = member
}

// PeopleFirst has new talks of an account begin with a servicer who is on duty, as accounts
// do that are received by people.
func (c *Corp) PeopleFirst(account string, yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.account(account).people = yes
}

// SetDuty has a servicer of an account begin or stop to receive customers.
func (c *Corp) SetDuty(account, servicer string, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.account(account)
	i := slices.IndexFunc(k.servicers, func(s Servicer) bool { return s.ID == servicer })
	if i < 0 {
		i, k.servicers = len(k.servicers), append(k.servicers, Servicer{ID: servicer})
	}
	k.servicers[i].OnDuty = on
	status := 2
	if on {
		status = 1
	}
	c.event(account, "", "servicer_status_change", map[string]any{"servicer_userid": servicer, "status": status})
}

// Talk tells the state of a talk, who has it, and who receives customers of the account.
func (c *Corp) Talk(account, customer string) (state int, servicer string, all []Servicer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.account(account)
	t := k.talk(customer)
	return t.state, t.servicer, slices.Clone(k.servicers)
}

// Accept has a servicer take a talk: out of the pool, or over from another.
func (c *Corp) Accept(account, customer, servicer string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.account(account).talk(customer)
	fields := map[string]any{"change_type": 1, "new_servicer_userid": servicer}
	switch t.state {
	case KfPool:
		fields["msg_code"] = c.codeFor(account, customer, KfPerson)
	case KfPerson:
		fields["change_type"], fields["old_servicer_userid"] = 2, t.servicer
	default:
		return false
	}
	t.state, t.servicer = KfPerson, servicer
	c.event(account, customer, "session_status_change", fields)
	return true
}

// ServicerWrites sends what the servicer who has a talk writes.
func (c *Corp) ServicerWrites(account, customer, text string) bool {
	c.mu.Lock()
	t := c.account(account).talk(customer)
	ok, servicer := t.state == KfPerson, t.servicer
	if ok {
		c.happens(account, c.code("sv-"), time.Now(), map[string]any{"open_kfid": account, "external_userid": customer, "origin": 5,
			"servicer_userid": servicer, "msgtype": "text", "text": map[string]any{"content": text}})
	}
	c.mu.Unlock()
	if ok {
		c.deliver(Sent{Via: "kf/servicer", To: customer, From: servicer, Kind: "text", Text: text})
	}
	return ok
}

// EndTalk has the servicer end a talk.
func (c *Corp) EndTalk(account, customer string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.account(account).talk(customer)
	if t.state != KfPool && t.state != KfPerson {
		return false
	}
	old := t.servicer
	t.state, t.servicer = KfEnded, ""
	c.event(account, customer, "session_status_change", map[string]any{"change_type": 3, "old_servicer_userid": old, "msg_code": c.codeFor(account, customer, KfEnded)})
	return true
}

// SendFailed tells that what was sent did not reach a customer.
func (c *Corp) SendFailed(account, customer, msgid string, failType int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.event(account, customer, "msg_send_fail", map[string]any{"fail_msgid": msgid, "fail_type": failType})
}

// code makes an id that has not been there; c.mu is held.
func (c *Corp) code(prefix string) string {
	c.made++
	return fmt.Sprintf("%s%d-%d", prefix, c.made, time.Now().UnixNano())
}

// codeFor gives a code for one message in a state; c.mu is held.
func (c *Corp) codeFor(account, customer string, state int) string {
	code := c.code("mc-")
	life := kfWindow
	if state == KfEnded {
		life = 20 * time.Second
	}
	c.codes[code] = kfCode{account, customer, state, time.Now().Add(life)}
	return code
}

// kfSync gives what an account, or without one all accounts have.
func (c *Corp) kfSync(_ *http.Request, body []byte) (int, map[string]any) {
	var q struct {
		Cursor  string `json:"cursor"`
		Account string `json:"open_kfid"`
	}
	if json.Unmarshal(body, &q) != nil {
		return apiBadParameters, nil
	}
	from := 0
	if q.Cursor != "" {
		if _, err := fmt.Sscanf(q.Cursor, "c-%d", &from); err != nil {
			return apiBadParameters, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.Account != "" && c.kf[q.Account] == nil {
		return apiKfNoAccount, nil
	}
	page, more := []any{}, 0
	next := min(from, len(c.inbox))
	for ; next < len(c.inbox); next++ {
		if q.Account != "" && c.inbox[next].account != q.Account {
			continue
		}
		if len(page) == kfPage {
			more = 1
			break
		}
		page = append(page, c.inbox[next].message)
	}
	return apiOK, map[string]any{"next_cursor": fmt.Sprintf("c-%d", next), "has_more": more, "msg_list": page}
}

// kfMessage is what send_msg and send_msg_on_event take.
type kfMessage struct {
	To      string `json:"touser"`
	Account string `json:"open_kfid"`
	ID      string `json:"msgid"`
	Code    string `json:"code"`
	MsgType string `json:"msgtype"`
	Text    struct {
		Content string `json:"content"`
	} `json:"text"`
	Menu struct {
		Head string `json:"head_content"`
		List []struct {
			Type  string `json:"type"`
			Click struct {
				ID      string `json:"id"`
				Content string `json:"content"`
			} `json:"click"`
		} `json:"list"`
		Tail string `json:"tail_content"`
	} `json:"msgmenu"`
}

var kfMsgID = regexp.MustCompile(`^[0-9A-Za-z_-]{0,32}$`)

// check gives the code that a message is refused with for its own sake.
func (m *kfMessage) check() int {
	switch {
	case !kfMsgID.MatchString(m.ID):
		return apiBadParameters
	case m.MsgType == "text" && strings.TrimSpace(m.Text.Content) == "":
		return apiEmptyText
	case m.MsgType == "text" && len(m.Text.Content) > maxTextBytes:
		return apiTooLong
	case m.MsgType == "text":
		return apiOK
	case m.MsgType != "msgmenu":
		return apiBadType
	case len(m.Menu.Head) > 1024 || len(m.Menu.Tail) > 1024 || len(m.Menu.List) > 10 || m.Menu.Head == "" && len(m.Menu.List) == 0:
		return apiBadParameters
	}
	for _, i := range m.Menu.List {
		if i.Type != "click" || len(i.Click.ID) > 64 || i.Click.Content == "" || len(i.Click.Content) > 128 {
			return apiBadParameters
		}
	}
	return apiOK
}

// words are what a customer reads of a message, without the menu's entries.
func (m *kfMessage) words() string {
	if m.MsgType == "text" {
		return m.Text.Content
	}
	return strings.TrimSpace(m.Menu.Head + "\n" + m.Menu.Tail)
}

func (c *Corp) kfSend(_ *http.Request, body []byte) (int, map[string]any) {
	var m kfMessage
	if json.Unmarshal(body, &m) != nil {
		return apiBadParameters, nil
	}
	if code := m.check(); code != apiOK {
		return code, nil
	}
	if code := c.kfMaySend(m); code != apiOK {
		return code, nil
	}
	if c.sendFails(m) {
		return apiOK, map[string]any{"msgid": m.ID}
	}
	// Whether the real one refuses a msgid it has seen is not documented; this does not.
	c.deliver(Sent{Via: "kf/send_msg", To: m.To, Kind: m.MsgType, Text: m.words(), Menu: m.entries(), Body: body})
	return apiOK, map[string]any{"msgid": m.ID}
}

// sendFails decides whether a message that is taken does not arrive, and tells so.
func (c *Corp) sendFails(m kfMessage) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faults.SendFails == 0 {
		return false
	}
	c.faults.SendFails--
	c.event(m.Account, m.To, "msg_send_fail", map[string]any{"fail_msgid": m.ID, "fail_type": 0})
	return true
}

// entries are what can be tapped in a message.
func (m *kfMessage) entries() (all []MenuEntry) {
	for _, i := range m.Menu.List {
		all = append(all, MenuEntry{i.Click.ID, i.Click.Content})
	}
	return all
}

// kfMaySend looks whether a message may go to a customer now, and counts it.
func (c *Corp) kfMaySend(m kfMessage) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kf[m.Account]
	if k == nil {
		return apiKfNoAccount
	}
	t := k.talks[m.To]
	switch {
	case c.refusesKF():
		return apiKfState
	case t == nil || t.member:
		return apiKfNoCustomer
	case t.state != KfNew && t.state != KfAssistant || time.Since(t.wrote) > kfWindow:
		return apiKfState
	case t.left == 0:
		return apiKfLimit
	}
	t.left--
	return apiOK
}

func (c *Corp) kfSendOnEvent(_ *http.Request, body []byte) (int, map[string]any) {
	var m kfMessage
	if json.Unmarshal(body, &m) != nil || m.Code == "" {
		return apiBadParameters, nil
	}
	if code := m.check(); code != apiOK {
		return code, nil
	}
	c.mu.Lock()
	e, known := c.codes[m.Code]
	good := known && time.Now().Before(e.until) && (e.state < 0 || c.account(e.account).talk(e.customer).state == e.state)
	if good {
		delete(c.codes, m.Code)
	}
	c.mu.Unlock()
	if !good {
		return apiKfState, nil
	}
	c.deliver(Sent{Via: "kf/send_msg_on_event", To: e.customer, Kind: m.MsgType, Text: m.words(), Menu: m.entries(), Body: body})
	return apiOK, map[string]any{"msgid": "kfe"}
}

// kfTalkCall is what the calls about a talk's state take.
type kfTalkCall struct {
	Account  string `json:"open_kfid"`
	Customer string `json:"external_userid"`
	State    int    `json:"service_state"`
	Servicer string `json:"servicer_userid"`
}

// kfTalk finds the talk that a call is about; c.mu is held.
func (c *Corp) kfTalk(q kfTalkCall) (*kfTalk, int) {
	k := c.kf[q.Account]
	switch {
	case k == nil:
		return nil, apiKfNoAccount
	case k.talks[q.Customer] == nil || k.talks[q.Customer].member:
		return nil, apiKfNoCustomer
	}
	return k.talks[q.Customer], apiOK
}

func (c *Corp) kfState(_ *http.Request, body []byte) (int, map[string]any) {
	var q kfTalkCall
	if json.Unmarshal(body, &q) != nil {
		return apiBadParameters, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t, code := c.kfTalk(q)
	if code != apiOK {
		return code, nil
	}
	return apiOK, map[string]any{"service_state": t.state, "servicer_userid": t.servicer}
}

func (c *Corp) kfTrans(_ *http.Request, body []byte) (int, map[string]any) {
	var q kfTalkCall
	if json.Unmarshal(body, &q) != nil {
		return apiBadParameters, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t, code := c.kfTalk(q)
	if code != apiOK {
		return code, nil
	}
	if !slices.Contains(kfMoves[t.state], q.State) {
		return apiKfMove, nil
	}
	if q.State == KfPerson && !slices.Contains(c.kf[q.Account].servicers, Servicer{q.Servicer, true}) {
		return apiKfNoServicer, nil
	}
	fields := map[string]any{}
	if t.state < KfPool && q.State >= KfPool || q.State == KfEnded {
		fields["msg_code"] = c.codeFor(q.Account, q.Customer, q.State)
	}
	t.state, t.servicer = q.State, q.Servicer
	return apiOK, fields
}

func (c *Corp) kfServicers(r *http.Request, _ []byte) (int, map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := []any{}
	all := c.account(r.URL.Query().Get("open_kfid")).servicers
	if len(all) == 0 { // nobody has been on duty yet
		all = []Servicer{{ID: companyMembers[0].ID}}
	}
	for _, s := range all {
		status := 1
		if s.OnDuty || c.Mistakes.is(mistakeDuty) {
			status = 0
		}
		list = append(list, map[string]any{"userid": s.ID, "status": status, "stop_type": 0})
	}
	return apiOK, map[string]any{"servicer_list": list}
}
