package main

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"time"

	"github.com/spf13/cobra"

	"aeobot/bot/console"
	"aeobot/knowledge/intake"
)

// What people upload to the console is read in a process of its own, `aeobot read-upload`:
// it can be killed when nobody waits any more, it may run out of memory without taking the
// answers down, and it is handed nothing but the file.

const (
	readerCommand = "read-upload"
	// readerMemory is where the collector begins to work harder, readerLimit where the
	// process gives up. The hostile files of the tests stay below the first.
	readerMemory = 160 << 20
	readerLimit  = 400 << 20
	// exitMemory is the status of a process that gave up.
	exitMemory = 3
)

// readerRequest is what the process is asked to read; the file follows it as it is.
type readerRequest struct {
	Upload console.Upload // without Data
	Size   int
}

// readerMessage is what the process says: how far it is, then what came out.
type readerMessage struct {
	Done, All int
	Result    *readerResult
}

type readerResult struct {
	Intake  intake.Intake // without the document
	Refused *readerRefusal
}

// readerRefusal is an intake.Refused; its error goes as text.
type readerRefusal struct{ File, Err, Message, Mend string }

// readerProgram is the program that is started to read an upload.
type readerProgram string

// ownProgram is this program.
func ownProgram() (readerProgram, error) {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe", nil // also when the file was replaced by a newer one
	}
	file, err := os.Executable()
	return readerProgram(file), err
}

// read reads an upload in a process of its own, which ends with ctx.
func (p readerProgram) read(ctx context.Context, u console.Upload, o intake.Options) (intake.Intake, error) {
	cmd := exec.CommandContext(ctx, string(p), readerCommand)
	cmd.Env = []string{} // no secret, and no path to anything
	in, err := cmd.StdinPipe()
	if err != nil {
		return intake.Intake{}, fmt.Errorf("import: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return intake.Intake{}, fmt.Errorf("import: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return intake.Intake{}, fmt.Errorf("import: %w", err)
	}
	go func() {
		head := readerRequest{u, len(u.Data)}
		head.Upload.Data = nil              // an encoder would make copies of it
		_ = gob.NewEncoder(in).Encode(head) // a process that does not read says why at its end
		_, _ = in.Write(u.Data)
		_ = in.Close()
	}()
	result, err := readerOutcome(out, o)
	_, _ = io.Copy(io.Discard, out) // so that it can end
	ended := cmd.Wait()
	switch exit := (*exec.ExitError)(nil); {
	case ctx.Err() != nil:
		return intake.Intake{}, ctx.Err()
	case errors.As(ended, &exit) && exit.ExitCode() == exitMemory:
		return intake.Intake{}, &intake.Refused{File: u.Name, Err: intake.ErrLarge, Message: "读它要的内存太多", Mend: "拆成几个文件，或把文字粘贴进来"}
	case ended != nil:
		return intake.Intake{}, fmt.Errorf("import: the reading process failed: %w", ended)
	case err != nil:
		return intake.Intake{}, fmt.Errorf("import: the reading process: %w", err)
	case result.Refused != nil:
		r := result.Refused
		return intake.Intake{}, &intake.Refused{File: r.File, Err: errors.New(r.Err), Message: r.Message, Mend: r.Mend}
	}
	return result.Intake, nil
}

// readerOutcome follows the process until it has a result.
func readerOutcome(out io.Reader, o intake.Options) (*readerResult, error) {
	for messages := gob.NewDecoder(out); ; {
		var m readerMessage
		if err := messages.Decode(&m); err != nil {
			return nil, err
		}
		if m.Result != nil {
			return m.Result, nil
		}
		if o.Progress != nil {
			o.Progress(m.Done, m.All)
		}
	}
}

// newReader is the command of the process.
func newReader() *cobra.Command {
	return &cobra.Command{
		Use:    readerCommand,
		Short:  "读维护台收到的一个文件（由 serve 启动）",
		Hidden: true,
		Args:   arguments(cobra.NoArgs, "it reads from standard input"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			debug.SetMemoryLimit(readerMemory)
			go giveUp(readerLimit)
			u, err := readRequest(bufio.NewReader(cmd.InOrStdin()))
			if err != nil {
				return usageError{fmt.Errorf("%s: %w; it is started by serve", readerCommand, err)}
			}
			said := gob.NewEncoder(cmd.OutOrStdout())
			var broken error // the pipe is, once and for all
			in, err := u.Read(cmd.Context(), intake.Options{Progress: func(done, all int) {
				broken = errors.Join(broken, said.Encode(readerMessage{Done: done, All: all}))
			}})
			result := &readerResult{Intake: in}
			result.Intake.Document = nil // read again from the files where it is shown
			if refused := (*intake.Refused)(nil); errors.As(err, &refused) {
				result.Refused = &readerRefusal{refused.File, refused.Err.Error(), refused.Message, refused.Mend}
			} else if err != nil {
				return err
			}
			return errors.Join(broken, said.Encode(readerMessage{Result: result}))
		},
	}
}

// readRequest reads what the process is asked. Its reader is one that gob takes no more of than
// it needs.
func readRequest(in *bufio.Reader) (console.Upload, error) {
	var r readerRequest
	if err := gob.NewDecoder(in).Decode(&r); err != nil {
		return console.Upload{}, err
	}
	if r.Size < 0 || r.Size > intake.MaxBytes {
		return console.Upload{}, fmt.Errorf("a file of %d bytes", r.Size)
	}
	r.Upload.Data = make([]byte, r.Size)
	_, err := io.ReadFull(in, r.Upload.Data)
	return r.Upload, err
}

// giveUp ends the process when its memory passes a limit, in bytes.
func giveUp(limit uint64) {
	sample := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range time.Tick(10 * time.Millisecond) {
		runtimemetrics.Read(sample)
		if sample[0].Value.Uint64()-sample[1].Value.Uint64() > limit {
			os.Exit(exitMemory)
		}
	}
}
