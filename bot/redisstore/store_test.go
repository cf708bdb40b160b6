package redisstore_test

import (
	"bytes"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/redisstore"
	"aeobot/bot/storetest"
)

func open(t testing.TB, url string, o redisstore.Options) *redisstore.Store {
	t.Helper()
	o.KeyPrefix = "test:" + strings.ReplaceAll(t.Name(), " ", "_") + ":"
	s, err := redisstore.Open(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// patient is for servers that share two cores with everything else.
const patient = time.Minute

func contract(t *testing.T, url string) {
	storetest.Run(t, func(t *testing.T, l storetest.Lives) storetest.Store {
		return open(t, url, redisstore.Options{SessionTTL: l.Session, RecordTTL: l.Record, UnansweredTTL: l.Unanswered, StepTimeout: patient})
	})
}

func TestContractSingle(t *testing.T)   { contract(t, "redis://"+storetest.StartRedis(t).Addr) }
func TestContractSentinel(t *testing.T) { contract(t, storetest.StartSentinel(t).URL) }
func TestContractCluster(t *testing.T)  { contract(t, storetest.StartCluster(t).URL) }

var someone = bot.Conversation{Chat: "g", Asker: "u"}

// save stores one more version and fails the test when it cannot.
func save(s *redisstore.Store) error {
	turn, err := s.Begin(context.Background(), someone, "", "a", time.Second)
	if err != nil {
		return err
	}
	return s.Commit(context.Background(), someone, "", "a", turn.Version, &bot.Session{Seen: []string{"节"}}, nil)
}

// bounded demands that a call comes back while the store is still away.
func bounded(t *testing.T, what string, call func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- call() }()
	select {
	case err := <-done:
		return err
	case <-time.After(storetest.Patience):
		t.Fatalf("%s: the call did not come back", what)
		return nil
	}
}

func awayAndBack(t *testing.T, s *redisstore.Store, away, back func()) {
	t.Helper()
	storetest.Eventually(t, "first save", func() bool { return save(s) == nil })
	away()
	storetest.Eventually(t, "noticed", func() bool { return bounded(t, "away", func() error { return s.Check(t.Context()) }) != nil })
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if err := save(s); err == nil {
				t.Error("saved while Redis is away")
			}
		})
	}
	bounded(t, "40 at once", func() error { all.Wait(); return nil })
	back()
	storetest.Eventually(t, "back", func() bool { return s.Check(t.Context()) == nil && save(s) == nil })
}

func TestPaused(t *testing.T) {
	r := storetest.StartRedis(t)
	awayAndBack(t, open(t, "redis://"+r.Addr, redisstore.Options{}), r.Pause, r.Resume)
}

func TestKilledAndRestarted(t *testing.T) {
	r := storetest.StartRedis(t)
	s := open(t, "redis://"+r.Addr, redisstore.Options{StepTimeout: patient})
	awayAndBack(t, s, r.Kill, r.Restart)
	turn, err := s.Begin(t.Context(), someone, "", "look", time.Second)
	if err != nil || turn.Version < 2 {
		t.Errorf("after the restart: %+v, %v; want what was stored before", turn, err)
	}
}

func TestAbsentAtStart(t *testing.T) {
	r := storetest.StartRedis(t)
	r.Kill()
	s := open(t, "redis://"+r.Addr, redisstore.Options{StepTimeout: patient})
	if err := bounded(t, "absent", func() error { return s.Check(t.Context()) }); err == nil {
		t.Error("Redis is absent and nobody says so")
	}
	r.Restart()
	storetest.Eventually(t, "joined", func() bool { return save(s) == nil })
}

func TestWrongPasswordIsNamedAndNeverShown(t *testing.T) {
	r := storetest.StartRedis(t, "--requirepass", "right")
	s := open(t, "redis://:wr0ng@"+r.Addr, redisstore.Options{StepTimeout: patient})
	err := s.Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "wr0ng") {
		t.Errorf("got %v", err)
	}
	if err := open(t, "redis://:right@"+r.Addr, redisstore.Options{StepTimeout: patient}).Check(t.Context()); err != nil {
		t.Errorf("right password: %v", err)
	}
}

