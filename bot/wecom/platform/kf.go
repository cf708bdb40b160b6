package platform

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// kfAccount is one customer service account: what customers wrote, and what may still
// be written to each.
type kfAccount struct {
	messages []map[string]any
	left     map[string]int // customer → how many messages are left
}

// kfMessages is how many messages customer service may write after one of a customer's.
const kfMessages = 5

// CustomerWrites puts a message into the inbox of a customer service account. kind is
// a msgtype; fields are its own object.
func (c *Corp) CustomerWrites(account, customer, id, kind string, fields map[string]any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.kf[account]
	if k == nil {
		k = &kfAccount{left: map[string]int{}}
		c.kf[account] = k
	}
	k.left[customer] = kfMessages
	if code, ok := fields["welcome_code"].(string); ok {
		c.welcomes[code] = customer // once
	}
	m := map[string]any{"msgid": id, "open_kfid": account, "external_userid": customer, "send_time": time.Now().Unix(), "origin": 3, "msgtype": kind, kind: fields}
	if kind == "event" {
		m["origin"] = 4
	}
	k.messages = append(k.messages, m)
}

// kfPage is how many messages one sync_msg gives: few, so that paging is exercised.
const kfPage = 3

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
	k := c.kf[q.Account]
	if k == nil || from > len(k.messages) {
		return apiOK, map[string]any{"next_cursor": q.Cursor, "has_more": 0, "msg_list": []any{}}
	}
	to := min(from+kfPage, len(k.messages))
	more := 0
	if to < len(k.messages) {
		more = 1
	}
	return apiOK, map[string]any{"next_cursor": fmt.Sprintf("c-%d", to), "has_more": more, "msg_list": slices.Clone(k.messages[from:to])}
}

func (c *Corp) kfSend(_ *http.Request, body []byte) (int, map[string]any) {
	var m struct {
		To      string `json:"touser"`
		Account string `json:"open_kfid"`
		ID      string `json:"msgid"`
		MsgType string `json:"msgtype"`
		Text    struct {
			Content string `json:"content"`
		} `json:"text"`
	}
	if json.Unmarshal(body, &m) != nil {
		return apiBadParameters, nil
	}
	if c.refusesKF() {
		return apiKfClosed, nil
	}
	c.mu.Lock()
	k := c.kf[m.Account]
	if k == nil || k.left[m.To] == 0 {
		c.mu.Unlock()
		return apiKfLimit, nil
	}
	k.left[m.To]--
	c.mu.Unlock()
	// Whether the real one refuses a msgid it has seen is not documented; this does not.
	c.deliver(Sent{Via: "kf/send_msg", To: m.To, Kind: m.MsgType, Text: cut(m.Text.Content, maxTextBytes), Body: body})
	return apiOK, map[string]any{"msgid": m.ID}
}

func (c *Corp) kfSendOnEvent(_ *http.Request, body []byte) (int, map[string]any) {
	var m struct {
		Code    string `json:"code"`
		MsgType string `json:"msgtype"`
		Text    struct {
			Content string `json:"content"`
		} `json:"text"`
	}
	if json.Unmarshal(body, &m) != nil || m.Code == "" {
		return apiBadParameters, nil
	}
	c.mu.Lock()
	to, known := c.welcomes[m.Code]
	delete(c.welcomes, m.Code)
	c.mu.Unlock()
	if !known {
		return apiKfLimit, nil
	}
	c.deliver(Sent{Via: "kf/send_msg_on_event", To: to, Kind: m.MsgType, Text: m.Text.Content, Body: body})
	return apiOK, map[string]any{"msgid": "kfe"}
}
