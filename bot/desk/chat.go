package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// call is one command as it was said.
type call struct {
	ctx   context.Context
	index *index.Generation
	id    string // of the message; the same message again does nothing again
	who   string
	rest  string // what follows the command
	quote string
	to    bot.Address   // where it was said
	next  *[]bot.Button // for what may be said next
}

// button offers a command to whoever reads the reply.
func (c call) button(text, command string) {
	*c.next = append(*c.next, bot.CommandButton(text, command))
}

// commands are what can be said, by name. To add one: write its method, add a row, and
// a line to textUse.
var commands = map[string]func(*Desk, call) (string, error){
	"未答":  (*Desk).unanswered,
	"为什么": (*Desk).why,
	"教":   (*Desk).teach,
	"准":   (*Desk).approve,
	"否":   (*Desk).reject,
	"移出":  (*Desk).clear,
	"待准":  (*Desk).pending,
	"版本":  (*Desk).version,
	"更正":  (*Desk).recall,
	"协调":  func(*Desk, call) (string, error) { return textUse, nil },
}

// Texts that coordinators read.
const (
	textOnly     = "这个命令只有协调员能用。"
	textUse      = "/协调 这份说明\n/未答 没答上的问题\n/为什么 问题\n/教 节名 第几条（引用没答上的问题，或把问法写在后面）\n/待准 等确认的提议\n/准 编号、/否 编号 理由\n/移出 编号 把挡住提议的问法从别处拿掉，并入提议\n/更正 原文改了以后要不要通知看过旧原文的人\n/版本"
	textDiverged = "没有发布：各副本的版本分成了两支，要先选定一支。请管服务器的同事运行 aeobot knowledge versions 看两边，再用 --adopt 选定；选定以前照旧回答，提议都还在。"
	textAway     = "暂时办不了：%s。稍后再试，什么都没有改动。"
)

// Command does what a message says that begins with a stroke. ours is false for what is no
// command of the desk's.
func (d *Desk) Command(ctx context.Context, g *index.Generation, m bot.Message) (text string, next []bot.Button, ours bool) {
	name, rest := parse(m.Text)
	do, known := commands[name]
	if !known {
		return "", nil, false
	}
	if !bot.HasPerson(*d.coordinators.Load(), string(m.Asker)) {
		return textOnly, nil, true
	}
	text, err := do(d, call{ctx, g, m.ID, string(m.Asker), rest, strings.TrimSpace(m.Quote), m.Address(), &next})
	switch {
	case errors.Is(err, ErrFiles):
		text = "现在的知识来自设置里指定的文件（knowledge.paths），请直接改那些文件。"
	case errors.Is(err, ErrDiverged):
		text = textDiverged
	case err != nil:
		d.o.Log.Warn("coordinator's command failed", slog.Any("asker", m.Asker), slog.Any("error", err))
		text = fmt.Sprintf(textAway, "存储或发布出错，日志里有原因")
	}
	return text, next, true
}

// parse takes the command's name off: /教 节名 5 and /教节名 5 are the same.
func parse(text string) (name, rest string) {
	text = strings.TrimSpace(text)
	body, ok := strings.CutPrefix(text, "/")
	if !ok {
		if body, ok = strings.CutPrefix(text, "／"); !ok {
			return "", ""
		}
	}
	for name := range commands { // none begins with another
		if rest, ok := strings.CutPrefix(body, name); ok {
			return name, strings.TrimSpace(rest)
		}
	}
	return "", ""
}

// listed bounds what one message lists.
const listed = 10

func (d *Desk) unanswered(c call) (string, error) {
	all, err := d.rowsNow(c.ctx, c.index)
	if err != nil {
		return "", err
	}
	open := slices.DeleteFunc(slices.Clone(all), func(r Row) bool {
		return len(r.Ways) == 0 || !r.Unfinished()
	})
	if len(open) == 0 {
		return "没有没答上的问题。", nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "没答上的问题共 %d 个，问得最多的：", len(open))
	for i, r := range open[:min(len(open), listed)] {
		fmt.Fprintf(&b, "\n%d、%s（%d 次，最近 %s）", i+1, bot.Disarm(shorten(r.Question, 60)), r.Count, r.Last.In(china).Format("01-02 15:04"))
		if p, ok := c.index.Library().Passage(r.Nearest); ok {
			fmt.Fprintf(&b, "\n   最接近：%s", PlaceOf(p))
		}
	}
	b.WriteString("\n引用其中一个问题回复：/教 节名 第几条")
	return b.String(), nil
}

