package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/intake"
)

func newKnowledge(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "knowledge",
		Short: "查看、检查、导入、发布知识，恢复以前的版本",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q; see `aeobot knowledge --help`", args[0])}
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newShow(g), newLint(g), newImport(g), newTemplate(), newDiff(g), newPublish(g), newRollback(g), newVersions(g))
	return cmd
}

func newShow(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "列出知识的提纲：文章和它登在哪里、节、条，以及编号、状态、依据和来源",
		Args:  arguments(cobra.NoArgs, "name files with --knowledge"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			library, _, err := g.loadLibrary()
			if err != nil {
				return err
			}
			return showLibrary(cmd.OutOrStdout(), library)
		},
	}
}

func showLibrary(out io.Writer, l *knowledge.Library) error {
	var b strings.Builder
	for _, d := range l.Documents {
		fmt.Fprintf(&b, "%s  《%s》 %s\n  文件 %s  sha256 %s  %d 字节\n", d.ID, d.Title, d.Date, d.Path, d.SHA256, len(d.Source))
		if d.Origin != nil {
			fmt.Fprintf(&b, "  原件 %s  sha256 %s\n", d.Origin.Name, d.Origin.SHA256)
		}
		showProvenance(&b, d.Provenance)
		for _, p := range d.Paragraphs {
			fmt.Fprintf(&b, "  段落 %s  行 %d  %s  %s\n", p.ID, p.Line, roleName(p.Role), shorten(p.Text))
			showNotes(&b, p.Notes)
		}
		for _, s := range d.Sections {
			fmt.Fprintf(&b, "  %s（%d 条）\n", s.Heading, len(s.Measures))
			for _, m := range s.Measures {
				fmt.Fprintf(&b, "    %2d  行 %-3d 字节 %d–%d  %s\n", m.Number, m.Line, m.Span.Start, m.Span.End, m.Text)
				showNotes(&b, m.Notes)
			}
		}
		showReferences(&b, d.References)
	}
	fmt.Fprintf(&b, "共 %d 个可回答的段落，版本 %s\n", len(l.Passages()), l.Fingerprint)
	for _, f := range l.Skipped {
		fmt.Fprintf(&b, "未读 %s（没有对应的读取方式）\n", f)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func showProvenance(b *strings.Builder, p knowledge.Provenance) {
	if p.URL != "" {
		fmt.Fprintf(b, "  网址 %s %s\n", p.URL, p.Read)
	}
	if p.Author != "" {
		fmt.Fprintf(b, "  作者 %s\n", p.Author)
	}
}

// showNotes writes what holds on which days, and where that was read.
func showNotes(b *strings.Builder, n knowledge.Notes) {
	for _, s := range n.States {
		fmt.Fprintf(b, "        %s（%s） %s–%s %s\n", s.Status.Name(), s.Status, s.From, s.To, s.Note)
		if s.Customer != "" {
			fmt.Fprintf(b, "        给客户看：%s\n", s.Customer)
		}
	}
	for _, basis := range n.Basis {
		fmt.Fprintf(b, "        依据 %s（%s，%s）\n", basis.Text, basis.Source, basis.Certainty.Name())
	}
}

// showReferences lists the pages that the bases cite, by key.
func showReferences(b *strings.Builder, references map[string]knowledge.Reference) {
	for _, key := range slices.Sorted(maps.Keys(references)) {
		r := references[key]
		fmt.Fprintf(b, "  来源 %s  %s %s\n        %s  %s 读：%s\n", key, r.Title, r.Number, r.URL, r.ReadOn, r.Read)
	}
}

func roleName(r knowledge.Role) string {
	names := map[knowledge.Role]string{knowledge.RoleIntroduction: "引言", knowledge.RoleClosing: "结语", knowledge.RoleAdvertising: "广告（不用于回答）"}
	if name, ok := names[r]; ok {
		return name
	}
	return "正文"
}

// shorten gives the first 30 characters.
func shorten(s string) string {
	if r := []rune(s); len(r) > 30 {
		return string(r[:30]) + "…"
	}
	return s
}

func newLint(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "lint [文件或文件夹…]",
		Short: "检查知识：逐条列出文件、行号和改法",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, path := range args {
				if err := g.flags.Set("knowledge", path); err != nil {
					return usageError{err}
				}
			}
			library, findings, err := g.lint()
			if err != nil {
				return err
			}
			for _, f := range findings {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			if len(findings) > 0 {
				return errShort
			}
			fmt.Fprintf(cmd.OutOrStdout(), "没有问题：%d 篇文章，%d 个可回答的段落\n", len(library.Documents), len(library.Passages()))
			return nil
		},
	}
}

// lint reads what the settings name, or the shipped article.
func (g *global) lint() (*knowledge.Library, []knowledge.Finding, error) {
	c, err := g.settings()
	if err != nil {
		return nil, nil, err
	}
	if len(c.Knowledge.Paths) == 0 {
		l, _, err := load(c)
		if err != nil {
			return nil, nil, err
		}
		return l, l.Findings(), nil
	}
	l, findings, err := knowledge.Lint(c.Knowledge.Paths, articles.FS)
	if err != nil {
		return nil, nil, usageError{err}
	}
	return l, findings, nil
}

func newImport(g *global) *cobra.Command {
	var replace, dry bool
	var date string
	cmd := &cobra.Command{
		Use:   "import [--dry-run] [--replace] [--date 日期] 文件…",
		Short: "把文件收进数据文件夹，列出提纲和问题",
		Long: `把文件收进数据文件夹：纯文本、Markdown（GB18030 转存为 UTF-8）、Word 文档（.docx）、网页（.html）、
问答表（.xlsx、.csv，格式见 aeobot knowledge template）。Word、网页和表格转成文本，问法等写进旁边的备注；
转出的文本就是以后引用的原文，请先用 --dry-run 看提纲。有一处问题就什么也不收。`,
		Example: `  aeobot knowledge import --dry-run 海关公告.docx
  aeobot knowledge import 海关公告.docx 常见问题.xlsx`,
		Args: arguments(cobra.MinimumNArgs(1), "name the files to import"),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := g.settings()
			if err != nil {
				return err
			}
			if _, err := time.Parse(time.DateOnly, date); date != "" && err != nil {
				return usageError{fmt.Errorf("--date %q is no day; write it like 2026-11-25", date)}
			}
			folder := filepath.Join(settings.DataDir, "knowledge")
			short := false
			for _, file := range args {
				ok, err := importFile(cmd, file, folder, date, replace, dry)
				if err != nil {
					return err
				}
				short = short || !ok
			}
			switch {
			case short:
				return errShort
			case !dry:
				fmt.Fprintln(cmd.OutOrStdout(), "看差别：aeobot knowledge diff；生效：aeobot knowledge publish --reason 原因 --approver 第二个人")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&replace, "replace", false, "替换已收进的同名文件")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "只预览，不写入")
	cmd.Flags().StringVar(&date, "date", "", "文件里没有日期时用这一天（Word、网页、表格），如 2026-11-25")
	return cmd
}

func newTemplate() *cobra.Command {
	return &cobra.Command{
		Use:   "template 文件.xlsx|文件.csv",
		Short: "写一份问答表的模板：节、编号、原文、问法、关键词、易混、状态、日期、备注",
		Long: `写一份问答表的模板，填好以后用 aeobot knowledge import 收进来。.xlsx 里另有一页填写说明。
不覆盖已有的文件。`,
		Example: "  aeobot knowledge template 问答.xlsx",
		Args:    arguments(cobra.ExactArgs(1), "name the file to write, .xlsx or .csv"),
		RunE: func(cmd *cobra.Command, args []string) error {
			makers := map[string]func() ([]byte, error){".xlsx": intake.Template, ".csv": intake.TemplateCSV}
			template, known := makers[strings.ToLower(filepath.Ext(args[0]))]
			if !known {
				return usageError{fmt.Errorf("no template for %q; name a file that ends in .xlsx or .csv", args[0])}
			}
			data, err := template()
			if err != nil {
				return err
			}
			f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				return usageError{fmt.Errorf("template: %w; name a file that is not there yet", err)}
			}
			_, err = f.Write(data)
			if err = errors.Join(err, f.Close()); err != nil {
				return fmt.Errorf("template: %w", err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "已写好", args[0])
			return nil
		},
	}
}

// importFile takes one file in; ok is false when problems in it were listed.
func importFile(cmd *cobra.Command, file, folder, date string, replace, dry bool) (ok bool, err error) {
	in, err := intake.ReadFile(cmd.Context(), file, intake.Options{Date: date, Progress: func(done, all int) {
		if done%2048 == 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s：已读 %d\n", filepath.Base(file), done)
		}
	}})
	if err != nil {
		return false, usageError{err}
	}
	out := cmd.OutOrStdout()
	if len(in.Problems) > 0 {
		fmt.Fprintf(out, "%s：%d 处问题，没有收进\n", in.Origin.Name, len(in.Problems))
		for _, p := range in.Problems {
			fmt.Fprintf(out, "  %s\n", p)
		}
		return false, nil
	}
	stored, err := knowledge.Store(folder, in.Files, replace, dry)
	if err != nil {
		return false, usageError{err}
	}
	report(out, in, stored, dry)
	return true, nil
}