func TestReadOnlyAndFull(t *testing.T) {
	r := storetest.StartRedis(t)
	s := open(t, "redis://"+r.Addr, redisstore.Options{StepTimeout: patient})
	storetest.Eventually(t, "first save", func() bool { return save(s) == nil })
	for name, fault := range map[string][2][]string{
		"memory full": {{"config", "set", "maxmemory", "1"}, {"config", "set", "maxmemory", "0"}},
		"read-only":   {{"replicaof", "127.0.0.1", "1"}, {"replicaof", "no", "one"}},
	} {
		r.Do(fault[0]...)
		storetest.Eventually(t, name+" noticed", func() bool { return s.Check(t.Context()) != nil })
		if err := save(s); err == nil {
			t.Errorf("%s: saved all the same", name)
		}
		r.Do(fault[1]...)
		storetest.Eventually(t, name+" over", func() bool { return s.Check(t.Context()) == nil && save(s) == nil })
	}
}

func TestForeignValuesCountAsAbsent(t *testing.T) {
	r := storetest.StartRedis(t)
	var log bytes.Buffer
	s := open(t, "redis://"+r.Addr, redisstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), StepTimeout: patient})
	prefix := "test:" + t.Name() + ":{" + someone.Key() + "}:"
	for _, garbage := range []string{"", "garbage", "7", ":", "-1:{}", "1:{broken", "99999999999999999999:{}", "007:{}", "1234567890123456:{}", strings.Repeat("x", 1000)} {
		r.Do("set", prefix+"session", garbage)
		r.Do("set", prefix+"message:m", garbage)
		turn, err := s.Begin(t.Context(), someone, "m", "a", time.Second)
		if err != nil || turn.Claim != bot.Mine || len(turn.Session.Seen) != 0 {
			t.Errorf("%q: %+v, %v", garbage, turn, err)
			continue
		}
		if err := s.Commit(t.Context(), someone, "m", "a", turn.Version, &bot.Session{Seen: []string{"新"}}, []byte("r")); err != nil {
			t.Errorf("%q cannot be replaced: %v", garbage, err)
		}
	}
	r.Do("del", prefix+"session")
	r.Do("lpush", prefix+"session", "a list")
	if _, err := s.Begin(t.Context(), someone, "", "a", time.Second); err != nil {
		t.Errorf("a list under the session's key: %v", err)
	}
	if !strings.Contains(log.String(), "damaged") {
		t.Errorf("nothing in the log: %s", log.String())
	}
}

func TestScriptsForgotten(t *testing.T) {
	r := storetest.StartRedis(t)
	s := open(t, "redis://"+r.Addr, redisstore.Options{StepTimeout: patient})
	for range 3 {
		if err := save(s); err != nil {
			t.Error(err)
		}
		r.Do("script", "flush")
	}
}

