package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// plainProxy is a reverse proxy that hides itself: it sends its own address as Host and
// adds no header.
func plainProxy(t *testing.T, to string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) }})
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// fetch gets a page with headers (name, value, …), as a client that came by a name.
func fetch(t *testing.T, address string, headers ...string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(data)
}

// TestConsoleWithoutLoginBesideCallbacks: something lets the platform in, and strangers with
// it, so the console answers nobody there. At a listener of its own it does.
func TestConsoleWithoutLoginBesideCallbacks(t *testing.T) {
	t.Parallel()
	without := func(names ...string) (env []string) { // takes channels of serveEnv away
		for _, v := range noChannel {
			if slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(v, "AEOBOT_WECOM_"+n) }) {
				env = append(env, v)
			}
		}
		return env
	}
	for name, env := range map[string][]string{
		"AI bot":           without("APP"),
		"application":      without("AIBOT"),
		"customer service": append(without("APP", "AIBOT"), "AEOBOT_WECOM_KF_CORP_ID="+testCorp, "AEOBOT_WECOM_KF_SECRET=s", "AEOBOT_WECOM_KF_TOKEN="+testToken, "AEOBOT_WECOM_KF_ENCODING_AES_KEY="+testKey),
	} {
		r := startServe(t, t.TempDir(), append(env, "AEOBOT_CURATION_PEOPLE=1")...)
		for _, base := range []string{r.base, plainProxy(t, r.base)} {
			for _, page := range []string{"/console/", "/console/login", "/console/questions", "/console/audit"} {
				if status, body := fetch(t, base+page); status != http.StatusForbidden || strings.Contains(body, "管理员") || !strings.Contains(body, "console.listen") {
					t.Errorf("%s, %s%s: %d %.300s", name, base, page, status, body)
				}
			}
		}
		r.stop()
	}
	console, metrics := freeAddress(t), freeAddress(t)
	r := startServe(t, t.TempDir(), "AEOBOT_CONSOLE_LISTEN="+console, "AEOBOT_METRICS_LISTEN="+metrics)
	fetch(t, r.base+"/readyz", "X-Forwarded-For", "203.0.113.7") // elsewhere, but not at these
	for address, want := range map[string]int{
		"http://" + console + "/console/": 200, "http://" + metrics + "/metrics": 200,
		r.base + "/console/": 404, r.base + "/metrics": 404,
		"http://" + console + "/metrics": 404, "http://" + metrics + "/console/": 404, "http://" + metrics + "/wecom/aibot": 404,
	} {
		if status, _ := fetch(t, address); status != want {
			t.Errorf("%s: %d, want %d", address, status, want)
		}
	}
	if status, _ := fetch(t, "http://"+console+"/console/", "X-Real-IP", "203.0.113.7"); status != http.StatusForbidden {
		t.Errorf("the console's own listener through a proxy: %d", status)
	}
	if log := r.stderr.String(); !strings.Contains(log, "path=/console/ to=\"this machine") || !strings.Contains(log, "path=/metrics") {
		t.Errorf("the log does not say what is open to whom:\n%s", log)
	}
	r.stop()
}

// TestOneProxiedRequestCloses: what has no login stays closed once a request came from
// elsewhere, also for requests that do not show it.
func TestOneProxiedRequestCloses(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), noChannel...)
	hidden := plainProxy(t, r.base)
	for _, page := range []string{"/", "/console/"} {
		if status, _ := fetch(t, r.base+page); status != http.StatusOK {
			t.Fatalf("%s at first: %d", page, status)
		}
	}
	fetch(t, hidden+"/console/static/console.css", "Referer", "http://aeo.example.com/console/")
	for _, base := range []string{r.base, hidden} {
		for _, page := range []string{"/", "/chat/messages", "/cgi-bin/gettoken", "/console/", "/console/login"} {
			if status, body := fetch(t, base+page); status != http.StatusForbidden || !strings.Contains(body, "重启") {
				t.Errorf("%s%s afterwards: %d %.300s", base, page, status, body)
			}
		}
	}
	if log := r.stderr.String(); strings.Count(log, "sign=Referer") != 1 || strings.Contains(log, "aeo.example.com") {
		t.Errorf("the log:\n%s", log)
	}
	if status, _ := fetch(t, r.base+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
	r.stop()
}

// TestSignsOfElsewhere: each closes for good, and what a browser here sends is none.
func TestSignsOfElsewhere(t *testing.T) {
	request := func(edit func(r *http.Request)) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Host = "127.0.0.1:5000", "127.0.0.1:8080"
		edit(r)
		return r
	}
	header := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	signs := map[string]func(*http.Request){
		"another machine": func(r *http.Request) { r.RemoteAddr = "203.0.113.7:1" }, "a container's gateway": func(r *http.Request) { r.RemoteAddr = "172.17.0.1:1" },
		"another name": func(r *http.Request) { r.Host = "aeo.example.com" }, "nginx": func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.0", 1, 0 },
		"a form": header("Origin", "https://aeo.example.com", "Sec-Fetch-Site", "same-origin"), "a link": header("Referer", "https://aeo.example.com/console/"),
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "x-forwarded-port", "Forwarded", "X-Real-IP", "Via", "CF-Connecting-IP", "CF-Ray", "True-Client-IP", "Fastly-Client-IP",
		"X-Cluster-Client-IP", "X-Client-IP", "X-Original-Forwarded-For", "X-Original-Host", "WL-Proxy-Client-IP", "Ali-CDN-Real-IP", "CDN-Loop", "X-Envoy-External-Address", "X-Amzn-Trace-Id", "X-Azure-ClientIP"} {
		signs[name] = header(name, "127.0.0.1")
	}
	here := map[string]func(*http.Request){
		"a browser": header("Origin", "http://127.0.0.1:8080", "Referer", "http://127.0.0.1:8080/", "Sec-Fetch-Site", "same-origin"),
		"a program": func(*http.Request) {}, "version 6": func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:1", "localhost:8080" },
		"a link elsewhere": header("Referer", "https://search.example/", "Sec-Fetch-Site", "cross-site"), "headers of browsers": header("Accept-Language", "zh", "Save-Data", "on", "Viewport-Width", "800", "X-Requested-With", "x", "Device-Memory", "8"),
	}
	for _, kind := range []struct {
		requests map[string]func(*http.Request)
		then     int
	}{{signs, 403}, {here, 200}} {
		for name, edit := range kind.requests {
			e := &exposure{log: slog.New(slog.DiscardHandler)}
			handler := e.watch(e.thisMachine(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
			for _, r := range []*http.Request{request(edit), request(func(*http.Request) {})} {
				got := httptest.NewRecorder()
				handler.ServeHTTP(got, r)
				if got.Code != kind.then {
					t.Errorf("%s: %d, want %d", name, got.Code, kind.then)
				}
			}
		}
	}
}

// TestReadyzToStrangers: what is in trouble, without addresses and paths.
func TestReadyzToStrangers(t *testing.T) {
	t.Parallel()
	const away = "redis://127.0.0.1:1"
	r := startServe(t, t.TempDir(), "AEOBOT_REDIS_URL="+away)
	_, here := fetch(t, r.base+"/readyz")
	status, elsewhere := fetch(t, r.base+"/readyz", "X-Forwarded-For", "203.0.113.7")
	if !strings.Contains(here, "127.0.0.1:1") || status != http.StatusOK || !strings.Contains(elsewhere, `"reasons":["redis"]`) || strings.Contains(elsewhere, "127.0.0.1") {
		t.Errorf("here %s, elsewhere %d %s", here, status, elsewhere)
	}
	r.stop()
}
