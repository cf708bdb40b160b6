package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/configs"
	"aeobot/knowledge/versions"
)

// replicas are data folders that share a Redis, without the rest of the program.
type replicas struct {
	t     *testing.T
	redis *storetest.Redis
	all   map[string]exchange
}

func newReplicas(t *testing.T, redis *storetest.Redis) *replicas {
	return &replicas{t, redis, map[string]exchange{}}
}

// join adds a replica, or gives one another Redis to share.
func (r *replicas) join(name, folder, prefix string) exchange {
	r.t.Helper()
	c := configs.Default()
	c.DataDir, c.Redis.KeyPrefix = folder, prefix
	c.Redis.URL = configs.Secret("redis://" + r.redis.Addr)
	s, err := openStore(c, slog.New(slog.DiscardHandler))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { s.Close() })
	e := newExchange(c, s)
	r.all[name] = e
	return e
}

// alone is the replica without a shared store.
func (e exchange) alone() exchange { return exchange{folder: e.folder} }

// publish makes the next state of a replica, which names its author.
func (r *replicas) publish(e exchange, author string) error {
	head, _, err := e.folder.Head()
	if err != nil {
		return err
	}
	_, err = e.publish(r.t.Context(), versions.Version{Number: head.Number + 1, At: time.Unix(int64(head.Number), 0).UTC(), Author: author, Reason: "试", Fingerprint: author},
		map[string][]byte{whaleFile: whale(fmt.Sprint(author, head.Number+1))})
	return err
}

func (r *replicas) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// published publishes so many states.
func (r *replicas) published(e exchange, author string, n int) {
	r.t.Helper()
	for range n {
		r.must(r.publish(e, author))
	}
}

func (r *replicas) sync(e exchange) error { return e.sync(r.t.Context()) }

// authors are those of the states in force, the first state's first.
func authors(t *testing.T, e exchange) string {
	t.Helper()
	all, err := e.folder.All()
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(all)
	text := ""
	for _, v := range all {
		text += v.Author
	}
	if _, _, err := e.folder.Verify(); err != nil {
		t.Errorf("%s: %v", text, err)
	}
	return text
}

// kept are the digests of all records of a replica, those set aside included.
func kept(t *testing.T, e exchange) map[string]bool {
	t.Helper()
	asides, err := e.folder.Asides()
	if err != nil {
		t.Fatal(err)
	}
	digests := map[string]bool{}
	for _, folder := range append(asides, e.folder) {
		all, err := folder.All()
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range all {
			digest, err := folder.Digest(v.Number)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := folder.Files(v); err != nil {
				t.Error(err)
			}
			digests[digest] = true
		}
	}
	return digests
}

