package bot_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/storetest"
)

// notebook is one that can be away.
type notebook struct {
	bot.Notebook
	mu     sync.Mutex
	away   bool
	misses []string
	rated  []string
}

func (n *notebook) Miss(_ context.Context, m bot.Miss) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.away {
		return errAway
	}
	n.misses = append(n.misses, m.Question)
	return nil
}

func (n *notebook) Rate(_ context.Context, f bot.Feedback) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.away {
		return errAway
	}
	n.rated = append(n.rated, fmt.Sprint(f.Answer, f.Rating))
	return nil
}

func (n *notebook) setAway(away bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = away
}

func (n *notebook) written() (misses, rated []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.misses), slices.Clone(n.rated)
}

func TestWhatCannotBeWrittenDownWaits(t *testing.T) {
	n := &notebook{away: true}
	p := bot.NewPatient(n, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Run(ctx)
	}()
	for i := range 1200 {
		if err := p.Miss(t.Context(), bot.NewMiss(fmt.Sprint("问", i), "aibot", "", "", time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []bot.Rating{bot.Useful, bot.Useless} {
		if err := p.Rate(t.Context(), bot.NewFeedback("a", "u", r, time.Now())); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.Waiting(); got != 1000 {
		t.Errorf("%d wait, want the latest 1000", got)
	}
	n.setAway(false)
	storetest.Eventually(t, "written down", func() bool { return p.Waiting() == 0 })
	misses, rated := n.written()
	if len(misses) != 998 || misses[0] != "问202" || misses[997] != "问1199" || !slices.Equal(rated, []string{"a1", "a2"}) {
		t.Errorf("%d questions from %v, opinions %v", len(misses), misses[:min(1, len(misses))], rated)
	}
	if err := p.Miss(t.Context(), bot.NewMiss("后来", "aibot", "", "", time.Now())); err != nil {
		t.Fatal(err)
	}
	if misses, _ := n.written(); misses[len(misses)-1] != "后来" {
		t.Errorf("not written at once: %v", misses[len(misses)-1])
	}
	n.setAway(true)
	if err := p.Miss(t.Context(), bot.NewMiss("最后", "aibot", "", "", time.Now())); err != nil {
		t.Fatal(err)
	}
	n.setAway(false)
	cancel()
	<-ended
	if misses, _ := n.written(); misses[len(misses)-1] != "最后" {
		t.Errorf("not written at the end: %v", misses[len(misses)-1])
	}
}
