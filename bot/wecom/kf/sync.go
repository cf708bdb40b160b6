package kf

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
)

// The calls we make, as errors and logs name them.
const (
	apiSync = "kf/sync_msg"
	apiSend = "kf/send_msg"
)

const (
	pageSize = 100
	// window is how long after a customer's message a reply is taken, less a margin;
	// onEventWithin the same for what is said on an event.
	window        = 47 * time.Hour
	onEventWithin = 20 * time.Second
	// answerWithin bounds making one answer.
	answerWithin = 10 * time.Second
	// before is how much older than the first nudge a message may be to be answered, when
	// nothing is known of the account yet.
	before = 5 * time.Minute
)

// errBusy means that another replica works on the account.
var errBusy = errors.New("kf: another replica works on this account")

// cursorName names how far an account has been read; no account stands for all.
func (k *Callback) cursorName(account string) string { return k.queue() + ":" + account }

// fetch takes all that is new in an account, in order. What fails is fetched again from
// where the cursor stands.
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
	k.know(ctx, n.Account)
	cursor, err := k.store.Cursor(ctx, lease)
	if err != nil {
		return err
	}
	since, err := k.since(ctx, n, cursor == "")
	if err != nil {
		return err
	}
	for more := true; more; {
		page, err := k.sync(ctx, n, cursor)
		if err != nil {
			return err
		}
		for _, m := range page.messages {
			held, err := k.store.Lease(ctx, lease, k.holder, k.times.lease)
			switch {
			case err != nil:
				return err
			case !held:
				return errBusy // we were frozen
			}
			if err := k.take(ctx, m, since); err != nil {
				return err
			}
		}
		// The list may be empty although there is more; without a new cursor there is not.
		more = page.more && page.next != cursor
		if page.next != "" && page.next != cursor {
			cursor = page.next
			if err := k.store.SaveCursor(ctx, lease, cursor); err != nil {
				return err
			}
		}
	}
	return nil
}

