package console

import (
	"fmt"
	"time"

	"aeobot/bot"
	"aeobot/index"
	"aeobot/knowledge"
)

// trial is a question as it was read, scored, decided and answered.
type trial struct {
	Question, Day string
	Reply         bot.Reply
	Took          string
	Parts         []explained
}

// explained is one question of a message with every hit laid open.
type explained struct {
	index.Explanation
	Hits []explainedHit
}

// explainedHit is a candidate with the passage it is.
type explainedHit struct {
	index.ExplainedHit
	Passage knowledge.Passage
	Known   bool
}

// maxTried bounds a question that is tried, in characters; maxHits the candidates shown of
// each part.
const (
	maxTried = 2000
	maxHits  = 20
)

// screen is what a trial's answer is composed for: Markdown is shown as text here.
var screen = bot.Surface{Name: "console", MaxPages: 1}

func (c *Console) showTry(p *page) error {
	t := trial{Question: p.query("q"), Day: p.query("day")}
	if t.Question == "" {
		return p.show("try", "try", "试问", t)
	}
	if len([]rune(t.Question)) > maxTried {
		return badInput(fmt.Sprintf("问题不要超过 %d 个字。", maxTried))
	}
	if _, err := time.Parse(time.DateOnly, t.Day); t.Day != "" && err != nil {
		return badInput("日期写成 2026-03-31 这样。")
	}
	start := time.Now()
	var err error
	// Without state: a trial is remembered by nobody and counts for nothing. It has the
	// request's time, and no limit of its own.
	t.Reply, err = bot.New(p.index, nil, bot.Options{Now: c.o.Now, Editions: c.o.Editions}).Answer(p.ctx, bot.Message{Asker: "console", Text: t.Question, Day: t.Day, Surface: screen})
	if err != nil {
		return err
	}
	t.Took = fmt.Sprintf("%.1f ms", milliseconds(time.Since(start)))
	asked, err := bot.Read(p.ctx, p.index, t.Question)
	if err != nil {
		return err
	}
	for _, a := range asked {
		t.Parts = append(t.Parts, lay(a.Decision.Explain(maxHits), p.index.Library()))
	}
	return p.show("try", "try", "试问", t)
}

func lay(x index.Explanation, l *knowledge.Library) explained {
	e := explained{Explanation: x}
	for _, h := range x.Candidates {
		passage, known := l.Passage(h.ID)
		e.Hits = append(e.Hits, explainedHit{h, passage, known})
	}
	return e
}
