package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot"
	"aeobot/bot/desk"
	"aeobot/bot/ledger"
	"aeobot/configs"
)

func newForget(g *global) *cobra.Command {
	var chats []string
	var author string
	cmd := &cobra.Command{
		Use:   "forget USERID",
		Short: "删掉为某个人留着的东西",
		Long: `删掉为一个人（企业微信的 userid）留着的东西：
  · 单聊和群里的对话，以及回复过的内容：群取自近期回答过的群（corrections.ttl 之内），其他的群用 --chat 写出；
    没有找到的群里的，最多 session.ttl（默认 30 分钟）和 2 小时后自行消失，里面没有写过的话；
  · 对回答的意见和留言；· “有答案时告诉我”的登记；· 单聊看过哪些条文、等着发给此人的更正。
没答上的问题和问过的问题不记是谁问的，所以不在其中，到期自行消失；协调员自己发布、操作的记录留在版本和操作记录里。
操作记录只记下用密钥（store.key）算出的代号，不记 userid，拿着员工名单也对不出是谁。

serve 运行时也能做（用内置存储时由 serve 代做，存储文件的空闲页要等停下 serve 再做一次才重写）。
用 Redis 时请在 serve 空闲时做，其他副本最近两秒的记录要再做一次才删得到；Redis 自己的 AOF、RDB 文件和备份里的，
要等 Redis 重写它们（BGREWRITEAOF、BGSAVE）或备份到期才消失。`,
		Example: "  aeobot forget lin.yue",
		Args:    arguments(cobra.ExactArgs(1), "name the user id of one person"),
		RunE: func(cmd *cobra.Command, args []string) error {
			person := strings.TrimSpace(args[0])
			if person == "" {
				return usageError{errors.New("the user id is empty; copy it from the admin console's list of members")}
			}
			c, err := g.settings()
			if err != nil {
				return err
			}
			if author == "" {
				author = systemUser()
			}
			return orServe(cmd, c, args, func() error {
				return forget(cmd.Context(), cmd.OutOrStdout(), c, bot.Asker(person), chats, author)
			})
		},
	}
	cmd.Flags().StringArrayVar(&chats, "chat", nil, "另外还在哪个群里说过话（群的 id），可重复")
	cmd.Flags().StringVar(&author, "author", "", "谁删的（默认当前系统用户）")
	return cmd
}

// forgetWithin bounds forgetting.
const forgetWithin = 2 * time.Minute

func forget(ctx context.Context, out io.Writer, c configs.Config, person bot.Asker, chats []string, author string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, forgetWithin)
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	s, err := storeFor(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.CloseCompact()) }()
	// What was kept under an earlier setting is found, too.
	given := ledger.New[bot.Given](s, "given", max(c.Corrections.TTL, configs.Default().Corrections.TTL), log)
	places, addresses, err := spokenIn(ctx, given)
	if err != nil {
		return err
	}
	for _, name := range chats {
		places[name] = true
	}
	places[""] = true // one-to-one
	var conversations []bot.Conversation
	spelled := spellings(c.Access(), person, addresses)
	for place := range places {
		for _, id := range spelled {
			conversations = append(conversations, bot.Conversation{Chat: place, Asker: id})
		}
	}
	talks, err := s.Forget(ctx, conversations)
	if err != nil {
		return err
	}
	opinions, err := s.Withdraw(ctx, spelled)
	if err != nil {
		return err
	}
	d := desk.New(s, newPublisher(c, newExchange(c, s)), desk.Options{Keep: c.Unanswered.TTL, Given: given, Log: log})
	defer d.Close()
	notices, err := d.Forget(ctx, person)
	if err != nil {
		return err
	}
	waiting, err := s.ForgetTasks(ctx, func(t bot.Task) bool { return mentions(t.Data, person) })
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "对话和回复 %d 条、意见 %d 条、要告诉此人的和单聊看过的 %d 条，都已删掉（找过 %d 个群和帐号）。\n", talks, opinions, notices+waiting, len(places)-1)
	who, err := s.Name(ctx, bot.FoldPerson(string(person)))
	if err != nil {
		return err
	}
	return openAudit(c, s).Append(ctx, author, "forget", "person "+who)
}

// mentions reports whether a person's id is among the texts of a task, whatever its channel
// makes of it.
func mentions(data []byte, person bot.Asker) bool {
	var v any
	return json.Unmarshal(data, &v) == nil && holds(v, string(person))
}

func holds(v any, person string) bool {
	has := func(v any) bool { return holds(v, person) }
	switch v := v.(type) {
	case string:
		return bot.SamePerson(v, person)
	case []any:
		return slices.ContainsFunc(v, has)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(v)), has)
	}
	return false
}

// spokenIn are the chats, as conversations name them, in which something was shown, and the
// addresses of those it was shown to one-to-one.
func spokenIn(ctx context.Context, given *ledger.Ledger[bot.Given]) (places map[string]bool, people []bot.Address, err error) {
	places = map[string]bool{}
	err = given.Each(ctx, time.Time{}, func(_ time.Time, g bot.Given) {
		switch {
		case g.To.Account != "":
			places[g.To.Channel+"/"+g.To.Account] = true // as customer service names an account's talks
		case g.To.Chat != "":
			places[g.To.Chat] = true
		default:
			people = append(people, g.To)
		}
	})
	return places, people, err
}
