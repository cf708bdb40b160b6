package main

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/bot/terminal"
	"aeobot/index"
	"aeobot/index/eval"
	"aeobot/knowledge"
)

// evalFlags are the flags of both forms of eval.
type evalFlags struct {
	single, outOfScope, dialogs, compounds []string
	baseline                               string
	passages, queries                      string
	noise, calibrate, asJSON               bool
}

func newEval(g *global) *cobra.Command {
	var f evalFlags
	cmd := &cobra.Command{
		Use:   "eval [--single 文件] [--outofscope 文件] [--dialogs 文件] [--compound 文件] [--baseline 报告] | --passages 文件 --queries 文件",
		Short: "用判定好的问题检查答得对不对，列出每一处失误",
		Long:  "用判定好的问题检查答得对不对，列出每一处失误。不写文件时用随程序附带的那一套。",
		Args:  arguments(cobra.NoArgs, "name the files with --single, --outofscope, --dialogs, --compound or --passages and --queries"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return g.evaluate(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.single, "single", nil, "有答案的单个问题（JSON Lines），可重复")
	flags.StringArrayVar(&f.outOfScope, "outofscope", nil, "没有答案的问题，可重复")
	flags.StringArrayVar(&f.dialogs, "dialogs", nil, "多轮对话，可重复")
	flags.StringArrayVar(&f.compounds, "compound", nil, "一条消息里的几个问题，以及看似几个其实一个的，可重复")
	flags.StringVar(&f.baseline, "baseline", "", "以前用 --json 写下的报告；有问题变差则列出并以 1 退出")
	flags.StringVar(&f.passages, "passages", "", "任意文集：每行 {\"id\",\"title\",\"text\"}")
	flags.StringVar(&f.queries, "queries", "", "该文集的问题：每行 {\"id\",\"question\",\"relevant\":[…]}")
	flags.BoolVar(&f.noise, "noise", false, "再把问题打错（同音字、颠倒、漏字、繁体、全角、拼音）各问一遍，列出损失")
	flags.BoolVar(&f.calibrate, "calibrate", false, "换不同的作答门槛各问一遍，列出答对和拒答的比例")
	flags.BoolVar(&f.asJSON, "json", false, "输出 JSON")
	return cmd
}

func (g *global) evaluate(cmd *cobra.Command, f evalFlags) error {
	if f.passages != "" || f.queries != "" {
		return g.evaluateRetrieval(cmd, f)
	}
	exam, err := f.read()
	if err != nil {
		return usageError{err}
	}
	if f.calibrate {
		return g.calibrate(cmd, exam)
	}
	report, losses, err := g.examine(cmd, exam, index.Options{}, f.noise)
	if err != nil {
		return err
	}
	report.Losses = losses
	write := report.Write
	if f.asJSON {
		write = report.WriteJSON
	}
	if err := write(cmd.OutOrStdout()); err != nil {
		return err
	}
	return f.compare(cmd, report)
}

// read gives the questions the flags name; without any, those that come with the knowledge.
func (f evalFlags) read() (e eval.Exam, err error) {
	if len(f.single)+len(f.outOfScope)+len(f.dialogs)+len(f.compounds) == 0 {
		return eval.Known()
	}
	if e.Single, err = readAll(f.single, eval.ReadQuestions); err == nil {
		if e.OutOfScope, err = readAll(f.outOfScope, eval.ReadQuestions); err == nil {
			if e.Dialogs, err = readAll(f.dialogs, eval.ReadDialogs); err == nil {
				e.Compounds, err = readAll(f.compounds, eval.ReadCompounds)
			}
		}
	}
	return e, err
}

// compare holds the report against the baseline, if one is named.
func (f evalFlags) compare(cmd *cobra.Command, report eval.Report) error {
	if f.baseline == "" {
		return nil
	}
	before, err := eval.ReadReport(f.baseline)
	if err != nil {
		return usageError{err}
	}
	worse := report.Worse(before)
	for _, id := range worse {
		fmt.Fprintln(cmd.ErrOrStderr(), "aeobot: worse than the baseline: "+id)
	}
	if len(worse) > 0 {
		return errShort
	}
	return nil
}

// examine asks all questions through the engine people talk to.
func (g *global) examine(cmd *cobra.Command, e eval.Exam, o index.Options, noise bool) (report eval.Report, losses []eval.Loss, err error) {
	ctx := cmd.Context()
	library, settings, err := g.loadLibrary()
	if err != nil {
		return eval.Report{}, nil, err
	}
	live := &index.Live{}
	if err := swapIn(ctx, live, library, o); err != nil {
		return eval.Report{}, nil, err
	}
	defer live.Swap(nil)
	state, err := g.openChatState(settings)
	if err != nil {
		return eval.Report{}, nil, err
	}
	defer func() { err = errors.Join(err, state.Close()) }()
	all := e.Len()
	if noise {
		all += eval.Spoilt(e.Single)
	}
	contents, answer := namesOf(library), answerer(bot.New(live, state, judging), library)
	answer = ticking(answer, all, sayProgress(cmd.ErrOrStderr()))
	v, err := e.Judge(ctx, contents, answer)
	if err != nil {
		return eval.Report{}, nil, err
	}
	if noise {
		losses, err = eval.Losses(ctx, e.Single, v.Answerable, contents, answer)
	}
	return eval.NewReport(v), losses, err
}

// calibrate shows what each bar would give.
func (g *global) calibrate(cmd *cobra.Command, e eval.Exam) error {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "| bar | hit@1 | recall | refused | mean |\n|---:|---:|---:|---:|---:|\n")
	for step := range 13 {
		bar := 0.10 + 0.05*float64(step)
		report, _, err := g.examine(cmd, e, index.Options{Bar: bar}, false)
		if err != nil {
			return err
		}
		hit, recall, refused := report.Overall()
		fmt.Fprintf(out, "| %.2f | %.3f | %.3f | %.3f | %.3f |\n", bar, hit, recall, refused, (hit+refused)/2)
	}
	return nil
}

func readAll[V any](files []string, read func(string) ([]V, error)) ([]V, error) {
	var all []V
	for _, file := range files {
		some, err := read(file)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// judging are the options of the engines that questions are judged with. Nobody waits for
// one of so many answers, so no search has a limit in time: on a busy machine it would end
// all the rest.
var judging = bot.Options{}

// ticking tells progress of every question that is asked.
func ticking(answer eval.Answerer, all int, progress func(asked, all int)) eval.Answerer {
	asked := 0
	return func(ctx context.Context, user, text, quote string) (eval.Answer, error) {
		asked++
		progress(asked, all)
		return answer(ctx, user, text, quote)
	}
}

// answerer talks to the engine as the local surface does.
func answerer(engine *bot.Engine, library *knowledge.Library) eval.Answerer {
	return func(ctx context.Context, user, text, quote string) (eval.Answer, error) {
		r, err := engine.Answer(ctx, bot.Message{Asker: bot.Asker(user), Text: text, Quote: quote, Surface: terminal.Surface})
		if err != nil {
			return eval.Answer{}, err
		}
		a := eval.Answer{Act: r.Act, Remaining: r.Remaining, Text: r.Text}
		for _, p := range r.Parts {
			a.Parts = append(a.Parts, p.Answered)
		}
		for _, s := range r.Shown {
			name := s.ID
			if p, ok := library.Passage(s.ID); ok && p.Name != "" {
				name = p.Name
			}
			a.Shown = append(a.Shown, name)
		}
		return a, nil
	}
}

// namesOf lists what judged questions may name, section by section.
func namesOf(library *knowledge.Library) eval.Contents {
	c := eval.Contents{}
	for _, p := range library.Passages() {
		section := path.Dir(p.Name)
		c[section] = append(c[section], p.Name)
	}
	return c
}
