package bot

import (
	"fmt"
	"slices"
	"strings"

	"aeobot/index"
	"aeobot/knowledge"
)

// Limits of following a thread, as shares of the bar or of the best score.
const (
	// faint is the share of the bar that a passage of the thread needs to be meant by
	// a few words like 那金融呢.
	faint = 0.65
	// withinSection is the share of the best score that a passage of a section just
	// listed needs to be meant rather than a passage elsewhere; beside is the share
	// when only single measures were shown.
	withinSection, beside = 0.50, 0.85
)

// current is the answer that a follow-up refers to: the one quoted along, or the
// latest of the conversation.
func (t *turn) current() (View, bool) {
	if t.quoting {
		return t.quote, len(t.quote.Shown) > 0
	}
	if n := len(t.before.Views); n > 0 {
		return t.before.Views[n-1], true
	}
	return View{}, false
}

// refer takes over what a follow-up keeps of the answer it refers to: the day that
// was asked about. It says so when the knowledge is not the same any more.
func (t *turn) refer(v View) {
	if v.Day != "" && !t.dayAsked {
		t.on(v.Day)
	}
	t.recallOn(v.Shown)
	if v.Knowledge != "" && v.Knowledge != t.fingerprint() {
		t.lead = textChanged
	}
}

// unreferred answers a follow-up that has nothing to refer to. People say 这个 and 那个
// without pointing at anything, so that a message that asks something by itself is a
// question; else it is asked back.
func (t *turn) unreferred(in Intent) (Reply, error) {
	if in.About == "" {
		return t.nothing(), nil
	}
	d, err := t.Search(t.ctx, t.text)
	if err != nil {
		return Reply{}, err
	}
	known := d.Elsewhere && !d.Outside.General && d.Outside.Score >= alone
	if known || answered(d) && standsAlone(d) && d.Query.Substance() >= substance {
		t.asked = t.text
		return t.ask(in)
	}
	return t.nothing(), nil
}

// nothing asks back when there is nothing that a follow-up could refer to.
func (t *turn) nothing() Reply {
	switch {
	case t.quoting:
		return t.say(ActClarify, textQuoteUnknown)
	case t.alone:
		return t.say(ActClarify, textAlone)
	case t.away || t.before.unread():
		return t.say(ActClarify, textAwayAll)
	}
	return t.say(ActClarify, textNothing)
}

// gone says that what was referred to has left the knowledge.
func (t *turn) gone() Reply {
	near := t.headings()
	return t.choose(ActClarify, textGone+"\n"+fmt.Sprintf(textNearest, quoteList(near)), near)
}

// more goes on with the next screen.
func (t *turn) more(Intent) (Reply, error) {
	v, ok := t.current()
	if !ok {
		return t.nothing(), nil
	}
	t.refer(v)
	if hits := recall(t.library, v.Pending); len(hits) > 0 {
		return t.showNext(ActMore, v, draft{blocks: []block{{hits: hits}}}), nil
	}
	if len(v.Pending) > 0 {
		return t.gone(), nil
	}
	if beside := t.besides(v); len(beside) > 0 {
		return t.showNext(ActMore, v, draft{lead: textBeside, blocks: []block{{hits: beside}}}), nil
	}
	rest := t.unseen(v)
	text := textAll
	if len(rest) == 0 {
		return t.say(ActMore, text), nil
	}
	near := headingsOf(rest[:min(len(rest), maxSuggestions)])
	return t.choose(ActMore, text+fmt.Sprintf(textOther, quoteList(near)), near), nil
}

// besides are the measures that stand in the same sections as those shown, unless
// the conversation has had them.
func (t *turn) besides(v View) []hit {
	shown := recall(t.library, v.Shown)
	for _, before := range t.before.Views {
		shown = append(shown, recall(t.library, before.Shown)...)
	}
	var rest []hit
	for _, s := range sectionsOf(recall(t.library, v.Shown)) {
		if slices.Contains(t.before.Seen, s.ID) {
			continue
		}
		for _, m := range s.Measures {
			p, ok := t.library.Passage(m.ID)
			if ok && !slices.ContainsFunc(shown, func(h hit) bool { return h.passage.ID == m.ID }) {
				rest = append(rest, hit{passage: p, score: 1})
			}
		}
	}
	return rest
}

