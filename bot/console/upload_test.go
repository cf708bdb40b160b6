package console_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// uploadOf is the form of an upload, and its type.
func uploadOf(t *testing.T, csrf, name, text string) (form []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	err := w.WriteField("csrf", csrf)
	part, err2 := w.CreateFormFile("file", name)
	if err = errors.Join(err, err2); err == nil {
		_, err = io.WriteString(part, text)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), w.FormDataContentType()
}

// waiting is a part of a body: none, and not before it may.
type waiting <-chan struct{}

func (w waiting) Read([]byte) (int, error) {
	<-w
	return 0, io.EOF
}

// sentFirst is how much of an upload is sent before it has to wait: enough for the client to
// send anything, and not what the server would read of a body to keep a connection.
const sentFirst = 8 << 10

// sent is an upload under way.
type sent struct {
	status int
	page   string
	err    error
}

// sendUpload uploads a form, most of it when it may.
func (v *visitor) sendUpload(form []byte, contentType string, may <-chan struct{}, done chan<- sent) {
	first := min(sentFirst, len(form))
	body := io.MultiReader(bytes.NewReader(form[:first]), waiting(may), bytes.NewReader(form[first:]))
	r, err := http.NewRequest(http.MethodPost, v.o.base+"/console/import", body)
	if err != nil {
		done <- sent{err: err}
		return
	}
	r.ContentLength = int64(len(form))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Origin", v.o.base)
	client := http.Client{Jar: v.c.Jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		done <- sent{err: err}
		return
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	done <- sent{answer.StatusCode, string(page), err}
}

// take waits for n answers.
func take(t *testing.T, n int, done <-chan sent) map[int]int {
	t.Helper()
	statuses, late := map[int]int{}, time.After(2*time.Minute)
	for range n {
		select {
		case s := <-done:
			if s.err != nil {
				t.Fatal(s.err)
			}
			if s.status == http.StatusServiceUnavailable && !strings.Contains(s.page, "有人正在导入，请过一会儿再传") {
				t.Errorf("they read %s", visible(s.page))
			}
			statuses[s.status]++
		case <-late:
			t.Fatalf("answered: %v, and no more", statuses)
		}
	}
	return statuses
}

// TestTwelveUploadsAtOnce: three are taken, the others are told so before they have sent
// their file. Strangers, whose uploads hang there first, take no place.
func TestTwelveUploadsAtOnce(t *testing.T) {
	o := newOffice(t, nil)
	lin := o.enter("lin.yue")
	form, contentType := uploadOf(t, lin.csrf, "通知.txt", "通知\n一、口岸\n1、"+strings.Repeat("货物优先查验。", 100_000))
	may, strangers, done := make(chan struct{}), make(chan sent, 5), make(chan sent, 12)
	send := sync.OnceFunc(func() { close(may) })
	t.Cleanup(send) // before the server is closed, which waits for them
	stranger := &visitor{o: o, c: &http.Client{}}
	for range 5 {
		go stranger.sendUpload(form, contentType, may, strangers)
	}
	for range 12 {
		go lin.sendUpload(form, contentType, may, done)
	}
	if got := take(t, 9, done); got[http.StatusServiceUnavailable] != 9 {
		t.Fatalf("before any file was sent: %v", got)
	}
	send()
	if got := take(t, 3, done); got[http.StatusSeeOther] != 3 {
		t.Errorf("those that were taken: %v", got)
	}
}

// TestUploadKeepsItsPlaceUntilItIsRead, though its request has ended; then there is room again.
func TestUploadKeepsItsPlaceUntilItIsRead(t *testing.T) {
	may := make(chan struct{})
	o := newOfficeHolding(t, nil, may)
	read := sync.OnceFunc(func() { close(may) })
	t.Cleanup(read) // before the console is closed, which waits for them
	lin, now, done := o.enter("lin.yue"), make(chan struct{}), make(chan sent, 4)
	close(now)
	form, contentType := uploadOf(t, lin.csrf, "通知.txt", "通知\n一、口岸\n1、货物优先查验。")
	for range 3 {
		go lin.sendUpload(form, contentType, now, done)
	}
	if got := take(t, 3, done); got[http.StatusSeeOther] != 3 {
		t.Fatalf("the first three: %v", got)
	}
	lin.sendUpload(form, contentType, now, done)
	if got := take(t, 1, done); got[http.StatusServiceUnavailable] != 1 {
		t.Errorf("the fourth, while they are read: %v", got)
	}
	read()
	for end := time.Now().Add(time.Minute); ; {
		lin.sendUpload(form, contentType, now, done)
		if take(t, 1, done)[http.StatusSeeOther] == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("there is never room again")
		}
	}
}

