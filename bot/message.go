package bot

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
)

// Message is one thing a person wrote to the bot, whatever way it came.
type Message struct {
	// ID is the platform's own id of the message, the same on every redelivery.
	// Empty for channels that never redeliver (terminal): such a message is not
	// remembered as answered.
	ID string
	// Chat is the group's id; empty means a one-to-one talk.
	Chat string
	// Account is which of the bot's own accounts was written to, where a channel has
	// several; Chat then names no group.
	Account string
	// Asker is who wrote. The platform's opaque user id; never parsed.
	Asker Asker
	// Text is what the asker wrote, and nothing that others did. Names called in it may
	// stand there still.
	Text string
	// Relayed is set where others may have written some of Text: it is read as a question
	// and never as a command.
	Relayed bool
	// Quote is the text of the message that was quoted along, or empty. It is what is
	// asked when Text says nothing, and never a command: another may have written it.
	Quote string
	// View is the handle of the answer that the message is about, when a button under
	// it was pressed; or empty.
	View string
	// Day is the day the answer is for, as 2026-03-31; empty means today in China.
	Day string
	// Surface is what the asker's screen can show.
	Surface Surface

	notice bool   // beyond the limits: all it gets is TextWait
	lead   string // said above an answer
}

// Conversation names the thread this message belongs to: one person in one chat.
func (m Message) Conversation() Conversation {
	return Conversation{Chat: m.Chat, Asker: m.Asker}
}

// Conversation is one person's talk with the bot in one chat. Two colleagues in
// the same group have two conversations.
type Conversation struct {
	Chat  string
	Asker Asker
}

// Key is a fixed-length name for the conversation that has no characters a store gives a
// meaning to. It is a plain digest: whoever has a list of all people and chats finds out
// whose it is. What is kept where others may read it is named under a key; see package
// pseudonym.
func (c Conversation) Key() string {
	h := sha256.New()
	h.Write([]byte(c.Chat))
	h.Write([]byte{0}) // ("ab","c") and ("a","bc") are two conversations
	h.Write([]byte(c.Asker))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Asker is a person's user id. It hides itself in logs.
type Asker string

// logKey lives as long as the process, so hashing a staff list finds nobody.
var logKey = func() []byte {
	key := make([]byte, 32)
	rand.Read(key) // never fails: crypto/rand aborts the program instead
	return key
}()

// LogValue lets one asker be followed through a log without being named.
func (a Asker) LogValue() slog.Value {
	mac := hmac.New(sha256.New, logKey)
	mac.Write([]byte(a))
	return slog.StringValue(hex.EncodeToString(mac.Sum(nil)[:4]))
}

// Surface is what the asker's screen can show.
type Surface struct {
	// Name labels logs and metrics: aibot, app, terminal.
	Name string
	// Markdown says whether the screen renders Markdown.
	Markdown bool
	// MaxBytes bounds one message in bytes of UTF-8; 0 means no bound.
	MaxBytes int
	// MaxPages is how many messages one reply may take; at least 1. What does not
	// fit stays behind 更多.
	MaxPages int
}

// Reply is what the bot says to one message. Its JSON form is the one of
// `ask --json`.
type Reply struct {
	Answered bool `json:"answered"`
	// Act says what the reply does: one of the Act constants.
	Act string `json:"act"`
	// Text is exactly what the asker reads: the pages, joined by a blank line.
	Text string `json:"text"`
	// Parts are the questions found in the message and whether each was answered.
	Parts []Part `json:"parts"`
	// Shown are the measures whose words stand in Text, in reading order.
	Shown []Shown `json:"shown"`
	// Remaining is how many further matches 更多 would go on to show.
	Remaining int `json:"remaining"`
	// Suggestions are next questions that have an answer.
	Suggestions []string `json:"suggestions"`
	// View is the handle of what was shown, for the buttons under it; empty when there
	// is nothing to go on with.
	View string `json:"-"`
	// Wish is the key of the question that the asker can be told the answer of later; or
	// empty.
	Wish string `json:"-"`
	// Next are buttons for what a coordinator may say next.
	Next []Button `json:"-"`
	// Replayed tells that the reply was given before.
	Replayed bool `json:"-"`
	// asked is the question that was read in the message; empty: none.
	asked string
	// past is set when it is made of texts of another day.
	past bool
	// WantsPerson is set when the asker wants to talk to a person.
	WantsPerson bool `json:"-"`
	// OfferPerson is set when the channel is to offer one.
	OfferPerson bool `json:"-"`
	// Pages is Text cut between measures so that each page fits the surface.
	// A surface without a bound gets one page.
	Pages []string `json:"-"`
}

// What a reply does.
const (
	ActAnswer  = "answer"
	ActMore    = "more"
	ActDetail  = "detail"
	ActNarrow  = "narrow"
	ActSwitch  = "switch"
	ActClarify = "clarify"
	ActRefuse  = "refuse"
	ActGreet   = "greet"
	ActThanks  = "thanks"
	ActHelp    = "help"
	ActCommand = "command"
	ActWait    = "wait"  // too many messages: the one notice of a flood
	ActQuiet   = "quiet" // too many messages: nothing is said
)

// Quiet tells that nothing is to be said: there are no pages.
func (r Reply) Quiet() bool { return r.Act == ActQuiet }

// Part is one question of a message.
type Part struct {
	Question string `json:"question"`
	Answered bool   `json:"answered"`
}

// Shown is one passage whose words stand in a reply.
type Shown struct {
	ID      string  `json:"id"`
	Section string  `json:"section"`
	Number  int     `json:"number"` // the source's own number; 0: no numbered item
	Text    string  `json:"text"`
	Clause  int     `json:"-"` // which clause of a long measure Text is, from 1; 0: all of it
	Score   float64 `json:"score"`
	Source  Source  `json:"source"`
	// Status and what follows come from the curated notes, for the day asked about.
	Status    string `json:"status"`
	Note      string `json:"note"`
	ValidFrom string `json:"valid_from"`
	ValidTo   string `json:"valid_to"`
}

// Source is where the words stand: bytes Start to End (exclusive) of the file
// with that hash.
type Source struct {
	Document string `json:"document"`
	Title    string `json:"title"`
	Date     string `json:"date"`
	URL      string `json:"url,omitempty"` // where it was published, when that is known
	SHA256   string `json:"sha256"`
	Start    int    `json:"start"`
	End      int    `json:"end"`
}
