package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/configs"
	"aeobot/index"
	"aeobot/index/eval"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
	"aeobot/knowledge/versions"
)

// publishedFolder is where in the data folder the published states lie.
const publishedFolder = "published"

func published(c configs.Config) *versions.Folder {
	return versions.Open(filepath.Join(c.DataDir, publishedFolder))
}

// state is one state of the knowledge: all its files.
type state struct {
	number int // 0: the shipped article, before anything was published
	files  map[string][]byte
}

// inForce is the state that is published, or the shipped article.
func inForce(c configs.Config) (state, error) {
	folder := published(c)
	head, some, err := folder.Head()
	if err != nil {
		return state{}, usageError{err}
	}
	if !some {
		return shippedState()
	}
	files, err := folder.Files(head)
	if err != nil {
		return state{}, usageError{err}
	}
	return state{head.Number, files}, nil
}

func shippedState() (state, error) {
	s := state{files: map[string][]byte{}}
	entries, err := fs.ReadDir(articles.FS, ".")
	if err != nil {
		return s, err
	}
	for _, e := range entries {
		if s.files[e.Name()], err = articles.FS.ReadFile(e.Name()); err != nil {
			return s, err
		}
	}
	return s, nil
}

// stateOf is the state of a number; 0 is the shipped article.
func stateOf(c configs.Config, number int) (state, error) {
	if number == 0 {
		return shippedState()
	}
	folder := published(c)
	v, err := folder.Get(number)
	if err != nil {
		return state{}, usageError{err}
	}
	files, err := folder.Files(v)
	if err != nil {
		return state{}, usageError{err}
	}
	return state{number, files}, nil
}

func (s state) library() (*knowledge.Library, error) {
	l, err := knowledge.LoadFiles(s.files, articles.FS)
	if err != nil {
		return nil, usageError{err}
	}
	return l, nil
}

// nextState is a state with files put in and others taken away.
func nextState(s desk.State, files map[string][]byte, without []string) (state, error) {
	next, err := s.With(files, without)
	if err != nil {
		return state{}, usageError{err}
	}
	return state{s.Number, next}, nil
}

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

// gate asks the judged questions, and what people asked, of both states and gives those
// that came out worse. It tells progress how many of all were asked.
func gate(ctx context.Context, was, is *knowledge.Library, questions []realQuestion, known *verdicts, progress func(asked, all int)) ([]eval.Difference, error) {
	exam, err := eval.Known()
	if err != nil {
		return nil, err
	}
	before, judged := known.of(was)
	asked, all := 0, 2*(exam.Len()+len(questions))
	if judged {
		all -= exam.Len()
	}
	tick := func() {
		asked++
		progress(asked, all)
	}
	if !judged {
		if before, err = judgeState(ctx, exam, was, tick); err != nil {
			return nil, err
		}
		known.keep(was, before)
	}
	after, err := judgeState(ctx, exam, is, tick)
	if err != nil {
		return nil, err
	}
	worse, err := realWorse(ctx, questions, was, is, tick)
	if err != nil {
		return nil, err
	}
	worse = append(after.WorseThan(before), worse...)
	placesOf(was, is).sayDifferences(worse)
	return worse, nil
}

// verdicts are those of the state that was judged last: the one in force is compared with
// every proposal.
type verdicts struct {
	mu          sync.Mutex
	fingerprint string
	all         eval.Verdicts
}

func (v *verdicts) of(l *knowledge.Library) (eval.Verdicts, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.all, v.fingerprint == l.Fingerprint
}

func (v *verdicts) keep(l *knowledge.Library, all eval.Verdicts) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fingerprint, v.all = l.Fingerprint, all
}

// sayProgress writes how far the questions are, once a second; what takes less is
// silent. It may be told by many at once.
func sayProgress(out io.Writer) func(asked, all int) { return progressAt(out, time.Now) }

func progressAt(out io.Writer, now func() time.Time) func(asked, all int) {
	var mu sync.Mutex
	last, said := now(), false
	return func(asked, all int) {
		mu.Lock()
		defer mu.Unlock()
		if now().Sub(last) > time.Second || said && asked == all {
			last, said = now(), true
			fmt.Fprintf(out, "评测 %d/%d\n", asked, all)
		}
	}
}

func judgeState(ctx context.Context, exam eval.Exam, l *knowledge.Library, tick func()) (v eval.Verdicts, err error) {
	live := &index.Live{}
	if err := swapIn(ctx, live, l, index.Options{}); err != nil {
		return v, err
	}
	defer func() { err = errors.Join(err, live.Swap(nil)) }()
	answer := answerer(bot.New(live, bot.NewMemory(), judging), l)
	return exam.Judge(ctx, namesOf(l), func(ctx context.Context, user, text, quote string) (eval.Answer, error) {
		tick()
		return answer(ctx, user, text, quote)
	})
}

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

func writeChanges(out io.Writer, changes []knowledge.Change) {
	for _, c := range changes {
		fmt.Fprintf(out, "%s %s\n", c.Name(), c.ID)
		for _, line := range c.Before {
			fmt.Fprintf(out, "  - %s\n", line)
		}
		for _, line := range c.After {
			fmt.Fprintf(out, "  + %s\n", line)
		}
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

func describeVersion(v versions.Version, current bool) string {
	text := fmt.Sprintf("%d  %s  %s", v.Number, v.At.In(china).Format("2006-01-02 15:04"), v.Author)
	if v.Approver != "" {
		text += "、" + v.Approver
	}
	text += "  " + v.Reason
	if v.Of > 0 {
		text += fmt.Sprintf("（恢复版本 %d）", v.Of)
	}
	if v.Override != "" {
		text += "（有问题变差：" + v.Override + "）"
	}
	if current {
		text += "  ← 现行"
	}
	return text
}

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
