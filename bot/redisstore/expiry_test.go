package redisstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"aeobot/bot"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
)

// TestEveryKeyHasALife: Redis forgets whatever is kept of people, and when it must, since no
// program looks after that.
func TestEveryKeyHasALife(t *testing.T) {
	r := storetest.StartRedis(t)
	s := open(t, "redis://"+r.Addr, redisstore.Options{SessionTTL: time.Hour, RecordTTL: 2 * time.Hour, UnansweredTTL: 3 * time.Hour, StepTimeout: patient})
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Begin(ctx, someone, "m", "a", time.Minute)
	must(err)
	must(s.Commit(ctx, someone, "m", "a", 0, &bot.Session{Seen: []string{"节"}}, []byte("reply")))
	_, err = s.Begin(ctx, someone, "claimed", "a", time.Minute)
	must(err)
	must(s.Miss(ctx, bot.NewMiss("多少钱", "aibot", "", "m", time.Now())))
	must(s.Rate(ctx, bot.NewFeedback("answer", "lin", bot.Useless, time.Now())))
	must(s.Put(ctx, "wishes", "w", []byte("lin"), 0, 4*time.Hour))
	_, err = s.Enter(ctx, bot.Task{Queue: "q", ID: "t", Data: []byte("lin")}, "one", time.Minute, 5*time.Hour)
	must(err)
	must(s.SaveToken(ctx, "corp", "token", time.Now().Add(6*time.Hour)))
	must(s.SaveCursor(ctx, "kf", "c"))
	_, err = s.Lease(ctx, "bot", "one", time.Minute)
	must(err)
	client := redis.NewClient(&redis.Options{Addr: r.Addr})
	t.Cleanup(func() { client.Close() })
	keys, err := client.Keys(context.WithoutCancel(ctx), "*").Result()
	must(err)
	prefix := "test:" + t.Name() + ":"
	forEver := map[string]bool{prefix + "{shelf:wishes}:ids": true} // names only, which go with the next look
	for _, key := range keys {
		life, err := client.PTTL(ctx, key).Result()
		must(err)
		if life <= 0 && !forEver[key] {
			t.Errorf("%s is kept for ever", key)
		}
	}
	conversation := prefix + "{" + someone.Key() + "}:"
	for key, want := range map[string]time.Duration{
		conversation + "session": time.Hour, conversation + "message:m": 2 * time.Hour, conversation + "message:claimed": time.Minute,
		prefix + "{shelf:wishes}:item:w": 4 * time.Hour, prefix + "{journal:q}:task:t": 5 * time.Hour, prefix + "token:corp": 6 * time.Hour, prefix + "lease:bot": time.Minute,
	} {
		if life, err := client.PTTL(ctx, key).Result(); err != nil || life > want || life < want-patient {
			t.Errorf("%s lives for %v, want %v: %v", key, life, want, err)
		}
	}
}
