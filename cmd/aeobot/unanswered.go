package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot"
)

// shortKey is how much of a question's key the table shows, and the least that names it.
const shortKey = 8

func newUnanswered(g *global) *cobra.Command {
	var asJSON bool
	var solved string
	cmd := &cobra.Command{
		Use:   "unanswered [--json] [--solved 编号]",
		Short: "列出没答上的问题，或划掉一个",
		Long: `列出知识库没有答案的问题，问得最多的在前。划掉用 --solved 和表里的编号。

读的是配置里的存储。内置存储由运行中的 serve 占用，要先停下它；Redis 随时可读。`,
		Args: arguments(cobra.NoArgs, "name a question with --solved"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			c, err := g.settings()
			if err != nil {
				return err
			}
			s, err := openStore(c, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, s.Close()) }()
			list, err := s.Unanswered(cmd.Context())
			switch {
			case err != nil:
				return err
			case solved != "":
				return solve(cmd.Context(), s, list, solved)
			case asJSON:
				return writeUnansweredJSON(cmd.OutOrStdout(), list)
			}
			return writeUnanswered(cmd.OutOrStdout(), list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "输出 JSON，每个问题一行")
	cmd.Flags().StringVar(&solved, "solved", "", "划掉这个编号的问题（至少前 6 位）")
	return cmd
}

// leastKey is the least of a key that names a question.
const leastKey = 6

// solve takes the one question off the list whose key begins so.
func solve(ctx context.Context, s bot.Misses, list []bot.Unanswered, key string) error {
	if len(key) < leastKey {
		return usageError{fmt.Errorf("--solved %q is too short; give at least %d characters of the number in the list", key, leastKey)}
	}
	var found []string
	for _, u := range list {
		if strings.HasPrefix(u.Key, key) {
			found = append(found, u.Key)
		}
	}
	switch len(found) {
	case 0:
		return usageError{fmt.Errorf("--solved %q names no question; `aeobot unanswered` lists them", key)}
	case 1:
		return s.Solve(ctx, found[0])
	}
	return usageError{fmt.Errorf("--solved %q names %d questions; give more of the number", key, len(found))}
}

func writeUnansweredJSON(out io.Writer, list []bot.Unanswered) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	for _, u := range list {
		if err := e.Encode(u); err != nil {
			return err
		}
	}
	return nil
}

func writeUnanswered(out io.Writer, list []bot.Unanswered) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "没有未答的问题")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "编号\t次数\t最近\t渠道\t最接近的原文\t问题")
	for _, u := range list {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s\n", u.Key[:min(shortKey, len(u.Key))], u.Count, u.Last.In(china).Format(time.DateTime),
			strings.Join(u.Channels, ","), u.Nearest, printable(u.Question))
	}
	return w.Flush()
}

// china is where the operators' clock stands.
var china = time.FixedZone("Asia/Shanghai", 8*60*60)

// printable keeps control characters of a stranger's question out of the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}
