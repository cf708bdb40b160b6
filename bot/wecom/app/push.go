package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
)

// saidKeep is how long a push that nobody asked for just now is tried, and for how long its
// id is known.
const saidKeep = 72 * time.Hour

// saidLater is how long one waits that the platform could not take now.
const saidLater = 2 * time.Minute

// Reach tells that members can be spoken to first, when there is a Sender and what is
// promised survives a crash; see bot.Pusher.
func (c *Callback) Reach(to bot.Address) (bot.Surface, bool) {
	return c.surface, c.pushes != nil && c.pushes.journal != nil && to.Channel == c.surface.Name && to.Chat == "" && to.Asker != ""
}

// Push sends pages to a member; see bot.Pusher.
func (c *Callback) Push(ctx context.Context, id string, to bot.Address, pages []string) (fresh, over bool, err error) {
	if _, ok := c.Reach(to); !ok {
		return false, false, bot.ErrCannot
	}
	job := push{To: to.Asker, Items: c.items(pages), Said: true, id: id, noted: true}
	data, err := json.Marshal(job)
	if err != nil {
		return false, false, fmt.Errorf("app: push: %w", err)
	}
	p := c.pushes
	fresh, over, err = bot.EnterPush(ctx, p.journal, bot.Task{Queue: p.queue, ID: id, Data: data}, p.holder, p.lease, saidKeep)
	if fresh {
		p.start(job, 0)
	}
	return fresh, over, err
}

// said tells what became of a push; pages that follow an answer are nobody's news.
func (p *pushes) said(job push, err error) {
	if !job.Said || p.pushed == nil {
		return
	}
	if errors.Is(err, api.ErrRecipient) || errors.Is(err, api.ErrForbidden) {
		err = errors.Join(bot.ErrCannot, err)
	}
	p.pushed(bot.Outcome{ID: job.id, Err: err, At: time.Now()})
}
