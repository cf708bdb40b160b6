package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"aeobot/bot"
)

const (
	// lookEvery is how often it is looked for what coordinators should know.
	lookEvery = 30 * time.Second
	// maxReported bounds the questions in one notice, and reportedRunes each of them.
	maxReported   = 10
	reportedRunes = 60
)

// report tells the coordinators' group what it should know, until ctx ends: questions
// without an answer, gathered, and what must be mended, once a day.
func (s *server) report(ctx context.Context) {
	every := s.settings.WeCom.Robot.Every
	last := time.Now().Truncate(every)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(min(lookEvery, every)):
		}
		s.reportTrouble(ctx)
		if now := time.Now().Truncate(every); now.After(last) {
			s.reportUnanswered(ctx, last, now)
			last = now
		}
	}
}

func (s *server) reportTrouble(ctx context.Context) {
	r := s.readiness(ctx)
	for _, reason := range r.Reasons {
		about, _, _ := strings.Cut(reason, ";") // what follows is the mend, and words that vary
		id := "trouble:" + time.Now().In(china).Format(time.DateOnly) + ":" + about
		s.notify(ctx, id, "**AEO 问答机器人需要处理**\n> "+reason)
	}
}

// reportUnanswered reports the questions asked between two moments. All replicas
// do; the notice's id makes it one.
func (s *server) reportUnanswered(ctx context.Context, from, to time.Time) {
	list, err := s.store.Unanswered(ctx)
	if err != nil {
		s.log.Warn("unanswered questions not reported", slog.Any("error", err))
		return
	}
	var asked []bot.Unanswered
	for _, u := range list {
		if !u.Last.Before(from) && u.Last.Before(to) {
			asked = append(asked, u)
		}
	}
	if len(asked) > 0 {
		s.notify(ctx, "unanswered:"+to.UTC().Format(time.RFC3339), unansweredNotice(asked))
	}
}

// unansweredNotice lists questions, most often asked first.
func unansweredNotice(asked []bot.Unanswered) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**有 %d 个问题没有答上**", len(asked))
	for i, u := range asked {
		if i == maxReported {
			fmt.Fprintf(&b, "\n其余 %d 个见 aeobot unanswered", len(asked)-i)
			break
		}
		question := []rune(bot.Disarm(printable(u.Question)))
		if len(question) > reportedRunes {
			question = append(question[:reportedRunes-1], '…')
		}
		fmt.Fprintf(&b, "\n%d、%s（共 %d 次）", i+1, string(question), u.Count)
	}
	return b.String()
}

func (s *server) notify(ctx context.Context, id, markdown string) {
	if err := s.robot.Notify(ctx, id, markdown); err != nil {
		s.log.Warn("notice not kept", slog.Any("error", err))
	}
}
