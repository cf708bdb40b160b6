package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"aeobot/bot"
)

const (
	// rememberedPushes is how many messages are remembered as taken into hand. At
	// 100 bytes each that is 1 MB, and hours of questions.
	rememberedPushes = 10_000
	// maxPushes bounds the replies whose further pages are in hand at once.
	maxPushes = 64
	// pushTimeout bounds one page, repeats and waiting for a free call included.
	pushTimeout = 20 * time.Second
	// headStart is the time the first page gets to reach the screen: it travels in
	// the callback's response, whose arrival nobody tells us.
	headStart = 300 * time.Millisecond
)

// textSender sends one text to one member.
type textSender interface {
	SendText(ctx context.Context, toUser, text string) error
}

// push is the rest of one reply.
type push struct {
	id    string // bot.Message.ID
	to    bot.Asker
	pages []string
}

// pushes sends the pages that the callback's response had no room for.
//
// They must go out once, while the platform delivers a message up to three times.
// The first delivery that has pages takes them into hand; taken remembers that,
// in this process only. What it cannot know, another replica's or an earlier
// process's sending, the platform's own duplicate check refuses for ten minutes
// (duplicateCheck), which redelivery never exceeds.
type pushes struct {
	sender    textSender
	log       *slog.Logger
	count     func(outcome string)
	headStart time.Duration

	ctx    context.Context // ends when Close has waited long enough
	cancel context.CancelFunc
	taken  *lru.Cache[string, struct{}]
	slots  chan struct{}

	mu     sync.Mutex
	closed bool
	inHand sync.WaitGroup
}

func newPushes(s textSender, log *slog.Logger, count func(string)) *pushes {
	taken, err := lru.New[string, struct{}](rememberedPushes)
	if err != nil { // only for a size that is not positive
		panic("app: " + err.Error())
	}
	p := &pushes{sender: s, log: log, count: count, headStart: headStart, taken: taken, slots: make(chan struct{}, maxPushes)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// start sends the pages in the background, unless a delivery of the same message
// has already begun to, or too many replies are in hand: then the asker has the
// first page, which says that there are more.
func (p *pushes) start(job push) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.refuse("closing")
		return
	}
	if p.taken.Contains(job.id) {
		p.count(OutcomePushRepeated)
		return
	}
	select {
	case p.slots <- struct{}{}:
	default:
		p.refuse("too many in hand")
		return
	}
	p.taken.Add(job.id, struct{}{})
	p.inHand.Add(1)
	go p.run(job)
}

func (p *pushes) refuse(why string) {
	p.log.Warn("further pages not sent", slog.String("reason", why))
	p.count(OutcomePushRefused)
}

// run sends the pages in order, each after the one before was taken by the
// platform. Where one fails the rest is not sent: a reply with a hole in it would
// read as a whole one.
func (p *pushes) run(job push) {
	defer p.inHand.Done()
	defer func() { <-p.slots }()
	if sleep(p.ctx, p.headStart) != nil {
		p.refuse("closing")
		return
	}
	for i, page := range job.pages {
		if err := p.sendPage(job.to, page); err != nil {
			p.log.Error("page not sent", slog.Any("asker", job.to), slog.Int("page", i+2),
				slog.Int("pages", len(job.pages)+1), slog.Any("error", err))
			p.count(OutcomePushFailed)
			return
		}
		p.count(OutcomePushSent)
	}
}

func (p *pushes) sendPage(to bot.Asker, page string) error {
	ctx, cancel := context.WithTimeout(p.ctx, pushTimeout)
	defer cancel()
	return p.sender.SendText(ctx, string(to), page)
}

// close takes no further pages and waits for those in hand, at most until ctx
// ends; then it breaks them off and says so.
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
		<-done // SendText returns soon after its context's end
		return errors.Join(errors.New("app: pages were broken off"), ctx.Err())
	}
}
