package kf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/silenceper/wechat/v2/work"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
)

// reply is what the journal keeps of one.
type reply struct {
	Account  string   `json:"a"`
	Customer string   `json:"u"`
	Pages    []string `json:"p"`
	Next     int      `json:"n,omitempty"` // the first page that was not sent
	// Begun tells that it was handed to the platform, so that it may have arrived.
	Begun bool `json:"b,omitempty"`
	// After is the customer's reply before, which goes first; Behind is how often this one
	// waited for it.
	After  string `json:"f,omitempty"`
	Behind int    `json:"q,omitempty"`
	// Transfer: the customer wants a person, and reads the pages if there is none. Code is
	// what lets us say that one takes over; State is where the talk was moved to.
	Transfer bool   `json:"h,omitempty"`
	Code     string `json:"m,omitempty"`
	State    int64  `json:"s,omitempty"`
	// Offer has a person offered after the last page.
	Offer bool `json:"o,omitempty"`
	// Waits and Tries count refusals; Tries those that are bounded. RefusedAt is when the
	// account was last refused.
	Waits     int       `json:"w,omitempty"`
	Tries     int       `json:"x,omitempty"`
	RefusedAt time.Time `json:"r,omitzero"`
	Until     time.Time `json:"e"` // when the platform takes it no more
}

// replies names the replies in the journal.
func (k *Callback) replies() string { return k.queue() + ":replies" }

// fetcher and resender hold a reply in turn. Two names, so that a fetcher that was frozen
// does not go on beside a resender of the same process.
func (k *Callback) fetcher() string  { return k.holder + ":fetch" }
func (k *Callback) resender() string { return k.holder + ":again" }

// enter promises a reply and sends it, if the one before it is sent. An error asks for the
// message again.
func (k *Callback) enter(ctx context.Context, m message, r reply) error {
	id := "msg:" + m.ID
	if err := k.inherit(ctx, m.Account, id, &r); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("kf: reply: %w", err)
	}
	fresh, err := k.store.Enter(ctx, bot.Task{Queue: k.replies(), ID: id, Data: data}, k.fetcher(), k.times.lease, nudgeKeep)
	if err != nil {
		return err
	}
	if err := k.changeTalk(ctx, m.Account, m.Customer, func(t *talk) { t.Last = id }); err != nil {
		return err
	}
	if fresh { // else it is done, or the resender has it
		d := &delivery{k, id, k.fetcher(), r}
		d.deliver(ctx)
	}
	return nil
}

// inherit goes on with a reply that a version before this one had begun, which kept each
// account's in a queue of its own and read the message again after a crash.
func (k *Callback) inherit(ctx context.Context, account, id string, r *reply) error {
	task, open, err := k.store.Look(ctx, k.cursorName(account)+":replies", id)
	if err != nil || !open {
		return err
	}
	var old struct {
		Pages   []string `json:"p"`
		Next    int      `json:"n"`
		Certain bool     `json:"c"` // the next page was not sent
	}
	if err := json.Unmarshal(task.Data, &old); err != nil || len(old.Pages) == 0 {
		k.o.Log.Warn("reply of a version before not understood", slog.Any("error", err))
		return nil
	}
	r.Pages, r.Next, r.Begun, r.Transfer = old.Pages, old.Next, !old.Certain, false
	return k.store.Done(ctx, k.cursorName(account)+":replies", id, "")
}

// atOnce bounds the replies that are sent again at once.
const atOnce = 8

// resend sends replies that were left, by this replica or one that is gone, until ctx ends.
func (k *Callback) resend(ctx context.Context) {
	tick := time.NewTicker(k.times.claim)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.ctx.Done():
			return
		case <-tick.C:
		case <-k.wake:
		}
		tasks, err := k.store.Claim(ctx, k.replies(), k.resender(), 2*atOnce, k.times.lease)
		if err != nil {
			k.o.Log.Debug("replies not looked for", slog.Any("error", err))
		}
		var all sync.WaitGroup
		slots := make(chan struct{}, atOnce)
		for _, t := range tasks {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				k.again(t)
			})
		}
		all.Wait()
	}
}

