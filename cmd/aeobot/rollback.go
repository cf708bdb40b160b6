package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"aeobot/configs"
	"aeobot/knowledge"
)

func newRollback(g *global) *cobra.Command {
	var f publishFlags
	cmd := &cobra.Command{
		Use:   "rollback --reason 原因 版本",
		Short: "恢复以前的一个版本（作为新版本发布，历史不丢）",
		Long: `把以前的一个版本作为新版本发布，历史不丢；先列出改动，不等评测。
curation.people 为 2（默认）时也要第二个人（--approver），只有一个人维护时设为 1。每次都记进操作记录。`,
		Args: arguments(cobra.ExactArgs(1), "name the version to bring back; `aeobot knowledge versions` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.settings()
			if err != nil {
				return err
			}
			number, err := strconv.Atoi(args[0])
			if err != nil || number < 0 {
				return usageError{fmt.Errorf("%q is no version; `aeobot knowledge versions` lists them", args[0])}
			}
			return f.rollback(cmd, c, number)
		},
	}
	f.register(cmd)
	return cmd
}

// rollback publishes an old state anew. It does not wait for the gate: what was in force
// before is the way out when something is wrong.
func (f *publishFlags) rollback(cmd *cobra.Command, c configs.Config, number int) error {
	if err := f.check(); err != nil {
		return err
	}
	r, err := openReleaser(c)
	if err != nil {
		return err
	}
	return errors.Join(f.rollbackWith(cmd, r, number), r.close())
}

func (f *publishFlags) rollbackWith(cmd *cobra.Command, r *releaser, number int) error {
	old, err := r.publisher.At(number)
	if err != nil {
		return err
	}
	head, err := r.inForce()
	if err != nil {
		return err
	}
	if head.Number == number {
		return usageError{fmt.Errorf("version %d is in force already", number)}
	}
	p, out := f.publication(), cmd.OutOrStdout()
	p.Back, p.Of = true, number
	fmt.Fprintf(out, "从现行的版本 %d 恢复到版本 %d 的内容：\n", head.Number, number)
	writeChanges(out, knowledge.Diff(head.Library, old.Library))
	if f.dry {
		return nil
	}
	if err := f.checkBase(out, head); err != nil {
		return err
	}
	if err := r.release(cmd.Context(), out, head.Number+1, p, nil, old.Files); err != nil {
		return err
	}
	fmt.Fprintf(out, "已恢复版本 %d 的内容，作为版本 %d 发布。\n", number, head.Number+1)
	return nil
}
