package bot

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"aeobot/index"
)

// A day is asked about with a date, or a word for one, and something that says that
// it is when the answer should hold: 2026年3月的时候, 按2026-03-31, 去年年底那会儿.
const (
	yearWord   = `(?P<year>20[0-9]{2}|今|去|前|明)年?`
	dateWords  = `(?:` + yearWord + `(?:[年\-./](?:底|末|年底)?)?(?:\s*(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])(?:月|[\-./])?(?:份)?)?(?:\s*(?P<day>3[01]|[12][0-9]|0?[1-9])(?:日|号)?)?|(?P<word>今天|今日|现在|目前|当前|昨天|上个?月|这个月|本月|(?P<alone>1[0-2]|[1-9]|十[一二]?|[一二三四五六七八九])月份?(?:(?P<dayalone>3[01]|[12][0-9]|[1-9])(?:日|号))?))(?:底|末|年底|月底)?`
	dayOpening = `(?:按照?|截至|截止到?|站在)`
	thenWords  = `(?:那天|那会儿?|那个?时候|的?时候|当时|当天|那阵子|那时)`
	// figures are a day in figures, whether there is such a day or not.
	figures   = `(?:[0-9]{4,9}\s*[\-./]\s*[0-9]{1,4}(?:\s*[\-./]\s*[0-9]{1,4})?|[0-9]{1,9}\s*年(?:\s*[0-9]{1,4}\s*月(?:\s*[0-9]{1,4}\s*[日号])?)?)`
	whenWords = `(?:那天|那会儿?|那个?时候|的?时候|当时|当天|那阵子|那时|之时|时点?|为准|的(?:规定|情况|说法|口径|政策|版本|内容|说法)|这天|那个月|那年)`
)

var (
	// dayAlone is a message that asks for another day and nothing else.
	dayAlone = regexp.MustCompile(`^(?:那么?|如果|要是|回头|再|看下|看看|说说|换到|换成|改成|按照?|以|截至|截止到?|到|在|看|查|是|放在|回到)*\s*` + dateWords + `\s*` + whenWords + `*(?:来?(?:看|说|算|讲|答)|呢|吧|吗|怎么说|怎样|如何|怎么样|是什么|是怎么|的|是|怎么|规定|还?有效|适用|有没有变化?|变化)*$`)
	// figureDay are figures that a message gives as the day that counts, in the ways of
	// dayAlone and dayWithin.
	figureDay = regexp.MustCompile(`(?:` + dayOpening + `\s*` + figures + `\s*` + whenWords + `*(?:来?(?:看|说|算|讲)|的)?(?:[,，:：\s]|$)|` +
		`^` + figures + `\s*` + whenWords + `*(?:来?(?:看|说|算|讲)|呢|吧|吗|的)*$|` + figures + `\s*` + thenWords + `[,，:：]?)`)
	// dayWithin is a day inside a question; it must be said to be the day that counts.
	dayWithin = []*regexp.Regexp{
		regexp.MustCompile(dayOpening + `\s*` + dateWords + `\s*` + whenWords + `*(?:来?(?:看|说|算|讲)|的)?[,，:：]?`),
		regexp.MustCompile(`(?:在|到)?\s*` + dateWords + `\s*` + thenWords + `[,，:：]?`),
	}
)

var (
	oneFigures = regexp.MustCompile(figures)
	oneNumber  = regexp.MustCompile(`[0-9]+`)
)

// readFigures finds a day in figures that is to count and that readDay does not take: one
// before 2000 or after 2099, or one that no calendar has, which is given as impossible.
func readFigures(text string, today time.Time) (day, rest, impossible string) {
	text = index.FoldCharacters(text)
	at := figureDay.FindStringIndex(text)
	if at == nil {
		return "", "", ""
	}
	written := oneFigures.FindString(text[at[0]:at[1]])
	n := []int{0, 0, 0}
	for i, digits := range oneNumber.FindAllString(written, len(n)) {
		n[i], _ = strconv.Atoi(digits) // at most nine digits
		if i > 0 && (n[i] < 1 || i == 1 && n[i] > 12) {
			return "", "", written
		}
	}
	day, ok := lastDay(n[0], n[1], n[2], today)
	switch {
	case !ok || n[0] < 1 || n[0] > 9999:
		return "", "", written
	case n[0]/100 == 20:
		return "", "", "" // readDay takes it
	}
	return day, strings.TrimSpace(text[:at[0]] + text[at[1]:]), ""
}

// readDay finds the day that a message asks about, as 2026-03-31, and what is left
// of the message without it. A month or a year means its last day, but not a day
// after today unless it is wholly to come. impossible is what is given for a day that no
// calendar has.
func readDay(text string, today time.Time) (day, rest string, ok bool, impossible string) {
	if day, rest, impossible := readFigures(text, today); day != "" || impossible != "" {
		return day, rest, day != "", impossible
	}
	said := said(text)
	if m := dayAlone.FindStringSubmatch(said); m != nil {
		if day, ok := dayOf(dayAlone, m, today); ok {
			return day, "", true, ""
		}
	}
	for _, p := range dayWithin {
		m := p.FindStringSubmatchIndex(text)
		if m == nil {
			continue
		}
		caught := make([]string, len(m)/2)
		for i := range caught {
			if m[2*i] >= 0 {
				caught[i] = text[m[2*i]:m[2*i+1]]
			}
		}
		if day, ok := dayOf(p, caught, today); ok {
			return day, strings.TrimSpace(text[:m[0]] + text[m[1]:]), true, ""
		}
	}
	return "", text, false, ""
}

func dayOf(p *regexp.Regexp, m []string, today time.Time) (string, bool) {
	caught := func(name string) string { return m[p.SubexpIndex(name)] }
	number := func(name string) int { n, _ := strconv.Atoi(caught(name)); return n }
	year, month, day := number("year"), readNumber(caught("month")), number("day")
	switch caught("year") {
	case "今":
		year = today.Year()
	case "去":
		year = today.Year() - 1
	case "前":
		year = today.Year() - 2
	case "明":
		year = today.Year() + 1
	}
	switch word := caught("word"); {
	case word == "":
	case caught("alone") != "":
		year, month, day = today.Year(), readNumber(caught("alone")), number("dayalone")
	case strings.HasPrefix(word, "昨"):
		return today.AddDate(0, 0, -1).Format(time.DateOnly), true
	case strings.HasPrefix(word, "上"):
		first := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, today.Location())
		return first.AddDate(0, 0, -1).Format(time.DateOnly), true
	default:
		return today.Format(time.DateOnly), true
	}
	if year == 0 {
		return "", false
	}
	return lastDay(year, month, day, today)
}

// lastDay is the day itself, or the last of the month or year.
func lastDay(year, month, day int, today time.Time) (string, bool) {
	first := time.Date(year, time.Month(max(month, 1)), max(day, 1), 0, 0, 0, 0, today.Location())
	if day > 0 {
		return first.Format(time.DateOnly), first.Day() == day // 2026-02-30 is no day
	}
	last := first.AddDate(0, 1, -1)
	if month == 0 {
		last = first.AddDate(1, 0, -1)
	}
	if last.After(today) && !first.After(today) {
		last = today
	}
	return last.Format(time.DateOnly), true
}
