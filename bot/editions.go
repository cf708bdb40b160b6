package bot

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"aeobot/index"
	"aeobot/knowledge"
)

// Editions finds the texts that were in force on a day.
type Editions interface {
	// On gives what answers for a day. now is the generation that answers for today; whoever
	// calls it holds it.
	On(ctx context.Context, now *index.Generation, day string) (Edition, error)
}

// Edition is what answers for a day.
type Edition struct {
	// InForce are the texts in force on that day; nil: none is known.
	InForce *index.Generation
	// Later are the first known texts of documents of which none is known that old; nil:
	// there are none such.
	Later *index.Generation
	// Since is from which day those hold, by document.
	Since map[string]string
	// Release gives the generations back; nil: there is nothing to give back.
	Release func()
}

// presentOnly answers for every day from what is in force now.
type presentOnly struct{}

func (presentOnly) On(_ context.Context, now *index.Generation, _ string) (Edition, error) {
	return Edition{InForce: now}, nil
}

// on makes the turn answer for a day, from the texts in force on it.
func (t *turn) on(day string) {
	t.day = day
	if day == t.today {
		t.use(t.index)
		return
	}
	switch e := t.edition(day); {
	case e.InForce != nil:
		t.use(e.InForce)
	case e.Later != nil:
		t.use(e.Later)
	}
}

func (t *turn) use(g *index.Generation) {
	t.library, t.searcher = g.Library(), t.searcherOf(g)
}

// past reports whether texts of another day answer.
func (t *turn) past() bool { return t.library != t.index.Library() }

// edition finds what answers for a day. What goes wrong is kept in t.failed, and the turn
// gets no reply.
func (t *turn) edition(day string) Edition {
	if e, known := t.editions[day]; known {
		return e
	}
	e, err := t.editionsOf.On(t.ctx, t.index, day)
	if err != nil {
		t.failed = err
		return Edition{}
	}
	t.editions[day] = e
	return e
}

// release gives back what was taken for other days.
func (t *turn) release() {
	for _, e := range t.editions {
		if e.Release != nil {
			e.Release()
		}
	}
}

// askEarliest asks the first known texts of documents of which none is known that old; a
// question that those do not answer either has the decisions of before.
func (t *turn) askEarliest(text string, before []Asked) ([]Asked, error) {
	e := t.editions[t.day]
	if e.InForce == nil || e.Later == nil {
		return before, nil
	}
	t.use(e.Later)
	asked, err := Read(t.ctx, t, text)
	if err != nil || anyAnswered(asked) {
		return asked, err
	}
	t.use(e.InForce)
	return before, nil
}

// recallOn finds what references name in what answers for the day, going over to the first
// known texts when they are of those.
func (t *turn) recallOn(refs []string) {
	e := t.editions[t.day]
	if e.InForce != nil && e.Later != nil && len(recall(t.library, refs)) == 0 && len(recall(e.Later.Library(), refs)) > 0 {
		t.use(e.Later)
	}
}

// sameWords finds hits again in the library of another day: the same words, or what has
// their number.
func (t *turn) sameWords(hits []hit) []hit {
	byText := map[string]knowledge.Passage{}
	for _, p := range t.library.Passages() {
		byText[p.Text] = p
	}
	var found []hit
	for _, h := range hits {
		if p, same := byText[h.passage.Text]; same {
			found = append(found, hit{passage: p, score: 1, clause: h.clause})
		} else {
			found = append(found, recall(t.library, []string{h.ref()})...)
		}
	}
	return found
}

// earlier tells of documents that nothing is known of on the day asked about.
func (t *turn) earlier(hits []hit) string {
	if from := t.firstEdition(hits); from != "" {
		return fmt.Sprintf(textNoEdition, from)
	}
	return ""
}

// firstEdition is since when a document is known that nothing is known of on the day asked
// about; empty: there is none.
func (t *turn) firstEdition(hits []hit) string {
	if t.day == t.today {
		return ""
	}
	since := t.editions[t.day].Since
	for _, h := range hits {
		d := h.passage.Document
		if from := cmp.Or(since[d.ID], d.Date); from > t.day {
			return from
		}
	}
	return ""
}

// lookedIn says in which texts there is no answer.
func (t *turn) lookedIn() string {
	e := t.editions[t.day]
	if e.InForce != nil || len(e.Since) == 0 {
		return fmt.Sprintf(textDayRefused, t.day)
	}
	return fmt.Sprintf(textDayUnknown, t.day, slices.Min(slices.Collect(maps.Values(e.Since))))
}

// quotedDay finds the day that a quoted reply answers for.
var quotedDay = regexp.MustCompile(`按 ([0-9]{4}-[0-9]{2}-[0-9]{2}) 的情况作答`)

// quotedOn reads a quotation in the texts of the day that it answers for.
func (t *turn) quotedOn() {
	if t.quote.Day == "" || t.quote.Day == t.today {
		return
	}
	e := t.edition(t.quote.Day)
	for _, g := range []*index.Generation{e.InForce, e.Later} {
		if g == nil {
			continue
		}
		if v := t.readQuotation(g.Library()); len(v.Shown) > 0 {
			t.quote = v
			return
		}
	}
}

// readQuotation reads what the message is about: the answer under whose button it was, or
// the one it quotes.
func (t *turn) readQuotation(l *knowledge.Library) View {
	if t.message.View != "" {
		return readHandle(l, t.message.View)
	}
	v := readQuote(l, t.message.Quote)
	if m := quotedDay.FindStringSubmatch(t.message.Quote); m != nil {
		v.Day = m[1]
	}
	return v
}