func TestAdviceOnceReachable(t *testing.T) {
	var log bytes.Buffer
	r := storetest.StartRedis(t, "--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
	s := open(t, "redis://"+r.Addr, redisstore.Options{Log: slog.New(slog.NewTextHandler(&log, nil)), StepTimeout: patient})
	for range 3 {
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Count(log.String(), "append-only") != 1 || strings.Count(log.String(), "allkeys-lru") != 1 {
		t.Errorf("advice: %s", log.String())
	}
}

func TestSentinelFailover(t *testing.T) {
	cluster := storetest.StartSentinel(t)
	s := open(t, cluster.URL, redisstore.Options{StepTimeout: patient})
	storetest.Eventually(t, "first save", func() bool { return save(s) == nil })
	holds(t, 2, cluster.Master, cluster.Replica)
	cluster.Master.Kill()
	storetest.Eventually(t, "failed over", func() bool { return bounded(t, "failover", func() error { return save(s) }) == nil })
	turn, err := s.Begin(t.Context(), someone, "", "look", time.Second)
	if err != nil || turn.Version < 2 {
		t.Errorf("after the failover: %+v, %v", turn, err)
	}
}

func TestClusterFailover(t *testing.T) {
	cluster := storetest.StartCluster(t)
	s := open(t, cluster.URL, redisstore.Options{StepTimeout: patient})
	storetest.Eventually(t, "first save", func() bool { return save(s) == nil })
	holds(t, 2, cluster.Nodes...)
	slot, err := strconv.Atoi(cluster.Nodes[0].Do("cluster", "keyslot", "{"+someone.Key()+"}"))
	if err != nil {
		t.Fatal(err)
	}
	cluster.MasterOf(t, slot).Kill()
	storetest.Eventually(t, "failed over", func() bool { return bounded(t, "failover", func() error { return save(s) }) == nil })
	turn, err := s.Begin(t.Context(), someone, "", "look", time.Second)
	if err != nil || turn.Version < 2 {
		t.Errorf("after the failover: %+v, %v", turn, err)
	}
}

// holds waits until so many servers have the one key: replication is not
// instantaneous, and a master killed before it takes the write along.
func holds(t *testing.T, count int, servers ...*storetest.Redis) {
	t.Helper()
	storetest.Eventually(t, "replicated", func() bool {
		n := 0
		for _, r := range servers {
			if r.Do("dbsize") != "0" {
				n++
			}
		}
		return n == count
	})
}

func TestURLs(t *testing.T) {
	for url, want := range map[string]string{
		"http://x":                                  "scheme",
		"localhost:6379":                            "scheme",
		"redis://":                                  "host:port",
		"redis://127.0.0.1:x":                       "host:port",
		"redis://127.0.0.1:6379/one":                "database",
		"redis://127.0.0.1,127.0.0.2":               "redis+cluster",
		"redis+sentinel://127.0.0.1:26379":          "master is missing",
		"redis+cluster://127.0.0.1/3":               "database",
		"redis://127.0.0.1?x=1":                     "unknown option",
		"redis://redis.example":                     "allow_insecure",
		"redis+cluster://127.0.0.1,10.0.0.1":        "10.0.0.1",
		"redis://:s3cr3t%zz@127.0.0.1":              "%25",
		"redis+sentinel://:s3cr3t@127.0.0.1/m?tls=": "tls",
	} {
		_, err := redisstore.Open(url, redisstore.Options{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: got %v, want %q", url, err, want)
		}
	}
	for _, url := range []string{
		"redis://127.0.0.1", "redis://localhost:6379/2", "redis://[::1]:6379", "rediss://user:pass@redis.example:6380/1", "redis://:pass@redis.example",
		"redis+sentinel://127.0.0.1:26379,127.0.0.1:26380/main/1?sentinel_password=x", "redis+cluster://u:p@a.example:1,b.example:2?tls=true",
	} {
		s, err := redisstore.Open(url, redisstore.Options{})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		s.Close()
	}
	if s, err := redisstore.Open("redis://redis.example", redisstore.Options{AllowInsecure: true}); err != nil {
		t.Error(err)
	} else {
		s.Close()
	}
}

// FuzzURL: no URL panics, and whatever follows a password, no error shows it.
func FuzzURL(f *testing.F) {
	f.Add("redis", "127.0.0.1:6379/0?tls=true")
	f.Add("redis+sentinel", "a,b/c/1")
	f.Add("rediss+cluster", "x@[::1]:1,%zz/?=")
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		const password = "s3cr3t"
		if strings.Contains(scheme+rest, password) {
			return // then it may stand in the error as something else
		}
		for _, url := range []string{scheme + "://:" + password + "@" + rest, rest} {
			s, err := redisstore.Open(url, redisstore.Options{})
			if err == nil {
				s.Close()
			} else if strings.Contains(err.Error(), password) {
				t.Errorf("%q: the error shows the password: %v", url, err)
			}
		}
	})
}

func BenchmarkTurn(b *testing.B) {
	storetest.Benchmark(b, open(b, "redis://"+storetest.StartRedis(b).Addr, redisstore.Options{StepTimeout: patient}))
}

func TestDamagedQuestionCountsAsAbsent(t *testing.T) {
	r := storetest.StartRedis(t)
	s := open(t, "redis://"+r.Addr, redisstore.Options{StepTimeout: patient})
	ask := func(question string) bot.Miss {
		m := bot.NewMiss(question, "aibot", "", "", time.Now())
		if err := s.Miss(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	list := func() []bot.Unanswered {
		got, err := s.Unanswered(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	one, two := ask("一"), ask("二")
	r.Do("SET", "test:"+t.Name()+":{unanswered}:"+one.Key, "not a hash")
	r.Do("HSET", "test:"+t.Name()+":{unanswered}:"+two.Key, "count", "many")
	if got := list(); len(got) != 0 {
		t.Errorf("damaged questions are listed: %+v", got)
	}
	ask("一")
	ask("二")
	if got := list(); len(got) != 2 || got[0].Count != 1 || got[1].Count != 1 {
		t.Errorf("asked again: %+v", got)
	}
}
