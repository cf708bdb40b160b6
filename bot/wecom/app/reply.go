package app

import (
	"encoding/xml"
	"fmt"
	"time"

	"aeobot/bot/wecom/envelope"
)

// passiveReply is a text answer in the HTTP response (90241).
type passiveReply struct {
	XMLName      xml.Name `xml:"xml"`
	ToUserName   envelope.CDATA
	FromUserName envelope.CDATA
	CreateTime   int64 // seconds
	MsgType      envelope.CDATA
	Content      envelope.CDATA
}

func writeReply(toUser, corpID, text string, now time.Time) ([]byte, error) {
	body, err := xml.Marshal(passiveReply{
		ToUserName:   envelope.CDATA{Text: envelope.Printable(toUser)},
		FromUserName: envelope.CDATA{Text: envelope.Printable(corpID)},
		CreateTime:   now.Unix(),
		MsgType:      envelope.CDATA{Text: "text"},
		Content:      envelope.CDATA{Text: envelope.Printable(text)},
	})
	if err != nil {
		return nil, fmt.Errorf("app: write reply: %w", err)
	}
	return body, nil
}
