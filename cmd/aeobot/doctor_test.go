package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDoctorWithNothingConfigured(t *testing.T) {
	got := execute(t, t.TempDir(), "", []string{"AEOBOT_LISTEN=" + freeAddress(t)}, "doctor")
	if got.status != 0 || strings.Count(got.stdout, "✓") != 7 || strings.Contains(got.stdout, "✗") {
		t.Errorf("status %d: %s%s", got.status, got.stdout, got.stderr)
	}
}

// TestDoctorNamesTheMend goes through what can be wrong, one thing at a time.
func TestDoctorNamesTheMend(t *testing.T) {
	fine := `{"errcode":0,"errmsg":"ok","access_token":"token-marker","expires_in":7200}`
	for _, tt := range []struct {
		name  string
		token string // what gettoken answers
		skew  time.Duration
		env   []string
		want  string // empty: nothing is wrong
	}{
		{"all well", fine, 0, nil, ""},
		{"wrong secret", `{"errcode":40001,"errmsg":"invalid credential, hint: [1], from ip: 203.0.113.9"}`, 0, nil, "核对 wecom.app.corp_id 和 wecom.app.secret"},
		{"untrusted address", `{"errcode":60020,"errmsg":"not allow to access from your ip, hint: [1], from ip: 203.0.113.9, more info at x"}`, 0, nil, "“企业可信IP”里加上 203.0.113.9"},
		{"clock", fine, 9 * time.Minute, nil, "用 NTP 校准本机时间"},
		{"no platform", fine, 0, []string{"AEOBOT_WECOM_API_BASE_URL=http://127.0.0.1:1"}, "正向代理"},
		{"no gateway", fine, 0, overConnection("ws://127.0.0.1:1"), "放行到 ws://127.0.0.1:1 的出站连接"},
		{"no Redis", fine, 0, []string{"AEOBOT_REDIS_URL=redis://127.0.0.1:1"}, "核对 redis.url"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", time.Now().Add(tt.skew).UTC().Format(http.TimeFormat))
				if strings.HasSuffix(r.URL.Path, "/gettoken") {
					w.Header().Set("Content-Type", "application/json")
					fmt.Fprint(w, tt.token)
				}
			}))
			defer platform.Close()
			env := append(serveEnv(), "AEOBOT_LISTEN="+freeAddress(t), "AEOBOT_WECOM_APP_SECRET=secret-marker", "AEOBOT_WECOM_API_BASE_URL="+platform.URL)
			got := execute(t, t.TempDir(), "", append(env, tt.env...), "doctor")
			if wrong := got.status == 1 && strings.Contains(got.stdout, tt.want) && strings.Contains(got.stdout, "怎么改"); tt.want != "" && !wrong || tt.want == "" && got.status != 0 {
				t.Errorf("status %d: %s%s", got.status, got.stdout, got.stderr)
			}
			if strings.Contains(got.stdout+got.stderr, "marker") {
				t.Errorf("a secret is shown: %s%s", got.stdout, got.stderr)
			}
		})
	}
}

// TestDoctorSaysWhatIsOpen to whom, at each address.
func TestDoctorSaysWhatIsOpen(t *testing.T) {
	common, console, metrics := freeAddress(t), freeAddress(t), freeAddress(t)
	callbacks := slices.Clip(append(serveEnv(), "AEOBOT_WECOM_API_BASE_URL=http://127.0.0.1:1"))
	for _, tt := range []struct {
		name string
		env  []string
		want []string
	}{
		{"nothing configured", nil, []string{"谁能打开 " + common + " 的 /console/：只有本机", "谁能打开 " + common + " 的 /：只有本机", common + " 的 /metrics"}},
		{"callbacks", callbacks, []string{"谁能打开 " + common + " 的 /console/：没有人", common + " 的 /wecom/"}},
		{"callbacks and a password", append(callbacks, "AEOBOT_CONSOLE_PASSWORD=correct horse battery"), []string{"谁能打开 " + common + " 的 /console/：登录的人"}},
		{"listeners of their own", append(callbacks, "AEOBOT_CONSOLE_LISTEN="+console, "AEOBOT_METRICS_LISTEN="+metrics),
			[]string{"谁能打开 " + console + " 的 /console/：只有本机", metrics + " 的 /metrics", "监听：" + common, "监听：" + console, "监听：" + metrics}},
	} {
		got := execute(t, t.TempDir(), "", append(tt.env, "AEOBOT_LISTEN="+common), "doctor")
		for _, want := range tt.want {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("%s: no %q in\n%s%s", tt.name, want, got.stdout, got.stderr)
			}
		}
	}
}

func TestDoctorBesideARunningServe(t *testing.T) {
	dir := t.TempDir()
	r := startServe(t, dir, noChannel...)
	listen := strings.TrimPrefix(r.base, "http://")
	got := execute(t, dir, "", []string{"AEOBOT_LISTEN=" + listen}, "doctor")
	if got.status != 0 || !strings.Contains(got.stdout, "由运行中的 serve 使用") {
		t.Errorf("status %d: %s%s", got.status, got.stdout, got.stderr)
	}
	r.stop()
}
