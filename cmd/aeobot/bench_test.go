package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
	"aeobot/bot/wecom/aibot"
	"aeobot/bot/wecom/envelope"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/articles"
)

// BenchmarkCallback measures a message from POST to reply: HTTP, crypto, store and
// index, beside a bare server that only opens and seals. Clients and server share
// the machine. Each case reports how much it takes at most (msg/s) and, sent at half
// of that, the median and the 99th percentile.
func BenchmarkCallback(b *testing.B) {
	codec, err := envelope.New(testToken, testKey, "")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("bare", func(b *testing.B) {
		measure(b, codec, &envelope.Receiver{Codec: codec, Unwrap: benchUnwrap, Wrap: benchWrap,
			Handle: func(_ context.Context, message []byte) ([]byte, error) { return message, nil }})
	})
	b.Run("bbolt", func(b *testing.B) {
		s, err := boltstore.Open(filepath.Join(b.TempDir(), "s.db"), boltstore.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		measure(b, codec, benchBot(b, codec, s))
	})
	b.Run("redis", func(b *testing.B) {
		s, err := redisstore.Open("redis://"+storetest.StartRedis(b).Addr, redisstore.Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		measure(b, codec, benchBot(b, codec, s))
	})
}

func benchUnwrap(body []byte) (string, error) {
	return strings.TrimSuffix(strings.TrimPrefix(string(body), `{"encrypt":"`), `"}`), nil
}

func benchWrap(s envelope.Sealed) ([]byte, string, error) {
	return []byte(`{"encrypt":"` + s.Encrypt + `"}`), "text/plain", nil
}

func benchBot(b *testing.B, codec *envelope.Codec, s bot.State) http.Handler {
	l, err := knowledge.LoadFS(articles.FS)
	if err != nil {
		b.Fatal(err)
	}
	g, err := index.Build(b.Context(), l, index.Options{})
	if err != nil {
		b.Fatal(err)
	}
	live := &index.Live{}
	if err := live.Swap(g); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { live.Swap(nil) })
	m := newMetrics()
	e := bot.New(live, s, bot.Options{Observe: m.observe, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	return aibot.NewCallback(e, codec, aibot.Options{Name: "小助手", Count: m.callback("aibot")})
}

// benchQuestions are of every kind: a measure, a section, a refusal, a follow-up.
var benchQuestions = []string{"能免除担保吗", "优先通关如何实现?", "明天会下雨吗", "银行给AEO企业什么支持", "第2条"}

var benchMessages atomic.Int64

// benchPost sends one new message and waits for its reply.
func benchPost(client *http.Client, codec *envelope.Codec, base string) error {
	n := benchMessages.Add(1)
	message := aibotText(fmt.Sprint("m", n), "g", fmt.Sprint("u", n%500), benchQuestions[n%int64(len(benchQuestions))])
	sealed, err := codec.Seal([]byte(message), fmt.Sprint(time.Now().Unix()), "n")
	if err != nil {
		return err
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	answer, err := client.Post(base+"?"+query.Encode(), "application/json", strings.NewReader(`{"encrypt":"`+sealed.Encrypt+`"}`))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if size, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK || size == 0 {
		return fmt.Errorf("status %d, %d bytes, %w", answer.StatusCode, size, err)
	}
	return nil
}

const benchClients = 32

func measure(b *testing.B, codec *envelope.Codec, handler http.Handler) {
	server := httptest.NewServer(handler)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8 * benchClients}}
	post := func() {
		if err := benchPost(client, codec, server.URL); err != nil {
			b.Error(err)
		}
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	start := time.Now()
	var clients sync.WaitGroup
	for range benchClients {
		clients.Go(func() {
			for left.Add(-1) >= 0 {
				post()
			}
		})
	}
	clients.Wait()
	most := float64(b.N) / time.Since(start).Seconds()
	b.StopTimer()
	b.ReportMetric(most, "msg/s")
	took := paced(most/2, min(b.N, 3000), post)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
}

// paced starts count calls at a steady rate a second, however long each takes, and
// gives their times in order.
func paced(rate float64, count int, call func()) []time.Duration {
	took := make([]time.Duration, count)
	var calls sync.WaitGroup
	begin := time.Now()
	for i := range count {
		due := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		time.Sleep(time.Until(due))
		calls.Go(func() {
			call()
			took[i] = time.Since(due) // waiting for its turn counts
		})
	}
	calls.Wait()
	slices.Sort(took)
	return took
}
