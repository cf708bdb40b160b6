package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/netutil"
)

// listener is an address at which serve answers.
type listener struct {
	key, address string // as set
	mux          *http.ServeMux
	open         net.Listener
	http         *http.Server
}

// maxConnections bounds open connections of a listener; each costs some 20 KiB. Two
// thousand clients that never finish a request must leave room for the platform.
const maxConnections = 4096

// listener finds the one of a setting; without an address it is the common one.
func (s *server) listener(key, address string) *listener {
	address = cmp.Or(address, s.settings.Listen)
	for _, l := range s.listeners {
		if l.address == address {
			return l
		}
	}
	l := &listener{key: key, address: address, mux: http.NewServeMux()}
	l.http = &http.Server{
		Handler: l.mux,
		// A callback is one small POST answered within seconds; whoever is slower
		// than this is no platform.
		ReadHeaderTimeout: 3 * time.Second, ReadTimeout: 5 * time.Second,
		WriteTimeout: 10 * time.Second, IdleTimeout: 60 * time.Second,
		MaxHeaderBytes: 16 << 10,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.listeners = append(s.listeners, l)
	return l
}

// listen opens all listeners, or none.
func (s *server) listen() (err error) {
	for _, l := range s.listeners {
		if l.open, err = net.Listen("tcp", l.address); err != nil {
			err = fmt.Errorf("%s: %w; free the port or set another", l.key, err)
			return errors.Join(err, s.closeListeners())
		}
	}
	return nil
}

// closeListeners closes what is open.
func (s *server) closeListeners() (err error) {
	for _, l := range s.listeners {
		if l.open != nil {
			err = errors.Join(err, l.open.Close())
		}
	}
	return err
}

// serve answers until ctx ends or a listener breaks down. What takes messages ends first,
// then what works on them, then what is open.
func (s *server) serve(ctx context.Context) error {
	taking, stopTaking := context.WithCancel(ctx)
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	defer s.running.Wait()
	defer stopWorking()
	defer stopTaking()
	s.keepRunning(working)
	if s.long != nil {
		s.running.Go(func() { s.long.Run(taking) })
	}
	failed := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		if s.chat != nil {
			l.http.RegisterOnShutdown(s.chat.EndPolls)
		}
		go func() { failed <- l.http.Serve(netutil.LimitListener(l.open, maxConnections)) }()
	}
	s.logOpenings()
	select {
	case err := <-failed:
		for _, l := range s.listeners {
			err = errors.Join(err, l.http.Close())
		}
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	return s.shutDown(ctx, stopWorking)
}

func (s *server) logOpenings() {
	s.log.Info("serving", slog.String("address", s.listeners[0].open.Addr().String()), slog.String("state", s.store.Kind()))
	c := s.settings
	if s.chat != nil { // its stand-in for a channel is none
		c.WeCom.AIBot.Token = ""
	}
	for _, o := range openings(c) {
		s.log.Info("open", slog.String("address", o.address), slog.String("path", o.path), slog.String("to", o.to.english))
	}
}

// shutDown says that it is about to stop, finishes what is in hand and closes the channels.
func (s *server) shutDown(ctx context.Context, stopWorking func()) error {
	s.stopping.Store(true)
	if d := s.settings.ShutdownDelay; signalOf(ctx) == syscall.SIGTERM && d > 0 {
		s.log.Info("stopping: not ready any more, still answering", slog.Duration("for", d))
		for _, l := range s.listeners {
			l.http.SetKeepAlivesEnabled(false)
		}
		time.Sleep(d)
	}
	s.log.Info("stopping: finishing the replies in hand")
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.settings.ShutdownTimeout)
	defer cancel()
	err := s.shutDownListeners(end)
	stopWorking()
	s.running.Wait()
	if s.app != nil {
		err = errors.Join(err, s.app.Close(end))
	}
	if s.aibot != nil {
		s.aibot.Close()
	}
	if s.kf != nil {
		s.kf.Close()
	}
	if err != nil {
		return fmt.Errorf("serve: stopped before all replies were out: %w", err)
	}
	return nil
}

// shutDownListeners waits for the requests under way, at most until ctx ends.
func (s *server) shutDownListeners(ctx context.Context) error {
	errs := make([]error, len(s.listeners))
	var all sync.WaitGroup
	for i, l := range s.listeners {
		all.Go(func() { errs[i] = l.http.Shutdown(ctx) })
	}
	all.Wait()
	return errors.Join(errs...)
}
