package eval

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// Exam is a set of judged questions of every kind.
type Exam struct {
	Single, OutOfScope []Question
	Dialogs            []Dialog
	Compounds          []Compound
}

// known are the judged questions that are looked at while building: those kept aside
// are no part of the program.
//
//go:embed questions/given-*.jsonl questions/dev-*.jsonl
var known embed.FS

// Known gives the judged questions that come with the program.
func Known() (e Exam, err error) {
	var errs [4]error
	e.Single, errs[0] = readKnown("single", checkQuestion)
	e.OutOfScope, errs[1] = readKnown("outofscope", checkQuestion)
	e.Dialogs, errs[2] = readKnown("dialogs", checkDialog)
	e.Compounds, errs[3] = readKnown("compound", checkCompound)
	return e, errors.Join(errs[:]...)
}

func readKnown[V any](kind string, check func(V) error) (all []V, err error) {
	names, err := fs.Glob(known, "questions/*-"+kind+".jsonl")
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	for _, name := range names {
		f, err := known.Open(name)
		if err != nil {
			return nil, fmt.Errorf("eval: %w", err)
		}
		some, err := scanLines(f, name, check)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// Len is how many questions and turns there are to ask.
func (e Exam) Len() int {
	n := len(e.Single) + len(e.OutOfScope) + len(e.Compounds)
	for _, d := range e.Dialogs {
		n += len(d.Turns)
	}
	return n
}

// Judge asks everything.
func (e Exam) Judge(ctx context.Context, c Contents, answer Answerer) (v Verdicts, err error) {
	if v.Answerable, err = Judge(ctx, e.Single, c, answer); err != nil {
		return v, err
	}
	if v.OutOfScope, err = Judge(ctx, e.OutOfScope, c, answer); err != nil {
		return v, err
	}
	if v.Dialogs, err = JudgeDialogs(ctx, e.Dialogs, c, answer); err != nil {
		return v, err
	}
	v.Compounds, err = JudgeCompounds(ctx, e.Compounds, c, answer)
	return v, err
}
