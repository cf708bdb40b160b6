package desk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"aeobot/bot"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// proposal is a way to ask that somebody wants the bot to know.
type proposal struct {
	ID       string      `json:"id"`
	File     string      `json:"file"` // the notes it goes into
	Edit     curate.Edit `json:"edit"`
	Place    string      `json:"place"`
	Author   string      `json:"author"`
	At       time.Time   `json:"at"`
	Question string      `json:"question"`
	// Base is the state it was judged against, and Worse what the gate named. Judged is
	// false until the gate has been through; Trouble is why it could not.
	Base    int      `json:"base"`
	Judged  bool     `json:"judged"`
	Worse   []string `json:"worse,omitempty"`
	Trouble string   `json:"trouble,omitempty"`
	// Published is the number it was published under; 0: not yet.
	Published int `json:"published,omitempty"`

	version uint64
}

const (
	proposals = "proposals"
	// proposalKeep is how long a proposal waits to be confirmed.
	proposalKeep = 14 * 24 * time.Hour
	// publishedKeep is how long a published one is known, for a message delivered again.
	publishedKeep = 24 * time.Hour
	// maxAsk bounds a way to ask, in characters.
	maxAsk = 200
)

func (d *Desk) load(ctx context.Context, id string) (proposal, error) {
	i, err := d.store.Get(ctx, proposals, strings.ToUpper(strings.TrimSpace(id)))
	if err != nil || i.Version == 0 {
		return proposal{}, err
	}
	return read(i)
}

func read(i bot.Item) (p proposal, err error) {
	if err := json.Unmarshal(i.Data, &p); err != nil {
		return proposal{}, fmt.Errorf("desk: proposal %s: %w", i.ID, err)
	}
	p.version = i.Version
	return p, nil
}

func (d *Desk) save(ctx context.Context, p *proposal, keep time.Duration) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("desk: %w", err)
	}
	if err := d.store.Put(ctx, proposals, p.ID, data, p.version, keep); err != nil {
		return err
	}
	p.version++
	return nil
}

// target is what was said of where a way to ask belongs: 海关直接激励措施 5, 第5条 with
// or without a space, or the measure's own words; what follows is the way to ask.
var numberWords = regexp.MustCompile(`^第?\s*([0-9]{1,3})\s*条?(?:\s+|$)`)

// place finds the passage that is meant, and gives what was said after it.
func place(l *knowledge.Library, said string) (p knowledge.Passage, rest string, why string) {
	said = strings.TrimSpace(said)
	var named []knowledge.Passage
	for _, q := range l.Passages() {
		if q.Text != "" && strings.HasPrefix(said, q.Text) {
			return q, strings.TrimSpace(said[len(q.Text):]), ""
		}
	}
	for _, doc := range l.Documents {
		for _, s := range doc.Sections {
			tail, ok := strings.CutPrefix(said, s.Heading)
			tail = strings.TrimSpace(tail)
			m := numberWords.FindStringSubmatch(tail)
			if !ok || m == nil {
				continue
			}
			n, err := strconv.Atoi(m[1])
			if err != nil {
				continue
			}
			for _, q := range doc.Passages() {
				if q.Section == s && q.Number == n {
					named = append(named, q)
					rest = strings.TrimSpace(tail[len(m[0]):])
				}
			}
		}
	}
	switch len(named) {
	case 1:
		return named[0], rest, ""
	case 0:
		var headings []string
		for _, doc := range l.Documents {
			for _, s := range doc.Sections {
				headings = append(headings, s.Heading)
			}
		}
		return p, "", "没有认出是哪一条。写成：/教 节名 第几条。节有：" + strings.Join(headings, "、")
	}
	return p, "", "有几篇文章都有这一节，请写那一条的原文。"
}

// skeleton is a file of notes for a document that has none.
func skeleton(doc *knowledge.Document) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "document: %q\nsha256: %s\nsections:\n", doc.ID, doc.SHA256)
	for _, s := range doc.Sections {
		fmt.Fprintf(&b, "  - heading: %q\n    measures:\n", s.Heading)
		for _, m := range s.Measures {
			fmt.Fprintf(&b, "      - number: %d\n", m.Number)
		}
	}
	return []byte(b.String())
}

// apply puts a proposal's edit into files.
func (p *proposal) apply(s State) (map[string][]byte, error) {
	files := maps.Clone(s.Files)
	notes, ok := files[p.File]
	if !ok {
		id := strings.TrimSuffix(p.File, knowledge.NotesSuffix)
		i := slices.IndexFunc(s.Library.Documents, func(d *knowledge.Document) bool { return d.ID == id })
		if i < 0 {
			return nil, curate.ErrPlace
		}
		notes = skeleton(s.Library.Documents[i])
	}
	changed, err := p.Edit.Apply(notes)
	if err != nil {
		return nil, err
	}
	files[p.File] = changed
	return files, nil
}

