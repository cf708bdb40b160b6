package bot

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// Miss is one question that the knowledge had no answer to.
type Miss struct {
	// Key names the question, the same however it is spaced and punctuated.
	Key string
	// Question is what was asked, cut to maxMissRunes. It is the only place where
	// words of an asker are kept, and it expires.
	Question string
	Channel  string
	// Nearest is the id of the passage that came closest, or empty.
	Nearest string
	// Message names the message, so that a redelivery does not count twice; empty
	// for channels that never redeliver.
	Message string
	At      time.Time
}

// maxMissRunes bounds the words kept of a question, in characters.
const maxMissRunes = 500

// NewMiss describes a question without an answer.
func NewMiss(question, channel, nearest, message string, at time.Time) Miss {
	m := Miss{Key: questionKey(question), Question: shorten(strings.ToValidUTF8(question, "�"), maxMissRunes), Channel: channel, Nearest: nearest, At: at}
	if message != "" {
		m.Message = digest(message)
	}
	return m
}

// questionKey names a question, the same however it is spaced and punctuated.
func questionKey(question string) string {
	return digest(strings.Map(func(r rune) rune {
		if spoken(r) {
			return r
		}
		return -1
	}, strings.ToLower(norm.NFKC.String(question))))
}

func digest(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:12])
}

// Unanswered is a question on the coordinators' list, with how often it was asked.
type Unanswered struct {
	Key      string    `json:"key"`
	Question string    `json:"question"` // as it was asked last
	Count    int       `json:"count"`
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
	Channels []string  `json:"channels"` // sorted, each once
	Nearest  string    `json:"nearest"`
	// Messages are the latest that counted, at most maxMissMessages.
	Messages []string `json:"-"`
}

// maxMissMessages is how many messages of a question are remembered: redeliveries
// come within seconds.
const maxMissMessages = 16

// Add counts a miss; it tells whether it was a new one.
func (u *Unanswered) Add(m Miss) bool {
	if m.Message != "" {
		if slices.Contains(u.Messages, m.Message) {
			return false
		}
		u.Messages = append(u.Messages, m.Message)
		u.Messages = u.Messages[max(0, len(u.Messages)-maxMissMessages):]
	}
	if u.Count == 0 || m.At.Before(u.First) {
		u.First = m.At
	}
	if m.At.After(u.Last) {
		u.Last = m.At
	}
	u.Key, u.Question, u.Nearest = m.Key, m.Question, m.Nearest
	u.Count++
	if !slices.Contains(u.Channels, m.Channel) {
		u.Channels = append(u.Channels, m.Channel)
		slices.Sort(u.Channels)
	}
	return true
}

// SortUnanswered puts what was asked most often first, then what was asked latest.
func SortUnanswered(list []Unanswered) {
	slices.SortFunc(list, func(x, y Unanswered) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), y.Last.Compare(x.Last), cmp.Compare(x.Key, y.Key))
	})
}

// Misses is the coordinators' list of unanswered questions. Every method may be
// called from many goroutines; every method returns soon after ctx ends.
type Misses interface {
	// Miss counts a question. The same message counts once.
	Miss(ctx context.Context, m Miss) error
	// Unanswered lists what is kept and not expired, in the order of SortUnanswered.
	Unanswered(ctx context.Context) ([]Unanswered, error)
}
