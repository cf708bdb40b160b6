package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"aeobot/bot/wecom/aibot"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/kf"
	"aeobot/bot/wecom/setup"
	"aeobot/configs"
)

// sight is what the program sees of how it is set up: of itself and of the platform. Where
// it is nobody's, a serve does not run.
type sight struct {
	settings   configs.Config
	serving    bool
	connection string
	heard      map[string]channelHeard
	since      time.Time
	app, kf    func() (*api.Client, error)
}

// platformWithin bounds what a report asks of the platform.
const platformWithin = 4 * time.Second

// reports are the questions of the guide for the channels that are configured; for all when
// none is.
func (s sight) reports(ctx context.Context) []setup.Report {
	ctx, cancel := context.WithTimeout(ctx, platformWithin)
	defer cancel()
	w := s.settings.WeCom
	configured := map[string]bool{"aibot": w.AIBot.BotID != "" || w.AIBot.Token != "", "app": w.App.Token != "", "kf": w.KF.Secret != ""}
	some := configured["aibot"] || configured["app"] || configured["kf"]
	var all []setup.Report
	for _, step := range setup.Steps() {
		switch {
		case !some:
			all = append(all, setup.Report{Step: step, Findings: one(setup.Note, "没有配置")})
		case configured[step.Channel]:
			all = append(all, setup.Report{Step: step, Findings: s.find(ctx, step)})
		}
	}
	return all
}

func one(mark, text string) []setup.Finding { return []setup.Finding{{Mark: mark, Text: text}} }

// findings are what can be seen of each step; what is not here only people can see.
var findings = map[string]func(s sight, ctx context.Context) []setup.Finding{
	"aibot.connected":   sight.connected,
	"aibot.members":     func(s sight, _ context.Context) []setup.Finding { return s.people("aibot") },
	"aibot.permissions": func(s sight, _ context.Context) []setup.Finding { return s.onlyOne("aibot") },
	"aibot.groups":      sight.groups,
	"aibot.name":        sight.name,
	"app.url":           func(s sight, _ context.Context) []setup.Finding { return s.callback("app") },
	"app.members":       func(s sight, _ context.Context) []setup.Finding { return s.people("app") },
	"app.secret":        sight.appToken,
	"kf.application":    sight.accounts,
	"kf.url":            sight.kfURL,
	"kf.servicers":      sight.servicers,
	"kf.verified":       sight.refusedAnswers,
	"kf.customers":      func(s sight, _ context.Context) []setup.Finding { return s.people("kf") },
}

func (s sight) find(ctx context.Context, step setup.Step) []setup.Finding {
	find := findings[step.Key]
	switch {
	case find == nil:
		return one(setup.Note, "程序看不到，请到管理后台核对")
	case !s.serving && !ofPlatform[step.Key]:
		return one(setup.Note, "serve 没有在运行，看不到；运行起来再查一次")
	}
	return find(s, ctx)
}

// ofPlatform are the steps of which the platform tells, with or without a serve.
var ofPlatform = map[string]bool{"aibot.name": true, "app.secret": true, "kf.application": true, "kf.servicers": true}

// clock is a time as people read it here.
func clock(t time.Time) string { return t.In(time.FixedZone("", 8*3600)).Format("01-02 15:04:05") }

// connectionFound says how the long connection is.
var connectionFound = map[string]setup.Finding{
	aibot.StateReady:      {Mark: setup.Good, Text: "长连接已登录，在等消息"},
	aibot.StateStandby:    {Mark: setup.Good, Text: "长连接由另一个副本连着，看那一个的情况"},
	aibot.StateConnecting: {Mark: setup.Bad, Text: "长连接还没有登录，原因在日志里"},
	aibot.StateDisplaced:  {Mark: setup.Bad, Text: "长连接被别处顶掉了：停掉用同一个 Bot ID 的另一个程序"},
	aibot.StateLimited:    {Mark: setup.Bad, Text: "登录得太频繁，平台要等几分钟（45009）：会自己再试；看是不是有别的程序用同一个 Bot ID"},
	aibot.StateRefused:    {Mark: setup.Bad, Text: "平台不认 Bot ID 或 Secret：核对 wecom.aibot.bot_id、wecom.aibot.secret"},
}