// partings are the ways in which a and b come to have chains of their own. Each gives what
// b's chain is then; a's is what the store has when shared says so.
var partings = []struct {
	name     string
	do       func(r *replicas)
	partedAt int // at b; 0: it is one chain after all
	a, b     string
}{
	{"the folder is restored, Redis is emptied, the other is away", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(b, "x", 3)
		r.must(os.CopyFS(a.folder.Root(), os.DirFS(b.folder.Root())))
		r.published(b, "b", 9)
		r.redis.Do("flushall")
		r.published(a, "a", 1)
	}, 4, "xxxa", "xxxbbbbbbbbb"},
	{"Redis is restored from a copy", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(b, "x", 2)
		r.must(r.sync(a))
		r.published(b, "b", 1)
		r.redis.Do("del", "p:{published}:3")
		r.redis.Do("hdel", "p:{published}:digests", "3")
		r.redis.Do("set", "p:{published}:latest", "2")
		r.published(a, "a", 2)
	}, 3, "xxaa", "xxb"},
	{"both publish while they are apart", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(b, "x", 1)
		r.must(r.sync(a))
		apart := r.join("b", filepath.Dir(b.folder.Root()), "q:")
		r.published(apart, "b", 2)
		r.published(a, "a", 3)
		r.join("b", filepath.Dir(b.folder.Root()), "p:")
	}, 2, "xaaa", "xbb"},
	{"the data folder is copied and each used alone", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(b.alone(), "x", 2)
		r.must(os.CopyFS(a.folder.Root(), os.DirFS(b.folder.Root())))
		r.published(b.alone(), "b", 1)
		r.published(a.alone(), "a", 1)
		r.must(r.sync(a))
	}, 3, "xxa", "xxb"},
	{"another installation uses the Redis", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(b.alone(), "b", 3)
		r.published(a, "a", 1)
	}, 1, "a", "bbb"},
	{"an earlier release mixed both in Redis", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "q:")
		r.published(a, "a", 3)
		r.published(b.alone(), "b", 5)
		for n := 1; n <= 3; n++ {
			r.redis.Do("rename", fmt.Sprint("q:{published}:", n), fmt.Sprint("p:{published}:", n))
		}
		apart := r.join("b", filepath.Dir(b.folder.Root()), "q2:")
		r.must(r.sync(apart))
		for n := 4; n <= 5; n++ {
			r.redis.Do("rename", fmt.Sprint("q2:{published}:", n), fmt.Sprint("p:{published}:", n))
		}
		r.redis.Do("set", "p:{published}:latest", "5")
		r.join("a", filepath.Dir(a.folder.Root()), "p:")
		r.join("b", filepath.Dir(b.folder.Root()), "p:")
	}, 1, "aaa", "bbbbb"},
	{"a crash between announcing and taking", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(b, "x", 2)
		r.must(r.sync(a))
		r.published(b, "x", 1)
		r.must(os.RemoveAll(filepath.Join(b.folder.Root(), "000003")))
	}, 0, "xxx", "xxx"},
	{"the folder alone is restored", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(a, "x", 4)
		r.must(os.CopyFS(b.folder.Root(), os.DirFS(a.folder.Root())))
		r.must(os.RemoveAll(filepath.Join(b.folder.Root(), "000004")))
	}, 0, "xxxx", "xxxx"},
	{"Redis alone is emptied, and filled by the one that is behind", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(a, "x", 2)
		r.must(r.sync(b))
		r.published(a, "x", 2)
		r.redis.Do("flushall")
	}, 0, "xxxx", "xxxx"},
	{"Redis loses one state", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(a, "x", 4)
		r.redis.Do("del", "p:{published}:2")
		_ = r.sync(b) // it waits for who has it
	}, 0, "xxxx", "xxxx"},
	{"an earlier release announced", func(r *replicas) {
		b, a := r.join("b", r.t.TempDir(), "p:"), r.join("a", r.t.TempDir(), "p:")
		r.published(a, "x", 3)
		r.redis.Do("del", "p:{published}:digests")
		r.must(r.sync(b))
		r.published(b, "x", 1)
	}, 0, "xxxx", "xxxx"},
}

// TestChainsThatPart: whatever made two chains, a replica of the other chain neither follows
// nor offers nor publishes, and either can be chosen: then all have that one, and every state
// that was ever published is still to be had somewhere.
func TestChainsThatPart(t *testing.T) {
	t.Parallel()
	for _, tt := range partings {
		for _, choice := range []string{"shared", "local"} {
			t.Run(tt.name+", "+choice, func(t *testing.T) {
				r := newReplicas(t, storetest.StartRedis(t))
				tt.do(r)
				a, b := r.all["a"], r.all["b"]
				if tt.partedAt == 0 {
					for range 2 { // what one puts back, the other fetches
						_, _ = r.sync(b), r.sync(a)
					}
					r.must(errors.Join(r.sync(b), r.sync(a)))
					if got := authors(t, a) + " " + authors(t, b); got != tt.a+" "+tt.b {
						t.Errorf("the chains are %s, want %s %s", got, tt.a, tt.b)
					}
					return
				}
				before := kept(t, a)
				for digest := range kept(t, b) {
					before[digest] = true
				}
				for _, do := range []func() error{func() error { return r.sync(b) }, func() error { return r.publish(b, "b") }} {
					if err := do(); !errors.Is(err, versions.ErrDiverged) || !strings.Contains(err.Error(), "--adopt") {
						t.Errorf("parted: %v", err)
					}
				}
				_ = r.sync(a) // it has parted, too, where an earlier release mixed both
				if got := authors(t, a) + " " + authors(t, b); got != tt.a+" "+tt.b {
					t.Fatalf("before one is chosen the chains are %s, want %s %s", got, tt.a, tt.b)
				}
				want := tt.a
				if choice == "local" {
					want = tt.b
				}
				heal(t, r, choice)
				for _, e := range r.all {
					if got := authors(t, e); got != want {
						t.Errorf("after %s was chosen the chain is %s, want %s", choice, got, want)
					}
				}
				r.must(r.publish(b, "z"))
				r.must(r.sync(a))
				after := kept(t, a)
				for digest := range kept(t, b) {
					after[digest] = true
				}
				for digest := range before {
					if !after[digest] {
						t.Errorf("the state %s is lost", digest)
					}
				}
			})
		}
	}
}

