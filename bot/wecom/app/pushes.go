package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"aeobot/bot"
	"aeobot/bot/wecom/api"
)

const (
	// rememberedPushes is how many messages are remembered as taken into hand, for when
	// there is no journal or it is away. At 100 bytes each that is 1 MB, and hours of
	// questions.
	rememberedPushes = 10_000
	// maxPushes bounds the replies whose further messages are in hand at once; the rest
	// waits in the journal.
	maxPushes = 64
	// pushTimeout bounds one message, repeats and waiting for a free call included.
	pushTimeout = 20 * time.Second
	// pushLease is how long a replica has a reply's messages without a sign of life: a
	// message's time, and some.
	pushLease = pushTimeout + 5*time.Second
	// pushKeep is how long a message is worth sending.
	pushKeep = 30 * time.Minute
	// headStart is the time the first page gets to reach the screen: it travels in
	// the callback's response, whose arrival nobody tells us.
	headStart = 300 * time.Millisecond
	// claimEvery is how often it is looked for what another replica left undone, and
	// retryLater how long a message waits that the platform could not take now.
	claimEvery = 2 * time.Second
	retryLater = 20 * time.Second
	// claimLease is for how long what was found is held until it is begun with. It is
	// short, since an answer of the journal's may get lost, and nobody knows then who
	// holds what.
	claimLease = 5 * time.Second
	// enterEvery is how often it is tried to note a promise that the journal was away for.
	enterEvery = 250 * time.Millisecond
)

// messenger sends to one member; see Sender.
type messenger interface {
	SendText(ctx context.Context, toUser, text string, doubt time.Duration) error
	SendMarkdown(ctx context.Context, toUser, text string, doubt time.Duration) error
	SendCard(ctx context.Context, toUser string, card json.RawMessage, doubt time.Duration) error
	UpdateCard(ctx context.Context, toUser, responseCode string, card json.RawMessage) error
}

// Kinds of messages that are sent.
const (
	itemText     = "text"
	itemMarkdown = "markdown"
	itemCard     = "card"
	itemUpdate   = "update" // changes a card in place
)

// item is one message to send.
type item struct {
	Kind string          `json:"k"`
	Text string          `json:"t,omitempty"`
	Card json.RawMessage `json:"c,omitempty"`
	Code string          `json:"r,omitempty"` // response code, of an update
}

// push is what is to be sent after a callback's response.
type push struct {
	To    bot.Asker `json:"to"`
	Items []item    `json:"i"`
	// Next is the first item that was not sent.
	Next int `json:"n"`
	// Said tells that nobody asked for it just now, so that somebody wants to know what
	// became of it.
	Said bool `json:"s,omitempty"`

	id    string // bot.Message.ID
	noted bool   // it stands in the journal
	// since is from when on the next items may have been sent already; zero: they were not.
	since time.Time
}

// pushes sends what the callback's response had no room for.
//
// It must go out once, while the platform delivers a message up to three times, and
// must not be lost with the process. The first delivery notes it in the journal before
// it answers the platform; whoever holds it there sends it. What a process that was
// killed may have sent without noting so, the platform's own duplicate check refuses.
type pushes struct {
	sender    messenger
	journal   bot.Journal // nil: in memory only
	queue     string
	holder    string
	log       *slog.Logger
	count     func(outcome string)
	pushed    func(bot.Outcome) // nil: nobody
	headStart time.Duration
	lease     time.Duration
	every     time.Duration

	ctx    context.Context // ends when Close has waited long enough
	cancel context.CancelFunc
	taken  *lru.Cache[string, struct{}]
	slots  chan struct{}

	mu     sync.Mutex
	closed bool
	inHand sync.WaitGroup
}

