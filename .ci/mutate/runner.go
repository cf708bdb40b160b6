package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed switch.go.txt
var switchSource string

// runner runs the tests of a mutated package.
type runner struct {
	p       *mutated
	dir     string // of our own: the test binary, the overlay, the log
	binary  string
	reaches map[int][]string         // mutant → tests that reach it, the quickest first
	took    map[string]time.Duration // without a mutant
}

type result struct {
	mutant
	reached  bool
	caughtBy string // test, empty when the mutant survived
}

func compile(ctx context.Context, p *mutated) (*runner, error) {
	dir, err := os.MkdirTemp("", "aeobot-mutate-")
	if err != nil {
		return nil, err
	}
	r := &runner{p: p, dir: dir, binary: filepath.Join(dir, "tests"), reaches: map[int][]string{}, took: map[string]time.Duration{}}
	replace := map[string]string{}
	write := func(original, text string) error {
		replace[original] = filepath.Join(dir, filepath.Base(original))
		return os.WriteFile(replace[original], []byte(text), 0o644)
	}
	for original, text := range p.files {
		if err := write(original, string(text)); err != nil {
			return nil, err
		}
	}
	if err := write(filepath.Join(p.dir, "zz_mutant.go"), strings.Replace(switchSource, "PACKAGE", p.name, 1)); err != nil {
		return nil, err
	}
	overlay := filepath.Join(dir, "overlay.json")
	description, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(overlay, description, 0o644); err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", r.binary, p.path).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("the package with its mutants does not compile: %w\n%s", err, out)
	}
	return r, nil
}

// command runs one test, or lists them. Files that it writes lie in the runner's folder.
func (r *runner) command(ctx context.Context, mutant string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.binary, args...)
	cmd.Dir = r.p.dir
	cmd.Env = append(os.Environ(), "MUTANT="+mutant, "TMPDIR="+r.dir, "AEOBOT_TEST_REQUIRE=1")
	return cmd
}

func (r *runner) learn(ctx context.Context, tests string) error {
	out, err := r.command(ctx, "", "-test.list", tests).Output()
	if err != nil {
		return err
	}
	for test := range strings.FieldsSeq(string(out)) {
		if err := r.learnTest(ctx, test); err != nil {
			return fmt.Errorf("%s: %w", test, err)
		}
	}
	for _, tests := range r.reaches {
		slices.SortFunc(tests, func(a, b string) int { return int(r.took[a] - r.took[b]) })
	}
	return nil
}

// learnTest notes how long a test takes and which mutants it reaches.
func (r *runner) learnTest(ctx context.Context, test string) error {
	log := filepath.Join(r.dir, "reached")
	defer os.Remove(log)
	cmd := r.command(ctx, "", "-test.run", "^"+test+"$", "-test.short")
	cmd.Env = append(cmd.Env, "MUTANT_LOG="+log)
	start := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fails without a mutant: %w\n%s", err, out)
	}
	r.took[test] = time.Since(start)
	f, err := os.Open(log)
	if os.IsNotExist(err) {
		return nil
	} else if err != nil {
		return err
	}
	defer f.Close()
	seen := map[int]bool{} // a test's processes write the same log
	for lines := bufio.NewScanner(f); lines.Scan(); {
		id, err := strconv.Atoi(lines.Text())
		if err != nil || seen[id] {
			continue
		}
		seen[id] = true
		r.reaches[id] = append(r.reaches[id], test)
	}
	return nil
}

func (r *runner) tryAll(ctx context.Context, mutants []mutant, workers int) []result {
	results := make([]result, len(mutants))
	var wg sync.WaitGroup
	slots := make(chan struct{}, workers)
	for i, m := range mutants {
		slots <- struct{}{}
		wg.Go(func() {
			results[i] = r.try(ctx, m)
			<-slots
		})
	}
	wg.Wait()
	return results
}

func (r *runner) try(ctx context.Context, m mutant) result {
	tests := r.reaches[m.id]
	for _, test := range tests {
		// What takes far longer than without the mutant hangs.
		limit := 10*time.Second + 20*r.took[test]
		cmd := r.command(ctx, strconv.Itoa(m.id), "-test.run", "^"+test+"$", "-test.short", "-test.timeout", limit.String())
		if cmd.Run() != nil {
			return result{m, true, test}
		}
	}
	return result{m, len(tests) > 0, ""}
}
