package kf

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/envelope"
)

// MaxBytes bounds one message in bytes of UTF-8 (page 94677).
const MaxBytes = 2048

// Surface is what a customer's screen can show: texts, of which the platform takes
// five after a message of the customer's. One is kept for a person to write, and of each
// some bytes for the words above a page that may have arrived before.
var Surface = bot.Surface{Name: "kf", MaxBytes: MaxBytes - againBytes, MaxPages: 4}

const againBytes = 128

// Answerer is the engine as this channel needs it.
type Answerer interface {
	Answer(ctx context.Context, m bot.Message) (bot.Reply, error)
	Welcome(ctx context.Context) string
}

// Store is what is kept between replicas and through a crash.
type Store interface {
	bot.Journal
	bot.Cursors
	bot.Leases
	bot.Shelf
}

// Outcomes given to Options.Count, besides those of envelope.Receiver. They are a
// closed set, fit for a metric's label.
const (
	OutcomeNudge      = "nudge"    // there is something to fetch
	OutcomeIgnored    = "ignored"  // an event that needs nothing
	OutcomeAnswered   = "answered" // a customer's message got its reply
	OutcomeQuiet      = "quiet"    // one of too many messages got no reply
	OutcomeWelcome    = "welcome"
	OutcomeTooLate    = "too_late"    // the platform takes no reply any more: 48 h, five messages, or it is no customer
	OutcomePerson     = "person"      // a person has the talk, and the bot is silent
	OutcomeBefore     = "before"      // written before the account was first read
	OutcomeSession    = "session"     // a person took a talk, handed it on or ended it
	OutcomeServicer   = "servicer"    // a servicer begins or stops to receive customers
	OutcomeHandedOver = "handed_over" // a talk was handed over to a person
	OutcomeUnreadable = "unreadable"  // fields or whole messages that cannot be read
	OutcomeFailed     = "failed"      // sending failed for good
	OutcomeRetried    = "retried"     // fetching or sending failed and is tried again
	OutcomeForeign    = "foreign"     // for another company
	OutcomePushed     = "pushed"      // something was said that nobody had just asked for
)

// Options of a Callback. CorpID is needed.
type Options struct {
	CorpID string
	// MaxSkew, Now, Log and Count are as in envelope.Receiver.
	MaxSkew time.Duration
	Now     func() time.Time
	Log     *slog.Logger
	Count   func(outcome string)
	// Pushed is told what became of each Push. It may not wait for long.
	//
	// default: nobody
	Pushed func(bot.Outcome)
	// Transfer has talks handed over to a person who is on duty.
	//
	// default: whoever wants one reads the engine's reply
	Transfer bool
	// Refused is told of each call that was refused, and SendFailed why what was taken did
	// not arrive: one of the platform's numbers, or other.
	//
	// default: nobody
	Refused    func(Refusal)
	SendFailed func(failType string)
	// Media and Again are what a customer reads in return for a picture and the like, and
	// above a page that may have arrived before.
	//
	// default: bot.TextMedia, bot.TextAgain
	Media, Again string
}

// Callback takes the platform's nudges and answers customers.
type Callback struct {
	answerer Answerer
	client   *api.Client
	store    Store
	o        Options
	receiver *envelope.Receiver
	holder   string
	times    times
	lanes    *bot.Lanes // one fetching of an account at a time in this process
	health   health
	wake     chan struct{} // the resender is to look
	missed   missed
	known    sync.Map // accounts that are noted as known

	ctx  context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup
	// slots bound the nudges that are followed at once; one after the other in an account.
	slots chan struct{}
}

// maxFollowed is how many nudges are followed at once. What has no room stays in the
// journal, and without one for the next nudge of its account, which fetches all.
const maxFollowed = 64

// times are waits that tests shorten.
type times struct {
	lease, claim, later, again time.Duration
}

// NewCallback makes the handler for /wecom/kf. Without a codec there is none, and all events
// come by Take.
func NewCallback(a Answerer, codec *envelope.Codec, c *api.Client, s Store, o Options) *Callback {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Count == nil {
		o.Count = func(string) {}
	}
	if o.Refused == nil {
		o.Refused = func(Refusal) {}
	}
	if o.SendFailed == nil {
		o.SendFailed = func(string) {}
	}
	if o.Media == "" {
		o.Media = bot.TextMedia
	}
	if o.Again == "" {
		o.Again = bot.TextAgain
	}
	k := &Callback{answerer: a, client: c, store: s, o: o, holder: rand.Text(), lanes: bot.NewLanes(), slots: make(chan struct{}, maxFollowed),
		health: health{troubles: map[string]trouble{}, sent: map[string]time.Time{}}, wake: make(chan struct{}, 1),
		times: times{lease: 30 * time.Second, claim: 2 * time.Second, later: 10 * time.Second, again: 500 * time.Millisecond}}
	k.ctx, k.end = context.WithCancel(context.Background())
	k.receiver = &envelope.Receiver{Codec: codec, MaxSkew: o.MaxSkew, Now: o.Now, Log: o.Log, Count: o.Count,
		Unwrap: envelope.UnwrapXML, Handle: k.handle, Wrap: envelope.WrapXML}
	return k
}

