package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/bot/audit"
	"aeobot/bot/console"
	"aeobot/bot/console/login"
	"aeobot/bot/desk"
	"aeobot/bot/tally"
	"aeobot/bot/wecom/aibot"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/app"
	"aeobot/bot/wecom/kf"
	"aeobot/bot/wecom/platform"
	"aeobot/bot/wecom/robot"
	"aeobot/configs"
	"aeobot/index"
)

func newServe(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "运行所有配置好的渠道、维护台，以及健康检查和指标",
		Long: `运行所有配置好的渠道：智能机器人的长连接或回调 /wecom/aibot、自建应用回调 /wecom/app、
微信客服回调 /wecom/kf、协调员群的消息推送；
没有配置任何渠道时，在本机 http://127.0.0.1:8080/ 开一个试用群聊。
协调员的维护台在 /console/（没有设登录时只有本机能打开，配置了回调或前面有代理时不开；可用 console.listen 单独监听）。
帐号、密码和各名单（console.accounts、.password、.admins、.readers，curation.coordinators）写在设置文件或 _file 指的文件里的，
改了几秒内生效，拿掉的人在所有副本上立刻退出；写在环境变量里的要重启。
另有 /healthz、/readyz、/metrics。SIGHUP 重新读取知识；Ctrl-C 答完手上的消息就退出，再按一次马上退出；
SIGTERM 先让 /readyz 答 503，照常答 shutdown_delay 那么久，再答完手上的消息退出。`,
		Args: arguments(cobra.NoArgs, "use flags or a configuration file"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			live, c, err := g.openIndex(cmd.Context())
			if err != nil {
				return err
			}
			s := &server{settings: c, settingsFile: g.config, live: live, log: newLog(c), metrics: newMetrics(), heard: newHeard()}
			if !configured(c) {
				if err := s.tryLocally(); err != nil {
					return errors.Join(err, live.Swap(nil))
				}
			}
			return s.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
}

// configured tells whether any WeCom channel is.
func configured(c configs.Config) bool {
	w := c.WeCom
	return w.AIBot.Token.Reveal() != "" || w.AIBot.BotID != "" || w.App.Token.Reveal() != "" || w.KF.Token.Reveal() != ""
}

// server is everything that runs under serve.
type server struct {
	settings configs.Config
	// settingsFile is where they come from besides the environment; empty: from nowhere else.
	settingsFile string
	live         *index.Live
	log          *slog.Logger
	metrics      *metrics
	heard        *heard
	store        store
	engine       *bot.Engine
	answers      *answerLog
	notebook     *bot.Patient
	tally        *tally.Tally
	audit        *audit.Log
	desk         *desk.Desk
	editions     *editions
	console      *console.Console
	guard        *login.Guard // before the console
	notices
	// Only when no channel is configured: a stand-in for the platform.
	chat *platform.Chat
	api  *platform.API

	listeners []*listener
	stopping  atomic.Bool // told to stop; see /readyz

	// Nil when not configured.
	aibot   *aibot.Callback
	long    *aibot.Connection
	app     *app.Callback
	kf      *kf.Callback
	robot   *robot.Robot
	running sync.WaitGroup
	// version is the number of the published state in force; 0: none, or not known yet.
	version   atomic.Int64
	reloading sync.Mutex // held while the knowledge is read again
	// stale is why the knowledge in force is not the newest; nil: it is.
	stale atomic.Pointer[string]
	// diverged is why the published versions are not those of all replicas; nil: they are.
	diverged atomic.Pointer[string]
	// unknown is why the settings do not say who may enter; nil: they do.
	unknown atomic.Pointer[string]
	// clients are those that call the platform, by the name of their channel.
	clients map[string]*api.Client
	// callbacks are those that the platform calls, by the name of their channel.
	callbacks map[string]callback
}

// callback is a channel's handler of callbacks.
type callback interface {
	http.Handler
	// ClockOff is by how much the platform's time and ours are apart, when that is too
	// much.
	ClockOff() time.Duration
}

// run serves until ctx ends, then finishes what is in hand. What was opened last
// is closed first. Once people can come, out is told where to.
func (s *server) run(ctx context.Context, out io.Writer) (err error) {
	defer func() { err = errors.Join(err, s.live.Swap(nil)) }()
	if s.store, err = openStore(s.settings, s.log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Close()) }()
	s.answers = newAnswerLog(s.settings.DataDir, s.settings.Answers.TTL, s.log)
	defer func() { err = errors.Join(err, s.answers.close()) }()
	s.notebook = bot.NewPatient(s.store, s.log)
	s.tally = tally.New(s.store, s.log)
	s.audit = openAudit(s.settings, s.store)
	s.notices = s.openNotices()
	s.desk = desk.New(s.store, servingPublisher{newPublisher(s.settings, newExchange(s.settings, s.store)), s.questions}, desk.Options{
		Coordinators: s.settings.Curation.Coordinators, People: s.settings.Curation.People, Keep: s.settings.Unanswered.TTL, Index: s.live,
		RecallWithin: s.settings.Corrections.TTL, Given: s.given, Pusher: s.pusher, Compose: s.compose, Notify: s.notifyGroup, Link: s.pageLink, Audit: s.audit.Append, Name: s.store.Name, Log: s.log})
	defer s.desk.Close()
	mark, err := bot.OpenMark(filepath.Join(s.settings.DataDir, "unsaved"))
	if err != nil {
		s.log.Warn("after a crash conversations may be in doubt without need: the data folder cannot be written", slog.Any("error", err))
	}
	defer func() { err = errors.Join(err, mark.Close()) }()
	s.editions = newEditions(s.settings)
	defer func() { err = errors.Join(err, s.editions.Close()) }()
	s.engine = bot.New(s.live, s.store, engineOptions(bot.Options{Membership: s.store, Mark: mark, Unanswered: s.notebook, Feedback: s.notebook, Desk: s.desk, Wishes: s.desk, Questions: s.questions, Given: s.given,
		Editions: s.editions, SearchWithin: answerWithin, Handover: handover(s.settings), Limits: bot.Limits(s.settings.Limits), Log: s.log, Observe: func(e bot.Event) {
			s.metrics.observe(e)
			s.answers.observe(e)
			s.tally.Observe(e)
		}}))
	defer s.joinReplicas(ctx)()
	if err := s.routes(); err != nil {
		return usageError{err}
	}
	defer s.console.Close()
	if err := s.listen(); err != nil {
		return usageError{err}
	}
	if s.chat != nil {
		defer s.chat.Close()
		if err := s.announce(out); err != nil {
			return errors.Join(err, s.closeListeners())
		}
	}
	s.countPassages()
	stopReload := s.reloadOnHangup(ctx)
	defer stopReload()
	return s.serve(ctx)
}