// others gives the topics not shown yet, in the order of the source.
func (t *turn) others(in Intent) (Reply, error) {
	v, ok := t.current()
	if !ok {
		return t.ask(in)
	}
	t.refer(v)
	var hits []hit
	rest := t.unseen(v)
	for _, s := range rest {
		for _, m := range s.Measures {
			if p, ok := t.library.Passage(m.ID); ok && !slices.Contains(v.Shown, m.ID) {
				hits = append(hits, hit{passage: p, score: 1})
			}
		}
	}
	if len(hits) == 0 {
		return t.say(ActMore, textAllTopics), nil
	}
	d := draft{blocks: []block{{hits: hits}}}
	if len(rest) > 1 {
		d.lead, d.overview = overview(rest), true
	}
	return t.show(ActMore, d, nil), nil
}

// unseen are the sections not shown in this conversation, of the documents that
// it is about.
func (t *turn) unseen(v View) []*knowledge.Section {
	var rest []*knowledge.Section
	for _, d := range documentsOf(recall(t.library, v.Shown)) {
		for _, s := range d.Sections {
			if !slices.Contains(t.before.Seen, s.ID) {
				rest = append(rest, s)
			}
		}
	}
	return rest
}

// overview says what is to come: 还有 2 个方面：甲（6条）、乙（7条）。
func overview(sections []*knowledge.Section) string {
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = fmt.Sprintf("%s（%d条）", s.Heading, len(s.Measures))
	}
	return fmt.Sprintf(textOverview, len(sections), strings.Join(names, "、"))
}

func headingsOf(sections []*knowledge.Section) []string {
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.Heading
	}
	return names
}

// previous goes a screen back, or to the answer before.
func (t *turn) previous(Intent) (Reply, error) {
	v, ok := t.current()
	if !ok {
		return t.nothing(), nil
	}
	t.refer(v)
	if t.before.Aside && !t.quoting {
		return t.showAgain(ActDetail, v, true), nil
	}
	if v.turnBack() {
		return t.showAgain(ActDetail, v, !t.quoting), nil
	}
	if n := len(t.before.Views); n > 1 && !t.quoting {
		t.after.Views = t.before.Views[:n-1]
		v = t.before.Views[n-2]
		t.refer(v)
		return t.showAgain(ActDetail, v, true), nil
	}
	return t.say(ActClarify, textFirstPage), nil
}

// these shows again what stands on the screen, or tells what is asked about it.
func (t *turn) these(in Intent) (Reply, error) {
	v, ok := t.current()
	if !ok {
		return t.unreferred(in)
	}
	t.refer(v)
	hits := recall(t.library, v.screen())
	if len(hits) == 0 {
		return t.gone(), nil
	}
	if in.About != "" {
		return t.about(v, hits, in)
	}
	return t.show(ActDetail, draft{blocks: []block{{hits: entire(hits)}}}, v.Pending), nil
}

// this is about one measure; of several on the screen it is asked which.
func (t *turn) this(in Intent) (Reply, error) {
	if v, ok := t.current(); ok && in.About == "" {
		if n := len(v.screen()); n > few {
			return t.say(ActClarify, fmt.Sprintf(textWhich, n)), nil
		}
	}
	return t.these(in)
}

// entire takes measures whole of which a clause was shown.
func entire(hits []hit) []hit {
	hits = slices.Clone(hits)
	for i := range hits {
		hits[i].clause = 0
	}
	return hits
}

// about answers a question on what was shown: 这个怎么实现. Its subject stands in for the
// pronoun. What is asked for and not stated is not answered.
func (t *turn) about(v View, hits []hit, in Intent) (Reply, error) {
	own, err := t.Search(t.ctx, in.About)
	if err != nil {
		return Reply{}, err
	}
	if answered(own) && standsAlone(own) && own.Query.Substance() >= substance {
		return t.narrow(Intent{About: in.About}) // 那个参展的 names its topic itself
	}
	d, err := t.Search(t.ctx, subject(hits)+in.About)
	if err != nil {
		return Reply{}, err
	}
	on := func(h index.Hit) bool {
		return slices.ContainsFunc(hits, func(x hit) bool { return x.passage.ID == h.Passage.ID })
	}
	if answered(d) && len(d.Hits) > 0 && !on(d.Hits[0]) {
		return t.answer(ActDetail, []Asked{{Question: in.About, Decision: d}}), nil
	}
	if d.Elsewhere || slices.ContainsFunc(hits, func(h hit) bool { return own.Query.Unstated(h.passage) }) {
		return t.unstated(in.About, hits, d, own), nil
	}
	return t.show(ActDetail, draft{blocks: []block{{hits: entire(hits)}}}, v.Pending), nil
}

