package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/bot/audit"
	"aeobot/configs"
)

// openAudit names the audit log of the data folder. Replicas on Redis share one; the
// embedded store is one replica's, whose file is enough.
func openAudit(c configs.Config, s bot.Shelf) *audit.Log {
	if c.Redis.URL.Reveal() == "" {
		s = nil
	}
	return audit.Open(c.DataDir, s)
}

func newAudit(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "操作记录：谁在什么时候做了什么",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q; see `aeobot audit --help`", args[0])}
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newAuditVerify(g), newAuditShow(g))
	return cmd
}

func newAuditVerify(g *global) *cobra.Command {
	var a adoption
	var adopt string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "核对操作记录没有被改动、抽掉或插进一行，和其他副本是同一份；分成两份时选定一份",
		Long: `逐行核对数据文件夹里的 audit.jsonl：每一行都带着上一行的校验和，改动、抽掉、插进任何一行都会指出第几行。
末尾整段被删去只有和别处的一份比较才看得出来：输出的校验和请另存一份，或比较各副本的输出。
用 Redis 时还和 Redis 里（其他副本）的一份比较。恢复了旧的数据文件夹、清空或换了 Redis、两边断开时各自记过，都可能分成两份：
这时列出从第几行起不同、两边各记了什么，退出码 1；选定以前，新的操作只记在本机，日志和 doctor 会说。

选定一份：
  --adopt shared  以 Redis 里的为准，本机不同的那些行另存
  --adopt local   以本机的（到第一处损坏为止）为准，放进 Redis 代替那里的；Redis 里不同的、本机损坏之后的那些行另存；
                  其他副本若还是另一份，再到那边用 --adopt shared。没用 Redis 而文件损坏时用这个
另存在数据文件夹的 audit-aside-日期-时间-here.jsonl（本机的）、-shared.jsonl（Redis 里的），一行也不丢。
不用停下 serve。选定这件事自己也记一行（aeobot audit show）。`,
		Example: "  aeobot audit verify\n  aeobot audit verify --adopt shared --dry-run\n  aeobot audit verify --adopt shared",
		Args:    arguments(cobra.NoArgs, "it verifies the log of the data folder (--data)"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.settings()
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("adopt") {
				return a.audit(cmd, c, adopt)
			}
			return verifyAudit(cmd.Context(), cmd.OutOrStdout(), c)
		},
	}
	a.flags(cmd, &adopt)
	return cmd
}

func verifyAudit(ctx context.Context, out io.Writer, c configs.Config) error {
	n, head, err := audit.Verify(c.DataDir)
	if err != nil {
		fmt.Fprintf(out, "前 %d 行无误，之后对不上：%v\n", n, err)
	} else {
		fmt.Fprintf(out, "%d 行，逐行相符，最后一行的校验和 %s\n", n, cmp.Or(head, "（无）"))
	}
	p, close, err2 := compareAudit(ctx, c)
	if err2 = errors.Join(err2, close()); err2 != nil {
		return fmt.Errorf("the log in Redis cannot be compared: %w", err2)
	}
	if showParting(out, p); err != nil || p.At > 0 {
		fmt.Fprintln(out, "选定一份：aeobot audit verify --adopt shared（Redis 里的）或 --adopt local（本机的），加 --dry-run 先看。")
		return errShort
	}
	return nil
}

// compareAudit holds the log here against the one that the replicas share, if there is one.
// close is to be called.
func compareAudit(ctx context.Context, c configs.Config) (p audit.Parting, close func() error, err error) {
	l, close, err := openShared(c)
	if err == nil {
		p, err = l.Compare(ctx)
	}
	return p, close, err
}

// openShared names the log with the store of the replicas. An embedded store stays alone: a
// running serve has it open.
func openShared(c configs.Config) (l *audit.Log, close func() error, err error) {
	if c.Redis.URL.Reveal() == "" {
		return audit.Open(c.DataDir, nil), func() error { return nil }, nil
	}
	s, err := openStore(c, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, func() error { return nil }, err
	}
	return openAudit(c, s), s.Close, nil
}

// maxListed bounds the lines that are listed of one side.
const maxListed = 20

func showParting(out io.Writer, p audit.Parting) {
	if p.At == 0 {
		return
	}
	fmt.Fprintf(out, "从第 %d 行起分成了两份。\n", p.At)
	for _, side := range []struct {
		name string
		all  []audit.Entry
	}{{"本机", p.Here}, {"Redis 里", p.There}} {
		fmt.Fprintf(out, "%s：%d 行\n", side.name, len(side.all))
		_ = writeAudit(out, side.all[:min(len(side.all), maxListed)])
		if len(side.all) > maxListed {
			fmt.Fprintf(out, "……还有 %d 行\n", len(side.all)-maxListed)
		}
	}
	if p.Broken != nil {
		fmt.Fprintf(out, "本机之后的行读不出来：%v\n", p.Broken)
	}
}

// audit chooses one of two audit logs.
func (a *adoption) audit(cmd *cobra.Command, c configs.Config, adopt string) (err error) {
	if err := a.check(adopt); err != nil {
		return err
	}
	l, close, err := openShared(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, close()) }()
	p, err := l.Compare(cmd.Context())
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if p.At == 0 {
		fmt.Fprintln(out, "操作记录没有分成两份，不用选定，什么都没有改动。")
		return nil
	}
	showParting(out, p)
	plan := fmt.Sprintf("以 Redis 里的为准，本机从第 %d 行起的另存", p.At)
	if adopt == "local" {
		plan = fmt.Sprintf("以本机的 %d 行为准，Redis 里从第 %d 行起的、本机损坏的另存", p.At-1+len(p.Here), p.At)
	}
	fmt.Fprintln(out, "将要："+plan+"。")
	if a.dry {
		return nil
	}
	if !a.yes && !confirmed(cmd.InOrStdin(), out) {
		return errShort
	}
	asides, err := l.Adopt(cmd.Context(), p, adopt == "shared", a.author, plan)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "已选定。另存在 %s。\n", strings.Join(asides, "、"))
	return nil
}

func newAuditShow(g *global) *cobra.Command {
	var n int
	cmd := &cobra.Command{
		Use:   "show",
		Short: "列出最近的操作，最新的在前",
		Args:  arguments(cobra.NoArgs, "it shows the log of the data folder (--data)"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.settings()
			if err != nil {
				return err
			}
			page, _, err := audit.Open(c.DataDir, nil).Page(0, n)
			if err != nil {
				return usageError{err}
			}
			return writeAudit(cmd.OutOrStdout(), page)
		},
	}
	cmd.Flags().IntVar(&n, "limit", 50, "最多列出多少行")
	return cmd
}

func writeAudit(out io.Writer, page []audit.Entry) error {
	for _, e := range page {
		if _, err := fmt.Fprintf(out, "%d  %s  %s  %s  %s\n", e.Number, e.At.In(china).Format("2006-01-02 15:04:05"),
			printable(e.Who), printable(e.What), printable(e.Object)); err != nil {
			return err
		}
	}
	return nil
}
