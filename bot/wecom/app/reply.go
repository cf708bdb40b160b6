package app

import (
	"encoding/xml"
	"fmt"
	"time"

	"aeobot/bot/wecom/envelope"
)

// replyContentType is usual for the application's replies; the platform states none.
const replyContentType = "application/xml"

// cdata is text that encoding/xml writes as CDATA, splitting a ]]> inside it. A
// reply built by joining strings would let a question close the element it is
// quoted in and add a second MsgType.
type cdata struct {
	Text string `xml:",cdata"`
}

// passiveReply is a text answer in the HTTP response (90241).
type passiveReply struct {
	XMLName      xml.Name `xml:"xml"`
	ToUserName   cdata
	FromUserName cdata
	CreateTime   int64 // seconds
	MsgType      cdata
	Content      cdata
}

func writeReply(toUser, corpID, text string, now time.Time) ([]byte, error) {
	body, err := xml.Marshal(passiveReply{
		ToUserName:   cdata{printable(toUser)},
		FromUserName: cdata{printable(corpID)},
		CreateTime:   now.Unix(),
		MsgType:      cdata{"text"},
		Content:      cdata{printable(text)},
	})
	if err != nil {
		return nil, fmt.Errorf("app: write reply: %w", err)
	}
	return body, nil
}

// sealedReply is the signed and encrypted body around a passive reply.
type sealedReply struct {
	XMLName      xml.Name `xml:"xml"`
	Encrypt      cdata
	MsgSignature cdata
	TimeStamp    string // digits
	Nonce        cdata
}

func writeEnvelope(s envelope.Sealed) (body []byte, contentType string, err error) {
	body, err = xml.Marshal(sealedReply{
		Encrypt:      cdata{s.Encrypt},
		MsgSignature: cdata{s.Signature},
		TimeStamp:    s.Timestamp,
		Nonce:        cdata{printable(s.Nonce)},
	})
	if err != nil {
		return nil, "", fmt.Errorf("app: write envelope: %w", err)
	}
	return body, replyContentType, nil
}
