package aibot

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/platform"
)

// This file holds what the platform sees of deliveries, crashes and acknowledgements over the
// long connection, whatever machine brings it about, with the journal as in production.

// remembering answers as the engine does: a message that comes again gets the reply of before.
type remembering struct {
	mute
	mu    sync.Mutex
	asked map[string]bool
}

func (r *remembering) Answer(_ context.Context, m bot.Message) (bot.Reply, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil {
		r.asked = map[string]bool{}
	}
	again := r.asked[m.ID]
	r.asked[m.ID] = true
	return bot.Reply{Text: "答：" + m.Text, Answered: true, Replayed: again}, nil
}

func (*remembering) Welcome(context.Context) string { return "欢迎" }

// answers are all that the platform took as answers, in order, as way and text.
func (b *gatewayBench) answers() (all []string) {
	for _, f := range b.gateway.Received(cmdRespond) {
		var r streamReply
		if err := json.Unmarshal(f.Body, &r); err != nil {
			b.t.Fatal(err)
		}
		if f.Code == 0 && r.MsgType == "stream" {
			all = append(all, "stream "+r.Stream.Content)
		}
	}
	for _, f := range b.gateway.Received(cmdSend) {
		var m markdownReply
		if err := json.Unmarshal(f.Body, &m); err != nil {
			b.t.Fatal(err)
		}
		if f.Code == 0 {
			all = append(all, "push "+m.Markdown.Content)
		}
	}
	return all
}

// TestDoubtfulAnswersSaySo: an answer that may have arrived comes again with a remark, unless
// it comes as the same stream, and one that cannot have arrived comes without.
func TestDoubtfulAnswersSaySo(t *testing.T) {
	const plain, again = "答：问", bot.TextAgain + "\n\n答：问"
	for name, tt := range map[string]struct {
		faults platform.Faults
		then   func(b *gatewayBench, stop func()) // once the answer has left
		want   []string
	}{
		"acknowledged":                {platform.Faults{}, nil, []string{"stream " + plain}},
		"one acknowledgement lost":    {platform.Faults{LoseAcks: 1}, nil, []string{"stream " + plain, "stream " + plain}},
		"three acknowledgements lost": {platform.Faults{LoseAcks: 3}, nil, []string{"stream " + plain, "stream " + plain, "stream " + plain, "push " + again}},
		"refused for good":            {platform.Faults{Codes: map[string][]int{cmdRespond: {846604}}}, nil, []string{"push " + plain}},
		"the connection ends without an acknowledgement": {platform.Faults{Silent: true},
			func(b *gatewayBench, _ func()) { b.gateway.Cut() }, []string{"stream " + plain, "push " + again}},
		"the process ends without an acknowledgement": {platform.Faults{Silent: true},
			func(_ *gatewayBench, stop func()) { stop() }, []string{"stream " + plain, "push " + again}},
	} {
		t.Run(name, func(t *testing.T) {
			b, journal, engine := newGatewayBench(t), newJournal(t), &remembering{}
			with := func(o *ConnectionOptions) {
				o.Journal, o.Times.Heartbeat, o.Times.Drain = journal, time.Hour, time.Millisecond
				if tt.then == nil {
					impatient(o)
				}
			}
			one, stop := b.run(engine, with)
			b.wait("login", func() bool { return one.State() == StateReady })
			b.gateway.SetFaults(tt.faults)
			b.say("m1", "u1", "问")
			if tt.then != nil {
				b.wait("the answer", func() bool { return len(b.answers()) > 0 })
				b.gateway.SetFaults(platform.Faults{})
				tt.then(b, stop)
			}
			two, _ := b.run(engine, with)
			b.wait("the end", func() bool {
				_, open, err := journal.Look(t.Context(), two.queue(), "m:m1")
				return err == nil && !open && len(b.answers()) > 0
			})
			if got := b.answers(); !slices.Equal(got, tt.want) {
				t.Errorf("the platform took %q, want %q", got, tt.want)
			}
		})
	}
}

