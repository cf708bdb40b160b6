package bot

import (
	"regexp"
	"strings"
)

var (
	// signature begins what ends an e-mail: what follows is no question.
	signature = regexp.MustCompile(`(?im)^\s*(?:--+|__+|——+|={3,}|best regards|kind regards|warm regards|regards|thanks\s*(?:&|and)\s*(?:best\s+)?regards|sincerely|此致|敬礼|祝好|顺祝|商祺|祝工作顺利|祝商祺|发自我的|来自我的|sent from my|get outlook|-{2,}\s*(?:original message|原始邮件)|发件人\s*[:：]|from\s*:)`)
	// contact is a line that only says how to reach the writer.
	contact = regexp.MustCompile(`(?i)^\s*(?:(?:手机|电话|座机|传真|邮箱|电邮|微信|地址|网址|公司|部门|职务|分机|邮编|tel|mobile|phone|cell|fax|e-?mail|mail|addr(?:ess)?|web|wechat|qq)\s*[:：.].*|[\w.+-]+@[\w.-]+|\+?[\d\s()-]{7,}|https?://\S+)\s*$`)
	// courtesy opens a message without saying anything.
	courtesy = regexp.MustCompile(`(?i)^\s*(?:(?:各位|大家|老师|领导|小助手|助手|机器人|同事|亲|你|您|早上|上午|中午|下午|晚上)们?好(?:呀|啊)?|哈喽|嗨|在吗|在不在|在么|有人吗|有人在吗|hi|hello|hey|dear all|打扰(?:一下|了|大家了)?|不好意思|麻烦问(?:一?下)?|同问|我也(?:想)?问(?:一?下)?|插一?句|对了|补充一?下|还有个问题|另外问(?:一?下)?|再问(?:一个|一?下)?|问(?:一个|个)?问题|想?(?:请教|咨询|请问|问)(?:一?下|个问题|一个问题)?|请问|帮(?:我|忙)(?:查|看|问)(?:一?下)?|好的?(?:,|，)?谢谢|好的|谢谢|收到|明白了?|嗯+|ok|(?:aeo)?(?:问答)?(?:小)?(?:助手|机器人))(?:[\s,，。.!！?？~～:：、;；]+|$)`)
	// thanks closes one.
	closing = regexp.MustCompile(`(?i)[\s,，。.!！~～;；]*(?:(?:非常|先|多)?(?:谢谢|感谢|谢了|多谢|辛苦|麻烦)(?:你|您|啦|了|大家|各位|老师|回复|解答|哈)*|拜托了?|急(?:急)*|在线等|thanks|thank you|thx)[\s。.!！~～]*$`)
	// rhetoric follows a question without asking anything: 对吗, 是不是, 真的吗.
	rhetoric = regexp.MustCompile(`[,，。\s]+(?:对吗|对吧|对不对|是吗|是吧|是不是|是这样吗|没错吧|真的吗|真的假的|有吗|好吗|可以吗|行吗|right)[?？!！\s]*$`)
)

// withoutNoise takes off what people write around a question: a greeting, a name
// called, thanks, a signature. When nothing else is left, the message stays.
func withoutNoise(text string) string {
	kept := signature.Split(text, 2)[0]
	var lines []string
	for line := range strings.Lines(kept) {
		if !contact.MatchString(line) {
			lines = append(lines, line)
		}
	}
	kept = WithoutMentions(strings.Join(lines, ""))
	for {
		next := closing.ReplaceAllString(courtesy.ReplaceAllString(kept, ""), "")
		if next == kept || said(next) == "" {
			break
		}
		kept = next
	}
	if shorter := rhetoric.ReplaceAllString(kept, ""); said(shorter) != "" {
		kept = shorter
	}
	if said(kept) == "" {
		return text
	}
	return strings.TrimSpace(kept)
}
