package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"aeobot/configs"
	"aeobot/knowledge"
	"aeobot/knowledge/versions"
)

func newVerify(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "重读原文，证明答过的每一处引用都逐字在里面；改动过一个字节就不通过",
		Long: `重读所有原文（现行的、发布过的每个版本、随程序附带的），核对：
  · 现行知识的每一条都是原文里的那些字节；
  · serve 记下的每一处引用（answers.ttl 之内）：原文的哈希、字节位置、显示的文字；
  · 发布过的版本和各自的记录相符、前后相接，和操作记录里发布时记下的校验和一致
    （没有签名：能同时改写版本和操作记录的人仍能伪造；以前发布的没有记校验和，只说明）。
有一处不符就逐条列出，退出码 1。`,
		Args: arguments(cobra.NoArgs, "it proves everything in the data folder"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			library, c, err := g.loadLibrary()
			if err != nil {
				return err
			}
			v := &verification{out: cmd.OutOrStdout(), sources: map[string][]byte{}}
			if err := v.gather(cmd.Context(), c, library); err != nil {
				return err
			}
			v.passages(library)
			if err := v.answers(filepath.Join(c.DataDir, answersFolder)); err != nil {
				return err
			}
			return v.result()
		},
	}
}

// verification proves quotations against sources.
type verification struct {
	out     io.Writer
	sources map[string][]byte // by SHA-256

	quotations, answered, published, wrong int
}

func (v *verification) add(data []byte) {
	sum := sha256.Sum256(data)
	v.sources[hex.EncodeToString(sum[:])] = data
}

func (v *verification) fail(format string, args ...any) {
	v.wrong++
	fmt.Fprintf(v.out, "不符："+format+"\n", args...)
}

// gather reads every source again: the shipped article, every published state, and what
// the settings name.
func (v *verification) gather(ctx context.Context, c configs.Config, l *knowledge.Library) error {
	shipped, err := shippedState()
	if err != nil {
		return err
	}
	for _, data := range shipped.files {
		v.add(data)
	}
	folder := published(c)
	if _, _, err := folder.Verify(); errors.Is(err, versions.ErrChanged) {
		v.fail("%v", err)
	} else if err != nil {
		return usageError{err}
	}
	all, err := folder.All()
	if err != nil {
		return usageError{err}
	}
	v.published = len(all)
	if err := v.logged(ctx, c); err != nil {
		return err
	}
	v.states(folder, all)
	asides, err := folder.Asides()
	if err != nil {
		return usageError{err}
	}
	for _, aside := range asides { // what was answered from these before another chain was adopted
		all, err := aside.All()
		if err != nil {
			return usageError{err}
		}
		v.states(aside, all)
	}
	for _, d := range l.Documents {
		data, err := os.ReadFile(d.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // of a published state, or shipped: read above
		}
		if err != nil {
			return usageError{err}
		}
		v.add(data)
	}
	return nil
}

// logged holds the published states against what the audit log says of them.
func (v *verification) logged(ctx context.Context, c configs.Config) error {
	x, err := newCrossCheck(ctx, c)
	if errors.Is(err, versions.ErrChanged) {
		return nil // said already
	}
	if err != nil {
		return usageError{err}
	}
	for _, w := range x.wrong {
		v.fail("%s", w)
	}
	if len(x.wrong) > 0 {
		fmt.Fprintln(v.out, howToVouch)
	}
	if x.unvouched != "" {
		fmt.Fprintln(v.out, x.unvouched+"。")
	}
	return nil
}

// states reads the files of published states.
func (v *verification) states(folder *versions.Folder, all []versions.Version) {
	for _, version := range all {
		for name := range version.Files {
			data, err := os.ReadFile(filepath.Join(folder.Path(version), name))
			if err != nil {
				v.fail("版本 %d 的 %s 读不出来：%v", version.Number, name, err)
				continue
			}
			v.add(data)
		}
	}
}

// passages proves the knowledge in force.
func (v *verification) passages(l *knowledge.Library) {
	for _, d := range l.Documents {
		if _, there := v.sources[d.SHA256]; !there {
			v.fail("《%s》：读不到 sha256 为 %s 的原文", d.Title, d.SHA256)
		}
	}
	for _, p := range l.Passages() {
		v.quotation(quotedSource{p.ID, p.Document.SHA256, p.Span.Start, p.Span.End, digestOf(p.Text)}, "现行知识")
	}
}

// quotation proves one: the words shown are those bytes with white space folded.
func (v *verification) quotation(q quotedSource, where string) {
	v.quotations++
	source, there := v.sources[q.SHA256]
	switch {
	case !there:
		v.fail("%s %s：没有 sha256 为 %s 的原文，它被改动或删掉了", where, q.ID, q.SHA256)
	case q.Start < 0 || q.End > len(source) || q.Start >= q.End:
		v.fail("%s %s：字节 %d–%d 不在原文里", where, q.ID, q.Start, q.End)
	case digestOf(knowledge.Folded(source[q.Start:q.End])) != q.Text:
		v.fail("%s %s：原文字节 %d–%d 不是当时显示的文字", where, q.ID, q.Start, q.End)
	}
}

// maxAnswerLine bounds one line of the kept answers, in bytes.
const maxAnswerLine = 1 << 20

// answers proves what was kept of answers.
func (v *verification) answers(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.jsonl"))
	if err != nil {
		return usageError{err}
	}
	for _, file := range files {
		if err := v.day(file); err != nil {
			return usageError{err}
		}
	}
	return nil
}

func (v *verification) day(file string) (err error) {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxAnswerLine)
	for n := 1; lines.Scan(); n++ {
		var q quoted
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			v.fail("%s 第 %d 行读不懂：%s", filepath.Base(file), n, strings.TrimSpace(err.Error()))
			continue
		}
		v.answered++
		for _, s := range q.Shown {
			v.quotation(s, q.At.In(china).Format("2006-01-02 15:04:05")+" 的回答")
		}
	}
	return lines.Err()
}

func (v *verification) result() error {
	fmt.Fprintf(v.out, "核对了 %d 个回答、%d 个版本，共 %d 处引用，%d 处不符。\n", v.answered, v.published, v.quotations, v.wrong)
	if v.wrong > 0 {
		return errShort
	}
	return nil
}
