package kf

import (
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"aeobot/bot/wecom/api"
)

// class is what it means for a reply that a call about it failed.
type class string

const (
	classOver    class = "over"    // the platform takes this reply no more
	classWait    class = "wait"    // later
	classToken   class = "token"   // the access_token was refused although it was new: later
	classAccount class = "account" // nobody of the account is sent anything until an operator acts
	classNetwork class = "network" // no answer: the message may have arrived
	classUnknown class = "unknown" // maxTries
)

// classes are the codes of the calls that send or hand over (pages 90313, 94677, 94669).
// What is not here is tried maxTries times.
var classes = map[int64]class{
	-1:      classWait,
	45009:   classWait,
	45033:   classWait,
	40014:   classToken,
	41001:   classToken,
	42001:   classToken,
	40001:   classAccount, // secret wrong
	40013:   classAccount, // corpid wrong
	40091:   classAccount, // secret is not this corp's
	40056:   classAccount,
	48002:   classAccount, // API not allowed
	48006:   classAccount, // withdrawn because unused for long
	50003:   classAccount, // application disabled
	60011:   classAccount,
	60020:   classAccount, // caller's address is not trusted
	301002:  classAccount, // the access_token is another application's
	2000002: classAccount,
	95000:   classAccount, // open_kfid invalid
	95004:   classAccount, // open_kfid unknown
	95011:   classAccount, // wrong kind of secret
	95012:   classAccount,
	95017:   classAccount, // the account does not allow the API
	40003:   classOver,    // person invalid or unknown
	40096:   classOver,    // a colleague wrote through the link: no external_userid
	60111:   classOver,
	81013:   classOver,
	50002:   classOver,
	40201:   classOver, // the content is refused; not to be repeated
	95001:   classOver, // five messages since the customer's last
	95013:   classOver, // the talk has ended
	95018:   classOver, // a person has the talk, or 48 h are over
}

// classify tells what an error of a call means.
func classify(err error) class {
	var refused *api.APIError
	if !errors.As(err, &refused) {
		return classNetwork
	}
	if c, ok := classes[refused.Code]; ok {
		return c
	}
	return classUnknown
}

// maxTries bounds how often a call is tried that is refused without a known reason, or for a
// reason that others of the account do not meet.
const maxTries = 3

// Refusal is a refused call, as metrics see it: Code is one of the table's, or other.
type Refusal struct{ Call, Code, Class string }

// refusal counts an error of a call.
func (k *Callback) refusal(call string, err error) class {
	c, code := classify(err), "none"
	if refused := (*api.APIError)(nil); errors.As(err, &refused) {
		code = "other"
		if _, known := classes[refused.Code]; known {
			code = strconv.FormatInt(refused.Code, 10)
		}
	}
	k.o.Refused(Refusal{call, code, string(c)})
	return c
}

// health is what an operator must know of each account, and since when it is well.
type health struct {
	mu       sync.Mutex
	troubles map[string]trouble // by account and what fails
	sent     map[string]time.Time
}

type trouble struct {
	err error
	at  time.Time
}

// troubleFor is how long a trouble stands that is not met again.
const troubleFor = 30 * time.Minute

func (h *health) bad(what, account string, err error, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.troubles[what+account] = trouble{err, now}
}

func (h *health) good(what, account string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.troubles, what+account)
	h.sent[what+account] = now
}

// goodSince reports whether something worked since a time.
func (h *health) goodSince(what, account string, t time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sent[what+account].After(t)
}

// Troubles are what keeps accounts from being fetched or sent to, in this replica.
func (k *Callback) Troubles() []string {
	k.health.mu.Lock()
	defer k.health.mu.Unlock()
	var all []string
	for _, t := range k.health.troubles {
		if k.o.Now().Sub(t.at) < troubleFor {
			all = append(all, t.err.Error())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// delay is how long a reply waits that has waited n times.
func (k *Callback) delay(n int) time.Duration {
	const most = 5 * time.Minute
	if d := k.times.again << min(n, 16); d < most {
		return d
	}
	return most
}

// logRefusal says loudly that something is given up.
func (k *Callback) logRefusal(what string, c class, err error) {
	k.o.Log.Error(what, slog.String("class", string(c)), slog.Any("error", err))
}
