package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot/audit"
	"aeobot/bot/boltstore"
	"aeobot/bot/pseudonym"
	"aeobot/bot/wecom/aibot"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/setup"
	"aeobot/configs"
	"aeobot/index"
	"aeobot/knowledge/versions"
)

func newDoctor(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "检查配置、知识、存储、时钟和企业微信是否就绪，逐条说怎么改",
		Long: `逐条检查：知识、存储、用 Redis 时各副本的版本是否一致、操作记录是否完整、监听地址，配置了渠道时再查时钟、长连接的网关、自建应用的凭据。
最后按顺序问“收不到消息？”的各项：程序和平台看得到的（最近收到的消息、长连接、客服账号、在岗的接待人员）直接写出来，
只有在管理后台看得到的（可使用的成员、额外的权限、外部群、企业认证），写明到哪个菜单去核对。
不登录长连接（那会顶掉正在用的连接），不发消息。有一条不通过则退出码为 1。`,
		Args: arguments(cobra.NoArgs, "it takes everything from the settings"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			library, c, err := g.loadLibrary()
			if err != nil {
				return err
			}
			d := &doctor{settings: c, out: cmd.OutOrStdout()}
			d.report("知识", fmt.Sprintf("%d 篇文章，%d 个可回答的段落，%d 条要改的地方（knowledge lint 列出）",
				len(library.Documents), len(library.Passages()), len(library.Findings())), nil)
			live := &index.Live{}
			d.report("索引", "建好了", swapIn(cmd.Context(), live, library, indexOptions(c, func(string) {})))
			d.store(cmd.Context())
			d.versions(cmd.Context())
			d.audit(cmd.Context())
			d.listen(cmd.Context())
			d.platform(cmd.Context())
			if err := live.Swap(nil); err != nil {
				return err
			}
			if d.failed {
				return errShort
			}
			return nil
		},
	}
}

// doctor checks one thing after the other and says what to mend.
type doctor struct {
	settings configs.Config
	out      io.Writer
	failed   bool
}

// checkWithin bounds one check.
const checkWithin = 5 * time.Second

// mend is an error with what to do about it.
type mend struct {
	err error
	how string
}

func (m mend) Error() string { return m.err.Error() + "。怎么改：" + m.how }
func (m mend) Unwrap() error { return m.err }

func (d *doctor) report(what, fine string, err error) {
	mark, text := "✓", fine
	if err != nil {
		mark, text, d.failed = "✗", err.Error(), true
	}
	fmt.Fprintf(d.out, "%s %s：%s\n", mark, what, text)
}

// store writes to the store the settings name. One that a running serve has open is
// asked through it.
func (d *doctor) store(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	s, err := openStore(d.settings, slog.New(slog.DiscardHandler))
	if errors.Is(err, boltstore.ErrInUse) {
		if err = askReady(ctx, d.settings.Listen, io.Discard); err != nil {
			err = mend{err, "存储文件被别的程序占用，而 serve 没有就绪；停掉占用它的程序"}
		}
		d.report("存储", "由运行中的 serve 使用，serve 已就绪", err)
		return
	}
	if err != nil {
		d.report("存储", "", mend{err, "按提示改 data_dir 或 redis.url"})
		return
	}
	err = s.Check(ctx)
	switch {
	case errors.Is(err, pseudonym.ErrKey):
		err = mend{err, "各副本的 store.key 要一样；换密钥时把原来的填进 store.former_key，再重启每个副本"}
	case err != nil && s.Kind() == "redis":
		err = mend{err, "核对 redis.url，确认 Redis 在运行、可写、没有满"}
	}
	kept, _ := s.Kept(ctx) // an error is the one of Check
	d.report("存储", s.Kind()+" 可读可写", errors.Join(err, s.Close()))
	switch {
	case err != nil:
	case kept:
		fmt.Fprintln(d.out, "· 存储的密钥：没有设 store.key，随机生成的一个留在存储里。只看得到键名的人查不出谁在哪里问过；能读到整个存储的人仍查得出，要防住就设 store.key（openssl rand -hex 32）")
	default:
		fmt.Fprintln(d.out, "· 存储的密钥：取自 store.key，读到整个存储也查不出谁在哪里问过（设密钥以前写下的，到期才消失）")
	}
}

// versions sees that the published versions are those of the other replicas.
func (d *doctor) versions(ctx context.Context) {
	if d.settings.Redis.URL.Reveal() == "" || len(d.settings.Knowledge.Paths) > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	s, err := openStore(d.settings, slog.New(slog.DiscardHandler))
	if err != nil {
		return // said above
	}
	e := newExchange(d.settings, s)
	found, err := e.parting(ctx)
	if err == nil {
		err = cmp.Or(found.err(), e.partedElsewhere(ctx))
	}
	switch {
	case errors.Is(err, versions.ErrDiverged):
		err = mend{err, "运行 aeobot knowledge versions 看两支版本，用 --adopt shared 或 --adopt local 选定一支"}
	case err != nil:
		err = mend{err, "先让存储可用，再检查一次"}
	}
	d.report("版本", "和其他副本一致", errors.Join(err, s.Close()))
}

