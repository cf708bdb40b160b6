package bot

import (
	"fmt"
	"slices"
	"strings"

	"aeobot/index"
)

// maxSuggestions is how many headings a reply suggests.
const maxSuggestions = 3

// ask answers the message as a question, or each question of it on its own.
func (t *turn) ask(Intent) (Reply, error) { return t.askText(t.text) }

func (t *turn) askText(text string) (Reply, error) {
	asked, err := Read(t.ctx, t, text)
	if err == nil && !anyAnswered(asked) {
		asked, err = t.askEarliest(text, asked)
	}
	if err != nil {
		return Reply{}, err
	}
	return t.answer(ActAnswer, asked), nil
}

func anyAnswered(asked []Asked) bool {
	return slices.ContainsFunc(asked, func(a Asked) bool { return answered(a.Decision) })
}

func answered(d index.Decision) bool { return d.Kind == index.Measures || d.Kind == index.Sections }

// answer quotes what was found, question by question; what one question has
// shown the next does not repeat. A part without an answer is named as such.
func (t *turn) answer(act string, asked []Asked) Reply {
	if !slices.ContainsFunc(asked, func(a Asked) bool { return answered(a.Decision) || asksOrigin(a.Question) }) {
		return t.refuse(asked)
	}
	var d draft
	var parts []Part
	var pending []string
	var above []hit
	seen := map[string]bool{}
	for i, a := range asked {
		if a.Skipped {
			parts = append(parts, Part{a.Question, false})
			d.skipped = append(d.skipped, a.Question)
			continue
		}
		b := block{}
		origin := asksOrigin(a.Question)
		if origin { // whatever the search led to is not meant
			b, a.Decision = t.originOf(above), index.Decision{}
			asked[i] = a
		}
		if len(asked) > 1 {
			b.question = a.Question
		}
		f := a.Decision
		for _, h := range f.Hits {
			if !seen[h.Passage.ID] {
				seen[h.Passage.ID] = true
				b.hits = append(b.hits, hit{h.Passage, h.Score, h.Clause})
			}
		}
		b.hits = together(b.hits)
		switch c := f.Query.Correction; {
		case origin:
		case !answered(f):
			b.note = reasonOfPart(f) + t.noted(a.Question, []index.Decision{f})
		case len(b.hits) == 0:
			b.note = textAbove
		case c != nil:
			b.lead = fmt.Sprintf(textUnderstood, c.To)
		}
		if place := f.Query.Jurisdiction(); place != "" && answered(f) {
			b.lead = strings.TrimSpace(b.lead + "\n" + fmt.Sprintf(textMainland, place))
		}
		above = append(above, b.hits...)
		parts = append(parts, Part{a.Question, answered(f) || b.originKnown()})
		d.blocks = append(d.blocks, b)
	}
	for _, a := range asked {
		for _, h := range a.Decision.More {
			if !seen[h.Passage.ID] {
				seen[h.Passage.ID] = true
				pending = append(pending, h.Passage.ID)
			}
		}
	}
	r := t.show(act, d, pending)
	r.Parts, r.Answered = parts, slices.ContainsFunc(parts, func(p Part) bool { return p.Answered })
	return r
}

// together puts hits of one section beside each other, where the first of them stands.
func together(hits []hit) []hit {
	var all []hit
	for i, h := range hits {
		if slices.ContainsFunc(hits[:i], h.besides) {
			continue
		}
		for _, other := range hits[i:] {
			if other.besides(h) {
				all = append(all, other)
			}
		}
	}
	return all
}

// show fits a draft to the asker's screen and remembers it as the latest answer.
func (t *turn) show(act string, d draft, pending []string) Reply {
	r, f := t.fit(act, d, pending)
	if len(f.shown) == 0 {
		return r // nothing to go on with: what was shown before stays
	}
	v := View{Knowledge: t.fingerprint(), Shown: refs(f.shown), Pending: pendingAfter(f, pending)}
	if t.day != t.today {
		v.Day = t.day
	}
	t.after.push(v)
	return r
}

// showNext fits the next screen of a view.
func (t *turn) showNext(act string, v View, d draft) Reply {
	r, f := t.fit(act, d, nil)
	v.next(refs(f.shown), pendingAfter(f, nil))
	v.Knowledge = t.fingerprint()
	if t.quoting {
		t.after.push(v)
	} else {
		t.after.replace(v)
	}
	return r
}

// showAgain shows the last screen of a view once more; inPlace, it stands for the
// latest view.
func (t *turn) showAgain(act string, v View, inPlace bool) Reply {
	hits := recall(t.library, v.screen())
	if len(hits) == 0 {
		return t.gone()
	}
	r, f := t.fit(act, draft{blocks: []block{{hits: hits}}}, v.Pending)
	v.Pending = pendingAfter(f, v.Pending)
	if len(f.left) > 0 { // the screen has become smaller since
		v.Shown = v.Shown[:len(v.Shown)-len(f.left)]
	}
	v.Knowledge = t.fingerprint()
	if inPlace {
		t.after.replace(v)
	} else {
		t.after.push(v)
	}
	return r
}

func pendingAfter(f fitted, pending []string) []string {
	after := slices.Concat(refs(f.left), pending)
	return after[:min(len(after), maxRefs)]
}

// fit makes the reply that a draft becomes on the asker's screen.
func (t *turn) fit(act string, d draft, pending []string) (Reply, fitted) {
	d.day, d.dayLine, d.pending, d.alone = t.day, t.dayLine(d.hits()), recall(t.library, pending), t.alone
	d.outside = t.outside()
	d.note = strings.TrimSpace(t.lead + "\n" + d.note)
	if t.message.Chat != "" {
		d.most = maxMeasuresGroup
	}
	f := d.fit(t.message.Surface)
	r := Reply{Answered: true, Act: act, Pages: f.pages, Text: joinPages(f.pages), Parts: []Part{}, Shown: []Shown{}, Suggestions: []string{},
		Remaining: len(f.left) + len(d.pending)}
	for _, h := range f.shown {
		r.Shown = append(r.Shown, shownOn(h, t.day))
	}
	t.noteSeen(f.shown)
	return r, f
}

// noteSeen notes the sections most of which stands on the screen.
func (t *turn) noteSeen(shown []hit) {
	for _, s := range sectionsOf(shown) {
		n := 0
		for _, h := range shown {
			if h.passage.Section == s {
				n++
			}
		}
		if 2*n >= len(s.Measures) {
			t.after.see(s.ID)
		}
	}
}

// shownOn describes a hit as it stands on a day.
func shownOn(h hit, day string) Shown {
	p, state := h.passage, h.passage.Notes.On(day)
	text, span := h.words()
	return Shown{
		ID: p.ID, Section: p.Heading, Number: p.Number, Text: text, Clause: h.clause, Score: round(h.score),
		Source: Source{
			Document: p.Document.ID, Title: p.Document.Title, Date: p.Document.Date, URL: p.Document.Provenance.URL,
			SHA256: p.Document.SHA256, Start: span.Start, End: span.End,
		},
		Status: string(state.Status), Note: state.Note, ValidFrom: state.From, ValidTo: state.To,
	}
}

// round keeps three digits, enough to compare and short to read; a curated way to
// ask may have lifted a score above 1, which says no more than 1.
func round(score float64) float64 { return float64(int(min(score, 1)*1000+0.5)) / 1000 }

// dayLine says which day the answer is for, when that is not today.
func (t *turn) dayLine(hits []hit) string {
	if t.day == t.today {
		return ""
	}
	return fmt.Sprintf(textDay, t.day) + t.earlier(hits)
}
