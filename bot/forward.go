package bot

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"aeobot/knowledge"
)

// A forward is for people outside: plain text that survives being copied to another chat,
// whole measures in the source's order, one paragraph on how they stand, one line of
// sources, and nothing for whoever asked. What must be said to the asker is a question back
// instead.

// forward gives the last answer, or what is named of the knowledge, to be passed on.
func (t *turn) forward(in Intent) (Reply, error) {
	if _, behind, ok := strings.Cut(t.text, textForward); ok && asks(in.About) && strings.Contains(behind, in.About) {
		return t.ask(in) // 转发算不算对外宣传
	}
	what := in
	if in.About != "" {
		what = ReadIntent(in.About)
	}
	switch {
	case !what.Items.None() && (!namesIn.MatchString(what.Within) || sectionOf(t.library, squash(what.Within)) != nil):
		return t.forwardItems(in, what)
	case in.About == "", what.About == "" && slices.Contains([]IntentKind{IntentThis, IntentThese, IntentMore, IntentReturn}, what.Kind), everything.MatchString(in.About):
		return t.forwardView(in, what)
	}
	hits, err := t.topics(in.About)
	switch {
	case err != nil:
		return Reply{}, err
	case len(hits) == 0:
		return t.say(ActClarify, fmt.Sprintf(textForwardUnknown, t.echo(in.About, maxQuestion))), nil
	}
	return t.passOn(hits), nil
}

// everything is all that was found, with what waits behind 更多.
var everything = regexp.MustCompile(`^(?:以上|上面|刚才)?的?(?:全部|所有|全文|整个|整篇|统统)的?(?:内容|措施|条款|激励|答案|回答)?都?$`)

// forwardView passes on the last answer, or the part of it that a pronoun means.
func (t *turn) forwardView(in, what Intent) (Reply, error) {
	v, ok := t.current()
	if !ok {
		return t.unreferred(in)
	}
	t.refer(v)
	refs := v.Shown
	switch {
	case what.Kind == IntentThis && len(v.screen()) > 1:
		return t.say(ActClarify, fmt.Sprintf(textForwardWhich, len(v.screen()))), nil
	case what.Kind == IntentThis:
		refs = v.screen()
	case what.Kind == IntentMore:
		refs = v.Pending
	case wholeOf.MatchString(in.About):
		refs = nil
		for _, s := range sectionsOf(recall(t.library, v.screen())) {
			refs = append(refs, t.viewOf(s).Shown...)
		}
	case everything.MatchString(in.About):
		refs = slices.Concat(v.Shown, v.Pending)
	}
	hits := recall(t.library, refs)
	if len(hits) == 0 {
		return t.gone(), nil
	}
	return t.passOn(hits), nil
}

// forwardItems passes on measures by their numbers, of the section named or of the last
// answer.
func (t *turn) forwardItems(in, what Intent) (Reply, error) {
	v, ok, err := t.countedIn(what)
	switch {
	case err != nil:
		return Reply{}, err
	case !ok && what.Within != "":
		return t.say(ActClarify, fmt.Sprintf(textForwardUnknown, t.echo(what.Within, maxQuestion))), nil
	case !ok:
		return t.noList(what), nil
	}
	t.refer(v)
	shown := recall(t.library, v.Shown)
	if len(shown) == 0 {
		return t.gone(), nil
	}
	switch p := t.pick(v, shown, what.Items); {
	case len(p.choices) > 0:
		return t.which(p, textForward), nil
	case p.note != "":
		return t.say(ActClarify, p.note), nil
	default:
		return t.passOn(p.hits), nil
	}
}

