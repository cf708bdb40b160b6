package robot

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"aeobot/bot/boltstore"
	"aeobot/bot/storetest"
	"aeobot/bot/wecom/api"
	"aeobot/bot/wecom/platform"
)

var (
	standIn = &platform.API{}
	baseURL string
)

func TestMain(m *testing.M) {
	server := httptest.NewServer(standIn)
	baseURL = server.URL
	code := m.Run()
	server.Close()
	os.Exit(code)
}

type bench struct {
	t     *testing.T
	corp  *platform.Corp
	store *boltstore.Store
}

func newBench(t *testing.T) *bench {
	t.Helper()
	store, err := boltstore.Open(filepath.Join(t.TempDir(), "state.db"), boltstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	corp := standIn.Corp("ww-"+t.Name(), "unused")
	corp.RobotKey = "key-" + t.Name()
	return &bench{t, corp, store}
}

func (b *bench) robot() (*Robot, func()) {
	b.t.Helper()
	client, err := api.NewKeyed(b.corp.RobotKey, api.Options{BaseURL: baseURL})
	if err != nil {
		b.t.Fatal(err)
	}
	r := New(client, b.corp.RobotKey, b.store, nil)
	r.every, r.lease, r.limited = 10*time.Millisecond, time.Minute, 20*time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	stop := func() { cancel(); <-ended }
	b.t.Cleanup(stop)
	return r, stop
}

func (b *bench) texts() (texts []string) {
	for _, s := range b.corp.Sent() {
		texts = append(texts, s.Text)
	}
	return texts
}

func (b *bench) wait(n int) {
	b.t.Helper()
	storetest.Eventually(b.t, fmt.Sprint("sent ", n), func() bool { return len(b.texts()) >= n })
}

// TestNoticesOnce: two replicas promise the same notices; each is sent once, in order.
func TestNoticesOnce(t *testing.T) {
	b := newBench(t)
	one, stop := b.robot()
	two, _ := b.robot()
	var want []string
	for i := range 5 {
		text := fmt.Sprint("**通知", i, "**")
		want = append(want, text)
		for _, r := range []*Robot{one, two, one} {
			if err := r.Notify(t.Context(), fmt.Sprint("n", i), text); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.wait(5)
	stop()
	if err := two.Notify(t.Context(), "last", "最后"); err != nil {
		t.Fatal(err)
	}
	b.wait(6)
	got := b.texts()
	slices.Sort(got)
	if want = append(want, "最后"); !slices.Equal(got, want) {
		t.Errorf("the group read %q, want %q", got, want)
	}
}

// TestPace: no more in a minute than the platform takes.
func TestPace(t *testing.T) {
	r := New(nil, "k", nil, nil)
	if r.pace.Burst() != perMinute || r.pace.Limit() != rate.Every(time.Minute/perMinute) {
		t.Errorf("pace %v, burst %d", r.pace.Limit(), r.pace.Burst())
	}
}

// TestRefused: rate limits are waited for, and nothing is lost.
func TestRefused(t *testing.T) {
	b := newBench(t)
	b.corp.SetFaults(platform.APIFaults{Codes: map[string][]int{"webhook/send": {-1, 45033, 93004}}})
	r, _ := b.robot()
	if err := r.Notify(t.Context(), "n", strings.Repeat("海", 2000)); err != nil {
		t.Fatal(err)
	}
	b.wait(1)
	if got := b.texts()[0]; len(got) > MaxBytes || got != strings.Repeat("海", MaxBytes/3) {
		t.Errorf("sent %d bytes", len(got))
	}
}
