package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aeobot/bot/storetest/child"
)

// Redis is a private redis-server of a test.
type Redis struct {
	Addr string // host:port on the loopback

	t    testing.TB
	dir  string
	args []string
	cmd  *exec.Cmd
}

// StartRedis starts a redis-server with an append-only file in a folder of its own.
// Without redis-server on PATH the test is skipped, or fails when
// AEOBOT_TEST_REQUIRE=1, as `make test` sets it.
func StartRedis(t testing.TB, settings ...string) *Redis {
	t.Helper()
	dir, port := t.TempDir(), FreePort(t)
	r := &Redis{t: t, dir: dir, Addr: fmt.Sprintf("127.0.0.1:%d", port)}
	r.args = append([]string{"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", dir,
		"--appendonly", "yes", "--save", ""}, settings...)
	r.start(r.args...)
	return r
}

// start runs redis-server until it answers.
func (r *Redis) start(args ...string) {
	r.t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if os.Getenv("AEOBOT_TEST_REQUIRE") == "1" {
			r.t.Fatal("redis-server is not on PATH; `make test` installs it")
		}
		r.t.Skip("redis-server is not on PATH; `make test` installs it")
	}
	r.cmd = exec.Command(program, args...)
	child.StartFor(r.t, r.cmd)
	Eventually(r.t, "Redis up at "+r.Addr, func() bool {
		answer := r.cli("ping")
		return strings.Contains(answer, "PONG") || strings.Contains(answer, "NOAUTH")
	})
}

// cli runs redis-cli against the server and gives what it prints.
func (r *Redis) cli(args ...string) string {
	host, port, _ := strings.Cut(r.Addr, ":")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second) // a paused server never answers
	defer cancel()
	out, err := child.CombinedOutput(exec.CommandContext(ctx, "redis-cli", append([]string{"-h", host, "-p", port}, args...)...))
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// Do runs one command and fails the test when Redis refuses it.
func (r *Redis) Do(args ...string) string {
	r.t.Helper()
	out := strings.TrimSpace(r.cli(args...))
	if strings.HasPrefix(out, "ERR") || strings.HasPrefix(out, "exit status") {
		r.t.Fatalf("redis-cli %q: %s", args, out)
	}
	return out
}

