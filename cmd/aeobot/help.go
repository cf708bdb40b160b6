package main

import "github.com/spf13/cobra"

// helpTemplate is cobra's help in the operators' language.
const helpTemplate = `{{with or .Long .Short}}{{. | trimTrailingWhitespaces}}

{{end}}用法：
  {{if .HasAvailableSubCommands}}{{.CommandPath}} [选项] 命令 …{{else}}{{.UseLine}}{{end}}
{{if .HasAvailableSubCommands}}
命令：{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{end}}{{if .HasAvailableLocalFlags}}
选项：
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
通用选项：
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}
退出码：0 完成（ask 为已答），1 没找到或检查未通过，2 用法、配置或输入有误。
`

func chinese(root *cobra.Command) {
	root.SetHelpTemplate(helpTemplate)
	root.SetUsageTemplate(helpTemplate)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Use: "help", Hidden: true, Short: "显示帮助", RunE: func(cmd *cobra.Command, args []string) error {
		target, _, err := root.Find(args)
		if err != nil {
			return usageError{err}
		}
		return target.Help()
	}})
	root.InitDefaultHelpFlag()
	describeHelp(root)
}

func describeHelp(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	if f := cmd.Flags().Lookup("help"); f != nil {
		f.Usage = "显示帮助"
	}
	for _, c := range cmd.Commands() {
		describeHelp(c)
	}
}