// maxWhy bounds an explanation in characters.
const maxWhy = 600

func (d *Desk) why(c call) (string, error) {
	question := cmp.Or(c.rest, bot.WithoutMentions(c.quote))
	if question == "" {
		return "写成：/为什么 问题，或引用一个问题再发 /为什么。", nil
	}
	asked, err := bot.Read(c.ctx, c.index, question)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, a := range asked {
		explain(&b, a.Decision.Explain(3), c.index.Library())
	}
	return shorten(strings.TrimSpace(b.String()), maxWhy), nil
}

func explain(b *strings.Builder, x index.Explanation, l *knowledge.Library) {
	fmt.Fprintf(b, "问题：%s\n实义：%s\n", bot.Disarm(x.Question), bot.Disarm(strings.Join(x.Content, " ")))
	if x.Correction != nil {
		fmt.Fprintf(b, "按“%s”理解\n", x.Correction.To)
	}
	for _, s := range x.Synonyms {
		fmt.Fprintf(b, "词汇：%s → %s（%.2f）\n", bot.Disarm(s.Words), s.Group, s.Weight)
	}
	if x.Outside != nil {
		fmt.Fprintf(b, "没有写的话题：%s %.2f\n", x.Outside.Topic, x.Outside.Score)
	}
	for _, h := range x.Candidates {
		mark, place := "　", h.ID
		if h.Chosen {
			mark = "√"
		}
		if p, ok := l.Passage(h.ID); ok {
			place = PlaceOf(p)
		}
		fmt.Fprintf(b, "%s%.2f %s", mark, h.Score, place)
		if h.Asked != "" {
			fmt.Fprintf(b, "（最近的问法“%s” %.2f）", shorten(h.Asked, 16), h.Alike)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "达到 %.2f 才作答；决定：%s\n", x.Bar, x.Decision.Name())
}

func (d *Desk) version(call) (string, error) {
	return d.publisher.Describe()
}

// MaxAsk bounds a way to ask, in characters.
const MaxAsk = 200

// Ask is the proposal of a way to ask for a measure.
func Ask(p knowledge.Passage, question, author string) Proposal {
	edit := EditOf(p)
	edit.Ask = question
	return Proposal{Title: fmt.Sprintf("教：“%s” → %s", question, PlaceOf(p)), Author: author, Question: question,
		Changes: []Change{{File: p.Document.ID + knowledge.NotesSuffix, Edit: &edit}}}
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
		question = bot.WithoutMentions(c.quote)
	}
	switch {
	case question == "":
		return "教哪一个问法？引用没答上的问题再发，或把问法写在后面：/教 " + PlaceOf(passage) + " 问法", nil
	case len([]rune(question)) > MaxAsk:
		return fmt.Sprintf("问法不要超过 %d 个字。", MaxAsk), nil
	}
	taught := Ask(passage, question, c.who)
	taught.To = c.to
	p, err := d.Propose(c.ctx, c.id, taught)
	switch {
	case errors.Is(err, curate.ErrThere):
		return "这一条已经有这个问法了。", nil
	case errors.Is(err, curate.ErrForm), errors.Is(err, curate.ErrPlace):
		return "这份备注的写法放不进去，请在控制台改 " + passage.Document.ID + knowledge.NotesSuffix + "。", nil
	case err != nil:
		return "", err
	}
	c.decide(p)
	return fmt.Sprintf("提议 %s：把“%s”作为%s的问法：\n%s\n%s%s；%s", p.ID, bot.Disarm(question), PlaceOf(passage), bot.Disarm(passage.Text), c.notices(p), p.Says(), d.confirms(p)), nil
}

