package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// chinese gives the commands help in the operators' language.
func chinese(root *cobra.Command) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(cmd.OutOrStdout(), cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { writeHelp(cmd.OutOrStderr(), cmd); return nil })
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "help", Hidden: true, Short: "显示帮助", RunE: func(_ *cobra.Command, args []string) error {
		target, _, err := root.Find(args)
		if err != nil {
			return usageError{err}
		}
		return target.Help()
	}})
	describeHelp(root)
}

// describeHelp translates what cobra says of --help by itself.
func describeHelp(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	if f := cmd.Flags().Lookup("help"); f != nil {
		f.Usage = "显示帮助"
	}
	for _, c := range cmd.Commands() {
		describeHelp(c)
	}
}

func writeHelp(out io.Writer, cmd *cobra.Command) {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short
	}
	fmt.Fprintf(&b, "%s\n\n用法：\n  %s\n", about, cmd.UseLine())
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\n例子：\n%s\n", cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\n命令：\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-10s %s\n", c.Name(), c.Short)
			}
		}
	}
	writeFlags(&b, "选项", cmd.LocalFlags())
	writeFlags(&b, "通用选项", cmd.InheritedFlags())
	b.WriteString("\n退出码：0 完成（ask 为已答），1 没找到或检查未通过，2 用法、配置或输入有误。\n")
	_, _ = io.WriteString(out, b.String()) // help that cannot be shown has nobody to tell
}

func writeFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if flags.HasAvailableFlags() {
		fmt.Fprintf(b, "\n%s：\n%s", title, flags.FlagUsages())
	}
}
