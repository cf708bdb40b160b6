// Package robot pushes notices to the coordinators' group through a group push robot
// (消息推送, page 91770, read in November 2026). It can only send. It knows the
// platform's limit of 20 messages a minute; what is worth a notice is its caller's.
package robot

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"
	"unicode/utf8"

	"github.com/silenceper/wechat/v2/work"
	sdk "github.com/silenceper/wechat/v2/work/robot"
	"golang.org/x/time/rate"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
)

const (
	apiSend = "webhook/send"
	// MaxBytes bounds a Markdown message, in bytes of UTF-8.
	MaxBytes = 4096
	// perMinute is the platform's limit for one robot.
	perMinute = 20
	// keep is how long a notice is worth sending, and stays known after that.
	keep = 24 * time.Hour
)

// Store keeps notices until they are sent, and elects who sends them.
type Store interface {
	bot.Journal
	bot.Leases
}

// Robot sends notices. It may be used by many at once.
type Robot struct {
	client  *api.Client
	key     string
	store   Store
	log     *slog.Logger
	queue   string
	holder  string
	pace    *rate.Limiter
	every   time.Duration
	lease   time.Duration
	limited time.Duration
}

// New makes a robot for the group whose webhook address has that key.
func New(c *api.Client, key string, s Store, log *slog.Logger) *Robot {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	sum := sha256.Sum256([]byte("robot\x00" + key)) // the key is all the credential there is
	return &Robot{client: c, key: key, store: s, log: log, queue: "robot:" + hex.EncodeToString(sum[:8]), holder: rand.Text(),
		pace: rate.NewLimiter(rate.Every(time.Minute/perMinute), perMinute), every: 2 * time.Second, lease: time.Minute, limited: time.Minute}
}

// Notify promises a notice in the platform's small Markdown. The same id within a day is
// the same notice, from whichever replica.
func (r *Robot) Notify(ctx context.Context, id, markdown string) error {
	if len(markdown) > MaxBytes {
		end := MaxBytes
		for !utf8.RuneStart(markdown[end]) {
			end--
		}
		markdown = markdown[:end]
	}
	// Held by nobody: the one who sends claims it.
	_, err := r.store.Enter(ctx, bot.Task{Queue: r.queue, ID: id, Data: []byte(markdown)}, r.holder, 0, keep)
	return err
}

// Run sends what was promised, in order and no faster than the platform takes it, until
// ctx ends. One replica does so at a time.
func (r *Robot) Run(ctx context.Context) {
	for ctx.Err() == nil {
		held, err := r.store.Lease(ctx, r.queue, r.holder, r.lease)
		if err == nil && held {
			err = r.sendSome(ctx)
		}
		if err != nil && ctx.Err() == nil {
			r.log.Debug("notices not looked for", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(r.every):
		}
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := r.store.Release(end, r.queue, r.holder); err != nil {
		r.log.Debug("lease not given up", slog.Any("error", err))
	}
}

func (r *Robot) sendSome(ctx context.Context) error {
	tasks, err := r.store.Claim(ctx, r.queue, r.holder, perMinute/2, r.lease)
	for _, t := range tasks {
		if err := r.pace.Wait(ctx); err != nil {
			return err
		}
		if err := r.send(ctx, string(t.Data)); err != nil {
			r.log.Warn("notice not sent", slog.Any("error", err))
			if err := r.later(ctx, t, err); err != nil {
				return err
			}
			continue
		}
		if err := r.store.Done(ctx, r.queue, t.ID, r.holder); err != nil {
			return err
		}
	}
	return err
}

// later puts a notice off, or gives it up when trying again is no use.
func (r *Robot) later(ctx context.Context, t bot.Task, why error) error {
	if errors.Is(why, api.ErrInput) {
		return r.store.Done(ctx, r.queue, t.ID, r.holder)
	}
	return r.store.Note(ctx, r.queue, t.ID, r.holder, t.Data, r.limited)
}

func (r *Robot) send(ctx context.Context, markdown string) error {
	m := sdk.WebhookSendMarkdownOption{MsgType: "markdown"}
	m.Markdown.Content = markdown
	return r.client.Call(ctx, apiSend, []string{markdown}, func(w *work.Work) error {
		_, err := w.GetRobot().RobotBroadcast(r.key, m) // nil whatever the errcode: the client's guard judges it
		return err
	})
}