func (r *Redis) signal(s syscall.Signal) {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// Pause stops the process without closing its connections, as a hung machine does.
func (r *Redis) Pause() { r.t.Helper(); r.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (r *Redis) Resume() { r.t.Helper(); r.signal(syscall.SIGCONT) }

// Kill ends the process at once.
func (r *Redis) Kill() {
	r.t.Helper()
	r.signal(syscall.SIGKILL)
	_ = r.cmd.Wait() // killed is how it was to end
}

// Restart starts a killed server again with its data.
func (r *Redis) Restart() { r.t.Helper(); r.start(r.args...) }

// RestartEmpty starts a killed server again without its data.
func (r *Redis) RestartEmpty() {
	r.t.Helper()
	if err := os.RemoveAll(filepath.Join(r.dir, "appendonlydir")); err != nil {
		r.t.Fatal(err)
	}
	r.Restart()
}

// Sentinels are a master, a replica and three sentinels that watch them.
type Sentinels struct {
	URL             string
	Master, Replica *Redis
}

// StartSentinel starts them and waits until the sentinels know each other.
func StartSentinel(t testing.TB) *Sentinels {
	t.Helper()
	s := &Sentinels{Master: StartRedis(t)}
	host, port, _ := strings.Cut(s.Master.Addr, ":")
	s.Replica = StartRedis(t, "--replicaof", host+" "+port)
	var addrs []string
	for range 3 {
		p := FreePort(t)
		file := filepath.Join(t.TempDir(), "sentinel.conf")
		text := fmt.Sprintf("port %d\nbind 127.0.0.1\ndir %s\nsentinel monitor main %s %s 2\n"+
			"sentinel down-after-milliseconds main 1000\nsentinel failover-timeout main 3000\n", p, filepath.Dir(file), host, port)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r := &Redis{t: t, Addr: fmt.Sprintf("127.0.0.1:%d", p)}
		r.start(file, "--sentinel")
		addrs = append(addrs, r.Addr)
		Eventually(t, "sentinel sees its master", func() bool { return strings.Contains(r.cli("sentinel", "master", "main"), "num-slaves\n1") })
	}
	last := &Redis{t: t, Addr: addrs[2]}
	Eventually(t, "sentinels know each other", func() bool {
		return strings.Contains(last.cli("sentinel", "master", "main"), "num-other-sentinels\n2")
	})
	s.URL = "redis+sentinel://" + strings.Join(addrs, ",") + "/main"
	return s
}

// Cluster is three masters with their replicas.
type Cluster struct {
	URL   string
	Nodes []*Redis
}

// StartCluster starts and joins three masters with a replica each.
func StartCluster(t testing.TB) *Cluster {
	t.Helper()
	return startCluster(t, 1)
}

// StartBareCluster starts and joins three masters that nobody stands in for.
func StartBareCluster(t testing.TB) *Cluster {
	t.Helper()
	return startCluster(t, 0)
}

func startCluster(t testing.TB, replicas int) *Cluster {
	t.Helper()
	c := &Cluster{}
	var addrs []string
	nodes := 3 * (1 + replicas)
	for range nodes {
		n := StartRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-config-file", "nodes.conf")
		c.Nodes = append(c.Nodes, n)
		addrs = append(addrs, n.Addr)
	}
	join := append(append([]string{"--cluster", "create"}, addrs...), "--cluster-replicas", fmt.Sprint(replicas), "--cluster-yes")
	if out, err := child.CombinedOutput(exec.Command("redis-cli", join...)); err != nil {
		t.Fatalf("cluster: %v\n%s", err, out)
	}
	Eventually(t, "cluster up", func() bool {
		for _, n := range c.Nodes {
			if !strings.Contains(n.cli("cluster", "info"), "cluster_state:ok") || strings.Count(n.cli("cluster", "nodes"), "connected") < nodes {
				return false
			}
		}
		return true
	})
	Eventually(t, "replicas in sync", func() bool {
		synced := 0
		for _, n := range c.Nodes {
			if strings.Contains(n.cli("info", "replication"), "master_link_status:up") {
				synced++
			}
		}
		return synced == 3*replicas
	})
	c.URL = "redis+cluster://" + strings.Join(addrs, ",")
	return c
}

// MasterOf is the node that owns a slot.
func (c *Cluster) MasterOf(t testing.TB, slot int) *Redis {
	t.Helper()
	for line := range strings.Lines(c.Nodes[0].Do("cluster", "nodes")) {
		fields := strings.Fields(line)
		for _, ranged := range fields[8:] {
			var from, to int
			if _, err := fmt.Sscanf(ranged, "%d-%d", &from, &to); err != nil || slot < from || slot > to {
				continue
			}
			addr, _, _ := strings.Cut(fields[1], "@")
			for _, node := range c.Nodes {
				if node.Addr == addr {
					return node
				}
			}
		}
	}
	t.Fatalf("no master for slot %d", slot)
	return nil
}

// given are the ports that FreePort has given out.
var given sync.Map

// FreePort is a port on the loopback for a server that is stopped and started again at the
// same address. It and the bus of a cluster, 10,000 above, lie below the ports that the
// system gives to clients, of which one could have it while the server is down.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(10_000)
		if _, again := given.LoadOrStore(port, true); again {
			continue
		}
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port between 10,000 and 20,000")
	return 0
}

// Dump gives all keys and values of every type, as texts, and as Redis's own dump of each.
func (r *Redis) Dump() []byte {
	r.t.Helper()
	var all []byte
	for key := range strings.Lines(r.Do("--scan")) {
		key = strings.TrimSpace(key)
		read := map[string][]string{"string": {"GET", key}, "hash": {"HGETALL", key}, "set": {"SMEMBERS", key}, "zset": {"ZRANGE", key, "0", "-1", "WITHSCORES"}, "list": {"LRANGE", key, "0", "-1"}}
		kind := r.Do("TYPE", key)
		if read[kind] == nil {
			r.t.Fatalf("%s is of type %s", key, kind)
		}
		all = append(all, key+"\n"+r.cli(append([]string{"--raw"}, read[kind]...)...)+"\n"+r.cli("DUMP", key)+"\n"...)
	}
	return all
}
