package aibot

import (
	"context"
	"encoding/json"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"aeobot/bot"
)

// botNames are what the bot is called: as the settings say, and as it was renamed in WeCom's
// console since, which nobody tells it. In a group the bot hears only who mentions it, so
// that a message that is one mention and nothing else has its name.
type botNames struct {
	shelf bot.Shelf // nil: what is learnt goes with the process
	log   *slog.Logger

	mu      sync.Mutex
	own     string
	learnt  []string
	version uint64
	looked  time.Time
}

const (
	namesKind = "bot-names"
	// namesKeep is how long a name is remembered, and maxNames how many are.
	namesKeep = 180 * 24 * time.Hour
	maxNames  = 8
	// namesEvery is how often it is looked whether another replica has learnt one, and
	// namesWithin how long that may take: somebody waits for an answer.
	namesEvery  = time.Minute
	namesWithin = 300 * time.Millisecond
)

// known are the bot's names.
func (n *botNames) known(ctx context.Context, botID string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.shelf != nil && time.Since(n.looked) > namesEvery {
		n.looked = time.Now() // also when it fails: the next look is in a while
		if err := n.load(ctx, botID); err != nil {
			n.log.Warn("names of the bot not looked up", slog.Any("error", err))
		}
	}
	return append([]string{n.own}, n.learnt...)
}

// load reads what all replicas have learnt; mu is held.
func (n *botNames) load(ctx context.Context, botID string) error {
	ctx, cancel := context.WithTimeout(ctx, namesWithin)
	defer cancel()
	item, err := n.shelf.Get(ctx, namesKind, botID)
	if err != nil || item.Version == 0 {
		return err
	}
	var stored []string
	if err := json.Unmarshal(item.Data, &stored); err != nil {
		return err
	}
	n.version = item.Version
	for _, name := range stored {
		n.add(name)
	}
	return nil
}

// add reports whether a name is new; mu is held.
func (n *botNames) add(name string) bool {
	if name == n.own || slices.Contains(n.learnt, name) {
		return false
	}
	n.learnt = append(n.learnt, name)
	n.learnt = n.learnt[max(len(n.learnt)-maxNames, 0):]
	return true
}

// learn keeps a name that the bot was called by, for all replicas.
func (n *botNames) learn(ctx context.Context, botID, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.add(name) {
		return
	}
	n.log.Info("the bot is called otherwise than wecom.aibot.name says; both names are understood")
	if n.shelf == nil {
		return
	}
	if err := n.save(ctx, botID); err != nil {
		n.log.Warn("a new name of the bot is known to this process only", slog.Any("error", err))
	}
}

// save writes what is known, with what other replicas have learnt; mu is held.
func (n *botNames) save(ctx context.Context, botID string) error {
	if err := n.load(ctx, botID); err != nil {
		return err
	}
	data, err := json.Marshal(n.learnt)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, namesWithin)
	defer cancel()
	return n.shelf.Put(ctx, namesKind, botID, data, n.version, namesKeep)
}

// text is what a message says beside names. Of one that is only a name, that name is learnt.
func (n *botNames) text(ctx context.Context, in incoming) string {
	words, known := in.words(), n.known(ctx, in.AIBotID)
	if in.MsgType != "text" || in.ChatID == "" || !onlyCalls(words, known) {
		return bot.WithoutMentions(words, known...)
	}
	if name, unknown := bot.OnlyMention(words, known...); unknown && !personal(name) && (picked(words) || !surname.MatchString(name) || calledBot.MatchString(name)) {
		n.learn(ctx, in.AIBotID, name)
	}
	return ""
}

// onlyCalls reports whether each word of a group's message calls somebody and none says
// anything.
func onlyCalls(words string, known []string) bool {
	all := strings.FieldsFunc(words, bot.IsBlank)
	for i, word := range all {
		if i < len(all)-1 || picked(words) {
			word += " "
		}
		if _, unknown := bot.OnlyMention(word, known...); !unknown && bot.WithoutMentions(word, known...) != "" {
			return false
		}
	}
	return true
}

// picked reports whether a client has put its blank behind a name.
func picked(words string) bool {
	last, _ := utf8.DecodeLastRuneInString(words)
	return bot.IsBlank(last)
}

// Names of people are never taken for the bot's. What might be one is not learnt: all that
// is lost is the question that stands behind it without a blank.
var (
	surnames = `赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄` +
		`和穆萧尹姚邵湛汪祁毛禹狄米贝明臧伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍虞万柯昝管卢莫房裘缪干解应宗丁宣邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆` +
		`荣翁荀羊於惠甄麴家封芮羿储靳汲邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓蓬郗班仰秋仲伊宫宁仇栾暴甘钭厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥苍双闻莘党翟谭贡劳逄姬申扶堵` +
		`冉宰郦雍桑桂濮牛寿边扈燕冀浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡耿满弘匡文寇广禄阙东欧利师巩聂关荆肖覃涂代游佟付闫岳帅缑亢况琴商牟佘佴伯赏墨哈谯笪年爱阳`
	// person is a surname and a given name of up to three characters, or a title.
	person = regexp.MustCompile(`^(?:老|小|大|阿)?[` + surnames + `](?:\p{Han}{1,3}|\p{Han}{0,3}(?:总|工|经理|主任|部长|科长|处长|局长|主管|总监|老师|先生|女士|小姐|师傅|律师|博士|教授|医生|会计|哥|姐))$`)
	// surname begins a name that may be a person's with a question behind it.
	surname = regexp.MustCompile(`^[` + surnames + `]`)
	// hanStart is the part of a name before a department, a remark or another script.
	hanStart = regexp.MustCompile(`^\p{Han}*`)
	hanEnd   = regexp.MustCompile(`\p{Han}*$`)
	// everybody is a mention of the whole group.
	everybody = regexp.MustCompile(`(?i)^(?:所有人|全体成员|全体|all|everyone)$`)
	// foreign is a name in Latin letters, with dots of names in between or none.
	foreign = regexp.MustCompile(`^[\p{Latin}\d._'-]+$`)
	// calledBot ends the name of a bot whatever stands before it.
	calledBot = regexp.MustCompile(`(?i)(?:助手|助理|机器人|小秘|问答|客服|bot|[^a-z]ai)(?:[(（].*)?$`)
)

// personal reports whether a name may be a person's.
func personal(name string) bool {
	start, end := hanStart.FindString(name), hanEnd.FindString(name)
	switch {
	case everybody.MatchString(name), strings.ContainsAny(name, "·•・"):
		return true
	case calledBot.MatchString(name):
		return false
	case foreign.MatchString(name), person.MatchString(start):
		return true
	case start == "" && person.MatchString(end):
		return true
	}
	return utf8.RuneCountInString(name) < 3
}
