//go:build linux

package main

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"aeobot/bot/storetest/child"
	"aeobot/bot/wecom/envelope"
	"aeobot/bot/wecom/platform"
)

// fillDisk lets a process write to no file any more, as if the disk were full, or again.
// It needs no rights and no disk of its own.
func fillDisk(t *testing.T, r *running, full bool) {
	t.Helper()
	limit := syscall.Rlimit{Cur: ^uint64(0), Max: ^uint64(0)}
	if full {
		limit.Cur = 0
	}
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(r.cmd.Process.Pid), uintptr(syscall.RLIMIT_FSIZE), uintptr(unsafe.Pointer(&limit)), 0, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
}

// plight is something wrong with the machine that a running bot lives through.
type plight struct {
	name       string
	env        []string
	begin, end func(t *testing.T, p *patient)
	// says stands in /readyz meanwhile.
	says string
	// keeps tells that what was asked in vain is on the list afterwards.
	keeps bool
}

// patient is a bot that lives through a plight.
type patient struct {
	*running
	*speaker
	dir, knowledge string
	env            []string
	pages          atomic.Int64 // that the application has sent by itself
	appCodec       *envelope.Codec
}

func (p *patient) awaitReady(what string, words ...string) {
	p.running.t.Helper()
	p.await(what, func() bool {
		_, body := p.get("/readyz")
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(body, w) })
	})
}

func overwrite(t *testing.T, file string, from int, with byte) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(slices.Repeat([]byte{with}, int(info.Size())-from), int64(from))
	}
	if err != nil {
		t.Fatal(err)
	}
}

var plights = []plight{
	{"disk full", nil,
		func(t *testing.T, p *patient) { fillDisk(t, p.running, true) },
		func(t *testing.T, p *patient) { fillDisk(t, p.running, false) }, "file too large", true},
	{"store damaged", nil,
		func(t *testing.T, p *patient) { overwrite(t, storeFile(p.dir), 2*os.Getpagesize(), 0xEE) },
		func(t *testing.T, p *patient) { p.restartWithoutStore(t) }, "damaged", false},
	{"store cut short", nil,
		func(t *testing.T, p *patient) {
			if err := os.Truncate(storeFile(p.dir), int64(os.Getpagesize())); err != nil {
				t.Fatal(err)
			}
		},
		func(t *testing.T, p *patient) { p.restartWithoutStore(t) }, "damaged", false},
	{"article broken", nil,
		func(t *testing.T, p *patient) { p.article(t, []byte{0xFF, 0xFE, 0x00}) },
		func(t *testing.T, p *patient) { p.article(t, wholeArticle(t)) }, "the old one stays", true},
}

