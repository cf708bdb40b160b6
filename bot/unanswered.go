package bot

import "time"

type Miss struct {
	Key, Question, Channel, Nearest, Message string
	At                                       time.Time
}

func NewMiss(question, channel, nearest, message string, at time.Time) Miss {
	return Miss{"", question, channel, nearest, message, at}
}
