package bot

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"aeobot/index"
	"aeobot/knowledge"
)

// refuse says that the knowledge has no answer: what was understood, the nearest
// headings to go on with, and where the question went.
func (t *turn) refuse(asked []Asked) Reply {
	found := make([]index.Decision, len(asked))
	questions := make([]string, len(asked))
	for i, a := range asked {
		found[i], questions[i] = a.Decision, a.Question
	}
	if len(asked) == 1 && found[0].Kind == index.Unsure {
		return t.askBack(questions, found[0])
	}
	if !slices.ContainsFunc(found, func(d index.Decision) bool { return !d.Elsewhere || !d.Outside.General }) {
		r := t.say(ActRefuse, textChat)
		for _, q := range questions {
			r.Parts = append(r.Parts, Part{Question: q})
		}
		return r
	}
	near := t.nearest(found)
	question := strings.Join(questions, " ")
	text := t.reasons(asked)
	if t.day != t.today {
		text = t.lookedIn() + text
	}
	if noted := t.noted(question, found); noted != "" {
		text += noted + t.offerWish(questionKey(question))
	}
	if len(near) > 0 {
		text += "\n" + fmt.Sprintf(textNearest, quoteList(near))
	}
	r := t.choose(ActRefuse, text, near)
	r.Wish = t.after.Wanted
	for _, q := range questions {
		r.Parts = append(r.Parts, Part{Question: q})
	}
	t.after.Near = nearPassages(found)
	return r
}

// reasons says why there is no answer, question by question.
func (t *turn) reasons(asked []Asked) string {
	if len(asked) == 1 {
		return t.reason(asked[0])
	}
	w := &writer{markdown: t.message.Surface.Markdown}
	var skipped []string
	for _, a := range asked {
		if a.Skipped {
			skipped = append(skipped, a.Question)
			continue
		}
		w.line("问：" + w.asked(shorten(withoutOpening(a.Question), maxQuestion)))
		if d := a.Decision; d.Kind == index.Unsure {
			w.line(fmt.Sprintf(textUnsure, quoteList(d.Choices)))
			continue
		}
		w.line(reasonOfPart(a.Decision))
	}
	w.names(fmt.Sprintf(textSkipped, maxParts), skipped, t.message.Surface.MaxBytes)
	return w.text() + "\n"
}

// reason says why there is no answer: the topic that is known to be missing, or what was
// asked, when that is short.
func (t *turn) reason(a Asked) string {
	if d := a.Decision; d.Elsewhere && !d.Outside.General && d.Outside.Sure() {
		return fmt.Sprintf(textRefuse, d.Outside.Topic)
	}
	asked := strings.TrimFunc(announced.ReplaceAllString(withoutOpening(a.Question), ""), func(r rune) bool { return !spoken(r) })
	if n := utf8.RuneCountInString(asked); n == 0 || n > maxEcho {
		return fmt.Sprintf(textRefuse, textWhatAsked)
	}
	return fmt.Sprintf(textRefuse, "“"+t.echo(asked, maxEcho)+"”")
}

// maxEcho bounds, in characters, a question that is repeated in a refusal.
const maxEcho = 20

// announced is what people say before a question.
var announced = regexp.MustCompile(`^(?:(?:我|我们)?(?:就|还)?(?:想)?(?:请)?(?:问|咨询|请教|了解|知道)(?:一?下|一句)?[,，:：\s]*)+`)

// reasonOfPart says why a question that stands above has no answer.
func reasonOfPart(d index.Decision) string {
	if d.Elsewhere && !d.Outside.General && d.Outside.Sure() {
		return fmt.Sprintf(textNoPartTopic, d.Outside.Topic)
	}
	return textNoPart
}

// askBack offers what may have been meant.
func (t *turn) askBack(questions []string, d index.Decision) Reply {
	text := textUnsure
	if t.alone {
		text = textAloneUnsure
	}
	r := t.choose(ActClarify, fmt.Sprintf(text, quoteList(d.Choices)), d.Choices)
	for _, q := range questions {
		r.Parts = append(r.Parts, Part{Question: q})
	}
	t.after.Near = nearPassages([]index.Decision{d})
	return r
}

// echo are words that an asker may have written, cut to so many characters.
func (t *turn) echo(words string, runes int) string {
	w := writer{markdown: t.message.Surface.Markdown}
	return w.asked(shorten(words, runes))
}

// choose is a reply that quotes nothing and offers what to say next; a number
// chooses.
func (t *turn) choose(act, text string, choices []string) Reply {
	t.after.Choices = choices
	return t.say(act, text, choices...)
}

// noteTimeout bounds handing a question on: a reply does not wait for the list.
const noteTimeout = 500 * time.Millisecond

// noted hands the question on to the coordinators, and says so when it was taken.
// Talk that is not of the field is not.
func (t *turn) noted(question string, found []index.Decision) string {
	if t.unanswered == nil || t.past() || slices.ContainsFunc(found, func(d index.Decision) bool { return d.Elsewhere && d.Outside.General }) {
		return ""
	}
	nearest := ""
	if near := nearPassages(found); len(near) > 0 {
		nearest = near[0]
	}
	ctx, cancel := context.WithTimeout(t.ctx, noteTimeout)
	defer cancel()
	if err := t.unanswered.Miss(ctx, NewMiss(question, t.message.Surface.Name, nearest, t.message.ID, t.now)); err != nil {
		t.log.Warn("unanswered question not kept", slog.Any("error", err))
		return ""
	}
	if t.outside() {
		return textNotedOutside
	}
	return textNoted
}

// outside reports whether the asker is a customer, who does not know of coordinators.
func (t *turn) outside() bool { return t.message.Account != "" }

// nearPassages are the passages nearest to questions without an answer.
func nearPassages(found []index.Decision) []string {
	var near []string
	for _, d := range found {
		for _, h := range d.Ranked[:min(len(d.Ranked), few)] {
			if h.Score >= faint*d.Bar && !slices.Contains(near, h.Passage.ID) && len(near) < few {
				near = append(near, h.Passage.ID)
			}
		}
	}
	return near
}

// nearest are the headings nearest to what was asked, then the first ones there are.
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
	for _, h := range t.headings() {
		add(h)
	}
	return near
}

// headings are the first sections of the knowledge, or its titles when it has none.
func (t *turn) headings() []string {
	var all []string
	each := func(f func(d *knowledge.Document)) {
		for _, d := range t.library.Documents {
			f(d)
		}
	}
	add := func(s string) {
		if s != "" && len(all) < maxSuggestions && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	each(func(d *knowledge.Document) {
		for _, s := range d.Sections {
			add(s.Heading)
		}
	})
	if len(all) == 0 {
		each(func(d *knowledge.Document) { add(d.Title) })
	}
	return all
}
