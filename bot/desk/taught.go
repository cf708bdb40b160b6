package desk

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/knowledge"
	"aeobot/knowledge/curate"
)

// Notice is what whoever proposes and whoever confirms must have seen.
type Notice struct {
	Text string `json:"text"`
	// Clear are the edits that take out of the way what Text names; they can become part
	// of the proposal.
	Clear []Change `json:"clear,omitempty"`
}

// Review is what comes of a new state: of the ways to ask that it teaches, and of notes that
// it carries on.
type Review struct {
	Notices []Notice
	// Answered reports that the question it is all about is answered.
	Answered bool
	// Answers are the first maxAnswers ways to ask with what is read in return.
	Answers []Answer
}

// Answer is a way to ask that a new state teaches, beside what it is taught to.
type Answer struct {
	Ask   string `json:"ask"`
	Place string `json:"place"`
	Words string `json:"words,omitempty"` // of the source; a topic outside has none
	// Stated and Missing are the words of the question that the source has and has not.
	Stated  []string `json:"stated,omitempty"`
	Missing []string `json:"missing,omitempty"`
	// Before and After are what somebody reads who asks so.
	Before string `json:"before"`
	After  string `json:"after"`
}

// lesson is a way to ask that a state has and the one before had not.
type lesson struct {
	ask    string
	place  string // of what it was taught to, for people
	words  string // of that in the source; a topic outside has none
	unlike []knowledge.Unlike
	// learnt reports whether a reply is what was meant.
	learnt func(bot.Reply, []bot.Asked) bool
}

const (
	// maxNotices bounds the notices of a proposal: a large import would bring thousands.
	maxNotices = 30
	// maxAnswers bounds the answers that are shown of a proposal.
	maxAnswers = 10
	// maxClears bounds the ways to ask that are taken out of the way of one.
	maxClears = 5
)

// ReviewOf asks a new state what it is taught, as people would ask it, and warns of ways to
// ask for what the words do not state. question is the one that it is all about, or empty.
func ReviewOf(ctx context.Context, p Publisher, was *knowledge.Library, is State, question string) (Review, error) {
	lessons := newLessons(was, is.Library)
	r := Review{Notices: carried(was, is.Library)}
	if len(lessons) == 0 && question == "" {
		r.limit()
		return r, nil
	}
	for _, l := range lessons {
		r.Notices = append(r.Notices, l.unstated()...)
	}
	g, err := index.Build(ctx, is.Library, index.Options{})
	if err != nil {
		return Review{}, err
	}
	missed, err := unlearnt(ctx, g, lessons)
	if err == nil && question != "" {
		r.Answered, err = answersAll(ctx, g, question)
	}
	if err == nil {
		err = r.answer(ctx, was, g, lessons, missed)
	}
	if err := errors.Join(err, g.Close()); err != nil {
		return Review{}, err
	}
	if err := clearWay(ctx, p, is, missed); err != nil {
		return Review{}, err
	}
	for _, m := range missed {
		r.Notices = append(r.Notices, Notice{m.text, m.clear})
		r.Answered = r.Answered && m.ask != question
	}
	r.limit()
	return r, nil
}

func (r *Review) limit() {
	if more := len(r.Notices) - maxNotices; more > 0 {
		r.Notices = append(r.Notices[:maxNotices], Notice{Text: fmt.Sprintf("还有 %d 处", more)})
	}
}

// answer asks the ways to ask of both states, and holds them against the words that they are
// taught to. It warns of those that are learnt and have no word in common with them: whoever
// confirms is to read whether those state what is asked.
func (r *Review) answer(ctx context.Context, was *knowledge.Library, is *index.Generation, lessons []lesson, missed []*miss) (err error) {
	if len(lessons) == 0 {
		return nil
	}
	before, err := index.Build(ctx, was, index.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, before.Close()) }()
	for _, l := range lessons[:min(len(lessons), maxAnswers)] {
		a := Answer{Ask: l.ask, Place: l.place, Words: strings.TrimSpace(l.words)}
		if a.Before, a.After, err = readBoth(ctx, before, is, l.ask); err != nil {
			return err
		}
		if l.words != "" {
			if a.Stated, a.Missing, err = l.compared(ctx, is); err != nil {
				return err
			}
			learnt := !slices.ContainsFunc(missed, func(m *miss) bool { return m.ask == l.ask && m.place == l.place })
			if learnt && len(a.Stated) == 0 && len(l.unstated()) == 0 {
				r.Notices = append(r.Notices, Notice{Text: fmt.Sprintf("“%s”和%s的原文没有一个词相同，请看原文写没写所问的：%s", l.ask, l.place, shorten(a.Words, 80))})
			}
		}
		r.Answers = append(r.Answers, a)
	}
	return nil
}

