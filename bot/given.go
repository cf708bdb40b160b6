package bot

import (
	"slices"

	"aeobot/knowledge"
)

// Question is a question that was really asked, and nothing of who asked it.
type Question struct {
	// Text is what was asked, without what people write around a question, cut to
	// maxMissRunes. It expires.
	Text    string `json:"q"`
	Channel string `json:"c"`
}

// Key names the question, the same however it is spaced and punctuated.
func (q Question) Key() string { return questionKey(q.Text) }

// Given is what was shown at an address, as digests of the words.
type Given struct {
	To    Address `json:"to"`
	Words []Words `json:"w"`
}

// Words names the words of a passage and what its notes said beside them, without
// holding them.
type Words struct {
	ID     string `json:"i"`
	Clause int    `json:"c,omitempty"` // of a long measure, from 1; 0: all of it
	Text   string `json:"t"`
	Note   string `json:"n"`
}

// WordsOf names the words of a passage as they are shown on a day.
func WordsOf(p knowledge.Passage, clause int, day string) Words {
	return wordsOf(shownOn(hit{passage: p, clause: clause}, day))
}

func wordsOf(s Shown) Words {
	const size = 16 // hexadecimal digits: enough among the wordings of one passage
	return Words{s.ID, s.Clause, digest(s.Text)[:size], digest(s.Note)[:size]}
}

// real are the acts that reply to a question of substance.
var real = []string{ActAnswer, ActNarrow, ActSwitch, ActClarify, ActRefuse}

// record tells what was asked and what was shown, unless that was told before.
func (e *Engine) record(m Message, r Reply) {
	if e.o.Questions != nil && r.asked != "" && slices.Contains(real, r.Act) {
		e.o.Questions.Add(Question{Text: shorten(r.asked, maxMissRunes), Channel: m.Surface.Name})
	}
	if e.o.Given != nil && len(r.Shown) > 0 && !r.past { // what held once is never corrected
		e.o.Given.Add(GivenTo(m.Address(), r))
	}
}

// GivenTo is what a reply shows at an address.
func GivenTo(to Address, r Reply) Given {
	g := Given{To: to.Place()}
	for _, s := range r.Shown {
		g.Words = append(g.Words, wordsOf(s))
	}
	return g
}
