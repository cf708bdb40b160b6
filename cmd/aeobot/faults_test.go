package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
	"aeobot/bot/wecom/envelope"
	"aeobot/knowledge"
)

// faultMessages is how many messages a fault is lived through with: five seconds of load.
const faultMessages = 200

// TestFaultsOfRedis has askers go on asking while something is wrong with Redis: every
// message is answered, once, with nobody else's words; then the memory is back.
func TestFaultsOfRedis(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start func(t *testing.T) (url string, faults []fault)
	}{
		{"stopped", func(t *testing.T) (string, []fault) {
			r := storetest.StartRedis(t)
			return plainURL(r), []fault{lasting("stopped", 4*time.Second, r.Pause, r.Resume)}
		}},
		{"killed and restarted", func(t *testing.T) (string, []fault) {
			r := storetest.StartRedis(t)
			return plainURL(r), []fault{lasting("killed", 300*time.Millisecond, r.Kill, r.Restart)}
		}},
		{"restarted empty", func(t *testing.T) (string, []fault) {
			r := storetest.StartRedis(t)
			return plainURL(r), []fault{lasting("killed", 300*time.Millisecond, r.Kill, r.RestartEmpty)}
		}},
		{"slow", spoiled(storetest.Late(300*time.Millisecond), storetest.Late(30*time.Millisecond))},
		{"answers swallowed", spoiled(storetest.Swallow)},
		{"connections reset", spoiled(storetest.Reset)},
		{"half an answer", spoiled(storetest.Half)},
		{"loading", spoiled(storetest.Loading)},
		{"full", func(t *testing.T) (string, []fault) {
			r := storetest.StartRedis(t)
			return plainURL(r), []fault{lasting("full", time.Second, func() { r.Do("config", "set", "maxmemory", "1") }, func() { r.Do("config", "set", "maxmemory", "0") })}
		}},
		{"read-only", func(t *testing.T) (string, []fault) {
			r := storetest.StartRedis(t)
			return plainURL(r), []fault{lasting("read-only", time.Second, func() { r.Do("replicaof", "127.0.0.1", "1") }, func() { r.Do("replicaof", "no", "one") })}
		}},
		{"scripts and data flushed", func(t *testing.T) (string, []fault) {
			r := storetest.StartRedis(t)
			return plainURL(r), []fault{lasting("scripts flushed", 0, func() { r.Do("script", "flush") }, func() {}), lasting("data flushed", 0, func() { r.Do("flushall") }, func() {})}
		}},
		{"Sentinel: master killed", func(t *testing.T) (string, []fault) {
			s := storetest.StartSentinel(t)
			return s.URL, []fault{{"master killed", once(s.Master.Kill)}}
		}},
		{"Sentinel: master stopped", func(t *testing.T) (string, []fault) {
			s := storetest.StartSentinel(t)
			return s.URL, []fault{{"master stopped", once(s.Master.Pause)}}
		}},
		{"Cluster: master killed", func(t *testing.T) (string, []fault) {
			c := storetest.StartCluster(t)
			return c.URL, []fault{{"master killed", once(func() { c.MasterOf(t, 0).Kill() })}}
		}},
		{"Cluster: slots moved", func(t *testing.T) (string, []fault) {
			c := storetest.StartCluster(t)
			return c.URL, []fault{{"slots moved", once(func() { moveSlots(t, c) })}}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, faults := tt.start(t)
			replicas := []*replica{newReplica(t, "AEOBOT_REDIS_URL="+url), newReplica(t, "AEOBOT_REDIS_URL="+url)}
			c := newChaos(t, true)
			c.messages = faultMessages
			c.overCallbacks(replicas, faults)
			for _, r := range replicas {
				r.ready("ready")
			}
			after := newChaos(t, false) // the memory is back: every follow-up is understood
			after.messages = 20
			after.prefix = "after-"
			after.overCallbacks(replicas, []fault{{"nothing", func(*rand.Rand) {}}})
		})
	}
}

func plainURL(r *storetest.Redis) string { return "redis://" + r.Addr }

// lasting is a fault that is over after a time.
func lasting(name string, d time.Duration, begin, end func()) fault {
	return fault{name, func(*rand.Rand) {
		begin()
		time.Sleep(d)
		end()
	}}
}

// spoiled has Redis's answers spoiled in these ways, in turn.
func spoiled(ways ...storetest.Spoil) func(t *testing.T) (string, []fault) {
	return func(t *testing.T) (string, []fault) {
		p := storetest.StartProxy(t, storetest.StartRedis(t).Addr)
		var faults []fault
		for i, way := range ways {
			faults = append(faults, lasting(fmt.Sprint("spoiled ", i), time.Second, func() { p.Set(way) }, func() { p.Set(nil) }))
		}
		return "redis://" + p.Addr, faults
	}
}

// moveSlots gives slots of one master to another while they are in use.
func moveSlots(t *testing.T, c *storetest.Cluster) {
	from, to := c.MasterOf(t, 0), c.MasterOf(t, 16383)
	out, err := child.CombinedOutput(exec.Command("redis-cli", "--cluster", "reshard", from.Addr, "--cluster-from", from.Do("cluster", "myid"),
		"--cluster-to", to.Do("cluster", "myid"), "--cluster-slots", "2000", "--cluster-yes"))
	if err != nil {
		t.Errorf("reshard: %v\n%s", err, out)
	}
}

// ready waits until a replica says so of itself.
func (r *replica) ready(status string) {
	r.t.Helper()
	b := &running{t: r.t, base: "http://" + r.addr, stderr: r.log}
	b.await(status, func() bool { _, body := b.get("/readyz"); return strings.Contains(body, `"status":"`+status+`"`) })
}

