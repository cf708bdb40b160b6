package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// What the bot says in its own words. Substance is always quoted; these sentences
// only arrange it.
const (
	TextWelcome = "你好，我是 AEO 激励措施问答助手。直接提问即可，例如：海关对AEO企业有何激励？\n" + textHow
	textAbout   = "我是自动问答，用知识库里的原文回答 AEO 企业激励措施方面的问题，每条都注明来源和日期；没有依据的，我会直说。"
	TextHelp    = textAbout + "\n" + textHow
	// textOutsideHelp is for customers, who pass nothing on to customers.
	textOutsideHelp = textAbout + "\n回复“更多”看后面的内容，“第3条”看上次那一节的某一条，“还有其他支持吗”看没讲过的方面。"
	textHow         = "回复“更多”看后面的内容，“第3条”看上次那一节的某一条，“还有其他支持吗”看没讲过的方面，“转发”得到能发给客户的纯文字，“/清空”忘掉这次对话。"

	TextMedia   = "目前只能看懂文字，请把问题打成文字发给我。"
	TextUnheard = "这条语音没有转出文字，请再说一遍，或打成文字发给我。"
	TextUnknown = "这种消息我还不会处理，请把问题打成文字发给我。"
	TextExpired = "这条回答已经结束，请重新提问。"
	TextWait    = "问得太快了，请稍等一会儿再问。"

	textGreet           = "你好！请直接提问，例如：优先通关如何实现？"
	textThanks          = "不客气，有问题随时问。"
	textEmpty           = "没有看到问题，请用文字写下想问的内容，例如：AEO企业能免除担保吗？"
	textIdle            = "有问题随时问，例如：优先通关如何实现？"
	textAmount          = "没有看懂“%s”想问什么，请写成一个完整的问题；要看某一条，请回复“第5条”这样的编号。"
	textFraction        = "没有第%s条，条目的编号都是整数，例如：第1条。"
	textHandover        = "我是自动问答，转接不了人工。"
	textCoordinators    = "协调员：%s。"
	textHandoverNoted   = "您要找人的事已记给协调员。"
	textHandoverOutside = "您的需要已登记；急用请联系对接人员。"
	textNotHandedOver   = "您也可以接着问我。"
	textOfferPerson     = "要找人，请回复“转人工”。"
	textLong            = "问题太长了，请用一两句话概括（不超过 2000 字）。"
	textCleared         = "好的，这次对话已经忘掉了。"
	textAll             = "相关内容已经全部给出。"
	textNothing         = "前面还没有可以接着看的内容，请先提一个问题。"
	textNoList          = "还没有给你列过条目，不知道是哪一节的第%d条。请先问一个主题，或连同标题一起问，例如：%s第%d条。"
	textAway            = "暂时读不到之前的对话，请把问题写完整再问一次，例如：%s第%d条。"
	textAwayAll         = "暂时读不到之前的对话，请把问题写完整再问一次。"
	// textUnremembered is above an answer that will not be remembered.
	textUnremembered  = "现在记不住这段对话，接着问的时候请把问题写完整。"
	textNoItem        = "“%s”没有%s（共%d条）。"
	textNoZero        = "“%s”从第1条编到第%d条，没有第0条。"
	textFromOne       = "条目从第1条编起，没有第0条。"
	textCount         = "“%s”共%d条。"
	textCountAll      = "《%s》共%d节%d条：%s。"
	textCountNone     = "《%s》没有编号的条目。"
	textCountMany     = "资料共%d篇，%d条。"
	textUnranked      = "资料里的各条没有按重要性排序，不好替您挑选。"
	textFirstFew      = "“%s”共%d条，按原文顺序看请回复“前%d条”。"
	textRefuse        = "目前的资料没有提到%s，暂时无法答复。"
	textNoPart        = "目前的资料没有提到这一点。"
	textNoPartTopic   = "目前的资料没有提到%s。"
	textWhatAsked     = "您问的内容"
	textChat          = "这个我帮不上忙，AEO 激励措施方面的问题随时问我。"
	textRude          = "抱歉，没帮上忙。请换个说法再问一次，我尽力查。"
	textUnsure        = "没有完全看懂，您是想问%s吗？"
	textUnderstood    = "（按“%s”理解）"
	textMainland      = "以下是内地海关和部门的措施，不是%s当地的规定。"
	textClause        = "（%s）%s（这一条共 %d 项，回复“第%d条”看全文）"
	textNearest       = "可以看看这些主题：%s"
	textOther         = "还可以问：%s"
	textMore          = "还有 %d 条相关内容%s，回复“更多”继续看。"
	textWaiting       = "放不下，回复“更多”接着看的问题："
	textUnanswered    = "同样没有找到依据的问题："
	textSkipped       = "一次最多答 %d 个问题，这些还没有看，请另发一条再问："
	textAndOthers     = "等 %d 个"
	textAbove         = "见上文。"
	textNoted         = "问题已记入协调员的待答清单。"
	textNotedOutside  = "您的问题已登记，我们会补充资料；急用请联系对接人员。"
	textWish          = "有了答案想知道，请回复“告诉我”。"
	textWished        = "好的，有了答案会在这里告诉您一次。"
	textNotWished     = "没能记下，请稍后再说一次“告诉我”。"
	textNoWish        = "这里不能主动通知您，过几天请再问一次。"
	textNothingWished = "现在没有在等答案的问题。遇到答不上的问题，会写明可以回复“告诉我”。"
	TextGranted       = "之前问过的“%s”，现在有答案了："
	textBeside        = "直接相关的已经给出，同一节还有："
	textAllTopics     = "各个方面都已经给出。"
	textOverview      = "还有 %d 个方面：%s。"
	textFirstPage     = "前面没有可以返回的内容了。"
	textNoFurther     = "没有这一条了。"
	textAmbiguous     = "上面不止一节有%s，您要的是哪一节的？请回复数字或标题：%s"
	textWhich         = "上面有 %d 条，请说第几条，例如：第3条。"
	textChoose        = "请回复数字 1 到 %d。"
	textWrong         = "抱歉，没有答到点子上。请换个说法再问一次。"
	textChanged       = "知识库在这之间更新过，以下是现在的原文。"
	textGone          = "知识库在这之间更新过，刚才的内容已经不在了。"
	textUnstated      = "%s没有提到%s，暂时无法答复。"
	textThisPoint     = "这一点"
	textDay           = "按 %s 的情况作答。"
	textNoEdition     = "没有查到这一天有效的版本，最早的一版从 %s 起有效；以下是那一版的内容，这一天是否如此没有核实。"
	textDayRefused    = "查的是 %s 有效的资料。"
	textDayUnknown    = "没有查到 %s 有效的版本，最早的一版从 %s 起有效，查的是那一版。"
	textNoDay         = "“%s”不是日历上有的日期，请写成2026-03-31这样。"
	textRelayed       = "引用、转发和图文里的命令只当内容看，不会执行。需要时请自己用文字发出。"
	textQuoteUnknown  = "引用的内容里没有认出知识库里的条目，请把问题写完整再问一次。"
	// textForward opens what is typed to have something passed on.
	textForward        = "转发"
	textForwardLong    = "这 %d 条放不进一条消息，请分开转发，回复数字或标题：%s"
	textForwardWhich   = "上面有 %d 条，请说转发第几条，例如：转发第3条、前两条发客户。"
	textForwardUnknown = "没有找到“%s”，没有转发。请说条目或标题，例如：转发第3条、转发优先通关那一节。"
	textForwardDay     = "以上为 %s 的情况。"
	textStanding       = "说明："
	textNoCommand      = "没有这个命令。可以用：/更多、/转发、/帮助、/清空。"
	textSource         = "来源：《%s》"
	textGoesOn         = "（接上页）"
	textSameNote       = "同%s的注。"
	textAddress        = "网址："
	textCompared       = "核对："
	textAuthor         = "作者："
	textNotRecorded    = "没有记载"
	textMoreOrigins    = "知识库里还有 %d 篇，请先问到那一篇的内容，再问出处。"
	textCorrection     = "更正：这里先前引用过的内容，知识库已经更新。"
	textThen           = "当时的原文："
	textNow            = "现在的原文："
	textSame           = "原文未变："
	textWithdrawn      = "这一条已从知识库撤下，请不要再引用。"
	textNoteThen       = "当时的注："
	textNoteNow        = "现在的注："
	textNoNote         = "（无）"
	textSourceNow      = "来源："
	textMoreCorrected  = "另有 %d 条也有更正，请重新提问查看。"
	TextSearching      = "正在查找，请稍候…"
	TextBusy           = "现在问的人太多，这条还没有查，请过一会儿再问一次。"
	TextAgain          = "（刚才连接中断，不确定您是否收到，再发一次）"

	// In customer service, about handing a talk over to a person.
	TextHandedOver  = "已转人工，请稍候，客服人员会在这里回复您。"
	TextQueued      = "已转人工，正在排队，客服人员接入后会在这里回复您。"
	TextNobody      = "现在没有客服人员在线，没能转给人工。"
	TextNotHanded   = "现在没能转给人工，请稍后再试一次。"
	TextHandedBack  = "人工服务已结束，您可以接着问我。"
	TextOfferPerson = "接连没有找到依据。需要的话，可以请客服人员来答："

	textSlow   = "查得有点慢，请稍后再问一次。"
	textBroken = "刚才没能答上来，请稍后再问一次。"
)

