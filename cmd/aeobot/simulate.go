package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/platform"
)

// What the stand-in company's products are set to: known to everybody, good for loopback
// only, and the same at every start, so that a bot need not be configured anew.
const (
	simCorp      = "wwsimulated0000001"
	simAgent     = "1000002"
	simBotID     = "aibSimulated"
	simBotName   = localBotName
	simSecret    = "simulated-not-secret"
	simToken     = "simulated"
	simKey       = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
	simRobotKey  = "simulated-robot"
	simListen    = "127.0.0.1:8090"
	simBotListen = "http://127.0.0.1:8080"
	simOAuthPath = "/connect/oauth2/authorize"
)

// Who may do what in the console: 陈静 looks after it, 林悦 and 王强 teach the bot.
const (
	simAdmin        = "chen.jing"
	simCoordinators = "lin.yue,wang.qiang"
)

// simulation is what the simulate command is asked for.
type simulation struct {
	listen, bot string
	connection  bool
	env         bool
	mistakes    []string
	seed        uint64
	disturbed   bool
}

func newSimulate() *cobra.Command {
	var s simulation
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "在本机模拟企业微信平台：群聊网页、加密回调、长连接网关、接口，以及真平台会出的错",
		Long: `在本机模拟企业微信平台，不用账号就能把机器人完整跑一遍：
  · 网页：群聊（多位成员）、单聊、自建应用、微信客服、协调员群的推送；可引用、点卡片按钮、评价回答；
    在微信客服里还能当客服人员：开始或停止接待、接入、回复、结束会话，也能以同事身份打开客服链接；
  · 签名并加密的回调，5 秒收不到回应就重投，共三次；流式回答的轮询；
  · --connection 换成长连接网关（一个机器人只能选一种）；
  · 接口 gettoken、message/send、kf、webhook 等，错误码、失效期和频率上限与真平台一致；
  · 长连接网关像真平台一样拒收：超长、类型不对、用流式消息回事件、没人说过话的会话、结束后再改、上传不全，各有错误码；
  · --mistake 名字：管理后台里设错一处（不在可使用的成员里、多给了权限、外部群、URL 填错、有接待人员在岗……），
    看机器人、doctor 和维护台的“收不到消息？”各说什么；
  · --chaos 种子：随机重投、丢回应或迟回应、踢下线、静默断线、登录失效（846609）、登录太频繁（45009）、
    回复过期（846604、846608）、客户端不支持（600039）、接口报错等故障，同一种子同一顺序。`,
		Example: `  eval "$(aeobot simulate --env)"   # 这个终端里的机器人将连到模拟平台
  aeobot serve &
  aeobot simulate                   # 打开 http://127.0.0.1:8090/`,
		Args: arguments(cobra.NoArgs, "use flags"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.disturbed = cmd.Flags().Changed("chaos")
			if s.env {
				_, err := io.WriteString(cmd.OutOrStdout(), s.settings("export "))
				return err
			}
			return s.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.listen, "listen", simListen, "模拟平台的监听地址，只能是本机")
	f.StringVar(&s.bot, "bot", simBotListen, "机器人接收回调的地址")
	f.BoolVar(&s.connection, "connection", false, "智能机器人走长连接，不走回调")
	f.StringSliceVar(&s.mistakes, "mistake", nil, "管理后台里设错的地方："+strings.Join(platform.MistakeNames(), "、")+"；网页上也能改")
	f.BoolVar(&s.env, "env", false, "只打印机器人要用的环境变量")
	f.Uint64Var(&s.seed, "chaos", 0, "按这个种子随机出故障")
	return cmd
}

func (s *simulation) base() string { return "http://" + reachable(s.listen) }

// settings are the bot's, to be at home in this company.
func (s *simulation) settings(prefix string) string {
	own := []string{"AIBOT_TOKEN=" + simToken, "AIBOT_ENCODING_AES_KEY=" + simKey}
	if s.connection {
		own = []string{"AIBOT_BOT_ID=" + simBotID, "AIBOT_SECRET=" + simSecret, "AIBOT_WS_URL=ws" + strings.TrimPrefix(s.base(), "http") + "/ws"}
	}
	all := append([]string{"API_BASE_URL=" + s.base(), "AIBOT_NAME=" + simBotName}, own...)
	for _, product := range []string{"APP", "KF"} {
		all = append(all, product+"_CORP_ID="+simCorp, product+"_SECRET="+simSecret, product+"_TOKEN="+simToken, product+"_ENCODING_AES_KEY="+simKey)
	}
	all = append(all, "APP_AGENT_ID="+simAgent, "ROBOT_KEY="+simRobotKey, "OAUTH_URL="+s.base()+simOAuthPath)
	var b strings.Builder
	for _, v := range all {
		fmt.Fprintf(&b, "%sAEOBOT_WECOM_%s\n", prefix, v)
	}
	own = []string{"CONSOLE_ADMINS=" + simAdmin, "CURATION_COORDINATORS=" + simCoordinators}
	if u, err := url.Parse(s.bot); err == nil && local(u.Hostname()) { // the stand-in logs in nobody elsewhere
		own = append(own, "CONSOLE_BASE_URL="+u.Scheme+"://"+u.Host)
	}
	for _, v := range own {
		fmt.Fprintf(&b, "%sAEOBOT_%s\n", prefix, v)
	}
	return b.String()
}

