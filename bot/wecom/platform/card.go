package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"
)

// Card is a template card of buttons, as members see it.
type Card struct {
	Title   string       `json:"title"`
	Buttons []CardButton `json:"buttons"`
	TaskID  string       `json:"task"`
}

// CardButton is one of a card's.
type CardButton struct {
	Text  string `json:"text"`
	Key   string `json:"key"`
	Style int    `json:"style"`
}

// errCard means that the platform does not take a card (page 101032).
var errCard = errors.New("template card")

var taskID = regexp.MustCompile(`^[0-9A-Za-z_@-]{1,128}$`)

const (
	maxButtons   = 6
	maxKeyBytes  = 1024
	maxCardRunes = 26
	// maxButtonRunes is what a client shows of a button.
	maxButtonRunes = 10
)

// readCard reads a card as strictly as the platform: what is wrong with it makes it
// refuse the whole message.
func readCard(data json.RawMessage) (*Card, error) {
	var in struct {
		Type  string `json:"card_type"`
		Title struct {
			Title string `json:"title"`
		} `json:"main_title"`
		Buttons []CardButton `json:"button_list"`
		TaskID  string       `json:"task_id"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("%w: %w", errCard, err)
	}
	switch {
	case in.Type != "button_interaction":
		return nil, fmt.Errorf("%w: type %q is not shown by the stand-in", errCard, in.Type)
	case !taskID.MatchString(in.TaskID):
		return nil, fmt.Errorf("%w: task_id %q", errCard, in.TaskID)
	case in.Title.Title == "" || utf8.RuneCountInString(in.Title.Title) > maxCardRunes:
		return nil, fmt.Errorf("%w: title is empty or longer than %d characters", errCard, maxCardRunes)
	case len(in.Buttons) == 0 || len(in.Buttons) > maxButtons:
		return nil, fmt.Errorf("%w: %d buttons", errCard, len(in.Buttons))
	}
	seen := map[string]bool{}
	for _, b := range in.Buttons {
		if b.Text == "" || utf8.RuneCountInString(b.Text) > maxButtonRunes || b.Key == "" || len(b.Key) > maxKeyBytes || seen[b.Key] {
			return nil, fmt.Errorf("%w: button %q: text or key is empty, too long or doubled", errCard, b.Text)
		}
		seen[b.Key] = true
	}
	return &Card{in.Title.Title, in.Buttons, in.TaskID}, nil
}

// has tells whether a card has a button with that key.
func (c *Card) has(key string) bool {
	return c != nil && slices.ContainsFunc(c.Buttons, func(b CardButton) bool { return b.Key == key })
}

// seenBy is the card under a message as a member sees it.
func (m *Message) seenBy(member string) *Card {
	if own := m.Own[member]; own != nil {
		return own
	}
	return m.Card
}

// put puts a card in the place of a message's, for some members or for all.
func (m *Message) put(card *Card, members []string) {
	if len(members) == 0 {
		m.Card, m.Own = card, nil
		return
	}
	own := map[string]*Card{}
	for who, other := range m.Own { // copies of the message may be in use
		own[who] = other
	}
	for _, who := range members {
		own[who] = card
	}
	m.Own = own
}
