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
	"time"

	"github.com/silenceper/wechat/v2/work"
	sdk "github.com/silenceper/wechat/v2/work/kf"
	"github.com/silenceper/wechat/v2/work/kf/sendmsg"
	"github.com/silenceper/wechat/v2/work/kf/syncmsg"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
)

// The calls we make, as errors and logs name them.
const (
	apiSync        = "kf/sync_msg"
	apiSend        = "kf/send_msg"
	apiSendOnEvent = "kf/send_msg_on_event"
)

const (
	pageSize = 100
	// window is how long after a customer's message a reply is taken, less a margin;
	// welcomeWithin the same for a welcome.
	window        = 47 * time.Hour
	welcomeWithin = 20 * time.Second
	// answerWithin bounds making one answer.
	answerWithin = 10 * time.Second
)

// errBusy means that another replica works on the account.
var errBusy = errors.New("kf: another replica works on this account")

// cursorName names how far an account has been read.
func (k *Callback) cursorName(account string) string { return k.queue() + ":" + account }

// fetch answers all that is new in an account, in order. What fails is fetched again
// from where the cursor stands.
func (k *Callback) fetch(ctx context.Context, n nudge) error {
	lease := k.cursorName(n.Account)
	held, err := k.store.Lease(ctx, lease, k.holder, k.times.lease)
	if err != nil {
		return err
	}
	if !held {
		return errBusy
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := k.store.Release(end, lease, k.holder); err != nil {
			k.o.Log.Debug("lease not given up", slog.Any("error", err))
		}
	}()
	cursor, err := k.store.Cursor(ctx, lease)
	if err != nil {
		return err
	}
	for more := true; more; {
		var page sdk.SyncMsgSchema
		err := k.client.Call(ctx, apiSync, []string{n.Token}, func(w *work.Work) error {
			c, err := w.GetKF()
			if err == nil {
				page, err = c.SyncMsg(sdk.SyncMsgOptions{Cursor: cursor, Token: n.Token, Limit: pageSize, OpenKfID: n.Account})
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, m := range page.MsgList {
			held, err := k.store.Lease(ctx, lease, k.holder, k.times.lease)
			switch {
			case err != nil:
				return err
			case !held:
				return errBusy // we were frozen
			}
			if err := k.take(ctx, n.Account, m); err != nil {
				return err
			}
		}
		// The list may be empty although there is more; without a new cursor there is not.
		more = page.HasMore == 1 && page.NextCursor != cursor
		if page.NextCursor != "" && page.NextCursor != cursor {
			cursor = page.NextCursor
			if err := k.store.SaveCursor(ctx, lease, cursor); err != nil {
				return err
			}
		}
	}
	return nil
}

// Origins of a message.
const (
	fromCustomer = 3
	fromSystem   = 4
)

// take handles one message. An error asks for it again.
func (k *Callback) take(ctx context.Context, account string, m syncmsg.Message) error {
	at := time.Unix(int64(m.SendTime), 0)
	switch {
	case m.Origin == fromSystem && m.EventType == "enter_session":
		return k.welcome(ctx, m, at)
	case m.Origin == fromSystem && m.EventType == "msg_send_fail":
		k.o.Log.Warn("the platform could not deliver a reply to a customer")
		k.o.Count(OutcomeFailed)
		return nil
	case m.Origin != fromCustomer || m.MsgID == "":
		k.o.Count(OutcomeIgnored)
		return nil
	case k.o.Now().Sub(at) > window:
		k.o.Count(OutcomeTooLate)
		return nil
	}
	return k.reply(ctx, account, m)
}

// welcome greets a customer who opens the talk, when the platform allows it.
func (k *Callback) welcome(ctx context.Context, m syncmsg.Message, at time.Time) error {
	e, err := m.GetEnterSessionEvent()
	if err != nil || e.Event.WelcomeCode == "" || k.o.Now().Sub(at) > welcomeWithin {
		k.o.Count(OutcomeIgnored)
		return nil
	}
	text := k.answerer.Welcome(ctx)
	body := map[string]any{"code": e.Event.WelcomeCode, "msgtype": "text", "text": map[string]string{"content": text}}
	err = k.client.Call(ctx, apiSendOnEvent, []string{e.Event.WelcomeCode, text}, func(w *work.Work) error {
		c, err := w.GetKF()
		if err == nil {
			_, err = c.SendMsgOnEvent(body)
		}
		return err
	})
	if err != nil { // it is good for seconds only: not worth a second try
		k.o.Log.Warn("welcome not taken", slog.Any("error", err))
		return nil
	}
	k.o.Count(OutcomeWelcome)
	return nil
}

// progress is what the journal keeps of a reply.
type progress struct {
	Pages []string `json:"p"`
	Next  int      `json:"n"` // the first page that was not sent
	// Certain tells that it was not: the platform refused it.
	Certain bool `json:"c,omitempty"`
}

// reply answers a customer's message and sends the pages, each once; after a crash it
// goes on where the journal says.
func (k *Callback) reply(ctx context.Context, account string, m syncmsg.Message) error {
	id := "msg:" + m.MsgID
	p, again, done, err := k.resume(ctx, account, m, id)
	if err != nil || done {
		return err
	}
	for ; p.Next < len(p.Pages); p.Next++ {
		text := p.Pages[p.Next]
		if again { // sent before the crash or not: nobody knows
			text, again = k.o.Again+"\n"+text, false
		}
		err := k.send(ctx, account, m, text, p.Next)
		if errors.Is(err, api.ErrWindow) || errors.Is(err, api.ErrRecipient) || errors.Is(err, api.ErrInput) {
			k.o.Count(OutcomeTooLate)
			k.o.Log.Warn("reply to a customer not taken", slog.Any("error", err))
			break
		}
		if refused := (*api.APIError)(nil); errors.As(err, &refused) {
			p.Certain = true // nothing was sent
			return errors.Join(err, k.note(ctx, account, id, p))
		}
		if err != nil {
			return err
		}
		step := progress{Pages: p.Pages, Next: p.Next + 1}
		if err := k.note(ctx, account, id, step); err != nil {
			return err
		}
	}
	outcome := OutcomeAnswered
	if len(p.Pages) == 0 {
		outcome = OutcomeQuiet
	}
	k.o.Count(outcome)
	return k.store.Done(ctx, k.replies(account), id, "")
}

// replies names an account's replies in the journal.
func (k *Callback) replies(account string) string { return k.cursorName(account) + ":replies" }

// holderOf is who holds an account's replies: whoever has its lease. So the next owner
// goes on at once where the last one stopped.
func holderOf(account string) string { return "owner of " + account }

// resume gives a reply and how far it was sent: a new one, or what the journal has.
// again tells that its next page may have been sent, done that all was.
func (k *Callback) resume(ctx context.Context, account string, m syncmsg.Message, id string) (p progress, again, done bool, err error) {
	task, open, err := k.store.Look(ctx, k.replies(account), id)
	if err != nil {
		return p, false, false, err
	}
	if open && json.Unmarshal(task.Data, &p) == nil {
		again, p.Certain = !p.Certain, false
		return p, again, false, nil
	}
	if p.Pages, err = k.pages(ctx, account, m); err != nil {
		return p, false, false, err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return p, false, false, err
	}
	fresh, err := k.store.Enter(ctx, bot.Task{Queue: k.replies(account), ID: id, Data: data}, holderOf(account), k.times.lease, nudgeKeep)
	return p, false, !fresh, err
}

func (k *Callback) note(ctx context.Context, account, id string, p progress) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return k.store.Note(ctx, k.replies(account), id, holderOf(account), data, k.times.lease)
}

// pages answers a message; none for one of too many.
func (k *Callback) pages(ctx context.Context, account string, m syncmsg.Message) (pages []string, err error) {
	if m.MsgType != "text" {
		return []string{k.o.Media}, nil
	}
	text, err := m.GetTextMessage()
	if err != nil {
		return []string{k.o.Media}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	defer func() {
		if v := recover(); v != nil { // its value may quote the question
			pages, err = []string{bot.Apology(errPanic)}, nil
			k.o.Log.Error("panic while answering", slog.String("value", fmt.Sprintf("%T", v)))
		}
	}()
	r, err := k.answerer.Answer(ctx, bot.Message{
		ID: "kf:" + k.o.CorpID + ":" + m.MsgID, Chat: "kf/" + account, Account: account, Asker: bot.Asker(m.ExternalUserID),
		Text: text.Text.Content, Surface: Surface,
	})
	if errors.Is(err, bot.ErrElsewhere) {
		return nil, err
	}
	if err == nil && r.Quiet() {
		return nil, nil
	}
	if err != nil || len(r.Pages) == 0 {
		k.o.Log.Error("customer's question not answered", slog.Any("error", err))
		return []string{bot.Apology(err)}, nil
	}
	return r.Pages, nil
}

var errPanic = errors.New("kf: panic while answering")

// send sends one page. Its id is the same each time.
func (k *Callback) send(ctx context.Context, account string, m syncmsg.Message, text string, page int) error {
	return k.sendTo(ctx, account, m.ExternalUserID, pageID(m.MsgID, page), text)
}

// sendTo sends a text under an id of its own.
func (k *Callback) sendTo(ctx context.Context, account, customer, id, text string) error {
	var body sendmsg.Text
	body.ToUser, body.OpenKFID, body.MsgID = customer, account, id
	body.MsgType, body.Text.Content = "text", text
	return k.client.Call(ctx, apiSend, []string{customer, text}, func(w *work.Work) error {
		c, err := w.GetKF()
		if err == nil {
			_, err = c.SendMsg(body)
		}
		return err
	})
}

// pageID names a page of a reply, in at most 32 letters and digits.
func pageID(messageID string, page int) string {
	sum := sha256.Sum256([]byte("kf\x00" + messageID))
	return hex.EncodeToString(sum[:14]) + "-" + strconv.Itoa(page)
}
