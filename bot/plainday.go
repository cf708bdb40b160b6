package bot

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"aeobot/index"
)

// A day in a question counts without anything that says so when it is a day before today
// and says when what is asked should hold: 去年查验率是多少, 2024年的政策. It does not when it
// names a document (公告2024年第87号), belongs to what is asked about (2024年的新政策, 去年的
// 报关单), says since or until when, or dates what the asker did (去年刚通过认证).
var (
	anyDay = regexp.MustCompile(dateWords)
	// beforeDay ends what stands before a day that is a limit, a part of a number or a
	// measure of time.
	beforeDay = regexp.MustCompile(`(?:[0-9〔（(\[年月.\-/~第满每近过]|自从?|从|到|至|截止|提前|比|跟|和|与|同|对比|期)\s*$`)
	// afterDay begins what stands behind such a day, or one in the name of a document.
	afterDay = regexp.MustCompile(`^\s*(?:[\-—~至到和与跟及、/.%0-9〕）)\]]|第?\s*[0-9一二三四五六七八九十百]+\s*[号次批期]|版|修[订正]|新|以[来后前上]|之[后前]|起|开始|[内间度]|[^的,，。？?！!]{0,12}(?:备忘录|公告|通知|令|计划|总结|报告|年报)|` +
		`[^,，。？?！!]{0,8}(?:新增|新出|出台|发布|颁布|实施|施行|公布|印发|生效|废止|修订))`)
	// ofDay is what a day stands for when 的 follows: rules, not things.
	ofDay = regexp.MustCompile(`^\s*的[^新,，。？?！!]{0,10}(?:规定|政策|办法|标准|措施|优惠|激励|待遇|便利|做法|要求|条件|情况|说法|口径|制度|率|比例|流程|规则|红利|支持|条款|内容|版本)`)
	// ownThing is what people have of a time: 去年的报关单, 2024年的税, 昨天的回答.
	ownThing = regexp.MustCompile(`^\s*的[^,，。？?！!]{0,6}(?:单|税|费|证|货|报|订|合同|数据|记录|案|票|账|材料|申请|复核|认证|查|罚|问题|事|那|答|回|新)`)
	// didThen is a clause about something that was done or has happened then.
	didThen = regexp.MustCompile(`^[^,，。？?！!；;]*?(?:了|刚|被|曾|已经|没收到|过(?:$|[^程期关渡敏]))|` +
		`^[^,，。？?！!；;能可怎如要需会有享]{0,10}(?:说|问|讲|提|聊|看|发|给|通过|取得|拿|获|评|申请|交|办|认证|注册|成立|设立|开业|买|卖|进口|出口|报关|申报|签|处罚|违规|违法|补|缴|退|降|升|到期|换|更名|搬|改|做|入职|收)(?:[^,，。？?！!；;]{0,10}的|$|[,，;；。]|[^,，。？?！!；;]{0,6}公司|能不能)|` +
		`^[^,，。？?！!；;]{0,4}有[^,，。？?！!；;]{0,6}(?:问|说|讲|要求)`)
	// comparesDays asks what has changed.
	comparesDays = regexp.MustCompile(`不同|区别|差别|变化|变了|相比|对比|比较`)
	// thenDone is what was done at the time that is asked about: 去年我们申请的时候.
	asksWhen = regexp.MustCompile(`什么时|啥时|何时|哪个?时`)
	thenDone = regexp.MustCompile(`^[^,，。？?！!]{0,12}?的?` + thenWords + `[,，:：]?`)
)

// plainDay finds such a day, and what is left without it.
func plainDay(text string, today time.Time) (day, rest string, ok bool) {
	var at []int
	for _, found := range anyDay.FindAllStringIndex(text, -1) {
		if d, past := pastDay(text[found[0]:found[1]], today); past {
			if at != nil {
				return "", "", false // two days are compared, or one is the other's
			}
			at, day = found, d
		}
	}
	if at == nil {
		return "", "", false
	}
	before, after := text[:at[0]], text[at[1]:]
	if done := thenDone.FindString(after); done != "" && !asksWhen.MatchString(done) {
		return day, strings.TrimSpace(before + after[len(done):]), true
	}
	of := ofDay.MatchString(after) || strings.HasPrefix(strings.TrimSpace(after), "的") && !ownThing.MatchString(after)
	switch {
	case beforeDay.MatchString(before), afterDay.MatchString(after), comparesDays.MatchString(text):
		return "", "", false
	case strings.HasPrefix(strings.TrimSpace(after), "的") && !of, !of && didThen.MatchString(after):
		return "", "", false
	}
	after = strings.TrimLeft(strings.TrimPrefix(strings.TrimSpace(after), "的"), " ,，、:：")
	for _, word := range []string{"在", "于"} {
		before = strings.TrimSuffix(strings.TrimSpace(before), word)
	}
	rest = strings.TrimSpace(before + after)
	return day, rest, utf8.RuneCountInString(said(rest)) > 1
}

// pastDay is the day of words that name one before today by themselves: not 今年, and not
// figures that may count anything.
func pastDay(words string, today time.Time) (string, bool) {
	m := anyDay.FindStringSubmatch(words)
	if f := m[anyDay.SubexpIndex("figures")]; f != "" && len(oneNumber.FindAllString(f, -1)) < 2 {
		return "", false
	}
	day, ok := dayOf(anyDay, m, today)
	return day, ok && day < today.Format(time.DateOnly)
}

// readsAlone reports whether a message that may ask the question of before for another day
// asks one by itself, as 去年的政策是什么 does; t.text is then that question.
func (t *turn) readsAlone() bool {
	_, rest, ok := plainDay(index.FoldCharacters(t.message.Text), t.now.In(china))
	if ok = ok && ReadIntent(rest).Kind == IntentAsk; ok {
		t.text = rest
	}
	return ok
}