// audit sees that the audit log is whole, and the one of the other replicas.
func (d *doctor) audit(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	p, close, err := compareAudit(ctx, d.settings)
	switch {
	case err != nil:
		err = mend{err, "先让存储和数据文件夹可用，再检查一次"}
	case p.At > 0:
		err = mend{cmp.Or(p.Broken, audit.ErrParted), "运行 aeobot audit verify 看从第几行起不同，用 --adopt shared 或 --adopt local 选定一份"}
	}
	d.report("操作记录", "逐行相符，和其他副本一致", errors.Join(err, close()))
}

// listen reports of each address whether it is free or already serves, and who may reach
// what there.
func (d *doctor) listen(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	serving := askReady(ctx, d.settings.Listen, io.Discard) == nil
	looked := map[string]bool{}
	for _, o := range openings(d.settings) {
		if !looked[o.address] {
			looked[o.address] = true
			d.address(o, serving)
		}
		fmt.Fprintf(d.out, "· 谁能打开 %s 的 %s：%s\n", o.address, o.path, o.to.chinese)
	}
}

// address reports whether one is free.
func (d *doctor) address(o opening, serving bool) {
	if serving {
		d.report("监听", o.address+" 上的 serve 已就绪", nil)
		return
	}
	l, err := net.Listen("tcp", o.address)
	if err != nil {
		d.report("监听", "", mend{err, "换一个 " + o.key + "，或停掉占用端口的程序"})
		return
	}
	d.report("监听", o.address+" 可用", l.Close())
}

// platform checks what the configured channels need of the platform.
func (d *doctor) platform(ctx context.Context) {
	w := d.settings.WeCom
	if !configured(d.settings) {
		fmt.Fprintln(d.out, "· 企业微信：没有配置渠道，serve 会打开本机试用群聊")
		return
	}
	see := sightOf(ctx, d.settings)
	d.report("时钟", "和平台一致", d.clock(ctx))
	if w.AIBot.BotID != "" {
		ctx, cancel := context.WithTimeout(ctx, checkWithin)
		defer cancel()
		err := aibot.Reach(ctx, w.AIBot.WSURL)
		if err != nil {
			err = mend{err, "放行到 " + w.AIBot.WSURL + " 的出站连接，或改 wecom.aibot.ws_url"}
		}
		d.report("长连接", "网关可达（没有登录；登录是否成功看 /readyz 的 long_connection）", err)
	}
	if w.App.Secret.Reveal() != "" {
		d.report("自建应用", "拿到了 access_token", d.token(ctx, "wecom.app", see.app))
	}
	if w.KF.Secret.Reveal() != "" {
		d.report("微信客服", "拿到了 access_token", d.token(ctx, "wecom.kf", see.kf))
	}
	if w.Robot.Key.Reveal() != "" {
		fmt.Fprintln(d.out, "· 消息推送：不发测试消息；能否送达看 /readyz 和群里的通知")
	}
	if w.AIBot.Token.Reveal() != "" || w.App.Token.Reveal() != "" || w.KF.Token.Reveal() != "" {
		fmt.Fprintln(d.out, "· 回调：平台能否访问到回调地址，只有在管理后台点“保存”才知道；失败原因看日志和 aeobot_callbacks_total")
	}
	d.setup(see.reports(ctx))
}

// setup asks the questions of the guide in their order. What is wrong counts; what the
// program cannot see people have to look at.
func (d *doctor) setup(reports []setup.Report) {
	product := ""
	for n, r := range reports {
		if r.Product != product {
			product = r.Product
			fmt.Fprintf(d.out, "\n收不到消息？——%s\n", product)
		}
		fmt.Fprintf(d.out, "%d. %s\n", n+1, r.Question)
		for _, f := range r.Findings {
			fmt.Fprintf(d.out, "   %s %s\n", f.Mark, f.Text)
			d.failed = d.failed || f.Mark == setup.Bad
		}
		for _, line := range r.Where {
			fmt.Fprintf(d.out, "   %s\n", line)
		}
	}
}

// clock compares this machine's with the platform's: a callback too far off is refused.
func (d *doctor) clock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	base := d.settings.WeCom.APIBaseURL
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, base, nil)
	if err != nil {
		return mend{err, "改 wecom.api_base_url"}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return mend{err, "放行到 " + base + " 的出站连接，或把 wecom.api_base_url 设为正向代理"}
	}
	response.Body.Close()
	theirs, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return nil // a proxy that says no date leaves nothing to compare
	}
	skew := time.Since(theirs).Abs().Round(time.Second)
	if limit := d.settings.WeCom.MaxClockSkew; limit > 0 && skew > limit/2 {
		return mend{fmt.Errorf("和平台差 %s", skew), "用 NTP 校准本机时间；差到 " + limit.String() + " 时回调会被拒绝（wecom.max_clock_skew）"}
	}
	return nil
}

// token asks the platform for an access_token with the credentials of a section.
func (d *doctor) token(ctx context.Context, section string, open func() (*api.Client, error)) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	client, err := open()
	if err != nil {
		return err
	}
	err = client.Check(ctx)
	var refused *api.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, api.ErrCredential):
		return mend{err, "核对 " + section + ".corp_id 和 " + section + ".secret（它自己的 Secret）"}
	case errors.Is(err, api.ErrUntrustedIP) && errors.As(err, &refused):
		return mend{err, "在应用的“企业可信IP”里加上 " + refused.Address()}
	}
	return mend{err, "放行到 " + d.settings.WeCom.APIBaseURL + " 的出站连接"}
}
