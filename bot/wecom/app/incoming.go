package app

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"aeobot/bot/wecom/envelope"
)

// incoming is one decrypted callback message, as far as we use it (90238 to 90240,
// read in March 2026).
type incoming struct {
	to, from    string
	kind        string // MsgType
	event       string // Event, when kind is event
	id          string // MsgId, decimal; events have none
	agentID     string
	created     time.Time // CreateTime; zero when it is no number
	content     string
	recognition string   // what the platform heard in a voice message, when it says so
	eventKey    string   // of a menu entry or a card's button
	taskID      string   // of the card
	code        string   // ResponseCode: lets the card be changed once
	lost        []string // fields that are there and could not be read
}

// Refusals of a message that is authentic and readable but not for us, or not
// whole. The platform gets an empty 200: any other status makes it try again.
var (
	errForeignCorp  = errors.New("message is for another corp")
	errForeignAgent = errors.New("message is for another application")
	errIncomplete   = errors.New("message lacks a sender or a type")
)

// maxIDDigits is the length of the largest 64-bit number in decimal.
const maxIDDigits = 20

// readIncoming reads a decrypted message and checks that it is whole.
func readIncoming(plaintext []byte) (incoming, error) {
	f, lost, err := envelope.SignedFields(plaintext, "ToUserName", "FromUserName",
		"CreateTime", "MsgType", "Event", "MsgId", "AgentID", "Content", "Recognition", "EventKey", "TaskId", "ResponseCode")
	if err != nil {
		return incoming{}, fmt.Errorf("app: message: %w", err)
	}
	in := incoming{
		to:          strings.TrimSpace(f["ToUserName"]),
		from:        strings.TrimSpace(f["FromUserName"]),
		kind:        strings.TrimSpace(f["MsgType"]),
		event:       strings.TrimSpace(f["Event"]),
		id:          strings.TrimSpace(f["MsgId"]),
		agentID:     strings.TrimSpace(f["AgentID"]),
		content:     f["Content"],
		recognition: strings.TrimSpace(f["Recognition"]),
		eventKey:    strings.TrimSpace(f["EventKey"]),
		taskID:      strings.TrimSpace(f["TaskId"]),
		code:        strings.TrimSpace(f["ResponseCode"]),
		lost:        lost,
	}
	if in.kind != "event" && !isMsgID(in.id) { // delivered again it is the same
		in.id, in.lost = fmt.Sprintf("sum-%x", sha256.Sum256(plaintext))[:36], append(in.lost, "MsgId")
	}
	if seconds, err := strconv.ParseInt(strings.TrimSpace(f["CreateTime"]), 10, 64); err == nil {
		in.created = time.Unix(seconds, 0)
	}
	if in.from == "" && !in.customerService() || in.kind == "" {
		return incoming{}, fmt.Errorf("app: message: %w", errIncomplete)
	}
	return in, nil
}

// customerService reports whether it is an event of customer service, which comes from nobody
// and for no application.
func (in incoming) customerService() bool { return in.kind == "event" && in.event == "kf_msg_or_event" }

// addressed says whether the message is for this application. agentID empty means
// that none is configured; events of the whole corp carry none themselves.
func (in incoming) addressed(corpID, agentID string) error {
	switch {
	case in.to != corpID:
		return fmt.Errorf("app: message: %w", errForeignCorp)
	case agentID != "" && in.agentID != "" && in.agentID != agentID:
		return fmt.Errorf("app: message: %w", errForeignAgent)
	}
	return nil
}

// isMsgID tells a MsgId, which becomes part of a key in the store.
func isMsgID(s string) bool {
	return s != "" && len(s) <= maxIDDigits && strings.Trim(s, "0123456789") == ""
}
