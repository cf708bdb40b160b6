package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/configs"
	"aeobot/knowledge/versions"
)

func newVersions(g *global) *cobra.Command {
	var a adoption
	var adopt string
	cmd := &cobra.Command{
		Use:   "versions",
		Short: "列出发布过的版本，核对没有被改动过、和其他副本一致；分成两支时选定一支",
		Long: `列出发布过的版本，并核对每个文件没有被改动过。
用 Redis 时还和 Redis 里（其他副本）的版本逐个比较。数据文件夹恢复了旧备份、Redis 清空或换了库、复制了数据文件夹、
两边断开时各自发布过，都可能让版本分成两支：同一个编号，两边不是同一个版本。这时列出从哪一号起不同、两边各是谁在什么时候
为什么发布的，退出码 1；选定以前，各副本照旧用自己的版本回答，不发布。

选定一支：
  --adopt shared  以 Redis 里的为准，本机不同的那些版本另存
  --adopt local   以本机的为准，放进 Redis 代替那里的，那里不同的那些版本另存到本机；
                  其他副本若还是另一支，再到那边用 --adopt shared
另存的版本在数据文件夹的 published/aside-日期-时间/编号/ 里，一个也不丢，照样能看；要再用时从那里重新发布：
  aeobot knowledge publish --reason 原因 --approver 第二个人 data/published/aside-日期-时间/000005
不用停下 serve，它几秒内换用选定的版本。操作记进操作记录（aeobot audit show）；它若也分成了两份，另用 aeobot audit verify --adopt 选定。
另存的版本里有、现行版本里没有的话，看过的人列进“更正”，由协调员决定发不发。
若是另一套系统误用了同一个 Redis，不要选定，给它另设 redis.key_prefix。`,
		Example: "  aeobot knowledge versions\n  aeobot knowledge versions --adopt shared --dry-run\n  aeobot knowledge versions --adopt shared",
		Args:    arguments(cobra.NoArgs, "it lists all; choose a chain with --adopt"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.settings()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("adopt") {
				return a.run(cmd, c, adopt)
			}
			return listVersions(cmd.Context(), cmd.OutOrStdout(), c)
		},
	}
	a.flags(cmd, &adopt)
	return cmd
}

func (a *adoption) flags(cmd *cobra.Command, adopt *string) {
	flags := cmd.Flags()
	flags.StringVar(adopt, "adopt", "", "分成两支时选定哪一支：shared（Redis 里的）或 local（本机的）")
	flags.BoolVar(&a.dry, "dry-run", false, "只列出两支和将要做什么，不改动")
	flags.BoolVar(&a.yes, "yes", false, "不再问，直接做")
	flags.StringVar(&a.author, "author", "", "谁选定的（默认当前系统用户）")
}

// check holds the flags to what they must be.
func (a *adoption) check(adopt string) error {
	if adopt != "shared" && adopt != "local" {
		return usageError{fmt.Errorf("--adopt %q: write shared (what is in Redis) or local (what is in the data folder)", adopt)}
	}
	if a.author = cmp.Or(strings.TrimSpace(a.author), systemUser()); a.author == "" {
		return usageError{errors.New("who chooses? name them with --author")}
	}
	return nil
}

func listVersions(ctx context.Context, out io.Writer, c configs.Config) error {
	folder := published(c)
	all, err := folder.All()
	if err != nil {
		return usageError{err}
	}
	for i, v := range all {
		fmt.Fprintln(out, describeVersion(v, i == 0))
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "还没有发布过；现行的是随程序附带的文章（版本 0）。")
	} else {
		n, files, err := folder.Verify()
		if err != nil {
			return usageError{err}
		}
		fmt.Fprintf(out, "%d 个版本、%d 个文件，和发布时逐字节相同。\n", n, files)
	}
	if err := listAsides(out, folder); err != nil {
		return usageError{err}
	}
	return compareVersions(ctx, out, c)
}

func listAsides(out io.Writer, folder *versions.Folder) error {
	asides, err := folder.Asides()
	if err != nil {
		return err
	}
	for _, aside := range asides {
		all, err := aside.All()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "另存的版本 %s：\n", aside.Root())
		for _, v := range all {
			fmt.Fprintln(out, "  "+describeVersion(v, false))
		}
	}
	return nil
}