// article puts another file in the article's place and has it read.
func (p *patient) article(t *testing.T, data []byte) {
	t.Helper()
	if err := os.WriteFile(p.knowledge, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// restartWithoutStore is what the error of a damaged store asks for.
func (p *patient) restartWithoutStore(t *testing.T) {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it ends with an error: the file cannot be closed
	_ = p.cmd.Wait()
	if err := os.Rename(storeFile(p.dir), storeFile(p.dir)+".damaged"); err != nil {
		t.Fatal(err)
	}
	r := startServeAt(t, strings.TrimPrefix(p.running.base, "http://"), p.dir, p.env...)
	p.running = r
}

// TestPlights: while something is wrong with the machine, questions are answered, follow-ups
// count in what was seen last or say that the memory is away, a message delivered again
// gets the same bytes, further pages go out, /readyz says what it is; then all is well
// again, and what was asked in vain is on the list.
func TestPlights(t *testing.T) {
	for _, plight := range plights {
		t.Run(plight.name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			seen := p.says("g", "u1", "海关直接激励措施")
			plight.begin(t, p)
			p.answers(t, "u2")
			p.followsUp(t)
			if got := p.delivers("m1", "g", "u1", "海关直接激励措施"); got != seen {
				t.Errorf("once: delivered again it says %q", got)
			}
			p.unanswerable(t)
			p.pushes(t)
			p.awaitReady("named in /readyz", `"status":"degraded"`, plight.says)
			plight.end(t, p)
			p.awaitReady("ready again", `"status":"ready"`)
			p.answers(t, "u3")
			p.followsUp(t)
			if plight.keeps {
				p.kept(t)
			}
		})
	}
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{dir: t.TempDir(), knowledge: filepath.Join(t.TempDir(), "aeo-incentives.txt")}
	if err := os.WriteFile(p.knowledge, wholeArticle(t), 0o644); err != nil {
		t.Fatal(err)
	}
	standIn := &platform.API{}
	server := httptest.NewServer(standIn)
	t.Cleanup(server.Close)
	standIn.Corp(testCorp, "app-secret").Listen(func(platform.Sent) { p.pages.Add(1) })
	p.env = []string{"AEOBOT_KNOWLEDGE_PATHS=" + p.knowledge, "AEOBOT_WECOM_API_BASE_URL=" + server.URL,
		"AEOBOT_WECOM_APP_SECRET=app-secret", "AEOBOT_WECOM_APP_CARDS=false"}
	p.running = startServe(t, p.dir, p.env...)
	p.speaker = newSpeaker(t, p.running.base)
	var err error
	if p.appCodec, err = envelope.New(testAppToken, testAppKey, testCorp); err != nil {
		t.Fatal(err)
	}
	return p
}

// wholeArticle is the article that the program brings along.
func wholeArticle(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(shippedArticle)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (p *patient) answers(t *testing.T, user string) {
	t.Helper()
	if got := p.says("g", user, "能免除担保吗"); !strings.Contains(got, "5、可向海关申请免除担保") {
		t.Errorf("answer: %q", got)
	}
}

func (p *patient) followsUp(t *testing.T) {
	t.Helper()
	p.says("g", "u1", "地方政府特色支持")
	if got := p.says("g", "u1", "第6条"); !strings.Contains(got, "6、在行政服务中心试点设立AEO服务专窗") && !strings.Contains(got, "暂时读不到之前的对话") {
		t.Errorf("follow-up: %q", got)
	}
}

const inVain = "AEO认证费用多少钱"

func (p *patient) unanswerable(t *testing.T) {
	t.Helper()
	if got := p.says("g", "u4", inVain); !strings.Contains(got, "暂时无法答复") {
		t.Errorf("refusal: %q", got)
	}
}

// kept looks at the coordinators' list once the process, which has the store, has ended.
func (p *patient) kept(t *testing.T) {
	t.Helper()
	p.stop()
	list := execute(t, p.dir, "", nil, "unanswered", "--json")
	if !strings.Contains(list.stdout, inVain) {
		t.Errorf("unanswered: %s%s", list.stdout, list.stderr)
	}
}

// pushes has the application send the further pages of a long answer.
func (p *patient) pushes(t *testing.T) {
	t.Helper()
	before := p.pages.Load()
	now := strconv.FormatInt(time.Now().Unix(), 10)
	plain := fmt.Sprintf(`<xml><ToUserName>%s</ToUserName><FromUserName>u5</FromUserName><CreateTime>%s</CreateTime><MsgType>text</MsgType><Content>海关直接激励措施有哪些？跨部门联合激励措施有哪些？</Content><MsgId>77</MsgId><AgentID>1000017</AgentID></xml>`, testCorp, now)
	sealed, err := p.appCodec.Seal([]byte(plain), now, "n1")
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"msg_signature": {sealed.Signature}, "timestamp": {sealed.Timestamp}, "nonce": {sealed.Nonce}}
	answer, err := platformClient.Post(p.running.base+"/wecom/app?"+query.Encode(), "text/xml", strings.NewReader("<xml><Encrypt>"+sealed.Encrypt+"</Encrypt></xml>"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	p.await("pushed", func() bool { return p.pages.Load() > before })
}

// TestDiskFullForEdits: nothing that changes the knowledge is half done while the disk is
// full: in the chat and at the command line it is refused with the reason, and goes through
// once there is room. What was quoted meanwhile can still be proved.
func TestDiskFullForEdits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := startServe(t, dir, "AEOBOT_CURATION_COORDINATORS=lin.yue", "AEOBOT_CURATION_PEOPLE=1")
	s := newSpeaker(t, r.base)
	teach := "/教 优先通关实现方式 1 " + unheardOf
	fillDisk(t, r, true)
	if got := s.says("g", "lin.yue", teach); !strings.Contains(got, "暂时办不了") || !strings.Contains(got, "什么都没有改动") {
		t.Errorf("teaching: %q", got)
	}
	if got := s.says("g", "u", "能免除担保吗"); !strings.Contains(got, "5、可向海关申请免除担保") {
		t.Errorf("answer: %q", got)
	}
	r.await("said that quotations wait", func() bool { return strings.Contains(r.stderr.String(), "quotations not kept for verify") })
	notes := editedNotes(t, unheardOfAsked)
	publish := []string{"knowledge", "publish", "--author", "a", "--approver", "b", "--reason", "r", notes}
	cmd := exec.Command("sh", append([]string{"-c", `ulimit -f 0; exec "$0" "$@"`, program(t)}, publish...)...)
	cmd.Dir, cmd.Env = dir, cleanEnv()
	said, err := child.CombinedOutput(cmd)
	if cmd.ProcessState.ExitCode() != exitUsage || !strings.Contains(string(said), "file too large") {
		t.Errorf("publish: %v: %s", err, said)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "data", publishedFolder, "*")); err != nil || len(left) != 0 {
		t.Errorf("it left %v behind, %v", left, err)
	}
	fillDisk(t, r, false)
	r.await("ready again", func() bool { _, body := r.get("/readyz"); return strings.Contains(body, `"status":"ready"`) })
	proposal := ""
	r.await("taught", func() bool {
		if m := proposalIn.FindStringSubmatch(s.says("g", "lin.yue", teach)); m != nil {
			proposal = m[1]
		}
		return proposal != ""
	})
	r.await("published", func() bool { return strings.Contains(s.says("g", "lin.yue", "/准 "+proposal), "已发布版本 1") })
	r.await("answered from it", func() bool { return strings.Contains(s.says("g", "u", unheardOf), "设立AEO企业专用窗口") })
	r.stop()
	if got := execute(t, dir, "", nil, "verify"); got.status != 0 || !strings.Contains(got.stdout, "0 处不符") {
		t.Errorf("verify: status %d: %s%s", got.status, got.stdout, got.stderr)
	}
	if log, err := os.ReadFile(filepath.Join(dir, "data", "audit.jsonl")); err != nil || !strings.Contains(string(log), `"what":"publish"`) {
		t.Errorf("audit log: %v: %s", err, log)
	}
	if got := execute(t, dir, "", nil, "audit", "verify"); got.status != 0 {
		t.Errorf("audit verify: %s%s", got.stdout, got.stderr)
	}
}

// TestClockWrong: by callbacks that are refused for their time nobody is answered; what is
// refused is named, and once the clock is right everything is as it was.
func TestClockWrong(t *testing.T) {
	r := startServe(t, t.TempDir(), "AEOBOT_WECOM_MAX_CLOCK_SKEW=5m")
	s := newSpeaker(t, r.base)
	section := s.says("g", "u", "海关直接激励措施")
	s.off = 6 * time.Minute
	for _, text := range []string{"能免除担保吗", "第3条", inVain} {
		if got, err := s.try("w-"+text, "g", "u", text); err == nil {
			t.Errorf("%s, six minutes off: %q", text, got)
		}
	}
	r.await("named", func() bool {
		_, body := r.get("/readyz")
		return strings.Contains(body, `"status":"degraded"`) && strings.Contains(body, "the clock here is off by")
	})
	s.off = 0
	if got := s.delivers("m1", "g", "u", "海关直接激励措施"); got != section {
		t.Errorf("once: %q", got)
	}
	if got := s.delivers("w-第3条", "g", "u", "第3条"); !strings.Contains(got, "3、") {
		t.Errorf("follow-up: %q", got)
	}
	if got := s.says("g", "u", inVain); !strings.Contains(got, "待答清单") {
		t.Errorf("unanswered: %q", got)
	}
	r.await("ready again", func() bool { _, body := r.get("/readyz"); return strings.Contains(body, `"status":"ready"`) })
}
