package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/aibot"
	"aeobot/bot/wecom/app"
	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/kf"
)

// heard is what reached this process of each channel since it started, for the set-up guide:
// when, and whether from one person or several. It keeps nobody's name.
type heard struct {
	since time.Time

	mu       sync.Mutex
	channels map[string]*channelHeard
	first    map[string]bot.Asker // who wrote first, by channel
}

// channelHeard is what reached a channel.
type channelHeard struct {
	// Checked is when the platform last checked the callback's address, Message when it last
	// brought a message or an event.
	Checked time.Time `json:"url_checked,omitzero"`
	Message time.Time `json:"last_message,omitzero"`
	// Refused is why something was refused last, an outcome.
	Refused   string    `json:"refused,omitempty"`
	RefusedAt time.Time `json:"refused_at,omitzero"`
	// People is 2 for any number of people beyond one.
	People int  `json:"people"`
	Groups bool `json:"groups"`
}

func newHeard() *heard {
	return &heard{since: time.Now(), channels: map[string]*channelHeard{}, first: map[string]bot.Asker{}}
}

// of gives a channel's; mu is held.
func (h *heard) of(channel string) *channelHeard {
	if h.channels[channel] == nil {
		h.channels[channel] = &channelHeard{}
	}
	return h.channels[channel]
}

// all is a copy of what was heard.
func (h *heard) all() map[string]channelHeard {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[string]channelHeard{}
	for name, c := range h.channels {
		all[name] = *c
	}
	return all
}

// arrived are outcomes of what the platform brought, by channel.
var arrived = map[string][]string{
	"aibot": {envelope.OutcomeOK, aibot.OutcomeMessage, aibot.OutcomeEvent},
	"app":   {app.OutcomeAnswered, app.OutcomeApology, app.OutcomeWelcome, app.OutcomeUnsupported, app.OutcomeQuiet, app.OutcomeIgnored, app.OutcomePassedOn},
	"kf":    {kf.OutcomeNudge},
}

// count notes an outcome of a channel, as metrics.callback names it: an AI bot's two ways are
// one channel here.
func (h *heard) count(channel, outcome string) {
	channel = strings.TrimSuffix(channel, "_connection")
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.of(channel)
	switch {
	case outcome == envelope.OutcomeCheck:
		c.Checked = time.Now()
	case slices.Contains(arrived[channel], outcome):
		c.Message = time.Now()
	case whyRefused(channel, outcome) != "":
		c.Refused, c.RefusedAt = outcome, time.Now()
	}
}

// whyRefused says to people what an outcome of a channel means and how to mend it; empty:
// nothing was refused.
func whyRefused(channel, outcome string) string {
	return cmp.Or(refusals[channel][outcome], refusals[""][outcome])
}

// refusals are outcomes of what could not be taken, or not be said: those of a channel, and
// under no name those of every callback.
var refusals = map[string]map[string]string{
	"": {
		envelope.OutcomeSignature: "签名不符：Token 和管理后台里的不一致，或者不是平台发来的",
		envelope.OutcomeCipher:    "解不开：EncodingAESKey 或企业ID和管理后台里的不一致",
		envelope.OutcomeStale:     "时间差得太多：校准这台机器的时钟",
		envelope.OutcomeForm:      "格式不对：URL 可能填成了别的产品的",
		envelope.OutcomeFailed:    "没有处理成，日志里有原因",
	},
	"aibot": {
		aibot.OutcomeRefused:   "平台不认 Bot ID 或 Secret",
		aibot.OutcomeDisplaced: "被别处的连接顶掉了：同一个机器人只能有一处连着",
	},
	"app": {
		app.OutcomeForeign:    "是发给别的企业或应用的：核对企业ID和 AgentId",
		app.OutcomeUnreadable: "看不懂：URL 可能填成了别的产品的",
		app.OutcomeNoService:  "是微信客服的事件，却没有设 wecom.kf.corp_id、wecom.kf.secret，客户得不到回答",
	},
	"kf": {
		kf.OutcomeForeign: "是发给别的企业的：核对 wecom.kf.corp_id",
		kf.OutcomeTooLate: "平台不收回答：可能有接待人员在岗、企业没有认证、超过 48 小时或 5 条",
		kf.OutcomeFailed:  "平台不收回答，日志里有原因",
	},
}

// listening is the engine as channels have it, with who wrote noted.
type listening struct {
	*bot.Engine
	heard *heard
}

func (l listening) Answer(ctx context.Context, m bot.Message) (bot.Reply, error) {
	l.heard.from(m)
	return l.Engine.Answer(ctx, m)
}

// from notes who wrote, and whether in a group.
func (h *heard) from(m bot.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.of(m.Surface.Name)
	first, known := h.first[m.Surface.Name]
	switch {
	case !known:
		h.first[m.Surface.Name], c.People = m.Asker, 1
	case !bot.SamePerson(string(first), string(m.Asker)):
		c.People = 2
	}
	c.Groups = c.Groups || m.Chat != "" && m.Account == ""
}
