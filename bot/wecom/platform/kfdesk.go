package platform

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// kfServicers are the members who receive customers; at first none is on duty.
var kfServicers = []Member{{"zhou.min", "周敏"}, {"sun.lei", "孙磊"}}

// servicerName is how a servicer is called.
func servicerName(id string) string {
	i := slices.IndexFunc(kfServicers, func(m Member) bool { return m.ID == id })
	if i < 0 {
		return id
	}
	return kfServicers[i].Name
}

// kfDesk is what the page shows of a customer's talk.
type kfDesk struct {
	State     int              `json:"state"`
	Servicer  string           `json:"servicer"` // name
	Servicers []kfDeskServicer `json:"servicers"`
	People    bool             `json:"people"`
	Colleague bool             `json:"colleague"`
}

type kfDeskServicer struct {
	Servicer
	Name string `json:"name"`
}

// desk tells the state of a customer's talk.
func (c *Chat) desk(w http.ResponseWriter, r *http.Request) {
	_, member, _ := strings.Cut(r.URL.Query().Get("chat"), "/")
	if c.carriers[roomKF] == nil {
		http.NotFound(w, r)
		return
	}
	customer := customerPrefix + member
	state, servicer, all := c.o.Corp.Talk(kfAccountID, customer)
	d := kfDesk{State: state, Servicer: servicerName(servicer)}
	d.People, d.Colleague = c.o.Corp.kfModes(kfAccountID, customer)
	for _, m := range kfServicers {
		on := slices.Contains(all, Servicer{m.ID, true})
		d.Servicers = append(d.Servicers, kfDeskServicer{Servicer{m.ID, on}, m.Name})
	}
	writeJSON(w, http.StatusOK, d)
}

func (c *Corp) kfModes(account, customer string) (people, member bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.account(account)
	return k.people, k.talk(customer).member
}

// kfAction finds what to do about a customer's talk, and what is shown of it.
func (k *customers) kfAction(a action) (func(ctx context.Context) error, error) {
	customer := customerPrefix + a.From
	corp := k.o.Corp
	state, servicer, all := corp.Talk(kfAccountID, customer)
	people, member := corp.kfModes(kfAccountID, customer)
	known := slices.ContainsFunc(kfServicers, func(m Member) bool { return m.ID == a.Key })
	done, said := false, ""
	switch {
	case a.Do == "duty" && known:
		on := !slices.Contains(all, Servicer{a.Key, true})
		corp.SetDuty(kfAccountID, a.Key, on)
		done, said = true, servicerName(a.Key)+map[bool]string{true: "开始接待客户。", false: "停止接待客户。"}[on]
	case a.Do == "accept" && known:
		done, said = corp.Accept(kfAccountID, customer, a.Key), servicerName(a.Key)+"接入了会话。"
	case a.Do == "servicer" && strings.TrimSpace(a.Comment) != "":
		done = corp.ServicerWrites(kfAccountID, customer, strings.TrimSpace(a.Comment))
	case a.Do == "end":
		done, said = corp.EndTalk(kfAccountID, customer), "会话已结束。"
		if servicer != "" {
			said = servicerName(servicer) + "结束了会话。"
		}
	case a.Do == "people":
		corp.PeopleFirst(kfAccountID, !people)
		done, said = true, map[bool]string{false: "新会话先由在线的客服人员接待。", true: "新会话先由机器人接待。"}[people]
	case a.Do == "colleague":
		corp.AsMember(kfAccountID, customer, !member)
		done, said = true, map[bool]string{false: "现在以本公司同事的身份打开客服链接。", true: "现在是外部客户。"}[member]
	}
	if !done {
		return nil, fmt.Errorf("%w: the talk is in state %d, and %q with %q is not possible", errWritten, state, a.Do, a.Key)
	}
	if said != "" {
		k.notice(a.Chat, said)
	}
	return k.nudge, nil
}

// tap finds what tapping an entry of a menu says.
func (k *customers) tap(a action, m Message) (func(ctx context.Context) error, error) {
	i := slices.IndexFunc(m.Menu, func(e MenuEntry) bool { return e.ID == a.Key })
	if i < 0 {
		return nil, fmt.Errorf("%w: no such entry", errWritten)
	}
	entry := m.Menu[i]
	k.Chat.write(Message{Chat: a.Chat, From: a.From, Text: entry.Text})
	return func(ctx context.Context) error {
		return k.write(ctx, a.From, "text", map[string]any{"content": entry.Text, "menu_id": entry.ID})
	}, nil
}

// toCustomer shows what a customer is sent.
func (c *Chat) toCustomer(s Sent) {
	c.hear(roomKF+"/"+strings.TrimPrefix(s.To, customerPrefix), s.key(), func(m *Message) {
		m.Text, m.HTML, m.Menu = s.Text, asText(s.Text), s.Menu
		if s.From != "" {
			m.From, m.Name, m.Bot = s.From, servicerName(s.From), false
		}
	})
}

// newKfID makes an id of a message.
func newKfID() string { return "k-" + rand.Text() }
