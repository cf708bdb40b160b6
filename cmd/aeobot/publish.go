package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/configs"
	"aeobot/knowledge"
)

// readWorking reads files and folders that are to be published; a file in GB18030 is
// published as UTF-8.
func readWorking(paths []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	take := func(file string) error {
		data, err := knowledge.ReadText(file)
		if err != nil {
			return usageError{err}
		}
		files[filepath.Base(file)] = data
		return nil
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			return nil, usageError{fmt.Errorf("%w; name files or folders that can be read", err)}
		}
		if !info.IsDir() {
			if err := take(p); err != nil {
				return nil, err
			}
			continue
		}
		entries, err := os.ReadDir(p)
		if err != nil {
			return nil, usageError{err}
		}
		for _, e := range entries {
			if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !knowledge.Takes(e.Name()) {
				continue
			}
			if err := take(filepath.Join(p, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// publishFlags say who publishes what and why.
type publishFlags struct {
	author, approver, reason, override string
	remove                             []string
	base                               int
	dry                                bool
}

func newPublish(g *global) *cobra.Command {
	var f publishFlags
	cmd := &cobra.Command{
		Use:   "publish --reason 原因 [文件或文件夹…]",
		Short: "把改好的文件发布成一个新版本：先评测，没有变差才生效",
		Long: `把文件放进现行的知识，作为一个有编号、作者、时间、原因的新版本发布；现行的知识是每次改动的底子：
只写 --remove 就只去掉那几个文件；什么都不写时取数据文件夹里 import 收进而还没有发布过的文件，以前发布过的旧版不会放回去。
发布前用评测问题和大家近来问过的问题（questions.ttl）把新旧两个版本各问一遍：哪个问题变差就逐个列出，不发布；确有理由时由第二个人（--approver）写明 --override 原因。
新教的问法也逐个问一遍：仍答不上、答到别处、问的东西原文没有写，都会列出。
规矩和群里、控制台一样：curation.people 为 2（默认）时要有第二个人，看过列出的内容后用 --approver 写上名字；只有一个人维护时设为 1。每次发布都记进操作记录（aeobot audit show）。
正在运行的 serve（所有副本）几秒内换用新版本。`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := g.settings()
			if err != nil {
				return err
			}
			files, err := f.files(cmd.OutOrStdout(), c, args)
			if err != nil {
				return err
			}
			return f.publish(cmd, c, files)
		},
	}
	flags := cmd.Flags()
	f.register(cmd)
	flags.StringVar(&f.override, "override", "", "有问题变差也发布的理由（要有 --approver）")
	flags.StringArrayVar(&f.remove, "remove", nil, "从知识里去掉的文件名，可重复")
	return cmd
}

// files are those that the command names. When it names none and takes none away, they are
// those that were imported.
func (f *publishFlags) files(out io.Writer, c configs.Config, args []string) (map[string][]byte, error) {
	switch {
	case len(args) > 0:
		return readWorking(args)
	case len(f.remove) > 0:
		return nil, nil
	}
	return imported(out, c)
}

// imported are the files of the data folder that import has put there and that are no old
// edition; of those it says so.
func imported(out io.Writer, c configs.Config) (map[string][]byte, error) {
	files, err := readWorking([]string{filepath.Join(c.DataDir, "knowledge")})
	if err != nil {
		return nil, err
	}
	head, err := inForce(c)
	if err != nil {
		return nil, err
	}
	earlier, err := earlierFiles(c)
	if err != nil {
		return nil, err
	}
	taken, old := desk.State{Files: head.files}.Imported(files, earlier)
	for _, name := range old {
		fmt.Fprintf(out, "%s 是以前用过的旧版，现行的已经改过或去掉，没有放进去；确要恢复，把文件名写在命令里。\n", filepath.Join(c.DataDir, "knowledge", name))
	}
	return taken, nil
}

// earlierFiles are the files of all states there were, the digest of each by its name.
func earlierFiles(c configs.Config) ([]map[string]string, error) {
	all, err := published(c).All()
	if err != nil {
		return nil, usageError{err}
	}
	shipped, err := shippedState()
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for name, data := range shipped.files {
		sums[name] = desk.Digest(data)
	}
	earlier := []map[string]string{sums}
	for _, v := range all {
		earlier = append(earlier, v.Files)
	}
	return earlier, nil
}

func (f *publishFlags) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.author, "author", "", "谁发布（默认当前系统用户）")
	flags.StringVar(&f.approver, "approver", "", "第二个人：看过差别和评测、同意发布的人")
	flags.StringVar(&f.reason, "reason", "", "为什么（必填）")
	flags.IntVar(&f.base, "base", -1, "看差别时的现行版本号：之后又发布过别的版本就不发布，重新列出差别")
	flags.BoolVar(&f.dry, "dry-run", false, "只列出差别（publish 连同评测结果），不发布")
}

// check fills in who and refuses what is incomplete.
func (f *publishFlags) check() error {
	if f.author == "" {
		f.author = systemUser()
	}
	switch {
	case strings.TrimSpace(f.author) == "":
		return usageError{errors.New("who publishes? name them with --author")}
	case strings.TrimSpace(f.reason) == "" && !f.dry:
		return usageError{errors.New("why? say so with --reason")}
	case f.override != "" && f.publication().Alone():
		return usageError{errors.New("--override needs a second person: name them with --approver")}
	}
	return nil
}

func (f *publishFlags) publish(cmd *cobra.Command, c configs.Config, files map[string][]byte) error {
	if err := f.check(); err != nil {
		return err
	}
	r, err := openReleaser(c)
	if err != nil {
		return err
	}
	return errors.Join(f.publishWith(cmd, c, r, files), r.close())
}

func (f *publishFlags) publishWith(cmd *cobra.Command, c configs.Config, r *releaser, files map[string][]byte) error {
	head, err := r.inForce()
	if err != nil {
		return err
	}
	next, err := nextState(head, files, f.remove)
	if err != nil {
		return err
	}
	is, err := next.library()
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if refused := desk.Refused(head.Library, is); len(refused) > 0 {
		fmt.Fprintf(out, "没有发布，要先改好：\n%s\n", strings.Join(refused, "\n"))
		return errShort
	}
	changes := knowledge.Diff(head.Library, is)
	if len(changes) == 0 {
		fmt.Fprintln(out, "和现行版本没有差别，不用发布。")
		return errShort
	}
	writeChanges(out, changes)
	writeFindings(out, desk.NewFindings(head.Library, is))
	questions, err := askedByPeople(cmd.Context(), c)
	if err != nil {
		why, err := notAsked(err)
		if err != nil {
			return err
		}
		fmt.Fprintln(out, why)
	}
	worse, err := r.publisher.judged(cmd.Context(), head.Library, is, questions, sayProgress(cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	writeWorse(out, worse)
	review, err := desk.ReviewOf(cmd.Context(), r.publisher, head.Library, desk.State{Files: next.files, Library: is}, "")
	if err != nil {
		return err
	}
	writeNotices(out, review.Notices)
	if f.dry {
		if len(worse) > 0 && f.override == "" {
			return errShort
		}
		return nil
	}
	if err := f.checkBase(out, head); err != nil {
		return err
	}
	number := head.Number + 1
	if err := r.release(cmd.Context(), out, number, f.publication(), worse, next.files); err != nil {
		return err
	}
	fmt.Fprintf(out, "已发布版本 %d（%s），正在运行的 serve 几秒内换用。\n", number, is.Fingerprint)
	return nil
}

// checkBase says when the changes are others than those that somebody has looked at.
func (f *publishFlags) checkBase(out io.Writer, head desk.State) error {
	if head.CheckBase(f.base) == nil {
		return nil
	}
	fmt.Fprintf(out, "没有发布：看差别时现行的是版本 %d，现在是版本 %d。以上是现在的差别，看过再来一次：--base %d\n", f.base, head.Number, head.Number)
	return errShort
}

func (f *publishFlags) publication() desk.Publication {
	way := desk.ByCommand
	if user := systemUser(); user != "" && !bot.SamePerson(user, f.author) {
		way += desk.Way("，系统用户 " + user) // --author is only what was typed
	}
	return desk.Publication{Author: f.author, Approver: f.approver, Reason: f.reason, Override: f.override, Way: way}
}
