package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/bot/terminal"
)

func newAsk(g *global) *cobra.Command {
	var asJSON bool
	var day string
	cmd := &cobra.Command{
		Use:     "ask [--json] [--as-of 日期] 问题…",
		Short:   "问一个问题，不记对话",
		Args:    arguments(cobra.MinimumNArgs(1), "write the question after `aeobot ask`"),
		Example: "  aeobot ask 优先通关如何实现?",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if err := checkDay(day); err != nil {
				return err
			}
			live, settings, err := g.openIndex(cmd.Context())
			if err != nil {
				return err
			}
			defer live.Swap(nil)
			past := newEditions(settings)
			defer func() { err = errors.Join(err, past.Close()) }()
			engine := bot.New(live, nil, engineOptions(bot.Options{SearchWithin: answerWithin, Handover: handover(settings), Editions: past}))
			answered, err := terminal.Ask(cmd.Context(), engine, cmd.OutOrStdout(), strings.Join(args, " "), day, asJSON)
			if err != nil {
				return err
			}
			if !answered {
				return errShort
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "输出一个 JSON 对象")
	cmd.Flags().StringVar(&day, "as-of", "", "按哪一天作答，如 2026-03-31（默认今天）")
	return cmd
}

func checkDay(day string) error {
	if day == "" {
		return nil
	}
	if t, err := time.Parse(time.DateOnly, day); err != nil || t.Year() < 1 { // there was no year 0
		return usageError{fmt.Errorf("--as-of %q is no date; write it like 2026-03-31", day)}
	}
	return nil
}

func newChat(g *global) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "chat [--json]",
		Short: "在终端里对话；加 --json 逐行读写 JSON",
		Long: `在终端里对话，记得前面给出过的内容（更多、第3条）。

输入“退出”、exit、quit，或按 Ctrl-C、Ctrl-D 结束。
对话只在程序运行期间记住；给了 --data 或 --redis 则存下来，下次接着谈。
加 --json：每行读一个 {"chat":"g1","user":"u1","text":"…"}，引用了别的消息时加 "quote":"被引用的文字"；
每行回一个结果，顺序相同。`,
		Args: arguments(cobra.NoArgs, "type the questions after the prompt, or use `aeobot ask`"),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			live, settings, err := g.openIndex(cmd.Context())
			if err != nil {
				return err
			}
			defer live.Swap(nil)
			state, err := g.openChatState(settings)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, state.Close()) }()
			past := newEditions(settings)
			defer func() { err = errors.Join(err, past.Close()) }()
			options := engineOptions(bot.Options{SearchWithin: answerWithin, Handover: handover(settings), Editions: past})
			if g.keeps() {
				options.Unanswered = state
			}
			engine, in := bot.New(live, state, options), interruptible(cmd.Context(), cmd.InOrStdin())
			if asJSON {
				return terminal.ChatJSON(cmd.Context(), engine, in, cmd.OutOrStdout())
			}
			fmt.Fprintln(cmd.OutOrStdout(), bot.TextWelcome+"\n（输入“退出”或按 Ctrl-C 结束）")
			return terminal.Chat(cmd.Context(), engine, in, cmd.OutOrStdout(), "\n> ")
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "逐行读写 JSON")
	return cmd
}

func newExplain(g *global) *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:   "explain [--json] 问题…",
		Short: "说明一个问题是怎么读、怎么排、怎么定的",
		Args:  arguments(cobra.MinimumNArgs(1), "write the question after `aeobot explain`"),
		RunE: func(cmd *cobra.Command, args []string) error {
			live, _, err := g.openIndex(cmd.Context())
			if err != nil {
				return err
			}
			defer live.Swap(nil)
			return explain(cmd, live, strings.Join(args, " "), limit, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "输出 JSON，每个问题一个对象")
	cmd.Flags().IntVar(&limit, "limit", 5, "列出几个候选，0 为全部")
	return cmd
}
