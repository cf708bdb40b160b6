package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"aeobot/bot"
)

// answersFolder is where in the data folder it is kept what was quoted: a file a day.
const answersFolder = "answers"

// quoted is one answer as it is kept: which bytes of which source stood in it, and nothing
// of who asked what.
type quoted struct {
	At      time.Time      `json:"at"`
	Channel string         `json:"channel"`
	Act     string         `json:"act"`
	Shown   []quotedSource `json:"shown"`
}

// quotedSource is one measure that was shown.
type quotedSource struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"` // of the source
	Start  int    `json:"start"`
	End    int    `json:"end"`
	// Text is the SHA-256 of the words as they were shown.
	Text string `json:"text"`
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// answerLog keeps what was quoted. A replica writes its own.
type answerLog struct {
	folder string
	keep   time.Duration
	log    *slog.Logger
	now    func() time.Time

	mu   sync.Mutex
	day  string
	file *os.File
	w    *bufio.Writer
	lost int // answers that could not be kept since it was last said
}

func newAnswerLog(folder string, keep time.Duration, log *slog.Logger) *answerLog {
	return &answerLog{folder: filepath.Join(folder, answersFolder), keep: keep, log: log, now: time.Now}
}

// observe keeps an answer that quotes something; a redelivery's is kept already.
func (a *answerLog) observe(e bot.Event) {
	if a.keep <= 0 || e.Replayed || len(e.Quoted) == 0 {
		return
	}
	q := quoted{At: a.now().UTC(), Channel: e.Channel, Act: e.Act}
	for _, s := range e.Quoted {
		q.Shown = append(q.Shown, quotedSource{s.ID, s.Source.SHA256, s.Source.Start, s.Source.End, digestOf(s.Text)})
	}
	line, err := json.Marshal(q)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		err = a.open(q.At.Format(time.DateOnly))
	}
	if err == nil {
		_, err = a.w.Write(append(line, '\n'))
	}
	if err != nil {
		a.lost++
	}
}

// open begins the day's file; a.mu is held.
func (a *answerLog) open(day string) error {
	if a.file != nil && a.day == day {
		return nil
	}
	if err := a.shut(); err != nil {
		return err
	}
	if err := os.MkdirAll(a.folder, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(a.folder, day+".jsonl"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	a.day, a.file, a.w = day, file, bufio.NewWriter(file)
	return nil
}

// shut ends the file; a.mu is held.
func (a *answerLog) shut() error {
	if a.file == nil {
		return nil
	}
	err := errors.Join(a.w.Flush(), a.file.Close())
	a.file = nil
	return err
}

// flush writes what is held back, and says when something could not be kept.
func (a *answerLog) flush() {
	a.mu.Lock()
	defer a.mu.Unlock()
	var err error
	if a.file != nil {
		if err = a.w.Flush(); err != nil {
			err = errors.Join(err, a.shut()) // a writer that failed once fails for ever
		}
	}
	if err != nil || a.lost > 0 {
		a.log.Warn("quotations not kept for verify", slog.Int("answers", a.lost), slog.Any("error", err))
		a.lost = 0
	}
}

// sweep removes the files of days that are over for long enough.
func (a *answerLog) sweep() {
	files, err := filepath.Glob(filepath.Join(a.folder, "*.jsonl"))
	for _, file := range files {
		day, bad := time.Parse(time.DateOnly, strings.TrimSuffix(filepath.Base(file), ".jsonl"))
		if bad == nil && a.now().Sub(day) > a.keep+24*time.Hour {
			err = errors.Join(err, os.Remove(file))
		}
	}
	if err != nil {
		a.log.Warn("old quotations not removed", slog.Any("error", err))
	}
}

// run flushes every second and sweeps every hour until ctx ends.
func (a *answerLog) run(ctx context.Context) {
	a.sweep()
	for ticks := 1; ; ticks++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
		a.flush()
		if ticks%3600 == 0 {
			a.sweep()
		}
	}
}

// close writes what is held back and ends the file.
func (a *answerLog) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.shut(); err != nil {
		return fmt.Errorf("quotations: %w", err)
	}
	return nil
}
