// Package child starts the processes of tests, so that none of them outlives the test binary:
// a later run must not meet what an earlier one has left.
package child

import (
	"bytes"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
)

// starters runs functions on a thread of its own, which lives as long as the process.
// Linux sends the signal of a parent's death when the thread ends that started the child,
// not when its process does.
var starters = sync.OnceValue(func() chan<- func() {
	queue := make(chan func())
	go func() {
		runtime.LockOSThread() // and is never unlocked
		for start := range queue {
			start()
		}
	}()
	return queue
})

// Start starts a command that ends with the test binary, however that ends: by its time
// limit, a panic or SIGKILL. Every process of a test is started by it, or by Run; what
// lives as long as a test by StartFor.
func Start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	endWithParent(cmd.SysProcAttr)
	started := make(chan error, 1)
	starters() <- func() { started <- cmd.Start() }
	return <-started
}

// Run is Start, and waits for the end.
func Run(cmd *exec.Cmd) error {
	if err := Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}

// Output is Run, and gives what the command has written to standard output.
func Output(cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	err := Run(cmd)
	return out.Bytes(), err
}

// CombinedOutput is Output with standard error.
func CombinedOutput(cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := Run(cmd)
	return out.Bytes(), err
}

// StartFor is Start; what still runs at the end of the test is killed, and with it what it
// has started.
func StartFor(t testing.TB, cmd *exec.Cmd) {
	t.Helper()
	if err := Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil { // nobody has waited for it yet, so that the number is still its own
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait() // how it ended was for the test to judge
		}
	})
}