// TestClusterWithoutReplicaLosesAMaster: the whole cluster is down, for good. Every
// message is answered, and the loss is named.
func TestClusterWithoutReplicaLosesAMaster(t *testing.T) {
	t.Parallel()
	cluster := storetest.StartBareCluster(t)
	r := newReplica(t, "AEOBOT_REDIS_URL="+cluster.URL)
	c := newChaos(t, true)
	c.messages = faultMessages
	c.overCallbacks([]*replica{r}, []fault{{"master killed", once(func() { cluster.MasterOf(t, 0).Kill() })}})
	r.ready("degraded")
}

// TestStopUnderLoad ends and starts replicas in turn, as a new version is rolled out:
// each ends by itself, with status 0, and no message is lost.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	replicas := []*replica{newReplica(t, "AEOBOT_REDIS_URL="+plainURL(redis)), newReplica(t, "AEOBOT_REDIS_URL="+plainURL(redis))}
	next := 0
	c := newChaos(t, false)
	c.messages = 2 * faultMessages
	c.overCallbacks(replicas, []fault{{"replica replaced", func(*rand.Rand) {
		r := replicas[next%len(replicas)]
		next++
		if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := r.cmd.Wait(); err != nil {
			t.Errorf("a replica ended with %v:\n%s", err, r.log)
		}
		r.start()
	}}})
	if next == 0 {
		t.Error("no replica was replaced")
	}
}

// TestClockOff: callbacks whose time is six minutes off are refused when the operator
// asks for five, and /readyz says by how much the clock is off until one fits.
func TestClockOff(t *testing.T) {
	c := newClient(t)
	r := startServe(t, t.TempDir(), "AEOBOT_WECOM_MAX_CLOCK_SKEW=5m")
	for _, tt := range []struct {
		off    time.Duration
		status int
		says   string
	}{
		{4 * time.Minute, http.StatusOK, `"status":"ready"`},
		{6 * time.Minute, http.StatusUnauthorized, "off by -"},
		{-4 * time.Minute, http.StatusOK, `"status":"ready"`},
		{-6 * time.Minute, http.StatusUnauthorized, "off by 6m"},
		{0, http.StatusOK, `"status":"ready"`},
	} {
		request := c.request("send", "aibot", r.base, aibotText(fmt.Sprint("m", tt.off), "g", "u", "能免除担保吗"))
		request.Timestamp = fmt.Sprint(time.Now().Add(tt.off).Unix())
		if got := c.do(request); got.Status != tt.status {
			t.Errorf("off by %v: status %d, want %d", tt.off, got.Status, tt.status)
		}
		if _, body := r.get("/readyz"); !strings.Contains(body, tt.says) {
			t.Errorf("off by %v: /readyz says %s, want %q", tt.off, body, tt.says)
		}
	}
}

// TestContextAfterAnOutage: a list is shown while Redis is away. Then 第2条 counts in it, or
// is told that the memory was away, at whichever replica and whoever was killed.
func TestContextAfterAnOutage(t *testing.T) {
	for _, tt := range []struct {
		name string
		kill bool
		at   int
	}{{"at the other", false, 1}, {"at the same", false, 0}, {"at the other after a kill", true, 1}, {"at the same after a kill", true, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			redis := storetest.StartRedis(t)
			replicas := []*replica{newReplica(t, "AEOBOT_REDIS_URL="+plainURL(redis)), newReplica(t, "AEOBOT_REDIS_URL="+plainURL(redis))}
			p := newChaos(t, true).talk(replicas)
			p.says(0, "跨部门联合激励措施", 0)
			redis.Pause()
			p.says(0, "其他专项支持", 0)
			if tt.kill {
				replicas[0].kill()
			}
			redis.Resume()
			if tt.kill {
				replicas[0].start()
			}
			p.says(tt.at, "其他专项支持", 2)
			p.says(tt.at, "其他专项支持", 3)
			p.judge()
		})
	}
}

// TestShortStallCostsNothing: Redis stands still for a moment, and every follow-up is
// understood.
func TestShortStallCostsNothing(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	replicas := []*replica{newReplica(t, "AEOBOT_REDIS_URL="+plainURL(redis)), newReplica(t, "AEOBOT_REDIS_URL="+plainURL(redis))}
	p := newChaos(t, false).talk(replicas)
	p.says(0, "跨部门联合激励措施", 0)
	for i, item := range []int{2, 3, 2} {
		redis.Pause()
		time.AfterFunc(300*time.Millisecond, redis.Resume)
		p.says(i%2, "跨部门联合激励措施", item)
	}
	p.judge()
}

// talk lets one person say one thing after the other over callbacks.
func (c *chaos) talk(replicas []*replica) *callbackPlatform {
	codec, err := envelope.New(testToken, testKey, "")
	if err != nil {
		c.t.Fatal(err)
	}
	return &callbackPlatform{c, replicas, codec, &http.Client{Timeout: deliverWithin}}
}

// says asks a replica for a list, or for a measure of the list that was seen last.
func (p *callbackPlatform) says(at int, heading string, item int) {
	p.t.Helper()
	i := slices.IndexFunc(p.sections, func(s *knowledge.Section) bool { return s.Heading == heading })
	a := &asked{id: fmt.Sprint("m", len(p.asked)), user: "u", chat: "g", text: heading, section: p.sections[i], item: item, bubbles: map[string]string{}}
	if item > 0 {
		a.text = fmt.Sprintf("第%d条", item)
	}
	p.asked[a.id] = a
	if !p.deliver(a, at) {
		p.t.Errorf("%s was not answered: %v", a.text, a.failed)
	}
}