func newPushes(s messenger, j bot.Journal, queue string, log *slog.Logger, count func(string)) *pushes {
	taken, err := lru.New[string, struct{}](rememberedPushes)
	if err != nil { // only for a size that is not positive
		panic("app: " + err.Error())
	}
	p := &pushes{sender: s, journal: j, queue: queue, holder: rand.Text(), log: log, count: count, headStart: headStart, lease: pushLease, every: claimEvery,
		taken: taken, slots: make(chan struct{}, maxPushes)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// promise takes what is to be sent into hand, before the platform is answered. It gives
// false when a delivery of the same message has done so before.
func (p *pushes) promise(ctx context.Context, job *push) bool {
	if p.journal != nil {
		data, err := json.Marshal(job)
		fresh := false
		if err == nil {
			fresh, err = p.journal.Enter(ctx, bot.Task{Queue: p.queue, ID: job.id, Data: data}, p.holder, p.lease, pushKeep)
		}
		if err == nil {
			job.noted = true
			if !fresh {
				p.count(OutcomePushRepeated)
			}
			return fresh
		}
		p.log.Warn("pages not noted; a crash would lose them", slog.Any("error", err))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, _ := p.taken.ContainsOrAdd(job.id, struct{}{}); known {
		p.count(OutcomePushRepeated)
		return false
	}
	return true
}

// start sends in the background. With too many replies in hand it leaves the job in
// the journal, for later.
func (p *pushes) start(job push, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.refuse(job, "closing")
		return
	}
	select {
	case p.slots <- struct{}{}:
	default:
		p.refuse(job, "too many in hand")
		return
	}
	p.inHand.Add(1)
	go p.send(job, wait)
}

// refuse leaves a job to be claimed again, by whoever has the time; without a journal
// the asker has the first page, which says that there is more.
func (p *pushes) refuse(job push, why string) {
	if job.noted && p.note(job, 0) {
		p.count(OutcomePushPutOff)
		return
	}
	p.log.Warn("further pages not sent", slog.String("reason", why))
	p.count(OutcomePushRefused)
}

// send sends the items in order, each after the one before was taken by the platform.
// Where one is refused for good the rest is not sent: a reply with a hole in it would
// read as a whole one.
func (p *pushes) send(job push, wait time.Duration) {
	defer p.inHand.Done()
	defer func() { <-p.slots }()
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	var entered <-chan bool // says nothing while nil
	if !job.noted && p.journal != nil {
		entered = p.enterLate(ctx, job)
	}
	if sleep(ctx, wait) != nil {
		p.refuse(job, "closing")
		return
	}
	if !job.since.IsZero() && !p.note(job, p.lease) {
		return // it was held for a moment only, and another has it now
	}
	for began := time.Now(); job.Next < len(job.Items); {
		err := p.sendItem(job)
		select {
		case ours, told := <-entered:
			if told && !ours {
				p.count(OutcomePushRepeated)
				return
			}
			job.noted, entered = told, nil
		default:
		}
		switch {
		case err == nil:
			p.count(OutcomePushSent)
			job.Next++
			if job.Next < len(job.Items) && job.noted && !p.note(job, p.lease) {
				return // another replica has it, because we were frozen
			}
		case job.plainer(err): // the same item once more
		case !p.failed(job, err, time.Since(began) < pushKeep):
			return
		case sleep(ctx, retryLater) != nil:
			p.refuse(job, "closing")
			return
		default:
			job.since = began
		}
	}
	if entered != nil {
		cancel()
		job.noted = <-entered
	}
	p.done(job)
	p.said(job, nil)
}

// plainer makes a text of Markdown that the platform did not accept; false: it is none.
func (j push) plainer(err error) bool {
	i := &j.Items[j.Next]
	if i.Kind != itemMarkdown || !errors.Is(err, api.ErrInput) {
		return false
	}
	i.Kind = itemText
	return true
}

// enterLate notes a promise that the journal was away for, as soon as it is back: a crash
// before would lose it. It tells whether the promise is ours, or says nothing when ctx ends
// first.
func (p *pushes) enterLate(ctx context.Context, job push) <-chan bool {
	told := make(chan bool, 1)
	p.inHand.Go(func() {
		defer close(told)
		data, err := json.Marshal(job)
		for err == nil && sleep(ctx, enterEvery) == nil {
			// The first try may have come through though its answer did not.
			if p.journal.Note(ctx, p.queue, job.id, p.holder, data, p.lease) == nil {
				told <- true
				return
			}
			fresh, err := p.journal.Enter(ctx, bot.Task{Queue: p.queue, ID: job.id, Data: data}, p.holder, p.lease, pushKeep)
			if err == nil {
				told <- fresh
				return
			}
		}
	})
	return told
}

func (p *pushes) sendItem(job push) (err error) {
	ctx, cancel := context.WithTimeout(p.ctx, pushTimeout)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w (%T)", errPanic, v)
		}
	}()
	var doubt time.Duration
	if !job.since.IsZero() {
		doubt = time.Since(job.since)
	}
	switch to, i := string(job.To), job.Items[job.Next]; i.Kind {
	case itemMarkdown:
		return p.sender.SendMarkdown(ctx, to, i.Text, doubt)
	case itemCard:
		return p.sender.SendCard(ctx, to, i.Card, doubt)
	case itemUpdate:
		err := p.sender.UpdateCard(ctx, to, i.Code, i.Card)
		if !job.since.IsZero() && errors.Is(err, api.ErrSpent) {
			return nil // it was done before the crash
		}
		return err
	default:
		return p.sender.SendText(ctx, to, i.Text, doubt)
	}
}

