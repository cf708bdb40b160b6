package desk

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aeobot/bot"
)

const (
	recallSend = "发"
	recallDrop = "不发"
)

// recall lists the recalls that wait for a decision, shows one, or decides on one: /更正,
// /更正 3, /更正 3 发, /更正 3 不发.
func (d *Desk) recall(c call) (text string, err error) {
	id, what, _ := strings.Cut(c.rest, " ")
	var r Recall
	switch what = strings.TrimSpace(what); {
	case id == "":
		return d.openRecalls(c)
	case what == "":
		r, err = d.Recall(c.ctx, id)
		text = describeRecall(r)
	case what == recallSend:
		r, err = d.SendRecall(c.ctx, id, c.who)
		text = fmt.Sprintf("版本 %d 的更正正在发给 %d 个会话，每个只发一次。/更正 %s 看发到哪里了", r.Version, len(r.Chats), r.ID)
	case what == recallDrop:
		err = d.DropRecall(c.ctx, id, c.who)
		text = "版本 " + bot.Disarm(id) + " 的更正不发了。"
	default:
		return "写成：/更正 编号 发，或 /更正 编号 不发。", nil
	}
	switch {
	case errors.Is(err, ErrRecall):
		return "没有这个更正。/更正 看等决定的。", nil
	case errors.Is(err, ErrDecided):
		return "这个更正已经决定过了，或者没有人看过旧的原文。", nil
	}
	return text, err
}

func (d *Desk) openRecalls(c call) (string, error) {
	all, err := d.Recalls(c.ctx)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, r := range all {
		if r.State == RecallOpen {
			fmt.Fprintf(&b, "%s\n", summary(r))
			if len(*c.next) < 2*onCard {
				c.button("发更正 "+r.ID, "/更正 "+r.ID+" "+recallSend)
				c.button("不发 "+r.ID, "/更正 "+r.ID+" "+recallDrop)
			}
		}
	}
	if b.Len() == 0 {
		return "没有等决定的更正。", nil
	}
	return "原文改了，有人看过旧的：\n" + b.String() + "看内容：/更正 编号；发更正：/更正 编号 发；不发：/更正 编号 不发", nil
}

func summary(r Recall) string {
	return fmt.Sprintf("%s %s改了 %d 条，%d 个会话看过旧原文", r.ID, r.change(), r.Changed, len(r.Chats))
}

// change is what changed the words.
func (r Recall) change() string {
	if r.Aside {
		return r.Title() + " 换掉时"
	}
	return r.Title() + " "
}

// describeRecall says what was taken back, and how far telling people is.
func describeRecall(r Recall) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", summary(r))
	for i, p := range r.Passages[:min(len(r.Passages), listed)] {
		fmt.Fprintf(&b, "\n%d、%s（%d 个会话）\n   旧：%s", i+1, bot.Disarm(p.Place), p.Given, bot.Disarm(shorten(p.Before, 60)))
		switch {
		case p.Gone:
			b.WriteString("\n   新：（已撤下）")
		case p.After != p.Before:
			fmt.Fprintf(&b, "\n   新：%s", bot.Disarm(shorten(p.After, 60)))
		case p.NoteAfter == "":
			b.WriteString("\n   注已去掉：" + bot.Disarm(shorten(p.NoteBefore, 60)))
		default:
			fmt.Fprintf(&b, "\n   注改为：%s", bot.Disarm(shorten(p.NoteAfter, 60)))
		}
	}
	if r.State == RecallApproved {
		fmt.Fprintf(&b, "\n已发 %d，等着发 %d，发不了 %d，失败 %d", r.Count(ChatSent), r.Count(ChatWaiting), r.Count(ChatCannot), r.Count(ChatFailed))
		for _, reason := range r.reasons() {
			b.WriteString("\n   " + reason)
		}
	}
	return b.String()
}

// reasons are why corrections cannot be sent or were not, each once with how often.
func (r Recall) reasons() (lines []string) {
	for _, s := range []struct {
		state ChatState
		name  string
	}{{ChatCannot, "发不了"}, {ChatFailed, "失败"}} {
		count := map[string]int{}
		for _, c := range r.Chats {
			if c.State == s.state {
				count[c.Reason]++
			}
		}
		for _, reason := range slices.Sorted(maps.Keys(count)) {
			lines = append(lines, fmt.Sprintf("%s %d 个：%s", s.name, count[reason], cmp.Or(reason, "原因不明")))
		}
	}
	return lines
}