// What is said instead where nothing is remembered, so that no follow-up is understood:
// each names what can be asked by itself.
const (
	textAloneHelp    = textAbout + "\n这里每次只答一个问题，不记得前面的内容，请把问题写完整。"
	textAlone        = "这里不记得前面的内容，请把问题写完整再问。"
	textAloneItem    = "这里不记得前面的内容，请连同标题一起问，例如：%s第%d条。"
	textAloneCommand = "没有这个命令。可以用：/帮助。"
	textAloneUnsure  = "没有完全看懂。如果想问的是%s，请照这样再问一次。"
	textAloneClause  = "（%s）%s（这一条共 %d 项，问“%s”看全文）"
	textAloneMore    = "还有 %d 条相关内容%s，请连同标题再问，例如：%s。"
	textAloneWaiting = "放不下，请另外再问的问题："
	textAloneVague   = "还有 %d 条相关内容，请问得具体些。"
)

// What stands on cards and their buttons. A title may have some 26 characters, a button 10.
const (
	textCardAnswer  = "这个回答有帮助吗？"
	textCardChoices = "您想问的是？"
	textCardWish    = "要等答案吗？"
	textCardNext    = "接下来怎么办？"
	textCardRated   = "已记录，谢谢！"
	textCardUseless = "已记录。可以换个说法再问，协调员会看到。"
	textCardUnrated = "没能记下，请稍后再按一次。"
	textCardPassed  = "转发版见下一条消息。"
	textButtonMore  = "更多（%d条）"
	textButtonPass  = "转发版"
	textButtonYes   = "有用"
	textButtonNo    = "没用"
	textButtonWish  = "有答案告诉我"
)

// Apology is what the asker reads when err stopped the turn. It never contains
// err's own text: that is English, may name hosts, and belongs in the log.
func Apology(err error) string {
	text := textBroken
	if errors.Is(err, context.DeadlineExceeded) {
		text = textSlow
	}
	if errors.Is(err, errKept) {
		text += textNoted
	}
	return text
}

// quoteList writes “甲”、“乙”.
func quoteList(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = "“" + n + "”"
	}
	return strings.Join(quoted, "、")
}

// numbersOf writes 第1–3、5条. Numbers are in order.
func numbersOf(numbers []int) string {
	var runs []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		switch {
		case j == i:
			runs = append(runs, fmt.Sprint(numbers[i]))
		case j == i+1:
			runs = append(runs, fmt.Sprint(numbers[i]), fmt.Sprint(numbers[j]))
		default:
			runs = append(runs, fmt.Sprintf("%d–%d", numbers[i], numbers[j]))
		}
		i = j + 1
	}
	return "第" + strings.Join(runs, "、") + "条"
}