// TestEachMessageIsAnsweredOnce, however often it is delivered, over whichever connection.
func TestEachMessageIsAnsweredOnce(t *testing.T) {
	for name, between := range map[string]func(b *gatewayBench, stop func()){
		"over the same connection": func(*gatewayBench, func()) {},
		"over the next connection": func(b *gatewayBench, _ func()) {
			b.gateway.Cut()
			b.wait("the next login", func() bool { return b.gateway.Logins() == 2 && b.gateway.Connected() })
		},
		"to another process": func(b *gatewayBench, stop func()) {
			b.wait("the end of its promise", func() bool { return b.count(OutcomeDelivered, 0) == 1 })
			stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, journal, engine := newGatewayBench(t), newJournal(t), &remembering{}
			with := func(o *ConnectionOptions) { o.Journal = journal }
			one, stop := b.run(engine, with)
			b.wait("login", func() bool { return one.State() == StateReady })
			b.say("m1", "u1", "问")
			b.wait("the answer", func() bool { return b.count(OutcomeDelivered, 0) == 1 })
			between(b, stop)
			if !b.gateway.Connected() {
				two, _ := b.run(engine, with)
				b.wait("the next login", func() bool { return two.State() == StateReady })
			}
			b.say("m1", "u1", "问")
			b.say("m1", "u1", "问")
			b.say("m2", "u1", "再问") // which comes after those
			b.wait("the other's answer", func() bool { return slices.Contains(b.answers(), "stream 答：再问") })
			if got, want := b.answers(), []string{"stream 答：问", "stream 答：再问"}; !slices.Equal(got, want) {
				t.Fatalf("the platform took %q, want %q", got, want)
			}
			b.wait("both are counted", func() bool { return b.count(OutcomeRepeated, 0) == 2 })
			if _, open, err := journal.Look(t.Context(), one.queue(), "m:m1"); open || err != nil {
				t.Errorf("the promise is open: %v, %v", open, err)
			}
		})
	}
}

// seizing takes the lease away as soon as pushes are claimed.
type seizing struct {
	bot.Journal
	queue string
	seize func()
}

func (j seizing) Claim(ctx context.Context, queue, holder string, n int, lease time.Duration) ([]bot.Task, error) {
	tasks, err := j.Journal.Claim(ctx, queue, holder, n, lease)
	if queue == j.queue && len(tasks) > 0 {
		j.seize()
	}
	return tasks, err
}

// TestAFrozenReplicaPushesNothing: its lease ran out while it slept, and is another's when it
// wakes up with something to be said in hand.
func TestAFrozenReplicaPushesNothing(t *testing.T) {
	b, journal, got := newGatewayBench(t), newJournal(t), &outcomes{}
	c := NewConnection(&sluggish{}, b.leases, ConnectionOptions{URL: b.url, BotID: "aibKz3", Secret: "secret-marker", Times: short, Pushed: got.take})
	c.o.Times.Lease = time.Second
	c.o.Journal = seizing{journal, c.pushQueue(), func() {
		b.leases.take(c.leaseName())
		c.mu.Lock()
		c.owned = time.Now().Add(-time.Second)
		c.mu.Unlock()
	}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); c.Run(ctx) }()
	defer func() { cancel(); <-ended }()
	b.wait("login", func() bool { return c.State() == StateReady })
	b.gateway.Meet("wrT9group")
	if _, _, err := c.Push(t.Context(), "p", aGroup, []string{"更正"}); err != nil {
		t.Fatal(err)
	}
	b.wait("the connection to be handed over", func() bool { return c.State() == StateStandby })
	if said := b.said(); len(said) > 0 {
		t.Errorf("a replica without the lease said %q", said)
	}
	if _, over := got.of("p"); over {
		t.Error("the push is over")
	}
	if _, open, err := journal.Look(t.Context(), c.pushQueue(), "p"); !open || err != nil {
		t.Errorf("nothing is left to the other: %v, %v", open, err)
	}
}

// TestNobodyConnectsWithoutTheLease: the platform would displace the one who has it.
func TestNobodyConnectsWithoutTheLease(t *testing.T) {
	b := newGatewayBench(t)
	b.leases.take("aibot:aibKz3") // another has it
	c, _ := b.run(&sluggish{})
	b.wait("it to stand by, or to connect", func() bool { return c.State() == StateStandby || b.gateway.Logins() > 0 })
	if b.gateway.Logins() > 0 {
		t.Error("connected although another has the lease")
	}
}