// subjectRunes bounds the words of a measure that stand in for 这个.
const subjectRunes = 40

// subject is what a pronoun stands for: the words of one measure, else the heading.
func subject(hits []hit) string {
	if len(hits) > 1 && hits[0].passage.Heading != "" {
		return hits[0].passage.Heading
	}
	words, _ := hits[0].words()
	r := []rune(words)
	return string(r[:min(len(r), subjectRunes)])
}

// unstated says that what was shown does not say what is asked about it. Only the asker's own
// words tell what that is, not those that the pronoun stands for.
func (t *turn) unstated(question string, hits []hit, d, own index.Decision) Reply {
	of := "“" + hits[0].passage.Heading + "”"
	if n := hits[0].passage.Number; n > 0 && len(hits) == 1 {
		of += fmt.Sprintf("第%d条", n)
	}
	what := textThisPoint
	if own.Elsewhere && !own.Outside.General && own.Outside.Sure() {
		what = own.Outside.Topic
	}
	r := t.say(ActRefuse, fmt.Sprintf(textUnstated, of, what)+t.noted(question, []index.Decision{d}))
	r.Parts = []Part{{Question: question}}
	return r
}

// narrow is a few words that go on with the thread or leave it: 那金融呢.
func (t *turn) narrow(in Intent) (Reply, error) {
	v, ok := t.current()
	text, day := in.About, t.day
	if !ok && len(t.before.Near) == 0 {
		return t.askText(text)
	}
	if v.Day != "" && !t.dayAsked {
		t.on(v.Day)
	}
	d, err := t.Search(t.ctx, text)
	if err != nil {
		return Reply{}, err
	}
	hits := t.inThread(v, d)
	if len(hits) == 0 {
		t.on(day)
		r, err := t.askText(text)
		if r.Act == ActAnswer {
			r.Act = ActSwitch
			if t.continues(v, r) {
				r.Act = ActNarrow
			}
		}
		return r, err
	}
	t.refer(v)
	d.Kind, d.Hits = index.Measures, hits
	return t.answer(ActNarrow, []Asked{{Question: text, Decision: d}}), nil
}

// continues tells that all a reply shows is of the sections the thread is in.
func (t *turn) continues(v View, r Reply) bool {
	sections := sectionsOf(recall(t.library, v.Shown))
	return !slices.ContainsFunc(r.Shown, func(s Shown) bool {
		return !slices.ContainsFunc(sections, func(x *knowledge.Section) bool { return x.Heading == s.Section })
	})
}

// inThread are the hits that lie in what was shown before, when they are good
// enough to be meant.
func (t *turn) inThread(v View, d index.Decision) []index.Hit {
	if d.Kind == index.Sections || d.Elsewhere || len(d.Ranked) == 0 {
		return nil
	}
	shown := recall(t.library, v.Shown)
	sections := sectionsOf(shown)
	least := max(d.Bar, beside*d.Ranked[0].Score)
	if len(sections) > 0 && len(shown) > few { // a list was shown, of which one is meant
		least = max(faint*d.Bar, withinSection*d.Ranked[0].Score)
	}
	var hits []index.Hit
	for _, h := range d.Ranked {
		near := slices.Contains(t.before.Near, h.Passage.ID)
		if h.Score < least && !(near && h.Score >= faint*d.Bar) {
			continue
		}
		inside := h.Passage.Section != nil && slices.Contains(sections, h.Passage.Section)
		if (inside || near) && (len(hits) == 0 || h.Score >= beside*hits[0].Score) && len(hits) < few {
			hits = append(hits, h)
		}
	}
	return hits
}

