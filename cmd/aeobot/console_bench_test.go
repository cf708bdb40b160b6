package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/boltstore"
	"aeobot/bot/tally"
)

// BenchmarkConsole asks for every page of the console of a real program that keeps 100,000
// questions of 30 days (10,000 of them different ones without an answer) and answers from
// 10,000 measures. It reports each page's slowest of ten, in milliseconds.
func BenchmarkConsole(b *testing.B) {
	dir := b.TempDir()
	fillConsole(b, filepath.Join(dir, "data"))
	articles := filepath.Join(dir, "articles")
	var files []string
	for name, data := range manyMeasures() {
		if err := os.MkdirAll(articles, 0o700); err != nil {
			b.Fatal(err)
		}
		file := filepath.Join(articles, name)
		if err := os.WriteFile(file, data, 0o600); err != nil {
			b.Fatal(err)
		}
		files = append(files, file)
	}
	slices.Sort(files)
	data := filepath.Join(dir, "data")
	if got := execute(b, dir, "", nil, append([]string{"knowledge", "import", "--data", data}, files...)...); got.status != 0 {
		b.Fatalf("%s%s", got.stdout, got.stderr)
	}
	if got := execute(b, dir, "", nil, "knowledge", "publish", "--data", data, "--author", "bench", "--reason", "bench", "--approver", "boss", "--override", "ten thousand more measures"); got.status != 0 {
		b.Fatalf("%s%s", got.stdout, got.stderr)
	}
	r := startShipped(b, dir, "AEOBOT_DATA_DIR="+data, consoleAccounts(b, "lin.yue:admin"))
	c := consoleClient(b, r)
	section := url.QueryEscape("文集00/口岸1的便利/1")
	proposed := c.proposeAsk(section)
	pages := []string{"/console/", "/console/try?q=" + url.QueryEscape("口岸3第7条的便利"), "/console/questions", "/console/questions?page=150", "/console/questions?state=all&q=" + url.QueryEscape("9999"),
		"/console/knowledge", "/console/knowledge?q=" + url.QueryEscape("第77条"), "/console/knowledge/document/" + url.PathEscape("文集03"), "/console/knowledge/passage?id=" + section,
		"/console/knowledge/measure", "/console/import", "/console/proposals", proposed, "/console/versions", "/console/versions/diff?from=0&to=1",
		"/console/corrections", "/console/evaluation", "/console/audit", "/console/questions/export/csv", "/console/questions/export/xlsx"}
	for _, page := range pages {
		name := strings.NewReplacer("/console", "", "?", " ").Replace(page)
		b.Run("page="+name, func(b *testing.B) {
			slowest := 0.0
			for b.Loop() {
				slowest = 0
				for range 10 {
					start := time.Now()
					if status, text := c.get(page); status != http.StatusOK {
						b.Fatalf("%d %s", status, text)
					}
					slowest = max(slowest, float64(time.Since(start).Microseconds())/1000)
				}
			}
			b.ReportMetric(slowest, "slowest-ms")
			b.ReportMetric(float64(r.resident()), "MiB")
		})
	}
}

// consoleVisitor is somebody at the console, without a browser.
type consoleVisitor struct {
	t    testing.TB
	base string
	http *http.Client
	csrf string
}

// consoleClient logs lin.yue in.
func consoleClient(t testing.TB, r *running) *consoleVisitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &consoleVisitor{t: t, base: r.base, http: &http.Client{Jar: jar}}
	if status, page := c.post("/console/login", url.Values{"name": {"lin.yue"}, "password": {consolePassword}}); status != http.StatusOK {
		t.Fatalf("%d %s", status, page)
	}
	_, page := c.get("/console/questions")
	_, rest, _ := strings.Cut(page, `name="csrf" value="`)
	c.csrf, _, _ = strings.Cut(rest, `"`)
	return c
}

func (c *consoleVisitor) get(path string) (int, string) {
	answer, err := c.http.Get(c.base + path)
	return c.read(answer, err)
}

