package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"aeobot/bot/storetest"
)

// TestConsoleWhileTheStoreIsAway: pages and changes are refused with the reason, people in
// the group are answered, and all is back with the store.
func TestConsoleWhileTheStoreIsAway(t *testing.T) {
	redis := storetest.StartRedis(t)
	r := startShipped(t, t.TempDir(), "AEOBOT_REDIS_URL="+plainURL(redis), consoleAccounts(t, "lin.yue:admin"))
	o := &office{t: t, c: newClient(t)}
	c := consoleClient(t, r)
	ask := url.Values{"id": {"aeo-incentives/优先通关实现方式/1"}, "kind": {"ask"}, "value": {unheardOf}}
	redis.Pause()
	for _, page := range []string{"/console/", "/console/questions", "/console/audit"} {
		if status, text := c.get(page); status != http.StatusServiceUnavailable || !strings.Contains(text, "稍后") {
			t.Errorf("%s: %d %s", page, status, text)
		}
	}
	if status, text := c.post("/console/knowledge/passage", ask); status != http.StatusServiceUnavailable || !strings.Contains(text, "稍后") {
		t.Errorf("a change: %d %s", status, text)
	}
	o.hears(r, "zhao", "能免除担保吗", "", "5、可向海关申请免除担保")
	redis.Resume()
	r.await("back", func() bool { status, _ := c.get("/console/questions"); return status == http.StatusOK })
	if status, text := c.post("/console/knowledge/passage", ask); status != http.StatusOK || !strings.Contains(text, "提议 ") {
		t.Errorf("a change afterwards: %d %s", status, text)
	}
	if status, text := c.get("/console/versions"); status != http.StatusOK || !strings.Contains(text, "还没有发布过") {
		t.Errorf("versions: %d %s", status, text)
	}
	r.stop()
}