// again goes on with a reply that was left.
func (k *Callback) again(t bot.Task) {
	d := &delivery{k: k, id: t.ID, holder: k.resender()}
	if err := json.Unmarshal(t.Data, &d.r); err != nil {
		k.o.Log.Error("reply in the journal not understood", slog.Any("error", err))
		d.over(OutcomeFailed)
		return
	}
	if !d.r.Transfer && k.hasPerson(k.ctx, d.r.Account, d.r.Customer) {
		d.over(OutcomePerson)
		return
	}
	d.deliver(k.ctx)
}

// delivery is a reply in the hands of one who sends it.
type delivery struct {
	k      *Callback
	id     string
	holder string
	r      reply
}

// deliver sends what is left of the reply, or leaves it for later.
func (d *delivery) deliver(ctx context.Context) {
	switch {
	case d.waits(ctx) || d.r.Transfer && d.transfer(ctx):
		return
	case d.k.o.Now().After(d.r.Until):
		d.k.o.Log.Error("reply to a customer came too late")
		d.over(OutcomeTooLate)
		return
	}
	for d.r.Next < len(d.r.Pages) {
		if !d.page(ctx) {
			return
		}
	}
	d.offer(ctx)
	outcome := OutcomeAnswered
	if len(d.r.Pages) == 0 {
		outcome = OutcomeQuiet
	}
	d.over(outcome)
}

// waits reports whether the reply before is still to be sent, and leaves this one then.
func (d *delivery) waits(ctx context.Context) bool {
	if d.r.After == "" {
		return false
	}
	_, open, err := d.k.store.Look(ctx, d.k.replies(), d.r.After)
	if err != nil || open {
		d.r.Behind = min(d.r.Behind+1, 5) // it may be soon
		d.leave(d.k.delay(d.r.Behind))
		return true
	}
	d.r.After = ""
	return false
}

// page sends the next page. It reports whether to go on.
func (d *delivery) page(ctx context.Context) bool {
	text := d.r.Pages[d.r.Next]
	if d.r.Begun { // sent before or not: nobody knows
		text = d.k.o.Again + "\n" + text
	}
	d.r.Begun = true
	if !d.note(d.k.times.lease) {
		return false
	}
	err := d.k.sendText(ctx, d.r.Account, d.r.Customer, pageID(strings.TrimPrefix(d.id, "msg:"), d.r.Next), text)
	if err != nil {
		d.refused(ctx, apiSend, err)
		return false
	}
	d.k.health.good(apiSend, d.r.Account, d.k.o.Now())
	d.r.Next++
	d.r.Begun, d.r.Waits, d.r.Tries = false, 0, 0
	return true
}

// refused decides what becomes of the reply after a call about it failed.
func (d *delivery) refused(ctx context.Context, call string, err error) {
	c := d.k.refusal(call, err)
	if c != classNetwork {
		d.r.Begun = false // nothing was sent
	}
	switch c {
	case classOver:
		d.k.logRefusal("reply to a customer not taken", c, err)
		d.k.learn(ctx, d.r, err)
		d.over(OutcomeTooLate)
		return
	case classUnknown:
		d.r.Tries++
	case classAccount:
		// What others of the account do not meet is this customer's own.
		now := d.k.o.Now()
		if !d.r.RefusedAt.IsZero() && d.k.health.goodSince(apiSend, d.r.Account, d.r.RefusedAt) {
			d.r.Tries++
		}
		d.r.RefusedAt = now
		d.k.health.bad(apiSend, d.r.Account, err, now)
	}
	if d.r.Tries >= maxTries {
		d.k.logRefusal("reply to a customer given up", c, err)
		d.over(OutcomeFailed)
		return
	}
	d.k.o.Count(OutcomeRetried)
	d.k.o.Log.Warn("reply to a customer not taken; trying again", slog.String("class", string(c)), slog.Any("error", err))
	d.r.Waits++
	d.leave(d.k.delay(d.r.Waits - 1))
}

