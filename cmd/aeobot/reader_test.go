package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"aeobot/bot/console"
	"aeobot/knowledge/intake"
)

// TestUploadsAreReadApart: another process reads what this one would have read, refuses
// what this one would have refused, and says how far it is.
func TestUploadsAreReadApart(t *testing.T) {
	reader := readerProgram(program(t))
	for _, u := range []console.Upload{
		{Name: "差旅.md", Data: []byte("# 差旅规定\n\n2026-01-01\n\n1. 机票坐经济舱\n2. 酒店五百元\n")},
		{Title: "差旅规定", Date: "2026-01-01", Data: []byte("一、住宿\n1、酒店五百元\n")},
		{Name: "问答.csv", Data: []byte("节,原文,问法\n差旅,机票坐经济舱,能坐头等舱吗\n差旅,,没有原文\n")},
		{Name: "深.md", Data: []byte(strings.Repeat("> ", 3_000) + "a")},
		{Name: "a.pdf", Data: []byte("%PDF-1.7")},
	} {
		want, wantErr := u.Read(t.Context(), intake.Options{})
		got, err := reader.read(t.Context(), u, intake.Options{})
		var refused, wantRefused *intake.Refused
		if errors.As(err, &refused) != errors.As(wantErr, &wantRefused) || refused != nil && (refused.Message != wantRefused.Message || refused.Mend != wantRefused.Mend) {
			t.Errorf("%s: got %v, want %v", u.Name, err, wantErr)
		}
		if refused == nil && err != nil {
			t.Errorf("%s: got %v", u.Name, err)
		}
		if got.Title != want.Title || got.Counts != want.Counts || !slices.Equal(got.Problems, want.Problems) || !slices.Equal(got.Warnings, want.Warnings) ||
			!maps.EqualFunc(got.Files, want.Files, slices.Equal) {
			t.Errorf("%s: got %+v, want %+v", u.Name, got, want)
		}
	}
	table := "节,原文\n" + strings.Repeat("差旅,机票坐经济舱\n", 1_000)
	told := 0
	if _, err := reader.read(t.Context(), console.Upload{Name: "a.csv", Data: []byte(table)}, intake.Options{Progress: func(done, _ int) { told = done }}); err != nil || told == 0 {
		t.Errorf("got %v and progress %d, want some", err, told)
	}
}

// TestReaderThatFails: a process that does not end is killed, one that ran out of memory
// is a file that is too large, and any other end is an error. None has a secret of ours.
func TestReaderThatFails(t *testing.T) {
	t.Setenv("AEOBOT_WECOM_APP_SECRET", "geheim")
	script := func(body string) readerProgram {
		file := filepath.Join(t.TempDir(), "reader")
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return readerProgram(file)
	}
	started := filepath.Join(t.TempDir(), "started")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		for t.Context().Err() == nil {
			if _, err := os.Stat(started); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	}()
	large := console.Upload{Name: "a.md", Data: make([]byte, 1<<20)}
	if _, err := script("echo $$ >"+started+"; exec /bin/sleep 600").read(ctx, large, intake.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader that does not end: got %v", err)
	}
	if _, err := script("exit 3").read(t.Context(), large, intake.Options{}); !errors.Is(err, intake.ErrLarge) {
		t.Errorf("out of memory: got %v", err)
	}
	if _, err := script("exit 7").read(t.Context(), large, intake.Options{}); err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("a failure: got %v", err)
	}
	if _, err := script("echo nonsense").read(t.Context(), large, intake.Options{}); err == nil {
		t.Error("nonsense was believed")
	}
	if _, err := script(`[ -z "$AEOBOT_WECOM_APP_SECRET" ] || exit 3; exit 8`).read(t.Context(), large, intake.Options{}); err == nil || !strings.Contains(err.Error(), "exit status 8") {
		t.Errorf("the environment: got %v", err)
	}
}