func (d *Desk) teach(c call) (string, error) {
	state, err := d.publisher.InForce()
	if err != nil {
		return "", err
	}
	passage, question, why := place(state.Library, c.rest)
	if why != "" {
		return why, nil
	}
	if question == "" {
		question = withoutMention(c.quote)
	}
	switch {
	case question == "":
		return "教哪一个问法？引用没答上的问题再发，或把问法写在后面：/教 " + placeOf(passage) + " 问法", nil
	case len([]rune(question)) > maxAsk:
		return fmt.Sprintf("问法不要超过 %d 个字。", maxAsk), nil
	case passage.Number == 0:
		return "段落的问法请改备注文件。", nil
	}
	p := proposal{ID: proposalID(c.id), File: passage.Document.ID + knowledge.NotesSuffix, Place: placeOf(passage), Author: c.who, At: d.o.Now().UTC(),
		Question: question, Edit: curate.Edit{Section: passage.Heading, Number: passage.Number, Ask: question}, Base: state.Number}
	switch _, err := p.apply(state); {
	case errors.Is(err, curate.ErrThere):
		return "这一条已经有这个问法了。", nil
	case err != nil:
		return "这份备注的写法放不进去，请手工改 " + p.File + "。", nil
	}
	switch err := d.save(c.ctx, &p, proposalKeep); {
	case errors.Is(err, bot.ErrStale):
		return p.made(d.o.People, passage), nil // the same message, again
	case err != nil:
		return "", err
	}
	d.o.Log.Info("proposal made", slog.Any("asker", bot.Asker(c.who)), slog.String("proposal", p.ID))
	d.work.Go(func() { d.judge(p) })
	return p.made(d.o.People, passage), nil
}

// proposalID names a proposal by the message that made it.
func proposalID(message string) string {
	if message == "" {
		return rand.Text()[:4]
	}
	sum := sha256.Sum256([]byte("proposal\x00" + message))
	return base32.StdEncoding.EncodeToString(sum[:])[:4]
}

// made says that a proposal was made, and what comes next.
func (p *proposal) made(people int, passage knowledge.Passage) string {
	next := "请另一位协调员回复 /准 " + p.ID
	if people == 1 {
		next = "几秒后回复 /准 " + p.ID + " 发布"
	}
	return fmt.Sprintf("提议 %s：把“%s”作为%s的问法：\n%s\n正在评测；%s", p.ID, bot.Disarm(p.Question), p.Place, bot.Disarm(passage.Text), next)
}

// judgeWithin bounds a gate.
const judgeWithin = 2 * time.Minute