// learn finds out why a customer cannot be written to: a person may have the talk, which no
// event has told yet. If nobody has, it may be the company's own fault.
func (k *Callback) learn(ctx context.Context, r reply, err error) {
	if refused := (*api.APIError)(nil); !errors.As(err, &refused) || refused.Code != codeState && refused.Code != codeContent {
		return
	} else if refused.Code == codeContent {
		k.health.bad(apiSend, r.Account, err, k.o.Now())
		return
	}
	state, asked := k.state(ctx, r.Account, r.Customer)
	switch {
	case asked != nil:
	case state == statePool || state == statePerson:
		if err := k.changeTalk(ctx, r.Account, r.Customer, func(t *talk) { t.Person = true }); err != nil {
			k.o.Log.Warn("talk not noted", slog.Any("error", err))
		}
	case state != stateEnded:
		k.health.bad(apiSend, r.Account, fmt.Errorf("%w; nobody has the talk: is the company verified (企业认证)?", err), k.o.Now())
	}
}

// Codes that tell more than their class.
const (
	codeState   = 95018
	codeContent = 40201
)

// offer shows a menu with a person on it. It is not worth a second try.
func (d *delivery) offer(ctx context.Context) {
	if !d.r.Offer || len(d.r.Pages) == 0 {
		return
	}
	d.r.Offer = false
	if !d.note(d.k.times.lease) {
		return
	}
	entry := map[string]any{"type": "click", "click": map[string]string{"id": menuPerson, "content": menuPersonText}}
	err := d.k.call(ctx, apiSend, []string{d.r.Customer}, map[string]any{"touser": d.r.Customer, "open_kfid": d.r.Account,
		"msgid": pageID(strings.TrimPrefix(d.id, "msg:"), len(d.r.Pages)), "msgtype": "msgmenu",
		"msgmenu": map[string]any{"head_content": bot.TextOfferPerson, "list": []any{entry}}}, nil)
	if err != nil {
		d.k.refusal(apiSend, err)
		d.k.o.Log.Warn("a person not offered", slog.Any("error", err))
	}
}

// leave keeps the reply in the journal for later.
func (d *delivery) leave(after time.Duration) {
	if d.note(after) {
		time.AfterFunc(after, d.k.rouse)
	}
}

// rouse has the resender look for replies.
func (k *Callback) rouse() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// note keeps the reply as ours for a lease. It reports whether it is ours.
func (d *delivery) note(lease time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	data, err := json.Marshal(d.r)
	if err == nil {
		err = d.k.store.Note(ctx, d.k.replies(), d.id, d.holder, data, lease)
	}
	if err != nil && !errors.Is(err, bot.ErrClaimLost) {
		d.k.o.Log.Warn("reply not noted", slog.Any("error", err))
	}
	return err == nil
}

// over ends the reply.
func (d *delivery) over(outcome string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	d.k.o.Count(outcome)
	if err := d.k.store.Done(ctx, d.k.replies(), d.id, ""); err != nil {
		d.k.o.Log.Warn("reply made but not noted so", slog.Any("error", err))
	}
}

// sendText sends a text under an id of its own.
func (k *Callback) sendText(ctx context.Context, account, customer, id, text string) error {
	return k.call(ctx, apiSend, []string{customer, text}, map[string]any{"touser": customer, "open_kfid": account, "msgid": id,
		"msgtype": "text", "text": map[string]string{"content": text}}, nil)
}

// call makes one call; private are what no error repeats. The answer is read into answer,
// unless that is nil.
func (k *Callback) call(ctx context.Context, name string, private []string, body any, answer *object) error {
	return k.client.Try(ctx, name, private, post(name, body, answer))
}

func post(name string, body any, answer *object) func(*work.Work) error {
	return func(w *work.Work) error {
		var raw json.RawMessage
		err := api.Post(w, name, body, &raw)
		if err == nil && answer != nil {
			*answer, _ = readObject(raw)
		}
		return err
	}
}

// pageID names a page of a reply, in at most 32 letters and digits.
func pageID(messageID string, page int) string {
	sum := sha256.Sum256([]byte("kf\x00" + messageID))
	return hex.EncodeToString(sum[:14]) + "-" + strconv.Itoa(page)
}
