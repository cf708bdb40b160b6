package eval

import (
	"context"
	"slices"
	"strings"
)

// Answer is what a reply showed, by the names judged questions use.
type Answer struct {
	Act   string
	Shown []string
	// Remaining is how many further matches 更多 would go on to show.
	Remaining int
	// Text is what the asker reads.
	Text string
	// Parts tells of each question found in the message whether it was answered.
	Parts []bool
}

// Answerer answers one message, with the text of the message it quotes;
// conversations are separate per user.
type Answerer func(ctx context.Context, user, text, quote string) (Answer, error)

// Contents are the names of everything that can be shown, section by section.
type Contents map[string][]string

// Verdict is how one question or turn came out.
type Verdict struct {
	ID       string   `json:"id"`
	Kind     string   `json:"kind"`
	Question string   `json:"question"`
	Expect   []string `json:"expect,omitempty"`
	Shown    []string `json:"shown"`
	// Hit says that the first thing shown was expected; for a question without an
	// answer, that nothing was shown that should not be.
	Hit bool `json:"hit"`
	// Recall is the share of what was expected among the first five shown (of a whole
	// section: among all shown); Precision the share of what was shown that was
	// expected, leaving what is also right aside.
	Recall    float64 `json:"recall"`
	Precision float64 `json:"precision"`
}

// top is how many of the passages shown count for recall.
const top = 5

// judge compares an answer with what was expected.
func (c Contents) judge(q Question, a Answer) Verdict {
	v := Verdict{ID: q.ID, Kind: q.Kind, Question: q.Question, Expect: q.Expect, Shown: a.Shown}
	if v.Shown == nil {
		v.Shown = []string{}
	}
	if !q.Answerable {
		v.Hit = !slices.ContainsFunc(a.Shown, func(s string) bool { return !within(s, q.AlsoOK) })
		v.Recall, v.Precision = share(v.Hit), share(v.Hit)
		return v
	}
	v.Hit = len(a.Shown) > 0 && within(a.Shown[0], q.Expect)
	v.Recall = c.recall(q.Expect, a.Shown)
	right, wrong := 0, 0
	for _, s := range a.Shown {
		switch {
		case within(s, q.Expect):
			right++
		case !within(s, q.AlsoOK):
			wrong++
		}
	}
	if right+wrong > 0 {
		v.Precision = float64(right) / float64(right+wrong)
	}
	return v
}

// recall averages over what was expected: a measure counts among the first five, a
// whole section by the share of it that was shown.
func (c Contents) recall(expect, shown []string) float64 { return c.recallOf(expect, shown, top) }

// recallOf counts a measure among the first so many.
func (c Contents) recallOf(expect, shown []string, first int) float64 {
	sum := 0.0
	whole := slices.ContainsFunc(expect, func(e string) bool { return strings.HasSuffix(e, "/*") })
	for _, e := range expect {
		section, all := strings.CutSuffix(e, "/*")
		if !all {
			among := shown
			if !whole {
				among = shown[:min(first, len(shown))]
			}
			sum += share(slices.Contains(among, e))
			continue
		}
		found := 0
		for _, name := range c[section] {
			if slices.Contains(shown, name) {
				found++
			}
		}
		sum += float64(found) / float64(max(len(c[section]), 1))
	}
	return sum / float64(len(expect))
}

// within tells whether a name is among names, of which direct/* stands for all of a
// section.
func within(name string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		section, all := strings.CutSuffix(n, "/*")
		return n == name || all && strings.HasPrefix(name, section+"/")
	})
}