// lasting are failures that trying again does not mend.
var lasting = []error{api.ErrRecipient, api.ErrInput, api.ErrForbidden, api.ErrSpent, errPanic}

// failed puts a job off when the platform may take it later, else gives it up. It tells
// whether to try again here and now, which is for what stands in no journal and is young.
func (p *pushes) failed(job push, err error, young bool) (again bool) {
	attrs := []any{slog.Any("asker", job.To), slog.Int("item", job.Next+1), slog.Int("items", len(job.Items)), slog.Any("error", err)}
	for _, l := range lasting {
		if errors.Is(err, l) {
			p.log.Error("message not sent", attrs...)
			p.count(OutcomePushFailed)
			p.done(job)
			p.said(job, err)
			return false
		}
	}
	later, level := retryLater, slog.LevelWarn
	if job.Said { // there may be a thousand, and nobody waits
		later = saidLater
		if !job.since.IsZero() {
			level = slog.LevelDebug
		}
	}
	if job.noted && p.note(job, later) || !job.noted && young {
		p.log.Log(context.Background(), level, "message not sent yet", attrs...)
		p.count(OutcomePushPutOff)
		return !job.noted
	}
	p.log.Error("message not sent", attrs...)
	p.count(OutcomePushFailed)
	return false
}

// noteWithin bounds one step of the journal, also when everything ends.
const noteWithin = time.Second

// note keeps in the journal how far a job is; it tells whether it is still ours. A
// journal that is away leaves it ours.
func (p *pushes) note(job push, lease time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), noteWithin)
	defer cancel()
	data, err := json.Marshal(job)
	if err == nil {
		err = p.journal.Note(ctx, p.queue, job.id, p.holder, data, lease)
	}
	if err != nil && !errors.Is(err, bot.ErrClaimLost) {
		p.log.Warn("pages sent but not noted so", slog.Any("error", err))
		return true
	}
	return err == nil
}

func (p *pushes) done(job push) {
	if !job.noted {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), noteWithin)
	defer cancel()
	if err := p.journal.Done(ctx, p.queue, job.id, p.holder); err != nil {
		p.log.Warn("pages sent but not noted so", slog.Any("error", err))
	}
}

// run sends what was left undone, by this replica or one that is gone, until ctx ends.
func (p *pushes) run(ctx context.Context) {
	for p.journal != nil && sleep(ctx, p.every) == nil {
		tasks, err := p.journal.Claim(ctx, p.queue, p.holder, maxPushes/4, min(p.lease, claimLease))
		if err != nil {
			p.log.Debug("undone pages not looked for", slog.Any("error", err))
			continue
		}
		for _, t := range tasks {
			job := push{}
			if err := json.Unmarshal(t.Data, &job); err != nil {
				p.log.Error("undone pages not understood", slog.Any("error", err))
				continue
			}
			// Any of what is left may have been sent: a journal that was away then has not
			// been told.
			job.id, job.noted, job.since = t.ID, true, t.Entered
			p.start(job, 0)
		}
	}
}

// close takes no further jobs and waits for those in hand, at most until ctx ends;
// then it breaks them off and, unless the journal keeps them, says so.
func (p *pushes) close(ctx context.Context) error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	defer p.cancel()
	done := make(chan struct{})
	go func() {
		p.inHand.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		p.cancel()
		<-done // a message's sending returns soon after its context's end
		if p.journal != nil {
			return nil // they are noted
		}
		return errors.Join(errors.New("app: pages were broken off"), ctx.Err())
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
