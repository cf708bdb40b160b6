package main

import (
	"regexp"
	"strings"
	"unicode"
)

// complaint is what an operator reads of an error: in Chinese what is wrong, and behind it
// the program's own words, which a search finds. All errors of all commands come through
// here; to say one better, add a row to complaints.
func complaint(err error, usage bool) string {
	text := packages.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), "")
	if beginsChinese(text) {
		return text
	}
	said := "没有做成，原因见括号里的原文"
	if usage {
		said = "命令、设置或文件有误，请照括号里的原文改"
	}
	for _, c := range complaints {
		if m := c.words.FindStringSubmatchIndex(text); m != nil {
			said = string(c.words.ExpandString(nil, c.chinese, text, m))
			break
		}
	}
	return said + "（" + text + "）"
}

// packages are the names of the packages that an error came through.
var packages = regexp.MustCompile(`^(?:(?:[a-z]+|data folder|usage): )+`)

func beginsChinese(text string) bool {
	at := strings.IndexFunc(text, unicode.IsLetter)
	return at >= 0 && chineseStart.MatchString(text[at:])
}

var chineseStart = regexp.MustCompile(`^\p{Han}`)

// complaints say what is wrong in Chinese; the first row that takes an error stands for it.
var complaints = []struct {
	words   *regexp.Regexp
	chinese string
}{
	{regexp.MustCompile(`unknown command "([^"]*)" for "aeobot ([^"]*)"`), "不认“${1}”，用法见 aeobot ${2} --help"},
	{regexp.MustCompile(`unknown command "([^"]*)"`), "没有“${1}”这个命令，有哪些见 aeobot --help"},
	{regexp.MustCompile(`unknown (?:shorthand )?flag: (\S+)`), "没有“${1}”这个选项，有哪些见 --help"},
	{regexp.MustCompile(`flag needs an argument: (\S+)`), "选项 ${1} 后面要写值"},
	{regexp.MustCompile(`invalid argument "([^"]*)" for "([^"]*)" flag`), "选项 ${2} 的值“${1}”不对"},
	{regexp.MustCompile(`required flag\(s\) (.+?) not set`), "要写上选项 ${1}"},
	{regexp.MustCompile(`requires at least (\d+) arg\(s\), only received (\d+)`), "命令后面至少要写 ${1} 项，写了 ${2} 项"},
	{regexp.MustCompile(`accepts (\d+) arg\(s\), received (\d+)`), "命令后面要写 ${1} 项，写了 ${2} 项"},
	{regexp.MustCompile(`accepts (?:at most|between \d+ and) (\d+) arg\(s\), received (\d+)`), "命令后面最多写 ${1} 项，写了 ${2} 项"},
	{regexp.MustCompile(`^(\S+) "([^"]*)" is no date`), "日期不对，${1} 后面写成 2026-03-31 这样"},
	{regexp.MustCompile(`"([^"]*)" is no version`), "没有“${1}”这个版本或文件，有哪些版本用 aeobot knowledge versions 看"},
	{regexp.MustCompile(`no such version: (\d+)`), "没有版本 ${1}，有哪些用 aeobot knowledge versions 看"},
	{regexp.MustCompile(`version (\d+) is in force already`), "版本 ${1} 已经是现行版本"},
	{regexp.MustCompile(`who publishes\?`), "没有写谁发布，用 --author 写上"},
	{regexp.MustCompile(`why\? say so`), "没有写为什么，用 --reason 写上"},
	{regexp.MustCompile(`--override needs a second person`), "写 --override 时还要用 --approver 写上第二个人"},
	{regexp.MustCompile(`--remove (\S+): there is no such file`), "知识里没有“${1}”这个文件，去不掉"},
	{regexp.MustCompile(`another version was published meanwhile`), "这期间别人发布了新版本，看过以后再发布"},
	{regexp.MustCompile(`a published state was changed`), "发布过的版本被改动过，请从备份恢复"},
	{regexp.MustCompile(`chains of versions have parted`), "各副本的版本分成了两支，用 aeobot knowledge versions --adopt 选定一支"},
	{regexp.MustCompile(`: line (\d+): .*(?:YAML|yaml)`), "设置文件第 ${1} 行附近的 YAML 写得不对"},
	{regexp.MustCompile(`nothing to answer from`), "没有可以用来回答的内容"},
	{regexp.MustCompile(`(\S+): no reader for`), "读不了“${1}”这种文件，用 .txt 或 .md，其他格式先 aeobot knowledge import"},
	{regexp.MustCompile(`one JSON object a line is expected|line \d+: .*write \{`), "每行要是一个 JSON 对象"},
	{regexp.MustCompile(`not (?:valid )?UTF-8|no UTF-8|GB18030`), "文件不是 UTF-8 编码，另存为 UTF-8 再试"},
	{regexp.MustCompile(`key "([^"]*)" is on line \d+ already`), "写了两次“${1}”，只留一处"},
	{regexp.MustCompile(`unknown (?:key|field|setting) "?([\w.]+)"?`), "没有“${1}”这一项设置，看看有没有写错"},
	{regexp.MustCompile(`the scheme is none of redis`), "地址写得不对，redis.url 要写成 redis://:密码@主机:6379/0 这样"},
	{regexp.MustCompile(`(?:open|stat|lstat|read|mkdir|chdir) (\S+): no such file or directory`), "找不到“${1}”"},
	{regexp.MustCompile(`(?:open|stat|lstat|read|mkdir|write|unlink|rename) (\S+): permission denied`), "没有权限读写“${1}”"},
	{regexp.MustCompile(`(\S+): is a directory`), "要写文件，“${1}”是文件夹"},
	{regexp.MustCompile(`(\S+): not a directory`), "要写文件夹，“${1}”不是"},
	{regexp.MustCompile(`no space left on device`), "磁盘满了"},
	{regexp.MustCompile(`read-only file system`), "磁盘是只读的，换一个数据文件夹（--data 或 data_dir）"},
	{regexp.MustCompile(`listen \S+ (\S+): bind: address already in use`), "地址 ${1} 已被别的程序占用，换一个（listen）或先停掉它"},
	{regexp.MustCompile("`aeobot serve` running"), "连不上正在运行的 aeobot serve，先看它有没有启动、监听地址（listen）和这里的设置是否一致"},
	{regexp.MustCompile(`dial (?:tcp|unix) (\S+): .*connection refused`), "连不上 ${1}，对方没有在运行或端口不对"},
	{regexp.MustCompile(`no such host`), "找不到这台主机，核对地址"},
	{regexp.MustCompile(`(?:i/o timeout|deadline exceeded)`), "等了太久没有回应，稍后再试或核对地址"},
	{regexp.MustCompile(`used by another|locked|timeout.*aeobot\.db`), "数据文件夹正被另一个 aeobot 使用，换一个（--data）或先停掉它"},
	{regexp.MustCompile(`panic`), "程序内部出错，请把括号里的话连同日志交给维护人员"},
	{regexp.MustCompile(`^([\w.]+): `), "设置 ${1} 有误，请照括号里的原文改"},
}
