package aibot

import (
	"context"

	"aeobot/bot"
)

// mute is an Answerer's part that a test has no use for.
type mute struct{}

func (mute) Press(context.Context, bot.Press) (bot.Pressed, error) { return bot.Pressed{}, bot.ErrKey }
func (mute) FeedbackID(id string, _ bot.Reply) string              { return id }
func (mute) Rate(context.Context, string, string, bot.Asker, bot.Rating, []int, string) {
}