// standIn is the platform and the company on it.
type standIn struct {
	chat    *platform.Chat
	api     *platform.API
	corp    *platform.Corp
	gateway *platform.Gateway // nil in callback mode
	chaos   *platform.Chaos   // nil unless it is asked for
}

func (s *simulation) standIn(log *slog.Logger, chaos *platform.Chaos) (standIn, error) {
	endpoint := func(product, receiveID string) (*platform.Endpoint, error) {
		codec, err := envelope.New(simToken, simKey, receiveID)
		return &platform.Endpoint{URL: strings.TrimRight(s.bot, "/") + "/wecom/" + product, Codec: codec, Chaos: chaos}, err
	}
	ai, err := endpoint("aibot", "")
	app, err2 := endpoint("app", simCorp)
	kf, err3 := endpoint("kf", simCorp)
	if err := errors.Join(err, err2, err3); err != nil {
		return standIn{}, err
	}
	p := standIn{api: &platform.API{}, chaos: chaos}
	p.corp = p.api.Corp(simCorp, simSecret)
	p.corp.RobotKey = simRobotKey
	if s.connection {
		p.gateway = &platform.Gateway{BotID: simBotID, Secret: simSecret, CloseAfter: 2 * time.Second, Chaos: chaos}
	}
	mistakes := &platform.Mistakes{}
	for _, name := range s.mistakes {
		if err := mistakes.Set(name, true); err != nil {
			return standIn{}, fmt.Errorf("--mistake: %w", err)
		}
	}
	p.chat = platform.NewChat(platform.ChatOptions{Mistakes: mistakes, BotName: simBotName, BotID: simBotID, AIBot: ai, Gateway: p.gateway,
		App: app, AgentID: simAgent, KF: kf, Corp: p.corp, APIBaseURL: s.base(), Log: log})
	return p, nil
}

// local tells whether a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (s *simulation) run(ctx context.Context, out io.Writer) error {
	host, _, err := net.SplitHostPort(s.listen)
	if err != nil || !local(host) {
		return usageError{fmt.Errorf("--listen %s: the stand-in has no login; listen on 127.0.0.1:PORT", s.listen)}
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	p, err := s.standIn(log, s.chaos(out))
	if err != nil {
		return usageError{err}
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return usageError{fmt.Errorf("simulate: %w; free the port or set another with --listen", err)}
	}
	_, err = fmt.Fprintf(out, "模拟的企业微信：%s/\n机器人的设置（或 eval \"$(aeobot simulate --env)\"）：\n%s机器人在 %s 接收回调。Ctrl-C 结束。\n", s.base(), s.settings("  "), s.bot)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	return p.serve(ctx, listener, log)
}

// chaos is nil unless it is asked for; what goes wrong is told to out.
func (s *simulation) chaos(out io.Writer) *platform.Chaos {
	if !s.disturbed {
		return nil
	}
	var saying sync.Mutex
	return platform.NewChaos(s.seed, func(what string) {
		saying.Lock()
		defer saying.Unlock()
		_, _ = fmt.Fprintf(out, "%s 故障：%s\n", time.Now().Format(time.TimeOnly), what) // who closed it need not read it
	})
}

// serve is the platform until ctx ends.
func (p standIn) serve(ctx context.Context, l net.Listener, log *slog.Logger) error {
	mux := http.NewServeMux()
	mux.Handle("/", p.chat)
	mux.Handle("/cgi-bin/", onlyLocal(p.api))
	mux.Handle("GET "+simOAuthPath, onlyLocal(&platform.Login{API: p.api}))
	if p.gateway != nil {
		mux.Handle("/ws", onlyLocal(p.gateway))
	}
	seen := &exposure{log: log}
	server := &http.Server{Handler: seen.watch(seen.thisMachine(mux)), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	if p.chaos != nil {
		go p.chaos.Run(ctx, p.gateway, p.corp)
	}
	select {
	case err := <-failed:
		return fmt.Errorf("simulate: %w", err)
	case <-ctx.Done():
		return server.Close()
	}
}

// onlyLocal refuses whoever is not on this machine.
func onlyLocal(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !platform.Local(r) {
			http.Error(w, "only on this machine", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}
