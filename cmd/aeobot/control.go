package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aeobot/bot/boltstore"
	"aeobot/configs"
)

// The embedded store is one process's. A command that needs what a running serve has in it
// hands its arguments to that, over a socket in the data folder, which only the program's own
// user can open: serve runs the command with its store and gives back what it wrote.

// controlSocket is the socket's name in the data folder.
const controlSocket = "serve.sock"

// controlled are the commands that serve runs for others.
var controlled = []string{"unanswered", "forget"}

// controlWithin bounds a command that serve runs.
const controlWithin = 2 * time.Minute

// controlAnswer is what came of a command.
type controlAnswer struct {
	Stdout string `json:"stdout"`
	Error  string `json:"error,omitempty"`
	Usage  bool   `json:"usage,omitempty"` // the error is a mistake in the call
	Short  bool   `json:"short,omitempty"` // it has said itself what fell short
}

type storeKey struct{}

// lentStore keeps a command from closing the store that serve lends it.
type lentStore struct{ store }

func (lentStore) Close() error { return nil }

func (lentStore) CloseCompact() error { return nil }

// storeFor is the store that serve lends, or one that is opened.
func storeFor(ctx context.Context, c configs.Config, log *slog.Logger) (store, error) {
	if s, ok := ctx.Value(storeKey{}).(store); ok {
		return lentStore{s}, nil
	}
	return openStore(c, log)
}

// orServe runs a command here, or has a running serve run it that has the store.
func orServe(cmd *cobra.Command, c configs.Config, args []string, here func() error) error {
	err := here()
	if !errors.Is(err, boltstore.ErrInUse) {
		return err
	}
	answer, asked := askServe(cmd.Context(), c, append(append([]string{cmd.Name()}, changedFlags(cmd)...), args...))
	if asked != nil {
		return fmt.Errorf("%w (the running serve could not be asked: %w)", err, asked)
	}
	fmt.Fprint(cmd.OutOrStdout(), answer.Stdout)
	switch {
	case answer.Short:
		return errShort
	case answer.Usage:
		return usageError{errors.New(answer.Error)}
	case answer.Error != "":
		return errors.New(answer.Error)
	}
	return nil
}

// changedFlags are a command's own flags as they were given. Serve has settings of its own,
// and stands in another folder.
func changedFlags(cmd *cobra.Command) (flags []string) {
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Changed {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		for _, v := range values {
			if f.Name == "xlsx" {
				if whole, err := filepath.Abs(v); err == nil {
					v = whole
				}
			}
			flags = append(flags, "--"+f.Name+"="+v)
		}
	})
	return append(flags, "--author="+cmd.Flag("author").Value.String())
}

// controlPath is the socket as this process reaches it; the system takes short names only.
func controlPath(c configs.Config) string {
	path := filepath.Join(c.DataDir, controlSocket)
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if short, err := filepath.Rel(here, path); err == nil && len(short) < len(path) {
		return short
	}
	return path
}

func askServe(ctx context.Context, c configs.Config, args []string) (a controlAnswer, err error) {
	body, err := json.Marshal(args)
	if err != nil {
		return a, err
	}
	client := http.Client{Timeout: controlWithin, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", controlPath(c))
	}}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://serve/", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return a, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return a, fmt.Errorf("it answers %s", answer.Status)
	}
	return a, json.NewDecoder(answer.Body).Decode(&a)
}

// control runs commands for others until ctx ends, where the store is this process's alone.
func (s *server) control(ctx context.Context) {
	if s.settings.Redis.URL.Reveal() != "" {
		return
	}
	path := controlPath(s.settings)
	_ = os.Remove(path) // of a serve that was killed; the store is ours, so nobody listens there
	listener, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		s.log.Warn("other commands cannot be run beside serve", slog.Any("error", err))
		return
	}
	server := &http.Server{Handler: http.HandlerFunc(s.runFor), ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Warn("other commands cannot be run beside serve any more", slog.Any("error", err))
		}
	}()
	<-ctx.Done()
	if err := server.Close(); err != nil {
		s.log.Debug("control socket not closed", slog.Any("error", err))
	}
	<-ended
}

// runFor runs a command that another process was given.
func (s *server) runFor(w http.ResponseWriter, r *http.Request) {
	var args []string
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&args); err != nil || len(args) == 0 || !slices.Contains(controlled, args[0]) {
		http.Error(w, "no command that can be run here", http.StatusBadRequest)
		return
	}
	if err := errors.Join(s.given.Flush(r.Context()), s.questions.Flush(r.Context())); err != nil {
		s.log.Warn("the latest records are not written yet", slog.Any("error", err))
	}
	ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), storeKey{}, s.store), controlWithin)
	defer cancel()
	var out bytes.Buffer
	root := newRoot()
	root.SetArgs(append(s.asFlags(), args...))
	root.SetOut(&out)
	root.SetErr(&out)
	err := root.ExecuteContext(ctx)
	answer := controlAnswer{Stdout: out.String(), Short: errors.Is(err, errShort)}
	if err != nil {
		answer.Error = err.Error()
		answer.Usage = errors.As(err, new(usageError))
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.log.Debug("a command's answer not delivered", slog.Any("error", err))
	}
}

// asFlags are the settings that this serve was started with.
func (s *server) asFlags() []string {
	flags := []string{"--data=" + s.settings.DataDir}
	if s.settingsFile != "" {
		flags = append(flags, "--config="+s.settingsFile)
	}
	for _, path := range s.settings.Knowledge.Paths {
		flags = append(flags, "--knowledge="+path)
	}
	return flags
}
