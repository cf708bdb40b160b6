package kf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"aeobot/bot"
)

// pushSurface is what a customer can be shown who has not just asked: one message, since
// the platform counts them.
var pushSurface = bot.Surface{Name: Surface.Name, MaxBytes: Surface.MaxBytes, MaxPages: 1}

// pushed is what the journal keeps of a push.
type pushed struct {
	To   bot.Address `json:"to"`
	Text string      `json:"t"`
	// Begun tells that it was handed to the platform, so that it may have arrived.
	Begun bool `json:"b,omitempty"`
	Waits int  `json:"w,omitempty"`
	Tries int  `json:"x,omitempty"` // those that are bounded
}

// pushKeep is how long a push is tried: the platform takes none 48 hours after a customer's
// last message.
const pushKeep = 72 * time.Hour

func (k *Callback) pushQueue() string { return k.queue() + ":pushes" }

// Reach tells what a customer can be shown. Whether the 48 hours and the five messages
// after the customer's last allow it, the platform says; see bot.Pusher.
func (k *Callback) Reach(to bot.Address) (bot.Surface, bool) {
	return pushSurface, to.Channel == Surface.Name && to.Account != "" && to.Asker != ""
}

// Push sends a page to a customer; see bot.Pusher.
func (k *Callback) Push(ctx context.Context, id string, to bot.Address, pages []string) (fresh, over bool, err error) {
	if _, ok := k.Reach(to); !ok || len(pages) == 0 {
		return false, false, bot.ErrCannot
	}
	data, err := json.Marshal(pushed{To: to, Text: pages[0]})
	if err != nil {
		return false, false, fmt.Errorf("kf: push: %w", err)
	}
	return bot.EnterPush(ctx, k.store, bot.Task{Queue: k.pushQueue(), ID: id, Data: data}, k.holder, 0, pushKeep)
}

// pushes sends what is left to be said first.
func (k *Callback) pushes(ctx context.Context) {
	tasks, err := k.store.Claim(ctx, k.pushQueue(), k.holder, 16, k.times.lease)
	if err != nil {
		k.o.Log.Debug("pushes not looked for", slog.Any("error", err))
	}
	for _, t := range tasks {
		if ctx.Err() != nil {
			return // another takes it when the lease is over
		}
		var p pushed
		if err := json.Unmarshal(t.Data, &p); err != nil {
			k.o.Log.Error("push not understood", slog.Any("error", err))
			k.pushOver(t.ID, bot.ErrCannot)
			continue
		}
		k.push(ctx, t.ID, p)
	}
}

// push sends one thing, or leaves it for later.
func (k *Callback) push(ctx context.Context, id string, p pushed) {
	account, customer := p.To.Account, string(p.To.Asker)
	if k.hasPerson(ctx, account, customer) {
		p.Waits++
		k.notePush(id, p, k.delay(p.Waits))
		return
	}
	text := p.Text
	if p.Begun { // sent before the crash or not: nobody knows
		text = k.o.Again + "\n" + text
	}
	p.Begun = true
	if !k.notePush(id, p, k.times.lease) {
		return
	}
	err := k.sendText(ctx, account, customer, pageID(id, 0), text)
	if err == nil {
		k.health.good(apiSend, account, k.o.Now())
		k.o.Count(OutcomePushed)
		k.pushOver(id, nil)
		return
	}
	c := k.refusal(apiSend, err)
	p.Begun = c == classNetwork // a refusal sent nothing
	if c == classUnknown {
		p.Tries++
	}
	switch {
	case c == classOver:
		k.o.Count(OutcomeTooLate)
		k.pushOver(id, errors.Join(bot.ErrCannot, err))
	case p.Tries >= maxTries:
		k.o.Count(OutcomeFailed)
		k.logRefusal("push given up", c, err)
		k.pushOver(id, err)
	default:
		k.o.Count(OutcomeRetried)
		k.o.Log.Warn("push not taken; trying again", slog.Any("error", err))
		p.Waits++
		k.notePush(id, p, k.delay(p.Waits))
	}
}

// notePush keeps a push as ours for a lease; it tells whether it is noted so.
func (k *Callback) notePush(id string, p pushed, lease time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	data, err := json.Marshal(p)
	if err == nil {
		err = k.store.Note(ctx, k.pushQueue(), id, k.holder, data, lease)
	}
	if err != nil && !errors.Is(err, bot.ErrClaimLost) {
		k.o.Log.Warn("push not noted", slog.Any("error", err))
	}
	return err == nil
}

// pushOver ends a push and tells what became of it.
func (k *Callback) pushOver(id string, outcome error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := k.store.Done(ctx, k.pushQueue(), id, ""); err != nil {
		k.o.Log.Warn("push made but not noted so", slog.Any("error", err))
	}
	if k.o.Pushed != nil {
		k.o.Pushed(bot.Outcome{ID: id, Err: outcome, At: k.o.Now()})
	}
}
