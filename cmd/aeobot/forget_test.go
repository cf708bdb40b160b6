package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"aeobot/bot/audit"
	"aeobot/bot/storetest"
)

// aName is a name under a key as the stores have it: of a conversation or an opinion.
var (
	aName   = regexp.MustCompile(`\b([0-9a-f]{32}|[0-9a-f]{24})\b`)
	aPerson = regexp.MustCompile(`person [0-9a-f]{32}\b`)
)

// TestForget removes what is kept of one person, of nobody else, in either store, and does
// not name them where it is taken down.
func TestForget(t *testing.T) {
	for name, env := range map[string][]string{"bbolt": nil, "redis": nil, "bbolt, key of the settings": {"AEOBOT_STORE_KEY=" + strings.Repeat("k", 32)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, redis := t.TempDir(), (*storetest.Redis)(nil)
			if name == "redis" {
				redis = storetest.StartRedis(t)
				env = append(env, "AEOBOT_REDIS_URL="+plainURL(redis))
			}
			raw := func() []byte {
				if redis != nil {
					return redis.Dump()
				}
				data, err := os.ReadFile(filepath.Join(dir, "data", "aeobot.db"))
				if err != nil {
					t.Fatal(err)
				}
				return data
			}
			var theirs [][]byte // names of lin.yue's, while nobody else has any
			for _, user := range []string{"lin.yue", "wang.qiang"} {
				r := startServe(t, dir, env...)
				s := newSpeaker(t, r.base)
				for _, chat := range []string{"", "g1", "g2"} {
					s.delivers("a-"+user+chat, chat, user, "海关直接激励措施")
					s.delivers("b-"+user+chat, chat, user, "第3条")
				}
				s.rates(user, user+"说答得不对")
				r.stop()
				if theirs == nil {
					theirs = aName.FindAll(raw(), -1)
				}
			}
			if before := raw(); len(theirs) < 10 || !bytes.Contains(before, []byte("lin.yue说答得不对")) || !bytes.Contains(before, theirs[0]) {
				t.Fatalf("the test does not see what is kept: %d names", len(theirs))
			}
			forget := func(want string) {
				t.Helper()
				got := execute(t, dir, "", env, "forget", "--author", "admin", "Lin.Yue")
				if got.status != 0 || !strings.HasPrefix(got.stdout, want) {
					t.Errorf("status %d, %s%s; want %s", got.status, got.stdout, got.stderr, want)
				}
			}
			forget("对话和回复 9 条、意见 1 条、要告诉此人的和单聊看过的 2 条") // three sessions, six replies
			left := raw()
			for _, gone := range append(theirs, []byte("lin.yue")) {
				if bytes.Contains(left, gone) {
					t.Errorf("%s is still in the store", gone)
				}
			}
			if !bytes.Contains(left, []byte("wang.qiang说答得不对")) {
				t.Error("another's words are gone")
			}
			forget("对话和回复 0 条、意见 0 条、要告诉此人的和单聊看过的 0 条")
			log, err := os.ReadFile(filepath.Join(dir, "data", "audit.jsonl"))
			digest := digestOf("person\x00lin.yue")[:16] // which a staff list would find
			if err != nil || strings.Count(string(log), `"what":"forget"`) != 2 || strings.Contains(string(log), "lin.yue") || strings.Contains(string(log), digest) {
				t.Errorf("audit log: %v: %s", err, log)
			}
			if who := aPerson.FindAllString(string(log), -1); len(who) != 2 || who[0] != who[1] {
				t.Errorf("the lines do not show that it was the same person: %q", who)
			}
			if _, _, err := audit.Verify(filepath.Join(dir, "data")); err != nil {
				t.Error(err)
			}
			r := startServe(t, dir, env...)
			s := newSpeaker(t, r.base)
			if got := s.says("g1", "lin.yue", "第4条"); strings.Contains(got, "4、") {
				t.Errorf("it goes on as if nothing had been forgotten: %q", got)
			}
			if got := s.says("g1", "wang.qiang", "第4条"); !strings.Contains(got, "4、") {
				t.Errorf("another's conversation is gone: %q", got)
			}
			r.stop()
		})
	}
	for _, args := range [][]string{{"forget"}, {"forget", " "}, {"forget", "a", "b"}} {
		if got := execute(t, t.TempDir(), "", nil, args...); got.status != exitUsage || got.stderr == "" {
			t.Errorf("%q: status %d: %s", args, got.status, got.stderr)
		}
	}
}

// rates says that an answer was of no use, in words.
func (s *speaker) rates(user, comment string) {
	s.t.Helper()
	data, err := json.Marshal(map[string]any{"msgid": "f-" + user, "aibotid": "aib1", "chattype": "single", "from": map[string]string{"userid": user}, "msgtype": "event",
		"event": map[string]any{"eventtype": "feedback_event", "feedback_event": map[string]any{"id": "answer", "type": 2, "content": comment}}})
	if err == nil {
		_, err = s.post(string(data))
	}
	if err != nil {
		s.t.Error(err)
	}
}
