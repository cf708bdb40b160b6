package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"aeobot/index"
	"aeobot/knowledge"
)

// item shows measures by their numbers or places, in the section named or in what
// was last shown.
func (t *turn) item(in Intent) (Reply, error) {
	if choice, ok := t.choice(in); ok {
		return t.chosen(choice)
	}
	v, ok, err := t.countedIn(in)
	switch {
	case err != nil:
		return Reply{}, err
	case !ok && (in.Within != "" || in.About != "" && !t.quoting):
		return t.ask(in)
	case !ok:
		return t.noList(in), nil
	}
	t.refer(v)
	return t.itemOf(v, in)
}

// countedIn is the answer that numbers count in: the one before the latest, the section
// named, or the one that a follow-up refers to.
func (t *turn) countedIn(in Intent) (View, bool, error) {
	n := len(t.before.Views)
	switch {
	case n > 1 && !t.quoting && answerBefore.MatchString(in.Within):
		return t.before.Views[n-2], true, nil
	case in.Within == "":
		v, ok := t.current()
		return v, ok, nil
	}
	section, err := t.sectionNamed(in.Within)
	if err != nil || section == nil {
		return View{}, false, err
	}
	return t.viewOf(section), true, nil
}

// answerBefore names the answer before the latest: 上一个问题的第二条.
var answerBefore = regexp.MustCompile(`^(?:(?:上|前)(?:一|1)?个?(?:问题|话题|回答|答案|页)|(?:之前|前面|先前)(?:那个)?的?(?:问题|话题|回答|答案))$`)

// choice is what a bare number takes of the choices just offered.
func (t *turn) choice(in Intent) (string, bool) {
	if len(in.Items.Numbers) != 1 || in.Within != "" || t.quoting || strings.ContainsAny(t.text, "条點点项款") {
		return "", false
	}
	n := in.Items.Numbers[0]
	if n < 1 || n > len(t.before.Choices) {
		return "", false
	}
	return t.before.Choices[n-1], true
}

// chosen does what a choice says. It is words of the knowledge, or names measures of it.
func (t *turn) chosen(choice string) (Reply, error) {
	switch in := ReadIntent(choice); in.Kind {
	case IntentItem:
		return t.item(in)
	case IntentForward:
		return t.forward(in)
	}
	return t.askText(choice)
}

// noList asks back for the section that a number counts in.
func (t *turn) noList(in Intent) Reply {
	if t.quoting {
		return t.nothing()
	}
	n := 3
	if len(in.Items.Numbers) > 0 {
		n = in.Items.Numbers[0]
	}
	sections := t.sections()
	switch {
	case len(sections) == 0:
		return t.nothing()
	case n == 0:
		return t.say(ActClarify, textFromOne)
	}
	named, there := sections[0].Heading, min(n, len(sections[0].Measures))
	switch {
	case t.alone:
		return t.say(ActClarify, fmt.Sprintf(textAloneItem, named, there))
	case t.away || t.before.unread():
		return t.say(ActClarify, fmt.Sprintf(textAway, named, there))
	}
	return t.say(ActClarify, fmt.Sprintf(textNoList, n, named, there))
}

// sections are all that have a heading, in the order of the knowledge.
func (t *turn) sections() []*knowledge.Section {
	var all []*knowledge.Section
	for _, d := range t.library.Documents {
		for _, s := range d.Sections {
			if s.Heading != "" {
				all = append(all, s)
			}
		}
	}
	return all
}

// sectionNamed is the one section that words name, or nil.
func (t *turn) sectionNamed(words string) (*knowledge.Section, error) {
	if s := sectionOf(t.library, squash(words)); s != nil {
		return s, nil
	}
	d, err := t.Search(t.ctx, words)
	if err != nil || d.Kind != index.Sections || len(d.Sections) == 0 {
		return nil, err
	}
	return d.Sections[0], nil
}

// itemOf shows what is meant of a view.
func (t *turn) itemOf(v View, in Intent) (Reply, error) {
	shown := recall(t.library, v.Shown)
	if len(shown) == 0 {
		return t.gone(), nil
	}
	p := t.pick(v, shown, in.Items)
	switch {
	case len(p.choices) > 0:
		return t.which(p, ""), nil
	case len(p.hits) == 0:
		return t.say(ActClarify, p.note), nil
	case in.About != "":
		return t.about(v, p.hits, in)
	}
	r := t.show(ActDetail, draft{note: p.note, blocks: []block{{hits: entire(p.hits)}}}, v.Pending)
	t.after.Views[len(t.after.Views)-1].Picked = true
	return r, nil
}

// picked are measures chosen by number or place, and what must be said about it.
type picked struct {
	hits []hit
	note string
	// choices name the measures in each section that has them, when several do.
	choices []string
	// numbers are those that were chosen by.
	numbers []int
}

