package kf

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"aeobot/bot"
	"aeobot/bot/wecom/platform"
)

// This file holds what customers read after deliveries, crashes and codes, whatever machine
// brings it about.

// unread is a store that fails to keep how far an account was read, so often; below 0: always.
type unread struct {
	Store
	fails *atomic.Int32
	saved *atomic.Int32
}

func (s unread) SaveCursor(ctx context.Context, name, cursor string) error {
	if !strings.HasSuffix(name, ":since") && s.fails.Load() != 0 {
		s.fails.Add(-1)
		return errors.New("store: away")
	}
	err := s.Store.SaveCursor(ctx, name, cursor)
	if err == nil && !strings.HasSuffix(name, ":since") {
		s.saved.Add(1)
	}
	return err
}

// TestWhatTheJournalKnowsAsDoneIsNotSentAgain: messages that are read again, since nobody
// noted that they had been, get nothing.
func TestWhatTheJournalKnowsAsDoneIsNotSentAgain(t *testing.T) {
	for name, crash := range map[string]bool{"the same process reads again": false, "another process reads again": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			s := unread{b.store, &atomic.Int32{}, &atomic.Int32{}}
			b.store = s
			s.fails.Store(2)
			if crash {
				s.fails.Store(-1)
			}
			k, kill := b.replica()
			b.says("wm", "k-1", "问!")
			b.says("wm", "k-2", "再问")
			b.nudge(k)
			want := []string{"wm 答：问!", "wm 页2", "wm 答：再问"}
			b.wait("both replies", func() bool { return len(b.seen()) >= len(want) })
			if crash {
				kill()
				s.fails.Store(0)
				_, _ = b.replica()
			}
			b.wait("all is read", func() bool { return s.saved.Load() > 0 })
			if got := b.seen(); !slices.Equal(got, want) {
				t.Errorf("the customer read %q, want %q", got, want)
			}
		})
	}
}

// TestOnlyDoubtfulPagesSaySo: what may have arrived comes again with a remark, a page that was
// refused comes without, and pages that were taken do not come again.
func TestOnlyDoubtfulPagesSaySo(t *testing.T) {
	for name, tt := range map[string]struct {
		code int // of the second page's first try; 0: its answer is lost, with the process
		want string
	}{
		"the platform was busy":      {-1, "wm 页2"},
		"too many at once":           {45033, "wm 页2"},
		"a code that nobody knows":   {12345, "wm 页2"},
		"the process died meanwhile": {0, "wm " + bot.TextAgain + "\n页2"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			underWay, hang := make(chan struct{}), make(chan struct{})
			codes := map[string][]int{"kf/send_msg": {0, tt.code}}
			var sends atomic.Int32
			b.corp.SetFaults(platform.APIFaults{Codes: codes, Break: func(_ http.ResponseWriter, _ *http.Request, name string) bool {
				if tt.code != 0 || name != "kf/send_msg" || sends.Add(1) != 2 {
					return false
				}
				close(underWay)
				<-hang
				return true
			}})
			k, kill := b.replica()
			b.says("wm", "k-1", "问!!")
			b.nudge(k)
			if tt.code == 0 {
				<-underWay
				kill()
				close(hang)
				_, _ = b.replica()
			}
			b.wait("all pages", func() bool { return len(b.seen()) >= 3 })
			if got, want := b.seen(), []string{"wm 答：问!!", tt.want, "wm 页3"}; !slices.Equal(got, want) {
				t.Errorf("the customer read %q, want %q", got, want)
			}
			if n := len(b.corp.Calls("kf/send_msg")); n != 4 {
				t.Errorf("%d calls for three pages of which one was sent again", n)
			}
		})
	}
}
