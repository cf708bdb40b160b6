package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/silenceper/wechat/v2/work"

	"aeobot/bot/wecom/api"
)

const (
	// MaxBytes bounds one text or Markdown message in bytes of UTF-8, about 680 Chinese
	// characters, as a passive reply and as a sent message alike; the platform cuts
	// the rest silently (90236 and 90241, read in March 2026).
	MaxBytes = 2048
	// duplicateCheck is for how long the platform refuses the same content to the same
	// person again. It catches a second sending by another replica.
	//
	// A longer time would swallow the second page of a question that somebody honestly
	// asks again.
	duplicateCheck = time.Minute
	// longestCheck is the longest time that the platform does so for.
	longestCheck = 4 * time.Hour
)

// The calls we make, as errors and logs name them.
const (
	apiSend   = "message/send"
	apiUpdate = "message/update_template_card"
)

// Sender writes to members of the application. It may be used by many at once.
type Sender struct {
	client  *api.Client
	agentID int64
}

// NewSender makes a sender for the application with that decimal agent id.
func NewSender(c *api.Client, agentID string) (*Sender, error) {
	id, err := strconv.ParseInt(agentID, 10, 64)
	if err != nil {
		return nil, errors.New("app: sender needs a decimal agent id")
	}
	return &Sender{c, id}, nil
}

// outgoing is the body of message/send. The SDK's own type writes agentid as a
// string, where the platform documents a number.
type outgoing struct {
	ToUser                 string          `json:"touser"`
	MsgType                string          `json:"msgtype"`
	AgentID                int64           `json:"agentid"`
	Text                   *content        `json:"text,omitempty"`
	Markdown               *content        `json:"markdown,omitempty"`
	Card                   json.RawMessage `json:"template_card,omitempty"`
	EnableDuplicateCheck   int             `json:"enable_duplicate_check"`
	DuplicateCheckInterval int             `json:"duplicate_check_interval"` // seconds
}

type content struct {
	Content string `json:"content"`
}

// SendText writes text to one member, SendMarkdown Markdown. They return when the
// platform has taken it, has refused it, or ctx has ended; in the last case the text
// may arrive all the same. Errors that are an errcode are an *api.APIError; none
// carries a secret, the member's id or the text. doubt is how long ago the same may have
// been sent first, because a process was killed before it could note so; 0: it was not.
func (s *Sender) SendText(ctx context.Context, toUser, text string, doubt time.Duration) error {
	return s.sendWords(ctx, outgoing{ToUser: toUser, MsgType: "text", Text: &content{text}}, text, doubt)
}

// SendMarkdown is SendText for the small Markdown of the platform's client.
func (s *Sender) SendMarkdown(ctx context.Context, toUser, text string, doubt time.Duration) error {
	return s.sendWords(ctx, outgoing{ToUser: toUser, MsgType: "markdown", Markdown: &content{text}}, text, doubt)
}

func (s *Sender) sendWords(ctx context.Context, m outgoing, text string, doubt time.Duration) error {
	if text == "" || len(text) > MaxBytes || !utf8.ValidString(text) {
		return fmt.Errorf("app: text must be 1 to %d bytes of UTF-8, is %d bytes", MaxBytes, len(text))
	}
	return s.send(ctx, m, doubt, text)
}

// SendCard writes a template card to one member.
func (s *Sender) SendCard(ctx context.Context, toUser string, card json.RawMessage, doubt time.Duration) error {
	return s.send(ctx, outgoing{ToUser: toUser, MsgType: "template_card", Card: card}, doubt)
}

func (s *Sender) send(ctx context.Context, m outgoing, doubt time.Duration, private ...string) error {
	if err := checkRecipient(m.ToUser); err != nil {
		return err
	}
	check := min(duplicateCheck+max(doubt, 0), longestCheck)
	m.AgentID, m.EnableDuplicateCheck, m.DuplicateCheckInterval = s.agentID, 1, int(check/time.Second)
	return s.client.Call(ctx, apiSend, append(private, m.ToUser), func(w *work.Work) error {
		res, err := w.GetMessage().Send(apiSend, m)
		switch {
		case err != nil:
			return err
		case res.InvalidUser != "" || res.UnlicensedUser != "":
			return fmt.Errorf("%s: %w", apiSend, api.ErrRecipient) // although errcode is 0
		}
		return nil
	})
}

// UpdateCard changes a card in place, for the member who used it. Its response code
// comes from the event and works once.
func (s *Sender) UpdateCard(ctx context.Context, user, responseCode string, card json.RawMessage) error {
	if err := checkRecipient(user); err != nil {
		return err
	}
	body := map[string]any{"userids": []string{user}, "agentid": s.agentID, "response_code": responseCode, "template_card": card}
	return s.client.Call(ctx, apiUpdate, []string{user, responseCode}, func(w *work.Work) error {
		return api.Post(w, apiUpdate, body, nil)
	})
}

// checkRecipient refuses what the platform would send to somebody else. The id comes
// from a callback, but a bar in it would make two recipients, @all everyone.
func checkRecipient(user string) error {
	if user == "" || strings.ContainsAny(user, "|\n\r\t ") || strings.HasPrefix(user, "@") {
		return errors.New("app: recipient is not one member's id")
	}
	return nil
}