// judge runs the gate for a proposal against the state in force, and keeps what it found.
func (d *Desk) judge(p proposal) {
	d.judging.Lock()
	defer d.judging.Unlock()
	ctx, cancel := context.WithTimeout(d.ctx, judgeWithin)
	defer cancel()
	state, err := d.publisher.InForce()
	if err == nil {
		p.Base, p.Judged, p.Worse, p.Trouble = state.Number, true, nil, ""
		p.Worse, err = d.gate(ctx, state, &p)
	}
	if err != nil {
		p.Trouble = "评测没有做成"
		d.o.Log.Warn("proposal not judged", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	if err := d.save(context.WithoutCancel(ctx), &p, proposalKeep); err != nil && !errors.Is(err, bot.ErrStale) {
		d.o.Log.Warn("proposal's judgement not kept", slog.String("proposal", p.ID), slog.Any("error", err))
	}
}

func (d *Desk) gate(ctx context.Context, s State, p *proposal) ([]string, error) {
	files, err := p.apply(s)
	if err != nil {
		return nil, err
	}
	library, err := d.publisher.Read(files)
	if err != nil {
		return nil, err
	}
	return d.publisher.Gate(ctx, s.Library, library)
}

// still is what an approver writes who publishes although something got worse.
const still = "仍然"

func (d *Desk) approve(c call) (string, error) {
	id, rest, _ := strings.Cut(c.rest, " ")
	p, err := d.load(c.ctx, id)
	if err != nil {
		return "", err
	}
	if p.version == 0 {
		return "没有这个提议。/待准 看等确认的提议。", nil
	}
	if d.o.People > 1 && p.Author == c.who {
		return "自己的提议要由另一位协调员确认。", nil
	}
	state, err := d.publisher.InForce()
	if err != nil {
		return "", err
	}
	reason, override := strings.CutPrefix(strings.TrimSpace(rest), still)
	reason = strings.TrimSpace(reason)
	switch {
	case p.Published > 0:
		return p.out(), nil
	case !p.Judged && p.Trouble == "" && d.o.Now().Sub(p.At) < judgeWithin:
		return "还在评测，几秒后再发一次 /准 " + p.ID, nil
	case !p.Judged || p.Trouble != "" || p.Base != state.Number:
		d.work.Go(func() { d.judge(p) })
		return "知识在这期间更新过，正在重新评测，几秒后再发一次 /准 " + p.ID, nil
	case len(p.Worse) > 0 && (!override || reason == ""):
		return worse(p), nil
	case len(p.Worse) > 0 && p.Author == c.who:
		return "有问题变差时，要由另一位协调员写明理由。", nil
	}
	return d.publish(c, p, state, reason)
}

// worse names what got worse, and what can be done.
func worse(p proposal) string {
	lines := p.Worse
	more := ""
	if len(lines) > listed {
		more = fmt.Sprintf("\n还有 %d 个", len(lines)-listed)
		lines = lines[:listed]
	}
	return fmt.Sprintf("没有发布：%d 个问题会变差。\n%s%s\n换一条教，或由另一位协调员回复 /准 %s %s 理由", len(p.Worse), strings.Join(lines, "\n"), more, p.ID, still)
}

func (d *Desk) publish(c call, p proposal, state State, override string) (string, error) {
	files, err := p.apply(state)
	if err != nil {
		return "", err
	}
	publication := Publication{Author: p.Author, Reason: fmt.Sprintf("教：“%s” → %s", p.Question, p.Place)}
	if c.who != p.Author {
		publication.Approver = c.who
	}
	if len(p.Worse) > 0 {
		publication.Override = override
	}
	err = d.publisher.Publish(c.ctx, state.Number+1, publication, files)
	if errors.Is(err, ErrStale) {
		d.work.Go(func() { d.judge(p) })
		return "刚有别的版本发布，正在重新评测，几秒后再发一次 /准 " + p.ID, nil
	}
	if err != nil {
		return "", err
	}
	d.o.Log.Info("proposal published", slog.Any("asker", bot.Asker(c.who)), slog.String("proposal", p.ID), slog.Int("version", state.Number+1))
	// What is in force stays in force when the lists cannot be tidied.
	p.Published = state.Number + 1
	if err := errors.Join(d.save(c.ctx, &p, publishedKeep), d.store.Solve(c.ctx, bot.NewMiss(p.Question, "", "", "", d.o.Now()).Key)); err != nil {
		d.o.Log.Warn("published, but the lists still have it", slog.String("proposal", p.ID), slog.Any("error", err))
	}
	return p.out(), nil
}

// out says that a proposal was published.
func (p *proposal) out() string {
	return fmt.Sprintf("已发布版本 %d：“%s” → %s。几秒内所有副本生效；要撤回：aeobot knowledge rollback --reason 为什么 %d",
		p.Published, bot.Disarm(p.Question), p.Place, p.Published-1)
}

func (d *Desk) reject(c call) (string, error) {
	p, err := d.load(c.ctx, c.rest)
	if err != nil {
		return "", err
	}
	if p.version == 0 {
		return "没有这个提议。/待准 看等确认的提议。", nil
	}
	if err := d.save(c.ctx, &p, 0); err != nil {
		return "", err
	}
	d.o.Log.Info("proposal rejected", slog.Any("asker", bot.Asker(c.who)), slog.String("proposal", p.ID))
	return "提议 " + p.ID + " 已作废，什么都没有改动。", nil
}

func (d *Desk) pending(c call) (string, error) {
	items, err := d.store.Items(c.ctx, proposals)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, i := range items {
		p, err := read(i)
		if err != nil {
			d.o.Log.Warn("proposal not readable", slog.Any("error", err))
			continue
		}
		if p.Published > 0 {
			continue
		}
		state := "评测通过"
		switch {
		case p.Trouble != "":
			state = p.Trouble
		case !p.Judged:
			state = "评测中"
		case len(p.Worse) > 0:
			state = fmt.Sprintf("%d 个问题会变差", len(p.Worse))
		}
		fmt.Fprintf(&b, "%s “%s” → %s（%s，%s）\n", p.ID, bot.Disarm(shorten(p.Question, 40)), p.Place, p.Author, state)
	}
	if b.Len() == 0 {
		return "没有等确认的提议。", nil
	}
	return strings.TrimSpace(b.String()), nil
}