// TestBadUploadGivesItsPlaceBack: what is refused after it was admitted counts no more.
func TestBadUploadGivesItsPlaceBack(t *testing.T) {
	o := newOffice(t, nil)
	lin, now, done := o.enter("lin.yue"), make(chan struct{}), make(chan sent, 1)
	close(now)
	form, contentType := uploadOf(t, "forged", "通知.txt", "通知")
	for range 5 {
		lin.sendUpload(form, contentType, now, done)
		if got := take(t, 1, done); got[http.StatusForbidden] != 1 {
			t.Errorf("%v", got)
		}
		if status, _ := lin.post("/console/import"); status != http.StatusBadRequest {
			t.Errorf("%d", status)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	o := newOffice(t, nil)
	visitors := map[string]*http.Client{"a stranger": {}, "lin.yue": o.enter("lin.yue").c}
	for _, tt := range []struct{ method, path, allow string }{
		{"DELETE", "/console/", "GET, HEAD"}, {"POST", "/console/versions", "GET, HEAD"}, {"PUT", "/console/import", "GET, HEAD, POST"},
		{"GET", "/console/versions/3/restore", "POST"}, {"HEAD", "/console/questions/x/teach", "POST"}, {"PATCH", "/console/proposals/A-1", "GET, HEAD, POST"},
		{"OPTIONS", "/console/login", "GET, HEAD, POST"}, {"GET", "/console/logout", "POST"}, {"DELETE", "/console/oauth/back", "GET, HEAD"},
		{"POST", "/console/static/console.css", "GET, HEAD"}, {"DELETE", "/console/nothing", ""}, {"DELETE", "/console/import/template/x/y", ""},
	} {
		for who, c := range visitors {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, o.base+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", o.base)
			answer, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if allow := answer.Header.Get("Allow"); allow != tt.allow || (answer.StatusCode == http.StatusMethodNotAllowed) != (tt.allow != "") {
				t.Errorf("%s: %s %s: %d, Allow %q, want %q", who, tt.method, tt.path, answer.StatusCode, allow, tt.allow)
			}
			if answer.Header.Get("X-Content-Type-Options") == "" {
				t.Errorf("%s %s lacks what every answer says to browsers", tt.method, tt.path)
			}
		}
	}
}

// TestAddressesAreRefused: an address that is none of the web is refused with its line and
// the fix, in notes and in a file, and stands on no page.
func TestAddressesAreRefused(t *testing.T) {
	o := newOffice(t, nil)
	lin := o.enter("lin.yue")
	const path, bad = "/console/knowledge/notes/aeo-incentives", "javascript:alert(1)"
	notes, was, err := o.desk.Notes("aeo-incentives")
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(notes), "http://www.zx.suzhou.gov.cn/", bad+"//", 1)
	line := fmt.Sprintf("aeo-incentives.notes.yaml:%d", 1+strings.Count(changed[:strings.Index(changed, bad)], "\n"))
	status, page := lin.post(path, "was", was, "do", "propose", "text", changed, "reason", "换网址", "once", "x")
	o.demand(status, page, 400, line, "url 不是可以给人看的网址", "改法：", "https://")
	status, page = lin.post(path, "was", was, "do", "preview", "text", changed)
	o.demand(status, page, 200, line, "不能提议")
	status, page = lin.upload("通知.md", []byte("---\ntitle: 通知\nurl: "+bad+"\n---\n# 一节\n1. 可以预约查验\n"))
	o.demand(status, page, 422, "3", "url 不是可以给人看的网址", "https://")
	if strings.Contains(page, `="`+bad) {
		t.Errorf("a link: %s", visible(page))
	}
}