// notices lists what is to be seen of a proposal before it is confirmed, a line each, and
// offers to take out of the way what can be.
func (c call) notices(p Proposal) string {
	if len(p.Notices) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("请留意：\n")
	for _, n := range p.Notices[:min(len(p.Notices), listed)] {
		fmt.Fprintf(&b, "· %s\n", bot.Disarm(n.Text))
	}
	if more := len(p.Notices) - listed; more > 0 {
		fmt.Fprintf(&b, "· 还有 %d 处\n", more)
	}
	if clears := p.clears(); len(clears) > 0 {
		var all []string
		for _, change := range clears {
			all = append(all, change.Clears())
		}
		fmt.Fprintf(&b, "回复 /移出 %s，就把%s拿掉，并入这个提议重新评测\n", p.ID, bot.Disarm(strings.Join(all, "、")))
		c.button("移出 "+p.ID, "/移出 "+p.ID)
	}
	return b.String()
}

func (d *Desk) clear(c call) (string, error) {
	p, err := d.Clear(c.ctx, c.rest, c.who)
	switch {
	case errors.Is(err, ErrUnknown):
		return noSuch, nil
	case errors.Is(err, ErrTaken):
		return p.Outcome() + "。什么都没有移出。", nil
	case errors.Is(err, ErrNothing):
		return "没有什么要移出的。", nil
	case errors.Is(err, curate.ErrGone), errors.Is(err, ErrMoved):
		return "要改的文件在这期间被改过，请重新提议。", nil
	case err != nil:
		return "", err
	}
	c.decide(p)
	return fmt.Sprintf("提议 %s 已并入：%s。现在算您的提议，重新评测：%s；%s%s", p.ID, bot.Disarm(cleared(p)), p.Says(), c.notices(p), d.confirms(p)), nil
}

// cleared is what a proposal takes out of the way.
func cleared(p Proposal) string {
	var all []string
	for _, c := range p.Changes {
		if c.Edit != nil && c.Edit.Remove {
			all = append(all, "拿掉"+c.Clears())
		}
	}
	return strings.Join(all, "、")
}

// confirms says who confirms a proposal, and how.
func (d *Desk) confirms(p Proposal) string {
	if d.o.People == 1 {
		return "几秒后回复 /准 " + p.ID + " 发布"
	}
	return "请另一位协调员回复 /准 " + p.ID
}

const (
	// still is what an approver writes who publishes although something got worse.
	still  = "仍然"
	noSuch = "没有这个提议。/待准 看等确认的提议。"
)

// decide offers to confirm a proposal, or to drop it, by pressing a button.
func (c call) decide(p Proposal) {
	c.button("准 "+p.ID, "/准 "+p.ID)
	c.button("否 "+p.ID, "/否 "+p.ID)
}

// onCard is how many things a card has buttons for: two each, and six are taken (page
// 101032).
const onCard = 3

func (d *Desk) approve(c call) (string, error) {
	id, rest, _ := strings.Cut(c.rest, " ")
	reason, override := strings.CutPrefix(strings.TrimSpace(rest), still)
	if !override {
		reason = ""
	}
	p, err := d.Approve(c.ctx, id, Approval{Who: c.who, Way: ByChat, Override: strings.TrimSpace(reason)})
	switch {
	case errors.Is(err, ErrUnknown):
		return noSuch, nil
	case errors.Is(err, ErrTaken):
		return p.Outcome() + "。", nil
	case errors.Is(err, ErrSelf) && len(p.Worse) > 0 && d.o.People == 1:
		return "有问题变差时，要由另一位协调员写明理由。", nil
	case errors.Is(err, ErrSelf):
		return "自己的提议要由另一位协调员确认。", nil
	case errors.Is(err, ErrJudging):
		return "评测还没有做完：" + p.Says() + "。会自己做完，几秒后再发一次 /准 " + p.ID, nil
	case errors.Is(err, ErrBusy):
		return "等评测的提议太多，还没有开始评测，会自己轮到。请过几分钟再发一次 /准 " + p.ID, nil
	case errors.Is(err, ErrDead):
		return p.Says() + "。" + p.Advice(), nil
	case errors.Is(err, ErrWorse):
		return c.notices(p) + worse(p), nil
	case errors.Is(err, ErrShown):
		return d.shows(c, p)
	case err != nil:
		return "", err
	}
	if by := cmp.Or(p.Approver, p.Author); !bot.SamePerson(by, c.who) {
		return out(p) + "。确认的人：" + by, nil
	}
	return out(p), nil
}