func readBoth(ctx context.Context, was, is *index.Generation, question string) (before, after string, err error) {
	b, err := replyTo(ctx, was, question)
	if err != nil {
		return "", "", err
	}
	a, err := replyTo(ctx, is, question)
	return b.Text, a.Text, err
}

// compared gives the words of a way to ask, without those that only ask, that the source has
// and has not. What the vocabulary calls the same counts; one character alone does not.
func (l lesson) compared(ctx context.Context, g *index.Generation) (stated, missing []string, err error) {
	asked, err := bot.Read(ctx, g, l.ask)
	if err != nil {
		return nil, nil, err
	}
	source := index.FoldCharacters(l.place + l.words)
	for _, a := range asked {
		x := a.Decision.Explain(1)
		open := false // the last word goes on
		for left := x.Content; len(left) > 0; {
			n := longest(left, source)
			word := strings.Join(left[:n], "")
			switch left = left[n:]; {
			case len([]rune(word)) > 1 && strings.Contains(source, word) || means(x.Synonyms, word, source):
				stated, open = append(stated, word), false
			case open:
				missing[len(missing)-1] += word
			default:
				missing, open = append(missing, word), true
			}
		}
	}
	return stated, missing, nil
}

// longest is how many of the words stand in a source one after the other, at least 1.
func longest(words []string, source string) int {
	for n := len(words); n > 1; n-- {
		if strings.Contains(source, strings.Join(words[:n], "")) {
			return n
		}
	}
	return 1
}

// means reports whether the vocabulary has a word for what a source says.
func means(senses []index.ExplainedSense, word, source string) bool {
	return slices.ContainsFunc(senses, func(s index.ExplainedSense) bool {
		return strings.Contains(index.FoldCharacters(s.Words), word) && strings.Contains(source, index.FoldCharacters(s.Group))
	})
}

// carried warns of notes that a new edition of a document carries on although the words that
// they were written for are others now.
func carried(was, is *knowledge.Library) (notices []Notice) {
	for _, now := range is.Passages() {
		old, there := was.Passage(now.ID)
		if !there || old.Text == now.Text || reflect.DeepEqual(now.Notes, knowledge.Notes{}) || !reflect.DeepEqual(old.Notes, now.Notes) {
			continue
		}
		notices = append(notices, Notice{Text: fmt.Sprintf("%s的原文改了，备注（问法、关键词、依据、状态）还是为旧的写的，请核对。旧：%s　新：%s",
			PlaceOf(now), shorten(old.Text, 40), shorten(now.Text, 40))})
	}
	return notices
}

// newLessons are the ways to ask of a state, of passages, sections and topics outside, that
// another had not in the same place.
func newLessons(was, is *knowledge.Library) []lesson {
	known := map[string]bool{}
	each(was, func(owner string, l lesson) { known[owner+"\x00"+l.ask] = true })
	var all []lesson
	each(is, func(owner string, l lesson) {
		if !known[owner+"\x00"+l.ask] {
			all = append(all, l)
		}
	})
	return all
}

