package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"aeobot/bot/console/login"
)

func newConsole() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "console",
		Short: "维护台的帐号",
		Long:  `维护台由 serve 提供，在 /console/。这里生成登录用的帐号。`,
		Args:  arguments(cobra.NoArgs, "see `aeobot console account --help`"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConsoleAccount())
	return cmd
}

func newConsoleAccount() *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:   "account 名字 --role reader|coordinator|admin",
		Short: "生成一个维护台帐号，打印要写进 console.accounts 的一行",
		Long: `从标准输入读密码（至少 12 个字；在终端里输两遍，不显示），打印要写进 console.accounts 的一行。
密码本身不保存，也不出现在这一行里。名字最好用本人的 userid：这样在聊天里和在维护台里算同一个人。

这一行含 $，写在命令行或环境变量里要用单引号；最好放进文件，用 console.accounts_file
（AEOBOT_CONSOLE_ACCOUNTS_FILE）指向它，每个帐号一行。`,
		Example: `  aeobot console account lin.yue --role coordinator >> accounts
  AEOBOT_CONSOLE_ACCOUNTS_FILE=accounts aeobot serve`,
		Args: arguments(cobra.ExactArgs(1), "name the person, best by user id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, ok := login.ParseRole(role)
			if !ok {
				return usageError{fmt.Errorf("--role %q: choose reader, coordinator or admin", role)}
			}
			password, err := readPassword(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr())
			if err != nil {
				return usageError{err}
			}
			account, err := login.NewAccount(args[0], r, password)
			if err != nil {
				return usageError{err}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), account.Line())
			return err
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "reader（只读）、coordinator（协调员）或 admin（管理员）")
	return cmd
}

// readPassword reads a line; at a terminal twice and without showing it.
func readPassword(ctx context.Context, in io.Reader, prompt io.Writer) (string, error) {
	lines := bufio.NewReader(interruptible(ctx, in))
	terminal, ok := in.(*os.File)
	if info, err := statOf(terminal, ok); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return readLine(lines)
	}
	if err := stty(ctx, terminal, "-echo"); err != nil {
		return "", fmt.Errorf("the terminal would show the password: %w; hand it over from a file or a pipe", err)
	}
	text, err := twice(lines, prompt)
	return text, errors.Join(err, stty(context.WithoutCancel(ctx), terminal, "echo"))
}

func statOf(f *os.File, ok bool) (os.FileInfo, error) {
	if !ok {
		return nil, os.ErrInvalid
	}
	return f.Stat()
}

// stty changes a setting of a terminal.
func stty(ctx context.Context, terminal *os.File, setting string) error {
	c := exec.CommandContext(ctx, "stty", setting)
	c.Stdin = terminal
	return c.Run()
}

func twice(lines *bufio.Reader, prompt io.Writer) (string, error) {
	var typed [2]string
	for i, text := range []string{"密码（至少 12 个字，不显示）：", "再输一遍："} {
		if _, err := io.WriteString(prompt, text); err != nil {
			return "", err
		}
		var err error
		if typed[i], err = readLine(lines); err != nil {
			return "", err
		}
		if _, err := io.WriteString(prompt, "\n"); err != nil {
			return "", err
		}
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two passwords differ; type them again")
	}
	return typed[0], nil
}

// readLine reads a line without its end.
func readLine(lines *bufio.Reader) (string, error) {
	line, err := lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("standard input: %w", err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.New("no password on standard input; type one, or pipe a file with one line")
	}
	return line, nil
}
