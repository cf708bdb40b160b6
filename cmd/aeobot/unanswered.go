package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot/desk"
	"aeobot/bot/sheet"
	"aeobot/index"
	"aeobot/knowledge"
)

// shortKey is how much of a question's key the table shows, and the least that names it.
const shortKey = 8

// unansweredFlags say what is listed, where it goes, and what is settled.
type unansweredFlags struct {
	json, csv            bool
	xlsx, state          string
	solved, author, note string
}

func newUnanswered(g *global) *cobra.Command {
	var f unansweredFlags
	cmd := &cobra.Command{
		Use:   "unanswered [--state 状态] [--json | --csv | --xlsx 文件] [--solved 编号]",
		Short: "列出没答上的问题和读者认为答错的回答，或把一个记为已解决",
		Long: `列出知识库没有答案的问题和读者认为答得不对的回答，问得最多的在前；换了说法的同一个问题算一行。
默认列出还没了结的（open、assigned）；--state 可写 open、assigned、solved、rejected 或 all。
--solved 和表里的编号把一行记为已解决；之后又有人问而没答上，它会重新出现。

读的是配置里的存储。serve 运行时也能用：用内置存储时由 serve 代做。`,
		Args: arguments(cobra.NoArgs, "name a question with --solved"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			list := func() error {
				return g.atDesk(cmd.Context(), func(d *desk.Desk, i *index.Generation) error {
					rows, err := d.Rows(cmd.Context(), i)
					if err != nil {
						return err
					}
					if f.solved != "" {
						return f.solve(cmd.Context(), d, rows)
					}
					return f.write(cmd.OutOrStdout(), slices.DeleteFunc(slices.Clone(rows), f.leavesOut), i.Library())
				})
			}
			c, _, err := g.read()
			if err != nil {
				return err
			}
			return orServe(cmd, c, args, list)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.json, "json", false, "输出 JSON，每个问题一行")
	flags.BoolVar(&f.csv, "csv", false, "输出能用 Excel、WPS 打开的表格（UTF-8）")
	flags.StringVar(&f.xlsx, "xlsx", "", "写成 Excel 文件")
	flags.StringVar(&f.state, "state", "", "只列出这个状态的：open、assigned、solved、rejected、all")
	flags.StringVar(&f.solved, "solved", "", "把这个编号的问题记为已解决（至少前 6 位）")
	flags.StringVar(&f.author, "author", "", "谁记的（默认当前系统用户）")
	flags.StringVar(&f.note, "note", "", "备注，和 --solved 一起用")
	return cmd
}

// leastKey is the least of a key that names a question.
const leastKey = 6

// everyState lists rows however they stand.
const everyState = "all"

func (f *unansweredFlags) check() error {
	forms := 0
	for _, asked := range []bool{f.json, f.csv, f.xlsx != ""} {
		if asked {
			forms++
		}
	}
	switch {
	case forms > 1:
		return usageError{errors.New("--json, --csv and --xlsx exclude each other; choose one")}
	case f.state != "" && f.state != everyState && !slices.Contains(desk.Standings, desk.Standing(f.state)):
		return usageError{fmt.Errorf("--state %q is none; there are %v and %s", f.state, desk.Standings, everyState)}
	case f.solved != "" && len(f.solved) < leastKey:
		return usageError{fmt.Errorf("--solved %q is too short; give at least %d characters of the number in the list", f.solved, leastKey)}
	}
	if f.author == "" {
		f.author = systemUser()
	}
	return nil
}

// systemUser is who runs the program, or empty.
func systemUser() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// leavesOut tells that a row is not to be listed.
func (f *unansweredFlags) leavesOut(r desk.Row) bool {
	switch f.state {
	case "":
		return !r.Unfinished()
	case everyState:
		return false
	}
	return r.Mark.State != desk.Standing(f.state)
}

// atDesk does something at the coordinators' desk, over the store and the knowledge that
// the settings name.
func (g *global) atDesk(ctx context.Context, do func(*desk.Desk, *index.Generation) error) (err error) {
	live, c, err := g.openIndex(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, live.Swap(nil)) }()
	s, err := storeFor(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	d := desk.New(s, newPublisher(c, newExchange(c, s)), desk.Options{Keep: c.Unanswered.TTL, Audit: openAudit(c, s).Append})
	defer d.Close()
	i, release, err := live.Acquire()
	if err != nil {
		return err
	}
	defer release()
	return do(d, i)
}

// solve marks the one row that the number names.
func (f *unansweredFlags) solve(ctx context.Context, d *desk.Desk, rows []desk.Row) error {
	switch named := desk.Named(rows, f.solved); len(named) {
	case 0:
		return usageError{fmt.Errorf("--solved %q names no question; `aeobot unanswered` lists them", f.solved)}
	case 1:
		return d.Mark(ctx, named[0], desk.Mark{State: desk.Solved, By: f.author, Note: f.note})
	default:
		return usageError{fmt.Errorf("--solved %q names %d questions; give more of the number", f.solved, len(named))}
	}
}

func (f *unansweredFlags) write(out io.Writer, rows []desk.Row, l *knowledge.Library) error {
	switch {
	case f.json:
		return writeUnansweredJSON(out, rows)
	case f.csv:
		return sheet.CSV(out, desk.Table(rows, l))
	case f.xlsx != "":
		return writeWorkbook(f.xlsx, desk.Table(rows, l))
	}
	return writeUnanswered(out, rows, l)
}

// writeWorkbook writes a file that is there whole or not at all.
func writeWorkbook(path string, table [][]string) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".aeobot-*.xlsx")
	if err != nil {
		return usageError{fmt.Errorf("--xlsx: %w; name a file that can be written", err)}
	}
	err = sheet.XLSX(file, table)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return usageError{errors.Join(fmt.Errorf("--xlsx: %w", err), os.Remove(file.Name()))}
	}
	return nil
}

// listedRow is a row in JSON.
type listedRow struct {
	Key      string        `json:"key"`
	Question string        `json:"question"`
	Ways     []string      `json:"ways"`
	Count    int           `json:"count"`
	First    time.Time     `json:"first"`
	Last     time.Time     `json:"last"`
	Channels []string      `json:"channels"`
	Nearest  string        `json:"nearest"`
	Shown    []string      `json:"shown,omitempty"` // the answer that readers found wrong
	State    desk.Standing `json:"state"`
	To       string        `json:"to,omitempty"`
	Note     string        `json:"note,omitempty"`
}

func writeUnansweredJSON(out io.Writer, rows []desk.Row) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	for _, r := range rows {
		l := listedRow{Key: r.Key, Question: r.Question, Ways: []string{}, Count: r.Count, First: r.First, Last: r.Last, Channels: r.Channels,
			Nearest: r.Nearest, Shown: r.Shown, State: r.Mark.State, To: r.Mark.To, Note: r.Mark.Note}
		for _, w := range r.Ways {
			l.Ways = append(l.Ways, w.Question)
		}
		if err := e.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

// shownColumns are those of the desk's table that a terminal has room for.
var shownColumns = []string{"编号", "次数", "最近", "渠道", "最接近的原文", "状态", "问题"}

func writeUnanswered(out io.Writer, rows []desk.Row, l *knowledge.Library) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(out, "没有未答的问题")
		return err
	}
	table := desk.Table(rows, l)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, row := range table {
		var line []string
		for _, column := range shownColumns {
			text := printable(row[slices.Index(table[0], column)])
			if column == shownColumns[0] && i > 0 {
				text = text[:min(shortKey, len(text))]
			}
			line = append(line, text)
		}
		fmt.Fprintln(w, strings.Join(line, "\t"))
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