// ClockOff is by how much the platform's time and ours are apart, when that is too much.
func (k *Callback) ClockOff() time.Duration { return k.receiver.ClockOff() }

// ServeHTTP answers one request of the platform.
func (k *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) { k.receiver.ServeHTTP(w, r) }

// nudge is what a callback says: something is to be fetched for an account, or if it names
// none, for all of them.
type nudge struct {
	Account string `json:"a"`
	// Token lets sync_msg be called without a strict limit, for ten minutes.
	Token string `json:"t"`
	// At is when it was made, by the platform's clock; 0: it does not say.
	At int64 `json:"at,omitempty"`
}

// queue names the nudges in the journal; nudgeKeep is how long the platform keeps what
// can be fetched.
func (k *Callback) queue() string { return "kf:" + k.o.CorpID }

const nudgeKeep = 72 * time.Hour

// handle notes that there is something to fetch; the platform is answered at once.
func (k *Callback) handle(ctx context.Context, plaintext []byte) ([]byte, error) {
	f, _, err := envelope.SignedFields(plaintext, "ToUserName", "CreateTime", "Event", "Token", "OpenKfId")
	if err != nil {
		// Signed, and all that is ever said here is that there is something to fetch.
		k.o.Count(OutcomeUnreadable)
		k.o.Log.Error("callback not readable; looking into all accounts", slog.Any("error", err))
	}
	for name := range f {
		f[name] = strings.TrimSpace(f[name])
	}
	switch {
	case f["ToUserName"] != "" && f["ToUserName"] != k.o.CorpID:
		k.o.Count(OutcomeForeign)
		return nil, nil
	case f["Event"] != "" && !strings.EqualFold(f["Event"], "kf_msg_or_event"):
		k.o.Count(OutcomeIgnored)
		return nil, nil
	}
	k.o.Count(OutcomeNudge)
	at, _ := strconv.ParseInt(f["CreateTime"], 10, 64) // 0: it does not say
	n := nudge{f["OpenKfId"], f["Token"], at}
	data, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("kf: %w", err)
	}
	t := bot.Task{Queue: k.queue(), ID: "nudge:" + rand.Text(), Data: data}
	room, lease := k.room(), k.times.lease
	if !room {
		lease = k.times.later
	}
	if _, err := k.store.Enter(ctx, t, k.holder, lease, nudgeKeep); err != nil {
		k.o.Log.Warn("nudge not noted", slog.Any("error", err))
		t.ID = ""
	}
	switch {
	case room:
		k.work.Go(func() { k.follow(t.ID, n) })
	case t.ID == "":
		k.missed.add(n)
	}
	return nil, nil
}

// room takes a slot, if there is one; follow gives it back.
func (k *Callback) room() bool {
	select {
	case k.slots <- struct{}{}:
		return true
	default:
		k.o.Log.Debug("too many nudges at once; this one is followed later")
		return false
	}
}

// follow fetches what a nudge is about, or leaves it for later: in the journal, or in memory
// where no task of the journal stands for it.
func (k *Callback) follow(taskID string, n nudge) {
	defer func() { <-k.slots }()
	turn := k.lanes.Queue(n.Account)
	err := turn.Wait(k.ctx)
	if err == nil {
		err = k.fetch(k.ctx, n)
	}
	turn.Leave()
	if err != nil && !errors.Is(err, errBusy) {
		k.o.Count(OutcomeRetried)
		k.o.Log.Warn("customers' messages not fetched; trying again", slog.Any("error", err))
	}
	if taskID == "" {
		if err != nil {
			k.missed.add(n)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err == nil {
		err = k.store.Done(ctx, k.queue(), taskID, "")
	} else if err = k.later(ctx, taskID, n); err != nil && !errors.Is(err, bot.ErrClaimLost) {
		k.missed.add(n)
	}
	if err != nil && !errors.Is(err, bot.ErrClaimLost) {
		k.o.Log.Warn("nudge not noted", slog.Any("error", err))
	}
}

func (k *Callback) later(ctx context.Context, taskID string, n nudge) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return k.store.Note(ctx, k.queue(), taskID, k.holder, data, k.times.later)
}

// Run follows nudges that were left undone, by this replica or one that is gone, until
// ctx ends.
func (k *Callback) Run(ctx context.Context) {
	tick := time.NewTicker(k.times.claim)
	defer tick.Stop()
	k.work.Go(func() { k.resend(ctx) })
	looked := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !looked {
			looked = k.lookIntoAll(ctx)
		}
		k.followMissed()
		tasks, err := k.store.Claim(ctx, k.queue(), k.holder, 16, k.times.lease)
		if err != nil {
			k.o.Log.Debug("nudges not looked for", slog.Any("error", err))
		}
		for _, t := range tasks {
			var n nudge
			if err := json.Unmarshal(t.Data, &n); err != nil || !strings.HasPrefix(t.ID, "nudge:") {
				continue
			}
			if !k.room() {
				break // it is claimed again when our lease on it is over
			}
			k.work.Go(func() { k.follow(t.ID, n) })
		}
		k.pushes(ctx)
	}
}

// Close breaks off what is under way, which is taken up where it stopped by another
// replica or after a restart. No request may come any more.
func (k *Callback) Close() {
	k.end()
	k.work.Wait()
}
