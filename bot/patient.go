package bot

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Notebook is where coordinators find what was asked in vain, and what readers think.
type Notebook interface {
	Misses
	Feedbacks
}

// Patient keeps what is to be written down while the notebook is away, and writes it when
// it is back: at most maxWaiting, of which the oldest go first. What waits is lost with the
// process.
type Patient struct {
	Notebook
	log *slog.Logger

	mu      sync.Mutex
	waiting []*entry
	dropped int
}

// entry is one thing to write down.
type entry struct{ write func(context.Context) error }

const (
	maxWaiting   = 1000
	patientEvery = time.Second
)

// NewPatient makes one; Run is to be run.
func NewPatient(n Notebook, log *slog.Logger) *Patient {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Patient{Notebook: n, log: log}
}

// Miss notes a question without an answer, now or later.
func (p *Patient) Miss(ctx context.Context, m Miss) error {
	return p.note(ctx, func(ctx context.Context) error { return p.Notebook.Miss(ctx, m) })
}

// Rate notes a reader's opinion, now or later.
func (p *Patient) Rate(ctx context.Context, f Feedback) error {
	return p.note(ctx, func(ctx context.Context) error { return p.Notebook.Rate(ctx, f) })
}

// note writes down at once what nothing waits before: opinions of one reader must keep
// their order.
func (p *Patient) note(ctx context.Context, write func(context.Context) error) error {
	p.mu.Lock()
	free := len(p.waiting) == 0
	p.mu.Unlock()
	if free && write(ctx) == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = append(p.waiting, &entry{write})
	if over := len(p.waiting) - maxWaiting; over > 0 {
		p.waiting = p.waiting[over:]
		p.dropped += over
	}
	return nil
}

// Run writes down what waits until ctx ends, and tries once more then.
func (p *Patient) Run(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(patientEvery):
		}
		p.flush(context.WithoutCancel(ctx))
	}
	if n := p.Waiting(); n > 0 {
		p.log.Error("questions and opinions lost: the store was away to the end", slog.Int("count", n))
	}
}

// Waiting is how much waits.
func (p *Patient) Waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// flush writes down what waits, in order, as far as the notebook takes it.
func (p *Patient) flush(ctx context.Context) {
	for {
		p.mu.Lock()
		if p.dropped > 0 {
			p.log.Error("questions and opinions dropped: too many wait for the store", slog.Int("count", p.dropped))
			p.dropped = 0
		}
		if len(p.waiting) == 0 {
			p.mu.Unlock()
			return
		}
		first := p.waiting[0]
		p.mu.Unlock()
		step, cancel := context.WithTimeout(ctx, noteTimeout)
		err := first.write(step)
		cancel()
		if err != nil {
			return
		}
		p.mu.Lock()
		if len(p.waiting) > 0 && p.waiting[0] == first { // it may have been dropped meanwhile
			p.waiting = p.waiting[1:]
		}
		p.mu.Unlock()
	}
}
