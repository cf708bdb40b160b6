package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"aeobot/bot/desk"
	"aeobot/configs"
	"aeobot/knowledge"
)

// writeNotices lists what whoever publishes should have seen.
func writeNotices(out io.Writer, notices []desk.Notice) {
	if len(notices) > 0 {
		fmt.Fprintln(out, "请留意：")
	}
	for _, n := range notices {
		fmt.Fprintf(out, "  %s\n", n.Text)
		for _, c := range n.Clear {
			fmt.Fprintf(out, "    从 %s 里拿掉%s，这句就按教的回答\n", c.File, c.Clears())
		}
	}
}

// writeFindings lists what is doubtful in the files.
func writeFindings(out io.Writer, findings []string) {
	if len(findings) > 0 {
		fmt.Fprintln(out, "请核对：")
	}
	for _, f := range findings {
		fmt.Fprintf(out, "  %s\n", f)
	}
}

func writeWorse(out io.Writer, worse []desk.Difference) {
	if len(worse) == 0 {
		fmt.Fprintln(out, "评测：没有问题变差。")
		return
	}
	fmt.Fprintf(out, "评测：%d 个问题变差。\n", len(worse))
	for _, d := range worse {
		fmt.Fprintf(out, "  %s %s\n    应答 %s\n    现在 %s\n    改后 %s\n", d.ID, d.Question,
			orNothing(d.Expect), orNothing(d.Before), orNothing(d.After))
	}
}

func orNothing(names []string) string { return cmp.Or(strings.Join(names, "、"), "（无）") }

// writeChanges lists all that changes, and at the end how much that is.
func writeChanges(out io.Writer, changes []knowledge.Change) {
	kinds := map[string]int{}
	for _, c := range changes {
		fmt.Fprintf(out, "%s %s\n", c.Name(), c.ID)
		for _, line := range c.Before {
			fmt.Fprintf(out, "  - %s\n", line)
		}
		for _, line := range c.After {
			fmt.Fprintf(out, "  + %s\n", line)
		}
		kinds[c.Name()]++
	}
	if len(changes) > 0 {
		var counts []string
		for _, name := range slices.Sorted(maps.Keys(kinds)) {
			counts = append(counts, fmt.Sprintf("%s %d", name, kinds[name]))
		}
		fmt.Fprintf(out, "共 %d 处（%s），全部列在上面；一屏放不下时在命令后面加 | less 翻着看。\n", len(changes), strings.Join(counts, "，"))
	}
}

func newDiff(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "diff [版本 [版本] | 文件或文件夹…]",
		Short: "列出差别：收进的或写明的文件和现行版本、某版本和现行版本，或两个版本（0 为随程序附带的文章）",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.settings()
			if err != nil {
				return err
			}
			return diff(cmd.OutOrStdout(), c, args)
		},
	}
}

func diff(out io.Writer, c configs.Config, args []string) error {
	var sides []state
	var named []string
	if len(args) > 0 && !slices.ContainsFunc(args, func(a string) bool { _, err := os.Stat(a); return err != nil }) {
		named, args = args, nil
	}
	if len(args) > 2 {
		return usageError{errors.New("accepts at most 2 arg(s), received " + strconv.Itoa(len(args)) + "; name at most two versions, or files")}
	}
	for _, a := range args {
		n, err := strconv.Atoi(a)
		if err != nil || n < 0 {
			return usageError{fmt.Errorf("%q is no version; `aeobot knowledge versions` lists them", a)}
		}
		s, err := stateOf(c, n)
		if err != nil {
			return err
		}
		sides = append(sides, s)
	}
	if len(sides) < 2 {
		head, err := inForce(c)
		if err != nil {
			return err
		}
		if len(sides) == 0 { // what publishing would change
			files, err := (&publishFlags{}).files(out, c, named)
			if err != nil {
				return err
			}
			next, err := nextState(desk.State{Number: head.number, Files: head.files}, files, nil)
			if err != nil {
				return err
			}
			sides = []state{head, next}
		} else {
			sides = append(sides, head)
		}
	}
	before, err := sides[0].library()
	if err != nil {
		return err
	}
	after, err := sides[1].library()
	if err != nil {
		return err
	}
	changes := knowledge.Diff(before, after)
	writeChanges(out, changes)
	if len(changes) == 0 {
		fmt.Fprintln(out, "没有差别。")
	}
	return nil
}