// compareVersions says whether the versions are those of the other replicas.
func compareVersions(ctx context.Context, out io.Writer, c configs.Config) (err error) {
	if c.Redis.URL.Reveal() == "" {
		return nil
	}
	s, err := openStore(c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	e := newExchange(c, s)
	found, err := e.parting(ctx)
	switch {
	case err != nil:
		fmt.Fprintf(out, "没能和 Redis 里的版本比较：%v\n", err)
		return nil
	case found.partedAt > 0:
		e.show(ctx, out, found)
		fmt.Fprintln(out, "选定一支：aeobot knowledge versions --adopt shared（以 Redis 里的为准）或 --adopt local（以本机的为准）；先加 --dry-run 看会做什么。")
		return errShort
	}
	if err := e.partedElsewhere(ctx); errors.Is(err, versions.ErrDiverged) {
		fmt.Fprintln(out, "和 Redis 里的版本一致；但另有副本的版本是另一支，请到那边运行 aeobot knowledge versions。")
		return errShort
	}
	fmt.Fprintln(out, "和 Redis 里的版本一致。")
	return nil
}

// parting holds the chains against each other, the states of the shared store that are not
// here yet included: these may belong to another chain than those before them.
func (e exchange) parting(ctx context.Context) (comparison, error) {
	c, err := e.compare(ctx)
	if err != nil || c.partedAt > 0 || len(c.digests) <= c.head {
		return c, err
	}
	before := c.own
	for n := c.head + 1; n <= len(c.digests); n++ {
		v, err := e.proved(ctx, c, n)
		if errors.Is(err, versions.ErrChanged) || err == nil && v.Before != before {
			c.partedAt = n
			return c, nil
		}
		if err != nil {
			return c, fmt.Errorf("version %d: %w", n, err)
		}
		before = c.digests[n-1]
	}
	return c, nil
}

// proved reads a state of the shared store and proves it.
func (e exchange) proved(ctx context.Context, c comparison, n int) (versions.Version, error) {
	b, err := e.announced(ctx, n)
	if err != nil {
		return versions.Version{}, err
	}
	v, err := versions.Check(b.Record, b.Files)
	if err == nil && (v.Number != n || versions.DigestOf(b.Record) != c.digests[n-1]) {
		err = fmt.Errorf("%w: number %d of the shared store is another record than it says", versions.ErrChanged, n)
	}
	return v, err
}

// show writes both chains, number by number, from where they part.
func (e exchange) show(ctx context.Context, out io.Writer, c comparison) {
	fmt.Fprintf(out, "版本分成了两支：从版本 %d 起，本机（到 %d）和 Redis 里（到 %d）不是同一个版本。\n", c.partedAt, c.head, len(c.digests))
	for n := c.partedAt; n <= max(c.head, len(c.digests)); n++ {
		local, shared := "（没有）", "（没有）"
		if n <= c.head {
			local = chainLine(e.folder.Get(n))
		}
		if n <= len(c.digests) {
			shared = chainLine(e.proved(ctx, c, n))
		}
		fmt.Fprintf(out, "版本 %d\n  本机   %s\n  Redis  %s\n", n, local, shared)
	}
}

func chainLine(v versions.Version, err error) string {
	if err != nil {
		return "读不出来：" + err.Error()
	}
	return fmt.Sprintf("%s  指纹 %s", describeVersion(v, false), v.Fingerprint)
}

// adoption chooses one of two chains of versions. What the other has of its own is set
// aside.
type adoption struct {
	author   string
	dry, yes bool
}

func (a *adoption) run(cmd *cobra.Command, c configs.Config, adopt string) (err error) {
	if err := a.check(adopt); err != nil {
		return err
	}
	if c.Redis.URL.Reveal() == "" {
		return usageError{errors.New("--adopt chooses between the versions here and those in Redis; name it with redis.url or --redis")}
	}
	s, err := openStore(c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	e, out := newExchange(c, s), cmd.OutOrStdout()
	found, err := e.parting(cmd.Context())
	if err != nil {
		return err
	}
	if found.partedAt == 0 {
		fmt.Fprintln(out, "版本没有分成两支，不用选定，什么都没有改动。")
		return nil
	}
	e.show(cmd.Context(), out, found)
	choose := e.adoptShared
	plan := fmt.Sprintf("以 Redis 里的为准，到版本 %d；本机的版本 %d–%d 另存。", len(found.digests), found.partedAt, found.head)
	if adopt == "local" {
		choose = e.adoptLocal
		plan = fmt.Sprintf("以本机的为准，到版本 %d；Redis 里的版本 %d–%d 另存到本机。", found.head, found.partedAt, len(found.digests))
	}
	fmt.Fprintln(out, "将要："+plan)
	if a.dry {
		return nil
	}
	if !a.yes && !confirmed(cmd.InOrStdin(), out) {
		return errShort
	}
	aside, err := choose(cmd.Context(), found)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "已选定。另存在 %s。\n", aside)
	if err := openAudit(c, s).Append(cmd.Context(), a.author, "adopt versions", plan+"另存在 "+filepath.Base(aside)); err != nil {
		return fmt.Errorf("the versions are adopted, but the audit log does not have it: %w", err)
	}
	return nil
}

// confirmed asks before anything is changed.
func confirmed(in io.Reader, out io.Writer) bool {
	fmt.Fprint(out, "输入 yes 确认：")
	answer, _ := bufio.NewReader(in).ReadString('\n') // the end of the input is a no
	if strings.TrimSpace(answer) == "yes" {
		return true
	}
	fmt.Fprintln(out, "没有确认，什么都没有改动。")
	return false
}

// newAside makes the folder for what is set aside.
func (e exchange) newAside() (*versions.Folder, error) {
	return e.folder.NewAside(time.Now().In(china))
}

// adoptShared makes the shared store's chain the one here. All of it is proved first.
func (e exchange) adoptShared(ctx context.Context, c comparison) (string, error) {
	before := ""
	if c.partedAt > 1 {
		before = c.digests[c.partedAt-2]
	}
	for n := c.partedAt; n <= len(c.digests); n++ {
		v, err := e.proved(ctx, c, n)
		if err == nil && v.Before != before {
			err = versions.ErrDiverged
		}
		if err != nil {
			return "", fmt.Errorf("version %d of the shared store is not to be had, nothing was changed; choose the whole chain of a replica, with --adopt local there: %w", n, err)
		}
		before = c.digests[n-1]
	}
	aside, err := e.newAside()
	if err != nil {
		return "", err
	}
	if err := e.folder.SetAside(c.partedAt-1, aside); err != nil {
		return "", err
	}
	if err := e.sync(ctx); err != nil {
		return "", fmt.Errorf("the versions of before are in %s, but not all of the shared store's were fetched; run it again: %w", aside.Root(), err)
	}
	e.untellParted(ctx, c.own)
	return aside.Root(), nil
}

// adoptLocal makes the chain here the shared store's. What that has of its own is kept
// here before it goes.
func (e exchange) adoptLocal(ctx context.Context, c comparison) (string, error) {
	if c.head == 0 {
		return "", usageError{errors.New("there is no version here; run it where the chain is that is to stay")}
	}
	if _, _, err := e.folder.Verify(); err != nil {
		return "", fmt.Errorf("the versions here are not to be offered, nothing was changed: %w", err)
	}
	aside, err := e.newAside()
	if err != nil {
		return "", err
	}
	for n := c.partedAt; n <= len(c.digests); n++ {
		if err := e.keep(ctx, aside, n); err != nil {
			return "", fmt.Errorf("version %d of the shared store cannot be kept, nothing was changed: %w", n, err)
		}
	}
	var states []bot.Announcement
	for n := min(c.partedAt, c.head); n <= c.head; n++ {
		a, err := e.announcement(n)
		if err != nil {
			return "", err
		}
		states = append(states, a)
	}
	if _, err := e.shared.Replace(ctx, c.stored, states); err != nil {
		return "", fmt.Errorf("what Redis had is in %s; look again which versions it has now: %w", aside.Root(), err)
	}
	// Whether it was this call that replaced them is told by what is there now: a call that
	// is sent again after a lost reply finds others than it expects.
	if now, err := e.compare(ctx); err != nil || now.partedAt > 0 {
		return "", cmp.Or(err, errors.New("others have changed the versions in Redis meanwhile, nothing was changed here; look at them and choose again"))
	}
	return aside.Root(), e.sync(ctx)
}

// keep stores a state of the shared store in a folder; one that cannot be read, as it is.
func (e exchange) keep(ctx context.Context, aside *versions.Folder, n int) error {
	data, err := e.shared.Announced(ctx, n)
	if err != nil || data == nil {
		return err
	}
	b, err := unpack(data)
	if err == nil {
		_, err = versions.Check(b.Record, b.Files)
	}
	if err != nil {
		return os.WriteFile(filepath.Join(aside.Root(), fmt.Sprintf("%06d.json.gz", n)), data, 0o644)
	}
	return aside.Keep(n, b.Record, b.Files)
}
