package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/platform"
)

// loadRun is what many clients saw who asked without a pause, each its own question.
type loadRun struct {
	took   []time.Duration // of what was answered, in order of length
	failed []error
	lasted time.Duration
}

// during is true for a time.
func during(d time.Duration) func() bool {
	end := time.Now().Add(d)
	return func() bool { return time.Now().Before(end) }
}

// drive has clients ask for as long as there is to be more.
func drive(clients int, more func() bool, ask func() error) loadRun {
	var l loadRun
	var mu sync.Mutex
	var all sync.WaitGroup
	begin := time.Now()
	for range clients {
		all.Go(func() {
			for more() {
				start := time.Now()
				err := ask()
				mu.Lock()
				if err != nil {
					l.failed = append(l.failed, err)
				} else {
					l.took = append(l.took, time.Since(start))
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	l.lasted = time.Since(begin)
	slices.Sort(l.took)
	return l
}

func (l loadRun) rate() float64 { return float64(len(l.took)) / l.lasted.Seconds() }

func (l loadRun) percentile(p int) time.Duration {
	if len(l.took) == 0 {
		return 0
	}
	return l.took[min(len(l.took)*p/100, len(l.took)-1)]
}

// report gives the figures of a benchmark.
func (l loadRun) report(b *testing.B) {
	b.ReportMetric(l.rate(), "msg/s")
	b.ReportMetric(l.percentile(50).Seconds()*1000, "p50-ms")
	b.ReportMetric(l.percentile(99).Seconds()*1000, "p99-ms")
	b.ReportMetric(float64(len(l.failed)), "lost")
	b.ReportMetric(0, "ns/op")
}

// loadClients is how many ask at once: what the platform of a large company does.
const loadClients = 32

// loadLasts is how long BenchmarkServe asks in each case: AEOBOT_LOAD_SECONDS.
func loadLasts() time.Duration {
	return time.Duration(chaosSetting("AEOBOT_LOAD_SECONDS", 2)) * time.Second
}

// BenchmarkServe measures the program itself, a process of its own, for
// AEOBOT_LOAD_SECONDS in each case (make load: 60): callbacks with either store, and the
// long connection, beside a bare server that only opens and seals. The clients share the
// machine. lost counts messages without a reply.
func BenchmarkServe(b *testing.B) {
	codec, err := envelope.New(testToken, testKey, "")
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Timeout: deliverWithin, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * loadClients}}
	callbacks := func(b *testing.B, base string) {
		drive(loadClients, during(loadLasts()), func() error { return benchPost(client, codec, base) }).report(b)
	}
	b.Run("callbacks/bare", func(b *testing.B) {
		server := httptest.NewServer(&envelope.Receiver{Codec: codec, Unwrap: benchUnwrap, Wrap: benchWrap,
			Handle: func(_ context.Context, message []byte) ([]byte, error) { return message, nil }})
		defer server.Close()
		callbacks(b, server.URL)
	})
	b.Run("callbacks/bbolt", func(b *testing.B) {
		callbacks(b, startShipped(b, b.TempDir(), quiet).base+"/wecom/aibot")
	})
	b.Run("callbacks/redis", func(b *testing.B) {
		callbacks(b, startShipped(b, b.TempDir(), quiet, "AEOBOT_REDIS_URL="+plainURL(storetest.StartRedis(b))).base+"/wecom/aibot")
	})
	b.Run("connection/bbolt", func(b *testing.B) { connectionLoad(b).report(b) })
	b.Run("connection/redis", func(b *testing.B) {
		connectionLoad(b, "AEOBOT_REDIS_URL="+plainURL(storetest.StartRedis(b))).report(b)
	})
}

const quiet = "AEOBOT_LOG_LEVEL=warn"

// connectionLoad asks over the long connection. Nobody asks more than ten questions: a
// conversation takes thirty messages a minute.
func connectionLoad(b *testing.B, env ...string) loadRun {
	gateway := &platform.Gateway{BotID: "aib1", Secret: "long-secret", Forget: true}
	var waiting sync.Map // request id → who waits for its finished reply
	gateway.Listen(func(f platform.Frame) {
		var s struct {
			Stream chaosStream `json:"stream"`
		}
		if f.Command != "aibot_respond_msg" || json.Unmarshal(f.Body, &s) != nil || !s.Stream.Finish {
			return
		}
		if done, ok := waiting.LoadAndDelete(f.RequestID); ok {
			close(done.(chan struct{}))
		}
	})
	server := httptest.NewServer(gateway)
	b.Cleanup(server.Close)
	startShipped(b, b.TempDir(), overConnection("ws"+strings.TrimPrefix(server.URL, "http"), append(env, quiet)...)...)
	for !gateway.Connected() {
		time.Sleep(10 * time.Millisecond)
	}
	var count atomic.Int64
	return drive(loadClients, during(loadLasts()), func() error {
		n := count.Add(1)
		id, done := fmt.Sprint("r", n), make(chan struct{})
		waiting.Store(id, done)
		gateway.Deliver(context.Background(), "aibot_msg_callback", id,
			aibotText(fmt.Sprint("m", n), "", fmt.Sprint("u", n/10), benchQuestions[n%int64(len(benchQuestions))]))
		select {
		case <-done:
			return nil
		case <-time.After(answerDeadline):
			return fmt.Errorf("no reply to %s", id)
		}
	})
}

// TestOverload asks far more at once than the program can answer: each is answered, or
// refused so that the platform delivers it again; then all is as before. How long a reply may
// take at most is envelope's, and tested there: here the clients share the machine.
func TestOverload(t *testing.T) {
	codec, err := envelope.New(testToken, testKey, "")
	if err != nil {
		t.Fatal(err)
	}
	r := startShipped(t, t.TempDir(), quiet)
	client := &http.Client{Timeout: storetest.Patience, Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	var refused atomic.Int64
	l := drive(500, during(4*time.Second), func() error {
		err := benchPost(client, codec, r.base+"/wecom/aibot")
		if err != nil && strings.HasPrefix(err.Error(), "status 5") || errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			refused.Add(1)
			return nil
		}
		return err
	})
	t.Logf("%d answered or refused, %d of them refused, longest %v", len(l.took), refused.Load(), l.percentile(100))
	if len(l.failed) > 0 || int64(len(l.took)) == refused.Load() {
		t.Errorf("%d neither answered nor refused, such as %v", len(l.failed), l.failed[:min(3, len(l.failed))])
	}
	if resident := r.resident(); resident > 512 {
		t.Errorf("resident memory is %d MiB", resident)
	}
	if got := newClient(t).ask(r.base, "after", "g", "u", "能免除担保吗"); !strings.Contains(got, "5、可向海关申请免除担保") {
		t.Errorf("after the overload: %q", got)
	}
	r.stop()
}

// resident is the program's resident memory in MiB.
func (r *running) resident() (mib int) {
	r.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", r.cmd.Process.Pid))
	if err != nil {
		r.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var kib int
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			return kib / 1024
		}
	}
	r.t.Fatal("no VmRSS")
	return 0
}

// TestSlowAndForged: two thousand clients that never finish their requests, and a flood
// of wrong signatures, beside honest callers: those do not notice, and the log stays short.
func TestSlowAndForged(t *testing.T) {
	codec, err := envelope.New(testToken, testKey, "")
	if err != nil {
		t.Fatal(err)
	}
	forger, err := envelope.New("another token", testKey, "")
	if err != nil {
		t.Fatal(err)
	}
	r := startShipped(t, t.TempDir(), "AEOBOT_LOG_LEVEL=warn")
	ctx, cancel := context.WithCancel(t.Context())
	var bad sync.WaitGroup
	const slow = 2000
	var begun atomic.Int64
	for i := range slow {
		bad.Go(func() { dawdle(ctx, strings.TrimPrefix(r.base, "http://"), i%2 == 0, &begun) })
	}
	client := &http.Client{Timeout: storetest.Patience}
	var forged atomic.Int64
	for range 4 {
		bad.Go(func() {
			for ctx.Err() == nil {
				if err := benchPost(client, forger, r.base+"/wecom/aibot"); err == nil || !strings.HasPrefix(err.Error(), "status 401") {
					t.Errorf("a forged callback: %v", err)
					return
				}
				forged.Add(1)
			}
		})
	}
	var honest atomic.Int64
	more := func() bool { return (begun.Load() < slow || honest.Load() < 100 || forged.Load() < 100) && !t.Failed() }
	l := drive(8, more, func() error {
		if begun.Load() >= slow {
			honest.Add(1)
		}
		return benchPost(client, codec, r.base+"/wecom/aibot")
	})
	cancel()
	bad.Wait()
	t.Logf("%d honest callbacks beside %d forged ones", len(l.took), forged.Load())
	if len(l.failed) > 0 {
		t.Errorf("honest callers were disturbed: %d answered, %d not, such as %v", len(l.took), len(l.failed), l.failed[:min(3, len(l.failed))])
	}
	if size := len(r.stderr.String()); size > 64<<10 {
		t.Errorf("the log has %d bytes", size)
	}
	r.stop()
}

// dawdle sends headers, or a body, a byte at a time, again and again, and counts how often it
// has begun to.
func dawdle(ctx context.Context, addr string, body bool, begun *atomic.Int64) {
	head := "POST /wecom/aibot?msg_signature=x&timestamp=1&nonce=n HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
	if body {
		head += "\r\n"
	}
	var d net.Dialer
	for ctx.Err() == nil {
		c, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return
		}
		_, err = io.WriteString(c, head)
		begun.Add(1)
		for err == nil && ctx.Err() == nil {
			time.Sleep(200 * time.Millisecond)
			_, err = io.WriteString(c, "x")
		}
		c.Close()
	}
}
