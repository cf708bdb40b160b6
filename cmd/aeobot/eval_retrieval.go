package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"aeobot/index"
	"aeobot/index/eval"
	"aeobot/knowledge"
)

// evaluateRetrieval measures plain search over any collection.
func (g *global) evaluateRetrieval(cmd *cobra.Command, f evalFlags) (err error) {
	if f.passages == "" || f.queries == "" {
		return usageError{errors.New("--passages and --queries go together; give both files")}
	}
	queries, err := eval.ReadQueries(f.queries)
	if err != nil {
		return usageError{err}
	}
	c, err := eval.OpenCollection(f.passages)
	if err != nil {
		return usageError{err}
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	settings, err := g.settings()
	if err != nil {
		return err
	}
	options := indexOptions(settings, func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "aeobot: "+text) })
	if g.data == "" {
		options.Folder = "" // a measurement leaves nothing behind unless it is told where
	}
	start := time.Now()
	generation, err := index.BuildPlain(cmd.Context(), collection{c}, c.Fingerprint, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, generation.Close()) }()
	built := time.Since(start)
	var asked atomic.Int64
	progress := sayProgress(cmd.ErrOrStderr())
	report, err := eval.Retrieve(cmd.Context(), queries, func(ctx context.Context, question string) ([]string, error) {
		progress(int(asked.Add(1)), 2*len(queries))
		return generation.Retrieve(ctx, question, depth)
	})
	if err != nil {
		return err
	}
	report.Passages, report.BuildSeconds, report.Reopened = c.Len(), float64(built.Milliseconds())/1000, generation.Reopened()
	if f.asJSON {
		return report.WriteJSON(cmd.OutOrStdout())
	}
	return report.Write(cmd.OutOrStdout())
}

// depth is how many passages of a ranking are looked at.
const depth = 50

// collection is a file of passages as the index takes it.
type collection struct{ *eval.Collection }

func (c collection) At(i int) (knowledge.Passage, error) {
	p, err := c.Passage(i)
	return knowledge.Passage{ID: p.ID, Heading: p.Title, Text: p.Text}, err
}
