// Command mutate asks whether a package's tests notice small changes of its code. It
// writes every change (mutant) into one copy of the package, each behind a switch, compiles
// that once, learns which tests reach which mutant, and runs those tests with one mutant
// switched on at a time, the quickest first, until one fails.
//
//	go run ./.ci/mutate ./bot/desk               every mutant of the package
//	go run ./.ci/mutate -file decide.go -run 'Approve|Reject' ./bot/desk
//
// A survivor that is listed with a reason in survivors.txt is explained; any other makes
// the command fail. The working tree is never changed.
//
// mutants.go says what is changed, runner.go runs the tests.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	file := flag.String("file", "", "only mutants of this file (base name)")
	tests := flag.String("run", "^(Test|Fuzz|Example)", "only tests whose name matches this expression")
	workers := flag.Int("p", 2, "mutants tried at once")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "mutate: name one package, as ./bot/desk")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, flag.Arg(0), *file, *tests, *workers); err != nil {
		fmt.Fprintf(os.Stderr, "mutate: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, pattern, file, tests string, workers int) error {
	explained, err := readExplained()
	if err != nil {
		return err
	}
	p, err := load(ctx, pattern)
	if err != nil {
		return err
	}
	r, err := compile(ctx, p)
	if err != nil {
		return err
	}
	defer os.RemoveAll(r.dir)
	if err := r.learn(ctx, tests); err != nil {
		return err
	}
	var wanted []mutant
	for _, m := range p.mutants {
		if file == "" || m.file == file {
			wanted = append(wanted, m)
		}
	}
	results := r.tryAll(ctx, wanted, workers)
	if err := ctx.Err(); err != nil { // what was called off was not caught
		return err
	}
	return report(results, p.path, explained)
}

// report prints the survivors and the score, and fails on a survivor without a reason.
func report(results []result, path string, explained map[string]string) error {
	caught, unexplained := 0, 0
	for _, r := range results {
		if r.caughtBy != "" {
			caught++
			continue
		}
		reason := explained[path+"/"+r.key()]
		if reason == "" {
			unexplained++
			reason = "NOT EXPLAINED"
			if !r.reached {
				reason = "NOT EXPLAINED, reached by no test"
			}
		}
		fmt.Printf("survived  %s/%s (line %d): %s\n", path, r.key(), r.line, reason)
	}
	share := 100.0
	if len(results) > 0 {
		share = 100 * float64(caught) / float64(len(results))
	}
	fmt.Printf("%s: %d mutants, %d caught (%.1f %%), %d survived, %d of them explained\n",
		path, len(results), caught, share, len(results)-caught, len(results)-caught-unexplained)
	if unexplained > 0 {
		return fmt.Errorf("%d survivors are not explained", unexplained)
	}
	return nil
}
