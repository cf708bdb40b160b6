package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"aeobot/bot"
)

// Benchmark measures a turn (Begin and Commit), alone and with others at once.
func Benchmark(b *testing.B, s Store) {
	var next atomic.Int64
	turn := func(ctx context.Context) error {
		n := next.Add(1)
		c, id := bot.Conversation{Asker: bot.Asker(fmt.Sprint("u", n%1000))}, fmt.Sprint("m", n)
		got, err := s.Begin(ctx, c, id, id, time.Minute)
		if err != nil {
			return err
		}
		return s.Commit(ctx, c, id, id, got.Version, session("节"), make([]byte, 600))
	}
	b.Run("callers=1", func(b *testing.B) {
		for b.Loop() {
			if err := turn(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("callers=32", func(b *testing.B) {
		b.SetParallelism(16) // times GOMAXPROCS
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := turn(context.Background()); err != nil {
					b.Error(err)
				}
			}
		})
	})
}