// which asks back in which section a number counts; a choice is what to say, after verb.
func (t *turn) which(p picked, verb string) Reply {
	choices := make([]string, len(p.choices))
	for i, c := range p.choices {
		choices[i] = verb + c
	}
	return t.choose(ActClarify, fmt.Sprintf(textAmbiguous, numbersOf(p.numbers), quoteList(choices)), choices)
}

// pick finds the measures of a view that numbers or places name.
func (t *turn) pick(v View, shown []hit, i Items) picked {
	var p picked
	switch {
	case i.Step != 0:
		if h, ok := t.step(shown, i.Step); ok {
			p.hits = append(p.hits, h)
		}
	case len(i.Numbers) > 0:
		var missing []int
		for _, n := range i.Numbers {
			switch found := t.numbered(v, n); len(found) {
			case 0:
				missing = append(missing, n)
			case 1:
				p.hits = append(p.hits, found[0])
			default:
				p.choices, p.numbers = choicesOf(found, i.Numbers), i.Numbers
				return p
			}
		}
		if len(missing) > 0 {
			p.note = missingNote(shown, missing)
		}
		if i.Last > 0 {
			p.hits = append(p.hits, counted(t.countable(shown, v), Items{Last: i.Last})...)
		}
	default:
		p.hits = counted(t.countable(shown, v), i)
	}
	if len(p.hits) == 0 && p.note == "" {
		p.note = textNoFurther
	}
	return p
}

// choicesOf names the measures with those numbers in each of several sections.
func choicesOf(sections []hit, numbers []int) []string {
	names := make([]string, 0, maxChoices)
	for _, h := range sections[:min(len(sections), maxChoices)] {
		var there []int
		for _, m := range h.passage.Section.Measures {
			if slices.Contains(numbers, m.Number) {
				there = append(there, m.Number)
			}
		}
		names = append(names, h.passage.Heading+numbersOf(there))
	}
	return names
}

// numbered finds the measures with the source's own number: among what stands on the
// screen, then in all that was shown, then in the section last shown. There are several
// where several sections have it.
func (t *turn) numbered(v View, n int) []hit {
	for _, list := range [][]string{v.screen(), v.Shown} {
		var found []hit
		for _, h := range recall(t.library, list) {
			if h.passage.Number == n && !slices.ContainsFunc(found, h.besides) {
				found = append(found, h)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	sections := sectionsOf(recall(t.library, v.Shown))
	for _, s := range slices.Backward(sections) {
		for _, m := range s.Measures {
			if p, has := t.library.Passage(m.ID); has && m.Number == n {
				return []hit{{passage: p, score: 1}}
			}
		}
	}
	return nil
}

// step is the measure after the last one shown or before the first, in its section.
func (t *turn) step(shown []hit, by int) (hit, bool) {
	from := shown[len(shown)-1]
	if by < 0 {
		from = shown[0]
	}
	s := from.passage.Section
	if s == nil {
		return hit{}, false
	}
	at := slices.IndexFunc(s.Measures, func(m *knowledge.Measure) bool { return m.ID == from.passage.ID }) + by
	if at < 0 || at >= len(s.Measures) {
		return hit{}, false
	}
	p, ok := t.library.Passage(s.Measures[at].ID)
	return hit{passage: p, score: 1}, ok
}

// countable is the list that 前两条 and 最后一条 count in: what was shown; the whole
// section when it goes on behind 更多 (of a quote it is not known), or when only
// picked measures or a single one of it were shown.
func (t *turn) countable(shown []hit, v View) []hit {
	sections := sectionsOf(append(slices.Clone(shown), recall(t.library, v.Pending)...))
	if len(sections) != 1 || len(shown) > 1 && !v.Picked && (len(v.Pending) == 0 || t.quoting) {
		return shown
	}
	var all []hit
	for _, m := range sections[0].Measures {
		if p, ok := t.library.Passage(m.ID); ok {
			all = append(all, hit{passage: p, score: 1})
		}
	}
	return all
}

// counted takes 前两条, 最后一条 or 倒数第二条 of a list.
func counted(list []hit, i Items) []hit {
	switch {
	case i.First > 0:
		return list[:min(i.First, len(list))]
	case i.Last > 0:
		return list[len(list)-min(i.Last, len(list)):]
	case i.FromEnd > 0 && i.FromEnd <= len(list):
		return list[len(list)-i.FromEnd:][:1]
	}
	return nil
}

// missingNote says which numbers the section last shown does not have.
func missingNote(shown []hit, missing []int) string {
	sections := sectionsOf(shown)
	if len(sections) == 0 {
		return textNoFurther
	}
	s := sections[len(sections)-1]
	slices.Sort(missing)
	if missing[len(missing)-1] == 0 {
		return fmt.Sprintf(textNoZero, s.Heading, len(s.Measures))
	}
	return fmt.Sprintf(textNoItem, s.Heading, numbersOf(missing), len(s.Measures))
}