// shows lists all that a proposal does, to be confirmed by saying the same again.
func (d *Desk) shows(c call, p Proposal) (string, error) {
	v, err := d.View(c.ctx, p.ID)
	if err != nil {
		return "", err
	}
	c.decide(p)
	var b strings.Builder
	fmt.Fprintf(&b, "还没有发布。提议 %s %s（%s，%s），改 %d 处：\n", p.ID, bot.Disarm(p.Title), p.Author, p.Says(), v.Diff.All)
	for _, change := range v.Diff.Changes[:min(len(v.Diff.Changes), listed)] {
		fmt.Fprintf(&b, "· %s %s\n", change.Name(), bot.Disarm(change.ID))
		for _, side := range []struct {
			sign  string
			lines []string
		}{{"旧", change.Before}, {"新", change.After}} {
			if len(side.lines) > 0 {
				fmt.Fprintf(&b, "　%s：%s\n", side.sign, bot.Disarm(shorten(strings.Join(side.lines, " "), 60)))
			}
		}
	}
	if more := v.Diff.All - listed; more > 0 {
		fmt.Fprintf(&b, "· 还有 %d 处，见控制台\n", more)
	}
	b.WriteString(c.notices(p))
	if len(p.Worse) > 0 && !p.Back {
		b.WriteString(worse(p))
	} else {
		b.WriteString("看过了仍要发布，再回复一次 /准 " + p.ID)
	}
	return b.String(), nil
}

// worse names what got worse, and what can be done.
func worse(p Proposal) string {
	var lines []string
	for _, w := range p.Worse[:min(len(p.Worse), listed)] {
		lines = append(lines, bot.Disarm(w.line()))
	}
	if more := len(p.Worse) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("还有 %d 个", more))
	}
	return fmt.Sprintf("没有发布：%d 个问题会变差。\n%s\n换一条教，或由另一位协调员回复 /准 %s %s 理由", len(p.Worse), strings.Join(lines, "\n"), p.ID, still)
}

// out says that a proposal was published.
func out(p Proposal) string {
	return fmt.Sprintf("已发布版本 %d：%s。几秒内所有副本生效；要撤回：aeobot knowledge rollback --reason 为什么 --approver 谁 %d，或在控制台",
		p.Published, bot.Disarm(p.Title), p.Published-1)
}

func (d *Desk) reject(c call) (string, error) {
	id, why, _ := strings.Cut(c.rest, " ")
	p, err := d.Reject(c.ctx, id, c.who, strings.TrimSpace(why))
	switch {
	case errors.Is(err, ErrReason):
		return "为什么作废？写成 /否 " + p.ID + " 理由，提议的人会看到。还没有作废。", nil
	case errors.Is(err, ErrUnknown):
		return noSuch, nil
	case errors.Is(err, ErrTaken):
		return p.Outcome() + "。", nil
	case err != nil:
		return "", err
	}
	return "提议 " + p.ID + " 已作废，什么都没有改动。", nil
}

// noticesListed is how many notices of each proposal a list of them has.
const noticesListed = 2

func (d *Desk) pending(c call) (string, error) {
	all, err := d.Proposals(c.ctx)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range all {
		if p.Waits() {
			if len(*c.next) < 2*onCard {
				c.decide(p)
			}
			fmt.Fprintf(&b, "%s %s（%s，%s）\n", p.ID, bot.Disarm(shorten(p.Title, 60)), p.Author, p.Says())
			if advice := p.Advice(); advice != "" {
				fmt.Fprintf(&b, "　%s\n", advice)
			}
			for _, n := range p.Notices[:min(len(p.Notices), noticesListed)] {
				fmt.Fprintf(&b, "　留意：%s\n", bot.Disarm(n.Text))
			}
		}
	}
	if b.Len() == 0 {
		return "没有等确认的提议。", nil
	}
	return strings.TrimSpace(b.String()), nil
}
