package bot_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"aeobot/bot"
	"aeobot/bot/wecom/aibot"
	"aeobot/bot/wecom/kf"
)

var update = flag.Bool("update", false, "rewrite the golden replies")

// replySurfaces are the screens of the golden replies, by the first word of a talk's head.
var replySurfaces = map[string]bot.Surface{
	"aibot": aibot.Surface,
	"app":   {Name: "app", MaxBytes: 2048, MaxPages: 1},
	"kf":    kf.Surface,
}

// TestRepliesReadWell holds what people get word for word, so that a change of wording is
// read before it is kept: -update rewrites the file. Lines of a reply begin with a tab; what
// stands between are heads of talks (=), what is said (>), ends of bubbles (--) and buttons.
func TestRepliesReadWell(t *testing.T) {
	const file = "testdata/replies.txt"
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, asked := replies(t, string(golden))
	if asked < 60 {
		t.Errorf("%d questions, want at least 60", asked)
	}
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	was, is := strings.Split(string(golden), "\n"), strings.Split(got, "\n")
	question := ""
	for i := range max(len(was), len(is)) {
		if i >= len(was) || i >= len(is) || was[i] != is[i] {
			t.Fatalf("%s:%d after %q: replies read otherwise than before\ngot  %q\nwant %q\n(go test ./bot -run TestRepliesReadWell -update rewrites them; read the difference)",
				file, i+1, question, line(is, i), line(was, i))
		}
		if strings.HasPrefix(was[i], "> ") {
			question = was[i]
		}
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(end)"
}

// replies says everything in a golden file to the bot, each talk to one of its own, and
// writes the file anew.
func replies(t *testing.T, golden string) (string, int) {
	var b strings.Builder
	var e *bot.Engine
	var m bot.Message
	asked := 0
	for line := range strings.Lines(golden) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "#"):
			b.WriteString(line + "\n")
		case strings.HasPrefix(line, "= "):
			e, m = newTalk(t, strings.Fields(line)[1])
			b.WriteString("\n" + line + "\n")
		case strings.HasPrefix(line, "> "):
			asked++
			m.Text = strings.TrimPrefix(line, "> ")
			b.WriteString("\n" + line + "\n")
			writeReply(&b, answer(t, e, m))
		}
	}
	return b.String(), asked
}

func newTalk(t *testing.T, surface string) (*bot.Engine, bot.Message) {
	s, ok := replySurfaces[surface]
	if !ok {
		t.Fatalf("no surface %q", surface)
	}
	e := bot.New(live(t), store(t), bot.Options{Unanswered: takesAll{}, Wishes: reachesStaff{}, Feedback: &opinions{},
		Now: func() time.Time { return time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC) }})
	m := bot.Message{Asker: "u", Surface: s}
	switch surface {
	case "aibot":
		m.Chat = "g"
	case "kf":
		m.Chat, m.Account = "kf/wk1", "wk1"
	}
	return e, m
}

// reachesStaff can tell people later, but not those outside.
type reachesStaff struct{ takesAll }

func (reachesStaff) Reaches(to bot.Address) bool { return to.Channel != kf.Surface.Name }

func writeReply(b *strings.Builder, r bot.Reply) {
	for i, p := range r.Pages {
		if i > 0 {
			b.WriteString("--\n")
		}
		for line := range strings.Lines(p) {
			fmt.Fprintf(b, "\t%s\n", strings.TrimRight(line, "\n"))
		}
	}
	if c, ok := r.Card(); ok {
		b.WriteString("[" + c.Title)
		for _, button := range c.Buttons {
			b.WriteString(" | " + button.Text)
		}
		b.WriteString("]\n")
	}
}
