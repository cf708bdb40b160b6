package bot

import (
	"fmt"
	"slices"

	"aeobot/index"
)

// maxSuggestions is how many headings a reply suggests.
const maxSuggestions = 3

// ask answers a question, or each question of a message on its own.
func (t *turn) ask() (Reply, error) {
	asked, err := Read(t.ctx, t.index, t.message.Text)
	if err != nil {
		return Reply{}, err
	}
	questions, found := make([]string, len(asked)), make([]index.Decision, len(asked))
	for i, a := range asked {
		questions[i], found[i] = a.Question, a.Decision
	}
	if !slices.ContainsFunc(found, answered) {
		return t.refuse(questions, found), nil
	}
	return t.answer(questions, found), nil
}

func answered(d index.Decision) bool { return d.Kind == index.Measures || d.Kind == index.Sections }

// answer quotes what was found, question by question; what one question has
// shown the next does not repeat.
func (t *turn) answer(questions []string, found []index.Decision) Reply {
	var d draft
	var parts []Part
	var pending []string
	seen := map[string]bool{}
	for i, f := range found {
		b := block{}
		if len(questions) > 1 {
			b.question = questions[i]
		}
		for _, h := range f.Hits {
			if !seen[h.Passage.ID] {
				seen[h.Passage.ID] = true
				b.hits = append(b.hits, hit{h.Passage, h.Score, h.Clause})
			}
		}
		if !answered(f) {
			b.note = refusal(f, textNoPart)
		} else if c := f.Query.Correction; c != nil {
			b.lead = fmt.Sprintf(textUnderstood, c.To)
		}
		parts = append(parts, Part{questions[i], answered(f)})
		d.blocks = append(d.blocks, b)
	}
	for _, f := range found {
		for _, h := range f.More {
			if !seen[h.Passage.ID] {
				seen[h.Passage.ID] = true
				pending = append(pending, h.Passage.ID)
			}
		}
	}
	r := t.show(ActAnswer, d, pending)
	r.Parts = parts
	return r
}

// show fits a draft to the asker's screen, and notes in the session what stands
// there now and what 更多 goes on with.
func (t *turn) show(act string, d draft, pending []string) Reply {
	d.day, d.more = t.message.Day, len(pending)
	f := d.fit(t.message.Surface)
	r := Reply{Answered: true, Act: act, Pages: f.pages, Parts: []Part{}, Suggestions: []string{}}
	t.after.Shown, t.after.Pending = nil, nil
	for _, h := range f.shown {
		r.Shown = append(r.Shown, shownOn(h, t.message.Day))
		t.after.Shown = append(t.after.Shown, h.passage.ID)
		if s := h.passage.Section; s != nil {
			t.see(s.ID)
		}
	}
	for _, h := range f.left {
		t.after.Pending = append(t.after.Pending, h.passage.ID)
	}
	t.after.Pending = append(t.after.Pending, pending...)
	r.Remaining = len(t.after.Pending)
	r.Text = joinPages(r.Pages)
	return r
}

// see notes the section: 第3条 counts in the last one that stands on the screen.
func (t *turn) see(id string) {
	t.after.Section = id
	if !slices.Contains(t.after.Seen, id) {
		t.after.Seen = append(slices.Clone(t.after.Seen), id)
	}
}

// shownOn describes a hit as it stands on a day.
func shownOn(h hit, day string) Shown {
	p, state := h.passage, h.passage.Notes.On(day)
	text, span := h.words()
	return Shown{
		ID: p.ID, Section: p.Heading, Number: p.Number, Text: text, Clause: h.clause, Score: round(h.score),
		Source: Source{
			Document: p.Document.ID, Title: p.Document.Title, Date: p.Document.Date,
			SHA256: p.Document.SHA256, Start: span.Start, End: span.End,
		},
		Status: string(state.Status), Note: state.Note, ValidFrom: state.From, ValidTo: state.To,
	}
}

// round keeps three digits, enough to compare and short to read; a curated way to
// ask may have lifted a score above 1, which says no more than 1.
func round(score float64) float64 { return float64(int(min(score, 1)*1000+0.5)) / 1000 }

// refuse says that the knowledge has no answer and names the nearest headings.
func (t *turn) refuse(questions []string, found []index.Decision) Reply {
	for _, d := range found {
		if d.Kind == index.Unsure {
			return t.askBack(questions, d)
		}
	}
	near := t.nearest(found)
	text := refusal(found[0], textRefuse)
	if len(near) > 0 {
		text += "\n" + fmt.Sprintf(textNearest, quoteList(near))
	}
	r := t.say(ActRefuse, text, near...)
	for _, q := range questions {
		r.Parts = append(r.Parts, Part{Question: q})
	}
	return r
}

// askBack offers what may have been meant.
func (t *turn) askBack(questions []string, d index.Decision) Reply {
	text := fmt.Sprintf(textUnsure, quoteList(d.Choices))
	r := t.say(ActClarify, text, d.Choices...)
	for _, q := range questions {
		r.Parts = append(r.Parts, Part{Question: q})
	}
	return r
}

// refusal says what it is that the knowledge has nothing on, where curators know
// the topic, and otherwise what plain says.
func refusal(d index.Decision, plain string) string {
	if d.Elsewhere && !d.Outside.General {
		return fmt.Sprintf(textOutside, d.Outside.Topic)
	}
	return plain
}

// nearest are the headings that come closest: those of the best passages, then
// the first sections of the knowledge.
func (t *turn) nearest(found []index.Decision) []string {
	var near []string
	add := func(heading string) {
		if heading != "" && len(near) < maxSuggestions && !slices.Contains(near, heading) {
			near = append(near, heading)
		}
	}
	for _, d := range found {
		for _, h := range d.Ranked {
			if h.Passage.Section != nil && h.Score > 0 {
				add(h.Passage.Heading)
			}
		}
	}
	for _, d := range t.library.Documents {
		for _, s := range d.Sections {
			add(s.Heading)
		}
	}
	return near
}
