package desk

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"aeobot/bot"
	"aeobot/knowledge"
)

// standingNames are what coordinators call the standings.
var standingNames = map[Standing]string{Open: "待处理", Assigned: "已分派", Solved: "已解决", Rejected: "不处理"}

// Name is what coordinators call a standing.
func (s Standing) Name() string { return cmp.Or(standingNames[s], string(s)) }

var tableHead = []string{"编号", "问题", "其他问法", "次数", "第一次", "最近", "渠道", "最接近的原文", "状态", "负责人", "备注"}

// Table is a list of rows for a spreadsheet, under a row of headings. The library names
// the passages; one that it does not have is named by its id. Whoever writes it must keep
// spreadsheet programs from taking what people asked for formulas.
func Table(rows []Row, l *knowledge.Library) [][]string {
	table := [][]string{tableHead}
	for _, r := range rows {
		table = append(table, []string{r.Key, r.asked(l), r.otherWays(), strconv.Itoa(r.Count), clock(r.First), clock(r.Last),
			strings.Join(r.Channels, " "), nameOf(l, r.Nearest), r.Mark.State.Name(), r.Mark.To, r.Mark.Note})
	}
	return table
}

// asked is what a row is about: a question, or the answer that readers found wrong.
func (r Row) asked(l *knowledge.Library) string {
	if len(r.Ways) > 0 {
		return r.Question
	}
	var names []string
	for _, id := range r.Shown {
		names = append(names, nameOf(l, id))
	}
	return "（读者认为答得不对）" + strings.Join(names, "、")
}

// otherWays are the other ways a question was asked, or what readers said.
func (r Row) otherWays() string {
	var said []string
	for _, w := range r.Ways[min(1, len(r.Ways)):] {
		said = append(said, w.Question)
	}
	for _, f := range r.Opinions {
		if f.Comment != "" {
			said = append(said, f.Comment)
		}
	}
	return strings.Join(said, " | ")
}

func nameOf(l *knowledge.Library, id string) string {
	if p, ok := l.Passage(id); ok {
		return PlaceOf(p)
	}
	return id
}

func clock(t time.Time) string { return t.In(china).Format(time.DateTime) }

// Named are the rows that have a key beginning so: their own, or one of their ways' to ask.
func Named(rows []Row, beginning string) []Row {
	var named []Row
	for _, r := range rows {
		if strings.HasPrefix(r.Key, beginning) ||
			slices.ContainsFunc(r.Ways, func(w bot.Unanswered) bool { return strings.HasPrefix(w.Key, beginning) }) {
			named = append(named, r)
		}
	}
	return named
}