// joinReplicas makes the engine one of the replicas that share the store until the function
// it gives is called, which is after the last reply.
func (s *server) joinReplicas(ctx context.Context) (leave func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.engine.Join(ctx)
	var running sync.WaitGroup
	running.Go(func() { s.engine.Run(ctx) })
	return func() {
		cancel()
		running.Wait()
	}
}

// keepRunning runs what works beside the requests until ctx ends. The long connection
// is not among it: like a listener it takes messages.
func (s *server) keepRunning(ctx context.Context) {
	s.running.Go(func() { s.follow(ctx) })
	s.running.Go(func() { s.answers.run(ctx) })
	s.running.Go(func() { s.notebook.Run(ctx) })
	s.running.Go(func() { s.tally.Run(ctx) })
	s.running.Go(func() { s.every(ctx, "questions and audit log", s.settle()) })
	s.running.Go(func() { s.every(ctx, "who may enter", s.followAccess()) })
	s.runNotices(ctx)
	s.running.Go(func() { s.control(ctx) })
	if s.aibot != nil {
		s.running.Go(func() { s.aibot.Run(ctx) })
	}
	if s.app != nil {
		s.running.Go(func() { s.app.Run(ctx) })
	}
	if s.kf != nil {
		s.running.Go(func() { s.kf.Run(ctx) })
	}
	if s.robot != nil {
		s.running.Go(func() { s.robot.Run(ctx) })
		s.running.Go(func() { s.report(ctx) })
	}
}

// routes are the fixed paths of INTERFACE that this version serves.
func (s *server) routes() error {
	common := s.listener("listen", s.settings.Listen)
	common.callbacks = s.chat == nil && s.settings.WeCom.Callbacks()
	common.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	common.mux.HandleFunc("GET /readyz", s.ready)
	s.listener("metrics.listen", s.settings.Metrics.Listen).mux.Handle("GET /metrics", s.metrics.handler())
	if err := s.openChannels(common.mux); err != nil {
		return err
	}
	pages := s.listener("console.listen", s.settings.Console.Listen)
	if err := s.openConsole(pages.closed); err != nil {
		return err
	}
	pages.mux.Handle("/console/", s.console)
	if s.chat != nil {
		common.mux.Handle("/", console.OtherMethods(common.mux, common.thisMachine(s.chat)))
		common.mux.Handle("/cgi-bin/", common.thisMachine(onlyLocal(s.api)))
	}
	return nil
}

// reloadOnHangup reads the knowledge again at SIGHUP. When that fails, the
// knowledge in force stays.
func (s *server) reloadOnHangup(ctx context.Context) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				if err := s.reload(ctx); err != nil {
					s.log.Error("hangup", slog.Any("error", err))
				}
			}
		}
	}()
	return func() {
		signal.Stop(hangup)
		cancel()
		<-ended
	}
}

// reload puts the knowledge as it is now in force, or leaves what is.
func (s *server) reload(ctx context.Context) (err error) {
	s.reloading.Lock()
	defer s.reloading.Unlock()
	defer func() { s.outdated(err) }()
	library, number, err := load(s.settings)
	if err == nil {
		err = swapIn(ctx, s.live, library, indexOptions(s.settings, func(text string) { s.log.Info(text) }))
	}
	if err != nil {
		return fmt.Errorf("knowledge not reloaded, the old one stays: %w", err)
	}
	s.version.Store(int64(number))
	s.countPassages()
	s.log.Info("knowledge reloaded", slog.String("version", library.Fingerprint), slog.Int("published", number))
	return nil
}

// outdated notes why the knowledge could not be brought up to date; nil: it could.
func (s *server) outdated(err error) { s.stale.Store(reason(err)) }

// reason is an error's text, or nil.
func reason(err error) *string {
	if err == nil {
		return nil
	}
	why := err.Error()
	return &why
}

func (s *server) countPassages() {
	if g, release, err := s.live.Acquire(); err == nil {
		s.metrics.passages.Set(float64(len(g.Library().Passages())))
		release()
	}
}
