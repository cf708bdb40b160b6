package main

import (
	"io"
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
	return fetchBy(t, http.DefaultClient, address, headers...)
}

func fetchBy(t *testing.T, c *http.Client, address string, headers ...string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	answer, err := c.Do(r)
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
				if status, body := fetch(t, base+page); status != http.StatusForbidden || strings.Contains(body, "管理员") || !strings.Contains(body, "console.listen") || strings.Contains(r.stdout.String(), "token=") {
					t.Errorf("%s, %s%s: %d %.300s", name, base, page, status, body)
				}
			}
		}
		r.stop()
	}
	console, metrics := freeAddress(t), freeAddress(t)
	r := startServe(t, t.TempDir(), "AEOBOT_CONSOLE_LISTEN="+console, "AEOBOT_METRICS_LISTEN="+metrics)
	fetch(t, r.base+"/readyz", "X-Forwarded-For", "203.0.113.7") // elsewhere, but not at these
	entered := r.enter()
	for address, want := range map[string]int{
		"http://" + console + "/console/": 200, "http://" + metrics + "/metrics": 200,
		r.base + "/console/": 404, r.base + "/metrics": 404,
		"http://" + console + "/metrics": 404, "http://" + metrics + "/console/": 404, "http://" + metrics + "/wecom/aibot": 404,
	} {
		if status, _ := fetchBy(t, entered, address); status != want {
			t.Errorf("%s: %d, want %d", address, status, want)
		}
	}
	if status, _ := fetchBy(t, entered, "http://"+console+"/console/", "X-Real-IP", "203.0.113.7"); status != http.StatusForbidden {
		t.Errorf("the console's own listener through a proxy: %d", status)
	}
	if log := r.stderr.String(); !strings.Contains(log, "path=/console/ to=\"this machine") || !strings.Contains(log, "path=/metrics") {
		t.Errorf("the log does not say what is open to whom:\n%s", log)
	}
	r.stop()
}

// TestHiddenProxy: a proxy on this machine that hides itself makes strangers look local, and
// what it sends can say that it comes from our own pages. The console opens to none of it, but
// to who has the link.
func TestHiddenProxy(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), append(noChannel, "AEOBOT_CURATION_PEOPLE=1")...)
	hidden := plainProxy(t, r.base)
	for _, base := range []string{r.base, hidden} {
		for _, page := range []string{"/console/", "/console/login", "/console/knowledge", "/console/questions", "/console/audit", "/console/proposals", "/console/versions", "/console/import"} {
			for _, headers := range [][]string{nil, {"Origin", r.base}, {"Referer", r.base + "/console/"}} {
				if status, body := fetch(t, base+page, headers...); status != http.StatusForbidden || !strings.Contains(body, "?token=…") || localLink.MatchString(body) {
					t.Errorf("%s%s %v: %d %.300s", base, page, headers, status, body)
				}
			}
		}
	}
	if status, page := r.get("/"); status != http.StatusOK || !strings.Contains(page, "印出来的链接") || localLink.MatchString(page) {
		t.Errorf("the group's page does not say where the console is: %d %.2000s", status, page)
	}
	entered := r.enter()
	for _, page := range []string{"/console/", "/console/audit", "/console/import"} {
		if status, _ := fetchBy(t, entered, r.base+page); status != http.StatusOK {
			t.Errorf("%s with the link: %d", page, status)
		}
	}
	if log := r.stderr.String(); strings.Contains(log, "token=") {
		t.Errorf("the log has the link:\n%s", log)
	}
	r.stop()
}

// TestStrayRequestsHarmNobody: what does not come from this machine is refused, and nothing
// else is because of it.
func TestStrayRequestsHarmNobody(t *testing.T) {
	t.Parallel()
	r := startServe(t, t.TempDir(), noChannel...)
	platform, bot := startSimulate(t)
	entered := r.enter()
	for _, stray := range [][]string{{"Host", "evil.example"}, {"X-Forwarded-For", "203.0.113.7"}, {"Referer", "http://aeo.example.com/console/"}} {
		for base, pages := range map[string][]string{r.base: {"/", "/chat/messages", "/cgi-bin/gettoken", "/console/"}, platform.base: {"/", "/chat/messages", "/cgi-bin/gettoken"}} {
			for _, page := range pages {
				if status, _ := fetchBy(t, entered, base+page, stray...); status != http.StatusForbidden {
					t.Errorf("%s%s %v: %d", base, page, stray, status)
				}
			}
			for _, page := range pages {
				if status, body := fetchBy(t, entered, base+page); status != http.StatusOK {
					t.Errorf("%s%s after %v: %d %.300s", base, page, stray, status, body)
				}
			}
		}
	}
	for _, p := range []*running{r, bot, platform} {
		p.stop()
	}
}

// TestSignsOfElsewhere: each is refused, and what a browser here sends is none.
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
			got := httptest.NewRecorder()
			thisMachine(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(got, request(edit))
			if got.Code != kind.then {
				t.Errorf("%s: %d, want %d", name, got.Code, kind.then)
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