func each(l *knowledge.Library, f func(owner string, l lesson)) {
	for _, p := range l.Passages() {
		for _, ask := range p.Notes.Ask {
			f(p.ID, lesson{ask: ask, place: PlaceOf(p), words: p.Text, unlike: p.Notes.Unlike, learnt: func(r bot.Reply, _ []bot.Asked) bool {
				return len(r.Shown) > 0 && r.Shown[0].ID == p.ID
			}})
		}
	}
	for _, doc := range l.Documents {
		for _, s := range doc.Sections {
			for _, ask := range s.Ask {
				f(s.ID, lesson{ask: ask, place: s.Heading + "（整节）", words: wordsOf(s), learnt: func(r bot.Reply, _ []bot.Asked) bool {
					return len(r.Shown) > 0 && r.Shown[0].Section == s.Heading
				}})
			}
		}
		for _, t := range doc.Outside {
			for _, ask := range t.Ask {
				f(doc.ID+"\x00"+t.Name, lesson{ask: ask, place: "没有写的话题“" + t.Name + "”", learnt: func(r bot.Reply, asked []bot.Asked) bool {
					return !r.Answered && slices.ContainsFunc(asked, func(a bot.Asked) bool { return a.Decision.Elsewhere && a.Decision.Outside.Topic == t.Name })
				}})
			}
		}
	}
}

func wordsOf(s *knowledge.Section) string {
	var b strings.Builder
	for _, m := range s.Measures {
		b.WriteString(m.Text + "\n")
	}
	return b.String()
}

// unstated warns when the words do not state what is asked for: whoever asks so would read
// an answer that is none.
func (l lesson) unstated() (notices []Notice) {
	if l.words == "" {
		return nil
	}
	for _, name := range index.Unmentioned(l.ask, l.words) {
		notices = append(notices, Notice{Text: fmt.Sprintf("“%s”问的是“%s”，%s的原文没有写", l.ask, FacetName(name), l.place)})
	}
	return notices
}

// replyTo gives what somebody reads who asks a generation.
func replyTo(ctx context.Context, g *index.Generation, question string) (bot.Reply, error) {
	return bot.New(g, nil, bot.Options{}).Answer(ctx, bot.Message{Text: question})
}

// answersAll reports whether a generation's reply answers every part of a question.
func answersAll(ctx context.Context, g *index.Generation, question string) (bool, error) {
	r, err := replyTo(ctx, g, question)
	return r.Answered && !slices.ContainsFunc(r.Parts, func(p bot.Part) bool { return !p.Answered }), err
}

// miss is a lesson that is not answered as it was taught.
type miss struct {
	lesson
	text   string
	next   *Change  // what would take the nearest words out of the way; nil: nothing can
	clear  []Change // what was taken out so far
	solved bool     // and that was enough
}

func unlearnt(ctx context.Context, g *index.Generation, lessons []lesson) (missed []*miss, err error) {
	for _, l := range lessons {
		r, err := replyTo(ctx, g, l.ask)
		if err != nil {
			return nil, err
		}
		asked, err := bot.Read(ctx, g, l.ask)
		if err != nil {
			return nil, err
		}
		if !l.learnt(r, asked) {
			m := &miss{lesson: l}
			m.explain(g.Library(), r, asked)
			missed = append(missed, m)
		}
	}
	return missed, nil
}

// explain says what stands in the way, and how it could be taken out.
func (m *miss) explain(l *knowledge.Library, r bot.Reply, asked []bot.Asked) {
	i := slices.IndexFunc(asked, func(a bot.Asked) bool { return a.Decision.Elsewhere || a.Answered() })
	prefix := fmt.Sprintf("“%s”教给%s后", m.ask, m.place)
	switch {
	case r.Act != bot.ActAnswer && r.Act != bot.ActRefuse && r.Act != bot.ActClarify:
		m.text = prefix + "仍不起作用：这句话不会当作问题来读，请换个说法再教"
	case i < 0:
		m.text = prefix + "仍答不上：" + m.faint()
	case asked[i].Decision.Elsewhere:
		o := asked[i].Decision.Outside
		m.text = fmt.Sprintf("%s仍答不上：没有写的话题“%s”挡在前面", prefix, o.Topic)
		if o.General {
			m.text += "（随程序附带的闲聊话题，不能改），请换个说法再教"
			break
		}
		m.next = outOfTopic(l, o)
		m.via(o.Asked)
	case asked[i].Decision.Kind == index.Sections:
		s := asked[i].Decision.Sections[0]
		m.text = fmt.Sprintf("%s答的却是“%s”整节", prefix, s.Heading)
		m.next = outOfSection(l, s, m.ask)
	default:
		h := asked[i].Decision.Hits[0]
		m.text = fmt.Sprintf("%s先答的却是%s", prefix, PlaceOf(h.Passage))
		if h.Asked != "" {
			e := EditOf(h.Passage)
			e.Ask, e.Remove = h.Asked, true
			m.next = &Change{File: h.Passage.Document.ID + knowledge.NotesSuffix, Edit: &e}
			m.via(h.Asked)
		}
	}
}

