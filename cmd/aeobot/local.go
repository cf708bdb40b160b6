package main

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"strings"

	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/platform"
	"aeobot/configs"
)

// localBotName is what members of the local group call the bot, unless it has a name.
const localBotName = "AEO助手"

// tryLocally lets a browser on this machine talk to the bot when no channel is
// configured: a stand-in for the platform calls the bot back, with a token and key
// made for this run.
func (s *server) tryLocally() error {
	bot := &s.settings.WeCom.AIBot
	if bot.Name == "" {
		bot.Name = localBotName
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails: crypto/rand aborts the program instead
	bot.Token, bot.EncodingAESKey = configs.Secret(rand.Text()), configs.Secret(strings.TrimRight(base64.StdEncoding.EncodeToString(key), "="))
	codec, err := envelope.New(bot.Token.Reveal(), bot.EncodingAESKey.Reveal(), "")
	if err != nil {
		return fmt.Errorf("local chat: %w", err)
	}
	base := "http://" + reachable(s.settings.Listen)
	s.settings.WeCom.APIBaseURL = base // late answers are posted here, too
	s.api = &platform.API{}
	s.chat = platform.NewChat(platform.ChatOptions{BotName: bot.Name, Note: "协调员的维护台在 /console/；没有设登录时，打开启动 serve 的终端里印出来的链接。", Log: s.log, Corp: s.api.Corp("local", ""), APIBaseURL: base,
		AIBot: &platform.Endpoint{URL: base + "/wecom/aibot", Codec: codec}})
	return nil
}

// announce tells where the local group is, and where the console is while no login is set:
// who reads the program's output may enter, and nobody else.
func (s *server) announce(out io.Writer) error {
	var b strings.Builder
	if s.chat != nil {
		fmt.Fprintf(&b, "没有配置企业微信渠道，本机试用群聊：http://%s/\n", reachable(s.settings.Listen))
	}
	console := "http://" + reachable(cmp.Or(s.settings.Console.Listen, s.settings.Listen))
	if path := s.guard.LocalPath(); path != "" {
		fmt.Fprintf(&b, "维护台（没有设登录，只在本机用这个链接打开）：%s%s\n", console, path)
	} else if s.chat != nil {
		fmt.Fprintf(&b, "维护台：%s/console/\n", console)
	}
	if s.chat != nil {
		b.WriteString("接入企业微信见 README（wecom.aibot.bot_id 或 wecom.aibot.token）。Ctrl-C 结束。\n")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// reachable is an address that listens, as this machine reaches it.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return listen
}
