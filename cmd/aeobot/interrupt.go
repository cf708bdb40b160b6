package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signalled is the cause of a context that a signal has ended.
type signalled struct{ syscall.Signal }

func (s signalled) Error() string { return "stopped by a signal: " + s.String() }

// untilSignalled gives a context that ends at Ctrl-C or SIGTERM. A second Ctrl-C ends the
// program at once, whatever it is still waiting for.
func untilSignalled() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		got := <-signals
		signal.Reset(syscall.SIGINT)
		cancel(signalled{got.(syscall.Signal)}) // no other kind there is
	}()
	return ctx
}

// signalOf is the signal that ended a context; 0: none.
func signalOf(ctx context.Context) syscall.Signal {
	var s signalled
	errors.As(context.Cause(ctx), &s)
	return s.Signal
}

// exitStatus is the one by which shells know that a signal ended a program.
func exitStatus(ctx context.Context) int { return 128 + int(signalOf(ctx)) }

// interruptible reads from a stream until ctx ends, with the cause as error then. A read
// under way cannot be broken off, so it is left behind. It begins with the first Read: what
// a command does not read stays for the next program.
func interruptible(ctx context.Context, in io.Reader) io.Reader {
	out, to := io.Pipe()
	context.AfterFunc(ctx, func() { to.CloseWithError(context.Cause(ctx)) })
	return &lazyReader{Reader: out, start: func() {
		_, err := io.Copy(to, in)
		to.CloseWithError(err)
	}}
}

type lazyReader struct {
	io.Reader
	once  sync.Once
	start func()
}

func (l *lazyReader) Read(p []byte) (int, error) {
	l.once.Do(func() { go l.start() })
	return l.Reader.Read(p)
}