func share(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Judge asks every question on its own, as somebody who never asked before.
func Judge(ctx context.Context, questions []Question, c Contents, answer Answerer) ([]Verdict, error) {
	verdicts := make([]Verdict, 0, len(questions))
	for _, q := range questions {
		a, err := answer(ctx, q.ID, q.Question, "")
		if err != nil {
			return nil, err
		}
		verdicts = append(verdicts, c.judge(q, a))
	}
	return verdicts, nil
}

// JudgeDialogs goes through dialogs; a verdict's id is the dialog's with the number
// of the turn.
func JudgeDialogs(ctx context.Context, dialogs []Dialog, c Contents, answer Answerer) ([]Verdict, error) {
	var verdicts []Verdict
	for _, d := range dialogs {
		seen := map[string][]string{} // by user
		var replies []string
		for i, t := range d.Turns {
			user, quote := d.ID+"/"+t.UserID, ""
			if t.Quotes > 0 {
				quote = replies[t.Quotes-1]
			}
			a, err := answer(ctx, user, t.User, quote)
			if err != nil {
				return nil, err
			}
			replies = append(replies, a.Text)
			v := Verdict{ID: d.ID + "." + string(rune('1'+i)), Kind: t.Act, Question: t.User, Expect: t.Expect, Shown: a.Shown}
			if v.Shown == nil {
				v.Shown = []string{}
			}
			v.Hit = c.passed(t, a, seen[user]) && t.reads(a.Text)
			v.Recall, v.Precision = share(v.Hit), share(v.Hit)
			verdicts = append(verdicts, v)
			seen[user] = append(seen[user], a.Shown...)
		}
	}
	return verdicts, nil
}

// reads tells whether a text says what the turn must say, and nothing it must not.
func (t Turn) reads(text string) bool {
	return !slices.ContainsFunc(t.Says, func(s string) bool { return !strings.Contains(text, s) }) &&
		!slices.ContainsFunc(t.NotSays, func(s string) bool { return strings.Contains(text, s) })
}

// passed tells whether a turn did what it should.
func (c Contents) passed(t Turn, a Answer, before []string) bool {
	switch t.Act {
	case "none":
		return !slices.ContainsFunc(a.Shown, func(s string) bool { return !within(s, t.AlsoOK) })
	case "greet", "thanks", "help", "clarify":
		return len(a.Shown) == 0 && a.Act == t.Act
	case "more":
		// Something not shown before, or the word that this was all.
		fresh := slices.ContainsFunc(a.Shown, func(s string) bool { return within(s, t.Expect) && !slices.Contains(before, s) })
		return fresh || c.recall(t.Expect, before) == 1 && len(a.Shown) == 0
	}
	if len(t.Expect) == 0 {
		return len(a.Shown) == 0
	}
	if a.Remaining > 0 && slices.ContainsFunc(t.Expect, func(e string) bool { return strings.HasSuffix(e, "/*") }) {
		// A long section goes on in pages: what stands on the first must be right.
		return len(a.Shown) > 0 && within(a.Shown[0], t.Expect)
	}
	return c.recallOf(t.Expect, a.Shown, len(a.Shown)) == 1
}

// Dialogs counts the dialogs of which every turn passed.
func Dialogs(verdicts []Verdict) (passed, all int) {
	failed := map[string]bool{}
	for _, v := range verdicts {
		id := v.ID[:strings.LastIndexByte(v.ID, '.')]
		failed[id] = failed[id] || !v.Hit
	}
	for _, f := range failed {
		if !f {
			passed++
		}
	}
	return passed, len(failed)
}

// JudgeCompounds asks messages that hold several questions, or look so. A verdict's
// kind is split or trap; it hits when the number of parts is right, and its recall
// is the share of parts that got their answer, or were named as unanswered.
func JudgeCompounds(ctx context.Context, compounds []Compound, c Contents, answer Answerer) ([]Verdict, error) {
	var verdicts []Verdict
	for _, q := range compounds {
		a, err := answer(ctx, q.ID, q.Question, "")
		if err != nil {
			return nil, err
		}
		v := Verdict{ID: q.ID, Kind: "trap", Question: q.Question, Shown: a.Shown}
		if v.Shown == nil {
			v.Shown = []string{}
		}
		if len(q.Parts) > 1 {
			v.Kind = "split"
		}
		unanswered, right, wrong := 0, 0, 0
		for _, ok := range a.Parts {
			if !ok {
				unanswered++
			}
		}
		var fine []string
		for _, p := range q.Parts {
			v.Expect = append(v.Expect, strings.Join(p.Expect, "+"))
			fine = append(append(fine, p.Expect...), p.AlsoOK...)
			switch {
			case len(p.Expect) > 0:
				v.Recall += share(c.recallOf(p.Expect, a.Shown, len(a.Shown)) == 1) / float64(len(q.Parts))
			case unanswered > 0:
				unanswered--
				v.Recall += 1 / float64(len(q.Parts))
			}
		}
		for _, s := range a.Shown {
			if within(s, fine) {
				right++
			} else {
				wrong++
			}
		}
		if right+wrong > 0 {
			v.Precision = float64(right) / float64(right+wrong)
		}
		v.Hit = len(a.Parts) == len(q.Parts)
		verdicts = append(verdicts, v)
	}
	return verdicts, nil
}
