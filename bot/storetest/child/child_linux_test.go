package child_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"aeobot/bot/storetest/child"
)

// ending is set in the test binaries that TestProcessesEndWithTheTestBinary starts, to how
// they end.
const ending = "AEOBOT_TEST_ENDING"

func TestMain(m *testing.M) {
	if os.Getenv(ending) != "" { // before the time limit begins to run
		cat := exec.Command("cat")
		cat.Stdin, cat.Stdout = os.NewFile(3, "stdin"), os.NewFile(4, "stdout")
		if err := child.Start(cat); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// TestProcessesEndWithTheTestBinary starts a test binary that has a child, ends it in each
// way that runs no clean-up, and waits until the child is gone: nobody holds its end of the
// pipe any more.
func TestProcessesEndWithTheTestBinary(t *testing.T) {
	switch os.Getenv(ending) {
	case "":
	case "panic":
		go panic("as a test may")
		select {}
	case "exit":
		os.Exit(1)
	default:
		select {}
	}
	for how, flags := range map[string][]string{"killed": nil, "panic": nil, "exit": nil, "time limit": {"-test.timeout=1ms"}} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			in, toChild := pipe(t)
			fromChild, out := pipe(t)
			cmd := exec.Command(os.Args[0], append(flags, "-test.run=^TestProcessesEndWithTheTestBinary$")...)
			cmd.Env = append(os.Environ(), ending+"="+how)
			cmd.ExtraFiles = []*os.File{in, out}
			child.StartFor(t, cmd)
			out.Close()
			if how == "killed" { // the others end by themselves
				talk(t, toChild, fromChild)
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			if err := fromChild.SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
				t.Fatal(err)
			}
			if left, err := io.ReadAll(fromChild); err != nil {
				t.Errorf("the child is still there: %q, %v", left, err)
			}
		})
	}
}

// TestProcessesOutliveTheThreadThatStartedThem: the thread of a test may end at any time.
func TestProcessesOutliveTheThreadThatStartedThem(t *testing.T) {
	in, toChild := pipe(t)
	fromChild, out := pipe(t)
	cmd := exec.Command("cat")
	cmd.Stdin, cmd.Stdout = in, out
	thread := make(chan int)
	var start func()
	start = func() {
		runtime.LockOSThread() // with the goroutine its thread ends
		if syscall.Gettid() == os.Getpid() {
			defer runtime.UnlockOSThread() // but for the first one: let another do it
			go start()
			<-t.Context().Done()
			return
		}
		child.StartFor(t, cmd)
		thread <- syscall.Gettid()
	}
	go start()
	for task := fmt.Sprintf("/proc/self/task/%d", <-thread); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(task); err != nil {
			break
		}
	}
	out.Close() // or nothing would end the reading when the child has ended
	talk(t, toChild, fromChild)
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// talk says something to cat and waits for it to come back.
func talk(t *testing.T, to io.Writer, from io.Reader) {
	t.Helper()
	const word = "here"
	if _, err := io.WriteString(to, word); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(word))
	if _, err := io.ReadFull(from, got); err != nil || string(got) != word {
		t.Fatalf("%q, %v", got, err)
	}
}
