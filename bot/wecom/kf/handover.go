package kf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/url"
	"time"

	"github.com/silenceper/wechat/v2/work"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
)

const (
	apiState       = "kf/service_state/get"
	apiTransfer    = "kf/service_state/trans"
	apiServicers   = "kf/servicer/list"
	apiSendOnEvent = "kf/send_msg_on_event"
)

// States of a talk (page 94669). Before the pool the bot may write.
const (
	statePool   = 2
	statePerson = 3
	stateEnded  = 4
)

// The entry of our menu that asks for a person. A tap comes as a text with its id.
const (
	menuPerson     = "person"
	menuPersonText = "转人工"
)

// talk is what is remembered of a customer's talk with an account.
type talk struct {
	// Person: a person has it or is to take it, and the bot is silent.
	Person bool `json:"p,omitempty"`
	// Handed: this bot handed it over, and says so when it comes back.
	Handed bool `json:"h,omitempty"`
	// Last is the latest reply, after which the next one is sent.
	Last string `json:"l,omitempty"`
}

// talkKeep is how long a talk is remembered after it changed: the platform ends it after
// 48 hours without a message.
const talkKeep = 72 * time.Hour

const kindTalks = "kf-talks"

// talkID names a talk without showing whose it is.
func (k *Callback) talkID(account, customer string) string {
	return bot.Address{Channel: Surface.Name, Account: k.o.CorpID + "/" + account, Asker: bot.Asker(customer)}.Key()
}

func (k *Callback) talk(ctx context.Context, account, customer string) (t talk, version uint64, err error) {
	item, err := k.store.Get(ctx, kindTalks, k.talkID(account, customer))
	if err != nil || item.Version == 0 {
		return t, 0, err
	}
	if err := json.Unmarshal(item.Data, &t); err != nil { // as if it were unknown
		k.o.Log.Warn("talk in the store not understood", slog.Any("error", err))
	}
	return t, item.Version, nil
}

// changeTalk changes what is remembered of a talk, once more when somebody else just did.
func (k *Callback) changeTalk(ctx context.Context, account, customer string, change func(*talk)) error {
	const most = 8
	var err error
	for range most {
		var t talk
		var version uint64
		if t, version, err = k.talk(ctx, account, customer); err != nil {
			return err
		}
		change(&t)
		data, failed := json.Marshal(t)
		if failed != nil {
			return fmt.Errorf("kf: talk: %w", failed)
		}
		if err = k.store.Put(ctx, kindTalks, k.talkID(account, customer), data, version, talkKeep); !errors.Is(err, bot.ErrStale) {
			return err
		}
	}
	return err
}

// state asks the platform who has a talk.
func (k *Callback) state(ctx context.Context, account, customer string) (state int64, err error) {
	var answer object
	err = k.call(ctx, apiState, []string{customer}, map[string]string{"open_kfid": account, "external_userid": customer}, &answer)
	if err != nil {
		return 0, err
	}
	state, ok := answer.number("service_state")
	if !ok {
		return 0, errors.New("kf: " + apiState + ": answer without a state")
	}
	return state, nil
}

// hasPerson reports whether a person has a talk now. The platform knows; when it cannot be
// asked, what the events told holds.
func (k *Callback) hasPerson(ctx context.Context, account, customer string) bool {
	t, _, err := k.talk(ctx, account, customer)
	if err != nil {
		k.o.Log.Warn("talk not looked at", slog.Any("error", err))
	}
	state, err := k.state(ctx, account, customer)
	if err != nil {
		k.o.Log.Debug("state of a talk not known", slog.Any("error", err))
		return t.Person
	}
	person := state == statePool || state == statePerson
	if person != t.Person {
		err := k.changeTalk(ctx, account, customer, func(t *talk) { t.Person, t.Handed = person, t.Handed && person })
		if err != nil {
			k.o.Log.Warn("talk not noted", slog.Any("error", err))
		}
	}
	return person
}

// catchingUp is how old a message is that was not fetched in time. Who had the talk when it
// was written is then told by the events before it and not by the platform, which says who
// has it now.
const catchingUp = time.Minute

// silent reports whether a message is a person's to answer.
func (k *Callback) silent(ctx context.Context, m message) (bool, error) {
	if k.o.Now().Sub(m.At) > catchingUp {
		t, _, err := k.talk(ctx, m.Account, m.Customer)
		if err != nil || t.Person {
			return t.Person, err
		}
	}
	return k.hasPerson(ctx, m.Account, m.Customer), nil
}

// sessionChanged takes over what an event tells of a talk (page 94670).
func (k *Callback) sessionChanged(ctx context.Context, m message) error {
	const ended = 3
	change, ok := m.Event.number("change_type")
	if !ok || m.Customer == "" {
		k.o.Count(OutcomeUnreadable)
		return nil
	}
	k.o.Count(OutcomeSession)
	handed := false
	err := k.changeTalk(ctx, m.Account, m.Customer, func(t *talk) {
		handed = t.Handed
		t.Person, t.Handed = change != ended, t.Handed && change != ended
	})
	code := m.Event.text("msg_code")
	if err != nil || change != ended || !handed || code == "" || k.o.Now().Sub(m.At) > onEventWithin {
		return err
	}
	if err := k.sendOnEvent(ctx, code, bot.TextHandedBack); err != nil {
		k.refusal(apiSendOnEvent, err)
		k.o.Log.Warn("a customer was not told that the bot is back", slog.Any("error", err))
	}
	return nil
}

