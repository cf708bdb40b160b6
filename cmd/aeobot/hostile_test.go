//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aeobot/bot/storetest"
	"aeobot/bot/storetest/child"
)

// What one upload may take. Processor time of the process that reads is measured, not the
// clock: a loaded machine changes nothing about it. It is several times what was seen.
const (
	uploadMemory = 200 // MB, of the reading process
	serveGrowth  = 256 // MB that serve takes more than before, over all files; collecting is late on a loaded machine
	uploadTime   = 8 * time.Second
)

// TestHostileUploads sends the files of knowledge/intake that were made to hurt through the
// console of a real process, as a coordinator: each is read or refused with bounded means, by
// the process that reads it and by serve, which answers on. With -v it prints what each took.
func TestHostileUploads(t *testing.T) {
	folder := t.TempDir()
	write := exec.Command("go", "test", "-count=1", "-run=^TestHostileFiles$", "../../knowledge/intake")
	write.Env = append(os.Environ(), "INTAKE_TEST_WRITE="+folder)
	if out, err := child.CombinedOutput(write); err != nil {
		t.Fatalf("the files are not written: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	slices.Sort(files)
	r := startServe(t, t.TempDir(), append(serveEnv(), consoleAccounts(t, "lin.yue:coordinator"))...)
	c := consoleClient(t, r)
	idle := peakOf(r.cmd.Process.Pid)
	watched := watchReaders(t, r.cmd.Process.Pid)
	t.Logf("serve before: %d MB", idle)
	for i, file := range files {
		if testing.Short() && i%8 > 0 {
			continue
		}
		before, began := childTime(t, r.cmd.Process.Pid), time.Now()
		outcome := c.uploads(file)
		took, peak, served := childTime(t, r.cmd.Process.Pid)-before, watched(), peakOf(r.cmd.Process.Pid)
		t.Logf("%-45s %5d ms CPU %6d ms in all, reader %4d MB, serve %4d MB: %s", filepath.Base(file), took.Milliseconds(), time.Since(began).Milliseconds(), peak, served, outcome)
		if outcome == "" {
			t.Errorf("%s: neither read nor refused", filepath.Base(file))
		}
		if took > uploadTime || peak > uploadMemory || served > idle+serveGrowth {
			t.Errorf("%s: took %v and %d MB, serve %d MB after %d; want at most %v, %d MB, and %d MB more", filepath.Base(file), took, peak, served, idle, uploadTime, uploadMemory, serveGrowth)
		}
	}
	if got := newSpeaker(t, r.base).says("", "zhao", "海关直接激励措施"); !strings.Contains(got, "1、") {
		t.Errorf("afterwards it answers %q", got)
	}
	r.stop()
}

// uploads sends a file and waits for what becomes of it; empty: nothing.
func (c *consoleVisitor) uploads(file string) string {
	c.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	_ = w.WriteField("csrf", c.csrf) // a buffer takes all
	part, _ := w.CreateFormFile("file", filepath.Base(file))
	_, _ = part.Write(data)
	_ = w.Close()
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.base+"/console/import", &body)
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", w.FormDataContentType())
	request.Header.Set("Origin", c.base)
	answer, err := c.http.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	page, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	for end := time.Now().Add(storetest.Patience); err == nil && answer.StatusCode == http.StatusOK && bytes.Contains(page, []byte("正在读文件")) && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		_, text := c.get(answer.Request.URL.Path)
		page = []byte(text)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	for mark, what := range map[string]string{"没有收下": "refused", "要先改好的": "problems", "和现行的差别": "read"} {
		if bytes.Contains(page, []byte(mark)) {
			return what
		}
	}
	c.t.Logf("%s: status %d: %.500s", filepath.Base(file), answer.StatusCode, page)
	return ""
}

// childTime is the processor time of a process's children that have ended.
func childTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, ok := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if err != nil || !ok || len(fields) < 15 {
		t.Fatalf("/proc/%d/stat: %q, %v", pid, data, err)
	}
	user, err := strconv.Atoi(fields[13]) // cutime and cstime, in hundredths of a second
	system, err2 := strconv.Atoi(fields[14])
	if err != nil || err2 != nil {
		t.Fatalf("/proc/%d/stat: %q", pid, data)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// peakOf is a process's greatest memory so far, in MB; 0: it has ended.
func peakOf(pid int) (mb int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	_, _ = fmt.Sscanf(rest, "%d", &mb)
	return mb >> 10
}

// watchReaders looks at the processes that read uploads until the test ends. What it gives
// tells the greatest memory of any since it was last asked.
func watchReaders(t *testing.T, pid int) func() int {
	var mu sync.Mutex
	peak := 0
	var watching sync.WaitGroup
	ctx := t.Context()
	watching.Go(func() {
		for ctx.Err() == nil {
			lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
			for _, list := range lists {
				children, _ := os.ReadFile(list)
				for _, id := range strings.Fields(string(children)) {
					number, _ := strconv.Atoi(id)
					// For a moment a child is its parent still.
					if line, _ := os.ReadFile("/proc/" + id + "/cmdline"); bytes.Contains(line, []byte(readerCommand)) {
						mu.Lock()
						peak = max(peak, peakOf(number))
						mu.Unlock()
					}
				}
			}
			time.Sleep(3 * time.Millisecond)
		}
	})
	t.Cleanup(watching.Wait)
	return func() int {
		mu.Lock()
		defer mu.Unlock()
		was := peak
		peak = 0
		return was
	}
}