// heal chooses the shared chain, or b's, and lets a follow. Where the shared one is no whole
// chain, a's takes its place.
func heal(t *testing.T, r *replicas, choice string) {
	t.Helper()
	adopt := func(name string, choose func(exchange) func(c comparison) (string, error)) {
		t.Helper()
		e := r.all[name]
		c, err := e.parting(t.Context())
		r.must(err)
		if c.partedAt == 0 {
			return
		}
		if c.partedAt > c.head+1 {
			t.Errorf("parted at %d with %d here", c.partedAt, c.head)
		}
		_, err = choose(e)(c)
		r.must(err)
	}
	shared := func(e exchange) func(comparison) (string, error) {
		return func(c comparison) (string, error) { return e.adoptShared(t.Context(), c) }
	}
	local := func(e exchange) func(comparison) (string, error) {
		return func(c comparison) (string, error) { return e.adoptLocal(t.Context(), c) }
	}
	if choice == "local" {
		adopt("b", local)
		adopt("a", shared)
	} else {
		adopt("a", local) // nothing, but where the store has parts of two
		adopt("b", shared)
	}
	r.must(errors.Join(r.sync(r.all["a"]), r.sync(r.all["b"])))
}

// TestManyChooseAtOnce: replicas with a chain each choose in the same moment, some theirs,
// some the shared one. One chain comes out in the end, and no state is lost.
func TestManyChooseAtOnce(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, storetest.StartRedis(t))
	before := map[string]bool{}
	for i := range 4 {
		name := string(rune('a' + i))
		e := r.join(name, t.TempDir(), "p:")
		r.published(e.alone(), name, 2+i)
		_ = r.sync(e) // the first one's is the shared chain
		for digest := range kept(t, e) {
			before[digest] = true
		}
	}
	choose := func(e exchange, adopt func(exchange, comparison) error) {
		c, err := e.parting(t.Context())
		if err == nil && c.partedAt > 0 {
			err = adopt(e, c)
		}
		if err != nil && !strings.Contains(err.Error(), "choose") {
			t.Errorf("refused, without what to do: %v", err)
		}
	}
	local := func(e exchange, c comparison) error { _, err := e.adoptLocal(t.Context(), c); return err }
	shared := func(e exchange, c comparison) error { _, err := e.adoptShared(t.Context(), c); return err }
	var all sync.WaitGroup
	for i, adopt := range []func(exchange, comparison) error{shared, local, local, shared} {
		all.Go(func() { choose(r.all[string(rune('a'+i))], adopt) })
	}
	all.Wait()
	chains, after := map[string]bool{}, map[string]bool{}
	for _, e := range r.all {
		choose(e, shared)
		r.must(r.sync(e))
		chains[authors(t, e)] = true
		for digest := range kept(t, e) {
			after[digest] = true
		}
	}
	if len(chains) != 1 {
		t.Errorf("chains %v", chains)
	}
	for digest := range before {
		if !after[digest] {
			t.Errorf("the state %s is lost", digest)
		}
	}
}

