// Command breaks breaks promises on purpose: it applies each break of the tables (*.txt) to a copy
// of the file, runs the test that holds the promise, and fails on a break that the test
// does not notice.
//
//	go run ./.ci/breaks                 every break
//	go run ./.ci/breaks -run 'once'     those whose name matches
//	go run ./.ci/breaks -list           the table of promises, breaks and tests, as Markdown
//
// The working tree is never changed: go test reads the broken file through an overlay.
package main

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

//go:embed *.txt
var tables embed.FS

func main() {
	match := flag.String("run", "", "only breaks whose name matches this expression")
	list := flag.Bool("list", false, "print the table and run nothing")
	workers := flag.Int("p", 2, "breaks tried at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *match, *list, *workers); err != nil {
		fmt.Fprintf(os.Stderr, "breaks: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, match string, list bool, workers int) error {
	breaks, err := parseAll()
	if err != nil {
		return err
	}
	wanted, err := regexp.Compile(match)
	if err != nil {
		return err
	}
	if list {
		printTable(breaks)
		return nil
	}
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		faults []error
		slots  = make(chan struct{}, workers)
	)
	for _, b := range breaks {
		if !wanted.MatchString(b.name) {
			continue
		}
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			start := time.Now()
			err := try(ctx, b)
			mu.Lock()
			defer mu.Unlock()
			verdict := "red"
			if err != nil {
				verdict = err.Error()
				faults = append(faults, fmt.Errorf("%s: %w", b.name, err))
			}
			fmt.Printf("%-4s %5.1fs  %s\n", verdict, time.Since(start).Seconds(), b.name)
		})
	}
	wg.Wait()
	return errors.Join(append(faults, ctx.Err())...)
}

// printTable writes one row a break.
func printTable(breaks []promiseBreak) {
	fmt.Print("| promise | broken by | noticed by |\n| --- | --- | --- |\n")
	for _, b := range breaks {
		promise, what, _ := strings.Cut(b.name, ": ")
		fmt.Printf("| %s | %s (`%s`) | `%s` in `%s` |\n", promise, what, b.file, b.test, b.pkg)
	}
}

// try reports nil when the test goes red under the break.
func try(ctx context.Context, b promiseBreak) error {
	source, err := os.ReadFile(b.file)
	if err != nil {
		return err
	}
	if n := strings.Count(string(source), b.old); n != 1 {
		return fmt.Errorf("its old lines stand %d times in %s; they must stand once", n, b.file)
	}
	broken := strings.Replace(string(source), b.old, b.new, 1)
	dir, err := os.MkdirTemp("", "aeobot-break-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := writeOverlay(dir, b.file, broken)
	if err != nil {
		return err
	}
	// The test runs alone and uncached, without vet: a break need not be good style.
	cmd := exec.CommandContext(ctx, ".ci/test", "-overlay", overlay, "-vet=off", "-count=1", "-timeout=5m",
		"-run", "^("+b.test+")$", b.pkg)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.CombinedOutput()
	return judge(string(out), err)
}

func judge(out string, err error) error {
	switch {
	case strings.Contains(out, "[build failed]"), strings.Contains(out, "[setup failed]"):
		return fmt.Errorf("does not compile:\n%s", out)
	case strings.Contains(out, "no tests to run"):
		return errors.New("there is no such test")
	case err == nil:
		return errors.New("NOT NOTICED")
	case !strings.Contains(out, "--- FAIL") && !strings.Contains(out, "panic:"):
		return fmt.Errorf("no test failed, yet go test did:\n%s", out)
	}
	return nil
}

// writeOverlay writes the broken file and the description that go's -overlay wants.
func writeOverlay(dir, file, broken string) (string, error) {
	original, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	replacement := filepath.Join(dir, filepath.Base(file))
	if err := os.WriteFile(replacement, []byte(broken), 0o644); err != nil {
		return "", err
	}
	description, err := json.Marshal(map[string]map[string]string{"Replace": {original: replacement}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, description, 0o644)
}
