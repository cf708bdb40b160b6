// Command aeobot answers questions about incentives for AEO companies in WeCom,
// quoting its sources. main.go holds the commands, wire.go builds what they need
// from the settings; every other file is one command.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aeobot/bot/terminal"
)

// Exit statuses. 1 also means that ask found nothing or a check fell short.
const (
	exitDone  = 0
	exitShort = 1
	exitUsage = 2
)

// errShort ends a command with status 1 after it has said why itself.
var errShort = errors.New("fell short")

// usageError is a mistake in the call, the settings or the input: status 2.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

func main() { os.Exit(run(untilSignalled(), os.Args[1:])) }

// run executes one command line and gives its exit status.
func run(ctx context.Context, args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errShort):
		return exitShort
	case context.Cause(ctx) != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx))):
		fmt.Fprintln(os.Stderr, "aeobot: "+context.Cause(ctx).Error())
		return exitStatus(ctx)
	}
	var wrong usageError
	usage := errors.As(err, &wrong) || errors.Is(err, terminal.ErrInput)
	fmt.Fprintln(os.Stderr, "aeobot: "+complaint(err, usage)) // one line, whatever an error from below brings along
	if usage {
		return exitUsage
	}
	return exitShort
}

// global are the flags every command takes.
type global struct {
	config    string
	knowledge []string
	data      string
	redis     string
	flags     *pflag.FlagSet
}

func newRoot() *cobra.Command {
	g := &global{}
	root := &cobra.Command{
		Use:   "aeobot",
		Short: "企业微信里的 AEO 激励措施问答机器人：只引用原文，注明来源和日期",
		Long: `aeobot 用知识库里的原文回答问题，逐字引用，注明来源和日期；没有依据就直说没有。

不用任何配置就能试：
  aeobot ask 海关对AEO企业有何激励?
  aeobot chat`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		Version:           versionLine(),
		Args:              cobra.ArbitraryArgs,
		PersistentPreRunE: g.checkFlags,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q; see `aeobot --help`", args[0])}
			}
			return cmd.Help()
		},
	}
	flags := root.PersistentFlags()
	g.flags = flags
	flags.StringVar(&g.config, "config", "", "配置文件（YAML）")
	flags.StringArrayVar(&g.knowledge, "knowledge", nil, "知识文件或文件夹，可重复；代替随程序附带的文章")
	flags.StringVar(&g.data, "data", "", "数据文件夹（默认 ./data）")
	flags.StringVar(&g.redis, "redis", "", "Redis 地址；不写则用内置存储")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see `aeobot --help`", err)}
	})
	root.AddCommand(newServe(g), newAsk(g), newChat(g), newExplain(g), newEval(g), newKnowledge(g), newVerify(g), newAudit(g), newUnanswered(g), newForget(g), newSimulate(), newConsole(), newReader(), newDoctor(g), newHealth(g), newVersion())
	chinese(root)
	return root
}

// arguments makes cobra's complaints about arguments usage errors.
func arguments(check cobra.PositionalArgs, mend string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{fmt.Errorf("%w; %s", err, mend)}
		}
		return nil
	}
}
