package console

import (
	"crypto/rand"
	"fmt"
	"html/template"
	"net/url"
	"reflect"
	"strings"
	"time"

	"aeobot/bot/desk"
	"aeobot/index/eval"
)

// functions are what templates can call.
var functions = template.FuncMap{
	"clock":      clock,
	"day":        func(t time.Time) string { return t.In(china).Format("01-02") },
	"place":      desk.PlaceOf,
	"standing":   desk.Standing.Name,
	"stageClass": func(s desk.Stage) string { return stageClasses[s] },
	"recall":     func(s desk.RecallState) string { return recallNames[s] },
	"chat":       func(s desk.ChatState) string { return chatNames[s] },
	"percent":    percent,
	"short":      short,
	"list":       func(l []string) string { return strings.Join(l, "、") },
	"channel":    channelName,
	"passage":    func(id string) string { return "/console/knowledge/passage?id=" + url.QueryEscape(id) },
	"document":   documentLink,
	"notes":      func(id string) string { return "/console/knowledge/notes/" + url.PathEscape(id) },
	"lines":      func(s string) []string { return strings.Split(s, "\n") },
	"score":      func(x float64) string { return fmt.Sprintf("%.2f", x) },
	"fine":       func(x float64) string { return fmt.Sprintf("%.3f", x) },
	"add":        func(a, b int) int { return a + b },
	"sub":        func(a, b int) int { return a - b },
	"first":      first,
	"groups": func(title, hit string, groups []eval.Group) map[string]any {
		return map[string]any{"Title": title, "Hit": hit, "Groups": groups}
	},
	"restoring": func(number int, csrf string) map[string]any { return map[string]any{"Number": number, "CSRF": csrf} },
	"act":       func(what string) string { return named(actNames, what) },
	"object":    func(what string) string { return named(objectNames, what) },
	"decision":  func(what string) string { return named(decisionNames, what) },
	"reason":    func(r int) string { return reasonNames[r] },
	"once":      func() string { return rand.Text() },
	"kind":      func(what string) string { return named(kindNames, what) },
	"relation":  func(what string) string { return named(relationNames, what) },
	"facet":     desk.FacetName,
	"signal":    func(what string) string { return named(signalNames, what) },
}

// first gives the first n of a list.
func first(n int, list any) any {
	v := reflect.ValueOf(list)
	return v.Slice(0, min(n, v.Len())).Interface()
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(china).Format("2006-01-02 15:04")
}

// percent is a share of a whole, or a stroke of nothing.
func percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(part)/float64(whole))
}

// short cuts a text to n characters.
func short(n int, s string) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// named is a word's Chinese name, or the word.
func named(names map[string]string, word string) string {
	if name, ok := names[word]; ok {
		return name
	}
	return word
}

// stageClasses are how a proposal's stage looks.
var stageClasses = map[desk.Stage]string{desk.StagePassed: "good", desk.StageWorse: "bad", desk.StageFailed: "bad", desk.StageDead: "bad", desk.StageStale: "warn", desk.StageWaiting: "soft", desk.StageJudging: "soft"}

var recallNames = map[desk.RecallState]string{desk.RecallOpen: "等决定", desk.RecallApproved: "发更正", desk.RecallDropped: "不发", desk.RecallNone: "没有人读到过旧的"}

var chatNames = map[desk.ChatState]string{desk.ChatWaiting: "等着发", desk.ChatSent: "已发", desk.ChatCannot: "平台不允许", desk.ChatFailed: "没发成"}

var channelNames = map[string]string{"aibot": "智能机器人", "app": "自建应用", "kf": "微信客服", "terminal": "终端"}

func channelName(name string) string { return named(channelNames, name) }

// actNames are what people did, as the audit log has it and as the console says it.
var actNames = map[string]string{"propose": "提议", "publish": "发布", "publish although worse": "有问题变差，仍发布", "reject": "作废提议", "amend": "修改提议",
	"question open": "问题：重新打开", "question assigned": "问题：分派", "question solved": "问题：已解决", "question rejected": "问题：不处理",
	"recall sent": "发更正", "recall dropped": "不发更正", "login": "登录", "logout": "退出", "login refused": "登录被拒", "forget": "删除某人的记录"}

// objectNames are how somebody logged in; what else an act was done to is shown as it is.
var objectNames = map[string]string{"password": "用密码", "wecom": "经企业微信"}

var decisionNames = map[string]string{"measures": "引用几条", "sections": "给出整节", "clarify": "反问", "refuse": "答不上"}

// kindNames are the kinds of judged questions and what a turn of a dialog is to do; see
// index/eval/questions.
var kindNames = map[string]string{"all": "合计", "keyword": "关键词", "natural": "平常的话", "paraphrase": "换个说法", "section": "整节", "compound": "几个问题一起",
	"typo": "错别字", "traditional": "繁体", "english": "英文", "pinyin_or_mixed": "拼音、中英混写", "department": "部门", "context_noise": "夹着闲话",
	"near_domain": "相近的话题", "chitchat": "闲聊", "other_enterprise": "企业的别的事", "abuse_injection_garbage": "捣乱",
	"answer": "回答", "detail": "细问", "thanks": "致谢", "clarify": "反问", "narrow": "缩小范围", "back": "回到前面", "switch": "换话题", "command": "命令",
	"more": "更多", "none": "答不上的", "greet": "问候", "help": "帮助", "split": "要分开的", "trap": "不能分开的"}

// relationNames are the vocabulary's; see lexicon.Relation.
var relationNames = map[string]string{"synonym": "同义", "broader": "更宽", "narrower": "更窄", "oneway": "单向"}

var signalNames = map[string]string{"words": "字词", "asked": "问法", "keyword": "关键词", "label": "部门", "context": "上下文", "coverage": "覆盖",
	"bleve": "候选分", "facet": "没写所问的方面", "unlike": "易混"}

// reasonNames are the platform's reasons of a bad rating; see bot.Feedback.
var reasonNames = map[int]string{1: "答非所问", 2: "内容不全", 3: "内容不对", 4: "分析不对"}
