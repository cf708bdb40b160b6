package main

import (
	"cmp"
	"fmt"
	"io"

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
	return &cobra.Command{
		Use:   "verify",
		Short: "核对操作记录没有被改动、抽掉或插进一行",
		Long: `逐行核对数据文件夹里的 audit.jsonl：每一行都带着上一行的校验和，改动、抽掉、插进任何一行都会指出第几行。
末尾整段被删去只有和别处的一份比较才看得出来：输出的校验和请另存一份，或比较各副本的输出。`,
		Args: arguments(cobra.NoArgs, "it verifies the log of the data folder (--data)"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := g.settings()
			if err != nil {
				return err
			}
			n, head, err := audit.Verify(c.DataDir)
			if err != nil {
				fmt.Fprintf(cmd.OutOrStdout(), "前 %d 行无误，之后对不上：%v\n", n, err)
				return errShort
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%d 行，逐行相符，最后一行的校验和 %s\n", n, cmp.Or(head, "（无）"))
			return nil
		},
	}
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