// topics are the measures that words lead to: each of several named beside each other, when
// all lead somewhere.
func (t *turn) topics(words string) ([]hit, error) {
	if s := sectionOf(t.library, squash(words)); s != nil {
		return recall(t.library, t.viewOf(s).Shown), nil
	}
	var all []hit
	within := ""
	for _, name := range namesIn.Split(words, -1) {
		in := ReadIntent(name)
		if in.Within == "" {
			in.Within = within // 海关直接激励措施第5条和第7条
		}
		within = in.Within
		hits, err := t.named(name, in)
		if err != nil {
			return nil, err
		}
		if len(hits) == 0 {
			return t.topic(words)
		}
		all = append(all, hits...)
	}
	return all, nil
}

// named are the measures that one name leads to: by their numbers, or as a topic.
func (t *turn) named(name string, in Intent) ([]hit, error) {
	if in.Items.None() {
		return t.topic(name)
	}
	v, ok, err := t.countedIn(in)
	if err != nil || !ok {
		return nil, err
	}
	p := t.pick(v, recall(t.library, v.Shown), in.Items)
	if p.note != "" || len(p.choices) > 0 {
		return nil, nil
	}
	return p.hits, nil
}

var (
	namesIn = regexp.MustCompile(`[、,，]|和|跟|与|及|以及|还有`)
	// sectionWord says that a whole section is meant: 优先通关那一节.
	sectionWord = regexp.MustCompile(`的?(?:(?:那|这)?一?(?:小)?(?:节|部分|板块|章|段|块))?(?:的?(?:内容|措施|条款))?(?:全部|整个|都)*$`)
	wholeOf     = regexp.MustCompile(`(?:节|部分|板块|章|段|块|全部)`)
)

// topic are the measures that words lead to, those shown before first; or the whole section,
// when the words say so.
func (t *turn) topic(words string) ([]hit, error) {
	tail := sectionWord.FindString(words)
	d, err := t.Search(t.ctx, strings.TrimSuffix(words, tail))
	if err != nil {
		return nil, err
	}
	if wholeOf.MatchString(tail) && answered(d) && d.Hits[0].Passage.Section != nil {
		return recall(t.library, t.viewOf(d.Hits[0].Passage.Section).Shown), nil
	}
	found := t.inHistory(d)
	if len(found) == 0 && answered(d) {
		found = d.Hits
	}
	hits := make([]hit, len(found))
	for i, h := range found {
		hits[i] = hit{passage: h.Passage, score: h.Score}
	}
	return hits, nil
}

// viewOf is a section as an answer.
func (t *turn) viewOf(s *knowledge.Section) View {
	v := View{Knowledge: t.fingerprint()}
	for _, m := range s.Measures {
		v.Shown = append(v.Shown, m.ID)
	}
	return v
}

// passOn is the reply to be passed on. What the screen cannot show as messages of their own
// is offered in portions that it can.
func (t *turn) passOn(hits []hit) Reply {
	hits = t.inOrder(entire(hits))
	pages, _ := t.forwardPages(hits)
	if len(pages) > max(t.message.Surface.MaxPages, 1) {
		if choices := t.portions(hits); len(choices) > 1 {
			return t.choose(ActClarify, fmt.Sprintf(textForwardLong, len(hits), quoteList(choices[:min(len(choices), maxPortions)])), choices)
		}
	}
	r := Reply{Answered: true, Act: ActCommand, Pages: pages, Text: joinPages(pages), Parts: []Part{}, Suggestions: []string{}}
	for _, h := range hits {
		r.Shown = append(r.Shown, shownOn(h, t.day))
	}
	return r
}

// maxPortions bounds the portions that are named.
const maxPortions = 8

// portions say how to have measures passed on a section, or as much of one as a message
// takes, at a time.
func (t *turn) portions(hits []hit) []string {
	var all []string
	for _, group := range bySection(hits) {
		_, parts := t.forwardPages(group)
		for _, p := range parts {
			all = append(all, textForward+portionName(p))
		}
	}
	return all
}

