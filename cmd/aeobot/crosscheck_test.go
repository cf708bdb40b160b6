package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/audit"
	"aeobot/bot/desk"
	"aeobot/bot/storetest"
	"aeobot/knowledge/versions"
)

// folderOfVersions is a data folder with what was published from the command line.
type folderOfVersions struct {
	*testing.T
	dir string
	env []string
}

func (f folderOfVersions) run(status int, want string, args ...string) {
	f.Helper()
	got := execute(f.T, f.dir, "", f.env, args...)
	if got.status != status || !strings.Contains(got.stdout+got.stderr, want) {
		f.Errorf("aeobot %q: status %d, want %d and %q:\n%s%s", args, got.status, status, want, got.stdout, got.stderr)
	}
}

func (f folderOfVersions) publish(edition string) {
	f.Helper()
	file := filepath.Join(f.TempDir(), whaleFile)
	f.must(os.WriteFile(file, whale(edition), 0o644))
	f.run(exitDone, "已发布版本", "knowledge", "publish", "--author", "lin", "--approver", "hao", "--reason", "r", file)
}

// back publishes an older version anew, which waits for no gate.
func (f folderOfVersions) back(version string) {
	f.Helper()
	f.run(exitDone, "已恢复版本", "knowledge", "rollback", "--author", "lin", "--approver", "hao", "--reason", "r", version)
}

func (f folderOfVersions) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f folderOfVersions) path(names ...string) string {
	return filepath.Join(append([]string{f.dir, "data"}, names...)...)
}

// edit writes a file anew.
func (f folderOfVersions) edit(change func(text string) string, names ...string) {
	f.Helper()
	data, err := os.ReadFile(f.path(names...))
	f.must(err)
	f.must(os.WriteFile(f.path(names...), []byte(change(string(data))), 0o600))
}

// forge replaces a sentence in a version, and the hash of the file in its record.
func (f folderOfVersions) forge(version string) {
	f.Helper()
	var was, is string
	f.edit(func(text string) string {
		was = text
		is = strings.Replace(text, "开放", "关闭", 1)
		return is
	}, publishedFolder, version, whaleFile)
	f.edit(func(text string) string { return strings.ReplaceAll(text, sumOf(was), sumOf(is)) }, publishedFolder, version, "version.json")
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func withoutLastLine(text string) string {
	return text[:strings.LastIndex(strings.TrimSuffix(text, "\n"), "\n")+1]
}

// TestVersionsThatWereNotPublished: a version and its record changed together, one without its
// line in the audit log, a log that was cut, emptied or deleted, a version that is gone: every
// command that vouches for the versions says so.
func TestVersionsThatWereNotPublished(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		do   func(f folderOfVersions)
		want string // "" for nothing wrong
	}{
		{"nothing", func(folderOfVersions) {}, ""},
		{"the last version forged", func(f folderOfVersions) { f.forge("000003") }, "版本 3 不是操作记录第 3 行发布的那个"},
		{"a version slipped in", func(f folderOfVersions) {
			folder := versions.Open(f.path(publishedFolder))
			_, err := folder.Publish(versions.Version{Number: 4, Author: "lin", Approver: "hao", Reason: "r"}, map[string][]byte{whaleFile: whale("假")})
			f.must(err)
		}, "操作记录里没有发布版本 4 的那一行"},
		{"the log cut", func(f folderOfVersions) { f.edit(withoutLastLine, "audit.jsonl") }, "没有发布版本 3"},
		{"the log emptied", func(f folderOfVersions) { f.must(os.Truncate(f.path("audit.jsonl"), 0)) }, "没有发布版本 1–3"},
		{"the log deleted", func(f folderOfVersions) { f.must(os.Remove(f.path("audit.jsonl"))) }, "没有发布版本 1–3"},
		{"the last version deleted", func(f folderOfVersions) { f.must(os.RemoveAll(f.path(publishedFolder, "000003"))) }, "操作记录第 3 行发布的版本 3 不在这里"},
	}
	published := folderOfVersions{T: t, dir: t.TempDir()}
	published.publish("第一版")
	published.back("0")
	published.back("1")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := folderOfVersions{T: t, dir: t.TempDir()}
			f.must(os.CopyFS(f.dir, os.DirFS(published.dir)))
			tt.do(f)
			status := exitShort
			if tt.want == "" {
				status = exitDone
			}
			for _, command := range [][]string{{"knowledge", "versions"}, {"verify"}, {"audit", "verify"}} {
				f.run(status, tt.want, command...)
			}
			if tt.want != "" {
				f.run(exitShort, "published versions are not what the audit log says", "doctor")
				f.run(exitDone, "将要", "knowledge", "versions", "--adopt", "local", "--dry-run")
				f.run(exitShort, "没有确认", "knowledge", "versions", "--adopt", "local")
				f.run(exitDone, "已选定", "knowledge", "versions", "--adopt", "local", "--yes", "--author", "boss")
			}
			f.run(exitDone, "和操作记录里发布时记下的校验和一致", "knowledge", "versions")
			f.run(exitDone, "没有分成两支", "knowledge", "versions", "--adopt", "local")
			f.back("0")
			f.run(exitDone, "0 处不符", "verify")
		})
	}
}

// TestAForgedVersionUnderALaterOne: publishing over it hides nothing, its own line is held too.
func TestAForgedVersionUnderALaterOne(t *testing.T) {
	t.Parallel()
	f := folderOfVersions{T: t, dir: t.TempDir()}
	f.publish("第一版")
	f.forge("000001")
	f.back("0")
	f.run(exitShort, "版本 1 不是操作记录第 1 行发布的那个", "knowledge", "versions")
}

