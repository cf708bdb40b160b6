// Package cards writes bot.Card as a template card (模板卡片) of the platform. It knows
// the platform's JSON (pages 101032 and 90236, read in November 2026) and nothing of
// what the buttons do.
package cards

import (
	"bytes"
	"encoding/json"

	"aeobot/bot"
)

// card is the kind button_interaction.
type card struct {
	Type      string   `json:"card_type"`
	MainTitle title    `json:"main_title"`
	Buttons   []button `json:"button_list"`
	// TaskID names the card: digits, letters, _ - @, at most 128 bytes, used once.
	TaskID string `json:"task_id"`
}

type title struct {
	Title string `json:"title"`
}

type button struct {
	Type  *int   `json:"type,omitempty"` // applications only; 0: tells us
	Text  string `json:"text"`
	Style int    `json:"style"`
	Key   string `json:"key"`
}

// Looks of a button.
const (
	styleMain  = 1 // blue
	styleOther = 2 // pale
)

// ForAIBot writes a card as an AI bot sends it.
func ForAIBot(c bot.Card, taskID string) json.RawMessage { return write(c, taskID, nil) }

// ForApp writes a card as an application sends it.
func ForApp(c bot.Card, taskID string) json.RawMessage {
	callback := 0
	return write(c, taskID, &callback)
}

func write(c bot.Card, taskID string, kind *int) json.RawMessage {
	k := card{Type: "button_interaction", MainTitle: title{c.Title}, TaskID: taskID}
	for i, b := range c.Buttons {
		style := styleOther
		if i == 0 {
			style = styleMain
		}
		k.Buttons = append(k.Buttons, button{kind, b.Text, style, b.Key})
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // escapes would cost bytes
	if err := e.Encode(k); err != nil {
		panic("cards: " + err.Error()) // strings and numbers only: json cannot fail on them
	}
	return bytes.TrimSpace(out.Bytes())
}