func (m *miss) via(asked string) {
	if asked != "" {
		m.text += fmt.Sprintf("，那里有问法“%s”", asked)
	}
}

// faint says why nothing was found for a question.
func (m *miss) faint() string {
	for _, u := range m.unlike {
		if strings.Contains(index.FoldCharacters(m.ask), index.FoldCharacters(u.Term)) {
			return fmt.Sprintf("这一条的备注说“%s”是别的意思（%s）", u.Term, u.Why)
		}
	}
	return "离作答的门槛还差一点，请换个更具体的说法再教"
}

func outOfTopic(l *knowledge.Library, o *index.Outside) *Change {
	for _, t := range Topics(l) {
		if t.Name == o.Topic && o.Asked != "" {
			return &Change{File: t.File, Edit: &curate.Edit{Topic: t.Name, Ask: o.Asked, Remove: true}}
		}
	}
	return nil
}

// outOfSection is nil unless the section has the same way to ask: its heading names it too.
func outOfSection(l *knowledge.Library, s *knowledge.Section, ask string) *Change {
	same := func(a string) bool { return (bot.Question{Text: a}).Key() == (bot.Question{Text: ask}).Key() }
	for _, doc := range l.Documents {
		if i := slices.IndexFunc(s.Ask, same); i >= 0 && slices.Contains(doc.Sections, s) {
			return &Change{File: doc.ID + knowledge.NotesSuffix, Edit: &curate.Edit{Section: s.Heading, Ask: s.Ask[i], Remove: true}}
		}
	}
	return nil
}

// clearWay finds what has to be taken out of the way for lessons to be learnt. What does
// not help within maxClears steps is not offered.
func clearWay(ctx context.Context, p Publisher, is State, missed []*miss) error {
	open := missed
	for range maxClears {
		if open = takeOut(&is, open); len(open) == 0 {
			break
		}
		var err error
		if open, err = again(ctx, p, &is, open); err != nil {
			return err
		}
	}
	for _, m := range missed {
		if !m.solved {
			m.clear = nil
		}
	}
	return nil
}

// takeOut takes the next words out of the way of each, and gives those where it could.
func takeOut(is *State, open []*miss) (tried []*miss) {
	for _, m := range open {
		if m.next == nil {
			continue
		}
		files, err := (&Proposal{Changes: []Change{*m.next}}).apply(*is)
		switch {
		case err == nil:
			is.Files = files
		case !errors.Is(err, curate.ErrGone): // then another has just taken the same out
			continue
		}
		m.clear = append(m.clear, *m.next)
		tried = append(tried, m)
	}
	return tried
}

// again asks once more, with words taken out, and gives what is still not learnt.
func again(ctx context.Context, p Publisher, is *State, tried []*miss) (open []*miss, err error) {
	if is.Library, err = p.Read(is.Files); err != nil {
		return nil, err
	}
	g, err := index.Build(ctx, is.Library, index.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	for _, m := range tried {
		still, err := unlearnt(ctx, g, []lesson{m.lesson})
		if err != nil {
			return nil, err
		}
		if m.solved = len(still) == 0; !m.solved {
			m.next = still[0].next
			open = append(open, m)
		}
	}
	return open, nil
}

// facetNames are what questions ask for, as people say it.
var facetNames = map[string]string{"amount": "金额", "fee": "费用", "rate": "比例", "duration": "多久", "frequency": "多久一次", "deadline": "截止", "hours": "几点上班",
	"count": "几个", "procedure": "怎么办", "documents": "要什么材料", "condition": "什么条件", "list": "有哪些", "where": "在哪里", "contact": "找谁联系",
	"penalty": "怎么处罚", "definition": "是什么", "comparison": "有什么不同", "reason": "为什么", "who": "谁"}

// FacetName is what a question asks for, as people say it; one that is not known stays as
// it is.
func FacetName(name string) string {
	if known, ok := facetNames[name]; ok {
		return known
	}
	return name
}