// TestVersionsOfBeforeDigests are said to be without, and fail nothing.
func TestVersionsOfBeforeDigests(t *testing.T) {
	t.Parallel()
	line := func(n int, what, object string) audit.Entry {
		return audit.Entry{Number: n, What: what, Object: object}
	}
	old1, old2 := line(1, "publish", "P1 问法 → 版本 1（群聊，作者 lin）"), line(2, "publish although worse", "r → 版本 2（命令行，作者 lin） 仍然发布：急")
	new3 := line(3, "publish", "r → 版本 3（控制台，作者 lin）"+desk.Vouching(3, sumOf("c")))
	tests := []struct {
		name             string
		log              []audit.Entry
		digests          []string
		wrong, unvouched string
	}{
		{"old ones", []audit.Entry{old1, old2}, []string{"a", "b"}, "", "版本 1–2"},
		{"vouched for by a later one", []audit.Entry{old1, old2, new3}, []string{"a", "b", sumOf("c")}, "", ""},
		{"command lines of before left none", []audit.Entry{old2}, []string{"a", "b"}, "", "版本 1–2"},
		{"the adopted chain counts", []audit.Entry{old1, new3, line(4, "adopt versions", "以 Redis 里的为准，到版本 2；另存"+desk.Vouching(2, sumOf("d")))}, []string{"a", sumOf("d")}, "", ""},
		{"adopted before digests", []audit.Entry{old1, old2, line(3, "adopt versions", "以 Redis 里的为准，到版本 1；本机的版本 1–2 另存。")}, []string{"a"}, "", "版本 1 "},
		{"a reason that reads like a digest", []audit.Entry{old1, line(2, "forget", "r → 版本 2（"+desk.Vouching(2, sumOf("b")))}, []string{"a", sumOf("b")}, "没有发布版本 2", "版本 1 "},
	}
	for _, tt := range tests {
		x := check(tt.log, tt.digests)
		if got := strings.Join(x.wrong, "\n"); (got == "") != (tt.wrong == "") || !strings.Contains(got, tt.wrong) {
			t.Errorf("%s: wrong %q, want %q", tt.name, got, tt.wrong)
		}
		if (x.unvouched == "") != (tt.unvouched == "") || !strings.Contains(x.unvouched, tt.unvouched) {
			t.Errorf("%s: unvouched %q, want %q", tt.name, x.unvouched, tt.unvouched)
		}
	}
}

// TestAForgedAnnouncement: whoever can write Redis puts a version there that nobody published,
// with the fingerprint of the one before. Replicas answer from what they say is in force, and
// every command names the version that has no line.
func TestAForgedAnnouncement(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	f := folderOfVersions{t, t.TempDir(), []string{"AEOBOT_REDIS_URL=" + plainURL(redis)}}
	f.publish("第一版")
	r := startServe(t, f.dir, f.env...)
	says := func(edition string) {
		t.Helper()
		s := newSpeaker(t, r.base)
		r.await("answering from "+edition, func() bool {
			return strings.Contains(s.says("", fmt.Sprint("u", time.Now().UnixNano()), whaleQuestion), "按"+edition+"开放")
		})
	}
	says("第一版")
	folder := versions.Open(f.path(publishedFolder))
	head, _, err := folder.Head()
	f.must(err)
	files := map[string][]byte{whaleFile: whale("假的")}
	v, record, err := folder.Prepare(versions.Version{Number: 2, Author: "lin", Approver: "hao", Reason: "r", Fingerprint: head.Fingerprint}, files)
	f.must(err)
	data, err := pack(record, files)
	f.must(err)
	replicas := newReplicas(t, redis)
	e := replicas.join("forger", t.TempDir(), "aeobot:")
	kept, err := e.shared.Announce(t.Context(), bot.Announcement{Number: 2, Digest: versions.DigestOf(record), Before: v.Before, State: data})
	if err != nil || !kept {
		t.Fatal(kept, err)
	}
	says("假的")
	for _, command := range [][]string{{"knowledge", "versions"}, {"verify"}, {"audit", "verify"}} {
		f.run(exitShort, "没有发布版本 2", command...)
	}
	r.await("saying so", func() bool {
		status, ready := r.get("/readyz")
		return status == http.StatusOK && strings.Contains(ready, "degraded") && strings.Contains(ready, "aeobot knowledge versions")
	})
}

// TestTheSharedLogIsCompared: the file here emptied while Redis has the lines, and an entry of
// Redis altered in the middle.
func TestTheSharedLogIsCompared(t *testing.T) {
	t.Parallel()
	redis := storetest.StartRedis(t)
	f := folderOfVersions{t, t.TempDir(), []string{"AEOBOT_REDIS_URL=" + plainURL(redis)}}
	f.publish("第一版")
	f.back("0")
	f.back("1")
	f.run(exitDone, "3 行，逐行相符", "audit", "verify")
	kept, err := os.ReadFile(f.path("audit.jsonl"))
	f.must(err)
	f.must(os.Truncate(f.path("audit.jsonl"), 0))
	f.run(exitShort, "比 Redis 里的少末尾 3 行", "audit", "verify")
	f.must(os.WriteFile(f.path("audit.jsonl"), kept, 0o600))
	f.run(exitDone, "3 行，逐行相符", "audit", "verify")

	replicas := newReplicas(t, redis)
	shelf := replicas.join("forger", t.TempDir(), "aeobot:").notes
	item, err := shelf.Get(t.Context(), "audit", fmt.Sprintf("%010d", 2))
	f.must(err)
	altered := strings.Replace(string(item.Data), `"hao"`, `"wei"`, 1)
	f.must(shelf.Put(t.Context(), "audit", item.ID, []byte(altered), item.Version, time.Hour))
	f.run(exitShort, "从第 2 行起分成了两份", "audit", "verify")
	f.run(exitShort, "audit verify", "doctor")
}
