package bot

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// Rating is what a reader thinks of an answer.
type Rating int

// Ratings, as the platform numbers them (page 101027).
const (
	Useful    Rating = 1
	Useless   Rating = 2
	Withdrawn Rating = 3
)

// Feedback is one reader's opinion of one answer. A reader's last opinion counts.
type Feedback struct {
	// Answer names the answer.
	Answer string `json:"answer"`
	// Reader names who said so: by a plain digest here, under a key in a store.
	Reader string `json:"reader"`
	Rating Rating `json:"rating"`
	// Reasons are the platform's: 1 off the question, 2 incomplete, 3 wrong, 4 faulty
	// analysis.
	Reasons []int `json:"reasons,omitempty"`
	// Comment are the reader's words, cut to maxMissRunes. They expire with the
	// questions without an answer.
	Comment string `json:"comment,omitempty"`
	// Shown are the passages that the answer quoted, as far as is known.
	Shown   []string  `json:"shown,omitempty"`
	Channel string    `json:"channel"`
	At      time.Time `json:"at"`
}

// NewFeedback describes what reader thinks of an answer.
func NewFeedback(answer string, reader Asker, r Rating, at time.Time) Feedback {
	return Feedback{Answer: answer, Reader: digest("reader\x00" + string(reader)), Rating: r, At: at}
}

// WithComment adds a reader's words.
func (f Feedback) WithComment(words string) Feedback {
	f.Comment = shorten(strings.ToValidUTF8(words, "�"), maxMissRunes)
	return f
}

// Key names a reader's opinion of an answer.
func (f Feedback) Key() string { return digest(f.Answer + "\x00" + f.Reader) }

// Feedbacks keeps readers' opinions. Every method may be called from many goroutines;
// every method returns soon after ctx ends.
type Feedbacks interface {
	// Rate keeps an opinion in the place of the reader's last; a withdrawn one is
	// forgotten.
	Rate(ctx context.Context, f Feedback) error
	// Feedback lists what is kept and not expired, the latest first.
	Feedback(ctx context.Context) ([]Feedback, error)
}

// SortFeedback puts the latest first.
func SortFeedback(list []Feedback) {
	slices.SortFunc(list, func(x, y Feedback) int { return cmp.Or(y.At.Compare(x.At), cmp.Compare(x.Key(), y.Key())) })
}