// since gives the time before which messages of an account are not answered. At the first
// start the platform gives three days, which people have answered meanwhile; where the bound
// lies is kept, since reading all that can be broken off.
func (k *Callback) since(ctx context.Context, n nudge, first bool) (time.Time, error) {
	name := k.cursorName(n.Account) + ":since"
	kept, err := k.store.Cursor(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	if kept == "" && first {
		at := n.At
		if now := k.o.Now().Unix(); at == 0 || at > now {
			at = now
		}
		kept = strconv.FormatInt(time.Unix(at, 0).Add(-before).Unix(), 10)
		if err := k.store.SaveCursor(ctx, name, kept); err != nil {
			return time.Time{}, err
		}
	}
	if kept == "" { // read before there was a bound
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(kept, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("kf: bound of an account: %w", err)
	}
	return time.Unix(seconds, 0), nil
}

// page is one answer of sync_msg.
type page struct {
	messages []message
	next     string
	more     bool
}

// codeOldToken means that a nudge's token is older than ten minutes (page 94670).
const codeOldToken = 95007

// sync asks for a page. A token that is too old is left out: that has a stricter limit, but
// an answer.
func (k *Callback) sync(ctx context.Context, n nudge, cursor string) (page, error) {
	body := map[string]any{"limit": pageSize}
	for key, value := range map[string]string{"cursor": cursor, "token": n.Token, "open_kfid": n.Account} {
		if value != "" {
			body[key] = value
		}
	}
	var answer object
	err := k.client.Call(ctx, apiSync, []string{n.Token}, post(apiSync, body, &answer))
	if refused := (*api.APIError)(nil); errors.As(err, &refused) && refused.Code == codeOldToken && n.Token != "" {
		n.Token = ""
		return k.sync(ctx, n, cursor)
	}
	if err != nil {
		k.refusal(apiSync, err)
		k.health.bad(apiSync, n.Account, err, k.o.Now())
		return page{}, err
	}
	k.health.good(apiSync, n.Account, k.o.Now())
	return k.readPage(answer, n.Account), nil
}

// readPage reads what can be read, and says what cannot.
func (k *Callback) readPage(answer object, account string) page {
	p := page{next: answer.text("next_cursor")}
	more, _ := answer.number("has_more")
	p.more = more == 1
	for _, o := range answer.list("msg_list") {
		p.messages = append(p.messages, readMessage(o, account, k.o.Now()))
	}
	if unread := *answer.unread; len(unread) > 0 {
		k.o.Count(OutcomeUnreadable)
		k.o.Log.Warn("fields of the platform's not readable", slog.Any("keys", unread))
	}
	return p
}

// Origins of a message.
const (
	fromCustomer = 3
	fromSystem   = 4
	fromServicer = 5
)

// take handles one message. An error asks for it again.
func (k *Callback) take(ctx context.Context, m message, since time.Time) error {
	switch {
	case m.Origin == fromSystem:
		return k.event(ctx, m)
	case m.Account == "" || m.Customer == "":
		k.o.Count(OutcomeUnreadable)
		k.o.Log.Warn("a message that names no customer or account", slog.String("msgtype", m.Kind))
		return nil
	case m.Origin == fromServicer:
		k.o.Count(OutcomePerson)
		return k.changeTalk(ctx, m.Account, m.Customer, func(t *talk) { t.Person = true })
	case m.Origin != fromCustomer:
		k.o.Count(OutcomeIgnored)
		return nil
	case m.At.Before(since):
		k.o.Count(OutcomeBefore)
		return nil
	case k.o.Now().Sub(m.At) > window:
		k.o.Count(OutcomeTooLate)
		return nil
	}
	return k.reply(ctx, m)
}

// event handles what the platform itself tells.
func (k *Callback) event(ctx context.Context, m message) error {
	switch m.Event.text("event_type") {
	case "enter_session":
		k.welcome(ctx, m)
	case "session_status_change":
		return k.sessionChanged(ctx, m)
	case "servicer_status_change":
		k.o.Count(OutcomeServicer)
	case "msg_send_fail":
		k.sendFailed(m)
	default:
		k.o.Count(OutcomeIgnored)
	}
	return nil
}

// failTypes are why a message that was taken did not arrive (page 94670).
var failTypes = map[int64]string{
	0: "unknown", 1: "account deleted", 2: "application closed", 4: "over 48 hours", 5: "talk closed", 6: "over five messages",
	7: "no channel bound", 8: "company not verified", 9: "no channel bound and company not verified", 10: "refused by the customer",
}

// sendFailed counts what was taken and did not arrive.
func (k *Callback) sendFailed(m message) {
	kind, ok := m.Event.number("fail_type")
	label := strconv.FormatInt(kind, 10)
	if _, known := failTypes[kind]; !ok || !known {
		label = "other"
	}
	k.o.Count(OutcomeFailed)
	k.o.SendFailed(label)
	k.o.Log.Error("the platform took a message and did not deliver it", slog.Int64("fail_type", kind), slog.String("why", failTypes[kind]))
}

// welcome greets a customer who opens the talk, when the platform allows it.
func (k *Callback) welcome(ctx context.Context, m message) {
	code := m.Event.text("welcome_code")
	if code == "" || k.o.Now().Sub(m.At) > onEventWithin {
		k.o.Count(OutcomeIgnored)
		return
	}
	if err := k.sendOnEvent(ctx, code, k.answerer.Welcome(ctx)); err != nil { // it is good for seconds only: not worth a second try
		k.refusal(apiSendOnEvent, err)
		k.o.Log.Warn("welcome not taken", slog.Any("error", err))
		return
	}
	k.o.Count(OutcomeWelcome)
}

// reply answers a customer's message, unless a person has the talk.
func (k *Callback) reply(ctx context.Context, m message) error {
	t, _, err := k.talk(ctx, m.Account, m.Customer)
	if err != nil || t.Last == "msg:"+m.ID {
		return err // promised before a crash
	}
	if _, open, err := k.store.Look(ctx, k.replies(), "msg:"+m.ID); err != nil || open {
		return err // the same, and another message since
	}
	silent, err := k.silent(ctx, m)
	if err != nil {
		return err
	}
	if silent {
		k.o.Count(OutcomePerson)
		return nil
	}
	a, err := k.answer(ctx, m)
	if err != nil {
		return err
	}
	r := reply{Account: m.Account, Customer: m.Customer, Pages: a.Pages, After: t.Last, Until: m.At.Add(window),
		Transfer: k.o.Transfer && a.WantsPerson, Offer: k.o.Transfer && a.OfferPerson && len(a.Pages) < Surface.MaxPages}
	return k.enter(ctx, m, r)
}

// answer answers a message; without pages when it is one of too many.
func (k *Callback) answer(ctx context.Context, m message) (r bot.Reply, err error) {
	if m.Menu == menuPerson {
		m.Text = menuPersonText
	}
	if m.Kind != "text" {
		return bot.Reply{Pages: []string{k.o.Media}}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	defer func() {
		if v := recover(); v != nil { // its value may quote the question
			r, err = bot.Reply{Pages: []string{bot.Apology(errPanic)}}, nil
			k.o.Log.Error("panic while answering", slog.String("value", fmt.Sprintf("%T", v)))
		}
	}()
	r, err = k.answerer.Answer(ctx, bot.Message{
		ID: "kf:" + k.o.CorpID + ":" + m.ID, Chat: "kf/" + m.Account, Account: m.Account, Asker: bot.Asker(m.Customer),
		Text: m.Text, Surface: Surface,
	})
	switch {
	case errors.Is(err, bot.ErrElsewhere):
		return r, err
	case err == nil && r.Quiet():
		return bot.Reply{}, nil
	case err != nil || len(r.Pages) == 0:
		k.o.Log.Error("customer's question not answered", slog.Any("error", err))
		return bot.Reply{Pages: []string{bot.Apology(err)}}, nil
	}
	return r, nil
}

var errPanic = errors.New("kf: panic while answering")
