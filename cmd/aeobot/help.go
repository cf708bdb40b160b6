package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// chinese gives the commands help in the operators' language.
func chinese(root *cobra.Command) {
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { writeHelp(cmd.OutOrStdout(), cmd) })
	root.SetUsageFunc(func(cmd *cobra.Command) error { writeHelp(cmd.OutOrStderr(), cmd); return nil })
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetHelpCommand(&cobra.Command{Use: "help", Hidden: true, Short: "显示帮助", RunE: func(_ *cobra.Command, args []string) error {
		target, _, err := root.Find(args)
		if err != nil {
			return usageError{err}
		}
		return target.Help()
	}})
	root.InitDefaultCompletionCmd()
	describeCompletion(root)
	describeHelp(root)
}

// completions are how each shell takes its completion script.
var completions = map[string]string{
	"bash":       "  source <(aeobot completion bash)                                   # 只在这个终端里\n  aeobot completion bash > /etc/bash_completion.d/aeobot             # 以后都有，要装 bash-completion",
	"zsh":        "  source <(aeobot completion zsh)                                    # 只在这个终端里\n  aeobot completion zsh > \"${fpath[1]}/_aeobot\"                      # 以后都有",
	"fish":       "  aeobot completion fish | source                                    # 只在这个终端里\n  aeobot completion fish > ~/.config/fish/completions/aeobot.fish    # 以后都有",
	"powershell": "  aeobot completion powershell | Out-String | Invoke-Expression      # 写进 $PROFILE 则以后都有",
}

// describeCompletion translates what cobra says of completion by itself.
func describeCompletion(root *cobra.Command) {
	all := root.Commands()
	completion := all[slices.IndexFunc(all, func(c *cobra.Command) bool { return c.Name() == "completion" })]
	completion.Short, completion.Long = "生成命令行补全脚本", "生成 bash、zsh、fish 或 powershell 的补全脚本：按 Tab 补全命令和选项。"
	completion.Args = arguments(cobra.NoArgs, "choose bash, zsh, fish or powershell")
	completion.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	for _, c := range completion.Commands() {
		c.Short, c.Long, c.Example = c.Name()+" 的补全脚本", "把 "+c.Name()+" 的补全脚本写到标准输出。", completions[c.Name()]
		if f := c.Flags().Lookup("no-descriptions"); f != nil {
			f.Usage = "补全时不带说明"
		}
	}
}

// describeHelp translates what cobra says of --help by itself.
func describeHelp(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	if f := cmd.Flags().Lookup("help"); f != nil {
		f.Usage = "显示帮助"
	}
	cmd.InitDefaultVersionFlag()
	if f := cmd.Flags().Lookup("version"); f != nil {
		f.Usage = "显示版本"
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
