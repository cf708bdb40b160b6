package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot"
)

// shortKey is how much of a question's key the table shows, and the least that names it.
const shortKey = 8

func newUnanswered(g *global) *cobra.Command {
	var asJSON, asCSV bool
	var solved string
	cmd := &cobra.Command{
		Use:   "unanswered [--json | --csv] [--solved 编号]",
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
			case asJSON && asCSV:
				return usageError{errors.New("--json and --csv exclude each other; choose one")}
			case asJSON:
				return writeUnansweredJSON(cmd.OutOrStdout(), list)
			case asCSV:
				return writeUnansweredCSV(cmd.OutOrStdout(), list)
			}
			return writeUnanswered(cmd.OutOrStdout(), list)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "输出 JSON，每个问题一行")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "输出能用 Excel、WPS 打开的表格（UTF-8）")
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

// writeUnansweredCSV writes a table for spreadsheet programs, which take CSV for UTF-8 only
// after a byte order mark.
func writeUnansweredCSV(out io.Writer, list []bot.Unanswered) error {
	if _, err := io.WriteString(out, "\ufeff"); err != nil {
		return err
	}
	w := csv.NewWriter(out)
	w.UseCRLF = true
	rows := [][]string{{"编号", "问题", "次数", "第一次", "最近", "渠道", "最接近的原文"}}
	for _, u := range list {
		rows = append(rows, []string{u.Key, u.Question, strconv.Itoa(u.Count), u.First.In(china).Format(time.DateTime),
			u.Last.In(china).Format(time.DateTime), strings.Join(u.Channels, " "), u.Nearest})
	}
	for _, row := range rows {
		for i := range row {
			row[i] = cell(row[i])
		}
		if err := w.Write(row); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// cell is a text that no spreadsheet program takes for a formula: one that begins like
// one gets an apostrophe, whatever white space and control characters stand before.
func cell(text string) string {
	text = printable(text)
	if strings.IndexAny(strings.TrimLeft(text, " \u3000\u00a0\ufeff"), "=+-@＝＋－＠") == 0 {
		return "'" + text
	}
	return text
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