// report lists what was taken in: all of the outline in a preview, else the headings.
func report(out io.Writer, in intake.Intake, stored knowledge.Stored, dry bool) {
	what := "已存为"
	switch {
	case dry:
		what = "将存为"
	case stored.Unchanged:
		what = "内容相同，未改动"
	}
	fmt.Fprintf(out, "%s %s", what, stored.Path)
	if in.Converted {
		fmt.Fprint(out, "（由 GB18030 转为 UTF-8）")
	}
	d, c := in.Document, in.Counts
	fmt.Fprintf(out, "\n《%s》 %s sha256 %s\n", d.Title, d.Date, d.SHA256)
	if d.Origin != nil {
		fmt.Fprintf(out, "  原件 %s（%s） sha256 %s\n", d.Origin.Name, in.Format, d.Origin.SHA256)
	}
	for _, s := range d.Sections {
		fmt.Fprintf(out, "  %s（%d 条）\n", s.Heading, len(s.Measures))
		for _, m := range s.Measures {
			if dry {
				fmt.Fprintf(out, "    %2d  %s\n", m.Number, m.Text)
			}
		}
	}
	for _, p := range d.Paragraphs {
		if dry {
			fmt.Fprintf(out, "  段落  %s\n", p.Text)
		}
	}
	fmt.Fprintf(out, "  共 %d 节、%d 条、%d 段", c.Sections, c.Measures, c.Paragraphs)
	if c.Asks+c.Keywords+c.Unlike+c.States > 0 {
		fmt.Fprintf(out, "；问法 %d、关键词 %d、易混 %d、状态 %d", c.Asks, c.Keywords, c.Unlike, c.States)
	}
	fmt.Fprintln(out)
	for _, w := range in.Warnings {
		fmt.Fprintf(out, "  提醒：%s\n", w)
	}
}