func (s sight) connected(context.Context) []setup.Finding {
	if s.settings.WeCom.AIBot.BotID == "" {
		return s.callback("aibot")
	}
	found, ok := connectionFound[s.connection]
	if !ok {
		found = setup.Finding{Mark: setup.Bad, Text: "长连接的状态：" + s.connection}
	}
	return append([]setup.Finding{found}, s.last("aibot")...)
}

// callback says what came to a callback's address.
func (s sight) callback(channel string) []setup.Finding {
	h := s.heard[channel]
	if h.Checked.IsZero() && h.Message.IsZero() && h.Refused == "" {
		return one(setup.Perhaps, fmt.Sprintf("从 %s 启动到现在，平台一次也没有访问过 /wecom/%s：URL 可能没有保存成功，或从外网访问不到这里", clock(s.since), channel))
	}
	var all []setup.Finding
	if !h.Checked.IsZero() {
		all = one(setup.Good, "URL 在 "+clock(h.Checked)+" 验证通过")
	}
	return append(all, s.last(channel)...)
}

// last says when something came last, and why something was refused last.
func (s sight) last(channel string) (all []setup.Finding) {
	h := s.heard[channel]
	if !h.Message.IsZero() {
		all = one(setup.Good, "最近一次收到消息或事件："+clock(h.Message))
	}
	if h.Refused != "" && h.RefusedAt.After(h.Message) {
		all = append(all, setup.Finding{Mark: setup.Bad, Text: "最近一次出错：" + clock(h.RefusedAt) + "，" + whyRefused(channel, h.Refused)})
	}
	return all
}

// people says whether anybody was heard.
func (s sight) people(channel string) []setup.Finding {
	switch s.heard[channel].People {
	case 0:
		return one(setup.Note, fmt.Sprintf("从 %s 启动到现在，没有收到过任何人的提问", clock(s.since)))
	case 1:
		return one(setup.Note, fmt.Sprintf("从 %s 启动到现在，只收到过同一个人的提问", clock(s.since)))
	}
	return one(setup.Good, "收到过不止一个人的提问")
}

// onlyOne says whether somebody beside the creator can have been heard.
func (s sight) onlyOne(channel string) []setup.Finding {
	if s.heard[channel].People == 1 {
		return one(setup.Perhaps, "只收到过同一个人的提问：如果这个人正是机器人的创建者，而别人也发过，多半就是这个原因")
	}
	return s.people(channel)
}

func (s sight) groups(context.Context) []setup.Finding {
	if s.heard["aibot"].Groups {
		return one(setup.Good, "收到过群里的提问")
	}
	return one(setup.Note, fmt.Sprintf("从 %s 启动到现在，没有收到过群里的提问", clock(s.since)))
}

func (s sight) name(context.Context) []setup.Finding {
	if name := s.settings.WeCom.AIBot.Name; name != "" {
		return one(setup.Note, "wecom.aibot.name 现在是“"+name+"”，请和管理后台里的名称核对")
	}
	return one(setup.Note, "没有设 wecom.aibot.name：@名字 和问题之间要有空格")
}

func (s sight) appToken(ctx context.Context) []setup.Finding {
	if s.settings.WeCom.App.Secret == "" {
		return one(setup.Note, "没有设 wecom.app.secret：长的回答分页，要读者说“更多”")
	}
	client, err := s.app()
	if err == nil {
		err = client.Check(ctx)
	}
	if err == nil {
		err = client.Trouble()
	}
	if err != nil {
		return one(setup.Bad, err.Error())
	}
	return one(setup.Good, "拿到了 access_token，最近的调用没有被拒")
}

// serviceAccounts are the accounts that customer service's application sees.
func (s sight) serviceAccounts(ctx context.Context) ([]kf.Account, error) {
	client, err := s.kf()
	if err != nil {
		return nil, err
	}
	return kf.Accounts(ctx, client)
}

func (s sight) accounts(ctx context.Context) []setup.Finding {
	accounts, err := s.serviceAccounts(ctx)
	if err != nil {
		return one(setup.Bad, "客服账号列表取不到："+err.Error())
	}
	var all []setup.Finding
	for _, a := range accounts {
		if a.Managed {
			all = append(all, setup.Finding{Mark: setup.Good, Text: "能回答客服账号“" + a.Name + "”"})
		} else {
			all = append(all, setup.Finding{Mark: setup.Bad, Text: "客服账号“" + a.Name + "”没有交给这个应用：在“通过API管理微信客服账号”里勾选它"})
		}
	}
	if len(all) == 0 {
		return one(setup.Bad, "这个应用一个客服账号也看不到：在“可调用接口的应用”里加上它，在“通过API管理微信客服账号”里勾选账号")
	}
	return all
}