// TestAdoptIsRunAgain: a replica that stopped while it set its versions aside is whole in
// between, and goes on.
func TestAdoptIsRunAgain(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, storetest.StartRedis(t))
	partings[0].do(r)
	b := r.all["b"]
	aside, err := b.newAside()
	r.must(err)
	r.must(b.folder.SetAside(7, aside)) // stopped here
	if err := r.sync(b); !errors.Is(err, versions.ErrDiverged) || authors(t, b) != "xxxbbbb" {
		t.Errorf("in between: %v", err)
	}
	heal(t, r, "shared")
	if got := authors(t, b); got != "xxxa" || len(kept(t, b)) != 13 {
		t.Errorf("chain %s, %d states", got, len(kept(t, b)))
	}
}

// TestAdoptAsksFirst: nothing is done without a yes, in a dry run, or where nothing is to be
// chosen; and what is shown are both chains.
func TestAdoptAsksFirst(t *testing.T) {
	t.Parallel()
	r := newReplicas(t, storetest.StartRedis(t))
	partings[1].do(r)
	b := r.all["b"]
	data := filepath.Dir(b.folder.Root())
	run := func(status int, stdin string, want []string, args ...string) {
		t.Helper()
		got := execute(t, t.TempDir(), stdin, []string{"AEOBOT_DATA_DIR=" + data, "AEOBOT_REDIS_URL=redis://" + r.redis.Addr, "AEOBOT_REDIS_KEY_PREFIX=p:", "AEOBOT_REDIS_ALLOW_INSECURE=true"},
			append([]string{"knowledge", "versions"}, args...)...)
		for _, w := range want {
			if !strings.Contains(got.stdout+got.stderr, w) {
				t.Errorf("%q: no %q in\n%s%s", args, w, got.stdout, got.stderr)
			}
		}
		if got.status != status {
			t.Errorf("%q: status %d, want %d\n%s%s", args, got.status, status, got.stdout, got.stderr)
		}
	}
	both := []string{"从版本 3 起，本机（到 3）和 Redis 里（到 4）", "本机   3  1970-01-01 08:00  b  试  指纹 b", "Redis  3  1970-01-01 08:00  a  试  指纹 a", "本机   （没有）", "Redis  4  "}
	run(exitShort, "", both)
	run(exitDone, "", append(both, "本机的版本 3–3 另存"), "--adopt", "shared", "--dry-run")
	run(exitDone, "", append(both, "Redis 里的版本 3–4 另存到本机"), "--adopt", "local", "--dry-run")
	for _, stdin := range []string{"", "no\n", "y\n"} {
		run(exitShort, stdin, []string{"什么都没有改动"}, "--adopt", "shared")
	}
	run(exitUsage, "", []string{"write shared"}, "--adopt", "mine")
	if got := authors(t, b); got != "xxb" {
		t.Errorf("without a yes the chain is %s", got)
	}
	run(exitDone, "yes\n", []string{"已选定。另存在 " + b.folder.Root()}, "--adopt", "shared", "--author", "林悦")
	run(exitDone, "", []string{"没有分成两支"}, "--adopt", "shared", "--author", "林悦")
	run(exitDone, "", []string{"和 Redis 里的版本一致", "另存的版本 " + b.folder.Root(), "  3  1970-01-01 08:00  b  试"})
	audit := execute(t, t.TempDir(), "", []string{"AEOBOT_DATA_DIR=" + data}, "audit", "show")
	if !strings.Contains(audit.stdout, "林悦  adopt versions  以 Redis 里的为准，到版本 4；本机的版本 3–3 另存。另存在 aside-") {
		t.Errorf("audit log: %s%s", audit.stdout, audit.stderr)
	}
}

