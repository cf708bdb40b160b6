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
	monthWord = `1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九]`
	dateDigit = `3[01]|[12][0-9]|0?[1-9]`
	dateWords = `(?:(?P<year>[0-9]{4}|[一二][〇零一二三四五六七八九]{3}|今|去|大?前|明)\s*年(?:的?年?(?P<part>初|中|底|末|[上下]半年|第?[一二三四1-4]季度)|\s*(?P<month>` + monthWord + `)月份?(?:[初中底末]|[上中下]旬)?(?:\s*(?P<day>` + dateDigit + `)[日号]?)?)?` +
		`|(?P<figures>20[0-9]{2}(?:\s*[\-./]\s*[0-9]{1,2}){0,2})[日号]?` +
		`|(?P<alone>` + monthWord + `)月份?底?(?:(?P<dayalone>` + dateDigit + `)[日号])?` +
		`|(?P<ago>[0-9]{1,3}|[一二两三四五六七八九十]{1,3}|半)\s*个?(?P<unit>年|月|天|日|周|星期|礼拜|季度)多?[以之]?前` +
		`|(?P<word>今天|今日|现在|目前|当前|昨[天日]|大?前[天日]|上上?个?(?:月|周|星期|礼拜|季度)|这个月|本月)[初底末]?)`
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
	if day, ok := dayOf(dayAlone, dayAlone.FindStringSubmatch(said(text)), today); ok {
		return day, "", true, ""
	}
	folded := index.FoldCharacters(text)
	for _, p := range dayWithin {
		at := p.FindStringIndex(folded)
		if at == nil {
			continue
		}
		if day, ok := dayOf(p, p.FindStringSubmatch(folded), today); ok {
			return day, strings.TrimSpace(folded[:at[0]] + folded[at[1]:]), true, ""
		}
	}
	if day, rest, ok := plainDay(folded, today); ok {
		return day, rest, true, ""
	}
	return "", text, false, ""
}

// dayOf is the day that p, of dateWords, has caught.
func dayOf(p *regexp.Regexp, m []string, today time.Time) (string, bool) {
	if m == nil {
		return "", false
	}
	caught := func(name string) string { return m[p.SubexpIndex(name)] }
	number := func(name string) int { n, _ := strconv.Atoi(caught(name)); return n }
	switch {
	case caught("word") != "":
		return wordDay(caught("word"), today), true
	case caught("ago") != "":
		return daysAgo(caught("ago"), caught("unit"), today), true
	case caught("alone") != "":
		return lastDay(today.Year(), readNumber(caught("alone")), number("dayalone"), today)
	case caught("figures") != "":
		n := []int{0, 0, 0}
		for i, digits := range oneNumber.FindAllString(caught("figures"), len(n)) {
			n[i], _ = strconv.Atoi(digits)
		}
		return lastDay(n[0], n[1], n[2], today)
	}
	year := yearOf(caught("year"), today)
	if part := caught("part"); part != "" {
		return lastDay(year, lastMonth(part), 0, today)
	}
	return lastDay(year, readNumber(caught("month")), number("day"), today)
}

// yearOf reads 去, 2024 or 二〇二四.
func yearOf(word string, today time.Time) int {
	if back, ok := map[string]int{"今": 0, "去": 1, "前": 2, "大前": 3, "明": -1}[word]; ok {
		return today.Year() - back
	}
	year := 0
	for _, r := range word {
		digit := strings.IndexRune("0123456789", r)
		if digit < 0 {
			digit = readNumber(strings.NewReplacer("零", "0", "〇", "0").Replace(string(r)))
		}
		year = 10*year + digit
	}
	return year
}

// lastMonth is the month with which a part of a year ends.
func lastMonth(part string) int {
	switch r := []rune(part); {
	case part == "初":
		return 1
	case part == "中", part == "上半年":
		return 6
	case strings.HasSuffix(part, "季度"):
		return 3 * readNumber(string(r[len(r)-3]))
	}
	return 12
}

// wordDay is the day of a word; of a month, a week or a quarter its last.
func wordDay(word string, today time.Time) string {
	before := func(days int) string { return today.AddDate(0, 0, -days).Format(time.DateOnly) }
	back := strings.Count(word, "上") - 1
	firstOf := func(month time.Month) time.Time {
		return time.Date(today.Year(), month, 1, 0, 0, 0, 0, today.Location())
	}
	switch {
	case strings.HasPrefix(word, "昨"):
		return before(1)
	case strings.HasPrefix(word, "大前"):
		return before(3)
	case strings.HasPrefix(word, "前"):
		return before(2)
	case back < 0:
		return before(0)
	case strings.HasSuffix(word, "季度"):
		quarter := (today.Month() - 1) / 3 * 3
		return firstOf(quarter+1).AddDate(0, -3*back, -1).Format(time.DateOnly)
	case strings.HasSuffix(word, "月"):
		return firstOf(today.Month()).AddDate(0, -back, -1).Format(time.DateOnly)
	}
	return before((int(today.Weekday())+6)%7 + 1 + 7*back) // a week ends on Sunday
}

// daysAgo is the day some years, months, weeks or days before today.
func daysAgo(count, unit string, today time.Time) string {
	n, months := readNumber(count), map[string]int{"年": 12, "季度": 3, "月": 1}[unit]
	switch {
	case count == "半" && months > 1:
		return today.AddDate(0, -months/2, 0).Format(time.DateOnly)
	case count == "半":
		return today.AddDate(0, 0, -15).Format(time.DateOnly) // 半个月前
	case months > 0:
		return today.AddDate(0, -months*n, 0).Format(time.DateOnly)
	case unit == "天", unit == "日":
		return today.AddDate(0, 0, -n).Format(time.DateOnly)
	}
	return today.AddDate(0, 0, -7*n).Format(time.DateOnly)
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