func (s sight) servicers(ctx context.Context) []setup.Finding {
	accounts, err := s.serviceAccounts(ctx)
	if err != nil {
		return one(setup.Bad, "接待人员取不到："+err.Error())
	}
	var all []setup.Finding
	for _, a := range accounts {
		if a.OnDuty > 0 {
			all = append(all, setup.Finding{Mark: setup.Bad, Text: fmt.Sprintf("客服账号“%s”有 %d 位接待人员在岗：客户一来就归人工，机器人的回答会被拒绝（95018）", a.Name, a.OnDuty)})
		}
	}
	if len(all) == 0 {
		return one(setup.Good, "没有接待人员在岗")
	}
	return all
}

// kfURL says whether events of customer service come, by whichever address they do.
func (s sight) kfURL(context.Context) []setup.Finding {
	path := "kf"
	if s.settings.WeCom.KF.Token == "" {
		path = "app"
	}
	h := s.heard["kf"]
	if !h.Message.IsZero() {
		return one(setup.Good, "最近一次收到客服事件："+clock(h.Message))
	}
	return append(s.callback(path), setup.Finding{Mark: setup.Note, Text: fmt.Sprintf("从 %s 启动到现在，没有收到过客服事件；程序在 /wecom/%s 等着", clock(s.since), path)})
}

// refusedAnswers says whether the platform has refused an answer to a customer.
func (s sight) refusedAnswers(context.Context) []setup.Finding {
	h := s.heard["kf"]
	if h.Refused == kf.OutcomeTooLate {
		return one(setup.Bad, "平台在 "+clock(h.RefusedAt)+" 拒收过机器人的回答：企业没有认证就会这样；认证过的，看下一项")
	}
	return one(setup.Note, "程序看不到，请到管理后台核对；到现在平台没有拒收过机器人的回答")
}

// ownSight is what a running serve sees of itself.
func (s *server) ownSight(ctx context.Context) sight {
	client := func(name string) func() (*api.Client, error) {
		return func() (*api.Client, error) {
			if c := s.clients[name]; c != nil {
				return c, nil
			}
			return nil, errNotConfigured
		}
	}
	return sight{settings: s.settings, serving: true, connection: s.readiness(ctx).Connection, heard: s.heard.all(), since: s.heard.since,
		app: client(applicationClient), kf: client(serviceClient)}
}

var errNotConfigured = errors.New("没有配置")

// setupReports gives the guide to the console, looked up at most every few seconds: it asks
// the platform.
func (s *server) setupReports() func(ctx context.Context) []setup.Report {
	var mu sync.Mutex
	var last []setup.Report
	var at time.Time
	return func(ctx context.Context) []setup.Report {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(at) > setupEvery {
			own := s.ownSight(ctx)
			if s.chat != nil { // the stand-in of this process is no channel
				own.settings.WeCom = configs.WeCom{}
			}
			last, at = own.reports(ctx), time.Now()
		}
		return last
	}
}

// setupEvery is how long a report is shown again.
const setupEvery = 5 * time.Second

// sightOf is what can be seen from beside a serve, which is asked if it runs.
func sightOf(ctx context.Context, c configs.Config) sight {
	s := sight{settings: c}
	client := func(o api.Options) func() (*api.Client, error) {
		o.BaseURL = c.WeCom.APIBaseURL
		// One client, which asks no second time with a secret that was refused: the platform
		// blocks whoever does.
		return sync.OnceValues(func() (*api.Client, error) { return api.New(o) })
	}
	s.app = client(api.Options{CorpID: c.WeCom.App.CorpID, AgentID: c.WeCom.App.AgentID, Secret: c.WeCom.App.Secret.Reveal()})
	s.kf = client(api.Options{CorpID: c.WeCom.KF.CorpID, Secret: c.WeCom.KF.Secret.Reveal()})
	var body strings.Builder
	if err := askReady(ctx, c.Listen, &body); err != nil && body.Len() == 0 {
		return s
	}
	var r readiness
	if err := json.Unmarshal([]byte(body.String()), &r); err != nil || r.Status == "" {
		return s // something else answers there
	}
	s.serving, s.connection, s.heard, s.since = true, r.Connection, r.Heard, r.Since
	return s
}
