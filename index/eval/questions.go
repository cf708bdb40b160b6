// Package eval judges answers against questions whose right answers people wrote
// down. It knows nothing of how answers come about: it is handed a function that
// answers.
//
// Read questions.go (what is judged), then judge.go (how), report.go (what comes
// of it); retrieval.go measures plain search over any collection.
package eval

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Question is one message with its right answer.
type Question struct {
	ID       string `json:"id"`
	Question string `json:"question"`
	Kind     string `json:"kind"`
	// Expect names what must be in the reply (direct/5, direct/* for a whole section)
	// and AlsoOK what may be there without harm.
	Expect []string `json:"expect"`
	AlsoOK []string `json:"also_ok"`
	// Answerable is false for a question the knowledge has no answer to.
	Answerable bool   `json:"answerable"`
	Origin     string `json:"origin"`
}

// Dialog is a conversation whose turns build on each other.
type Dialog struct {
	ID     string `json:"id"`
	Turns  []Turn `json:"turns"`
	Origin string `json:"origin"`
}

// Turn is one message of a dialog.
type Turn struct {
	User   string   `json:"user"`
	Expect []string `json:"expect"`
	AlsoOK []string `json:"also_ok"`
	// Act is what the turn does: one of acts.
	Act    string `json:"act"`
	UserID string `json:"user_id"`
	// Quotes is the turn, from 1, whose reply is quoted along; 0: none.
	Quotes int `json:"quotes"`
	// Says must stand in the reply's text, and NotSays must not.
	Says    []string `json:"says"`
	NotSays []string `json:"not_says"`
}

// Compound is one message with the questions it asks. A message that must not be
// split has one part.
type Compound struct {
	ID       string         `json:"id"`
	Question string         `json:"question"`
	Parts    []CompoundPart `json:"parts"`
	Origin   string         `json:"origin"`
}

// CompoundPart is one question of a message; it expects nothing when the knowledge
// has no answer to it.
type CompoundPart struct {
	Expect []string `json:"expect"`
	AlsoOK []string `json:"also_ok"`
}

// ReadQuestions reads JSON Lines of judged questions. An error names file and line.
func ReadQuestions(file string) ([]Question, error) { return readLines(file, checkQuestion) }

func checkQuestion(q Question) error {
	switch {
	case q.ID == "" || q.Question == "":
		return fmt.Errorf("id or question is missing")
	case q.Answerable && len(q.Expect) == 0:
		return fmt.Errorf("question %s is answerable and expects nothing; fill in expect", q.ID)
	case !q.Answerable && len(q.Expect) > 0:
		return fmt.Errorf("question %s expects something and is not answerable; set answerable", q.ID)
	}
	return nil
}

// ReadDialogs reads JSON Lines of dialogs.
func ReadDialogs(file string) ([]Dialog, error) { return readLines(file, checkDialog) }

func checkDialog(d Dialog) error {
	if d.ID == "" || len(d.Turns) == 0 {
		return fmt.Errorf("id or turns are missing")
	}
	for i, t := range d.Turns {
		switch {
		case !slices.Contains(acts, t.Act):
			return fmt.Errorf("unknown act %q; use one of %s", t.Act, strings.Join(acts, ", "))
		case t.Quotes < 0 || t.Quotes > i:
			return fmt.Errorf("turn %d quotes turn %d; quote an earlier one", i+1, t.Quotes)
		}
	}
	return nil
}

// acts are what turns do: give an answer, go on, show one measure, narrow, switch or
// go back to a topic; have nothing to show (none: no answer; clarify: nothing to
// refer to; command: forgotten or to be passed on); or be polite.
var acts = []string{"answer", "more", "detail", "narrow", "switch", "back", "none", "clarify", "command", "greet", "thanks", "help"}

// ReadCompounds reads JSON Lines of messages with their parts.
func ReadCompounds(file string) ([]Compound, error) { return readLines(file, checkCompound) }

func checkCompound(c Compound) error {
	if c.ID == "" || c.Question == "" || len(c.Parts) == 0 {
		return fmt.Errorf("id, question or parts are missing")
	}
	return nil
}

// maxLine bounds one line of a file, in bytes.
const maxLine = 4 << 20

// readLines reads one JSON value a line and checks each.
func readLines[V any](file string, check func(V) error) ([]V, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("eval: %w", err)
	}
	defer f.Close()
	return scanLines(f, file, check)
}

func scanLines[V any](r io.Reader, file string, check func(V) error) ([]V, error) {
	var all []V
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if text == "" {
			continue
		}
		var v V
		err := json.Unmarshal([]byte(text), &v)
		if err == nil {
			err = check(v)
		}
		if err != nil {
			return nil, fmt.Errorf("eval: %s:%d: %w; one JSON object a line is expected", file, number, err)
		}
		all = append(all, v)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("eval: %s: %w", file, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("eval: %s holds no line to judge", file)
	}
	return all, nil
}
