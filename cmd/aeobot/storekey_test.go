package main

import (
	"strings"
	"testing"

	"aeobot/bot/storetest"
)

// TestReplicasWithOtherKeys: replicas on one Redis with another store.key, or none, say so at
// /readyz and in doctor, answer all the same, and change nothing; with the key of before beside
// it the key is changed, and the conversation goes on. Redis shows at no time who wrote.
func TestReplicasWithOtherKeys(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	const key, next = "AEOBOT_STORE_KEY=0123456789abcdef0123456789abcdef", "AEOBOT_STORE_KEY=fedcba9876543210fedcba9876543210"
	const former = "AEOBOT_STORE_FORMER_KEY=0123456789abcdef0123456789abcdef"
	url := "AEOBOT_REDIS_URL=" + plainURL(redis)
	trouble := func(r *running, want bool) {
		t.Helper()
		r.await("readyz on the key", func() bool {
			_, ready := r.get("/readyz")
			return strings.Contains(ready, "store.former_key") == want && strings.Contains(ready, `"ready"`) != want
		})
	}
	shows := func() {
		t.Helper()
		dump := string(redis.Dump())
		for _, name := range []string{"lin.yue", "wrGroupOfBrokers"} {
			if strings.Contains(dump, name) {
				t.Errorf("redis shows %s", name)
			}
		}
	}
	a := startServe(t, t.TempDir(), url, key)
	asks := func(r *running, id, text, want string) {
		t.Helper()
		if got := newSpeaker(t, r.base).delivers(id, "wrGroupOfBrokers", "lin.yue", text); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	asks(a, "m1", "海关直接激励措施", "1、")
	trouble(a, false)
	for _, env := range [][]string{{next}, nil} {
		r := startServe(t, t.TempDir(), append(env, url)...)
		trouble(r, true)
		asks(r, "o"+strings.Join(env, ""), "海关直接激励措施", "1、")
		got := execute(t, t.TempDir(), "", append(env, url), "doctor")
		if got.status != 1 || !strings.Contains(got.stdout, "store.former_key") {
			t.Errorf("doctor with %q: status %d: %s%s", env, got.status, got.stdout, got.stderr)
		}
		r.stop()
	}
	asks(a, "m2", "第3条", "3、")
	shows()
	b := startServe(t, t.TempDir(), url, next, former)
	trouble(b, false)
	trouble(a, true) // its key is one of before now
	asks(b, "m3", "第4条", "4、")
	a.stop()
	b.stop()
	c := startServe(t, t.TempDir(), url, next)
	trouble(c, false)
	asks(c, "m4", "第5条", "5、")
	c.stop() // it writes down what was shown
	shows()
	if got := execute(t, t.TempDir(), "", []string{url, next}, "doctor"); !strings.Contains(got.stdout, "取自 store.key") {
		t.Errorf("doctor: %s%s", got.stdout, got.stderr)
	}
	if got := execute(t, t.TempDir(), "", nil, "doctor"); !strings.Contains(got.stdout, "读到整个存储的人仍查得出") {
		t.Errorf("doctor does not say what a key in the store is worth: %s%s", got.stdout, got.stderr)
	}
}
