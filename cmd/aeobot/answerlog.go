package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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

// maxUnwritten bounds what waits to be written, in bytes: some ten thousand answers.
const maxUnwritten = 4 << 20

// answerLog keeps what was quoted. A replica writes its own. Lines are written once a
// second, whole or not at all; while they cannot be, they wait.
type answerLog struct {
	folder string
	keep   time.Duration
	log    *slog.Logger
	now    func() time.Time

	mu        sync.Mutex
	unwritten []byte // lines
	lost      int    // answers that there was no room for since it was last said

	writing sync.Mutex
	day     string
	file    *os.File
	trouble string // what was last said to be wrong
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
	if err != nil || len(a.unwritten)+len(line) >= maxUnwritten {
		a.lost++
		return
	}
	a.unwritten = append(append(a.unwritten, line...), '\n')
}

// flush writes what waits, and says when that cannot be done, or could not be for too long.
func (a *answerLog) flush() error {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	lines, lost := a.unwritten, a.lost
	a.lost = 0
	a.mu.Unlock()
	trouble := ""
	err := a.write(lines)
	if err != nil {
		trouble = err.Error()
	} else {
		a.mu.Lock()
		a.unwritten = append([]byte(nil), a.unwritten[len(lines):]...)
		a.mu.Unlock()
	}
	if lost > 0 || trouble != "" && trouble != a.trouble {
		a.log.Warn("quotations not kept for verify", slog.Int("answers_lost", lost), slog.Any("error", err))
	}
	a.trouble = trouble
	return err
}

// write appends lines to the day's file; a.writing is held. What was written of them when
// it fails is taken back.
func (a *answerLog) write(lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	if err := a.open(a.now().UTC().Format(time.DateOnly)); err != nil {
		return err
	}
	before, err := a.file.Stat()
	if err != nil {
		return err
	}
	n, err := a.file.Write(lines)
	if err != nil && n > 0 {
		err = errors.Join(err, a.file.Truncate(before.Size()))
	}
	return err
}

// open begins the day's file; a.writing is held. A line at its end that was begun and not
// ended was never kept: its writer died.
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
	name := filepath.Join(a.folder, day+".jsonl")
	data, err := os.ReadFile(name)
	if err == nil && len(data) > 0 && data[len(data)-1] != '\n' {
		err = os.Truncate(name, int64(bytes.LastIndexByte(data, '\n')+1))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	a.day, a.file = day, file
	return nil
}

// shut ends the file; a.writing is held.
func (a *answerLog) shut() error {
	if a.file == nil {
		return nil
	}
	err := a.file.Close()
	a.file = nil
	return err
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
		_ = a.flush() // which says so itself
		if ticks%3600 == 0 {
			a.sweep()
		}
	}
}

// close writes what waits and ends the file.
func (a *answerLog) close() error {
	err := a.flush()
	a.writing.Lock()
	defer a.writing.Unlock()
	if err = errors.Join(err, a.shut()); err != nil {
		return fmt.Errorf("quotations: %w", err)
	}
	return nil
}