// correct turns to what was meant: 不是这个，我问的是参展.
func (t *turn) correct(in Intent) (Reply, error) {
	d, err := t.Search(t.ctx, in.About)
	if err != nil {
		return Reply{}, err
	}
	v, _ := t.current()
	if d.Kind == index.Measures {
		rejected := func(h index.Hit) bool { return slices.Contains(v.screen(), h.Passage.ID) }
		if other := slices.IndexFunc(d.Ranked, func(h index.Hit) bool { return !rejected(h) }); other > 0 && len(v.screen()) <= few &&
			d.Ranked[other].Score >= max(d.Bar, beside*d.Ranked[0].Score) {
			d.Hits = []index.Hit{d.Ranked[other]}
		}
		return t.answer(ActSwitch, []Asked{{Question: in.About, Decision: d}}), nil
	}
	r, err := t.askText(in.About)
	if r.Act == ActAnswer {
		r.Act = ActSwitch
	}
	return r, err
}

// wrong gives what else was found, or asks for other words.
func (t *turn) wrong(Intent) (Reply, error) {
	v, ok := t.current()
	if !ok {
		return t.nothing(), nil
	}
	t.refer(v)
	if hits := recall(t.library, v.Pending); len(hits) > 0 && len(v.Shown) <= few {
		return t.show(ActSwitch, draft{blocks: []block{{hits: hits}}}, nil), nil
	}
	near := t.headings()
	return t.choose(ActClarify, textWrong+"\n"+fmt.Sprintf(textNearest, quoteList(near)), near), nil
}

// back returns to an earlier topic: the one named, the first, or the one before.
func (t *turn) back(in Intent) (Reply, error) {
	n := len(t.before.Views)
	switch {
	case n == 0:
		if in.About != "" {
			return t.askText(in.About)
		}
		return t.unreferred(in)
	case in.About == "" && in.First:
		v := t.before.Views[0]
		t.refer(v)
		return t.showAgain(ActDetail, v, false), nil
	case in.About == "" && strings.ContainsAny(t.text, "回返"):
		return t.previous(in)
	case in.About == "":
		return t.these(in)
	}
	d, err := t.Search(t.ctx, in.About)
	if err != nil {
		return Reply{}, err
	}
	if hits := t.inHistory(d); len(hits) > 0 {
		d.Kind, d.Hits, d.More = index.Measures, hits, nil
		return t.answer(ActSwitch, []Asked{{Question: in.About, Decision: d}}), nil
	}
	r, err := t.askText(in.About)
	if r.Act == ActAnswer {
		r.Act = ActSwitch
	}
	return r, err
}

// inHistory are the hits among all that was shown in this conversation.
func (t *turn) inHistory(d index.Decision) []index.Hit {
	if d.Kind == index.Sections || len(d.Ranked) == 0 {
		return nil
	}
	shown := map[string]bool{}
	for _, v := range t.before.Views {
		for _, h := range recall(t.library, v.Shown) {
			shown[h.passage.ID] = true
		}
	}
	for _, h := range d.Ranked {
		if shown[h.Passage.ID] && h.Score >= max(faint*d.Bar, withinSection*d.Ranked[0].Score) {
			return []index.Hit{h}
		}
	}
	return nil
}

// asOf shows the last answer again for another day.
func (t *turn) asOf() (Reply, error) {
	v, ok := t.current()
	if !ok {
		return t.nothing(), nil
	}
	day := t.day
	t.dayAsked = false
	t.refer(v)
	hits := recall(t.library, v.Shown)
	t.on(day)
	if hits = t.sameWords(hits); len(hits) == 0 {
		return t.gone(), nil
	}
	return t.show(ActDetail, draft{blocks: []block{{hits: hits}}}, v.Pending), nil
}

// yes takes the one choice that was offered.
func (t *turn) yes(in Intent) (Reply, error) {
	switch len(t.before.Choices) {
	case 0:
		return t.say(ActThanks, textThanks), nil
	case 1:
		return t.chosen(t.before.Choices[0])
	}
	return t.choose(ActClarify, fmt.Sprintf(textChoose, len(t.before.Choices)), t.before.Choices), nil
}
