package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeobot/bot/audit"
	"aeobot/bot/storetest"
)

// TestForget removes what is kept of one person, of nobody else, in either store, and does
// not name them where it is taken down.
func TestForget(t *testing.T) {
	for name, env := range map[string]func(t *testing.T) []string{
		"bbolt": func(*testing.T) []string { return nil },
		"redis": func(t *testing.T) []string {
			return []string{"AEOBOT_REDIS_URL=" + plainURL(storetest.StartRedis(t))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, env := t.TempDir(), env(t)
			r := startServe(t, dir, env...)
			s := newSpeaker(t, r.base)
			for _, user := range []string{"lin.yue", "wang.qiang"} {
				for _, chat := range []string{"", "g1", "g2"} {
					s.delivers("a-"+user+chat, chat, user, "海关直接激励措施")
					s.delivers("b-"+user+chat, chat, user, "第3条")
				}
				s.rates(user, "答得不对")
			}
			r.stop()
			forget := func(want string) {
				t.Helper()
				got := execute(t, dir, "", env, "forget", "--author", "admin", "Lin.Yue")
				if got.status != 0 || !strings.HasPrefix(got.stdout, want) {
					t.Errorf("status %d, %s%s; want %s", got.status, got.stdout, got.stderr, want)
				}
			}
			forget("对话和回复 9 条、意见 1 条、要告诉此人的和单聊看过的 2 条") // three sessions, six replies
			forget("对话和回复 0 条、意见 0 条、要告诉此人的和单聊看过的 0 条")
			log, err := os.ReadFile(filepath.Join(dir, "data", "audit.jsonl"))
			if err != nil || strings.Count(string(log), `"what":"forget"`) != 2 || strings.Contains(string(log), "lin.yue") {
				t.Errorf("audit log: %v: %s", err, log)
			}
			if _, _, err := audit.Verify(filepath.Join(dir, "data")); err != nil {
				t.Error(err)
			}
			r = startServe(t, dir, env...)
			s = newSpeaker(t, r.base)
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