func (c *consoleVisitor) post(path string, form url.Values) (int, string) {
	if c.csrf != "" {
		form.Set("csrf", c.csrf)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", c.base)
	return c.read(c.http.Do(r))
}

func (c *consoleVisitor) read(answer *http.Response, err error) (int, string) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, string(data)
}

// proposeAsk proposes a way to ask and gives the proposal's page when the gate is through.
func (c *consoleVisitor) proposeAsk(id string) string {
	c.t.Helper()
	passage, err := url.QueryUnescape(id)
	if err != nil {
		c.t.Fatal(err)
	}
	start := time.Now()
	status, page := c.post("/console/knowledge/passage", url.Values{"id": {passage}, "kind": {"ask"}, "value": {"怎么办夜间放行"}, "once": {"bench"}})
	_, rest, ok := strings.Cut(page, "<h1>提议 ")
	if status != http.StatusOK || !ok {
		c.t.Fatalf("%d %s", status, page)
	}
	number, _, _ := strings.Cut(rest, "<")
	for {
		if _, page = c.get("/console/proposals/" + number); !strings.Contains(page, "<progress") {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	c.t.Logf("gate over 10,000 measures: %.1f s", time.Since(start).Seconds())
	return "/console/proposals/" + number
}

// manyMeasures are 10,000 measures in ten documents.
func manyMeasures() map[string][]byte {
	files := map[string][]byte{}
	for d := range 10 {
		var b strings.Builder
		fmt.Fprintf(&b, "文集%02d：口岸便利措施汇编\n2026-11-%02d\n", d, d+1)
		for s := range 20 {
			fmt.Fprintf(&b, "\n口岸%d的便利\n", s+1)
			for m := range 50 {
				fmt.Fprintf(&b, "%d、对第%d类企业在第%d口岸办理的第%d条业务给予优先放行和减少查验的便利\n", m+1, d, s, m)
			}
		}
		files[fmt.Sprintf("文集%02d.txt", d)] = []byte(b.String())
	}
	return files
}

// fillConsole writes what a month leaves behind.
func fillConsole(b *testing.B, dir string) {
	b.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	s, err := boltstore.Open(filepath.Join(dir, "aeobot.db"), boltstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	workers := make(chan int)
	done := make(chan error)
	for range 16 {
		go func() {
			var err error
			for i := range workers {
				q := fmt.Sprintf("%c%c号仓库的第%d种货怎么办", '一'+rune(i%5000), '一'+rune(i/7%5000), i)
				if e := s.Miss(b.Context(), bot.NewMiss(q, "aibot", "", "", now.Add(-time.Duration(i)*time.Minute/4))); e != nil {
					err = e
				}
				f := bot.NewFeedback(fmt.Sprint("a", i), bot.Asker(fmt.Sprint("u", i)), bot.Rating(1+i%2), now.Add(-time.Duration(i)*time.Minute/4))
				f.Channel, f.Shown = "aibot", []string{fmt.Sprintf("文集%02d/口岸1的便利/%d", i%10, i%50+1)}
				if e := s.Rate(b.Context(), f); i%5 == 0 && e != nil {
					err = e
				}
			}
			done <- err
		}()
	}
	for i := range 10_000 {
		workers <- i
	}
	close(workers)
	for range 16 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	for d := range 30 {
		day := tally.Day{Date: now.AddDate(0, 0, -d).Format(time.DateOnly), Channels: map[string]tally.Counts{"aibot": {Asked: 3000, Answered: 2700}, "app": {Asked: 333, Answered: 300}},
			Took: map[int]int{80: 3000, 110: 300, 130: 33}, Measures: map[string]int{}}
		for m := range 500 {
			day.Measures[fmt.Sprintf("文集%02d/口岸%d的便利/%d", m%10, m%20+1, m%50+1)] = m
		}
		data, err := json.Marshal(day)
		if err != nil {
			b.Fatal(err)
		}
		for process := range 3 {
			if err := s.Put(b.Context(), "tally", fmt.Sprintf("%s.p%d", day.Date, process), data, 0, 90*24*time.Hour); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