// TestTwoChainsSaySoAndAreHealed: a folder is restored from a copy, Redis is emptied, and one
// replica publishes while the other is away. Both say that there are two chains, each answers
// from its own, the one outside publishes nothing; one is chosen, both answer from it, what
// was set aside is proved, and is published again from there.
func TestTwoChainsSaySoAndAreHealed(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	url := "AEOBOT_REDIS_URL=" + plainURL(redis)
	one, two := t.TempDir(), t.TempDir()
	run := func(status int, want, dir string, args ...string) {
		t.Helper()
		got := execute(t, dir, "", []string{url}, args...)
		if got.status != status || !strings.Contains(got.stdout+got.stderr, want) {
			t.Fatalf("%q: status %d, want %d and %q:\n%s%s", args, got.status, status, want, got.stdout, got.stderr)
		}
	}
	publishing := func(file string) []string {
		return []string{"knowledge", "publish", "--author", "a", "--approver", "b", "--reason", "r", file}
	}
	publish := func(dir, edition string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), whaleFile)
		if err := os.WriteFile(file, whale(edition), 0o644); err != nil {
			t.Fatal(err)
		}
		run(exitDone, "已发布版本", dir, publishing(file)...)
	}
	publish(one, "第一版")
	publish(one, "第二版")
	restored := filepath.Join(two, "data", publishedFolder)
	if err := os.CopyFS(restored, os.DirFS(filepath.Join(one, "data", publishedFolder))); err != nil {
		t.Fatal(err)
	}
	publish(one, "第三版")
	redis.Do("flushall")
	publish(two, "另一版")

	coordinators := "AEOBOT_CURATION_COORDINATORS=lin.yue"
	a, b := startServe(t, one, url, coordinators), startServe(t, two, url, coordinators)
	says := func(r *running, edition string) {
		t.Helper()
		s := newSpeaker(t, r.base)
		r.await("answering from "+edition, func() bool {
			return strings.Contains(s.says("", fmt.Sprint("u", time.Now().UnixNano()), whaleQuestion), "按"+edition+"开放")
		})
	}
	parted := func(r *running, metric string, want ...string) {
		t.Helper()
		r.await("saying "+strings.Join(want, ", "), func() bool {
			status, ready := r.get("/readyz")
			_, metrics := r.get("/metrics")
			return status == http.StatusOK && strings.Contains(metrics, "aeobot_versions_diverged "+metric+"\n") &&
				!slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(ready, w) })
		})
	}
	parted(a, "1", `"status":"degraded"`, "from number 3 on", "--adopt shared")
	parted(b, "1", `"status":"degraded"`, "another replica has versions of its own from number 3 on")
	says(a, "第三版")
	says(b, "另一版")
	run(exitShort, "版本分成了两支：从版本 3 起", one, "knowledge", "versions")
	run(exitShort, "另有副本的版本是另一支", two, "knowledge", "versions")
	for _, dir := range []string{one, two} {
		run(exitShort, "怎么改：运行 aeobot knowledge versions", dir, "doctor")
	}
	run(exitUsage, "nothing is published from here", one, "knowledge", "rollback", "--author", "a", "--approver", "b", "--reason", "r", "1")

	run(exitDone, "已选定", one, "knowledge", "versions", "--adopt", "shared", "--yes")
	for _, r := range []*running{a, b} {
		says(r, "另一版")
		parted(r, "0", `"status":"ready"`)
	}
	for _, dir := range []string{one, two} {
		run(exitDone, "和 Redis 里的版本一致", dir, "knowledge", "versions")
	}
	// Who was shown the words that were set aside is to be told, as after a rollback.
	b.await("a correction of what was set aside", func() bool {
		return strings.Contains(newSpeaker(t, b.base).delivers(fmt.Sprint("c", time.Now().UnixNano()), "", "lin.yue", "/更正"), "另存的版本 3 换掉时改了")
	})
	aside := must(filepath.Glob(filepath.Join(one, "data", publishedFolder, "aside-*", "000003")))
	if len(aside) != 1 {
		t.Fatalf("set aside: %q", aside)
	}
	run(exitDone, "已发布版本 4", one, publishing(aside[0])...)
	says(a, "第三版")
	says(b, "第三版")
	a.stop() // it writes down what it answered
	run(exitDone, "0 处不符", one, "verify")
}