// inOrder puts measures in the source's order, each once.
func (t *turn) inOrder(hits []hit) []hit {
	at := func(h hit) int { n, _ := t.library.Position(h.passage.ID); return n }
	slices.SortStableFunc(hits, func(x, y hit) int { return cmp.Compare(at(x), at(y)) })
	return slices.CompactFunc(hits, func(x, y hit) bool { return x.passage.ID == y.passage.ID })
}

// portionName names measures of one section, as they are asked for.
func portionName(hits []hit) string {
	p := hits[0].passage
	if p.Section == nil || len(hits) == len(p.Section.Measures) {
		return cmp.Or(p.Heading, p.Document.Title)
	}
	return p.Heading + numbersOf(numbersIn(hits))
}

func numbersIn(hits []hit) []int {
	numbers := make([]int, len(hits))
	for i, h := range hits {
		numbers[i] = h.passage.Number
	}
	return numbers
}

// forwardPages are messages that hold whole sections, or of a section that none holds whole
// as many measures as one can, and the measures on each.
func (t *turn) forwardPages(hits []hit) (pages []string, parts [][]hit) {
	limit := t.message.Surface.MaxBytes
	fits := func(hits []hit) bool { return limit == 0 || len(t.forwardText(hits)) <= limit }
	for len(hits) > 0 {
		groups := bySection(hits)
		n := 0
		for _, group := range groups {
			if !fits(hits[:n+len(group)]) {
				break
			}
			n += len(group)
		}
		if n == 0 {
			for n = 1; n < len(groups[0]) && fits(hits[:n+1]); n++ {
			}
		}
		text := t.forwardText(hits[:n])
		if fits(hits[:n]) {
			pages = append(pages, text)
		} else {
			pages = append(pages, pack(strings.Split(text, "\n"), limit)...)
		}
		parts = append(parts, hits[:n])
		hits = hits[n:]
	}
	return pages, parts
}

// forwardText is one message to be passed on.
func (t *turn) forwardText(hits []hit) string {
	w := &writer{}
	var documents []string
	for _, group := range bySection(hits) {
		w.gap()
		if h := group[0].passage.Heading; h != "" {
			w.line(h)
		}
		for _, h := range group {
			w.line(w.measure(h))
		}
		if s := sourceOf(group[0].passage.Document); !slices.Contains(documents, s) {
			documents = append(documents, s)
		}
	}
	w.gap()
	if closing := t.standing(hits); closing != "" {
		w.line(textStanding + closing)
	}
	for i := range documents[1:] {
		documents[i+1] = strings.TrimPrefix(documents[i+1], textSourceNow)
	}
	w.line(strings.Join(documents, "；"))
	return w.text()
}

// standing says how measures stand on the day, in one paragraph for people outside.
func (t *turn) standing(hits []hit) string {
	var order []string
	about := map[string][]hit{}
	for _, h := range hits {
		note := h.passage.Notes.On(t.day).ForCustomers()
		if note == "" {
			continue
		}
		if about[note] == nil {
			order = append(order, note)
		}
		about[note] = append(about[note], h)
	}
	var b strings.Builder
	if t.day != t.today {
		fmt.Fprintf(&b, textForwardDay, cmp.Or(t.firstEdition(hits), t.day))
	}
	several := len(bySection(hits)) > 1
	for _, note := range order {
		switch places := placesOfAll(about[note], several); {
		case len(about[note]) == len(hits) || places == "":
			b.WriteString(note)
		default:
			b.WriteString("（" + places + "）" + note)
		}
	}
	return b.String()
}

// placesOfAll names measures: 第1–3条, or with their headings 甲第1–3条、乙第2条.
func placesOfAll(hits []hit, withHeading bool) string {
	var names []string
	for _, group := range bySection(hits) {
		name := ""
		if withHeading {
			name = group[0].passage.Heading
		}
		if group[0].passage.Number > 0 {
			name += numbersOf(numbersIn(group))
		}
		names = append(names, name)
	}
	return strings.Join(slices.DeleteFunc(names, func(n string) bool { return n == "" }), "、")
}