// sendOnEvent says the one thing that a code allows.
func (k *Callback) sendOnEvent(ctx context.Context, code, text string) error {
	return k.call(ctx, apiSendOnEvent, []string{code, text}, map[string]any{"code": code, "msgtype": "text", "text": map[string]string{"content": text}}, nil)
}

// transfer hands the talk over to a person. It reports whether the reply is settled: handed
// over, or left for later. If not, nobody takes the talk, and the pages are what is said.
func (d *delivery) transfer(ctx context.Context) (settled bool) {
	if d.r.State == 0 {
		state, err := d.k.moved(ctx, &d.r)
		switch {
		case err != nil:
			return d.notMoved(ctx, err)
		case state == 0:
			return d.stays(bot.TextNobody)
		}
		d.r.State, d.r.Tries, d.r.Waits = state, 0, 0
		d.k.o.Count(OutcomeHandedOver)
		if !d.note(d.k.times.lease) {
			return true
		}
	}
	if err := d.k.changeTalk(ctx, d.r.Account, d.r.Customer, func(t *talk) { t.Person, t.Handed = true, true }); err != nil {
		d.leave(d.k.times.later)
		return true
	}
	return d.announce(ctx)
}

// announce says that a person takes over, once.
func (d *delivery) announce(ctx context.Context) bool {
	text := bot.TextHandedOver
	if d.r.State == statePool {
		text = bot.TextQueued
	}
	if d.r.Code != "" {
		if err := d.k.sendOnEvent(ctx, d.r.Code, text); err != nil {
			d.r.Tries++ // the code is good for seconds only
			d.refused(ctx, apiSendOnEvent, err)
			return true
		}
	}
	d.over(OutcomeAnswered)
	return true
}

// stays has the pages said, under why the bot keeps the talk.
func (d *delivery) stays(why string) bool {
	d.r.Transfer = false
	if len(d.r.Pages) > 0 && len(why)+len(d.r.Pages[0]) < Surface.MaxBytes {
		d.r.Pages[0] = why + "\n" + d.r.Pages[0]
	}
	return false
}

// notMoved decides what becomes of a wish for a person when the platform refuses.
func (d *delivery) notMoved(ctx context.Context, err error) (settled bool) {
	c := d.k.refusal(apiTransfer, err)
	d.r.Tries++
	if d.r.Tries >= maxTries || c == classOver || c == classAccount {
		d.k.logRefusal("talk not handed over to a person", c, err)
		d.r.Tries = 0
		return d.stays(bot.TextNotHanded)
	}
	d.leave(d.k.delay(d.r.Tries))
	return true
}

// moved hands a talk to one who is on duty, else to the pool; 0: nobody is. It keeps the
// code that lets us say so.
func (k *Callback) moved(ctx context.Context, r *reply) (state int64, err error) {
	state, err = k.state(ctx, r.Account, r.Customer)
	if err != nil {
		k.o.Log.Debug("state of a talk not known", slog.Any("error", err))
	} else if state == statePool || state == statePerson {
		return state, nil // before a crash, or by a person
	}
	servicers, err := k.onDuty(ctx, r.Account)
	if err != nil || len(servicers) == 0 {
		return 0, err
	}
	// Customers are spread over those on duty; one who takes no more is passed over.
	h := fnv.New32()
	_, _ = h.Write([]byte(r.Customer)) // never fails
	first := int(h.Sum32() % uint32(len(servicers)))
	for i := range min(len(servicers), maxTries) {
		r.Code, err = k.move(ctx, r, statePerson, servicers[(first+i)%len(servicers)])
		switch c := classify(err); {
		case err == nil:
			return statePerson, nil
		case c != classUnknown:
			return 0, err
		}
		k.refusal(apiTransfer, err)
	}
	r.Code, err = k.move(ctx, r, statePool, "")
	return statePool, err
}

// move changes the state of a talk.
func (k *Callback) move(ctx context.Context, r *reply, state int64, servicer string) (code string, err error) {
	body := map[string]any{"open_kfid": r.Account, "external_userid": r.Customer, "service_state": state}
	if servicer != "" {
		body["servicer_userid"] = servicer
	}
	var answer object
	err = k.call(ctx, apiTransfer, []string{r.Customer, servicer}, body, &answer)
	return answer.text("msg_code"), err
}

// onDuty are the servicers of an account who receive customers now.
func (k *Callback) onDuty(ctx context.Context, account string) (all []string, err error) {
	var raw json.RawMessage
	err = k.client.Try(ctx, apiServicers, nil, func(w *work.Work) error {
		return api.Get(w, apiServicers, url.Values{"open_kfid": {account}}, &raw)
	})
	if err != nil {
		return nil, err
	}
	answer, _ := readObject(raw)
	for _, s := range answer.list("servicer_list") {
		if status, ok := s.number("status"); ok && status == 0 && s.text("userid") != "" {
			all = append(all, s.text("userid"))
		}
	}
	return all, nil
}
