package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"aeobot/index"
)

// ErrPanic means that making a reply panicked. The text that follows names the type of
// what was thrown: its value may quote the question.
var ErrPanic = errors.New("engine: panic while answering")

// errKept means that a question that could not be answered for an error is on the
// coordinators' list.
var errKept = errors.New("engine: the question is on the list of those without an answer")

// Search decides what a text gets, in what is left of the message's time for searching.
// Time is also over when the process was frozen meanwhile, without any searching: a search
// takes milliseconds, so once it is tried again.
func (t *turn) Search(ctx context.Context, text string) (index.Decision, error) {
	if t.until.IsZero() {
		return t.searcher.Search(ctx, text)
	}
	d, err := t.searchUntil(ctx, text, t.until)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && !t.again {
		t.again, t.until = true, time.Now().Add(secondWind)
		return t.searchUntil(ctx, text, t.until)
	}
	return d, err
}

func (t *turn) searchUntil(ctx context.Context, text string, until time.Time) (index.Decision, error) {
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	return t.searcher.Search(ctx, text)
}

// safely makes the reply; a panic is an error of this message alone.
func (t *turn) safely() (r Reply, err error) {
	defer func() {
		if v := recover(); v != nil {
			t.log.Error("panic while answering", slog.String("value", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
			err = fmt.Errorf("%w (%T)", ErrPanic, v)
		}
	}()
	r, err = t.respond()
	return r, cmp.Or(err, t.failed)
}

// broken keeps the question that an error left without an answer.
func (t *turn) broken(err error) error {
	question := cmp.Or(t.text, t.message.Text, t.asked)
	if t.unanswered == nil || strings.HasPrefix(question, "/") {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), noteTimeout)
	defer cancel()
	if lost := t.unanswered.Miss(ctx, NewMiss(question, t.message.Surface.Name, "", t.message.ID, t.now)); lost != nil {
		t.log.Warn("unanswered question not kept", slog.Any("error", lost))
		return err
	}
	return fmt.Errorf("%w; %w", err, errKept)
}
